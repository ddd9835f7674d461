//! Facts from outside: who may raise a trigger, by what signature, and what the body says.
//!
//! A webhook is signed as Standard Webhooks have it; Alertmanager, which signs nothing, brings the secret as its bearer
//! token; an operator needs neither. What is answered is durable. It must never tell which triggers there are to whoever
//! may not raise one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::oneshot;

use super::auth::{Asker, Refused, equal, who};
use super::orders::{By, say};
use super::{Doors, PATIENCE, Raise};
use crate::config::wiring::{TokenRole, Trigger, TriggerKind};
use crate::core::ids::Name;
use crate::core::order::Verb;

/// A signature is good for so long, in seconds either way.
const YOUNG: u64 = 300;
/// So many calls are remembered, so that one that is sent twice acts once.
const REMEMBERED: usize = 4_096;

/// Signed calls that were carried out, with when they were signed.
#[derive(Default)]
pub struct Calls(Mutex<BTreeMap<(Name, Name, String), u64>>);

impl Calls {
    fn has(&self, call: &(Name, Name, String)) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(call)
    }

    /// Forgets those whose signature is too old to be good again, and, should there be too many, the oldest.
    fn note(&self, call: (Name, Name, String), signed: u64, now: u64) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(call, signed);
        heard.retain(|_, signed| *signed + YOUNG >= now);
        while heard.len() > REMEMBERED
            && let Some(oldest) =
                heard.iter().min_by_key(|(_, signed)| **signed).map(|(call, _)| call.clone())
        {
            heard.remove(&oldest);
        }
    }
}

/// What a body says of its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Raised,
    Cleared,
    /// Nothing of this trigger.
    Nothing,
}

/// `POST`: raises it, or says that it is over.
pub(super) async fn raise(
    State(doors): State<Doors>,
    Path((service, name)): Path<(String, String)>,
    asker: Asker,
    body: Bytes,
) -> Response {
    let access = doors.access.borrow().clone();
    let trigger = access
        .triggers
        .iter()
        .find(|trigger| trigger.service.as_str() == service && trigger.name.as_str() == name);
    let sender = match sender(&doors, trigger, &asker, &body) {
        Ok(sender) => sender,
        Err(refused) => return refused.into_response(),
    };
    let Some(trigger) = trigger else { return none(&service, &name) };
    let call = sender.signed.map(|(id, at)| ((trigger.service.clone(), trigger.name.clone(), id), at));
    if call.as_ref().is_some_and(|(call, _)| doors.calls.has(call)) {
        return done("so_already", "that call was carried out before");
    }
    let said = match read(trigger, &body) {
        Ok(said) => said,
        Err(why) => return (StatusCode::UNPROCESSABLE_ENTITY, format!("{why}\n")).into_response(),
    };
    let response = match said {
        Says::Nothing => done("nothing", "no alert in it has the labels of this trigger"),
        Says::Raised => raised(&doors, trigger, sender.who).await,
        Says::Cleared if trigger.until_acknowledged => {
            done("stays", "only an operator ends this trigger: `until` is acknowledged")
        }
        Says::Cleared => {
            let verb = Verb::Clear { trigger: trigger.name.clone() };
            let by = By { name: sender.who, from: asker.place() };
            say(&doors, Some(&trigger.service), verb, &by).await.into_response()
        }
    };
    if let Some((call, signed)) = call
        && response.status() == StatusCode::OK
    {
        doors.calls.note(call, signed, (doors.wall)());
    }
    response
}

/// `DELETE`: an operator ends it.
pub(super) async fn clear(
    State(doors): State<Doors>,
    Path((service, name)): Path<(String, String)>,
    asker: Asker,
) -> Response {
    let who = match who(&doors, &asker, TokenRole::Operator) {
        Ok(who) => who,
        Err(refused) => return refused.into_response(),
    };
    let access = doors.access.borrow().clone();
    let there = |t: &&Trigger| t.service.as_str() == service && t.name.as_str() == name;
    match access.triggers.iter().find(there) {
        None => none(&service, &name),
        Some(trigger) => {
            let verb = Verb::Clear { trigger: trigger.name.clone() };
            let by = By { name: who, from: asker.place() };
            say(&doors, Some(&trigger.service), verb, &by).await.into_response()
        }
    }
}

fn none(service: &str, name: &str) -> Response {
    (StatusCode::NOT_FOUND, format!("there is no trigger `{name}` of a service `{service}`\n"))
        .into_response()
}

fn done(word: &str, text: &str) -> Response {
    Json(json!({ "answer": word, "text": text })).into_response()
}

/// Answered only when it is on the disk.
async fn raised(doors: &Doors, trigger: &Trigger, who: String) -> Response {
    let (answer, answered) = oneshot::channel();
    let raise = Raise { service: trigger.service.clone(), trigger: trigger.name.clone(), who, answer };
    if doors.raise.try_send(raise).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "too much is raised at once: say it again\n")
            .into_response();
    }
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(Ok(true))) => done("raised", "it is raised"),
        Ok(Ok(Ok(false))) => done("so_already", "it was raised before, and is still"),
        Ok(Ok(Err(why))) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("it may not be raised: {why}; say it again\n"))
                .into_response()
        }
        Ok(Err(_)) | Err(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "no answer: it may be raised; say it again\n").into_response()
        }
    }
}

/// Who raises it, and what names their call.
struct Sender {
    who: String,
    signed: Option<(String, u64)>,
}

fn sender(doors: &Doors, trigger: Option<&Trigger>, asker: &Asker, body: &[u8]) -> Result<Sender, Refused> {
    let refuse = |why: &str| (StatusCode::UNAUTHORIZED, format!("{why}\n"));
    let by = |trigger: &Trigger, signed| Sender { who: format!("trigger {}", trigger.name), signed };
    let unreadable = |why: crate::config::secret::Unreadable| {
        tracing::error!(%why, "a trigger's secret cannot be read, so nobody can raise it by signature");
        (StatusCode::SERVICE_UNAVAILABLE, "its secret cannot be read here: see the log\n".to_owned())
    };
    if asker.headers.contains_key("webhook-signature") {
        let bad = || refuse("the signature is not good for this trigger, now");
        let trigger = trigger.filter(|trigger| trigger.kind == TriggerKind::Webhook).ok_or_else(bad)?;
        let secret = trigger.secret.read().map_err(unreadable)?;
        let signed = signed(asker, body, secret.expose_secret(), (doors.wall)()).ok_or_else(bad)?;
        return Ok(by(trigger, Some(signed)));
    }
    if let (Some(trigger), Some(brought)) = (trigger, asker.bearer())
        && trigger.kind == TriggerKind::Alertmanager
        && equal(brought, trigger.secret.read().map_err(unreadable)?.expose_secret())
    {
        return Ok(by(trigger, None));
    }
    if doors.access.borrow().tokens.is_empty() && asker.bearer().is_some() {
        return Err(refuse("that is not the secret of this trigger"));
    }
    who(doors, asker, TokenRole::Operator).map(|who| Sender { who, signed: None })
}

/// Which call, and when it was signed, if it was signed with that secret and not long ago.
fn signed(asker: &Asker, body: &[u8], secret: &str, now: u64) -> Option<(String, u64)> {
    let header = |name| asker.headers.get(name).and_then(|value| value.to_str().ok());
    let (id, at) = (header("webhook-id")?, header("webhook-timestamp")?);
    let seconds: u64 = at.parse().ok().filter(|at| now.abs_diff(*at) <= YOUNG)?;
    if id.is_empty() || id.len() > 256 {
        return None;
    }
    let key = match secret.strip_prefix("whsec_") {
        Some(key) => STANDARD.decode(key).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    let brought = header("webhook-signature")?.split(' ').take(8);
    let brought = brought.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let good = brought.map(|tag| mac.clone().verify_slice(&tag).is_ok()).fold(false, |any, one| any | one);
    good.then(|| (id.to_owned(), seconds))
}

/// What a body says; none is a call to raise it.
fn read(trigger: &Trigger, body: &[u8]) -> Result<Says, String> {
    if body.is_empty() && trigger.kind == TriggerKind::Webhook {
        return Ok(Says::Raised);
    }
    let body: Value = serde_json::from_slice(body).map_err(|why| format!("the body is no JSON: {why}"))?;
    match trigger.kind {
        TriggerKind::Webhook => {
            for (field, pattern) in &trigger.fields {
                let Some(value) = body.get(field.as_str()) else { continue };
                if !value.as_str().is_some_and(|text| pattern.is_match(text)) {
                    return Err(format!("the field `{field}` does not match what the config allows for it"));
                }
            }
            word(&body)
        }
        TriggerKind::Alertmanager => {
            let alerts = body["alerts"].as_array().ok_or("the body has no list of `alerts`")?;
            let mut says = Says::Nothing;
            for alert in alerts {
                let has = |(label, value): (&String, &String)| {
                    alert["labels"][label.as_str()].as_str() == Some(value.as_str())
                };
                if !trigger.labels.iter().all(has) {
                    continue;
                }
                match word(alert)? {
                    Says::Raised => return Ok(Says::Raised),
                    other => says = other,
                }
            }
            // Of what was left out nobody knows whether it still burns.
            let all = body["truncatedAlerts"].as_u64().unwrap_or(0) == 0;
            Ok(if all { says } else { Says::Nothing })
        }
    }
}

fn word(of: &Value) -> Result<Says, String> {
    match &of["status"] {
        Value::Null => Ok(Says::Raised),
        Value::String(word) if word == "firing" => Ok(Says::Raised),
        Value::String(word) if word == "resolved" => Ok(Says::Cleared),
        other => Err(format!("`status` is {other}: write \"firing\" or \"resolved\"")),
    }
}

#[cfg(test)]
mod tests;
