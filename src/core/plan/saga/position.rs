//! One step of a run, doing or undoing: where it is, and what is known of what it changed.
//!
//! It moves only by the table. What it remembers beside its state is what a person, or a successor, must know.

use super::cell::Cell;
use super::step_table::{StepAnswer, StepInput, StepState, step_cell};
use crate::ids::Name;
use crate::mutants::{self, Mutant};
use crate::plan::fill::Filled;
use crate::plan::journal::{By, Op, Reply, Sent, Stuck};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Whether what a step changes is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    /// It is not.
    No,
    /// Nobody knows.
    Unknown,
    /// It is.
    Yes,
}

/// The intent whose answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) serial: u64,
    pub(super) op: Op,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) state: StepState,
    /// Tries so far.
    pub(super) attempt: u32,
    /// Tries that came back as not done, since a person last asked for another.
    pub(super) spent: u32,
    /// A person has asked for another try, and none was made since.
    pub(super) again: bool,
    pub(super) present: Option<Present>,
    /// The serial of the newest intent.
    pub(super) newest: u64,
    pub(super) landed: Landed,
    /// It had to be observed because nobody could say what its call had done.
    pub(super) was_unknown: bool,
    /// What the newest try sent.
    pub(super) sent: Option<Arc<Sent>>,
    pub(super) outputs: Vec<(Name, Filled)>,
    pub(super) approved: Vec<By>,
    pub(super) ticked: Vec<usize>,
    pub(super) stuck: Option<Stuck>,
}

impl Position {
    pub(super) const fn new() -> Position {
        Position {
            state: StepState::Waiting,
            attempt: 0,
            spent: 0,
            again: false,
            present: None,
            newest: 0,
            landed: Landed::No,
            was_unknown: false,
            sent: None,
            outputs: Vec::new(),
            approved: Vec::new(),
            ticked: Vec::new(),
            stuck: None,
        }
    }

    /// Tells it something. What its owner says of a failure is the caller's to look up.
    pub(super) fn feed(&mut self, input: StepInput, visits: &mut Vec<Cell>) -> StepAnswer {
        let row = self.state.row();
        visits.push(Cell::Step(row, input));
        let answer = step_cell(row, input);
        if let StepAnswer::To(state) = answer {
            self.state = state;
        }
        answer
    }

    /// Whether an answer to that intent counts.
    pub(super) fn waits_for(&self, serial: u64) -> bool {
        self.present.is_some_and(|present| present.serial == serial)
    }
}

/// Which column an answer is heard in.
pub(super) fn column(op: Op, reply: Reply) -> StepInput {
    match (op, reply) {
        (Op::Do | Op::Undo, Reply::Done) => StepInput::Ok,
        (Op::Do | Op::Undo, Reply::NotDone | Reply::Transient) => StepInput::NotApplied,
        (Op::Do | Op::Undo, Reply::Refused) => StepInput::Permanent,
        (Op::Do | Op::Undo, Reply::Unknown) => StepInput::Timeout,
        (Op::Observe, Reply::Done) => StepInput::ObsDone,
        (Op::Observe, Reply::NotDone) => StepInput::ObsNeeded,
        (Op::Observe, Reply::Transient | Reply::Refused | Reply::Unknown) => {
            if mutants::on(Mutant::UnknownIsNeeded) { StepInput::ObsNeeded } else { StepInput::ObsUnknown }
        }
        (Op::Verify, Reply::Done) => StepInput::VerOk,
        (Op::Verify, Reply::NotDone | Reply::Transient | Reply::Refused | Reply::Unknown) => StepInput::VerNo,
    }
}
