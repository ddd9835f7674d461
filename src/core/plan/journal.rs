//! What a run's journal holds: its start, every intent before its effect, every outcome, and what people decided.
//!
//! Entries are plain data, with names and never with positions, since they cross the edge. What an entry *means* is
//! said in one place only, the saga's fold, which reads it the same way as it happens and after a crash. No entry may hold
//! a secret or a moment: clocks of two machines are never compared.

use super::fill::Filled;
use super::set::PlanHash;
use super::step::{Body, Only};
use super::step_name::StepName;
use super::text::{RunTime, Text};
use crate::authority::{ClusterId, Epoch};
use crate::ids::Name;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A run's number, unique within its service and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// How a run, or the wish for one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As planned.
    Done,
    /// As planned, but for steps whose failure was accepted.
    DoneWithExceptions,
    /// What it did was undone.
    Undone,
    /// A failover took its place.
    Superseded,
    /// A human has it.
    HandedOver,
    /// Nobody approved it in time.
    Expired,
    /// The trouble passed, or somebody said no, before it started.
    Withdrawn,
    /// A gate refused it.
    Refused,
}

impl Outcome {
    /// Whether a failover that ended so needs no acknowledgement before the next.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Outcome::Done | Outcome::DoneWithExceptions)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Done => "done",
            Outcome::DoneWithExceptions => "done with exceptions",
            Outcome::Undone => "undone",
            Outcome::Superseded => "superseded",
            Outcome::HandedOver => "handed over",
            Outcome::Expired => "expired",
            Outcome::Withdrawn => "withdrawn",
            Outcome::Refused => "refused",
        })
    }
}

/// How much of a run is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All of it.
    Live,
    /// What each step says of drills.
    Drill,
    /// Nothing: every step shows what it would send.
    Preview,
}

/// What a run was started with. Fixed: whatever is not in here, or given by a step, no step can send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Which run.
    pub run: RunId,
    /// Of which plan.
    pub plan: Name,
    /// Its hash, as it was approved.
    pub hash: Option<PlanHash>,
    /// Whether it is planned.
    pub way: Only,
    /// How much of it is real.
    pub mode: Mode,
    /// Whose coordinator decided it.
    pub cluster: ClusterId,
    /// The epoch that the start set.
    pub epoch: Epoch,
    /// The newest serial of the service so far.
    pub serial: u64,
    /// What placeholders stand for: inputs, incident, trigger.
    pub given: Vec<(RunTime, Filled)>,
    /// Somebody approved the exposure that a missing fence leaves.
    pub exposure_accepted: bool,
}

/// What is asked of whoever carries out a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Do it.
    Do,
    /// Take it back.
    Undo,
    /// Say whether what was wanted is so already: that it is done or, while undoing, that it is undone.
    Observe,
    /// Look at the effect, not at the reply.
    Verify,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// It is so.
    Done,
    /// It is not, and nothing was changed. Also: the call was never handed over.
    NotDone,
    /// It is not, nothing was changed, and another try may help.
    Transient,
    /// It will not be, whoever tries again.
    Refused,
    /// Nobody can say.
    Unknown,
}

/// What an attempt sends, with everything filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The action.
    pub body: Body,
    /// The name under which the newest token is kept.
    pub resource: Option<Text>,
}

/// Who decided something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A person.
    Person(Arc<str>),
    /// A probe that is up.
    Probe(Name),
    /// The run itself, by its rules.
    Run,
}

/// Why a run that could go on is given to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Nobody knows what a placeholder of it stands for.
    NotFilled(RunTime),
    /// The placeholder is a list where a text is wanted.
    NotAText(RunTime),
    /// Users would be led to a side that is not writable.
    NotWritable(Name),
}

/// One thing that a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first of every journal.
    Started(Start),
    /// Committed before anything of it goes out.
    Intent {
        /// Of which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// What is asked.
        op: Op,
        /// Which try of doing, or of taking back, this is or looks at; the first is 1.
        attempt: u32,
        /// No two intents of a service have the same.
        serial: u64,
        /// What a try sends; whoever looks at a try looks at what that one sent.
        sent: Option<Arc<Sent>>,
    },
    /// What came back.
    Heard {
        /// For which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// For which intent.
        serial: u64,
        /// What.
        reply: Reply,
        /// What it gives to later steps.
        outputs: Vec<(Name, Filled)>,
    },
    /// Nothing that counts came in time.
    Expired {
        /// For which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// For which intent.
        serial: u64,
    },
    /// Somebody agreed to what an `approve` step asks.
    Approved {
        /// Which step.
        step: StepName,
        /// Who.
        by: By,
    },
    /// A point of a checklist is ticked.
    Ticked {
        /// Which step.
        step: StepName,
        /// Which point, from 0.
        item: usize,
        /// Who, or what.
        by: By,
    },
    /// The step counts as met, without having been done.
    Skipped {
        /// Which step.
        step: StepName,
        /// Whether what is left out is taking it back.
        undoing: bool,
        /// Who.
        by: By,
    },
    /// Look at the step again, and try it again if need be.
    Retried {
        /// Which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// Who.
        by: By,
    },
    /// It cannot be started as things are.
    Stuck {
        /// Which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// Why.
        why: Stuck,
    },
    /// The exposure that was shown is accepted.
    Accepted {
        /// Who.
        by: By,
    },
    /// Stop, and undo if that is possible.
    Aborted {
        /// Who.
        by: By,
    },
    /// A failover takes its place.
    Superseded,
    /// A person takes it over.
    HandedOver {
        /// Who.
        by: By,
    },
    /// The last of every journal.
    Ended(Outcome),
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stuck::NotFilled(run) => write!(f, "nothing is known for {run}"),
            Stuck::NotAText(run) => write!(f, "{run} is a list, and a text is wanted"),
            Stuck::NotWritable(region) => write!(f, "{region} was not read back as writable"),
        }
    }
}
