//! One observer's machine and process: its clocks, its prober, its store, what it has sent and waits for. What it decides
//! is in its core, and nobody looks in there but to hand it an input.

use std::collections::BTreeSet;

use watchkeeper_core::authority::{ClusterId, Nonce, SessionId};
use watchkeeper_core::ids::{ProbeId, ServiceId};
use watchkeeper_core::state::State;
use watchkeeper_core::time::{Mono, Now, Span, Wall};

use crate::recipe::Kind;
use crate::world::What;

/// One probe's schedule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Due {
    pub(crate) every: Option<u64>,
    pub(crate) last: u64,
    pub(crate) turn: u32,
    pub(crate) busy: bool,
}

/// The newest renewal that was acknowledged: of which session, when it was sent by the own clock, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    pub(crate) session: SessionId,
    pub(crate) sent: Mono,
    pub(crate) ttl: Span,
}

impl Acked {
    /// What it is worth, by the letter: from then on nothing may be handed over.
    pub(crate) fn entitles_until(&self) -> Mono {
        let ttl = self.ttl.as_micros();
        let margin = (ttl / 5).max(1_000_000);
        self.sent + Span::micros((ttl * 999 / 1_000).saturating_sub(margin))
    }
}

/// So many sessions of one observer are remembered.
const KEPT: usize = 4;

/// One observer.
pub(crate) struct Node {
    pub(crate) core: Option<State>,
    /// Grows with each start and each end: what is addressed to another life is not for this one.
    pub(crate) life: u32,
    /// What its boot-time clock shows as true time begins.
    pub(crate) boot: u64,
    /// Its clock runs so many millionths too fast.
    pub(crate) ppm: i64,
    pub(crate) wall_ahead: u64,
    pub(crate) due: Vec<Due>,
    pub(crate) kinds: Vec<(usize, usize, Kind)>,
    /// What happened to it while it stood still.
    pub(crate) waiting: Vec<What>,
    /// It has not seen everything.
    pub(crate) missed: bool,
    /// It was told that there is a coordinator.
    pub(crate) there: bool,
    /// It is woken then, in true time.
    pub(crate) woken: u64,
    /// That is when its core wanted it, by its own clock.
    pub(crate) wanted: Option<Mono>,
    pub(crate) other_policy: bool,
    /// Renewals on their way: when by its own clock, and in true time.
    pub(crate) renewals: Vec<(Nonce, Mono, u64)>,
    /// By session, the newest last.
    pub(crate) acked: Vec<Acked>,
    /// The coordinator that its core was told of last.
    pub(crate) cluster: Option<ClusterId>,
    /// Its region's databases run at least until then.
    pub(crate) bound_until: u64,
    /// Something will look whether they still may.
    pub(crate) watched: bool,
    /// It will ask again whether there is a coordinator.
    pub(crate) asking: bool,
    /// Calls that are not answered.
    pub(crate) calls: BTreeSet<u64>,
    /// Events that are not durable yet, by whom.
    pub(crate) unwritten: Vec<(Option<ServiceId>, u64, Option<String>)>,
    pub(crate) flushing: bool,
    pub(crate) full_told: bool,
    /// Until then its renewals get lost.
    pub(crate) unrenewed: u64,
}

impl Node {
    pub(crate) fn new(boot: u64, ppm: i64) -> Node {
        Node {
            core: None,
            life: 0,
            boot,
            ppm,
            wall_ahead: 0,
            due: Vec::new(),
            kinds: Vec::new(),
            waiting: Vec::new(),
            missed: true,
            there: false,
            woken: u64::MAX,
            wanted: None,
            other_policy: false,
            renewals: Vec::new(),
            acked: Vec::new(),
            cluster: None,
            bound_until: u64::MAX,
            watched: false,
            asking: false,
            calls: BTreeSet::new(),
            unwritten: Vec::new(),
            flushing: false,
            full_told: false,
            unrenewed: 0,
        }
    }

    /// What its boot-time clock shows at a true time.
    pub(crate) fn mono(&self, at: u64) -> Mono {
        let drift = at as i64 * self.ppm / 1_000_000;
        Mono::micros((self.boot + at).saturating_add_signed(drift))
    }

    /// The true time at which its boot-time clock shows at least that.
    pub(crate) fn when(&self, mono: Mono) -> u64 {
        let shown = mono.as_micros().saturating_sub(self.boot) as i64;
        let at = shown.saturating_sub(shown / 1_000 * self.ppm / 1_000).max(0) as u64;
        // The two roundings differ by a few microseconds.
        at + 3
    }

    pub(crate) fn now(&self, at: u64) -> Now {
        Now { mono: self.mono(at), wall: Wall::micros(at + self.wall_ahead) }
    }

    /// Whether the process runs, or stands still and will go on.
    pub(crate) fn runs(&self) -> bool {
        self.core.is_some()
    }

    /// It starts with nothing remembered.
    pub(crate) fn born(&mut self) {
        self.life += 1;
        self.woken = u64::MAX;
        (self.missed, self.there, self.asking) = (true, false, false);
    }

    /// The process is gone, and what it had not written.
    pub(crate) fn dies(&mut self) {
        self.core = None;
        self.life += 1;
        self.waiting.clear();
        self.renewals.clear();
        self.calls.clear();
        self.unwritten.clear();
        (self.acked, self.cluster) = (Vec::new(), None);
        (self.flushing, self.full_told) = (false, false);
    }

    /// What was acknowledged of that session, or else of the newest.
    pub(crate) fn acked(&self, of: Option<SessionId>) -> Option<Acked> {
        let known = self.acked.iter().find(|acked| Some(acked.session) == of);
        known.or(self.acked.last()).copied()
    }

    /// Who asks twice for a session has two; which of them its core goes by is the core's to choose.
    pub(crate) fn renewed(&mut self, nonce: Nonce, session: SessionId, ttl: Span) -> Option<u64> {
        let place = self.renewals.iter().position(|(known, ..)| *known == nonce)?;
        let (_, sent, at) = self.renewals.remove(place);
        match self.acked.iter_mut().find(|acked| acked.session == session) {
            Some(acked) => acked.sent = acked.sent.max(sent),
            None => {
                if self.acked.len() >= KEPT {
                    self.acked.remove(0);
                }
                self.acked.push(Acked { session, sent, ttl });
            }
        }
        Some(at)
    }

    /// A renewal says that its session is gone.
    pub(crate) fn gone(&mut self, nonce: Nonce) {
        let Some(place) = self.renewals.iter().position(|(known, ..)| *known == nonce) else { return };
        let (_, sent, _) = self.renewals.remove(place);
        // What was asked for an older one says nothing of those that were acknowledged later.
        self.acked.retain(|acked| sent < acked.sent);
    }

    pub(crate) fn probe(&mut self, probe: ProbeId) -> &mut Due {
        &mut self.due[probe.index()]
    }
}
