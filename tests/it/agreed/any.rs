//! Anything that can be agreed on: records, votes, entries.

use std::sync::Arc;

use proptest::option::of as some;
use proptest::prelude::*;
use watchkeeper::core::agree::{
    Epoch, Failover, Head, Mode, Outcome, Owed, Record, Request, RunId, Try, Unfinished, Velocity, Vote,
    Wanted, Where,
};
use watchkeeper::core::authority::ClusterId;
use watchkeeper::core::ids::{CellPos, Name, PolicyHash};
use watchkeeper::core::plan::{
    Body, By, Entry, Filled, Only, Op, PlanHash, PlanKind, Reply, RunTime, Sent, Start, StepName, Stuck,
};
use watchkeeper::core::policy::Policy;
use watchkeeper::core::time::{Span, Wall};
use watchkeeper::core::verdict::{Reading, Say, Spoken};

use crate::toy::{self, name};

pub(super) fn names() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["east", "west", "o0", "o1", "failover", "l3", "a_b-c", "0"]).prop_map(name)
}

pub(super) fn steps() -> impl Strategy<Value = StepName> {
    prop_oneof![
        names().prop_map(StepName::own),
        (names(), names()).prop_map(|(a, b)| StepName::of_child(a, b))
    ]
}

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", Just("\"\n\u{0}{to}".to_owned())].prop_map(Arc::from)
}

pub(super) fn run() -> impl Strategy<Value = RunId> {
    (0..6_u64).prop_map(RunId)
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![Just(Span::ZERO), Just(Span::MAX), any::<u64>().prop_map(Span::micros)]
}

pub(super) fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Done, DoneWithExceptions, Expired, HandedOver, Refused, Superseded, Undone, Withdrawn};
    prop::sample::select(vec![
        Done,
        DoneWithExceptions,
        Undone,
        Superseded,
        HandedOver,
        Expired,
        Withdrawn,
        Refused,
    ])
}

fn kind() -> impl Strategy<Value = PlanKind> {
    prop::sample::select(vec![PlanKind::Failover, PlanKind::Repair, PlanKind::Rejoin, PlanKind::Inspect])
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Live, Mode::Drill, Mode::Preview])
}

fn way() -> impl Strategy<Value = Only> {
    prop::sample::select(vec![Only::Planned, Only::Unplanned])
}

fn hash() -> impl Strategy<Value = Option<PlanHash>> {
    proptest::option::of(any::<[u8; 32]>().prop_map(PlanHash))
}

fn filled() -> impl Strategy<Value = Filled> {
    prop_oneof![text().prop_map(Filled::One), prop::collection::vec(text(), 0..3).prop_map(Filled::Many)]
}

fn run_time() -> impl Strategy<Value = RunTime> {
    prop_oneof![
        Just(RunTime::RunId),
        Just(RunTime::RunToken),
        Just(RunTime::IncidentId),
        Just(RunTime::IncidentStarted),
        names().prop_map(RunTime::Input),
        names().prop_map(RunTime::Trigger),
        (steps(), names()).prop_map(|(step, name)| RunTime::Output(step, name)),
    ]
}

fn given() -> impl Strategy<Value = Vec<(RunTime, Filled)>> {
    prop::collection::vec((run_time(), filled()), 0..3)
}

fn unfinished() -> impl Strategy<Value = Unfinished> {
    (run(), names(), kind(), mode(), names(), proptest::option::of(span()))
        .prop_map(|(id, plan, kind, mode, at, longest)| Unfinished { id, plan, kind, mode, at, longest })
}

fn request() -> impl Strategy<Value = Request> {
    let why = prop_oneof![
        names().prop_map(Wanted::Scenario),
        Just(Wanted::Failback),
        Just(Wanted::Rejoin),
        any::<u64>().prop_map(Wanted::Owed),
        text().prop_map(Wanted::Evacuation),
    ];
    let loss = proptest::option::of(proptest::option::of(span()));
    let case = (proptest::option::of(names()), names()).prop_map(|(from, at)| Where { from, at });
    (
        (any::<u64>(), why, names(), case, way(), hash()),
        (any::<u64>(), any::<u128>(), loss, any::<bool>(), any::<u32>(), given()),
    )
        .prop_map(
            |((number, why, plan, case, way, hash), (epoch, policy, loss, exposure, gates, given))| {
                let (epoch, policy) = (Epoch(epoch), PolicyHash(policy));
                Request { number, why, plan, case, way, hash, epoch, policy, loss, exposure, gates, given }
            },
        )
}

pub(super) fn record() -> impl Strategy<Value = Record> {
    let list = || prop::collection::vec(names(), 0..3);
    let failover = (run(), names(), names(), proptest::option::of(outcome()), any::<[bool; 2]>()).prop_map(
        |(id, plan, from, outcome, [acknowledged, planned])| Failover {
            id,
            plan,
            from,
            outcome,
            acknowledged,
            planned,
        },
    );
    let head = (any::<u32>(), proptest::option::of(names()), any::<u64>(), any::<u32>()).prop_map(
        |(number, rung, first, acknowledged)| Head {
            number,
            rung,
            first_failed: Wall::micros(first),
            acknowledged,
        },
    );
    let tried =
        (run(), names(), proptest::option::of(names()), any::<u32>(), proptest::option::of(outcome()))
            .prop_map(|(run, plan, scenario, incident, outcome)| Try {
                run,
                plan,
                scenario,
                incident,
                outcome,
            });
    let owed = (run(), names(), names(), names(), proptest::option::of(run()), any::<u32>())
        .prop_map(|(run, scenario, plan, at, paid, tries)| Owed { run, scenario, plan, at, paid, tries });

    (
        (
            names(),
            any::<u64>(),
            some(unfinished()),
            prop::collection::vec(unfinished(), 0..2),
            any::<[u64; 2]>(),
            list(),
            list(),
        ),
        (
            some(failover),
            prop::collection::vec(run(), 0..3),
            any::<[bool; 2]>(),
            some(span()),
            some(list()),
            any::<u32>(),
        ),
        (some(head), prop::collection::vec(tried, 0..3), some(request()), prop::collection::vec(owed, 0..3)),
    )
        .prop_map(|(a, b, c)| {
            let (active, epoch, run, beside, [runs, serial], quarantined, rejoined) = a;
            let (last_failover, automatic, [paused, maintenance], paused_for, gate, incident) = b;
            let (head, tried, request, owes) = c;
            Record {
                active,
                epoch: Epoch(epoch),
                run,
                beside,
                runs,
                serial,
                quarantined,
                rejoined,
                last_failover,
                automatic,
                paused,
                paused_for,
                maintenance,
                gate,
                incident,
                head: head.map(Box::new),
                tried,
                request: request.map(Box::new),
                owes,
            }
        })
}

pub(super) fn velocity() -> impl Strategy<Value = Velocity> {
    prop::collection::vec((names(), run()), 0..4).prop_map(|started| Velocity { started })
}

/// Of the toy's service, which has two cells.
pub(super) fn vote() -> impl Strategy<Value = Vote> {
    let say = prop::sample::select(vec![Say::Unknown, Say::Up, Say::Slow, Say::Down]);
    let reading = proptest::option::of((span(), span()).prop_map(|(value, age)| Reading { value, age }));
    let spoken =
        (0..2_usize, say, span(), reading, any::<bool>()).prop_map(|(at, say, held, reading, fresh)| {
            Spoken { cell: CellPos::at(at), say, held, reading, fresh }
        });
    (any::<u128>(), any::<u32>(), prop::collection::vec(spoken, 0..3))
        .prop_map(|(hash, answers, says)| Vote { hash: PolicyHash(hash), answers, says })
}

fn sent() -> impl Strategy<Value = Arc<Sent>> {
    let policy: Arc<Policy> = toy::policy(0, 1);
    let plan = policy.services[0].plans[0].set.plans().next().expect("a case").clone();
    let bodies: Vec<(Body, _)> =
        plan.steps().iter().map(|step| (step.body.clone(), step.resource.clone())).collect();
    prop::sample::select(bodies).prop_map(|(body, resource)| Arc::new(Sent { body, resource }))
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let by = || prop_oneof![text().prop_map(By::Person), names().prop_map(By::Probe), Just(By::Run)];
    let op = prop::sample::select(vec![Op::Do, Op::Undo, Op::Observe, Op::Verify]);
    let reply = prop::sample::select(vec![
        Reply::Done,
        Reply::NotDone,
        Reply::Transient,
        Reply::Refused,
        Reply::Unknown,
    ]);
    let why = prop_oneof![
        run_time().prop_map(Stuck::NotFilled),
        run_time().prop_map(Stuck::NotAText),
        names().prop_map(Stuck::NotWritable),
    ];
    let start =
        ((run(), names(), hash(), way(), mode()), (any::<u128>(), any::<[u64; 2]>(), given(), any::<bool>()))
            .prop_map(
                |((run, plan, hash, way, mode), (cluster, [epoch, serial], given, exposure_accepted))| {
                    let (cluster, epoch) = (ClusterId(cluster), Epoch(epoch));
                    Entry::Started(Start {
                        run,
                        plan,
                        hash,
                        way,
                        mode,
                        cluster,
                        epoch,
                        serial,
                        given,
                        exposure_accepted,
                    })
                },
            );
    let outputs = prop::collection::vec((names(), filled()), 0..3);
    prop_oneof![
        start,
        (steps(), any::<bool>(), op, any::<u32>(), any::<u64>(), proptest::option::of(sent())).prop_map(
            |(step, undoing, op, attempt, serial, sent)| Entry::Intent {
                step,
                undoing,
                op,
                attempt,
                serial,
                sent
            }
        ),
        (steps(), any::<bool>(), any::<u64>(), reply, outputs).prop_map(
            |(step, undoing, serial, reply, outputs)| Entry::Heard { step, undoing, serial, reply, outputs }
        ),
        (steps(), any::<bool>(), any::<u64>()).prop_map(|(step, undoing, serial)| Entry::Expired {
            step,
            undoing,
            serial
        }),
        (steps(), by()).prop_map(|(step, by)| Entry::Approved { step, by }),
        (steps(), 0..200_usize, by()).prop_map(|(step, item, by)| Entry::Ticked { step, item, by }),
        (steps(), any::<bool>(), by()).prop_map(|(step, undoing, by)| Entry::Skipped { step, undoing, by }),
        (steps(), any::<bool>(), by()).prop_map(|(step, undoing, by)| Entry::Retried { step, undoing, by }),
        (steps(), any::<bool>(), why).prop_map(|(step, undoing, why)| Entry::Stuck { step, undoing, why }),
        by().prop_map(|by| Entry::Accepted { by }),
        by().prop_map(|by| Entry::Aborted { by }),
        Just(Entry::Superseded),
        by().prop_map(|by| Entry::HandedOver { by }),
        outcome().prop_map(Entry::Ended),
    ]
}
