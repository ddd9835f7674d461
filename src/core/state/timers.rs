//! A heap of moments at which something may have to be looked at. A wake is a hint: whoever is woken looks at what is.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use crate::ids::{ProbeId, ServiceId};
use crate::time::Mono;
use crate::verdict::standing::earliest;

/// Who is to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// What this observer makes of itself.
    SelfTrust,
    /// A service.
    Service(ServiceId),
    /// A probe may have got stale.
    Stale(ProbeId),
    /// A maintenance window opens or closes.
    Window,
    /// The session is to be renewed, or has lapsed.
    Session,
}

/// The heap.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(Mono, Timer)>>,
    self_trust: Option<Mono>,
    window: Option<Mono>,
    session: Option<Mono>,
    /// The earliest of them all: it is asked for at each step, and most steps move nothing.
    next: Option<Mono>,
}

impl Timers {
    /// Room for so many in all.
    pub fn reserve(&mut self, all: usize) {
        self.heap.reserve_exact(all.saturating_sub(self.heap.len()));
    }

    /// Wake it then.
    pub fn set(&mut self, at: Mono, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Wake self-trust then; it has one timer, and a moment that is not set any more is forgotten.
    pub fn set_self_trust(&mut self, at: Option<Mono>) {
        if self.self_trust != at {
            self.self_trust = at;
            self.look();
        }
    }

    /// Wake when the next maintenance window opens or closes; there is one timer for all of them.
    pub fn set_window(&mut self, at: Option<Mono>) {
        if self.window != at {
            self.window = at;
            self.look();
        }
    }

    /// Wake when the session is to be renewed, or lapses; there is one timer for it.
    pub fn set_session(&mut self, at: Option<Mono>) {
        if self.session != at {
            self.session = at;
            self.look();
        }
    }

    /// The earliest.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.next
    }

    fn look(&mut self) {
        let heap = self.heap.peek().map(|Reverse((at, _))| *at);
        self.next = earliest(earliest(heap, self.self_trust), earliest(self.window, self.session));
    }

    /// The earliest, if it is due.
    #[inline]
    pub fn due(&mut self, now: Mono) -> Option<(Mono, Timer)> {
        let next = self.next.filter(|next| *next <= now)?;
        self.take(next)
    }

    fn take(&mut self, next: Mono) -> Option<(Mono, Timer)> {
        let due = if self.self_trust == Some(next) {
            self.self_trust = None;
            Some((next, Timer::SelfTrust))
        } else if self.session == Some(next) {
            self.session = None;
            Some((next, Timer::Session))
        } else if self.window == Some(next) {
            self.window = None;
            Some((next, Timer::Window))
        } else {
            self.heap.pop().map(|Reverse(due)| due)
        };
        self.look();
        due
    }
}
