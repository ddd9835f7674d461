//! What a quorum of observers says of a service and its parts, and the conditions over that.
//!
//! [`quorum`] counts votes on each probe in each region; [`standing`] composes components and the service from those
//! verdicts; [`condition`] is the closed vocabulary that rungs and scenarios share. Missing observers never shrink a
//! quorum, and unknown is neither up nor down.

pub mod condition;
#[cfg(test)]
pub(crate) mod made_up;
pub mod picture;
pub mod quorum;
pub mod standing;

pub use condition::{Clause, Condition, Due, Facts, Part, Side};
pub use picture::Picture;
pub use quorum::{Cell, Counted, Myself, Observers, Reading, Spoken, Votes};
pub use standing::{DownRule, Level, Parts, Priority, Role, Standing, Tier, WitnessOf};

use core::fmt;

use crate::time::Mono;

/// What is said of a probe or component. Suspicion says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Say {
    /// Nothing: not seen, not decided, or abstaining.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It answers too slowly.
    Slow,
    /// It is down.
    Down,
}

/// What is said, and since when a majority has each said so without a break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub say: Say,
    /// Since when; for `Down` counted from the first failed sample.
    pub since: Mono,
}

impl Verdict {
    /// Nothing is known.
    pub const UNKNOWN: Verdict = Verdict { say: Say::Unknown, since: Mono::BOOT };

    /// Since when it is down.
    #[must_use]
    pub fn down(self) -> Option<Mono> {
        (self.say == Say::Down).then_some(self.since)
    }

    /// Since when it is slow or down.
    #[must_use]
    pub fn ailing(self) -> Option<Mono> {
        (self.say >= Say::Slow).then_some(self.since)
    }

    /// Since when it answers, slowly or not.
    #[must_use]
    pub fn alive(self) -> Option<Mono> {
        matches!(self.say, Say::Up | Say::Slow).then_some(self.since)
    }
}

impl fmt::Display for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Say::Unknown => "unknown",
            Say::Up => "up",
            Say::Slow => "slow",
            Say::Down => "down",
        })
    }
}
