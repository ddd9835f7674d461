//! What one holder knows of a step by its own clock: when it began a call, and how long it must wait. None of it outlives
//! the holder; a successor counts anew, so longer and never shorter.

use super::step_table::StepState;
use crate::mutants::{self, Mutant};
use crate::plan::step::{LateCall, Step};
use crate::time::{Mono, Span};

/// A call that this holder began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) serial: u64,
    pub(super) at: Mono,
    pub(super) deadline: Mono,
}

/// How far the look at a traffic step's target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Target {
    #[default]
    Unread,
    Asked(Mono),
    Writable(Mono),
    NotWritable(Mono),
}

/// The holder's own view of one position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Watch {
    /// The state in which it was last seen, and since when.
    pub(super) seen: Option<StepState>,
    pub(super) since: Mono,
    pub(super) begun: Option<Begun>,
    /// From then on no call of it can land.
    pub(super) drained: Mono,
    /// Until then its effect must be there.
    pub(super) verify_by: Option<Mono>,
    /// The kind's own look has said so.
    pub(super) looked: bool,
    /// How often the effect was not there yet.
    pub(super) rounds: u32,
    pub(super) target: Target,
    /// Since when the target is being read.
    pub(super) reading: Option<Mono>,
}

/// The longest pause between two looks at an effect.
const LONGEST_PAUSE: Span = Span::secs(30);

impl Watch {
    /// Notes a change of state; `took_over` is when this holder began with the run.
    pub(super) fn see(&mut self, state: StepState, step: &Step, itself: bool, took_over: Mono, now: Mono) {
        if self.seen == Some(state) {
            return;
        }
        let before = self.seen.replace(state);
        self.since = now;
        match state {
            StepState::Unsettled => {
                let raised = step.late_call == LateCall::Checked && step.late == Span::ZERO;
                // Where the provider compares tokens, looking raises its mark, and nothing older lands after that.
                self.drained = if itself || raised || mutants::on(Mutant::ObserveUndrained) {
                    now
                } else {
                    let from = match self.begun {
                        Some(begun) if before.is_some() => begun.at,
                        Some(_) | None => took_over,
                    };
                    from + step.timeout + step.late
                };
            }
            StepState::Verifying => {
                self.looked = itself;
                self.verify_by.get_or_insert(now + step.timeout);
            }
            StepState::Observing if before == Some(StepState::Verifying) => self.rounds += 1,
            StepState::Calling => (self.verify_by, self.rounds) = (None, 0),
            StepState::Held | StepState::NotDone => (self.verify_by, self.rounds) = (None, 0),
            StepState::Waiting => (self.target, self.reading) = (Target::Unread, None),
            StepState::Intent
            | StepState::Observing
            | StepState::Done
            | StepState::Skipped
            | StepState::Failed
            | StepState::Not => {}
        }
    }

    /// When the effect may be looked at again: later each time, since each look is written down.
    pub(super) fn next_look(&self, step: &Step) -> Mono {
        let Some(doubled) = self.rounds.checked_sub(1) else { return self.since };
        let first = step.retry.pause.max(Span::secs(1));
        self.since + first.times(1 << doubled.min(5)).min(LONGEST_PAUSE.max(first))
    }
}
