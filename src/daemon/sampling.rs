//! Samples on their way to the chronicle: from the loop in batches, by probe into blocks, and once a minute to the disk.
//!
//! It must never make the loop or a probe wait: what finds no room is not kept, and counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::clock;
use super::lane::Lane;
use crate::chronicle::{Block, Chronicle, IN_A_BLOCK, Taken, Whose};
use crate::core::ids::ProbeId;
use crate::core::time::{Mono, Now, Span};
use crate::probe::runner::Sampled;

/// The loop hands on so many at once,
const TOGETHER: usize = 512;
/// or what there is after so long.
const SOON: Span = Span::secs(1);
/// Blocks are written so often.
const WRITE: Duration = Duration::from_secs(60);
/// So many blocks are written in one piece,
const AT_ONCE: usize = 256;
/// and so many wait at most while the disk takes nothing.
const WAITING: usize = 4_096;
/// Old ones are forgotten so often.
const TRIM: Duration = Duration::from_secs(900);

/// Which probe is whose.
pub(super) type Known = Arc<BTreeMap<ProbeId, Whose>>;

/// Some samples, and whose they are.
pub(super) struct Batch {
    known: Known,
    taken: Vec<(ProbeId, Taken)>,
}

/// The loop's end.
pub(super) struct Samples {
    lane: Lane<Batch>,
    known: Known,
    taken: Vec<(ProbeId, Taken)>,
    since: Mono,
}

impl Samples {
    pub(super) fn new(lane: Lane<Batch>) -> Samples {
        Samples { lane, known: Arc::default(), taken: Vec::with_capacity(TOGETHER), since: Mono::BOOT }
    }

    /// From now on these are the probes.
    pub(super) fn know(&mut self, known: BTreeMap<ProbeId, Whose>) {
        self.hand_over();
        self.known = Arc::new(known);
    }

    pub(super) fn take(&mut self, sampled: &Sampled, now: Now) {
        let found = &sampled.found;
        let at = now.wall.before(now.mono.since(found.ended));
        let took = found.ended.since(found.began);
        if self.taken.is_empty() {
            self.since = now.mono;
        }
        let taken = Taken { at, outcome: found.outcome, took, reading: found.reading };
        self.taken.push((sampled.probe, taken));
        if self.taken.len() >= TOGETHER {
            self.hand_over();
        }
    }

    /// Moves on what waits; whether some of it still does.
    pub(super) fn pump(&mut self, now: Mono) -> bool {
        if !self.taken.is_empty() && now.since(self.since) >= SOON {
            self.hand_over();
        }
        self.lane.pump()
    }

    fn hand_over(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let taken = std::mem::replace(&mut self.taken, Vec::with_capacity(TOGETHER));
        let count = taken.len() as u64;
        if !self.lane.send(Batch { known: Arc::clone(&self.known), taken }) {
            counter!("watchkeeper_samples_dropped_total").increment(count);
        }
    }
}

/// Keeps samples until nobody brings any more.
pub(super) async fn run(
    chronicle: Chronicle,
    mut batches: mpsc::Receiver<Batch>,
    keep: Span,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut blocks: BTreeMap<Whose, Block> = BTreeMap::new();
    let mut full: VecDeque<(Whose, Block)> = VecDeque::new();
    let (mut write, mut trim) = (tokio::time::interval(WRITE), tokio::time::interval(TRIM));
    write.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    write.reset();
    let mut failed = false;
    loop {
        let ends = tokio::select! {
            batch = batches.recv() => match batch {
                Some(batch) => {
                    sort(&mut blocks, &mut full, batch);
                    if full.len() < AT_ONCE {
                        continue;
                    }
                    false
                }
                None => true,
            },
            _ = write.tick() => {
                full.extend(std::mem::take(&mut blocks));
                false
            }
            _ = trim.tick() => {
                forget(&chronicle, keep).await;
                continue;
            }
            () = stop.cancelled() => true,
        };
        if ends {
            while let Ok(batch) = batches.try_recv() {
                sort(&mut blocks, &mut full, batch);
            }
            full.extend(std::mem::take(&mut blocks));
        }
        while !full.is_empty() {
            let some: Vec<(Whose, Block)> = full.iter().take(AT_ONCE).cloned().collect();
            let count = some.len();
            match chronicle.keep_samples(some).await {
                Ok(()) => {
                    failed = false;
                    drop(full.drain(..count));
                }
                Err(trouble) => {
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(%trouble, "samples cannot be kept; it is tried again");
                    }
                    break;
                }
            }
        }
        while full.len() > WAITING {
            let lost = full.pop_front().map_or(0, |(_, block)| block.count());
            counter!("watchkeeper_samples_dropped_total").increment(u64::from(lost));
        }
        if ends {
            return Ok(());
        }
    }
}

fn sort(blocks: &mut BTreeMap<Whose, Block>, full: &mut VecDeque<(Whose, Block)>, batch: Batch) {
    for (probe, taken) in batch.taken {
        // One that a reload has taken away.
        let Some(whose) = batch.known.get(&probe) else { continue };
        let block = match blocks.get_mut(whose) {
            Some(block) => block,
            None => blocks.entry(whose.clone()).or_default(),
        };
        block.push(taken);
        if block.count() >= IN_A_BLOCK
            && let Some(block) = blocks.remove_entry(whose)
        {
            full.push_back(block);
        }
    }
}

async fn forget(chronicle: &Chronicle, keep: Span) {
    loop {
        match chronicle.trim_samples(clock::now().wall.before(keep)).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(trouble) => {
                tracing::warn!(%trouble, "old samples could not be forgotten");
                return;
            }
        }
    }
}
