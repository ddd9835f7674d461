//! What a run looks at: the probes that a step asks, and those by which a region says that users may be led there. The
//! shell runs them; nothing here says what they must find.

use alloc::vec::Vec;

use crate::ids::{Name, ProbeId, ServiceId};
use crate::plan::{RunId, Step, StepName};
use crate::policy::ProbePolicy;
use crate::state::{Service, State};
use crate::verdict::Tier;
use crate::verdict::standing::ProbePart;

/// A probe by its name; none: this observer does not see it where it is asked for.
pub type Asked = (Name, Option<ProbeId>);

/// A step of an unfinished run, as its plan has it.
#[must_use]
pub fn step_of<'a>(state: &'a State, service: ServiceId, run: RunId, step: &StepName) -> Option<&'a Step> {
    let acting = state.service(service)?.acting.as_deref()?;
    let carried = acting.runs.iter().find(|carried| carried.run.start().run == run)?;
    let plan = carried.run.plan();
    plan.step(plan.position(step)?)
}

/// The probes that a step names, where it acts.
#[must_use]
pub fn asked_by(state: &State, service: ServiceId, run: RunId, step: &StepName) -> Vec<Asked> {
    let Some(step) = step_of(state, service, run, step) else { return Vec::new() };
    let Some(service) = state.service(service) else { return Vec::new() };
    let at = step.acts_in.as_str();
    let find = |probe: &Name| {
        let cell = service
            .policy
            .cell(probe.as_str(), Some(at))
            .or_else(|| service.policy.cell(probe.as_str(), None));
        (probe.clone(), cell.and_then(|cell| service.mine(cell)))
    };
    step.probes.iter().map(find).collect()
}

/// By what a region says that users may be led there: the probes that say whether it takes writes; of a service that
/// keeps nothing, or has none of these, its trigger probes.
#[must_use]
pub fn takes_users(state: &State, service: ServiceId, region: &Name) -> Vec<Asked> {
    let Some(service) = state.service(service) else { return Vec::new() };
    let drift = of_region(service, region, |part| part.drift);
    if service.policy.stateless || drift.is_empty() {
        return of_region(service, region, |part| part.tier == Tier::Trigger);
    }
    drift
}

fn of_region(service: &Service, region: &Name, wanted: impl Fn(&ProbePart) -> bool) -> Vec<Asked> {
    let Some(at) = service.policy.region(region) else { return Vec::new() };
    let parts = service.policy.parts.probes.iter().zip(&service.policy.probes);
    let here = |(part, probe): (&ProbePart, &ProbePolicy)| {
        let cell = part.cells.get(at.index()).copied().flatten()?;
        Some((probe.name.clone(), service.mine(cell)))
    };
    parts.filter(|(part, _)| part.witness_of.is_none() && wanted(part)).filter_map(here).collect()
}
