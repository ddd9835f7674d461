//! What operators say, and what they are answered. Each is one more input, under the same claim and gates as anything
//! that happens by itself; none is ever dropped without an answer.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::agree::{Epoch, Mode, Outcome, RunId};
use crate::ids::{Name, ObserverPos, ServiceId};
use crate::plan::saga::Why;
use crate::plan::{Filled, PlanHash, RunTime, StepName};
use crate::time::Span;

/// Names one order, so that its answer finds who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// Something that an operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub id: OrderId,
    /// Who: two orders of one person have the same.
    pub who: Arc<str>,
    /// From where, for the chronicle alone.
    pub from: Option<Arc<str>>,
    /// To which service; none: to all, where the verb can be said to all.
    pub service: Option<ServiceId>,
    /// What.
    pub verb: Verb,
}

/// What a person accepts who says yes or gives an order: exactly what was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepts {
    /// The plan's hash, as its preview showed it.
    pub hash: Option<PlanHash>,
    /// The epoch at which it was shown.
    pub epoch: Option<Epoch>,
    /// So much may be lost.
    pub loss: Option<Span>,
    /// What is lost may be unknown.
    pub unknown_loss: bool,
    /// The old side may go on accepting writes.
    pub exposure: bool,
    /// Gates that may be passed although they block, one bit each.
    pub gates: u32,
}

/// The verbs of DESIGN §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Move the service, as if its active region were lost, or (planned) while it lives.
    Failover {
        /// Where to; none: to the best candidate.
        to: Option<Name>,
        /// By which plan; none: the only failover plan, or the first scenario's.
        plan: Option<Name>,
        /// The old side lives.
        planned: bool,
        /// What is accepted.
        accepts: Accepts,
    },
    /// Take the way home.
    Failback {
        /// What is accepted.
        accepts: Accepts,
    },
    /// Leave a region with all that is active there.
    Evacuate {
        /// Which.
        region: Name,
    },
    /// Run a plan.
    Run {
        /// Which.
        plan: Name,
        /// Where; none: where the service is active.
        at: Option<Name>,
        /// How much of it is real.
        mode: Mode,
        /// What it is told.
        given: Vec<(RunTime, Filled)>,
        /// A drill is stopped, and undone, after so long.
        longest: Option<Span>,
        /// What is accepted.
        accepts: Accepts,
    },
    /// Say yes to what is requested, or accept what a held run shows.
    Approve {
        /// What is accepted.
        accepts: Accepts,
    },
    /// Say yes to an `approve` step.
    ApproveStep {
        /// Of which run; none: of the one that is under way.
        run: Option<RunId>,
        /// Which step.
        step: StepName,
    },
    /// Say no to what is announced or requested.
    Veto,
    /// Stop a run, and undo if that is possible.
    Abort {
        /// Which; none: the one that is under way.
        run: Option<RunId>,
    },
    /// Look at a held step again, and try it again if need be.
    Retry {
        /// Of which run.
        run: Option<RunId>,
        /// Which step.
        step: StepName,
    },
    /// Let a step count as met.
    Skip {
        /// Of which run.
        run: Option<RunId>,
        /// Which step.
        step: StepName,
    },
    /// Tick a point of a checklist.
    Tick {
        /// Of which run.
        run: Option<RunId>,
        /// Which step.
        step: StepName,
        /// Which point, from 0.
        item: usize,
    },
    /// Take a held run over.
    HandOver {
        /// Which.
        run: Option<RunId>,
    },
    /// The service is active there, whatever the record says.
    Adopt {
        /// Where.
        region: Name,
    },
    /// A region that lost the role may be a candidate again.
    Release {
        /// Which.
        region: Name,
    },
    /// No automatic action.
    Pause,
    /// Automatic action again.
    Resume,
    /// Somebody has seen the incident's page.
    AcknowledgeIncident,
    /// Somebody has looked at how that failover ended.
    AcknowledgeRun {
        /// Which.
        run: RunId,
    },
    /// Something to be remembered.
    Annotate {
        /// What.
        text: String,
    },
    /// That trigger is raised no more.
    Clear {
        /// Which.
        trigger: Name,
    },
}

impl Verb {
    /// Its word in API, command line and chronicle.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Verb::Failover { .. } => "failover",
            Verb::Failback { .. } => "failback",
            Verb::Evacuate { .. } => "evacuate",
            Verb::Run { .. } => "run",
            Verb::Approve { .. } | Verb::ApproveStep { .. } => "approve",
            Verb::Veto => "veto",
            Verb::Abort { .. } => "abort",
            Verb::Retry { .. } => "retry",
            Verb::Skip { .. } => "skip",
            Verb::Tick { .. } => "tick",
            Verb::HandOver { .. } => "hand-over",
            Verb::Adopt { .. } => "adopt",
            Verb::Release { .. } => "release",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::AcknowledgeIncident | Verb::AcknowledgeRun { .. } => "acknowledge",
            Verb::Annotate { .. } => "annotate",
            Verb::Clear { .. } => "clear",
        }
    }

    /// What is accepted with it, if it is one that can accept something.
    #[must_use]
    pub const fn accepts(&self) -> Option<&Accepts> {
        match self {
            Verb::Failover { accepts, .. }
            | Verb::Failback { accepts }
            | Verb::Run { accepts, .. }
            | Verb::Approve { accepts } => Some(accepts),
            Verb::Evacuate { .. }
            | Verb::ApproveStep { .. }
            | Verb::Veto
            | Verb::Abort { .. }
            | Verb::Retry { .. }
            | Verb::Skip { .. }
            | Verb::Tick { .. }
            | Verb::HandOver { .. }
            | Verb::Adopt { .. }
            | Verb::Release { .. }
            | Verb::Pause
            | Verb::Resume
            | Verb::AcknowledgeIncident
            | Verb::AcknowledgeRun { .. }
            | Verb::Annotate { .. }
            | Verb::Clear { .. } => None,
        }
    }

    /// Whether only the claim's holder carries it out; the rest only changes the record, or tells.
    #[must_use]
    pub const fn acts(&self) -> bool {
        match self {
            Verb::Failover { .. }
            | Verb::Failback { .. }
            | Verb::Run { .. }
            | Verb::Approve { .. }
            | Verb::ApproveStep { .. }
            | Verb::Veto
            | Verb::Abort { .. }
            | Verb::Retry { .. }
            | Verb::Skip { .. }
            | Verb::Tick { .. }
            | Verb::HandOver { .. }
            | Verb::Adopt { .. } => true,
            Verb::Evacuate { .. }
            | Verb::Pause
            | Verb::Resume
            | Verb::Release { .. }
            | Verb::AcknowledgeIncident
            | Verb::AcknowledgeRun { .. }
            | Verb::Annotate { .. }
            | Verb::Clear { .. } => false,
        }
    }
}

/// What an order is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is durable.
    Done,
    /// Nothing had to be changed: it is so already.
    SoAlready,
    /// The run that was asked for is started.
    Started(RunId),
    /// It is written down and waits for its turn.
    Queued,
    /// It was sent, and the coordinator has not answered: it may be done.
    InDoubt,
    /// It is not done.
    Refused(Refused),
}

/// Why an order is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No coordinator is in reach: nothing can be made durable.
    NoCoordinator,
    /// Another observer holds the claim: say it there.
    HeldBy(Option<ObserverPos>),
    /// Nobody holds the claim yet, or its holder is still reading.
    NoHolder,
    /// Another order to this service is still being carried out.
    Busy,
    /// The daemon is shutting down.
    Leaving,
    /// There is no such service.
    NoSuchService,
    /// The verb needs a service.
    WhichService,
    /// There is no such region in it.
    NoSuchRegion(Name),
    /// There is no such plan in it, or none of the kind that is needed.
    NoSuchPlan,
    /// It must be said which of several plans.
    WhichPlan,
    /// There is no such trigger.
    NoSuchTrigger(Name),
    /// No run of it is under way, or not that one.
    NoSuchRun,
    /// Nothing is announced or requested.
    NothingAsked,
    /// The service has no record: `adopt` first.
    NoRecord,
    /// A run is under way: `abort` it, or wait.
    Running(RunId),
    /// It is there already.
    AlreadyThere,
    /// There is no way home: nothing has moved it, or it is at home.
    NoWayHome,
    /// That region is not quarantined.
    NotQuarantined,
    /// These gates are in the way, one bit each.
    Gates(u32),
    /// What was accepted is not what would be done; look at the preview.
    Mismatch,
    /// The run, or the step, cannot be told that now.
    Run(Why),
    /// It ended before it was carried out.
    Ended(Outcome),
    /// The coordinator refused it, and what it holds now does not allow it any more.
    Overtaken,
}
