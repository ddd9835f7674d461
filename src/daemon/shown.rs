//! What is so, put into the API's words. It reads the core's views and changes nothing.

use super::deeds::Deeds;
use super::previewed::seconds;
use super::room::Room;
use super::windows::Opening;
use crate::api::{
    AskView, LossView, PointView, RegionView, RequestView, RunView, ServiceView, Snapshot, StepView,
    TrafficView, WindowView,
};
use crate::chronicle::gates;
use crate::core::agree::{Request, Wanted};
use crate::core::decide::Mode;
use crate::core::event::Decided;
use crate::core::ids::{Name, ServiceId};
use crate::core::input::Store;
use crate::core::plan::saga::{Asks, HeldWhy, Point, RunState, StepState};
use crate::core::plan::{self, Only, StepName};
use crate::core::state::{Service, State};
use crate::core::time::{Mono, Now, Span};
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
    let failing = status.incident.as_ref().map(|(_, _, age)| seconds(*age));
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
        runs: status.runs.iter().map(|run| self::run(state, service.id, run, failing, deeds)).collect(),
        request: status.request.as_ref().map(|request| self::request(request, status.objectives.rpo)),
        announced: status.announced.as_ref().map(|(plan, left)| (plan.as_str().to_owned(), seconds(*left))),
        rto: status.objectives.rto.map(seconds),
        rpo: status.objectives.rpo.map(seconds),
        owes: status.owes.iter().map(|(run, plan)| (run.0, plan.as_str().to_owned())).collect(),
        last_failover: status
            .last_failover
            .map(|(run, outcome)| (run.0, outcome.map(|outcome| outcome.to_string()))),
    })
}

fn gate(traffic: view::Traffic) -> TrafficView {
    let name = |name: &Name| name.as_str().to_owned();
    TrafficView {
        open: traffic.open.map(|open| open.iter().map(name).collect()),
        moving: traffic.moving,
        ttl_seconds: traffic.ttl.as_micros() / 1_000_000,
        closes: traffic.closes,
        heard: traffic.heard.map(Mono::as_micros),
    }
}

fn request(request: &Request, rpo: Option<Span>) -> RequestView {
    let why = match &request.why {
        Wanted::Scenario(name) => format!("scenario {name} holds"),
        Wanted::Failback => "the way home".to_owned(),
        Wanted::Rejoin => "a region that returns".to_owned(),
        Wanted::Owed(run) => format!("what run {run} owes"),
        Wanted::Evacuation(who) => format!("{who} ordered that the region be left; it waits for its turn"),
    };
    RequestView {
        number: request.number,
        why,
        plan: request.plan.as_str().to_owned(),
        from: request.case.from.as_ref().map(|from| from.as_str().to_owned()),
        to: (!request.why.is_evacuation()).then(|| request.case.at.as_str().to_owned()),
        planned: request.way == Only::Planned,
        hash: request.hash.map(|hash| hash.to_string()),
        epoch: request.epoch.0,
        loss: request.loss.map(|loss| LossView { seconds: loss.map(seconds), rpo: rpo.map(seconds) }),
        exposure: request.exposure,
        gates: gates(request.gates),
    }
}

fn asks(asks: &Asks) -> AskView {
    let point = |point: &Point| PointView {
        text: point.text.clone(),
        probe: point.probe.as_ref().map(|probe| probe.as_str().to_owned()),
        ticked: point.ticked,
    };
    AskView {
        step: asks.step.to_string(),
        role: asks.role.as_str().to_owned(),
        text: asks.text.clone(),
        count: asks.count,
        given: asks.given,
        items: asks.items.iter().map(point).collect(),
    }
}

const fn run_word(state: RunState) -> &'static str {
    match state {
        RunState::Asked => "asked",
        RunState::Announced => "announced",
        RunState::Awaiting => "awaiting",
        RunState::Starting => "starting",
        RunState::Running => "running",
        RunState::Draining => "draining",
        RunState::Undoing => "undoing",
        RunState::Held => "held",
        RunState::Ending => "ending",
        RunState::Ended => "ended",
    }
}

const fn step_word(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Intent => "starting",
        StepState::Calling => "calling",
        StepState::Unsettled => "unsettled",
        StepState::Observing => "observing",
        StepState::Verifying => "verifying",
        StepState::NotDone => "not done",
        StepState::Held => "held",
        StepState::Done => "done",
        StepState::Skipped => "skipped",
        StepState::Failed => "failed",
        StepState::Not => "not applied",
    }
}

fn run(state: &State, service: ServiceId, run: &RunStatus, failing: Option<f64>, deeds: &Deeds) -> RunView {
    let step = |(name, at, since): &(StepName, StepState, Span)| StepView {
        name: name.to_string(),
        state: step_word(*at),
        seconds: seconds(*since),
        detail: deeds.detail(&(service, run.run, name.clone())).map(str::to_owned),
        timeout: view::step_of(state, service, run.run, name).map_or(0.0, |step| seconds(step.timeout)),
    };
    RunView {
        run: run.run.0,
        plan: run.plan.as_str().to_owned(),
        mode: match run.mode {
            plan::Mode::Live => "live",
            plan::Mode::Drill => "drill",
            plan::Mode::Preview => "preview",
        },
        planned: run.planned,
        from: run.from.as_ref().map(|from| from.as_str().to_owned()),
        to: run.at.as_str().to_owned(),
        hash: run.hash.map(|hash| hash.to_string()),
        epoch: run.epoch.0,
        seconds: seconds(run.age),
        longest: seconds(run.longest),
        failing,
        rto: run.objectives.rto.map(seconds),
        rpo: run.objectives.rpo.map(seconds),
        phases: run.phases.iter().map(|(name, by)| (name.as_str().to_owned(), seconds(*by))).collect(),
        asks: run.asks.iter().map(asks).collect(),
        state: run_word(run.state),
        held: run.held.as_ref().map(HeldWhy::to_string),
        served: run.served,
        steps: run.steps.iter().map(step).collect(),
        undone: run.undone.iter().map(step).collect(),
    }
}
