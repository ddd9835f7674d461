//! How one probe is debounced, checked once; an impossible combination cannot be built.

use alloc::vec::Vec;
use core::fmt;

use crate::time::Span;

/// How many failures make a probe down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// So many, one after the other.
    Streak(u16),
    /// So many of the last so many, for trouble that comes and goes.
    Window {
        /// How many failures.
        fails: u8,
        /// Of how many samples.
        of: u8,
    },
}

/// How one probe is debounced and paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    interval: Span,
    timeout: Span,
    fast_interval: Span,
    down_interval: Span,
    fall: Fall,
    rise: u16,
    slow_after: Option<Span>,
}

/// Why settings are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDebounce {
    /// The time-out must be below the interval.
    TimeoutNotBelowInterval {
        /// Of one sample.
        timeout: Span,
        /// Between samples.
        interval: Span,
    },
    /// An interval of nothing would never rest.
    NoInterval,
    /// It would be down without ever failing.
    FallOfNone,
    /// It would be up without ever answering.
    RiseOfNone,
    /// More failures are asked for than samples are looked at, or more than 64 samples.
    Window {
        /// How many failures.
        fails: u8,
        /// Of how many samples.
        of: u8,
    },
}

impl Settings {
    /// CONFIG's defaults: every 10 s, three strikes, two answers.
    pub const DEFAULT: Settings = Settings {
        interval: Span::secs(10),
        timeout: Span::secs(2),
        fast_interval: Span::secs(1),
        down_interval: Span::secs(10),
        fall: Fall::Streak(3),
        rise: 2,
        slow_after: None,
    };

    /// The only way to other settings than the default: reports everything that is wrong.
    pub fn new(
        interval: Span,
        timeout: Span,
        fast_interval: Span,
        down_interval: Span,
        fall: Fall,
        rise: u16,
        slow_after: Option<Span>,
    ) -> Result<Settings, Vec<NotDebounce>> {
        let mut wrong = Vec::new();
        if interval == Span::ZERO || fast_interval == Span::ZERO || down_interval == Span::ZERO {
            wrong.push(NotDebounce::NoInterval);
        }
        if timeout >= interval {
            wrong.push(NotDebounce::TimeoutNotBelowInterval { timeout, interval });
        }
        match fall {
            Fall::Streak(0) | Fall::Window { fails: 0, .. } => wrong.push(NotDebounce::FallOfNone),
            Fall::Window { fails, of } if fails > of || of > 64 => {
                wrong.push(NotDebounce::Window { fails, of });
            }
            Fall::Streak(_) | Fall::Window { .. } => {}
        }
        if rise == 0 {
            wrong.push(NotDebounce::RiseOfNone);
        }
        if wrong.is_empty() {
            Ok(Settings { interval, timeout, fast_interval, down_interval, fall, rise, slow_after })
        } else {
            Err(wrong)
        }
    }

    /// Between samples while nothing is wrong.
    #[must_use]
    pub fn interval(&self) -> Span {
        self.interval
    }
    /// Of one sample.
    #[must_use]
    pub fn timeout(&self) -> Span {
        self.timeout
    }
    /// After a first failure, until it is decided.
    #[must_use]
    pub fn fast_interval(&self) -> Span {
        self.fast_interval
    }
    /// While it is down.
    #[must_use]
    pub fn down_interval(&self) -> Span {
        self.down_interval
    }
    /// How many failures make it down.
    #[must_use]
    pub fn fall(&self) -> Fall {
        self.fall
    }
    /// How many answers make it up.
    #[must_use]
    pub fn rise(&self) -> u16 {
        self.rise
    }
    /// Slower than this is slow.
    #[must_use]
    pub fn slow_after(&self) -> Option<Span> {
        self.slow_after
    }

    /// With no answer of any kind for so long, what is known of the probe is unknown again.
    #[must_use]
    pub fn stale_after(&self) -> Span {
        self.interval.max(self.down_interval).times(3).plus(self.timeout)
    }

    /// From a fault to the last strike, at worst (SAFETY §6). In a window the strikes may lie among answers: then it
    /// is what trouble without a break takes.
    #[must_use]
    pub fn worst_detection(&self) -> Span {
        let strikes = match self.fall {
            Fall::Streak(fall) => u64::from(fall),
            Fall::Window { fails, .. } => u64::from(fails),
        };
        let again = self.fast_interval.max(self.timeout);
        self.interval.plus(self.timeout).plus(again.times(strikes.saturating_sub(1)))
    }
}

impl fmt::Display for NotDebounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotDebounce::TimeoutNotBelowInterval { timeout, interval } => {
                write!(f, "the timeout of {timeout} must be below the interval of {interval}")
            }
            NotDebounce::NoInterval => f.write_str("an interval must be longer than 0s"),
            NotDebounce::FallOfNone => f.write_str("at least one failure must be needed to be down"),
            NotDebounce::RiseOfNone => f.write_str("at least one answer must be needed to be up"),
            NotDebounce::Window { fails, of } => {
                write!(
                    f,
                    "{fails} failures of {of} samples cannot be: at most 64 samples, and no more failures than samples"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let wrong = Settings::new(
            Span::secs(2),
            Span::secs(2),
            Span::ZERO,
            Span::secs(1),
            Fall::Window { fails: 6, of: 5 },
            0,
            None,
        )
        .unwrap_err();
        assert_eq!(wrong.len(), 4, "{wrong:?}");
    }

    #[test]
    fn worst_detection_is_safetys_formula() {
        let s = |fast, timeout| {
            Settings::new(
                Span::secs(10),
                Span::secs(timeout),
                Span::secs(fast),
                Span::secs(10),
                Fall::Streak(3),
                2,
                None,
            )
            .unwrap()
            .worst_detection()
        };
        assert_eq!(s(1, 2), Span::secs(10 + 2 + 2 * 2));
        assert_eq!(s(5, 2), Span::secs(10 + 2 + 2 * 5));
        assert_eq!(Settings::DEFAULT.worst_detection(), Span::secs(16));
    }
}
