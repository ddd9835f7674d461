//! The table of one step, SAFETY §7: what each input does in each state, for doing and for undoing alike.
//!
//! It is data, and total: what cannot occur has its cell too. It knows no time, no budget and no other step.

use super::cell::Cell;
use core::fmt;

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepState {
    /// W: not begun.
    Waiting,
    /// I: its intent is being committed.
    Intent,
    /// C: it is being carried out.
    Calling,
    /// U: nobody knows, and a late call may still land.
    Unsettled,
    /// O: it is being looked at whether it is done.
    Observing,
    /// V: its effect is being looked at.
    Verifying,
    /// R: known not to be done.
    NotDone,
    /// H: a person has it.
    Held,
    /// Done.
    Done,
    /// Counts as met, without having been done.
    Skipped,
    /// Failed, and the run may go on or drains.
    Failed,
    /// Never applied.
    Not,
}

/// What a step can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepInput {
    /// It may begin.
    Ready,
    /// Its intent is durable.
    Committed,
    /// Its intent is not.
    Refused,
    /// Nobody knows yet.
    CommitUnknown,
    /// The call says that it is done.
    Ok,
    /// The call says that nothing was changed.
    NotApplied,
    /// It will never be done.
    Permanent,
    /// The call does not know.
    Timeout,
    /// No call of it can land any more.
    Settled,
    /// It is done.
    ObsDone,
    /// It is not.
    ObsNeeded,
    /// Nobody can say.
    ObsUnknown,
    /// Its effect is there.
    VerOk,
    /// It is not, or not yet.
    VerNo,
    /// Its time, or its tries, are over.
    Deadline,
    /// The run starts nothing any more, or does not need it.
    Abort,
    /// Somebody says that it counts as met.
    Skip,
    /// Somebody says to look, and to try again.
    Retry,
    /// An answer whose serial is not the present one.
    LateReply,
    /// Whoever carried it out has lost the claim.
    ClaimLost,
    /// The config was read anew.
    Reload,
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAnswer {
    /// It goes there.
    To(StepState),
    /// What the step says of its failure decides.
    OnFailure,
    /// `.`: recorded, nothing changes.
    Recorded,
    /// `!`: whoever asked is told why not.
    Refused,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepRow(u8);

impl StepState {
    /// Every state.
    pub const ALL: [StepState; 12] = [
        StepState::Waiting,
        StepState::Intent,
        StepState::Calling,
        StepState::Unsettled,
        StepState::Observing,
        StepState::Verifying,
        StepState::NotDone,
        StepState::Held,
        StepState::Done,
        StepState::Skipped,
        StepState::Failed,
        StepState::Not,
    ];

    /// Whether nothing can change it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, StepState::Done | StepState::Skipped | StepState::Failed | StepState::Not)
    }

    /// Whether something of it is under way.
    #[must_use]
    pub const fn in_flight(self) -> bool {
        matches!(
            self,
            StepState::Intent
                | StepState::Calling
                | StepState::Unsettled
                | StepState::Observing
                | StepState::Verifying
        )
    }

    /// Its row.
    #[must_use]
    pub const fn row(self) -> StepRow {
        let place = self as u8;
        StepRow(if place > StepState::Done as u8 { StepState::Done as u8 } else { place })
    }
}

impl StepRow {
    /// So many rows there are.
    pub(super) const COUNT: usize = TABLE.len();

    /// Every row, from the top.
    pub fn all() -> impl Iterator<Item = StepRow> {
        (0..TABLE.len() as u8).map(StepRow)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl StepInput {
    /// Every column, from the left.
    pub const ALL: [StepInput; 21] = [
        StepInput::Ready,
        StepInput::Committed,
        StepInput::Refused,
        StepInput::CommitUnknown,
        StepInput::Ok,
        StepInput::NotApplied,
        StepInput::Permanent,
        StepInput::Timeout,
        StepInput::Settled,
        StepInput::ObsDone,
        StepInput::ObsNeeded,
        StepInput::ObsUnknown,
        StepInput::VerOk,
        StepInput::VerNo,
        StepInput::Deadline,
        StepInput::Abort,
        StepInput::Skip,
        StepInput::Retry,
        StepInput::LateReply,
        StepInput::ClaimLost,
        StepInput::Reload,
    ];
}

const X: StepAnswer = StepAnswer::Impossible;
const P: StepAnswer = StepAnswer::Recorded;
const N: StepAnswer = StepAnswer::Refused;
const F: StepAnswer = StepAnswer::OnFailure;
const W: StepAnswer = StepAnswer::To(StepState::Waiting);
const I: StepAnswer = StepAnswer::To(StepState::Intent);
const C: StepAnswer = StepAnswer::To(StepState::Calling);
const U: StepAnswer = StepAnswer::To(StepState::Unsettled);
const O: StepAnswer = StepAnswer::To(StepState::Observing);
const V: StepAnswer = StepAnswer::To(StepState::Verifying);
const R: StepAnswer = StepAnswer::To(StepState::NotDone);
const H: StepAnswer = StepAnswer::To(StepState::Held);
const D: StepAnswer = StepAnswer::To(StepState::Done);
const S: StepAnswer = StepAnswer::To(StepState::Skipped);
const Z: StepAnswer = StepAnswer::To(StepState::Not);

/// In the order of [`StepInput::ALL`]: the commit of an intent; what a call says; what looking says; time; people; the
/// holder.
#[rustfmt::skip]
const TABLE: [[StepAnswer; 21]; 9] = [
    // ready comm ref unk    ok  not  perm time sett   done need unk    ok  no    dead   abrt skip try   late lost load
    [I,  X,  X,  X,   X,  X,  X,  X,  X,   X,  X,  X,   X,  X,   P,   Z,  S,  N,   P,  W,  P], // W
    [X,  C,  W,  I,   X,  X,  X,  X,  X,   X,  X,  X,   X,  X,   I,   I,  N,  N,   P,  U,  P], // I
    [X,  X,  X,  X,   V,  R,  F,  U,  X,   X,  X,  X,   X,  X,   U,   C,  N,  N,   P,  U,  P], // C
    [X,  X,  X,  X,   V,  R,  F,  P,  O,   X,  X,  X,   X,  X,   U,   U,  N,  N,   P,  U,  P], // U
    [X,  X,  X,  X,   X,  X,  X,  X,  X,   V,  R,  H,   X,  X,   H,   O,  N,  N,   P,  U,  P], // O
    [X,  X,  X,  X,   X,  X,  X,  X,  X,   X,  X,  X,   D,  O,   F,   V,  N,  N,   P,  U,  P], // V
    [I,  X,  X,  X,   X,  X,  X,  X,  X,   X,  X,  X,   X,  X,   F,   Z,  S,  O,   P,  R,  P], // R
    [X,  X,  X,  X,   X,  X,  X,  X,  X,   X,  X,  X,   X,  X,   P,   H,  S,  O,   P,  H,  P], // H
    [X,  X,  X,  X,   X,  X,  X,  X,  X,   X,  X,  X,   X,  X,   P,   P,  N,  N,   P,  P,  P], // final
];

/// What the cell says that a step in this row comes to by this input.
#[must_use]
pub fn step_cell(row: StepRow, input: StepInput) -> StepAnswer {
    TABLE.get(row.0 as usize).and_then(|row| row.get(input as usize)).copied().unwrap_or(X)
}

/// Every cell, row by row.
pub fn step_cells() -> impl Iterator<Item = Cell> {
    StepRow::all().flat_map(|row| StepInput::ALL.into_iter().map(move |input| Cell::Step(row, input)))
}

impl fmt::Display for StepRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROWS: [&str; 9] = ["W", "I", "C", "U", "O", "V", "R", "H", "final"];
        f.write_str(ROWS.get(self.0 as usize).copied().unwrap_or("final"))
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepState::Done => f.write_str("Done"),
            StepState::Skipped => f.write_str("Skip"),
            StepState::Failed => f.write_str("Fail"),
            StepState::Not => f.write_str("Not"),
            StepState::Waiting
            | StepState::Intent
            | StepState::Calling
            | StepState::Unsettled
            | StepState::Observing
            | StepState::Verifying
            | StepState::NotDone
            | StepState::Held => write!(f, "{}", self.row()),
        }
    }
}

impl fmt::Display for StepInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepInput::Ready => "ready",
            StepInput::Committed => "committed",
            StepInput::Refused => "refused",
            StepInput::CommitUnknown => "commit unknown",
            StepInput::Ok => "ok",
            StepInput::NotApplied => "not applied",
            StepInput::Permanent => "permanent",
            StepInput::Timeout => "timeout",
            StepInput::Settled => "settled",
            StepInput::ObsDone => "obs done",
            StepInput::ObsNeeded => "obs needed",
            StepInput::ObsUnknown => "obs unknown",
            StepInput::VerOk => "ver ok",
            StepInput::VerNo => "ver no",
            StepInput::Deadline => "deadline",
            StepInput::Abort => "abort",
            StepInput::Skip => "skip",
            StepInput::Retry => "retry",
            StepInput::LateReply => "late reply",
            StepInput::ClaimLost => "claim lost",
            StepInput::Reload => "reload",
        })
    }
}

/// As the table writes it.
impl fmt::Display for StepAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepAnswer::To(state) => write!(f, "{state}"),
            StepAnswer::OnFailure => f.write_str("on_failure"),
            StepAnswer::Recorded => f.write_str("."),
            StepAnswer::Refused => f.write_str("!"),
            StepAnswer::Impossible => f.write_str("#"),
        }
    }
}
