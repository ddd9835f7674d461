//! A probe's debounced state: "three consecutive failures" turned into a judgement.
//!
//! [`Debounced`] folds one probe's samples; [`self_trust`] decides whether this observer may believe its own eyes.
//! Nothing here knows a service, a region or a vote, and blind is never counted as failed.

mod debounced;
mod flap;
mod sample;
pub mod self_trust;
mod settings;
mod streak;
mod window;

pub use debounced::{Change, Debounced, Pace};
pub use flap::Flap;
pub use sample::{Blindness, Failure, Outcome, Sample};
pub use settings::{Fall, NotDebounce, Settings};
pub use streak::Streak;
pub use window::Window;

use core::fmt;

/// A probe's debounced state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Not enough was seen, or too long ago.
    Unknown,
    /// It answers.
    Up,
    /// It answers, but slower than its `slow_after`.
    Slow,
    /// It failed, and is being looked at again quickly.
    Suspect,
    /// It failed often enough.
    Down,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Health::Unknown => "unknown",
            Health::Up => "up",
            Health::Slow => "slow",
            Health::Suspect => "suspect",
            Health::Down => "down",
        })
    }
}
