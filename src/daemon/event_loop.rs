//! The event loop: it alone owns the core's state. It takes what came in, calls `step`, and hands the effects on.
//!
//! It never waits for a shell, a disk or a log: what a shell cannot take yet waits in that shell's lane. It turns once a
//! second at least, and whoever feeds the watchdog sees that it does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::agreeing::Asked;
use super::deeds::Deeds;
use super::edge::Edge;
use super::keeping::Owned;
use super::lane::Lane;
use super::previewed::{answered, previewed};
use super::room::Room;
use super::sampling::Samples;
use super::windows::Opening;
use super::{Message, Setup, clock, metrics as numbers, shown, systemd, windows};
use crate::api::{Access, Answer, Said, Snapshot};
use crate::chronicle::{self, Around, ReadBack, told};
use crate::config::probe::Probe;
use crate::config::wiring::People;
use crate::coord::{Coordinator, Names};
use crate::core::agree::ClaimState;
use crate::core::effect::Effect;
use crate::core::engine;
use crate::core::event::{ClaimTurn, Decided, Event};
use crate::core::health::self_trust::Round;
use crate::core::ids::{Name, ProbeId, ServiceId};
use crate::core::input::Input;
use crate::core::order::{Order, OrderId, Refused, Reply};
use crate::core::state::State;
use crate::core::time::{Now, Span};
use crate::core::view;
use crate::probe::runner;

/// So many samples are taken before anything else is looked at.
const SAMPLES: usize = 512;
/// It turns at least so often.
const TURN: Span = Span::secs(1);
/// While something waits for a shell that is behind, it turns so often.
const PUMP: Span = Span::millis(20);
/// What is shown is not made anew more often than that.
const SHOW: Span = Span::millis(200);
/// So many pages find room where other events find none any more.
const PAGES: usize = 16_384;
/// A wall clock that moved less than that did not jump.
const JUMP: Span = Span::millis(250);

/// The ways to the shells. Each is bounded; what does not fit is said where it is sent.
pub(super) struct Hands {
    /// To the probes' runner.
    pub(super) paces: Lane<runner::Order>,
    /// To the coordinator: at most eight renewals, and one transaction a service.
    pub(super) renewals: Lane<Asked>,
    /// To the reference points.
    pub(super) rounds: Lane<Round>,
    /// To the chronicle.
    pub(super) lines: Lane<Owned>,
    /// To the chronicle, for charts.
    pub(super) samples: Samples,
    /// To what acts.
    pub(super) deeds: Deeds,
}

/// What others look at.
pub(super) struct Shows {
    pub(super) coordinator: Arc<dyn Coordinator>,
    pub(super) points: watch::Sender<Vec<String>>,
    pub(super) wired: watch::Sender<Arc<Vec<Probe>>>,
    pub(super) access: watch::Sender<Arc<Access>>,
    pub(super) edge: watch::Sender<Arc<Edge>>,
    pub(super) people: watch::Sender<Arc<People>>,
    pub(super) openings: watch::Receiver<Arc<Vec<Opening>>>,
    pub(super) room: watch::Receiver<Room>,
    pub(super) shown: watch::Sender<Arc<Snapshot>>,
    pub(super) turned: Arc<AtomicU64>,
    pub(super) stop: CancellationToken,
}

type Waits = oneshot::Sender<Answer>;

/// The loop.
pub(super) struct EventLoop {
    state: State,
    hands: Hands,
    shows: Shows,
    /// The wiring of each probe that runs, as it was told to the runner.
    wiring: BTreeMap<ProbeId, Probe>,
    /// Inputs that effects were answered with at once.
    later: VecDeque<Input>,
    /// Who waits for which order; the core answers each, within 90 seconds.
    orders: BTreeMap<OrderId, Waits>,
    ordered: u64,
    /// Transactions that are not answered.
    in_flight: u64,
    /// Whose events did not all find room: nothing more of theirs is called durable.
    gaps: BTreeSet<Option<ServiceId>>,
    /// What is wrong with the newest config.
    wrong: Option<String>,
    before: Now,
    shown_at: Option<Now>,
    /// Something was taken in since.
    stale: bool,
    leaving: bool,
}

impl EventLoop {
    pub(super) fn new(state: State, setup: Setup, hands: Hands, shows: Shows) -> EventLoop {
        let mut new = EventLoop {
            state,
            hands,
            shows,
            wiring: BTreeMap::new(),
            later: VecDeque::new(),
            orders: BTreeMap::new(),
            ordered: 0,
            in_flight: 0,
            gaps: BTreeSet::new(),
            wrong: None,
            before: clock::now(),
            shown_at: None,
            stale: false,
            leaving: false,
        };
        new.wire(setup.probes, setup.references);
        new
    }

    /// Turns until it is asked to leave and has given its claims up, or is stopped.
    pub(super) async fn run(
        mut self,
        begun: Vec<Effect>,
        mut messages: mpsc::Receiver<Message>,
        mut samples: mpsc::Receiver<runner::Sampled>,
    ) {
        self.obey(begun, clock::now());
        let mut sampled = Vec::with_capacity(SAMPLES);
        while !(self.leaving && self.has_left()) {
            let nap = self.nap(clock::now());
            let stop = self.shows.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = messages.recv() => match message {
                    Some(message) => self.take(message),
                    None => break,
                },
                count = samples.recv_many(&mut sampled, SAMPLES) => {
                    for one in sampled.drain(..) {
                        self.hands.samples.take(&one, clock::now());
                        self.step(Input::Sample(one.found.sample(one.probe)));
                    }
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep(Duration::from_micros(nap.as_micros())) => self.step(Input::Tick),
            }
            self.turned();
        }
        self.show(clock::now());
    }

    /// How long it may sleep if nothing comes.
    fn nap(&mut self, now: Now) -> Span {
        let Hands { paces, renewals, rounds, lines, samples, deeds } = &mut self.hands;
        // Each of them, also when the first has something left.
        let behind = [
            paces.pump(),
            renewals.pump(),
            rounds.pump(),
            lines.pump(),
            samples.pump(now.mono),
            deeds.pump(),
        ]
        .contains(&true);
        let wake = self.state.wake_at().map_or(TURN, |at| at.since(now.mono));
        // What has changed is shown soon, also if nothing comes after it.
        let unshown = self.shown_at.filter(|_| self.stale).map(|at| SHOW.less(now.mono.since(at.mono)));
        wake.min(if behind { PUMP } else { TURN }).min(unshown.unwrap_or(TURN))
    }

    fn turned(&mut self) {
        #[cfg(debug_assertions)]
        super::faults::stick();
        let now = clock::now();
        self.shows.turned.store(now.mono.as_micros(), Ordering::Relaxed);
        counter!("watchkeeper_event_loop_turns_total").increment(1);
        if self.shown_at.is_none_or(|at| now.mono.since(at.mono) >= SHOW) {
            self.show(now);
        }
    }

    fn show(&mut self, now: Now) {
        (self.shown_at, self.stale) = (Some(now), false);
        gauge!("watchkeeper_events_waiting").set(self.hands.lines.waiting() as f64);
        let around = shown::Around {
            reload: self.wrong.as_deref(),
            openings: &self.shows.openings.borrow(),
            room: &self.shows.room.borrow(),
            deeds: &self.hands.deeds,
        };
        let new = Arc::new(shown::snapshot(&self.state, &around, now));
        let old = self.shows.shown.send_replace(Arc::clone(&new));
        numbers::shown(&old, &new);
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                if let Input::Answered { .. } = &*input {
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
                // After a gap nothing more is durable in order, whatever was written.
                if let Input::Recorded { service, .. } = &*input
                    && self.gaps.contains(service)
                {
                    return;
                }
                self.step(*input);
            }
            Message::Ended(ended) => {
                let finished = self.hands.deeds.ended(ended);
                self.step(Input::Finished(finished));
            }
            Message::Said(said) => self.said(said),
            Message::Loaded(loaded, answer) => self.loaded(loaded, answer),
            Message::Leave => {
                self.leaving = true;
                self.step(Input::ShutdownAsked);
            }
        }
    }

    /// One input, and whatever it is answered with at once.
    fn step(&mut self, input: Input) {
        let now = clock::now();
        self.stale = true;
        let by = clock::jump(std::mem::replace(&mut self.before, now), now);
        if by > JUMP {
            let effects = engine::step(&mut self.state, Input::ClockJumped { by }, now);
            self.obey(effects, now);
        }
        let late = self.state.wake_at().map_or(Span::ZERO, |due| now.mono.since(due));
        gauge!("watchkeeper_event_loop_late_seconds").set(late.as_micros() as f64 / 1e6);
        let effects = engine::step(&mut self.state, input, now);
        self.obey(effects, now);
        while let Some(input) = self.later.pop_front() {
            let now = clock::now();
            let effects = engine::step(&mut self.state, input, now);
            self.obey(effects, now);
        }
    }

    fn obey(&mut self, effects: Vec<Effect>, now: Now) {
        for effect in effects {
            match effect {
                Effect::Pace { probe, every } => self.pace(runner::Order::Pace(probe, every)),
                Effect::CheckReferences { round } => {
                    if !self.hands.rounds.send(round) {
                        // The core waits no longer than it has patience, and then distrusts itself.
                        tracing::error!("checks of the reference points pile up");
                    }
                }
                Effect::Record { service, seq, event } => self.record(service, seq, &event, now),
                Effect::Renew { nonce, session, fit } => self.ask(Asked::Renew { nonce, session, fit }),
                Effect::Transact(txn) => {
                    self.in_flight += 1;
                    self.ask(Asked::Transact(txn));
                }
                Effect::Begin(call) => {
                    let refused = self.hands.deeds.begin(&self.state, &self.wiring, call);
                    self.later.extend(refused.map(Input::Finished));
                }
                Effect::Cancel { service, run, step, serial } => {
                    self.hands.deeds.cancel(service, run, step, serial);
                }
                Effect::ReadBack { service, run, step, region } => {
                    self.hands.deeds.read_back(&self.state, &self.wiring, (service, run, step), &region);
                }
                Effect::Reply { order, reply: answer } => {
                    if let Some(waits) = self.orders.remove(&order) {
                        // Whoever looks after the answer sees what it says.
                        self.show(now);
                        // Whoever asked may have gone.
                        drop(waits.send(answered(&answer, &self.state.policy)));
                    }
                }
            }
        }
    }

    fn pace(&mut self, order: runner::Order) {
        if !self.hands.paces.send(order) {
            tracing::error!("the probes' runner takes no orders: a fault of watchkeeper, tell us");
        }
    }

    fn ask(&mut self, asked: Asked) {
        if !self.hands.renewals.send(asked) {
            tracing::error!("more is asked of the coordinator than can be: a fault of watchkeeper, tell us");
        }
    }

    fn record(&mut self, service: Option<ServiceId>, seq: u64, event: &Event, now: Now) {
        let policy = service.and_then(|id| self.state.service(id)).map(|service| Arc::clone(&service.policy));
        let names = chronicle::Names { policy: &self.state.policy, service: policy.as_deref() };
        let mut line = told(names, seq, event, now);
        if let (Event::Decided(_), Some(id)) = (event, service) {
            super::stated::add(&mut line.body, &self.state, id, now);
        }
        let around = service.map_or_else(Around::default, |id| around(&self.state, id, event, now));
        let decision = match event {
            Event::Decided(Decided::Nothing) => Some("nothing"),
            Event::Decided(Decided::WouldStart(_)) => Some("would_start"),
            Event::Decided(Decided::Blocked(..)) => Some("blocked"),
            _ => None,
        };
        numbers::event(line.kind, policy.as_ref().map(|policy| policy.name.as_str()), decision);
        let page = is_a_page(event);
        let beyond = if page { PAGES } else { 0 };
        if !self.hands.lines.send_beyond(Owned { service, line, around }, beyond) {
            counter!("watchkeeper_events_dropped_total").increment(1);
            if page {
                counter!("watchkeeper_pages_dropped_total").increment(1);
                tracing::error!(
                    ?event,
                    "a page is lost, since the chronicle cannot be written: look for yourself"
                );
            }
            if self.gaps.insert(service) {
                tracing::error!(
                    "events find no room, since the chronicle cannot be written: what follows has a gap"
                );
            }
        }
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Order { service, verb, who, from, answer } => {
                let id = service.as_ref().map(|name| self.state.service_id(name.as_str()));
                if let Some(None) = id {
                    let no = Reply::Refused(Refused::NoSuchService);
                    drop(answer.send(answered(&no, &self.state.policy)));
                    return;
                }
                self.ordered += 1;
                let (id, service, from) = (OrderId(self.ordered), id.flatten(), Some(from));
                let order = Order { id, who, from, service, verb: *verb };
                self.orders.insert(order.id, answer);
                self.step(Input::Ordered(order));
            }
            Said::Preview { service, verb, answer } => {
                drop(answer.send(previewed(&self.state, &service, &verb, clock::now())));
            }
            // It is read beside the loop, and comes back as `Message::Loaded`.
            Said::Reload { answer } => drop(answer.send(Err("it was handed to the wrong one".to_owned()))),
            Said::Why { service, answer } => {
                let id = self.state.service_id(service.as_str());
                let why = id.and_then(|id| view::why(&self.state, id, clock::now()));
                let lines =
                    why.map(|why| why.lines().map(|(depth, line)| (depth, line.to_owned())).collect());
                drop(answer.send(lines));
            }
        }
    }

    /// A config that is good is swapped in, unless a run hangs on what it takes away; a bad one changes nothing.
    fn loaded(
        &mut self,
        loaded: Result<Box<(Setup, Access)>, String>,
        answer: Option<oneshot::Sender<Result<(), String>>>,
    ) {
        let taken = loaded.and_then(|loaded| self.swap(loaded.0, loaded.1));
        if let Err(why) = &taken {
            tracing::error!(%why, "the config was not taken; the one before stays in force");
        }
        self.wrong = taken.as_ref().err().cloned();
        systemd::reloaded(self.wrong.as_deref());
        self.show(clock::now());
        if let Some(answer) = answer {
            drop(answer.send(taken));
        }
    }

    fn swap(&mut self, setup: Setup, access: Access) -> Result<(), String> {
        let observers = setup.policy.observers.len();
        if observers != 1 {
            return Err(super::Stopped::Observers(observers).to_string());
        }
        let now = clock::now();
        let effects = engine::step(&mut self.state, Input::Reloaded(Arc::clone(&setup.policy)), now);
        let refused = effects.iter().find_map(|effect| match effect {
            Effect::Record { event: Event::ReloadRefused(services), .. } => Some(services.clone()),
            Effect::Record { .. }
            | Effect::Pace { .. }
            | Effect::CheckReferences { .. }
            | Effect::Renew { .. }
            | Effect::Transact(_)
            | Effect::Begin(_)
            | Effect::Cancel { .. }
            | Effect::ReadBack { .. }
            | Effect::Reply { .. } => None,
        });
        if refused.is_none() {
            // Names before effects: a transaction of a new service may be among them; and probes before their paces.
            self.shows.coordinator.know(Names::of(&self.state));
            self.wire(setup.probes, setup.references);
            self.shows.access.send_replace(Arc::new(access));
            self.later.push_back(windows::input(&setup.edge, now.wall));
            self.shows.people.send_replace(Arc::clone(&setup.edge.people));
            self.shows.edge.send_replace(Arc::new(setup.edge));
        }
        self.obey(effects, now);
        self.step(Input::Tick);
        match refused {
            None => Ok(()),
            Some(services) => {
                let list: Vec<&str> = services.iter().map(Name::as_str).collect();
                Err(format!("it does not know {}, which have unfinished runs", list.join(", ")))
            }
        }
    }

    /// Tells the runner which probes there are now. One whose wiring is the same is left alone, with what it keeps open.
    fn wire(&mut self, probes: Vec<Probe>, references: Vec<String>) {
        let mut gone = std::mem::take(&mut self.wiring);
        for probe in &probes {
            let region = probe.region.as_ref().map(Name::as_str);
            let Some(id) = self.state.probe_id(probe.service.as_str(), probe.name.as_str(), region) else {
                tracing::warn!(service = %probe.service, probe = %probe.name, "no observer's policy knows this probe");
                continue;
            };
            if gone.remove(&id).as_ref() != Some(probe) {
                self.pace(runner::Order::Add(id, Box::new(probe.clone())));
            }
            self.wiring.insert(id, probe.clone());
        }
        for id in gone.into_keys() {
            self.pace(runner::Order::Remove(id));
        }
        let whose = |probe: &Probe| (probe.service.clone(), probe.name.clone(), probe.region.clone());
        self.hands.samples.know(self.wiring.iter().map(|(id, probe)| (*id, whose(probe))).collect());
        self.shows.wired.send_replace(Arc::new(probes));
        self.shows.points.send_replace(references);
    }

    /// No claim is held any more, and nobody waits for the coordinator.
    fn has_left(&self) -> bool {
        let holds = self.state.services().any(|service| {
            let claim = view::status(&self.state, service.id, self.before).and_then(|status| status.claim);
            claim.is_some_and(|claim| claim != ClaimState::Idle)
        });
        !holds && self.in_flight == 0
    }
}

/// What is so when it happens, for whoever tells people.
fn around(state: &State, id: ServiceId, event: &Event, now: Now) -> Around {
    let read_back = || {
        let status = view::status(state, id, now)?;
        let unfinished = status.runs.iter().map(|run| run.run.0).collect();
        let last = status.last_failover.and_then(|(run, outcome)| Some((run.0, outcome?.to_string())));
        Some(ReadBack { unfinished, last })
    };
    let restored = matches!(event, Event::Claim(ClaimTurn::Restored));
    Around { story: view::story(state, id, now), read_back: restored.then(read_back).flatten() }
}

/// What somebody is told, or should be: without it nobody would come.
fn is_a_page(event: &Event) -> bool {
    matches!(
        event,
        Event::Paged(_)
            | Event::Incident { .. }
            | Event::Blind(_)
            | Event::Drifted(_)
            | Event::RegionLost(_)
            | Event::Missed { .. }
            | Event::Requested(_)
            | Event::Started { .. }
            | Event::Resumed(_)
            | Event::Ended { .. }
    )
}
