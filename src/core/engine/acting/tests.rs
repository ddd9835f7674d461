//! The thread through the acting half: one observer, one coordinator that answers at once, and a service that moves.

use alloc::vec;
use alloc::vec::Vec;

use crate::agree::{
    Answer, Ask, Claim, ClaimState, Found, Guard, Journal, Record, RunId, Velocity, Vote, Write,
};
use crate::authority::{ClusterId, Renewed, SessionId};
use crate::effect::Effect;
use crate::engine::tests::{World, name};
use crate::event::Event;
use crate::ids::ObserverPos;
use crate::input::{Coordinator, Finished, Input, Seen};
use crate::order::{Order, OrderId, Reply as Said, Verb};
use crate::plan::{Outcome, Reply};
use crate::time::Span;
use crate::view;

/// Everything that a coordinator holds of one service.
struct Keys {
    session: SessionId,
    revision: u64,
    record: (u64, Option<Record>),
    claim: (u64, Option<Claim>),
    ask: (u64, Option<Ask>),
    vote: (u64, Option<Vote>),
    velocity: (u64, Velocity),
    journals: Vec<(RunId, Journal)>,
}

impl Keys {
    fn new() -> Keys {
        Keys {
            session: SessionId(7),
            revision: 0,
            record: (0, None),
            claim: (0, None),
            ask: (0, None),
            vote: (0, None),
            velocity: (0, Velocity::default()),
            journals: vec![],
        }
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Record(revision) => self.record.0 == *revision,
            Guard::Unclaimed => self.claim.1.is_none(),
            Guard::Claim(revision) => self.claim.1.is_some() && self.claim.0 == *revision,
            Guard::Session(session) => *session == self.session,
            Guard::Vote(_, revision) => self.vote.0 == *revision,
            Guard::Ask(revision) => self.ask.0 == *revision,
            Guard::Journal(run, length) => {
                self.journals.iter().any(|(of, journal)| of == run && journal.entries.len() as u64 == *length)
            }
            Guard::Velocity(revision) => self.velocity.0 == *revision,
        }
    }

    fn write(&mut self, write: Write) {
        let at = self.revision;
        match write {
            Write::Vote(vote) => self.vote = (at, Some(vote)),
            Write::Claim => self.claim = (at, Some(Claim { holder: name("here"), session: self.session })),
            Write::GiveUp => self.claim = (at, None),
            Write::Ask(number) => self.ask = (at, Some(Ask { number, by: name("here"), age: None })),
            Write::Record(record) => self.record = (at, Some(*record)),
            Write::Begin(run, journal) => self.journals.push((run, journal)),
            Write::Append(run, entries) => {
                let journal = self.journals.iter_mut().find(|(of, _)| *of == run).unwrap();
                journal.1.entries.extend(entries);
            }
            Write::Velocity(velocity) => self.velocity = (at, velocity),
            Write::Clear(_) => {}
        }
    }

    fn found(&self, journals: bool) -> Found {
        let record = self.record.1.iter();
        let runs: Vec<RunId> = record.flat_map(|r| r.run.iter().chain(&r.beside)).map(|run| run.id).collect();
        let unfinished = || self.journals.iter().filter(|(run, _)| runs.contains(run));
        Found {
            record: self.record.clone(),
            claim: self.claim.clone(),
            ask: self.ask.clone(),
            vote: self.vote.0,
            velocity: self.velocity.clone(),
            pulses: vec![(name("here"), self.revision)],
            lengths: unfinished().map(|(run, journal)| (*run, journal.entries.len() as u64)).collect(),
            journals: if journals { unfinished().cloned().collect() } else { vec![] },
        }
    }
}

/// Answers everything that is wanted, until nothing is; what was called is kept.
fn answer(
    world: &mut World,
    keys: &mut Keys,
    calls: &mut Vec<alloc::string::String>,
    replies: &mut Vec<Said>,
) {
    while !world.wanted.is_empty() {
        let input = match world.wanted.remove(0) {
            Effect::Renew { nonce, session, .. } => {
                let answer = match session {
                    Some(old) if old != keys.session => Renewed::Gone,
                    _ => Renewed::Alive { session: keys.session, ttl: Span::secs(15) },
                };
                Input::Renewed { nonce, answer }
            }
            Effect::Transact(txn) => {
                let holds = txn.guards.iter().all(|guard| keys.holds(guard));
                if holds {
                    keys.revision += 1;
                    txn.writes.into_iter().for_each(|write| keys.write(write));
                }
                let found = alloc::boxed::Box::new(keys.found(txn.journals));
                let answer = if holds { Answer::Committed(found) } else { Answer::Refused(found) };
                Input::Answered { id: txn.id, answer }
            }
            Effect::Begin(call) => {
                calls.push(alloc::format!("{:?} {}", call.op, call.step));
                Input::Finished(Finished {
                    service: call.service,
                    run: call.run,
                    step: call.step,
                    undoing: call.undoing,
                    serial: call.token.serial,
                    reply: Reply::Done,
                    outputs: vec![],
                    mark: None,
                })
            }
            Effect::ReadBack { service, run, step, .. } => {
                Input::ReadBack { service, run, step, writable: true }
            }
            Effect::Reply { reply, .. } => {
                replies.push(reply);
                continue;
            }
            Effect::Cancel { .. } | Effect::Pace { .. } | Effect::CheckReferences { .. } => continue,
            Effect::Record { .. } => continue,
        };
        world.tell(input);
    }
}

struct Acted {
    world: World,
    keys: Keys,
    calls: Vec<alloc::string::String>,
    replies: Vec<Said>,
}

impl Acted {
    fn new() -> Acted {
        let mut acted = Acted { world: World::new(), keys: Keys::new(), calls: vec![], replies: vec![] };
        acted.world.tell(Input::Coordinator(Coordinator::There(ClusterId(1))));
        acted.run(Span::secs(30));
        acted
    }

    fn run(&mut self, span: Span) {
        for _ in 0..span.as_micros() / 100_000 {
            answer(&mut self.world, &mut self.keys, &mut self.calls, &mut self.replies);
            self.world.run(Span::millis(100));
        }
    }

    fn order(&mut self, verb: Verb) -> Option<Said> {
        let service = Some(self.world.shop());
        let order = Order { id: OrderId(1), who: "ann".into(), from: None, service, verb };
        self.world.tell(Input::Ordered(order));
        self.run(Span::secs(20));
        self.replies.pop()
    }

    fn record(&self) -> &Record {
        self.keys.record.1.as_ref().unwrap()
    }
}

#[test]
fn a_service_that_keeps_nothing_is_adopted_where_it_is_up_and_its_claim_is_taken() {
    let acted = Acted::new();
    assert_eq!(acted.record().active, name("east"), "{}", acted.world.why());
    let service = acted.world.state.service(acted.world.shop()).unwrap();
    assert_eq!(service.acting.as_ref().unwrap().claim, ClaimState::Holding);
    assert_eq!(acted.keys.claim.1.as_ref().unwrap().holder, name("here"));
    assert!(acted.keys.vote.1.as_ref().is_some_and(|vote| !vote.says.is_empty()));
}

#[test]
fn a_dead_region_fails_over_by_itself() {
    let mut acted = Acted::new();
    acted.world.up[0] = false;
    acted.run(Span::mins(2));
    let (why, events) = (acted.world.why(), &acted.world.events);
    assert_eq!(acted.record().active, name("west"), "{why}\n{events:#?}");
    assert_eq!(acted.record().run, None, "{why}");
    assert_eq!(acted.record().quarantined, [name("east")]);
    assert_eq!(acted.record().last_failover.as_ref().unwrap().outcome, Some(Outcome::Done));
    assert_eq!(acted.keys.velocity.1.started, [(name("shop"), RunId(acted.record().runs))]);
    assert_eq!(acted.calls, ["Do dns", "Verify dns"]);
    assert!(events.iter().any(|event| matches!(event, Event::Ended { outcome: Outcome::Done, .. })));
    assert_eq!(acted.record().epoch.0, 2);
}

#[test]
fn status_and_the_worst_case_are_read_from_what_is() {
    let mut acted = Acted::new();
    let now =
        |acted: &Acted| crate::time::Now { mono: acted.world.now, wall: crate::time::Wall::secs(1_000) };
    let status = |acted: &Acted| view::status(&acted.world.state, acted.world.shop(), now(acted)).unwrap();
    let rest = status(&acted);
    assert_eq!(rest.active, Some((name("east"), crate::authority::Epoch(1))));
    assert_eq!((rest.holder, rest.claim), (Some(name("here")), Some(ClaimState::Holding)));
    assert!(rest.regions.iter().all(|region| region.up && region.own.is_none() && !region.quarantined));
    acted.world.up[0] = false;
    acted.run(Span::mins(2));
    let moved = status(&acted);
    assert_eq!(moved.active, Some((name("west"), crate::authority::Epoch(2))));
    assert!(moved.regions[0].quarantined && moved.regions[0].own.is_some(), "{moved:?}");
    assert!(moved.runs.is_empty() && moved.last_failover.is_some_and(|(_, how)| how == Some(Outcome::Done)));
    let policy = &acted.world.state.policy;
    let worst = view::worst_cases(policy, &policy.services[0]);
    assert_eq!(worst.len(), 2, "one each way");
    let took = acted.world.events.iter().any(|event| matches!(event, Event::Started { by_itself: true, .. }));
    assert!(took && worst[0].to_start() < Span::mins(1) && worst[0].to_end() > worst[0].to_start());
}

#[test]
fn an_order_moves_it_and_pause_is_answered_once() {
    let mut acted = Acted::new();
    let accepts = crate::order::Accepts::default();
    let verb = Verb::Failover { to: Some(name("west")), plan: None, planned: true, accepts };
    let reply = acted.order(verb);
    assert!(matches!(reply, Some(Said::Started(_))), "{reply:?} {}", acted.world.why());
    acted.run(Span::secs(30));
    assert_eq!(acted.record().active, name("west"));
    assert_eq!(acted.order(Verb::Pause), Some(Said::Done));
    assert_eq!(acted.order(Verb::Pause), Some(Said::SoAlready));
    assert!(acted.record().paused);
    assert_eq!(acted.order(Verb::Release { region: name("east") }), Some(Said::Done));
    assert!(acted.replies.is_empty());
}

#[test]
fn an_ask_is_above_all_that_anybody_has_answered() {
    let mut acted = Acted::new();
    let shop = acted.world.shop();
    // An answer to an ask of which the coordinator, which was restored, knows nothing.
    acted.world.state.service_mut(shop).unwrap().votes.answer_myself(ObserverPos::at(0), 9);
    let accepts = crate::order::Accepts::default();
    acted.order(Verb::Failover { to: Some(name("west")), plan: None, planned: true, accepts });
    assert!(acted.world.events.contains(&Event::Asked { ask: 10 }));
    assert!(!acted.world.events.contains(&Event::Asked { ask: 1 }));
}

#[test]
fn what_was_answered_in_one_session_is_no_answer_in_the_next() {
    let mut acted = Acted::new();
    let shop = acted.world.shop();
    let accepts = crate::order::Accepts::default();
    acted.order(Verb::Failover { to: Some(name("west")), plan: None, planned: true, accepts });
    assert!(acted.keys.vote.1.as_ref().is_some_and(|vote| vote.answers == 1), "it answered");
    // A coordinator that was restored knows neither that session nor that ask; another may come by its number.
    acted.keys.session = SessionId(8);
    (acted.keys.claim, acted.keys.vote, acted.keys.ask) = ((0, None), (0, None), (0, None));
    acted.run(Span::secs(10));
    let vote = acted.keys.vote.1.as_ref().unwrap();
    assert_eq!(vote.answers, 0, "nobody has asked in this session");
    // What is asked there is looked at again, and answered.
    acted.keys.revision += 1;
    let ask = Ask { number: 2, by: name("there"), age: None };
    acted.keys.ask = (acted.keys.revision, Some(ask.clone()));
    let asked = acted.world.now;
    acted.world.tell(Input::Seen(Seen::Ask(shop, acted.keys.revision, ask)));
    acted.run(Span::secs(10));
    assert_eq!(acted.keys.vote.1.as_ref().unwrap().answers, 2, "{}", acted.world.why());
    let service = acted.world.state.service(shop).unwrap();
    assert!(service.ask.sampling.is_some_and(|from| from >= asked), "by what was seen since");
}

#[test]
fn a_vote_that_is_gone_is_written_again() {
    let mut acted = Acted::new();
    assert!(acted.keys.vote.1.is_some());
    acted.keys.vote = (0, None);
    acted.keys.revision += 1;
    let gone = Seen::Vote(acted.world.shop(), acted.keys.revision, name("here"), None);
    acted.world.tell(Input::Seen(gone.clone()));
    acted.run(Span::secs(1));
    assert!(acted.keys.vote.1.is_some(), "it went with its session");
    let written = acted.keys.vote.0;
    // What is told late is older than what was written since.
    acted.world.tell(Input::Seen(gone));
    acted.run(Span::secs(1));
    assert_eq!(acted.keys.vote.0, written);
}

#[test]
fn a_preview_shows_what_the_order_would_do_and_changes_nothing() {
    let mut acted = Acted::new();
    let now =
        |acted: &Acted| crate::time::Now { mono: acted.world.now, wall: crate::time::Wall::secs(1_000) };
    let shown =
        |acted: &Acted, verb: &Verb| view::preview(&acted.world.state, acted.world.shop(), verb, now(acted));
    let to = |region: Option<&str>| Verb::Failover {
        to: region.map(name),
        plan: None,
        planned: true,
        accepts: crate::order::Accepts::default(),
    };
    let rest = shown(&acted, &to(None)).unwrap();
    assert_eq!((rest.from, rest.at, rest.epoch.0), (Some(name("east")), Some(name("west")), 1));
    assert!(rest.open && rest.planned && rest.loss.is_none() && !rest.exposed, "{:?}", rest.gates);
    assert!(rest.lines.iter().any(|line| line.starts_with("step dns in west")), "{:?}", rest.lines);
    let candidate = rest.gates.iter().find(|gate| gate.gate == crate::decide::Gate::Candidate).unwrap();
    assert_eq!((candidate.says, &candidate.why), (view::Says::Passes, &None));
    assert_eq!(shown(&acted, &to(Some("east"))), Err(crate::order::Refused::AlreadyThere));
    assert_eq!(shown(&acted, &to(Some("moon"))), Err(crate::order::Refused::NoSuchRegion(name("moon"))));
    let home = Verb::Failback { accepts: crate::order::Accepts::default() };
    assert_eq!(shown(&acted, &home), Err(crate::order::Refused::NoWayHome));
    assert_eq!(shown(&acted, &Verb::Pause), Err(crate::order::Refused::NoSuchPlan));
    assert!(acted.calls.is_empty() && acted.record().active == name("east"));

    // With its hash and its epoch the order is what was shown; with those of another time it is not.
    let stale = crate::order::Accepts { epoch: Some(crate::authority::Epoch(9)), ..Default::default() };
    let order = Verb::Failover { to: None, plan: None, planned: true, accepts: stale };
    assert_eq!(acted.order(order), Some(Said::Refused(crate::order::Refused::Mismatch)));
    let accepts = crate::order::Accepts { epoch: Some(rest.epoch), hash: rest.hash, ..Default::default() };
    let order = Verb::Failover { to: Some(name("west")), plan: None, planned: true, accepts };
    assert!(matches!(acted.order(order), Some(Said::Started(_))));
    acted.run(Span::secs(30));

    // East has lost the role: the gate says so, and passes where it is named.
    let back = shown(&acted, &to(None)).unwrap();
    let blocks = |preview: &view::Preview| {
        let gates = preview.gates.iter().filter(|gate| gate.says == view::Says::Blocks);
        gates.map(|gate| gate.gate).collect::<Vec<_>>()
    };
    assert_eq!(blocks(&back), [crate::decide::Gate::Quarantine]);
    let named = crate::order::Accepts { gates: crate::decide::Gate::Quarantine.bit(), ..Default::default() };
    let passed =
        shown(&acted, &Verb::Failover { to: None, plan: None, planned: true, accepts: named }).unwrap();
    assert!(
        passed.open && passed.gates.iter().any(|gate| gate.says == view::Says::Passed && gate.why.is_some())
    );
}
