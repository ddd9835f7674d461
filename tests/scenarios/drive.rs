//! Virtual time: obeys every effect, hands over every input, and keeps the story of the one observer that the script
//! is about. The others run the same core and say truthfully what they see.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use watchkeeper_core::agree::{Ask, Claim, Raised, Record, Vote};
use watchkeeper_core::effect::Effect;
use watchkeeper_core::health::Sample;
use watchkeeper_core::health::self_trust::Round;
use watchkeeper_core::ids::{Name, ProbeId, ServiceId};
use watchkeeper_core::input::{Input, Seen, Window};
use watchkeeper_core::policy::Policy;
use watchkeeper_core::time::{Mono, Now, Span, Wall};

use crate::acting::{Acting, There, thaw};
use crate::observer::Observer;
use crate::policy;
use crate::told;
use crate::told_acting;
use crate::words::{Read, Words};
use crate::world::World;

/// Every script begins so long after boot, so that everything has a past.
pub(crate) const BEGIN: Mono = Mono::micros(1_000_000_000);
const WALL: Wall = Wall::secs(1_800_000_000);
/// So long a vote, or a check of the reference points, is on its way.
const ON_ITS_WAY: Span = Span::millis(100);

/// How inputs reach the observer that the script is about.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Delivery {
    Once,
    /// Each sample and fact comes again at once, and again three seconds later.
    AgainAndLate,
}

/// Something on its way to an observer, or elsewhere.
pub(crate) enum Coming {
    Sample(Sample),
    References(Round),
    Vote(ServiceId, Name, Option<Vote>),
    Again(Input),
    Input(Input),
    There(There),
}

struct Due {
    at: Mono,
    number: u64,
    to: usize,
    life: u32,
    what: Coming,
}

/// All that happens in a script.
pub(crate) struct Drive {
    pub(crate) now: Mono,
    pub(crate) world: World,
    pub(crate) lines: Vec<Words>,
    /// The observer that the script is about comes first.
    pub(crate) observers: Vec<Observer>,
    coming: BinaryHeap<Reverse<Due>>,
    numbers: u64,
    revision: u64,
    /// What the coordinator holds.
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) claims: BTreeMap<String, Claim>,
    pub(crate) asks: BTreeMap<String, Ask>,
    pub(crate) raised: BTreeMap<(String, String), Mono>,
    votes: BTreeMap<(ServiceId, Name), Vote>,
    windows: Vec<Window>,
    /// Every probe that ever had an id, by what it was called.
    pub(crate) probes_ever: BTreeMap<(String, Option<String>), ProbeId>,
    pub(crate) story: Vec<String>,
    pub(crate) events: Vec<String>,
    /// Gates that blocked at least once.
    pub(crate) blocked: BTreeSet<&'static str>,
    delivery: Delivery,
    /// Only of scripts with a coordinator.
    pub(crate) acting: Option<Acting>,
}

impl Drive {
    pub(crate) fn start(mut lines: Vec<Words>, delivery: Delivery) -> Read<Drive> {
        let all = lines.len();
        lines.retain(|line| line.peek() != Some("coordinator"));
        let acts = lines.len() < all;
        let mine = policy::policy(&lines, None)?;
        let names: Vec<String> = mine.observers.iter().map(|o| o.name.to_string()).collect();
        let me = mine.observer_name(mine.me).to_owned();
        let mut drive = Drive {
            now: BEGIN,
            world: World::default(),
            lines,
            observers: Vec::new(),
            coming: BinaryHeap::new(),
            numbers: 0,
            revision: 0,
            records: BTreeMap::new(),
            claims: BTreeMap::new(),
            asks: BTreeMap::new(),
            raised: BTreeMap::new(),
            votes: BTreeMap::new(),
            windows: Vec::new(),
            probes_ever: BTreeMap::new(),
            story: Vec::new(),
            events: Vec::new(),
            blocked: BTreeSet::new(),
            delivery,
            acting: None,
        };
        let others = names.iter().filter(|name| **name != me);
        for (i, name) in std::iter::once(&me).chain(others).enumerate() {
            let policy = policy::policy(&drive.lines, Some(name))?;
            let late = Span::millis(1_300).times(i as u64);
            let (observer, effects) = Observer::start(&policy, late, drive.moment());
            drive.observers.push(observer);
            drive.obey(i, effects);
        }
        if acts {
            drive.begin_acting();
        }
        Ok(drive)
    }

    pub(crate) fn moment(&self) -> Now {
        Now { mono: self.now, wall: self.wall(self.now) }
    }

    pub(crate) fn wall(&self, at: Mono) -> Wall {
        WALL + at.since(BEGIN)
    }

    pub(crate) fn me(&self) -> &Observer {
        &self.observers[0]
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.me().state.policy
    }

    /// The observer of that name; `me` is the one that the script is about.
    pub(crate) fn observer(&self, name: &str) -> Read<usize> {
        if name == "me" {
            return Ok(0);
        }
        let found = self.observers.iter().position(|observer| observer.name == name);
        found.ok_or_else(|| format!("`{name}` is no observer"))
    }

    /// Lets time pass up to that moment, and all that is due by then.
    pub(crate) fn run_until(&mut self, until: Mono) -> Read<()> {
        let (mut same, mut at) = (0, self.now);
        loop {
            let coming = self.coming.peek().map(|Reverse(due)| (due.at, 0, 0));
            let awake = || self.observers.iter().enumerate().filter(|(_, o)| !o.down);
            let starts = awake().map(|(i, o)| o.next_start().map(|(at, _)| (thaw(o.frozen, at), 1, i)));
            let wakes = awake().map(|(i, o)| o.state.wake_at().map(|at| (thaw(o.frozen, at), 2, i)));
            let next = starts.chain(wakes).flatten().chain(coming).min();
            let Some((due, kind, who)) = next.filter(|(due, _, _)| *due <= until) else { break };
            self.now = self.now.max(due);
            same = if self.now == at { same + 1 } else { 0 };
            at = self.now;
            if same > 10_000 {
                return Err(format!(
                    "time stands still at {}: the core asks to be woken again and again",
                    told::at(at)
                ));
            }
            match kind {
                0 => self.arrive()?,
                1 => self.sample(who),
                _ => self.hand(who, Input::Tick),
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn arrive(&mut self) -> Read<()> {
        let Some(Reverse(due)) = self.coming.pop() else { return Ok(()) };
        if let Coming::There(what) = due.what {
            return self.there(what);
        }
        let to = &self.observers[due.to];
        if to.life != due.life || to.down {
            return Ok(());
        }
        if let Some(until) = to.frozen.filter(|until| *until > self.now) {
            self.send(due.to, until, due.what);
            return Ok(());
        }
        let input = match due.what {
            Coming::There(_) => return Ok(()),
            Coming::Input(input) => input,
            Coming::Sample(sample) => Input::Sample(sample),
            Coming::References(round) => {
                let observer = &self.observers[due.to];
                let points = self.world.references(&observer.name);
                Input::References { round, reached: points.min(MOST_POINTS) }
            }
            Coming::Vote(service, who, vote) => {
                self.vote(service, who, vote);
                return Ok(());
            }
            Coming::Again(input) => {
                self.once(due.to, input);
                return Ok(());
            }
        };
        self.hand(due.to, input);
        Ok(())
    }

    fn sample(&mut self, who: usize) {
        let Some((_, probe)) = self.observers[who].next_start() else { return };
        let now = self.now;
        let Some((place, timeout, drift)) = self.observers[who].place(probe) else {
            return self.observers[who].pace(probe, None, now);
        };
        let behaves = self.world.behaves(&self.observers[who].name, &place, drift);
        let Some((takes, outcome)) = behaves.sample(timeout) else {
            return self.observers[who].started(probe, now, Span::hours(24));
        };
        self.observers[who].started(probe, now, takes);
        let ended = now + takes;
        let ok = matches!(outcome, watchkeeper_core::health::Outcome::Ok { .. });
        let reading = if ok { self.world.reading(&place, ended) } else { None };
        self.send(who, ended, Coming::Sample(Sample { probe, began: now, ended, outcome, reading }));
    }

    /// Something happens elsewhere then, whoever lives.
    pub(crate) fn elsewhere(&mut self, at: Mono, what: There) {
        self.send(0, at, Coming::There(what));
    }

    pub(crate) fn send(&mut self, to: usize, at: Mono, what: Coming) {
        self.numbers += 1;
        let life = self.observers[to].life;
        self.coming.push(Reverse(Due { at, number: self.numbers, to, life, what }));
    }

    /// Hands an input to an observer, however the script delivers.
    pub(crate) fn hand(&mut self, who: usize, input: Input) {
        let again = match (&input, self.delivery) {
            (_, Delivery::Once) => false,
            (Input::Sample(_) | Input::Seen(_), Delivery::AgainAndLate) => who == 0,
            (
                Input::Tick
                | Input::References { .. }
                | Input::Reloaded(_)
                | Input::ClockJumped { .. }
                | Input::Windows(_)
                | Input::Renewed { .. }
                | Input::Answered { .. }
                | Input::Finished(_)
                | Input::ReadBack { .. }
                | Input::Ordered(_)
                | Input::Recorded { .. }
                | Input::Store(_)
                | Input::Coordinator(_)
                | Input::ShutdownAsked,
                Delivery::AgainAndLate,
            ) => false,
        };
        if self.observers[who].down {
            return;
        }
        if again {
            self.once(who, input.clone());
            self.send(who, self.now + Span::secs(3), Coming::Again(input.clone()));
        }
        self.once(who, input);
    }

    fn once(&mut self, who: usize, input: Input) {
        let now = self.moment();
        let effects = self.observers[who].step(input, now);
        self.obey(who, effects);
    }

    pub(crate) fn obey(&mut self, who: usize, effects: Vec<Effect>) {
        let now = self.now;
        for effect in effects {
            match effect {
                Effect::Pace { probe, every } => self.observers[who].pace(probe, every, now),
                Effect::CheckReferences { round } => {
                    self.send(who, now + ON_ITS_WAY, Coming::References(round))
                }
                Effect::Record { service, seq, event } => {
                    let mut text = told::event(&self.observers[who].state, service, &event);
                    if who == 0 || (self.acting.is_some() && told_acting::of_acting(&event)) {
                        if who > 0 {
                            text = format!("{}: {text}", self.observers[who].name);
                        }
                        self.story.push(format!("{:>10}  * {text}", told::at(now)));
                        self.events.push(text);
                    }
                    if self.acting.is_some() {
                        self.obey_acting(who, Effect::Record { service, seq, event });
                    }
                }
                effect @ (Effect::Renew { .. }
                | Effect::Transact(_)
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. }) => self.obey_acting(who, effect),
            }
        }
        if who == 0 {
            self.look();
        } else if self.acting.is_none() && !self.observers[who].mute {
            let moment = self.moment();
            let Ok(name) = Name::new(&self.observers[who].name) else { return };
            for (service, vote) in self.observers[who].new_votes(moment) {
                self.send(who, now + ON_ITS_WAY, Coming::Vote(service, name.clone(), Some(vote)));
            }
        }
    }

    /// What a script can ask about later.
    fn look(&mut self) {
        let moment = self.moment();
        let state = &self.observers[0].state;
        for service in state.services() {
            if let Some((_, gates)) = watchkeeper_core::view::gates(state, service.id, moment) {
                self.blocked.extend(gates.blocking().map(|(gate, _)| gate.word()));
            }
            for (i, own) in service.own.iter().enumerate() {
                let Some((probe, cell)) = own.probe.zip(service.policy.parts.cells.get(i)) else { continue };
                let name = service.policy.probes[cell.probe.index()].name.to_string();
                let region = cell.region.map(|at| service.policy.region_name(at).to_owned());
                self.probes_ever.insert((name, region), probe);
            }
        }
    }

    // ---- Facts in the coordinator ----

    fn revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// A fact changed, and every observer sees it.
    pub(crate) fn everybody_sees(&mut self, seen: impl Fn(u64) -> Seen) {
        let revision = self.revision();
        for who in 0..self.observers.len() {
            self.hand(who, Input::Seen(seen(revision)));
        }
    }

    pub(crate) fn vote(&mut self, service: ServiceId, who: Name, vote: Option<Vote>) {
        match &vote {
            Some(vote) => self.votes.insert((service, who.clone()), vote.clone()),
            None => self.votes.remove(&(service, who.clone())),
        };
        let revision = self.revision();
        self.hand(0, Input::Seen(Seen::Vote(service, revision, who, vote)));
    }

    pub(crate) fn windows(&mut self, window: Window) {
        self.windows.push(window);
        (0..self.observers.len()).for_each(|who| self.tell_windows(who));
    }

    pub(crate) fn tell_windows(&mut self, who: usize) {
        if !self.windows.is_empty() {
            let windows = self.windows.clone();
            self.hand(who, Input::Windows(windows));
        }
    }

    /// A session is gone, with its votes; or it is there again.
    pub(crate) fn session(&mut self, who: usize, there: bool) -> Read<()> {
        let name = Name::new(&self.observers[who].name).map_err(|why| why.to_string())?;
        self.observers[who].mute = !there;
        self.observers[who].write_anew();
        if there {
            self.obey(who, Vec::new());
            return Ok(());
        }
        let ids: Vec<ServiceId> = self.me().state.services().map(|service| service.id).collect();
        ids.into_iter().for_each(|id| self.vote(id, name.clone(), None));
        Ok(())
    }

    /// The observer is a new core that is told what the coordinator holds, in whatever order.
    pub(crate) fn restart(&mut self) {
        let now = self.moment();
        let effects = self.observers[0].restart(now);
        self.obey(0, effects);
        self.tell_windows(0);
        let id = |drive: &Drive, service: &str| drive.me().state.service_id(service);
        for (service, record) in self.records.clone() {
            let (Some(id), revision) = (id(self, &service), self.revision()) else { continue };
            self.hand(0, Input::Seen(Seen::Record(id, revision, Some(Box::new(record)))));
        }
        for (service, claim) in self.claims.clone() {
            let (Some(id), revision) = (id(self, &service), self.revision()) else { continue };
            self.hand(0, Input::Seen(Seen::Claim(id, revision, Some(claim))));
        }
        for (service, ask) in self.asks.clone() {
            let (Some(id), revision) = (id(self, &service), self.revision()) else { continue };
            // Whoever starts finds it, and does not know how old it is.
            let ask = Ask { age: None, ..ask };
            self.hand(0, Input::Seen(Seen::Ask(id, revision, ask)));
        }
        for ((service, trigger), since) in self.raised.clone() {
            let (Some(id), Ok(name)) = (id(self, &service), Name::new(&trigger)) else { continue };
            let (revision, age) = (self.revision(), self.now.since(since));
            self.hand(0, Input::Seen(Seen::Trigger(id, revision, name, Some(Raised { age }))));
        }
        // Votes are read as they were written: whoever reads them late believes that they have held less long.
        for ((service, who), vote) in self.votes.clone() {
            self.vote(service, who, Some(vote));
        }
    }

    /// Another policy for one observer, or for all.
    pub(crate) fn reload(&mut self, who: Option<usize>, lines: &[Words]) -> Read<()> {
        for i in 0..self.observers.len() {
            if who.is_none_or(|who| who == i) {
                let policy = policy::policy(lines, Some(&self.observers[i].name.clone()))?;
                self.hand(i, Input::Reloaded(Arc::clone(&policy)));
                // A policy that is refused is not in force; whoever changes it next starts from the old one.
                if i == 0 && Arc::ptr_eq(&policy, self.policy()) {
                    self.lines = lines.to_vec();
                }
            }
        }
        Ok(())
    }
}

/// No script has more reference points.
const MOST_POINTS: u8 = 3;

impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Due {}
