//! What machines say: "read the config anew", heartbeats. Each is handed over and answered.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

use super::auth::{Asker, who};
use super::{Doors, PATIENCE, Said};
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;

pub(super) async fn reload(State(doors): State<Doors>, asker: Asker) -> Response {
    if let Err(refused) = who(&doors, &asker, TokenRole::Admin) {
        return refused.into_response();
    }
    let (answer, answered) = oneshot::channel();
    if doors.said.try_send(Said::Reload { answer }).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "too much is said at once: say it again\n").into_response();
    }
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Ok(()))) => "the config is in force\n".into_response(),
        Ok(Ok(Err(why))) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("the config was not taken:\n{why}\n")).into_response()
        }
        Ok(Err(_)) | Err(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "no answer: look at the status\n").into_response()
        }
    }
}

pub(super) async fn heartbeat(
    State(doors): State<Doors>,
    Path((service, probe)): Path<(String, String)>,
    asker: Asker,
) -> Response {
    heard(&doors, [Some(&service), Some(&probe), None], &asker)
}

pub(super) async fn heartbeat_in(
    State(doors): State<Doors>,
    Path((service, probe, region)): Path<(String, String, String)>,
    asker: Asker,
) -> Response {
    heard(&doors, [Some(&service), Some(&probe), Some(&region)], &asker)
}

/// Which heartbeats there are is told to nobody who does not bring a token of one.
fn heard(doors: &Doors, names: [Option<&String>; 3], asker: &Asker) -> Response {
    let refused = || (StatusCode::FORBIDDEN, "no such heartbeat, or not its token\n").into_response();
    let [service, probe, region] = names.map(|name| name.map(|name| Name::new(name)).transpose());
    let (Ok(Some(service)), Ok(Some(probe)), Ok(region)) = (service, probe, region) else { return refused() };
    let Some(token) = asker.bearer() else { return refused() };
    if (doors.heard)(&service, &probe, region.as_ref(), token) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refused()
    }
}
