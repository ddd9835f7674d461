//! From the loop to what acts: calls to the steps' runner, looks before users are led somewhere, and what people should
//! know of how they went. It decides nothing; what it cannot hand on it answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Message;
use super::lane::Lane;
use super::looking::{Looks, Wired};
use crate::config::probe::Probe;
use crate::core::effect::Call;
use crate::core::ids::{Name, ProbeId, ServiceId};
use crate::core::input::{Finished, Input};
use crate::core::plan::{Body, Op, Reply, RunId, StepName};
use crate::core::state::State;
use crate::core::view;
use crate::step::{Ended, Order};

/// Which step of which run of which service.
pub(super) type Whose = (ServiceId, RunId, StepName);

/// What was in the way of so many steps is remembered.
const DETAILS: usize = 1_024;
/// So many regions are read back at once.
const AT_ONCE: usize = 256;

/// A region is to be read back for that step, by these.
pub(super) struct Reading {
    whose: Whose,
    region: Name,
    probes: Vec<Wired>,
}

/// The ways to what acts.
pub(super) struct Deeds {
    steps: Lane<Order>,
    readings: Lane<Reading>,
    looks: Arc<Looks>,
    /// What was in the way of a step when it was tried last.
    details: BTreeMap<Whose, String>,
}

impl Deeds {
    pub(super) fn new(steps: Lane<Order>, readings: Lane<Reading>, looks: Arc<Looks>) -> Deeds {
        Deeds { steps, readings, looks, details: BTreeMap::new() }
    }

    /// Moves on what waits; whether some of it still does.
    pub(super) fn pump(&mut self) -> bool {
        // Each of them, also when the first has something left.
        [self.steps.pump(), self.readings.pump()].contains(&true)
    }

    /// What was in the way of a step when it was tried last.
    pub(super) fn detail(&self, whose: &Whose) -> Option<&str> {
        self.details.get(whose).map(String::as_str)
    }

    /// Hands a call on; or its answer, if it cannot be.
    pub(super) fn begin(
        &mut self,
        state: &State,
        wiring: &BTreeMap<ProbeId, Probe>,
        call: Box<Call>,
    ) -> Option<Finished> {
        let whose = (call.service, call.run, call.step.clone());
        if let Err(why) = here(state, &call) {
            return Some(self.not_handed(whose, &call, why));
        }
        let asked = view::asked_by(state, call.service, call.run, &call.step);
        if !asked.is_empty() {
            self.looks.keep(|(service, run, step)| view::step_of(state, *service, *run, step).is_some());
            self.looks.begin(whose.clone(), wired(asked, wiring));
        }
        let sent = self.steps.send(Order::Begin(call.clone()));
        let why = || "more calls wait than can be, and nothing of this one was sent".to_owned();
        (!sent).then(|| self.not_handed(whose, &call, why()))
    }

    pub(super) fn cancel(&mut self, service: ServiceId, run: RunId, step: StepName, serial: u64) {
        if !self.steps.send(Order::Cancel { service, run, step, serial }) {
            tracing::error!("a call could not be cancelled; it ends with its time");
        }
    }

    /// Has a region read back. It is answered, unless too many are; the core asks again then.
    pub(super) fn read_back(
        &mut self,
        state: &State,
        wiring: &BTreeMap<ProbeId, Probe>,
        whose: Whose,
        region: &Name,
    ) {
        let probes = wired(view::takes_users(state, whose.0, region), wiring);
        if !self.readings.send(Reading { whose, region: region.clone(), probes }) {
            tracing::error!(%region, "too many regions are to be read back at once: this one is not");
        }
    }

    /// A call has ended: what the core must hear of it.
    pub(super) fn ended(&mut self, ended: Ended) -> Finished {
        let Ended { finished, detail } = ended;
        let whose = (finished.service, finished.run, finished.step.clone());
        self.note(whose, &finished.reply, detail);
        finished
    }

    fn note(&mut self, whose: Whose, reply: &Reply, detail: String) {
        let (run, step) = (whose.1.0, whose.2.to_string());
        match reply {
            Reply::Done => tracing::debug!(run, step, %detail, "a call is done"),
            Reply::NotDone | Reply::Transient | Reply::Refused | Reply::Unknown => {
                tracing::warn!(run, step, ?reply, %detail, "a call is not done");
            }
        }
        if detail.is_empty() {
            self.details.remove(&whose);
            return;
        }
        while self.details.len() >= DETAILS {
            self.details.pop_first();
        }
        self.details.insert(whose, detail);
    }

    fn not_handed(&mut self, whose: Whose, call: &Call, why: String) -> Finished {
        let reply = match call.op {
            Op::Do | Op::Undo => Reply::NotDone,
            Op::Observe | Op::Verify => Reply::Unknown,
        };
        self.note(whose, &reply, why);
        Finished {
            service: call.service,
            run: call.run,
            step: call.step.clone(),
            undoing: call.undoing,
            serial: call.token.serial,
            reply,
            outputs: Vec::new(),
            mark: None,
        }
    }
}

/// A fence works on the machine of the region that it fences: nobody else can carry it out, nor say what it did.
fn here(state: &State, call: &Call) -> Result<(), String> {
    let Body::Action(sealed) = &call.sent.body else { return Ok(()) };
    let Some(step) = view::step_of(state, call.service, call.run, &call.step) else { return Ok(()) };
    let mine = state.policy.observers.get(state.policy.me.index()).map(|me| &me.region);
    if sealed.kind().as_str() != "postgres_fence" || mine == Some(&step.acts_in) {
        return Ok(());
    }
    let at = &step.acts_in;
    Err(format!("a fence of {at} is carried out by an observer in {at}, and this one is not there"))
}

fn wired(asked: Vec<view::Asked>, wiring: &BTreeMap<ProbeId, Probe>) -> Vec<Wired> {
    asked.into_iter().map(|(name, id)| (name, id.and_then(|id| wiring.get(&id)).cloned())).collect()
}

/// Reads regions back until nobody asks any more.
pub(super) async fn read_back(
    looks: Arc<Looks>,
    mut asked: mpsc::Receiver<Reading>,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut under_way: JoinSet<Input> = JoinSet::new();
    loop {
        let input = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(input) = under_way.join_next(), if !under_way.is_empty() => match input {
                Ok(input) => input,
                Err(why) => return Err(format!("a look has failed: {why}")),
            },
            reading = asked.recv(), if under_way.len() < AT_ONCE => {
                let Some(Reading { whose: (service, run, step), region, probes }) = reading else { return Ok(()) };
                let looks = Arc::clone(&looks);
                under_way.spawn(async move {
                    let found = looks.well(probes).await;
                    if let Err(why) = &found {
                        tracing::warn!(%region, %step, %why, "users are not led there yet");
                    }
                    Input::ReadBack { service, run, step, writable: found.is_ok() }
                });
                continue;
            }
        };
        if inputs.send(Message::Input(Box::new(input))).await.is_err() {
            return Ok(());
        }
    }
}

/// Brings answers of calls to the loop.
pub(super) async fn answers(
    mut ended: mpsc::Receiver<Ended>,
    inputs: mpsc::Sender<Message>,
) -> Result<(), String> {
    while let Some(one) = ended.recv().await {
        if inputs.send(Message::Ended(one)).await.is_err() {
            break;
        }
    }
    Ok(())
}
