//! The claim of one service: whose turn it is, when it is taken, frozen, lost and given up. SAFETY §7's table moves it.
//!
//! It must never let two act: what it says is only a hint, and every transaction compares the claim again.

use alloc::vec;

use super::flight::{Wish, send};
use super::session::fit;
use crate::agree::{ClaimAnswer, ClaimInput, ClaimState, Guard, Purpose, Write, claim_cell};
use crate::decide::gates::Holder;
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::event::{AnyCell, ClaimTurn, Event};
use crate::ids::Name;
use crate::mutants::{self, Mutant};
use crate::plan::saga::{Cell, Heard, RunInput};
use crate::severity::Stage;
use crate::state::acting::Acting;
use crate::state::{Service, State};
use crate::time::{Mono, Now};

/// So many renewals an observer stays holder though it is unfit: what passes at once is no reason to change hands.
const PATIENCE: u64 = 2;

/// Looks at what is known of the claim, and moves it. What is dropped with a lost claim is dropped here.
pub(super) fn look(service: &mut Service, acting: &mut Acting, state: &State, now: Now, out: &mut Out) {
    let right = state.seat.right(now.mono);
    let session = state.seat.session.id();
    let mut mine =
        service.known.holder == Holder::Me && session.is_some() && service.known.session == session;
    if mutants::on(Mutant::OldClaimCounts) && service.known.holder == Holder::Me {
        (mine, acting.created) = (true, service.known.claim_revision);
    }
    acting.free = match service.known.holder {
        Holder::Nobody => acting.free.or(Some(now.mono)),
        Holder::Me | Holder::Frozen | Holder::Other(_) => None,
    };
    if acting.claim == ClaimState::Taking && acting.flight.is_none() {
        feed(service, acting, ClaimInput::Refused, out);
    }
    let changed =
        core::mem::replace(&mut acting.told, service.known.claim_revision) != service.known.claim_revision;
    let ours = !matches!(acting.claim, ClaimState::Idle | ClaimState::Taking);
    let gone = if ours { !mine || service.known.claim_revision != acting.created } else { changed && !mine };
    if gone {
        feed(service, acting, ClaimInput::Gone, out);
    }
    if matches!(acting.claim, ClaimState::Idle | ClaimState::Taking) && mine && right.is_some() {
        acting.created = service.known.claim_revision;
        acting.stale = true;
        feed(service, acting, ClaimInput::Granted, out);
        if mutants::on(Mutant::HoldsUnread) {
            feed(service, acting, ClaimInput::Read, out);
        }
    }
    let renewed = core::mem::replace(&mut acting.renewals, state.seat.renewals) != state.seat.renewals;
    let had = core::mem::replace(&mut acting.right, right.is_some());
    match (acting.claim, right) {
        (ClaimState::Restoring | ClaimState::Holding, None) => {
            feed(service, acting, ClaimInput::Deadline, out)
        }
        (ClaimState::Idle | ClaimState::Taking, None) if had => {
            feed(service, acting, ClaimInput::Deadline, out)
        }
        (ClaimState::Frozen, Some(_)) => feed(service, acting, ClaimInput::Renewed, out),
        (_, Some(_)) if renewed => feed(service, acting, ClaimInput::Renewed, out),
        _ => {}
    }
}

/// Tells the claim something, and everybody what became of it.
pub(super) fn feed(service: &mut Service, acting: &mut Acting, input: ClaimInput, out: &mut Out) {
    let before = acting.claim;
    out.saw(AnyCell::Claim(before, input));
    match claim_cell(before, input) {
        ClaimAnswer::To(after) => acting.claim = after,
        ClaimAnswer::Lost => {
            if let Some(at) = super::wish::stands(service, acting) {
                out.saw(AnyCell::Saga(Cell::Run(at, RunInput::ClaimLost)));
            }
            for carried in &mut acting.runs {
                // It is dropped, so no time of ours counts for it any more.
                let told = carried.run.tell(Heard::ClaimLost, carried.run.took_over());
                told.cells.into_iter().for_each(|cell| out.saw(AnyCell::Saga(cell)));
            }
            drop_all(acting);
            acting.claim = ClaimState::Idle;
        }
        ClaimAnswer::Recorded | ClaimAnswer::Impossible => {}
    }
    let turn = match (before, acting.claim) {
        (before, after) if before == after => return,
        (_, ClaimState::Restoring) => ClaimTurn::Taken,
        (ClaimState::Frozen, ClaimState::Holding) => ClaimTurn::Thawed,
        (_, ClaimState::Holding) => ClaimTurn::Restored,
        (_, ClaimState::Frozen) => ClaimTurn::Frozen,
        (ClaimState::Restoring | ClaimState::Holding | ClaimState::Frozen, ClaimState::Idle) => {
            if input == ClaimInput::GaveUp { ClaimTurn::GivenUp } else { ClaimTurn::Lost }
        }
        (_, ClaimState::Idle | ClaimState::Taking) => return,
    };
    out.record(service, Event::Claim(turn));
}

/// Everything that is not durable.
fn drop_all(acting: &mut Acting) {
    // What became of a claim that was given up is asked until it is known: who is granted the same one again must not give
    // it up a second time meanwhile.
    let holders =
        |purpose| !matches!(purpose, Purpose::Vote | Purpose::Take | Purpose::Read | Purpose::GiveUp);
    if let Some(flight) = acting.flight.take_if(|flight| holders(flight.txn.id.purpose)) {
        super::orders::doubt(acting, &flight.about);
    }
    acting.runs.clear();
    acting.cleared.clear();
    (acting.requested, acting.refused, acting.asked) = (None, None, None);
    (acting.vain, acting.stays, acting.repelled) = (None, None, None);
    acting.sighted = None;
    (acting.unfit, acting.unreached) = (None, 0);
    acting.unheard.clear();
    super::orders::forget(acting);
}

/// Takes or gives up the claim, if that is due and nothing is on its way.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    if acting.flight.is_some() {
        return;
    }
    let Some(session) = state.seat.session.id() else { return };
    let fit = fit(state);
    let terms = state.policy.session;
    match acting.claim {
        ClaimState::Idle => {
            let Some(free) = acting.free.filter(|_| fit && state.seat.right(now.mono).is_some()) else {
                return;
            };
            let turn = if inside(service, state) { free + terms.yield_wait() } else { free };
            let turn = acting.back_off.map_or(turn, |until| until.max(turn));
            if turn > now.mono {
                return wake.at(Some(turn));
            }
            feed(service, acting, ClaimInput::Free, out);
            let guards = vec![Guard::Session(session), Guard::Unclaimed];
            send(acting, service, Wish::new(Purpose::Take, guards, vec![Write::Claim]), now, out);
        }
        ClaimState::Holding | ClaimState::Restoring => {
            if gives_up(service, acting, state, fit) {
                acting.back_off = Some(now.mono + terms.yield_wait().times(2));
                let guards = vec![Guard::Session(session), Guard::Claim(acting.created)];
                send(acting, service, Wish::new(Purpose::GiveUp, guards, vec![Write::GiveUp]), now, out);
            }
        }
        ClaimState::Taking | ClaimState::Frozen => {}
    }
}

/// Whether the claim is better in other hands: ours are unfit and stay so, or stand where the trouble would be.
fn gives_up(service: &Service, acting: &mut Acting, state: &State, fit: bool) -> bool {
    let reaches = acting.unreached < super::running::UNREACHED || !another(service, state, false);
    if fit && reaches {
        acting.unfit = None;
        let rests = acting.runs.is_empty()
            && acting.orders.is_empty()
            && service.incident.stage() == Stage::None
            && acting.record.as_ref().is_none_or(|record| record.request.is_none());
        return rests && inside(service, state) && another(service, state, true);
    }
    let since = *acting.unfit.get_or_insert(state.seat.renewals);
    if mutants::on(Mutant::UnfitHolds) {
        return state.seat.leaving;
    }
    state.seat.leaving || state.seat.renewals >= since + PATIENCE
}

/// Whether this observer stands in the active region: what kills that kills the holder as well.
fn inside(service: &Service, state: &State) -> bool {
    if mutants::on(Mutant::ClaimAtOnce) {
        return false;
    }
    let active = service.known.active.and_then(|at| service.policy.regions.get(at.index()));
    state.policy.observers.get(state.policy.me.index()).is_some_and(|me| Some(&me.region) == active)
}

/// Whether another observer could act, as far as its pulse says: outside the active region, if that is asked for.
fn another(service: &Service, state: &State, outside: bool) -> bool {
    let active = service.known.active.and_then(|at| service.policy.regions.get(at.index()));
    let me = super::flight::me(state);
    state.policy.observers.iter().any(|other| {
        let beats = state.seat.pulse(&other.name).is_some_and(|pulse| pulse.count.is_some() && pulse.fit);
        other.name != *me && !other.witness && beats && !(outside && Some(&other.region) == active)
    })
}

/// The observers that stand in a region.
pub(super) fn standing_in<'a>(state: &'a State, region: &'a Name) -> impl Iterator<Item = &'a Name> {
    state.policy.observers.iter().filter(move |other| other.region == *region).map(|other| &other.name)
}

/// Whether we may write for this service now.
pub(super) fn holds(acting: &Acting, state: &State, now: Mono) -> bool {
    acting.claim == ClaimState::Holding && state.seat.right(now).is_some()
}

/// Whether we may act for it: the claim is ours, and what the coordinator holds is known.
pub(super) fn acts(acting: &Acting, state: &State, now: Mono) -> bool {
    holds(acting, state, now) && !super::running::must_read(acting)
}

/// Whether a transaction of who acts may go out: nothing is on its way.
pub(super) fn may_write(acting: &Acting, state: &State, now: Mono) -> bool {
    acting.flight.is_none() && acts(acting, state, now)
}
