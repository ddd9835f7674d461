//! `GET /gate/{service}/{region}`: 200 where users should be led, 503 where not, for any balancer to poll.
//!
//! It answers from the newest snapshot and waits for nobody. Whoever relies on its closing (`on_lost = "close"`) gets 503
//! once the coordinator has not been heard of for `ttl`, also when the event loop stands still. It must never answer 200
//! for two regions, but for the drain that a plan asks for.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Doors;
use super::snapshot::TrafficView;
use crate::core::time::Mono;

pub(super) async fn gate(
    State(doors): State<Doors>,
    Path((service, region)): Path<(String, String)>,
) -> Response {
    let snapshot = doors.snapshot.borrow().clone();
    let known = snapshot.services.iter().find(|known| known.name == service);
    let Some(known) = known.filter(|known| known.regions.iter().any(|at| at.name == region)) else {
        return (StatusCode::NOT_FOUND, "there is no such service, or no such region of it\n")
            .into_response();
    };
    let (code, why) = match says(&known.gate, &region, (doors.boot)()) {
        Ok(()) => (StatusCode::OK, "open"),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    let keep = match code {
        // Only what lasts may be kept.
        StatusCode::OK => format!("max-age={}", known.gate.ttl_seconds.min(1)),
        _ => "no-store".to_owned(),
    };
    (code, [(header::CACHE_CONTROL, keep)], format!("{why}\n")).into_response()
}

/// Why it is closed, if it is.
fn says(gate: &TrafficView, region: &str, now: Mono) -> Result<(), &'static str> {
    let Some(open) = &gate.open else {
        return Err("closed: nobody has said yet where this service is active");
    };
    if gate.moving {
        return Err("closed: the service is being moved");
    }
    if !open.iter().any(|name| name == region) {
        return Err("closed: users are led elsewhere");
    }
    let silent = gate.heard.map(|heard| now.since(Mono::micros(heard)));
    match silent {
        Some(silent) if silent.as_micros() / 1_000_000 < gate.ttl_seconds => Ok(()),
        _ if !gate.closes => Ok(()),
        _ => Err("closed: the coordinator has not been heard of for too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(open: Option<&[&str]>, moving: bool, closes: bool, heard: Option<u64>) -> TrafficView {
        let open = open.map(|all| all.iter().map(|name| (*name).to_owned()).collect());
        TrafficView { open, moving, ttl_seconds: 5, closes, heard }
    }

    #[test]
    fn it_is_open_for_one_and_closes_when_it_hears_nothing_if_it_should() {
        let now = Mono::micros(100_000_000);
        let says = |gate: TrafficView, region| says(&gate, region, now).is_ok();
        assert!(says(gate(Some(&["east"]), false, false, None), "east"), "what was answered last holds");
        assert!(!says(gate(Some(&["east"]), false, false, None), "west"));
        assert!(!says(gate(None, false, false, Some(99_000_000)), "east"));
        assert!(!says(gate(Some(&["east"]), true, false, Some(99_000_000)), "east"));
        assert!(says(gate(Some(&["east"]), false, true, Some(95_000_001)), "east"));
        assert!(!says(gate(Some(&["east"]), false, true, Some(95_000_000)), "east"));
        assert!(!says(gate(Some(&["east"]), false, true, None), "east"));
    }
}
