//! Standings by example, and against a naive composition that knows no short cut.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::verdict::made_up::{Made, MadeComponent, cell, parts};

const EAST: usize = 0;
const WEST: usize = 1;

fn at(secs: u64) -> Mono {
    Mono::micros(secs)
}

/// What is said of each cell, and which witness cells show life until when.
#[derive(Clone, Debug)]
struct Table {
    said: Vec<Verdict>,
    lived: Vec<Mono>,
}

impl Look for Table {
    fn verdict(&self, cell: CellPos) -> Verdict {
        self.said[cell.index()]
    }
    fn lives(&self, cell: CellPos, after: Mono) -> bool {
        self.lived[cell.index()] > after
    }
}

/// A service whose probes stand in two regions, and where it is active.
struct Made2 {
    parts: Parts,
    table: Table,
    active: Option<RegionPos>,
    wide_only: bool,
}

impl Made2 {
    fn new(rule: DownRule, components: &[MadeComponent], probes: &[Made]) -> Made2 {
        let parts = parts(2, rule, components, probes);
        let table = Table {
            said: vec![Verdict { say: Say::Up, since: at(1) }; parts.cells.len()],
            lived: vec![Mono::BOOT; parts.cells.len()],
        };
        Made2 { parts, table, active: Some(RegionPos::at(EAST)), wide_only: false }
    }

    /// Trigger probes of the service itself.
    fn plain(count: usize) -> Made2 {
        Made2::new(DownRule::Any, &[], &vec![Made::TRIGGER; count])
    }

    fn say(mut self, probe: usize, region: usize, say: Say, since: u64) -> Made2 {
        let cell = cell(&self.parts, probe, region);
        self.table.said[cell.index()] = Verdict { say, since: at(since) };
        self
    }

    fn down(self, probe: usize, since: u64) -> Made2 {
        self.say(probe, EAST, Say::Down, since)
    }

    fn lived(mut self, probe: usize, region: usize, until: u64) -> Made2 {
        let cell = cell(&self.parts, probe, region);
        self.table.lived[cell.index()] = at(until);
        self
    }

    fn components(&self, region: usize) -> (Vec<Verdict>, Standing) {
        let mut said = vec![Verdict::UNKNOWN; self.parts.components.len()];
        let region = RegionPos::at(region);
        let standing = self.parts.compose(region, self.active, self.wide_only, &self.table, &mut said);
        (said, standing)
    }

    fn stands(&self, region: usize) -> Standing {
        self.components(region).1
    }

    fn east(&self) -> Standing {
        self.stands(EAST)
    }
}

fn since(standing: Standing) -> [Option<u64>; 5] {
    standing.at.map(|at| at.map(Mono::as_micros))
}

#[test]
fn all_well() {
    let east = Made2::plain(2).east();
    assert_eq!((east.worst(), east.up, east.alive, east.watched), (None, Some(at(1)), true, true));
}

#[test]
fn any_is_one_all_is_each_and_at_least_is_so_many() {
    let by = |rule, downs: usize| {
        let three = [Made::TRIGGER.of(0), Made::TRIGGER.of(0), Made::TRIGGER.of(0)];
        let critical = [MadeComponent::CRITICAL.rule(rule)];
        let made = Made2::new(DownRule::Any, &critical, &three);
        (0..downs).fold(made, |made, i| made.down(i, 10 + i as u64)).east().at_least(Level::Down)
    };
    assert_eq!(by(DownRule::Any, 1), Some(at(10)));
    assert_eq!(by(DownRule::All, 2), None);
    assert_eq!(by(DownRule::All, 3), Some(at(12)), "since the last of them fell");
    assert_eq!(by(DownRule::AtLeast(2), 1), None);
    assert_eq!(by(DownRule::AtLeast(2), 2), Some(at(11)));
    assert_eq!(by(DownRule::AtLeast(2), 3), Some(at(11)), "since the second fell, not the third");
}

#[test]
fn the_service_s_own_rule_counts_critical_components_and_its_own_probes_are_one() {
    let two = [MadeComponent::CRITICAL, MadeComponent::CRITICAL];
    let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(1), Made::TRIGGER, Made::TRIGGER];
    let made = |rule| Made2::new(rule, &two, &probes);
    assert_eq!(made(DownRule::AtLeast(2)).down(2, 5).down(3, 6).east().worst(), Some(Level::Degraded));
    assert_eq!(made(DownRule::AtLeast(2)).down(2, 5).down(0, 6).east().worst(), Some(Level::Down));
    assert_eq!(made(DownRule::All).down(0, 5).down(1, 6).east().worst(), Some(Level::Degraded));
    assert_eq!(
        since(made(DownRule::All).down(0, 5).down(1, 6).down(2, 7).east()),
        [Some(5), Some(5), Some(7), Some(7), None]
    );
}

#[test]
fn a_component_that_is_not_critical_degrades() {
    let high = [MadeComponent::CRITICAL, MadeComponent::CRITICAL.priority(Priority::High)];
    let made = Made2::new(DownRule::Any, &high, &[Made::TRIGGER.of(0), Made::TRIGGER.of(1)]);
    let east = made.down(1, 10).east();
    assert_eq!(since(east), [Some(10), Some(10), None, None, None]);
    assert!(east.up.is_some() && east.alive, "what is critical is up");
}

#[test]
fn slow_is_trouble_and_no_more() {
    let east = Made2::plain(2).say(0, EAST, Say::Slow, 10).east();
    assert_eq!(since(east), [Some(10), None, None, None, None]);
    assert!(east.up.is_some());
}

#[test]
fn only_trigger_probes_make_a_standing() {
    let probes = [Made::TRIGGER, Made::TRIGGER.tier(Tier::Gate), Made::TRIGGER.tier(Tier::Inform)];
    let made = Made2::new(DownRule::Any, &[], &probes);
    assert_eq!(made.down(1, 5).down(2, 5).east().worst(), None);
    // A component of inform probes is for conditions only.
    let probes = [Made::TRIGGER, Made::TRIGGER.of(0).tier(Tier::Inform)];
    let made = Made2::new(DownRule::Any, &[MadeComponent::CRITICAL], &probes).down(1, 5);
    let (said, standing) = made.components(EAST);
    assert_eq!((said[0].down(), standing.worst()), (Some(at(5)), None));
    assert!(standing.up.is_some());
}

#[test]
fn what_depends_on_something_down_is_no_evidence_however_far() {
    let high = |on: &[usize]| MadeComponent::CRITICAL.priority(Priority::High).on(on);
    let chain = [high(&[]), high(&[0]), MadeComponent::CRITICAL.on(&[1])];
    let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(1), Made::TRIGGER.of(2)];
    let made = || Made2::new(DownRule::Any, &chain, &probes);
    let all = made().down(0, 10).down(1, 9).down(2, 8);
    let (said, standing) = all.components(EAST);
    assert_eq!(said.iter().map(|v| v.say).collect::<Vec<_>>(), [Say::Down, Say::Unknown, Say::Unknown]);
    assert_eq!(
        standing.at_least(Level::Trouble),
        standing.at_least(Level::Gone),
        "all down: gone all the same"
    );
    let two = made().down(0, 10).down(2, 8);
    assert_eq!(two.east().worst(), Some(Level::Down), "what stands between is well: its failure counts");
    let masked = made().down(0, 10).down(1, 9);
    assert_eq!(since(masked.east()), [Some(10), Some(10), None, None, None], "told as the first one's alone");
    let slow = made().down(0, 10).say(1, EAST, Say::Slow, 3);
    assert_eq!(slow.east().at_least(Level::Trouble), Some(at(10)));
    let up = made().down(0, 10);
    assert_eq!(up.components(EAST).0[1].say, Say::Up, "who answers all the same is up");
}

#[test]
fn gone_is_every_probe_that_a_majority_can_see_while_the_others_are_silent() {
    let probes = [Made::TRIGGER.narrow(), Made::TRIGGER, Made::TRIGGER];
    let made = || Made2::new(DownRule::Any, &[], &probes).down(1, 10).down(2, 12);
    assert_eq!(made().east().worst(), Some(Level::Down), "a local probe is known to be up");
    assert_eq!(made().say(0, EAST, Say::Slow, 5).east().worst(), Some(Level::Down), "or slow");
    let silent = made().say(0, EAST, Say::Unknown, 0).east();
    assert_eq!(since(silent), [Some(10), Some(10), Some(10), Some(10), Some(12)]);
    assert_eq!(made().down(0, 30).east().at_least(Level::Gone), Some(at(12)), "or down, since whenever");
    let partly = Made2::new(DownRule::Any, &[], &probes).down(1, 10).say(0, EAST, Say::Unknown, 0);
    assert_eq!(partly.east().worst(), Some(Level::Down), "one that all can see is up");
    let unknown = partly.say(2, EAST, Say::Unknown, 0);
    assert_eq!(unknown.east().worst(), Some(Level::Down), "or unknown");
}

#[test]
fn what_only_few_can_see_is_never_gone() {
    let made = Made2::new(DownRule::Any, &[], &[Made::TRIGGER.narrow()]).down(0, 10);
    assert_eq!(made.east().worst(), Some(Level::Down));
}

#[test]
fn gone_is_down_whatever_the_rule_says() {
    let all = [MadeComponent::CRITICAL.rule(DownRule::All)];
    let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(0).narrow()];
    let made = Made2::new(DownRule::All, &all, &probes).down(0, 10).say(1, EAST, Say::Unknown, 0);
    assert_eq!(since(made.east()), [Some(10), Some(10), Some(10), Some(10), Some(10)]);
}

#[test]
fn while_a_witness_says_that_it_lives_it_is_unreachable_and_not_down() {
    let standby = Made::TRIGGER.tier(Tier::Inform).role(Role::Standby).witness_of(WitnessOf::Active);
    let made =
        |until| Made2::new(DownRule::Any, &[], &[Made::TRIGGER, standby]).down(0, 10).lived(1, WEST, until);
    assert_eq!(made(11).east().worst(), Some(Level::Unreachable));
    assert_eq!(since(made(11).east()), [Some(10), Some(10), Some(10), None, None]);
    assert_eq!(made(10).east().worst(), Some(Level::Gone), "no evidence since the first failure");
    let here = made(0).lived(1, EAST, 99);
    assert_eq!(here.east().worst(), Some(Level::Gone), "nobody is a witness of itself");
    let both = made(99).say(0, WEST, Say::Down, 10);
    assert_eq!(both.stands(WEST).worst(), Some(Level::Gone), "it speaks for the active region only");
    let west = Made::TRIGGER.tier(Tier::Inform).witness_of(WitnessOf::Region(RegionPos::at(WEST)));
    let made = Made2::new(DownRule::Any, &[], &[Made::TRIGGER, west]);
    let made = made.say(0, WEST, Say::Down, 10).lived(1, EAST, 11);
    assert_eq!(made.stands(WEST).worst(), Some(Level::Unreachable));
    let two =
        Made2::new(DownRule::Any, &[], &[Made::TRIGGER, Made::TRIGGER, standby]).down(0, 10).down(1, 20);
    assert_eq!(
        two.lived(2, WEST, 15).east().worst(),
        Some(Level::Gone),
        "what it heard was before the last one fell"
    );
    let nowhere = Made::TRIGGER.tier(Tier::Inform).role(Role::Service).witness_of(WitnessOf::Active);
    let made = Made2::new(DownRule::Any, &[], &[Made::TRIGGER, nowhere]).down(0, 10).lived(1, EAST, 11);
    assert_eq!(made.east().worst(), Some(Level::Unreachable), "a provider may know it, too");
}

#[test]
fn each_role_counts_where_it_runs() {
    let probes = [
        Made::TRIGGER.role(Role::Each),
        Made::TRIGGER.role(Role::Active),
        Made::TRIGGER.role(Role::Standby),
        Made::TRIGGER.role(Role::Service),
    ];
    let counted = |made: &Made2, region: usize| -> Vec<usize> {
        let region = RegionPos::at(region);
        (0..4).filter(|&p| made.parts.cell_in(ProbePos::at(p), region, made.active).is_some()).collect()
    };
    let mut made = Made2::new(DownRule::Any, &[], &probes);
    assert_eq!((counted(&made, EAST), counted(&made, WEST)), (vec![0, 1, 3], vec![0, 2, 3]));
    assert_eq!(made.parts.cell_in(ProbePos::at(9), RegionPos::at(EAST), made.active), None);
    let runs = |made: &Made2| -> Vec<bool> {
        (0..made.parts.cells.len()).map(|i| made.parts.runs(CellPos::at(i), made.active)).collect()
    };
    assert_eq!(runs(&made), [true, true, true, false, false, true, true]);
    made.active = None;
    assert_eq!(
        runs(&made),
        [true, true, false, false, false, false, true],
        "nobody knows where it is active"
    );
    made.parts.probes[1].drift = true;
    assert_eq!(runs(&made), [true, true, true, true, false, false, true], "who says so looks everywhere");
    made.active = Some(RegionPos::at(EAST));
    assert_eq!(runs(&made), [true, true, true, true, false, true, true], "drift watch …");
    assert_eq!(counted(&made, WEST), [0, 2, 3], "… in no standing");
    assert!(!made.parts.runs(CellPos::at(99), made.active));
}

#[test]
fn a_cold_standby_is_watched_by_nothing() {
    let made = Made2::new(DownRule::Any, &[], &[Made::TRIGGER.role(Role::Active)]);
    let west = made.stands(WEST);
    assert_eq!((west.worst(), west.up, west.alive, west.watched), (None, None, false, false));
    assert!(made.east().watched);
}

#[test]
fn a_standby_is_up_by_what_runs_there() {
    let two = [MadeComponent::CRITICAL, MadeComponent::CRITICAL];
    let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(1).role(Role::Active)];
    let west = Made2::new(DownRule::Any, &two, &probes).stands(WEST);
    assert_eq!(
        (west.up, west.worst()),
        (Some(at(1)), None),
        "the second component runs only where it is active"
    );
    let own = [Made::TRIGGER.of(0), Made::TRIGGER.role(Role::Active)];
    assert_eq!(Made2::new(DownRule::Any, &two[..1], &own).stands(WEST).up, Some(at(1)));
    let all = Made2::new(DownRule::All, &two, &probes).say(0, WEST, Say::Down, 5);
    assert_eq!(all.stands(WEST).at_least(Level::Down), Some(at(5)), "and down by it");
}

#[test]
fn up_needs_every_critical_component_and_unknown_is_not_up() {
    let two = [MadeComponent::CRITICAL, MadeComponent::CRITICAL];
    let probes = [Made::TRIGGER.of(0), Made::TRIGGER.of(1)];
    let made = || Made2::new(DownRule::Any, &two, &probes);
    assert_eq!(made().say(1, EAST, Say::Up, 7).east().up, Some(at(7)));
    assert_eq!(made().say(1, EAST, Say::Slow, 7).east().up, Some(at(7)));
    let unknown = made().say(1, EAST, Say::Unknown, 0).east();
    assert_eq!((unknown.up, unknown.worst(), unknown.alive), (None, None, true));
    let all = [MadeComponent::CRITICAL.rule(DownRule::All)];
    let pair = || Made2::new(DownRule::Any, &all, &[Made::TRIGGER.of(0), Made::TRIGGER.of(0)]);
    assert_eq!(pair().down(0, 5).east().up, Some(at(1)), "one of the pair answers");
    let silent = pair().down(0, 5).say(1, EAST, Say::Unknown, 0).east();
    assert_eq!((silent.up, silent.worst()), (None, Some(Level::Trouble)), "nobody knows whether it does");
    let slow = Made2::plain(2).say(0, EAST, Say::Slow, 5).say(1, EAST, Say::Unknown, 0);
    assert_eq!(slow.east().up, None);
    let rule = Made2::new(DownRule::All, &two, &probes).down(1, 7).east();
    assert_eq!((rule.up, rule.worst()), (None, Some(Level::Degraded)));
}

#[test]
fn a_silent_narrow_probe_does_not_hide_that_the_wide_one_answers() {
    let probes = [Made::TRIGGER, Made::TRIGGER.narrow()];
    let made = Made2::new(DownRule::Any, &[], &probes).say(1, EAST, Say::Unknown, 0);
    assert!(made.east().up.is_some());
    let only = Made2::new(DownRule::Any, &[], &probes[1..]).say(0, EAST, Say::Unknown, 0);
    assert_eq!(only.east().up, None);
}

#[test]
fn what_moves_by_itself_does_not_rest_on_narrow_probes() {
    let probes = [Made::TRIGGER, Made::TRIGGER.narrow()];
    let mut made = Made2::new(DownRule::Any, &[], &probes).down(1, 5);
    assert_eq!(made.east().worst(), Some(Level::Down));
    made.wide_only = true;
    assert_eq!(made.east().worst(), None);
    assert_eq!(made.down(0, 6).east().worst(), Some(Level::Gone));
}

/// The same by sets and sorting, straight from CONFIG §5 and §6.
fn naive(made: &Made2, region: usize) -> ([Option<Mono>; 5], bool, bool, Option<Mono>) {
    let (parts, region) = (&made.parts, RegionPos::at(region));
    let here = |probe: usize| -> Option<CellPos> {
        let part = &parts.probes[probe];
        match part.role {
            Role::Each => part.cells[region.index()],
            Role::Active => part.cells[region.index()].filter(|_| made.active == Some(region)),
            Role::Standby => part.cells[region.index()].filter(|_| made.active != Some(region)),
            Role::Service => part.nowhere,
        }
    };
    let said = |probe: usize| -> Option<Verdict> {
        let cell = here(probe)?;
        let counts = parts.cells[cell.index()].wide || !made.wide_only;
        Some(if counts { made.table.said[cell.index()] } else { Verdict::UNKNOWN })
    };
    let nth = |mut moments: Vec<Mono>, n: usize| -> Option<Mono> {
        moments.sort();
        moments.get(n.checked_sub(1)?).copied()
    };
    let rule = |rule: DownRule, downs: Vec<Mono>, of: usize| match rule {
        DownRule::Any => nth(downs, 1),
        DownRule::All => nth(downs, of),
        DownRule::AtLeast(n) => nth(downs, usize::from(n)),
    };
    // (down since, of no weight) of each component; those before are known.
    let mut known: Vec<(Option<Mono>, bool)> = vec![];
    for component in &parts.components {
        let members: Vec<Verdict> = component.members.iter().filter_map(|p| said(p.index())).collect();
        let down = rule(component.rule, members.iter().filter_map(|v| v.down()).collect(), members.len());
        let ailing = down.is_some() || members.iter().any(|v| v.say >= Say::Slow);
        let below =
            component.depends_on.iter().any(|on| known[on.index()].0.is_some() || known[on.index()].1);
        known.push(if below && ailing { (None, true) } else { (down, false) });
    }
    let runs = |members: &[ProbePos]| members.iter().any(|p| here(p.index()).is_some());
    let own = rule(DownRule::Any, parts.own.iter().filter_map(|p| said(p.index())?.down()).collect(), 1);
    let mut critical: Vec<Option<Mono>> = (parts.components.iter().zip(&known))
        .filter(|(c, _)| c.counts && c.priority == Priority::Critical && runs(&c.members))
        .map(|(_, known)| known.0)
        .collect();
    if runs(&parts.own) {
        critical.push(own);
    }
    let by_rule = rule(parts.rule, critical.iter().copied().flatten().collect(), critical.len());
    let triggers: Vec<usize> = (0..parts.probes.len())
        .filter(|&p| parts.probes[p].tier == Tier::Trigger && here(p).is_some())
        .collect();
    let wide = |p: &usize| parts.cells[here(*p).unwrap().index()].wide;
    let wides: Vec<Verdict> = triggers.iter().filter(|p| wide(p)).map(|&p| said(p).unwrap()).collect();
    let known_up = triggers.iter().filter(|p| !wide(p)).any(|&p| said(p).unwrap().alive().is_some());
    let gone = (!wides.is_empty() && wides.iter().all(|v| v.down().is_some()) && !known_up)
        .then(|| wides.iter().map(|v| v.since).max().unwrap());
    let down = by_rule.into_iter().chain(gone).min();
    let components = parts.components.iter().zip(&known).filter(|(c, _)| c.counts).filter_map(|(_, k)| k.0);
    let degraded = components.chain(own).chain(down).min();
    let heavy = |p: &usize| parts.probes[*p].component.is_none_or(|c| !known[c.index()].1);
    let ailing = triggers.iter().filter(|p| heavy(p)).filter_map(|&p| said(p).unwrap().ailing());
    let trouble = ailing.chain(degraded).min();
    let unwitnessed = |since: &Mono| {
        !parts.probes.iter().any(|part| {
            let of = match part.witness_of {
                Some(WitnessOf::Active) => made.active,
                Some(WitnessOf::Region(of)) => Some(of),
                None => None,
            };
            let cells = part.cells.iter().enumerate().filter(|(r, _)| *r != region.index());
            let mut cells = cells.filter_map(|(_, cell)| *cell).chain(part.nowhere);
            of == Some(region) && cells.any(|cell| made.table.lived[cell.index()] > *since)
        })
    };
    let known_gone = gone.filter(unwitnessed);
    let known_down = down.filter(unwitnessed).or(known_gone);
    let alive = down.is_none() && triggers.iter().any(|&p| said(p).unwrap().alive().is_some());
    let up_of = |members: &[ProbePos]| -> Option<Mono> {
        let here: Vec<(Verdict, bool)> =
            (members.iter().map(|p| p.index())).filter_map(|p| Some((said(p)?, wide(&p)))).collect();
        let silent = |(verdict, wide): &(Verdict, bool)| {
            verdict.say == Say::Unknown && (*wide || !here.iter().any(|(_, wide)| *wide))
        };
        if here.iter().any(silent) { None } else { here.iter().filter_map(|(v, _)| v.alive()).max() }
    };
    let mut ups: Vec<Option<Mono>> = (parts.components.iter().zip(&known))
        .filter(|(c, _)| c.counts && c.priority == Priority::Critical && runs(&c.members))
        .map(|(c, known)| if *known == (None, false) { up_of(&c.members) } else { None })
        .collect();
    if runs(&parts.own) {
        ups.push(if own.is_none() { up_of(&parts.own) } else { None });
    }
    let well = down.is_none() && !ups.is_empty() && ups.iter().all(Option::is_some);
    let up = if well { ups.into_iter().flatten().max() } else { None };
    ([trouble, degraded, down, known_down, known_gone], alive, !triggers.is_empty(), up)
}

fn rule() -> impl Strategy<Value = DownRule> {
    prop_oneof![
        3 => Just(DownRule::Any),
        1 => Just(DownRule::All),
        1 => (1_u8..4).prop_map(DownRule::AtLeast),
    ]
}

fn made() -> impl Strategy<Value = Made2> {
    let say = || prop::sample::select(vec![Say::Unknown, Say::Up, Say::Slow, Say::Down, Say::Down]);
    let component = (rule(), any::<bool>(), prop::collection::vec(any::<bool>(), 3));
    let roles = vec![Role::Each, Role::Each, Role::Each, Role::Active, Role::Standby, Role::Service];
    let tiers = vec![Tier::Trigger, Tier::Trigger, Tier::Trigger, Tier::Gate, Tier::Inform];
    let witness =
        vec![None, None, None, None, Some(WitnessOf::Active), Some(WitnessOf::Region(RegionPos::at(WEST)))];
    let probe = (
        prop::option::of(0_usize..3),
        prop::sample::select(tiers),
        prop::sample::select(roles),
        prop::sample::select(witness),
        prop::bool::weighted(0.7),
    );
    let cells = prop::collection::vec((say(), 1_u64..20, 0_u64..20), 12);
    (
        rule(),
        prop::collection::vec(component, 3),
        prop::collection::vec(probe, 0..6),
        cells,
        prop::option::of(0_usize..2),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(rule, components, probes, cells, active, wide_only)| {
            let components: Vec<MadeComponent> = (components.into_iter().enumerate())
                .map(|(i, (rule, critical, on))| MadeComponent {
                    priority: if critical { Priority::Critical } else { Priority::Medium },
                    rule,
                    depends_on: (0..i).filter(|&j| on[j]).collect(),
                })
                .collect();
            let probes: Vec<Made> = (probes.into_iter())
                .map(|(component, tier, role, witness_of, wide)| Made {
                    component,
                    tier,
                    role,
                    witness_of,
                    wide,
                })
                .collect();
            let mut made = Made2::new(rule, &components, &probes);
            for (i, (say, since, lived)) in cells.into_iter().enumerate().take(made.table.said.len()) {
                made.table.said[i] = Verdict { say, since: at(since) };
                made.table.lived[i] = at(lived);
            }
            made.active = active.map(RegionPos::at);
            made.wide_only = wide_only;
            made
        })
}

impl core::fmt::Debug for Made2 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#?}\n{:?}\nactive {:?}, wide {}", self.parts, self.table, self.active, self.wide_only)
    }
}

const LEVELS: [Level; 5] = [Level::Trouble, Level::Degraded, Level::Unreachable, Level::Down, Level::Gone];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn the_composition_is_right(made in made(), region in 0_usize..2) {
        let standing = made.stands(region);
        let (levels, alive, watched, up) = naive(&made, region);
        prop_assert_eq!(since(standing), levels.map(|at| at.map(Mono::as_micros)));
        prop_assert_eq!((standing.alive, standing.watched, standing.up), (alive, watched, up));
        for pair in LEVELS.windows(2) {
            let (less, more) = (standing.at_least(pair[0]), standing.at_least(pair[1]));
            prop_assert!(more.is_none() || less.is_some_and(|less| Some(less) <= more), "{:?} without {:?}", pair[1], pair[0]);
        }
        prop_assert_eq!(standing.worst(), LEVELS.into_iter().filter(|l| standing.at_least(*l).is_some()).max());
    }

    /// Where nothing depends on anything and no witness speaks, one more failure never makes it better.
    #[test]
    fn a_failure_more_is_never_better(mut made in made(), hit in any::<prop::sample::Index>(), region in 0_usize..2) {
        prop_assume!(!made.table.said.is_empty());
        alone(&mut made);
        let before = made.stands(region);
        let hit = hit.index(made.table.said.len());
        let known = made.table.said[hit].say != Say::Unknown;
        made.table.said[hit].say = Say::Down;
        let after = made.stands(region);
        prop_assert!(after.worst() >= before.worst(), "{before:?} -> {after:?}");
        prop_assert!(before.up.is_some() || after.up.is_none() || !known);
    }

    /// Knowing less of a probe that all can see never makes it worse; only a local probe's silence may, since a dead
    /// region's local probes are silent.
    #[test]
    fn knowing_less_is_never_worse(mut made in made(), hit in any::<prop::sample::Index>(), region in 0_usize..2) {
        prop_assume!(!made.table.said.is_empty());
        alone(&mut made);
        let before = made.stands(region);
        let hit = hit.index(made.table.said.len());
        made.table.said[hit].say = Say::Unknown;
        let after = made.stands(region);
        let narrow = !made.parts.cells[hit].wide;
        prop_assert!(
            after.worst() <= before.worst() || (narrow && after.worst() == Some(Level::Gone)),
            "{before:?} -> {after:?}"
        );
        prop_assert!(after.up.is_none() || before.up.is_some() || narrow);
    }
}

fn alone(made: &mut Made2) {
    for component in &mut made.parts.components {
        component.depends_on.clear();
    }
    for probe in &mut made.parts.probes {
        probe.witness_of = None;
    }
}
