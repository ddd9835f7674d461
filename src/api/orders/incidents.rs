//! What is said to an incident: that somebody has seen it, and what is to be remembered of it. Its number is one of its
//! service's, as a run's is.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{By, kept, say, say_why, service_of, several};
use crate::api::Doors;
use crate::api::auth::{Asker, Refused};
use crate::api::body::{Body, bad};
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;
use crate::core::order::Verb;

/// `POST /api/v1/services/{service}/incidents/{id}/{verb}`.
pub(in crate::api) async fn of_service(
    State(doors): State<Doors>,
    Path((service, id, verb)): Path<(String, String, String)>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    tells(&doors, Some(&service), &id, &verb, &asker, &bytes)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

/// `POST /api/v1/incidents/{id}/{verb}`.
pub(in crate::api) async fn anywhere(
    State(doors): State<Doors>,
    Path((id, verb)): Path<(String, String)>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    tells(&doors, None, &id, &verb, &asker, &bytes).await.unwrap_or_else(IntoResponse::into_response)
}

async fn tells(
    doors: &Doors,
    service: Option<&str>,
    id: &str,
    verb: &str,
    asker: &Asker,
    bytes: &Bytes,
) -> Result<Response, Refused> {
    if !["acknowledge", "annotate"].contains(&verb) {
        let say = format!("an incident cannot be told `{verb}`: it can be told acknowledge, annotate\n");
        return Err((StatusCode::NOT_FOUND, say));
    }
    let by = By::of(doors, asker, TokenRole::Operator)?;
    let none = || (StatusCode::NOT_FOUND, format!("no incident {id} is open\n"));
    let number: u32 = id.parse().map_err(|_| none())?;
    let snapshot = doors.snapshot.borrow().clone();
    let named = service.map(|service| service_of(doors, service)).transpose()?;
    let found = snapshot.services.iter().filter(|of| of.incident == Some(number));
    let found = found.filter(|of| named.as_ref().is_none_or(|named| named.as_str() == of.name));
    let names: Vec<String> = found.map(|of| of.name.clone()).collect();
    let service = match names.as_slice() {
        [] => return Err(none()),
        [one] => Name::new(one).map_err(|_| none())?,
        many => {
            let path = format!("/api/v1/services/{}/incidents/{number}/{verb}", many[0]);
            return Ok(several("an incident", many, &path));
        }
    };
    let mut body = Body::of(bytes)?;
    let answer = if verb == "annotate" {
        let text = kept(body.text("text")?, "text")?;
        let text = text.ok_or_else(|| bad("`text` is missing: write what is to be remembered"))?;
        body.end()?;
        let text = format!("incident {number}: {text}");
        say(doors, Some(&service), Verb::Annotate { text }, &by).await
    } else {
        let reason = kept(body.text("reason")?, "reason")?;
        body.end()?;
        say_why(doors, &service, Verb::AcknowledgeIncident, &by, reason.as_deref()).await
    };
    Ok(answer.into_response())
}
