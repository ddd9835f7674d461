//! One world: observers with real cores, what is really so, a coordinator, providers, users, and time that only events
//! move. It is sans-IO and knows no clock: the same seed tells the same story.

mod calls;
mod faults;
mod people;
pub(crate) mod store;
mod watching;
mod writing;

pub(crate) use writing::asks;

use std::rc::Rc;
use std::sync::Arc;

use watchkeeper_core::agree::{Answer, Pulse, Txn, TxnId};
use watchkeeper_core::authority::{ClusterId, Nonce, Renewed, SessionId};
use watchkeeper_core::effect::{Call, Effect};
use watchkeeper_core::engine::{start, step_in};
use watchkeeper_core::health::Sample;
use watchkeeper_core::health::self_trust::Round;
use watchkeeper_core::ids::{Name, ProbeId, ServiceId};
use watchkeeper_core::input::{Coordinator as Word, Finished, Input, Seen, Window};
use watchkeeper_core::order::{Order, Verb};
use watchkeeper_core::plan::StepName;
use watchkeeper_core::state::{State, Visits};
use watchkeeper_core::time::Span;
use watchkeeper_core::view;

use crate::check::Checks;
use crate::coordinator::Coordinator;
use crate::directed::Aimed;
use crate::fault::{Fault, Kind};
use crate::heap::Heap;
use crate::observer::{Due, Node};
use crate::provider::{Arrived, Providers};
use crate::recipe;
use crate::rng::Rng;
use crate::shape::{REFERENCES, Shape};
use crate::truth::Truth;
use crate::users::Users;

/// How long a world lasts.
pub(crate) const LENGTH: u64 = 600_000_000;
/// No world has so many events that comes to rest.
const MOST_EVENTS: u64 = 150_000;
/// Nor so many runs.
const MOST_RUNS: u64 = 80;
/// A probe, a check of references, a request to the coordinator: given up after so long.
pub(crate) const TIMEOUT: u64 = 2_000_000;
pub(crate) const ASKED: u64 = 3_000_000;

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) number: u64,
    pub(crate) by: usize,
    pub(crate) life: u32,
    pub(crate) call: Call,
    pub(crate) arrived: Arrived,
    /// From then on the provider's clock refuses it, in true time.
    pub(crate) refused_at: Option<u64>,
    /// Its answer gets lost.
    pub(crate) mute: bool,
    /// Its answer comes after its deadline, then.
    pub(crate) slow: Option<u64>,
    /// When it was handed over.
    pub(crate) handed: u64,
}

/// A transaction on its way.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) by: usize,
    pub(crate) life: u32,
    pub(crate) txn: Box<Txn>,
    pub(crate) mute: bool,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum What {
    /// A probe is due.
    Probe(ProbeId, u32),
    /// A probe has answered.
    Sampled(Sample),
    /// A check of the reference points ends.
    Checked(Round),
    /// The core wants to be woken.
    Wake(u64),
    /// A fact is seen.
    Told(ClusterId, Rc<Seen>),
    /// An observer sees a pulse.
    Pulsed(usize, u64, Option<Pulse>),
    /// Everybody sees it, as it mostly is.
    Pulses(usize, u64, Option<Pulse>),
    /// A renewal is answered.
    Renewed(Nonce, Renewed),
    /// A late renewal arrives.
    RenewsLate(usize, Option<SessionId>, bool),
    /// A transaction arrives.
    Asks(Box<Asked>),
    /// It is answered, by whom.
    Answered(ClusterId, TxnId, Box<Answer>),
    /// A session may be over.
    SessionEnds(SessionId),
    /// An observer finds out whether there is a coordinator.
    Contact,
    /// The process goes on and sends what it was about to send.
    Sends(Box<Sent>),
    /// A call arrives.
    Arrives(Box<Sent>),
    /// A call is answered, or given up.
    Finished(u64, Box<Finished>),
    /// The same answer comes once more.
    Again(Box<Finished>),
    /// A promotion is over.
    Promoted(usize, usize),
    /// A database may stop with its daemon.
    Bound(usize),
    /// A database follows the new primary by itself.
    Follows(usize, usize),
    /// Whether a region takes writes was read back.
    ReadBack(ServiceId, watchkeeper_core::agree::RunId, StepName, bool),
    /// What was recorded is durable.
    Flush,
    /// A notice is delivered, or goes to another channel.
    Notice(usize),
    /// A resolver looks a name up again.
    Resolves(usize, usize),
    /// A fault begins or ends.
    Fault(usize, bool),
    /// An aimed pause or cut is over.
    Resumes(usize),
    Mends(usize),
    /// An operator looks whether there is something to do.
    Person(usize),
    /// Somebody says something to whoever holds the claim of a service by then.
    Says(usize, Box<Verb>),
    /// An order reaches an observer.
    Orders(Box<Order>),
    /// The process starts again.
    Rises,
    /// The config is read anew.
    Reloads,
}

/// To whom, in which life.
struct Item {
    who: u32,
    life: u32,
    what: What,
}

/// One world.
pub(crate) struct World<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) now: u64,
    heap: Heap<Item>,
    pub(crate) rng: Rng,
    pub(crate) faults: Vec<Fault>,
    pub(crate) aimed: Vec<Aimed>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) truth: Truth,
    pub(crate) store: Coordinator,
    pub(crate) backup: Option<Box<Coordinator>>,
    pub(crate) providers: Providers,
    pub(crate) users: Users,
    pub(crate) checks: Checks,
    pub(crate) writes: u32,
    pub(crate) claims: u32,
    pub(crate) handed: u32,
    pub(crate) given_up: u32,
    pub(crate) ends_sent: u32,
    pub(crate) calls: u64,
    pub(crate) orders: people::Orders,
    pub(crate) notices: Vec<store::Notice>,
    pub(crate) trace: Option<Vec<String>>,
    /// It lasts so long.
    pub(crate) ends: u64,
    /// There may be windows, and services of which nobody has said where they are active.
    pub(crate) odd: bool,
    /// A maintenance window, by the wall.
    pub(crate) window: Option<(u64, u64)>,
    /// By observer: what the newest beat that everybody was told said of its fitness.
    pub(crate) beats: Vec<Option<bool>>,
    /// The coordinator answers renewals late.
    pub(crate) slow: bool,
    /// Answers of providers come again, later.
    pub(crate) echoes: bool,
    /// What operators say at which time, to which service.
    script: Vec<(u64, usize, Verb)>,
    /// Cells that cores came to which are gone.
    pub(crate) visits: Visits,
    /// A list that was worked off, for the next step of any core.
    room: Vec<Effect>,
}

/// From there on, operators say what is written down.
const SCRIPTED: usize = 100;

pub(crate) const NOBODY: usize = u32::MAX as usize;

impl<'a> World<'a> {
    pub(crate) fn new(
        shape: &'a Shape,
        seed: u64,
        faults: Vec<Fault>,
        aimed: Vec<Aimed>,
        trace: bool,
        odd: bool,
    ) -> World<'a> {
        let truth = Truth::well(shape.observers, shape.services, shape.regions, REFERENCES);
        let mut rng = Rng::new(seed);
        let now = 1_000_000;
        let mut world = World {
            shape,
            now,
            heap: Heap::new(),
            providers: Providers::new(shape, &mut rng),
            users: Users::new(shape, now),
            checks: Checks::new(shape, now),
            rng,
            faults,
            aimed,
            nodes: Vec::new(),
            truth,
            store: Coordinator::new(shape.observers, shape.services),
            backup: None,
            writes: 0,
            claims: 0,
            handed: 0,
            given_up: 0,
            ends_sent: 0,
            calls: 0,
            orders: people::Orders::default(),
            notices: Vec::new(),
            trace: trace.then(Vec::new),
            ends: LENGTH,
            visits: Visits::default(),
            room: Vec::new(),
            window: None,
            beats: vec![None; shape.observers],
            slow: false,
            echoes: false,
            script: Vec::new(),
            odd,
        };
        let skewed = world.rng.chance(300);
        for _ in 0..shape.observers {
            let boot = world.rng.below(1_000_000_000_000);
            let ppm = if skewed { world.rng.below(801) as i64 - 400 } else { 0 };
            world.nodes.push(Node::new(boot, ppm));
        }
        if world.odd && world.rng.chance(80) {
            let from = world.rng.between(30_000_000, 300_000_000);
            world.window = Some((from, from + world.rng.between(10_000_000, 200_000_000)));
        }
        if world.odd && world.rng.chance(60) {
            // Nobody has said yet where they are active.
            for keys in &mut world.store.services {
                keys.record = (0, None);
            }
            if world.rng.chance(300) {
                // And its backup knows as little, when it is needed.
                let until = world.rng.between(60_000_000, 300_000_000);
                let fault = Fault { kind: Kind::Restored, who: 0, region: 0, from: 1_000, until };
                if !world.faults.iter().any(|other| other.kind == Kind::Restored) {
                    world.faults.push(fault);
                }
            }
        }
        for observer in 0..shape.observers {
            world.begin(observer);
        }
        for at in 0..world.faults.len() {
            let (from, until) = (world.faults[at].from, world.faults[at].until);
            world.put(from, NOBODY, What::Fault(at, true));
            world.put(until.max(from + 1), NOBODY, What::Fault(at, false));
        }
        world.people();
        world.look();
        world
    }

    /// Operators say this.
    pub(crate) fn scripted(&mut self, script: Vec<(u64, usize, Verb)>) {
        for (at, (when, ..)) in script.iter().enumerate() {
            self.put(when.saturating_sub(self.now), NOBODY, What::Person(SCRIPTED + at));
        }
        self.script = script;
    }

    /// Runs it to its end.
    pub(crate) fn run(&mut self) {
        while let Some((at, item)) = self.heap.pop() {
            if at > self.ends {
                break;
            }
            self.now = at;
            self.checks.out.events += 1;
            if self.checks.out.events > MOST_EVENTS || self.checks.tally.runs > MOST_RUNS {
                let node = self.nodes.get(item.who as usize);
                let wake = node.and_then(|node| node.core.as_ref()).and_then(State::wake_at);
                let late = wake.zip(node).map(|(wake, node)| node.mono(at).since(wake));
                let what =
                    format!("it comes to no rest: o{} {:?}, to be woken {late:?} ago", item.who, item.what);
                let (checks, scene) = self.scene();
                checks.broke(&scene, "L2", "letter", &what);
                return;
            }
            let who = item.who as usize;
            if who == NOBODY {
                self.happen(item.what);
            } else if self.nodes[who].life == item.life {
                self.reach(who, item.what);
            }
        }
        self.now = self.ends;
        if self.trace.is_some() {
            self.tell_where_runs_are();
        }
        self.close();
    }

    /// The end of a story: where the runs are that somebody carries.
    fn tell_where_runs_are(&mut self) {
        let mut lines = Vec::new();
        for (who, node) in self.nodes.iter().enumerate() {
            let Some(core) = &node.core else { continue };
            for service in core.services() {
                let status = view::status(core, service.id, node.now(self.now));
                lines.extend(status.iter().flat_map(|status| &status.runs).map(|run| {
                    let steps: Vec<String> =
                        run.steps.iter().map(|(step, state, _)| format!("{step} {state}")).collect();
                    format!(
                        "o{who} {} run {}: {} [{}]",
                        service.policy.name,
                        run.run.0,
                        run.state,
                        steps.join(", ")
                    )
                }));
            }
        }
        for line in lines {
            self.say(|_| line.clone());
        }
    }

    /// Later, to somebody.
    pub(crate) fn put(&mut self, later: u64, who: usize, what: What) {
        let life = if who == NOBODY { 0 } else { self.nodes[who].life };
        let at = self.now + later;
        self.heap.put(at, Item { who: who as u32, life, what });
    }

    pub(crate) fn say(&mut self, text: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!("{:9.3} {}", self.now as f64 / 1e6, text(self));
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// An observer reaches the coordinator.
    pub(crate) fn coordinated(&self, observer: usize) -> bool {
        self.truth.coordinated(observer, self.shape.stands_in(observer))
    }

    /// An observer's process starts, with nothing remembered.
    pub(crate) fn begin(&mut self, observer: usize) {
        self.nodes[observer].born();
        let node = &self.nodes[observer];
        let policies = if node.other_policy { &self.shape.others } else { &self.shape.policies };
        let policy = Arc::clone(&policies[observer]);
        let (core, mut effects) = start(&policy, node.now(self.now));
        let mut kinds = Vec::new();
        for probe in 0.. {
            let Some(slot) = core.probe(ProbeId::at(probe)) else { break };
            let service = core.service(slot.service).expect("a service");
            let cell = service.policy.parts.cells[slot.cell.index()];
            let region = cell.region.expect("a region").index();
            let called = service.policy.probes[cell.probe.index()].name.as_str();
            kinds.push((slot.service.index(), region, recipe::kind(called)));
        }
        let node = &mut self.nodes[observer];
        node.due = vec![Due::default(); kinds.len()];
        node.kinds = kinds;
        node.core = Some(core);
        node.bound_until = self.now + recipe::LAPSE;
        self.obey(observer, &mut effects);
        self.after(observer);
        if let Some((from, until)) = self.window {
            let wall = |at: u64| watchkeeper_core::time::Wall::micros(at);
            let window = Window { services: None, regions: None, from: wall(from), until: wall(until) };
            self.tell(observer, Input::Windows(vec![window]));
        }
        let soon = self.rng.between(10_000, 900_000);
        self.put(soon, observer, What::Contact);
    }

    /// Something happens to an observer, unless it stands still: then it waits.
    fn reach(&mut self, observer: usize, what: What) {
        if self.truth.sick[observer].paused {
            self.nodes[observer].waiting.push(what);
            return;
        }
        match what {
            What::Probe(probe, turn) => self.probe(observer, probe, turn),
            What::Sampled(sample) => self.sampled(observer, sample),
            What::Checked(round) => {
                let reached = self.truth.references(observer, self.shape.stands_in(observer));
                self.checks.answers.checked(observer, round, reached);
                self.tell(observer, Input::References { round, reached });
            }
            What::Wake(at) => {
                if at == self.nodes[observer].woken {
                    self.nodes[observer].woken = u64::MAX;
                    self.tell(observer, Input::Tick);
                }
            }
            What::Told(by, seen) => {
                // What another coordinator was about to tell is never told.
                if by == self.store.cluster && self.hears(observer) {
                    self.tell(observer, Input::Seen(Rc::unwrap_or_clone(seen)));
                }
            }
            What::Pulsed(who, revision, pulse) => {
                self.pulsed(observer, who, revision, pulse);
            }
            What::Renewed(nonce, answer) => self.renewed(observer, nonce, answer),
            What::Answered(by, id, answer) => {
                // With a coordinator its connections are gone: nobody knows what became of what was asked there.
                let answer = if by == self.store.cluster { *answer } else { Answer::Unknown };
                self.checks.authority.answered(observer, id, !matches!(answer, Answer::Unknown));
                self.tell(observer, Input::Answered { id, answer });
            }
            What::Contact => self.contact(observer),
            What::Sends(sent) => self.send(*sent),
            What::Finished(number, finished) => {
                if self.nodes[observer].calls.remove(&number) {
                    self.finish(observer, *finished);
                }
            }
            What::Again(finished) => self.tell(observer, Input::Finished(*finished)),
            What::ReadBack(service, run, step, writable) => {
                self.tell(observer, Input::ReadBack { service, run, step, writable });
            }
            What::Flush => self.flush(observer),
            What::Orders(order) => self.ordered(observer, *order),
            What::Reloads => self.reload(observer),
            What::Pulses(..)
            | What::RenewsLate(..)
            | What::Asks(_)
            | What::SessionEnds(_)
            | What::Arrives(_)
            | What::Promoted(..)
            | What::Bound(_)
            | What::Follows(..)
            | What::Notice(_)
            | What::Resolves(..)
            | What::Fault(..)
            | What::Resumes(_)
            | What::Mends(_)
            | What::Person(_)
            | What::Says(..)
            | What::Rises => unreachable!("it happens to nobody"),
        }
    }

    fn pulsed(&mut self, observer: usize, who: usize, revision: u64, pulse: Option<Pulse>) {
        if self.truth.sick[observer].paused {
            self.nodes[observer].waiting.push(What::Pulsed(who, revision, pulse));
        } else if self.hears(observer) {
            let who = self.store.name(who);
            self.tell(observer, Input::Seen(Seen::Pulse(who, revision, pulse)));
        }
    }

    /// Something happens in the world.
    fn happen(&mut self, what: What) {
        match what {
            What::Fault(at, begins) => self.fault(at, begins),
            What::Asks(asked) => self.asks(*asked),
            What::RenewsLate(observer, session, fit) => {
                self.arrives_renewal(observer, session, fit);
            }
            // A beat like the last one is no news to any core: most of them are saved.
            What::Pulses(who, _, Some(pulse))
                if pulse.count % 4 != 0 && self.beats[who] == Some(pulse.fit) => {}
            What::Pulses(who, revision, pulse) => {
                self.beats[who] = pulse.map(|pulse| pulse.fit);
                for observer in 0..self.shape.observers {
                    if self.nodes[observer].runs() {
                        self.pulsed(observer, who, revision, pulse);
                    }
                }
            }
            What::SessionEnds(id) => self.session_ends(id),
            What::Arrives(sent) => self.arrives(*sent),
            What::Promoted(service, region) => self.promoted(service, region),
            What::Bound(region) => self.bound(region),
            What::Follows(service, region) => self.follows(service, region),
            What::Notice(at) => self.notice(at),
            What::Resolves(service, resolver) => {
                let leads = self.leads(service);
                self.users.services[service].sees[resolver] = leads;
                self.look();
            }
            What::Resumes(observer) => self.resumes(observer),
            What::Mends(observer) => self.mends(observer),
            What::Person(person) if person >= SCRIPTED => {
                let (_, service, mut verb) = self.script[person - SCRIPTED].clone();
                if matches!(&verb, Verb::Annotate { text } if text == "raised") {
                    self.signal(service, true);
                }
                if let Verb::Adopt { region } = &mut verb {
                    // Whoever says where it is active has looked.
                    let Some(writable) = self.writable_somewhere(service) else { return };
                    *region = writable;
                }
                let to = self.store.holder(service).unwrap_or(self.shape.observers - 1);
                self.order(to, Some(ServiceId::at(service)), verb);
            }
            What::Person(person) => self.person(person),
            What::Says(service, verb) => self.says(service, *verb),
            What::Rises => {
                for observer in 0..self.shape.observers {
                    self.rise(observer);
                }
            }
            What::Probe(..)
            | What::Sampled(_)
            | What::Checked(_)
            | What::Wake(_)
            | What::Told(..)
            | What::Pulsed(..)
            | What::Renewed(..)
            | What::Answered(..)
            | What::Contact
            | What::Sends(_)
            | What::Finished(..)
            | What::Again(_)
            | What::ReadBack(..)
            | What::Flush
            | What::Orders(_)
            | What::Reloads => unreachable!("it happens to an observer"),
        }
    }

    // ---- One observer's core ---------------------------------------------------------------------------------------

    /// Inlined: nearly every event comes through here.
    #[inline(always)]
    pub(crate) fn tell(&mut self, observer: usize, input: Input) {
        let node = &mut self.nodes[observer];
        let now = node.now(self.now);
        let Some(core) = &mut node.core else { return };
        let mut effects = step_in(std::mem::take(&mut self.room), core, input, now);
        if !effects.is_empty() {
            self.obey(observer, &mut effects);
        }
        self.room = effects;
        self.after(observer);
    }

    fn after(&mut self, observer: usize) {
        let node = &mut self.nodes[observer];
        let Some(wake) = node.core.as_ref().and_then(State::wake_at) else { return };
        if node.woken != u64::MAX && node.wanted == Some(wake) {
            // It will be woken by then already.
            return;
        }
        node.wanted = Some(wake);
        let at = node.when(wake).max(self.now + 1_000);
        if at < node.woken {
            node.woken = at;
            let later = at - self.now;
            self.put(later, observer, What::Wake(at));
        }
    }

    fn obey(&mut self, observer: usize, effects: &mut Vec<Effect>) {
        let life = self.nodes[observer].life;
        for effect in effects.drain(..) {
            if self.nodes[observer].life != life {
                // It died in the middle of this.
                return;
            }
            match effect {
                Effect::Pace { probe, every } => {
                    let due = self.nodes[observer].probe(probe);
                    due.every = every.map(Span::as_micros);
                    due.turn += 1;
                    self.schedule(observer, probe);
                }
                Effect::CheckReferences { round } => {
                    let reached = self.truth.references(observer, self.shape.stands_in(observer));
                    let all = usize::from(reached) == REFERENCES;
                    self.checks.answers.checks(self.now, observer, round);
                    let takes = if all { self.rng.between(1_000, 30_000) } else { TIMEOUT };
                    if !self.truth.sick[observer].wedged {
                        self.put(takes, observer, What::Checked(round));
                    }
                }
                Effect::Renew { nonce, session, fit } => self.renew(observer, nonce, session, fit),
                Effect::Transact(txn) => self.transact(observer, txn),
                Effect::Begin(call) => self.hand(observer, *call),
                Effect::Cancel { .. } => {}
                Effect::ReadBack { service, run, step, region } => {
                    self.read_back(observer, service, run, step, &region);
                }
                Effect::Reply { order, reply } => self.replied(observer, order, &reply),
                Effect::Record { service, seq, event } => self.record(observer, service, seq, &event),
            }
        }
    }

    /// Something has changed that users, standbys or checks would notice.
    pub(crate) fn look(&mut self) {
        for service in 0..self.shape.services {
            self.providers.follow(service, self.now, &self.truth);
            self.users.look(service, self.now, self.shape, &self.truth, &self.providers);
        }
        let (checks, scene) = self.scene();
        checks.look(&scene);
    }

    /// Which regions the name of a service leads to, one bit each.
    pub(crate) fn leads(&self, service: usize) -> u8 {
        if !self.shape.recipes[service].gate {
            return self.providers.zones[service].leads;
        }
        let Some(record) = self.store.record(service) else { return 0 };
        let bit = |name: &Name| crate::shape::place(name.as_str()).map_or(0, |at| 1 << at);
        match &record.gate {
            Some(open) => open.iter().fold(0, |all, name| all | bit(name)),
            None => bit(&record.active),
        }
    }

    /// The checks, and what they may look at.
    pub(crate) fn scene(&mut self) -> (&mut Checks, crate::check::Scene<'_>) {
        let scene = crate::check::Scene {
            now: self.now,
            shape: self.shape,
            truth: &self.truth,
            store: &self.store,
            providers: &self.providers,
            users: &self.users,
            running: (0..self.nodes.len())
                .filter(|&at| self.nodes[at].runs())
                .fold(0, |all, at| all | 1 << at),
        };
        (&mut self.checks, scene)
    }

    /// Cells that any core came to.
    pub(crate) fn visited(&self) -> Visits {
        let mut all = self.visits;
        self.nodes.iter().filter_map(|node| node.core.as_ref()).for_each(|core| all.add(&core.visits));
        all
    }

    /// How each observer is left, for whoever reads a story.
    pub(crate) fn rest(&self) -> Vec<String> {
        let each = self.nodes.iter().enumerate().map(|(observer, node)| {
            let wake = node.core.as_ref().and_then(State::wake_at);
            format!(
                "o{observer}: runs {}, clock {:?}, wants to be woken at {wake:?}, is woken at {}, was told of a coordinator {}, waits for {} calls",
                node.runs(),
                node.mono(self.now),
                node.woken,
                node.there,
                node.calls.len()
            )
        });
        each.collect()
    }

    fn close(&mut self) {
        let (checks, scene) = self.scene();
        checks.close(&scene);
        self.close_orders();
        self.close_notices();
    }

    /// What an observer finds out about the coordinator: that it is there, or not.
    fn contact(&mut self, observer: usize) {
        self.nodes[observer].asking = false;
        let there = self.coordinated(observer) && !self.truth.sick[observer].deaf;
        let node = &mut self.nodes[observer];
        if there && !std::mem::replace(&mut node.there, true) {
            let cluster = self.store.cluster;
            // With another coordinator than before it begins anew.
            let node = &mut self.nodes[observer];
            if node.cluster.replace(cluster).is_some_and(|known| known != cluster) {
                node.acked.clear();
            }
            self.tell(observer, Input::Coordinator(Word::There(cluster)));
        } else if !there && std::mem::replace(&mut node.there, false) {
            self.tell(observer, Input::Coordinator(Word::Lost));
        }
        if there && std::mem::take(&mut self.nodes[observer].missed) {
            self.everything(observer);
        }
        if !there && !std::mem::replace(&mut self.nodes[observer].asking, true) {
            self.put(3_000_000, observer, What::Contact);
        }
    }
}
