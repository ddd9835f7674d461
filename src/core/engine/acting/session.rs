//! The session: renewed while there is a coordinator; what hangs on it falls when it does. And what everybody's pulses
//! say.
//!
//! It must never count from the receipt of an answer: [`Session`](crate::authority::Session) does the counting, and is
//! told the moment at which a renewal goes out.

use alloc::boxed::Box;

use crate::agree::{ClaimState, Pulse};
use crate::authority::{Nonce, Renewed};
use crate::effect::Effect;
use crate::engine::out::Out;
use crate::engine::{every_service, mark, watch};
use crate::ids::{Name, ServiceId};
use crate::input::{Coordinator, Store};
use crate::severity::Stage;
use crate::state::{PulseKnown, Service, State};
use crate::time::{Now, Span};

/// A renewal that nobody answered is tried again so soon.
const AGAIN: Span = Span::secs(1);

/// What can be said of the coordinator has changed.
pub(in crate::engine) fn coordinator(state: &mut State, told: Coordinator, now: Now, out: &mut Out) {
    match told {
        Coordinator::There(cluster) => {
            let first = state.seat.cluster.is_none();
            // Another cluster than before: whatever was ours there is nothing here.
            let other = state.seat.cluster.is_some_and(|known| known != cluster);
            state.seat.cluster = Some(cluster);
            state.seat.reached = true;
            if other {
                state.seat.session.forget();
                super::foreign::went_back(state, out);
            }
            if first {
                for service in state.services.iter_mut().flatten() {
                    service.acting.get_or_insert_with(Box::default).stale = true;
                }
            }
            state.seat.renews = Some(now.mono);
        }
        Coordinator::Lost => state.seat.reached = false,
    }
    every_service(state);
    advance(state, now, out);
}

/// What can be said of our own store has changed.
pub(in crate::engine) fn store(state: &mut State, store: Store) {
    state.seat.store = store;
    every_service(state);
}

/// The daemon is to end.
pub(in crate::engine) fn leave(state: &mut State) {
    state.seat.leaving = true;
    every_service(state);
}

/// Whether this observer could act: only then it takes a claim.
pub(in crate::engine) fn fit(state: &State) -> bool {
    !state.policy.am_witness()
        && state.trust.isolated().is_none()
        && state.seat.store == Store::Ok
        && !state.seat.leaving
}

/// One look at the session: is it to be renewed, has the right to act come or gone?
pub(in crate::engine) fn advance(state: &mut State, now: Now, out: &mut Out) {
    if state.seat.cluster.is_none() {
        return;
    }
    if state.seat.session.abandon(now.mono) {
        state.seat.renews = Some(now.mono);
        for service in state.services.iter_mut().flatten() {
            if let Some(acting) = &mut service.acting {
                acting.ballot.changes = None;
            }
        }
        every_service(state);
    }
    if state.seat.renews.is_none_or(|at| at <= now.mono) {
        let session = state.seat.session.id();
        let nonce = state.seat.session.renew(now.mono);
        let fit = fit(state);
        state.seat.renews = Some(now.mono + state.policy.session.every());
        out.effects.push(Effect::Renew { nonce, session, fit });
    }
    let right = state.seat.right(now.mono);
    if right.is_some() != state.seat.held {
        state.seat.held = right.is_some();
        every_service(state);
    }
    let lapses = right.map(|held| held.until());
    state.timers.set_session(state.seat.renews.into_iter().chain(lapses).min());
}

/// Something that hung on it is gone: it is renewed soon, since only that says whether it is over. Of many services that
/// lose their votes with it, one asks.
pub(super) fn doubted(state: &mut State, now: Now, out: &mut Out) {
    if state.seat.session.id().is_none() {
        return;
    }
    let last = state.seat.renews.map(|at| at.before(state.policy.session.every()));
    let soon = last.map_or(now.mono, |last| now.mono.max(last + AGAIN));
    state.seat.renews = state.seat.renews.map(|at| at.min(soon)).or(Some(soon));
    advance(state, now, out);
}

/// What came back for a renewal.
pub(in crate::engine) fn renewed(state: &mut State, nonce: Nonce, answer: Renewed, now: Now, out: &mut Out) {
    let before = state.seat.session.id();
    #[cfg(feature = "mutants")]
    state.seat.session.received(nonce, now.mono);
    if !state.seat.session.renewed(nonce, answer) {
        return;
    }
    match answer {
        Renewed::Alive { .. } => state.seat.renewals += 1,
        Renewed::Gone => state.seat.renews = Some(now.mono),
        Renewed::Unknown => {
            let soon = now.mono + AGAIN;
            state.seat.renews = state.seat.renews.map(|at| at.min(soon));
        }
    }
    if state.seat.session.id() != before {
        let_go(state, out);
    } else if answer != Renewed::Unknown && (!state.seat.held || !fit(state)) {
        // Whoever is unfit counts its renewals as long as it has a claim, and a service at rest has nothing else that
        // would wake it.
        let has = |service: &Service| {
            service.incident.stage() != Stage::None
                || service.acting.as_ref().is_some_and(|acting| acting.claim != ClaimState::Idle)
        };
        for index in 0..state.services.len() {
            let id = ServiceId::at(index);
            if !state.seat.held || state.service(id).is_some_and(has) {
                mark(state, id);
            }
        }
    }
    advance(state, now, out);
}

/// The session is another one: what hung on the old one is gone with it, and nobody knows yet at which revisions. Nor
/// whether the coordinator is as old as it was: an ask and our answer to it are of the old session, and in a restored
/// one another ask may have that number. Whoever still needs an answer asks anew.
fn let_go(state: &mut State, out: &mut Out) {
    let me = state.me();
    for index in 0..state.services.len() {
        let Some(service) = state.services[index].as_deref_mut() else { continue };
        if let Some(acting) = &mut service.acting {
            acting.ballot.changes = None;
        }
        service.votes.answer_myself(me, 0);
        if service.ask.number > 0 {
            service.ask = service.ask.left();
            watch::refresh_service(state, ServiceId::at(index), out);
        }
    }
    every_service(state);
}

/// An observer's pulse has changed.
pub(in crate::engine) fn pulse(state: &mut State, who: &Name, revision: u64, pulse: Option<Pulse>) {
    let known = state.seat.pulses.iter_mut().find(|known| known.who == *who);
    let (count, fit) = (pulse.map(|pulse| pulse.count), pulse.is_some_and(|pulse| pulse.fit));
    match known {
        Some(known) if known.revision >= revision => return,
        Some(known) => {
            let same = (known.count.is_some(), known.fit) == (count.is_some(), fit);
            (known.revision, known.count, known.fit) = (revision, count, fit);
            if same {
                return;
            }
        }
        None if state.policy.observer(who).is_some() => {
            state.seat.pulses.push(PulseKnown { who: who.clone(), revision, count, fit, read: None });
        }
        None => return,
    }
    every_service(state);
}
