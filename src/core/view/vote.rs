//! What this observer would vote now, as it would be written.

use crate::agree::Vote;
use crate::engine::own_vote as own;
use crate::ids::ServiceId;
use crate::state::State;
use crate::time::Now;

/// Our own vote on a service, as it would be written now.
#[must_use]
pub fn own_vote(state: &State, id: ServiceId, now: Now) -> Option<Vote> {
    state.service(id).map(|service| own(state, service, now))
}
