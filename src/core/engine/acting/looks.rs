//! What every gate says of a plan that somebody or something beside a scenario wants. It decides nothing.

use crate::decide::gates::{Gate, Mode, Reason, Situation};
use crate::decide::{Answer, By, Gates};
use crate::engine::situation;
use crate::engine::weigh::{Wanted, case_for, weigh};
use crate::event::Wish;
use crate::ids::{PlanPos, RegionPos, ScenarioPos};
use crate::order::Accepts;
use crate::plan::{Case, Filled, RunTime};
use crate::state::{Moments, Service, State};
use crate::time::Now;
use crate::verdict::{Observers, Picture};

/// What is wanted.
pub(crate) struct Query {
    pub(crate) plan: PlanPos,
    /// Where it acts or moves to; none: where the service is active, or to the best candidate.
    pub(crate) at: Option<RegionPos>,
    pub(crate) by: By,
    pub(crate) planned: bool,
    /// The most that may happen, where no scenario says it.
    pub(crate) mode: Option<Mode>,
    pub(crate) named: u32,
    pub(crate) scenario: Option<ScenarioPos>,
}

/// What every gate says of it.
pub(crate) struct Look {
    pub(crate) plan: PlanPos,
    pub(crate) case: Option<Case>,
    pub(crate) gates: Gates,
    pub(crate) situation: Situation,
    /// Whose answers were counted; none: nobody was asked.
    pub(crate) counted: Option<Observers>,
}

impl Look {
    /// The same, if these gates were named.
    pub(super) fn renamed(&mut self, named: u32) {
        self.situation.named = named;
        self.gates = Gates::look(&self.situation);
    }

    /// The same, if this is accepted with the order: each gate that it names is passed, if that is what is in the way.
    pub(crate) fn accepted(&mut self, accepts: &Accepts) {
        let mut named = accepts.gates;
        if accepts.exposure {
            named |= Gate::Fence.bit();
        }
        let loss = match self.gates.answer(Gate::DataLoss) {
            Answer::Blocks(Reason::Loss { loss, .. }) | Answer::Passed(Reason::Loss { loss, .. }) => {
                accepts.loss.is_some_and(|most| loss <= most)
            }
            Answer::Blocks(Reason::LossUnknown) | Answer::Passed(Reason::LossUnknown) => accepts.unknown_loss,
            Answer::Unbound | Answer::Passes | Answer::Blocks(_) | Answer::Passed(_) => false,
        };
        if loss {
            named |= Gate::DataLoss.bit();
        } else {
            named &= !Gate::DataLoss.bit();
        }
        self.renamed(named);
    }

    /// The same, if it is told this.
    pub(crate) fn told(&mut self, service: &Service, given: &[(RunTime, Filled)]) {
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
    let (mut asked, mut wide) = (core::mem::take(&mut state.asked), core::mem::take(&mut state.wide));
    let look = look_by(service, state, moments, query, now, (&mut asked, &mut wide));
    (state.asked, state.wide) = (asked, wide);
    look
}

/// The same, with what it draws on.
pub(crate) fn look_by(
    service: &Service,
    state: &State,
    moments: &Moments,
    query: &Query,
    now: Now,
    (asked, wide): (&mut Picture, &mut Picture),
) -> Option<Look> {
    service.policy.plans.get(query.plan.index())?;
    let weighed = weigh(service, &state.policy, query.plan, now, asked, wide);
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
    let gates = Gates::look(&situation);
    Some(Look { plan: query.plan, case: wish.case, gates, situation, counted })
}
