//! What time alone brings about: calls that are overdue, looks that took too long, and the core's own steps that wait
//! for time, probes and people.
//!
//! A moment that passes is noted like anything else that is heard: what counts is written down first, and that a call
//! is overdue need not be.

use super::cell::Cell;
use super::run::Run;
use super::step_table::{StepInput, StepState};
use super::want::{Facts, Want};
use super::watch::Begun;
use crate::mutants::{self, Mutant};
use crate::plan::journal::{By, Entry, Mode, Op, Reply};
use crate::plan::own::Own;
use crate::plan::step::{Body, Step};
use crate::time::{Mono, Span};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// When to look again, at the earliest.
#[derive(Clone, Copy, Default)]
pub(super) struct Wake(pub(super) Option<Mono>);

impl Wake {
    /// Whether that moment is there; if not, it is one to look again.
    pub(super) fn passed(&mut self, at: Mono, now: Mono) -> bool {
        if now >= at {
            return true;
        }
        self.0 = Some(self.0.map_or(at, |known| known.min(at)));
        false
    }
}

impl Run {
    pub(super) fn pass_time(
        &mut self,
        facts: &Facts<'_>,
        now: Mono,
        wake: &mut Wake,
        wants: &mut Vec<Want>,
    ) -> Vec<Cell> {
        let mut cells = Vec::new();
        let plan = Arc::clone(&self.ledger.plan);
        for undoing in [false, true] {
            for (place, step) in plan.steps().iter().enumerate() {
                let Some(position) = self.ledger.positions(undoing).get(place) else { continue };
                let (state, newest, present) = (position.state, position.newest, position.present);
                // Its next word is on its way already.
                let (queue, flight) = (self.queue.iter(), self.in_flight());
                if queue.chain(flight).any(|entry| is_of(entry, step, undoing)) {
                    continue;
                }
                let begun = self.watch(place, undoing).and_then(|watch| watch.begun);
                let begun =
                    begun.filter(|begun| present.is_some_and(|present| present.serial == begun.serial));
                match (state, begun) {
                    (StepState::Calling, None) if !undoing && self.stopping() => {
                        // Durable, and never handed over: it was not done, and now it never will be.
                        self.queue.push(heard(step, undoing, newest, Reply::NotDone));
                    }
                    (StepState::Calling, Some(_))
                        if self.ledger.answers_itself(place) && !undoing && self.stopping() =>
                    {
                        // It only waits, for people or time: nobody is to wait for that any more.
                        self.queue.push(heard(step, undoing, newest, Reply::NotDone));
                    }
                    (StepState::Calling, Some(begun)) if self.ledger.answers_itself(place) => {
                        if let Some(reply) = self.itself(place, step, begun, facts, now, wake) {
                            self.queue.push(heard(step, undoing, newest, reply));
                        }
                    }
                    (StepState::Calling, Some(begun)) if wake.passed(begun.deadline, now) => {
                        if mutants::on(Mutant::TimeoutIsFailure) {
                            self.queue.push(heard(step, undoing, newest, Reply::NotDone));
                        } else if let Some(position) = self.ledger.position_mut(place, undoing) {
                            position.feed(StepInput::Deadline, &mut cells);
                        }
                        wants.push(Want::Cancel { step: step.name.clone(), serial: begun.serial });
                    }
                    (StepState::Observing, Some(_)) if self.ledger.answers_itself(place) => {
                        self.queue.push(heard(step, undoing, newest, Reply::NotDone));
                    }
                    (StepState::Observing, Some(begun)) if wake.passed(begun.deadline, now) => {
                        self.expired(step, undoing, newest, Some(begun), wants);
                    }
                    (StepState::Verifying, begun) => {
                        self.effect(place, step, undoing, begun, facts, now, wake, wants);
                    }
                    _ => {}
                }
            }
        }
        self.note(now);
        cells
    }

    fn expired(
        &mut self,
        step: &Step,
        undoing: bool,
        serial: u64,
        begun: Option<Begun>,
        wants: &mut Vec<Want>,
    ) {
        self.queue.push(Entry::Expired { step: step.name.clone(), undoing, serial });
        if let Some(begun) = begun {
            wants.push(Want::Cancel { step: step.name.clone(), serial: begun.serial });
        }
    }

    /// The effect is there when the kind's own look says so and all probes that the step names are up.
    #[expect(clippy::too_many_arguments, reason = "one step's look, and everything that a look is told")]
    fn effect(
        &mut self,
        place: usize,
        step: &Step,
        undoing: bool,
        begun: Option<Begun>,
        facts: &Facts<'_>,
        now: Mono,
        wake: &mut Wake,
        wants: &mut Vec<Want>,
    ) {
        let Some(watch) = self.watch(place, undoing) else { return };
        let Some(position) = self.ledger.positions(undoing).get(place) else { return };
        let looks = self.ledger.start.mode == Mode::Live && !undoing;
        let up = !looks || step.verify.iter().all(|probe| (facts.up)(probe));
        let serial = position.newest;
        if watch.looked && up && position.waits_for(serial) {
            self.queue.push(heard(step, undoing, serial, Reply::Done));
        } else if watch.verify_by.is_some_and(|by| wake.passed(by, now)) {
            let waiting = begun.filter(|_| !watch.looked);
            self.expired(step, undoing, serial, waiting, wants);
        }
    }

    /// What a step says that nobody is asked about.
    fn itself(
        &mut self,
        place: usize,
        step: &Step,
        begun: Begun,
        facts: &Facts<'_>,
        now: Mono,
        wake: &mut Wake,
    ) -> Option<Reply> {
        if !self.ledger.is_real(place) {
            return Some(Reply::Done);
        }
        let Body::Own(own) = &step.body else { return Some(Reply::Done) };
        let position = self.ledger.doing.get(place)?;
        let done = match own {
            Own::Wait { lasts, until } => {
                wake.passed(begun.at + lasts.unwrap_or(Span::ZERO), now)
                    && until.as_ref().is_none_or(|probe| (facts.up)(probe))
            }
            // Longer than that, from the later of the two: the last pulse, and this holder's own beginning.
            Own::Lapse { lasts, by: _ } => facts
                .silent_since
                .filter(|_| !mutants::on(Mutant::LapseThoughPulse))
                .or_else(|| mutants::on(Mutant::LapseThoughPulse).then_some(begun.at))
                .is_some_and(|since| wake.passed(since.max(begun.at) + lasts.plus(Span::micros(1)), now)),
            Own::Approve { count, .. } => position.approved.len() >= *count as usize,
            Own::Checklist { items, .. } => {
                let evident = items.iter().enumerate().find_map(|(item, what)| {
                    let probe = what.probe.as_ref().filter(|probe| (facts.up)(probe))?;
                    (!position.ticked.contains(&item)).then(|| (item, probe.clone()))
                });
                let all = (0..items.len()).all(|item| position.ticked.contains(&item));
                if let Some((item, probe)) = evident {
                    let by = By::Probe(probe);
                    self.queue.push(Entry::Ticked { step: step.name.clone(), item, by });
                    return None;
                }
                all
            }
            Own::TrafficGate { .. } | Own::Pause { .. } => return None,
        };
        if done { Some(Reply::Done) } else { wake.passed(begun.deadline, now).then_some(Reply::Refused) }
    }

    /// Phases that are not over in time, each told once, to people and to its steps.
    pub(super) fn phases(
        &mut self,
        now: Mono,
        wake: &mut Wake,
        wants: &mut Vec<Want>,
        cells: &mut Vec<Cell>,
    ) {
        let plan = Arc::clone(&self.ledger.plan);
        while let Some(phase) = plan.phases().get(self.missed) {
            if !wake.passed(self.took_over + phase.deadline, now) {
                return;
            }
            let mut open = false;
            for (step, position) in plan.steps().iter().zip(&mut self.ledger.doing) {
                if step.phase != Some(self.missed) {
                    continue;
                }
                open |= !position.state.is_final();
                let timed = matches!(
                    position.state,
                    StepState::Calling | StepState::Observing | StepState::Verifying | StepState::NotDone
                );
                // A call, a look and a retry have deadlines of their own.
                if !timed {
                    position.feed(StepInput::Deadline, cells);
                }
            }
            if open {
                wants.push(Want::Missed { phase: phase.name.clone() });
            }
            self.missed += 1;
        }
    }
}

fn heard(step: &Step, undoing: bool, serial: u64, reply: Reply) -> Entry {
    Entry::Heard { step: step.name.clone(), undoing, serial, reply, outputs: Vec::new() }
}

/// Whether an entry is the next word about that step.
fn is_of(entry: &Entry, step: &Step, back: bool) -> bool {
    match entry {
        Entry::Intent { step: of, undoing, op, .. } => {
            let overdue = matches!(op, Op::Do | Op::Undo | Op::Observe | Op::Verify);
            overdue && *of == step.name && *undoing == back
        }
        Entry::Heard { step: of, undoing, .. }
        | Entry::Expired { step: of, undoing, .. }
        | Entry::Skipped { step: of, undoing, .. }
        | Entry::Retried { step: of, undoing, .. }
        | Entry::Stuck { step: of, undoing, .. } => *of == step.name && *undoing == back,
        Entry::Ticked { step: of, .. } | Entry::Approved { step: of, .. } => *of == step.name && !back,
        Entry::Started(_)
        | Entry::Accepted { .. }
        | Entry::Aborted { .. }
        | Entry::Superseded
        | Entry::HandedOver { .. }
        | Entry::Ended(_) => false,
    }
}
