//! All that the gates look at, gathered for one wish: facts, and no opinion.

use super::drift;
use super::start::{capped, mode};
use super::weigh::{Wanted, Weighed, requires};
use crate::decide::cooldown::cooldown;
use crate::decide::gates::{Asked, Cap, Holder, Mode, Reason, Situation};
use crate::decide::scenario::Scenario;
use crate::ids::{PlanPos, RegionPos, ScenarioPos, ServiceId};
use crate::mutants::{self, Mutant};
use crate::plan::{Case, Only, PlanKind};
use crate::policy::{CasePolicy, PlanPolicy, Policy};
use crate::severity::{Objectives, Stage};
use crate::state::{Moments, Service, State};
use crate::time::{Mono, Now, Span};
use crate::verdict::{Level, Picture};

/// All that the gates look at, for one wish.
pub(crate) fn situation(
    service: &Service,
    state: &State,
    moments: &Moments,
    wanted: Wanted,
    weighed: &Weighed<'_>,
    now: Now,
) -> Situation {
    let Wanted { wish, candidate, by, planned, mode, named } = wanted;
    let policy = &state.policy;
    let scenario = service.policy.scenarios.get(wish.scenario.index());
    let plan = service.policy.plans.get(wish.plan.index());
    let kind = plan.map_or(PlanKind::Inspect, |plan| plan.set.kind);
    let way = if planned { Only::Planned } else { Only::Unplanned };
    let case = wish.case.and_then(|case| plan.and_then(|plan| plan.case(case, way)));
    let acts_in = wish.case.map(Case::acts_in);
    let record = service.known.record.as_ref();
    let mode = match (scenario, mode) {
        (_, Some(mode)) => capped(policy, service, mode),
        (Some(scenario), None) => self::mode(policy, service, scenario),
        (None, None) => (Mode::Observe, Cap::Scenario),
    };
    Situation {
        kind,
        by,
        planned,
        foreign: service.known.foreign,
        adopted: record.is_some() && service.known.active.is_some(),
        mode,
        named,
        asked: match scenario {
            Some(scenario) => asked(service, policy, moments, scenario, kind, weighed, now),
            // What no scenario wants has its own reasons; but what moves by them must have been looked at again.
            None if kind == PlanKind::Failover => answered(policy, weighed),
            None => Asked::Holds,
        },
        paused: record.is_some_and(|record| record.paused),
        maintenance: record.is_some_and(|record| record.maintenance) || state.maintenance(service, now.wall),
        holder: match service.known.holder {
            Holder::Me if state.seat.cluster.is_some() && !service.known.acts => Holder::Frozen,
            holder => holder,
        },
        witness: policy.am_witness(),
        isolated: state.trust.isolated().map(|(why, _)| why),
        has_references: state.trust.settings().has_points(),
        running: record.and_then(|record| record.running).map(|(_, kind)| kind),
        policies: {
            let same = service.votes.agreeing().and(policy.me).count();
            let all = service.votes.present().and(policy.me).count();
            (small(same), small(all.saturating_sub(same)))
        },
        drift: drift::lasts(service, now),
        candidate,
        waits_for: waits_for(service, state),
        all_down: (0..service.policy.regions.len())
            .all(|at| weighed.known.standing(RegionPos::at(at)).at_least(Level::Down).is_some()),
        loss: loss(service, plan, case, acts_in, weighed, now),
        rpo: rpo(service, wish.scenario),
        unfenced: case.is_some_and(|case| !case.fenced) && !mutants::on(Mutant::CutIsEnough),
        promotes: case.is_some_and(|case| case.promotes),
        needs_dead: case.map_or(0, |case| case.needs_dead),
        cooldown: cooldown(
            record.and_then(|r| r.last).map(|(_, last)| last),
            service.policy.cooldown,
            now.mono,
        ),
        failovers: failovers(state, now),
        runs: u16::try_from(state.runs).unwrap_or(u16::MAX),
        limits: policy.limits,
        plan_runs: case.and_then(|case| plan_runs(service, wish.plan, case, now)),
        requires: match (plan, acts_in, case) {
            (Some(plan), Some(at), Some(_)) => match requires(service, plan, at, weighed.known) {
                Some(Some(probe)) => Err(Reason::NotUp(probe, at)),
                Some(None) | None => Ok(()),
            },
            _ => Err(Reason::NoCase),
        },
        untold: case.map_or(0, |case| case.untold),
        veto: match scenario {
            Some(scenario) if mode.0 == Mode::Auto => scenario.veto,
            Some(_) | None => Span::ZERO,
        },
    }
}

/// Whether so many have answered the present ask that what they say of candidates counts.
fn answered(policy: &Policy, weighed: &Weighed<'_>) -> Asked {
    let (answered, needed) = (weighed.counted.who.count(), policy.everybody().majority());
    match weighed.asked {
        false => Asked::NotYet,
        true if answered < needed => Asked::Waiting { answered: small(answered), needed: small(needed) },
        true => Asked::Holds,
    }
}

fn small(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

/// What the answers to the present ask make of a scenario's condition. What moves by itself must rest on what a
/// majority of all observers can see; a repair may rest on less.
fn asked(
    service: &Service,
    policy: &Policy,
    moments: &Moments,
    scenario: &Scenario,
    kind: PlanKind,
    weighed: &Weighed<'_>,
    now: Now,
) -> Asked {
    let moves = kind == PlanKind::Failover;
    let needed = service.votes.electorate(policy.everybody()).majority();
    let answered = weighed.counted.who.count();
    // Also where no vote is needed for the condition: where to is for answers to say.
    if moves && !weighed.asked {
        return Asked::NotYet;
    }
    if moves && answered < needed {
        return Asked::Waiting { answered: small(answered), needed: small(needed) };
    }
    let said = |picture: &Picture| scenario.when.due_by_facts(&moments.facts(service, picture, moves));
    let empty = Picture::default();
    let by = match (weighed.asked, moves) {
        // Nobody was asked: only a condition that needs no vote, such as a raised trigger, holds.
        (false, _) => &empty,
        (true, true) if mutants::on(Mutant::NarrowMoves) => weighed.picture,
        (true, true) => weighed.wide,
        (true, false) => weighed.picture,
    };
    match said(by) {
        Some(due) if due.holds(now.mono) => return Asked::Holds,
        Some(due) => return Asked::Early(due.from.since(now.mono)),
        None => {}
    }
    if !weighed.asked {
        return Asked::NotYet;
    }
    if moves && said(weighed.picture).is_some_and(|due| due.holds(now.mono)) {
        return Asked::Narrow;
    }
    if answered < needed {
        return Asked::Waiting { answered: small(answered), needed: small(needed) };
    }
    Asked::Disagree
}

/// Whether it cannot be built upon where it is active: out of reach though it may live, or accused until just now and
/// not seen well since.
pub(super) fn ails(service: &Service) -> bool {
    let stands = service.known.active.and_then(|at| service.worst.get(at.index()).copied().flatten());
    let accused = matches!(service.incident.stage(), Stage::Open | Stage::Recovering);
    let unproven = accused && service.blind.since.is_some();
    unproven || stands.is_some_and(|level| level >= Level::Unreachable)
}

/// The first service that this one depends on that is down where this one is, though a witness may say that it lives, or
/// was and is not known to be well again, or that is moving.
fn waits_for(service: &Service, state: &State) -> Option<ServiceId> {
    let here = service.share.region?;
    service.depends_on.iter().copied().find(|&id| {
        state.service(id).is_some_and(|other| {
            let moving = other.known.record.as_ref().and_then(|record| record.running);
            let moving = moving.is_some_and(|(_, kind)| kind == PlanKind::Failover);
            moving || (other.share.region == Some(here) && (ails(other) || other.share.down))
        })
    })
}

/// What the plan would lose: the newest reading, and the time since. Nothing can be lost by a repair that names no
/// loss and does not promote, or of a service that keeps nothing.
fn loss(
    service: &Service,
    plan: Option<&PlanPolicy>,
    case: Option<&CasePolicy>,
    at: Option<RegionPos>,
    weighed: &Weighed<'_>,
    now: Now,
) -> Option<Option<Span>> {
    let (plan, case, at) = (plan?, case?, at?);
    let promotes = case.promotes;
    let loses = match plan.set.kind {
        PlanKind::Failover => !service.policy.stateless && (promotes || plan.loses),
        PlanKind::Repair => !service.policy.stateless && promotes || plan.loses,
        PlanKind::Rejoin | PlanKind::Inspect => false,
    };
    if !loses {
        return None;
    }
    let parts = &service.policy.parts;
    let asked = service.ask.sent.filter(|_| weighed.asked && weighed.voices.fresh_only);
    let mut worst: Option<Span> = None;
    for &probe in &plan.loss {
        let Some(cell) = parts.cell_in(probe, at, service.known.active) else { continue };
        let Some(found) = parts.cells.get(cell.index()) else { continue };
        let Some((reading, read)) = service.votes.reading(cell, found, weighed.voices, asked) else {
            return Some(None);
        };
        let since = if mutants::on(Mutant::LossAsRead) { Span::ZERO } else { now.mono.since(read) };
        worst = worst.max(Some(reading.plus(since)));
    }
    Some(worst)
}

/// The RPO in force for a scenario: its own, else the objectives of the incident.
fn rpo(service: &Service, scenario: ScenarioPos) -> Option<Span> {
    objectives(service, Some(scenario)).rpo
}

/// The objectives in force: scenario's, else the strictest of the components that are down, else the rung's, else the
/// service's.
pub(crate) fn objectives(service: &Service, scenario: Option<ScenarioPos>) -> Objectives {
    let policy = &service.policy;
    let named = scenario.and_then(|at| policy.scenarios.get(at.index())).map(|scenario| scenario.objectives);
    let mut components = Objectives::default();
    if let Some(at) = service.known.active {
        for (i, component) in policy.components.iter().enumerate() {
            if service.picture.component(crate::ids::ComponentPos::at(i), at).down().is_some() {
                components = components.strictest(component.objectives);
            }
        }
    }
    let rung = service.incident.rung().and_then(|rung| policy.ladder.rung(rung)).map(|rung| rung.objectives);
    named.unwrap_or_default().or(components).or(rung.unwrap_or_default()).or(policy.objectives)
}

fn failovers(state: &State, now: Now) -> u16 {
    let within = state.policy.limits.within;
    let counted = state.failovers.iter().filter(|(_, _, seen)| now.mono.since(*seen) < within).count();
    u16::try_from(counted).unwrap_or(u16::MAX)
}

fn plan_runs(service: &Service, pos: PlanPos, case: &CasePolicy, now: Now) -> Option<(u16, u16, Span)> {
    let rate = case.at_most?;
    let started = |at: Mono| now.mono.since(at) < rate.within;
    let tried = service.known.record.iter().flat_map(|record| &record.tried);
    let runs = tried.filter(|tried| {
        let refused = tried.outcome == Some(crate::agree::Outcome::Refused);
        tried.plan == Some(pos) && !refused && started(tried.seen.started)
    });
    let runs = u16::try_from(runs.count()).unwrap_or(u16::MAX);
    Some((runs, u16::try_from(rate.runs).unwrap_or(u16::MAX), rate.within))
}
