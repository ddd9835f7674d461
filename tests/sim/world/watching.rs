//! What observers see: probes that are due, what they find, and how long that takes.

use watchkeeper_core::health::{Blindness, Failure, Outcome, Sample};
use watchkeeper_core::ids::ProbeId;
use watchkeeper_core::input::Input;
use watchkeeper_core::time::Span;

use super::{TIMEOUT, What, World};
use crate::recipe::Kind;

impl World<'_> {
    pub(super) fn schedule(&mut self, observer: usize, probe: ProbeId) {
        let due = *self.nodes[observer].probe(probe);
        let Some(every) = due.every.filter(|_| !due.busy) else { return };
        let at = self.now.max(due.last + every);
        self.put(at - self.now, observer, What::Probe(probe, due.turn));
    }

    pub(super) fn probe(&mut self, observer: usize, probe: ProbeId, turn: u32) {
        let due = self.nodes[observer].probe(probe);
        if due.turn != turn || due.busy || due.every.is_none() {
            return;
        }
        if self.truth.sick[observer].wedged {
            return self.put(1_000_000, observer, What::Probe(probe, turn));
        }
        let due = self.nodes[observer].probe(probe);
        due.turn += 1;
        due.last = self.now;
        let (outcome, takes, reading) = self.see(observer, probe);
        let began = self.nodes[observer].mono(self.now);
        let sample = Sample { probe, began, ended: began, outcome, reading };
        if takes < TIMEOUT / 20 && self.nodes[observer].probe(probe).every != Some(0) {
            // As good as at once: it saves every second event of a quiet world.
            self.noted(observer, &sample);
            self.tell(observer, Input::Sample(sample));
            return self.schedule(observer, probe);
        }
        self.nodes[observer].probe(probe).busy = true;
        self.put(takes, observer, What::Sampled(sample));
    }

    pub(super) fn sampled(&mut self, observer: usize, mut sample: Sample) {
        let node = &mut self.nodes[observer];
        node.probe(sample.probe).busy = false;
        sample.ended = node.mono(self.now);
        self.noted(observer, &sample);
        self.tell(observer, Input::Sample(sample));
        self.schedule(observer, sample.probe);
    }

    fn noted(&mut self, observer: usize, sample: &Sample) {
        let well = match sample.outcome {
            Outcome::Blind(_) => None,
            Outcome::Failed(_) => Some(false),
            Outcome::Ok { .. } => Some(true),
        };
        let of = self.nodes[observer].kinds[sample.probe.index()];
        self.checks.answers.sampled(self.now, observer, of, well, sample.reading.is_some());
    }

    /// What a probe finds, and how long it takes.
    fn see(&mut self, observer: usize, probe: ProbeId) -> (Outcome, u64, Option<Span>) {
        let (service, region, kind) = self.nodes[observer].kinds[probe.index()];
        let sick = self.truth.sick[observer];
        let quick = self.rng.between(1_000, 30_000);
        if sick.blind {
            return (Outcome::Blind(Blindness::Secret), quick, None);
        }
        if !self.truth.reaches(observer, region, self.shape.stands_in(observer)) {
            return (Outcome::Failed(Failure::TimedOut), TIMEOUT, None);
        }
        let part = self.truth.parts[service][region];
        let stateless = self.shape.recipes[service].stateless;
        let db = self.providers.dbs[service][region];
        let age = |at: u64| Some(Span::micros(self.now.saturating_sub(at)));
        let (well, reading) = match kind {
            Kind::Web => (part.web && !(part.flaps && self.rng.chance(500)), None),
            Kind::Db => (self.providers.writable(service, region, stateless, &self.truth), None),
            Kind::Ready => (part.ready && part.db && !db.primary && !db.stopped, None),
            Kind::Lag if part.unread => (part.db && !db.primary, None),
            Kind::Lag => (part.db && !db.primary, age(self.providers.upto(service, region, self.now))),
            Kind::Hears => (part.db && !db.primary, age(db.deaf.unwrap_or(self.now))),
        };
        let lie = sick.lies && matches!(kind, Kind::Web | Kind::Db);
        if well != lie {
            (Outcome::Ok { took: Span::micros(quick) }, quick, reading)
        } else {
            (Outcome::Failed(Failure::Refused), quick, reading)
        }
    }
}
