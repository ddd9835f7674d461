//! The right to act: a session that is renewed with the coordinator, the proof [`Held`] that only a session makes, and
//! the tokens that order every outside effect.
//!
//! It must never count from the receipt of an answer, nor from a renewal that nobody acknowledged: both make a right
//! that outlives the session (SAFETY §2).

use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};
use alloc::vec::Vec;
use core::fmt;

/// Counts a service's moves; each start raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Which coordinator speaks; two of them never share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u128);

/// Orders every outside effect of a service: by epoch, then by serial. Tokens of two clusters have no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// Whose coordinator gave it.
    pub cluster: ClusterId,
    /// The service's epoch.
    pub epoch: Epoch,
    /// Grows with each durable intent of the service.
    pub serial: u64,
}

impl PartialOrd for Token {
    fn partial_cmp(&self, other: &Token) -> Option<core::cmp::Ordering> {
        (self.cluster == other.cluster).then(|| (self.epoch, self.serial).cmp(&(other.epoch, other.serial)))
    }
}

/// `cluster.epoch.serial`, the cluster in hex.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}.{}.{}", self.cluster.0, self.epoch.0, self.serial)
    }
}

/// Names one renewal, so that its answer is not taken for another's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub u64);

/// What the coordinator calls a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// What came back for a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It lives, with the time-to-live that was granted, read back.
    Alive {
        /// Which session.
        session: SessionId,
        /// As granted, not as asked for.
        ttl: Span,
    },
    /// It is gone, and with it all that hung on it.
    Gone,
    /// No answer.
    Unknown,
}

/// How far before the end of its session an observer stops: at least a fifth of the granted time, and a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin(Span);

impl Margin {
    /// The least that is ever kept.
    pub const LEAST: Span = Span::secs(1);

    /// None, if that is too little for a session that is granted so long.
    #[must_use]
    pub fn new(margin: Span, ttl: Span) -> Option<Margin> {
        (margin >= Margin::least(ttl)).then_some(Margin(margin))
    }

    /// The least that is enough for a session that is granted so long.
    #[must_use]
    pub fn least(ttl: Span) -> Span {
        Span::micros(ttl.as_micros().div_ceil(5)).max(Margin::LEAST)
    }
}

/// The comparison, for shell and simulation alike: whether a call may still be handed to the network at `now`, when the
/// newest acknowledged renewal was sent at `sent`.
#[must_use]
pub const fn in_time(now: Mono, sent: Mono, ttl: Span, margin: Margin) -> bool {
    now.as_micros() < end_of(sent, ttl, margin.0).as_micros()
}

const fn end_of(sent: Mono, ttl: Span, margin: Span) -> Mono {
    // 999 thousandths, rounded down, without a product that could wrap.
    let counted = ttl.less(Span::micros(ttl.as_micros().div_ceil(1_000))).less(margin);
    Mono::micros(sent.as_micros().saturating_add(counted.as_micros()))
}

/// An observer's renewed entry with the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    margin: Span,
    alive: Option<Alive>,
    /// Renewals on their way, oldest first; never more than [`Session::MOST`].
    sent: Vec<(Nonce, Mono)>,
    next: Nonce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Alive {
    id: SessionId,
    ttl: Span,
    sent: Mono,
}

/// The right to act, as of the moment at which it was asked for. Only [`Session::held`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    session: SessionId,
    until: Mono,
}

impl Session {
    /// So many renewals may wait for their answers; whoever sends more forgets the oldest.
    pub const MOST: usize = 8;

    /// None yet; this margin is kept, or the least for what is granted, whichever is longer.
    #[must_use]
    pub const fn new(margin: Span) -> Session {
        Session { margin, alive: None, sent: Vec::new(), next: Nonce(0) }
    }

    /// A renewal goes out, and `now` was read before it does.
    pub fn renew(&mut self, now: Mono) -> Nonce {
        let nonce = self.next;
        self.next = Nonce(nonce.0 + 1);
        if self.sent.len() >= Session::MOST {
            self.sent.remove(0);
        }
        self.sent.push((nonce, now));
        if mutants::on(Mutant::LeaseUnacknowledged)
            && let Some(alive) = &mut self.alive
        {
            alive.sent = now;
        }
        nonce
    }

    /// What came back. Whether it was the answer that is waited for.
    pub fn renewed(&mut self, nonce: Nonce, answer: Renewed) -> bool {
        let Some(place) = self.sent.iter().position(|&(waiting, _)| waiting == nonce) else { return false };
        let (_, sent) = self.sent.remove(place);
        match answer {
            // Who asked twice for a new one has two: what hangs on the first that was heard of stays there, and the other
            // lapses.
            Renewed::Alive { session, .. } if self.alive.is_some_and(|alive| alive.id != session) => {}
            Renewed::Alive { session, ttl } => {
                // It moves forward only: two renewals of one session may be answered in any order.
                let sent = self.alive.map_or(sent, |alive| alive.sent.max(sent));
                self.alive = Some(Alive { id: session, ttl, sent });
            }
            // What is gone never comes back: an older answer on its way must not raise it again.
            Renewed::Gone => self.forget(),
            Renewed::Unknown => {}
        }
        true
    }

    /// For the mutant that counts from the receipt: the renewal was sent when its answer came.
    #[cfg(feature = "mutants")]
    pub fn received(&mut self, nonce: Nonce, now: Mono) {
        if mutants::on(Mutant::LeaseFromReceipt) {
            self.sent.iter_mut().filter(|(waiting, _)| *waiting == nonce).for_each(|(_, sent)| *sent = now);
        }
    }

    /// Which session, if any is known to have lived.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.alive.map(|alive| alive.id)
    }

    /// When the newest renewal was sent that was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Option<Mono> {
        self.alive.map(|alive| alive.sent)
    }

    /// Gives up a session whose whole time has passed since the newest acknowledged renewal was sent. What was sent for
    /// it may still arrive: who hears no answers would keep for ever, unheard, what hangs on it. From now on a new one
    /// is asked for. Whether there was one to give up.
    pub fn abandon(&mut self, now: Mono) -> bool {
        let over = self.alive.is_some_and(|alive| now >= alive.sent + alive.ttl);
        if over {
            self.forget();
        }
        over
    }

    /// Forgets session and renewals: there is another coordinator. Nonces go on, so that no late answer of the old one
    /// is taken for the new one's.
    pub fn forget(&mut self) {
        self.alive = None;
        self.sent.clear();
    }

    /// The right to act now, if there is one.
    #[must_use]
    pub fn held(&self, now: Mono) -> Option<Held> {
        let Alive { id, ttl, sent } = self.alive?;
        if mutants::on(Mutant::FrozenGoesOn) {
            return Some(Held { session: id, until: Mono::micros(u64::MAX) });
        }
        if mutants::on(Mutant::NoMargin) {
            let until = sent + ttl;
            return (now < until).then_some(Held { session: id, until });
        }
        let margin = Margin(self.margin.max(Margin::least(ttl)));
        in_time(now, sent, ttl, margin).then(|| Held { session: id, until: end_of(sent, ttl, margin.0) })
    }
}

impl Held {
    /// Of which session.
    #[must_use]
    pub const fn session(self) -> SessionId {
        self.session
    }

    /// From then on it is none; whoever kept it asks again before handing anything over.
    #[must_use]
    pub const fn until(self) -> Mono {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const TTL: Span = Span::secs(10);
    const ID: SessionId = SessionId(7);

    fn at(millis: u64) -> Mono {
        Mono::after_boot(Span::millis(millis))
    }

    fn alive(ttl: Span) -> Renewed {
        Renewed::Alive { session: ID, ttl }
    }

    #[test]
    fn it_counts_from_the_sending_and_not_from_the_receipt() {
        let mut session = Session::new(Span::secs(2));
        assert_eq!(session.held(at(0)), None);
        let nonce = session.renew(at(1_000));
        // The answer comes five seconds later; from its receipt one would count to 12,990.
        assert!(session.renewed(nonce, alive(TTL)));
        let held = session.held(at(6_000)).unwrap();
        assert_eq!((held.session(), held.until()), (ID, at(8_990)));
        assert!(session.held(at(8_989)).is_some());
        assert!(session.held(at(8_990)).is_none());
        assert!(session.held(at(12_000)).is_none(), "counted from receipt");
    }

    #[test]
    #[cfg(feature = "mutants")]
    fn the_mutants_of_a_session_make_a_right_that_outlives_it() {
        for (mutant, until) in [
            (Mutant::LeaseFromReceipt, at(13_990)),
            (Mutant::LeaseUnacknowledged, at(12_990)),
            (Mutant::NoMargin, at(11_000)),
            (Mutant::FrozenGoesOn, Mono::micros(u64::MAX)),
        ] {
            mutants::set(Some(mutant));
            let mut session = Session::new(Span::secs(2));
            let nonce = session.renew(at(1_000));
            session.received(nonce, at(6_000));
            assert!(session.renewed(nonce, alive(TTL)));
            if mutant == Mutant::LeaseUnacknowledged {
                session.renew(at(5_000));
            }
            let held = session.held(at(6_000)).map(|held| held.until());
            mutants::set(None);
            assert_eq!(held, Some(until), "{}", mutant.word());
        }
    }

    #[test]
    fn who_hears_no_answers_lets_its_session_go() {
        let mut session = Session::new(Span::secs(2));
        let nonce = session.renew(at(1_000));
        assert!(session.renewed(nonce, alive(TTL)));
        let unheard = session.renew(at(6_000));
        assert!(!session.abandon(at(10_999)) && session.id() == Some(ID));
        assert!(session.abandon(at(11_000)) && session.id().is_none());
        assert!(!session.renewed(unheard, alive(TTL)), "what was given up does not come back");
        assert_eq!(session.held(at(11_000)), None);
    }

    #[test]
    fn who_asked_twice_keeps_the_session_that_it_heard_of_first() {
        let mut session = Session::new(Span::secs(2));
        let (slow, quick) = (session.renew(at(0)), session.renew(at(1_000)));
        assert!(session.renewed(quick, alive(TTL)));
        let other = Renewed::Alive { session: SessionId(6), ttl: TTL };
        assert!(session.renewed(slow, other));
        assert_eq!((session.id(), session.held(at(1_500)).unwrap().until()), (Some(ID), at(8_990)));
        // Once the first is over, another may follow.
        assert!(session.abandon(at(11_000)));
        let new = session.renew(at(11_000));
        assert!(session.renewed(new, other));
        assert_eq!(session.id(), Some(SessionId(6)));
    }

    #[test]
    fn a_late_answer_of_another_coordinator_entitles_to_nothing() {
        let mut session = Session::new(Span::secs(2));
        let old = session.renew(at(0));
        session.forget();
        let new = session.renew(at(5_000));
        assert!(old != new && !session.renewed(old, alive(TTL)));
        assert_eq!(session.held(at(5_000)), None);
        assert!(session.renewed(new, alive(TTL)));
        assert_eq!(session.held(at(5_000)).unwrap().until(), at(12_990));
    }

    #[test]
    fn a_renewal_that_nobody_acknowledged_counts_for_nothing() {
        let mut session = Session::new(Span::secs(2));
        let nonce = session.renew(at(0));
        assert!(session.renewed(nonce, alive(TTL)));
        let lost = session.renew(at(5_000));
        assert_eq!(session.held(at(7_000)).unwrap().until(), at(7_990));
        assert!(session.renewed(lost, Renewed::Unknown));
        assert!(session.held(at(8_000)).is_none(), "counted from an unacknowledged renewal");
        let third = session.renew(at(8_500));
        assert!(!session.renewed(lost, alive(TTL)), "answered already");
        assert!(session.held(at(8_600)).is_none());
        assert!(session.renewed(third, alive(TTL)));
        assert_eq!(session.held(at(8_600)).unwrap().until(), at(16_490));
    }

    #[test]
    fn answers_in_any_order_only_move_it_forward() {
        let mut session = Session::new(Span::secs(2));
        let (first, second) = (session.renew(at(0)), session.renew(at(1_000)));
        assert!(session.renewed(second, alive(TTL)));
        assert!(session.renewed(first, alive(TTL)));
        assert_eq!(session.held(at(2_000)).unwrap().until(), at(8_990));
        let (third, fourth) = (session.renew(at(3_000)), session.renew(at(4_000)));
        assert!(session.renewed(fourth, Renewed::Gone));
        assert!(!session.renewed(third, alive(TTL)), "nobody comes back from the dead");
        assert_eq!(session.held(at(4_000)), None);
        let many: Vec<Nonce> = (0..9).map(|i| session.renew(at(5_000 + i))).collect();
        assert!(!session.renewed(many[0], alive(TTL)) && session.renewed(many[1], alive(TTL)));
    }

    #[test]
    fn what_is_gone_entitles_to_nothing_and_a_shorter_grant_counts() {
        let mut session = Session::new(Span::ZERO);
        let nonce = session.renew(at(0));
        assert!(session.renewed(nonce, alive(Span::secs(100))));
        assert_eq!(session.held(at(0)).unwrap().until(), at(99_900 - 20_000));
        let nonce = session.renew(at(1_000));
        assert!(session.renewed(nonce, alive(Span::secs(3))));
        assert_eq!(session.held(at(1_000)).unwrap().until(), at(1_000 + 2_997 - 1_000));
        let nonce = session.renew(at(2_000));
        assert!(session.renewed(nonce, Renewed::Gone));
        assert_eq!((session.held(at(2_000)), session.id()), (None, None));
    }

    #[test]
    fn the_margin_is_a_fifth_and_a_second() {
        assert_eq!(Margin::new(Span::millis(1_999), TTL), None);
        assert!(Margin::new(Span::secs(2), TTL).is_some());
        assert_eq!(Margin::new(Span::millis(999), Span::secs(2)), None);
        let margin = Margin::new(Span::secs(2), TTL).unwrap();
        assert!(in_time(at(7_989), at(0), TTL, margin) && !in_time(at(7_990), at(0), TTL, margin));
        let short = Margin::new(Span::secs(9), Span::secs(2)).unwrap();
        assert!(!in_time(at(0), at(0), Span::secs(2), short), "the margin is longer than all of it");
        let half = Mono::micros(u64::MAX / 2);
        assert!(in_time(half, at(0), Span::MAX, Margin(Span::ZERO)), "it does not wrap");
    }

    #[test]
    fn tokens_are_ordered_within_their_cluster_only() {
        let token =
            |cluster, epoch, serial| Token { cluster: ClusterId(cluster), epoch: Epoch(epoch), serial };
        assert!(token(1, 2, 1) > token(1, 1, 900));
        assert!(token(1, 2, 2) > token(1, 2, 1));
        assert_eq!(token(1, 2, 2).partial_cmp(&token(2, 1, 1)), None);
        assert_eq!(token(255, 2, 3).to_string(), "000000000000000000000000000000ff.2.3");
    }
}
