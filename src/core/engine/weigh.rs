//! What the answers to the present ask say, and where a plan would act by them. It decides nothing.

use super::ask;
use crate::decide::candidate::{self, Candidate};
use crate::decide::{By, Mode};
use crate::event::Wish;
use crate::ids::{CellPos, PlanPos, RegionPos, ScenarioPos};
use crate::mutants::{self, Mutant};
use crate::plan::{Case, Only, PlanKind};
use crate::policy::{PlanPolicy, Policy};
use crate::state::{Moments, Service};
use crate::time::Now;
use crate::verdict::{Counted, Picture, Role};

/// The present answers, weighed.
pub(crate) struct Weighed<'a> {
    /// Whose votes count.
    pub(crate) counted: Counted,
    /// There is an ask whose answers count.
    pub(crate) asked: bool,
    /// What they say.
    pub(crate) picture: &'a Picture,
    /// What they say of what a majority of all observers can see.
    pub(crate) wide: &'a Picture,
    /// Who speaks for everything but the condition. While too few have answered for a failover to start, that is
    /// everybody: an ask makes nothing unknown that was known before.
    pub(crate) voices: Counted,
    /// What those say.
    pub(crate) known: &'a Picture,
}

/// A plan that somebody wants, or nobody but a scenario.
pub(crate) struct Wanted {
    /// The plan and its case.
    pub(crate) wish: Wish,
    /// Where it would move to.
    pub(crate) candidate: Option<Candidate>,
    /// Who wants it.
    pub(crate) by: By,
    /// The old side lives.
    pub(crate) planned: bool,
    /// The most that may happen, where no scenario says it.
    pub(crate) mode: Option<Mode>,
    /// Gates that an approval or an order names, one bit each: these it may pass.
    pub(crate) named: u32,
}

impl Wanted {
    /// As a scenario wants it.
    pub(crate) const fn of(wish: Wish, candidate: Option<Candidate>, by: By) -> Wanted {
        let named = match by {
            By::Approval => u32::MAX,
            By::Itself | By::Order => 0,
        };
        Wanted { wish, candidate, by, planned: false, mode: None, named }
    }
}

/// Draws what the answers to the present ask say; without one, what all votes say.
pub(crate) fn weigh<'a>(
    service: &'a Service,
    policy: &Policy,
    plan: PlanPos,
    now: Now,
    asked: &'a mut Picture,
    wide: &'a mut Picture,
) -> Weighed<'a> {
    let valid = ask::valid(&service.ask, policy.ask, now.mono);
    let unasked = mutants::on(Mutant::NoAsk);
    let counted = if valid && !unasked {
        Counted::answers(service.votes.answered(service.ask.number))
    } else {
        Counted::all()
    };
    let (parts, active) = (&service.policy.parts, service.known.active);
    // Without an ask that is what the service shows already.
    let asked = if service.picture.shows(service.id, &service.votes, active, counted, now.mono) {
        &service.picture
    } else {
        asked.redraw(service.id, parts, &service.votes, active, counted, now.mono);
        &*asked
    };
    let wide = if parts.cells.iter().all(|cell| cell.wide) {
        None
    } else {
        wide.redraw(service.id, parts, &service.votes, active, counted.wide(), now.mono);
        Some(&*wide)
    };
    let picture = asked;
    let needed = service.votes.electorate(policy.everybody()).majority();
    let few = moves(service, plan) && valid && counted.who.count() < needed;
    let few = few || mutants::on(Mutant::CandidateUnasked);
    let (voices, known) = if few { (Counted::all(), &service.picture) } else { (counted, picture) };
    Weighed { counted, asked: valid || unasked, picture, wide: wide.unwrap_or(picture), voices, known }
}

pub(super) fn moves(service: &Service, plan: PlanPos) -> bool {
    service.policy.plans.get(plan.index()).is_some_and(|plan| plan.set.kind == PlanKind::Failover)
}

/// Where a scenario's condition holds; what is no failover acts there.
pub(crate) fn place(service: &Service, moments: &Moments, scenario: ScenarioPos) -> Option<RegionPos> {
    let scenario = service.policy.scenarios.get(scenario.index())?;
    scenario.when.place(&moments.facts(service, &service.picture, false))
}

/// Where a plan would act, and its best candidate if it moves something.
pub(crate) fn case_for(
    service: &Service,
    plan: PlanPos,
    at: Option<RegionPos>,
    weighed: &Weighed<'_>,
) -> Option<(Case, Option<Candidate>)> {
    let policy = service.policy.plans.get(plan.index())?;
    let active = service.known.active?;
    match policy.set.kind {
        PlanKind::Failover => {}
        // What fences a region and makes it follow again is never for the one that others follow.
        PlanKind::Rejoin => {
            let out =
                (0..service.policy.regions.len()).map(RegionPos::at).find(|at| service.quarantined(*at));
            let back = at.or(out).filter(|back| *back != active)?;
            return Some((Case::At(back), None));
        }
        PlanKind::Repair | PlanKind::Inspect => return Some((Case::At(at.unwrap_or(active)), None)),
    }
    let others = (0..service.policy.regions.len()).map(RegionPos::at).filter(|at| *at != active);
    // Where somebody says where to, no other region is looked at.
    let known = others.filter(|other| at.is_none_or(|at| at == *other)).map(|region| candidate::Known {
        region,
        standing: weighed.known.standing(region),
        quarantined: service.quarantined(region),
        requires: requires(service, policy, region, weighed.known).map(|missing| missing.is_none()),
        has_case: policy.case(Case::Move { from: active, to: region }, Only::Unplanned).is_some(),
    });
    let best = candidate::best(known)?;
    Some((Case::Move { from: active, to: best.region }, Some(best)))
}

/// The first probe that the plan requires and that is not known to be up in a region; none if it requires nothing there.
pub(super) fn requires(
    service: &Service,
    plan: &PlanPolicy,
    at: RegionPos,
    picture: &Picture,
) -> Option<Option<crate::ids::ProbePos>> {
    let parts = &service.policy.parts;
    // What a failover requires of its target is looked at there as a standby; so it is before it moves.
    let cell =
        |probe| parts.cell_in(probe, at, service.known.active).filter(|cell| runs_there(service, *cell, at));
    let mut any = false;
    for &probe in &plan.requires {
        let Some(cell) = cell(probe) else { continue };
        any = true;
        if picture.cell(cell).alive().is_none() {
            return Some(Some(probe));
        }
    }
    any.then_some(None)
}

fn runs_there(service: &Service, cell: CellPos, at: RegionPos) -> bool {
    let parts = &service.policy.parts;
    let Some(found) = parts.cells.get(cell.index()) else { return false };
    let role = parts.probes.get(found.probe.index()).map(|part| part.role);
    role == Some(Role::Service) || found.region == Some(at)
}
