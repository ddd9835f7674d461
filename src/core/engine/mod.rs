//! Routes an input to what it is about, and then lets everything that may have changed look at what *is*.
//!
//! [`step`] is the only door. It cannot fail, starts nothing, and answers with what is to be done. Every file here
//! has one part of the story; none remembers an edge in a flag.

mod acting;
mod advance;
mod ask;
mod drift;
mod judge;
mod out;
mod reload;
mod seen;
mod situation;
mod start;
mod vote;
mod watch;
mod weigh;

pub(crate) use acting::{asks_for, look_by};
pub(crate) use situation::{objectives, situation};
pub(crate) use start::{gates_now, mode, situation_now, unrefused_first};
pub(crate) use vote::own as own_vote;
pub(crate) use weigh::{Wanted, case_for, place, weigh};

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::effect::Effect;
use crate::event::Event;
use crate::input::Input;
use crate::state::{State, Timer};
use crate::time::Now;
use out::Out;

/// Takes one input, and says what is to be done.
#[must_use]
pub fn step(state: &mut State, input: Input, now: Now) -> Vec<Effect> {
    step_in(Vec::new(), state, input, now)
}

/// The same, in the memory of a list that was worked off.
#[must_use]
pub fn step_in(mut room: Vec<Effect>, state: &mut State, input: Input, now: Now) -> Vec<Effect> {
    room.clear();
    let mut out = Out::new(room);
    let late = state.wake_at().map_or(crate::time::Span::ZERO, |due| now.mono.since(due));
    if late > state.trust.settings().stall() {
        let turn = state.trust.stalled(late, now.mono);
        watch::trust_turned(state, turn, now, &mut out);
    }
    wake(state, now, &mut out);
    match input {
        Input::Tick => {}
        Input::Sample(sample) => watch::sample(state, sample, now, &mut out),
        Input::References { round, reached } => watch::references(state, round, reached, now, &mut out),
        Input::Seen(seen) => seen::seen(state, seen, now, &mut out),
        Input::Reloaded(policy) => reload::reload(state, &policy, now, &mut out),
        Input::ClockJumped { by } => {
            let turn = state.trust.jumped(by, now.mono);
            watch::trust_turned(state, turn, now, &mut out);
            windows(state, now);
        }
        Input::Windows(windows) => {
            state.windows = windows;
            self::windows(state, now);
        }
        Input::Renewed { nonce, answer } => acting::session::renewed(state, nonce, answer, now, &mut out),
        Input::Store(store) => acting::session::store(state, store),
        Input::Coordinator(told) => acting::session::coordinator(state, told, now, &mut out),
        Input::ShutdownAsked => acting::session::leave(state),
        Input::Answered { id, answer } => acting::answered(state, id, answer, now, &mut out),
        Input::Finished(finished) => acting::running::finished(state, finished, now, &mut out),
        Input::ReadBack { service, run, step, writable } => {
            acting::running::read_back(state, service, run, step, writable, now);
        }
        Input::Recorded { service, upto } => acting::running::recorded(state, service, upto, now, &mut out),
        Input::Ordered(order) => acting::ordered(state, order, now, &mut out),
    }
    settle(state, now, &mut out);
    for cell in out.cells().into_iter().flatten() {
        state.odd = state.odd.or(state.visits.mark(cell));
    }
    if let Some(cell) = state.odd.take() {
        out.record_own(state, Event::Impossible(cell));
    }
    out.effects
}

/// A core that lives by this policy, and the first effects.
#[must_use]
pub fn start(policy: &Arc<crate::policy::Policy>, now: Now) -> (State, Vec<Effect>) {
    let mut state = State::new(Arc::clone(policy));
    let effects = step(&mut state, Input::Reloaded(Arc::clone(policy)), now);
    (state, effects)
}

/// Wakes all that is due. What is woken looks at what is; a wake too many does nothing.
fn wake(state: &mut State, now: Now, out: &mut Out) {
    while let Some((at, timer)) = state.timers.due(now.mono) {
        match timer {
            Timer::SelfTrust => watch::advance_trust(state, now, out),
            Timer::Service(id) => {
                if let Some(service) = state.service_mut(id) {
                    if service.armed == Some(at) {
                        service.armed = None;
                    }
                    mark(state, id);
                }
            }
            Timer::Stale(probe) => watch::stale(state, probe, now, out),
            Timer::Window => windows(state, now),
            Timer::Session => acting::session::advance(state, now, out),
        }
    }
}

/// The windows, or the wall clock that they hang on, may be others now.
fn windows(state: &mut State, now: Now) {
    every_service(state);
    let edge = state.next_window_edge(now).filter(|edge| *edge > now.mono);
    state.timers.set_window(edge);
}

/// Lets every service that may have changed look at what is, until none has. A service that changes its region's
/// share makes others look again; standings do not hang on that, so it comes to rest.
fn settle(state: &mut State, now: Now, out: &mut Out) {
    if state.wanted.is_some() || state.accused > 0 {
        watch::advance_trust(state, now, out);
    }
    while let Some(id) = state.dirty.pop() {
        advance::advance(state, id, now, out);
    }
    if state.wanted.is_some() {
        watch::advance_trust(state, now, out);
        while let Some(id) = state.dirty.pop() {
            advance::advance(state, id, now, out);
        }
    }
}

/// This service may have changed.
fn mark(state: &mut State, id: crate::ids::ServiceId) {
    if let Some(service) = state.service_mut(id)
        && !service.dirty
    {
        service.dirty = true;
        state.dirty.push(id);
    }
}

/// Everything may have changed.
fn every_service(state: &mut State) {
    for index in 0..state.services.len() {
        mark(state, crate::ids::ServiceId::at(index));
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod tests;
