//! Every word of the vocabulary alone, together, and what breaks it.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::ids::{CellPos, ObserverPos};
use crate::verdict::made_up::{Made, MadeComponent, cell, parts};
use crate::verdict::{Counted, DownRule, Myself, Role, Tier, Verdict, Votes};

const EAST: RegionPos = RegionPos::at(0);
const ME: ObserverPos = ObserverPos::at(0);

/// A service in three regions, active in the first: `db` (critical) with probe 0, `cache` (medium) with probe 1, a probe
/// 2 of its own in no region for conditions only, two triggers, two plans.
struct World {
    parts: Parts,
    votes: Votes,
    active: Option<RegionPos>,
    raised: Vec<Option<Mono>>,
    tried: Vec<Option<Mono>>,
    lost: Vec<Option<Mono>>,
    opened: Option<Mono>,
    own_loss_only: bool,
}

const DB: Part = Part::Component(ComponentPos::at(0));
const CACHE: Part = Part::Component(ComponentPos::at(1));
const PROBE: [Part; 3] =
    [Part::Probe(ProbePos::at(0)), Part::Probe(ProbePos::at(1)), Part::Probe(ProbePos::at(2))];

fn at(secs: u64) -> Mono {
    Mono::after_boot(Span::secs(secs))
}

impl World {
    /// All is up since second 1.
    fn well() -> World {
        let components = [MadeComponent::CRITICAL, MadeComponent::CRITICAL.priority(Priority::Medium)];
        let inform = Made::TRIGGER.tier(Tier::Inform).role(Role::Service);
        let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(1), inform];
        let parts = parts(3, DownRule::Any, &components, &probes);
        let votes = Votes::new(1, parts.cells.len());
        let mut world = World {
            parts,
            votes,
            active: Some(EAST),
            raised: vec![None; 2],
            tried: vec![None; 2],
            lost: vec![None; 3],
            opened: None,
            own_loss_only: false,
        };
        for probe in 0..3 {
            for region in 0..3 {
                world.tell(probe, region, Say::Up, 1);
            }
        }
        world
    }

    fn tell(&mut self, probe: usize, region: usize, say: Say, secs: u64) {
        let cell = cell(&self.parts, probe, region);
        self.votes.say_myself(ME, cell, Myself { say, since: at(secs), fresh: false, reading: None });
    }

    fn say(mut self, probe: usize, region: usize, say: Say, secs: u64) -> World {
        self.tell(probe, region, say, secs);
        self
    }

    fn with<T>(&self, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let mut picture = Picture::default();
        picture.draw(&self.parts, &self.votes, self.active, Counted::all(), Mono::BOOT);
        look(&Facts {
            parts: &self.parts,
            picture: &picture,
            active: self.active,
            raised: &self.raised,
            tried: &self.tried,
            lost: &self.lost,
            opened: self.opened,
            own_loss_only: self.own_loss_only,
        })
    }

    fn since(&self, clause: &Clause) -> Option<Mono> {
        self.with(|facts| clause.due(facts, None)).map(|due| due.since)
    }

    fn missing(&self, clause: &Clause) -> Option<Missing> {
        self.with(|facts| clause.missing(facts))
    }

    fn is(&self, clause: &Clause, since: u64) {
        assert_eq!((self.since(clause), self.missing(clause)), (Some(at(since)), None), "{clause:?}");
    }

    fn lacks(&self, clause: &Clause, missing: Missing) {
        assert_eq!((self.since(clause), self.missing(clause)), (None, Some(missing)), "{clause:?}");
    }
}

fn down(parts: &[Part]) -> Clause {
    Clause { down: parts.to_vec(), ..Clause::default() }
}

fn slow(parts: &[Part]) -> Clause {
    Clause { slow: parts.to_vec(), ..Clause::default() }
}

fn up(parts: &[Part]) -> Clause {
    Clause { up: parts.to_vec(), ..Clause::default() }
}

#[test]
fn service_is_at_least_so_bad() {
    let bad = |level| Clause::service_at_least(level);
    World::well().lacks(&bad(Level::Trouble), Missing::Service(Level::Trouble));
    let world = World::well().say(1, 0, Say::Down, 10);
    world.is(&bad(Level::Degraded), 10);
    world.lacks(&bad(Level::Down), Missing::Service(Level::Down));
    let world = world.say(0, 0, Say::Down, 12);
    world.is(&bad(Level::Trouble), 10);
    world.is(&bad(Level::Down), 12);
    world.is(&bad(Level::Gone), 12);
    let elsewhere = World::well().say(0, 1, Say::Down, 10);
    elsewhere.lacks(&bad(Level::Trouble), Missing::Service(Level::Trouble));
}

#[test]
fn down_slow_and_up_name_components_and_probes() {
    let world = World::well().say(0, 0, Say::Slow, 10).say(2, 0, Say::Down, 20);
    world.is(&slow(&[DB]), 10);
    world.is(&slow(&[PROBE[0], PROBE[2]]), 20);
    world.lacks(&down(&[DB]), Missing::Down(DB));
    world.is(&down(&[PROBE[2]]), 20);
    world.lacks(&down(&[PROBE[2], CACHE]), Missing::Down(CACHE));
    world.lacks(&slow(&[CACHE]), Missing::Slow(CACHE));
    world.is(&up(&[CACHE, PROBE[1]]), 1);
    world.lacks(&up(&[DB]), Missing::Up(DB));
    world.lacks(&up(&[PROBE[2]]), Missing::Up(PROBE[2]));
}

#[test]
fn unknown_matches_nothing() {
    let world = World::well().say(0, 0, Say::Unknown, 0);
    world.lacks(&down(&[DB]), Missing::Down(DB));
    world.lacks(&slow(&[PROBE[0]]), Missing::Slow(PROBE[0]));
    world.lacks(&up(&[DB]), Missing::Up(DB));
    let nobody = Part::Probe(ProbePos::at(9));
    for clause in [down(&[nobody]), slow(&[nobody]), up(&[nobody])] {
        assert_eq!(world.since(&clause), None);
    }
}

#[test]
fn at_least_so_many_suffice_since_the_last_of_them() {
    let two_of = |parts: &[Part]| Clause { at_least: Some(2), ..down(parts) };
    let all = two_of(&PROBE);
    let world = World::well().say(0, 0, Say::Down, 30);
    world.lacks(&all, Missing::Few { are: 1, of: 2 });
    let world = world.say(2, 0, Say::Down, 10);
    world.is(&all, 30);
    world.say(1, 0, Say::Down, 40).is(&all, 30);
    let slow = Clause { at_least: Some(1), ..slow(&PROBE) };
    World::well().lacks(&slow, Missing::Few { are: 0, of: 1 });
    World::well().say(1, 0, Say::Slow, 5).is(&slow, 5);
}

#[test]
fn some_component_of_at_least_that_priority() {
    let of = |least| Clause { priority: Some(least), ..Clause::default() };
    let world = World::well().say(1, 0, Say::Down, 10);
    world.is(&of(Priority::Low), 10);
    world.is(&of(Priority::Medium), 10);
    world.lacks(&of(Priority::High), Missing::Priority(Priority::High));
    world.say(0, 0, Say::Down, 5).is(&of(Priority::Low), 5);
}

#[test]
fn raised_tried_and_lost_since_the_last_of_them() {
    let raised =
        |n: &[usize]| Clause { raised: n.iter().map(|&n| TriggerPos::at(n)).collect(), ..Clause::default() };
    let tried =
        |n: &[usize]| Clause { tried: n.iter().map(|&n| PlanPos::at(n)).collect(), ..Clause::default() };
    let lost = Clause { region_lost: true, ..Clause::default() };
    let mut world = World::well();
    world.lacks(&raised(&[0]), Missing::Raised(TriggerPos::at(0)));
    world.lacks(&tried(&[1]), Missing::Tried(PlanPos::at(1)));
    world.lacks(&lost, Missing::RegionLost);
    (world.raised, world.tried) = (vec![Some(at(5)), Some(at(8))], vec![None, Some(at(9))]);
    world.lost = vec![None, Some(at(7)), None];
    world.is(&raised(&[0, 1]), 8);
    world.is(&tried(&[1]), 9);
    world.lacks(&tried(&[0, 1]), Missing::Tried(PlanPos::at(0)));
    world.lacks(&lost, Missing::RegionLost);
    world.lost[0] = Some(at(6));
    world.is(&lost, 6);
}

#[test]
fn what_moves_by_itself_does_not_move_because_others_are_down() {
    let lost = Clause { region_lost: true, ..Clause::default() };
    let mut world = World::well();
    (world.lost[0], world.own_loss_only) = (Some(at(6)), true);
    world.lacks(&lost, Missing::Service(Level::Down));
    world.say(0, 0, Say::Down, 9).is(&lost, 9);
}

#[test]
fn the_age_of_the_incident_counts_from_its_first_failed_sample() {
    let aged = Clause { open_for: Some(Span::mins(30)), ..Clause::default() };
    let mut world = World::well();
    world.lacks(&aged, Missing::NoIncident);
    world.opened = Some(at(100));
    let due = world.with(|facts| aged.due(facts, None)).unwrap();
    assert_eq!(due.from, at(1_900));
    assert!(!due.holds(at(1_900).before(Span::micros(1))) && due.holds(at(1_900)));
    let both = Clause { held: Span::mins(5), down: vec![DB], ..aged };
    let world = world.say(0, 0, Say::Down, 1_800);
    let due = world.with(|facts| both.due(facts, None)).unwrap();
    assert_eq!((due.since, due.from), (at(1_800), at(2_100)), "the later of the two");
}

#[test]
fn for_holds_at_its_last_microsecond_and_not_before() {
    let clause = down(&[DB]).held_for(Span::secs(60));
    let world = World::well().say(0, 0, Say::Down, 10);
    let due = world.with(|facts| clause.due(facts, None)).unwrap();
    assert_eq!((due.since, due.from), (at(10), at(70)));
    assert!(!due.holds(at(70).before(Span::micros(1))));
    assert!(due.holds(at(70)));
}

#[test]
fn standby_is_any_other_region() {
    let there = |clause: Clause| Clause { side: Side::Standby, ..clause };
    let world = World::well().say(0, 0, Say::Down, 10);
    world.lacks(&there(down(&[DB])), Missing::Down(DB));
    let world = world.say(0, 2, Say::Down, 30);
    world.is(&there(down(&[DB])), 30);
    let mut world = world.say(0, 1, Say::Down, 40);
    world.is(&there(down(&[DB])), 30);
    world.lost[2] = Some(at(50));
    world.is(&there(Clause { region_lost: true, ..down(&[DB]) }), 50);
    world.lacks(&there(up(&[DB])), Missing::Up(DB));
}

#[test]
fn without_an_active_region_nothing_holds() {
    let mut world = World::well().say(0, 0, Say::Down, 10);
    world.active = None;
    for side in [Side::Active, Side::Standby] {
        world.lacks(&Clause { side, ..down(&[DB]) }, Missing::NoActive);
    }
    (world.active, world.parts.regions) = (Some(EAST), 1);
    world.lacks(&Clause { side: Side::Standby, ..down(&[DB]) }, Missing::NoStandby);
}

#[test]
fn where_blame_shifts_without_a_break_the_earlier_moment_stands() {
    let any_two =
        Condition::any(vec![Clause { at_least: Some(1), ..down(&[DB, CACHE]) }.held_for(Span::secs(60))])
            .unwrap();
    let mut before = [None];
    let mut look =
        |world: &World| world.with(|facts| any_two.due(facts, &mut before)).map(|due| (due.since, due.from));
    let world = World::well().say(0, 0, Say::Down, 10);
    assert_eq!(look(&world), Some((at(10), at(70))));
    let world = world.say(1, 0, Say::Down, 40).say(0, 0, Say::Up, 50);
    assert_eq!(look(&world), Some((at(10), at(70))), "the other one was down before this one came back");
    let world = world.say(1, 0, Say::Unknown, 0);
    assert_eq!(look(&world), None, "a break");
    let world = world.say(1, 0, Say::Down, 40);
    assert_eq!(look(&world), Some((at(40), at(100))), "starts anew");
    assert_eq!(world.with(|facts| any_two.due_by_facts(facts)).map(|due| due.since), Some(at(40)));
}

#[test]
fn a_shift_between_clauses_is_a_break_in_each() {
    let two =
        Condition::any(vec![down(&[DB]).held_for(Span::secs(60)), down(&[CACHE]).held_for(Span::secs(60))])
            .unwrap();
    let mut before = [None; 2];
    let mut look = |world: &World| world.with(|facts| two.due(facts, &mut before)).map(|due| due.from);
    let world = World::well().say(0, 0, Say::Down, 10);
    assert_eq!(look(&world), Some(at(70)));
    let world = world.say(1, 0, Say::Down, 40);
    assert_eq!(look(&world), Some(at(70)), "the earliest");
    assert_eq!(look(&world.say(0, 0, Say::Up, 50)), Some(at(100)));
}

#[test]
fn what_would_hold_always_or_never_is_no_condition() {
    let no = |clauses: Vec<Clause>| Condition::any(clauses).unwrap_err();
    assert_eq!(no(vec![]), NotACondition::Empty);
    assert_eq!(no(vec![down(&[DB]), Clause::default()]), NotACondition::AsksNothing(1));
    let held = Clause::default().held_for(Span::mins(5));
    assert_eq!(no(vec![held]), NotACondition::AsksNothing(0), "held for so long, but what?");
    let least = |n, clause: Clause| Clause { at_least: Some(n), ..clause };
    assert_eq!(no(vec![least(0, down(&[DB]))]), NotACondition::AtLeast(0));
    assert_eq!(no(vec![least(2, down(&[DB]))]), NotACondition::AtLeast(0));
    assert_eq!(no(vec![least(1, up(&[DB]))]), NotACondition::AtLeast(0), "it counts nothing");
    let both = Clause { slow: vec![CACHE], ..down(&[DB, CACHE]) };
    assert_eq!(no(vec![least(2, both.clone())]), NotACondition::AtLeast(0), "one is not two");
    assert!(Condition::any(vec![least(1, both)]).is_ok());
    let condition = Condition::any(vec![Clause { tried: vec![PlanPos::at(1)], ..down(&[DB]) }]).unwrap();
    assert_eq!(condition.clauses().len(), 1);
}

fn worlds() -> impl Strategy<Value = World> {
    let say = || prop::sample::select(vec![Say::Unknown, Say::Up, Say::Slow, Say::Down, Say::Down]);
    let moment = || prop::option::of(1_u64..50);
    (
        prop::collection::vec((say(), 1_u64..50), 9),
        prop::sample::select(vec![None, Some(0), Some(0), Some(1), Some(2)]),
        prop::collection::vec(moment(), 8),
        any::<bool>(),
        1_usize..4,
    )
        .prop_map(|(said, active, moments, own_loss_only, regions)| {
            let mut world = World::well();
            for (i, (say, since)) in said.into_iter().enumerate() {
                world.tell(i / 3, i % 3, say, since);
            }
            let moment = |i: usize| moments[i].map(at);
            world.active = active.filter(|at| *at < regions).map(RegionPos::at);
            world.raised = vec![moment(0), moment(1)];
            world.tried = vec![moment(2), moment(3)];
            world.lost = vec![moment(4), moment(5), moment(6)];
            world.opened = moment(7);
            world.own_loss_only = own_loss_only;
            world.parts.regions = regions;
            world
        })
}

impl core::fmt::Debug for World {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let said: Vec<Verdict> =
            (0..self.parts.cells.len()).map(|i| self.votes.of(ME, CellPos::at(i))).collect();
        let moments = (&self.raised, &self.tried, &self.lost, self.opened);
        write!(f, "{said:?} {:?} {moments:?} {}", self.active, self.own_loss_only)
    }
}

fn clauses() -> impl Strategy<Value = Clause> {
    let part = prop::sample::select(vec![DB, CACHE, PROBE[0], PROBE[1], PROBE[2]]);
    let some = || prop::collection::vec(part.clone(), 0..3);
    let level = prop::sample::select(vec![Level::Trouble, Level::Degraded, Level::Down, Level::Gone]);
    let priority = prop::sample::select(vec![Priority::Low, Priority::Medium, Priority::Critical]);
    let two = || prop::collection::vec(0_usize..2, 0..2);
    (
        (prop::option::of(level), some(), some(), some(), prop::option::of(1_u8..3)),
        (prop::option::of(priority), two(), two(), prop::bool::weighted(0.2), any::<bool>()),
        (0_u64..30, prop::option::of(0_u64..30)),
    )
        .prop_map(|(words, more, (held, open_for))| Clause {
            service: words.0,
            down: words.1,
            slow: words.2,
            up: words.3,
            at_least: words.4,
            priority: more.0,
            raised: more.1.into_iter().map(TriggerPos::at).collect(),
            tried: more.2.into_iter().map(PlanPos::at).collect(),
            region_lost: more.3,
            side: if more.4 { Side::Active } else { Side::Standby },
            held: Span::secs(held),
            open_for: open_for.map(Span::secs),
        })
}

/// Each word of a clause as a clause of its own.
fn words(clause: &Clause) -> Vec<Clause> {
    let alone = Clause { at_least: clause.at_least, side: clause.side, ..Clause::default() };
    let one = |keep: &dyn Fn(&mut Clause)| {
        let mut word = alone.clone();
        keep(&mut word);
        word
    };
    vec![
        one(&|c| c.service = clause.service),
        one(&|c| c.down.clone_from(&clause.down)),
        one(&|c| c.slow.clone_from(&clause.slow)),
        one(&|c| c.up.clone_from(&clause.up)),
        one(&|c| c.priority = clause.priority),
        one(&|c| c.raised.clone_from(&clause.raised)),
        one(&|c| c.tried.clone_from(&clause.tried)),
        one(&|c| c.region_lost = clause.region_lost),
        one(&|c| c.open_for = clause.open_for),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    /// A clause either is so, or says what it lacks: never both, never neither.
    #[test]
    fn it_lacks_something_or_is_so(world in worlds(), clause in clauses()) {
        prop_assert_eq!(world.since(&clause).is_none(), world.missing(&clause).is_some());
    }

    /// All of its words, each on its own, are all of it.
    #[test]
    fn a_clause_is_all_of_its_words(world in worlds(), clause in clauses()) {
        let clause = Clause { side: Side::Active, ..clause };
        let words: Option<Vec<Due>> =
            words(&clause).iter().map(|word| world.with(|facts| word.due(facts, None))).collect();
        let due = world.with(|facts| clause.due(facts, None));
        // The last word is the age: it counts from the incident, and how long the others have held does not hang on it.
        let since = words.as_ref().map(|words| words.iter().map(|due| due.since).max().unwrap());
        prop_assert_eq!(due.map(|due| due.since), since);
        let from = words.map(|words| {
            let held = words[..words.len() - 1].iter().map(|due| due.since).max().unwrap() + clause.held;
            words.iter().map(|due| due.from).max().unwrap().max(held)
        });
        prop_assert_eq!(due.map(|due| due.from), from);
    }

    /// About standby regions: the first of them in which it would be so if that one were looked at.
    #[test]
    fn standby_is_the_earliest_of_the_others(world in worlds(), clause in clauses()) {
        let clause = Clause { side: Side::Standby, ..clause };
        let others = (0..world.parts.regions).map(RegionPos::at).filter(|at| world.active.is_some_and(|a| a != *at));
        let first = world.with(|facts| others.filter_map(|at| clause.since_at(at, facts)).min());
        let opened = clause.open_for.map_or(Some(Mono::BOOT), |_| world.opened);
        let first = first.zip(opened).map(|(first, opened)| first.max(opened));
        prop_assert_eq!(world.since(&clause), first);
    }

    /// Any of its clauses, in any order; and what was known before only ever makes it earlier.
    #[test]
    fn any_is_the_earliest_in_any_order(world in worlds(), list in prop::collection::vec(clauses(), 1..4), before in 1_u64..50) {
        let Ok(condition) = Condition::any(list.clone()) else { return Ok(()) };
        let mut turned = list.clone();
        turned.reverse();
        let turned = Condition::any(turned).unwrap();
        let alone = list.iter().filter_map(|clause| world.with(|facts| clause.due(facts, None))).min();
        world.with(|facts| {
            prop_assert_eq!(condition.due_by_facts(facts), alone);
            prop_assert_eq!(turned.due_by_facts(facts), alone);
            let (mut none, mut some) = (vec![None; list.len()], vec![Some(at(before)); list.len()]);
            prop_assert_eq!(condition.due(facts, &mut none), alone);
            let known = condition.due(facts, &mut some);
            prop_assert_eq!(known.is_some(), alone.is_some());
            prop_assert!(known <= alone, "{known:?} {alone:?}");
            for (kept, clause) in some.iter().zip(&list) {
                prop_assert_eq!(*kept, clause.due(facts, Some(at(before))).map(|due| due.since));
                let known = clause.open_for.map_or(at(before), |_| at(before).max(world.opened.unwrap_or_default()));
                prop_assert!(kept.is_none_or(|kept| kept <= known));
            }
            Ok(())
        })?;
    }
}
