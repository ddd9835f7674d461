//! What would be done now, and what every gate says of it. Nothing is started here: a decision ends as
//! `would start` or `blocked by`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::advance::Wake;
use super::ask;
use super::out::Out;
use crate::decide::candidate::{self, Candidate};
use crate::decide::cooldown::{Cooldown, cooldown};
use crate::decide::gates::{Asked, Cap, Gate, Mode, Reason, Situation};
use crate::decide::scenario::{Contender, Scenario, Spent, which_acts};
use crate::decide::{By, Gates};
use crate::event::{Decided, Event, Wish};
use crate::ids::{CellPos, PlanPos, RegionPos, ScenarioPos, ServiceId};
use crate::plan::{Case, PlanKind};
use crate::policy::{CasePolicy, PlanPolicy, Policy};
use crate::severity::Objectives;
use crate::state::{Announced, Moments, Service, State};
use crate::time::{Mono, Now, Span};
use crate::verdict::{Counted, Level, Picture, Role};

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
    let counted =
        if valid { Counted::answers(service.votes.answered(service.ask.number)) } else { Counted::all() };
    let (parts, active) = (&service.policy.parts, service.known.active);
    asked.draw(parts, &service.votes, active, counted, now.mono);
    let wide = if parts.cells.iter().all(|cell| cell.wide) {
        None
    } else {
        wide.draw(parts, &service.votes, active, counted.wide(), now.mono);
        Some(&*wide)
    };
    let picture = &*asked;
    let few = moves(service, plan) && valid && counted.who.count() < policy.everybody().majority();
    let (voices, known) = if few { (Counted::all(), &service.picture) } else { (counted, picture) };
    Weighed { counted, asked: valid, picture, wide: wide.unwrap_or(picture), voices, known }
}

/// Decides anew, and tells if the decision has another shape than before.
pub(super) fn decide(
    service: &mut Service,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let (decided, gates) = match chosen(service, &state.policy, now, wake) {
        None => {
            service.announced = None;
            (Decided::Nothing, None)
        }
        Some((scenario, plan)) => {
            let (mut asked, mut wide) = (core::mem::take(&mut state.asked), core::mem::take(&mut state.wide));
            let weighed = weigh(service, &state.policy, plan, now, &mut asked, &mut wide);
            let moves = moves(service, plan);
            let at = if moves { None } else { place(service, moments, scenario) };
            let case = case_for(service, plan, at, &weighed);
            let wish = Wish { scenario, plan, case: case.map(|(case, _)| case) };
            let candidate = case.and_then(|(_, candidate)| candidate);
            let situation =
                situation(service, state, moments, Wanted { wish, candidate, by: By::Itself }, &weighed, now);
            let gates = look(service, wish, situation, now, wake);
            later(service, state, &gates, now, wake);
            (state.asked, state.wide) = (asked, wide);
            let decided =
                if gates.open() { Decided::WouldStart(wish) } else { Decided::Blocked(wish, gates.shape()) };
            (decided, Some(gates))
        }
    };
    match (gates, service.gates.as_deref_mut()) {
        (Some(gates), Some(kept)) => *kept = gates,
        (gates, _) => service.gates = gates.map(Box::new),
    }
    if decided != service.decided {
        service.decided = decided;
        out.record(service, Event::Decided(decided));
    }
}

/// Looks at every gate; what only the time for a veto holds back is announced, once.
fn look(service: &mut Service, wish: Wish, situation: Situation, now: Now, wake: &mut Wake) -> Gates {
    let gates = Gates::look(&situation);
    let others = gates.shape() & !bit(Gate::Veto);
    let announced = service.announced.filter(|announced| match others {
        0 => announced.wish == wish,
        // Whoever asks anew waits for answers: that is no other announcement.
        _ => others & !on_answers() == 0 && announced.wish.scenario == wish.scenario,
    });
    service.announced = match announced {
        None if others == 0 && situation.veto > Span::ZERO => Some(Announced { wish, since: now.mono }),
        announced => announced,
    };
    if let Some(announced) = service.announced {
        wake.at(Some(announced.since + situation.veto));
    }
    Gates::look(&Situation { veto: veto_left(service, &situation, now), ..situation })
}

/// What is left of the time for a veto.
fn veto_left(service: &Service, situation: &Situation, now: Now) -> Span {
    let gone = service.announced.map_or(Span::ZERO, |announced| now.mono.since(announced.since));
    situation.veto.less(gone)
}

const fn bit(gate: Gate) -> u32 {
    1 << gate as u32
}

/// Gates that block while answers to a new ask are waited for.
const fn on_answers() -> u32 {
    bit(Gate::Quorum)
        | bit(Gate::Candidate)
        | bit(Gate::EveryRegionDown)
        | bit(Gate::DataLoss)
        | bit(Gate::Requires)
}

/// What every gate says of a wish at this moment: their numbers change without anything happening.
pub(crate) fn gates_now(service: &Service, state: &State, wish: Wish, now: Now) -> Gates {
    let (mut asked, mut wide, mut moments) = (Picture::default(), Picture::default(), Moments::default());
    moments.fill(service, &state.regions);
    let weighed = weigh(service, &state.policy, wish.plan, now, &mut asked, &mut wide);
    let candidate = case_for(service, wish.plan, None, &weighed).and_then(|(_, candidate)| candidate);
    let wanted = Wanted { wish, candidate, by: By::Itself };
    let situation = situation(service, state, &moments, wanted, &weighed, now);
    Gates::look(&Situation { veto: veto_left(service, &situation, now), ..situation })
}

/// When a gate that blocks now may open by itself.
fn later(service: &Service, state: &State, gates: &Gates, now: Now, wake: &mut Wake) {
    let ask = &service.ask;
    if ask.number > 0 {
        wake.at(Some(ask.seen + state.policy.ask.times(3) + Span::micros(1)));
    }
    for (_, reason) in gates.blocking() {
        match reason {
            Reason::NotYet { left } => wake.at(Some(now.mono + left)),
            Reason::Cooling(Cooldown::Left(left)) => wake.at(Some(now.mono + left)),
            Reason::TooFast { within, .. } => {
                wake.at(state
                    .failovers
                    .iter()
                    .map(|(_, _, seen)| *seen + within)
                    .filter(|at| *at > now.mono)
                    .min());
            }
            Reason::TooOften { within, .. } => {
                let record = service.known.record.iter().flat_map(|record| &record.tried);
                wake.at(record.map(|tried| tried.seen.started + within).filter(|at| *at > now.mono).min());
            }
            _ => {}
        }
    }
}

/// The scenario that acts, and its plan: of those that hold, have a plan, and have not acted this time.
fn chosen(service: &Service, policy: &Policy, now: Now, wake: &mut Wake) -> Option<(ScenarioPos, PlanPos)> {
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (i, scenario) in service.policy.scenarios.iter().enumerate() {
        let pos = ScenarioPos::at(i);
        let kept = service.scenarios.get(i)?;
        let (Some(_), Some(plan)) = (kept.arming.holds(), scenario.plan) else { continue };
        match kept.arming.spent(service.newest_try(pos), scenario.again, now.mono) {
            Spent::No => {}
            Spent::Until(at) => {
                wake.at(Some(at));
                continue;
            }
            Spent::Running | Spent::UntilQuiet => continue,
        }
        let kind = service.policy.plans.get(plan.index())?.set.kind;
        contenders.push(Contender { pos, scenario, kind, mode: mode(policy, service, scenario).0 });
    }
    let winner = which_acts(&contenders)?;
    Some((winner.pos, winner.scenario.plan?))
}

/// The mode in force: the lowest of top, service and scenario, and who lowered it.
pub(crate) fn mode(policy: &Policy, service: &Service, scenario: &Scenario) -> (Mode, Cap) {
    let caps = [(policy.mode, Cap::Top), (service.policy.mode, Cap::Service), (scenario.mode, Cap::Scenario)];
    caps.into_iter().min_by_key(|(mode, _)| *mode).unwrap_or((Mode::Observe, Cap::Top))
}

fn moves(service: &Service, plan: PlanPos) -> bool {
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
    if policy.set.kind != PlanKind::Failover {
        return Some((Case::At(at.unwrap_or(active)), None));
    }
    let others = (0..service.policy.regions.len()).map(RegionPos::at).filter(|at| *at != active);
    let known = others.map(|region| candidate::Known {
        region,
        standing: weighed.known.standing(region),
        quarantined: service.quarantined(region),
        requires: requires(service, policy, region, weighed.known).map(|missing| missing.is_none()),
        has_case: policy.case(Case::Move { from: active, to: region }).is_some(),
    });
    let best = candidate::best(known)?;
    Some((Case::Move { from: active, to: best.region }, Some(best)))
}

/// The first probe that the plan requires and that is not known to be up in a region; none if it requires nothing there.
fn requires(
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

/// All that the gates look at, for one wish.
pub(crate) fn situation(
    service: &Service,
    state: &State,
    moments: &Moments,
    wanted: Wanted,
    weighed: &Weighed<'_>,
    now: Now,
) -> Situation {
    let Wanted { wish, candidate, by } = wanted;
    let policy = &state.policy;
    let scenario = service.policy.scenarios.get(wish.scenario.index());
    let plan = service.policy.plans.get(wish.plan.index());
    let kind = plan.map_or(PlanKind::Inspect, |plan| plan.set.kind);
    let planned = false;
    let case = wish.case.and_then(|case| plan.and_then(|plan| plan.case(case)));
    let acts_in = wish.case.map(Case::acts_in);
    let record = service.known.record.as_ref();
    let mode =
        scenario.map_or((Mode::Observe, Cap::Scenario), |scenario| self::mode(policy, service, scenario));
    Situation {
        kind,
        by,
        planned,
        adopted: record.is_some() && service.known.active.is_some(),
        mode,
        asked: scenario.map_or(Asked::Disagree, |scenario| {
            asked(service, policy, moments, scenario, kind, weighed, now)
        }),
        paused: record.is_some_and(|record| record.paused),
        maintenance: record.is_some_and(|record| record.maintenance) || state.maintenance(service, now.wall),
        holder: service.known.holder,
        witness: policy.am_witness(),
        isolated: state.trust.isolated().map(|(why, _)| why),
        has_references: state.trust.settings().has_points(),
        running: record.and_then(|record| record.running).map(|(_, kind)| kind),
        policies: {
            let same = service.votes.agreeing().and(policy.me).count();
            let all = service.votes.present().and(policy.me).count();
            (small(same), small(all.saturating_sub(same)))
        },
        drift: service
            .drift
            .filter(|(_, since)| now.mono.since(*since) >= service.policy.drift_after)
            .map(|(at, _)| at),
        candidate,
        waits_for: waits_for(service, state),
        all_down: (0..service.policy.regions.len())
            .all(|at| weighed.known.standing(RegionPos::at(at)).at_least(Level::Down).is_some()),
        loss: loss(service, plan, case, acts_in, weighed, now),
        rpo: rpo(service, wish.scenario),
        unfenced: case.is_some_and(|case| !case.fenced),
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
    let (answered, needed) = (weighed.counted.who.count(), policy.everybody().majority());
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

/// The first service that this one depends on that is down where this one is, or is moving.
fn waits_for(service: &Service, state: &State) -> Option<ServiceId> {
    let here = service.share.region?;
    service.depends_on.iter().copied().find(|&id| {
        state.service(id).is_some_and(|other| {
            let moving = other.known.record.as_ref().and_then(|record| record.running);
            let moving = moving.is_some_and(|(_, kind)| kind == PlanKind::Failover);
            moving || (other.share.region == Some(here) && other.share.down)
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
    let mut worst: Option<Span> = None;
    for &probe in &plan.loss {
        let Some(cell) = parts.cell_in(probe, at, service.known.active) else { continue };
        let Some(found) = parts.cells.get(cell.index()) else { continue };
        let Some((reading, read)) = service.votes.reading(cell, found, weighed.voices) else {
            return Some(None);
        };
        worst = worst.max(Some(reading.plus(now.mono.since(read))));
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
