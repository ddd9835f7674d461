//! What a step is: everything that the core must know of it to run it safely, and nothing of how its kind does it.
//!
//! Nothing here decides, and no step kind is named but the core's own, which change only what the coordinator holds.

use super::own::Own;
use super::step_name::StepName;
use super::text::Text;
use super::value::Sealed;
use crate::ids::{Name, StepPos};
use crate::mutants::{self, Mutant};
use crate::time::Span;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanKind {
    /// Moves a service from one region to another.
    Failover,
    /// Mends it where it is.
    Repair,
    /// Fences and re-syncs a returning region.
    Rejoin,
    /// Looks, and changes nothing.
    Inspect,
}

/// What a step does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActsAs {
    /// Keeps the old side from writing.
    Fences,
    /// Lets the new side write.
    Promotes,
    /// Leads users somewhere.
    Routes,
    /// Only looks.
    Verifies,
    /// None of these.
    Other,
}

/// How strongly a fence settles the old side; the later, the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settles {
    /// Not at all.
    Nothing,
    /// Only the users' way to it is closed.
    Cut,
    /// It must have stopped itself by now.
    Lapsed,
    /// It cannot acknowledge a write alone.
    Structural,
    /// It was read back as fenced, or off.
    Proved,
}

impl Settles {
    /// Whether a run that nobody approved may promote after it.
    #[must_use]
    pub fn enough_for_auto(self) -> bool {
        match self {
            Settles::Lapsed | Settles::Structural | Settles::Proved => true,
            Settles::Cut => mutants::on(Mutant::CutIsEnough),
            Settles::Nothing => false,
        }
    }
}

/// How a late call of a step is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateCall {
    /// The provider compares the token in the same operation.
    Checked,
    /// The provider's own clock refuses it.
    Deadline,
    /// Only waiting helps.
    None,
}

impl LateCall {
    /// How long after its time-out a call may still land, unless its kind says otherwise (AWS: 5 min).
    #[must_use]
    pub const fn late(self) -> Span {
        match self {
            LateCall::Checked => Span::ZERO,
            LateCall::Deadline => Span::secs(3),
            LateCall::None => Span::secs(60),
        }
    }
}

/// What follows when a step has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The run is handed to a person.
    Stop,
    /// The run goes on.
    Continue,
    /// What was done is undone, newest first.
    Undo,
}

/// The two ways of a live run, and for a step the only one in which it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// The old region is alive: a switchover, a failback.
    Planned,
    /// It is not known to be.
    Unplanned,
}

/// Which side of a provider's interface a step depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    /// What changes resources; the first to go in a disaster.
    Control,
    /// What serves.
    Data,
}

/// Something that must be alive for a step to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Where it lives; nowhere in particular if none.
    pub region: Option<Name>,
    /// What it is.
    pub api: Arc<str>,
    /// Which side of it.
    pub plane: Plane,
}

/// How often a step is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first.
    pub times: u32,
    /// The time between two.
    pub pause: Span,
}

/// So many runs in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub runs: u32,
    /// In how long.
    pub within: Span,
}

/// What a drill does with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDrill {
    /// Does it, on the drill's target where there is one.
    Run,
    /// Shows what it would do.
    Preview,
    /// Leaves it out.
    Skip,
}

/// What a step is in a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// What is done with it.
    pub does: InDrill,
    /// What is sent instead; the step's own action if none.
    pub action: Option<Sealed>,
    /// The resource of that action.
    pub resource: Option<Text>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A shell sends it.
    Action(Sealed),
    /// The core does it.
    Own(Own<Text>),
}

/// One step of a compiled plan. Only a plan holds any, and never lets it be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub name: StepName,
    /// What people read; the name, unless the config says another.
    pub title: Text,
    /// All that must be final before it starts: by `needs`, phases, children and fences. What a run leaves out counts
    /// as met, and is harmless: whoever needs a step with `only` also needs what that one needs.
    pub needs: Vec<StepPos>,
    /// Where its phase stands in the plan's list.
    pub phase: Option<usize>,
    /// The region where it acts.
    pub acts_in: Name,
    /// What it does to the service.
    pub acts_as: ActsAs,
    /// What it is worth as a fence.
    pub settles: Settles,
    /// What must be alive for it to work.
    pub touches: Vec<Touch>,
    /// The name under which the newest token is kept.
    pub resource: Option<Text>,
    /// How a late call is stopped.
    pub late_call: LateCall,
    /// How long after its time-out a call may still land.
    pub late: Span,
    /// Whether it changes anything.
    pub changing: bool,
    /// Whether its owner says that production is left alone.
    pub leaves_production: bool,
    /// Whether it cannot be taken back.
    pub one_way: bool,
    /// Whether its kind can undo it.
    pub undoable: bool,
    /// What it gives to later steps.
    pub outputs: Vec<Name>,
    /// The only way of run in which it takes part.
    pub only: Option<Only>,
    /// What follows when it has failed for good.
    pub on_failure: OnFailure,
    /// After so long its outcome is unknown.
    pub timeout: Span,
    /// How often it is tried again.
    pub retry: Retry,
    /// Must be up afterwards, beside the kind's own look.
    pub verify: Vec<Name>,
    /// What the action itself looks at.
    pub probes: Vec<Name>,
    /// What it restores.
    pub component: Option<Name>,
    /// What it is in a drill.
    pub drill: Drill,
    /// What it does.
    pub body: Body,
}

/// What an input may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// Any text.
    Text,
    /// A moment.
    Time,
    /// One of a list.
    Choice,
}

/// Something that a plan is told when it is started; `T` is [`Raw`](super::text::Raw) in a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input<T> {
    /// What it is called.
    pub name: Name,
    /// What it may be.
    pub kind: InputType,
    /// Which ones, for a choice.
    pub choices: Vec<Arc<str>>,
    /// Taken when nothing is given; without one the plan cannot start unasked.
    pub default: Option<T>,
    /// What it must look like; compared at the edge, where orders come in.
    pub pattern: Option<Arc<str>>,
}

/// Probes that a gate asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSet {
    /// Every probe that is made for that gate where the plan acts: gate probes, or loss probes.
    pub every: bool,
    /// These as well.
    pub named: Vec<Name>,
}

impl Step {
    /// Whether a live run of that way does it.
    #[must_use]
    pub fn takes_part(&self, way: Only) -> bool {
        self.only.is_none_or(|only| only == way)
    }

    /// Whether there is a run in which both take part.
    #[must_use]
    pub fn meets(&self, other: &Step) -> bool {
        [Only::Planned, Only::Unplanned].iter().any(|&way| self.takes_part(way) && other.takes_part(way))
    }

    /// The longest that it can take before it is final, drains apart.
    #[must_use]
    pub const fn longest(&self) -> Span {
        let tries = self.retry.times as u64;
        self.timeout.times(tries + 1).plus(self.retry.pause.times(tries))
    }

    /// Calls `see` with each text that a run fills in, and its key: first what a live run sends, then what a drill does.
    pub(super) fn each_text<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a Text)) {
        match &self.body {
            Body::Action(action) => action.each_text(see),
            Body::Own(own) => own.each_text(see),
        }
        if let Some(resource) = &self.resource {
            see("resource", resource);
        }
    }

    /// As [`Step::each_text`], of what is sent in a drill.
    pub(super) fn each_drill_text<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a Text)) {
        match (&self.drill.action, &self.body) {
            (Some(action), _) | (None, Body::Action(action)) => action.each_text(see),
            (None, Body::Own(own)) => own.each_text(see),
        }
        if let Some(resource) = &self.drill.resource {
            see("resource", resource);
        }
    }
}
