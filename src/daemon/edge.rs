//! What of a config meets the outside beside its probes: who may come in and by what certificate, what is raised from
//! outside, when it is quiet, who is told, how much room the disk must have. Exchanged whole by a reload, or not at all.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics::gauge;

use super::clock;
use crate::api::{Access, Certificate};
use crate::config::wiring::{Api, Exec, People, Trigger, Window, Wiring};

/// That part of a config.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Tokens and certificate. `listen` is settled at the start.
    pub api: Api,
    /// What is raised from outside.
    pub triggers: Vec<Trigger>,
    /// When nothing starts unasked.
    pub maintenance: Vec<Window>,
    /// What steps may run.
    pub exec: Exec,
    /// With less free than this, in bytes, it watches and does not act.
    pub min_free: u64,
    /// Who is told something, and by what.
    pub people: Arc<People>,
}

/// Loopback, plain, open to this machine; nothing else.
impl Default for Edge {
    fn default() -> Edge {
        let listen = SocketAddr::from(([127, 0, 0, 1], 9470));
        let api = Api { listen, public_url: None, tls: None, tokens: Vec::new() };
        Edge {
            api,
            triggers: Vec::new(),
            maintenance: Vec::new(),
            exec: Exec::default(),
            min_free: 0,
            people: Arc::default(),
        }
    }
}

impl Edge {
    /// As a config has it.
    #[must_use]
    pub fn of(wiring: &Wiring) -> Edge {
        Edge {
            api: wiring.api.clone(),
            triggers: wiring.triggers.clone(),
            maintenance: wiring.maintenance.clone(),
            exec: wiring.exec.clone(),
            min_free: wiring.chronicle.min_free,
            people: Arc::new(wiring.people()),
        }
    }

    /// Reads the certificate, anew each time. One that cannot be used is refused. One whose time is over is refused in
    /// the place of another, and told, but served, where it is all there is: the daemon must watch whatever its API does.
    pub(super) fn access(&self, before: Option<&Access>) -> Result<Access, String> {
        let certificate = self.api.tls.as_ref().map(Certificate::read).transpose();
        let certificate = certificate.map_err(|why| why.to_string())?;
        let wall = clock::now().wall;
        if let Some(new) = &certificate
            && let Err(why) = new.good_at(wall)
        {
            let old = before.and_then(|before| before.certificate.as_ref());
            if old.is_some_and(|old| !old.same(new) && old.good_at(wall).is_ok()) {
                return Err(why.to_string());
            }
            tracing::error!(%why, "nobody will take the API's certificate");
        }
        let until = certificate.as_ref().map_or(0, Certificate::until);
        gauge!("watchkeeper_api_certificate_expires_timestamp_seconds").set(until as f64);
        Ok(Access { tokens: self.api.tokens.clone(), certificate, triggers: self.triggers.clone() })
    }

    /// The same, at a reload: a port is not moved under whoever holds it.
    pub(super) fn exchanged(&self, listens: SocketAddr, before: &Access) -> Result<Access, String> {
        if self.api.listen != listens {
            let new = self.api.listen;
            return Err(format!(
                "[api] listen: it listens on {listens}, and {new} needs another start: restart watchkeeper, or write {listens}"
            ));
        }
        self.access(Some(before))
    }
}
