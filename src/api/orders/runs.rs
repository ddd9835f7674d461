//! Unfinished runs, and what is said to them. A run's number is unique within its service: where it is said without the
//! service's name, and several have such a run, the list is answered and nothing is done.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{By, kept, say_why, service_of, several};
use crate::api::auth::{Asker, Refused};
use crate::api::body::{Body, bad};
use crate::api::{Doors, RunView, ServiceView};
use crate::config::wiring::TokenRole;
use crate::core::agree::RunId;
use crate::core::ids::Name;
use crate::core::order::Verb;
use crate::core::plan::StepName;

/// What can be said to a run.
const VERBS: [&str; 8] = ["approve", "veto", "abort", "retry", "skip", "tick", "hand-over", "acknowledge"];

/// `GET /api/v1/runs`.
pub(in crate::api) async fn all(State(doors): State<Doors>, asker: Asker) -> Response {
    if let Err(refused) = By::of(&doors, &asker, TokenRole::Viewer) {
        return refused.into_response();
    }
    let snapshot = doors.snapshot.borrow().clone();
    let runs = snapshot.services.iter().flat_map(|of| of.runs.iter().map(move |run| shown(of, run)));
    Json(json!({ "at": snapshot.at, "runs": runs.collect::<Vec<_>>() })).into_response()
}

fn shown(of: &ServiceView, run: &RunView) -> Value {
    let mut all = json!(run);
    if let Some(all) = all.as_object_mut() {
        all.insert("service".to_owned(), of.name.as_str().into());
    }
    all
}

/// `GET /api/v1/runs/{id}`.
pub(in crate::api) async fn anywhere(
    State(doors): State<Doors>,
    Path(id): Path<String>,
    asker: Asker,
) -> Response {
    let reads = || {
        By::of(&doors, &asker, TokenRole::Viewer)?;
        let id = number(&id)?;
        let snapshot = doors.snapshot.borrow().clone();
        let runs = snapshot.services.iter().flat_map(|of| of.runs.iter().map(move |run| (of, run)));
        let found: Vec<_> = runs.filter(|(_, run)| run.run == id.0).collect();
        match found.as_slice() {
            [] => Err(none(id)),
            [(of, run)] => Ok(Json(shown(of, run)).into_response()),
            many => {
                let names: Vec<String> = many.iter().map(|(of, _)| of.name.clone()).collect();
                Ok(several("a run", &names, &format!("/api/v1/runs/{}/{}", names[0], id.0)))
            }
        }
    };
    reads().unwrap_or_else(|refused: Refused| refused.into_response())
}

/// `GET /api/v1/runs/{service}/{id}`.
pub(in crate::api) async fn of_service(
    State(doors): State<Doors>,
    Path((service, id)): Path<(String, String)>,
    asker: Asker,
) -> Response {
    let reads = || {
        By::of(&doors, &asker, TokenRole::Viewer)?;
        let (service, id) = (service_of(&doors, &service)?, number(&id)?);
        let snapshot = doors.snapshot.borrow().clone();
        let of = snapshot.services.iter().find(|of| of.name == service.as_str());
        let found = of.and_then(|of| Some(shown(of, of.runs.iter().find(|run| run.run == id.0)?)));
        found.map(|run| Json(run).into_response()).ok_or_else(|| none(id))
    };
    reads().unwrap_or_else(|refused: Refused| refused.into_response())
}

/// `POST /api/v1/runs/{id}/{verb}`.
pub(in crate::api) async fn told(
    State(doors): State<Doors>,
    Path((id, verb)): Path<(String, String)>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    tells(&doors, None, &id, &verb, &asker, &bytes).await.unwrap_or_else(IntoResponse::into_response)
}

/// `POST /api/v1/runs/{service}/{id}/{verb}`.
pub(in crate::api) async fn told_of_service(
    State(doors): State<Doors>,
    Path((service, id, verb)): Path<(String, String, String)>,
    asker: Asker,
    bytes: Bytes,
) -> Response {
    tells(&doors, Some(&service), &id, &verb, &asker, &bytes)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

fn number(id: &str) -> Result<RunId, Refused> {
    let say = || (StatusCode::NOT_FOUND, format!("`{id}` is no run's number: write one such as 3\n"));
    id.parse().map(RunId).map_err(|_| say())
}

fn none(id: RunId) -> Refused {
    (
        StatusCode::NOT_FOUND,
        format!("no run {} is under way: `GET /api/v1/runs` shows those that are\n", id.0),
    )
}

/// Whether that service has such a run, as far as the verb can be about it.
fn has(of: &ServiceView, id: RunId, verb: &str) -> bool {
    let ended = verb == "acknowledge" && of.last_failover.as_ref().is_some_and(|(run, _)| *run == id.0);
    ended || of.runs.iter().any(|run| run.run == id.0)
}

async fn tells(
    doors: &Doors,
    service: Option<&str>,
    id: &str,
    verb: &str,
    asker: &Asker,
    bytes: &Bytes,
) -> Result<Response, Refused> {
    if !VERBS.contains(&verb) {
        let say = format!("a run cannot be told `{verb}`: it can be told {}\n", VERBS.join(", "));
        return Err((StatusCode::NOT_FOUND, say));
    }
    let needs = if verb == "approve" { TokenRole::Approver } else { TokenRole::Operator };
    let by = By::of(doors, asker, needs)?;
    let id = number(id)?;
    let snapshot = doors.snapshot.borrow().clone();
    let service = match service {
        Some(service) => service_of(doors, service)?,
        None => {
            let found = snapshot.services.iter().filter(|of| has(of, id, verb));
            let names: Vec<String> = found.map(|of| of.name.clone()).collect();
            match names.as_slice() {
                [] => return Err(none(id)),
                [one] => Name::new(one).map_err(|_| none(id))?,
                many => {
                    let path = format!("/api/v1/runs/{}/{}/{verb}", many[0], id.0);
                    return Ok(several("a run", many, &path));
                }
            }
        }
    };
    let mut body = Body::of(bytes)?;
    let run = snapshot.services.iter().find(|of| of.name == service.as_str());
    let run = run.and_then(|of| of.runs.iter().find(|run| run.run == id.0));
    let said = read(verb, id, run, &mut body)?;
    // These name no run: said now, they could be about something else that waits for a word.
    match (&said, run) {
        (Verb::Approve { .. } | Verb::Veto, None) => return Err(none(id)),
        (Verb::Veto, Some(_)) => {
            let say = "it has started, and a veto comes too late: abort it, or say no to what is requested of the service\n";
            return Err((StatusCode::CONFLICT, say.to_owned()));
        }
        (Verb::Approve { .. }, Some(run)) if run.state != "held" => {
            let say = "it is not held, and asks nobody: say yes to a `step` of it, or to what is requested of the service\n";
            return Err((StatusCode::CONFLICT, say.to_owned()));
        }
        _ => {}
    }
    let reason = kept(body.text("reason")?, "reason")?;
    body.end()?;
    if let Some(role) = asked_role(&said, run)? {
        By::of(doors, asker, needs.max(role))?;
    }
    Ok(say_why(doors, &service, said, &by, reason.as_deref()).await.into_response())
}

fn read(verb: &str, id: RunId, run: Option<&RunView>, body: &mut Body) -> Result<Verb, Refused> {
    let must = |step: Option<StepName>| {
        step.ok_or_else(|| {
            bad(format!("`step` is missing: write which step, as in `{{\"step\": \"{}\"}}`", likely(run)))
        })
    };
    let of = Some(id);
    Ok(match verb {
        "abort" => Verb::Abort { run: of },
        "veto" => Verb::Veto,
        "hand-over" => Verb::HandOver { run: of },
        "acknowledge" => Verb::AcknowledgeRun { run: id },
        "retry" => Verb::Retry { run: of, step: must(body.step()?)? },
        "skip" => Verb::Skip { run: of, step: must(body.step()?)? },
        "tick" => {
            let item = body.number("item")?;
            let item = item.ok_or_else(|| bad("`item` is missing: write the point's number, from 0"))?;
            let item = usize::try_from(item).map_err(|_| bad("there is no such point"))?;
            Verb::Tick { run: of, step: must(body.step()?)?, item }
        }
        _ => match body.step()? {
            Some(step) => Verb::ApproveStep { run: of, step },
            None => Verb::Approve { accepts: body.accepts()? },
        },
    })
}

/// A step that somebody may mean.
fn likely(run: Option<&RunView>) -> &str {
    let asks = run.and_then(|run| run.asks.first()).map(|ask| ask.step.as_str());
    let held =
        run.and_then(|run| run.steps.iter().find(|step| step.state == "held")).map(|step| step.name.as_str());
    asks.or(held).unwrap_or("dns")
}

/// What somebody must be who says yes to a step, or ticks a point of it, beside what everybody must be for that.
fn asked_role(verb: &Verb, run: Option<&RunView>) -> Result<Option<TokenRole>, Refused> {
    let (Verb::ApproveStep { step, .. } | Verb::Tick { step, .. }) = verb else { return Ok(None) };
    let (step, say) = (step.to_string(), |why: String| (StatusCode::CONFLICT, why));
    let Some(run) = run else { return Ok(None) };
    match run.asks.iter().find(|ask| ask.step == step) {
        Some(ask) => Ok(match ask.role.as_str() {
            "viewer" => Some(TokenRole::Viewer),
            "operator" => Some(TokenRole::Operator),
            "admin" => Some(TokenRole::Admin),
            // A role of their own: an approver's word at least.
            _ => Some(TokenRole::Approver),
        }),
        None if run.steps.iter().any(|known| known.name == step) => {
            Err(say(format!("step {step} asks nobody now\n")))
        }
        None => Err((StatusCode::NOT_FOUND, format!("run {} has no step `{step}`\n", run.run))),
    }
}
