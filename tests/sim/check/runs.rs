//! S10, S13, S18, and S15 of a start: which runs begin, how soon after another, and on whose word.

use watchkeeper_core::agree::RunId;
use watchkeeper_core::effect::Call;
use watchkeeper_core::plan::{Entry, Mode, Outcome, PlanKind};

use super::{Begins, Out, Scene};
use crate::plans;
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
    /// By service: somebody has ordered or agreed to something.
    agreed: Vec<bool>,
}

impl Runs {
    pub(crate) fn new(shape: &Shape) -> Runs {
        Runs { last: vec![None; shape.services], began: Vec::new(), agreed: vec![false; shape.services] }
    }

    pub(crate) fn agreed(&mut self, service: usize) {
        self.agreed[service] = true;
    }

    pub(crate) fn restored(&mut self) {
        self.last.fill(None);
        self.began.clear();
    }

    pub(crate) fn starts(&mut self, scene: &Scene<'_>, service: usize, begins: &Begins<'_>, out: &mut Out) {
        let start = begins.start;
        let policy = &scene.shape.policies[0];
        let known = policy.services.iter().find(|known| known.name.as_str() == format!("s{service}"));
        let planned =
            known.and_then(|known| known.plan(start.plan.as_str()).map(|at| &known.plans[at.index()]));
        let kind = planned.map(|plan| plan.set.kind);
        if let Some(hash) = start.hash {
            let same = planned.is_some_and(|plan| plan.set.plans().any(|plan| plans::hash(plan) == hash));
            if !same {
                out.broke(scene.now, "S15", "letter", "a run began with the hash of no plan");
            }
        }
        if kind == Some(PlanKind::Failover)
            && start.mode == Mode::Live
            && !begins.automatic
            && !self.agreed[service]
            && !scene.shape.recipes[service].short
        {
            out.broke(scene.now, "S13", "truth", "a failover began that nobody decided");
        }
        if !begins.automatic {
            return;
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
