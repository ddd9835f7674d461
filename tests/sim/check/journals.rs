//! S1, S2, S8, S17, by the letter of the journal: what must stand there before a standby may take writes, before anything
//! is taken back, and before an outcome is believed.

use std::collections::BTreeSet;
use std::sync::Arc;

use watchkeeper_core::agree::{Journal, Txn};
use watchkeeper_core::effect::Call;
use watchkeeper_core::input::Finished;
use watchkeeper_core::plan::saga::Run;
use watchkeeper_core::plan::{ActsAs, Body, Entry, LateCall, Mode, Op, Outcome, Reply, StepName};
use watchkeeper_core::time::Mono;

use super::{Out, Scene, entries};
use crate::shape::{Shape, place};

/// What providers have answered.
#[derive(Clone, Debug)]
pub(crate) struct Journals {
    /// By service: calls that were handed over, by serial.
    handed: Vec<BTreeSet<u64>>,
    /// By service: what cores were told, by serial and word.
    told: Vec<BTreeSet<(u64, u8)>>,
    /// By service: who was told that the provider knows a newer world.
    newer: Vec<BTreeSet<usize>>,
}

impl Journals {
    pub(crate) fn new(shape: &Shape) -> Journals {
        Journals {
            handed: vec![BTreeSet::new(); shape.services],
            told: vec![BTreeSet::new(); shape.services],
            newer: vec![BTreeSet::new(); shape.services],
        }
    }

    /// A person says what is so, or another process begins.
    pub(crate) fn adopted(&mut self, service: usize) {
        self.newer[service].clear();
    }

    pub(crate) fn crashed(&mut self, observer: usize) {
        self.newer.iter_mut().for_each(|who| {
            who.remove(&observer);
        });
    }

    /// Serials begin anew, at that of the record that was restored.
    pub(crate) fn restored(&mut self) {
        self.handed.iter_mut().for_each(BTreeSet::clear);
        self.told.iter_mut().for_each(BTreeSet::clear);
    }

    /// A core is told how a call ended.
    pub(crate) fn finished(&mut self, scene: &Scene<'_>, by: usize, finished: &Finished) {
        let service = finished.service.index();
        self.told[service].insert((finished.serial, finished.reply as u8));
        if finished.mark.is_some_and(|mark| mark.cluster != scene.store.cluster) {
            self.newer[service].insert(by);
        }
    }

    pub(crate) fn handed(&mut self, scene: &Scene<'_>, by: usize, call: &Call, out: &mut Out) {
        let service = call.service.index();
        self.handed[service].insert(call.token.serial);
        if !matches!(call.op, Op::Do | Op::Undo) {
            return;
        }
        if self.newer[service].contains(&by) {
            let what = "a call went out though a provider has told of a newer world";
            out.broke(scene.now, "S17", "truth", what);
        }
        let Some(journal) = scene.store.journal(service, call.run) else { return };
        let Some(step) = journal.plan.position(&call.step).and_then(|at| journal.plan.step(at)) else {
            return;
        };
        if !call.undoing && step.late_call == LateCall::Deadline && call.not_after.is_none() {
            let what = format!("{} has no time after which its provider refuses it", call.step);
            out.broke(scene.now, "S2", "letter", &what);
        }
        let live = matches!(journal.entries.first(), Some(Entry::Started(start)) if start.mode == Mode::Live);
        if live && call.undoing {
            self.takes_back(scene, call, &journal.entries, &journal.plan, out);
        }
        if live && !call.undoing && step.acts_as == ActsAs::Promotes {
            let recipe = scene.shape.recipes[service];
            let settles = |step: &StepName| {
                let own = step.to_string();
                recipe.fenced && !recipe.odd && (own == "lapse" || (own == "stop" && !recipe.lapse_only))
            };
            let settled = journal.entries.iter().any(|entry| {
                matches!(entry, Entry::Heard { step, undoing: false, reply: Reply::Done, .. } if settles(step))
            });
            let accepted = journal.entries.iter().any(|entry| match entry {
                Entry::Started(start) => start.exposure_accepted,
                Entry::Accepted { .. } => true,
                _ => false,
            });
            if (recipe.fenced || recipe.cut) && !settled && !accepted {
                let what = "a standby is promoted with no fence settled and nobody's word";
                out.broke(scene.now, "S1", "letter", what);
            }
        }
    }

    /// Reverse order, and never behind the promotion.
    fn takes_back(
        &self,
        scene: &Scene<'_>,
        call: &Call,
        entries: &[Entry],
        plan: &watchkeeper_core::plan::Plan,
        out: &mut Out,
    ) {
        let stands = |of: &StepName| {
            entries.iter().fold(false, |stands, entry| match entry {
                Entry::Heard { step, undoing, reply: Reply::Done, .. } if step == of => !undoing,
                Entry::Skipped { step, undoing: true, .. } if step == of => false,
                _ => stands,
            })
        };
        let at = plan.position(&call.step);
        for step in plan.steps().iter().filter(|step| stands(&step.name)) {
            if step.acts_as == ActsAs::Promotes {
                let what = format!("{} is taken back behind the promotion", call.step);
                out.broke(scene.now, "S1", "letter", &what);
            }
            let undoable = step.undoable && step.name != call.step;
            if undoable && at.is_some_and(|at| step.needs.contains(&at)) {
                let what = format!("{} is taken back before {}, which needs it", call.step, step.name);
                out.broke(scene.now, "S8", "letter", &what);
            }
        }
    }

    pub(crate) fn commits(&mut self, scene: &Scene<'_>, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        for (run, entry) in entries(txn) {
            if let Some(journal) = scene.store.journal(service, run) {
                follows(scene, journal, entry, out);
            }
            let Entry::Heard { step, serial, reply, undoing, .. } = entry else { continue };
            let known = self.handed[service].contains(serial);
            if known && !self.told[service].contains(&(*serial, *reply as u8)) {
                let what = format!("{reply:?} is written of {step}, and no provider has answered so");
                out.broke(scene.now, "S8", "letter", &what);
            }
            if step.to_string() == "lapse" && *reply == Reply::Done && !undoing {
                let from = scene.store.journal(service, run).and_then(|journal| {
                    let live = matches!(journal.entries.first(), Some(Entry::Started(start)) if start.mode == Mode::Live);
                    let from = journal.plan.at().from.clone().filter(|_| live)?;
                    place(from.as_str())
                });
                if from.is_some_and(|from| scene.writable(service, from)) {
                    let what = "the old side counts as lapsed, and takes writes";
                    out.broke(scene.now, "S1", "truth", what);
                }
            }
        }
    }
}

/// What may follow in a journal upon what stands there.
fn follows(scene: &Scene<'_>, journal: &Journal, entry: &Entry, out: &mut Out) {
    let live = matches!(journal.entries.first(), Some(Entry::Started(start)) if start.mode == Mode::Live);
    let known = |step: &StepName, back| known(&journal.entries, step, back);
    match entry {
        Entry::Intent { step, undoing, op: Op::Do | Op::Undo, .. } => {
            if known(step, *undoing) == Known::Blind {
                let what = format!("{step} is tried again, and nobody knows what its last try has done");
                out.broke(scene.now, "S2", "letter", &what);
            }
            if *undoing && live {
                unknown(scene, journal, "something is taken back", out);
            }
        }
        Entry::Ended(outcome) if *outcome != Outcome::HandedOver => {
            let run = Run::replay(Arc::clone(&journal.plan), &journal.entries, Mono::BOOT);
            let under_way = run
                .iter()
                .any(|(run, _)| run.steps().chain(run.undone()).any(|(_, state)| state.in_flight()));
            if under_way {
                let what = format!("a run ends as {outcome} while a step of it is under way");
                out.broke(scene.now, "S2", "letter", &what);
            }
            if *outcome == Outcome::Undone && live {
                unknown(scene, journal, "a run is undone", out);
            }
        }
        _ => {}
    }
}

/// Nothing is taken back while nobody knows what a step has done.
fn unknown(scene: &Scene<'_>, journal: &Journal, what: &str, out: &mut Out) {
    let changes = journal.plan.steps().iter().filter(|step| {
        step.acts_as != ActsAs::Verifies && step.changing && matches!(step.body, Body::Action(_))
    });
    for step in changes.filter(|step| known(&journal.entries, &step.name, false) > Known::Settled) {
        let what = format!("{what} though nobody knows what {} has done", step.name);
        out.broke(scene.now, "S1", "letter", &what);
    }
}

/// What a journal says of a step's newest try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// Whether it has done what it should; or there was none.
    Settled,
    /// Nothing yet.
    Open,
    /// Somebody has looked, and could not say; nobody has asked for another try since.
    Blind,
}

fn known(entries: &[Entry], of: &StepName, back: bool) -> Known {
    let (mut known, mut present) = (Known::Settled, None);
    for entry in entries {
        match entry {
            Entry::Intent { step, undoing, op, serial, .. } if step == of && *undoing == back => match op {
                Op::Do | Op::Undo => (known, present) = (Known::Open, Some((*serial, *op))),
                Op::Observe => present = Some((*serial, *op)),
                Op::Verify => {}
            },
            Entry::Heard { step, undoing, serial, reply, .. } if step == of && *undoing == back => {
                let Some((_, op)) = present.filter(|(waits, _)| waits == serial) else { continue };
                known = match (op, reply) {
                    (_, Reply::Done | Reply::NotDone) => Known::Settled,
                    (Op::Observe, Reply::Transient | Reply::Refused | Reply::Unknown) => Known::Blind,
                    (_, Reply::Transient | Reply::Refused) => Known::Settled,
                    (_, Reply::Unknown) => Known::Open,
                };
                present = None;
            }
            Entry::Retried { step, undoing, .. } if step == of && *undoing == back => {
                known = known.min(Known::Open);
            }
            _ => {}
        }
    }
    known
}
