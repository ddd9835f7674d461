//! Orders: what operators say, each handed over as one more input and answered. What starts a run needs its phrase, and
//! shows what it would do; what is said with a reason is noted durably before it is said.
//!
//! Nothing here decides whether an order is good: the core does, under the same claim and gates as for anything else.

pub(super) mod incidents;
pub(super) mod runs;
pub(super) mod service;
pub(super) mod starts;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::auth::{Asker, Refused, who};
use super::body::bad;
use super::{Answer, Doors, PATIENCE, Said};
use crate::config::wiring::TokenRole;
use crate::core::ids::Name;
use crate::core::order::Verb;

/// A reason is waited for so long to be durable; what it is the reason of is urgent.
const NOTED: Duration = Duration::from_secs(5);
/// No reason or note is longer, in bytes.
const LONGEST: usize = 4_096;

/// Who says something, and from where.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) name: String,
    pub(super) from: String,
}

impl By {
    /// Whoever asks, if they may do that.
    pub(super) fn of(doors: &Doors, asker: &Asker, needs: TokenRole) -> Result<By, Refused> {
        who(doors, asker, needs).map(|name| By { name, from: asker.place() })
    }
}

impl Answer {
    /// Nobody takes it now.
    pub(super) fn busy() -> Answer {
        let text = "too much is said at once, or the daemon ends: say it again".to_owned();
        Answer { word: "refused", why: Some("busy"), text, run: None }
    }

    /// 200: it is so. 202: it waits, or nobody knows. 404: there is no such thing. 409: it is not done.
    fn code(&self) -> StatusCode {
        match (self.word, self.why) {
            (_, Some("busy")) => StatusCode::SERVICE_UNAVAILABLE,
            (_, Some("no_answer")) => StatusCode::GATEWAY_TIMEOUT,
            (_, Some("input")) => StatusCode::BAD_REQUEST,
            (_, Some(why)) if why.starts_with("no_such_") => StatusCode::NOT_FOUND,
            ("refused", _) => StatusCode::CONFLICT,
            ("queued" | "in_doubt", _) => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        }
    }

    /// With what else is to be shown.
    pub(super) fn with(self, key: &str, shown: Value) -> Response {
        let code = self.code();
        let mut all = self.map();
        all.insert(key.to_owned(), shown);
        (code, Json(Value::Object(all))).into_response()
    }

    fn map(self) -> Map<String, Value> {
        let mut all = Map::new();
        all.insert("answer".to_owned(), self.word.into());
        all.extend(self.why.map(|why| ("why".to_owned(), why.into())));
        all.insert("text".to_owned(), self.text.into());
        all.extend(self.run.map(|run| ("run".to_owned(), run.into())));
        all
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.code(), Json(Value::Object(self.map()))).into_response()
    }
}

/// Hands an order over, and waits for its answer.
pub(super) async fn say(doors: &Doors, service: Option<&Name>, verb: Verb, by: &By) -> Answer {
    let (answer, answered) = oneshot::channel();
    let (who, from) = (Arc::from(by.name.as_str()), Arc::from(by.from.as_str()));
    let said = Said::Order { service: service.cloned(), verb: Box::new(verb), who, from, answer };
    if doors.said.try_send(said).is_err() {
        return Answer::busy();
    }
    match timeout(PATIENCE, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => {
            let text = "no answer: it may be done; look before you say it again".to_owned();
            Answer { word: "in_doubt", why: Some("no_answer"), text, run: None }
        }
    }
}

/// The same, with its reason noted first.
async fn say_why(doors: &Doors, service: &Name, verb: Verb, by: &By, reason: Option<&str>) -> Answer {
    if let Some(reason) = reason {
        let text = format!("{}: {reason}", verb.word());
        // What cannot be noted in time is not held up by that: the order itself is refused where nothing is durable.
        drop(timeout(NOTED, say(doors, Some(service), Verb::Annotate { text }, by)).await);
    }
    say(doors, Some(service), verb, by).await
}

/// A reason, or another text that is kept.
fn kept(text: Option<String>, key: &str) -> Result<Option<String>, Refused> {
    match text {
        Some(text) if text.len() > LONGEST => Err(bad(format!("`{key}` has at most {LONGEST} bytes"))),
        Some(text) if text.trim().is_empty() => Ok(None),
        text => Ok(text),
    }
}

/// The service of that name, if it is one that is known.
fn service_of(doors: &Doors, service: &str) -> Result<Name, Refused> {
    let none = || (StatusCode::NOT_FOUND, format!("there is no service `{service}`\n"));
    let known = doors.snapshot.borrow().services.iter().any(|one| one.name == service);
    let name = Name::new(service).map_err(|_| none())?;
    if known { Ok(name) } else { Err(none()) }
}

/// Several have what was named: the list, to choose from.
fn several(what: &str, services: &[String], path: &str) -> Response {
    let text = format!("several services have such {what}: name the service, as in `{path}`");
    let all = json!({ "answer": "refused", "why": "several", "text": text, "services": services });
    (StatusCode::CONFLICT, Json(all)).into_response()
}
