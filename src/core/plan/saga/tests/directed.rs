//! Runs that are told exactly what happens: each rule of SAFETY §4 and §7 where it can be seen.

use super::super::*;
use super::world::{Trouble, World, held, start};
use crate::authority::Token;
use crate::ids::Name;
use crate::plan::tests::{acting, action, exec, gate, lapse, made, n, ns, own, plan, raw, text};
use crate::plan::{
    ActsAs, Body, BodyDraft, By, DraftValue, DrillTarget, Entry, Filled, LateCall, Mode, OnFailure, Only, Op,
    Outcome, Own, Plan, PlanDraft, PlanKind, Reply, Retry, Settles, StepDraft, StepName, Stuck,
};
use crate::time::{Mono, Span};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

fn ann() -> By {
    By::Person(Arc::from("ann"))
}

fn name(step: &str) -> StepName {
    StepName::parse(step).unwrap()
}

fn fence() -> StepDraft {
    acting("fence", ActsAs::Fences)
        .with(|step| step.region = Some(raw("{from}")))
        .acting(|action| action.settles = Settles::Proved)
}

/// Fence, else lapse; then promote; then traffic.
fn failover() -> PlanDraft {
    let steps = alloc::vec![
        fence(),
        lapse("lapse"),
        acting("promote", ActsAs::Promotes),
        gate("gate").needing(&["promote"]),
    ];
    plan(PlanKind::Failover, steps).with(|plan| plan.fence = ns(&["fence", "lapse"]))
}

/// One run, and everything that it has wanted.
struct Told {
    run: Run,
    now: Mono,
    journal: Vec<Entry>,
    silent: Option<Mono>,
    commits: bool,
}

impl Told {
    fn of(plan: &Arc<Plan>, mode: Mode) -> Told {
        let (start, now) = (start(plan, Only::Unplanned, mode), Mono::after_boot(Span::secs(100)));
        let run = Run::new(Arc::clone(plan), start.clone(), now);
        Told { run, now, journal: alloc::vec![Entry::Started(start)], silent: None, commits: true }
    }

    /// Looks until nothing follows; every transaction is durable at once. What is left is wanted of others.
    fn look(&mut self) -> Vec<Want> {
        let mut left = Vec::new();
        loop {
            let up = |_: &Name| true;
            let silent_since = self.silent;
            let facts =
                Facts { held: Some(held(self.now)), up: &up, silent_since, page_again: Span::mins(10) };
            let (wants, _) = self.run.advance(&facts, self.now);
            let mut again = false;
            for want in wants {
                let (txn, entries) = match want {
                    Want::Append { txn, entries, .. } if self.commits => (txn, entries),
                    Want::End { txn, outcome, .. } if self.commits => {
                        (txn, alloc::vec![Entry::Ended(outcome)])
                    }
                    Want::Page(page) => {
                        self.hear(Heard::Recorded(page.clone()));
                        left.push(Want::Page(page));
                        again = true;
                        continue;
                    }
                    Want::Wake(_) => continue,
                    other => {
                        left.push(other);
                        continue;
                    }
                };
                self.journal.extend(entries);
                self.hear(Heard::Answered { txn, commit: Commit::Committed });
                again = true;
            }
            if !again {
                // What the core's own steps say of themselves is said one look later.
                self.now = self.now + Span::micros(1);
                let (more, _) = self.run.advance(&facts, self.now);
                for want in more {
                    match want {
                        Want::Append { txn, entries, .. } if self.commits => {
                            self.journal.extend(entries);
                            self.hear(Heard::Answered { txn, commit: Commit::Committed });
                            again = true;
                        }
                        Want::Wake(_) => {}
                        other => left.push(other),
                    }
                }
                if !again {
                    return left;
                }
            }
        }
    }

    fn hear(&mut self, heard: Heard) -> Option<Answer> {
        let told = self.run.tell(heard, self.now);
        assert!(told.cells.iter().all(|cell| !cell.is_impossible()), "{:?}", told.cells);
        told.answer
    }

    fn order(&mut self, verb: Verb) -> Answer {
        self.hear(Heard::Ordered(verb)).unwrap()
    }

    fn answer(&mut self, begun: &Want, reply: Reply) -> Vec<Want> {
        let Want::Begin { step, undoing, token, .. } = begun else { panic!("{begun:?}") };
        let (step, undoing, serial) = (step.clone(), *undoing, token.serial);
        self.hear(Heard::Finished { step, undoing, serial, reply, outputs: Vec::new() });
        self.look()
    }

    /// Answers the one call that is wanted, and the look at its effect.
    fn done(&mut self, wants: &[Want]) -> Vec<Want> {
        let looks = self.answer(&wants[0], Reply::Done);
        assert!(matches!(looks[0], Want::Begin { op: Op::Verify, .. }), "{looks:?}");
        self.answer(&looks[0], Reply::Done)
    }

    fn after(&mut self, span: Span) -> Vec<Want> {
        self.now = self.now + span;
        self.look()
    }

    fn takeover(&mut self) -> Vec<Want> {
        let (run, _) = Run::replay(Arc::clone(self.run.plan()), &self.journal, self.now).unwrap();
        self.run = run;
        self.look()
    }

    fn states(&self) -> Vec<String> {
        self.run.steps().map(|(name, state)| alloc::format!("{name} {state}")).collect()
    }
}

fn begins(wants: &[Want]) -> Vec<String> {
    wants
        .iter()
        .filter_map(|want| match want {
            Want::Begin { step, op, .. } => Some(alloc::format!("{op:?} {step}")),
            Want::ReadBack { step, region } => Some(alloc::format!("read back {region} for {step}")),
            _ => None,
        })
        .collect()
}

#[test]
fn the_first_fence_that_settles_leaves_the_others_out() {
    let mut it = Told::of(&made(&[failover()]), Mode::Live);
    let wants = it.look();
    assert_eq!(begins(&wants), ["Do fence"]);
    let wants = it.done(&wants);
    assert_eq!(begins(&wants), ["Do promote"]);
    assert_eq!(it.states(), ["fence Done", "lapse Not", "promote C", "gate W"]);
    let wants = it.done(&wants);
    assert_eq!(begins(&wants), ["read back west for gate"], "S12: before its intent");
    assert!(
        !it.run.served()
            && !it
                .journal
                .iter()
                .any(|entry| matches!(entry, Entry::Intent { step, .. } if *step == name("gate")))
    );
    it.hear(Heard::ReadBack { step: name("gate"), writable: false });
    assert_eq!(begins(&it.look()), [""; 0]);
    let again = it.after(Span::secs(1));
    assert_eq!(begins(&again), ["read back west for gate"]);
    it.hear(Heard::ReadBack { step: name("gate"), writable: true });
    let wants = it.look();
    assert_eq!(begins(&wants), ["Do gate"]);
    it.done(&wants);
    assert_eq!((it.run.state(), it.run.outcome()), (RunState::Ended, Some(Outcome::Done)));
    assert!(it.run.served());
}

#[test]
fn a_fence_of_a_dead_region_makes_room_for_the_next() {
    let mut it = Told::of(&made(&[failover()]), Mode::Live);
    let fence = it.look();
    assert_eq!(begins(&it.after(Span::mins(5))), [""; 0], "overdue, and a late call may still land");
    assert_eq!(it.states()[0], "fence U");
    let wants = it.after(Span::secs(59));
    assert_eq!(begins(&wants), [""; 0], "class none: a minute more");
    let wants = it.after(Span::secs(2));
    assert_eq!(begins(&wants), ["Observe fence"]);
    assert_eq!(it.answer(&fence[0], Reply::Done), [], "too late to count");
    it.answer(&wants[0], Reply::Unknown);
    assert_eq!(it.states()[..2], ["fence Skip", "lapse C"]);
    it.after(Span::secs(60));
    assert_eq!(it.states()[1], "lapse C", "the old side still gives a pulse");
    it.silent = Some(it.now);
    let early = it.after(Span::secs(29));
    assert_eq!(begins(&early), [""; 0]);
    let wants = it.after(Span::secs(2));
    assert_eq!(begins(&wants), ["Do promote"]);
}

#[test]
fn with_no_fence_settled_the_exposure_is_a_persons() {
    let draft = failover().with(|plan| {
        plan.fence = ns(&["fence"]);
        plan.steps.remove(1);
    });
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    let wants = it.look();
    let wants = it.answer(&wants[0], Reply::Refused);
    assert_eq!(wants, [Want::Page(Page::Held { nth: 1, why: HeldWhy::Exposure })]);
    assert_eq!(it.run.state(), RunState::Held);
    let accept = |matches| Verb::Accept { by: ann(), matches };
    assert_eq!(it.order(accept(false)), Answer::Refused(Why::Mismatch));
    assert_eq!(it.order(Verb::Skip { step: name("fence"), by: ann() }), Answer::Refused(Why::Final));
    assert_eq!(begins(&it.look()), [""; 0]);
    assert_eq!(it.order(accept(true)), Answer::Taken);
    assert_eq!(begins(&it.look()), ["Do promote"]);
}

#[test]
fn a_skipped_fence_unlocks_nothing() {
    let draft = failover().with(|plan| {
        plan.fence = ns(&["fence"]);
        plan.steps.remove(1);
    });
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    it.commits = false;
    assert!(!it.look().is_empty());
    assert_eq!(it.order(Verb::Skip { step: name("fence"), by: ann() }), Answer::Refused(Why::Settling));
    it.hear(Heard::Answered { txn: 1, commit: Commit::Refused });
    assert_eq!(it.order(Verb::Skip { step: name("fence"), by: ann() }), Answer::Taken);
    it.commits = true;
    it.look();
    assert_eq!(it.run.held(), Some(&HeldWhy::Exposure));
}

#[test]
fn nothing_goes_out_while_a_commit_is_in_doubt() {
    let mut it = Told::of(&made(&[failover()]), Mode::Live);
    it.commits = false;
    let wants = it.look();
    let [Want::Append { txn, length: 1, entries, moves: false }] = &wants[..] else { panic!("{wants:?}") };
    assert!(matches!(
        &entries[..],
        [Entry::Intent { op: Op::Do, serial: 41, attempt: 1, sent: Some(_), .. }]
    ));
    it.hear(Heard::Answered { txn: *txn, commit: Commit::Unknown });
    assert_eq!(it.after(Span::hours(1)), []);
    it.hear(Heard::Answered { txn: *txn, commit: Commit::Refused });
    let again = it.look();
    assert!(matches!(&again[..], [Want::Append { length: 1, .. }]), "{again:?}");
    it.hear(Heard::Answered { txn: 2, commit: Commit::Committed });
    let wants = it.look();
    let Want::Begin { token, .. } = &wants[0] else { panic!("{wants:?}") };
    let Token { epoch, serial, .. } = token;
    assert_eq!((epoch.0, *serial), (3, 42), "a serial is not used twice");
}

#[test]
fn an_abort_that_meets_an_intent_makes_no_call() {
    let mut it = Told::of(&made(&[failover()]), Mode::Live);
    it.commits = false;
    let wants = it.look();
    let Want::Append { txn, entries, .. } = &wants[0] else { panic!("{wants:?}") };
    assert_eq!(it.order(Verb::Abort { by: ann() }), Answer::Taken);
    it.journal.extend(entries.clone());
    it.hear(Heard::Answered { txn: *txn, commit: Commit::Committed });
    it.commits = true;
    let wants = it.look();
    assert_eq!(begins(&wants), [""; 0]);
    assert_eq!(it.states(), ["fence Not", "lapse Not", "promote Not", "gate Not"]);
    assert_eq!(it.run.outcome(), Some(Outcome::Undone));
}

#[test]
fn what_was_done_is_undone_newest_first() {
    let undoable = |step: StepDraft| step.acting(|action| action.undoable = true);
    let draft = plan(
        PlanKind::Repair,
        alloc::vec![
            undoable(exec("a", "x")),
            undoable(exec("b", "x")).needing(&["a"]),
            exec("c", "x").needing(&["b"]).with(|step| {
                step.on_failure = Some(OnFailure::Undo);
                step.retry = Some(Retry { times: 0, pause: Span::ZERO });
            }),
        ],
    );
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    let wants = it.look();
    let wants = it.done(&wants);
    let wants = it.done(&wants);
    assert_eq!(begins(&wants), ["Do c"]);
    let wants = it.answer(&wants[0], Reply::Transient);
    assert_eq!(begins(&wants), ["Undo b"]);
    assert_eq!(it.order(Verb::Abort { by: ann() }), Answer::Refused(Why::Stopping));
    let wants = it.done(&wants);
    assert_eq!(begins(&wants), ["Undo a"]);
    let wants = it.done(&wants);
    assert_eq!(wants, [Want::Page(Page::Ends(Outcome::Undone))]);
    assert_eq!(it.run.state(), RunState::Ended);
    let gone = it.order(Verb::HandOver { by: ann() });
    assert_eq!(gone, Answer::Refused(Why::Final));
}

#[test]
fn past_the_commit_point_an_abort_only_stops() {
    let mut it = Told::of(&made(&[failover()]), Mode::Live);
    let wants = it.look();
    let wants = it.done(&wants);
    let wants = it.answer(&wants[0], Reply::Done);
    assert_eq!(it.order(Verb::Abort { by: ann() }), Answer::Taken);
    assert_eq!(begins(&it.look()), [""; 0]);
    let wants = it.answer(&wants[0], Reply::Done);
    let why = HeldWhy::PastCommitPoint(name("promote"));
    assert_eq!(wants, [Want::Page(Page::Held { nth: 1, why })]);
    assert_eq!(it.after(Span::mins(10)).len(), 1, "told again");
    it.hear(Heard::Acknowledged);
    assert_eq!(it.after(Span::mins(10)), []);
    assert_eq!(it.order(Verb::HandOver { by: ann() }), Answer::Taken);
    it.look();
    assert_eq!(it.run.outcome(), Some(Outcome::HandedOver));
}

#[test]
fn a_successor_waits_as_the_class_says_before_it_looks() {
    for (class, waits) in [(LateCall::Checked, 0), (LateCall::Deadline, 303), (LateCall::None, 360)] {
        let draft =
            plan(PlanKind::Repair, alloc::vec![exec("a", "x").acting(|action| action.late_call = class)]);
        let mut it = Told::of(&made(&[draft]), Mode::Live);
        let first = it.look();
        let Want::Begin { not_after, .. } = &first[0] else { panic!("{first:?}") };
        assert_eq!(not_after.is_some(), class == LateCall::Deadline);
        it.now = it.now + Span::secs(1_000);
        let mut wants = it.takeover();
        if waits > 0 {
            assert_eq!(begins(&wants), [""; 0], "{class:?}");
            assert_eq!(begins(&it.after(Span::secs(waits - 1))), [""; 0]);
            wants = it.after(Span::secs(1));
        }
        assert_eq!(begins(&wants), ["Observe a"]);
        let wants = it.answer(&wants[0], Reply::NotDone);
        assert_eq!(begins(&wants), [""; 0]);
        let wants = it.after(Span::secs(2));
        assert_eq!(begins(&wants), ["Do a"]);
        let Want::Begin { token, .. } = &wants[0] else { panic!() };
        assert_eq!(token.serial, 43);
    }
}

#[test]
fn outputs_are_sent_as_they_were_journalled() {
    let giver = action("give", "http", |action| action.outputs = ns(&["endpoint"]));
    let taker = action("take", "http", |action| {
        action.keys.insert(Arc::from("to"), text("{steps.give.endpoint} {inputs.who} {run.token}"));
    })
    .needing(&["give"]);
    let draft = plan(PlanKind::Repair, alloc::vec![giver, taker]).with(|plan| {
        plan.inputs = alloc::vec![crate::plan::Input {
            name: n("who"),
            kind: crate::plan::InputType::Text,
            choices: Vec::new(),
            default: Some(raw("all")),
            pattern: None,
        }];
    });
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    let wants = it.look();
    let Want::Begin { token, .. } = &wants[0] else { panic!() };
    let outputs = alloc::vec![(n("endpoint"), Filled::One(Arc::from("db.example.com")))];
    let serial = token.serial;
    it.hear(Heard::Finished { step: name("give"), undoing: false, serial, reply: Reply::Done, outputs });
    let looks = it.look();
    let wants = it.answer(&looks[0], Reply::Done);
    let Want::Begin { sent, token, .. } = &wants[0] else { panic!("{wants:?}") };
    let Body::Action(action) = &sent.body else { panic!() };
    assert_eq!(action.preview(), [alloc::format!("to = \"db.example.com all {token}\"")]);
    let written = it
        .journal
        .iter()
        .any(|entry| matches!(entry, Entry::Intent { sent: Some(written), .. } if written == sent));
    assert!(written, "what is sent is what the journal holds");
    it.now = it.now + Span::secs(400);
    it.takeover();
    let wants = it.after(Span::secs(360));
    let Want::Begin { op: Op::Observe, sent: seen, .. } = &wants[0] else { panic!("{wants:?}") };
    assert_eq!(seen, sent, "a successor looks at what was sent");
}

#[test]
fn what_nobody_knows_is_not_sent() {
    let draft = plan(PlanKind::Repair, alloc::vec![exec("a", "{incident.id}")]);
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    let wants = it.look();
    let stuck = Stuck::NotFilled(crate::plan::RunTime::IncidentId);
    assert_eq!(wants, [Want::Page(Page::Held { nth: 1, why: HeldWhy::Stuck(name("a"), stuck) })]);
    assert_eq!(it.order(Verb::Skip { step: name("a"), by: ann() }), Answer::Taken);
    it.look();
    assert_eq!(it.run.outcome(), Some(Outcome::DoneWithExceptions));
}

#[test]
fn people_are_asked_until_the_time_is_over() {
    let ask = || own("ask", Own::Approve { text: raw("go?"), role: n("approver"), count: 2 });
    let draft = plan(PlanKind::Repair, alloc::vec![ask(), exec("a", "x").needing(&["ask"])]);
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    assert_eq!(it.look(), []);
    let approve = |by| Verb::Approve { step: name("ask"), by };
    assert_eq!(it.order(approve(ann())), Answer::Taken);
    assert_eq!(it.order(approve(ann())), Answer::Taken);
    assert_eq!(it.look(), [], "one person is one");
    assert_eq!(it.takeover(), []);
    assert_eq!(it.order(approve(By::Person(Arc::from("bob")))), Answer::Taken);
    assert_eq!(begins(&it.look()), ["Do a"], "the first word outlived the takeover");
    let draft = plan(PlanKind::Repair, alloc::vec![ask()]);
    let mut it = Told::of(&made(&[draft]), Mode::Live);
    it.look();
    let wants = it.after(Span::mins(5));
    assert_eq!(wants, [Want::Page(Page::Held { nth: 1, why: HeldWhy::Step(name("ask")) })]);
    assert_eq!(it.order(approve(ann())), Answer::Refused(Why::NotAsked));
    assert_eq!(it.order(Verb::Retry { step: name("ask"), by: ann() }), Answer::Taken);
    it.look();
    assert_eq!(it.order(approve(ann())), Answer::Taken, "asked anew");
}

#[test]
fn a_drill_is_pointed_elsewhere_and_a_preview_sends_nothing() {
    let drilled = exec("a", "real").acting(|action| {
        let mut keys = BTreeMap::new();
        keys.insert(Arc::from("argv"), DraftValue::List(alloc::vec![text("scratch")]));
        action.drill_target = Some(DrillTarget { keys, resource: None });
    });
    let draft = plan(PlanKind::Repair, alloc::vec![drilled, exec("b", "real").needing(&["a"])]);
    let draft = draft.with(|plan| {
        let BodyDraft::Action(action) = &mut plan.steps[1].body else { panic!() };
        action.allowed_in_inspect = false;
    });
    let plan = made(&[draft]);
    let mut it = Told::of(&plan, Mode::Drill);
    let wants = it.look();
    let Want::Begin { sent, .. } = &wants[0] else { panic!("{wants:?}") };
    let Body::Action(action) = &sent.body else { panic!() };
    assert_eq!(action.preview(), ["argv = [\"scratch\"]"]);
    let wants = it.done(&wants);
    assert_eq!(begins(&wants), [""; 0], "b is only shown");
    assert_eq!(it.run.outcome(), Some(Outcome::Done));
    let mut it = Told::of(&plan, Mode::Preview);
    assert_eq!(begins(&it.look()), [""; 0]);
    assert_eq!(it.run.state(), RunState::Ended);
    let shown = it.journal.iter().filter(|entry| matches!(entry, Entry::Intent { sent: Some(_), .. }));
    assert_eq!(shown.count(), 2, "what it would send stands in its journal");
}

#[test]
fn the_outcome_of_the_commit_point_moves_the_record_once() {
    let plan = made(&[failover()]);
    let mut world = World::new(&plan, start(&plan, Only::Planned, Mode::Live), Trouble::NONE, 1);
    assert!(world.play());
    assert_eq!(world.moved, 1);
    let began: Vec<String> =
        world.began.iter().map(|(step, op, _)| alloc::format!("{op:?} {step}")).collect();
    assert_eq!(
        began,
        ["Do fence", "Verify fence", "Do promote", "Verify promote", "Do gate", "Verify gate"]
            .map(|s| s.to_string())
    );
}
