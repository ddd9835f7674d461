//! Our own vote in the coordinator: written whenever it would be another one now, by compare-and-set, hung on our
//! session.
//!
//! It must never be written twice at once: a late write of ours would undo a newer one.

use alloc::vec;

use super::flight::{Wish, me, send};
use crate::agree::{Guard, Purpose, Vote, Write};
use crate::engine::advance::Wake;
use crate::engine::mark;
use crate::engine::out::Out;
use crate::ids::ServiceId;
use crate::mutants::{self, Mutant};
use crate::severity::Stage;
use crate::state::acting::{About, Acting, Ballot};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span};

/// In trouble a vote carries witnesses' evidence, which is only worth its age: it is written again so often.
const EVIDENCE_AGAIN: Span = Span::secs(20);

/// Writes it, if it is another one than the coordinator has.
pub(super) fn advance(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let Some(session) = state.seat.session.id().filter(|_| acting.flight.is_none()) else { return };
    let ballot = acting.ballot;
    let changes = service.votes.changes();
    let same = ballot.changes == Some(changes) && ballot.policy == service.policy.hash;
    if same && !old(service, &ballot, now.mono, wake) {
        return;
    }
    let vote = super::super::vote::own(state, service, now);
    if same && !carries_evidence(&vote) {
        // What is old is only worth writing again where it says how old.
        acting.ballot.at = now.mono;
        return;
    }
    let about = About::Vote(changes, vote.hash, session);
    let mut guards = vec![Guard::Session(session)];
    if !mutants::on(Mutant::VoteUncompared) {
        guards.push(Guard::Vote(me(state).clone(), ballot.revision));
    }
    let wish = Wish::new(Purpose::Vote, guards, vec![Write::Vote(vote)]).about(about);
    send(acting, service, wish, now, out);
}

/// Ours is not in the coordinator any more, since that revision: the session that it hung on is over. If it is ours that
/// is over, only a renewal says so.
pub(in crate::engine) fn withdrawn(state: &mut State, id: ServiceId, revision: u64, now: Now, out: &mut Out) {
    let Some(acting) = state.service_mut(id).and_then(|service| service.acting.as_deref_mut()) else {
        return;
    };
    if revision <= acting.ballot.revision {
        return;
    }
    (acting.ballot.revision, acting.ballot.changes) = (0, None);
    super::session::doubted(state, now, out);
    mark(state, id);
}

fn old(service: &Service, ballot: &Ballot, now: Mono, wake: &mut Wake) -> bool {
    let again = ballot.at + EVIDENCE_AGAIN;
    if service.incident.stage() == Stage::None {
        return false;
    }
    wake.at(Some(again));
    again <= now
}

fn carries_evidence(vote: &Vote) -> bool {
    vote.says.iter().any(|said| said.reading.is_some() && !said.fresh)
}
