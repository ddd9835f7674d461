//! Operators: some say whatever comes to their minds, others look what is asked of them and answer. Each order is
//! answered exactly once by a process that lives.

use std::sync::Arc;

use watchkeeper_core::agree::{Mode, RunId};
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::input::Input;
use watchkeeper_core::order::{Accepts, Order, OrderId, Refused, Reply, Verb};
use watchkeeper_core::plan::{PlanKind, StepName};
use watchkeeper_core::time::Span;

use super::{LENGTH, NOBODY, What, World};
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
        let order = Order { id, who: Arc::from("ann"), service, verb };
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
            10 | 11 => Verb::Abort { run: None },
            12 => Verb::Retry { run: None, step },
            13 => Verb::Skip { run: None, step },
            14 => Verb::Tick { run: None, step, item: 0 },
            15 => Verb::HandOver { run: None },
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

    /// A person adopts only what takes writes.
    fn writable_somewhere(&self, service: usize) -> Option<watchkeeper_core::ids::Name> {
        let stateless = self.shape.recipes[service].stateless;
        (0..self.shape.regions)
            .find(|&at| self.providers.writable(service, at, stateless, &self.truth))
            .map(|at| name(&region(at)))
    }
}
