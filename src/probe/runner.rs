//! Runs probes as the schedule says, and hands on what they found.
//!
//! One task owns the schedule; each look is a task of its own, and there are never more than the limits allow. What is
//! found goes into a bounded queue: when nobody takes it out, looks wait with their places taken, so the daemon falls
//! behind, visibly, instead of growing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::schedule::{Limits, Schedule};
use super::{Found, Kit, Ready, duration};
use crate::config::probe::{Kind, Probe};
use crate::core::health::{Blindness, Failure, Outcome};
use crate::core::ids::ProbeId;
use crate::core::time::{Mono, Span};

/// So many orders are taken before the clock is looked at again.
const ORDERS: usize = 256;

/// What the runner is told.
pub enum Order {
    /// There is this probe, or it is now wired like this; what the old one kept open is closed.
    Add(ProbeId, Box<Probe>),
    /// It is gone.
    Remove(ProbeId),
    /// The core's `Effect::Pace`.
    Pace(ProbeId, Option<Span>),
}

/// One result.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Whose.
    pub probe: ProbeId,
    /// What.
    pub found: Found,
}

/// What the runner says of itself; read by metrics.
#[derive(Debug, Default)]
pub struct Stats {
    /// Looks that have begun.
    pub started: AtomicU64,
    /// Looks that have ended.
    pub ended: AtomicU64,
    /// Starts that were skipped because the look before them had not ended.
    pub missed: AtomicU64,
    /// Looks that ended in a panic: a bug of ours, told as blind.
    pub panicked: AtomicU64,
    /// Looks under way.
    pub in_flight: AtomicU64,
    /// Probes that are due and wait for a place.
    pub waiting: AtomicU64,
    /// How late starts were of probes whose last look had ended in time …
    pub lateness: Lateness,
    /// … and of those whose last look had not.
    pub lateness_stuck: Lateness,
}

/// How late starts were, in buckets that grow by a fifth from 100 microseconds on.
#[derive(Debug)]
pub struct Lateness([AtomicU64; Lateness::BUCKETS]);

/// Runs probes.
pub struct Runner {
    kit: Arc<Kit>,
    schedule: Schedule,
    ready: BTreeMap<ProbeId, Arc<Ready>>,
    orders: mpsc::Receiver<Order>,
    samples: mpsc::Sender<Sampled>,
    flying: JoinSet<Ended>,
    by_task: BTreeMap<Id, (ProbeId, Mono)>,
    stats: Arc<Stats>,
}

struct Ended {
    probe: ProbeId,
    stuck: bool,
}

impl Runner {
    /// Takes orders from there and puts what was found here.
    #[must_use]
    pub fn new(
        kit: Arc<Kit>,
        seed: u64,
        limits: Limits,
        orders: mpsc::Receiver<Order>,
        samples: mpsc::Sender<Sampled>,
    ) -> Runner {
        Runner {
            kit,
            schedule: Schedule::new(seed, limits),
            ready: BTreeMap::new(),
            orders,
            samples,
            flying: JoinSet::new(),
            by_task: BTreeMap::new(),
            stats: Arc::default(),
        }
    }

    /// What it says of itself, also while it runs.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Runs until it is stopped or nobody gives orders any more. Looks under way are then dropped, with all that they
    /// had started.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut told = Vec::with_capacity(ORDERS);
        loop {
            self.start();
            let now = self.kit.now().mono;
            let nap = self.schedule.wake_at().map_or(Span::secs(3_600), |at| at - now);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                count = self.orders.recv_many(&mut told, ORDERS) => {
                    if count == 0 {
                        break;
                    }
                    for order in told.drain(..) {
                        self.obey(order);
                    }
                }
                Some(ended) = self.flying.join_next_with_id() => self.ended(ended).await,
                () = tokio::time::sleep(duration(nap)) => {}
            }
        }
        self.flying.shutdown().await;
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Add(probe, wiring) => {
                // A heartbeat is looked at without a call, and its silence should be noticed soon.
                let at_least = match &wiring.kind {
                    Kind::Heartbeat(_) => {
                        Some(Span::micros(wiring.interval.as_micros() / 10).max(Span::secs(1)))
                    }
                    _ => None,
                };
                if let Kind::Heartbeat(_) = &wiring.kind {
                    let now = self.kit.now().mono;
                    self.kit.heartbeats().watch(&wiring.service, &wiring.name, wiring.region.as_ref(), now);
                }
                self.schedule.add(probe, wiring.trigger, at_least);
                self.ready.insert(probe, Arc::new(Ready::new(*wiring)));
            }
            Order::Remove(probe) => {
                self.schedule.remove(probe);
                if let Some(ready) = self.ready.remove(&probe) {
                    let wiring = ready.wiring();
                    if let Kind::Heartbeat(_) = &wiring.kind {
                        self.kit.heartbeats().forget(&wiring.service, &wiring.name, wiring.region.as_ref());
                    }
                }
            }
            Order::Pace(probe, every) => self.schedule.pace(probe, every, self.kit.now().mono),
        }
    }

    fn start(&mut self) {
        let now = self.kit.now().mono;
        while let Some(start) = self.schedule.take(now) {
            let Some(ready) = self.ready.get(&start.probe).map(Arc::clone) else {
                self.schedule.ended(start.probe, now, false);
                continue;
            };
            self.stats.started.fetch_add(1, Ordering::Relaxed);
            let lateness = if start.stuck { &self.stats.lateness_stuck } else { &self.stats.lateness };
            lateness.note(start.late);
            let (kit, samples, probe) = (Arc::clone(&self.kit), self.samples.clone(), start.probe);
            let task = self.flying.spawn(async move {
                let found = ready.run(&kit, false).await;
                let stuck = matches!(found.outcome, Outcome::Failed(Failure::TimedOut));
                // Full: this look keeps its place until somebody reads. Closed: the daemon ends.
                drop(samples.send(Sampled { probe, found }).await);
                Ended { probe, stuck }
            });
            self.by_task.insert(task.id(), (probe, now));
        }
        self.stats.in_flight.store(self.schedule.in_flight() as u64, Ordering::Relaxed);
        self.stats.waiting.store(self.schedule.waiting() as u64, Ordering::Relaxed);
        self.stats.missed.store(self.schedule.missed(), Ordering::Relaxed);
    }

    async fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let now = self.kit.now().mono;
        self.stats.ended.fetch_add(1, Ordering::Relaxed);
        match ended {
            Ok((task, Ended { probe, stuck })) => {
                self.by_task.remove(&task);
                self.schedule.ended(probe, now, stuck);
            }
            Err(error) => {
                let Some((probe, began)) = self.by_task.remove(&error.id()) else { return };
                self.schedule.ended(probe, now, false);
                self.stats.panicked.fetch_add(1, Ordering::Relaxed);
                let found = Found {
                    outcome: Outcome::Blind(Blindness::Exhausted),
                    reading: None,
                    began,
                    ended: now,
                    phases: Vec::new(),
                    compared: Vec::new(),
                    shown: Vec::new(),
                    detail: "the look ended in a panic, which is a bug of Watchkeeper's".to_owned(),
                };
                drop(self.samples.send(Sampled { probe, found }).await);
            }
        }
    }
}

impl Lateness {
    const BUCKETS: usize = 80;

    /// The upper ends, in microseconds: 100, 120, 144, …
    fn bounds() -> impl Iterator<Item = f64> {
        std::iter::successors(Some(100.0), |bound| Some(bound * 1.2))
    }

    fn note(&self, late: Span) {
        let micros = late.as_micros() as f64;
        let bucket = if micros <= 100.0 { 0 } else { ((micros / 100.0).ln() / 1.2_f64.ln()).ceil() as usize };
        if let Some(bucket) = self.0.get(bucket.min(Self::BUCKETS - 1)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts so far, each with the upper end of its bucket.
    #[must_use]
    pub fn counts(&self) -> Vec<(Span, u64)> {
        let spans = Self::bounds().map(|bound| Span::micros(bound as u64));
        spans.zip(self.0.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }

    /// So much of all starts since `before` (an earlier [`counts`](Self::counts), or none) were no later than this.
    #[must_use]
    pub fn quantile(&self, share: f64, before: &[(Span, u64)]) -> Span {
        let counts = self.counts();
        let since = |index: usize, count: u64| count - before.get(index).map_or(0, |(_, count)| *count);
        let all: u64 = counts.iter().enumerate().map(|(index, (_, count))| since(index, *count)).sum();
        let mut seen = 0;
        for (index, (bound, count)) in counts.iter().enumerate() {
            seen += since(index, *count);
            if seen as f64 >= share * all as f64 {
                return *bound;
            }
        }
        Span::MAX
    }
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}
