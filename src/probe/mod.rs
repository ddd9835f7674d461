//! Probes: one look at one target, and what was found. One file a kind.
//!
//! A look is bounded in time, bytes and depth, whatever the target sends. It must never judge: it says what was found,
//! `ok`, `failed` or `blind` (docs/PROBES.md draws the line for each kind), and the core makes something of it.

pub(crate) mod dns;
pub(crate) mod exec;
mod found;
mod gate;
mod grpc;
mod heartbeat;
pub(crate) mod http;
pub(crate) mod postgres;
mod prometheus;
pub(crate) mod redis;
pub mod runner;
pub mod schedule;
mod seen;
mod tcp;
mod tls;
pub(crate) mod trust;
pub(crate) mod wire;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;

use crate::config::probe::{Kind, Probe};
use crate::core::health::{Blindness, Failure, Outcome};
use crate::core::time::{Now, Span};

pub use found::{Compared, Found, Phase};
pub(crate) use gate::Gate;
pub use heartbeat::Heartbeats;
pub(crate) use seen::Seen;

/// Where the time comes from. The daemon's clock is the only one that reads it.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// What all probes share. It lives as long as the daemon.
pub struct Kit {
    clock: Clock,
    provider: Arc<CryptoProvider>,
    roots: OnceLock<Arc<RootCertStore>>,
    resolver: OnceLock<Option<TokioResolver>>,
    heartbeats: Arc<Heartbeats>,
}

/// Why a look did not end well, and what exactly was in the way.
#[derive(Clone, Debug)]
pub(crate) enum Why {
    /// The target is not as it should be.
    Failed(Failure, String),
    /// We could not see.
    Blind(Blindness, String),
}

/// One kind of probe, ready to look. A look puts what it saw into [`Seen`], and says only what went wrong by itself;
/// the expectations are compared afterwards.
trait Look: Send + Sync {
    /// Looks once. It may be dropped at any point, and must then leave nothing running.
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>>;

    /// What it means that its time ran out.
    fn ran_out(&self, detail: String) -> Why {
        Why::Failed(Failure::TimedOut, detail)
    }
}

/// One probe, ready to be run again and again; never twice at once.
pub struct Ready {
    wiring: Probe,
    look: Box<dyn Look>,
}

/// The list of kinds.
fn build(kind: &Kind) -> Box<dyn Look> {
    match kind {
        Kind::Http(kind) => Box::new(http::Http::new((**kind).clone())),
        Kind::Tcp(kind) => Box::new(tcp::Tcp::new(kind.clone())),
        Kind::Tls(kind) => Box::new(tls::Tls::new(kind.clone())),
        Kind::Dns(kind) => Box::new(dns::Dns::new(kind.clone())),
        Kind::Postgres(kind) => Box::new(postgres::Postgres::new(kind.clone())),
        Kind::Redis(kind) => Box::new(redis::Redis::new(kind.clone())),
        Kind::Grpc(kind) => Box::new(grpc::Grpc::new(kind.clone())),
        Kind::Prometheus(kind) => Box::new(prometheus::Prometheus::new((**kind).clone())),
        Kind::Heartbeat(_) => Box::new(heartbeat::Heartbeat),
        Kind::Exec(kind) => Box::new(exec::Exec::new(kind.clone())),
    }
}

impl Kit {
    /// With this clock, and what was pushed.
    #[must_use]
    pub fn new(clock: Clock, heartbeats: Arc<Heartbeats>) -> Kit {
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        Kit { clock, provider, roots: OnceLock::new(), resolver: OnceLock::new(), heartbeats }
    }

    /// What the clocks show.
    #[must_use]
    pub fn now(&self) -> Now {
        (self.clock)()
    }

    /// What was pushed.
    #[must_use]
    pub fn heartbeats(&self) -> &Arc<Heartbeats> {
        &self.heartbeats
    }
}

impl Ready {
    /// Makes it ready; nothing is opened or read before the first look.
    #[must_use]
    pub fn new(wiring: Probe) -> Ready {
        let look = build(&wiring.kind);
        Ready { wiring, look }
    }

    /// What it is made from.
    #[must_use]
    pub fn wiring(&self) -> &Probe {
        &self.wiring
    }

    /// Looks once. With `tell` everything that was seen and compared is in the answer, else only what went wrong.
    pub async fn run(&self, kit: &Kit, tell: bool) -> Found {
        let began = kit.now().mono;
        let mut seen = Seen::new(kit, &self.wiring, began + self.wiring.timeout);
        let looked = tokio::time::timeout(duration(self.wiring.timeout), self.look.look(&mut seen)).await;
        let ended = kit.now().mono;
        let took = ended - began;
        seen.vars.set_span("latency", took);
        let looked = match looked {
            Ok(looked) => looked,
            Err(_) => {
                let detail = format!("no end after {}{}", self.wiring.timeout, seen.where_it_stood());
                Err(self.look.ran_out(detail))
            }
        };
        let mut compared = Vec::new();
        let judged = looked.and_then(|()| self.judge(&seen, tell, &mut compared));
        let (outcome, detail) = match judged {
            Ok(()) => (Outcome::Ok { took }, String::new()),
            Err(Why::Failed(failure, detail)) => (Outcome::Failed(failure), detail),
            Err(Why::Blind(blindness, detail)) => (Outcome::Blind(blindness), detail),
        };
        // A lag or an age is worth something also where an expectation about it does not hold.
        let reading = seen.reading;
        let shown = if tell { seen.shown() } else { Vec::new() };
        Found { outcome, reading, began, ended, phases: seen.phases, compared, shown, detail }
    }

    /// All expectations; one that does not hold outweighs one that cannot be evaluated.
    fn judge(&self, seen: &Seen<'_>, tell: bool, compared: &mut Vec<Compared>) -> Result<(), Why> {
        let mut first: Result<(), Why> = Ok(());
        for (index, expect) in self.wiring.expect.iter().enumerate() {
            let holds = seen.holds(expect);
            let why = match &holds {
                Ok(true) => None,
                Ok(false) => {
                    let index = u8::try_from(index).unwrap_or(u8::MAX);
                    Some(Why::Failed(Failure::Unmet(index), format!("`{}` does not hold", expect.text())))
                }
                Err(wrong) => Some(seen.unevaluated(expect, wrong)),
            };
            if tell || why.is_some() {
                compared
                    .push(Compared { text: expect.text().to_owned(), holds: holds.map_err(|wrong| wrong.0) });
            }
            let weightier =
                matches!((&first, &why), (Ok(()), Some(_)) | (Err(Why::Blind(..)), Some(Why::Failed(..))));
            if let (true, Some(why)) = (weightier, why) {
                first = Err(why);
            }
        }
        first
    }
}

/// As timers want it.
pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_micros(span.as_micros())
}

/// What a target says, as a line of ours may show it.
fn brief(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// A target that is not as it should be.
fn failed(failure: Failure, detail: impl Into<String>) -> Why {
    Why::Failed(failure, detail.into())
}

/// Something of ours in the way.
fn blind(blindness: Blindness, detail: impl Into<String>) -> Why {
    Why::Blind(blindness, detail.into())
}
