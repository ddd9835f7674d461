//! "Look again, now": the claim's holder asks whenever something that it would do hangs on answers that are not there.
//!
//! It must never take an old answer for a new one: only an ask that was sent in this life counts, from its sending.

use alloc::vec;

use super::claim::holds;
use super::flight::{Wish, send};
use crate::agree::{Guard, Purpose, Write};
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::state::acting::{About, Acting};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span};

/// Whether somebody has been asked since then, and has answered or had the time to. Asks, if not.
pub(super) fn asked_since(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> bool {
    let window = state.policy.ask;
    if let Some(sent) = service.ask.sent.filter(|sent| *sent >= since) {
        let enough = state.policy.everybody().majority();
        let all = service.votes.present().count().max(enough);
        let over = sent + window;
        if service.votes.answered(service.ask.number).count() >= all || over <= now.mono {
            return true;
        }
        wake.at(Some(over));
        return false;
    }
    ask(service, acting, state, now, wake, out);
    false
}

/// Asks, if that is not too soon after the last time.
pub(super) fn ask(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    if acting.flight.is_some() || !holds(acting, state, now.mono) {
        return;
    }
    let again = acting.asked.map(|at| at + state.policy.ask + Span::secs(1));
    if let Some(again) = again.filter(|again| *again > now.mono) {
        return wake.at(Some(again));
    }
    let Some(session) = state.seat.session.id() else { return };
    // Above what anybody has answered: in a restored coordinator there are answers to asks that it does not know.
    let number = service.ask.number.max(service.votes.newest_answered()).saturating_add(1);
    acting.asked = Some(now.mono);
    let guards =
        vec![Guard::Session(session), Guard::Claim(acting.created), Guard::Ask(service.ask.revision)];
    let wish = Wish::new(Purpose::Ask, guards, vec![Write::Ask(number)]).about(About::Ask(number));
    send(acting, service, wish, now, out);
}
