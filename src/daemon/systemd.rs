//! What systemd is told: READY, RELOADING, STOPPING, and WATCHDOG only as long as the event loop turns.
//!
//! Without systemd all of it does nothing. A failed notification is no reason to do anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::clock;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(why) = sd_notify::notify(states) {
        tracing::debug!(%why, "systemd was not told");
    }
}

/// It watches.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("watching")]);
}

/// It reads its config anew.
pub(super) fn reloading() {
    tell(&[NotifyState::Reloading, NotifyState::MonotonicUsec(i128::from(clock::monotonic()))]);
}

/// It has: with what is wrong, if that was not taken.
pub(super) fn reloaded(wrong: Option<&str>) {
    let status = match wrong.map(sentence) {
        None => "watching".to_owned(),
        Some(why) => format!("watching by the config before; the newest was not taken: {why}"),
    };
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// What systemd has one line for: the first problem of a report, in which it stands behind a cross; else the first line.
fn sentence(why: &str) -> &str {
    let mut lines = why.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next().unwrap_or_default();
    lines.find_map(|line| line.strip_prefix("× ")).unwrap_or(first)
}

/// It ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("giving its claims up")]);
}

/// Feeds the watchdog for as long as the loop turns: a loop that is stuck is restarted by systemd.
pub(super) async fn watchdog(turned: Arc<AtomicU64>, stop: CancellationToken) -> Result<(), String> {
    let every = sd_notify::watchdog_enabled();
    let Some(every) = every.map(|every| every / 4) else {
        stop.cancelled().await;
        return Ok(());
    };
    let mut seen = 0;
    loop {
        let now = turned.load(Ordering::Relaxed);
        if now != seen {
            tell(&[NotifyState::Watchdog]);
        }
        seen = now;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(every.max(Duration::from_millis(100))) => {}
        }
    }
}
