//! One service looks at what is: answer, picture, standing, incident, decision. Called whenever something may have
//! changed, and right after a restart: there is no other way to anything it decides.

use super::out::Out;
use super::{acting, ask, every_service, judge, mark, start, watch};
use crate::event::Event;
use crate::ids::{RegionId, ServiceId};
use crate::severity::Stage;
use crate::state::{State, Timer};
use crate::time::{Mono, Now, Span};
use crate::verdict::{Counted, Level};

/// How often a witness' evidence is looked at while it is all that says that something lives.
const EVIDENCE_AGES: Span = Span::secs(5);

/// When to look again, at the earliest of what is still to come: what is due already is looked at just now, must not
/// hide what comes later, and would not end if it were looked at again.
#[derive(Clone, Copy)]
pub(super) struct Wake {
    now: Mono,
    next: Option<Mono>,
}

impl Wake {
    pub(super) fn new(now: Mono) -> Wake {
        Wake { now, next: None }
    }

    /// Then, unless it is earlier already.
    pub(super) fn at(&mut self, moment: Option<Mono>) {
        self.next = match (self.next, moment.filter(|at| *at > self.now)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Looks at one service.
pub(super) fn advance(state: &mut State, id: ServiceId, now: Now, out: &mut Out) {
    let mut wake = Wake::new(now.mono);
    wake.at(ask::advance(state, id, now, out));
    let Some(mut service) = state.services.get_mut(id.index()).and_then(Option::take) else { return };
    service.dirty = false;
    let counted = Counted::all();
    let active = service.known.active;
    service.picture.redraw(id, &service.policy.parts, &service.votes, active, counted, now.mono);
    let before = service.share;
    judge::standings(&mut service, out);
    if service.worst.contains(&Some(Level::Unreachable)) {
        // What keeps it from being down is evidence that gets old.
        wake.at(Some(now.mono + EVIDENCE_AGES));
    }
    let flipped = state.regions.tell(before, service.share, now.mono);
    tell_regions(state, flipped.into_iter().flatten(), out);
    let mut moments = core::mem::take(&mut state.moments);
    moments.fill(&service, &state.regions);
    let undecided = service.incident.stage() == Stage::Blip;
    acting::look(&mut service, state, now, out);
    judge::incident(&mut service, state, &mut moments, now, &mut wake, out);
    let decision = start::decide(&mut service, state, &moments, now, &mut wake, out);
    acting::advance(&mut service, state, &moments, decision.as_ref(), now, &mut wake, out);
    state.moments = moments;
    let after = service.share;
    let turned = undecided != (service.incident.stage() == Stage::Blip);
    arm(state, &mut service.armed, id, wake);
    state.services[id.index()] = Some(service);
    if turned {
        watch::repace_witnesses(state, id, out);
    }
    if flipped.iter().any(Option::is_some) {
        every_service(state);
    }
    if before != after {
        dependents(state, id);
    }
}

/// Regions that became lost, or were found again.
pub(super) fn tell_regions(state: &mut State, flipped: impl Iterator<Item = RegionId>, out: &mut Out) {
    for region in flipped {
        if let Some(name) = state.regions.name(region).cloned() {
            let lost = state.regions.lost(region).is_some();
            out.record_own(state, if lost { Event::RegionLost(name) } else { Event::RegionBack(name) });
        }
    }
}

/// Those that depend on this service look again.
pub(super) fn dependents(state: &mut State, id: ServiceId) {
    for index in 0..state.services.len() {
        let other = ServiceId::at(index);
        if state.service(other).is_some_and(|service| service.depends_on.contains(&id)) {
            mark(state, other);
        }
    }
}

fn arm(state: &mut State, armed: &mut Option<Mono>, id: ServiceId, wake: Wake) {
    let Some(at) = wake.next else { return };
    if armed.is_none_or(|armed| at < armed) {
        *armed = Some(at);
        state.timers.set(at, Timer::Service(id));
    }
}
