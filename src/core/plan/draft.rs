//! What the config hands in: plans and steps as plain data, references by name, texts read but not filled in.
//!
//! A draft may be wrong in every way that its types allow; [`plan_set`](super::set::plan_set) says how. It must never
//! be run.

use super::own::Own;
use super::step::{
    ActsAs, InDrill, Input, LateCall, OnFailure, Only, PlanKind, Plane, ProbeSet, Rate, Retry, Settles,
};
use super::text::Raw;
use super::value::DraftValue;
use crate::ids::Name;
use crate::time::Span;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A plan as the config has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDraft {
    /// What it is called.
    pub name: Name,
    /// What it is for.
    pub kind: PlanKind,
    /// What people call it; its name if none.
    pub title: Option<Raw>,
    /// One sentence for 3 a.m.
    pub text: Option<Raw>,
    /// What must be up where it acts; none: all gate probes there.
    pub requires: Option<Vec<Name>>,
    /// What the data-loss gate reads; none: all loss probes.
    pub loss_from: Option<Vec<Name>>,
    /// Deadlines since the start.
    pub phases: Vec<(Name, Span)>,
    /// What it is told when it is started.
    pub inputs: Vec<Input<Raw>>,
    /// Steps tried in this order until one settles the old side.
    pub fence: Vec<Name>,
    /// Why it is acceptable to go on when none does.
    pub unfenced: Option<Raw>,
    /// After this step users are served.
    pub served: Option<Name>,
    /// Further runs need approval.
    pub at_most: Option<Rate>,
    /// Whether a drill runs it other than live and other than as a preview: then what runs in a drill may not use
    /// outputs of what is only previewed there.
    pub drilled: bool,
    /// What is done.
    pub steps: Vec<StepDraft>,
}

/// A step as the config has it. Where a default depends on the kind or on the step that stands for a child, it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDraft {
    /// What it is called.
    pub name: Name,
    /// What people call it; its name if none.
    pub title: Option<Raw>,
    /// What must come before it.
    pub needs: Vec<Name>,
    /// Its phase; none: the first.
    pub phase: Option<Name>,
    /// None: [`StepDraft::TIMEOUT`], for a `wait` or `lapse` on top of what it waits.
    pub timeout: Option<Span>,
    /// None: [`StepDraft::RETRY`], and for what waits for people or time no retry.
    pub retry: Option<Retry>,
    /// None: that of the step that stands for its plan, else stop.
    pub on_failure: Option<OnFailure>,
    /// The only way of run in which it takes part.
    pub only: Option<Only>,
    /// Must be up afterwards.
    pub verify: Vec<Name>,
    /// Where it acts; none: where the plan acts, and for a `lapse` of a failover the old region.
    pub region: Option<Raw>,
    /// What it restores.
    pub component: Option<Name>,
    /// None: run with a target of its own or if it changes nothing, else preview.
    pub in_drill: Option<InDrill>,
    /// What it does.
    pub body: BodyDraft,
}

/// What a step does, as the config has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyDraft {
    /// A shell sends it.
    Action(ActionDraft),
    /// The core does it.
    Own(Own<Raw>),
    /// The steps of another plan of the service, inlined.
    Child {
        /// Which.
        plan: Name,
        /// What it is told.
        inputs: Vec<(Name, Raw)>,
    },
}

/// What the config knows of an action and the core does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionDraft {
    /// Which shell carries it out.
    pub kind: Name,
    /// What it sends.
    pub keys: BTreeMap<Arc<str>, DraftValue>,
    /// What it does to the service.
    pub acts_as: ActsAs,
    /// What it is worth as a fence.
    pub settles: Settles,
    /// What must be alive for it to work.
    pub touches: Vec<TouchDraft>,
    /// The name under which the newest token is kept.
    pub resource: Option<Raw>,
    /// How a late call is stopped.
    pub late_call: LateCall,
    /// How long after its time-out a call may still land; none: as its class has it.
    pub late: Option<Span>,
    /// Whether it changes anything.
    pub changing: bool,
    /// Whether its owner can say that production is left alone, so that it may stand in an inspect plan and run in a
    /// drill without a target of its own.
    pub allowed_in_inspect: bool,
    /// Whether it cannot be taken back.
    pub one_way: bool,
    /// Whether its kind can undo it.
    pub undoable: bool,
    /// What it gives to later steps.
    pub outputs: Vec<Name>,
    /// What it looks at itself.
    pub probes: Vec<Name>,
    /// What it is pointed at in a drill.
    pub drill_target: Option<DrillTarget>,
}

/// Where a drill points an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillTarget {
    /// Keys that are replaced.
    pub keys: BTreeMap<Arc<str>, DraftValue>,
    /// The resource that it then changes.
    pub resource: Option<Raw>,
}

/// Something that must be alive for an action to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchDraft {
    /// Where it lives.
    pub region: TouchRegion,
    /// What it is.
    pub api: Arc<str>,
    /// Which side of it.
    pub plane: Plane,
}

/// Where something that an action touches lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TouchRegion {
    /// Nowhere in particular.
    Anywhere,
    /// Where the step acts.
    WhereItActs,
    /// There, whatever the step's region: route53's control plane lives in us-east-1.
    In(Name),
    /// In the region that a failover leaves, or where another plan acts.
    Old,
}

impl PlanDraft {
    /// A plan with every default.
    #[must_use]
    pub const fn new(name: Name, kind: PlanKind) -> PlanDraft {
        PlanDraft {
            name,
            kind,
            title: None,
            text: None,
            requires: None,
            loss_from: None,
            phases: Vec::new(),
            inputs: Vec::new(),
            fence: Vec::new(),
            unfenced: None,
            served: None,
            at_most: None,
            drilled: false,
            steps: Vec::new(),
        }
    }

    pub(super) fn probe_set(named: Option<&Vec<Name>>) -> ProbeSet {
        ProbeSet { every: named.is_none(), named: named.cloned().unwrap_or_default() }
    }
}

impl StepDraft {
    /// The default time-out.
    pub const TIMEOUT: Span = Span::mins(5);
    /// The default retry.
    pub const RETRY: Retry = Retry { times: 2, pause: Span::secs(2) };

    /// A step with every default.
    #[must_use]
    pub const fn new(name: Name, body: BodyDraft) -> StepDraft {
        StepDraft {
            name,
            title: None,
            needs: Vec::new(),
            phase: None,
            timeout: None,
            retry: None,
            on_failure: None,
            only: None,
            verify: Vec::new(),
            region: None,
            component: None,
            in_drill: None,
            body,
        }
    }
}

impl ActionDraft {
    /// An action of which nothing good is known: it changes things, nothing stops a late call, and it cannot be undone.
    #[must_use]
    pub const fn new(kind: Name) -> ActionDraft {
        ActionDraft {
            kind,
            keys: BTreeMap::new(),
            acts_as: ActsAs::Other,
            settles: Settles::Nothing,
            touches: Vec::new(),
            resource: None,
            late_call: LateCall::None,
            late: None,
            changing: true,
            allowed_in_inspect: false,
            one_way: false,
            undoable: false,
            outputs: Vec::new(),
            probes: Vec::new(),
            drill_target: None,
        }
    }
}
