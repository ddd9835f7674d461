//! Distrust yourself first: reference points, stall and clock jump.
//!
//! Reference points are checked at the first failure, again with a check sent at or after the last strike, and
//! repeatedly while anything is accused or a probe finds no way out of this machine. Too few in reach, a stalled loop or a clock jump makes the observer
//! *isolated*. Nothing in here may ever make an isolated observer say more than "I do not know".

use core::fmt;

use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};

/// What an observer needs to believe its own eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    points: u8,
    at_least: u8,
    stall: Span,
    clock_jump: Span,
}

/// Why settings are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTrust {
    /// More answers are asked for than there are points, or none of the points is asked for.
    AtLeast {
        /// Answers asked for.
        at_least: u8,
        /// Points there are.
        points: u8,
    },
    /// Everything would be a stall, or a jump.
    NoTolerance,
}

impl Settings {
    /// `at_least` of `points` must answer; without points `at_least` must be 0.
    pub fn new(points: u8, at_least: u8, stall: Span, clock_jump: Span) -> Result<Settings, NotTrust> {
        if at_least > points || (points > 0 && at_least == 0) {
            return Err(NotTrust::AtLeast { at_least, points });
        }
        if stall == Span::ZERO || clock_jump == Span::ZERO {
            return Err(NotTrust::NoTolerance);
        }
        Ok(Settings { points, at_least, stall, clock_jump })
    }

    /// CONFIG's defaults for so many points: a majority of them, 2 s, 2 s.
    #[must_use]
    pub fn majority_of(points: u8) -> Settings {
        let at_least = if points == 0 { 0 } else { points / 2 + 1 };
        Settings { points, at_least, stall: Span::secs(2), clock_jump: Span::secs(2) }
    }

    /// Whether there is anything to check oneself by.
    #[must_use]
    pub fn has_points(&self) -> bool {
        self.points > 0
    }
    /// Whether they are looked at.
    fn looks(&self) -> bool {
        self.has_points() && !mutants::on(Mutant::NoReferences)
    }
    /// How many must answer.
    #[must_use]
    pub fn at_least(&self) -> u8 {
        self.at_least
    }
    /// The event loop may be late by so much.
    #[must_use]
    pub fn stall(&self) -> Span {
        self.stall
    }
    /// The wall clock may jump by so much.
    #[must_use]
    pub fn clock_jump(&self) -> Span {
        self.clock_jump
    }
}

/// Why an observer calls itself isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Too few reference points were in reach.
    OutOfReach {
        /// So many answered.
        reached: u8,
        /// So many must.
        at_least: u8,
    },
    /// A check of the reference points came to no end: whoever probes is stuck.
    NoAnswer,
    /// The event loop was late.
    Stalled {
        /// By so much.
        late: Span,
    },
    /// The wall clock jumped.
    ClockJumped {
        /// By so much.
        by: Span,
    },
}

/// One check of the reference points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Round(pub u32);

/// What an observer makes of itself.
#[derive(Clone, Debug)]
pub struct SelfTrust {
    settings: Settings,
    /// Why, and when that was last shown.
    isolated: Option<(Isolation, Mono)>,
    isolated_since: Mono,
    lost: u32,
    trusted_from: Mono,
    proven: Option<Mono>,
    sent: [(u32, Mono); REMEMBERED],
    rounds: u32,
    open: Option<Mono>,
    /// What it was asked last, and until when it has nothing to say to that.
    rests: Option<(Option<Mono>, bool, Mono)>,
}

/// So many rounds can still be told apart; an older answer counts only when it is bad.
const REMEMBERED: usize = 8;

/// What an answer, or a moment, did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Same,
    /// Isolated from now on.
    Lost(Isolation),
    /// Trusted again.
    Regained,
    /// More is proven than before.
    Proven,
    /// An answer to a round that was never sent.
    Unasked,
}

impl SelfTrust {
    /// Between two checks while anything is accused, or while isolated.
    pub const AGAIN: Span = Span::secs(5);
    /// A round that is open for so long will not end.
    pub const PATIENCE: Span = Span::secs(10);
    /// A round that is open for so long is superseded by the next; until then that one waits, so that ten thousand
    /// probes that fall together do not ask ten thousand times.
    pub const SUPERSEDE: Span = Span::secs(1);

    /// Trusted, with nothing proven.
    #[must_use]
    pub fn new(settings: Settings) -> SelfTrust {
        SelfTrust {
            settings,
            isolated: None,
            isolated_since: Mono::BOOT,
            lost: 0,
            trusted_from: Mono::BOOT,
            proven: None,
            sent: [(0, Mono::BOOT); REMEMBERED],
            rounds: 0,
            open: None,
            rests: None,
        }
    }

    /// Other settings, the same history.
    pub fn adopt(&mut self, settings: Settings) {
        self.rests = None;
        self.settings = settings;
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Why and since when it is isolated.
    #[must_use]
    pub fn isolated(&self) -> Option<(Isolation, Mono)> {
        self.isolated.map(|(why, _)| (why, self.isolated_since))
    }

    /// How often it has lost faith; what was in progress before belongs to another number.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// A sample begun before this is blind, and so is every one while isolated.
    #[must_use]
    pub fn believes(&self, began: Mono) -> bool {
        (self.isolated.is_none() && began >= self.trusted_from) || mutants::on(Mutant::IsolatedVotes)
    }

    /// Whether a check sent at or after `strike` found enough points in reach. With no points there is nothing to
    /// prove it by, and an automatic run is refused elsewhere.
    #[must_use]
    pub fn proves(&self, strike: Mono) -> bool {
        if mutants::on(Mutant::IsolatedVotes) {
            return true;
        }
        self.isolated.is_none() && (!self.settings.looks() || self.proven.is_some_and(|sent| sent >= strike))
    }

    /// Whether nothing was asked for so long that a probe without a route may be the first sign of a dead network.
    #[must_use]
    pub fn may_doubt(&self, now: Mono) -> bool {
        self.isolated.is_none()
            && self.open.is_none()
            && self.sent_at(self.rounds).is_none_or(|sent| now.since(sent) >= Self::AGAIN)
    }

    /// When the newest check that found enough in reach was sent.
    #[must_use]
    pub fn proven(&self) -> Option<Mono> {
        self.proven
    }

    /// Looks at what is. A check is due when `wanted` (a first failure, a last strike, an ask) is later than anything
    /// sent, and again and again while accusing or isolated. Answers with the round to send, and what changed.
    #[inline]
    pub fn advance(&mut self, wanted: Option<Mono>, accusing: bool, now: Mono) -> (Option<Round>, Turn) {
        self.rests = None;
        let mut turn = Turn::Same;
        if let Some(sent) = self.open
            && now.since(sent) >= Self::PATIENCE
        {
            self.open = None;
            turn = self.lose(Isolation::NoAnswer, now);
        }
        if !self.settings.looks() {
            self.open = None;
            return (None, self.rest_without_points(turn, now));
        }
        let newest = (self.rounds > 0).then(|| self.sent_at(self.rounds)).flatten();
        let due = match (wanted, newest) {
            (Some(wanted), Some(sent)) => sent < wanted,
            (Some(_), None) => true,
            (None, _) => false,
        } && self.may_send(now);
        let again = (accusing || self.isolated.is_some())
            && self.open.is_none()
            && newest.is_none_or(|sent| now.since(sent) >= Self::AGAIN);
        if !(due || again) {
            return (None, turn);
        }
        self.rounds = self.rounds.wrapping_add(1).max(1);
        self.sent[self.rounds as usize % REMEMBERED] = (self.rounds, now);
        self.open = Some(self.open.unwrap_or(now));
        (Some(Round(self.rounds)), turn)
    }

    /// Right after [`advance`](Self::advance) had nothing to send and nothing to say: it has nothing before that moment,
    /// which [`wake`](Self::wake) has named, as long as it is asked the same and is told nothing.
    pub fn rest(&mut self, wanted: Option<Mono>, accusing: bool, until: Option<Mono>) {
        self.rests = Some((wanted, accusing, until.unwrap_or(Mono::micros(u64::MAX))));
    }

    /// Whether [`advance`](Self::advance) has nothing to look at now: most steps ask for it.
    #[must_use]
    #[inline]
    pub fn rests(&self, wanted: Option<Mono>, accusing: bool, now: Mono) -> bool {
        self.rests.is_some_and(|(same, accused, until)| same == wanted && accused == accusing && now < until)
    }

    fn rest_without_points(&mut self, turn: Turn, now: Mono) -> Turn {
        match self.isolated {
            Some((_, since)) if now.since(since) >= Self::PATIENCE => self.regain(now),
            Some(_) | None => turn,
        }
    }

    fn may_send(&self, now: Mono) -> bool {
        self.open.is_none() || self.sent_at(self.rounds).is_none_or(|sent| now.since(sent) >= Self::SUPERSEDE)
    }

    /// When [`advance`](Self::advance) has something to look at again, if nothing else happens.
    #[must_use]
    #[inline]
    pub fn wake(&self, wanted: Option<Mono>, accusing: bool) -> Option<Mono> {
        if !self.settings.looks() {
            return self.isolated.map(|(_, since)| since + Self::PATIENCE);
        }
        if let Some(sent) = self.open {
            let newest = self.sent_at(self.rounds).unwrap_or(sent);
            let next = wanted.filter(|wanted| *wanted > newest).map(|_| newest + Self::SUPERSEDE);
            return next.into_iter().chain(Some(sent + Self::PATIENCE)).min();
        }
        (accusing || self.isolated.is_some())
            .then(|| self.sent_at(self.rounds).map_or(Mono::BOOT, |sent| sent + Self::AGAIN))
    }

    /// A check has ended. A bad answer counts whichever round it belongs to; a good one proves the moment its round
    /// was sent, and ends an isolation that is older than that.
    pub fn heard(&mut self, round: Round, reached: u8, now: Mono) -> Turn {
        self.rests = None;
        if round.0 == 0 || round.0 > self.rounds {
            return Turn::Unasked;
        }
        if round.0 == self.rounds {
            self.open = None;
        }
        if reached < self.settings.at_least {
            return self.lose(Isolation::OutOfReach { reached, at_least: self.settings.at_least }, now);
        }
        let Some(sent) = self.sent_at(round.0) else { return Turn::Same };
        if self.proven.is_some_and(|proven| proven >= sent) {
            return Turn::Same;
        }
        match self.isolated {
            Some((_, since)) if sent < since => Turn::Same,
            Some(_) => {
                self.proven = Some(sent);
                self.regain(now)
            }
            None => {
                self.proven = Some(sent);
                Turn::Proven
            }
        }
    }

    /// The event loop woke so late.
    pub fn stalled(&mut self, late: Span, now: Mono) -> Turn {
        if late <= self.settings.stall {
            return Turn::Same;
        }
        self.lose(Isolation::Stalled { late }, now)
    }

    /// The wall clock jumped by so much.
    pub fn jumped(&mut self, by: Span, now: Mono) -> Turn {
        if by <= self.settings.clock_jump {
            return Turn::Same;
        }
        self.lose(Isolation::ClockJumped { by }, now)
    }

    fn lose(&mut self, why: Isolation, now: Mono) -> Turn {
        self.rests = None;
        self.proven = None;
        let first = self.isolated.is_none();
        self.isolated = Some((why, now));
        if !first {
            return Turn::Same;
        }
        self.isolated_since = now;
        self.lost = self.lost.wrapping_add(1);
        Turn::Lost(why)
    }

    fn regain(&mut self, now: Mono) -> Turn {
        self.rests = None;
        self.isolated = None;
        self.trusted_from = now;
        Turn::Regained
    }

    #[inline]
    fn sent_at(&self, round: u32) -> Option<Mono> {
        let (number, at) = self.sent[round as usize % REMEMBERED];
        (number == round && round > 0).then_some(at)
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Isolation::OutOfReach { reached, at_least } => {
                write!(f, "only {reached} reference points were in reach, {at_least} are needed")
            }
            Isolation::NoAnswer => f.write_str("a check of the reference points came to no end"),
            Isolation::Stalled { late } => write!(f, "the event loop was late by {late}"),
            Isolation::ClockJumped { by } => write!(f, "the wall clock jumped by {by}"),
        }
    }
}

impl fmt::Display for NotTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTrust::AtLeast { at_least, points } => {
                write!(
                    f,
                    "at_least = {at_least} of {points} reference points cannot be: between 1 and {points}"
                )
            }
            NotTrust::NoTolerance => f.write_str("stall and clock_jump must be longer than 0s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Mono {
        Mono::after_boot(Span::secs(secs))
    }

    #[test]
    fn three_moments() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        assert_eq!(
            me.advance(None, false, at(1)),
            (None, Turn::Same),
            "nothing is accused: nothing is asked"
        );
        let (first, _) = me.advance(Some(at(2)), true, at(2));
        assert_eq!(me.heard(first.unwrap(), 3, at(2)), Turn::Proven);
        assert!(me.proves(at(2)) && !me.proves(at(4)));
        let (last, _) = me.advance(Some(at(4)), true, at(4));
        assert_eq!(me.heard(last.unwrap(), 2, at(4)), Turn::Proven);
        assert!(me.proves(at(4)));
        assert_eq!(me.advance(Some(at(4)), true, at(8)).0, None);
        assert!(me.advance(Some(at(4)), true, at(9)).0.is_some(), "again while accusing");
    }

    #[test]
    fn too_few_in_reach_isolates_until_a_later_check_is_good() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        let (a, _) = me.advance(Some(at(1)), true, at(1));
        let (b, _) = me.advance(Some(at(2)), true, at(2));
        assert!(
            matches!(me.heard(a.unwrap(), 1, at(3)), Turn::Lost(_)),
            "bad answers of superseded rounds count"
        );
        assert_eq!(me.heard(b.unwrap(), 3, at(3)), Turn::Same, "sent before the isolation: proves nothing");
        assert!(!me.believes(at(4)) && me.lost() == 1);
        let (bad, _) = me.advance(None, false, at(7));
        assert_eq!(me.heard(bad.unwrap(), 0, at(8)), Turn::Same);
        assert_eq!(
            me.isolated().map(|(_, since)| since),
            Some(at(3)),
            "it has been since the first bad check"
        );
        let (c, _) = me.advance(None, false, at(12));
        assert_eq!(me.heard(c.unwrap(), 3, at(13)), Turn::Regained);
        assert!(me.believes(at(13)) && !me.believes(at(12)));
    }

    #[test]
    fn a_check_that_never_ends_isolates() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        me.advance(Some(at(1)), true, at(1));
        assert_eq!(me.wake(Some(at(1)), true), Some(at(11)));
        assert_eq!(me.wake(Some(at(3)), true), Some(at(2)), "the next may supersede it");
        assert_eq!(me.advance(None, true, at(11)).1, Turn::Lost(Isolation::NoAnswer));
    }

    #[test]
    fn stall_and_jump_isolate_past_their_limit_only() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        assert_eq!(me.stalled(Span::secs(2), at(5)), Turn::Same);
        assert!(matches!(me.stalled(Span::millis(2_001), at(5)), Turn::Lost(Isolation::Stalled { .. })));
        let mut me = SelfTrust::new(Settings::majority_of(0));
        assert!(matches!(me.jumped(Span::mins(10), at(5)), Turn::Lost(Isolation::ClockJumped { .. })));
        assert_eq!(me.advance(None, false, at(14)), (None, Turn::Same));
        assert_eq!(me.advance(None, false, at(15)), (None, Turn::Regained), "without points, after a rest");
    }

    #[test]
    fn what_finds_no_way_out_asks_no_more_often_than_what_accuses() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        assert!(me.may_doubt(at(1)), "nothing was ever asked");
        let (round, _) = me.advance(Some(at(1)), false, at(1));
        assert!(!me.may_doubt(at(9)), "a round is open");
        assert_eq!(me.heard(round.unwrap(), 3, at(2)), Turn::Proven);
        assert!(!me.may_doubt(at(5)) && me.may_doubt(at(6)));
        assert!(matches!(me.heard(round.unwrap(), 0, at(7)), Turn::Lost(_)));
        assert!(!me.may_doubt(at(60)), "it asks by itself while it is isolated");
    }

    #[test]
    fn nobody_answers_what_was_not_asked() {
        let mut me = SelfTrust::new(Settings::majority_of(3));
        assert_eq!(me.heard(Round(1), 3, at(1)), Turn::Unasked);
        assert_eq!(me.heard(Round(0), 0, at(1)), Turn::Unasked);
    }

    #[test]
    fn settings_that_mean_nothing_cannot_be_built() {
        assert!(Settings::new(3, 4, Span::secs(1), Span::secs(1)).is_err());
        assert!(Settings::new(3, 0, Span::secs(1), Span::secs(1)).is_err());
        assert!(Settings::new(0, 0, Span::secs(1), Span::secs(1)).is_ok());
        assert_eq!(Settings::new(3, 2, Span::ZERO, Span::secs(1)), Err(NotTrust::NoTolerance));
    }

    /// Whatever happens, in whatever order: where it says that it rests, a look finds nothing.
    #[test]
    fn who_rests_has_nothing_to_do() {
        let (mut seed, mut rested, mut looked) = (7_u64, 0, 0);
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for points in [0, 3] {
            let mut me = SelfTrust::new(Settings::majority_of(points));
            let (mut now, mut wanted, mut accusing) = (at(1), None, false);
            for _ in 0..40_000 {
                now = now + Span::millis(draw(700));
                match draw(12) {
                    0 => wanted = Some(now.before(Span::millis(draw(3_000)))),
                    1 => wanted = None,
                    2 => accusing = !accusing,
                    3 if draw(20) == 0 => drop(me.stalled(Span::secs(draw(100)), now)),
                    4 if draw(20) == 0 => drop(me.jumped(Span::secs(draw(100)), now)),
                    5 => drop(me.heard(Round(me.rounds.saturating_sub(draw(3) as u32)), draw(4) as u8, now)),
                    _ => {}
                }
                if me.rests(wanted, accusing, now) {
                    let mut same = me.clone();
                    assert_eq!(same.advance(wanted, accusing, now), (None, Turn::Same));
                    assert_eq!(same.wake(wanted, accusing), me.wake(wanted, accusing));
                    rested += 1;
                } else if me.advance(wanted, accusing, now) == (None, Turn::Same) {
                    me.rest(wanted, accusing, me.wake(wanted, accusing));
                    looked += 1;
                }
            }
        }
        assert!(rested > 10_000 && looked > 1_000, "{rested} {looked}");
    }
}
