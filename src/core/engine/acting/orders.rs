//! Operators: every verb, in every state, has exactly one answer, and what is answered "done" is durable.
//!
//! Verbs that only change the record are carried out by whichever observer is told; verbs that act need the claim.
//! Nothing here may let an order pass a gate that SAFETY §6 lets nobody pass.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::flight::{Wish, send};
use super::looks::{Look, Query, look_for};
use super::starting::{Begin, send_start};
use crate::agree::{
    ClaimState, Guard, Outcome, Purpose, Record, RecordInput, RecordState, RegionInput, Request, Try, Wanted,
    Where, Write,
};
use crate::authority::Epoch;
use crate::decide::gates::{Gate, Holder, Reason};
use crate::decide::{Answer as Says, By, Mode as Cap};
use crate::effect::Effect;
use crate::engine::advance::Wake;
use crate::engine::mark;
use crate::engine::out::Out;
use crate::event::{AnyCell, Event};
use crate::ids::{Name, PlanPos, RegionPos, ServiceId};
use crate::mutants::{self, Mutant};
use crate::order::{Accepts, Order, OrderId, Refused, Reply, Verb};
use crate::plan::saga::{Answer, Cell, Heard, HeldWhy, RunInput, RunState, Verb as Word, Why};
use crate::plan::{By as Who, Mode, Only, PlanKind, RunId};
use crate::state::acting::{About, Acting, Pending};
use crate::state::{Many, Moments, Service, State};
use crate::time::{Mono, Now, Span};

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
    if acting.orders.len() >= MOST {
        return reply(state, Some(id), &order, Reply::Refused(Refused::Busy), out);
    }
    let epoch = acting.record.as_ref().map(|record| record.epoch);
    acting.orders.push(Pending { order, since: now.mono, epoch, taken: None });
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
    let (order, who) = (order.id, order.who.clone());
    out.record(service, Event::Ordered { order, who, reply: Box::new(reply.clone()) });
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
        (_, _) => of.worst = Some(reply),
    }
    if of.left == 0 {
        let many = many.remove(at);
        let reply = many.worst.unwrap_or(Reply::Done);
        out.effects.push(Effect::Reply { order: many.order.id, reply });
    }
}

/// The claim is lost: what a run was told and is not durable was never said. Such an order is looked at anew, by
/// whoever holds nothing now.
pub(super) fn forget(acting: &mut Acting) {
    for pending in &mut acting.orders {
        pending.taken = None;
    }
}

/// What is to become of the first order that waits.
enum Next {
    /// It is answered.
    Reply(Reply),
    /// It waits.
    Wait,
    /// The record becomes this.
    Change(Box<Record>, Vec<Write>),
    /// It is on its way.
    Sent,
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
    while let Some(first) = acting.orders.first() {
        let (order, since, taken) = (first.order.clone(), first.since, first.taken);
        let next = if let Some(run) = taken {
            settled(acting, run)
        } else if acting.flight.is_some() {
            meanwhile(service, acting, state, &order, now, wake)
        } else {
            carry_out(service, acting, state, moments, &order, since, now, wake, out)
        };
        match next {
            Next::Reply(reply) => finish(service, acting, state, &order, reply, out),
            Next::Change(record, more) => {
                change(service, acting, state, &order, record, more, now, out);
                return;
            }
            Next::Sent => return,
            Next::Wait if now.mono >= since + LONGEST && !on_its_way(acting, order.id) => {
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

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn change(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    order: &Order,
    record: Box<Record>,
    more: Vec<Write>,
    now: Now,
    out: &mut Out,
) {
    let Some(session) = state.seat.session.id() else { return };
    let mut guards = vec![Guard::Session(session), Guard::Record(acting.read)];
    if acting.claim == ClaimState::Holding {
        guards.push(Guard::Claim(acting.created));
    }
    let mut writes = vec![Write::Record(record)];
    writes.extend(more);
    let wish = Wish::new(Purpose::Change, guards, writes).about(About::Order(order.id));
    send(acting, service.id, wish, now, out);
}

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn carry_out(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    if state.seat.session.id().is_none() || !state.seat.reached {
        return Next::Wait;
    }
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    if acting.read != service.known.record_revision || (acting.read == 0 && !acting.looked) {
        // What is changed must be what is there.
        acting.looked = true;
        return read(service, acting, now, out);
    }
    if let Some(input) = heard_by_wish(&order.verb)
        && acting.runs.is_empty()
        && acting.claim == ClaimState::Holding
    {
        super::wish::reaches(service, acting, state, input);
    }
    match &order.verb {
        Verb::Annotate { text } => {
            out.record(service, Event::Annotated { who: order.who.clone(), text: text.clone() });
            Next::Reply(Reply::Done)
        }
        Verb::Clear { trigger } => match service.policy.trigger(trigger.as_str()) {
            None => refuse(Refused::NoSuchTrigger(trigger.clone())),
            Some(at) if service.known.raised.get(at.index()).is_none_or(|(_, since)| since.is_none()) => {
                Next::Reply(Reply::SoAlready)
            }
            Some(_) => match acting.record.clone() {
                Some(record) => Next::Change(record, vec![Write::Clear(trigger.clone())]),
                None => refuse(Refused::NoRecord),
            },
        },
        Verb::Release { region } => on_record(acting, |record| {
            out.saw(AnyCell::Region(super::running::region_state(record, region), RegionInput::Release));
            if !record.quarantined.contains(region) {
                return Err(Refused::NotQuarantined);
            }
            record.quarantined.retain(|other| other != region);
            record.rejoined.retain(|other| other != region);
            Ok(())
        }),
        Verb::Pause => {
            let next = on_record(acting, |record| {
                record.paused = true;
                Ok(())
            });
            if let Next::Change(..) = next {
                for carried in &mut acting.runs {
                    let told = carried.run.tell(Heard::Paused, now.mono);
                    state.saw(&told.cells);
                }
            }
            next
        }
        Verb::Resume => on_record(acting, |record| {
            record.paused = false;
            Ok(())
        }),
        Verb::AcknowledgeIncident => {
            for carried in &mut acting.runs {
                let told = carried.run.tell(Heard::Acknowledged, now.mono);
                state.saw(&told.cells);
            }
            let open = service.incident.is_open();
            let paging = !acting.runs.is_empty();
            let next = on_record(acting, |record| match &mut record.head {
                Some(head) => {
                    head.acknowledged = true;
                    Ok(())
                }
                None if open || paging => Ok(()),
                None => Err(Refused::NothingAsked),
            });
            // The head is written by the holder, soon: whoever acknowledges before waits for it.
            let there = acting.record.as_ref().is_some_and(|record| record.head.is_some());
            if open && !there && acting.claim == ClaimState::Holding { Next::Wait } else { next }
        }
        Verb::AcknowledgeRun { run } => on_record(acting, |record| {
            let last = record.last_failover.as_mut().filter(|last| last.id == *run);
            last.ok_or(Refused::NoSuchRun)?.acknowledged = true;
            Ok(())
        }),
        Verb::Evacuate { region } => evacuate(service, acting, order, region),
        Verb::Veto
        | Verb::Adopt { .. }
        | Verb::Failover { .. }
        | Verb::Failback { .. }
        | Verb::Run { .. }
        | Verb::Approve { .. }
        | Verb::ApproveStep { .. }
        | Verb::Abort { .. }
        | Verb::Retry { .. }
        | Verb::Skip { .. }
        | Verb::Tick { .. }
        | Verb::HandOver { .. } => {
            if acting.claim != ClaimState::Holding {
                return match service.known.holder {
                    Holder::Other(who) => refuse(Refused::HeldBy(who)),
                    Holder::Nobody | Holder::Me | Holder::Frozen => Next::Wait,
                };
            }
            if super::running::must_read(acting) || !super::claim::holds(acting, state, now.mono) {
                return Next::Wait;
            }
            acts(service, acting, state, moments, order, since, now, wake, out)
        }
    }
}

/// What a verb is to a wish that is no run yet. What it matches or not is said where it is weighed.
const fn heard_by_wish(verb: &Verb) -> Option<RunInput> {
    match verb {
        Verb::Veto => Some(RunInput::Veto),
        Verb::Abort { .. } => Some(RunInput::Abort),
        Verb::Retry { .. } => Some(RunInput::Retry),
        Verb::Skip { .. } => Some(RunInput::Skip),
        Verb::HandOver { .. } => Some(RunInput::HandOver),
        Verb::Pause => Some(RunInput::Pause),
        Verb::Failover { .. }
        | Verb::Failback { .. }
        | Verb::Evacuate { .. }
        | Verb::Run { .. }
        | Verb::Approve { .. }
        | Verb::ApproveStep { .. }
        | Verb::Tick { .. }
        | Verb::Adopt { .. }
        | Verb::Release { .. }
        | Verb::Resume
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => None,
    }
}

/// Changes the record, if that changes anything.
fn on_record(acting: &Acting, change: impl FnOnce(&mut Record) -> Result<(), Refused>) -> Next {
    let Some(record) = &acting.record else { return Next::Reply(Reply::Refused(Refused::NoRecord)) };
    let mut next = record.clone();
    match change(&mut next) {
        Err(why) => Next::Reply(Reply::Refused(why)),
        Ok(()) if next == *record => Next::Reply(Reply::SoAlready),
        Ok(()) => Next::Change(next, Vec::new()),
    }
}

fn read(service: &Service, acting: &mut Acting, now: Now, out: &mut Out) -> Next {
    send(acting, service.id, Wish::new(Purpose::Read, Vec::new(), Vec::new()), now, out);
    Next::Sent
}

/// The service is active there, whatever the record says. The epoch grows, so that nothing older is taken for newer.
fn adopt(service: &Service, acting: &Acting, region: &Name) -> Next {
    if service.policy.region(region).is_none() {
        return Next::Reply(Reply::Refused(Refused::NoSuchRegion(region.clone())));
    }
    let above = super::foreign::newest(acting);
    let Some(record) = &acting.record else {
        let record = Record::at_rest(region.clone(), Epoch(above.0 + 1));
        return Next::Change(Box::new(record), Vec::new());
    };
    let foreign = acting.foreign.is_some();
    if let Some(run) = record.run.as_ref().filter(|_| !foreign) {
        return Next::Reply(Reply::Refused(Refused::Running(run.id)));
    }
    if record.active == *region && service.drift.is_none() && !foreign {
        return Next::Reply(Reply::SoAlready);
    }
    let mut next = record.clone();
    next.epoch = Epoch(record.epoch.max(above).0 + 1);
    // What a coordinator forgot or never knew, nobody can go on with: a person has it.
    if let Some(run) = next.run.take() {
        let outcome = Some(Outcome::HandedOver);
        if let Some(last) = next.last_failover.as_mut().filter(|last| last.id == run.id) {
            last.outcome = outcome;
        }
        next.tried.iter_mut().filter(|tried| tried.run == run.id).for_each(|tried| tried.outcome = outcome);
    }
    if foreign {
        // So has what ran beside it, and what it paid for is still owed.
        next.beside.clear();
        next.owes.iter_mut().for_each(|owed| owed.paid = None);
    }
    // What was proved is not proved under this epoch; what loses the role has to prove it first.
    next.rejoined.clear();
    next.quarantined.retain(|other| other != region);
    if record.active != *region && !next.quarantined.contains(&record.active) {
        next.quarantined.push(record.active.clone());
    }
    next.active = region.clone();
    Next::Change(next, Vec::new())
}

/// It is written down that the region is to be left; the holder does so when it is this service's turn.
fn evacuate(service: &Service, acting: &Acting, order: &Order, region: &Name) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let Some(record) = &acting.record else { return refuse(Refused::NoRecord) };
    if record.active != *region {
        return Next::Reply(Reply::SoAlready);
    }
    let plan = match failover_plan(service, None) {
        Ok(plan) => service.policy.plans[plan.index()].name.clone(),
        Err(why) => return refuse(why),
    };
    let why = Wanted::Evacuation(order.who.clone());
    if record.request.as_ref().is_some_and(|request| matches!(request.why, Wanted::Evacuation(_))) {
        return Next::Reply(Reply::SoAlready);
    }
    let mut next = record.clone();
    let number = record.request.as_ref().map_or(0, |request| request.number).max(record.runs) + 1;
    next.request = Some(Box::new(Request {
        number,
        why,
        plan,
        case: Where { from: Some(region.clone()), at: region.clone() },
        way: Only::Planned,
        hash: None,
        epoch: record.epoch,
        policy: service.policy.hash,
        loss: None,
        exposure: false,
        gates: 0,
        given: Vec::new(),
    }));
    Next::Change(next, Vec::new())
}

/// No to what is announced, or to what is requested: remembered as tried, so that it is not wished again at once.
fn veto(service: &mut Service, acting: &Acting) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let announced = service.announced.map(|announced| announced.wish);
    let Some(record) = &acting.record else { return refuse(Refused::NoRecord) };
    if record.run.is_some() && record.request.is_none() && announced.is_none() {
        return refuse(Refused::Run(Why::Running));
    }
    let mut next = record.clone();
    let incident = service.incident.number();
    next.runs += 1;
    let run = RunId(next.runs);
    let outcome = Some(Outcome::Withdrawn);
    if let Some(request) = next.request.take() {
        if let Wanted::Owed(owed) = &request.why {
            // A person says that it is not owed any more.
            next.owes.retain(|of| of.run.0 != *owed);
        }
        let scenario = match &request.why {
            Wanted::Scenario(scenario) => Some(scenario.clone()),
            Wanted::Failback | Wanted::Rejoin | Wanted::Owed(_) | Wanted::Evacuation(_) => None,
        };
        next.tried.push(Try { run, plan: request.plan.clone(), scenario, incident, outcome });
    } else if let Some(wish) = announced {
        let (Some(plan), Some(scenario)) = (
            service.policy.plans.get(wish.plan.index()),
            service.policy.scenarios.get(wish.scenario.index()),
        ) else {
            return refuse(Refused::NothingAsked);
        };
        let (plan, scenario) = (plan.name.clone(), Some(scenario.name.clone()));
        next.tried.push(Try { run, plan, scenario, incident, outcome });
        service.announced = None;
    } else {
        return refuse(Refused::NothingAsked);
    }
    super::starting::forget(&mut next.tried);
    Next::Change(next, Vec::new())
}

/// Verbs that act: the claim is ours.
#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn acts(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    if let Some(next) = to_run(acting, state, order, now, wake) {
        return next;
    }
    match &order.verb {
        Verb::Approve { accepts } => {
            // A region that is to be left waits for its turn, and for nobody's word.
            let request = acting.record.as_ref().and_then(|record| record.request.as_ref());
            if request.is_some_and(|request| !matches!(request.why, Wanted::Evacuation(_))) {
                return approve(service, acting, state, moments, order, accepts, since, now, wake, out);
            }
            // There is nothing to say yes to, or not yet.
            super::wish::reaches(service, acting, state, approves(accepts));
            refuse(Refused::NothingAsked)
        }
        Verb::Veto => veto(service, acting),
        Verb::Abort { run: None } if acting.runs.is_empty() => veto(service, acting),
        Verb::Abort { .. }
        | Verb::Retry { .. }
        | Verb::Skip { .. }
        | Verb::ApproveStep { .. }
        | Verb::Tick { .. }
        | Verb::HandOver { .. } => refuse(Refused::NoSuchRun),
        Verb::Failover { to, plan, planned, accepts } => {
            let to = match to {
                None => None,
                Some(name) => match service.policy.region(name) {
                    None => return refuse(Refused::NoSuchRegion(name.clone())),
                    Some(at) if Some(at) == service.known.active => return refuse(Refused::AlreadyThere),
                    Some(at) => Some(at),
                },
            };
            let plan = match failover_plan(service, plan.as_ref()) {
                Ok(plan) => plan,
                Err(why) => return refuse(why),
            };
            let wanted = Moves { plan, to, planned: *planned, accepts, by: By::Order };
            start_move(service, acting, state, moments, order, &wanted, since, now, wake, out)
        }
        Verb::Failback { accepts } => {
            let Some((plan, to)) =
                acting.record.as_deref().and_then(|record| super::home::way_home(service, record))
            else {
                return refuse(Refused::NoWayHome);
            };
            let wanted = Moves { plan, to: Some(to), planned: true, accepts, by: By::Order };
            start_move(service, acting, state, moments, order, &wanted, since, now, wake, out)
        }
        Verb::Adopt { region } => {
            if service.policy.region(region).is_some() {
                let newer = acting.foreign.is_some();
                let input = if newer { RecordInput::AdoptNewer } else { RecordInput::Adopt };
                out.saw(AnyCell::Record(service.record_state(now.mono), input));
            }
            let next = adopt(service, acting, region);
            if let (Next::Change(..), Some(record)) = (&next, &acting.record) {
                let there = super::running::region_state(record, region);
                out.saw(AnyCell::Region(there, RegionInput::TookRole));
            }
            next
        }
        Verb::Run { .. } => run_plan(service, acting, state, moments, order, now, wake, out),
        Verb::Evacuate { .. }
        | Verb::Release { .. }
        | Verb::Pause
        | Verb::Resume
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => Next::Wait,
    }
}

/// What is said to a run: it can be said at any moment, also while something of it is on its way. None: it is said to
/// something else, or there is no run that it could be said to.
fn to_run(acting: &mut Acting, state: &mut State, order: &Order, now: Now, wake: &mut Wake) -> Option<Next> {
    let by = Who::Person(order.who.clone());
    let request = acting.record.as_ref().and_then(|record| record.request.as_ref());
    let waits = request.is_some_and(|request| !matches!(request.why, Wanted::Evacuation(_)));
    let (run, word) = match &order.verb {
        Verb::Abort { run } => (*run, Word::Abort { by }),
        Verb::Retry { run, step } => (*run, Word::Retry { step: step.clone(), by }),
        Verb::Skip { run, step } => (*run, Word::Skip { step: step.clone(), by }),
        Verb::ApproveStep { run, step } => (*run, Word::Approve { step: step.clone(), by }),
        Verb::Tick { run, step, item } => (*run, Word::Tick { step: step.clone(), item: *item, by }),
        Verb::HandOver { run } => (*run, Word::HandOver { by }),
        // While something is announced or requested, that is what is meant.
        Verb::Veto if request.is_none() && !acting.announced => (None, Word::Veto { by }),
        Verb::Approve { accepts } => {
            let of = acting.record.as_ref().and_then(|record| record.run.as_ref()).map(|run| run.id)?;
            let carried = acting.runs.iter().find(|carried| carried.run.start().run == of)?;
            if waits && carried.run.state() != RunState::Held {
                return None;
            }
            let start = carried.run.start();
            let hash = accepts.hash.is_none_or(|hash| start.hash == Some(hash));
            let epoch = accepts.epoch.is_none_or(|epoch| start.epoch == epoch);
            // Only what is shown can be accepted: a run that is held for a step shows no exposure. One that is not held
            // says so.
            let shown = carried.run.held().is_none_or(|why| *why == HeldWhy::Exposure);
            (Some(of), Word::Accept { by, matches: hash && epoch && shown && accepts.exposure })
        }
        Verb::Veto
        | Verb::Failover { .. }
        | Verb::Failback { .. }
        | Verb::Evacuate { .. }
        | Verb::Run { .. }
        | Verb::Adopt { .. }
        | Verb::Release { .. }
        | Verb::Pause
        | Verb::Resume
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => return None,
    };
    // Unless it is said which: the one that occupies the claim, else the only one.
    let which =
        run.or_else(|| acting.record.as_ref().and_then(|record| record.run.as_ref()).map(|run| run.id));
    let found = match which {
        Some(run) => acting.runs.iter().position(|carried| carried.run.start().run == run),
        None => (acting.runs.len() == 1).then_some(0),
    };
    if let (Some(run), None) = (run, found)
        && acting.record.as_ref().is_some_and(|record| run.0 <= record.runs)
    {
        // It was one once.
        state.saw(&[Cell::Run(RunState::Ended, column(&word))]);
        return Some(Next::Reply(Reply::Refused(Refused::Run(Why::Final))));
    }
    let carried = acting.runs.get_mut(found?)?;
    let told = carried.run.tell(Heard::Ordered(word), now.mono);
    state.saw(&told.cells);
    match told.answer {
        Some(Answer::Taken) => {
            let run = carried.run.start().run;
            if let Some(first) = acting.orders.first_mut() {
                first.taken = Some(run);
            }
            wake.at(Some(now.mono + Span::micros(1)));
            Some(Next::Sent)
        }
        Some(Answer::Refused(why)) => Some(Next::Reply(Reply::Refused(Refused::Run(why)))),
        None => None,
    }
}

/// Which column of the run's table a word stands in.
const fn column(word: &Word) -> RunInput {
    match word {
        Word::Abort { .. } => RunInput::Abort,
        Word::Retry { .. } => RunInput::Retry,
        Word::Skip { .. } | Word::Approve { .. } | Word::Tick { .. } => RunInput::Skip,
        Word::Accept { matches: true, .. } => RunInput::ApproveMatching,
        Word::Accept { matches: false, .. } => RunInput::ApproveMismatch,
        Word::Veto { .. } => RunInput::Veto,
        Word::HandOver { .. } => RunInput::HandOver,
    }
}

/// A yes that shows what was accepted could match; one that shows nothing cannot.
const fn approves(accepts: &Accepts) -> RunInput {
    if accepts.hash.is_some() { RunInput::ApproveMatching } else { RunInput::ApproveMismatch }
}

/// The failover plan of that name, or the only one, or that of the first scenario that has one.
pub(super) fn failover_plan(service: &Service, name: Option<&Name>) -> Result<PlanPos, Refused> {
    let policy = &service.policy;
    let moves = |at: PlanPos| policy.plans.get(at.index()).is_some_and(|p| p.set.kind == PlanKind::Failover);
    if let Some(name) = name {
        return policy.plan(name.as_str()).filter(|at| moves(*at)).ok_or(Refused::NoSuchPlan);
    }
    let mut all = (0..policy.plans.len()).map(PlanPos::at).filter(|at| moves(*at));
    match (all.next(), all.next()) {
        (None, _) => Err(Refused::NoSuchPlan),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => policy
            .scenarios
            .iter()
            .filter_map(|scenario| scenario.plan)
            .find(|at| moves(*at))
            .ok_or(Refused::WhichPlan),
    }
}

/// A move that somebody orders.
struct Moves<'a> {
    plan: PlanPos,
    to: Option<RegionPos>,
    planned: bool,
    accepts: &'a Accepts,
    by: By,
}

/// What has to end before a live run starts; none: nothing is in the way.
fn makes_room(
    acting: &mut Acting,
    state: &mut State,
    failover: bool,
    now: Now,
    wake: &mut Wake,
) -> Option<Next> {
    // What is told here is written at the next look.
    let soon = Some(now.mono + Span::micros(1));
    let drill = acting.runs.iter_mut().find(|carried| carried.run.start().mode == Mode::Drill);
    if let Some(carried) = drill {
        if carried.run.stoppable() {
            let told = carried.run.tell(Heard::Ordered(Word::Abort { by: Who::Run }), now.mono);
            state.saw(&told.cells);
            wake.at(soon);
        } else {
            super::wish::hand_over(carried, state, now);
        }
        return Some(Next::Wait);
    }
    let run = acting.record.as_ref().and_then(|record| record.run.clone())?;
    let carried = acting.runs.iter_mut().find(|carried| carried.run.start().run == run.id)?;
    if failover && run.kind == PlanKind::Repair {
        if carried.run.stoppable() {
            let told = carried.run.tell(Heard::Superseded, now.mono);
            state.saw(&told.cells);
            wake.at(soon);
        }
        if carried.run.state() != RunState::Held {
            return Some(Next::Wait);
        }
    }
    Some(Next::Reply(Reply::Refused(Refused::Running(run.id))))
}

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn start_move(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    wanted: &Moves<'_>,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    would_start(service, now, out);
    if acting.record.is_none() {
        return Next::Reply(Reply::Refused(Refused::NoRecord));
    }
    if let Some(next) = makes_room(acting, state, true, now, wake) {
        return next;
    }
    // Where to is for answers to say that are newer than the order; whoever does not answer in time is not waited for.
    if !super::asking::asked_since(service, acting, state, since, now, wake, out) {
        return Next::Wait;
    }
    let ask = Query {
        plan: wanted.plan,
        at: wanted.to,
        by: wanted.by,
        planned: wanted.planned,
        mode: Some(Cap::Auto),
        named: wanted.accepts.gates,
        scenario: None,
    };
    let Some(mut look) = look_for(service, state, moments, &ask, now) else {
        return Next::Reply(Reply::Refused(Refused::NoSuchPlan));
    };
    accept(&mut look, wanted.accepts);
    if !matches(service, &look, wanted.accepts, acting) {
        return Next::Reply(Reply::Refused(Refused::Mismatch));
    }
    if !look.gates.open() {
        return Next::Reply(Reply::Refused(Refused::Gates(look.gates.shape())));
    }
    let Some(case) = look.case else { return Next::Reply(Reply::Refused(Refused::NoSuchPlan)) };
    let mut begin = Begin::new(wanted.plan, case);
    begin.way = if wanted.planned { Only::Planned } else { Only::Unplanned };
    begin.order = Some(order.id);
    begin.counted = look.counted;
    begin.exposure = wanted.accepts.exposure;
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// What was accepted with the order passes the gates that it names, if that is what is in the way.
fn accept(look: &mut Look, accepts: &Accepts) {
    let mut named = accepts.gates;
    if accepts.exposure {
        named |= 1 << Gate::Fence as u32;
    }
    let loss = match look.gates.answer(Gate::DataLoss) {
        Says::Blocks(Reason::Loss { loss, .. }) | Says::Passed(Reason::Loss { loss, .. }) => {
            accepts.loss.is_some_and(|most| loss <= most)
        }
        Says::Blocks(Reason::LossUnknown) | Says::Passed(Reason::LossUnknown) => accepts.unknown_loss,
        _ => false,
    };
    if loss {
        named |= 1 << Gate::DataLoss as u32;
    } else {
        named &= !(1 << Gate::DataLoss as u32);
    }
    look.renamed(named);
}

/// Whether what would be started is what was shown.
fn matches(service: &Service, look: &Look, accepts: &Accepts, acting: &Acting) -> bool {
    let epoch = acting.record.as_ref().map(|record| record.epoch);
    let plan = service.policy.plans.get(look.plan.index());
    let hash = look.case.and_then(|case| plan.and_then(|plan| plan.set.hash(case)));
    if mutants::on(Mutant::AnyApproval) {
        return true;
    }
    accepts.hash.is_none_or(|shown| hash == Some(shown))
        && accepts.epoch.is_none_or(|shown| epoch == Some(shown))
}

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn run_plan(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    let Verb::Run { plan, at, mode, given, longest, accepts } = &order.verb else { return Next::Wait };
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let Some(pos) = service.policy.plan(plan.as_str()) else { return refuse(Refused::NoSuchPlan) };
    let kind = service.policy.plans[pos.index()].set.kind;
    let at = match at {
        None => None,
        Some(name) => match service.policy.region(name) {
            None => return refuse(Refused::NoSuchRegion(name.clone())),
            Some(at) => Some(at),
        },
    };
    if acting.record.is_none() {
        return refuse(Refused::NoRecord);
    }
    let live = *mode == Mode::Live;
    if live
        && kind != PlanKind::Inspect
        && let Some(next) = makes_room(acting, state, kind == PlanKind::Failover, now, wake)
    {
        return next;
    }
    let ask = Query {
        plan: pos,
        at,
        by: By::Order,
        planned: false,
        mode: Some(Cap::Auto),
        named: accepts.gates,
        scenario: None,
    };
    let Some(mut look) = look_for(service, state, moments, &ask, now) else {
        return refuse(Refused::NoSuchPlan);
    };
    accept(&mut look, accepts);
    if !matches(service, &look, accepts, acting) {
        return refuse(Refused::Mismatch);
    }
    let Some(case) = look.case else { return refuse(Refused::NoSuchPlan) };
    look.told(service, given);
    if live && !look.gates.open() {
        return refuse(Refused::Gates(look.gates.shape()));
    }
    let mut begin = Begin::new(pos, case);
    (begin.mode, begin.order, begin.given) = (*mode, Some(order.id), given.clone());
    (begin.exposure, begin.longest) = (accepts.exposure, *longest);
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// Yes to what is requested: it is weighed again, and started if nothing else is in the way than what was shown.
#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
fn approve(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    accepts: &Accepts,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let Some(request) = acting.record.as_ref().and_then(|record| record.request.clone()) else {
        return refuse(Refused::NothingAsked);
    };
    let epoch = acting.record.as_ref().map(|record| record.epoch);
    let hash = accepts.hash.is_none_or(|shown| request.hash == Some(shown));
    let shown = accepts.epoch.is_none_or(|shown| request.epoch == shown) && epoch == Some(request.epoch);
    let loss = match request.loss {
        None => true,
        Some(None) => accepts.unknown_loss || request.gates & 1 << Gate::DataLoss as u32 == 0,
        Some(Some(loss)) => {
            request.gates & 1 << Gate::DataLoss as u32 == 0 || accepts.loss.is_some_and(|most| loss <= most)
        }
    };
    let exposure = !request.exposure || accepts.exposure;
    let covers = hash && shown && loss && exposure && request.policy == service.policy.hash;
    if !covers && !mutants::on(Mutant::AnyApproval) {
        super::wish::visit(state, RunState::Awaiting, RunInput::ApproveMismatch);
        return refuse(Refused::Mismatch);
    }
    let Some(pos) = service.policy.plan(request.plan.as_str()) else { return refuse(Refused::NoSuchPlan) };
    let kind = service.policy.plans[pos.index()].set.kind;
    if kind != PlanKind::Inspect
        && let Some(next) = makes_room(acting, state, kind == PlanKind::Failover, now, wake)
    {
        return next;
    }
    if kind == PlanKind::Failover
        && !super::asking::asked_since(service, acting, state, since, now, wake, out)
    {
        return Next::Wait;
    }
    let scenario = match &request.why {
        Wanted::Scenario(name) => service.policy.scenario(name.as_str()),
        Wanted::Failback | Wanted::Rejoin | Wanted::Owed(_) | Wanted::Evacuation(_) => None,
    };
    let to = service.policy.region(&request.case.at);
    let ask = Query {
        plan: pos,
        at: to,
        by: By::Approval,
        planned: request.way == Only::Planned,
        mode: scenario.is_none().then_some(Cap::Approve),
        named: request.gates | on_approval(),
        scenario,
    };
    let Some(mut look) = look_for(service, state, moments, &ask, now) else {
        return refuse(Refused::NoSuchPlan);
    };
    // More may be lost by now than was shown.
    let more = match look.gates.answer(Gate::DataLoss) {
        Says::Passed(Reason::Loss { loss, .. }) => accepts.loss.is_none_or(|most| loss > most),
        Says::Passed(Reason::LossUnknown) => !accepts.unknown_loss,
        _ => false,
    };
    if more {
        super::wish::visit(state, RunState::Awaiting, RunInput::ApproveMismatch);
        return refuse(Refused::Mismatch);
    }
    look.renamed(request.gates | on_approval());
    if !look.gates.open() {
        return refuse(Refused::Gates(look.gates.shape()));
    }
    let Some(case) = look.case else { return refuse(Refused::NoSuchPlan) };
    let mut begin = Begin::new(pos, case);
    (begin.way, begin.order, begin.scenario) = (request.way, Some(order.id), scenario);
    begin.given = request.given.clone();
    begin.exposure = request.exposure && accepts.exposure;
    begin.from = RunState::Awaiting;
    begin.counted = look.counted;
    begin.pays = match request.why {
        Wanted::Owed(run) => Some(RunId(run)),
        Wanted::Scenario(_) | Wanted::Failback | Wanted::Rejoin | Wanted::Evacuation(_) => None,
    };
    super::wish::visit(state, RunState::Awaiting, RunInput::ApproveMatching);
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// Gates that every approval passes.
pub(super) const fn on_approval() -> u32 {
    1 << Gate::Approval as u32 | 1 << Gate::Paused as u32 | 1 << Gate::Maintenance as u32
}

/// Something is to be started where that is refused: the cell is named, whatever the answer will be.
pub(super) fn would_start(service: &Service, now: Now, out: &mut Out) {
    let state = service.record_state(now.mono);
    if state != RecordState::AtRest {
        out.saw(AnyCell::Record(state, RecordInput::Start));
    }
}
