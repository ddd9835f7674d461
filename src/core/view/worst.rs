//! How long it takes at worst: from the fault to the start of a plan, and from there to its end. What a promise of an
//! RTO rests on, worked out from the policy alone.
//!
//! It counts what the core and its own settings allow; drains after unknown calls, and people, are not in it.

use alloc::vec::Vec;

use crate::ids::{PlanPos, ScenarioPos};
use crate::plan::{Case, Only};
use crate::policy::{Policy, ServicePolicy};
use crate::time::Span;

/// How long one plan takes at worst, in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Which plan.
    pub plan: PlanPos,
    /// For which scenario.
    pub scenario: ScenarioPos,
    /// Where.
    pub case: Case,
    /// From the fault to the last strike of the slowest trigger probe.
    pub detection: Span,
    /// From the fault to the first failed sample of the slowest trigger probe.
    pub first: Span,
    /// How long the condition must hold, from its first failed sample: it bounds what follows from below.
    pub held: Span,
    /// Asking everybody to look again: the pause after an ask that came too early, and the answers.
    pub ask: Span,
    /// Announced, and left for a veto.
    pub veto: Span,
    /// The longest way of its time-outs and retries.
    pub run: Span,
}

impl WorstCase {
    /// From the fault to the start.
    #[must_use]
    pub fn to_start(&self) -> Span {
        self.detection.max(self.first.plus(self.held)).plus(self.ask).plus(self.veto)
    }

    /// From the fault to the end.
    #[must_use]
    pub fn to_end(&self) -> Span {
        self.to_start().plus(self.run)
    }
}

/// The worst case of each plan that a scenario starts, in each case.
#[must_use]
pub fn worst_cases(policy: &Policy, service: &ServicePolicy) -> Vec<WorstCase> {
    let mut all = Vec::new();
    let detection = service.worst_detection().unwrap_or(Span::ZERO);
    let first = service.worst_first_failure().unwrap_or(Span::ZERO);
    // Asked once when nothing could be said yet, and once more after the least pause between two asks.
    let ask = policy.ask.times(2).plus(Span::secs(1));
    for (at, scenario) in service.scenarios.iter().enumerate() {
        let Some(plan) = scenario.plan else { continue };
        let Some(set) = service.plans.get(plan.index()).map(|plan| &plan.set) else { continue };
        let held = scenario.when.clauses().iter().map(|clause| clause.held).max().unwrap_or(Span::ZERO);
        all.extend(set.plans().map(|each| WorstCase {
            plan,
            scenario: ScenarioPos::at(at),
            case: each.case(),
            detection,
            first,
            held,
            ask,
            veto: scenario.veto,
            run: each.longest(Only::Unplanned),
        }));
    }
    all
}
