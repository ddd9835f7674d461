//! Operators: some say whatever comes to their minds, others look what is asked of them and answer. Each order is
//! answered exactly once by a process that lives.

use std::sync::Arc;

use watchkeeper_core::agree::{Mode, RunId};
use watchkeeper_core::decide::Gate;
use watchkeeper_core::event::{Decided, Event, Paged};
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::input::Input;
use watchkeeper_core::order::{Accepts, Order, OrderId, Refused, Reply, Verb};
use watchkeeper_core::plan::{PlanKind, StepName};
use watchkeeper_core::time::Span;

use super::{LENGTH, NOBODY, What, World};
use crate::directed::Act;
use crate::shape::{name, region};

/// An order on its way.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) order: Order,
    pub(crate) to: usize,
    pub(crate) at: u64,
    /// The process that was told is gone, or it never was.
    pub(crate) excused: bool,
    pub(crate) replies: u32,
    pub(crate) again: u32,
}

/// All orders.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) said: Vec<Said>,
    /// By service: a person has agreed to something, or ordered it.
    pub(crate) agreed: Vec<bool>,
    /// Somebody looks what is asked.
    responder: bool,
    /// Since when each service's run has been under way, as the responder sees it.
    seen: Vec<Option<(RunId, u64)>>,
    /// Somebody listens to what is told, and has an opinion.
    listens: bool,
    /// The step that is being written of.
    pub(super) about: Option<StepName>,
}

impl Orders {
    pub(crate) fn crashed(&mut self, observer: usize) {
        self.said.iter_mut().filter(|said| said.to == observer).for_each(|said| said.excused = true);
    }
}

impl World<'_> {
    /// Who is there.
    pub(super) fn people(&mut self) {
        self.orders.agreed = vec![false; self.shape.services];
        self.orders.seen = vec![None; self.shape.services];
        if !self.odd {
            return;
        }
        self.orders.responder = self.rng.chance(750);
        self.orders.listens = !self.faults.is_empty() && self.rng.chance(400);
        if self.store.services.iter().any(|keys| keys.record.1.is_none()) {
            for _ in 0..3 {
                let at = self.rng.between(300_000, 12_000_000);
                let verb = self.at_first();
                let service = self.rng.below(self.shape.services as u64) as usize;
                self.put(at, NOBODY, What::Says(service, Box::new(verb)));
            }
        }
        if self.orders.responder {
            let at = self.rng.between(20_000_000, 40_000_000);
            self.put(at, NOBODY, What::Person(0));
        }
        if self.rng.chance(250) && !self.faults.is_empty() {
            for _ in 0..self.rng.between(1, 5) {
                let at = self.rng.between(40_000_000, 450_000_000);
                self.put(at, NOBODY, What::Person(1));
            }
        }
    }

    pub(super) fn person(&mut self, person: usize) {
        if person == 0 {
            self.respond();
            let again = self.rng.between(10_000_000, 40_000_000);
            self.put(again, NOBODY, What::Person(0));
            return;
        }
        let service = self.rng.below(self.shape.services as u64) as usize;
        let observer = self.whom(service);
        let (service, verb) = self.anything(service);
        self.order(observer, service, verb);
    }

    /// Most often whoever holds the claim.
    fn whom(&mut self, service: usize) -> usize {
        let any = self.rng.below(self.shape.observers as u64) as usize;
        match self.store.holder(service) {
            Some(holder) if self.rng.chance(900) => holder,
            _ => any,
        }
    }

    pub(crate) fn order(&mut self, to: usize, service: Option<ServiceId>, verb: Verb) {
        let id = OrderId(self.orders.said.len() as u64);
        let order = Order { id, who: Arc::from("ann"), from: None, service, verb };
        let said = Said { order: order.clone(), to, at: self.now, excused: false, replies: 0, again: 0 };
        self.orders.said.push(said);
        self.say(|_| format!("ann says to o{to}: {:?}", order.verb));
        if self.nodes[to].runs() {
            self.put(1_000, to, What::Orders(Box::new(order)));
        } else {
            self.orders.said[id.0 as usize].excused = true;
        }
    }

    pub(super) fn ordered(&mut self, observer: usize, order: Order) {
        if let (Verb::Veto | Verb::Abort { .. }, Some(service)) = (&order.verb, order.service) {
            self.checks.vetoed(service.index(), self.now);
        }
        let person = matches!(
            order.verb,
            Verb::Failover { .. }
                | Verb::Failback { .. }
                | Verb::Evacuate { .. }
                | Verb::Run { .. }
                | Verb::Approve { .. }
                | Verb::Adopt { .. }
                | Verb::Skip { .. }
                | Verb::HandOver { .. }
                | Verb::Release { .. }
        );
        if person {
            for service in 0..self.shape.services {
                if order.service.is_none_or(|of| of.index() == service) {
                    self.orders.agreed[service] = true;
                    self.checks.agreed(service, &order.verb);
                }
            }
        }
        self.tell(observer, Input::Ordered(order));
    }

    /// An order is answered.
    pub(crate) fn replied(&mut self, observer: usize, order: OrderId, reply: &Reply) {
        self.say(|_| format!("o{observer} answers order {}: {reply:?}", order.0));
        let Some(said) = self.orders.said.get_mut(order.0 as usize) else {
            let (checks, scene) = self.scene();
            return checks.broke(&scene, "L3", "letter", "an order is answered that nobody gave");
        };
        said.replies += 1;
        let twice = said.replies > 1;
        let (again, service, verb) = (said.again, said.order.service, said.order.verb.clone());
        self.checks.tally.replies += 1;
        // No plan has that hash.
        let other =
            matches!(&verb, Verb::Approve { accepts } if accepts.hash.is_some_and(|hash| hash.0 == [9; 32]));
        if other && !matches!(reply, Reply::Refused(_)) {
            let (checks, scene) = self.scene();
            checks.broke(&scene, "S15", "letter", "an approval of something else was taken");
        }
        if twice {
            let (checks, scene) = self.scene();
            checks.broke(&scene, "L3", "letter", "an order is answered twice");
        }
        if let Reply::Refused(Refused::HeldBy(Some(holder))) = reply
            && again < 2
        {
            let to = holder.index();
            self.order(to, service, verb);
            if let Some(said) = self.orders.said.last_mut() {
                said.again = again + 1;
            }
        }
    }

    pub(super) fn close_orders(&mut self) {
        let forgotten = self.orders.said.iter().filter(|said| {
            let waits = !self.truth.sick[said.to].paused && self.nodes[said.to].runs();
            said.replies == 0 && !said.excused && waits && said.at + 120_000_000 < self.now
        });
        let forgotten: Vec<String> = forgotten.map(|said| format!("{:?}", said.order.verb)).collect();
        for verb in forgotten {
            let (checks, scene) = self.scene();
            checks.broke(&scene, "L3", "letter", &format!("an order is never answered: {verb}"));
        }
    }

    /// What is asked of people is answered, and what needs one is seen to.
    fn respond(&mut self) {
        if self.now + 60_000_000 > LENGTH {
            return;
        }
        for service in 0..self.shape.services {
            let Some(record) = self.store.record(service) else { continue };
            let id = ServiceId::at(service);
            if let Some(request) = &record.request {
                let accepts = Accepts {
                    hash: request.hash,
                    epoch: Some(request.epoch),
                    loss: request.loss.flatten(),
                    unknown_loss: request.loss == Some(None),
                    exposure: request.exposure,
                    gates: request.gates,
                };
                let wrong = self.rng.chance(150);
                let verb = match self.rng.below(10) {
                    0 => Verb::Veto,
                    _ if wrong => Verb::Approve { accepts: Accepts { hash: None, ..accepts } },
                    _ => Verb::Approve { accepts },
                };
                let to = self.whom(service);
                self.order(to, Some(id), verb);
                continue;
            }
            let run = record.run.as_ref().map(|run| run.id);
            let failed = record.last_failover.clone();
            match (run, self.orders.seen[service]) {
                (Some(run), Some((known, since))) if run == known => {
                    if self.now > since + 70_000_000 {
                        let verb = self.help(service, run);
                        let to = self.whom(service);
                        self.order(to, Some(id), verb);
                    }
                }
                (run, _) => self.orders.seen[service] = run.map(|run| (run, self.now)),
            }
            if run.is_none()
                && let Some(failed) = failed
                && failed.outcome.is_some_and(|outcome| !outcome.is_done())
                && !failed.acknowledged
                && self.rng.chance(300)
            {
                let to = self.whom(service);
                self.order(to, Some(id), Verb::AcknowledgeRun { run: failed.id });
            }
        }
    }

    /// What a person says to a run that takes long.
    fn help(&mut self, service: usize, run: RunId) -> Verb {
        let step = self.some_step(service, run);
        let accepts = Accepts { exposure: true, ..self.generous(service) };
        match (self.rng.below(10), step) {
            (0..=3, Some(step)) => Verb::Retry { run: Some(run), step },
            (4 | 5, Some(step)) => Verb::Skip { run: Some(run), step },
            (6, _) => Verb::Abort { run: Some(run) },
            (7 | 8, _) => Verb::Approve { accepts },
            _ => Verb::HandOver { run: Some(run) },
        }
    }

    fn some_step(&mut self, service: usize, run: RunId) -> Option<StepName> {
        let journal = self.store.journal(service, run)?;
        let steps = journal.plan.steps();
        let last = journal.entries.iter().rev().find_map(|entry| match entry {
            watchkeeper_core::plan::Entry::Intent { step, .. }
            | watchkeeper_core::plan::Entry::Stuck { step, .. } => Some(step.clone()),
            _ => None,
        });
        let any = steps[self.rng.below(steps.len() as u64) as usize].name.clone();
        if self.rng.chance(800) { last.or(Some(any)) } else { Some(any) }
    }

    /// Everything is accepted that could be.
    fn generous(&self, service: usize) -> Accepts {
        let epoch = self.store.record(service).map(|record| record.epoch);
        Accepts {
            hash: None,
            epoch,
            loss: Some(Span::mins(10)),
            unknown_loss: true,
            exposure: true,
            gates: u32::MAX,
        }
    }

    /// The contrary of what is being done.
    pub(super) fn contrary(&mut self, service: usize) -> Verb {
        let accepts = self.generous(service);
        let kind = self.store.record(service).and_then(|record| record.run.as_ref()).map(|run| run.kind);
        match (kind, self.rng.below(4)) {
            (Some(PlanKind::Repair), 0 | 1) => {
                Verb::Failover { to: None, plan: None, planned: false, accepts }
            }
            (_, 0) => Verb::Failback { accepts },
            (_, 1) => Verb::Adopt { region: name(&region(0)) },
            (_, 2) => Verb::Pause,
            _ => Verb::Failover { to: Some(name(&region(0))), plan: None, planned: true, accepts },
        }
    }

    /// Whatever comes to a person's mind.
    fn anything(&mut self, service: usize) -> (Option<ServiceId>, Verb) {
        let at = self.rng.below(self.shape.regions as u64) as usize;
        let there = name(&region(at));
        let run = self.store.record(service).map(|record| RunId(record.runs));
        let step = run.and_then(|run| self.some_step(service, run));
        let step = step.unwrap_or_else(|| StepName::own(name("dns")));
        let accepts = if self.rng.chance(700) { self.generous(service) } else { Accepts::default() };
        let id = Some(ServiceId::at(service));
        let old = run.filter(|run| run.0 > 0 && self.rng.chance(300));
        let old = old.map(|run| RunId(self.rng.between(1, run.0)));
        let verb = match self.rng.below(26) {
            0..=2 => Verb::Failover {
                to: self.rng.chance(500).then_some(there),
                plan: None,
                planned: self.rng.chance(500),
                accepts,
            },
            3 => Verb::Failback { accepts },
            4 => return (None, Verb::Evacuate { region: there }),
            5 | 6 => Verb::Run {
                plan: name(["look", "failover", "restart", "rejoin"][self.rng.below(4) as usize]),
                at: self.rng.chance(500).then_some(there),
                mode: [Mode::Live, Mode::Drill, Mode::Preview][self.rng.below(3) as usize],
                given: Vec::new(),
                longest: self.rng.chance(300).then_some(Span::secs(40)),
                accepts,
            },
            7 => Verb::Approve { accepts },
            8 => Verb::ApproveStep { run: None, step },
            9 => Verb::Veto,
            10 | 11 => Verb::Abort { run: old },
            12 => Verb::Retry { run: old, step },
            13 => Verb::Skip { run: old, step },
            14 => Verb::Tick { run: None, step, item: 0 },
            15 => Verb::HandOver { run: old },
            16 => Verb::Release { region: there },
            17 | 18 => Verb::Pause,
            19 => Verb::Resume,
            20 => Verb::AcknowledgeIncident,
            21 => Verb::AcknowledgeRun { run: run.unwrap_or(RunId(1)) },
            22 => Verb::Annotate { text: String::from("seen") },
            23 => Verb::Clear { trigger: name("signal") },
            24 => {
                self.signal(service, true);
                Verb::Annotate { text: String::from("raised") }
            }
            _ => Verb::Adopt { region: self.writable_somewhere(service).unwrap_or(there) },
        };
        (id, verb)
    }

    /// What is said where nobody has said anything yet.
    fn at_first(&mut self) -> Verb {
        let accepts = Accepts::default();
        match self.rng.below(3) {
            0 => Verb::Failover { to: Some(name(&region(0))), plan: None, planned: false, accepts },
            1 => Verb::Run {
                plan: name("look"),
                at: None,
                mode: Mode::Live,
                given: Vec::new(),
                longest: None,
                accepts,
            },
            _ => Verb::Adopt { region: name(&region(0)) },
        }
    }

    pub(super) fn says(&mut self, service: usize, verb: Verb) {
        let to = self.whom(service);
        self.order(to, Some(ServiceId::at(service)), verb);
    }

    /// Later, to whoever holds the claim then.
    fn later(&mut self, most: u64, service: usize, verb: Verb) {
        let later = self.rng.between(1_000, most);
        self.put(later, NOBODY, What::Says(service, Box::new(verb)));
    }

    /// Everything is accepted, of the plan that was shown.
    fn shown(&self, service: usize) -> Accepts {
        let id = ServiceId::at(service);
        let core = self.nodes.iter().find_map(|node| node.core.as_ref());
        let known = core.and_then(|core| core.service(id));
        let plan = known.and_then(|known| known.policy.plans.first());
        let case = plan.and_then(|plan| plan.set.plans().next()).map(|plan| plan.case());
        let hash = plan.zip(case).and_then(|(plan, case)| plan.set.hash(case));
        Accepts { hash, ..self.generous(service) }
    }

    /// One word to a run, or to what may become one.
    fn word(&mut self, service: usize, run: Option<RunId>, step: StepName) -> Verb {
        match self.rng.below(14) {
            0 | 1 => Verb::Veto,
            2 => Verb::Approve { accepts: self.shown(service) },
            3 | 4 => Verb::Approve { accepts: self.generous(service) },
            5 => Verb::Approve { accepts: Accepts::default() },
            6 => Verb::Abort { run },
            7 | 8 => Verb::Retry { run, step },
            9 | 10 => Verb::Skip { run, step },
            11 => Verb::HandOver { run },
            12 => Verb::Pause,
            _ => Verb::AcknowledgeIncident,
        }
    }

    /// As something is being written, several people speak at once, each about just that.
    pub(super) fn all_say(&mut self, observer: usize, service: usize) {
        let any = self.store.record(service).map(|record| RunId(record.runs));
        let step = self.orders.about.take();
        let step = step.or_else(|| any.and_then(|run| self.some_step(service, run)));
        let step = step.unwrap_or_else(|| StepName::own(name("dns")));
        for _ in 0..self.rng.between(1, 3) {
            let verb = self.word(service, None, step.clone());
            if self.rng.chance(600) {
                self.order(observer, Some(ServiceId::at(service)), verb);
            } else {
                self.later(2_500_000, service, verb);
            }
        }
        if self.rng.chance(250) {
            // Elsewhere somebody changes the record meanwhile.
            let other = self.rng.below(self.shape.observers as u64) as usize;
            let verb = if self.rng.chance(500) { Verb::Pause } else { Verb::Resume };
            self.order(other, Some(ServiceId::at(service)), verb);
        }
    }

    /// What is told makes some people speak.
    pub(super) fn people_hear(&mut self, observer: usize, service: ServiceId, event: &Event) {
        if !self.orders.listens {
            return;
        }
        let at = service.index();
        match event {
            Event::Decided(Decided::Blocked(_, gates)) if gates & Gate::Veto.bit() != 0 => {
                self.announced(observer, at);
            }
            Event::Decided(Decided::Blocked(..)) if self.rng.chance(30) => {
                let verb = Verb::Approve { accepts: self.shown(at) };
                self.later(5_000_000, at, verb);
            }
            Event::Drifted(_) | Event::Paged(Paged::Foreign) if self.rng.chance(250) => {
                let later = self.rng.between(100_000, 150_000_000);
                if let Some(region) = self.writable_somewhere(at) {
                    self.put(later, NOBODY, What::Says(at, Box::new(Verb::Adopt { region })));
                }
            }
            Event::Ended { run, .. } => self.ended(at, *run),
            _ => {}
        }
    }

    /// What is announced can be stopped, and much else can happen to it.
    fn announced(&mut self, observer: usize, service: usize) {
        if self.store.holder(service) != Some(observer) || self.rng.chance(400) {
            return;
        }
        match self.rng.below(10) {
            0 => {
                let later = self.rng.between(1_000, 9_000_000);
                self.put(later, observer, What::Reloads);
            }
            1 => {
                let span = self.rng.between(20_000_000, 60_000_000);
                self.aim(observer, ServiceId::at(service), Act::Cut(span));
            }
            _ => {
                let verb = self.word(service, None, StepName::own(name("dns")));
                self.later(9_000_000, service, verb);
            }
        }
    }

    /// Somebody comes too late, or goes on from there.
    fn ended(&mut self, service: usize, run: RunId) {
        let Some(record) = self.store.record(service) else { return };
        if let Some(there) = record.rejoined.first().cloned()
            && self.rng.chance(600)
        {
            let accepts = self.generous(service);
            let verb = match self.rng.below(5) {
                4 => Verb::Adopt { region: there },
                0 => Verb::Release { region: there },
                1 => Verb::Failover { to: Some(there), plan: None, planned: true, accepts },
                _ => Verb::Run {
                    plan: name("rejoin"),
                    at: Some(there),
                    mode: Mode::Live,
                    given: Vec::new(),
                    longest: None,
                    accepts,
                },
            };
            return self.later(40_000_000, service, verb);
        }
        if self.rng.chance(150) {
            let verb = self.word(service, Some(run), StepName::own(name("dns")));
            self.later(10_000_000, service, verb);
        }
    }

    /// A person adopts only what takes writes.
    pub(super) fn writable_somewhere(&self, service: usize) -> Option<watchkeeper_core::ids::Name> {
        let stateless = self.shape.recipes[service].stateless;
        (0..self.shape.regions)
            .find(|&at| self.providers.writable(service, at, stateless, &self.truth))
            .map(|at| name(&region(at)))
    }
}
