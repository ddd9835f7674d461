//! Another policy, the same history: every probe keeps its samples and every id its name. A run is never disturbed: a
//! policy that does not know a service with an unfinished run is not taken.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::out::Out;
use super::{acting, advance, every_service, watch};
use crate::decide::gates::Holder;
use crate::event::{AnyCell, Decided, Event};
use crate::health::{Debounced, Pace};
use crate::ids::{CellPos, Name, ObserverPos, ProbeId, RegionPos, RungPos, ServiceId};
use crate::policy::{Policy, ServicePolicy};
use crate::severity::{Incident, IncidentInput};
use crate::state::{AskState, Blind, Known, Own, ScenarioState, Service, Share, Slot, State};
use crate::time::{Mono, Now};
use crate::verdict::{Condition, Picture, Votes};

/// Puts another policy in force.
pub(super) fn reload(state: &mut State, policy: &Arc<Policy>, now: Now, out: &mut Out) {
    let stranded: Vec<Name> = state
        .services()
        .filter(|service| policy.service(&service.policy.name).is_none())
        .filter(|service| {
            service.known.record.as_ref().is_some_and(|record| record.running.is_some() || record.beside)
        })
        .map(|service| service.policy.name.clone())
        .collect();
    if !stranded.is_empty() {
        return out.record_own(state, Event::ReloadRefused(stranded));
    }
    let old = core::mem::replace(&mut state.policy, Arc::clone(policy));
    state.asked.forget();
    state.wide.forget();
    state.trust.adopt(policy.self_trust);
    let removed = remove(state, policy, now, out);
    room(state);
    let mut added = 0;
    for service in &policy.services {
        let id = state.by_name.service_or_new(&service.name);
        if state.services.len() <= id.index() {
            state.services.resize_with(id.index() + 1, || None);
        }
        let before = match state.services[id.index()].take() {
            Some(kept) => {
                let before = Arc::clone(&kept.policy);
                keep(state, kept, service, &old);
                acting::reloaded(state, id, now);
                Some(before)
            }
            None => {
                added += 1;
                let fresh = new(state, id, service);
                state.services[id.index()] = Some(fresh);
                None
            }
        };
        probes(state, id, before.as_deref(), out);
    }
    for service in &policy.services {
        if let Some(id) = state.by_name.service(service.name.as_str()) {
            let on =
                service.depends_on.iter().filter_map(|name| state.by_name.service(name.as_str())).collect();
            if let Some(service) = state.services[id.index()].as_deref_mut() {
                service.depends_on = on;
            }
            watch::refresh_service(state, id, out);
        }
    }
    let flipped = state.regions.look_again(now.mono);
    advance::tell_regions(state, flipped.into_iter(), out);
    out.record_own(state, Event::Reloaded { added, removed });
    every_service(state);
}

/// Services that the policy does not know: their probes rest, and their region forgets them.
fn remove(state: &mut State, policy: &Policy, now: Now, out: &mut Out) -> u32 {
    let mut removed = 0;
    for index in 0..state.services.len() {
        let gone = |service: &Service| policy.service(&service.policy.name).is_none();
        if !state.services[index].as_deref().is_some_and(gone) {
            continue;
        }
        let Some(mut service) = state.services[index].take() else { continue };
        removed += 1;
        acting::removed(state, &mut service, out);
        let flipped = state.regions.tell(service.share, Share::default(), now.mono);
        advance::tell_regions(state, flipped.into_iter().flatten(), out);
        if service.known.record.as_ref().is_some_and(|record| record.running.is_some()) {
            state.runs = state.runs.saturating_sub(1);
        }
        for probe in service.own.iter().filter_map(|own| own.probe) {
            rest(state, probe, out);
        }
    }
    removed
}

/// A probe that is not in the policy any more: it rests, for good.
fn rest(state: &mut State, probe: ProbeId, out: &mut Out) {
    let Some(slot) = state.probes.get_mut(probe.index()) else { return };
    slot.gone = true;
    slot.pace = Pace::Rest;
    out.effects.push(crate::effect::Effect::Pace { probe, every: None });
    watch::refresh(state, probe, out);
}

fn new(state: &mut State, id: ServiceId, policy: &Arc<ServicePolicy>) -> Box<Service> {
    let mut votes = Votes::new(state.policy.observers.len(), policy.parts.cells.len());
    votes.live_by(policy.hash, state.policy.me);
    Box::new(Service {
        id,
        regions: regions(state, policy),
        depends_on: Box::default(),
        own: vec![Own::default(); policy.parts.cells.len()].into(),
        votes,
        picture: Picture::default(),
        ask: AskState::default(),
        known: Known::new(policy),
        incident: Incident::default(),
        scenarios: vec![ScenarioState::default(); policy.scenarios.len()],
        clauses: vec![None; policy.clauses],
        decided: Decided::Nothing,
        announced: None,
        blind: Blind::default(),
        drift: None,
        drift_told: false,
        share: Share::default(),
        worst: vec![None; policy.regions.len()].into(),
        events: 0,
        armed: None,
        dirty: false,
        awaiting: false,
        acting: state.seat.cluster.is_some().then(Box::default),
        policy: Arc::clone(policy),
    })
}

fn regions(state: &mut State, policy: &ServicePolicy) -> Box<[crate::ids::RegionId]> {
    let of = Arc::clone(&state.policy);
    (policy.regions.iter())
        .map(|name| {
            let lost_at =
                of.regions.iter().find(|region| region.name == *name).map_or(50, |region| region.lost_at);
            state.regions.id(name, lost_at)
        })
        .collect()
}

/// The same service under another policy.
fn keep(state: &mut State, mut service: Box<Service>, policy: &Arc<ServicePolicy>, old: &Policy) {
    let before = Arc::clone(&service.policy);
    let who: Vec<Option<ObserverPos>> =
        state.policy.observers.iter().map(|observer| old.observer(&observer.name)).collect();
    let what: Vec<Option<CellPos>> = (policy.parts.cells.iter())
        .map(|cell| {
            let probe = policy.probes.get(cell.probe.index())?;
            let region = cell.region.map(|at| policy.region_name(at));
            before.cell(probe.name.as_str(), region)
        })
        .collect();
    service.votes = service.votes.carried(&who, &what);
    service.picture.forget();
    service.votes.live_by(policy.hash, state.policy.me);
    if before.hash != policy.hash {
        // What was answered by another policy is answered anew by this one.
        let AskState { revision, number, seen, sent, .. } = service.ask;
        service.ask = AskState { revision, number, seen, sent, ..AskState::default() };
        service.votes.answer_myself(state.policy.me, 0);
    }
    if let Holder::Other(Some(was)) = service.known.holder {
        service.known.holder =
            Holder::Other(who.iter().position(|old| *old == Some(was)).map(ObserverPos::at));
    }
    let same = same_places(&before, policy);
    service.clauses = clauses(&before, policy, &service.clauses, same);
    service.scenarios = (policy.scenarios.iter())
        .map(|scenario| {
            let was = before.scenario(scenario.name.as_str());
            was.and_then(|at| service.scenarios.get(at.index()).copied()).unwrap_or_default()
        })
        .collect();
    let rung = |at: RungPos| before.ladder.rung(at).and_then(|rung| policy.ladder.find(rung.name.as_str()));
    service.incident.renamed(rung, policy.ladder.rungs().len());
    state.visits.note(AnyCell::Incident(service.incident.stage(), IncidentInput::Reload));
    service.known.raised = (policy.triggers.iter())
        .map(|name| {
            let was = before.trigger(name.as_str());
            was.and_then(|at| service.known.raised.get(at.index()).copied()).unwrap_or((0, None))
        })
        .collect();
    let moved = |at: RegionPos| before.regions.get(at.index()).and_then(|name| policy.region(name));
    service.known.renamed(&before, policy);
    service.drift = service.drift.and_then(|(at, since)| moved(at).map(|at| (at, since)));
    service.worst = policy
        .regions
        .iter()
        .map(|name| before.region(name).and_then(|at| service.worst[at.index()]))
        .collect();
    service.regions = regions(state, policy);
    if !same {
        service.announced = None;
    }
    service.policy = Arc::clone(policy);
    let id = service.id;
    state.services[id.index()] = Some(service);
}

/// Whether whatever conditions and wishes name stands where it stood.
fn same_places(before: &ServicePolicy, policy: &ServicePolicy) -> bool {
    let probes = |of: &ServicePolicy| of.probes.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let components = |of: &ServicePolicy| of.components.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let plans = |of: &ServicePolicy| of.plans.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let scenarios = |of: &ServicePolicy| of.scenarios.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    before.regions == policy.regions
        && before.triggers == policy.triggers
        && probes(before) == probes(policy)
        && components(before) == components(policy)
        && plans(before) == plans(policy)
        && scenarios(before) == scenarios(policy)
}

/// How long each clause has held: known of those that are as they were, rungs and scenarios by name.
fn clauses(
    before: &ServicePolicy,
    policy: &ServicePolicy,
    known: &[Option<Mono>],
    same: bool,
) -> Vec<Option<Mono>> {
    let mut was: Vec<(bool, &Name, &Condition, &[Option<Mono>])> = Vec::new();
    let mut left = known;
    for (rung, name, when) in conditions(before) {
        let Some((mine, rest)) = left.split_at_checked(when.clauses().len()) else { break };
        was.push((rung, name, when, mine));
        left = rest;
    }
    let mut now = Vec::with_capacity(policy.clauses);
    for (rung, name, when) in conditions(policy) {
        match was.iter().find(|was| same && (was.0, was.1, was.2) == (rung, name, when)) {
            Some((_, _, _, known)) => now.extend_from_slice(known),
            None => now.extend(when.clauses().iter().map(|_| None)),
        }
    }
    now
}

/// All conditions of a service in the order of its clauses: of rungs, then of scenarios.
fn conditions(policy: &ServicePolicy) -> impl Iterator<Item = (bool, &Name, &Condition)> {
    let rungs = policy.ladder.rungs().iter().filter_map(|r| Some((true, &r.name, r.when.as_ref()?)));
    rungs.chain(policy.scenarios.iter().map(|s| (false, &s.name, &s.when)))
}

/// Gives each cell that this observer can see its probe: the one it had under the same names, or a new one. A probe that
/// went and comes back is a new one: what was in flight for the old one must not land on it.
fn probes(state: &mut State, id: ServiceId, before: Option<&ServicePolicy>, out: &mut Out) {
    let me = state.me();
    let Some(service) = state.services[id.index()].as_deref_mut() else { return };
    let policy = Arc::clone(&service.policy);
    let had = core::mem::take(&mut service.own);
    let mut own = vec![Own::default(); policy.parts.cells.len()];
    for (i, cell) in policy.parts.cells.iter().enumerate().filter(|(_, cell)| cell.viewers.has(me)) {
        let Some(probe) = policy.probes.get(cell.probe.index()) else { continue };
        let region = cell.region.map(|at| policy.region_name(at));
        let was = before.and_then(|before| before.cell(probe.name.as_str(), region));
        let kept = was.and_then(|was| had.get(was.index())).and_then(|own| own.probe);
        let cell = CellPos::at(i);
        let at = match kept {
            Some(at) => at,
            None => {
                let debounced = Debounced::new(&probe.debounce);
                let pace = Pace::Rest;
                let slot =
                    Slot { debounced, service: id, cell, pace, gone: false, watched: false, accused: false };
                state.probes.push(slot);
                ProbeId::at(state.probes.len() - 1)
            }
        };
        own[i].probe = Some(at);
        let slot = &mut state.probes[at.index()];
        slot.debounced.adopt(&probe.debounce);
        slot.cell = cell;
        // The shell is told again: the same pace may mean another interval now.
        slot.pace = Pace::Rest;
    }
    for gone in
        had.iter().filter_map(|own| own.probe).filter(|had| !own.iter().any(|own| own.probe == Some(*had)))
    {
        rest(state, gone, out);
    }
    if let Some(service) = state.services[id.index()].as_deref_mut() {
        service.own = own.into();
    }
}

/// How many probes a policy gives this observer that it did not have: room is made once, and no more than is needed.
fn room(state: &mut State) {
    let me = state.me();
    let cells =
        |service: &Arc<ServicePolicy>| service.parts.cells.iter().filter(|cell| cell.viewers.has(me)).count();
    let wanted: usize = state.policy.services.iter().map(cells).sum();
    let there = state.probes.iter().filter(|slot| !slot.gone).count();
    state.probes.reserve_exact(wanted.saturating_sub(there));
    state.timers.reserve(wanted + state.policy.services.len());
}
