//! The server of the toy service in one region: a store of numbers that takes writes where it is primary, and follows the
//! primary from afar where it is not. What it has acknowledged it never forgets; what it has not sent on may be lost.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::talk;
use super::door::Asked;
use super::mark::Mark;
use crate::core::time::{Mono, Span};
use crate::daemon::clock;

/// A standby asks its primary for what is new so often: what was acknowledged meanwhile is lost if the primary dies.
const LAG: Duration = Duration::from_millis(150);
/// A primary that does not answer for so long does not answer.
const PATIENCE: Duration = Duration::from_millis(300);
/// So long a standby needs to become primary.
const TAKES: Duration = Duration::from_millis(400);

/// What it is. It is kept as the numbers are: who is ended and comes back is what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes.
    Primary,
    /// It follows the server there.
    Standby(SocketAddr),
    /// It was switched off from outside: it takes no writes and follows nobody until it is told to.
    Fenced,
}

/// One server.
pub(super) struct Server {
    pub(super) region: &'static str,
    /// Where users are led, to learn whom to follow.
    provider: SocketAddr,
    kept: Mutex<Kept>,
}

/// What is on its disk, and when it heard its primary last.
struct Kept {
    role: Role,
    numbers: Vec<u64>,
    mark: Mark,
    heard: Option<Mono>,
    linked: bool,
}

/// What it would say of itself.
pub(super) struct Says {
    pub(super) role: Role,
    pub(super) linked: bool,
    pub(super) applied: usize,
    /// Since it heard its primary.
    pub(super) silent: Option<Span>,
}

impl Server {
    pub(super) fn new(region: &'static str, role: Role, provider: SocketAddr) -> Server {
        let kept = Kept { role, numbers: Vec::new(), mark: Mark::default(), heard: None, linked: false };
        Server { region, provider, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever switched it off has it come back so.
    pub(super) fn fence(&self) {
        self.kept().role = Role::Fenced;
    }

    pub(super) fn says(&self) -> Says {
        let kept = self.kept();
        let silent = kept.heard.map(|heard| clock::now().mono.since(heard));
        Says { role: kept.role, linked: kept.linked, applied: kept.numbers.len(), silent }
    }

    pub(super) async fn reply(&self, asked: &Asked) -> (u16, Value) {
        if let Some(token) = &asked.token
            && let Err(late) = self.kept().mark.raise(Some(token))
        {
            return late.refused();
        }
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/health") => (200, json!({ "region": self.region, "status": "ok" })),
            ("GET", "/role") => (200, self.role()),
            ("GET", "/read") => {
                let kept = self.kept();
                (200, json!({ "count": kept.numbers.len(), "last": kept.numbers.last() }))
            }
            ("GET", "/writes") => (200, json!(self.kept().numbers)),
            ("POST", "/write") => self.write(&asked.body),
            ("POST", "/new") => self.new_since(&asked.body),
            ("POST", "/take-over" | "/follow") if asked.token.is_none() => super::mark::Late::None.refused(),
            ("POST", "/take-over") => self.take_over().await,
            ("POST", "/follow") => self.follow().await,
            _ => (404, json!({ "why": "there is no such thing here" })),
        }
    }

    fn role(&self) -> Value {
        let says = self.says();
        let lag = match says.role {
            Role::Primary => Some(0.0),
            Role::Standby(_) => says.silent.map(|silent| silent.as_micros() as f64 / 1e6),
            Role::Fenced => None,
        };
        let role = match says.role {
            Role::Primary => "primary",
            Role::Standby(_) => "standby",
            Role::Fenced => "fenced",
        };
        json!({ "region": self.region, "role": role, "linked": says.linked, "lag_seconds": lag,
                "applied": says.applied })
    }

    fn write(&self, body: &str) -> (u16, Value) {
        let mut kept = self.kept();
        match (kept.role, body.trim().parse()) {
            (Role::Primary, Ok(number)) => {
                kept.numbers.push(number);
                (200, json!({ "acknowledged": number, "region": self.region }))
            }
            (Role::Primary, Err(_)) => (400, json!({ "why": "this is no number" })),
            (Role::Standby(_) | Role::Fenced, _) => {
                (503, json!({ "why": "this one takes no writes", "region": self.region }))
            }
        }
    }

    /// What a standby that has so many numbers lacks.
    fn new_since(&self, body: &str) -> (u16, Value) {
        let kept = self.kept();
        let from = body.trim().parse().unwrap_or(0_usize);
        match kept.role {
            Role::Primary => (200, json!(kept.numbers.get(from..).unwrap_or_default())),
            Role::Standby(_) | Role::Fenced => (503, json!({ "why": "this one is no primary" })),
        }
    }

    async fn take_over(&self) -> (u16, Value) {
        if self.kept().role != Role::Primary {
            tokio::time::sleep(TAKES).await;
            let mut kept = self.kept();
            (kept.role, kept.linked) = (Role::Primary, false);
        }
        (200, self.role())
    }

    /// Forgets what it has, and follows whoever users are led to.
    async fn follow(&self) -> (u16, Value) {
        let led = talk::ask(self.provider, ("GET", "/route"), "", PATIENCE).await;
        let led = led.ok().and_then(|(_, body)| serde_json::from_str::<Value>(&body).ok());
        let (Some(led), Some(at)) = (
            led.as_ref().and_then(|led| led["region"].as_str()),
            led.as_ref().and_then(|led| led["address"].as_str()).and_then(|at| at.parse().ok()),
        ) else {
            return (502, json!({ "why": "nobody says where users are led" }));
        };
        if led == self.region {
            return (409, json!({ "why": "users are led here: there is nobody to follow" }));
        }
        let mut kept = self.kept();
        // What it had beyond that is what the failover lost.
        (kept.role, kept.linked, kept.heard) = (Role::Standby(at), false, None);
        kept.numbers.clear();
        drop(kept);
        (200, self.role())
    }

    /// Follows its primary, while it has one, for as long as it runs.
    pub(super) async fn runs(&self) {
        loop {
            if let Role::Standby(primary) = self.says().role {
                self.pull(primary).await;
            }
            tokio::time::sleep(LAG).await;
        }
    }

    async fn pull(&self, primary: SocketAddr) {
        let from = self.says().applied;
        let new = talk::ask(primary, ("POST", "/new"), &from.to_string(), PATIENCE).await;
        let new = match new {
            Ok((200, body)) => serde_json::from_str::<Vec<u64>>(&body).ok(),
            Ok(_) | Err(_) => None,
        };
        let mut kept = self.kept();
        // It may have been told otherwise meanwhile.
        if kept.role != Role::Standby(primary) || kept.numbers.len() != from {
            return;
        }
        kept.linked = new.is_some();
        if let Some(new) = new {
            kept.numbers.extend(new);
            kept.heard = Some(clock::now().mono);
        }
    }
}
