//! What each verb comes to: those that only change the record are carried out by whichever observer is told, those that
//! act by the claim's holder.
//!
//! It must never let a verb act that needs the claim and does not have it, nor change a record that is not the newest
//! that is known.

use alloc::vec;
use alloc::vec::Vec;

use super::Next;
use super::record::{adopt, evacuate, on_record, veto};
use super::starts::{approve, asks_for, run_plan, start_move};
use super::to_run::{approves, to_run};
use crate::agree::{ClaimState, Purpose, RecordInput, RegionInput, Write};
use crate::decide::gates::Holder;
use crate::engine::acting::flight::{Wish, send};
use crate::engine::acting::{claim, running, wish};
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::event::{AnyCell, Event};
use crate::order::{Order, Refused, Reply, Verb};
use crate::plan::saga::{Heard, RunInput};
use crate::state::acting::Acting;
use crate::state::{Moments, Service, State};
use crate::time::{Mono, Now};

/// Carries an order out, as far as that can be done now. Nothing is on its way.
#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
pub(super) fn carry_out(
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
    // It is told of a record that was not read here yet: nobody is told that there is none.
    let unread = acting.record.is_none() && service.known.record.is_some() && !service.known.foreign;
    let unread = unread && !matches!(order.verb, Verb::Adopt { .. });
    if unread || acting.read != service.known.record_revision || (acting.read == 0 && !acting.looked) {
        // What is changed must be what is there.
        acting.looked = true;
        return read(service, acting, now, out);
    }
    if let Some(input) = heard_by_wish(&order.verb)
        && acting.runs.is_empty()
        && acting.claim == ClaimState::Holding
    {
        wish::reaches(service, acting, state, input);
    }
    match &order.verb {
        Verb::Annotate { text } => {
            out.record(service, Event::Annotated { who: order.who.clone(), text: text.clone() });
            Next::Noted(service.events)
        }
        Verb::Clear { trigger } => match service.policy.trigger(trigger.as_str()) {
            None => refuse(Refused::NoSuchTrigger(trigger.clone())),
            Some(at) if service.known.raised.get(at.index()).is_none_or(|(_, since)| since.is_none()) => {
                Next::Reply(Reply::SoAlready)
            }
            // Raised by whoever may, whether there is a record or not; and over likewise.
            Some(_) => Next::Change(vec![Write::Clear(trigger.clone())]),
        },
        Verb::Release { region } => on_record(acting, |record| {
            out.saw(AnyCell::Region(running::region_state(record, region), RegionInput::Release));
            if !record.quarantined.contains(region) {
                return Err(Refused::NotQuarantined);
            }
            record.quarantined.retain(|other| other != region);
            record.rejoined.retain(|other| other != region);
            Ok(())
        }),
        Verb::Pause => {
            let next = on_record(acting, |record| {
                (record.paused, record.paused_for) = (true, None);
                Ok(())
            });
            if let Next::Change(..) = next {
                running::tell_all(acting, state, &Heard::Paused, now);
            }
            next
        }
        Verb::Resume => on_record(acting, |record| {
            (record.paused, record.paused_for) = (false, None);
            Ok(())
        }),
        Verb::AcknowledgeIncident => {
            running::tell_all(acting, state, &Heard::Acknowledged, now);
            let open = service.incident.is_open();
            let paging = !acting.runs.is_empty();
            let next = on_record(acting, |record| match &mut record.head {
                Some(head) => {
                    head.acknowledged += 1;
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
            if !claim::may_write(acting, state, now.mono) {
                return Next::Wait;
            }
            acts(service, acting, state, moments, order, since, now, wake, out)
        }
    }
}

/// What a verb is to a wish that is no run yet. What it matches or not is said where it is weighed.
pub(super) const fn heard_by_wish(verb: &Verb) -> Option<RunInput> {
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

fn read(service: &Service, acting: &mut Acting, now: Now, out: &mut Out) -> Next {
    send(acting, service, Wish::new(Purpose::Read, Vec::new(), Vec::new()), now, out);
    Next::Sent
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
            if request.is_some_and(|request| !request.why.is_evacuation()) {
                return approve(service, acting, state, moments, order, accepts, since, now, wake, out);
            }
            // There is nothing to say yes to, or not yet.
            wish::reaches(service, acting, state, approves(accepts));
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
        Verb::Failover { accepts, .. } | Verb::Failback { accepts } => {
            match asks_for(service, acting.record.as_deref(), &order.verb) {
                Ok(ask) => {
                    start_move(service, acting, state, moments, order, &ask, accepts, since, now, wake, out)
                }
                Err(why) => refuse(why),
            }
        }
        Verb::Adopt { region } => {
            if service.policy.region(region).is_some() {
                let newer = acting.foreign.is_some();
                let input = if newer { RecordInput::AdoptNewer } else { RecordInput::Adopt };
                out.saw(AnyCell::Record(service.record_state(now.mono), input));
            }
            let next = adopt(service, acting, region);
            if let (Next::Change(..), Some(record)) = (&next, &acting.record) {
                let there = running::region_state(record, region);
                out.saw(AnyCell::Region(there, RegionInput::TookRole));
            }
            next
        }
        Verb::Run { .. } => run_plan(service, acting, state, moments, order, since, now, wake, out),
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
