//! What gates need of a plan, worked out once at load. It changes nothing of the plan.

use alloc::vec::Vec;

use super::draft::{ProbeDraft, ServiceDraft};
use super::names::Names;
use super::{CasePolicy, PlanPolicy};
use crate::ids::{ProbePos, StepPos};
use crate::plan::{Fencing, Only, Plan, PlanSet, ProbeSet};
use crate::verdict::Tier;

pub(super) fn plan(names: &mut Names<'_>, set: &PlanSet) -> PlanPolicy {
    let draft = names.draft;
    let by = set.name.clone();
    let all = |keep: &dyn Fn(&ProbeDraft) -> bool| -> Vec<ProbePos> {
        (draft.probes.iter().enumerate()).filter(|(_, p)| keep(p)).map(|(i, _)| ProbePos::at(i)).collect()
    };
    let first = set.plans().next();
    let mut resolved = |probes: Option<&ProbeSet>, every: Vec<ProbePos>| -> Vec<ProbePos> {
        let mut all = if probes.is_none_or(|probes| probes.every) { every } else { Vec::new() };
        let named = probes.map_or(&[][..], |probes| &probes.named);
        all.extend(named.iter().filter_map(|probe| names.probe(&by, probe)));
        all.sort_unstable();
        all.dedup();
        all
    };
    let requires = resolved(first.map(|plan| plan.requires()), all(&|p| p.tier == Tier::Gate));
    let loss_from = first.map(|plan| plan.loss_from());
    let loss = resolved(loss_from, all(&|p| p.loss));
    let loses = loss_from.is_some_and(|probes| !probes.every || !probes.named.is_empty());
    let cases = |way| set.plans().map(|plan| case(draft, plan, way)).collect();
    let (unplanned, planned) = (cases(Only::Unplanned), cases(Only::Planned));
    PlanPolicy { name: by, set: set.clone(), requires, loss, loses, cases: unplanned, planned }
}

/// What gates ask of one case.
fn case(draft: &ServiceDraft, plan: &Plan, way: Only) -> CasePolicy {
    CasePolicy {
        case: plan.case(),
        promotes: plan.promotes(way).next().is_some(),
        fenced: match plan.fencing(way) {
            Fencing::NotNeeded | Fencing::Unfenced(_) => true,
            Fencing::Named { strongest, unfenced, .. } => unfenced.is_some() || strongest.enough_for_auto(),
            Fencing::Absent => draft.stateless,
        },
        needs_dead: if way == Only::Unplanned { needs_dead(draft, plan) } else { 0 },
        untold: u8::try_from(plan.needs_inputs().count()).unwrap_or(u8::MAX),
        at_most: plan.at_most(),
    }
}

/// How many steps of an unplanned run need the region that it leaves, which may be dead.
fn needs_dead(draft: &ServiceDraft, plan: &Plan) -> u16 {
    let Some(from) = plan.case().from().and_then(|at| draft.regions.get(at.index())) else { return 0 };
    let mut steps: Vec<StepPos> = plan.needs_of(from, Only::Unplanned).map(|(step, _)| step).collect();
    steps.dedup();
    u16::try_from(steps.len()).unwrap_or(u16::MAX)
}
