//! The thread through the whole core: samples in, decision out.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::agree::{Ask, Claim, Epoch, Record};
use crate::authority::SessionId;
use crate::decide::{Limits, Mode};
use crate::event::{Decided, Event};
use crate::health::{Failure, Outcome, Sample, self_trust};
use crate::ids::{Name, ServiceId};
use crate::input::Seen;
use crate::plan::{
    ActionDraft, ActsAs, BodyDraft, Known, PlanDraft, PlanKind, Raw, Site, StepDraft, plan_set,
};
use crate::policy::{
    ObserverDraft, Policy, PolicyDraft, ProbeDraft, ScenarioDraft, ServiceDraft, SessionTerms, WhenDraft,
};
use crate::state::State;
use crate::time::{Mono, Span, Wall};
use crate::verdict::Level;
use crate::view;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn policy() -> Arc<Policy> {
    let regions = vec![name("east"), name("west")];
    let mut service = ServiceDraft::new(name("shop"), regions.clone());
    service.stateless = true;
    service.probes.push(ProbeDraft::new(name("web")));
    let mut plan = PlanDraft::new(name("failover"), PlanKind::Failover);
    let mut action = ActionDraft::new(name("dns"));
    action.acts_as = ActsAs::Routes;
    plan.steps.push(StepDraft::new(name("dns"), BodyDraft::Action(action)));
    plan.unfenced = Raw::parse("it keeps nothing").ok();
    let mut site = Site::new(name("shop"), &regions);
    site.stateless = true;
    let known = Known { probes: [name("web")].into(), components: [].into() };
    service.plans.push(plan_set(&plan, &[], &site, &known).unwrap());
    let mut down = ScenarioDraft::new(name("down"));
    down.plan = Some(name("failover"));
    down.mode = Mode::Auto;
    down.when =
        vec![WhenDraft { service: Some(Level::Down), held: Some(Span::secs(5)), ..WhenDraft::default() }];
    service.scenarios.push(down);
    let draft = PolicyDraft {
        me: name("here"),
        mode: Mode::Auto,
        regions: vec![],
        observers: vec![ObserverDraft { name: name("here"), region: name("office"), witness: false }],
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits::DEFAULT,
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services: vec![service],
    };
    Arc::new(Policy::build(draft).unwrap())
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) now: Mono,
    references: u8,
    pub(crate) up: [bool; 2],
    due: [Option<(Mono, Span)>; 2],
    pub(crate) events: Vec<Event>,
    /// What a coordinator, providers and operators would answer, for tests that have them.
    pub(crate) wanted: Vec<Effect>,
}

impl World {
    pub(crate) fn new() -> World {
        let policy = policy();
        let now = Mono::after_boot(Span::secs(100));
        let (state, effects) = start(&policy, Now { mono: now, wall: Wall::secs(1_000) });
        let mut world = World {
            state,
            now,
            references: 3,
            up: [true; 2],
            due: [None; 2],
            events: vec![],
            wanted: vec![],
        };
        world.obey(effects);
        world
    }

    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Pace { probe, every } => {
                    let last = self.due[probe.index()].map_or(self.now, |(at, _)| at);
                    self.due[probe.index()] =
                        every.map(|every| (last.max(self.now).min(self.now + every), every));
                }
                Effect::CheckReferences { round } => {
                    let reached = self.references;
                    self.tell(Input::References { round, reached });
                }
                effect @ (Effect::Renew { .. }
                | Effect::Transact(_)
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. }) => self.wanted.push(effect),
                Effect::Record { event, .. } => self.events.push(event),
            }
        }
    }

    pub(crate) fn tell(&mut self, input: Input) {
        let effects = step(&mut self.state, input, Now { mono: self.now, wall: Wall::secs(1_000) });
        self.obey(effects);
    }

    /// Runs for so long: probes at their pace, ticks when the core wants one.
    pub(crate) fn run(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            let probes = (0..2).filter_map(|i| self.due[i].map(|(at, _)| (at, Some(i))));
            let next = probes.chain(self.state.wake_at().map(|at| (at, None))).min();
            let Some((at, who)) = next.filter(|(at, _)| *at <= until) else { break };
            self.now = self.now.max(at);
            match who {
                None => self.tell(Input::Tick),
                Some(i) => {
                    let (at, every) = self.due[i].unwrap();
                    self.due[i] = Some((at.max(self.now) + every.max(Span::millis(1)), every));
                    let outcome = if self.up[i] {
                        Outcome::Ok { took: Span::millis(1) }
                    } else {
                        Outcome::Failed(Failure::Refused)
                    };
                    let region = ["east", "west"][i];
                    let probe = self.state.probe_id("shop", "web", Some(region)).unwrap();
                    self.tell(Input::Sample(Sample {
                        probe,
                        began: self.now,
                        ended: self.now,
                        outcome,
                        reading: None,
                    }));
                }
            }
        }
        self.now = until;
    }

    pub(crate) fn shop(&self) -> ServiceId {
        self.state.service_id("shop").unwrap()
    }

    pub(crate) fn why(&self) -> String {
        let now = Now { mono: self.now, wall: Wall::secs(1_000) };
        view::why(&self.state, self.shop(), now).unwrap().to_string()
    }

    fn decided(&self) -> Decided {
        self.state.service(self.shop()).unwrap().decided
    }

    fn adopt(&mut self) {
        let record = Record::at_rest(name("east"), Epoch(1));
        let shop = self.shop();
        self.tell(Input::Seen(Seen::Record(shop, 1, Some(alloc::boxed::Box::new(record)))));
        self.tell(Input::Seen(Seen::Claim(
            shop,
            1,
            Some(Claim { holder: name("here"), session: SessionId(0) }),
        )));
    }
}

#[test]
fn a_dead_region_would_fail_over_once_everybody_has_looked_again() {
    let mut world = World::new();
    world.adopt();
    world.run(Span::mins(1));
    assert_eq!(world.decided(), Decided::Nothing, "{}", world.why());
    world.up[0] = false;
    world.run(Span::secs(30));
    assert!(matches!(world.decided(), Decided::Blocked(..)), "{}", world.why());
    assert!(world.why().contains("nobody has been asked"), "{}", world.why());
    let shop = world.shop();
    world.tell(Input::Seen(Seen::Ask(shop, 1, Ask { number: 1, by: name("here"), age: Some(Span::ZERO) })));
    world.run(Span::secs(5));
    assert!(matches!(world.decided(), Decided::WouldStart(_)), "{}", world.why());
}

#[test]
fn a_dead_uplink_of_ones_own_moves_nothing() {
    let mut world = World::new();
    world.adopt();
    world.run(Span::mins(1));
    world.up = [false; 2];
    world.references = 0;
    world.run(Span::mins(5));
    assert_eq!(world.decided(), Decided::Nothing, "{}", world.why());
    assert!(world.why().contains("isolated"), "{}", world.why());
    assert!(world.events.iter().any(|event| matches!(event, Event::Blind(_))), "{:?}", world.events);
    world.up = [true; 2];
    world.references = 3;
    world.run(Span::mins(1));
    assert!(!world.why().contains("isolated"), "{}", world.why());
}
