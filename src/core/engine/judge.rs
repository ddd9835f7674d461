//! How a service stands by quorum, what its incident makes of that, and whether anybody still knows.

use super::advance::Wake;
use super::out::Out;
use crate::agree::{RecordInput, RecordState};
use crate::event::{AnyCell, Event};
use crate::health::Health;
use crate::ids::{CellPos, ProbePos, RegionPos, RungPos};
use crate::severity::incident::{Holding, Turn};
use crate::severity::{IncidentAnswer, IncidentInput, Stage, incident_cell};
use crate::state::{Moments, Service, Share, State, Visits};
use crate::time::{Mono, Now};
use crate::verdict::{Level, Say, Tier};

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
    drift(service, now, wake, out);
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
            first = first.into_iter().chain(trouble).min();
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
                first = first.into_iter().chain(trouble).min();
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

/// Another region than the recorded one takes writes.
fn drift(service: &mut Service, now: Now, wake: &mut Wake, out: &mut Out) {
    let seen = service.known.active.and_then(|active| {
        // That nobody can say any more whether it takes writes is no reason to say that it is over.
        let told = service.drift.map(|(at, _)| at).filter(|at| service.drift_told && *at != active);
        let unproved = told.filter(|at| writable(service, *at) == Say::Unknown);
        unproved.or_else(|| writable_elsewhere(service, active))
    });
    if service.drift.is_some_and(|(at, _)| seen != Some(at)) {
        // A record that is gone, with a coordinator that was restored, is no cell of this.
        if service.known.record.is_some() {
            out.saw(AnyCell::Record(of_record(service), RecordInput::DriftOver));
        }
        if core::mem::take(&mut service.drift_told) && seen.is_none() {
            out.record(service, Event::DriftOver);
        }
    }
    service.drift = match (seen, service.drift) {
        (Some(at), Some((same, since))) if at == same => Some((at, since)),
        (Some(at), _) => Some((at, now.mono)),
        (None, _) => None,
    };
    let Some((at, since)) = service.drift else { return };
    let due = since + service.policy.drift_after;
    if due > now.mono {
        wake.at(Some(due));
    } else if !service.drift_told {
        out.saw(AnyCell::Record(of_record(service), RecordInput::DriftSeen));
        service.drift_told = true;
        out.record(service, Event::Drifted(at));
    }
}

/// What the record is, as far as people were told of drift.
fn of_record(service: &Service) -> RecordState {
    let record = service.known.record.as_ref();
    let runs = record.is_some_and(|record| record.running.is_some());
    RecordState::of(record.is_some(), runs, service.drift_told)
}

/// A region, other than the active one, of which a quorum says that it takes writes.
fn writable_elsewhere(service: &Service, active: RegionPos) -> Option<RegionPos> {
    watched(service).find_map(|(region, say)| (region != active && takes_writes(say)).then_some(region))
}

/// Slowly or not, it does.
const fn takes_writes(say: Say) -> bool {
    matches!(say, Say::Up | Say::Slow)
}

/// Whether that region takes writes: it does if any of what watches says so, and does not if all do.
fn writable(service: &Service, at: RegionPos) -> Say {
    let mut all = watched(service).filter(|(region, _)| *region == at).map(|(_, say)| say);
    all.try_fold(Say::Down, |so_far, say| match say {
        Say::Up | Say::Slow => Err(Say::Up),
        Say::Down => Ok(so_far),
        Say::Unknown => Ok(Say::Unknown),
    })
    .unwrap_or_else(|up| up)
}

/// What a quorum says of each region by each probe that watches for drift.
fn watched(service: &Service) -> impl Iterator<Item = (RegionPos, Say)> {
    let parts = &service.policy.parts;
    let cells = if parts.has_drift { parts.cells.as_slice() } else { &[] };
    cells.iter().enumerate().filter_map(|(i, cell)| {
        let watches = parts.probes.get(cell.probe.index()).is_some_and(|part| part.drift);
        let region = cell.region.filter(|_| watches)?;
        Some((region, service.picture.cell(CellPos::at(i)).say))
    })
}
