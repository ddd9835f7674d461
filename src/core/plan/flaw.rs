//! Why a plan cannot be run: each flaw is a value that says what, where, and what to do.
//!
//! All flaws of a plan are found at once, so nothing here may depend on the order in which they were looked for.

use super::step::{ActsAs, InputType, PlanKind};
use super::step_name::StepName;
use super::text::{LoadTime, RunTime};
use crate::ids::Name;
use crate::time::Span;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A flaw, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In which plan.
    pub plan: Name,
    /// In which step; in the plan itself if none.
    pub step: Option<StepName>,
    /// Under which key of it.
    pub key: Option<Arc<str>>,
    /// What it is.
    pub fault: Fault,
    /// The cases that have it, where others have not.
    pub cases: Vec<CaseName>,
}

/// A case as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseName {
    /// The region that a failover leaves.
    pub from: Option<Name>,
    /// Where the plan acts.
    pub at: Name,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence below says what its fields are")]
pub enum Fault {
    /// No step at all.
    Empty,
    /// More of something than is allowed.
    TooMany { what: &'static str, most: usize },
    /// Two things of one name.
    Twice { what: &'static str, name: Name },
    /// Something named that does not exist.
    Missing { what: &'static str, name: Name, known: Vec<Name> },
    /// A failover where there is nowhere to go, or a plan where there is no region.
    TooFewRegions { regions: usize },
    /// Steps that wait for each other.
    Cycle { steps: Vec<StepName> },
    /// A step that needs one of a later phase.
    NeedsLaterPhase { need: StepName, phase: Name },
    /// Two phases between which nothing says the order.
    SameDeadline { one: Name, other: Name, deadline: Span },
    /// A child of a child.
    ChildOfChild { plan: Name },
    /// A key that a step which stands for a child cannot have.
    NotOnAChild,
    /// A step that takes part in no run.
    NeverRuns,
    /// `only` where there is no old region.
    OnlyOutsideFailover,
    /// Something named in `fence` that is none.
    NoFence { step: StepName, acts_as: Option<ActsAs> },
    /// Two lists of fences in one run.
    TwoFenceLists { child: Name },
    /// `unfenced` without a reason.
    NoReason,
    /// A promotion (or switch) on which a fence waits.
    BeforeFence { fence: StepName, acts_as: ActsAs },
    /// A fence that waits for a later one.
    FenceOrder { fence: StepName },
    /// A fence that acts on the new side.
    FenceElsewhere { region: Name, old: Name },
    /// Users led somewhere before it may write.
    TrafficBeforePromotion { promotes: StepName },
    /// A plan of that kind may hold no such step.
    NotInKind { kind: PlanKind, what: &'static str },
    /// Two steps that could race for one resource.
    Unordered { other: StepName, resource: String },
    /// An output that is not there yet.
    OutputTooEarly { output: RunTime },
    /// An output that some runs never have.
    OutputLeftOut { output: RunTime, only: &'static str },
    /// An output that a drill never has.
    OutputPreviewed { output: RunTime },
    /// An output that its step does not declare, or of no step.
    NoOutput { output: RunTime, declared: Option<Vec<Name>> },
    /// An input or trigger field that is not declared, or a placeholder where it cannot be known.
    Unknown { placeholder: RunTime, known: Vec<Name> },
    /// Something that only a run knows, needed at load.
    KnownTooLate { placeholder: RunTime },
    /// `{from}`, `{to}` outside a failover.
    OutsideFailover { placeholder: LoadTime },
    /// A value that a region does not have.
    NoValue { placeholder: LoadTime, region: Option<Name> },
    /// A value that is no text.
    NotAText { placeholder: LoadTime },
    /// A secret where it would be shown.
    SecretShown { placeholder: LoadTime },
    /// A text where a secret belongs.
    SecretInline,
    /// Something that is no region.
    NoRegion { text: String },
    /// Keys nested too deep.
    TooDeep { deepest: usize },
    /// A child's input that nobody gives.
    NoInput { name: Name },
    /// A value that an input does not take.
    NotAChoice { name: Name, value: String, choices: Vec<Arc<str>> },
    /// An input whose type and keys disagree.
    BadInput { name: Name, kind: InputType },
    /// A `wait` for nothing.
    WaitsForNothing,
    /// A time-out that is over before it can be done.
    TimeoutTooShort { lasts: Span, timeout: Span },
    /// No person to be waited for.
    NobodyAsked,
    /// A drill that would change production.
    DrillChangesProduction,
    /// A drill's target that is production's.
    DrillTargetSame,
    /// A drill's target where there is nothing to point elsewhere.
    DrillTargetEmpty,
}

/// Gathers the flaws of one plan, each once, up to a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaws {
    plan: Name,
    found: Vec<Flaw>,
}

impl Flaws {
    pub(super) const fn of(plan: Name) -> Flaws {
        Flaws { plan, found: Vec::new() }
    }

    /// One of the plan itself.
    pub(super) fn plan(&mut self, key: &str, fault: Fault) {
        self.push(None, key, fault);
    }

    /// One of a step.
    pub(super) fn step(&mut self, step: &StepName, key: &str, fault: Fault) {
        self.push(Some(step.clone()), key, fault);
    }

    pub(super) fn push(&mut self, step: Option<StepName>, key: &str, fault: Fault) {
        let key = (!key.is_empty()).then(|| Arc::from(key));
        let flaw = Flaw { plan: self.plan.clone(), step, key, fault, cases: Vec::new() };
        if self.found.len() < super::MOST_FLAWS && !self.found.contains(&flaw) {
            self.found.push(flaw);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_found(self) -> Vec<Flaw> {
        self.found
    }
}
