//! The table of one run, SAFETY §7: from the wish, through its gates and approvals, to its end.
//!
//! It is data, and total. What gates, votes and people say arrives as inputs; nothing is judged here.

use super::cell::Cell;
use core::fmt;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunState {
    /// Somebody, or a scenario, wants it.
    Asked,
    /// It will start unless somebody says no.
    Announced,
    /// A person must agree.
    Awaiting,
    /// Its start is being committed.
    Starting,
    /// It acts.
    Running,
    /// It starts nothing new and lets everything settle.
    Draining,
    /// It takes back what it did.
    Undoing,
    /// A person must say how it goes on.
    Held,
    /// Its end is being committed.
    Ending,
    /// Over.
    Ended,
}

/// What a run can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunInput {
    /// Every gate passes.
    GatesPass,
    /// One blocks.
    GateBlocks,
    /// All pass but the one that asks for an approval.
    ApprovalNeeded,
    /// It is to be announced first.
    VetoTime,
    /// The time for a veto, or for an approval, is over.
    TimeOver,
    /// Somebody said no.
    Veto,
    /// An approval of this hash, epoch, loss and exposure.
    ApproveMatching,
    /// An approval of something else.
    ApproveMismatch,
    /// The trouble has passed.
    VerdictUp,
    /// Epoch or policy are no longer those that were shown.
    Changed,
    /// Its start, or its end, is durable.
    Committed,
    /// It is not.
    Refused,
    /// Nobody knows yet.
    Unknown,
    /// The holder has lost the claim.
    ClaimLost,
    /// Every step is final.
    AllFinal,
    /// A step is a person's and nothing is under way.
    StepHeld,
    /// Every fence is final, none settled the old side, and nobody accepted that.
    FencesOpen,
    /// A failover takes the place of this repair.
    Supersede,
    /// A step failed that says `stop`.
    FailedStop,
    /// A step failed that says `undo`.
    FailedUndo,
    /// Nothing is under way, the commit point is ahead, and nothing is unknown.
    SettledBefore,
    /// The same of a run that is superseded.
    SettledSuperseded,
    /// Nothing is under way, and the commit point is passed or something is unknown.
    SettledBeyond,
    /// Something cannot be undone, or nobody knows whether it was.
    UndoFailed,
    /// Somebody says to stop.
    Abort,
    /// Somebody says to try a step again, and it was doing.
    Retry,
    /// The same while undoing.
    RetryUndo,
    /// Somebody says that a step counts as met, while doing.
    Skip,
    /// The same while undoing.
    SkipUndo,
    /// Somebody takes it over.
    HandOver,
    /// The service is paused.
    Pause,
    /// The config was read anew.
    Reload,
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAnswer {
    /// It goes there.
    To(RunState),
    /// It is forgotten: what the coordinator holds decides whether it exists.
    Forgotten,
    /// `.`: recorded, nothing changes.
    Recorded,
    /// `!`: whoever asked is told why not.
    Refused,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 10] = [
        RunState::Asked,
        RunState::Announced,
        RunState::Awaiting,
        RunState::Starting,
        RunState::Running,
        RunState::Draining,
        RunState::Undoing,
        RunState::Held,
        RunState::Ending,
        RunState::Ended,
    ];
}

impl RunInput {
    /// Every input.
    pub const ALL: [RunInput; 32] = [
        RunInput::GatesPass,
        RunInput::GateBlocks,
        RunInput::ApprovalNeeded,
        RunInput::VetoTime,
        RunInput::TimeOver,
        RunInput::Veto,
        RunInput::ApproveMatching,
        RunInput::ApproveMismatch,
        RunInput::VerdictUp,
        RunInput::Changed,
        RunInput::Committed,
        RunInput::Refused,
        RunInput::Unknown,
        RunInput::ClaimLost,
        RunInput::AllFinal,
        RunInput::StepHeld,
        RunInput::FencesOpen,
        RunInput::Supersede,
        RunInput::FailedStop,
        RunInput::FailedUndo,
        RunInput::SettledBefore,
        RunInput::SettledSuperseded,
        RunInput::SettledBeyond,
        RunInput::UndoFailed,
        RunInput::Abort,
        RunInput::Retry,
        RunInput::RetryUndo,
        RunInput::Skip,
        RunInput::SkipUndo,
        RunInput::HandOver,
        RunInput::Pause,
        RunInput::Reload,
    ];
}

const X: RunAnswer = RunAnswer::Impossible;
const P: RunAnswer = RunAnswer::Recorded;
const N: RunAnswer = RunAnswer::Refused;
const G: RunAnswer = RunAnswer::Forgotten;
const ASK: RunAnswer = RunAnswer::To(RunState::Asked);
const ANN: RunAnswer = RunAnswer::To(RunState::Announced);
const AWT: RunAnswer = RunAnswer::To(RunState::Awaiting);
const STA: RunAnswer = RunAnswer::To(RunState::Starting);
const RUN: RunAnswer = RunAnswer::To(RunState::Running);
const DRA: RunAnswer = RunAnswer::To(RunState::Draining);
const UND: RunAnswer = RunAnswer::To(RunState::Undoing);
const HEL: RunAnswer = RunAnswer::To(RunState::Held);
const EDG: RunAnswer = RunAnswer::To(RunState::Ending);
const END: RunAnswer = RunAnswer::To(RunState::Ended);

/// A row an input, a column a state: read down, it is what can happen to a state.
#[rustfmt::skip]
const TABLE: [[RunAnswer; 10]; 32] = [
    // Asked Announ Await Start Runn  Drain Undo  Held  Ending Ended
    [STA,    X,    X,    X,    X,    X,    X,    X,    X,    X], // gates pass
    [P,      X,    X,    X,    X,    X,    X,    X,    X,    X], // gate blocks
    [AWT,    X,    X,    X,    X,    X,    X,    X,    X,    X], // approval needed
    [ANN,    X,    X,    X,    X,    X,    X,    X,    X,    X], // veto time
    [X,      ASK,  AWT,  X,    X,    X,    X,    X,    X,    X], // time over
    [N,      END,  END,  N,    N,    N,    N,    N,    N,    N], // veto
    [N,      N,    STA,  N,    N,    N,    N,    RUN,  N,    N], // approve matching
    [N,      N,    N,    N,    N,    N,    N,    N,    N,    N], // approve mismatch
    [P,      P,    END,  P,    P,    P,    P,    P,    P,    P], // verdict up
    [P,      ASK,  ASK,  P,    P,    P,    P,    P,    P,    P], // changed
    [X,      X,    X,    RUN,  X,    X,    X,    X,    END,  X], // committed
    [X,      X,    X,    ASK,  X,    X,    X,    X,    EDG,  X], // refused
    [X,      X,    X,    STA,  X,    X,    X,    X,    EDG,  X], // unknown
    [G,      ANN,  AWT,  G,    RUN,  DRA,  UND,  HEL,  EDG,  P], // claim lost
    [X,      X,    X,    X,    EDG,  X,    EDG,  X,    X,    X], // all final
    [X,      X,    X,    X,    HEL,  X,    X,    X,    X,    X], // step held
    [X,      X,    X,    X,    HEL,  X,    X,    X,    X,    X], // fences open
    [N,      N,    N,    N,    DRA,  N,    N,    N,    N,    N], // supersede
    [X,      X,    X,    X,    P,    P,    P,    X,    X,    X], // failed stop
    [X,      X,    X,    X,    DRA,  P,    X,    X,    X,    X], // failed undo
    [X,      X,    X,    X,    X,    UND,  X,    X,    X,    X], // settled before
    [X,      X,    X,    X,    X,    EDG,  X,    X,    X,    X], // settled superseded
    [X,      X,    X,    X,    X,    HEL,  X,    X,    X,    X], // settled beyond
    [X,      X,    X,    X,    X,    X,    HEL,  X,    X,    X], // undo failed
    [N,      END,  END,  N,    DRA,  N,    N,    DRA,  N,    N], // abort
    [N,      N,    N,    N,    P,    N,    X,    RUN,  N,    N], // retry
    [X,      X,    X,    X,    X,    X,    P,    UND,  N,    N], // retry undo
    [N,      N,    N,    N,    P,    N,    X,    RUN,  N,    N], // skip
    [X,      X,    X,    X,    X,    X,    P,    UND,  N,    N], // skip undo
    [N,      N,    N,    N,    N,    N,    N,    EDG,  N,    N], // hand over
    [P,      P,    P,    P,    P,    P,    P,    P,    P,    P], // pause
    [P,      P,    P,    P,    P,    P,    P,    P,    P,    P], // reload
];

/// What the cell says that a run in this state comes to by this input.
#[must_use]
pub fn run_cell(state: RunState, input: RunInput) -> RunAnswer {
    TABLE.get(input as usize).and_then(|row| row.get(state as usize)).copied().unwrap_or(X)
}

/// Every cell, state by state.
pub fn run_cells() -> impl Iterator<Item = Cell> {
    RunState::ALL
        .into_iter()
        .flat_map(|state| RunInput::ALL.into_iter().map(move |input| Cell::Run(state, input)))
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunState::Asked => "Asked",
            RunState::Announced => "Announced",
            RunState::Awaiting => "Awaiting",
            RunState::Starting => "Starting",
            RunState::Running => "Running",
            RunState::Draining => "Draining",
            RunState::Undoing => "Undoing",
            RunState::Held => "Held",
            RunState::Ending => "Ending",
            RunState::Ended => "Ended",
        })
    }
}

impl fmt::Display for RunInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunInput::GatesPass => "gates pass",
            RunInput::GateBlocks => "a gate blocks",
            RunInput::ApprovalNeeded => "approval needed",
            RunInput::VetoTime => "veto time",
            RunInput::TimeOver => "time over",
            RunInput::Veto => "veto",
            RunInput::ApproveMatching => "approve",
            RunInput::ApproveMismatch => "mismatch",
            RunInput::VerdictUp => "verdict up",
            RunInput::Changed => "epoch or policy changed",
            RunInput::Committed => "committed",
            RunInput::Refused => "refused",
            RunInput::Unknown => "unknown",
            RunInput::ClaimLost => "claim lost",
            RunInput::AllFinal => "all final",
            RunInput::StepHeld => "a step H",
            RunInput::FencesOpen => "fences open",
            RunInput::Supersede => "supersede",
            RunInput::FailedStop => "on_failure stop",
            RunInput::FailedUndo => "on_failure undo",
            RunInput::SettledBefore => "settled before the commit point",
            RunInput::SettledSuperseded => "settled, superseded",
            RunInput::SettledBeyond => "settled past it, or unknown",
            RunInput::UndoFailed => "undo fails",
            RunInput::Abort => "abort",
            RunInput::Retry => "retry",
            RunInput::RetryUndo => "retry of undoing",
            RunInput::Skip => "skip",
            RunInput::SkipUndo => "skip of undoing",
            RunInput::HandOver => "hand over",
            RunInput::Pause => "pause",
            RunInput::Reload => "reload",
        })
    }
}

/// As the tests' tables write it.
impl fmt::Display for RunAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunAnswer::To(state) => write!(f, "{state}"),
            RunAnswer::Forgotten => f.write_str("forgotten"),
            RunAnswer::Recorded => f.write_str("."),
            RunAnswer::Refused => f.write_str("!"),
            RunAnswer::Impossible => f.write_str("#"),
        }
    }
}
