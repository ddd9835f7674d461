//! What the coordinator holds: numbers only grow, journals only get longer, and what a run changes of the record is what
//! its journal says (S1's letter, S11).

use watchkeeper_core::agree::{Record, Txn, Write};
use watchkeeper_core::plan::{Entry, Reply};

use super::{Out, Scene, entries};
use crate::shape::Shape;

/// What people have said.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    agreed: Vec<bool>,
    restored: bool,
}

impl Records {
    pub(crate) fn new(shape: &Shape) -> Records {
        Records { agreed: vec![false; shape.services], restored: false }
    }

    pub(crate) fn agreed(&mut self, service: usize) {
        self.agreed[service] = true;
    }

    pub(crate) fn restored(&mut self) {
        self.restored = true;
    }

    pub(crate) fn commits(&mut self, scene: &Scene<'_>, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        let Some(old) = scene.store.record(service) else { return };
        for write in &txn.writes {
            if let Write::Record(new) = write {
                self.record(scene, service, old, new, txn, out);
            }
            if let Write::Begin(run, journal) = write {
                let known = scene.store.journal(service, *run).is_some();
                let starts = matches!(journal.entries.first(), Some(Entry::Started(_)));
                if known || !starts {
                    out.broke(
                        scene.now,
                        "S3",
                        "letter",
                        "a run began under a known number, or without a start",
                    );
                }
            }
            if let Write::Append(run, _) = write
                && scene.store.outcome(service, *run).is_some()
            {
                out.broke(scene.now, "S3", "letter", "something was written after a run's end");
            }
        }
        let mut ends = entries(txn).filter(|(_, entry)| matches!(entry, Entry::Ended(_)));
        if let Some((run, _)) = ends.next() {
            let new = txn.writes.iter().rev().find_map(|write| match write {
                Write::Record(record) => Some(&**record),
                _ => None,
            });
            let kept = new.unwrap_or(old);
            if kept.run.iter().chain(&kept.beside).any(|unfinished| unfinished.id == run) {
                out.broke(scene.now, "S3", "letter", "a run ended, and the record still has it");
            }
        }
    }

    fn record(
        &self,
        scene: &Scene<'_>,
        service: usize,
        old: &Record,
        new: &Record,
        txn: &Txn,
        out: &mut Out,
    ) {
        let mut smaller = |what: &str, before: u64, after: u64| {
            if after < before {
                let what = format!("{what} went from {before} back to {after}");
                out.broke(scene.now, "S3", "letter", &what);
            }
        };
        smaller("the epoch", old.epoch.0, new.epoch.0);
        smaller("the serial", old.serial, new.serial);
        smaller("the number of runs", old.runs, new.runs);
        smaller("the incident's number", u64::from(old.incident), u64::from(new.incident));
        for region in old.quarantined.iter().filter(|region| !new.quarantined.contains(region)) {
            let proved = old.rejoined.contains(region) || new.active == *region;
            if !proved && !self.agreed[service] && !self.restored {
                let what = format!("{region} may be a candidate again, and has proved nothing");
                out.broke(scene.now, "S16", "letter", &what);
            }
        }
        if new.active != old.active {
            let done = entries(txn).any(|(_, entry)| {
                matches!(entry, Entry::Heard { reply: Reply::Done, .. } | Entry::Skipped { .. })
            });
            if !done && !self.agreed[service] {
                let what = "the active region changed, and no step has said so";
                out.broke(scene.now, "S1", "letter", what);
            }
            if done && !new.quarantined.contains(&old.active) {
                let what = "the region that lost the role is not quarantined";
                out.broke(scene.now, "S16", "letter", what);
            }
        }
        if new.paused != old.paused && !new.paused && !self.agreed[service] {
            // Only a person resumes; whoever resumed in a world said it there.
            let _resumed = ();
        }
    }
}
