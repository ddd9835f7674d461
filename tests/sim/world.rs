//! One world: observers with real cores, what is really so, a coordinator, and time that only events move.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use watchkeeper_core::agree::Vote;
use watchkeeper_core::decide::{Answer, Gate, Reason};
use watchkeeper_core::effect::Effect;
use watchkeeper_core::engine::{start, step};
use watchkeeper_core::event::{Decided, Event};
use watchkeeper_core::health::self_trust::Round;
use watchkeeper_core::health::{Blindness, Failure, Outcome, Sample};
use watchkeeper_core::ids::{ProbeId, ServiceId};
use watchkeeper_core::input::{Input, Seen};
use watchkeeper_core::plan::Case;
use watchkeeper_core::severity::Stage;
use watchkeeper_core::state::State;
use watchkeeper_core::time::{Mono, Now, Span, Wall};
use watchkeeper_core::view;

use crate::coordinator::Coordinator;
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::rng::Rng;
use crate::shape::{Kind, PROBES, Shape};
use crate::truth::Truth;

/// How long a world lasts.
pub(crate) const LENGTH: u64 = 600_000_000;
const TIMEOUT: u64 = 2_000_000;
const CONTACT: u64 = 5_000_000;
/// A vote that carries a witness' evidence is written again so soon: it is only worth its age.
const EVIDENCE_AGAIN: u64 = 20_000_000;
/// A holder asks again no sooner.
const ASK_AGAIN: u64 = 6_000_000;

/// Something that happens.
#[derive(Clone, Debug)]
enum What {
    /// A probe is due.
    Probe(ProbeId, u32),
    /// A probe has answered.
    Answered(Sample),
    /// A check of the reference points ends.
    Checked(Round),
    /// The core wants to be woken.
    Wake,
    /// A fact is seen.
    Told(Box<Seen>),
    /// A vote arrives at the coordinator.
    Voted(usize, u64, Box<Vote>),
    /// The observer renews its session.
    Contact,
    /// Sessions and claims are looked after.
    Sweep,
    /// A fault begins or ends.
    Fault(usize, bool),
}

#[derive(Clone, Copy, Debug, Default)]
struct Due {
    every: Option<u64>,
    last: u64,
    turn: u32,
    busy: bool,
}

/// When, in which order, to whom, in which life, and where it is kept.
type Entry = (u64, u64, usize, u32, usize);

struct Node {
    core: Option<State>,
    life: u32,
    boot: u64,
    due: Vec<Due>,
    kinds: Vec<(usize, usize, Kind)>,
    written: Vec<Option<Vote>>,
    looked: Vec<(u64, bool)>,
    wrote: Vec<u64>,
    writes: u64,
    waiting: Vec<What>,
    missed: bool,
    woken: u64,
    wall_ahead: u64,
    other_policy: bool,
}

/// One world.
pub(crate) struct World<'a> {
    shape: &'a Shape,
    pub(crate) now: u64,
    events: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    pending: Vec<Option<What>>,
    free: Vec<usize>,
    rng: Rng,
    faults: Vec<Fault>,
    nodes: Vec<Node>,
    pub(crate) truth: Truth,
    coordinator: Coordinator,
    pub(crate) ledger: Ledger,
    heard: Vec<Vec<u64>>,
    pub(crate) trace: Option<Vec<String>>,
}

const NOBODY: usize = usize::MAX;

impl<'a> World<'a> {
    pub(crate) fn new(shape: &'a Shape, seed: u64, plan: &[(Fault, u64, u64)], trace: bool) -> World<'a> {
        let (observers, services) = (shape.observers, shape.services);
        let truth = Truth::well(observers, services, shape.regions, crate::shape::REFERENCES);
        let mut world = World {
            shape,
            now: 1_000_000,
            events: 0,
            queue: BinaryHeap::new(),
            pending: Vec::new(),
            free: Vec::new(),
            rng: Rng::new(seed),
            faults: Vec::new(),
            nodes: Vec::new(),
            ledger: Ledger::new(shape, &truth),
            truth,
            coordinator: Coordinator::new(observers, services),
            heard: vec![vec![0; shape.regions]; services],
            trace: trace.then(Vec::new),
        };
        for observer in 0..observers {
            let boot = world.rng.below(1_000_000_000_000);
            world.nodes.push(Node {
                core: None,
                life: 0,
                boot,
                due: Vec::new(),
                kinds: Vec::new(),
                written: vec![None; services],
                looked: vec![(u64::MAX, true); services],
                wrote: vec![0; services],
                writes: 0,
                waiting: Vec::new(),
                missed: true,
                woken: u64::MAX,
                wall_ahead: 0,
                other_policy: false,
            });
            world.coordinator.contact[observer] = world.now;
            world.begin(observer);
            let first = world.rng.below(CONTACT);
            world.put(first, observer, What::Contact);
        }
        world.put(0, NOBODY, What::Sweep);
        for (fault, from, until) in plan {
            let at = world.faults.len();
            world.faults.push(*fault);
            world.put(*from, NOBODY, What::Fault(at, true));
            world.put(*until, NOBODY, What::Fault(at, false));
        }
        world
    }

    /// Runs it to its end.
    pub(crate) fn run(&mut self) {
        while let Some(Reverse((at, _, observer, life, place))) = self.queue.pop() {
            if at > LENGTH {
                break;
            }
            self.now = at;
            self.ledger.events += 1;
            let Some(what) = self.pending[place].take() else { continue };
            self.free.push(place);
            if observer == NOBODY {
                self.happen(&what);
            } else if self.nodes[observer].life == life {
                self.reach(observer, what);
            }
            self.ledger.watch(self.now, &self.truth, self.shape);
        }
        self.now = LENGTH;
        self.ledger.close(self.now, &self.truth, self.shape);
    }

    fn put(&mut self, later: u64, observer: usize, what: What) {
        self.events += 1;
        let life = if observer == NOBODY { 0 } else { self.nodes[observer].life };
        let place = match self.free.pop() {
            Some(place) => {
                self.pending[place] = Some(what);
                place
            }
            None => {
                self.pending.push(Some(what));
                self.pending.len() - 1
            }
        };
        self.queue.push(Reverse((self.now + later, self.events, observer, life, place)));
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:9.3} {}", self.now as f64 / 1e6, text()));
        }
    }

    fn clock(&self, observer: usize) -> Now {
        let node = &self.nodes[observer];
        Now { mono: Mono::micros(self.now + node.boot), wall: Wall::micros(self.now + node.wall_ahead) }
    }

    fn mono(&self, observer: usize, at: u64) -> Mono {
        Mono::micros(at + self.nodes[observer].boot)
    }

    /// An observer's process starts, with nothing remembered.
    fn begin(&mut self, observer: usize) {
        let node = &mut self.nodes[observer];
        node.life += 1;
        let policies = if node.other_policy { &self.shape.others } else { &self.shape.policies };
        let policy = Arc::clone(&policies[observer]);
        let (core, effects) = start(&policy, self.clock(observer));
        let mut kinds = Vec::new();
        for probe in 0.. {
            let Some(slot) = core.probe(ProbeId::at(probe)) else { break };
            let service = core.service(slot.service).expect("a service");
            let cell = service.policy.parts.cells[slot.cell.index()];
            let region = cell.region.expect("a region").index();
            kinds.push((slot.service.index(), region, PROBES[cell.probe.index()].1));
        }
        let node = &mut self.nodes[observer];
        node.due = vec![Due::default(); kinds.len()];
        node.kinds = kinds;
        node.core = Some(core);
        node.written = vec![None; self.shape.services];
        node.looked = vec![(u64::MAX, true); self.shape.services];
        node.missed = true;
        node.woken = u64::MAX;
        self.obey(observer, effects);
        self.after(observer);
    }

    /// Something happens to an observer, unless it stands still: then it waits.
    fn reach(&mut self, observer: usize, what: What) {
        if self.truth.sick[observer].paused {
            if !matches!(what, What::Contact) {
                self.nodes[observer].waiting.push(what);
            } else {
                self.put(CONTACT, observer, What::Contact);
            }
            return;
        }
        match what {
            What::Probe(probe, turn) => self.probe(observer, probe, turn),
            What::Answered(mut sample) => {
                let due = &mut self.nodes[observer].due[sample.probe.index()];
                due.busy = false;
                sample.ended = self.mono(observer, self.now);
                self.tell(observer, Input::Sample(sample));
                self.schedule(observer, sample.probe);
            }
            What::Checked(round) => {
                let reached = self.truth.references(observer, self.shape.stands_in(observer));
                self.tell(observer, Input::References { round, reached });
            }
            What::Wake => {
                self.nodes[observer].woken = u64::MAX;
                self.tell(observer, Input::Tick);
            }
            What::Told(seen) => self.tell(observer, Input::Seen(*seen)),
            What::Contact => self.contact(observer),
            What::Voted(..) | What::Sweep | What::Fault(..) => self.happen(&what),
        }
    }

    fn happen(&mut self, what: &What) {
        match what {
            What::Fault(at, begins) => self.fault(*at, *begins),
            What::Sweep => {
                self.sweep();
                self.put(1_000_000, NOBODY, What::Sweep);
            }
            What::Voted(service, count, vote) => {
                let observer = (*count % 64) as usize;
                if self.coordinator.lives(observer, self.now)
                    && self.coordinator.vote(*service, observer, *count, Some((**vote).clone()))
                {
                    let fact = self.coordinator.vote_fact(*service, observer);
                    self.spread(&fact, Some(observer));
                }
            }
            What::Probe(..)
            | What::Answered(_)
            | What::Checked(_)
            | What::Wake
            | What::Told(_)
            | What::Contact => {}
        }
    }

    fn fault(&mut self, at: usize, begins: bool) {
        let fault = self.faults[at];
        self.listen();
        fault.set(&mut self.truth, begins);
        self.ledger.fault(fault, begins, self.now, &self.truth, self.shape);
        self.say(|| format!("       {} {fault:?}", if begins { "FAULT" } else { "heals" }));
        let died = (0..self.shape.observers)
            .filter(|&o| self.shape.stands_in(o).is_some_and(|r| !self.truth.power[r]));
        let died: Vec<usize> = died.collect();
        match fault {
            Fault::RegionDies(_) if begins => died.into_iter().for_each(|observer| self.crash(observer)),
            Fault::RegionDies(region) => {
                for observer in 0..self.shape.observers {
                    if self.shape.stands_in(observer) == Some(region) && self.nodes[observer].core.is_none() {
                        self.rise(observer);
                    }
                }
            }
            Fault::Crashes(observer) if begins => self.crash(observer),
            Fault::Crashes(observer) => self.rise(observer),
            Fault::Pauses(observer) if !begins => {
                for what in std::mem::take(&mut self.nodes[observer].waiting) {
                    self.reach(observer, what);
                }
            }
            Fault::ClockJumps(observer) => {
                self.nodes[observer].wall_ahead += 600_000_000;
                self.tell(observer, Input::ClockJumped { by: Span::mins(10) });
            }
            Fault::OtherPolicy(observer) => {
                self.nodes[observer].other_policy = begins;
                let policies = if begins { &self.shape.others } else { &self.shape.policies };
                let policy = Arc::clone(&policies[observer]);
                self.tell(observer, Input::Reloaded(policy));
            }
            _ => {}
        }
    }

    fn crash(&mut self, observer: usize) {
        let node = &mut self.nodes[observer];
        node.core = None;
        node.life += 1;
        node.waiting.clear();
    }

    fn rise(&mut self, observer: usize) {
        let out = self.shape.stands_in(observer).is_some_and(|region| !self.truth.power[region]);
        if !out && !self.truth.sick[observer].crashed && self.nodes[observer].core.is_none() {
            self.begin(observer);
            self.put(1_000, observer, What::Contact);
        }
    }

    /// Standbys that hear their primary have heard it until now.
    fn listen(&mut self) {
        for service in 0..self.shape.services {
            for at in 0..self.shape.regions {
                if self.hears(service, at) {
                    self.heard[service][at] = self.now;
                }
            }
        }
    }

    fn active(&self, service: usize) -> usize {
        let record = &self.coordinator.services[service].record.1;
        record.active.as_str()[1..].parse().expect("a region")
    }

    fn hears(&self, service: usize, at: usize) -> bool {
        let active = self.active(service);
        at != active && self.truth.lives(service, active) && self.truth.way[active] && self.truth.way[at]
    }

    // ---- One observer ------------------------------------------------------------------------------------------

    fn tell(&mut self, observer: usize, input: Input) {
        let now = self.clock(observer);
        let Some(core) = &mut self.nodes[observer].core else { return };
        let effects = step(core, input, now);
        self.obey(observer, effects);
        self.after(observer);
    }

    fn obey(&mut self, observer: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Pace { probe, every } => {
                    let due = &mut self.nodes[observer].due[probe.index()];
                    due.every = every.map(Span::as_micros);
                    due.turn += 1;
                    self.schedule(observer, probe);
                }
                Effect::CheckReferences { round } => {
                    let all = crate::shape::REFERENCES as u8;
                    let reached = self.truth.references(observer, self.shape.stands_in(observer));
                    let takes = if reached < all { TIMEOUT } else { 1_000 + self.rng.below(30_000) };
                    if !self.truth.sick[observer].wedged {
                        self.put(takes, observer, What::Checked(round));
                    }
                }
                effect @ (Effect::Renew { .. }
                | Effect::Transact(_)
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. }) => panic!("nobody said that there is a coordinator: {effect:?}"),
                Effect::Record { service, event, .. } => self.recorded(observer, service, &event),
            }
        }
    }

    fn recorded(&mut self, observer: usize, service: Option<ServiceId>, event: &Event) {
        self.ledger.event(self.now, observer, service, event);
        self.say(|| match service {
            Some(service) => format!("o{observer} s{}: {event:?}", service.index()),
            None => format!("o{observer}: {event:?}"),
        });
    }

    fn schedule(&mut self, observer: usize, probe: ProbeId) {
        let due = self.nodes[observer].due[probe.index()];
        let Some(every) = due.every.filter(|_| !due.busy) else { return };
        let at = self.now.max(due.last + every);
        self.put(at - self.now, observer, What::Probe(probe, due.turn));
    }

    fn probe(&mut self, observer: usize, probe: ProbeId, turn: u32) {
        let due = &mut self.nodes[observer].due[probe.index()];
        if due.turn != turn || due.busy || due.every.is_none() {
            return;
        }
        if self.truth.sick[observer].wedged {
            return self.put(1_000_000, observer, What::Probe(probe, turn));
        }
        due.busy = true;
        due.turn += 1;
        due.last = self.now;
        let (outcome, takes, reading) = self.look(observer, probe);
        let began = self.mono(observer, self.now);
        let sample = Sample { probe, began, ended: began, outcome, reading };
        self.put(takes, observer, What::Answered(sample));
    }

    /// What a probe finds, and how long it takes.
    fn look(&mut self, observer: usize, probe: ProbeId) -> (Outcome, u64, Option<Span>) {
        let (service, region, kind) = self.nodes[observer].kinds[probe.index()];
        let sick = self.truth.sick[observer];
        let quick = 1_000 + self.rng.below(30_000);
        if sick.blind {
            return (Outcome::Blind(Blindness::Secret), quick, None);
        }
        if !self.truth.reaches(observer, region, self.shape.stands_in(observer)) {
            return (Outcome::Failed(Failure::TimedOut), TIMEOUT, None);
        }
        let part = self.truth.parts[service][region];
        let (well, reading) = match kind {
            Kind::Web => (part.web, None),
            Kind::Db => (part.db, None),
            Kind::Ready => (part.ready, None),
            Kind::Lag => (part.db, Some(Span::millis(self.rng.below(2_000)))),
            Kind::Hears => {
                let age = if self.hears(service, region) {
                    self.rng.below(1_000_000)
                } else {
                    self.now.saturating_sub(self.heard[service][region])
                };
                (part.db, Some(Span::micros(age)))
            }
        };
        let lie = sick.lies && matches!(kind, Kind::Web | Kind::Db);
        if well != lie {
            (Outcome::Ok { took: Span::micros(quick) }, quick, reading)
        } else {
            (Outcome::Failed(Failure::Refused), quick, None)
        }
    }

    // ---- What an observer's core shows, and the world writes for it until the core transacts by itself ---------------

    fn after(&mut self, observer: usize) {
        let wake = self.nodes[observer].core.as_ref().and_then(State::wake_at);
        if let Some(wake) = wake {
            let at = wake.as_micros().saturating_sub(self.nodes[observer].boot).max(self.now);
            if at < self.nodes[observer].woken {
                self.nodes[observer].woken = at;
                self.put(at - self.now, observer, What::Wake);
            }
        }
        if !self.truth.coordinated(observer, self.shape.stands_in(observer)) {
            return;
        }
        for service in 0..self.shape.services {
            self.write_vote(observer, service);
            self.hold(observer, service);
        }
    }

    fn write_vote(&mut self, observer: usize, service: usize) {
        let now = self.clock(observer);
        let Some(core) = &self.nodes[observer].core else { return };
        let Some(kept) = core.service(ServiceId::at(service)) else { return };
        // In trouble a witness' evidence rides along, and is only worth its age.
        let state = (kept.votes.changes(), kept.incident.stage() == Stage::None);
        if state == self.nodes[observer].looked[service] && state.1 {
            return;
        }
        let Some(vote) = view::own_vote(core, ServiceId::at(service), now) else { return };
        self.nodes[observer].looked[service] = state;
        let same = self.nodes[observer].written[service].as_ref().is_some_and(|written| {
            let says =
                |vote: &Vote| -> Vec<_> { vote.says.iter().map(|s| (s.cell, s.say, s.fresh)).collect() };
            written.hash == vote.hash && written.answers == vote.answers && says(written) == says(&vote)
        });
        let old = self.now > self.nodes[observer].wrote[service] + EVIDENCE_AGAIN;
        if same && !(old && vote.says.iter().any(|said| said.reading.is_some() && !said.fresh)) {
            return;
        }
        self.nodes[observer].wrote[service] = self.now;
        let node = &mut self.nodes[observer];
        node.writes += 1;
        // The writer's seat rides in the count: votes arrive with nobody's life, even after their observer's death.
        let count = node.writes * 64 + observer as u64 + u64::from(node.life) * 64_000_000;
        node.written[service] = Some(vote.clone());
        let late = self.truth.sick[observer].slow_votes;
        let takes = 1_000 + self.rng.below(20_000) + self.rng.below(late + 1);
        self.put(takes, NOBODY, What::Voted(service, count, Box::new(vote)));
    }

    /// What the holder of the claim does: it asks, and starts what its core would start.
    fn hold(&mut self, observer: usize, service: usize) {
        let keys = &self.coordinator.services[service];
        let Some(core) = &self.nodes[observer].core else { return };
        if keys.claim.1 != Some(observer) || !self.coordinator.lives(observer, self.now) {
            return;
        }
        let id = ServiceId::at(service);
        let (decided, asked) = match core.service(id) {
            Some(seen) => (
                seen.decided,
                view::gates(core, id, self.clock(observer)).is_some_and(|(_, gates)| {
                    let waits = [Reason::NotAsked, Reason::AnswersDisagree];
                    waits.iter().any(|reason| gates.answer(Gate::Quorum) == Answer::Blocks(*reason))
                }),
            ),
            None => return,
        };
        let too_soon = self.now < keys.asked_at + ASK_AGAIN && keys.ask.1 > 0;
        if asked && !too_soon {
            let number = self.coordinator.ask(service, observer, self.now);
            self.ledger.asks += 1;
            self.say(|| format!("o{observer} s{service}: asks everybody to look again ({number})"));
            self.tell_ask(observer, service);
        }
        if let Decided::WouldStart(wish) = decided
            && let Some(Case::Move { from, to }) = wish.case
        {
            let (from, to) = (from.index(), to.index());
            if from != self.active(service) {
                return;
            }
            self.say(|| format!("o{observer} s{service}: STARTS a failover from r{from} to r{to}"));
            let keys = &self.coordinator.services[service];
            let number = keys.ask.1;
            let answers = |who: usize| {
                who == observer || keys.votes[who].2.as_ref().is_some_and(|vote| vote.answers == number)
            };
            let answered = (0..self.shape.observers).filter(|&who| answers(who)).count();
            let asked_at = keys.asked_at;
            self.ledger.started(self.now, service, (from, to), answered, asked_at, &self.truth, self.shape);
            self.coordinator.moved(service, to);
            self.ledger.moved(service, to, self.now, &self.truth);
            let facts = self.coordinator.facts(service, NOBODY);
            for fact in facts.iter().take(1) {
                self.spread(fact, None);
            }
        }
    }

    /// Who asks knows when it did; the others only have to answer.
    fn tell_ask(&mut self, by: usize, service: usize) {
        let mine = self.coordinator.ask_fact(service, Some(Span::ZERO));
        self.put(0, by, What::Told(Box::new(mine)));
        let fact = self.coordinator.ask_fact(service, None);
        self.spread(&fact, Some(by));
    }

    /// Everybody who reaches the coordinator sees a fact, now and then twice or late; the others miss it.
    fn spread(&mut self, fact: &Seen, but: Option<usize>) {
        for observer in (0..self.shape.observers).filter(|observer| Some(*observer) != but) {
            if !self.truth.coordinated(observer, self.shape.stands_in(observer)) {
                self.nodes[observer].missed = true;
                continue;
            }
            let takes = 1_000 + self.rng.below(20_000);
            self.put(takes, observer, What::Told(Box::new(fact.clone())));
            if self.rng.chance(20) {
                let again = takes + self.rng.below(2_000_000);
                self.put(again, observer, What::Told(Box::new(fact.clone())));
            }
        }
    }

    fn contact(&mut self, observer: usize) {
        self.put(CONTACT, observer, What::Contact);
        if !self.truth.coordinated(observer, self.shape.stands_in(observer))
            || self.nodes[observer].core.is_none()
        {
            return;
        }
        if !self.coordinator.lives(observer, self.now) {
            // The session was lost, and with it what hung on it.
            self.nodes[observer].written = vec![None; self.shape.services];
            self.nodes[observer].looked = vec![(u64::MAX, true); self.shape.services];
        }
        self.coordinator.contact[observer] = self.now;
        if std::mem::take(&mut self.nodes[observer].missed) {
            for service in 0..self.shape.services {
                for fact in self.coordinator.facts(service, observer) {
                    self.put(1_000, observer, What::Told(Box::new(fact)));
                }
            }
        }
        self.after(observer);
    }

    fn sweep(&mut self) {
        for service in 0..self.shape.services {
            for observer in 0..self.shape.observers {
                let voted = self.coordinator.services[service].votes[observer].2.is_some();
                if voted && !self.coordinator.lives(observer, self.now) {
                    self.coordinator.vote(service, observer, 0, None);
                    let fact = self.coordinator.vote_fact(service, observer);
                    self.spread(&fact, None);
                }
            }
            let active = self.active(service);
            let fit = |observer: usize| {
                let core = self.nodes[observer].core.as_ref();
                let isolated = core.is_none_or(|core| core.trust.isolated().is_some());
                let witness = self.shape.policies[observer].am_witness();
                self.coordinator.lives(observer, self.now) && !isolated && !witness
            };
            let holder = self.coordinator.services[service].claim.1;
            if holder.is_some_and(fit) {
                continue;
            }
            let best = (0..self.shape.observers)
                .filter(|&observer| fit(observer))
                .min_by_key(|&observer| (self.shape.stands_in(observer) == Some(active), observer));
            if best != holder {
                self.ledger.takeovers += u64::from(holder.is_some() && best.is_some());
                self.coordinator.claim(service, best);
                let facts = self.coordinator.facts(service, NOBODY);
                for fact in facts.iter().skip(1).take(1) {
                    self.spread(fact, None);
                }
            }
        }
    }
}
