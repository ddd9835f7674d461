//! What holds of the whole core, whatever reaches it: it never panics and never spins, it looks at what is and not at
//! how it came to be, a wake is never lost, and a reload of the same policy changes nothing.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::tests::name;
use super::*;
use crate::agree::{Ask, Claim, Epoch, Failover, Raised, Record, RunId, Try, Unfinished, Vote};
use crate::authority::SessionId;
use crate::decide::{Gate, Limits, Mode, Reason};
use crate::event::{Decided, Event};
use crate::health::self_trust::Round;
use crate::health::{Blindness, Failure, Outcome, Sample, self_trust};
use crate::ids::{CellPos, PolicyHash, ProbeId, ServiceId};
use crate::input::{Seen, Window};
use crate::plan::{
    ActionDraft, ActsAs, BodyDraft, Known, PlanDraft, PlanKind, Raw, Site, StepDraft, plan_set,
};
use crate::policy::{
    ComponentDraft, From, ObserverDraft, Policy, PolicyDraft, ProbeDraft, RungDraft, ScenarioDraft,
    ServiceDraft, SessionTerms, WhenDraft,
};
use crate::severity::{Preset, Stage};
use crate::state::State;
use crate::time::{Mono, Span, Wall};
use crate::verdict::{DownRule, Level, Priority, Reading, Role, Say, Spoken, Tier};
use crate::view;

const START: Mono = Mono::after_boot(Span::hours(10));

/// In what a policy differs from the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Change {
    no_till: bool,
    no_local: bool,
    extra: bool,
    other_name: bool,
    other_ladder: bool,
    fewer_observers: bool,
    hash: u128,
}

fn plan(of: &str, kind: PlanKind) -> crate::plan::PlanSet {
    let regions = [name("east"), name("west")];
    let mut draft = PlanDraft::new(name(of), kind);
    let mut action = ActionDraft::new(name("dns"));
    action.acts_as = if kind == PlanKind::Failover { ActsAs::Routes } else { ActsAs::Other };
    draft.steps.push(StepDraft::new(name("dns"), BodyDraft::Action(action)));
    draft.unfenced = (kind == PlanKind::Failover).then(|| Raw::parse("it keeps nothing").unwrap());
    let mut site = Site::new(name("shop"), &regions);
    site.stateless = true;
    plan_set(&draft, &[], &site, &Known::default()).unwrap()
}

fn shop(change: Change) -> ServiceDraft {
    let mut shop = ServiceDraft::new(name("shop"), vec![name("east"), name("west")]);
    shop.stateless = true;
    shop.hash = PolicyHash(change.hash);
    shop.rungs = RungDraft::preset(if change.other_ladder { Preset::Level } else { Preset::Category });
    let mut db = ComponentDraft::new(name("db"));
    db.down_when = DownRule::Any;
    let mut cache = ComponentDraft::new(name("cache"));
    (cache.priority, cache.depends_on) = (Priority::Medium, vec![name("db")]);
    shop.components = vec![db, cache];
    let probe = |of: &str, change: &dyn Fn(&mut ProbeDraft)| {
        let mut probe = ProbeDraft::new(name(of));
        change(&mut probe);
        probe
    };
    shop.probes.push(probe(if change.other_name { "site" } else { "web" }, &|_| {}));
    shop.probes.push(probe("redis", &|p| p.component = Some(name("cache"))));
    shop.probes.push(probe("writable", &|p| {
        (p.component, p.role, p.drift) = (Some(name("db")), Role::Active, true);
    }));
    if !change.no_local {
        shop.probes.push(probe("pg", &|p| (p.component, p.from) = (Some(name("db")), From::Local)));
    }
    if change.extra {
        shop.probes.push(probe("bucket", &|p| (p.role, p.tier) = (Role::Service, Tier::Inform)));
    }
    shop.triggers = vec![name("alarm")];
    shop.plans = vec![plan("failover", PlanKind::Failover), plan("restart", PlanKind::Repair)];
    let scenario = |of: &str, change: &dyn Fn(&mut ScenarioDraft)| {
        let mut scenario = ScenarioDraft::new(name(of));
        scenario.mode = Mode::Auto;
        change(&mut scenario);
        scenario
    };
    let when = |change: &dyn Fn(&mut WhenDraft)| {
        let mut when = WhenDraft::default();
        change(&mut when);
        vec![when]
    };
    shop.scenarios.push(scenario("down", &|s| {
        s.plan = Some(name("failover"));
        s.when = when(&|w| (w.service, w.held) = (Some(Level::Down), Some(Span::secs(20))));
        s.veto = Span::secs(30);
    }));
    shop.scenarios.push(scenario("cold", &|s| {
        s.plan = Some(name("restart"));
        s.when = when(&|w| (w.down, w.held) = (vec![name("cache")], Some(Span::secs(15))));
        s.again = Some(Span::mins(2));
    }));
    shop.scenarios.push(scenario("told", &|s| {
        s.plan = Some(name("failover"));
        s.when = when(&|w| w.raised = vec![name("alarm")]);
        s.mode = Mode::Approve;
    }));
    shop.scenarios.push(scenario("stuck", &|s| s.when = when(&|w| w.tried = vec![name("restart")])));
    shop
}

fn policy(change: Change) -> Arc<Policy> {
    let mut till = ServiceDraft::new(name("till"), vec![name("east"), name("west")]);
    till.depends_on = vec![name("shop")];
    till.probes.push(ProbeDraft::new(name("ping")));
    till.stateless = true;
    till.plans = vec![plan("failover", PlanKind::Failover)];
    let mut down = ScenarioDraft::new(name("down"));
    (down.plan, down.mode) = (Some(name("failover")), Mode::Auto);
    till.scenarios = vec![down];
    let observer =
        |of: &str, region: &str, witness| ObserverDraft { name: name(of), region: name(region), witness };
    let mut observers = vec![
        observer("here", "west", false),
        observer("there", "east", false),
        observer("third", "third", true),
    ];
    if change.fewer_observers {
        observers.remove(2);
        observers.push(observer("a-new-one", "third", false));
    }
    let services = if change.no_till { vec![shop(change)] } else { vec![shop(change), till] };
    let draft = PolicyDraft {
        me: name("here"),
        mode: Mode::Auto,
        regions: vec![],
        observers,
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits { parallel_runs: 1, ..Limits::DEFAULT },
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services,
    };
    Arc::new(Policy::build(draft).unwrap())
}

fn record() -> Record {
    Record::at_rest(name("east"), Epoch(1))
}

/// A core, its clock, and a shell that answers whatever it is asked.
struct Core {
    state: State,
    now: Now,
    /// None: they never answer.
    references: Option<u8>,
    /// How long votes say that it has held.
    held: Span,
    rounds: Vec<Round>,
    events: Vec<(Option<ServiceId>, Event)>,
}

impl Core {
    fn new(policy: &Arc<Policy>) -> Core {
        let now = Now { mono: START, wall: Wall::secs(1_000_000) };
        let (state, effects) = start(policy, now);
        let mut core =
            Core { state, now, references: Some(3), held: Span::ZERO, rounds: vec![], events: vec![] };
        core.obey(effects);
        core
    }

    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Pace { .. } => {}
                Effect::CheckReferences { round } => {
                    self.rounds.push(round);
                    if let Some(reached) = self.references {
                        self.tell(Input::References { round, reached });
                    }
                }
                effect @ (Effect::Renew { .. }
                | Effect::Transact(_)
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. }) => panic!("nobody said that there is a coordinator: {effect:?}"),
                Effect::Record { service, event, .. } => self.events.push((service, event)),
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let effects = step(&mut self.state, input, self.now);
        self.obey(effects);
    }

    /// Goes on to a moment, with a tick whenever the core wants one.
    fn go(&mut self, until: Mono) {
        while let Some(at) = self.state.wake_at().filter(|at| *at <= until) {
            self.pass(at);
            self.tell(Input::Tick);
        }
        self.pass(until);
    }

    fn pass(&mut self, until: Mono) {
        let by = until.since(self.now.mono);
        self.now = Now { mono: self.now.mono + by, wall: self.now.wall + by };
    }

    fn run(&mut self, span: Span) {
        self.go(self.now.mono + span);
    }

    fn id(&self, service: &str) -> ServiceId {
        self.state.service_id(service).unwrap()
    }

    fn shop(&self) -> &crate::state::Service {
        self.state.service(self.id("shop")).unwrap()
    }

    fn adopt(&mut self, change: impl FnOnce(&mut Record)) {
        let mut record = record();
        change(&mut record);
        let (shop, revision) = (self.id("shop"), self.shop().known.record_revision + 1);
        self.tell(Input::Seen(Seen::Record(shop, revision, Some(Box::new(record)))));
    }

    /// A vote of each of the others that says this of the named probes in the east, and that all else is up.
    fn votes(&mut self, revision: u64, down: &[&str], answers: u32) {
        let shop = self.id("shop");
        let says: Vec<Spoken> = (self.shop().policy.parts.cells.iter().enumerate())
            .map(|(i, cell)| {
                let probe = self.shop().policy.probes[cell.probe.index()].name.as_str();
                // Only one of the regions takes writes.
                let bad = match cell.region.map(|at| at.index()) {
                    Some(0) => down.contains(&probe),
                    _ => probe == "writable",
                };
                let say = if bad { Say::Down } else { Say::Up };
                Spoken { cell: CellPos::at(i), say, held: self.held, reading: None, fresh: answers > 0 }
            })
            .collect();
        for who in ["there", "third"] {
            let vote = Vote { hash: self.shop().policy.hash, answers, says: says.clone() };
            self.tell(Input::Seen(Seen::Vote(shop, revision, name(who), Some(vote))));
        }
    }

    fn decided(&self) -> Decided {
        self.shop().decided
    }

    fn why(&self) -> String {
        view::why(&self.state, self.id("shop"), self.now).unwrap().to_string()
    }

    /// All that was decided or is known to people, in words.
    fn picture(&self) -> String {
        let mut all = String::new();
        for service in self.state.services() {
            let incident = &service.incident;
            all += &format!(
                "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}\n",
                service.policy.name,
                service.decided,
                incident.stage(),
                incident.rung(),
                incident.first_failed(),
                service.worst,
                service.drift,
                service.scenarios,
            );
        }
        all
    }
}

const EVERY: [&str; 4] = ["web", "redis", "writable", "pg"];

#[test]
fn an_old_incident_does_not_keep_itself_open() {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    core.votes(1, &["web"], 0);
    core.run(Span::mins(20));
    assert_eq!(core.shop().incident.stage(), Stage::Open);
    core.run(Span::mins(15));
    assert_eq!(core.shop().incident.rung().map(|rung| rung.index()), Some(2), "open for 30m\n{}", core.why());
    core.votes(2, &[], 0);
    assert_eq!(core.shop().incident.stage(), Stage::Recovering, "{}", core.why());
    core.run(Span::mins(3));
    assert_eq!(
        core.shop().incident.first_failed(),
        Some(START),
        "the clock still runs from the first failure"
    );
    core.run(Span::mins(3));
    assert_eq!(core.shop().incident.stage(), Stage::None, "{}", core.why());
}

#[test]
fn it_does_not_get_worse_by_age_once_the_trouble_is_over() {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    core.votes(1, &["web"], 0);
    core.run(Span::mins(28));
    core.votes(2, &[], 0);
    core.run(Span::mins(4));
    assert_eq!(core.shop().incident.stage(), Stage::Recovering, "{}", core.why());
    assert_eq!(core.shop().incident.rung().map(|rung| rung.index()), Some(1), "{}", core.why());
    core.votes(3, &["web"], 0);
    assert_eq!(core.shop().incident.rung().map(|rung| rung.index()), Some(2), "breaks included");
}

#[test]
fn an_ask_that_is_over_hides_no_later_wake() {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    core.votes(1, &["web"], 0);
    core.run(Span::secs(30));
    assert!(matches!(core.decided(), Decided::Blocked(..)), "{}", core.why());
    let shop = core.id("shop");
    core.tell(Input::Seen(Seen::Ask(shop, 1, Ask { number: 1, by: name("there"), age: Some(Span::ZERO) })));
    core.run(Span::mins(31));
    assert_eq!(
        core.shop().incident.rung().map(|rung| rung.index()),
        Some(2),
        "nobody but a timer told it the time\n{}",
        core.why()
    );
}

#[test]
fn nobody_answers_an_ask_before_having_looked_again_or_waited_long_enough() {
    let asked = || {
        let mut core = begun();
        let shop = core.id("shop");
        core.tell(Input::Seen(Seen::Ask(
            shop,
            1,
            Ask { number: 1, by: name("there"), age: Some(Span::ZERO) },
        )));
        core
    };
    let answered = |core: &Core| core.shop().votes.answers(core.state.policy.me) == 1;
    let mut silent = asked();
    silent.run(Span::millis(2_999));
    assert!(!answered(&silent), "nothing was looked at");
    silent.run(Span::millis(1));
    assert!(answered(&silent), "three fifths of the time that answers are waited for are over");
    let mut looking = asked();
    let probes: Vec<ProbeId> = (looking.shop().own.iter().enumerate())
        .filter(|(cell, _)| looking.shop().policy.parts.runs(CellPos::at(*cell), looking.shop().known.active))
        .filter_map(|(_, own)| own.probe)
        .collect();
    for (i, probe) in probes.iter().enumerate() {
        assert!(!answered(&looking), "{i} of {} have looked", probes.len());
        let (began, outcome) = (looking.now.mono, Outcome::Ok { took: Span::ZERO });
        looking.tell(Input::Sample(Sample { probe: *probe, began, ended: began, outcome, reading: None }));
    }
    assert!(answered(&looking));
    let mut blind = asked();
    blind.references = None;
    blind.run(Span::secs(4));
    assert!(!answered(&blind), "and references are checked afterwards");
}

/// A core that holds the claim, while the others have said for 25 s that this is down.
fn in_trouble(down: &[&str], change: Change) -> Core {
    let mut core = Core::new(&policy(change));
    let shop = core.id("shop");
    core.adopt(|_| {});
    core.tell(Input::Seen(Seen::Claim(shop, 1, Some(Claim { holder: name("here"), session: SessionId(0) }))));
    core.votes(1, down, 0);
    core.run(Span::secs(25));
    core
}

/// Asks, and the others answer that they have looked again, and how long they have seen it so.
fn ask(core: &mut Core, number: u32, down: &[&str], held: u64) {
    let shop = core.id("shop");
    let ask = Ask { number, by: name("here"), age: Some(Span::ZERO) };
    core.tell(Input::Seen(Seen::Ask(shop, u64::from(number), ask)));
    core.held = Span::secs(held);
    core.votes(1 + u64::from(number), down, number);
}

fn blocking(core: &Core) -> Vec<(Gate, Reason)> {
    view::gates(&core.state, core.shop().id, core.now).map_or(vec![], |(_, gates)| gates.blocking().collect())
}

#[test]
fn it_starts_once_the_time_for_a_veto_is_over_and_answers_are_new() {
    // Without the local probe: ours of the region to go to would have to be looked at as well.
    let mut core = in_trouble(&["web"], Change { no_local: true, ..Change::default() });
    assert_eq!(
        blocking(&core),
        [(Gate::Quorum, Reason::NotAsked), (Gate::Veto, Reason::Announced { left: Span::secs(30) })]
    );
    ask(&mut core, 1, &["web"], 25);
    assert_eq!(blocking(&core), [(Gate::Veto, Reason::Announced { left: Span::secs(30) })], "{}", core.why());
    core.run(Span::secs(20));
    ask(&mut core, 2, &["web"], 45);
    core.run(Span::micros(9_999_999));
    assert!(matches!(blocking(&core)[..], [(Gate::Veto, _)]), "one microsecond is left\n{}", core.why());
    core.run(Span::micros(1));
    assert!(matches!(core.decided(), Decided::WouldStart(_)), "{}", core.why());
    core.run(Span::secs(5));
    assert!(matches!(core.decided(), Decided::WouldStart(_)), "answers count for three times the wait");
    core.run(Span::micros(1));
    assert_eq!(blocking(&core), [(Gate::Quorum, Reason::NotAsked)], "and no longer");
}

#[test]
fn nothing_moves_by_itself_on_what_few_can_see() {
    let mut core = in_trouble(&["pg"], Change::default());
    ask(&mut core, 1, &["pg"], 25);
    assert!(blocking(&core).contains(&(Gate::Quorum, Reason::Narrow)), "{}", core.why());
}

#[test]
fn an_older_record_changes_nothing() {
    let mut core = begun();
    let shop = core.id("shop");
    let west = Record { active: name("west"), epoch: Epoch(2), ..record() };
    core.tell(Input::Seen(Seen::Record(shop, 9, Some(Box::new(west)))));
    for revision in [8, 9] {
        core.tell(Input::Seen(Seen::Record(shop, revision, Some(Box::new(record())))));
        assert_eq!(core.shop().known.active.map(|at| at.index()), Some(1), "revision {revision}");
    }
}

#[test]
fn nobody_is_accused_before_references_were_checked_after_the_last_strike() {
    let mut core = begun();
    core.references = None;
    let probe = core.state.probe_id("shop", "web", Some("east")).unwrap();
    let cell = core.shop().policy.cell("web", Some("east")).unwrap();
    let mine = |core: &Core| core.shop().votes.of(core.state.policy.me, cell).say;
    for _ in 0..3 {
        core.run(Span::secs(1));
        let (began, outcome) = (core.now.mono, Outcome::Failed(Failure::Refused));
        core.tell(Input::Sample(Sample { probe, began, ended: began, outcome, reading: None }));
    }
    assert_eq!(core.state.probe(probe).unwrap().debounced.health(0), crate::health::Health::Down);
    assert_eq!(mine(&core), Say::Unknown);
    let round = *core.rounds.last().unwrap();
    core.tell(Input::References { round, reached: 3 });
    core.references = Some(3);
    core.run(Span::secs(2));
    assert_eq!(mine(&core), Say::Down, "{}", core.why());
}

#[test]
fn a_sample_that_comes_late_is_no_stall() {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    let probe = core.state.probe_id("shop", "web", Some("west")).unwrap();
    let outcome = Outcome::Ok { took: Span::ZERO };
    let (began, ended) = (START.before(Span::mins(10)), START);
    core.tell(Input::Sample(Sample { probe, began, ended, outcome, reading: None }));
    core.tell(Input::Tick);
    assert_eq!(core.state.trust.isolated(), None);
    assert!(core.state.wake_at().is_none_or(|at| at > START));
}

#[test]
fn windows_told_again_and_again_have_one_timer() {
    let mut core = Core::new(&policy(Change::default()));
    let hour = |n: u64| core_wall(Span::hours(n));
    for _ in 0..100 {
        core.tell(Input::Windows(vec![
            Window { services: None, regions: None, from: hour(1), until: hour(2) },
            Window { services: None, regions: None, from: hour(3), until: hour(4) },
        ]));
    }
    let (mut ticks, end) = (0, START + Span::hours(5));
    while let Some(at) = core.state.wake_at().filter(|at| *at <= end) {
        core.pass(at);
        // The heap is asked one timer at a time: each is a look at every service.
        while core.state.timers.due(core.now.mono).is_some() {
            ticks += 1;
        }
        super::windows(&mut core.state, core.now);
    }
    assert_eq!(ticks, 4);
}

fn core_wall(span: Span) -> Wall {
    Wall::secs(1_000_000) + span
}

#[test]
fn a_maintenance_window_opens_and_closes_by_the_wall_even_when_that_jumps() {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    core.votes(1, &EVERY, 0);
    core.run(Span::secs(30));
    let blocked = |core: &Core| core.why().contains("by maintenance");
    let window = Window {
        services: Some(vec![name("shop")]),
        regions: Some(vec![name("east")]),
        from: core_wall(Span::mins(10)),
        until: core_wall(Span::mins(20)),
    };
    core.tell(Input::Windows(vec![window]));
    assert!(!blocked(&core), "{}", core.why());
    core.run(Span::mins(10));
    assert!(blocked(&core), "{}", core.why());
    core.now.wall = core_wall(Span::mins(19));
    core.tell(Input::ClockJumped { by: Span::mins(9) });
    core.run(Span::mins(1));
    assert!(!blocked(&core), "the window is over by the wall\n{}", core.why());
}

#[test]
fn the_same_policy_again_keeps_how_long_conditions_have_held_and_the_time_for_a_veto() {
    let change = Change::default();
    let mut core = Core::new(&policy(change));
    core.adopt(|_| {});
    // Blame shifts from one probe to another within the component: the condition has held all the time.
    core.votes(1, &["redis"], 0);
    core.run(Span::secs(10));
    core.votes(2, &["writable", "pg"], 0);
    core.run(Span::secs(15));
    let before = (core.shop().clauses.clone(), core.shop().announced);
    core.tell(Input::Reloaded(policy(change)));
    assert_eq!((core.shop().clauses.clone(), core.shop().announced), before);
    core.tell(Input::Reloaded(policy(Change { extra: true, ..change })));
    assert_ne!(core.shop().clauses, before.0, "places moved: it says anew how long it has held");
}

#[test]
fn who_voted_under_a_policy_before_we_had_it_shares_it() {
    let mut core = Core::new(&policy(Change::default()));
    let shop = core.id("shop");
    for who in ["there", "third"] {
        let vote = Vote { hash: PolicyHash(7), answers: 0, says: vec![] };
        core.tell(Input::Seen(Seen::Vote(shop, 1, name(who), Some(vote))));
    }
    assert_eq!(core.shop().votes.agreeing().count(), 1, "we alone live by ours");
    core.tell(Input::Reloaded(policy(Change { hash: 7, ..Change::default() })));
    assert_eq!(core.shop().votes.agreeing().count(), 3);
    core.tell(Input::Reloaded(policy(Change::default())));
    assert_eq!(core.shop().votes.agreeing().count(), 1);
}

#[test]
fn whoever_holds_the_claim_is_known_by_name_across_a_reload() {
    let mut core = Core::new(&policy(Change::default()));
    let shop = core.id("shop");
    core.adopt(|_| {});
    core.tell(Input::Seen(Seen::Claim(
        shop,
        1,
        Some(Claim { holder: name("there"), session: SessionId(0) }),
    )));
    assert!(core.why().contains("there holds the claim"), "{}", core.why());
    core.tell(Input::Reloaded(policy(Change { fewer_observers: true, ..Change::default() })));
    assert!(core.why().contains("there holds the claim"), "{}", core.why());
}

#[test]
fn a_run_of_one_service_is_news_to_those_that_wait_for_it() {
    let mut core = Core::new(&policy(Change::default()));
    let till = core.id("till");
    core.tell(Input::Seen(Seen::Record(till, 1, Some(Box::new(record())))));
    let says =
        [Spoken { cell: CellPos::at(0), say: Say::Down, held: Span::mins(5), reading: None, fresh: false }];
    for who in ["there", "third"] {
        let vote = Vote { hash: PolicyHash(0), answers: 0, says: says.to_vec() };
        core.tell(Input::Seen(Seen::Vote(till, 1, name(who), Some(vote))));
    }
    let gates = |core: &Core| -> Vec<&str> {
        let gates = view::gates(&core.state, till, core.now);
        gates.map_or(vec![], |(_, gates)| gates.blocking().map(|(gate, _)| gate.word()).collect())
    };
    let alone = gates(&core);
    assert!(
        alone.contains(&"quorum") && !alone.contains(&"dependency") && !alone.contains(&"parallel"),
        "{alone:?}"
    );
    let run = Unfinished::live(RunId(1), name("failover"), PlanKind::Failover, name("west"));
    core.adopt(|record| record.run = Some(run));
    let moving = gates(&core);
    assert!(moving.contains(&"dependency") && moving.contains(&"parallel"), "{moving:?}");
    core.adopt(|_| {});
    assert_eq!(gates(&core), alone);
}

/// Something that may reach the core, in places that become ids when it is told.
#[derive(Clone, Debug)]
enum Told {
    Pass(u64),
    Sample { probe: usize, kind: u8, ago: u64, took: u64 },
    Burst { probe: usize, ok: bool },
    References { round: u8, reached: u8 },
    Shell(Option<u8>),
    Record { till: bool, revision: u64, kind: u8 },
    Claim(u64, Option<u8>),
    Vote { till: bool, revision: u64, who: u8, says: Option<Vec<u8>>, held: u64, answers: u32, hash: u8 },
    Ask(u64, u32),
    Trigger(u64, bool, Option<u64>),
    Reload(u8),
    Jump(u64, bool),
    Windows(u64, u64),
    Tick,
}

fn told() -> impl Strategy<Value = Told> {
    use Told::{Ask, Burst, Claim, Jump, Pass, References, Reload, Shell, Tick, Trigger, Windows};
    let span = prop_oneof![6 => 0_u64..30_000, 2 => 0_u64..600_000, 1 => Just(0_u64), 1 => any::<u32>().prop_map(u64::from)];
    let held = prop_oneof![4 => 0_u64..120, 1 => any::<u64>()];
    prop_oneof![
        8 => span.prop_map(Pass),
        6 => (0_usize..14, 0_u8..6, 0_u64..3_000, 0_u64..3_000)
            .prop_map(|(probe, kind, ago, took)| Told::Sample { probe, kind, ago, took }),
        4 => (0_usize..12, any::<bool>()).prop_map(|(probe, ok)| Burst { probe, ok }),
        1 => (0_u8..6, 0_u8..4).prop_map(|(round, reached)| References { round, reached }),
        1 => prop::option::weighted(0.8, 0_u8..4).prop_map(Shell),
        3 => (any::<bool>(), 1_u64..30, 0_u8..9).prop_map(|(till, revision, kind)| Told::Record { till, revision, kind }),
        1 => (1_u64..9, prop::option::of(0_u8..4)).prop_map(|(revision, who)| Claim(revision, who)),
        8 => (any::<bool>(), 1_u64..40, 0_u8..5, prop::option::weighted(0.9, prop::collection::vec(0_u8..5, 0..10)), held, 0_u32..4, 0_u8..8)
            .prop_map(|(till, revision, who, says, held, answers, hash)| {
                Told::Vote { till, revision, who, says, held, answers, hash: hash / 7 }
            }),
        2 => (1_u64..9, 1_u32..4).prop_map(|(revision, number)| Ask(revision, number)),
        1 => (1_u64..9, any::<bool>(), prop::option::of(0_u64..500)).prop_map(|(r, known, age)| Trigger(r, known, age)),
        2 => (0_u8..12).prop_map(Reload),
        1 => (0_u64..9_000, any::<bool>()).prop_map(|(by, back)| Jump(by, back)),
        1 => (0_u64..600, 0_u64..600).prop_map(|(from, to)| Windows(from, to)),
        2 => Just(Tick),
    ]
}

const WHO: [&str; 5] = ["there", "third", "here", "a-new-one", "stranger"];

fn change(n: u8) -> Change {
    let one = |bit: u8| n == bit;
    Change {
        no_till: one(1),
        no_local: one(2) || one(8),
        extra: one(3) || one(8),
        other_name: one(4),
        other_ladder: one(5) || one(8),
        fewer_observers: one(6),
        hash: u128::from(n == 7),
    }
}

impl Core {
    fn hear(&mut self, told: &Told) {
        let service = |core: &Core, till: bool| {
            core.state.service_id(if till { "till" } else { "shop" }).unwrap_or(ServiceId::at(99))
        };
        match told {
            Told::Pass(millis) => self.run(Span::millis(*millis)),
            Told::Sample { probe, kind, ago, took } => {
                let began = self.now.mono.before(Span::millis(*ago));
                let ended = match kind {
                    5 => began.before(Span::millis(*took)),
                    _ => began + Span::millis(*took),
                };
                let outcome = match kind {
                    0 => Outcome::Ok { took: Span::millis(*took) },
                    1 | 2 => Outcome::Failed(Failure::TimedOut),
                    3 => Outcome::Blind(Blindness::NoRoute),
                    _ => Outcome::Ok { took: Span::MAX },
                };
                let reading = (*kind == 4).then_some(Span::MAX);
                let probe = ProbeId::at(*probe);
                self.tell(Input::Sample(Sample { probe, began, ended, outcome, reading }));
            }
            Told::Burst { probe, ok } => {
                for _ in 0..4 {
                    self.run(Span::millis(700));
                    let (probe, began) = (ProbeId::at(*probe), self.now.mono);
                    let outcome = if *ok {
                        Outcome::Ok { took: Span::ZERO }
                    } else {
                        Outcome::Failed(Failure::Refused)
                    };
                    self.tell(Input::Sample(Sample {
                        probe,
                        began,
                        ended: began,
                        outcome,
                        reading: Some(Span::secs(1)),
                    }));
                }
            }
            Told::References { round, reached } => {
                let newest = self.rounds.last().map_or(0, |round| round.0);
                let round = Round(newest.wrapping_sub(u32::from(*round)).wrapping_add(1));
                self.tell(Input::References { round, reached: *reached });
            }
            Told::Shell(reached) => self.references = *reached,
            Told::Record { till, revision, kind } => {
                let (id, plan) = (RunId(*revision), name("failover"));
                let run = Unfinished::live(id, plan, PlanKind::Failover, name("west"));
                let outcome = Some(crate::agree::Outcome::Done);
                let tried = |outcome, plan| Try {
                    run: RunId(u64::from(*kind)),
                    plan: name(plan),
                    scenario: Some(name("cold")),
                    incident: 1,
                    outcome,
                };
                let last =
                    Failover { outcome, ..Failover::started(RunId(1), name("failover"), name("east")) };
                let record = match kind {
                    0 => None,
                    1 => Some(Record { active: name("west"), epoch: Epoch(2), ..record() }),
                    2 => Some(Record { run: Some(run), ..record() }),
                    3 => Some(Record { active: name("mars"), ..record() }),
                    4 => Some(Record { tried: vec![tried(None, "restart")], paused: true, ..record() }),
                    5 => Some(Record {
                        tried: vec![tried(outcome, "restart"), tried(outcome, "gone")],
                        ..record()
                    }),
                    6 => Some(Record {
                        last_failover: Some(last),
                        automatic: vec![RunId(1), RunId(2)],
                        incident: 9,
                        ..record()
                    }),
                    _ => Some(record()),
                };
                let id = service(self, *till);
                self.tell(Input::Seen(Seen::Record(id, *revision, record.map(Box::new))));
            }
            Told::Claim(revision, who) => {
                let claim =
                    who.map(|who| Claim { holder: name(WHO[usize::from(who)]), session: SessionId(0) });
                let id = service(self, false);
                self.tell(Input::Seen(Seen::Claim(id, *revision, claim)));
            }
            Told::Vote { till, revision, who, says, held, answers, hash } => {
                let say = |n: u8| [Say::Unknown, Say::Up, Say::Slow, Say::Down, Say::Down][usize::from(n)];
                let spoken = |(i, n): (usize, &u8)| Spoken {
                    // One of them may be of a cell that is not there.
                    cell: CellPos::at(i),
                    say: say(*n),
                    held: Span::secs(*held),
                    reading: (*n == 1)
                        .then_some(Reading { value: Span::secs(*held), age: Span::secs(*held) }),
                    fresh: *answers > 0,
                };
                let vote = says.as_ref().map(|says| Vote {
                    hash: PolicyHash(u128::from(*hash)),
                    answers: *answers,
                    says: says.iter().enumerate().map(spoken).collect(),
                });
                let id = service(self, *till);
                self.tell(Input::Seen(Seen::Vote(id, *revision, name(WHO[usize::from(*who)]), vote)));
            }
            Told::Ask(revision, number) => {
                let ask = Ask { number: *number, by: name("there"), age: Some(Span::ZERO) };
                let id = service(self, false);
                self.tell(Input::Seen(Seen::Ask(id, *revision, ask)));
            }
            Told::Trigger(revision, known, age) => {
                let trigger = name(if *known { "alarm" } else { "bell" });
                let raised = age.map(|age| Raised { age: Span::secs(age) });
                let id = service(self, false);
                self.tell(Input::Seen(Seen::Trigger(id, *revision, trigger, raised)));
            }
            Told::Reload(n) => self.tell(Input::Reloaded(policy(change(*n)))),
            Told::Jump(by, back) => {
                let by = Span::millis(*by);
                let wall = if *back {
                    Wall::micros(self.now.wall.as_micros().saturating_sub(by.as_micros()))
                } else {
                    self.now.wall + by
                };
                self.now.wall = wall;
                self.tell(Input::ClockJumped { by });
            }
            Told::Windows(from, until) => {
                let at = |secs: u64| self.now.wall + Span::secs(secs);
                let window = Window {
                    services: None,
                    regions: Some(vec![name("east")]),
                    from: at(*from),
                    until: at(*until),
                };
                self.tell(Input::Windows(vec![window]));
            }
            Told::Tick => self.tell(Input::Tick),
        }
    }
}

fn stories() -> impl Strategy<Value = Vec<Told>> {
    prop::collection::vec(told(), 0..50)
}

/// A core in the middle of some story: adopted, claimed, with everybody's vote.
fn begun() -> Core {
    let mut core = Core::new(&policy(Change::default()));
    core.adopt(|_| {});
    core.votes(1, &[], 0);
    core
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing that can be told makes it panic or spin: after a tick it wants none at or before that moment. What it
    /// says of itself has words, and the very same input twice decides nothing more.
    #[test]
    fn it_takes_whatever_comes(story in stories()) {
        let mut core = begun();
        for told in &story {
            core.hear(told);
            core.tell(Input::Tick);
            prop_assert!(core.state.wake_at().is_none_or(|at| at > core.now.mono), "after {told:?}");
            let before = core.picture();
            core.tell(Input::Tick);
            prop_assert_eq!(&before, &core.picture(), "a tick too many after {:?}", told);
            if matches!(told, Told::Record { .. } | Told::Claim(..) | Told::Vote { .. } | Told::Ask(..) | Told::Trigger(..)) {
                core.hear(told);
                prop_assert_eq!(&before, &core.picture(), "told twice: {:?}", told);
            }
            for service in ["shop", "till"] {
                let why = core.state.service_id(service).and_then(|id| view::why(&core.state, id, core.now));
                prop_assert!(why.is_none_or(|why| !why.to_string().contains("Pos(")));
            }
        }
    }

    /// Time at its very end, and far beyond what any span reaches.
    #[test]
    fn it_lives_to_the_end_of_time(story in stories()) {
        let mut core = begun();
        core.pass(Mono::micros(u64::MAX - 1_000_000));
        for told in &story {
            if matches!(told, Told::Pass(_) | Told::Burst { .. }) {
                core.pass(Mono::micros(core.now.mono.as_micros().saturating_add(1_000)));
            } else {
                core.hear(told);
            }
            core.tell(Input::Tick);
        }
    }

    /// No wake is lost: a core that is called only when it wants to be knows at each moment what one knows that is
    /// called all the time and made to look at everything.
    #[test]
    fn no_wake_is_lost(story in stories(), grain in 1_u64..9) {
        let (mut seldom, mut often) = (begun(), begun());
        for told in &story {
            match told {
                Told::Pass(millis) => {
                    let until = often.now.mono + Span::millis((*millis).min(600_000));
                    let grain = Span::millis((*millis / 40).max(250 * grain));
                    while often.now.mono < until {
                        often.go((often.now.mono + grain).min(until));
                        every_service(&mut often.state);
                        often.tell(Input::Tick);
                        seldom.go(often.now.mono);
                        prop_assert_eq!(often.picture(), seldom.picture(), "while passing {} ms: {}", millis, seldom.why());
                    }
                }
                told => {
                    seldom.hear(told);
                    often.hear(told);
                    every_service(&mut often.state);
                    often.tell(Input::Tick);
                    prop_assert_eq!(often.picture(), seldom.picture(), "after {:?}", told);
                }
            }
        }
    }

    /// A reload of the same policy changes nothing that was decided, nor how long anything has held, and tells nobody
    /// anything but that it was reloaded.
    #[test]
    fn the_same_policy_again_changes_nothing(story in stories(), n in 0_u8..9, rest in 0_u64..120) {
        let mut core = begun();
        core.hear(&Told::Reload(n));
        for told in story.iter().filter(|told| !matches!(told, Told::Reload(_))) {
            core.hear(told);
        }
        let same = Arc::new((*core.state.policy).clone());
        let (before, history) = (core.picture(), history(&core));
        core.events.clear();
        core.tell(Input::Reloaded(same));
        let news: Vec<_> = core.events.iter().filter(|(_, e)| !matches!(e, Event::Reloaded { added: 0, removed: 0 })).collect();
        prop_assert!(news.is_empty(), "{news:?}");
        prop_assert_eq!(&before, &core.picture());
        let after = self::history(&core);
        // That a vote is written anew after a reload is no history.
        let counts = |line: &&str| !line.trim_start().starts_with("changes:");
        let differs = history.lines().filter(counts).zip(after.lines().filter(counts)).find(|(a, b)| a != b);
        prop_assert_eq!(differs, None);
        let mut other = begun();
        other.hear(&Told::Reload(n));
        for told in story.iter().filter(|told| !matches!(told, Told::Reload(_))) {
            other.hear(told);
        }
        core.run(Span::secs(rest));
        other.run(Span::secs(rest));
        prop_assert_eq!(core.picture(), other.picture(), "and nothing that comes later");
    }

    /// Facts of different keys in any order come to the same: what is decided hangs on what is known, not on how it
    /// was learned.
    #[test]
    fn the_order_of_facts_does_not_matter(facts in prop::collection::vec(told(), 1..14), turn in any::<prop::sample::Index>(), rest in 0_u64..90) {
        let key = |told: &Told| match told {
            Told::Record { till, .. } => Some((0, u8::from(*till))),
            Told::Claim(..) => Some((1, 0)),
            Told::Vote { till, who, .. } => Some((2 + u8::from(*till), *who)),
            Told::Ask(..) => Some((4, 0)),
            Told::Trigger(_, true, _) => Some((5, 0)),
            _ => None,
        };
        let mut known = vec![];
        let facts: Vec<Told> = (facts.into_iter())
            .filter(|told| key(told).is_some_and(|key| { let new = !known.contains(&key); known.push(key); new }))
            // The story's record is the first at a revision of its own.
            .map(|told| match told { Told::Record { till, kind, .. } => Told::Record { till, revision: 50, kind }, told => told })
            .collect();
        let mut turned = facts.clone();
        if !turned.is_empty() {
            let by = turn.index(turned.len());
            turned.rotate_left(by);
            turned.reverse();
        }
        let mut cores = [facts, turned].map(|facts| {
            let mut core = Core::new(&policy(Change::default()));
            facts.iter().for_each(|told| core.hear(told));
            core
        });
        for core in &mut cores {
            core.run(Span::secs(rest));
        }
        let [a, b] = cores;
        prop_assert_eq!(decisions(&a), decisions(&b), "{}\n{}", a.why(), b.why());
    }

    /// A core that starts anew and is told the same facts decides the same.
    #[test]
    fn a_restart_decides_the_same(down in prop::sample::subsequence(EVERY.to_vec(), 0..4), answers in 0_u32..2, paused in any::<bool>(), raised in prop::option::of(0_u64..60)) {
        let tell = |core: &mut Core| {
            core.adopt(|record| record.paused = paused);
            core.votes(3, &down, answers);
            let shop = core.id("shop");
            core.tell(Input::Seen(Seen::Claim(shop, 1, Some(Claim { holder: name("here"), session: SessionId(0) }))));
            core.tell(Input::Seen(Seen::Ask(shop, 1, Ask { number: 1, by: name("here"), age: Some(Span::ZERO) })));
            core.tell(Input::Seen(Seen::Trigger(shop, 1, name("alarm"), raised.map(|age| Raised { age: Span::secs(age) }))));
        };
        let mut old = begun();
        old.run(Span::mins(7));
        tell(&mut old);
        let mut fresh = Core::new(&policy(Change::default()));
        tell(&mut fresh);
        old.run(Span::secs(70));
        fresh.run(Span::secs(70));
        prop_assert_eq!(decisions(&old), decisions(&fresh), "{}\n{}", old.why(), fresh.why());
    }
}

/// What is decided, and by what standing; not since when.
fn decisions(core: &Core) -> Vec<(Decided, Vec<Option<Level>>, Stage)> {
    core.state.services().map(|s| (s.decided, s.worst.to_vec(), s.incident.stage())).collect()
}

/// All that a core has learned with time.
fn history(core: &Core) -> String {
    let probes: Vec<_> =
        core.state.probes.iter().map(|slot| (&slot.debounced, slot.service, slot.gone)).collect();
    let services: Vec<_> = (core.state.services())
        .map(|s| (s.id, &s.votes, &s.known, &s.clauses, s.announced, s.blind, s.ask, s.incident))
        .collect();
    format!("{probes:#?}{services:#?}")
}
