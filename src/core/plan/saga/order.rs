//! Operators: every verb, in every state, has an answer, and none is ever dropped.
//!
//! What is taken is written down before it counts; whoever asks learns here whether it will be.

use super::cell::Cell;
use super::position::Position;
use super::run::Run;
use super::run_table::{RunAnswer, RunInput, RunState, run_cell};
use super::step_table::{StepAnswer, StepInput, StepState, step_cell};
use super::want::{Answer, Verb, Why};
use crate::mutants::{self, Mutant};
use crate::plan::StepName;
use crate::plan::journal::Entry;
use crate::plan::own::Own;
use crate::plan::step::Body;
use alloc::vec::Vec;

impl Run {
    pub(super) fn order(&mut self, verb: Verb, cells: &mut Vec<Cell>) -> Answer {
        let verb = match verb {
            Verb::Accept { by, matches: _ } if mutants::on(Mutant::AnyApproval) => {
                Verb::Accept { by, matches: true }
            }
            verb => verb,
        };
        let taken = match verb {
            Verb::Abort { by } => self.may(RunInput::Abort, cells).map(|()| {
                // What is being committed is resolved when it is; until then the step is where it was.
                let committing = |position: &&mut Position| position.state == StepState::Intent;
                for position in self.ledger.doing.iter_mut().filter(committing) {
                    position.feed(StepInput::Abort, cells);
                }
                Entry::Aborted { by }
            }),
            Verb::Veto { by: _ } => self.may(RunInput::Veto, cells).and(Err(Why::Running)),
            Verb::Accept { by: _, matches: false } => {
                self.may(RunInput::ApproveMismatch, cells).and(Err(Why::Mismatch))
            }
            Verb::Accept { by, matches: true } => {
                self.may(RunInput::ApproveMatching, cells).map(|()| Entry::Accepted { by })
            }
            Verb::HandOver { by } => self.may(RunInput::HandOver, cells).map(|()| Entry::HandedOver { by }),
            Verb::Retry { step, by } => self
                .may_step(&step, StepInput::Retry, cells)
                .map(|undoing| Entry::Retried { step, undoing, by }),
            Verb::Skip { step, by } => self
                .may_step(&step, StepInput::Skip, cells)
                .map(|undoing| Entry::Skipped { step, undoing, by }),
            Verb::Approve { step, by } => self.asks(&step, None).map(|()| Entry::Approved { step, by }),
            Verb::Tick { step, item, by } => {
                self.asks(&step, Some(item)).map(|()| Entry::Ticked { step, item, by })
            }
        };
        match taken {
            Ok(entry) => {
                // The same word twice is one word.
                if !self.queue.iter().chain(self.in_flight()).any(|queued| *queued == entry) {
                    self.queue.push(entry);
                }
                Answer::Taken
            }
            Err(why) => Answer::Refused(why),
        }
    }

    fn may(&self, input: RunInput, cells: &mut Vec<Cell>) -> Result<(), Why> {
        let state = self.ledger.state;
        cells.push(Cell::Run(state, input));
        match run_cell(state, input) {
            RunAnswer::To(_) | RunAnswer::Recorded => Ok(()),
            RunAnswer::Refused | RunAnswer::Forgotten | RunAnswer::Impossible => Err(match state {
                _ if input == RunInput::ApproveMismatch => Why::Mismatch,
                RunState::Ended | RunState::Ending => Why::Final,
                RunState::Draining | RunState::Undoing => Why::Stopping,
                RunState::Held | RunState::Running => match input {
                    RunInput::HandOver | RunInput::ApproveMatching => Why::NotHeld,
                    _ => Why::Running,
                },
                RunState::Asked | RunState::Announced | RunState::Awaiting | RunState::Starting => {
                    Why::Settling
                }
            }),
        }
    }

    /// Whether a step may be told that; says whether it is about taking it back.
    fn may_step(&self, step: &StepName, input: StepInput, cells: &mut Vec<Cell>) -> Result<bool, Why> {
        let place = self.ledger.place(step).ok_or(Why::NoSuchStep)?;
        let undoing = !self.ledger.undoing.is_empty();
        let position = self.ledger.positions(undoing).get(place).ok_or(Why::NoSuchStep)?;
        let told = match (input, undoing) {
            (StepInput::Retry, false) => RunInput::Retry,
            (StepInput::Retry, true) => RunInput::RetryUndo,
            (_, false) => RunInput::Skip,
            (_, true) => RunInput::SkipUndo,
        };
        self.may(told, cells)?;
        if input == StepInput::Retry && position.stuck.is_some() {
            return Ok(undoing);
        }
        cells.push(Cell::Step(position.state.row(), input));
        match step_cell(position.state.row(), input) {
            StepAnswer::To(_) => Ok(undoing),
            StepAnswer::OnFailure | StepAnswer::Recorded | StepAnswer::Refused | StepAnswer::Impossible => {
                Err(match position.state {
                    StepState::Waiting => Why::NotBegun,
                    state if state.is_final() => Why::Final,
                    _ => Why::Settling,
                })
            }
        }
    }

    /// Whether the step asks people now: for their word, or for that point of its list.
    fn asks(&self, step: &StepName, item: Option<usize>) -> Result<(), Why> {
        let place = self.ledger.place(step).ok_or(Why::NoSuchStep)?;
        let (Some(step), Some(position)) = (self.ledger.step(place), self.ledger.doing.get(place)) else {
            return Err(Why::NoSuchStep);
        };
        let asked = match (&step.body, item) {
            (Body::Own(Own::Approve { .. }), None) => true,
            (Body::Own(Own::Checklist { items, .. }), Some(item)) => {
                // What a probe says is not a person's to say.
                items.get(item).ok_or(Why::NoSuchStep)?.probe.is_none()
            }
            (Body::Own(_) | Body::Action(_), _) => false,
        };
        match position.state {
            StepState::Calling if asked && self.ledger.is_real(place) => Ok(()),
            state if asked && state.is_final() => Err(Why::Final),
            _ => Err(Why::NotAsked),
        }
    }
}
