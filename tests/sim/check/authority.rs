//! S3, S4, S11: who may act. Nothing is handed over without a session that lives; runs begin one at a time, by one
//! transaction over everything that was looked at; a pause stops what begins by itself.

use watchkeeper_core::agree::{Guard, Outcome, Purpose, Txn, TxnId, Write};
use watchkeeper_core::authority::SessionId;
use watchkeeper_core::effect::Call;
use watchkeeper_core::plan::{Entry, Mode, PlanKind};
use watchkeeper_core::time::Mono;

use super::{Out, Scene, begins, entries};
use crate::shape::Shape;

/// Who could have had the claim, and had it.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    /// By observer: so many renewals in a row that say that it is not fit.
    unfit: Vec<u32>,
    /// By observer and service: what went out under its claim, which was created at that revision, and is not answered;
    /// whether it was told that nobody knows what became of it.
    flying: Vec<Option<(TxnId, u64, bool)>>,
    services: usize,
}

impl Authority {
    pub(crate) fn new(shape: &Shape) -> Authority {
        let flying = vec![None; shape.observers * shape.services];
        Authority { unfit: vec![0; shape.observers], flying, services: shape.services }
    }

    /// With the coordinator go the revisions by which claims were told apart, and what was on its way there.
    pub(crate) fn restored(&mut self) {
        self.flying.fill(None);
    }

    pub(crate) fn crashed(&mut self, observer: usize) {
        self.flying[observer * self.services..(observer + 1) * self.services].fill(None);
    }

    /// An observer is told what became of a transaction, or that nobody knows.
    pub(crate) fn answered(&mut self, by: usize, id: TxnId, known: bool) {
        let flying = &mut self.flying[by * self.services + id.service.index()];
        if let Some((_, _, doubt)) = flying.as_mut().filter(|(of, ..)| *of == id) {
            *doubt = true;
            if known {
                *flying = None;
            }
        }
    }

    /// What is in doubt is sent again as it was, and nothing else before it is known what became of it.
    fn doubts(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn, out: &mut Out) {
        let claim = txn.guards.iter().find_map(|guard| match guard {
            Guard::Claim(at) => Some(*at),
            _ => None,
        });
        let flying = &mut self.flying[by * self.services + txn.id.service.index()];
        if flying.is_some_and(|(id, at, doubt)| doubt && id != txn.id && claim == Some(at)) {
            let what = "something goes out while nobody knows what became of what went out before";
            out.broke(scene.now, "S3", "letter", what);
        }
        if let Some(claim) = claim.filter(|_| flying.is_none_or(|(id, ..)| id != txn.id)) {
            *flying = Some((txn.id, claim, false));
        }
    }

    /// A renewal arrives.
    pub(crate) fn renews(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        session: Option<SessionId>,
        fit: bool,
        out: &mut Out,
    ) {
        // Who hears no answers cannot give anything up: its session ends instead.
        let else_well = scene.truth.faults[by] <= 1;
        // What hangs on a session that it let go is not its own any more.
        let holds = || {
            scene.store.services.iter().any(|keys| {
                let claim = keys.claim.1.as_ref();
                claim.is_some_and(|claim| {
                    scene.store.observer(&claim.holder) == Some(by) && Some(claim.session) == session
                })
            })
        };
        // It counts from the taking.
        self.unfit[by] = if fit || !else_well || !holds() { 0 } else { self.unfit[by] + 1 };
        // Two renewals, and what is on its way for so long.
        if self.unfit[by] >= 6 && scene.truth.faults[by] <= 1 && scene.truth.sick[by].full {
            out.broke(scene.now, "S4", "letter", "an unfit observer keeps its claim");
            self.unfit[by] = 0;
        }
    }

    /// Nothing was ever wrong: whoever holds a claim stands outside the active region.
    pub(crate) fn close(&self, scene: &Scene<'_>, out: &mut Out) {
        for service in 0..scene.shape.services {
            let Some(holder) = scene.store.holder(service) else { continue };
            let others = scene.shape.observers > 1;
            if others && scene.shape.stands_in(holder) == scene.store.active(service) {
                let what = "at rest the claim's holder stands in the active region";
                out.broke(scene.now, "S4", "letter", what);
            }
        }
    }

    /// A call is handed over at that moment of its observer's own clock.
    pub(crate) fn in_time(&self, scene: &Scene<'_>, now: Mono, until: Option<Mono>, out: &mut Out) {
        if until.is_none_or(|until| now >= until) {
            out.broke(scene.now, "S4", "letter", "a call was handed over after the right to act had ended");
        }
    }

    pub(crate) fn handed(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        call: &Call,
        session: Option<SessionId>,
        out: &mut Out,
    ) {
        let claim = scene.store.services[call.service.index()].claim.1.as_ref();
        let holds = claim.is_some_and(|claim| {
            Some(claim.session) == session
                && scene.store.lives(claim.session)
                && scene.store.observer(&claim.holder) == Some(by)
        });
        if !holds {
            out.broke(scene.now, "S4", "truth", "a call was handed over by an observer whose claim is gone");
        }
    }

    /// What a transaction compares, before anything is known of it.
    pub(crate) fn sent(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn, out: &mut Out) {
        self.doubts(scene, by, txn, out);
        let has = |wanted: fn(&Guard) -> bool| txn.guards.iter().any(wanted);
        let writes = |wanted: fn(&Write) -> bool| txn.writes.iter().any(wanted);
        let runs = writes(|write| matches!(write, Write::Begin(..) | Write::Append(..) | Write::Velocity(_)));
        let changes = runs || moves(scene, txn);
        let mut miss = |what: &str| {
            let purpose = txn.id.purpose;
            out.broke(scene.now, "S3", "letter", &format!("{purpose:?} does not compare {what}"));
        };
        if changes && !has(|guard| matches!(guard, Guard::Claim(_))) {
            miss("the claim");
        }
        if writes(|write| matches!(write, Write::Record(_)))
            && !has(|guard| matches!(guard, Guard::Record(_)))
        {
            miss("the record");
        }
        if writes(|write| matches!(write, Write::Append(..)))
            && !has(|guard| matches!(guard, Guard::Journal(..)))
        {
            miss("the journal's length");
        }
        if writes(|write| matches!(write, Write::Vote(_) | Write::Claim))
            && !has(|guard| matches!(guard, Guard::Session(_)))
        {
            miss("the session that it hangs on");
        }
        if writes(|write| matches!(write, Write::Claim)) && !has(|guard| matches!(guard, Guard::Unclaimed)) {
            miss("that the claim is free");
        }
        if writes(|write| matches!(write, Write::Vote(_))) && !has(|guard| matches!(guard, Guard::Vote(..))) {
            miss("its own vote");
        }
        if let Some(begins) = begins(scene, txn)
            && begins.automatic
        {
            if !has(|guard| matches!(guard, Guard::Velocity(_))) {
                miss("the velocity counter");
            }
            if !writes(|write| matches!(write, Write::Velocity(_))) {
                miss("and raise the velocity counter");
            }
        }
    }

    /// In truth, as it is committed.
    pub(crate) fn commits(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        let Some(old) = scene.store.record(service) else { return };
        let new = txn.writes.iter().rev().find_map(|write| match write {
            Write::Record(record) => Some(record),
            _ => None,
        });
        let runs = txn.writes.iter().any(|write| matches!(write, Write::Begin(..) | Write::Append(..)));
        if (runs || moves(scene, txn)) && scene.store.holder(service) != Some(by) {
            out.broke(scene.now, "S3", "truth", "a record was changed by somebody without the claim");
        }
        if let (Some(before), Some(new)) = (&old.run, new)
            && new.run.as_ref().is_none_or(|after| after.id != before.id)
        {
            let ends = entries(txn).any(|(run, e)| run == before.id && matches!(e, Entry::Ended(_)));
            // A person who adopts in a newer world has what was under way here.
            let handed = txn.id.purpose == Purpose::Change
                && scene.store.cluster.0 > 1
                && new.epoch > old.epoch
                && new.tried.iter().any(|t| t.run == before.id && t.outcome == Some(Outcome::HandedOver));
            if !ends && !handed && scene.store.outcome(service, before.id).is_none() {
                let what = "a run took the place of another, or was dropped, that had not ended";
                out.broke(scene.now, "S3", "truth", what);
            }
        }
        let Some(begins) = begins(scene, txn) else { return };
        let live = begins.start.mode == Mode::Live;
        let occupies = new.is_some_and(|new| new.run.as_ref().is_some_and(|run| run.id == begins.run));
        let kind = txn.writes.iter().find_map(|write| match write {
            Write::Begin(_, journal) => Some(journal.plan.kind()),
            _ => None,
        });
        if live && kind != Some(PlanKind::Inspect) && !occupies {
            out.broke(scene.now, "S3", "truth", "a live run began without occupying the claim");
        }
        if begins.automatic && (old.paused || old.maintenance) {
            out.broke(scene.now, "S11", "truth", "a failover began by itself while the service was paused");
        }
    }
}

/// It changes what only the claim's holder may change. A pause, or a word about what is over, may be said anywhere.
fn moves(scene: &Scene<'_>, txn: &Txn) -> bool {
    let keys = &scene.store.services[txn.id.service.index()].record;
    // What compares a record that is none any more changes nothing.
    let old_one = txn.guards.iter().any(|guard| matches!(guard, Guard::Record(at) if *at != keys.0));
    let old = keys.1.as_ref().filter(|_| !old_one);
    txn.writes.iter().any(|write| match write {
        Write::Record(new) => old.is_some_and(|old| {
            (&old.active, old.epoch, &old.run, &old.beside, old.serial, &old.gate)
                != (&new.active, new.epoch, &new.run, &new.beside, new.serial, &new.gate)
        }),
        Write::Vote(_)
        | Write::Claim
        | Write::GiveUp
        | Write::Ask(_)
        | Write::Begin(..)
        | Write::Append(..)
        | Write::Velocity(_)
        | Write::Clear(_) => false,
    })
}
