//! Many services under one core, for measuring: each with two regions, `probes` trigger probes in each, two critical
//! components, a failover with a fence, and three scenarios. It drives the core and does nothing of its own.

use std::sync::Arc;

use watchkeeper_core::agree::{
    Answer, Ask, Claim, ClaimState, Epoch, Found, Record, Txn, Velocity, Vote, Write,
};
use watchkeeper_core::authority::{ClusterId, Renewed, SessionId};
use watchkeeper_core::decide::{Limits, Mode};
use watchkeeper_core::effect::Effect;
use watchkeeper_core::engine::{start, step};
use watchkeeper_core::event::Decided;
use watchkeeper_core::health::{Failure, Outcome, Sample, self_trust};
use watchkeeper_core::ids::{CellPos, Name, ServiceId};
use watchkeeper_core::input::{Coordinator, Input, Seen};
use watchkeeper_core::plan::{
    ActionDraft, ActsAs, BodyDraft, Known, PlanDraft, PlanKind, PlanSet, Raw, Settles, Site, StepDraft,
    plan_set,
};
use watchkeeper_core::policy::{
    ComponentDraft, ObserverDraft, Policy, PolicyDraft, ProbeDraft, ScenarioDraft, ServiceDraft,
    SessionTerms, WhenDraft,
};
use watchkeeper_core::state::State;
use watchkeeper_core::state::acting::Acting;
use watchkeeper_core::time::{Mono, Now, Span, Wall};
use watchkeeper_core::verdict::{Level, Say, Spoken};

const CLUSTER: ClusterId = ClusterId(1);
const SESSION: SessionId = SessionId(7);

/// One core over many services.
pub(crate) struct Fleet {
    pub(crate) state: State,
    pub(crate) now: Mono,
    pub(crate) effects: usize,
    probes: usize,
    next: usize,
    votes: u64,
    services: usize,
    cells: usize,
    lone: bool,
    /// By service: what a coordinator holds of its claim, if there is one.
    claims: Vec<Claimed>,
}

/// What the coordinator holds of a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimed {
    Free,
    Ours,
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn plans(index: usize) -> PlanSet {
    let regions = [name("east"), name("west")];
    let this = name(&format!("service-{index}"));
    let known = Known { probes: [].into(), components: [].into() };
    let step = |called: &str, acts_as: ActsAs, needs: &[&str]| {
        let mut action = ActionDraft::new(name("exec"));
        action.acts_as = acts_as;
        action.settles = if acts_as == ActsAs::Fences { Settles::Proved } else { Settles::Nothing };
        let mut step = StepDraft::new(name(called), BodyDraft::Action(action));
        step.needs = needs.iter().map(|need| name(need)).collect();
        if acts_as == ActsAs::Fences {
            step.region = Raw::parse("{from}").ok();
        }
        step
    };
    let mut plan = PlanDraft::new(name("failover"), PlanKind::Failover);
    plan.fence = vec![name("fence")];
    plan.steps = vec![
        step("fence", ActsAs::Fences, &[]),
        step("promote", ActsAs::Promotes, &["fence"]),
        step("dns", ActsAs::Routes, &["promote"]),
    ];
    plan_set(&plan, &[], &Site::new(this, &regions), &known).expect("a plan")
}

fn service(index: usize, probes: usize) -> ServiceDraft {
    let regions = vec![name("east"), name("west")];
    let this = name(&format!("service-{index}"));
    let mut draft = ServiceDraft::new(this.clone(), regions.clone());
    for component in ["front", "back"] {
        draft.components.push(ComponentDraft::new(name(component)));
    }
    for i in 0..probes {
        let mut probe = ProbeDraft::new(name(&format!("probe-{i}")));
        probe.component = Some(name(if i % 2 == 0 { "front" } else { "back" }));
        draft.probes.push(probe);
    }
    draft.plans.push(plans(index));
    for (called, level, held) in
        [("down", Level::Down, 60), ("gone", Level::Gone, 30), ("trouble", Level::Trouble, 0)]
    {
        let mut scenario = ScenarioDraft::new(name(called));
        scenario.mode = Mode::Auto;
        scenario.plan = (level != Level::Trouble).then(|| name("failover"));
        scenario.when =
            vec![WhenDraft { service: Some(level), held: Some(Span::secs(held)), ..WhenDraft::default() }];
        draft.scenarios.push(scenario);
    }
    draft
}

/// A policy of so many services, so many probes in each of their two regions, so many observers.
pub(crate) fn policy(services: usize, probes: usize, observers: usize) -> Arc<Policy> {
    let observers: Vec<ObserverDraft> = (0..observers)
        .map(|i| ObserverDraft {
            name: name(&format!("o{i}")),
            region: name(&format!("place-{i}")),
            witness: false,
        })
        .collect();
    let draft = PolicyDraft {
        me: name("o0"),
        mode: Mode::Auto,
        regions: Vec::new(),
        observers,
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits::DEFAULT,
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services: (0..services).map(|i| service(i, probes)).collect(),
    };
    Arc::new(Policy::build(draft).expect("a policy"))
}

/// A core that lives by it.
pub(crate) fn begin(policy: &Arc<Policy>) -> (Mono, State) {
    let now = Mono::after_boot(Span::secs(100));
    (now, start(policy, Now { mono: now, wall: Wall::secs(1) }).0)
}

impl Fleet {
    /// One observer.
    pub(crate) fn lone(services: usize, probes: usize) -> Fleet {
        Fleet::new(services.max(1), probes, 1)
    }

    /// Seven observers, of which this core is one.
    pub(crate) fn seven(services: usize, probes: usize) -> Fleet {
        Fleet::new(services, probes, 7)
    }

    fn new(services: usize, probes: usize, observers: usize) -> Fleet {
        Fleet::under(&policy(services, probes, observers))
    }

    /// Under a policy that is there already.
    pub(crate) fn under(policy: &Arc<Policy>) -> Fleet {
        let (now, state) = begin(policy);
        let (lone, services) = (policy.observers.len() == 1, policy.services.len());
        let cells = policy.services[0].parts.cells.len();
        let mut fleet = Fleet {
            state,
            now,
            effects: 0,
            probes: services * cells,
            next: 0,
            votes: 0,
            services,
            cells,
            lone,
            claims: Vec::new(),
        };
        for i in 0..services {
            let record = Record::at_rest(name("east"), Epoch(1));
            fleet.tell(Input::Seen(Seen::Record(ServiceId::at(i), 1, Some(Box::new(record)))));
            fleet.tell(Input::Seen(Seen::Claim(
                ServiceId::at(i),
                1,
                Some(Claim { holder: name("o0"), session: SessionId(0) }),
            )));
        }
        fleet
    }

    /// The same beside a coordinator that grants whatever it is asked for: this core has a session, and holds the claim of
    /// each service.
    pub(crate) fn holding(policy: &Arc<Policy>) -> Fleet {
        let (now, state) = begin(policy);
        let (lone, services) = (policy.observers.len() == 1, policy.services.len());
        let cells = policy.services[0].parts.cells.len();
        let claims = vec![Claimed::Free; services];
        let probes = services * cells;
        let mut fleet =
            Fleet { state, now, effects: 0, probes, next: 0, votes: 0, services, cells, lone, claims };
        fleet.tell(Input::Coordinator(Coordinator::There(CLUSTER)));
        fleet
    }

    /// How many claims it holds, and may act by.
    pub(crate) fn held(&self) -> usize {
        let holds = |acting: &Acting| acting.claim == ClaimState::Holding && acting.flight.is_none();
        self.state.services().filter(|service| service.acting.as_deref().is_some_and(holds)).count()
    }

    /// What the coordinator answers: all that is asked for is done, and this is so then.
    fn commit(&mut self, txn: &Txn) -> Answer {
        let (id, at) = (txn.id, txn.id.service.index());
        for write in &txn.writes {
            match write {
                Write::Claim => self.claims[at] = Claimed::Ours,
                Write::GiveUp => self.claims[at] = Claimed::Free,
                Write::Vote(_) => {}
                other => panic!("at rest nothing else is written: {other:?}"),
            }
        }
        let claim = Claim { holder: name("o0"), session: SESSION };
        let observers = self.state.policy.observers.iter();
        Answer::Committed(Box::new(Found {
            record: (1, Some(Record::at_rest(name("east"), Epoch(1)))),
            claim: if self.claims[at] == Claimed::Ours { (2, Some(claim)) } else { (1, None) },
            ask: (0, None),
            vote: u64::from(id.number),
            velocity: (1, Velocity::default()),
            pulses: observers.map(|observer| (observer.name.clone(), 1)).collect(),
            lengths: Vec::new(),
            journals: Vec::new(),
        }))
    }

    /// Tells one input; reference points always answer, and so does the coordinator.
    pub(crate) fn tell(&mut self, input: Input) {
        let effects = step(&mut self.state, input, Now { mono: self.now, wall: Wall::secs(1) });
        self.obey(effects);
    }

    fn obey(&mut self, effects: Vec<Effect>) {
        self.effects += effects.len();
        for effect in effects {
            match effect {
                Effect::CheckReferences { round } => self.tell(Input::References { round, reached: 3 }),
                Effect::Renew { nonce, .. } => {
                    let answer = Renewed::Alive { session: SESSION, ttl: Span::hours(1) };
                    self.tell(Input::Renewed { nonce, answer });
                }
                Effect::Transact(txn) => {
                    let answer = self.commit(&txn);
                    self.tell(Input::Answered { id: txn.id, answer });
                }
                Effect::Pace { .. }
                | Effect::Record { .. }
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. } => {}
            }
        }
    }

    fn sample(&mut self, probe: usize, outcome: Outcome) -> Vec<Effect> {
        let probe = watchkeeper_core::ids::ProbeId::at(probe);
        let sample = Sample { probe, began: self.now, ended: self.now, outcome, reading: None };
        step(&mut self.state, Input::Sample(sample), Now { mono: self.now, wall: Wall::secs(1) })
    }

    fn all(&mut self, outcome: Outcome, region: Option<usize>) {
        self.now = self.now + Span::millis(100);
        self.each(outcome, region);
    }

    fn each(&mut self, outcome: Outcome, region: Option<usize>) {
        for probe in 0..self.probes {
            // Cells go probe by probe, east before west.
            if region.is_none_or(|region| probe % 2 == region) {
                let effects = self.sample(probe, outcome);
                self.obey(effects);
            }
        }
    }

    /// Every probe has answered often enough; the counter of effects starts anew.
    pub(crate) fn all_up(&mut self) {
        for _ in 0..3 {
            self.all(Outcome::Ok { took: Span::millis(1) }, None);
        }
        if !self.lone {
            self.others(Say::Up, 0);
        }
        self.effects = 0;
        self.next = 0;
    }

    /// Everybody says that the first region is down, and has been asked and has answered.
    pub(crate) fn first_region_down(&mut self) {
        for _ in 0..3 {
            self.all(Outcome::Failed(Failure::Refused), Some(0));
        }
        self.others(Say::Down, 0);
        for i in 0..self.services {
            self.tell(Input::Seen(Seen::Ask(
                ServiceId::at(i),
                1,
                Ask { number: 1, by: name("o0"), age: Some(Span::ZERO) },
            )));
        }
        self.all(Outcome::Failed(Failure::Refused), Some(0));
        self.all(Outcome::Ok { took: Span::millis(1) }, Some(1));
        self.others(Say::Down, 1);
    }

    fn others(&mut self, east: Say, answers: u32) {
        self.votes += 1;
        for i in 0..self.services {
            for observer in 1..7 {
                let vote = self.a_vote(east, answers);
                let seen =
                    Seen::Vote(ServiceId::at(i), self.votes, name(&format!("o{observer}")), Some(vote));
                self.tell(Input::Seen(seen));
            }
        }
    }

    fn a_vote(&self, east: Say, answers: u32) -> Vote {
        let says = (0..self.cells)
            .map(|cell| Spoken {
                cell: CellPos::at(cell),
                say: if cell % 2 == 0 { east } else { Say::Up },
                held: Span::secs(90),
                reading: None,
                fresh: answers > 0,
            })
            .collect();
        Vote { hash: Default::default(), answers, says }
    }

    /// One sample that changes nothing, of the next probe in turn.
    pub(crate) fn steady_sample(&mut self) -> Vec<Effect> {
        if self.next == self.probes {
            self.next = 0;
            self.now = self.now + Span::micros(1);
        }
        let probe = self.next;
        self.next += 1;
        let effects = self.sample(probe, Outcome::Ok { took: Span::millis(1) });
        self.effects += effects.len();
        effects
    }

    /// One vote of one of the others on the next service in turn, as the shell would have read it.
    pub(crate) fn next_vote(&mut self) -> Input {
        self.votes += 1;
        let at = self.votes as usize;
        let vote = self.a_vote(Say::Down, 1);
        let who = name(["o1", "o2", "o3", "o4", "o5", "o6"][at % 6]);
        let seen = Seen::Vote(ServiceId::at(at % self.services), self.votes, who, Some(vote));
        Input::Seen(seen)
    }

    /// Takes it.
    pub(crate) fn vote(&mut self, vote: Input) -> Vec<Effect> {
        step(&mut self.state, vote, Now { mono: self.now, wall: Wall::secs(1) })
    }

    /// Whether every service has decided something, with every gate looked at.
    pub(crate) fn all_blocked(&self) -> bool {
        self.state.services().all(|service| matches!(service.decided, Decided::Blocked(..)))
    }

    /// Every probe has failed twice.
    pub(crate) fn two_strikes(&mut self) {
        for _ in 0..2 {
            self.all(Outcome::Failed(Failure::Refused), None);
        }
    }

    /// Every probe fails once more, all at one moment.
    pub(crate) fn last_strike(&mut self) {
        self.fail_again(Span::millis(100));
    }

    /// The same, so long after the last time.
    pub(crate) fn fail_again(&mut self, later: Span) {
        self.now = self.now + later;
        self.each(Outcome::Failed(Failure::Refused), None);
    }

    /// Whether every probe is down.
    pub(crate) fn all_down(&self) -> bool {
        use watchkeeper_core::health::Health;
        let lost = self.state.trust.lost();
        (0..self.probes).all(|probe| {
            let slot = self.state.probe(watchkeeper_core::ids::ProbeId::at(probe));
            slot.is_some_and(|slot| slot.debounced.health(lost) == Health::Down)
        })
    }

    /// How many probes it runs.
    pub(crate) fn probes(&self) -> usize {
        self.probes
    }
}
