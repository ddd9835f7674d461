//! The daemon's one HTTP port: what is so, why, metrics, heartbeats, and what operators say.
//!
//! A handler reads a snapshot, reads the chronicle, or hands over what somebody said and awaits its answer. It must
//! never reach the core: an operator is one more input, under the same claim and gates.

mod auth;
mod body;
mod gate;
mod operate;
mod orders;
mod preview;
mod read;
mod serve;
mod snapshot;
mod tls;
mod trigger;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::chronicle::Chronicle;
use crate::config::wiring::{Token, Trigger};
use crate::core::ids::Name;
use crate::core::order::Verb;
use crate::core::time::Mono;

pub(crate) use auth::equal;
pub use preview::{GateView, PreviewView};
pub use serve::{Bounds, serve};
pub use snapshot::{
    AskView, Check, LossView, PointView, RegionView, RequestView, RunView, ServiceView, Snapshot, StepView,
    TrafficView, WindowView,
};
pub use tls::{Certificate, NoCertificate};
pub use trigger::Calls;

/// How long an answer is waited for; the core gives each order one within 90 seconds.
const PATIENCE: Duration = Duration::from_secs(100);

/// What somebody said, and where the answer goes.
pub enum Said {
    /// An order.
    Order {
        /// To which service; none: to all.
        service: Option<Name>,
        /// What.
        verb: Box<Verb>,
        /// Who,
        who: Arc<str>,
        /// and from where.
        from: Arc<str>,
        /// What it was answered.
        answer: oneshot::Sender<Answer>,
    },
    /// "What would that order come to?"
    Preview {
        /// Of which service.
        service: Name,
        /// The order.
        verb: Box<Verb>,
        /// What would be done, or why there is nothing to show.
        answer: oneshot::Sender<Result<Box<PreviewView>, Answer>>,
    },
    /// "Why?", of a service; none: there is no such service.
    Why {
        /// Which.
        service: Name,
        /// The explanation, line by line with its depth.
        answer: oneshot::Sender<Option<Vec<(u8, String)>>>,
    },
    /// "Read the config anew."
    Reload {
        /// Why not, if not.
        answer: oneshot::Sender<Result<(), String>>,
    },
}

/// What an order is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// A word for machines.
    pub word: &'static str,
    /// Why it is refused, in a word, if it is.
    pub why: Option<&'static str>,
    /// A sentence.
    pub text: String,
    /// The run that it started.
    pub run: Option<u64>,
}

/// A trigger is to be raised, by whoever may.
pub struct Raise {
    /// Of which service.
    pub service: Name,
    /// Which.
    pub trigger: Name,
    /// By whom.
    pub who: String,
    /// It is on the disk, and whether it was not before; or why it may not be.
    pub answer: oneshot::Sender<Result<bool, String>>,
}

/// Who may come in, and by what; exchanged whole when the config is read anew.
#[derive(Clone, Default)]
pub struct Access {
    /// Who may do what; none: whoever is on this machine may do everything, and nobody else anything.
    pub tokens: Vec<Token>,
    /// What is shown to those who come by TLS; none: it is spoken plain.
    pub certificate: Option<Certificate>,
    /// What may be raised from outside.
    pub triggers: Vec<Trigger>,
}

/// Says that a heartbeat was heard: service, probe, region and the token that was brought. False: no such heartbeat, or
/// not its token.
pub type Heard = dyn Fn(&Name, &Name, Option<&Name>, &str) -> bool + Send + Sync;

/// What the API stands on.
#[derive(Clone)]
pub struct Doors {
    /// What is so; the newest counts.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Whether the event loop turns: it is told how long ago it last did, in milliseconds.
    pub turned: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Takes what is said. A full queue is answered 503.
    pub said: mpsc::Sender<Said>,
    /// Takes heartbeats.
    pub heard: Arc<Heard>,
    /// All metrics, as Prometheus reads them.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// What happened.
    pub chronicle: Chronicle,
    /// Who may come in, as of now.
    pub access: watch::Receiver<Arc<Access>>,
    /// Takes triggers that are to be raised. A full queue is answered 503.
    pub raise: mpsc::Sender<Raise>,
    /// Signed calls that were carried out.
    pub calls: Arc<Calls>,
    /// When it is, in seconds since 1970: for tokens that expire.
    pub wall: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// When it is, by the boot-time clock.
    pub boot: Arc<dyn Fn() -> Mono + Send + Sync>,
}

/// Every route.
fn router(doors: Doors) -> Router {
    Router::new()
        .route("/metrics", get(read::metrics))
        .route("/-/healthy", get(read::healthy))
        .route("/-/ready", get(read::ready))
        .route("/-/reload", post(operate::reload))
        .route("/health", get(read::health))
        .route("/gate/{service}/{region}", get(gate::gate))
        .route("/api/v1/status", get(read::status))
        .route("/api/v1/events", get(read::events))
        .route("/api/v1/services/{service}/why", get(read::why))
        .route("/api/v1/services/{service}/events", get(read::service_events))
        .route("/api/v1/services/{service}/preview", get(orders::starts::show))
        .route("/api/v1/services/{service}/failover", post(orders::starts::failover))
        .route("/api/v1/services/{service}/failback", post(orders::starts::failback))
        .route("/api/v1/services/{service}/run", post(orders::starts::run))
        .route("/api/v1/services/{service}/approve", post(orders::service::approve))
        .route("/api/v1/services/{service}/veto", post(orders::service::veto))
        .route("/api/v1/services/{service}/adopt", post(orders::service::adopt))
        .route("/api/v1/services/{service}/release", post(orders::service::release))
        .route("/api/v1/services/{service}/pause", post(orders::service::pause))
        .route("/api/v1/services/{service}/resume", post(orders::service::resume))
        .route("/api/v1/services/{service}/triggers/{trigger}/clear", post(trigger::clear))
        .route("/api/v1/services/{service}/incidents/{id}/{verb}", post(orders::incidents::of_service))
        .route("/api/v1/incidents/{id}/{verb}", post(orders::incidents::anywhere))
        .route("/api/v1/evacuate", post(orders::service::evacuate))
        .route("/api/v1/pause", post(orders::service::pause_all))
        .route("/api/v1/resume", post(orders::service::resume_all))
        .route("/api/v1/runs", get(orders::runs::all))
        // A run's number is one of its service's: with the service's name before it, or without.
        .route("/api/v1/runs/{one}", get(orders::runs::anywhere))
        .route("/api/v1/runs/{one}/{two}", get(orders::runs::of_service).post(orders::runs::told))
        .route("/api/v1/runs/{one}/{two}/{three}", post(orders::runs::told_of_service))
        .route("/api/v1/services/{service}/samples", get(read::samples))
        .route("/api/v1/heartbeat/{service}/{probe}", post(operate::heartbeat))
        .route("/api/v1/heartbeat/{service}/{probe}/{region}", post(operate::heartbeat_in))
        .route("/api/v1/triggers/{service}/{trigger}", post(trigger::raise).delete(trigger::clear))
        .with_state(doors)
}

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
#[error("[api] cannot listen on {address}: {why}; give it another `listen`, or stop what has that port")]
pub struct NoPort {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    pub why: std::io::Error,
}

/// Opens the port.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, NoPort> {
    TcpListener::bind(address).await.map_err(|why| NoPort { address, why })
}
