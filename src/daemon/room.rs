//! How much room is left on the store's disk, and what that and the writer together say of the store.
//!
//! With less than `chronicle.min_free` the daemon says so and stops acting while it can still write down why; it goes on
//! by itself when there is room again. It never removes anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Message;
use super::edge::Edge;
use crate::core::input::{Input, Store as Condition};

/// Looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// What was found last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes that may still be written.
    pub(super) free: u64,
    /// So many there must be.
    pub(super) least: u64,
    /// There are not, or there were not, and there are hardly more since.
    pub(super) low: bool,
}

impl Room {
    /// A twentieth more than the least ends it, so that it does not come and go with each line that is written.
    pub(super) fn after(&self, free: u64, least: u64) -> Room {
        let enough = if self.low { least.saturating_add(least / 20) } else { least };
        Room { free, least, low: free < enough }
    }
}

impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = |bytes: u64| bytes / (1 << 20);
        write!(
            f,
            "its disk has {} MiB free, and [chronicle] min_free wants {}: make room, or want less",
            mib(self.free),
            mib(self.least)
        )
    }
}

/// Looks again and again.
pub(super) async fn look(
    dir: PathBuf,
    mut edges: watch::Receiver<Arc<Edge>>,
    room: watch::Sender<Room>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut blind = false;
    loop {
        let least = edges.borrow_and_update().min_free;
        gauge!("watchkeeper_store_min_free_bytes").set(least as f64);
        let at = dir.clone();
        // Beside the loop's threads: a disk that hangs is waited for.
        let found = tokio::task::spawn_blocking(move || free(&at)).await;
        match found.map_err(std::io::Error::other).flatten() {
            Ok(free) => {
                gauge!("watchkeeper_store_free_bytes").set(free as f64);
                let new = room.borrow().after(free, least);
                room.send_if_modified(|old| std::mem::replace(old, new.clone()).low != new.low);
                blind = false;
            }
            Err(why) => {
                if !std::mem::replace(&mut blind, true) {
                    tracing::error!(%why, dir = %dir.display(), "nobody knows how much room the store has left");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = edges.changed() => if changed.is_err() { return Ok(()) },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Bytes that we may still write there.
fn free(dir: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Tells the core what the store says of itself, and what its disk does. That nobody writes any more ends the daemon.
pub(super) async fn condition(
    mut writer: watch::Receiver<Condition>,
    mut room: watch::Receiver<Room>,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut told = Condition::Ok;
    loop {
        let (said, left) = (*writer.borrow_and_update(), room.borrow_and_update().clone());
        let now = if said == Condition::Ok && left.low { Condition::Full } else { said };
        if now != told {
            match now {
                Condition::Ok => tracing::info!("the store is well again"),
                Condition::Full if said == Condition::Ok => {
                    tracing::error!(free = left.free, min_free = left.least, "nothing is started: {left}");
                }
                Condition::Full | Condition::Corrupt => {
                    tracing::error!(condition = ?now, "nothing is started: the store does not take what is written");
                }
            }
            told = now;
            if inputs.send(Message::Input(Box::new(Input::Store(now)))).await.is_err() {
                return Ok(());
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = writer.changed() => if changed.is_err() {
                return Err("the store's writer has ended".to_owned());
            },
            changed = room.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_at_the_limit_and_goes_a_little_above() {
        let mut room = Room::default();
        let mut lows = Vec::new();
        for free in [100, 99, 100, 104, 105, 100, 99] {
            room = room.after(free, 100);
            lows.push(room.low);
        }
        assert_eq!(lows, [false, true, true, true, false, false, true]);
        assert!(!Room::default().after(0, 0).low, "who wants none is content");
        assert!(Room::default().after(u64::MAX - 1, u64::MAX).low);
    }

    #[test]
    fn what_is_free_is_less_than_the_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let room = free(dir.path()).expect("a disk");
        assert!(room > 0 && room < u64::MAX / 2);
        assert!(free(&dir.path().join("none")).is_err());
    }
}
