//! Carries out the core's calls, a bounded number at once, and answers each exactly once.
//!
//! A call that could not be begun, was cancelled, ran out of time or panicked is answered, too: by how far it had come.
//! When the runner is dropped, so is all that is under way, with the processes and connections that it had opened.
//! It must never hand a call over without its gate having looked at the clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::came::Came;
use super::{Asked, Kit, carry_out, looks};
use crate::core::effect::Call;
use crate::core::ids::ServiceId;
use crate::core::input::Finished;
use crate::core::plan::{RunId, StepName};
use crate::probe::{Gate, duration};

/// What the runner is told.
#[derive(Debug)]
pub enum Order {
    /// The core's `Effect::Begin`.
    Begin(Box<Call>),
    /// The core's `Effect::Cancel`.
    Cancel {
        /// Of which service.
        service: ServiceId,
        /// Of which run.
        run: RunId,
        /// Of which step.
        step: StepName,
        /// Its token's serial.
        serial: u64,
    },
}

/// How much goes on at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls under way; the others wait for a place, and their time runs.
    pub at_once: usize,
    /// Calls under way or waiting; one more is answered at once as not begun.
    pub in_all: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { at_once: 32, in_all: 1_024 }
    }
}

/// What a call came to, and what people should know of it.
#[derive(Debug)]
pub struct Ended {
    /// For the core.
    pub finished: Finished,
    /// What was in the way, or is missing; empty where nothing is. It holds no secret.
    pub detail: String,
}

/// Whose call it is. No two of a service share a serial.
type Key = (ServiceId, u64);

struct Flying {
    key: Key,
    call: Arc<Call>,
    gate: Arc<Gate>,
}

/// Carries out calls.
pub struct Runner {
    kit: Arc<Kit>,
    orders: mpsc::Receiver<Order>,
    ended: mpsc::Sender<Ended>,
    limits: Limits,
    places: Arc<Semaphore>,
    tasks: JoinSet<Came>,
    flying: BTreeMap<Id, Flying>,
    cancels: BTreeMap<Key, CancellationToken>,
    /// Answers that nobody has taken yet: at most one for each call, of which there are `in_all`, and those over it.
    answers: VecDeque<Ended>,
}

impl Runner {
    /// Takes orders from there and puts answers here. While nobody takes answers, no more orders are taken: the queue
    /// fills, and whoever gives orders waits.
    #[must_use]
    pub fn new(
        kit: Arc<Kit>,
        limits: Limits,
        orders: mpsc::Receiver<Order>,
        ended: mpsc::Sender<Ended>,
    ) -> Runner {
        Runner {
            kit,
            orders,
            ended,
            limits,
            places: Arc::new(Semaphore::new(limits.at_once.max(1))),
            tasks: JoinSet::new(),
            flying: BTreeMap::new(),
            cancels: BTreeMap::new(),
            answers: VecDeque::new(),
        }
    }

    /// Runs until it is stopped or nobody gives orders any more. What is then under way is dropped and answered by how
    /// far it had come.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let room = self.answers.len() < self.limits.in_all;
            let answers = self.ended.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Ok(place) = answers.reserve(), if !self.answers.is_empty() => {
                    if let Some(answer) = self.answers.pop_front() {
                        place.send(answer);
                    }
                }
                Some(ended) = self.tasks.join_next_with_id() => self.landed(ended),
                order = self.orders.recv(), if room => match order {
                    Some(Order::Begin(call)) => self.begin(Arc::from(call)),
                    Some(Order::Cancel { service, serial, .. }) => {
                        if let Some(cancel) = self.cancels.get(&(service, serial)) {
                            cancel.cancel();
                        }
                    }
                    None => break,
                },
            }
        }
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.landed(ended);
        }
        // What is in the queue was never begun.
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Begin(call) = order {
                let came = Came::not_handed(call.op, "the daemon ends");
                self.answer(&call, came);
            }
        }
        for answer in std::mem::take(&mut self.answers) {
            // Nobody listens any more: the journal has the intent, and whoever takes over looks.
            if self.ended.send(answer).await.is_err() {
                break;
            }
        }
    }

    fn begin(&mut self, call: Arc<Call>) {
        let key = (call.service, call.token.serial);
        if self.flying.len() >= self.limits.in_all || self.cancels.contains_key(&key) {
            let came = Came::not_handed(call.op, "too many calls are under way here");
            return self.answer(&call, came);
        }
        let clock = Arc::clone(&self.kit.reach);
        let asked = Arc::clone(&call);
        let gate = Arc::new(Gate::new(move || asked.in_time(clock.now().mono)));
        let cancel = CancellationToken::new();
        self.cancels.insert(key, cancel.clone());
        let (kit, places) = (Arc::clone(&self.kit), Arc::clone(&self.places));
        let (of, through) = (Arc::clone(&call), Arc::clone(&gate));
        let task = self.tasks.spawn(async move { one(&kit, &of, &through, &places, &cancel).await });
        self.flying.insert(task.id(), Flying { key, call, gate });
    }

    fn landed(&mut self, ended: Result<(Id, Came), JoinError>) {
        let (id, came) = match ended {
            Ok((id, came)) => (id, Ok(came)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(Flying { key, call, gate }) = self.flying.remove(&id) else { return };
        self.cancels.remove(&key);
        let came = came.unwrap_or_else(|error| {
            let why = if error.is_panic() { "a bug of ours ended it" } else { "the daemon ends" };
            cut(&call, &gate, why)
        });
        self.answer(&call, came);
    }

    fn answer(&mut self, call: &Call, came: Came) {
        let finished = Finished {
            service: call.service,
            run: call.run,
            step: call.step.clone(),
            undoing: call.undoing,
            serial: call.token.serial,
            reply: came.reply,
            outputs: came.outputs,
            mark: came.mark,
        };
        self.answers.push_back(Ended { finished, detail: came.detail });
    }
}

/// One call, from its waiting for a place to its answer.
async fn one(
    kit: &Kit,
    call: &Call,
    gate: &Arc<Gate>,
    places: &Semaphore,
    cancel: &CancellationToken,
) -> Came {
    let left = call.deadline - kit.reach.now().mono;
    let work = async {
        let Ok(_place) = places.acquire().await else {
            return Came::not_handed(call.op, "the daemon ends");
        };
        if !call.in_time(kit.reach.now().mono) {
            return Came::not_handed(call.op, "it is too late to hand this over");
        }
        carry_out(&Asked { kit, call, gate }).await
    };
    tokio::select! {
        biased;
        came = work => came,
        () = cancel.cancelled() => cut(call, gate, "nobody waits for it any more"),
        () = tokio::time::sleep(duration(left)) => cut(call, gate, "no end within its time"),
    }
}

/// What is known of a call that was cut short.
fn cut(call: &Call, gate: &Gate, why: &str) -> Came {
    if gate.handed() && !looks(call.op) {
        return Came::unknown(format!("{why}, and it had been handed over"));
    }
    if gate.handed() {
        return Came::unknown(why);
    }
    Came::not_handed(call.op, format!("{why}, and nothing of it had been handed over"))
}
