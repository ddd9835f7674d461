//! A policy as the edge brings it: plain data, every reference a name, nothing checked yet.

use alloc::string::String;
use alloc::vec::Vec;

use super::SessionTerms;
use crate::decide::{Limits, Mode};
use crate::health::{self, self_trust};
use crate::ids::{Name, PolicyHash};
use crate::plan::{Filled, PlanSet, RunTime};
use crate::severity::{Impact, Objectives, Preset};
use crate::time::Span;
use crate::verdict::{Condition, DownRule, Level, Priority, Role, Side, Tier};

/// The whole.
#[derive(Clone, Debug)]
pub struct PolicyDraft {
    /// Which observer this is.
    pub me: Name,
    /// The most that may happen anywhere.
    pub mode: Mode,
    /// Declared regions; others are added with defaults.
    pub regions: Vec<RegionDraft>,
    /// The observers; at least `me`.
    pub observers: Vec<ObserverDraft>,
    /// What it takes to believe one's own eyes.
    pub self_trust: self_trust::Settings,
    /// Over all services.
    pub limits: Limits,
    /// How long answers are waited for.
    pub ask: Span,
    /// What is asked of the coordinator for a session.
    pub session: SessionTerms,
    /// The services.
    pub services: Vec<ServiceDraft>,
}

/// A region.
#[derive(Clone, Debug)]
pub struct RegionDraft {
    /// Its name.
    pub name: Name,
    /// Hundredths of what is active there.
    pub lost_at: u8,
}

/// An observer.
#[derive(Clone, Debug)]
pub struct ObserverDraft {
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub region: Name,
    /// It votes only.
    pub witness: bool,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceDraft {
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub title: String,
    /// What the edge made of all that decides about it.
    pub hash: PolicyHash,
    /// Its regions, in order of preference.
    pub regions: Vec<Name>,
    /// It keeps nothing.
    pub stateless: bool,
    /// Its severities, lowest first.
    pub rungs: Vec<RungDraft>,
    /// The most that may happen to it.
    pub mode: Mode,
    /// The last resort of objectives.
    pub objectives: Objectives,
    /// Order when many must move.
    pub priority: Priority,
    /// A move waits for theirs.
    pub depends_on: Vec<Name>,
    /// Of its critical components.
    pub down_when: DownRule,
    /// After a failover.
    pub cooldown: Span,
    /// Quiet for so long: closed.
    pub stable: Span,
    /// Not known to be up for so long: a page.
    pub blind_page: Span,
    /// Another region writable for so long.
    pub drift_after: Span,
    /// A returning region must be well for so long.
    pub quarantine: Span,
    /// What fences and re-syncs a returning region.
    pub rejoin: Option<Name>,
    /// The way home.
    pub failback: FailbackDraft,
    /// Its components.
    pub components: Vec<ComponentDraft>,
    /// Its probes.
    pub probes: Vec<ProbeDraft>,
    /// Its triggers.
    pub triggers: Vec<Name>,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioDraft>,
    /// Its plans, compiled and checked, with whether each names what it loses from.
    pub plans: Vec<PlanSet>,
}

/// A rung.
#[derive(Clone, Debug)]
pub struct RungDraft {
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub title: String,
    /// When it holds.
    pub when: When,
    /// What is promised.
    pub objectives: Objectives,
    /// How it looks outside.
    pub impact: Impact,
}

/// When a rung holds.
#[derive(Clone, Debug)]
pub enum When {
    /// Only where a scenario names it.
    Never,
    /// As a preset has it.
    Preset(Condition),
    /// As the config says.
    Written(Vec<WhenDraft>),
}

/// A component.
#[derive(Clone, Debug)]
pub struct ComponentDraft {
    /// Its name.
    pub name: Name,
    /// How much it matters.
    pub priority: Priority,
    /// What is promised for it.
    pub objectives: Objectives,
    /// Its failures are no evidence while these are down.
    pub depends_on: Vec<Name>,
    /// Of its probes.
    pub down_when: DownRule,
}

/// Who can see a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Every observer.
    All,
    /// Those in the region where it runs.
    Local,
    /// These.
    Named(Vec<Name>),
}

/// Of what a probe is a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessDraft {
    /// The active region.
    Active,
    /// That one.
    Region(Name),
}

/// A probe.
#[derive(Clone, Debug)]
pub struct ProbeDraft {
    /// Its name.
    pub name: Name,
    /// What it belongs to; none: the service.
    pub component: Option<Name>,
    /// What it may do.
    pub tier: Tier,
    /// Where it runs.
    pub role: Role,
    /// None: the service's.
    pub regions: Option<Vec<Name>>,
    /// Who can see it.
    pub from: From,
    /// How it is debounced.
    pub debounce: health::Settings,
    /// No evidence while that one is down.
    pub parent: Option<Name>,
    /// Of what it is a witness.
    pub witness_of: Option<WitnessDraft>,
    /// Its reading is what a promotion would lose.
    pub loss: bool,
    /// It says whether a region takes writes.
    pub drift: bool,
}

/// One clause of a condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhenDraft {
    /// At least so bad.
    pub service: Option<Level>,
    /// Probes or components.
    pub down: Vec<Name>,
    /// Probes or components.
    pub slow: Vec<Name>,
    /// Probes or components.
    pub up: Vec<Name>,
    /// So many of `down` or `slow`.
    pub at_least: Option<u8>,
    /// Some component of at least this priority.
    pub priority: Option<Priority>,
    /// Triggers.
    pub raised: Vec<Name>,
    /// Plans.
    pub tried: Vec<Name>,
    /// Where to look.
    pub side: Side,
    /// The region is lost.
    pub region_lost: bool,
    /// None: 60 s where an automatic failover hangs on it, else nothing.
    pub held: Option<Span>,
    /// Age of the incident.
    pub open_for: Option<Span>,
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct ScenarioDraft {
    /// Its name.
    pub name: Name,
    /// The plan's heading.
    pub title: String,
    /// Any of these; none: the service is down.
    pub when: Vec<WhenDraft>,
    /// At least so severe.
    pub severity: Option<Name>,
    /// What is done.
    pub plan: Option<Name>,
    /// The most that it may do.
    pub mode: Mode,
    /// It acts instead of these.
    pub over: Vec<Name>,
    /// Once more after so long.
    pub again: Option<Span>,
    /// Left for a veto.
    pub veto: Span,
    /// What is promised for it.
    pub objectives: Objectives,
    /// What is owed once it has cleared.
    pub on_clear: Option<OnClearDraft>,
    /// Not approved in so long: told again.
    pub approval_within: Span,
    /// What its plan is told.
    pub given: Vec<(RunTime, Filled)>,
}

/// The way home after a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailbackDraft {
    /// The most that it may do.
    pub mode: Mode,
    /// After having been well for so long.
    pub after: Span,
    /// Which plan; none: the one that moved it, the other way round.
    pub plan: Option<Name>,
}

impl Default for FailbackDraft {
    fn default() -> FailbackDraft {
        FailbackDraft { mode: Mode::Approve, after: Span::hours(24), plan: None }
    }
}

/// What is owed once a scenario has cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnClearDraft {
    /// Which plan.
    pub plan: Name,
    /// Its condition has been false for so long.
    pub after: Span,
    /// The most that it may do; none: the scenario's.
    pub mode: Option<Mode>,
}

impl RungDraft {
    /// A preset's rungs, to be built upon.
    #[must_use]
    pub fn preset(preset: Preset) -> Vec<RungDraft> {
        preset
            .rungs()
            .into_iter()
            .map(|rung| RungDraft {
                name: rung.name,
                title: rung.title,
                when: rung.when.map_or(When::Never, When::Preset),
                objectives: rung.objectives,
                impact: rung.impact,
            })
            .collect()
    }
}

impl ServiceDraft {
    /// A service with CONFIG's defaults, no parts and the `level` ladder.
    #[must_use]
    pub fn new(name: Name, regions: Vec<Name>) -> ServiceDraft {
        ServiceDraft {
            title: String::from(name.as_str()),
            name,
            hash: PolicyHash::default(),
            regions,
            stateless: false,
            rungs: RungDraft::preset(Preset::Level),
            mode: Mode::Auto,
            objectives: Objectives::default(),
            priority: Priority::High,
            depends_on: Vec::new(),
            down_when: DownRule::Any,
            cooldown: Span::hours(1),
            stable: Span::mins(5),
            blind_page: Span::mins(2),
            drift_after: Span::mins(1),
            quarantine: Span::mins(30),
            rejoin: None,
            failback: FailbackDraft::default(),
            components: Vec::new(),
            probes: Vec::new(),
            triggers: Vec::new(),
            scenarios: Vec::new(),
            plans: Vec::new(),
        }
    }
}

impl ProbeDraft {
    /// A trigger probe of the service itself, in each region, seen by all, with CONFIG's defaults.
    #[must_use]
    pub fn new(name: Name) -> ProbeDraft {
        ProbeDraft {
            name,
            component: None,
            tier: Tier::Trigger,
            role: Role::Each,
            regions: None,
            from: From::All,
            debounce: health::Settings::DEFAULT,
            parent: None,
            witness_of: None,
            loss: false,
            drift: false,
        }
    }
}

impl ScenarioDraft {
    /// A scenario with CONFIG's defaults: the service is down, nothing is done.
    #[must_use]
    pub fn new(name: Name) -> ScenarioDraft {
        ScenarioDraft {
            title: String::from(name.as_str()),
            name,
            when: Vec::new(),
            severity: None,
            plan: None,
            mode: Mode::Approve,
            over: Vec::new(),
            again: None,
            veto: Span::ZERO,
            objectives: Objectives::default(),
            on_clear: None,
            approval_within: Span::mins(15),
            given: Vec::new(),
        }
    }
}

impl ComponentDraft {
    /// A critical component with CONFIG's defaults.
    #[must_use]
    pub fn new(name: Name) -> ComponentDraft {
        ComponentDraft {
            name,
            priority: Priority::Critical,
            objectives: Objectives::default(),
            depends_on: Vec::new(),
            down_when: DownRule::Any,
        }
    }
}
