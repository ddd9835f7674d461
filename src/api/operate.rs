//! What operators and machines say: orders, "read the config anew", heartbeats. Each is handed over and answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::auth::{Asker, who};
use super::{Doors, PATIENCE, Said};
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;
use crate::core::order::Verb;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adopt {
    region: String,
}

pub(super) async fn adopt(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    Json(adopt): Json<Adopt>,
) -> Response {
    match Name::new(&adopt.region) {
        Ok(region) => order(&doors, Some(&service), Verb::Adopt { region }, &asker).await,
        Err(why) => {
            (StatusCode::BAD_REQUEST, format!("`{}` is no region: {why}\n", adopt.region)).into_response()
        }
    }
}

pub(super) async fn pause(State(doors): State<Doors>, Path(service): Path<String>, asker: Asker) -> Response {
    order(&doors, Some(&service), Verb::Pause, &asker).await
}

pub(super) async fn resume(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
) -> Response {
    order(&doors, Some(&service), Verb::Resume, &asker).await
}

pub(super) async fn pause_all(State(doors): State<Doors>, asker: Asker) -> Response {
    order(&doors, None, Verb::Pause, &asker).await
}

pub(super) async fn resume_all(State(doors): State<Doors>, asker: Asker) -> Response {
    order(&doors, None, Verb::Resume, &asker).await
}

/// An order: 200 when it is so, 202 when it waits or nobody knows, 409 when it is refused.
async fn order(doors: &Doors, service: Option<&str>, verb: Verb, asker: &Asker) -> Response {
    match who(doors, asker, TokenRole::Operator) {
        Ok(who) => say(doors, service, verb, who).await,
        Err(refused) => refused.into_response(),
    }
}

/// The same, for somebody who is known to be allowed to.
pub(super) async fn say(doors: &Doors, service: Option<&str>, verb: Verb, who: String) -> Response {
    let service = match service.map(Name::new).transpose() {
        Ok(service) => service,
        Err(_) => return (StatusCode::NOT_FOUND, "there is no such service\n").into_response(),
    };
    let (answer, answered) = oneshot::channel();
    let said = Said::Order { service, verb: Box::new(verb), who: Arc::from(who), answer };
    if doors.said.try_send(said).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "too much is said at once: say it again\n").into_response();
    }
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok((word, text))) => {
            let code = match word {
                "refused" => StatusCode::CONFLICT,
                "queued" | "in_doubt" => StatusCode::ACCEPTED,
                _ => StatusCode::OK,
            };
            (code, Json(json!({ "answer": word, "text": text }))).into_response()
        }
        Ok(Err(_)) | Err(_) => {
            let text = "no answer: it may be done; look before you say it again";
            (StatusCode::GATEWAY_TIMEOUT, Json(json!({ "answer": "in_doubt", "text": text }))).into_response()
        }
    }
}

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
