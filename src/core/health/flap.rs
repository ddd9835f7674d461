//! Flap damping: a probe that falls again and again must answer longer before it is believed.
//!
//! It only delays `up`. It never makes a probe down, and a damped probe that has just answered still abstains, so
//! damping cannot move production.

use crate::time::{Mono, Span};

/// How often a probe fell lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flap {
    falls: u8,
    last: Mono,
}

impl Flap {
    /// Falls further apart than this are no flapping.
    pub const APART: Span = Span::mins(15);
    /// `rise` is doubled at most so often.
    pub const MOST: u8 = 3;

    /// It fell.
    pub fn fell(&mut self, at: Mono) {
        self.falls = if self.falls > 0 && at.since(self.last) <= Self::APART {
            self.falls.saturating_add(1)
        } else {
            1
        };
        self.last = at;
    }

    /// So many answers are needed now where `rise` would do.
    #[must_use]
    pub fn rise(self, rise: u16) -> u16 {
        rise.saturating_mul(1 << self.falls.saturating_sub(1).min(Self::MOST))
    }

    /// How often it fell again.
    #[must_use]
    pub fn again(self) -> u8 {
        self.falls.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fall_soon_after_another_doubles_what_is_asked_for() {
        let at = |mins| Mono::after_boot(Span::mins(mins));
        let mut flap = Flap::default();
        assert_eq!(flap.rise(2), 2);
        let mut asked = alloc::vec![];
        for mins in [1, 5, 9, 13, 17, 21] {
            flap.fell(at(mins));
            asked.push(flap.rise(2));
        }
        assert_eq!(asked, [2, 4, 8, 16, 16, 16]);
        flap.fell(at(60));
        assert_eq!((flap.rise(2), flap.again()), (2, 0));
    }
}
