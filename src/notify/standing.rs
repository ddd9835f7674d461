//! What is owed, in numbers, and what is owed by a channel that a config does not know any more.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Directory, Kit};
use crate::chronicle::Which;
use crate::config::wiring::People;
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};

/// So often it is counted, also while nothing changes.
const LOOK: Duration = Duration::from_secs(5);
/// Not more often than that.
const LEAST: Duration = Duration::from_millis(500);

/// Counts until it is asked to stop.
pub(super) async fn run(
    kit: Kit,
    people: Directory,
    mut owed: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    loop {
        owed.borrow_and_update();
        let now = (kit.clock)().wall;
        let channels: Vec<Name> =
            people.borrow().channels.iter().map(|channel| channel.name.clone()).collect();
        // Who cannot be read is counted when he can be.
        if let Ok(standing) = kit.outbox.standing(now).await {
            let mut oldest: Option<Wall> = None;
            for channel in channels {
                let (held, since) = kit.memory.standing(&channel);
                let kept = standing.iter().find(|one| one.channel == channel.as_str());
                oldest = [oldest, since, kept.map(|one| one.oldest)].into_iter().flatten().min();
                let owed = held + kept.map_or(0, |one| one.owed);
                gauge!("watchkeeper_notices_owed", "channel" => channel.to_string()).set(owed as f64);
            }
            let age = oldest.map_or(Span::ZERO, |oldest| now.since(oldest));
            gauge!("watchkeeper_notices_oldest_owed_seconds").set(age.as_micros() as f64 / 1e6);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
            changed = owed.changed() => match changed {
                Ok(()) => tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(LEAST) => {}
                },
                Err(_) => return,
            },
        }
    }
}

/// What a channel owes that is not there any more is owed by all that are.
pub(super) async fn homeless(kit: &Kit, people: &Arc<People>) {
    let all: Vec<Name> = people.channels.iter().map(|channel| channel.name.clone()).collect();
    if all.is_empty() {
        return;
    }
    let now = (kit.clock)().wall;
    let Ok(standing) = kit.outbox.standing(now).await else { return };
    for one in standing {
        let Ok(name) = Name::new(&one.channel) else { continue };
        if all.contains(&name) {
            continue;
        }
        match kit.outbox.escalate(name, all.clone(), Which::Due, now).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(
                    channel = one.channel,
                    count,
                    "the config has no such channel any more: all others are told"
                );
                kit.wake();
            }
            Err(trouble) => {
                tracing::warn!(channel = one.channel, %trouble, "what it owes could not be moved")
            }
        }
    }
}
