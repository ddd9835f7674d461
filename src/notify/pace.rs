//! How soon a channel may be asked: its rate, its pauses after tries in vain, and what it asked for itself. Pure.
//!
//! It must never come sooner than a channel said.

use std::collections::VecDeque;

use super::Limits;
use crate::core::time::{Mono, Span};

/// One channel's pace.
pub(super) struct Pace {
    limits: Limits,
    /// So many within so long.
    rate: (u32, Span),
    /// When it was asked, within the newest `rate`.
    asked: VecDeque<Mono>,
    /// Not before then.
    until: Mono,
    /// So many tries in a row were in vain,
    vain: u32,
    /// the first of them then.
    since: Option<Mono>,
    chance: u64,
}

impl Pace {
    pub(super) fn new(limits: Limits, rate: (u32, Span), seed: u64) -> Pace {
        let rate = (rate.0.max(1), rate.1);
        Pace {
            limits,
            rate,
            asked: VecDeque::new(),
            until: Mono::BOOT,
            vain: 0,
            since: None,
            chance: seed | 1,
        }
    }

    /// When it may be asked next.
    pub(super) fn next(&self) -> Mono {
        let full = self.asked.len() >= self.rate.0 as usize;
        let oldest = self.asked.front().filter(|_| full).map(|at| *at + self.rate.1);
        oldest.map_or(self.until, |at| at.max(self.until))
    }

    /// It is asked.
    pub(super) fn ask(&mut self, now: Mono) {
        while self.asked.len() >= self.rate.0 as usize {
            self.asked.pop_front();
        }
        self.asked.push_back(now);
    }

    /// It has taken something.
    pub(super) fn well(&mut self) {
        (self.vain, self.since) = (0, None);
    }

    /// It has not, and said when it may be asked again, or did not.
    pub(super) fn vain(&mut self, now: Mono, said: Option<Span>) {
        self.since.get_or_insert(now);
        self.vain = self.vain.saturating_add(1);
        let Limits { first_pause, longest_pause, .. } = self.limits;
        let whole = first_pause.times(1 << (self.vain - 1).min(16)).min(longest_pause);
        // Between half and all of it, so that many do not come back at once.
        let half = whole.as_micros() / 2;
        let pause = Span::micros(half + self.draw() % half.max(1));
        let pause = said.map_or(pause, |said| said.max(first_pause));
        self.until = self.until.max(now + pause);
    }

    /// Not before then: so it said in another life.
    pub(super) fn not_before(&mut self, at: Mono) {
        self.until = self.until.max(at);
    }

    /// Since when it is in vain.
    pub(super) fn failing(&self) -> Option<Mono> {
        self.since
    }

    fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_comes_sooner_than_it_may() {
        let at = |secs| Mono::after_boot(Span::secs(secs));
        let mut pace = Pace::new(Limits::default(), (1, Span::secs(1)), 7);
        assert_eq!(pace.next(), Mono::BOOT);
        pace.ask(at(10));
        assert_eq!(pace.next(), at(11), "one a second");
        pace.vain(at(10), Some(Span::secs(30)));
        assert_eq!((pace.next(), pace.failing()), (at(40), Some(at(10))), "as it said");
        for n in 0..40 {
            pace.vain(at(100 + n), None);
            let pause = pace.next().since(at(100 + n));
            assert!(pause <= Span::secs(60) && (n < 8 || pause >= Span::secs(29)), "{pause}");
        }
        assert_eq!(pace.failing(), Some(at(10)));
        pace.well();
        assert_eq!(pace.failing(), None);
        let mut many = Pace::new(Limits::default(), (3, Span::mins(1)), 7);
        (0..3).for_each(|n| many.ask(at(n)));
        assert_eq!(many.next(), at(60), "three a minute");
    }
}
