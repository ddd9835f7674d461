//! S2, S8, S15, S17: what reaches a provider. Each effect has an intent that is durable, once; what it needs was settled
//! at that point of the journal; it is what the plan said; and none lands after its run has ended.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use watchkeeper_core::agree::Txn;
use watchkeeper_core::authority::Token;
use watchkeeper_core::effect::Call;
use watchkeeper_core::plan::saga::{Run, StepState};
use watchkeeper_core::plan::{By, Entry, Mode, Op, Outcome};
use watchkeeper_core::time::Mono;

use super::{Out, Scene, entries};
use crate::provider::{Arrived, Does};
use crate::shape::Shape;

/// What was intended, sent and changed.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    /// By service: serials of intents.
    intended: Vec<BTreeSet<u64>>,
    /// By service: what was handed over, by epoch and serial.
    handed: Vec<BTreeSet<(u64, u64, Op)>>,
    /// By service: the token of the newest change of what is checked, by what and where.
    changed: Vec<Vec<(Does, usize, Token)>>,
}

impl Effects {
    pub(crate) fn new(shape: &Shape) -> Effects {
        Effects {
            intended: vec![BTreeSet::new(); shape.services],
            handed: vec![BTreeSet::new(); shape.services],
            changed: vec![Vec::new(); shape.services],
        }
    }

    /// What was written since the backup is not known any more.
    pub(crate) fn restored(&mut self) {
        self.intended.iter_mut().for_each(BTreeSet::clear);
        self.handed.iter_mut().for_each(BTreeSet::clear);
    }

    pub(crate) fn commits(&mut self, scene: &Scene<'_>, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        for (run, entry) in entries(txn) {
            let Entry::Intent { serial, .. } = entry else { continue };
            let newest = scene.store.journal(service, run).and_then(|journal| {
                journal.entries.iter().rev().find_map(|entry| match entry {
                    Entry::Intent { serial, .. } => Some(*serial),
                    _ => None,
                })
            });
            // Runs beside each other have rows of their own; in each the numbers grow.
            let grows = newest.is_none_or(|newest| *serial > newest);
            if !self.intended[service].insert(*serial) || !grows {
                let what = format!("serial {serial} is intended twice, or after a newer one (run {})", run.0);
                out.broke(scene.now, "S2", "letter", &what);
            }
        }
    }

    pub(crate) fn handed(&mut self, scene: &Scene<'_>, call: &Call, out: &mut Out) {
        let service = call.service.index();
        let key = (call.token.epoch.0, call.token.serial, call.op);
        if !self.handed[service].insert(key) {
            let what = format!("{:?} {} was handed over twice", call.op, call.step);
            out.broke(scene.now, "S2", "letter", &what);
        }
        if call.token.cluster != scene.store.cluster {
            out.broke(scene.now, "S17", "letter", "a call carries the token of another coordinator");
        }
        let occupies = |record: &watchkeeper_core::agree::Record| {
            record.run.as_ref().is_some_and(|run| run.id == call.run) && call.token.epoch != record.epoch
        };
        if scene.store.record(service).is_some_and(occupies) {
            out.broke(scene.now, "S2", "letter", "a call carries another epoch than the record's");
        }
        self.durable(scene, call, "letter", out);
    }

    /// Its intent is in the journal, and what it needs was final there.
    fn durable(&self, scene: &Scene<'_>, call: &Call, how: &str, out: &mut Out) {
        let service = call.service.index();
        let Some(journal) = scene.store.journal(service, call.run) else {
            return out.broke(scene.now, "S8", how, "a call belongs to no run that is durable");
        };
        let serial = call.token.serial;
        let place = journal.entries.iter().position(|entry| match entry {
            Entry::Intent { step, undoing, op, serial: of, .. } => {
                let looks = matches!(call.op, Op::Verify) || *op == call.op;
                *of == serial && *step == call.step && *undoing == call.undoing && looks
            }
            _ => false,
        });
        let Some(place) = place else {
            let what = format!("{:?} {} has no durable intent", call.op, call.step);
            return out.broke(scene.now, "S8", how, &what);
        };
        if call.undoing || call.op != Op::Do {
            return;
        }
        let plan = Arc::clone(&journal.plan);
        let Some((run, _)) = Run::replay(Arc::clone(&plan), &journal.entries[..=place], Mono::BOOT) else {
            return out.broke(scene.now, "S8", how, "the journal does not begin with its start");
        };
        let states: Vec<StepState> = run.steps().map(|(_, state)| state).collect();
        let Some(step) = plan.position(&call.step).and_then(|at| plan.step(at)) else {
            return out.broke(scene.now, "S15", how, "a call is of no step of its plan");
        };
        let way = run.start().way;
        for need in &step.needs {
            let part = plan.step(*need).is_none_or(|need| need.takes_part(way));
            if part && !states[need.index()].is_final() {
                let what = format!("{} before something that it needs was final", call.step);
                out.broke(scene.now, "S8", how, &what);
            }
        }
        if run.start().mode == Mode::Live && call.sent.body != step.body {
            out.broke(scene.now, "S15", how, "what is sent is not what the plan says");
        }
        if run.start().mode == Mode::Preview {
            out.broke(scene.now, "S15", how, "a preview sends something");
        }
    }

    pub(crate) fn arrived(
        &mut self,
        scene: &Scene<'_>,
        call: &Call,
        it: Arrived,
        changed: bool,
        out: &mut Out,
    ) {
        if !matches!(call.op, Op::Do | Op::Undo) {
            return;
        }
        let service = call.service.index();
        if call.token.cluster == scene.store.cluster {
            self.durable(scene, call, "truth", out);
        }
        if !changed {
            return;
        }
        let over = scene.store.outcome(service, call.run);
        // What a person skips while it is in doubt is left to that person: it may land, until something newer has.
        let skipped = scene.store.journal(service, call.run).is_some_and(|journal| {
            let this =
                |entry: &Entry| matches!(entry, Entry::Skipped { step, by: By::Person(_), .. } if *step == call.step);
            journal.entries.iter().any(this)
        });
        if over.is_some_and(|outcome| outcome != Outcome::HandedOver) && !skipped {
            let what = format!("{} landed after its run had ended", call.step);
            out.broke(scene.now, "S2", "truth", &what);
        }
        if it.checked() {
            let known = self.changed[service]
                .iter_mut()
                .find(|(d, at, _)| *d == it.does && (*d == Does::Dns || *at == it.at));
            match known {
                Some((.., token)) => {
                    if call.token.partial_cmp(token) != Some(Ordering::Greater) {
                        let what = "something changed by a token that is not newer than the mark";
                        out.broke(scene.now, "S2", "truth", what);
                    }
                    *token = call.token;
                }
                None => self.changed[service].push((it.does, it.at, call.token)),
            }
        }
    }
}
