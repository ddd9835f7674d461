//! What is so, put into the API's words. It reads the core's views and changes nothing.

use super::deeds::Deeds;
use super::room::Room;
use super::windows::Opening;
use crate::api::{GateView, RegionView, RunView, ServiceView, Snapshot, StepView, WindowView};
use crate::chronicle::gates;
use crate::core::decide::Mode;
use crate::core::event::Decided;
use crate::core::ids::{Name, ServiceId};
use crate::core::input::Store;
use crate::core::plan::saga::{HeldWhy, StepState};
use crate::core::plan::{self, StepName};
use crate::core::state::{Service, State};
use crate::core::time::{Mono, Now};
use crate::core::view::{self, RunStatus};

/// What the core does not know of.
pub(super) struct Around<'a> {
    /// What is wrong with the newest config.
    pub(super) reload: Option<&'a str>,
    /// Maintenance windows that are open, or will be.
    pub(super) openings: &'a [Opening],
    /// On the store's disk.
    pub(super) room: &'a Room,
    /// What was in the way of steps.
    pub(super) deeds: &'a Deeds,
}

/// All of it.
pub(super) fn snapshot(state: &State, around: &Around<'_>, now: Now) -> Snapshot {
    let mut services: Vec<ServiceView> =
        state.services().filter_map(|service| self::service(state, service, around.deeds, now)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let seat = &state.seat;
    let cluster = seat.cluster.filter(|_| seat.reached);
    Snapshot {
        at: now.wall.to_string(),
        observer: state.policy.observer_name(state.policy.me).to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        mode: mode(state.policy.mode),
        ready: cluster.is_some() && !seat.leaving,
        leaving: seat.leaving,
        isolated: state.trust.isolated().map(|(why, _)| why.to_string()),
        cluster: cluster.map(|id| format!("{:032x}", id.0)),
        store: match seat.store {
            Store::Ok => "ok",
            Store::Full => "full",
            Store::Corrupt => "corrupt",
        },
        store_why: around.room.low.then(|| around.room.to_string()),
        reload: around.reload.map(str::to_owned),
        maintenance: around.openings.iter().filter(|it| it.at(now.wall)).map(window).collect(),
        services,
    }
}

/// In one word.
pub(super) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Approve => "approve",
        Mode::Auto => "auto",
    }
}

fn window(open: &Opening) -> WindowView {
    let names = |list: &Option<Vec<Name>>| {
        list.as_ref().map(|list| list.iter().map(|name| name.as_str().to_owned()).collect())
    };
    WindowView {
        name: open.name.as_str().to_owned(),
        from: open.from.to_string(),
        until: open.until.to_string(),
        services: names(&open.services),
        regions: names(&open.regions),
        effect: if open.silence { "silence" } else { "approve" },
    }
}

fn service(state: &State, service: &Service, deeds: &Deeds, now: Now) -> Option<ServiceView> {
    let status = view::status(state, service.id, now)?;
    let (decision, wish, set) = match service.decided {
        Decided::Nothing => ("nothing", None, 0),
        Decided::WouldStart(wish) => ("would_start", Some(wish), 0),
        Decided::Blocked(wish, set) => ("blocked", Some(wish), set),
    };
    let plan = wish.and_then(|wish| service.policy.plans.get(wish.plan.index()));
    let regions = status.regions.iter().map(|region| RegionView {
        name: region.region.as_str().to_owned(),
        standing: match (region.quorum, region.up) {
            (Some((level, _)), _) => level.to_string(),
            (None, true) => "up".to_owned(),
            (None, false) => "unknown".to_owned(),
        },
        own: region.own.map(|level| level.to_string()),
        quarantined: region.quarantined,
    });
    let raised = status.raised.iter();
    Some(ServiceView {
        name: status.service.as_str().to_owned(),
        active: status.active.as_ref().map(|(region, _)| region.as_str().to_owned()),
        epoch: status.active.as_ref().map(|(_, epoch)| epoch.0),
        holder: status.holder.as_ref().map(|who| who.as_str().to_owned()),
        incident: status.incident.as_ref().map(|(number, ..)| *number),
        severity: status.incident.as_ref().and_then(|(_, rung, _)| Some(rung.as_ref()?.as_str().to_owned())),
        incident_seconds: status.incident.as_ref().map(|(_, _, age)| age.as_micros() / 1_000_000),
        paused: status.paused,
        maintenance: status.maintenance,
        foreign: status.foreign,
        decision,
        plan: plan.map(|plan| plan.name.as_str().to_owned()),
        gates: gates(set),
        raised: raised.map(|(name, for_)| (name.as_str().to_owned(), for_.as_micros() / 1_000_000)).collect(),
        regions: regions.collect(),
        gate: view::traffic(state, service.id).map(gate).unwrap_or_default(),
        runs: status.runs.iter().map(|run| self::run(state, service.id, run, deeds)).collect(),
        request: status.request.as_ref().map(|(number, plan)| (*number, plan.as_str().to_owned())),
        owes: status.owes.iter().map(|(run, plan)| (run.0, plan.as_str().to_owned())).collect(),
        last_failover: status
            .last_failover
            .map(|(run, outcome)| (run.0, outcome.map(|outcome| outcome.to_string()))),
    })
}

fn gate(traffic: view::Traffic) -> GateView {
    let name = |name: &Name| name.as_str().to_owned();
    GateView {
        open: traffic.open.map(|open| open.iter().map(name).collect()),
        moving: traffic.moving,
        ttl_seconds: traffic.ttl.as_micros() / 1_000_000,
        closes: traffic.closes,
        heard: traffic.heard.map(Mono::as_micros),
    }
}

fn run(state: &State, service: ServiceId, run: &RunStatus, deeds: &Deeds) -> RunView {
    let step = |(name, at): &(StepName, StepState)| StepView {
        name: name.to_string(),
        state: at.to_string(),
        detail: deeds.detail(&(service, run.run, name.clone())).map(str::to_owned),
        timeout: view::step_of(state, service, run.run, name)
            .map_or(0.0, |step| step.timeout.as_micros() as f64 / 1e6),
    };
    RunView {
        run: run.run.0,
        plan: run.plan.as_str().to_owned(),
        mode: match run.mode {
            plan::Mode::Live => "live",
            plan::Mode::Drill => "drill",
            plan::Mode::Preview => "preview",
        },
        state: run.state.to_string(),
        held: run.held.as_ref().map(HeldWhy::to_string),
        served: run.served,
        steps: run.steps.iter().map(step).collect(),
        undone: run.undone.iter().map(step).collect(),
    }
}
