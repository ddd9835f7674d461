//! What every gate says of a plan that somebody or something beside a scenario wants. It decides nothing.

use crate::decide::gates::{Mode, Situation};
use crate::decide::{By, Gates};
use crate::engine::situation;
use crate::engine::weigh::{Wanted, case_for, weigh};
use crate::event::Wish;
use crate::ids::{PlanPos, RegionPos, ScenarioPos};
use crate::plan::{Case, Filled, RunTime};
use crate::state::{Moments, Service, State};
use crate::time::Now;
use crate::verdict::Observers;

/// What is wanted.
pub(super) struct Query {
    pub(super) plan: PlanPos,
    /// Where it acts or moves to; none: where the service is active, or to the best candidate.
    pub(super) at: Option<RegionPos>,
    pub(super) by: By,
    pub(super) planned: bool,
    /// The most that may happen, where no scenario says it.
    pub(super) mode: Option<Mode>,
    pub(super) named: u32,
    pub(super) scenario: Option<ScenarioPos>,
}

/// What every gate says of it.
pub(super) struct Look {
    pub(super) plan: PlanPos,
    pub(super) case: Option<Case>,
    pub(super) gates: Gates,
    pub(super) situation: Situation,
    /// Whose answers were counted; none: nobody was asked.
    pub(super) counted: Option<Observers>,
}

impl Look {
    /// The same, if these gates were named.
    pub(super) fn renamed(&mut self, named: u32) {
        self.situation.named = named;
        self.gates = Gates::look(&self.situation);
    }

    /// The same, if it is told this.
    pub(super) fn told(&mut self, service: &Service, given: &[(RunTime, Filled)]) {
        let plan = service.policy.plans.get(self.plan.index());
        let Some(plan) = self.case.and_then(|case| plan.and_then(|plan| plan.set.plan(case))) else { return };
        let known = |name: &crate::ids::Name| {
            given.iter().any(|(key, _)| matches!(key, RunTime::Input(input) if input == name))
        };
        let untold = plan.needs_inputs().filter(|input| !known(input)).count();
        self.situation.untold = u8::try_from(untold).unwrap_or(u8::MAX);
        self.gates = Gates::look(&self.situation);
    }
}

/// Looks at every gate; none, if there is no such plan.
pub(super) fn look_for(
    service: &Service,
    state: &mut State,
    moments: &Moments,
    query: &Query,
    now: Now,
) -> Option<Look> {
    service.policy.plans.get(query.plan.index())?;
    let (mut asked, mut wide) = (core::mem::take(&mut state.asked), core::mem::take(&mut state.wide));
    let weighed = weigh(service, &state.policy, query.plan, now, &mut asked, &mut wide);
    let case = case_for(service, query.plan, query.at, &weighed);
    let scenario = query.scenario.unwrap_or(ScenarioPos::at(usize::MAX));
    let wish = Wish { scenario, plan: query.plan, case: case.map(|(case, _)| case) };
    let candidate = case.and_then(|(_, candidate)| candidate);
    let wanted = Wanted {
        wish,
        candidate,
        by: query.by,
        planned: query.planned,
        mode: query.mode,
        named: query.named,
    };
    let situation = situation(service, state, moments, wanted, &weighed, now);
    let counted = weighed.asked.then_some(weighed.counted.who);
    (state.asked, state.wide) = (asked, wide);
    let gates = Gates::look(&situation);
    Some(Look { plan: query.plan, case: wish.case, gates, situation, counted })
}
