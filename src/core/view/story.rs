//! The incident as it stands, for whoever tells people of it: nothing that `status` has not, but by moments and not by ages.

use crate::ids::{Name, ServiceId};
use crate::state::State;
use crate::time::{Now, Wall};

/// An open incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its number.
    pub number: u32,
    /// Its severity; none: a scenario without one holds.
    pub rung: Option<Name>,
    /// When its first sample failed, for people.
    pub first_failed: Wall,
    /// So often somebody has said that its page is seen.
    pub acknowledged: u32,
}

/// The open incident of a service; none: it has none.
#[must_use]
pub fn story(state: &State, id: ServiceId, now: Now) -> Option<Story> {
    let service = state.service(id)?;
    let incident = &service.incident;
    if !incident.is_open() {
        return None;
    }
    let head = service.acting.as_deref().and_then(|acting| acting.record.as_deref()?.head.as_deref());
    let head = head.filter(|head| head.number == incident.number());
    let age = incident.first_failed().map(|first| now.mono.since(first)).unwrap_or_default();
    // What the record has is older where this core lives shorter than the incident.
    let first_failed = head.map_or(now.wall.before(age), |head| head.first_failed.min(now.wall.before(age)));
    Some(Story {
        number: incident.number(),
        rung: incident.rung().and_then(|at| service.policy.ladder.rung(at)).map(|rung| rung.name.clone()),
        first_failed,
        acknowledged: head.map_or(0, |head| head.acknowledged),
    })
}
