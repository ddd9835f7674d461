//! The traffic gate: to which regions a service's users may be led now, and what that rests on.
//!
//! It never says that a region is well, which its balancer's own check does; only that it should get traffic.

use alloc::vec;
use alloc::vec::Vec;

use crate::ids::{Name, ServiceId};
use crate::plan::saga::{Run, StepState};
use crate::plan::{ActsAs, Body, Mode, OnLost, Own, PlanKind};
use crate::state::{Service, State};
use crate::time::{Mono, Span};

/// The traffic gate of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// For these it is open; none: nobody has said where the service is active.
    pub open: Option<Vec<Name>>,
    /// A failover is under way, and users are led nowhere until its gate step is done.
    pub moving: bool,
    /// How long the answer may be kept.
    pub ttl: Span,
    /// It closes when nothing was heard of the coordinator for longer than `ttl`.
    pub closes: bool,
    /// When the newest acknowledged renewal of the session was sent; none: there is no session.
    pub heard: Option<Mono>,
}

/// How long an answer may be kept where no plan says it.
const TTL: Span = Span::secs(30);

/// The gate of a service; none: there is no such service.
#[must_use]
pub fn traffic(state: &State, id: ServiceId) -> Option<Traffic> {
    let service = state.service(id)?;
    let (ttl, closes) = settings(service);
    let heard = state.seat.session.acknowledged();
    let known = service.known.record.as_ref();
    // Held by us, it is known as a whole before the others hear of it.
    let whole = service.acting.as_deref().and_then(|acting| acting.record.as_deref());
    let gate =
        whole.map_or_else(|| known.and_then(|record| record.gate.as_ref()), |record| record.gate.as_ref());
    let active = whole.map(|record| &record.active).or_else(|| known.map(|record| &record.active));
    let set = gate.cloned().or_else(|| active.map(|active| vec![active.clone()]));
    let moving = leaves(service, set.as_deref().unwrap_or_default());
    let open = if moving { Some(Vec::new()) } else { set };
    Some(Traffic { open, moving, ttl, closes, heard })
}

/// Whether a live failover has begun to close the old side, or may have, and has not opened the gate to the new one.
fn leaves(service: &Service, open: &[Name]) -> bool {
    let Some((id, PlanKind::Failover)) = service.known.record.as_ref().and_then(|record| record.running)
    else {
        return false;
    };
    let mut carried = service.acting.iter().flat_map(|acting| &acting.runs);
    match carried.find(|carried| carried.run.start().run == id) {
        Some(carried) => {
            let run = &carried.run;
            run.start().mode == Mode::Live && begun(run) && !open.contains(&run.plan().at().at)
        }
        // Another carries it: how far it is nobody here knows.
        None => true,
    }
}

fn begun(run: &Run) -> bool {
    run.steps().any(|(name, at)| {
        let step = run.plan().position(name).and_then(|at| run.plan().step(at));
        let turns = step.is_some_and(|step| match step.acts_as {
            ActsAs::Fences | ActsAs::Promotes | ActsAs::Routes => true,
            ActsAs::Verifies | ActsAs::Other => false,
        });
        turns && !matches!(at, StepState::Waiting | StepState::Skipped | StepState::Not)
    })
}

/// As its plans have it: the shortest time, and it closes if any relies on that.
fn settings(service: &Service) -> (Span, bool) {
    let mut found: Option<(Span, bool)> = None;
    let steps = service.policy.plans.iter().flat_map(|plan| plan.set.plans()).flat_map(|plan| plan.steps());
    for step in steps {
        if let Body::Own(Own::TrafficGate { on_lost, ttl, .. }) = &step.body {
            let (least, closes) = found.unwrap_or((*ttl, false));
            found = Some((least.min(*ttl), closes || *on_lost == OnLost::Close));
        }
    }
    found.unwrap_or((TTL, false))
}
