//! What users do and see: about twenty writes a second, each led to wherever users are led at that moment, and what became
//! of each. They know nothing of the daemon, and never try the same write again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::{since, talk};
use crate::core::time::Now;

/// A write is begun so often, if the one before is over.
const OFTEN: Duration = Duration::from_millis(50);
/// A user waits so long: longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// One write, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) number: u64,
    /// Seconds since the demo began, when it was answered, or not.
    pub(super) at: f64,
    /// Who acknowledged it; none: nobody.
    pub(super) by: Option<String>,
}

/// Users, until they are dropped.
pub(super) struct Users {
    writes: Arc<Mutex<Vec<Write>>>,
    _task: JoinSet<()>,
}

impl Users {
    /// They begin, and ask there where they are led.
    pub(super) fn begin(way: SocketAddr, begun: Now) -> Users {
        let writes = Arc::new(Mutex::new(Vec::new()));
        let (mut task, kept) = (JoinSet::new(), Arc::clone(&writes));
        task.spawn(async move {
            let mut ticks = tokio::time::interval(OFTEN);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 1.. {
                ticks.tick().await;
                let by = write(way, number).await;
                let write = Write { number, at: since(begun), by };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(write);
            }
        });
        Users { writes, _task: task }
    }

    /// All writes so far, in order.
    pub(super) fn writes(&self) -> Vec<Write> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Who acknowledged it; none: nobody.
async fn write(way: SocketAddr, number: u64) -> Option<String> {
    let (status, led) = talk::ask(way, ("GET", "/route"), "", PATIENCE).await.ok()?;
    let led: Value = serde_json::from_str(&led).ok().filter(|_| status == 200)?;
    let at = led["address"].as_str()?.parse().ok()?;
    let (status, _) = talk::ask(at, ("POST", "/write"), &number.to_string(), PATIENCE).await.ok()?;
    (status == 200).then(|| led["region"].as_str().unwrap_or_default().to_owned())
}
