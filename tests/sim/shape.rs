//! The worlds that a seed can choose from: how many observers, where they stand, how many services. Built once; a
//! world takes its policies from here.

use std::sync::Arc;

use watchkeeper_core::decide::{Limits, Mode};
use watchkeeper_core::health::self_trust;
use watchkeeper_core::ids::{Name, PolicyHash};
use watchkeeper_core::plan::{
    ActionDraft, ActsAs, BodyDraft, Known, PlanDraft, PlanKind, Raw, Site, StepDraft, plan_set,
};
use watchkeeper_core::policy::{
    ComponentDraft, From, ObserverDraft, Policy, PolicyDraft, ProbeDraft, ScenarioDraft, ServiceDraft,
    SessionTerms, WhenDraft, WitnessDraft,
};
use watchkeeper_core::severity::Objectives;
use watchkeeper_core::time::Span;
use watchkeeper_core::verdict::{Level, Role, Tier};

/// Reference points of every observer.
pub(crate) const REFERENCES: usize = 3;

/// How many observers in which places, and how many services.
pub(crate) struct Shape {
    pub(crate) observers: usize,
    pub(crate) services: usize,
    pub(crate) regions: usize,
    /// By observer.
    pub(crate) policies: Vec<Arc<Policy>>,
    /// The same with another hash: a daemon whose config was changed.
    pub(crate) others: Vec<Arc<Policy>>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn region(at: usize) -> String {
    format!("r{at}")
}

/// All shapes.
pub(crate) fn all() -> Vec<Shape> {
    [(1, 1, 2), (3, 1, 2), (3, 2, 2), (3, 3, 3), (5, 1, 2), (5, 2, 3), (7, 2, 2)]
        .into_iter()
        .map(|(observers, services, regions)| Shape::new(observers, services, regions))
        .collect()
}

impl Shape {
    pub(crate) fn new(observers: usize, services: usize, regions: usize) -> Shape {
        let build = |me: usize, hash: u128| {
            let draft = PolicyDraft {
                me: name(&format!("o{me}")),
                mode: Mode::Auto,
                regions: Vec::new(),
                observers: (0..observers).map(|o| observer(o, observers, regions)).collect(),
                self_trust: self_trust::Settings::majority_of(REFERENCES as u8),
                limits: Limits::DEFAULT,
                ask: Span::secs(5),
                session: SessionTerms::DEFAULT,
                services: (0..services).map(|s| service(s, regions, hash, observers)).collect(),
            };
            Arc::new(Policy::build(draft).expect("a policy"))
        };
        Shape {
            observers,
            services,
            regions,
            policies: (0..observers).map(|me| build(me, 1)).collect(),
            others: (0..observers).map(|me| build(me, 2)).collect(),
        }
    }

    /// So many observers may be faulty.
    pub(crate) fn tolerated(&self) -> usize {
        (self.observers - 1) / 2
    }

    /// In which region an observer stands, if in one.
    pub(crate) fn stands_in(&self, observer: usize) -> Option<usize> {
        (self.observers > 1 && observer < self.regions).then_some(observer)
    }
}

/// The first observers stand in the regions, the others in places of their own; a lone one, too.
fn observer(at: usize, all: usize, regions: usize) -> ObserverDraft {
    let place = if all > 1 && at < regions { region(at) } else { format!("place{at}") };
    ObserverDraft { name: name(&format!("o{at}")), region: name(&place), witness: at >= 3 }
}

/// Every probe of a service, in the order in which the world looks at what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The front: what users ask.
    Web,
    /// The database takes writes.
    Db,
    /// The standby could take over.
    Ready,
    /// How far the standby is behind.
    Lag,
    /// The standby still hears the primary.
    Hears,
}

pub(crate) const PROBES: [(&str, Kind); 5] = [
    ("db", Kind::Db),
    ("hears", Kind::Hears),
    ("lag", Kind::Lag),
    ("ready", Kind::Ready),
    ("web", Kind::Web),
];

fn service(at: usize, regions: usize, hash: u128, observers: usize) -> ServiceDraft {
    let this = name(&format!("s{at}"));
    let regions: Vec<Name> = (0..regions).map(|r| name(&region(r))).collect();
    let mut draft = ServiceDraft::new(this.clone(), regions.clone());
    draft.hash = PolicyHash(hash);
    draft.objectives = Objectives::both(Span::mins(15), Span::mins(5));
    draft.components = vec![ComponentDraft::new(name("data")), ComponentDraft::new(name("front"))];
    let local = if observers > 1 { From::Local } else { From::All };
    for (called, kind) in PROBES {
        let mut probe = ProbeDraft::new(name(called));
        match kind {
            Kind::Web => probe.component = Some(name("front")),
            Kind::Db => {
                probe.component = Some(name("data"));
                probe.role = Role::Active;
                probe.from = local.clone();
            }
            Kind::Ready | Kind::Lag | Kind::Hears => {
                probe.tier = if kind == Kind::Hears { Tier::Inform } else { Tier::Gate };
                probe.role = Role::Standby;
                probe.from = local.clone();
                probe.loss = kind == Kind::Lag;
                probe.witness_of = (kind == Kind::Hears).then_some(WitnessDraft::Active);
            }
        }
        draft.probes.push(probe);
    }
    let known = Known {
        probes: PROBES.iter().map(|(called, _)| name(called)).collect(),
        components: [name("data"), name("front")].into(),
    };
    draft.plans.push(plan_set(&failover(), &[], &Site::new(this, &regions), &known).expect("a plan"));
    for (called, level, held) in [("down", Level::Down, 60), ("gone", Level::Gone, 30)] {
        let mut scenario = ScenarioDraft::new(name(called));
        scenario.plan = Some(name("failover"));
        scenario.mode = Mode::Auto;
        scenario.when =
            vec![WhenDraft { service: Some(level), held: Some(Span::secs(held)), ..WhenDraft::default() }];
        draft.scenarios.push(scenario);
    }
    draft
}

fn failover() -> PlanDraft {
    let step = |called: &str, acts_as: ActsAs, needs: &[&str]| {
        let mut action = ActionDraft::new(name("exec"));
        action.acts_as = acts_as;
        let mut step = StepDraft::new(name(called), BodyDraft::Action(action));
        step.needs = needs.iter().map(|need| name(need)).collect();
        step
    };
    let mut plan = PlanDraft::new(name("failover"), PlanKind::Failover);
    plan.unfenced = Raw::parse("its rejoin plan fences it").ok();
    plan.steps = vec![step("promote", ActsAs::Promotes, &[]), step("dns", ActsAs::Routes, &["promote"])];
    plan
}
