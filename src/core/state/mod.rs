//! Everything that one core remembers: a common part, a slab of probes, a slab of services, timers.
//!
//! Plain data with small accessors; what changes it lives in [`engine`](crate::engine), what reads it for people in
//! [`view`](crate::view).

pub mod acting;
mod lookup;
mod moments;
mod region;
mod seat;
mod service;
mod timers;
mod visits;

pub use lookup::Lookup;
pub use moments::Moments;
pub use region::{Regions, Share};
pub use seat::{PulseKnown, Seat};
pub(crate) use service::only_region;
pub use service::{Announced, AskState, Blind, Known, Own, RecordKnown, ScenarioState, Service, TriedKnown};
pub use timers::{Timer, Timers};
pub use visits::Visits;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::agree::RunId;
use crate::event::AnyCell;
use crate::health::self_trust::SelfTrust;
use crate::health::{Debounced, Pace};
use crate::ids::{CellPos, ObserverPos, ProbeId, ServiceId};
use crate::input::Window;
use crate::order::{Order, Reply};
use crate::plan::saga::Cell;
use crate::policy::Policy;
use crate::time::{Mono, Now, Wall};
use crate::verdict::Picture;

/// Everything that one core remembers.
#[derive(Debug)]
pub struct State {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// What this observer makes of itself.
    pub trust: SelfTrust,
    /// A check of the reference points is wanted that is sent at or after this.
    pub(crate) wanted: Option<Mono>,
    /// Probes that are suspect or down: while there are any, references are checked again and again.
    pub(crate) accused: u32,
    /// Services that wait for a check of the reference points: to accuse, or to answer an ask.
    pub(crate) awaiting: Vec<ServiceId>,
    pub(crate) probes: Vec<Slot>,
    pub(crate) services: Vec<Option<Box<Service>>>,
    pub(crate) by_name: Lookup,
    pub(crate) regions: Regions,
    pub(crate) windows: Vec<Window>,
    /// What this observer is to the coordinator.
    pub seat: Seat,
    /// A cell was come to that cannot occur; it is told at the end of the step.
    pub(crate) odd: Option<AnyCell>,
    /// Orders that were said to many services, and how many of them have not answered yet.
    pub(crate) many: Vec<Many>,
    /// Automatic failovers, when first seen.
    pub(crate) failovers: Vec<(ServiceId, RunId, Mono)>,
    /// Unfinished runs over all services.
    pub(crate) runs: u32,
    pub(crate) timers: Timers,
    pub(crate) dirty: Vec<ServiceId>,
    pub(crate) events: u64,
    pub(crate) asked: Picture,
    pub(crate) wide: Picture,
    pub(crate) moments: Moments,
    /// The cells of all tables that this core has come to.
    pub visits: Visits,
}

/// One probe in one region, as this core runs it.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its state.
    pub debounced: Debounced,
    /// Whose it is.
    pub service: ServiceId,
    /// What votes call it.
    pub cell: CellPos,
    /// How often it is run; what the shell was last told.
    pub pace: Pace,
    /// It is not in the policy any more.
    pub gone: bool,
    /// A timer looks after its getting stale.
    pub watched: bool,
    /// Counted among the accused.
    pub accused: bool,
}

/// An order that was said to many services.
#[derive(Clone, Debug)]
pub struct Many {
    /// Which.
    pub order: Order,
    /// So many have not answered.
    pub left: usize,
    /// The answer that matters most, so far.
    pub worst: Option<Reply>,
}

impl State {
    /// A core that knows nothing yet. The policy is taken by the first [`Reloaded`](crate::input::Input::Reloaded).
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> State {
        State {
            trust: SelfTrust::new(policy.self_trust),
            seat: Seat::new(policy.session.margin),
            policy,
            wanted: None,
            accused: 0,
            awaiting: Vec::new(),
            probes: Vec::new(),
            services: Vec::new(),
            by_name: Lookup::default(),
            regions: Regions::default(),
            windows: Vec::new(),
            odd: None,
            many: Vec::new(),
            failovers: Vec::new(),
            runs: 0,
            timers: Timers::default(),
            dirty: Vec::new(),
            events: 0,
            asked: Picture::default(),
            wide: Picture::default(),
            moments: Moments::default(),
            visits: Visits::default(),
        }
    }

    /// When the core wants to be called again, if nothing else happens. A hint: it may look and find nothing to do.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// The service of that name.
    #[must_use]
    pub fn service_id(&self, name: &str) -> Option<ServiceId> {
        self.by_name.service(name)
    }

    /// A service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.get(id.index())?.as_deref()
    }

    pub(crate) fn service_mut(&mut self, id: ServiceId) -> Option<&mut Service> {
        self.services.get_mut(id.index())?.as_deref_mut()
    }

    /// All services, in the order of their ids.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().flatten().map(|service| &**service)
    }

    /// A probe.
    #[must_use]
    pub fn probe(&self, id: ProbeId) -> Option<&Slot> {
        self.probes.get(id.index()).filter(|slot| !slot.gone)
    }

    /// The probe that this core runs under those names: how the shell learns its id.
    #[must_use]
    pub fn probe_id(&self, service: &str, probe: &str, region: Option<&str>) -> Option<ProbeId> {
        let service = self.service(self.service_id(service)?)?;
        let cell = service.policy.cell(probe, region)?;
        service.mine(cell)
    }

    /// A run has come to these cells.
    pub(crate) fn saw(&mut self, cells: &[Cell]) {
        self.odd = self.odd.or(self.visits.saga(cells));
    }

    pub(crate) fn me(&self) -> ObserverPos {
        self.policy.me
    }

    /// Whether a maintenance window is open for a service that is active there, and when that may change.
    pub(crate) fn maintenance(&self, service: &Service, wall: Wall) -> bool {
        let active = service.known.active.and_then(|at| service.policy.regions.get(at.index()));
        self.windows.iter().any(|window| {
            let for_it = window.services.as_ref().is_none_or(|list| list.contains(&service.policy.name));
            let there =
                window.regions.as_ref().is_none_or(|list| active.is_some_and(|active| list.contains(active)));
            for_it && there && window.from <= wall && wall < window.until
        })
    }

    /// When the wall next passes an edge of a maintenance window.
    pub(crate) fn next_window_edge(&self, now: Now) -> Option<Mono> {
        self.windows
            .iter()
            .flat_map(|window| [window.from, window.until])
            .filter(|edge| *edge > now.wall)
            .min()
            .map(|edge| now.mono + edge.since(now.wall))
    }
}
