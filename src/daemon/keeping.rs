//! Between the loop and the chronicle: lines are kept in their order, with what they make people be owed, and the core is
//! told what is durable.
//!
//! While the disk takes nothing, lines wait here and are tried again, and people are told from memory; nothing is said to
//! be durable that is not.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use metrics::counter;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Message, clock};
use crate::chronicle::{Around, Change, Chronicle, Line, Memory, Teller};
use crate::core::ids::ServiceId;
use crate::core::input::Input;
use crate::core::time::Span;
use crate::notify::Directory;
use crate::store::Trouble;

/// So many lines are written together.
const TOGETHER: usize = 512;
/// What could not be written is tried again so soon.
const AGAIN: Duration = Duration::from_secs(1);
/// So many events stay, however old they are.
const LEAST: u64 = 10_000;
/// So long what people were told is kept.
const TOLD: Span = Span::hours(24 * 90);

/// So many wait here while the disk takes nothing; the rest waits in the lane.
const WAITING: usize = 65_536;

/// A line, whose it is to the core, and what is so meanwhile.
pub(super) struct Owned {
    pub(super) service: Option<ServiceId>,
    pub(super) line: Line,
    pub(super) around: Around,
}

/// A line, and what it makes people be owed.
struct Owing {
    service: Option<ServiceId>,
    line: Line,
    changes: Vec<Change>,
    /// People are told of it from memory.
    told: bool,
}

/// What lines are kept by.
pub(super) struct Keeper {
    pub(super) chronicle: Chronicle,
    pub(super) teller: Teller,
    pub(super) memory: Memory,
    pub(super) people: Directory,
    /// Says that something is owed.
    pub(super) owed: watch::Sender<u64>,
    pub(super) inputs: mpsc::Sender<Message>,
}

/// Who was told what. What cannot be read is told again.
pub(super) async fn teller(chronicle: &Chronicle) -> Teller {
    chronicle.teller().await.unwrap_or_else(|trouble| {
        tracing::error!(%trouble, "who was told what cannot be read; some of it may be told twice");
        Teller::new(chronicle.life(), Vec::new(), Vec::new())
    })
}

/// Keeps lines until nobody brings any more.
pub(super) async fn run(
    mut keeper: Keeper,
    mut lines: mpsc::Receiver<Owned>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut waiting: VecDeque<Owing> = VecDeque::new();
    let mut batch: Vec<Owned> = Vec::with_capacity(TOGETHER);
    let mut failed = false;
    loop {
        if waiting.is_empty() && lines.recv_many(&mut batch, TOGETHER).await == 0 {
            return Ok(());
        }
        waiting.extend(batch.drain(..).map(|owned| keeper.owing(owned)));
        let first = waiting.len().min(TOGETHER);
        match keeper.keep(&waiting, first).await {
            Ok(()) => {
                if std::mem::take(&mut failed) {
                    tracing::info!("the chronicle is written again");
                }
                keeper.say(waiting.drain(..first)).await;
            }
            Err(trouble) => {
                if !std::mem::replace(&mut failed, true) {
                    let waiting = waiting.len();
                    tracing::error!(%trouble, waiting, "the chronicle cannot be written; people are told from memory");
                }
                if stop.is_cancelled() {
                    let waiting = waiting.len();
                    return Err(format!("{waiting} events were lost, since the chronicle cannot be written"));
                }
                keeper.tell_from_memory(&mut waiting);
                // What happens meanwhile is told, too.
                let again = tokio::time::sleep(AGAIN);
                tokio::pin!(again);
                let mut open = true;
                loop {
                    tokio::select! {
                        () = &mut again => break,
                        count = lines.recv_many(&mut batch, TOGETHER), if open && waiting.len() < WAITING => {
                            open = count > 0;
                            waiting.extend(batch.drain(..).map(|owned| keeper.owing(owned)));
                            keeper.tell_from_memory(&mut waiting);
                        }
                    }
                }
            }
        }
    }
}

impl Keeper {
    fn owing(&mut self, owned: Owned) -> Owing {
        let Owned { service, line, around } = owned;
        let changes = self.teller.tell(&self.people.borrow(), &line, &around);
        Owing { service, line, changes, told: false }
    }

    async fn keep(&self, waiting: &VecDeque<Owing>, first: usize) -> Result<(), Trouble> {
        let lines = waiting.iter().take(first).map(|owing| owing.line.clone()).collect();
        let changes: Vec<Change> =
            waiting.iter().take(first).flat_map(|owing| owing.changes.iter().cloned()).collect();
        let owes = !changes.is_empty();
        self.chronicle.keep_owing(lines, changes, &self.memory).await?;
        if owes {
            self.owed.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Whoever sends looks there as well.
    fn tell_from_memory(&self, waiting: &mut VecDeque<Owing>) {
        let lost = self.memory.lost();
        let mut any = false;
        for owing in waiting.iter_mut().filter(|owing| !owing.told) {
            owing.told = true;
            let notices = owing.changes.iter().filter_map(|change| match change {
                Change::Owe(notice) => Some((**notice).clone()),
                Change::Story(_) | Change::Cancel { .. } => None,
            });
            self.memory.owe(notices);
            any |= !owing.changes.is_empty();
        }
        if self.memory.lost() > lost {
            counter!("watchkeeper_pages_dropped_total").increment(self.memory.lost() - lost);
            tracing::error!(
                "notices found no room in memory, while the disk takes nothing: look for yourself"
            );
        }
        if any {
            self.owed.send_modify(|count| *count += 1);
        }
    }

    /// These are durable.
    async fn say(&self, kept: impl Iterator<Item = Owing>) {
        let mut upto: BTreeMap<Option<ServiceId>, u64> = BTreeMap::new();
        for owing in kept {
            say(&owing.line);
            upto.insert(owing.service, owing.line.seq);
        }
        for (service, upto) in upto {
            let input = Input::Recorded { service, upto };
            // The loop has ended: nobody asks what is durable.
            if self.inputs.send(Message::Input(Box::new(input))).await.is_err() {
                break;
            }
        }
    }
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

/// Forgets events that are too old, a few at a time, and what people were told long ago.
pub(super) async fn trim(chronicle: Chronicle, keep: Span, stop: CancellationToken) -> Result<(), String> {
    loop {
        let more = match chronicle.trim(clock::now().wall.before(keep), LEAST).await {
            Ok(gone) => gone > 0,
            Err(trouble) => {
                tracing::warn!(%trouble, "old events could not be forgotten");
                false
            }
        };
        let more = match chronicle.outbox().trim(clock::now().wall.before(TOLD)).await {
            Ok(gone) => more || gone > 0,
            Err(trouble) => {
                tracing::warn!(%trouble, "old notices could not be forgotten");
                more
            }
        };
        let nap = if more { Duration::from_secs(1) } else { Duration::from_secs(3_600) };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(nap) => {}
        }
    }
}
