//! S10, S13, S18, and S15 of a start: which runs begin, how soon after another, and on whose word.

use watchkeeper_core::agree::{RunId, Txn, Write};
use watchkeeper_core::effect::Call;
use watchkeeper_core::ids::PolicyHash;
use watchkeeper_core::plan::{Entry, Mode, Only, Outcome, PlanKind};

use super::faulty::Faulty;
use super::{Begins, Out, Scene};
use crate::shape::Shape;

/// Clocks differ by so much over a cooldown.
const CLOCKS: u64 = 1_000_000;

/// The runs of a world.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    /// By service: the newest automatic failover, and when it ended.
    last: Vec<Option<(RunId, Option<u64>)>>,
    /// When automatic failovers began, over all services.
    began: Vec<u64>,
    /// By service, then region: it takes writes since then, and is not where the service is active.
    by_hand: Vec<Vec<Option<u64>>>,
    /// By service, then observer: under which policy it votes, and since when.
    hashes: Vec<Vec<Option<(PolicyHash, u64)>>>,
    /// By service: somebody has ordered or agreed to something.
    agreed: Vec<bool>,
    /// By service: the raised trigger for which was looked last, and where the service was active then.
    looked: Vec<Option<(u64, Option<usize>)>>,
}

impl Runs {
    pub(crate) fn new(shape: &Shape) -> Runs {
        Runs {
            by_hand: vec![vec![None; shape.regions]; shape.services],
            hashes: vec![vec![None; shape.observers]; shape.services],
            last: vec![None; shape.services],
            began: Vec::new(),
            agreed: vec![false; shape.services],
            looked: vec![None; shape.services],
        }
    }

    pub(crate) fn agreed(&mut self, service: usize) {
        self.agreed[service] = true;
    }

    pub(crate) fn restored(&mut self) {
        self.last.fill(None);
        self.looked.fill(None);
        self.began.clear();
    }

    pub(crate) fn starts(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        txn: &Txn,
        begins: &Begins<'_>,
        faulty: &Faulty,
        out: &mut Out,
    ) {
        let (service, start) = (txn.id.service.index(), begins.start);
        let policy = &scene.shape.policies[0];
        let called = format!("s{service}");
        let known = policy.services.iter().position(|known| known.name.as_str() == called);
        let planned = known.and_then(|at| Some((at, policy.services[at].plan(start.plan.as_str())?.index())));
        let kind = planned.map(|(at, plan)| policy.services[at].plans[plan].set.kind);
        if let Some(hash) = start.hash
            && !planned.is_some_and(|(at, plan)| scene.shape.hashes[at][plan].contains(&hash))
        {
            out.broke(scene.now, "S15", "letter", "a run began with the hash of no plan");
        }
        if kind == Some(PlanKind::Failover)
            && start.mode == Mode::Live
            && !begins.automatic
            && !self.agreed[service]
            && !scene.shape.recipes[service].short
        {
            out.broke(scene.now, "S13", "truth", "a failover began that nobody decided");
        }
        if start.mode == Mode::Live && kind == Some(PlanKind::Inspect) {
            self.looks(scene, service, out);
        }
        let live = start.mode == Mode::Live && kind != Some(PlanKind::Inspect);
        self.others(scene, service, by, live, out);
        let recipe = scene.shape.recipes[service];
        let home = kind == Some(PlanKind::Failover) && start.way == Only::Planned && live;
        if home && recipe.homing && !self.agreed[service] {
            out.broke(scene.now, "S10", "truth", "the way home was taken, and nobody has asked for that");
        }
        if live {
            self.drifts(scene, service, faulty, out);
        }
        if !begins.automatic {
            return;
        }
        if recipe.cut || (recipe.odd && recipe.fenced) {
            let what = "a failover began by itself, and no fence of it settles the old side";
            out.broke(scene.now, "S1", "letter", what);
        }
        if recipe.observe {
            out.broke(scene.now, "S13", "letter", "what is only to be told was done");
        }
        let last = scene.store.record(service).and_then(|record| record.last_failover.as_ref());
        if last
            .is_some_and(|last| !last.outcome.is_some_and(|outcome| outcome.is_done()) && !last.acknowledged)
        {
            let what = "a failover began by itself, and nobody has acknowledged how the last one ended";
            out.broke(scene.now, "S10", "letter", what);
        }
        if let Some((_, ended)) = self.last[service] {
            let cooldown = scene.shape.recipes[service].cooldown().as_micros();
            let over = ended.map(|ended| ended + cooldown.saturating_sub(CLOCKS));
            if over.is_none_or(|over| scene.now < over) {
                let what = "a second failover began by itself within the cooldown";
                out.broke(scene.now, "S10", "truth", what);
            }
        }
        self.last[service] = Some((begins.run, None));
        let limits = scene.shape.limits;
        let within = limits.within.as_micros().saturating_sub(CLOCKS);
        self.began.retain(|at| scene.now < at + within);
        self.began.push(scene.now);
        if self.began.len() > usize::from(limits.failovers) {
            out.broke(
                scene.now,
                "S18",
                "truth",
                "more failovers began by themselves than the velocity allows",
            );
        }
    }

    pub(crate) fn ends(&mut self, scene: &Scene<'_>, service: usize, run: RunId, _outcome: Outcome) {
        if let Some((last, ended)) = &mut self.last[service]
            && *last == run
        {
            *ended = Some(scene.now);
        }
    }

    /// What hangs on a trigger is done once while that is raised.
    fn looks(&mut self, scene: &Scene<'_>, service: usize, out: &mut Out) {
        let (revision, raised) = scene.store.services[service].trigger;
        let key = raised.map(|_| (revision, scene.store.active(service)));
        let again = key.is_some() && std::mem::replace(&mut self.looked[service], key) == key;
        if again && !self.agreed[service] {
            let what = "an inspection began again, and its trigger was raised only once";
            out.broke(scene.now, "S13", "letter", what);
        }
    }

    /// Nobody may pass drift but by saying where the service is active. Only who stands there can see it.
    fn drifts(&self, scene: &Scene<'_>, service: usize, faulty: &Faulty, out: &mut Out) {
        let drifts = (0..scene.shape.regions).any(|at| {
            let near = |o: usize| scene.shape.observers == 1 || scene.shape.stands_in(o) == Some(at);
            let seen = (0..scene.shape.observers).any(|o| near(o) && !faulty.is_missed(o, scene.now));
            let since = self.by_hand[service][at];
            seen && since.is_some_and(|since| since + 90_000_000 < scene.now)
        });
        if drifts && !scene.shape.recipes[service].stateless {
            let what = "a run began though another region had long taken writes";
            out.broke(scene.now, "S1", "letter", what);
        }
    }

    /// Whoever begins is not one of few who live by their policy.
    fn others(&self, scene: &Scene<'_>, service: usize, by: usize, live: bool, out: &mut Out) {
        let mine = scene.store.services[service].votes[by].2.as_ref().map(|vote| vote.hash);
        let Some(mine) = mine.filter(|_| live) else { return };
        let since = |who: usize| self.hashes[service][who];
        let other = (0..scene.shape.observers).filter(|&who| {
            since(who).is_some_and(|(hash, since)| hash != mine && since + 30_000_000 < scene.now)
                && scene.store.services[service].votes[who].2.is_some()
        });
        if other.count() * 2 > scene.shape.observers {
            out.broke(scene.now, "S3", "letter", "a run began though most others live by another policy");
        }
    }

    /// A vote is written.
    pub(crate) fn voted(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn) {
        for write in &txn.writes {
            let Write::Vote(vote) = write else { continue };
            let known = &mut self.hashes[txn.id.service.index()][by];
            if known.is_none_or(|(hash, _)| hash != vote.hash) {
                *known = Some((vote.hash, scene.now));
            }
        }
    }

    /// Which regions take writes.
    pub(crate) fn look(&mut self, scene: &Scene<'_>) {
        for service in 0..scene.shape.services {
            for region in 0..scene.shape.regions {
                // Without a coordinator nobody hears what is seen there.
                let is = scene.truth.quorum
                    && scene.writable(service, region)
                    && scene.truth.way[region]
                    && scene.store.active(service).is_some_and(|active| active != region);
                let kept = &mut self.by_hand[service][region];
                match (is, *kept) {
                    (true, None) => *kept = Some(scene.now),
                    (false, Some(_)) => *kept = None,
                    (true, Some(_)) | (false, None) => {}
                }
            }
        }
    }

    /// Every effect belongs to exactly one decision.
    pub(crate) fn handed(&mut self, scene: &Scene<'_>, call: &Call, out: &mut Out) {
        let journals = &scene.store.services[call.service.index()].journals;
        let holding = journals.iter().filter(|(_, journal)| {
            journal.entries.iter().any(|entry| {
                matches!(entry, Entry::Intent { serial, step, .. }
                    if *serial == call.token.serial && *step == call.step)
            })
        });
        if holding.count() != 1 {
            out.broke(scene.now, "S13", "letter", "a call belongs to no decision, or to several");
        }
    }
}
