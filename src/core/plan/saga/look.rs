//! What follows from what *is*: after each entry the run looks at itself and goes where the table says, as far as that
//! needs no call, no clock and no person.
//!
//! Everything here is derived from the journal alone, so nothing of it is written down.

use super::cell::Cell;
use super::ledger::Ledger;
use super::position::{Landed, Position};
use super::run_table::{RunInput, RunState};
use super::step_table::{StepInput, StepState};
use super::want::HeldWhy;
use crate::mutants::{self, Mutant};
use crate::plan::StepName;
use crate::plan::journal::{Mode, Outcome};
use crate::plan::step::{ActsAs, InDrill};
use alloc::vec::Vec;

impl Ledger {
    /// Steps that take no part in this run are never applied; those that a drill leaves out are skipped.
    pub(super) fn leave_out(&mut self, visits: &mut Vec<Cell>) {
        for (step, position) in self.plan.steps().iter().zip(&mut self.doing) {
            if !step.takes_part(self.start.way) {
                position.feed(StepInput::Abort, visits);
            } else if self.start.mode == Mode::Drill && step.drill.does == InDrill::Skip {
                position.feed(StepInput::Skip, visits);
            }
        }
    }

    /// Goes on until nothing follows any more.
    pub(super) fn look(&mut self, visits: &mut Vec<Cell>) {
        // Each round but the last changes the state, and only a person leaves `Held`: it ends long before this.
        for _ in 0..RunState::ALL.len() {
            let before = self.state;
            self.look_at_steps(visits);
            match self.state {
                RunState::Running => self.running(visits),
                RunState::Draining => self.draining(visits),
                RunState::Undoing => self.taking_back(visits),
                RunState::Asked
                | RunState::Announced
                | RunState::Awaiting
                | RunState::Starting
                | RunState::Held
                | RunState::Ending
                | RunState::Ended => {}
            }
            if self.state == before {
                return;
            }
        }
    }

    /// Whether nothing new is begun any more.
    pub(super) const fn stopping(&self) -> bool {
        self.aborted || self.superseded || self.undo_wanted
    }

    fn look_at_steps(&mut self, visits: &mut Vec<Cell>) {
        let stopping = self.stopping();
        let settled = self.fence_settled();
        for place in 0..self.doing.len() {
            // After each entry every step is asked, so what few of them need is asked for last.
            match self.doing.get(place).map(|position| position.state) {
                Some(StepState::Waiting | StepState::NotDone)
                    if stopping || (settled && self.is_fence(place)) =>
                {
                    if let Some(position) = self.doing.get_mut(place) {
                        position.feed(StepInput::Abort, visits);
                        position.stuck = None;
                    }
                }
                Some(StepState::NotDone) => self.spend(place, false, visits),
                Some(StepState::Held) if !stopping && self.is_fence(place) && self.may_pass_over(place) => {
                    if let Some(position) = self.doing.get_mut(place) {
                        position.feed(StepInput::Skip, visits);
                    }
                }
                _ => {}
            }
        }
        for place in 0..self.undoing.len() {
            if self.undoing.get(place).is_some_and(|position| position.state == StepState::NotDone) {
                self.spend(place, true, visits);
            }
        }
    }

    /// A step that is known not to be done has no tries left, or another.
    fn spend(&mut self, place: usize, undoing: bool, visits: &mut Vec<Cell>) {
        let times = self.step(place).map_or(0, |step| step.retry.times);
        let Some(position) = self.position_mut(place, undoing) else { return };
        if position.spent > times {
            let answer = position.feed(StepInput::Deadline, visits);
            self.failed(place, undoing, answer, visits);
        }
    }

    fn running(&mut self, visits: &mut Vec<Cell>) {
        if self.stopping() {
            // Somebody tried a step again after the run was told to stop: that is all that was asked for.
            let told = match (self.aborted, self.superseded) {
                (true, _) => RunInput::Abort,
                (false, true) => RunInput::Supersede,
                (false, false) => RunInput::FailedUndo,
            };
            self.feed(told, visits);
            return;
        }
        if self.doing.iter().all(|position| position.state.is_final()) {
            self.outcome = Some(if self.excepted() { Outcome::DoneWithExceptions } else { Outcome::Done });
            self.feed(RunInput::AllFinal, visits);
        } else if self.quiet() {
            if let Some(why) = self.held_step(false) {
                self.hold(RunInput::StepHeld, why, visits);
            } else if self.fences_open() {
                self.hold(RunInput::FencesOpen, HeldWhy::Exposure, visits);
            }
        }
    }

    fn draining(&mut self, visits: &mut Vec<Cell>) {
        let in_mid_step = mutants::on(Mutant::SupersedeMidStep) && self.superseded;
        if !self.quiet() && !mutants::on(Mutant::UndoUndrained) && !in_mid_step {
            return;
        }
        if let Some(why) = self.beyond().filter(|_| !in_mid_step) {
            self.hold(RunInput::SettledBeyond, why, visits);
        } else if self.superseded && !self.aborted && !self.undo_wanted {
            self.outcome = Some(Outcome::Superseded);
            self.feed(RunInput::SettledSuperseded, visits);
        } else {
            self.feed(RunInput::SettledBefore, visits);
            self.begin_to_take_back(visits);
        }
    }

    fn taking_back(&mut self, visits: &mut Vec<Cell>) {
        if self.undoing.iter().all(|position| position.state.is_final()) {
            self.outcome = Some(Outcome::Undone);
            self.feed(RunInput::AllFinal, visits);
        } else if self.quiet()
            && let Some(why) = self.held_step(true).or_else(|| self.not_taken_back())
        {
            self.hold(RunInput::UndoFailed, why, visits);
        }
    }

    fn hold(&mut self, input: RunInput, why: HeldWhy, visits: &mut Vec<Cell>) {
        self.feed(input, visits);
        self.held += 1;
        self.why = Some(why);
    }

    /// Only what was done is taken back. A change that nobody can take back stays, unless the service would be left
    /// without a writable side: then a person must say so.
    fn begin_to_take_back(&mut self, visits: &mut Vec<Cell>) {
        if !self.undoing.is_empty() {
            return;
        }
        for (step, done) in self.plan.steps().iter().zip(&self.doing) {
            let mut position = Position::new();
            let stays = !step.undoable && !step.one_way && step.acts_as != ActsAs::Fences;
            if done.landed != Landed::Yes || stays {
                position.feed(StepInput::Abort, visits);
            }
            self.undoing.push(position);
        }
    }

    /// Nothing is under way.
    pub(super) fn quiet(&self) -> bool {
        !self.doing.iter().chain(&self.undoing).any(|position| position.state.in_flight())
    }

    /// A step that a person has, or that cannot be begun as things are.
    fn held_step(&self, undoing: bool) -> Option<HeldWhy> {
        let name = |place: usize| self.step(place).map(|step| step.name.clone());
        self.positions(undoing).iter().enumerate().find_map(|(place, position)| match &position.stuck {
            Some(stuck) if matches!(position.state, StepState::Waiting | StepState::NotDone) => {
                Some(HeldWhy::Stuck(name(place)?, stuck.clone()))
            }
            _ if position.state == StepState::Held => {
                Some(if undoing { HeldWhy::NotUndone(name(place)?) } else { HeldWhy::Step(name(place)?) })
            }
            _ => None,
        })
    }

    /// What should be taken back and cannot be, when nothing else is left to take back.
    fn not_taken_back(&self) -> Option<HeldWhy> {
        let mut blocked: Option<StepName> = None;
        for (place, position) in self.undoing.iter().enumerate() {
            let step = self.step(place)?;
            match position.state {
                StepState::Waiting if !step.undoable => {
                    blocked.get_or_insert_with(|| step.name.clone());
                }
                StepState::Waiting | StepState::NotDone if self.before_is_final(place, true) => return None,
                _ => {}
            }
        }
        blocked.map(HeldWhy::NotUndone)
    }
}
