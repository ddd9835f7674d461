//! Transactions on their way: one a service at a time, sent again exactly as it was while nobody knows what became of
//! it, and what every answer says of what is so.
//!
//! It must never change a transaction that was sent, and never let another go out while one is in doubt.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::foreign;
use crate::agree::{Answer, Ask, Found, Guard, Purpose, Txn, TxnId, Write};
use crate::effect::Effect;
use crate::engine::out::Out;
use crate::engine::seen;
use crate::ids::ServiceId;
use crate::input::Seen;
use crate::mutants::{self, Mutant};
use crate::plan::Entry;
use crate::state::acting::{About, Acting, Flight};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span};

/// A transaction that nobody answered is sent again so soon.
const AGAIN: Span = Span::secs(1);

/// What is to be committed.
pub(super) struct Wish {
    pub(super) purpose: Purpose,
    pub(super) guards: Vec<Guard>,
    pub(super) writes: Vec<Write>,
    pub(super) journals: bool,
    pub(super) about: About,
}

impl Wish {
    pub(super) fn new(purpose: Purpose, guards: Vec<Guard>, writes: Vec<Write>) -> Wish {
        Wish { purpose, guards, writes, journals: false, about: About::Itself }
    }

    pub(super) fn about(self, about: About) -> Wish {
        Wish { about, ..self }
    }
}

/// Sends it. Nothing else may be on its way.
pub(super) fn send(acting: &mut Acting, service: &Service, wish: Wish, now: Now, out: &mut Out) {
    acting.sent = acting.sent.wrapping_add(1);
    let Wish { purpose, guards, writes, journals, about } = wish;
    let id = TxnId { service: service.id, purpose, number: acting.sent };
    let txn = Txn { id, guards, writes, journals };
    out.effects.push(Effect::Transact(Box::new(txn.clone())));
    // Whoever has just begun may have been told of a record before it has read one.
    let seen = acting.read.max(service.known.record_revision);
    let flight = Flight { txn, at: now.mono, seen, doubt: None, doubted: false, about };
    acting.flight = Some(Box::new(flight));
}

/// Sends again what nobody answered. Says when to look again.
pub(super) fn again(acting: &mut Acting, reached: bool, now: Mono, out: &mut Out) -> Option<Mono> {
    let flight = acting.flight.as_mut()?;
    let due = flight.doubt?;
    if !reached {
        return None;
    }
    if due > now {
        return Some(due);
    }
    flight.doubt = None;
    if mutants::on(Mutant::RetryWithOthers) {
        // What is wished by then is another thing; what has happened is not.
        for write in &mut flight.txn.writes {
            if let Write::Append(_, entries) = write {
                entries.retain(|entry| !matches!(entry, Entry::Intent { .. }));
            }
        }
    }
    out.effects.push(Effect::Transact(Box::new(flight.txn.clone())));
    None
}

/// What was on its way, and what became of it.
pub(super) enum Landed {
    /// It is durable, at the latest since now.
    Yes,
    /// It is not and never will be.
    No,
    /// Nobody knows.
    Unknown,
}

/// An answer came. What it says is so, whatever it answers; and if it is the one that is waited for, what became of
/// what was on its way. While nobody knows, that stays where it is.
pub(super) fn answered(
    state: &mut State,
    id: TxnId,
    answer: Answer,
    now: Now,
    out: &mut Out,
) -> Option<(Landed, About, Option<Box<Found>>)> {
    let waits = |state: &State| {
        let flight = state.service(id.service)?.acting.as_ref()?.flight.as_deref()?;
        let ask = if let About::Ask(number) = flight.about { number } else { 0 };
        (flight.txn.id == id).then_some((flight.at, ask, flight.seen))
    };
    let sent = waits(state);
    let (landed, found) = match answer {
        Answer::Unknown => {
            sent?;
            if mutants::on(Mutant::UnknownIsRefused) || mutants::on(Mutant::UnknownIsDurable) {
                let acting = state.service_mut(id.service)?.acting.as_deref_mut()?;
                let landed = if mutants::on(Mutant::UnknownIsDurable) { Landed::Yes } else { Landed::No };
                return Some((landed, acting.flight.take()?.about, None));
            }
            let flight = flight_mut(state, id.service)?;
            (flight.doubt, flight.doubted) = (Some(now.mono + AGAIN), true);
            let about = core::mem::replace(&mut flight.about, About::Itself);
            return Some((Landed::Unknown, about, None));
        }
        Answer::Committed(found) => (true, found),
        Answer::Refused(found) => (false, found),
    };
    learn(state, id.service, &found, sent, now, out);
    // What was learned may have ended the claim, and with it what was on its way.
    sent?;
    waits(state)?;
    let acting = state.service_mut(id.service)?.acting.as_deref_mut()?;
    let flight = acting.flight.take()?;
    let landed = landed || (flight.doubted && landed_before(acting, &flight, &found));
    Some((if landed { Landed::Yes } else { Landed::No }, flight.about, Some(found)))
}

/// What is on its way is about something again, after nobody knew.
pub(super) fn put_back(state: &mut State, id: ServiceId, about: About) {
    if let Some(flight) = flight_mut(state, id) {
        flight.about = about;
    }
}

fn flight_mut(state: &mut State, id: ServiceId) -> Option<&mut Flight> {
    state.service_mut(id)?.acting.as_deref_mut()?.flight.as_deref_mut()
}

/// Whether an earlier try of it, whose answer was lost, has landed: then this one had to be refused.
fn landed_before(acting: &Acting, flight: &Flight, found: &Found) -> bool {
    let ours = found.claim.0 == acting.created && found.claim.1.is_some();
    match &flight.about {
        About::Ask(number) => ours && found.ask.1.as_ref().is_some_and(|ask| ask.number == *number),
        About::Start(starting) => ours && found.lengths.iter().any(|(run, _)| *run == starting.start.run),
        About::Journal(run, _, length) => {
            ours && found.lengths.iter().any(|(of, there)| of == run && there == length)
        }
        About::End(run, _) => ours && !found.lengths.iter().any(|(of, _)| of == run),
        // An order has changed the record as it should, or it is looked at anew.
        About::Order(_) => flight.txn.writes.iter().any(|write| match write {
            Write::Record(wanted) => found.record.1.as_ref() == Some(wanted),
            Write::Vote(_)
            | Write::Claim
            | Write::GiveUp
            | Write::Ask(_)
            | Write::Begin(..)
            | Write::Append(..)
            | Write::Velocity(_)
            | Write::Clear(_) => false,
        }),
        // What these want is found in the record, or it is wanted again.
        About::Itself | About::Vote(..) => false,
    }
}

/// What an answer says is so.
fn learn(
    state: &mut State,
    id: ServiceId,
    found: &Found,
    sent: Option<(Mono, u32, u64)>,
    now: Now,
    out: &mut Out,
) {
    // An answer that nobody waits for any more may be older than what is known: revisions tell, pulses have none.
    if let Some((sent, _, seen)) = sent {
        state.seat.read_pulses(&found.pulses, sent, now.mono);
        if found.record.0 < seen {
            foreign::went_back(state, out);
        }
    }
    let (revision, record) = &found.record;
    // That there is none is no news, unless one was known there before it was restored.
    let known = |state: &State| {
        let service = state.service(id);
        record.is_some() && service.is_some_and(|service| seen::knows(service, *revision))
    };
    if (*revision > 0 || record.is_none()) && !known(state) {
        seen::seen(state, Seen::Record(id, *revision, record.clone().map(Box::new)), now, out);
    }
    let (revision, claim) = &found.claim;
    if *revision > 0 {
        seen::seen(state, Seen::Claim(id, *revision, claim.clone()), now, out);
    }
    if let (revision, Some(ask)) = &found.ask {
        // Only who has sent it in this life knows how old it is; it was not asked before it was sent first.
        let ours = sent.filter(|(_, number, _)| *number == ask.number && ask.by == *me(state));
        let age = ours.map(|(sent, ..)| now.mono.since(sent));
        seen::seen(state, Seen::Ask(id, *revision, Ask { age, ..ask.clone() }), now, out);
    }
    let (revision, velocity) = &found.velocity;
    seen::seen(state, Seen::Velocity(*revision, velocity.clone()), now, out);
    if let Some(acting) = state.service_mut(id).and_then(|service| service.acting.as_deref_mut())
        && sent.is_some()
    {
        acting.ballot.revision = found.vote;
    }
}

/// Our own name.
pub(super) fn me(state: &State) -> &crate::ids::Name {
    &state.policy.observers[state.policy.me.index()].name
}
