//! What this observer is to the coordinator, over all services: its session, its fitness, and everybody's pulse.

use alloc::vec::Vec;

use crate::agree::{RunId, Velocity};
use crate::authority::{ClusterId, Held, Session};
use crate::ids::Name;
use crate::input::Store;
use crate::time::{Mono, Span};

/// This observer's seat.
#[derive(Debug)]
pub struct Seat {
    /// What the coordinator calls itself; none: nobody has said that there is one, and nothing acts.
    pub cluster: Option<ClusterId>,
    /// It answers, as far as the shell knows.
    pub reached: bool,
    /// Our session.
    pub session: Session,
    /// When it is renewed next.
    pub renews: Option<Mono>,
    /// A renewal is on its way since then.
    pub waits: Option<Mono>,
    /// So many renewals were acknowledged.
    pub renewals: u64,
    /// Whether the right to act was there when last looked at.
    pub held: bool,
    /// Our own store.
    pub store: Store,
    /// The daemon is to end.
    pub leaving: bool,
    /// Everybody's pulse, by observer.
    pub pulses: Vec<PulseKnown>,
    /// The velocity counter, and at which revision it was read.
    pub velocity: (u64, Velocity),
}

/// An observer's pulse, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulseKnown {
    /// Whose.
    pub who: Name,
    /// At which revision.
    pub revision: u64,
    /// Its count; none: its session is gone.
    pub count: Option<u64>,
    /// It could act.
    pub fit: bool,
    /// Its count as it was read last with a transaction (none: its session was gone), since when reads have shown that
    /// count, and when the last such read was sent.
    pub read: Option<(Option<u64>, Mono, Mono)>,
}

impl Seat {
    /// Nobody has said yet that there is a coordinator.
    #[must_use]
    pub const fn new(margin: Span) -> Seat {
        Seat {
            cluster: None,
            reached: false,
            session: Session::new(margin),
            renews: None,
            waits: None,
            renewals: 0,
            held: false,
            store: Store::Ok,
            leaving: false,
            pulses: Vec::new(),
            velocity: (0, Velocity { started: Vec::new() }),
        }
    }

    /// The right to act now, if there is one.
    #[must_use]
    pub fn right(&self, now: Mono) -> Option<Held> {
        self.session.held(now)
    }

    /// An observer's pulse.
    #[must_use]
    pub fn pulse(&self, who: &Name) -> Option<&PulseKnown> {
        self.pulses.iter().find(|pulse| pulse.who == *who)
    }

    /// So long a read has shown the same pulse of all these: nobody of them has been in contact meanwhile. None, as long
    /// as nobody has read it.
    #[must_use]
    pub fn silent<'a>(&self, mut who: impl Iterator<Item = &'a Name>) -> Option<Span> {
        who.try_fold(Span::MAX, |silent, who| {
            let (_, since, until) = self.pulse(who)?.read?;
            Some(silent.min(until.since(since)))
        })
        .filter(|silent| *silent != Span::MAX)
    }

    /// Everybody's pulse was read: asked for then, answered now.
    pub fn read_pulses(&mut self, found: &[(Name, u64)], sent: Mono, now: Mono) {
        // Both are mostly in one order: each is looked for behind the one before.
        let (mut next, mut known) = (0, 0);
        for pulse in &mut self.pulses {
            let place = (next..found.len()).chain(0..next).find(|at| found[*at].0 == pulse.who);
            let count = place.map(|at| found[at].1);
            (next, known) = place.map_or((next, known), |at| (at + 1, known + 1));
            pulse.read = match pulse.read {
                Some((same, since, until)) if same == count => Some((count, since, until.max(sent))),
                Some(_) | None => Some((count, now, now)),
            };
        }
        for (who, count) in found.iter().filter(|_| known < found.len()) {
            if self.pulse(who).is_none() {
                let read = Some((Some(*count), now, now));
                let who = who.clone();
                self.pulses.push(PulseKnown { who, revision: 0, count: Some(*count), fit: false, read });
            }
        }
    }

    /// Whether that automatic failover is on the counter.
    #[must_use]
    pub fn counts(&self, service: &Name, run: RunId) -> bool {
        self.velocity.1.started.iter().any(|(of, id)| of == service && *id == run)
    }
}
