//! Folds one probe's samples into its health. The order of samples is their beginning; blind neither counts nor
//! resets; nothing is decided by a clock except that what is too old is unknown.

use alloc::boxed::Box;

use super::{Fall, Flap, Health, Outcome, Settings, Streak, Window};
use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};

/// How often a probe is to be run at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Not at all: its role has nothing to do in that region.
    #[default]
    Rest,
    /// At its interval.
    Steady,
    /// Quickly, until it is decided.
    Fast,
    /// It is down: at its down interval.
    Down,
    /// At once: somebody asked.
    AtOnce,
}

/// What was settled by enough samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Settled {
    #[default]
    Unknown,
    Up,
    Slow,
    Down,
}

/// What a sample changed; all else is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The sample is not newer than one already told: nothing was done with it.
    pub late: bool,
    /// The health, or what is said of it, is another now.
    pub view: bool,
    /// The first failure after something else.
    pub first_failure: bool,
    /// The last strike: it is down now.
    pub fell: bool,
}

/// One probe's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debounced {
    settled: Settled,
    failing: bool,
    slow: bool,
    flap: Flap,
    trust: u32,
    reading_ms: u32,
    run: Streak,
    slows: Streak,
    since: Mono,
    struck: Mono,
    seen: Mono,
    /// When the newest sample was begun, blind ones too: what was blind once stays it when it comes again.
    told: Mono,
    window: Option<Box<Window>>,
}

const NO_READING: u32 = u32::MAX;

impl Debounced {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Debounced {
        let window = match settings.fall() {
            Fall::Window { of, .. } => Some(Box::new(Window::over(of))),
            Fall::Streak(_) => None,
        };
        Debounced { window, reading_ms: NO_READING, ..Debounced::default() }
    }

    /// Other settings, the same history; only a window of another width starts empty.
    pub fn adopt(&mut self, settings: &Settings) {
        match settings.fall() {
            Fall::Window { of, .. } if self.window.as_ref().is_none_or(|w| w.of() != of) => {
                self.window = Some(Box::new(Window::over(of)));
            }
            Fall::Window { .. } => {}
            Fall::Streak(_) => self.window = None,
        }
    }

    /// One sample. `trust` counts how often the observer has lost faith in itself: what was in progress before does
    /// not count any more.
    pub fn tell(
        &mut self,
        settings: &Settings,
        trust: u32,
        began: Mono,
        ended: Mono,
        outcome: Outcome,
        reading: Option<Span>,
    ) -> Change {
        if began <= self.told && self.told != Mono::BOOT {
            return Change { late: true, ..Change::default() };
        }
        self.told = began;
        let failed = match outcome {
            Outcome::Blind(_) if mutants::on(Mutant::BlindIsFailure) => true,
            Outcome::Blind(_) => return Change::default(),
            Outcome::Failed(_) => true,
            Outcome::Ok { .. } => false,
        };
        let before = (self.health(trust), self.answers_again(trust));
        if self.trust != trust {
            self.distrust(trust);
        }
        self.seen = began;
        self.reading_ms = match reading {
            Some(span) => {
                u32::try_from(span.as_micros() / 1_000).unwrap_or(NO_READING - 1).min(NO_READING - 1)
            }
            None => NO_READING,
        };
        let was_down = self.settled == Settled::Down;
        let first_failure = failed && (!self.failing || self.run.count() == 0);
        if failed != self.failing {
            self.run.end();
            self.failing = failed;
        }
        self.run.one_more(began);
        if let Some(window) = &mut self.window {
            window.push(failed, began);
        }
        let fell = if failed { self.fail(settings, ended) } else { false };
        if let Outcome::Ok { took } = outcome {
            self.answer(settings, began, took);
        }
        let view = before != (self.health(trust), self.answers_again(trust));
        Change { late: false, view, first_failure: first_failure && (fell || !was_down), fell }
    }

    fn fail(&mut self, settings: &Settings, ended: Mono) -> bool {
        self.slows.end();
        if self.settled == Settled::Down {
            return false;
        }
        let first = match (settings.fall(), &self.window) {
            (Fall::Window { fails, .. }, Some(window)) if window.fails() >= fails => window.first(),
            (Fall::Streak(fall), _) if self.run.count() >= fall => self.run.first(),
            (Fall::Window { .. } | Fall::Streak(_), _) => None,
        };
        let Some(first) = first else { return false };
        self.settled = Settled::Down;
        self.since = first;
        self.struck = ended;
        self.flap.fell(ended);
        true
    }

    fn answer(&mut self, settings: &Settings, began: Mono, took: Span) {
        let slow = settings.slow_after().is_some_and(|limit| took > limit);
        if slow != self.slow {
            self.slows.end();
            self.slow = slow;
        }
        self.slows.one_more(began);
        let strikes = match settings.fall() {
            Fall::Streak(fall) => fall,
            Fall::Window { fails, .. } => u16::from(fails),
        };
        match self.settled {
            Settled::Unknown | Settled::Down if self.run.count() >= self.flap.rise(settings.rise()) => {
                self.settled = Settled::Up;
                self.since = self.run.first().unwrap_or(began);
                if let Some(window) = &mut self.window {
                    window.clear();
                }
            }
            Settled::Up if slow && self.slows.count() >= strikes => {
                self.settled = Settled::Slow;
                self.since = self.slows.first().unwrap_or(began);
            }
            Settled::Slow if !slow && self.slows.count() >= settings.rise() => {
                self.settled = Settled::Up;
                self.since = self.slows.first().unwrap_or(began);
            }
            Settled::Unknown | Settled::Down | Settled::Up | Settled::Slow => {}
        }
    }

    /// The observer lost faith in itself, or the parent fell: what was in progress is dropped, and `down` must be
    /// shown anew. What was known to be up is still the best guess.
    pub fn distrust(&mut self, trust: u32) {
        self.trust = trust;
        self.run.end();
        self.slows.end();
        self.failing = false;
        if let Some(window) = &mut self.window {
            window.clear();
        }
        if self.settled == Settled::Down {
            self.settled = Settled::Unknown;
        }
    }

    /// Nothing was seen for so long that nothing is known.
    pub fn forget(&mut self, trust: u32) {
        self.distrust(trust);
        self.settled = Settled::Unknown;
        self.reading_ms = NO_READING;
    }

    /// The health.
    #[must_use]
    pub fn health(&self, trust: u32) -> Health {
        let current = self.trust == trust;
        match self.settled {
            Settled::Down if current => Health::Down,
            Settled::Down => Health::Unknown,
            Settled::Unknown | Settled::Up | Settled::Slow
                if current && self.failing && self.run.count() > 0 =>
            {
                Health::Suspect
            }
            Settled::Unknown => Health::Unknown,
            Settled::Up => Health::Up,
            Settled::Slow => Health::Slow,
        }
    }

    /// The health without suspicion, which is told to nobody.
    #[must_use]
    pub fn settled(&self, trust: u32) -> Health {
        match self.settled {
            Settled::Down if self.trust == trust => Health::Down,
            Settled::Unknown | Settled::Down => Health::Unknown,
            Settled::Up => Health::Up,
            Settled::Slow => Health::Slow,
        }
    }

    /// Down, but its newest sample succeeded: it abstains.
    #[must_use]
    pub fn answers_again(&self, trust: u32) -> bool {
        self.trust == trust
            && self.settled == Settled::Down
            && !self.failing
            && self.run.count() > 0
            && !mutants::on(Mutant::AnsweringIsDown)
    }

    /// How often it is to be run.
    #[must_use]
    pub fn pace(&self, trust: u32) -> Pace {
        match self.health(trust) {
            Health::Down => Pace::Down,
            Health::Suspect => Pace::Fast,
            Health::Unknown if self.trust == trust && self.run.count() > 0 => Pace::Fast,
            Health::Unknown | Health::Up | Health::Slow => Pace::Steady,
        }
    }

    /// Since when it is what it is: for `down` its first failed sample, for `suspect` too.
    #[must_use]
    pub fn since(&self, trust: u32) -> Mono {
        match self.health(trust) {
            Health::Suspect => self.run.first().unwrap_or(self.since),
            Health::Unknown | Health::Up | Health::Slow | Health::Down => self.since,
        }
    }

    /// When the last strike had answered.
    #[must_use]
    pub fn struck(&self) -> Mono {
        self.struck
    }

    /// When the newest sample that saw something was begun.
    #[must_use]
    pub fn seen(&self) -> Mono {
        self.seen
    }

    /// Whether anything is known or in progress that time can make stale.
    #[must_use]
    pub fn can_go_stale(&self) -> bool {
        self.settled != Settled::Unknown || self.run.count() > 0
    }

    /// The newest reading.
    #[must_use]
    pub fn reading(&self) -> Option<Span> {
        (self.reading_ms != NO_READING).then(|| Span::millis(u64::from(self.reading_ms)))
    }

    /// How many failures, or answers, came one after the other.
    #[must_use]
    pub fn in_a_row(&self) -> u16 {
        self.run.count()
    }

    /// How often it fell again lately.
    #[must_use]
    pub fn flapped(&self) -> u8 {
        self.flap.again()
    }
}

#[cfg(test)]
mod tests;
