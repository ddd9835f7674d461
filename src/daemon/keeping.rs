//! Between the loop and the chronicle: lines are kept in their order, and the core is told what is durable.
//!
//! While the disk takes nothing, lines wait here and are tried again; nothing is said to be durable that is not.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Message, clock};
use crate::chronicle::{Chronicle, Line};
use crate::core::ids::ServiceId;
use crate::core::input::Input;
use crate::core::time::Span;

/// So many lines are written together.
const TOGETHER: usize = 512;
/// What could not be written is tried again so soon.
const AGAIN: Duration = Duration::from_secs(1);
/// So many events stay, however old they are.
const LEAST: u64 = 10_000;

/// A line, and whose it is to the core.
pub(super) type Owned = (Option<ServiceId>, Line);

/// Keeps lines until nobody brings any more.
pub(super) async fn run(
    chronicle: Chronicle,
    mut lines: mpsc::Receiver<Owned>,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut batch: Vec<Owned> = Vec::with_capacity(TOGETHER);
    let mut failed = false;
    while lines.recv_many(&mut batch, TOGETHER).await > 0 {
        while let Err(trouble) = chronicle.keep(batch.iter().map(|(_, line)| line.clone()).collect()).await {
            if !std::mem::replace(&mut failed, true) {
                tracing::error!(%trouble, waiting = batch.len(), "the chronicle cannot be written; it is tried again");
            }
            if stop.is_cancelled() {
                return Err(format!(
                    "{} events were lost, since the chronicle cannot be written",
                    batch.len()
                ));
            }
            tokio::time::sleep(AGAIN).await;
        }
        if std::mem::take(&mut failed) {
            tracing::info!("the chronicle is written again");
        }
        let mut upto: BTreeMap<Option<ServiceId>, u64> = BTreeMap::new();
        for (service, line) in batch.drain(..) {
            say(&line);
            upto.insert(service, line.seq);
        }
        for (service, upto) in upto {
            let input = Input::Recorded { service, upto };
            // The loop has ended: nobody asks what is durable.
            if inputs.send(Message::Input(Box::new(input))).await.is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// One line a change; what somebody should look at is a warning.
fn say(line: &Line) {
    let (service, kind) = (line.service.as_ref().map(|name| name.as_str()), line.kind);
    match kind {
        "isolated" | "refused_input" | "reload_refused" | "region_lost" | "blind" | "drifted"
        | "impossible" | "missed" | "paged" => tracing::warn!(service, kind, "{}", line.text),
        _ => tracing::info!(service, kind, "{}", line.text),
    }
}

/// Forgets events that are too old, a few at a time.
pub(super) async fn trim(chronicle: Chronicle, keep: Span, stop: CancellationToken) -> Result<(), String> {
    loop {
        let more = match chronicle.trim(clock::now().wall.before(keep), LEAST).await {
            Ok(gone) => gone > 0,
            Err(trouble) => {
                tracing::warn!(%trouble, "old events could not be forgotten");
                false
            }
        };
        let nap = if more { Duration::from_secs(1) } else { Duration::from_secs(3_600) };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(nap) => {}
        }
    }
}
