//! Metrics, by Prometheus' conventions, listed in `docs/METRICS.md`. Labels are services, regions and words of closed
//! lists, so there are never more series than the config has parts.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::log;
use crate::api::Snapshot;
use crate::core::decide::Gate;
use crate::probe::runner::Stats;

/// Every metric: its name, its kind, what it says.
pub const LIST: &[(&str, &str, &str)] = &[
    ("watchkeeper_build_info", "gauge", "1, with the version"),
    ("watchkeeper_ready", "gauge", "Whether it has a coordinator and a store, and watches"),
    ("watchkeeper_isolated", "gauge", "Whether this observer distrusts its own view"),
    ("watchkeeper_coordinator_reachable", "gauge", "Whether the coordinator answers"),
    ("watchkeeper_store_ok", "gauge", "Whether the store takes what is written"),
    ("watchkeeper_store_free_bytes", "gauge", "Room on the store's disk"),
    ("watchkeeper_store_min_free_bytes", "gauge", "With less room than this nothing is started"),
    ("watchkeeper_maintenance_open", "gauge", "Whether a maintenance window is open, by window"),
    (
        "watchkeeper_api_certificate_expires_timestamp_seconds",
        "gauge",
        "When the API's certificate ends; 0: it has none",
    ),
    (
        "watchkeeper_api_connections_refused_total",
        "counter",
        "Connections to the API that were cut off, since there were too many",
    ),
    ("watchkeeper_config_reload_success", "gauge", "Whether the newest config was taken"),
    ("watchkeeper_event_loop_turns_total", "counter", "Turns of the event loop"),
    ("watchkeeper_event_loop_late_seconds", "gauge", "How late the newest wake of the event loop was"),
    ("watchkeeper_events_total", "counter", "Events of the chronicle, by kind"),
    ("watchkeeper_events_dropped_total", "counter", "Events that found no room while the disk took nothing"),
    (
        "watchkeeper_pages_dropped_total",
        "counter",
        "Of those, what somebody would have been told: incidents, pages, blindness, drift, requests",
    ),
    ("watchkeeper_events_waiting", "gauge", "Events that wait for the chronicle to take them"),
    ("watchkeeper_log_lines_dropped_total", "counter", "Log lines that nobody took in time"),
    ("watchkeeper_decisions_total", "counter", "Changes of what would be done, by service and decision"),
    ("watchkeeper_would_start", "gauge", "Whether a plan would be started now if the mode allowed it"),
    ("watchkeeper_gate_blocks", "gauge", "Whether a gate stands in the way of what would be done now"),
    ("watchkeeper_incident_open", "gauge", "Whether an incident is open"),
    ("watchkeeper_service_active", "gauge", "Whether the record names this region as the active one"),
    (
        "watchkeeper_region_standing",
        "gauge",
        "By quorum: 0 up, 1 trouble, 2 degraded, 3 unreachable, 4 down, 5 gone, -1 unknown",
    ),
    ("watchkeeper_service_paused", "gauge", "Whether nothing starts by itself"),
    ("watchkeeper_probe_looks_started_total", "counter", "Looks that have begun"),
    ("watchkeeper_probe_looks_ended_total", "counter", "Looks that have ended"),
    (
        "watchkeeper_probe_looks_missed_total",
        "counter",
        "Starts that were skipped, since the look before had not ended",
    ),
    ("watchkeeper_probe_looks_panicked_total", "counter", "Looks that ended in a fault of watchkeeper"),
    ("watchkeeper_probe_looks_in_flight", "gauge", "Looks under way"),
    ("watchkeeper_probes_waiting", "gauge", "Probes that are due and wait for a place"),
    (
        "watchkeeper_probe_lateness_seconds",
        "gauge",
        "So many percent of all starts were no later than this, since the beginning",
    ),
    ("watchkeeper_notices_owed", "gauge", "Notices that are due and not delivered, by channel"),
    (
        "watchkeeper_notices_oldest_owed_seconds",
        "gauge",
        "How long the oldest notice has been due that is not delivered; 0: none is",
    ),
    ("watchkeeper_notices_delivered_total", "counter", "Notices that a channel took, by channel"),
    ("watchkeeper_notices_failed_total", "counter", "Tries to tell somebody that were in vain, by channel"),
    (
        "watchkeeper_notices_escalated_total",
        "counter",
        "Notices that the fallback was told as well, since the channel did not deliver",
    ),
    (
        "watchkeeper_samples_dropped_total",
        "counter",
        "Samples that are not kept for charts, since the chronicle was behind",
    ),
];

/// The one recorder of this program; made at the first call.
#[must_use]
pub fn handle() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            // Somebody else's recorder stays: then ours shows nothing.
            if metrics::set_global_recorder(recorder).is_ok() {
                describe();
            }
            handle
        })
        .clone()
}

fn describe() {
    for (name, kind, says) in LIST {
        match *kind {
            "counter" => describe_counter!(*name, *says),
            _ => describe_gauge!(*name, *says),
        }
    }
    gauge!("watchkeeper_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    // From the beginning, so that the first of each is seen as an increase.
    for name in [
        "watchkeeper_event_loop_turns_total",
        "watchkeeper_events_dropped_total",
        "watchkeeper_pages_dropped_total",
        "watchkeeper_samples_dropped_total",
        "watchkeeper_api_connections_refused_total",
    ] {
        counter!(name).absolute(0);
    }
}

/// What the probes' runner says of itself, as it is asked for.
pub(super) fn probes(stats: &Stats) {
    for (name, count) in [
        ("watchkeeper_probe_looks_started_total", &stats.started),
        ("watchkeeper_probe_looks_ended_total", &stats.ended),
        ("watchkeeper_probe_looks_missed_total", &stats.missed),
        ("watchkeeper_probe_looks_panicked_total", &stats.panicked),
    ] {
        counter!(name).absolute(count.load(Ordering::Relaxed));
    }
    gauge!("watchkeeper_probe_looks_in_flight").set(stats.in_flight.load(Ordering::Relaxed) as f64);
    gauge!("watchkeeper_probes_waiting").set(stats.waiting.load(Ordering::Relaxed) as f64);
    let all: u64 = stats.lateness.counts().iter().map(|(_, count)| count).sum();
    for (word, share) in [("50", 0.5), ("99", 0.99)] {
        let late = if all == 0 { 0.0 } else { stats.lateness.quantile(share, &[]).as_micros() as f64 / 1e6 };
        gauge!("watchkeeper_probe_lateness_seconds", "percent" => word).set(late);
    }
    counter!("watchkeeper_log_lines_dropped_total").absolute(log::dropped());
}

/// What is shown, as numbers. Series of services and regions that are gone go to zero by `before`.
pub(super) fn shown(before: &Snapshot, now: &Snapshot) {
    let yes = |it: bool| f64::from(u8::from(it));
    gauge!("watchkeeper_ready").set(yes(now.ready));
    gauge!("watchkeeper_isolated").set(yes(now.isolated.is_some()));
    gauge!("watchkeeper_coordinator_reachable").set(yes(now.cluster.is_some()));
    gauge!("watchkeeper_store_ok").set(yes(now.store == "ok"));
    gauge!("watchkeeper_config_reload_success").set(yes(now.reload.is_none()));
    let gone = before.services.iter().filter(|old| !now.services.iter().any(|new| new.name == old.name));
    for (service, there) in gone.map(|gone| (gone, false)).chain(now.services.iter().map(|now| (now, true))) {
        let named = || service.name.clone();
        let some = |it: bool| yes(it && there);
        gauge!("watchkeeper_incident_open", "service" => named()).set(some(service.incident.is_some()));
        gauge!("watchkeeper_service_paused", "service" => named()).set(some(service.paused));
        gauge!("watchkeeper_would_start", "service" => named()).set(some(service.decision != "nothing"));
        for gate in Gate::ALL {
            let blocks = service.gates.contains(&gate.word());
            gauge!("watchkeeper_gate_blocks", "service" => named(), "gate" => gate.word()).set(some(blocks));
        }
        for region in &service.regions {
            let active = service.active.as_ref() == Some(&region.name);
            gauge!("watchkeeper_service_active", "service" => named(), "region" => region.name.clone())
                .set(some(active));
            let standing = if there { standing(&region.standing) } else { -1.0 };
            gauge!("watchkeeper_region_standing", "service" => named(), "region" => region.name.clone())
                .set(standing);
        }
    }
}

fn standing(word: &str) -> f64 {
    match word {
        "up" => 0.0,
        "trouble" => 1.0,
        "degraded" => 2.0,
        "unreachable" => 3.0,
        "down" => 4.0,
        "gone" => 5.0,
        _ => -1.0,
    }
}

/// An event was recorded.
pub(super) fn event(kind: &'static str, service: Option<&str>, decision: Option<&'static str>) {
    counter!("watchkeeper_events_total", "kind" => kind).increment(1);
    if let (Some(service), Some(decision)) = (service, decision) {
        counter!("watchkeeper_decisions_total", "service" => service.to_owned(), "decision" => decision)
            .increment(1);
    }
}
