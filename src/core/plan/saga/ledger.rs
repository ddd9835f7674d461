//! The fold over a journal: what a run is, told by its entries alone. Running uses it as each entry becomes durable, and
//! resuming uses it on all of them, so the two cannot differ.
//!
//! It knows no time and starts nothing. An entry that cannot be changes nothing and is counted.

use super::cell::Cell;
use super::guards::Ground;
use super::position::{Landed, Position, Present, column};
use super::run_table::{RunAnswer, RunInput, RunState, run_cell};
use super::step_table::{StepAnswer, StepInput, StepState};
use super::want::HeldWhy;
use crate::ids::Name;
use crate::plan::fill::Filled;
use crate::plan::journal::{Entry, Op, Outcome, Reply, Sent, Start};
use crate::plan::step::{OnFailure, Step};
use crate::plan::{Plan, StepName};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the entries say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) plan: Arc<Plan>,
    pub(super) ground: Arc<Ground>,
    pub(super) start: Start,
    pub(super) state: RunState,
    pub(super) doing: Vec<Position>,
    /// Empty until something is taken back.
    pub(super) undoing: Vec<Position>,
    pub(super) aborted: bool,
    pub(super) superseded: bool,
    pub(super) undo_wanted: bool,
    pub(super) accepted: bool,
    /// The outcome of the commit point has set the active region.
    pub(super) moved: bool,
    /// The step that was the commit point: it landed once, whatever is seen of it since.
    pub(super) crossed: Option<usize>,
    /// The newest serial.
    pub(super) serial: u64,
    /// How often it was held, and why it is.
    pub(super) held: u32,
    pub(super) why: Option<HeldWhy>,
    pub(super) outcome: Option<Outcome>,
    /// So many entries.
    pub(super) length: u64,
    /// So many of them could not be.
    pub(super) odd: u32,
}

impl Ledger {
    pub(super) fn new(plan: Arc<Plan>, start: Start, visits: &mut Vec<Cell>) -> Ledger {
        let doing = plan.steps().iter().map(|_| Position::new()).collect();
        let mut ledger = Ledger {
            state: RunState::Starting,
            doing,
            undoing: Vec::new(),
            aborted: false,
            superseded: false,
            undo_wanted: false,
            accepted: start.exposure_accepted,
            moved: false,
            crossed: None,
            serial: start.serial,
            held: 0,
            why: None,
            outcome: None,
            length: 1,
            odd: 0,
            ground: Arc::new(Ground::of(&plan, &start)),
            plan,
            start,
        };
        ledger.feed(RunInput::Committed, visits);
        ledger.leave_out(visits);
        ledger.look(visits);
        ledger
    }

    /// Tells the run something.
    pub(super) fn feed(&mut self, input: RunInput, visits: &mut Vec<Cell>) -> RunAnswer {
        visits.push(Cell::Run(self.state, input));
        let answer = run_cell(self.state, input);
        if let RunAnswer::To(state) = answer {
            self.state = state;
        }
        answer
    }

    /// The positions of doing, or of undoing.
    pub(super) fn positions(&self, undoing: bool) -> &[Position] {
        if undoing { &self.undoing } else { &self.doing }
    }

    pub(super) fn position_mut(&mut self, place: usize, undoing: bool) -> Option<&mut Position> {
        if undoing { self.undoing.get_mut(place) } else { self.doing.get_mut(place) }
    }

    pub(super) fn step(&self, place: usize) -> Option<&Step> {
        self.plan.steps().get(place)
    }

    pub(super) fn place(&self, step: &StepName) -> Option<usize> {
        self.plan.position(step).map(crate::ids::StepPos::index)
    }

    /// One more entry is durable.
    pub(super) fn apply(&mut self, entry: &Entry, visits: &mut Vec<Cell>) {
        self.length += 1;
        if self.fold(entry, visits).is_none() {
            self.odd += 1;
        }
        self.look(visits);
    }

    fn fold(&mut self, entry: &Entry, visits: &mut Vec<Cell>) -> Option<()> {
        match entry {
            Entry::Started(_) => return None,
            Entry::Intent { step, undoing, op, attempt, serial, sent } => {
                let place = self.place(step)?;
                self.serial = self.serial.max(*serial);
                let intent = Intent { op: *op, attempt: *attempt, serial: *serial, sent: sent.as_ref() };
                self.intent(place, *undoing, &intent, visits)?;
            }
            Entry::Heard { step, undoing, serial, reply, outputs } => {
                let place = self.place(step)?;
                self.heard(place, *undoing, *serial, *reply, outputs, visits)?;
            }
            Entry::Expired { step, undoing, serial } => {
                let place = self.place(step)?;
                let position = self.position_mut(place, *undoing)?;
                let looks = matches!(position.state, StepState::Observing | StepState::Verifying);
                if !looks || position.newest != *serial {
                    return None;
                }
                position.present = None;
                let answer = position.feed(StepInput::Deadline, visits);
                self.failed(place, *undoing, answer, visits);
            }
            Entry::Approved { step, by } => {
                let place = self.place(step)?;
                let position = self.position_mut(place, false)?;
                if !position.approved.contains(by) {
                    position.approved.push(by.clone());
                }
            }
            Entry::Ticked { step, item, by: _ } => {
                let place = self.place(step)?;
                let position = self.position_mut(place, false)?;
                if !position.ticked.contains(item) {
                    position.ticked.push(*item);
                }
            }
            Entry::Skipped { step, undoing, by: _ } => {
                let place = self.place(step)?;
                let told = if *undoing { RunInput::SkipUndo } else { RunInput::Skip };
                self.may_be_told(told, *undoing)?;
                let position = self.position_mut(place, *undoing)?;
                let StepAnswer::To(_) = position.feed(StepInput::Skip, visits) else { return None };
                (position.stuck, position.present) = (None, None);
                self.feed(told, visits);
            }
            Entry::Retried { step, undoing, by: _ } => {
                let place = self.place(step)?;
                let told = if *undoing { RunInput::RetryUndo } else { RunInput::Retry };
                self.may_be_told(told, *undoing)?;
                let position = self.position_mut(place, *undoing)?;
                if position.stuck.take().is_none() {
                    let StepAnswer::To(_) = position.feed(StepInput::Retry, visits) else { return None };
                    (position.present, position.spent, position.again) = (None, 0, true);
                }
                self.feed(told, visits);
            }
            Entry::Stuck { step, undoing, why } => {
                let place = self.place(step)?;
                self.position_mut(place, *undoing)?.stuck = Some(why.clone());
            }
            Entry::Accepted { by: _ } => {
                let RunAnswer::To(_) = self.feed(RunInput::ApproveMatching, visits) else { return None };
                self.accepted = true;
            }
            Entry::Aborted { by: _ } => {
                let RunAnswer::To(_) = self.feed(RunInput::Abort, visits) else { return None };
                self.aborted = true;
                self.stop_steps(visits);
            }
            Entry::Superseded => {
                let RunAnswer::To(_) = self.feed(RunInput::Supersede, visits) else { return None };
                self.superseded = true;
                self.stop_steps(visits);
            }
            Entry::HandedOver { by: _ } => {
                let RunAnswer::To(_) = self.feed(RunInput::HandOver, visits) else { return None };
                self.outcome = Some(Outcome::HandedOver);
            }
            Entry::Ended(outcome) => {
                let RunAnswer::To(_) = self.feed(RunInput::Committed, visits) else { return None };
                self.outcome = Some(*outcome);
            }
        }
        Some(())
    }

    /// What was taken while the run was elsewhere may come too late for it.
    fn may_be_told(&self, input: RunInput, undoing: bool) -> Option<()> {
        let told = matches!(run_cell(self.state, input), RunAnswer::To(_) | RunAnswer::Recorded);
        (told && undoing != self.undoing.is_empty()).then_some(())
    }

    fn stop_steps(&mut self, visits: &mut Vec<Cell>) {
        for position in &mut self.doing {
            position.feed(StepInput::Abort, visits);
        }
    }

    fn intent(
        &mut self,
        place: usize,
        undoing: bool,
        intent: &Intent<'_>,
        visits: &mut Vec<Cell>,
    ) -> Option<()> {
        let counts = self.changes(place);
        let position = self.position_mut(place, undoing)?;
        let state = position.state;
        match (intent.op, state) {
            (Op::Do | Op::Undo, StepState::Waiting | StepState::NotDone | StepState::Intent) => {
                if state != StepState::Intent {
                    position.feed(StepInput::Ready, visits);
                }
                position.feed(StepInput::Committed, visits);
                position.attempt = intent.attempt;
                position.again = false;
                position.sent = intent.sent.cloned();
                // From here on it may have gone out, whoever wrote this.
                position.landed = if counts { Landed::Unknown } else { Landed::No };
            }
            (Op::Observe, StepState::Observing) if position.present.is_none() => {}
            (
                Op::Observe,
                StepState::Calling | StepState::Unsettled | StepState::Observing | StepState::Verifying,
            ) => {
                // Nobody writes down that a call is overdue or that a holder is gone: that somebody looks, says it.
                match state {
                    StepState::Calling => position.feed(StepInput::Timeout, visits),
                    StepState::Observing | StepState::Verifying => {
                        position.feed(StepInput::ClaimLost, visits)
                    }
                    _ => StepAnswer::Recorded,
                };
                position.was_unknown |=
                    position.present.is_some_and(|present| matches!(present.op, Op::Do | Op::Undo));
                position.feed(StepInput::Settled, visits);
            }
            (Op::Verify, StepState::Verifying) => {}
            (Op::Do | Op::Undo | Op::Observe | Op::Verify, _) => return None,
        }
        position.present = Some(Present { serial: intent.serial, op: intent.op });
        position.newest = intent.serial;
        Some(())
    }

    fn heard(
        &mut self,
        place: usize,
        undoing: bool,
        serial: u64,
        reply: Reply,
        outputs: &[(Name, Filled)],
        visits: &mut Vec<Cell>,
    ) -> Option<()> {
        let (counts, inner, moves) = (self.changes(place), self.answers_itself(place), self.moves(place));
        let position = self.position_mut(place, undoing)?;
        let Some(present) = position.present.filter(|present| present.serial == serial) else {
            position.feed(StepInput::LateReply, visits);
            return None;
        };
        let input = column(present.op, reply);
        let answer = position.feed(input, visits);
        if answer == StepAnswer::Recorded {
            return None;
        }
        position.present = None;
        let landed = match input {
            StepInput::Ok | StepInput::ObsDone => {
                if !outputs.is_empty() {
                    position.outputs = outputs.to_vec();
                }
                Some(Landed::Yes)
            }
            StepInput::NotApplied | StepInput::ObsNeeded | StepInput::Permanent => Some(Landed::No),
            StepInput::ObsUnknown => Some(Landed::Unknown),
            _ => None,
        };
        if let Some(landed) = landed.filter(|_| counts) {
            position.landed = landed;
        }
        match position.state {
            // What answers itself has nobody to ask: it looks by itself.
            StepState::Verifying if inner => position.present = Some(Present { serial, op: Op::Verify }),
            // That a look finds the old failure is no new one: the try that was asked for is still to come.
            StepState::NotDone if position.again => {}
            // A wait that a change of holder broke off has not failed.
            StepState::NotDone if !(inner && input == StepInput::ObsNeeded) => position.spent += 1,
            _ => {}
        }
        let (now, undone) = (position.landed, undoing && position.state == StepState::Done);
        if undone && let Some(doing) = self.doing.get_mut(place) {
            doing.landed = Landed::No;
        }
        self.moved |= moves && !undoing && now == Landed::Yes;
        if !undoing && now == Landed::Yes && self.is_guarded(place) {
            self.crossed.get_or_insert(place);
        }
        self.failed(place, undoing, answer, visits);
        Some(())
    }

    /// What follows from a cell that says `on_failure`.
    pub(super) fn failed(&mut self, place: usize, undoing: bool, answer: StepAnswer, visits: &mut Vec<Cell>) {
        if answer != StepAnswer::OnFailure {
            return;
        }
        let says = self.step(place).map_or(OnFailure::Stop, |step| step.on_failure);
        let (state, input) = match says {
            // Nothing stands behind what cannot be taken back but a person.
            _ if undoing => (StepState::Held, RunInput::FailedStop),
            // The next fence is there for when this one fails; with none left the run is held, with the exposure.
            OnFailure::Stop if self.is_fence(place) => (StepState::Failed, RunInput::FailedStop),
            OnFailure::Stop => (StepState::Held, RunInput::FailedStop),
            OnFailure::Continue => (StepState::Failed, RunInput::FailedStop),
            OnFailure::Undo => (StepState::Failed, RunInput::FailedUndo),
        };
        if let Some(position) = self.position_mut(place, undoing) {
            position.state = state;
        }
        if input == RunInput::FailedUndo {
            self.undo_wanted = true;
            self.feed(input, visits);
        } else if state == StepState::Held {
            self.feed(input, visits);
        }
    }
}

struct Intent<'a> {
    op: Op,
    attempt: u32,
    serial: u64,
    sent: Option<&'a Arc<Sent>>,
}
