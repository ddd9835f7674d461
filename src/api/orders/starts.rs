//! Orders that start a run: failover, failback, run. Each shows what it would do, and does nothing before it is said by its
//! phrase, which names where to.
//!
//! What is started is what was shown: plan and region are those of the preview, hash and epoch too.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{By, kept, say_why, service_of};
use crate::api::auth::{Asker, Refused};
use crate::api::body::{Body, bad, hash};
use crate::api::preview::{PreviewView, preview};
use crate::api::{Answer, Doors};
use crate::config::wiring::TokenRole;
use crate::core::agree::{Epoch, Mode};
use crate::core::ids::Name;
use crate::core::order::{Accepts, Verb};
use crate::core::plan::{Filled, RunTime};

/// `POST …/failover`.
pub(in crate::api) async fn failover(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |body: &mut Body| {
        Ok(Verb::Failover {
            to: body.name("to")?,
            plan: body.name("plan")?,
            planned: body.flag("planned")?,
            accepts: body.accepts()?,
        })
    };
    starts(&doors, &service, &asker, Body::of(&bytes), read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/failback`.
pub(in crate::api) async fn failback(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    let read = |body: &mut Body| Ok(Verb::Failback { accepts: body.accepts()? });
    starts(&doors, &service, &asker, Body::of(&bytes), read).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST …/run`.
pub(in crate::api) async fn run(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    starts(&doors, &service, &asker, Body::of(&bytes), read_run)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

fn read_run(body: &mut Body) -> Result<Verb, Refused> {
    let given = body.texts("inputs")?.into_iter();
    Ok(Verb::Run {
        plan: body.must("plan")?,
        at: body.name("region")?,
        mode: match body.text("mode")?.as_deref() {
            None | Some("live") => Mode::Live,
            Some("drill") => Mode::Drill,
            Some("preview") => Mode::Preview,
            Some(other) => {
                return Err(bad(format!("`mode` is \"{other}\": write live, drill or preview")));
            }
        },
        given: given.map(|(name, text)| (RunTime::Input(name), Filled::One(text.into()))).collect(),
        longest: body.span("longest")?,
        accepts: body.accepts()?,
    })
}

/// `GET …/preview`: what a failover would come to, or another plan, or the way home.
pub(in crate::api) async fn show(
    State(doors): State<Doors>,
    Path(service): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    asker: Asker,
) -> Response {
    let shows = async || {
        By::of(&doors, &asker, TokenRole::Viewer)?;
        let service = service_of(&doors, &service)?;
        let mut body = Body::of_query(query.clone());
        let verb = match body.text("order")?.as_deref() {
            None | Some("failover") => Verb::Failover {
                to: body.name("to")?,
                plan: body.name("plan")?,
                planned: body.flag("planned")?,
                accepts: body.accepts()?,
            },
            Some("failback") => Verb::Failback { accepts: body.accepts()? },
            Some("run") => read_run(&mut body)?,
            Some(other) => {
                return Err(bad(format!("`order` is \"{other}\": write failover, failback or run")));
            }
        };
        body.end()?;
        Ok(match preview(&doors, &service, &verb).await {
            Ok(shown) => {
                let phrase = phrase(&verb, &shown);
                let all = json!({ "answer": "shown", "phrase": phrase, "preview": shown });
                Json(all).into_response()
            }
            Err(answer) => answer.into_response(),
        })
    };
    shows().await.unwrap_or_else(IntoResponse::into_response)
}

/// What has to be said, word for word; none: there is nowhere to go.
fn phrase(verb: &Verb, shown: &PreviewView) -> Option<String> {
    let PreviewView { service, plan, to, .. } = shown;
    match (verb, to) {
        (Verb::Run { .. }, _) => Some(format!("RUN {plan} ON {service}")),
        (Verb::Failback { .. }, Some(to)) => Some(format!("FAILBACK {service} TO {to}")),
        (_, Some(to)) => Some(format!("FAILOVER {service} TO {to}")),
        (_, None) => None,
    }
}

async fn starts(
    doors: &Doors,
    service: &str,
    asker: &Asker,
    body: Result<Body, Refused>,
    read: impl FnOnce(&mut Body) -> Result<Verb, Refused>,
) -> Result<Response, Refused> {
    let by = By::of(doors, asker, TokenRole::Operator)?;
    let service = service_of(doors, service)?;
    let mut body = body?;
    let mut verb = read(&mut body)?;
    let (said, reason) = (body.text("phrase")?, kept(body.text("reason")?, "reason")?);
    body.end()?;
    let shown = match preview(doors, &service, &verb).await {
        Ok(shown) => shown,
        Err(answer) => return Ok(answer.into_response()),
    };
    let Some(phrase) = phrase(&verb, &shown) else {
        let text = "there is nowhere to go".to_owned();
        let answer = Answer { word: "refused", why: Some("nowhere"), text, run: None };
        return Ok(answer.with("preview", json!(shown)));
    };
    if said.as_deref() != Some(phrase.as_str()) {
        let text = format!("nothing was done: look at the preview, and say it with the phrase `{phrase}`");
        let all = json!({ "answer": "phrase", "text": text, "phrase": phrase, "preview": shown });
        return Ok((StatusCode::PRECONDITION_REQUIRED, Json(all)).into_response());
    }
    pin(&mut verb, &shown);
    let answer = say_why(doors, &service, verb, &by, reason.as_deref()).await;
    Ok(answer.with("preview", json!(shown)))
}

/// What is said is what the phrase names and the preview shows, whatever changes meanwhile.
fn pin(verb: &mut Verb, shown: &PreviewView) {
    let to_shown = |at: &mut Option<Name>| {
        if at.is_none() {
            *at = shown.to.as_deref().and_then(|to| Name::new(to).ok());
        }
    };
    let accepts: &mut Accepts = match verb {
        Verb::Failover { to, plan, accepts, .. } => {
            to_shown(to);
            if plan.is_none() {
                *plan = Name::new(&shown.plan).ok();
            }
            accepts
        }
        Verb::Run { at, accepts, .. } => {
            to_shown(at);
            accepts
        }
        Verb::Failback { accepts } => accepts,
        _ => return,
    };
    accepts.epoch.get_or_insert(Epoch(shown.epoch));
    if accepts.hash.is_none() {
        accepts.hash = shown.hash.as_deref().and_then(hash);
    }
}
