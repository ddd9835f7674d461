//! S12, S16: where users are led. Never nowhere, never to a region that does not take writes, and never to one that lost
//! the role and has not proved the present epoch.

use watchkeeper_core::agree::{Txn, Write};
use watchkeeper_core::order::Verb;
use watchkeeper_core::plan::Mode;

use super::{Out, Scene, begins};
use crate::provider::{Arrived, Does};
use crate::shape::{Shape, place};

/// What was read back may be so old, when the call after it is handed over. How long that takes is nobody's to say.
const READ: u64 = 45_000_000;

/// When regions last took writes.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    /// By service, then region: it does now; else until when it did.
    writable: Vec<Vec<(bool, u64)>>,
    /// By service: a person has said that a region may be used again.
    released: Vec<bool>,
}

impl Traffic {
    pub(crate) fn new(shape: &Shape, _now: u64) -> Traffic {
        Traffic {
            writable: vec![vec![(false, 0); shape.regions]; shape.services],
            released: vec![false; shape.services],
        }
    }

    pub(crate) fn agreed(&mut self, service: usize, verb: &Verb) {
        // Whoever accepts every gate accepts a quarantined target, too.
        let passes = match verb {
            Verb::Approve { accepts }
            | Verb::Failover { accepts, .. }
            | Verb::Failback { accepts }
            | Verb::Run { accepts, .. } => accepts.gates != 0,
            Verb::Adopt { .. } | Verb::Release { .. } | Verb::Skip { .. } | Verb::Evacuate { .. } => true,
            _ => false,
        };
        self.released[service] |= passes;
    }

    pub(crate) fn look(&mut self, scene: &Scene<'_>) {
        for service in 0..scene.shape.services {
            for region in 0..scene.shape.regions {
                let is = scene.writable(service, region);
                let kept = &mut self.writable[service][region];
                if is || kept.0 {
                    kept.1 = scene.now;
                }
                kept.0 = is;
            }
        }
    }

    fn led_to(&self, scene: &Scene<'_>, service: usize, region: usize, handed: u64, out: &mut Out) {
        let (is, last) = self.writable[service][region];
        if !is && (last == 0 || last + READ < handed) {
            let what = format!("users are led to r{region}, which does not take writes");
            out.broke(scene.now, "S12", "truth", &what);
        }
        let record = scene.store.record(service);
        let lost = record.is_some_and(|record| {
            record.quarantined.iter().any(|lost| place(lost.as_str()) == Some(region))
                && place(record.active.as_str()) != Some(region)
                && record.run.as_ref().is_none_or(|run| place(run.at.as_str()) != Some(region))
        });
        if lost && !self.released[service] {
            let what = format!("users are led to r{region}, which lost the role");
            out.broke(scene.now, "S16", "truth", &what);
        }
    }

    /// The name was changed.
    pub(crate) fn arrived(&mut self, scene: &Scene<'_>, it: Arrived, handed: u64, out: &mut Out) {
        if it.does != Does::Dns {
            return;
        }
        let leads = scene.providers.zones[it.service].leads;
        if leads == 0 {
            out.broke(scene.now, "S12", "truth", "the name leads nowhere");
        }
        for region in (0..scene.shape.regions).filter(|region| leads & (1 << region) != 0) {
            self.led_to(scene, it.service, region, handed, out);
        }
    }

    /// The gate is about to be changed, or a failover to begin.
    pub(crate) fn commits(&mut self, scene: &Scene<'_>, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        let old = scene.store.record(service);
        for write in &txn.writes {
            let Write::Record(record) = write else { continue };
            let Some(open) = &record.gate else { continue };
            let before = old.and_then(|old| old.gate.as_ref());
            if open.is_empty() {
                out.broke(scene.now, "S12", "truth", "the gate is closed everywhere");
            }
            for opened in open.iter().filter(|name| !before.is_some_and(|before| before.contains(name))) {
                if let Some(region) = place(opened.as_str()) {
                    self.led_to(scene, service, region, scene.now, out);
                }
            }
        }
        if let (Some(begins), Some(old)) = (begins(scene, txn), old)
            && begins.automatic
            && begins.start.mode == Mode::Live
        {
            let to = txn.writes.iter().find_map(|write| match write {
                Write::Begin(_, journal) => Some(journal.plan.at().at.clone()),
                _ => None,
            });
            if to.is_some_and(|to| old.quarantined.contains(&to)) {
                let what = "a failover began by itself to a region that lost the role";
                out.broke(scene.now, "S16", "truth", what);
            }
        }
    }
}
