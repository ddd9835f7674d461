//! What happens between observers that may act and all that they act upon: the coordinator, those whom steps call, their
//! own stores, and operators. Every effect that needs an answer gets one, sooner or later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchkeeper_core::agree::{Answer, Purpose, RunId, Txn};
use watchkeeper_core::authority::{ClusterId, Nonce, Renewed, SessionId, Token};
use watchkeeper_core::effect::{Call, Effect};
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::input::{self, Finished, Input, Seen, Store};
use watchkeeper_core::order::{Order, OrderId, Verb};
use watchkeeper_core::plan::{Filled, Mode, Plan, Reply, StepName};
use watchkeeper_core::time::{Mono, Span};

use crate::coordinator::Coordinator;
use crate::drive::{Coming, Drive};
use crate::providers::{Landed, Landing, Providers, writes};
use crate::told;
use crate::told_acting;
use crate::words::Read;

/// So long it is to the coordinator, and back.
const THERE: Span = Span::millis(20);
/// So long after a change everybody who watches hears of it.
const WATCH: Span = Span::millis(100);
/// So long the shell waits for an answer of the coordinator.
const PATIENCE: Span = Span::secs(2);
/// So long the store needs.
const WRITTEN: Span = Span::millis(10);
pub(crate) const CLUSTER: ClusterId = ClusterId(1);

/// What becomes of the next answer to a transaction of some purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It lands, and nobody hears of it.
    AnswerLost,
    /// It lands, and its answer comes late.
    AnswerLate,
    /// It never arrives.
    Lost,
}

/// Something that happens at the coordinator or at those whom steps call, whoever asked for it and has gone since.
pub(crate) enum There {
    Txn(usize, u32, Box<Txn>, Option<Fault>),
    Renewal(usize, u32, Nonce, Option<SessionId>, bool),
    SessionsEnd,
    Lands(usize, u32, Box<Landing>, Option<Reply>),
}

/// An order, and what it was answered.
pub(crate) struct Ordered {
    pub(crate) who: String,
    to: usize,
    pub(crate) reply: Option<String>,
}

/// All that only scripts with a coordinator have.
#[derive(Default)]
pub(crate) struct Acting {
    pub(crate) coordinator: Coordinator,
    pub(crate) providers: Providers,
    pub(crate) faults: Vec<(Purpose, Fault)>,
    /// Observers that do not reach the coordinator.
    cut: BTreeSet<usize>,
    /// Observers whose renewals never arrive.
    pub(crate) unrenewed: BTreeSet<usize>,
    /// A backup of the coordinator, and how often one has taken its place.
    pub(crate) saved: Option<Coordinator>,
    pub(crate) restored: u128,
    /// Observers whose disk is full, and what they could not write.
    full: BTreeMap<usize, BTreeMap<Option<ServiceId>, u64>>,
    pub(crate) orders: BTreeMap<OrderId, Ordered>,
    given: u64,
    /// Regions that hear nothing.
    pub(crate) dark: BTreeSet<String>,
    /// Two sides may take writes at once: the script says so.
    pub(crate) exposed: bool,
    /// What must never be.
    pub(crate) wrong: Vec<String>,
}

impl Drive {
    /// There is a coordinator: everybody is told, and begins to watch.
    pub(crate) fn begin_acting(&mut self) {
        self.acting = Some(Acting::default());
        (0..self.observers.len()).for_each(|who| self.connect(who));
    }

    /// The part of it that only acting scripts have.
    pub(crate) fn acts(&mut self) -> Read<&mut Acting> {
        self.acting.as_mut().ok_or_else(|| "this script has no `coordinator`".into())
    }

    fn name(&self, who: usize) -> Read<Name> {
        Name::new(&self.observers[who].name).map_err(|why| why.to_string())
    }

    /// An observer reaches the coordinator, and begins to watch.
    pub(crate) fn connect(&mut self, who: usize) {
        let now = self.now;
        let Some(acting) = &mut self.acting else { return };
        acting.cut.remove(&who);
        let all = acting.coordinator.everything(now);
        // One that was restored calls itself otherwise.
        let cluster = ClusterId(CLUSTER.0 + acting.restored);
        self.hand(who, Input::Coordinator(input::Coordinator::There(cluster)));
        self.show(who, all);
    }

    /// It does not reach it any more.
    pub(crate) fn disconnect(&mut self, who: usize) {
        if let Some(acting) = &mut self.acting {
            acting.cut.insert(who);
        }
        self.hand(who, Input::Coordinator(input::Coordinator::Lost));
    }

    fn show(&mut self, who: usize, all: Vec<Seen>) {
        let own = self.observers[who].name.clone();
        for seen in all {
            // The shell keeps one's own vote to itself: it was written from here. That it is gone is news.
            if matches!(&seen, Seen::Vote(_, _, name, Some(_)) if name.as_str() == own) {
                continue;
            }
            self.send(who, self.now + WATCH, Coming::Input(Input::Seen(seen)));
        }
    }

    /// What changed is on its way to everybody who watches.
    pub(crate) fn spread(&mut self) {
        let Some(acting) = &mut self.acting else { return };
        let news = acting.coordinator.news();
        for who in 0..self.observers.len() {
            let cut = self.acting.as_ref().is_some_and(|acting| acting.cut.contains(&who));
            if !cut && !self.observers[who].down {
                self.show(who, news.clone());
            }
        }
    }

    /// Something happens elsewhere.
    pub(crate) fn there(&mut self, what: There) -> Read<()> {
        let now = self.now;
        match what {
            There::SessionsEnd => {
                self.acts()?.coordinator.end_sessions(now);
                self.spread();
            }
            There::Renewal(who, life, nonce, session, fit) => {
                let name = self.name(who)?;
                let acting = self.acts()?;
                if acting.cut.contains(&who) || acting.unrenewed.contains(&who) {
                    self.answer(who, life, PATIENCE, Input::Renewed { nonce, answer: Renewed::Unknown });
                    return Ok(());
                }
                let (answer, ends) = acting.coordinator.renew(&name, session, fit, now);
                if let Some(ends) = ends {
                    self.elsewhere(ends, There::SessionsEnd);
                }
                self.answer(who, life, THERE, Input::Renewed { nonce, answer });
                self.spread();
            }
            There::Txn(who, life, txn, fault) => {
                let name = self.name(who)?;
                let id = txn.id;
                let acting = self.acts()?;
                if acting.cut.contains(&who) || fault == Some(Fault::Lost) {
                    self.answer(who, life, PATIENCE, Input::Answered { id, answer: Answer::Unknown });
                    return Ok(());
                }
                let (committed, found) = acting.coordinator.commit(&name, &txn, now);
                let found = Box::new(found);
                let answer = if committed { Answer::Committed(found) } else { Answer::Refused(found) };
                match fault {
                    Some(Fault::AnswerLost) => {
                        self.answer(who, life, PATIENCE, Input::Answered { id, answer: Answer::Unknown });
                    }
                    Some(Fault::AnswerLate) => {
                        self.answer(who, life, PATIENCE, Input::Answered { id, answer })
                    }
                    Some(Fault::Lost) | None => {
                        self.answer(who, life, THERE, Input::Answered { id, answer });
                    }
                }
                self.spread();
            }
            There::Lands(who, life, landing, reply) => self.lands(who, life, &landing, reply)?,
        }
        Ok(())
    }

    fn answer(&mut self, who: usize, life: u32, after: Span, input: Input) {
        if self.observers[who].life == life {
            self.send(who, self.now + after, Coming::Input(input));
        }
    }

    fn lands(&mut self, who: usize, life: u32, landing: &Landing, reply: Option<Reply>) -> Read<()> {
        let now = self.now;
        let call = &landing.call;
        let landed = self.acts()?.providers.land(landing, now);
        let region = landing.step().map_or(String::new(), |step| format!(" in {}", step.acts_in));
        let what = match landed {
            Landed::Yes => {
                if let Some((region, so)) = writes(landing) {
                    let service = self.service_name(call.service);
                    self.world.takes_writes(&service, &region, so);
                    self.look_at_writes(&service);
                }
                if call.undoing { "is taken back" } else { "is so" }
            }
            Landed::Already => "is so already",
            Landed::TooLate => "comes too late, and changes nothing",
        };
        self.story.push(format!("{:>10}  ~ {}{region} {what}", told::at(now), call.step));
        if let Some(reply) = reply {
            let reply = if matches!(landed, Landed::TooLate) { Reply::NotDone } else { reply };
            let finished = finished(call, reply, outputs(landing, reply), None);
            self.answer(who, life, Span::ZERO, finished);
        }
        Ok(())
    }

    pub(crate) fn service_name(&self, id: ServiceId) -> String {
        self.me().state.service(id).map_or(String::new(), |service| service.policy.name.to_string())
    }

    /// No two regions may take users' writes at one instant, unless that was accepted.
    pub(crate) fn look_at_writes(&mut self, service: &str) {
        let dark = self.acting.as_ref().map_or(BTreeSet::new(), |acting| acting.dark.clone());
        let regions = self.world.writing(service, &dark);
        let line = format!("two regions take writes of {service}: {}", regions.join(", "));
        if regions.len() > 1 {
            self.story.push(format!("{:>10}  ~ {line}", told::at(self.now)));
            let now = told::at(self.now);
            if let Some(acting) = self.acting.as_mut().filter(|acting| !acting.exposed) {
                acting.wrong.push(format!("at {now}, {line}; say `exposure is accepted` if that is meant"));
            }
        }
    }

    // ---- Effects ----

    pub(crate) fn obey_acting(&mut self, who: usize, effect: Effect) {
        let (now, life) = (self.now, self.observers[who].life);
        let Some(acting) = &mut self.acting else {
            panic!("nobody said that there is a coordinator: {effect:?}")
        };
        match effect {
            Effect::Renew { nonce, session, fit } => {
                self.elsewhere(now + THERE, There::Renewal(who, life, nonce, session, fit));
            }
            Effect::Transact(txn) => {
                let fault = acting.faults.iter().position(|(purpose, _)| *purpose == txn.id.purpose);
                let fault = fault.map(|at| acting.faults.remove(at).1);
                self.elsewhere(now + THERE, There::Txn(who, life, txn, fault));
            }
            Effect::Begin(call) => self.call(who, life, *call),
            Effect::Cancel { .. } => {}
            Effect::ReadBack { service, run, step, region } => {
                let name = self.service_name(service);
                let keeps = self.policy().services.iter().any(|of| of.name.as_str() == name && !of.stateless);
                let writable = !keeps || self.world.may_write(&name, region.as_str());
                let input = Input::ReadBack { service, run, step, writable };
                self.send(who, now + Span::millis(200), Coming::Input(input));
            }
            Effect::Reply { order, reply } => {
                let text = told_acting::reply(&self.observers[who].state, &reply);
                let Some(kept) = acting.orders.get_mut(&order) else { return };
                let line = format!("{} is told: {text}", kept.who);
                if kept.reply.replace(text).is_some() {
                    acting.wrong.push(format!("order {} was answered twice", order.0));
                }
                self.story.push(format!("{:>10}  < {line}", told::at(now)));
            }
            Effect::Record { service, seq, .. } => match acting.full.get_mut(&who) {
                Some(left) => {
                    left.insert(service, seq);
                }
                None => self.send(who, now + WRITTEN, Coming::Input(Input::Recorded { service, upto: seq })),
            },
            Effect::Pace { .. } | Effect::CheckReferences { .. } => {}
        }
    }

    fn call(&mut self, who: usize, life: u32, call: Call) {
        let now = self.now;
        let Some((plan, mode)) = self.plan_of(call.service, call.run) else {
            if let Some(acting) = &mut self.acting {
                acting.wrong.push(format!("{} is called, and its run is not in the journal", call.step));
            }
            return;
        };
        let landing = Landing { call, plan, mode };
        let Some(acting) = &mut self.acting else { return };
        let dark = landing.step().is_some_and(|step| acting.dark.contains(step.acts_in.as_str()));
        let course = acting.providers.course(&landing, &self.observers[who].name, dark, now);
        let (at, reply) = course.answered;
        let with = course.lands.filter(|lands| *lands == at && reply != Reply::Unknown);
        if with.is_none() {
            let mark = acting.providers.newer(&landing.call).filter(|_| reply != Reply::Unknown);
            let input = finished(&landing.call, reply, Vec::new(), mark);
            self.send(who, at, Coming::Input(input));
        }
        if let Some(lands) = course.lands {
            let landing = Box::new(landing);
            self.elsewhere(lands, There::Lands(who, life, landing, with.map(|_| reply)));
        }
    }

    /// The plan of a run, as its journal holds it.
    fn plan_of(&self, service: ServiceId, run: RunId) -> Option<(Arc<Plan>, Mode)> {
        let journal = self.acting.as_ref()?.coordinator.held(service)?.journals.get(&run)?;
        let mode = journal.entries.first().map(|entry| match entry {
            watchkeeper_core::plan::Entry::Started(start) => start.mode,
            _ => Mode::Live,
        });
        Some((Arc::clone(&journal.plan), mode?))
    }

    // ---- What scripts say ----

    /// An observer's disk is full, or has room again.
    pub(crate) fn disk(&mut self, who: usize, full: bool) -> Read<()> {
        let now = self.now;
        let acting = self.acts()?;
        if full {
            acting.full.entry(who).or_default();
        } else {
            for (service, upto) in acting.full.remove(&who).unwrap_or_default() {
                self.send(who, now + WRITTEN, Coming::Input(Input::Recorded { service, upto }));
            }
        }
        self.hand(who, Input::Store(if full { Store::Full } else { Store::Ok }));
        Ok(())
    }

    /// An operator says something to an observer.
    pub(crate) fn order(&mut self, to: usize, who: &str, service: Option<ServiceId>, verb: Verb) -> Read<()> {
        let acting = self.acts()?;
        acting.given += 1;
        let id = OrderId(acting.given);
        acting.orders.insert(id, Ordered { who: who.to_owned(), to, reply: None });
        self.hand(to, Input::Ordered(Order { id, who: Arc::from(who), from: None, service, verb }));
        Ok(())
    }

    /// The newest order's answer; of all, or of those that somebody gave.
    pub(crate) fn newest_reply(&self, of: Option<&str>) -> Option<&Ordered> {
        let mut orders = self.acting.as_ref()?.orders.values();
        orders.rfind(|order| of.is_none_or(|who| order.who == who))
    }

    /// The coordinator is replaced by its backup: who was connected is so again, and hears that it is another one.
    pub(crate) fn restore(&mut self) -> Read<()> {
        let acting = self.acts()?;
        let backup = acting.saved.clone().ok_or("there is no backup: `coordinator is saved` makes one")?;
        acting.coordinator.restore(backup);
        acting.restored += 1;
        let there: Vec<usize> = (0..self.observers.len()).filter(|who| !self.observers[*who].down).collect();
        for who in there {
            self.disconnect(who);
            self.connect(who);
        }
        Ok(())
    }

    /// An observer is killed: nothing of it is left but what is on its way.
    pub(crate) fn kill(&mut self, who: usize) {
        self.observers[who].down = true;
        self.observers[who].life += 1;
        if let Some(acting) = &mut self.acting {
            acting.full.remove(&who);
            // Whoever is told nothing by a daemon that is gone knows that nothing was promised.
            acting.orders.retain(|_, order| order.to != who || order.reply.is_some());
        }
    }

    /// It is started, and knows nothing.
    pub(crate) fn revive(&mut self, who: usize) {
        self.observers[who].down = false;
        let now = self.moment();
        let effects = self.observers[who].restart(now);
        self.obey(who, effects);
        self.tell_windows(who);
        if self.acting.is_some() {
            self.connect(who);
        }
    }
}

fn finished(call: &Call, reply: Reply, outputs: Vec<(Name, Filled)>, mark: Option<Token>) -> Input {
    Input::Finished(Finished {
        service: call.service,
        run: call.run,
        step: call.step.clone(),
        undoing: call.undoing,
        serial: call.token.serial,
        reply,
        outputs,
        mark,
    })
}

/// What a step gives to later ones: its name and the output's.
fn outputs(landing: &Landing, reply: Reply) -> Vec<(Name, Filled)> {
    let named = |step: &StepName, output: &Name| Filled::One(Arc::from(format!("{step}-{output}")));
    let step = landing.step().filter(|_| reply == Reply::Done && !landing.call.undoing);
    step.into_iter()
        .flat_map(|step| step.outputs.iter().map(|out| (out.clone(), named(&step.name, out))))
        .collect()
}

/// A session of that observer ends now, and everybody hears of it.
pub(crate) fn lease_runs_out(drive: &mut Drive, who: usize) -> Read<()> {
    let name = drive.name(who)?;
    drive.acts()?.coordinator.end_all_of(&name);
    drive.spread();
    Ok(())
}

/// So long nothing reaches an observer, and it does nothing: then all comes at once.
pub(crate) fn freeze(drive: &mut Drive, who: usize, lasts: Span) {
    drive.observers[who].frozen = Some(drive.now + lasts);
}

/// The moment at which an observer may look at anything again.
pub(crate) fn thaw(frozen: Option<Mono>, at: Mono) -> Mono {
    frozen.map_or(at, |until| until.max(at))
}
