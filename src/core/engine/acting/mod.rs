//! What this observer does beside watching: it keeps a session, votes, holds claims, asks, starts and carries runs.
//!
//! Level-triggered like everything here: whatever happened, one look at what is ([`look`], then [`advance`] when the
//! decision is there). Nothing in here may hand anything to the outside whose intent is not durable, or without the
//! right to act as of this moment; one transaction of a service is on its way at a time.

mod asking;
pub(super) mod ballot;
mod claim;
mod flight;
mod foreign;
mod home;
mod looks;
mod orders;
pub(super) mod running;
pub(super) mod session;
mod starting;
mod upkeep;
mod wish;

#[cfg(test)]
mod tests;

pub(crate) use looks::look_by;
pub(crate) use orders::asks_for;

use alloc::sync::Arc;

use super::advance::Wake;
use super::mark;
use super::out::Out;
use super::start::Decision;
use crate::agree::{Answer, Claim, ClaimInput, ClaimState, Guard, Purpose, Txn, TxnId, Velocity, Write};
use crate::authority::SessionId;
use crate::effect::Effect;
use crate::event::Event;
use crate::ids::ServiceId;
use crate::order::{Order, Reply};
use crate::plan::Entry;
use crate::plan::saga::{Cell, Commit, Heard, Run, RunInput, RunState};
use crate::state::acting::{About, Carried};
use crate::state::{Moments, Service, State};
use crate::time::{Now, Span};
use flight::Landed;

/// A journal that could not be read is looked for again so often.
const READ_AGAIN: Span = Span::secs(5);

/// An operator said something.
pub(super) fn ordered(state: &mut State, order: Order, now: Now, out: &mut Out) {
    orders::ordered(state, order, now, out);
}

/// Looks at the claim, before anything is decided by it.
pub(super) fn look(service: &mut Service, state: &State, now: Now, out: &mut Out) {
    let Some(mut acting) = service.acting.take() else { return };
    claim::look(service, &mut acting, state, now, out);
    foreign::look(&mut acting);
    service.known.foreign = acting.foreign.is_some();
    service.known.acts = claim::acts(&acting, state, now.mono);
    service.acting = Some(acting);
}

/// One look at what is: what is carried goes on, and then at most one transaction goes out.
pub(super) fn advance(
    service: &mut Service,
    state: &mut State,
    moments: &Moments,
    decision: Option<&Decision>,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let Some(mut kept) = service.acting.take() else { return };
    let acting = &mut *kept;
    wake.at(flight::again(acting, state.seat.reached, now.mono, out));
    wake.at(starting::rests(acting));
    running::advance(service, acting, state, now, wake, out);
    if state.seat.reached {
        claim::advance(service, acting, state, now, wake, out);
        reading(service, acting, state, now, wake, out);
        ballot::advance(service, acting, state, now, wake, out);
    }
    // Whoever orders something is answered, also when nothing can be done.
    orders::advance(service, acting, state, moments, now, wake, out);
    if state.seat.reached {
        home::withdraw(service, acting, state, now, out);
        if !home::leaves(service, acting, state, moments, now, wake, out) {
            wish::advance(service, acting, state, decision, now, wake, out);
            if decision.is_none() {
                home::advance(service, acting, state, moments, now, wake, out);
            }
        }
        upkeep::advance(service, acting, state, now, wake, out);
    }
    service.acting = Some(kept);
}

/// Reads record and journals, when they are not known.
fn reading(
    service: &Service,
    acting: &mut crate::state::acting::Acting,
    state: &State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let holds = matches!(acting.claim, ClaimState::Restoring | ClaimState::Holding);
    if holds && acting.flight.is_none() && state.seat.right(now.mono).is_some() && running::must_read(acting)
    {
        let again = acting.unread.map(|(_, at)| at + READ_AGAIN);
        if again.is_some_and(|again| again > now.mono) {
            return wake.at(again);
        }
        let wish = flight::Wish::new(Purpose::Read, alloc::vec::Vec::new(), alloc::vec::Vec::new());
        flight::send(acting, service, flight::Wish { journals: true, ..wish }, now, out);
    }
}

/// Somebody has seen what is paged, wherever that was said.
pub(super) fn acknowledged(state: &mut State, id: ServiceId, now: Now) {
    let Some(mut acting) = state.service_mut(id).and_then(|service| service.acting.take()) else { return };
    running::tell_all(&mut acting, state, &Heard::Acknowledged, now);
    if let Some(service) = state.service_mut(id) {
        service.acting = Some(acting);
    }
}

/// A service is not in the config any more: whoever waits for it is answered, and its claim is free for those who
/// still know it.
pub(super) fn removed(state: &mut State, service: &mut Service, out: &mut Out) {
    let Some(acting) = service.acting.take() else { return };
    for pending in acting.orders.iter().chain(acting.notes.iter().map(|(_, noted)| noted)) {
        orders::answered_without(state, &pending.order, out);
    }
    let holds = matches!(acting.claim, ClaimState::Restoring | ClaimState::Holding | ClaimState::Frozen);
    if let (true, Some(session)) = (holds, state.seat.session.id()) {
        let id = TxnId { service: service.id, purpose: Purpose::GiveUp, number: acting.sent.wrapping_add(1) };
        give_up(id, session, acting.created, out);
    }
}

fn give_up(id: TxnId, session: SessionId, created: u64, out: &mut Out) {
    let guards = alloc::vec![Guard::Session(session), Guard::Claim(created)];
    let txn = Txn { id, guards, writes: alloc::vec![Write::GiveUp], journals: false };
    out.effects.push(Effect::Transact(alloc::boxed::Box::new(txn)));
}

/// What was on its way for a service that is not there any more: a claim that it has got us is given up, and while
/// nobody knows it is looked for. Out of the coordinator's reach our session ends, and the claim with it.
fn dropped(state: &State, id: TxnId, answer: &Answer, out: &mut Out) {
    let Some(session) = state.seat.session.id().filter(|_| state.seat.reached) else { return };
    let id = TxnId { number: id.number.wrapping_add(1), ..id };
    match answer {
        Answer::Committed(found) | Answer::Refused(found) => {
            let ours = |claim: &Claim| claim.session == session && claim.holder == *flight::me(state);
            if found.claim.1.as_ref().is_some_and(ours) {
                give_up(TxnId { purpose: Purpose::GiveUp, ..id }, session, found.claim.0, out);
            }
        }
        Answer::Unknown => {
            let id = TxnId { purpose: Purpose::Read, ..id };
            let (guards, writes) = (alloc::vec::Vec::new(), alloc::vec::Vec::new());
            out.effects.push(Effect::Transact(alloc::boxed::Box::new(Txn {
                id,
                guards,
                writes,
                journals: false,
            })));
        }
    }
}

/// Another policy is in force for a service: runs keep their own plans, and are told.
pub(super) fn reloaded(state: &mut State, id: ServiceId, now: Now) {
    let Some(service) = state.service_mut(id) else { return };
    let Some(mut acting) = service.acting.take() else { return };
    let wish = wish::stands(service, &acting);
    let mut visited: alloc::vec::Vec<Cell> =
        wish.map(|at| Cell::Run(at, RunInput::Reload)).into_iter().collect();
    for carried in &mut acting.runs {
        visited.extend(carried.run.tell(Heard::Reloaded, now.mono).cells);
    }
    // Places may be others now, and what is counted from a moment is counted anew: longer, never shorter.
    acting.well.clear();
    acting.home = None;
    service.acting = Some(acting);
    state.saw(&visited);
}

/// What became of a transaction.
pub(super) fn answered(state: &mut State, id: TxnId, answer: Answer, now: Now, out: &mut Out) {
    let at = id.service;
    if state.service(at).is_none() {
        return dropped(state, id, &answer, out);
    }
    mark(state, at);
    let writes = entries(state, at);
    let Some((landed, about, found)) = flight::answered(state, id, answer, now, out) else { return };
    match (&landed, about) {
        (Landed::Unknown, about) => {
            match &about {
                About::Journal(run, txn, _) | About::End(run, txn) => {
                    running::committed(state, at, *run, *txn, Commit::Unknown, now, out);
                }
                About::Start(_) => wish::visit(state, RunState::Starting, RunInput::Unknown),
                About::Itself if matches!(id.purpose, Purpose::Take | Purpose::GiveUp) => {
                    claim_fed(state, at, ClaimInput::Unknown, out)
                }
                About::Itself | About::Vote(..) | About::Ask(_) | About::Order(_) => {}
            }
            flight::put_back(state, at, about);
        }
        (Landed::Yes, About::Journal(run, txn, length)) => {
            running::journalled(state, at, run, length, &writes, out);
            running::committed(state, at, run, txn, Commit::Committed, now, out);
        }
        (Landed::Yes, About::End(run, txn)) => {
            running::committed(state, at, run, txn, Commit::Committed, now, out);
        }
        (Landed::No, About::Journal(run, txn, _) | About::End(run, txn)) => {
            running::committed(state, at, run, txn, Commit::Refused, now, out);
        }
        (Landed::Yes, About::Start(starting)) => started(state, at, *starting, now, out),
        (Landed::No, About::Start(_)) => {
            // An order looks again at what is now: it is not answered before it was carried out or refused.
            wish::visit(state, RunState::Starting, RunInput::Refused);
            if let Some(acting) = state.service_mut(at).and_then(|service| service.acting.as_deref_mut()) {
                let before = acting.repelled.map_or(0, |(times, _)| times);
                acting.repelled = Some((before.saturating_add(1), now.mono));
            }
        }
        (Landed::Yes, About::Vote(changes, policy, session)) => {
            // What hangs on a session that was let go meanwhile goes with it, and is written again.
            let hangs = state.seat.session.id() == Some(session);
            if let Some(acting) = state.service_mut(at).and_then(|service| service.acting.as_deref_mut()) {
                (acting.ballot.changes, acting.ballot.policy) = (Some(changes).filter(|_| hangs), policy);
                acting.ballot.at = now.mono;
            }
        }
        (Landed::No, About::Vote(..)) => {
            if let Some(acting) = state.service_mut(at).and_then(|service| service.acting.as_deref_mut()) {
                acting.ballot.changes = None;
            }
        }
        (Landed::Yes, About::Ask(ask)) => {
            if let Some(service) = state.service_mut(at) {
                out.record(service, Event::Asked { ask });
            }
        }
        (Landed::Yes, About::Order(order)) => {
            let pending =
                state.service(at).and_then(|service| service.acting.as_deref()).and_then(|acting| {
                    acting.orders.iter().find(|pending| pending.order.id == order).map(|p| p.order.clone())
                });
            if let Some(order) = pending {
                answer_order(state, at, &order, order_done(&order), out);
            }
        }
        (Landed::No, About::Ask(_) | About::Order(_)) => {}
        (_, About::Itself) => itself(state, id, &landed, found.as_deref(), now, out),
    }
}

/// The entries that are on their way, to be told when they are durable.
fn entries(state: &State, id: ServiceId) -> alloc::vec::Vec<Entry> {
    let flight = state.service(id).and_then(|service| service.acting.as_ref()?.flight.as_ref());
    let writes = flight.iter().flat_map(|flight| &flight.txn.writes);
    writes
        .filter_map(|write| match write {
            Write::Append(_, entries) => Some(entries.clone()),
            Write::Vote(_)
            | Write::Claim
            | Write::GiveUp
            | Write::Ask(_)
            | Write::Record(_)
            | Write::Begin(..)
            | Write::Velocity(_)
            | Write::Clear(_) => None,
        })
        .flatten()
        .collect()
}

fn claim_fed(state: &mut State, id: ServiceId, input: ClaimInput, out: &mut Out) {
    let Some(service) = state.service_mut(id) else { return };
    let Some(mut acting) = service.acting.take() else { return };
    claim::feed(service, &mut acting, input, out);
    service.acting = Some(acting);
}

/// What has nothing beside its purpose.
fn itself(
    state: &mut State,
    id: TxnId,
    landed: &Landed,
    found: Option<&crate::agree::Found>,
    now: Now,
    out: &mut Out,
) {
    let at = id.service;
    match (id.purpose, landed) {
        (Purpose::Take | Purpose::GiveUp, Landed::No) => claim_fed(state, at, ClaimInput::Refused, out),
        // That it is ours is found at the next look, from what the answer says; or it was already.
        (Purpose::Take, Landed::Yes) => {
            let restores = |acting: &crate::state::acting::Acting| acting.claim == ClaimState::Restoring;
            if state.service(at).and_then(|service| service.acting.as_deref()).is_some_and(restores) {
                claim_fed(state, at, ClaimInput::Granted, out);
            }
        }
        (Purpose::GiveUp, Landed::Yes) => claim_fed(state, at, ClaimInput::GaveUp, out),
        (Purpose::Read, Landed::Yes) => {
            let Some(found) = found else { return };
            // A read that was in doubt until the claim was lost says nothing of what its next holder has written.
            let journals =
                state.service(at).and_then(|service| service.acting.as_ref()).is_some_and(|acting| {
                    match acting.claim {
                        ClaimState::Restoring => true,
                        ClaimState::Holding => running::must_read(acting),
                        ClaimState::Idle | ClaimState::Taking | ClaimState::Frozen => false,
                    }
                });
            if journals {
                match running::unreadable(found) {
                    Some(run) => running::unread(state, at, run, now, out),
                    None => {
                        running::restore(state, at, found, now, out);
                        claim_fed(state, at, ClaimInput::Read, out);
                    }
                }
            }
        }
        _ => {}
    }
}

/// What an order that only changes the record is answered.
fn order_done(order: &Order) -> Reply {
    match order.verb {
        crate::order::Verb::Evacuate { .. } => Reply::Queued,
        _ => Reply::Done,
    }
}

fn answer_order(state: &mut State, id: ServiceId, order: &Order, reply: Reply, out: &mut Out) {
    if let Some(acting) = state.service_mut(id).and_then(|service| service.acting.as_deref_mut()) {
        acting.orders.retain(|pending| pending.order.id != order.id);
    }
    orders::reply(state, Some(id), order, reply, out);
}

/// A start is durable: the run exists.
fn started(
    state: &mut State,
    id: ServiceId,
    starting: crate::state::acting::Starting,
    now: Now,
    out: &mut Out,
) {
    let Some(service) = state.service_mut(id) else { return };
    let crate::state::acting::Starting { start, plan, order, by_itself } = starting;
    let (run, mode, kind) = (start.run, start.mode, plan.kind());
    let event = Event::Started { run, plan: start.plan.clone(), kind, mode, by_itself };
    let entry = Entry::Started(start.clone());
    out.record(service, event);
    out.record(service, Event::Journalled { run, place: 0, entry: alloc::boxed::Box::new(entry) });
    service.announced = None;
    let Some(acting) = service.acting.as_deref_mut() else { return };
    let carried = acting.runs.iter().any(|carried| carried.run.start().run == run);
    if !carried {
        acting.runs.push(Carried::new(Run::new(Arc::clone(&plan), start, now.mono)));
    }
    (acting.refused, acting.requested, acting.repelled) = (None, None, None);
    let pending = order.and_then(|order| acting.orders.iter().find(|pending| pending.order.id == order));
    let pending = pending.map(|pending| pending.order.clone());
    if let Some(order) = pending {
        answer_order(state, id, &order, Reply::Started(run), out);
    }
}

/// The velocity counter has changed.
pub(super) fn velocity(state: &mut State, revision: u64, velocity: &Velocity, now: Now) {
    if revision <= state.seat.velocity.0 {
        return;
    }
    state.seat.velocity = (revision, velocity.clone());
    let mut any = false;
    for (name, run) in &velocity.started {
        let Some(id) = state.service_id(name.as_str()) else { continue };
        if !state.failovers.iter().any(|(service, known, _)| service == &id && known == run) {
            state.failovers.push((id, *run, now.mono));
            any = true;
        }
    }
    if any {
        super::every_service(state);
    }
}
