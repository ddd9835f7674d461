//! What is so, put into the API's words. It reads the core's views and changes nothing.

use super::room::Room;
use super::windows::Opening;
use crate::api::{RegionView, ServiceView, Snapshot, WindowView};
use crate::chronicle::gates;
use crate::core::event::Decided;
use crate::core::ids::Name;
use crate::core::input::Store;
use crate::core::state::{Service, State};
use crate::core::time::Now;
use crate::core::view;

/// What the core does not know of.
pub(super) struct Around<'a> {
    /// What is wrong with the newest config.
    pub(super) reload: Option<&'a str>,
    /// Maintenance windows that are open, or will be.
    pub(super) openings: &'a [Opening],
    /// On the store's disk.
    pub(super) room: &'a Room,
}

/// All of it.
pub(super) fn snapshot(state: &State, around: &Around<'_>, now: Now) -> Snapshot {
    let mut services: Vec<ServiceView> =
        state.services().filter_map(|service| self::service(state, service, now)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let seat = &state.seat;
    let cluster = seat.cluster.filter(|_| seat.reached);
    Snapshot {
        at: now.wall.to_string(),
        observer: state.policy.observer_name(state.policy.me).to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        mode: "observe",
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

fn service(state: &State, service: &Service, now: Now) -> Option<ServiceView> {
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
    })
}
