//! What a run hears, what it wants, and what it answers: its whole surface, as plain data.
//!
//! Whatever it wants is answered by something it hears; the comments say which.

use super::cell::Cell;
use crate::authority::{Held, Token};
use crate::ids::Name;
use crate::plan::StepName;
use crate::plan::fill::Filled;
use crate::plan::journal::{By, Entry, Op, Outcome, Reply, Sent, Stuck};
use crate::time::{Mono, Span};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Something that reached a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What became of a transaction. An unknown one is told again, when the record has been read back.
    Answered {
        /// Which.
        txn: u32,
        /// What.
        commit: Commit,
    },
    /// A call has ended.
    Finished {
        /// Of which step.
        step: StepName,
        /// Whether it was about taking the step back.
        undoing: bool,
        /// Its token's serial.
        serial: u64,
        /// What came back.
        reply: Reply,
        /// What it gives to later steps.
        outputs: Vec<(Name, Filled)>,
    },
    /// A region was read back.
    ReadBack {
        /// For which step.
        step: StepName,
        /// Whether it takes writes (of a service that keeps nothing: whether it is up).
        writable: bool,
    },
    /// An operator said something.
    Ordered(Verb),
    /// A failover takes the place of this repair.
    Superseded,
    /// A page is durable.
    Recorded(Page),
    /// Somebody has seen the page.
    Acknowledged,
    /// The claim is lost: another observer goes on from the journal.
    ClaimLost,
    /// The config was read anew; a run keeps its own plan.
    Reloaded,
    /// The service was paused; a run goes on.
    Paused,
    /// The trouble has passed; a run goes on.
    VerdictUp,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is durable.
    Committed,
    /// It is not, and never will be.
    Refused,
    /// Nobody knows. Nothing goes out until somebody does.
    Unknown,
}

/// What an operator can say to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Stop; undo, if the commit point is ahead and nothing is unknown.
    Abort {
        /// Who.
        by: By,
    },
    /// Look at a held step again, and try it again if need be.
    Retry {
        /// Which.
        step: StepName,
        /// Who.
        by: By,
    },
    /// Let a step count as met. A fence that was skipped unlocks nothing.
    Skip {
        /// Which.
        step: StepName,
        /// Who.
        by: By,
    },
    /// Agree to what an `approve` step asks.
    Approve {
        /// Which.
        step: StepName,
        /// Who.
        by: By,
    },
    /// Tick a point of a checklist.
    Tick {
        /// Of which step.
        step: StepName,
        /// Which, from 0.
        item: usize,
        /// Who.
        by: By,
    },
    /// Accept the exposure that is shown.
    Accept {
        /// Who.
        by: By,
        /// Whether hash, epoch and exposure are those that the run has.
        matches: bool,
    },
    /// Say no to a start.
    Veto {
        /// Who.
        by: By,
    },
    /// Take a held run over.
    HandOver {
        /// Who.
        by: By,
    },
}

/// What a verb is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It will be done.
    Taken,
    /// It will not.
    Refused(Why),
}

/// Why a verb is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Something is under way; wait until it has settled.
    Settling,
    /// It is final.
    Final,
    /// Only a held run, or a held step, can be told that.
    NotHeld,
    /// It runs already.
    Running,
    /// It is being stopped or undone already.
    Stopping,
    /// It has not begun: leave it out, or wait.
    NotBegun,
    /// There is no such step, or no such point.
    NoSuchStep,
    /// It asks nobody, or not now.
    NotAsked,
    /// What was approved is not what would be done; look at the new preview.
    Mismatch,
    /// This observer does not hold the claim any more.
    ClaimLost,
}

/// What [`tell`](super::Run::tell) answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Told {
    /// The cells that were visited.
    pub cells: Vec<Cell>,
    /// What a verb is answered.
    pub answer: Option<Answer>,
}

/// Something that a run wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Write this, all or nothing, if claim, run, abort flag and the journal's length are still these. Answered by
    /// `Answered`, always.
    Append {
        /// To be named in the answer.
        txn: u32,
        /// So many entries there are now.
        length: u64,
        /// In this order.
        entries: Vec<Entry>,
        /// The same transaction sets the active region and the quarantine.
        moves: bool,
    },
    /// Write the end: the last entry, the run out of the record, outcome, cooldown. Answered by `Answered`, always.
    End {
        /// To be named in the answer.
        txn: u32,
        /// So many entries there are now.
        length: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// Carry out. Its intent is durable. Answered by `Finished`, always.
    Begin {
        /// Which step.
        step: StepName,
        /// Whether it is about taking the step back.
        undoing: bool,
        /// What is asked.
        op: Op,
        /// Goes with it to the provider.
        token: Token,
        /// What the try sends that this is or looks at.
        sent: Arc<Sent>,
        /// From then on the provider's own clock must refuse it.
        not_after: Option<Mono>,
        /// From then on its answer is taken for unknown.
        deadline: Mono,
    },
    /// Nobody waits for that call any more.
    Cancel {
        /// Which step's.
        step: StepName,
        /// Its token's serial.
        serial: u64,
    },
    /// Read back whether users may be led there. Answered by `ReadBack`.
    ReadBack {
        /// For which step.
        step: StepName,
        /// Where.
        region: Name,
    },
    /// Tell those who must know. Answered by `Recorded` when it is durable.
    Page(Page),
    /// A phase is not over in time.
    Missed {
        /// Which.
        phase: Name,
    },
    /// Look again then, at the latest.
    Wake(Mono),
}

/// What people are paged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The run is held.
    Held {
        /// For the how-manieth time.
        nth: u32,
        /// Why.
        why: HeldWhy,
    },
    /// The run ends, and not simply as planned.
    Ends(Outcome),
}

/// Why a run is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldWhy {
    /// This step is a person's.
    Step(StepName),
    /// This step cannot be begun.
    Stuck(StepName, Stuck),
    /// No fence settled the old side: it may go on accepting writes that would be lost.
    Exposure,
    /// This step is done, and nothing is undone after it.
    PastCommitPoint(StepName),
    /// Nobody can say what this step has done.
    Unknown(StepName),
    /// This step could not be taken back.
    NotUndone(StepName),
}

/// What a run is told each time it looks.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The right to act. Without it a run watches and pages.
    pub held: Option<Held>,
    /// Whether a probe is up, where the plan acts.
    pub up: &'a dyn Fn(&Name) -> bool,
    /// Since when, by this observer's clock and from linearizable reads, the old side's daemon has given no pulse.
    pub silent_since: Option<Mono>,
    /// How often a page is told again that nobody has acknowledged.
    pub page_again: Span,
}

impl fmt::Display for HeldWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldWhy::Step(step) => write!(f, "step {step} needs a person"),
            HeldWhy::Stuck(step, why) => write!(f, "step {step} cannot be begun: {why}"),
            HeldWhy::Exposure => {
                f.write_str("no fence settled the old side: it may go on accepting writes that would be lost")
            }
            HeldWhy::PastCommitPoint(step) => {
                write!(f, "step {step} is done, and nothing is undone after it")
            }
            HeldWhy::Unknown(step) => write!(f, "nobody can say what step {step} has done"),
            HeldWhy::NotUndone(step) => write!(f, "step {step} could not be taken back"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Settling => "settling: something is under way, wait until it has ended",
            Why::Final => "final: it is over",
            Why::NotHeld => "only what is held can be told that",
            Why::Running => "it runs already; `abort` stops it",
            Why::Stopping => "it is being stopped or undone already",
            Why::NotBegun => "it has not begun; leave it out with `skip`, or wait",
            Why::NoSuchStep => "there is no such step",
            Why::NotAsked => "it asks nobody now",
            Why::Mismatch => "what was approved is not what would be done; look at the new preview",
            Why::ClaimLost => "this observer does not hold the claim any more",
        })
    }
}
