//! Plays a scene to one core through `engine::start` and `engine::step`: its own probes by samples at the paces that
//! it asks for, the others by votes, references always in reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchkeeper::core::agree::{Epoch, Outcome as Ended, Raised, Record, RunId, Try, Vote};
use watchkeeper::core::effect::Effect;
use watchkeeper::core::engine::{start, step};
use watchkeeper::core::event::Event;
use watchkeeper::core::health::{Blindness, Failure, Fall, Outcome, Sample};
use watchkeeper::core::ids::{CellPos, ObserverPos, ProbeId, ServiceId};
use watchkeeper::core::input::{Input, Seen};
use watchkeeper::core::policy::Policy;
use watchkeeper::core::state::{Service, State};
use watchkeeper::core::time::{Mono, Now, Span, Wall};
use watchkeeper::core::verdict::{Reading, Say, Spoken};
use watchkeeper::core::view;

use super::scene::{Active, At, Scene, Trial, usual};

/// The core begins to watch.
const BEGIN: Mono = Mono::after_boot(Span::secs(100));
/// The fault comes, between two rounds of samples.
pub(crate) const FAULT: Mono = Mono::after_boot(Span::millis(115_500));

/// A core, and what is true around it.
pub(crate) struct World<'a> {
    pub(crate) state: State,
    policy: &'a Arc<Policy>,
    active: &'a Active,
    scene: &'a Scene,
    now: Mono,
    ill: bool,
    /// The probes that this core runs.
    probes: BTreeMap<ProbeId, Probe>,
    /// When each of those that run is due.
    queue: BTreeSet<(Mono, ProbeId)>,
    revision: u64,
    /// What the coordinator holds of each service.
    records: Vec<Record>,
}

/// A probe that this core runs: whose, when it is due, how often it is run.
#[derive(Clone, Copy)]
struct Probe {
    at: At,
    due: Option<Mono>,
    every: Option<Span>,
}

impl<'a> World<'a> {
    /// All is well, until just before the fault.
    pub(crate) fn before_the_fault(
        policy: &'a Arc<Policy>,
        active: &'a Active,
        scene: &'a Scene,
    ) -> World<'a> {
        let (state, effects) = start(policy, Now { mono: BEGIN, wall: Wall::secs(1_000_000) });
        let mut world = World {
            state,
            policy,
            active,
            scene,
            now: BEGIN,
            ill: false,
            probes: BTreeMap::new(),
            queue: BTreeSet::new(),
            revision: 0,
            records: Vec::new(),
        };
        world.probes =
            world.mine().into_iter().map(|(at, id)| (id, Probe { at, due: None, every: None })).collect();
        world.obey(effects);
        for index in 0..policy.services.len() {
            let record = world.record(index);
            world.records.push(record);
            world.show_record(index);
        }
        world.vote();
        world.run_to(FAULT);
        world
    }

    pub(crate) fn id(&self, index: usize) -> ServiceId {
        let name = &self.policy.services[index].name;
        self.state.service_id(name.as_str()).expect("the core knows each service of its policy")
    }

    pub(crate) fn service(&self, index: usize) -> &Service {
        self.state.service(self.id(index)).expect("the core knows each service of its policy")
    }

    pub(crate) fn why(&self, index: usize) -> String {
        view::why(&self.state, self.id(index), self.clocks()).expect("a known service").to_string()
    }

    pub(crate) fn clocks(&self) -> Now {
        Now { mono: self.now, wall: Wall::secs(1_000_000) + self.now.since(BEGIN) }
    }

    fn mine(&self) -> Vec<(At, ProbeId)> {
        let mut all = Vec::new();
        for (index, policy) in self.policy.services.iter().enumerate() {
            for cell in (0..policy.parts.cells.len()).map(CellPos::at) {
                all.extend(self.service(index).mine(cell).map(|probe| ((index, cell), probe)));
            }
        }
        all
    }

    fn says(&self, at: At, who: ObserverPos) -> Say {
        let usual = usual(&self.policy.services[at.0], at.1, self.active.at(at.0));
        self.scene.of(at, who, usual, self.ill)
    }

    /// How long our own probes take to settle after the fault.
    pub(crate) fn settles(&self) -> Span {
        let mut longest = Span::ZERO;
        for (&(at, who), &say) in &self.scene.says {
            let service = &self.policy.services[at.0];
            let cell = service.parts.cells[at.1.index()];
            if who != self.policy.me || !cell.viewers.has(who) {
                continue;
            }
            let debounce = &service.probes[cell.probe.index()].debounce;
            let strikes = match debounce.fall() {
                Fall::Streak(strikes) => strikes,
                Fall::Window { fails, .. } => u16::from(fails),
            };
            let each = match say {
                Say::Down => debounce.fast_interval(),
                Say::Slow => debounce.interval(),
                Say::Up | Say::Unknown => continue,
            };
            longest = longest.max(each.times(u64::from(strikes) - 1));
        }
        longest.plus(Span::millis(500))
    }

    /// The fault: what this core looks at itself is looked at just then, and triggers are raised.
    pub(crate) fn fault(&mut self, subject: usize) {
        self.ill = true;
        let running: Vec<(ProbeId, At)> =
            self.queue.iter().map(|(_, probe)| (*probe, self.probes[probe].at)).collect();
        for (probe, at) in running {
            if self.scene.living.contains(&at) {
                // Evidence of life is newer than the first failed sample.
                self.put_off(probe, Some(self.now + Span::millis(250)));
            } else if self.scene.says.contains_key(&(at, self.policy.me)) {
                self.put_off(probe, Some(self.now));
            }
        }
        for &trigger in &self.scene.raised {
            let name = self.policy.services[subject].triggers[trigger.index()].clone();
            self.revision += 1;
            let raised = Some(Raised { age: Span::ZERO });
            self.tell(Input::Seen(Seen::Trigger(self.id(subject), self.revision, name, raised)));
        }
        self.run_to(self.now);
    }

    /// Every other observer writes what it says now of all that it can see; whoever sees a witness that lives is first.
    pub(crate) fn vote(&mut self) {
        for index in 0..self.policy.services.len() {
            let service = &self.policy.services[index];
            let sees = |who: ObserverPos| {
                let mut living = self.scene.living.iter().filter(|at| at.0 == index);
                living.any(|at| service.parts.cells[at.1.index()].viewers.has(who))
            };
            let others = (0..self.policy.observers.len()).map(ObserverPos::at);
            let mut others: Vec<ObserverPos> = others.filter(|who| *who != self.policy.me).collect();
            others.sort_by_key(|who| !sees(*who));
            for who in others {
                let cells = service.parts.cells.iter().enumerate().filter(|(_, cell)| cell.viewers.has(who));
                let says = cells.map(|(cell, _)| self.spoken((index, CellPos::at(cell)), who)).collect();
                let vote = Vote { hash: service.hash, answers: 0, says };
                self.revision += 1;
                let (id, name) = (self.id(index), self.policy.observers[who.index()].name.clone());
                self.tell(Input::Seen(Seen::Vote(id, self.revision, name, Some(vote))));
            }
        }
    }

    fn spoken(&self, at: At, who: ObserverPos) -> Spoken {
        let usual = usual(&self.policy.services[at.0], at.1, self.active.at(at.0));
        let say = self.says(at, who);
        let living = self.ill && self.scene.living.contains(&at);
        Spoken {
            cell: at.1,
            say,
            held: if say == usual { Span::hours(1) } else { self.now.since(FAULT) },
            reading: living.then_some(Reading { value: Span::ZERO, age: Span::ZERO }),
            fresh: false,
        }
    }

    /// What was tried, as the record tells it.
    pub(crate) fn try_plans(&mut self, subject: usize) {
        let number = self.service(subject).incident.number();
        self.records[subject].incident = number;
        for (run, (plan, trial)) in self.scene.tried.iter().enumerate() {
            self.records[subject].tried.push(Try {
                run: RunId(run as u64 + 1),
                plan: self.policy.services[subject].plans[plan.index()].name.clone(),
                scenario: None,
                incident: if *trial == Trial::Before { number.saturating_sub(1) } else { number },
                outcome: (*trial != Trial::Running).then_some(Ended::Done),
            });
        }
        self.show_record(subject);
    }

    /// The record arrives, new or not: the core looks at the service.
    pub(crate) fn show_record(&mut self, index: usize) {
        let record = self.records[index].clone();
        self.revision += 1;
        self.tell(Input::Seen(Seen::Record(self.id(index), self.revision, Some(Box::new(record)))));
    }

    fn record(&self, index: usize) -> Record {
        Record::at_rest(self.policy.services[index].regions[self.active.at(index).index()].clone(), Epoch(1))
    }

    /// Until then, and what is due at that moment too.
    pub(crate) fn run_to(&mut self, until: Mono) {
        loop {
            let probe = self.queue.first().copied();
            let wake = self.state.wake_at();
            let next = wake.into_iter().chain(probe.map(|(due, _)| due)).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            match probe.filter(|(due, _)| wake.is_none_or(|wake| *due < wake)) {
                Some((_, probe)) => self.sample(probe),
                None => self.tell(Input::Tick),
            }
        }
        self.now = self.now.max(until);
    }

    fn sample(&mut self, probe: ProbeId) {
        let Probe { at, every, .. } = self.probes[&probe];
        let service = &self.policy.services[at.0];
        let cell = service.parts.cells[at.1.index()];
        let slow = service.probes[cell.probe.index()].debounce.slow_after();
        let outcome = match self.says(at, self.policy.me) {
            Say::Unknown => Outcome::Blind(Blindness::NoData),
            Say::Up => Outcome::Ok { took: Span::ZERO },
            Say::Slow => Outcome::Ok {
                took: slow.expect("only a probe with slow_after can be slow").plus(Span::millis(1)),
            },
            Say::Down => Outcome::Failed(Failure::Refused),
        };
        let reading = (self.ill && self.scene.living.contains(&at)).then_some(Span::ZERO);
        self.put_off(probe, every.map(|every| self.now + every));
        self.tell(Input::Sample(Sample { probe, began: self.now, ended: self.now, outcome, reading }));
    }

    /// It is due then, and not before.
    fn put_off(&mut self, probe: ProbeId, until: Option<Mono>) {
        let due = &mut self.probes.get_mut(&probe).expect("one of our own").due;
        self.queue.extend(until.map(|until| (until, probe)));
        if let Some(before) = due.filter(|before| Some(*before) != until) {
            self.queue.remove(&(before, probe));
        }
        *due = until;
    }

    fn tell(&mut self, input: Input) {
        let now = self.clocks();
        let effects = step(&mut self.state, input, now);
        self.obey(effects);
    }

    fn obey(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Pace { probe, every } => {
                    let Probe { due, every: before, .. } = self.probes[&probe];
                    // Counted from its last start; whoever never ran does so at once.
                    let last = due.zip(before).map(|(due, before)| due.before(before));
                    let next = every.map(|every| last.map_or(self.now, |last| (last + every).max(self.now)));
                    self.put_off(probe, next);
                    self.probes.get_mut(&probe).expect("only our own probes are paced").every = every;
                }
                Effect::CheckReferences { round } => self.tell(Input::References { round, reached: u8::MAX }),
                effect @ (Effect::Renew { .. }
                | Effect::Transact(_)
                | Effect::Begin(_)
                | Effect::Cancel { .. }
                | Effect::ReadBack { .. }
                | Effect::Reply { .. }) => panic!("nobody said that there is a coordinator: {effect:?}"),
                Effect::Record { event, .. } => {
                    assert!(!matches!(event, Event::Refused(_) | Event::Isolated(_)), "{event:?}");
                }
            }
        }
    }
}
