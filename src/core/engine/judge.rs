//! How a service stands by quorum, what its incident makes of that, and whether anybody still knows.

use super::advance::Wake;
use super::drift;
use super::out::Out;
use crate::event::{AnyCell, Event};
use crate::health::Health;
use crate::ids::{ProbePos, RegionPos, RungPos};
use crate::severity::incident::{Holding, Turn};
use crate::severity::{IncidentAnswer, IncidentInput, Stage, incident_cell};
use crate::state::{Moments, Service, Share, State, Visits};
use crate::time::{Mono, Now};
use crate::verdict::standing::earliest;
use crate::verdict::{Level, Tier};

/// Tells of standings that are others than before, and works out what the service adds to its region.
pub(super) fn standings(service: &mut Service, out: &mut Out) {
    for index in 0..service.worst.len() {
        let region = RegionPos::at(index);
        let worst = service.picture.standing(region).worst();
        if worst != service.worst[index] {
            service.worst[index] = worst;
            out.record(service, Event::Standing { region, worst });
        }
    }
    service.share = match service.known.active {
        None => Share::default(),
        Some(at) => {
            let standing = service.picture.standing(at);
            Share {
                region: service.regions.get(at.index()).copied(),
                down: standing.at_least(Level::Down).is_some(),
                gone: standing.at_least(Level::Gone).is_some(),
            }
        }
    };
}

/// Rungs, scenarios, and the incident that follows from them.
pub(super) fn incident(
    service: &mut Service,
    state: &mut State,
    moments: &mut Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let was = (service.incident.stage() == Stage::Open, service.incident.first_failed());
    look(service, state, moments, now, wake, out);
    if (service.incident.stage() == Stage::Open, service.incident.first_failed()) != was {
        // Its age, and what was tried for it, are conditions too.
        moments.fill(service, &state.regions);
        look(service, state, moments, now, wake, out);
    }
    wake.at(service.incident.wake(service.policy.stable));
    blind(service, &mut state.visits, now, wake, out);
    drift::look(service, now, wake, out);
}

/// One look of the incident at what holds.
fn look(
    service: &mut Service,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let holding = conditions(service, state, moments, now, wake);
    let stable = service.policy.stable;
    let input = service.incident.input(holding, stable, now.mono);
    comes_to(service, &mut state.visits, input, out);
    let turn = service.incident.advance(holding, stable, now.mono);
    if turn != Turn::Same {
        let (number, rung) = (service.incident.number(), service.incident.rung());
        out.record(service, Event::Incident { number, turn, rung });
    }
}

/// Says what the incident's table says.
pub(super) fn comes_to(
    service: &mut Service,
    visits: &mut Visits,
    input: IncidentInput,
    out: &mut Out,
) -> IncidentAnswer {
    let stage = service.incident.stage();
    out.impossible(service, visits.mark(AnyCell::Incident(stage, input)));
    incident_cell(stage, input)
}

/// Looks at every rung and scenario: what holds, and when the next may.
fn conditions(service: &mut Service, state: &State, moments: &Moments, now: Now, wake: &mut Wake) -> Holding {
    let mut clauses = core::mem::take(&mut service.clauses);
    let mut scenarios = core::mem::take(&mut service.scenarios);
    let policy = &service.policy;
    let facts = moments.facts(service, &service.picture, false);
    let mut holding = Holding::default();
    let mut first: Option<Mono> = None;
    let mut left = &mut clauses[..];
    for (i, rung) in policy.ladder.rungs().iter().enumerate() {
        let Some(when) = &rung.when else { continue };
        let (mine, rest) = left.split_at_mut(when.clauses().len());
        left = rest;
        let (Some(due), trouble) = when.look(&facts, mine, now.mono) else { continue };
        if due.holds(now.mono) {
            holding.rung = holding.rung.max(Some(RungPos::at(i)));
            first = earliest(first, trouble);
        } else {
            wake.at(Some(due.from));
        }
    }
    for (scenario, kept) in policy.scenarios.iter().zip(&mut scenarios) {
        let (mine, rest) = left.split_at_mut(scenario.when.clauses().len());
        left = rest;
        let (due, trouble) = scenario.when.look(&facts, mine, now.mono);
        kept.from = due.map(|due| due.from);
        let holds = due.is_some_and(|due| due.holds(now.mono));
        let so = due.map_or(now.mono, |due| due.since);
        kept.arming.advance(holds, so, policy.stable, now.mono);
        if let Some(due) = due {
            if holds {
                holding.rung = holding.rung.max(scenario.severity);
                first = earliest(first, trouble);
            } else {
                wake.at(Some(due.from));
            }
        }
    }
    (service.clauses, service.scenarios) = (clauses, scenarios);
    holding.holds = first.is_some();
    holding.first_failed = trouble(service, state).or(first);
    holding
}

/// When the first sample of the trouble in sight failed: by quorum, or by what this observer only suspects.
fn trouble(service: &Service, state: &State) -> Option<Mono> {
    let at = service.known.active?;
    let trust = state.trust.lost();
    let mut first = service.picture.standing(at).at_least(Level::Trouble);
    // An open incident has been dated when it was opened; where nothing at all is accused there is nothing to date.
    let dated = service.incident.stage() == Stage::Open && first.is_some();
    if dated || state.accused == 0 || state.trust.isolated().is_some() {
        return first;
    }
    for (i, part) in service.policy.parts.probes.iter().enumerate() {
        let cell = service
            .policy
            .parts
            .cell_in(ProbePos::at(i), at, Some(at))
            .filter(|_| part.tier == Tier::Trigger);
        let slot = cell.and_then(|cell| service.mine(cell)).and_then(|probe| state.probes.get(probe.index()));
        let Some(slot) = slot else { continue };
        if matches!(slot.debounced.health(trust), Health::Suspect | Health::Down) {
            let since = slot.debounced.since(trust);
            first = Some(first.map_or(since, |first| first.min(since)));
        }
    }
    first
}

/// An active region that no quorum knows to be up, and that no incident is about, is a page.
fn blind(service: &mut Service, visits: &mut Visits, now: Now, wake: &mut Wake, out: &mut Out) {
    let Some(at) = service.known.active else {
        service.blind.since = None;
        return;
    };
    if service.picture.standing(at).up.is_some() {
        service.blind.since = None;
        if core::mem::take(&mut service.blind.told) {
            out.record(service, Event::Seeing(at));
        }
        return;
    }
    let since = *service.blind.since.get_or_insert(now.mono);
    let page = since + service.policy.blind_page;
    if page > now.mono {
        wake.at(Some(page));
    } else if !service.blind.told
        && comes_to(service, visits, IncidentInput::BlindPage, out) == IncidentAnswer::Page
    {
        service.blind.told = true;
        out.record(service, Event::Blind(at));
    }
}
