//! Facts in the coordinator, as they are seen. Names become places here; what this policy does not know is refused
//! with an event, and nothing that was known is lost by it.

use alloc::vec::Vec;

use super::out::Out;
use super::{acting, advance, mark, watch};
use crate::agree::{Ask, Claim, Raised, Record, RunId, Vote};
use crate::decide::cooldown::Last;
use crate::decide::gates::Holder;
use crate::decide::scenario::Tried;
use crate::event::{AnyCell, Event, Refusal};
use crate::ids::{Name, ServiceId};
use crate::input::Seen;
use crate::mutants::{self, Mutant};
use crate::severity::IncidentInput;
use crate::state::acting::Acting;
use crate::state::{AskState, RecordKnown, Service, State, TriedKnown};
use crate::time::{Mono, Now};

/// A fact in the coordinator has changed.
pub(super) fn seen(state: &mut State, seen: Seen, now: Now, out: &mut Out) {
    let id = match &seen {
        Seen::Pulse(who, revision, pulse) => {
            return acting::session::pulse(state, who, *revision, *pulse);
        }
        Seen::Velocity(revision, velocity) => return acting::velocity(state, *revision, velocity, now),
        Seen::Record(id, ..)
        | Seen::Claim(id, ..)
        | Seen::Vote(id, ..)
        | Seen::Ask(id, ..)
        | Seen::Trigger(id, ..) => *id,
    };
    if state.service(id).is_none() {
        // What is still said of a service that a new config has dropped is no news.
        if id.index() >= state.services.len() {
            out.refuse(state, Refusal::NoSuchService);
        }
        return;
    }
    match seen {
        Seen::Record(_, revision, record) => self::record(state, id, revision, record, now, out),
        Seen::Claim(_, revision, claim) => self::claim(state, id, revision, claim),
        Seen::Vote(_, revision, who, vote) => self::vote(state, id, revision, &who, vote, now, out),
        Seen::Ask(_, revision, ask) => self::ask(state, id, revision, &ask, now, out),
        Seen::Trigger(_, revision, name, raised) => trigger(state, id, revision, name, raised, now, out),
        Seen::Pulse(..) | Seen::Velocity(..) => {}
    }
}

fn vote(
    state: &mut State,
    id: ServiceId,
    revision: u64,
    who: &Name,
    vote: Option<Vote>,
    now: Now,
    out: &mut Out,
) {
    let Some(seat) = state.policy.observer(who) else {
        return out.refuse(state, Refusal::UnknownObserver(who.clone()));
    };
    if seat == state.me() {
        // What we say is known here first; what the coordinator holds of it is learned when it is written, or lost.
        if vote.is_none() {
            return acting::ballot::withdrawn(state, id, revision, now, out);
        }
        return out.refuse(state, Refusal::NotMyVote(seat));
    }
    let Some(service) = state.service_mut(id) else { return };
    let taken = match vote {
        Some(vote) => service.votes.tell(seat, revision, vote.hash, vote.answers, &vote.says, now.mono),
        None => service.votes.withdraw(seat, revision),
    };
    if taken {
        if mutants::on(Mutant::AgeFromArrival) && service.ask.sent.is_some() {
            service.ask.sent = Some(now.mono);
        }
        mark(state, id);
    }
}

fn claim(state: &mut State, id: ServiceId, revision: u64, claim: Option<Claim>) {
    let me = state.me();
    let session = claim.as_ref().map(|claim| claim.session);
    let holder = match claim {
        None => Holder::Nobody,
        Some(claim) => match state.policy.observer(&claim.holder) {
            Some(who) if who == me => Holder::Me,
            who => Holder::Other(who),
        },
    };
    let Some(service) = state.service_mut(id) else { return };
    if revision > service.known.claim_revision {
        service.known.claim_revision = revision;
        service.known.holder = holder;
        service.known.session = session;
        mark(state, id);
    }
}

fn ask(state: &mut State, id: ServiceId, revision: u64, ask: &Ask, now: Now, out: &mut Out) {
    let Some(service) = state.service_mut(id) else { return };
    let sent = ask.age.map(|age| now.mono.before(age));
    if (revision, ask.number) == (service.ask.revision, service.ask.number) {
        // Who watches may hear of an ask of ours before its answer says when it was sent.
        if service.ask.sent.is_none() && sent.is_some() {
            service.ask.sent = sent;
            mark(state, id);
        }
        return;
    }
    if revision > service.ask.revision && ask.number > service.ask.number {
        service.ask = AskState { revision, number: ask.number, seen: now.mono, sent, ..AskState::default() };
        // What was looked at again for an older ask was not for this one.
        watch::refresh_service(state, id, out);
        mark(state, id);
    }
}

fn trigger(
    state: &mut State,
    id: ServiceId,
    revision: u64,
    name: Name,
    raised: Option<Raised>,
    now: Now,
    out: &mut Out,
) {
    let Some(service) = state.service_mut(id) else { return };
    let place = service.policy.trigger(name.as_str());
    let Some(known) = place.and_then(|at| service.known.raised.get_mut(at.index())) else {
        return out.refuse(state, Refusal::UnknownTrigger(name));
    };
    if revision > known.0 {
        // Raised since the earlier of what was known and what is told now: a repeated raise does not start anew.
        let since = raised.map(|raised| now.mono.before(raised.age));
        *known = (revision, since.map(|since| known.1.map_or(since, |before| before.min(since))));
        mark(state, id);
    }
}

/// Whether a record of that revision is no news.
pub(super) fn knows(service: &Service, revision: u64) -> bool {
    let read = service.acting.as_deref().is_none_or(|acting| acting.read >= revision);
    read && service.known.record_revision >= revision
}

fn record(
    state: &mut State,
    id: ServiceId,
    revision: u64,
    record: Option<alloc::boxed::Box<Record>>,
    now: Now,
    out: &mut Out,
) {
    let Some(service) = state.service_mut(id) else { return };
    // The coordinator is another than the one that was read before, and knows of none.
    let none = revision == 0 && record.is_none();
    let forgets = |acting: &Acting| none && acting.read == 0 && acting.record.is_some();
    if let Some(acting) =
        service.acting.as_deref_mut().filter(|acting| acting.read < revision || forgets(acting))
    {
        // Whoever may write the next one keeps the whole of it.
        let head = |record: Option<&Record>| {
            record.and_then(|record| record.head.as_ref()).map(|head| (head.number, head.acknowledged))
        };
        let said = match (head(acting.record.as_deref()), head(record.as_deref())) {
            (Some((old, before)), Some((new, after))) => old == new && after > before,
            _ => false,
        };
        (acting.read, acting.record) = (revision, record.clone());
        if said {
            acting::acknowledged(state, id, now);
        }
        mark(state, id);
    }
    let Some(service) = state.service_mut(id) else { return };
    let gone = none && service.known.record_revision == 0 && service.known.record.is_some();
    if revision <= service.known.record_revision && !gone {
        return;
    }
    service.known.record_revision = revision;
    let automatic: Vec<RunId> = record.as_ref().map_or(Vec::new(), |record| record.automatic.clone());
    let before = service.known.record.take();
    let head = record.as_ref().and_then(|record| record.head.as_deref()).map(|head| {
        let rung = head.rung.as_ref().and_then(|name| service.policy.ladder.find(name.as_str()));
        (head.number, rung)
    });
    let known = record.map(|record| places(service, &record, before.as_ref(), now.mono));
    let (stage, number) = (service.incident.stage(), service.incident.number());
    let higher = known.as_ref().is_some_and(|record| record.incident > number);
    if let Some(record) = &known {
        service.incident.learn_number(record.incident);
    }
    if let Some((number, rung)) = head {
        let fresh = before.as_ref().is_none_or(|before| before.incident != number);
        // A story that we have closed ourselves is over; the holder says so next.
        if service.incident.is_open() || (fresh && number >= service.incident.number()) {
            service.incident.go_on(number, rung, now.mono);
        }
    }
    if higher {
        state.visits.note(AnyCell::Incident(stage, IncidentInput::Number));
    }
    let ran = before.as_ref().and_then(|r| r.running).is_some();
    let runs = known.as_ref().and_then(|r| r.running).is_some();
    state.runs = (state.runs + u32::from(runs)).saturating_sub(u32::from(ran));
    let counted = state.failovers.len();
    count_failovers(state, id, &automatic, now.mono);
    take(state, id, before, known, now.mono, out);
    if ran == runs && counted == state.failovers.len() {
        mark(state, id);
    } else {
        // Others wait for this one's move, and for room under the limits over all services.
        super::every_service(state);
    }
}

/// Puts a new record in force, and moves everything that hangs on where the service is active.
fn take(
    state: &mut State,
    id: ServiceId,
    before: Option<RecordKnown>,
    known: Option<RecordKnown>,
    now: Mono,
    out: &mut Out,
) {
    let Some(service) = state.service_mut(id) else { return };
    let only = crate::state::only_region(&service.policy);
    let active = match &known {
        Some(record) => service.policy.region(&record.active),
        None => only,
    };
    let unknown = known.as_ref().filter(|_| active.is_none()).map(|record| record.active.clone());
    let moved = active != service.known.active;
    let epoch = known.as_ref().map(|record| record.epoch);
    let raised = epoch != before.as_ref().map(|record| record.epoch);
    service.known.record = known;
    service.known.active = active;
    service.known.learned = service.known.learned.or(active.map(|_| now));
    if moved {
        // How long a condition has held belongs to the region in which it held.
        service.clauses.fill(None);
        service.announced = None;
    }
    if let (Some(epoch), true) = (epoch, moved || raised) {
        out.record(service, Event::Active { region: active, epoch });
    }
    if let Some(name) = unknown {
        out.refuse(state, Refusal::UnknownRegion(name));
    }
    if moved {
        if let Some(active) = active {
            watch::became_active(state, id, active, now, out);
        }
        watch::refresh_service(state, id, out);
        advance::dependents(state, id);
    }
}

/// A record in places. What it says of the past is dated from when this core first saw it.
fn places(service: &Service, record: &Record, before: Option<&RecordKnown>, now: Mono) -> RecordKnown {
    let policy = &service.policy;
    let last = record.last_failover.as_ref().map(|failover| {
        let known =
            before.and_then(|b| b.last).filter(|(id, _)| *id == failover.id).and_then(|(_, last)| last.ended);
        let ended = failover.outcome.map(|outcome| match known {
            Some((same, seen)) if same == outcome => (outcome, seen),
            Some(_) | None => (outcome, now),
        });
        (failover.id, Last { ended, acknowledged: failover.acknowledged })
    });
    let tried = record.tried.iter().map(|tried| {
        let known: Option<&TriedKnown> =
            before.and_then(|b| b.tried.iter().find(|known| known.run == tried.run));
        let ended = tried.outcome.map(|_| known.and_then(|known| known.seen.ended).unwrap_or(now));
        TriedKnown {
            run: tried.run,
            plan: policy.plan(tried.plan.as_str()),
            scenario: tried.scenario.as_ref().and_then(|s| policy.scenario(s.as_str())),
            incident: tried.incident,
            outcome: tried.outcome,
            seen: Tried { started: known.map_or(now, |known| known.seen.started), ended },
        }
    });
    RecordKnown {
        active: record.active.clone(),
        epoch: record.epoch,
        running: record.run.as_ref().map(|run| (run.id, run.kind)),
        beside: !record.beside.is_empty(),
        quarantined: record.quarantined.clone(),
        gate: record.gate.clone(),
        last,
        paused: record.paused,
        maintenance: record.maintenance,
        evacuates: record.request.as_ref().is_some_and(|request| request.why.is_evacuation()),
        incident: record.incident,
        tried: tried.collect(),
    }
}

/// Automatic failovers that the records name, dated from when this core first saw them.
fn count_failovers(state: &mut State, id: ServiceId, automatic: &[RunId], now: Mono) {
    for &run in automatic {
        if !state.failovers.iter().any(|(service, known, _)| *service == id && *known == run) {
            state.failovers.push((id, run, now));
        }
    }
    // What no record names any more is forgotten once it cannot count.
    let within = state.policy.limits.within;
    state.failovers.retain(|(service, run, seen)| {
        *service != id || automatic.contains(run) || now.since(*seen) < within
    });
}
