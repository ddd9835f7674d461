//! What is read: metrics, health, status, why, events. Nothing here waits for the event loop but `why`, which asks it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::auth::{Asker, may_look, who};
use super::{Check, Doors, PATIENCE, Said, Snapshot};
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};

/// A loop that has not turned for so long is stuck: it turns each second at least.
const STUCK: u64 = 10_000;

pub(super) async fn metrics(State(doors): State<Doors>, asker: Asker) -> Response {
    if let Err(refused) = may_look(&doors, &asker) {
        return refused.into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (doors.metrics)()).into_response()
}

pub(super) async fn healthy(State(doors): State<Doors>) -> Response {
    match (doors.turned)() {
        ago if ago < STUCK => "healthy\n".into_response(),
        ago => (StatusCode::SERVICE_UNAVAILABLE, format!("the event loop has not turned for {ago} ms\n"))
            .into_response(),
    }
}

pub(super) async fn ready(State(doors): State<Doors>) -> Response {
    let snapshot = doors.snapshot.borrow().clone();
    match (snapshot.ready, snapshot.leaving) {
        (true, false) => "ready\n".into_response(),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response(),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n").into_response(),
    }
}

/// `status` is `healthy`, `degraded` (it watches, and could not act) or `unhealthy`.
pub(super) async fn health(State(doors): State<Doors>, asker: Asker) -> Response {
    if let Err(refused) = may_look(&doors, &asker) {
        return refused.into_response();
    }
    let snapshot = doors.snapshot.borrow().clone();
    let checks = checks(&snapshot, (doors.turned)());
    let worst = if checks.values().any(|check| check.status == "failed") {
        "unhealthy"
    } else if checks.values().any(|check| check.status == "degraded") {
        "degraded"
    } else {
        "healthy"
    };
    let code = if worst == "unhealthy" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(json!({ "status": worst, "timestamp": snapshot.at, "checks": checks }))).into_response()
}

fn checks(snapshot: &Snapshot, turned: u64) -> BTreeMap<&'static str, Check> {
    let check = |bad: Option<(&'static str, String)>| match bad {
        None => Check { status: "ok", why: None },
        Some((status, why)) => Check { status, why: Some(why) },
    };
    let turns = (turned >= STUCK).then(|| ("failed", format!("it has not turned for {turned} ms")));
    let store = (snapshot.store != "ok").then(|| {
        let why = snapshot.store_why.clone().unwrap_or_else(|| format!("it is {}", snapshot.store));
        ("degraded", why)
    });
    let coordinator = snapshot.cluster.is_none().then(|| ("degraded", "it does not answer".to_owned()));
    let trust = snapshot.isolated.clone().map(|why| ("degraded", why));
    let config = snapshot.reload.clone().map(|why| ("degraded", why));
    BTreeMap::from([
        ("event_loop", check(turns)),
        ("store", check(store)),
        ("coordinator", check(coordinator)),
        ("self_trust", check(trust)),
        ("config", check(config)),
    ])
}

pub(super) async fn status(State(doors): State<Doors>, asker: Asker) -> Response {
    if let Err(refused) = who(&doors, &asker, TokenRole::Viewer) {
        return refused.into_response();
    }
    let snapshot = doors.snapshot.borrow().clone();
    Json(&*snapshot).into_response()
}

pub(super) async fn why(State(doors): State<Doors>, Path(service): Path<String>, asker: Asker) -> Response {
    if let Err(refused) = who(&doors, &asker, TokenRole::Viewer) {
        return refused.into_response();
    }
    let none = || (StatusCode::NOT_FOUND, format!("there is no service `{service}`\n")).into_response();
    let Ok(name) = Name::new(&service) else { return none() };
    let (answer, answered) = oneshot::channel();
    if doors.said.try_send(Said::Why { service: name, answer }).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "too much is asked at once: ask again\n").into_response();
    }
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Some(lines))) => {
            let text: String = lines
                .iter()
                .map(|(depth, line)| format!("{:indent$}{line}\n", "", indent = usize::from(*depth) * 2))
                .collect();
            let wants_json = asker
                .headers
                .get(header::ACCEPT)
                .is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
            if wants_json {
                let lines: Vec<_> =
                    lines.iter().map(|(depth, line)| json!({ "depth": depth, "text": line })).collect();
                return Json(json!({ "service": service, "lines": lines })).into_response();
            }
            text.into_response()
        }
        Ok(Ok(None)) => none(),
        Ok(Err(_)) | Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "no answer: the daemon is busy, or ends\n").into_response()
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Page {
    before: Option<u64>,
    limit: Option<u32>,
}

pub(super) async fn events(State(doors): State<Doors>, Query(page): Query<Page>, asker: Asker) -> Response {
    listed(&doors, None, &page, &asker).await
}

pub(super) async fn service_events(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    Query(page): Query<Page>,
    asker: Asker,
) -> Response {
    match Name::new(&service) {
        Ok(name) => listed(&doors, Some(name), &page, &asker).await,
        Err(_) => (StatusCode::NOT_FOUND, format!("there is no service `{service}`\n")).into_response(),
    }
}

async fn listed(doors: &Doors, service: Option<Name>, page: &Page, asker: &Asker) -> Response {
    if let Err(refused) = who(doors, asker, TokenRole::Viewer) {
        return refused.into_response();
    }
    match doors.chronicle.read(service, page.before, page.limit.unwrap_or(100)).await {
        Ok(events) => Json(json!({ "events": events })).into_response(),
        Err(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}

#[derive(Deserialize)]
pub(super) struct Chart {
    probe: String,
    region: Option<String>,
    minutes: Option<u64>,
}

/// The samples of one probe in the last minutes, oldest first; without `region` those of a probe that runs in none. What
/// was sampled within the last minute may not be kept yet.
pub(super) async fn samples(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    Query(chart): Query<Chart>,
    asker: Asker,
) -> Response {
    if let Err(refused) = who(&doors, &asker, TokenRole::Viewer) {
        return refused.into_response();
    }
    let region = chart.region.as_deref().map(Name::new).transpose();
    let (Ok(service), Ok(probe), Ok(region)) = (Name::new(&service), Name::new(&chart.probe), region) else {
        return (StatusCode::NOT_FOUND, "there is no such service, probe or region\n").into_response();
    };
    let to = Wall::secs((doors.wall)().saturating_add(1));
    let from = to.before(Span::mins(chart.minutes.unwrap_or(60)));
    match doors.chronicle.samples((service, probe, region), from, to).await {
        Ok(samples) => Json(json!({ "samples": samples })).into_response(),
        Err(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}
