//! Through what the observers agree: sessions, claims, votes, asks, records, journals. `local` keeps them on this
//! observer's own disk.
//!
//! A coordinator commits a transaction or refuses it, and says *unknown* whenever it is not certain. It must never
//! decide anything, nor change what it was handed: a transaction that is sent again is the same transaction.

pub mod local;
mod names;
pub mod wire;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::core::agree::{Answer, Journal, RunId, Txn};
use crate::core::authority::{ClusterId, Renewed, SessionId};
use crate::core::ids::ServiceId;
use crate::core::input::Seen;

pub use names::Names;

/// What whoever watches is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// It answers, and calls itself that. Everything that it holds is told next.
    There(ClusterId),
    /// It does not answer.
    Lost,
    /// A fact.
    Seen(Seen),
}

/// A coordinator, as one observer uses it.
pub trait Coordinator: Send + Sync + 'static {
    /// Renews a session, or makes one, and writes the pulse. The granted life is as read back.
    fn renew(&self, session: Option<SessionId>, fit: bool) -> BoxFuture<'static, Renewed>;

    /// Commits a transaction, or refuses it, and says what is so.
    fn transact(&self, txn: Txn) -> BoxFuture<'static, Answer>;

    /// Every fact that is held, and from then on each that changes. Our own vote is told only when it is lost. Only one
    /// watches: the newest. A full queue is waited for.
    fn watch(&self) -> mpsc::Receiver<Told>;

    /// The journals of a service's runs from that one on, the oldest first; why they cannot be had, if they cannot.
    fn journals(
        &self,
        service: ServiceId,
        from: RunId,
    ) -> BoxFuture<'static, Result<Vec<(RunId, Journal)>, String>>;

    /// The names behind the core's numbers, from now on.
    fn know(&self, names: Names);
}
