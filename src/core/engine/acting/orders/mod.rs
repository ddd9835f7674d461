//! Operators: every verb, in every state, has exactly one answer, and what is answered "done" is durable.
//!
//! Here an order is taken, waits for its turn, and is answered; what it comes to is said by [`verbs`]. Nothing here may
//! answer an order twice, or forget one that was taken.

mod record;
mod starts;
mod to_run;
mod verbs;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::flight::{Wish, send};
use crate::agree::{ClaimState, Guard, Purpose, Write};
use crate::effect::Effect;
use crate::engine::advance::Wake;
use crate::engine::mark;
use crate::engine::out::Out;
use crate::event::Event;
use crate::ids::{Name, ServiceId};
use crate::order::{Order, OrderId, Refused, Reply, Verb};
use crate::plan::RunId;
use crate::plan::saga::{RunInput, Why};
use crate::state::acting::{About, Acting, Pending};
use crate::state::{Many, Moments, Service, State};
use crate::time::{Now, Span};
pub(crate) use starts::asks_for;
pub(super) use starts::on_approval;
use to_run::{approves, to_run};
use verbs::{carry_out, heard_by_wish};

/// So many orders to one service may wait.
const MOST: usize = 16;
/// An order that could not be carried out in so long is refused: whoever gave it looks again.
const LONGEST: Span = Span::secs(90);

/// An operator said something.
pub(in crate::engine) fn ordered(state: &mut State, order: Order, now: Now, out: &mut Out) {
    if state.seat.cluster.is_none() || !state.seat.reached {
        return reply(state, None, &order, Reply::Refused(Refused::NoCoordinator), out);
    }
    if state.seat.leaving {
        return reply(state, None, &order, Reply::Refused(Refused::Leaving), out);
    }
    if let Some(id) = order.service {
        return one(state, id, order, now, out);
    }
    let all: Vec<ServiceId> = match &order.verb {
        Verb::Evacuate { region } => state
            .services()
            .filter(|service| is_active_in(service, region))
            .map(|service| service.id)
            .collect(),
        Verb::Pause | Verb::Resume => state.services().map(|service| service.id).collect(),
        Verb::Failover { .. }
        | Verb::Failback { .. }
        | Verb::Run { .. }
        | Verb::Approve { .. }
        | Verb::ApproveStep { .. }
        | Verb::Veto
        | Verb::Abort { .. }
        | Verb::Retry { .. }
        | Verb::Skip { .. }
        | Verb::Tick { .. }
        | Verb::HandOver { .. }
        | Verb::Adopt { .. }
        | Verb::Release { .. }
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => {
            return reply(state, None, &order, Reply::Refused(Refused::WhichService), out);
        }
    };
    if all.is_empty() {
        return reply(state, None, &order, Reply::SoAlready, out);
    }
    state.many.push(Many { order: order.clone(), left: all.len(), worst: None });
    for id in all {
        one(state, id, order.clone(), now, out);
    }
}

fn is_active_in(service: &Service, region: &Name) -> bool {
    service.known.record.as_ref().is_some_and(|record| record.active == *region)
}

/// An order to one service: waits for its turn.
fn one(state: &mut State, id: ServiceId, order: Order, now: Now, out: &mut Out) {
    let Some(service) = state.service_mut(id) else {
        return reply(state, None, &order, Reply::Refused(Refused::NoSuchService), out);
    };
    let Some(acting) = service.acting.as_deref_mut() else {
        return reply(state, Some(id), &order, Reply::Refused(Refused::NoCoordinator), out);
    };
    if acting.orders.len() + acting.notes.len() >= MOST {
        return reply(state, Some(id), &order, Reply::Refused(Refused::Busy), out);
    }
    acting.orders.push(Pending { order, since: now.mono, taken: None, doubt: false });
    mark(state, id);
}

/// Answers an order once: one that was said to many services when the last of them has answered.
pub(super) fn reply(state: &mut State, id: Option<ServiceId>, order: &Order, reply: Reply, out: &mut Out) {
    if let Some(service) = id.and_then(|id| state.service_mut(id)) {
        told(service, order, &reply, out);
    }
    answer(&mut state.many, order, reply, out);
}

fn told(service: &mut Service, order: &Order, reply: &Reply, out: &mut Out) {
    let (who, from, verb) = (order.who.clone(), order.from.clone(), order.verb.word());
    out.record(service, Event::Ordered { order: order.id, who, from, verb, reply: Box::new(reply.clone()) });
}

fn answer(many: &mut Vec<Many>, order: &Order, reply: Reply, out: &mut Out) {
    let Some(at) = many.iter().position(|many| many.order.id == order.id).filter(|_| order.service.is_none())
    else {
        return out.effects.push(Effect::Reply { order: order.id, reply });
    };
    let of = &mut many[at];
    of.left = of.left.saturating_sub(1);
    match (&of.worst, &reply) {
        (Some(Reply::Refused(_)), _) | (Some(_), Reply::SoAlready) => {}
        (Some(Reply::InDoubt), Reply::Done | Reply::Queued | Reply::Started(_)) => {}
        (_, _) => of.worst = Some(reply),
    }
    if of.left == 0 {
        let many = many.remove(at);
        let reply = many.worst.unwrap_or(Reply::Done);
        out.effects.push(Effect::Reply { order: many.order.id, reply });
    }
}

/// Events are durable: so are the notes that are among them.
pub(in crate::engine::acting) fn recorded(state: &mut State, id: ServiceId, upto: u64, out: &mut Out) {
    let acting = state.service_mut(id).and_then(|service| service.acting.as_deref_mut());
    let Some(acting) = acting else { return };
    let durable = acting.notes.iter().take_while(|(seq, _)| *seq <= upto).count();
    let durable: Vec<_> = acting.notes.drain(..durable).collect();
    for (_, noted) in durable {
        reply(state, Some(id), &noted.order, Reply::Done, out);
    }
}

/// The service that an order was said to is not there any more.
pub(in crate::engine::acting) fn answered_without(state: &mut State, order: &Order, out: &mut Out) {
    answer(&mut state.many, order, Reply::Refused(Refused::NoSuchService), out);
}

/// The claim is lost: what a run was told and is not durable was never said. Such an order is looked at anew, by
/// whoever holds nothing now.
pub(super) fn forget(acting: &mut Acting) {
    for pending in &mut acting.orders {
        pending.taken = None;
    }
}

/// What is on its way is not waited for any more: whether the order that it carries was done, nobody here learns.
pub(in crate::engine::acting) fn doubt(acting: &mut Acting, about: &About) {
    let of = match about {
        About::Order(order) => Some(*order),
        About::Start(starting) => starting.order,
        About::Itself | About::Vote(..) | About::Ask(_) | About::Journal(..) | About::End(..) => None,
    };
    for pending in acting.orders.iter_mut().filter(|pending| Some(pending.order.id) == of) {
        pending.doubt = true;
    }
}

/// What is to become of the first order that waits.
enum Next {
    /// It is answered.
    Reply(Reply),
    /// It waits.
    Wait,
    /// The record becomes another one, or what is beside it.
    Change(Vec<Write>),
    /// It is on its way.
    Sent,
    /// It is done when the event of that number is durable.
    Noted(u64),
}

/// Carries out the first order that waits, if nothing is on its way.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    while let Some((_, noted)) = acting.notes.first() {
        let late = noted.since + LONGEST;
        if late > now.mono {
            wake.at(Some(late));
            break;
        }
        let (_, noted) = acting.notes.remove(0);
        finish(service, acting, state, &noted.order, Reply::InDoubt, out);
    }
    while let Some(first) = acting.orders.first() {
        let (order, since, taken) = (first.order.clone(), first.since, first.taken);
        let doubt = first.doubt;
        // What only changes the record is found there, or done again.
        let next = if doubt && order.verb.acts() {
            Next::Reply(Reply::InDoubt)
        } else if let Some(run) = taken {
            settled(acting, run)
        } else if acting.flight.is_some() {
            meanwhile(service, acting, state, &order, now, wake)
        } else {
            carry_out(service, acting, state, moments, &order, since, now, wake, out)
        };
        match next {
            Next::Reply(reply) => finish(service, acting, state, &order, reply, out),
            Next::Change(writes) => {
                change(service, acting, state, &order, writes, now, out);
                return;
            }
            Next::Sent => return,
            Next::Noted(seq) => {
                let pending = acting.orders.remove(0);
                acting.notes.push((seq, pending));
            }
            Next::Wait if now.mono >= since + LONGEST && (doubt || on_its_way(acting, order.id)) => {
                finish(service, acting, state, &order, Reply::InDoubt, out);
            }
            Next::Wait if now.mono >= since + LONGEST => {
                let why = match acting.claim {
                    _ if !state.seat.reached => Refused::NoCoordinator,
                    ClaimState::Holding => Refused::Overtaken,
                    ClaimState::Idle | ClaimState::Taking | ClaimState::Restoring | ClaimState::Frozen => {
                        Refused::NoHolder
                    }
                };
                finish(service, acting, state, &order, Reply::Refused(why), out);
            }
            Next::Wait => return wake.at(Some(since + LONGEST)),
        }
    }
}

/// While something is on its way: a run hears what is said to it, a wish that is being started is settling, and the rest
/// waits.
fn meanwhile(
    service: &Service,
    acting: &mut Acting,
    state: &mut State,
    order: &Order,
    now: Now,
    wake: &mut Wake,
) -> Next {
    if !super::claim::holds(acting, state, now.mono) || on_its_way(acting, order.id) {
        return Next::Wait;
    }
    let starts = acting.flight.as_ref().is_some_and(|flight| flight.txn.id.purpose == Purpose::Start);
    if !starts {
        return to_run(acting, state, order, now, wake).unwrap_or(Next::Wait);
    }
    let input = match &order.verb {
        Verb::Approve { accepts } => Some(approves(accepts)),
        verb => heard_by_wish(verb),
    };
    let Some(input) = input else { return Next::Wait };
    super::wish::reaches(service, acting, state, input);
    if input == RunInput::Pause {
        Next::Wait
    } else {
        Next::Reply(Reply::Refused(Refused::Run(Why::Settling)))
    }
}

/// Answers the first order, and forgets it.
pub(super) fn finish(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    order: &Order,
    reply: Reply,
    out: &mut Out,
) {
    acting.orders.retain(|pending| pending.order.id != order.id);
    told(service, order, &reply, out);
    answer(&mut state.many, order, reply, out);
}

fn on_its_way(acting: &Acting, order: OrderId) -> bool {
    acting.flight.as_ref().is_some_and(|flight| match &flight.about {
        About::Order(of) => *of == order,
        About::Start(starting) => starting.order == Some(order),
        About::Itself | About::Vote(..) | About::Ask(_) | About::Journal(..) | About::End(..) => false,
    })
}

/// What a run was told is durable when it has nothing left to write.
fn settled(acting: &Acting, run: RunId) -> Next {
    match acting.runs.iter().find(|carried| carried.run.start().run == run) {
        Some(carried) if carried.run.is_writing() => Next::Wait,
        Some(_) | None => Next::Reply(Reply::Done),
    }
}

fn change(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    order: &Order,
    writes: Vec<Write>,
    now: Now,
    out: &mut Out,
) {
    let Some(session) = state.seat.session.id() else { return };
    let mut guards = vec![Guard::Session(session), Guard::Record(acting.read)];
    if acting.claim == ClaimState::Holding {
        guards.push(Guard::Claim(acting.created));
    }
    let wish = Wish::new(Purpose::Change, guards, writes).about(About::Order(order.id));
    send(acting, service, wish, now, out);
}
