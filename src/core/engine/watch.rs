//! Samples, reference points, and what this observer may say of its own probes. Steady samples pass through here
//! without an allocation, a heap operation, or a look at their service.

use super::out::Out;
use super::{ask, every_service, mark};
use crate::event::{Event, Refusal};
use crate::health::self_trust::{Round, Turn};
use crate::health::{Blindness, Health, Outcome, Pace, Sample};
use crate::ids::{CellPos, ProbeId, RegionPos, ServiceId};
use crate::mutants::{self, Mutant};
use crate::severity::Stage;
use crate::state::{Service, Slot, State, Timer};
use crate::time::{Mono, Now, Span};
use crate::verdict::standing::ProbePart;
use crate::verdict::{Myself, Role, Say};
use alloc::vec::Vec;

/// A probe has a result.
pub(super) fn sample(state: &mut State, sample: Sample, now: Now, out: &mut Out) {
    let Some(slot) = state.probes.get(sample.probe.index()).filter(|slot| !slot.gone) else {
        return out.refuse(state, Refusal::NoSuchProbe(sample.probe));
    };
    if sample.ended < sample.began || sample.ended > now.mono {
        return out.refuse(state, Refusal::Impossible(sample.probe));
    }
    let (id, cell) = (slot.service, slot.cell);
    let Some(service) = state.service(id) else {
        return out.refuse(state, Refusal::NoSuchService);
    };
    let outcome = match sample.outcome {
        Outcome::Ok { .. } | Outcome::Failed(_) if !state.trust.believes(sample.began) => {
            Outcome::Blind(Blindness::Isolated)
        }
        Outcome::Failed(_)
            if parent_health(&state.probes, service, cell, state.trust.lost()) == Health::Down =>
        {
            Outcome::Blind(Blindness::ParentDown)
        }
        outcome => outcome,
    };
    let Some(policy) = service.policy.probes.get(probe_of(service, cell)) else { return };
    let witness = witness(service, cell);
    let first_look = ask::refreshed(service, slot.debounced.seen(), sample.began);
    let asked = ask::waits_for(service, sample.began) || first_look;
    let stage = service.incident.stage();
    let debounce = policy.debounce;
    let trust = state.trust.lost();
    let Some(slot) = state.probes.get_mut(sample.probe.index()) else { return };
    let reads = witness || sample.reading.is_some() || slot.debounced.reading().is_some();
    let before = slot.debounced.settled(trust);
    let change = slot.debounced.tell(&debounce, trust, sample.began, sample.ended, outcome, sample.reading);
    if change.late {
        return;
    }
    if !slot.watched && slot.debounced.can_go_stale() {
        slot.watched = true;
        let due = slot.debounced.seen() + debounce.stale_after();
        // A sample that comes when it is old already is looked at at once, and is no stall of ours.
        state.timers.set(due.max(now.mono), Timer::Stale(sample.probe));
    }
    // Nobody is accused by it, so nothing else would ask; and with our own link down every probe says just this.
    if sample.outcome == Outcome::Blind(Blindness::NoRoute) && state.trust.may_doubt(now.mono) {
        want(state, now.mono);
    }
    // A reading is only news while somebody weighs it; else it is enough to have it ready.
    let weighed = reads && stage != Stage::None;
    if !change.view && !asked && !weighed {
        if reads {
            say(state, id, cell);
        }
        if slot_pace_is_current(state, sample.probe) {
            return;
        }
    }
    if change.first_failure {
        want(state, now.mono);
    }
    let settled = state.probes[sample.probe.index()].debounced.settled(trust);
    if change.fell {
        want(state, now.mono);
        await_proof(state, id);
    }
    if before != settled {
        let since = state.probes[sample.probe.index()].debounced.since(trust);
        record_health(state, id, cell, settled, since, out);
    }
    parent_changed(state, id, cell, change.fell, out);
    refresh(state, sample.probe, out);
    mark(state, id);
}

fn slot_pace_is_current(state: &State, probe: ProbeId) -> bool {
    let Some(slot) = state.probes.get(probe.index()) else { return true };
    match state.service(slot.service) {
        Some(service) => pace(state, slot, service) == slot.pace,
        None => true,
    }
}

/// A check of the reference points has ended.
pub(super) fn references(state: &mut State, round: Round, reached: u8, now: Now, out: &mut Out) {
    let turn = state.trust.heard(round, reached, now.mono);
    if turn == Turn::Unasked {
        return out.refuse(state, Refusal::UnaskedReferences(round.0));
    }
    trust_turned(state, turn, now, out);
    advance_trust(state, now, out);
}

/// What this observer makes of itself has changed.
pub(super) fn trust_turned(state: &mut State, turn: Turn, now: Now, out: &mut Out) {
    match turn {
        Turn::Same | Turn::Unasked => {}
        Turn::Proven => proven(state, out),
        Turn::Lost(why) => {
            out.record_own(state, Event::Isolated(why));
            refresh_all(state, out);
            advance_trust(state, now, out);
        }
        Turn::Regained => {
            out.record_own(state, Event::Trusted);
            refresh_all(state, out);
            proven(state, out);
        }
    }
}

/// A good check: those who wait for one look again. Whoever may have waited for a later one than this stays in the
/// list until the newest that was wanted has come.
fn proven(state: &mut State, out: &mut Out) {
    let satisfied = match (state.wanted, state.trust.proven()) {
        (Some(wanted), Some(proven)) => proven >= wanted,
        (None, _) => true,
        (Some(_), None) => !state.trust.settings().has_points(),
    };
    let waiting = core::mem::take(&mut state.awaiting);
    for &id in &waiting {
        refresh_service(state, id, out);
        mark(state, id);
    }
    if satisfied {
        state.wanted = None;
        for id in waiting {
            if let Some(service) = state.service_mut(id) {
                service.awaiting = false;
            }
        }
    } else {
        state.awaiting = waiting;
    }
}

/// Sends a check of the reference points, if one is due.
#[inline]
pub(super) fn advance_trust(state: &mut State, now: Now, out: &mut Out) {
    if !state.trust.rests(state.wanted, state.accused > 0, now.mono) {
        look_at_trust(state, now, out);
    }
}

fn look_at_trust(state: &mut State, now: Now, out: &mut Out) {
    if !state.trust.settings().has_points() {
        state.wanted = None;
    }
    let (round, turn) = state.trust.advance(state.wanted, state.accused > 0, now.mono);
    if let Some(round) = round {
        out.check(round);
    }
    if turn != Turn::Same {
        trust_turned(state, turn, now, out);
    }
    let wake = state.trust.wake(state.wanted, state.accused > 0);
    if round.is_none() && turn == Turn::Same {
        state.trust.rest(state.wanted, state.accused > 0, wake);
    }
    state.timers.set_self_trust(wake);
}

/// A check of the reference points is wanted that is sent at or after this.
pub(super) fn want(state: &mut State, after: Mono) {
    state.wanted = state.wanted.max(Some(after));
}

/// The service waits for a good check.
pub(super) fn await_proof(state: &mut State, id: ServiceId) {
    if let Some(service) = state.service_mut(id)
        && !service.awaiting
    {
        service.awaiting = true;
        state.awaiting.push(id);
    }
}

/// A probe's timer: if it has really got stale, nothing is known of it any more.
pub(super) fn stale(state: &mut State, probe: ProbeId, now: Now, out: &mut Out) {
    let trust = state.trust.lost();
    let Some(slot) = state.probes.get(probe.index()).filter(|slot| !slot.gone) else { return };
    let (id, cell) = (slot.service, slot.cell);
    let Some(service) = state.service(id) else { return };
    let Some(policy) = service.policy.probes.get(probe_of(service, cell)) else { return };
    let due = slot.debounced.seen() + policy.debounce.stale_after();
    let slot = &mut state.probes[probe.index()];
    if !slot.debounced.can_go_stale() {
        slot.watched = false;
    } else if due > now.mono {
        state.timers.set(due, Timer::Stale(probe));
    } else {
        slot.watched = false;
        let was = slot.debounced.settled(trust);
        slot.debounced.forget(trust);
        if was != Health::Unknown {
            record_health(state, id, cell, Health::Unknown, now.mono, out);
        }
        parent_changed(state, id, cell, false, out);
        refresh(state, probe, out);
        mark(state, id);
    }
}

/// A region has become the active one. What watched there for drift was right to say that it took no writes: that is no
/// failure of the active region, and is not where its trouble began. It is looked at anew.
pub(super) fn became_active(state: &mut State, id: ServiceId, at: RegionPos, now: Mono, out: &mut Out) {
    let trust = state.trust.lost();
    let Some(service) = state.service(id) else { return };
    let parts = &service.policy.parts;
    let watches = |part: &&ProbePart| part.drift && part.role == Role::Active;
    let cells =
        parts.probes.iter().filter(watches).filter_map(|part| part.cells.get(at.index()).copied().flatten());
    let mine: Vec<(CellPos, ProbeId)> = cells.filter_map(|cell| Some((cell, service.mine(cell)?))).collect();
    for (cell, probe) in mine {
        let Some(slot) = state.probes.get_mut(probe.index()) else { continue };
        let was = slot.debounced.settled(trust);
        if !matches!(slot.debounced.health(trust), Health::Down | Health::Suspect) {
            continue;
        }
        slot.debounced.forget(trust);
        if was != Health::Unknown {
            record_health(state, id, cell, Health::Unknown, now, out);
        }
        parent_changed(state, id, cell, false, out);
    }
}

/// Everything about one probe that hangs on its health: whether it is accused, what is said of it, how often it runs.
pub(super) fn refresh(state: &mut State, probe: ProbeId, out: &mut Out) {
    let trust = state.trust.lost();
    let Some(slot) = state.probes.get_mut(probe.index()) else { return };
    let accused = !slot.gone && matches!(slot.debounced.health(trust), Health::Suspect | Health::Down);
    if accused != slot.accused {
        slot.accused = accused;
        state.accused = if accused { state.accused + 1 } else { state.accused.saturating_sub(1) };
    }
    if slot.gone {
        return;
    }
    let (id, cell) = (slot.service, slot.cell);
    say(state, id, cell);
    repace(state, probe, out);
}

/// Tells the shell how often to run a probe, if that is another than it was told.
pub(super) fn repace(state: &mut State, probe: ProbeId, out: &mut Out) {
    let Some(slot) = state.probes.get(probe.index()) else { return };
    let Some(service) = state.service(slot.service) else { return };
    let wanted = pace(state, slot, service);
    if wanted == slot.pace {
        return;
    }
    if let Some(policy) = service.policy.probes.get(probe_of(service, slot.cell)) {
        out.pace(probe, policy, wanted);
    }
    state.probes[probe.index()].pace = wanted;
}

fn pace(state: &State, slot: &Slot, service: &Service) -> Pace {
    if !service.policy.parts.runs(slot.cell, service.known.active) {
        return Pace::Rest;
    }
    if ask::waits_for_probe(service, slot.cell, &slot.debounced) {
        return Pace::AtOnce;
    }
    match slot.debounced.pace(state.trust.lost()) {
        // Somebody failed: by the time it is decided, a witness must have said whether it has heard of it since.
        Pace::Steady if service.incident.stage() == Stage::Blip && witness(service, slot.cell) => Pace::Fast,
        pace => pace,
    }
}

/// Whether what stands in a cell says that a region lives.
fn witness(service: &Service, cell: CellPos) -> bool {
    let part = service.policy.parts.probes.get(probe_of(service, cell));
    part.is_some_and(|part| part.witness_of.is_some())
}

/// The pace of those that say that a region lives.
pub(super) fn repace_witnesses(state: &mut State, id: ServiceId, out: &mut Out) {
    let Some(service) = state.service(id) else { return };
    for index in 0..service.own.len() {
        let cell = CellPos::at(index);
        let of_witness = state.services[id.index()]
            .as_deref()
            .filter(|service| witness(service, cell))
            .and_then(|service| service.mine(cell));
        if let Some(probe) = of_witness {
            repace(state, probe, out);
        }
    }
}

/// All that this observer says of a service, anew.
pub(super) fn refresh_service(state: &mut State, id: ServiceId, out: &mut Out) {
    let Some(service) = state.service(id) else { return };
    for index in 0..service.own.len() {
        let probe =
            state.services[id.index()].as_deref().and_then(|service| service.mine(CellPos::at(index)));
        if let Some(probe) = probe {
            refresh(state, probe, out);
        }
    }
}

fn refresh_all(state: &mut State, out: &mut Out) {
    for index in 0..state.services.len() {
        refresh_service(state, ServiceId::at(index), out);
    }
    every_service(state);
}

/// Writes into our own vote what we say of one cell.
pub(super) fn say(state: &mut State, id: ServiceId, cell: CellPos) {
    let me = state.me();
    let myself = match state.service(id) {
        Some(service) => myself(state, service, cell),
        None => return,
    };
    if let Some(service) = state.service_mut(id) {
        service.votes.say_myself(me, cell, myself);
    }
}

/// What this observer may say of one cell: nothing while isolated; nothing of a probe whose parent is in doubt or that
/// has just succeeded; `down` only after a good check of the reference points since the last strike.
fn myself(state: &State, service: &Service, cell: CellPos) -> Myself {
    let unknown = Myself { say: Say::Unknown, since: Mono::BOOT, fresh: false, reading: None };
    let Some(slot) = service.mine(cell).and_then(|probe| state.probes.get(probe.index())) else {
        return unknown;
    };
    if state.trust.isolated().is_some() && !mutants::on(Mutant::IsolatedVotes) {
        return unknown;
    }
    let trust = state.trust.lost();
    let parent = parent_health(&state.probes, service, cell, trust);
    let doubted = matches!(parent, Health::Down | Health::Suspect);
    let said = match slot.debounced.health(trust) {
        Health::Up => Say::Up,
        Health::Slow if !doubted => Say::Slow,
        Health::Down
            if !doubted
                && !slot.debounced.answers_again(trust)
                && state.trust.proves(slot.debounced.struck()) =>
        {
            Say::Down
        }
        Health::Unknown | Health::Suspect | Health::Slow | Health::Down => Say::Unknown,
    };
    let seen = slot.debounced.seen();
    // A witness that reads no age says that what it depends on lived when it was looked at. What a promotion would lose
    // is never taken for nothing because nothing was read.
    let loss = service.policy.parts.probes.get(probe_of(service, cell)).is_some_and(|part| part.loss);
    let heard = (witness(service, cell) && !loss).then_some(Span::ZERO);
    Myself {
        say: said,
        since: slot.debounced.since(trust),
        fresh: service.ask.sampling.is_some_and(|from| seen >= from),
        reading: slot.debounced.reading().or(heard).map(|value| (value, seen)),
    }
}

/// The health of what stands before a cell's probe, in the same region or in none; `Up` without a parent.
fn parent_health(probes: &[Slot], service: &Service, cell: CellPos, trust: u32) -> Health {
    let Some(at) = service.policy.parts.cells.get(cell.index()) else { return Health::Up };
    let parent = service.policy.probes.get(at.probe.index()).and_then(|probe| probe.parent);
    let Some(part) = parent.and_then(|parent| service.policy.parts.probes.get(parent.index())) else {
        return Health::Up;
    };
    let beside = at.region.and_then(|region| part.cells.get(region.index()).copied().flatten());
    let slot =
        beside.or(part.nowhere).and_then(|cell| service.mine(cell)).and_then(|p| probes.get(p.index()));
    slot.map_or(Health::Up, |slot| slot.debounced.health(trust))
}

/// What stands behind a probe is no evidence while it is in doubt; when it falls, what they had begun is dropped.
fn parent_changed(state: &mut State, id: ServiceId, cell: CellPos, fell: bool, out: &mut Out) {
    let Some(service) = state.service(id) else { return };
    let Some(at) = service.policy.parts.cells.get(cell.index()).copied() else { return };
    let policy = alloc::sync::Arc::clone(&service.policy);
    let Some(parent) = policy.probes.get(at.probe.index()) else { return };
    let trust = state.trust.lost();
    for child in &parent.children {
        let Some(part) = policy.parts.probes.get(child.index()) else { continue };
        let beside = part
            .cells
            .iter()
            .enumerate()
            .filter(|(region, _)| at.region.is_none_or(|at| at.index() == *region));
        for cell in beside.filter_map(|(_, cell)| *cell).chain(part.nowhere) {
            let Some(probe) = state.services[id.index()].as_deref().and_then(|s| s.mine(cell)) else {
                continue;
            };
            if fell {
                state.probes[probe.index()].debounced.distrust(trust);
            }
            refresh(state, probe, out);
        }
    }
}

fn record_health(state: &mut State, id: ServiceId, cell: CellPos, now: Health, since: Mono, out: &mut Out) {
    if let Some(service) = state.service_mut(id)
        && let Some(at) = service.policy.parts.cells.get(cell.index()).copied()
    {
        out.record(service, Event::Health { probe: at.probe, region: at.region, now, since });
    }
}

fn probe_of(service: &Service, cell: CellPos) -> usize {
    service.policy.parts.cells.get(cell.index()).map_or(usize::MAX, |cell| cell.probe.index())
}
