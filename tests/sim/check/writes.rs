//! S1, S9: whose writes count. No two regions accept users' writes at one instant but in an exposure that was named, and
//! no more is lost by a promotion than was said.

use watchkeeper_core::agree::{Mode, Txn, Write};
use watchkeeper_core::order::Verb;
use watchkeeper_core::plan::Entry;

use super::{Begins, Out, Scene};
use crate::recipe::RPO;
use crate::shape::{Shape, place};

/// What was named beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Writes {
    /// By service: the old side may go on accepting writes.
    exposed: Vec<bool>,
    /// By service: when the newest live run began, and how much it may lose.
    may_lose: Vec<Option<(u64, u64)>>,
    /// By service: two regions accept, and that is told already.
    told: Vec<bool>,
}

impl Writes {
    pub(crate) fn new(shape: &Shape) -> Writes {
        Writes {
            exposed: shape.recipes.iter().map(|recipe| recipe.stateless || !recipe.fenced).collect(),
            may_lose: vec![None; shape.services],
            told: vec![false; shape.services],
        }
    }

    /// Somebody made a region writable by hand.
    pub(crate) fn by_hand(&mut self, service: usize) {
        self.exposed[service] = true;
        self.may_lose[service] = None;
    }

    /// A person has accepted more than can be told apart here.
    pub(crate) fn agreed(&mut self, service: usize, verb: &Verb) {
        match verb {
            Verb::Approve { accepts } | Verb::Failover { accepts, .. } | Verb::Failback { accepts } => {
                self.exposed[service] |= accepts.exposure;
            }
            Verb::Adopt { .. } | Verb::Skip { .. } | Verb::HandOver { .. } | Verb::Run { .. } => {
                self.exposed[service] = true;
            }
            _ => {}
        }
    }

    /// What a person is asked to accept is at least what would be lost.
    pub(crate) fn sent(&self, scene: &Scene<'_>, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        if !scene.store.allows(txn) {
            // What is refused is written by whoever has not heard yet that the request is over.
            return;
        }
        let old = scene.store.record(service).and_then(|record| record.request.as_ref());
        let new = txn.writes.iter().find_map(|write| match write {
            Write::Record(record) => record.request.as_ref(),
            _ => None,
        });
        let Some(new) = new.filter(|new| old != Some(*new)) else { return };
        let (Some(Some(said)), Some(to)) = (new.loss, place(new.case.at.as_str())) else { return };
        let behind = scene.now.saturating_sub(scene.providers.upto(service, to, scene.now));
        let is_standby = !scene.providers.dbs[service][to].primary;
        if is_standby && behind > said.as_micros() + 700_000 {
            let what = format!(
                "{:.1} s are said to be lost, and {:.1} s are",
                said.as_micros() as f64 / 1e6,
                behind as f64 / 1e6
            );
            out.broke(scene.now, "S9", "letter", &what);
        }
    }

    pub(crate) fn restored(&mut self) {
        self.exposed.fill(true);
        self.may_lose.fill(None);
    }

    pub(crate) fn starts(&mut self, scene: &Scene<'_>, service: usize, begins: &Begins<'_>, _out: &mut Out) {
        if begins.start.mode != Mode::Live {
            return;
        }
        let request = scene.store.record(service).and_then(|record| record.request.as_ref());
        let named = request.and_then(|request| request.loss.flatten()).map(|span| span.as_micros());
        // What is within the objective needs nobody's word; what a person is shown of it binds no further.
        let within = RPO.as_micros();
        let most = if begins.automatic { within } else { named.map_or(u64::MAX, |named| named.max(within)) };
        self.may_lose[service] = Some((scene.now, most));
        self.exposed[service] |= begins.start.exposure_accepted;
    }

    /// A standby takes writes: what it has not heard is lost.
    pub(crate) fn promotes(&mut self, scene: &Scene<'_>, service: usize, region: usize, out: &mut Out) {
        let db = scene.providers.dbs[service][region];
        let upto = scene.providers.upto(service, region, scene.now);
        let Some((began, most)) = self.may_lose[service] else { return };
        let timeline = db.follows.map_or(db.timeline, |from| scene.providers.dbs[service][from].timeline);
        let lost = scene.users.lost(service, timeline, upto, began);
        if most < u64::MAX && lost > most + 2_000_000 {
            let what = format!(
                "{:.1} s of writes are lost, and {:.1} s were said",
                lost as f64 / 1e6,
                most as f64 / 1e6
            );
            out.broke(scene.now, "S9", "truth", &what);
        }
    }

    pub(crate) fn look(&mut self, scene: &Scene<'_>, out: &mut Out) {
        for service in 0..scene.shape.services {
            if scene.shape.recipes[service].stateless {
                continue;
            }
            let accepting = scene.users.services[service].accepting;
            let two = accepting.count_ones() > 1;
            if !two {
                self.told[service] = false;
                continue;
            }
            let accepted = scene.store.services[service].journals.iter().rev().take(3).any(|(_, journal)| {
                journal.entries.iter().any(|entry| {
                    matches!(entry, Entry::Accepted { .. } | Entry::Skipped { .. } | Entry::HandedOver { .. })
                })
            });
            if !self.exposed[service] && !accepted && !std::mem::replace(&mut self.told[service], true) {
                let what = "two regions accept users' writes at one instant, and nobody said that it may be";
                out.broke(scene.now, "S1", "truth", what);
            }
        }
    }

    /// For a planted violation: the run began now.
    pub(crate) fn planted(&mut self, service: usize, now: u64) {
        self.may_lose[service] = Some((now, RPO.as_micros()));
    }
}
