//! How soon after a failover another may start by itself, and how many over all services.
//!
//! Counted on this observer's own clock from when it first saw the end: a change of holder or a restart prolongs it
//! and never shortens it. Keyed on the outcome: after anything but `done` a human must have looked as well.

use crate::agree::Outcome;
use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};

/// The newest failover of a service, as this core saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// How it ended, and when that was first seen; none: it has not.
    pub ended: Option<(Outcome, Mono)>,
    /// Somebody has acknowledged the run.
    pub acknowledged: bool,
}

/// Whether a failover may start by itself again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cooldown {
    /// It may.
    Over,
    /// Not yet: the last one ended as it should, and so much time is left.
    Left(Span),
    /// Not before somebody acknowledges the run that ended so; and so much time is left.
    Unacknowledged(Outcome, Span),
}

/// How much may move by itself, over all services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many automatic failovers …
    pub failovers: u16,
    /// … in so long.
    pub within: Span,
    /// So many runs at once.
    pub parallel_runs: u16,
}

impl Limits {
    /// CONFIG's defaults.
    pub const DEFAULT: Limits = Limits { failovers: 3, within: Span::hours(1), parallel_runs: 4 };
}

/// Whether the cooldown is over.
#[must_use]
pub fn cooldown(last: Option<Last>, cooldown: Span, now: Mono) -> Cooldown {
    let Some((outcome, seen)) = last.and_then(|last| last.ended) else { return Cooldown::Over };
    if mutants::on(Mutant::NoCooldown) {
        return Cooldown::Over;
    }
    let acknowledged = last.is_some_and(|last| last.acknowledged) || mutants::on(Mutant::CooldownByTime);
    let left = cooldown.less(now.since(seen));
    if !outcome.is_done() && !acknowledged {
        Cooldown::Unacknowledged(outcome, left)
    } else if left > Span::ZERO {
        Cooldown::Left(left)
    } else {
        Cooldown::Over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(outcome: Outcome, acknowledged: bool, mins: u64) -> Cooldown {
        let last = Last { ended: Some((outcome, Mono::BOOT)), acknowledged };
        cooldown(Some(last), Span::hours(1), Mono::after_boot(Span::mins(mins)))
    }

    #[test]
    fn done_waits_for_time_alone() {
        assert_eq!(after(Outcome::Done, false, 59), Cooldown::Left(Span::mins(1)));
        assert_eq!(after(Outcome::DoneWithExceptions, false, 60), Cooldown::Over);
    }

    #[test]
    fn anything_else_waits_for_a_human_too() {
        for outcome in [Outcome::Undone, Outcome::HandedOver, Outcome::Superseded] {
            assert_eq!(after(outcome, false, 600), Cooldown::Unacknowledged(outcome, Span::ZERO));
            assert_eq!(after(outcome, true, 30), Cooldown::Left(Span::mins(30)));
            assert_eq!(after(outcome, true, 60), Cooldown::Over);
        }
    }

    #[test]
    fn no_failover_no_cooldown() {
        assert_eq!(cooldown(None, Span::hours(1), Mono::BOOT), Cooldown::Over);
        let running = Last { ended: None, acknowledged: false };
        assert_eq!(cooldown(Some(running), Span::hours(1), Mono::BOOT), Cooldown::Over);
    }
}
