//! Orders to a service that start nothing new by themselves: the yes and the no to what waits, adopt, release, pause,
//! resume; and the one order that leaves a region with all that is active there.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{By, kept, say, say_why, service_of};
use crate::api::Doors;
use crate::api::auth::{Asker, Refused};
use crate::api::body::Body;
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;
use crate::core::order::Verb;

/// One order to one service, whose body `read` reads.
async fn one(
    doors: &Doors,
    service: &str,
    asker: &Asker,
    bytes: &Bytes,
    read: impl FnOnce(&mut Body) -> Result<Verb, Refused>,
) -> Result<Response, Refused> {
    let by = By::of(doors, asker, TokenRole::Operator)?;
    let service = service_of(doors, service)?;
    let mut body = Body::of(bytes)?;
    let verb = read(&mut body)?;
    let reason = kept(body.text("reason")?, "reason")?;
    body.end()?;
    Ok(say_why(doors, &service, verb, &by, reason.as_deref()).await.into_response())
}

/// `POST …/adopt`.
pub(in crate::api) async fn adopt(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |body: &mut Body| Ok(Verb::Adopt { region: body.must("region")? });
    one(&doors, &service, &asker, &bytes, read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/release`.
pub(in crate::api) async fn release(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |body: &mut Body| Ok(Verb::Release { region: body.must("region")? });
    one(&doors, &service, &asker, &bytes, read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/pause`.
pub(in crate::api) async fn pause(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |_: &mut Body| Ok(Verb::Pause);
    one(&doors, &service, &asker, &bytes, read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/resume`.
pub(in crate::api) async fn resume(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |_: &mut Body| Ok(Verb::Resume);
    one(&doors, &service, &asker, &bytes, read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/veto`: no to what is announced or requested.
pub(in crate::api) async fn veto(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |_: &mut Body| Ok(Verb::Veto);
    one(&doors, &service, &asker, &bytes, read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/approve`: yes to what is requested, or to the exposure of a held run. It names what was shown; without, that is
/// shown and nothing is done.
pub(in crate::api) async fn approve(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    approves(&doors, &service, &asker, &bytes).await.unwrap_or_else(IntoResponse::into_response)
}

async fn approves(doors: &Doors, service: &str, asker: &Asker, bytes: &Bytes) -> Result<Response, Refused> {
    let by = By::of(doors, asker, TokenRole::Approver)?;
    let service = service_of(doors, service)?;
    let mut body = Body::of(bytes)?;
    let accepts = body.accepts()?;
    let reason = kept(body.text("reason")?, "reason")?;
    body.end()?;
    let snapshot = doors.snapshot.borrow().clone();
    let request = snapshot.services.iter().find(|one| one.name == service.as_str());
    let request = request.and_then(|one| one.request.clone());
    if let Some(request) = request.as_ref().filter(|_| accepts.hash.is_none() && accepts.epoch.is_none()) {
        let text = "nothing was done: look at what is requested, and say yes with its `hash` and its `epoch`, and with \
                    what you accept of `loss`, `unknown_loss` and `exposure`";
        let all = json!({ "answer": "shown", "text": text, "request": request });
        return Ok((StatusCode::PRECONDITION_REQUIRED, Json(all)).into_response());
    }
    let answer = say_why(doors, &service, Verb::Approve { accepts }, &by, reason.as_deref()).await;
    Ok(answer.with("request", json!(request)))
}

/// `POST /api/v1/pause`.
pub(in crate::api) async fn pause_all(State(doors): State<Doors>, asker: Asker, bytes: Bytes) -> Response {
    all(&doors, &asker, &bytes, Verb::Pause).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST /api/v1/resume`.
pub(in crate::api) async fn resume_all(State(doors): State<Doors>, asker: Asker, bytes: Bytes) -> Response {
    all(&doors, &asker, &bytes, Verb::Resume).await.unwrap_or_else(IntoResponse::into_response)
}

async fn all(doors: &Doors, asker: &Asker, bytes: &Bytes, verb: Verb) -> Result<Response, Refused> {
    let by = By::of(doors, asker, TokenRole::Operator)?;
    let mut body = Body::of(bytes)?;
    let reason = kept(body.text("reason")?, "reason")?;
    body.end()?;
    let snapshot = doors.snapshot.borrow().clone();
    let services = snapshot.services.iter().filter_map(|one| Name::new(&one.name).ok());
    note(doors, services, &verb, &by, reason.as_deref()).await;
    Ok(say(doors, None, verb, &by).await.into_response())
}

/// Notes a reason for each of many services, before they are told.
async fn note(
    doors: &Doors,
    services: impl Iterator<Item = Name>,
    verb: &Verb,
    by: &By,
    reason: Option<&str>,
) {
    let Some(reason) = reason else { return };
    for service in services {
        let text = format!("{}: {reason}", verb.word());
        let said = say(doors, Some(&service), Verb::Annotate { text }, by);
        if tokio::time::timeout(super::NOTED, said).await.is_err() {
            return;
        }
    }
}

/// `POST /api/v1/evacuate`.
pub(in crate::api) async fn evacuate(State(doors): State<Doors>, asker: Asker, bytes: Bytes) -> Response {
    evacuates(&doors, &asker, &bytes).await.unwrap_or_else(IntoResponse::into_response)
}

async fn evacuates(doors: &Doors, asker: &Asker, bytes: &Bytes) -> Result<Response, Refused> {
    let by = By::of(doors, asker, TokenRole::Operator)?;
    let mut body = Body::of(bytes)?;
    let region = body.must("region")?;
    let (said, reason) = (body.text("phrase")?, kept(body.text("reason")?, "reason")?);
    body.end()?;
    let snapshot = doors.snapshot.borrow().clone();
    let has = |name: &str| name == region.as_str();
    if !snapshot.services.iter().any(|one| one.regions.iter().any(|there| has(&there.name))) {
        return Err((StatusCode::NOT_FOUND, format!("no service has a region `{region}`\n")));
    }
    let there: Vec<&str> = snapshot
        .services
        .iter()
        .filter(|one| one.active.as_deref().is_some_and(has))
        .map(|one| one.name.as_str())
        .collect();
    let phrase = format!("EVACUATE {region}");
    if said.as_deref() != Some(phrase.as_str()) {
        let text = format!(
            "nothing was done: these services would leave {region}; say it with the phrase `{phrase}`"
        );
        let all = json!({ "answer": "phrase", "text": text, "phrase": phrase, "services": there });
        return Ok((StatusCode::PRECONDITION_REQUIRED, Json(all)).into_response());
    }
    let verb = Verb::Evacuate { region: region.clone() };
    note(doors, there.iter().filter_map(|name| Name::new(name).ok()), &verb, &by, reason.as_deref()).await;
    Ok(say(doors, None, verb, &by).await.with("services", json!(there)))
}
