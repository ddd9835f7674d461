//! A planted violation of each invariant, to show that its check reports it. Run before every ordinary run.

use std::sync::Arc;

use watchkeeper_core::agree::{
    Claim, Failover, Guard, Journal, Mode, Outcome, Purpose, Record, Request, RunId, Txn, TxnId, Unfinished,
    Velocity, Vote, Wanted, Where, Write,
};
use watchkeeper_core::authority::{ClusterId, Epoch, SessionId, Token};
use watchkeeper_core::effect::Call;
use watchkeeper_core::ids::{CellPos, PolicyHash, RegionPos, ServiceId};
use watchkeeper_core::input::Finished;
use watchkeeper_core::order::{Accepts, OrderId, Reply, Verb};
use watchkeeper_core::plan::Reply as Answered;
use watchkeeper_core::plan::{Entry, Only, Op, Plan, PlanHash, PlanKind, Sent, Start, StepName};
use watchkeeper_core::time::{Mono, Span};
use watchkeeper_core::verdict::{Say, Spoken};

use crate::fault::{Fault, Kind};
use crate::provider::Arrived;
use crate::recipe::{self, Recipe};
use crate::shape::{Shape, name};
use crate::world::World;
use crate::world::store::Notice;

const S: u64 = 1_000_000;
const NO: ServiceId = ServiceId::at(0);
const RUN: RunId = RunId(1);

/// One story that must not be, and the beginning of the line in which it must be reported.
type Planted = (&'static str, fn(&mut World<'_>));

const ALL: &[Planted] = &[
    ("S1 broken (truth)", |world| {
        world.users.services[0].accepting = 0b11;
        let (checks, scene) = world.scene();
        checks.look(&scene);
    }),
    ("S1 broken (letter)", |world| {
        let mut record = record(world);
        record.active = name("r1");
        commits(world, change(record));
    }),
    ("S2 broken (letter): serial", |world| {
        commits(world, append(vec![intent("scale", 7), intent("scale", 7)]));
    }),
    ("S2 broken (letter): Do", |world| {
        journal(world, vec![intent("scale", 7)]);
        let call = call(world, "scale", 7);
        handed(world, &call, 0);
        handed(world, &call, 0);
    }),
    ("S2 broken (truth)", |world| {
        journal(world, vec![intent("scale", 7), Entry::Ended(Outcome::Undone)]);
        let call = call(world, "scale", 7);
        arrives(world, &call);
    }),
    ("S3 broken (letter): Change", |world| {
        let mut record = record(world);
        record.serial = 9;
        sent(world, txn(Purpose::Change, vec![Guard::Record(1)], vec![Write::Record(Box::new(record))]));
    }),
    ("S3 broken (letter): something goes out", |world| {
        let first = txn(Purpose::Journal, vec![Guard::Claim(1)], Vec::new());
        let id = TxnId { number: 2, ..first.id };
        let other = Txn { id, ..first.clone() };
        sent(world, first.clone());
        world.checks.authority.answered(2, first.id, false);
        sent(world, other);
    }),
    ("S3 broken (letter): the epoch", |world| {
        let mut record = record(world);
        record.epoch = Epoch(0);
        commits(world, change(record));
    }),
    ("S3 broken (truth): a record", |world| {
        let mut record = record(world);
        record.epoch = Epoch(9);
        let (checks, scene) = world.scene();
        checks.commits(&scene, 9, &change(record));
    }),
    ("S3 broken (truth): a run took", |world| {
        let mut before = record(world);
        before.run = Some(Unfinished::live(RunId(8), name("failover"), PlanKind::Failover, name("r1")));
        world.store.services[0].record.1 = Some(before);
        starts(world, true, 7);
    }),
    ("S4 broken (letter)", |world| {
        let call = call(world, "scale", 7);
        handed(world, &call, 60 * S);
    }),
    ("S4 broken (truth)", |world| {
        world.store.services[0].claim.1 = None;
        let call = call(world, "scale", 7);
        handed(world, &call, 0);
    }),
    ("S5 broken (truth)", |world| {
        asked(world);
        for seen in &mut world.checks.votes.voted[0] {
            *seen = S;
        }
        starts(world, true, 7);
    }),
    ("S5 broken (letter)", |world| {
        world.store.services[0].ask.1 = None;
        starts(world, true, 7);
    }),
    ("S6 broken (letter)", |world| {
        asked(world);
        starts(world, true, 0);
    }),
    ("S7 broken (truth)", |world| {
        begin(world, Kind::RegionDies, 1);
        world.now += 100 * S;
        asked(world);
        starts(world, true, 7);
    }),
    ("S8 broken (letter)", |world| {
        let call = call(world, "scale", 7);
        handed(world, &call, 0);
    }),
    ("S8 broken (truth): promote before", |world| {
        journal(world, vec![intent("promote", 7)]);
        let call = call(world, "promote", 7);
        arrives(world, &call);
    }),
    ("S9 broken (truth)", |world| {
        starts(world, true, 7);
        world.now += 200 * S;
        world.providers.dbs[0][1].frozen = Some(S);
        world.users.services[0].written[0].until = None;
        let (checks, scene) = world.scene();
        checks.writes.planted(0, scene.now);
        checks.promotes(&scene, 0, 1);
    }),
    ("S10 broken (truth)", |world| {
        starts(world, true, 7);
        starts(world, true, 7);
    }),
    ("S11 broken (truth)", |world| {
        let mut before = record(world);
        before.paused = true;
        world.store.services[0].record.1 = Some(before);
        starts(world, true, 7);
    }),
    ("S12 broken (truth)", |world| {
        world.providers.zones[0].leads = 0b10;
        journal(world, vec![intent("dns", 7)]);
        let call = call(world, "dns", 7);
        arrives(world, &call);
    }),
    ("S13 broken (letter)", |world| {
        let call = call(world, "scale", 7);
        handed(world, &call, 0);
    }),
    ("S13 broken (truth)", |world| starts(world, false, 7)),
    ("S14 broken (truth): a failover began by itself while", |world| {
        asked(world);
        starts(world, true, 7);
    }),
    ("S14 broken (truth): nothing was wrong", |world| starts(world, true, 7)),
    ("S15 broken (letter)", |world| {
        journal(world, vec![intent("scale", 7)]);
        let mut call = call(world, "scale", 7);
        let other = self::call(world, "promote", 7);
        call.sent = other.sent;
        handed(world, &call, 0);
    }),
    ("S16 broken (truth): a failover", |world| {
        let mut before = record(world);
        before.quarantined = vec![name("r1")];
        world.store.services[0].record.1 = Some(before);
        starts(world, true, 7);
    }),
    ("S16 broken (truth): users", |world| {
        let mut before = record(world);
        (before.active, before.quarantined) = (name("r1"), vec![name("r0")]);
        world.store.services[0].record.1 = Some(before);
        world.providers.zones[0].leads = 1;
        journal(world, vec![intent("dns", 7)]);
        let call = call(world, "dns", 7);
        arrives(world, &call);
    }),
    ("S17 broken (letter)", |world| {
        journal(world, vec![intent("scale", 7)]);
        let mut call = call(world, "scale", 7);
        call.token.cluster = ClusterId(9);
        handed(world, &call, 0);
    }),
    ("S18 broken (truth)", |world| (0..4).for_each(|_| starts(world, true, 7))),
    ("L1 broken (truth)", |world| {
        begin(world, Kind::RegionDies, 0);
        world.now += 200 * S;
        world.look();
    }),
    ("L2 broken (letter)", |world| {
        journal(world, vec![intent("scale", 7)]);
        sent(world, append(vec![Entry::Ended(Outcome::Undone)]));
    }),
    ("L2 broken (truth)", |world| {
        journal(world, vec![intent("scale", 7)]);
        let mut before = record(world);
        before.run = Some(Unfinished::live(RUN, name("failover"), PlanKind::Failover, name("r1")));
        world.store.services[0].record.1 = Some(before);
        let (checks, scene) = world.scene();
        checks.liveness.committed(&scene, 0);
        world.now += 400 * S;
        let (checks, scene) = world.scene();
        checks.close(&scene);
    }),
    ("L3 broken (letter)", |world| world.replied(0, OrderId(99), &Reply::Done)),
    ("L3 broken (truth)", |world| {
        let what = String::from("a page");
        world.notices.push(Notice { by: 2, what, durable: world.now, tries: 0, delivered: None });
        world.now += 300 * S;
        world.close_notices();
    }),
    ("L5 broken (truth)", |world| {
        world.look();
        world.providers.zones[0].leads = 0b10;
        world.now += 300 * S;
        let (checks, scene) = world.scene();
        checks.close(&scene);
    }),
    ("L6 broken (truth)", |world| {
        begin(world, Kind::WebFails, 0);
        world.now += 200 * S;
        world.look();
    }),
    ("S1 broken (letter): a run began though", |world| {
        world.providers.dbs[0][1].primary = true;
        world.look();
        world.now += 100 * S;
        starts(world, true, 7);
    }),
    ("S1 broken (letter): a standby is promoted", |world| {
        journal(world, vec![intent("promote", 7)]);
        let call = call(world, "promote", 7);
        handed(world, &call, 0);
    }),
    ("S1 broken (letter): scale is taken back", |world| {
        journal(world, vec![heard("promote", 7)]);
        let mut call = call(world, "scale", 8);
        (call.undoing, call.op) = (true, Op::Undo);
        handed(world, &call, 0);
    }),
    ("S1 broken (truth): the old side", |world| {
        journal(world, Vec::new());
        commits(world, append(vec![heard("lapse", 7)]));
    }),
    ("S2 broken (letter): promote has no time", |world| {
        journal(world, vec![intent("promote", 7)]);
        let call = call(world, "promote", 7);
        handed(world, &call, 0);
    }),
    ("S3 broken (letter): a run began though", |world| {
        let by = holder(world);
        for (who, vote) in world.store.services[0].votes.iter_mut().enumerate() {
            let hash = PolicyHash(if who == by { 1 } else { 9 });
            *vote = (7, SessionId(1), Some(Vote { hash, answers: 5, says: Vec::new() }));
        }
        for who in (0..3).filter(|&who| who != by) {
            let vote = Vote { hash: PolicyHash(9), answers: 5, says: Vec::new() };
            let txn = txn(Purpose::Vote, Vec::new(), vec![Write::Vote(vote)]);
            let (checks, scene) = world.scene();
            checks.runs.voted(&scene, who, &txn);
        }
        world.now += 40 * S;
        starts(world, true, 7);
    }),
    ("S4 broken (letter): an unfit", |world| {
        let by = holder(world);
        world.truth.sick[by].full = true;
        let session = world.store.services[0].claim.1.as_ref().map(|claim| claim.session);
        for _ in 0..6 {
            let (checks, scene) = world.scene();
            checks.renews(&scene, by, session, false);
        }
    }),
    ("L2 broken (letter): somebody spins", |world| {
        for number in 0..300 {
            let id = TxnId { number, ..txn(Purpose::Read, Vec::new(), Vec::new()).id };
            sent(world, Txn { id, ..txn(Purpose::Read, Vec::new(), Vec::new()) });
        }
    }),
    ("S4 broken (letter): at rest", |world| {
        let session = world.store.sessions.first().map_or(SessionId(0), |session| session.id);
        world.store.services[0].claim = (1, Some(Claim { holder: name("o0"), session }));
        let (checks, scene) = world.scene();
        checks.close(&scene);
    }),
    ("S5 broken (letter): a failover began by itself on what", |world| {
        asked(world);
        starts(world, true, 7);
    }),
    ("S5 broken (letter): answers count", |world| {
        asked(world);
        world.now += 20 * S;
        let txn = start(world, true, 7, begun());
        sent(world, txn);
    }),
    ("S7 broken (letter): a failover began by itself to where", |world| {
        asked(world);
        starts(world, true, 7);
    }),
    ("S2 broken (letter): a run ends as undone", |world| {
        journal(world, vec![intent("scale", 7)]);
        commits(world, append(vec![Entry::Ended(Outcome::Undone)]));
    }),
    ("S2 broken (letter): scale is tried again", |world| {
        journal(world, vec![intent("scale", 7), look("scale", 8), unknown("scale", 8)]);
        commits(world, append(vec![intent("scale", 9)]));
    }),
    ("S1 broken (letter): a run is undone though", |world| {
        journal(world, vec![intent("scale", 7), look("scale", 8), unknown("scale", 8)]);
        commits(world, append(vec![Entry::Ended(Outcome::Undone)]));
    }),
    ("S1 broken (letter): something is taken back", |world| {
        journal(world, vec![intent("scale", 7)]);
        let step = StepName::own(name("stop"));
        let back = Entry::Intent { step, undoing: true, op: Op::Undo, attempt: 1, serial: 9, sent: None };
        commits(world, append(vec![back]));
    }),
    ("S5 broken (letter): an ask is answered", |world| {
        let ask = watchkeeper_core::agree::Ask { number: 5, by: name("o2"), age: None };
        world.store.services[0].ask = (50, Some(ask));
        world.store.services[0].asked_at = world.now;
        let vote = Vote { hash: PolicyHash(1), answers: 5, says: Vec::new() };
        sent(world, txn(Purpose::Vote, Vec::new(), vec![Write::Vote(vote)]));
    }),
    ("S8 broken (letter): promote is taken back", |world| {
        journal(world, vec![heard("dns", 7)]);
        let mut call = call(world, "promote", 8);
        (call.undoing, call.op) = (true, Op::Undo);
        handed(world, &call, 0);
    }),
    ("S8 broken (letter): Done is written", |world| {
        journal(world, vec![intent("scale", 7)]);
        let call = call(world, "scale", 7);
        handed(world, &call, 0);
        commits(world, append(vec![heard("scale", 7)]));
    }),
    ("S9 broken (letter): a failover began", |world| {
        world.now += 300 * S;
        starts(world, true, 7);
    }),
    ("S9 broken (letter): 0.0 s", |world| {
        world.providers.dbs[0][1].frozen = Some(S);
        let mut record = record(world);
        record.request = Some(Box::new(Request {
            number: 1,
            why: Wanted::Failback,
            plan: name("failover"),
            case: Where { from: Some(name("r0")), at: name("r1") },
            way: Only::Unplanned,
            hash: None,
            epoch: Epoch(1),
            policy: PolicyHash(1),
            loss: Some(Some(Span::ZERO)),
            exposure: false,
            gates: 0,
            given: Vec::new(),
        }));
        sent(world, change(record));
    }),
    ("S10 broken (letter)", |world| {
        let mut before = record(world);
        let mut failed = Failover::started(RunId(8), name("failover"), name("r0"));
        failed.outcome = Some(Outcome::Undone);
        before.last_failover = Some(failed);
        world.store.services[0].record.1 = Some(before);
        starts(world, true, 7);
    }),
    ("S13 broken (letter): an inspection began again", |world| {
        world.store.services[0].trigger = (9, Some(S));
        for _ in 0..2 {
            let start = Start { plan: name("look"), ..begun() };
            started(world, false, 7, start);
        }
    }),
    ("S14 broken (letter): down is said of what was never", |world| sent(world, down())),
    ("S14 broken (letter): down is said of what has just", |world| {
        for well in [false, true] {
            for region in 0..2 {
                for (_, kind) in recipe::PROBES {
                    world.checks.answers.sampled(world.now, 2, (0, region, kind), Some(well), false);
                }
            }
        }
        sent(world, down());
    }),
    ("S15 broken (letter): an approval", |world| {
        let accepts = Accepts { hash: Some(PlanHash([9; 32])), ..Accepts::default() };
        world.order(2, Some(NO), Verb::Approve { accepts });
        world.replied(2, OrderId(0), &Reply::Done);
    }),
    ("S16 broken (letter): r1", |world| {
        let mut before = record(world);
        before.quarantined = vec![name("r1")];
        world.store.services[0].record.1 = Some(before.clone());
        before.quarantined.clear();
        commits(world, change(before));
    }),
    ("S17 broken (truth)", |world| {
        journal(world, vec![intent("scale", 7)]);
        let call = call(world, "scale", 7);
        let by = holder(world);
        let (checks, scene) = world.scene();
        let mark = Some(Token { cluster: ClusterId(9), ..call.token });
        let (step, reply) = (call.step.clone(), Answered::Refused);
        let (service, run, undoing, serial, outputs) = (NO, RUN, false, 7, Vec::new());
        let finished = Finished { service, run, step, undoing, serial, reply, outputs, mark };
        checks.journals.finished(&scene, by, &finished);
        handed(world, &call, 0);
    }),
];

/// The same in a world whose scenarios only watch, and which nobody has asked to go home.
const ODD: &[Planted] = &[
    ("S13 broken (letter): what is only", |world| starts(world, true, 7)),
    ("S10 broken (truth): the way home", |world| {
        let mut start = begun();
        start.way = Only::Planned;
        started(world, false, 7, start);
    }),
];

/// The same where the only fence closes the users' way.
const CUT: &[Planted] =
    &[("S1 broken (letter): a failover began by itself, and no fence", |world| starts(world, true, 7))];

/// Each planted violation is reported under its name, and the same world without it is not.
pub(crate) fn all_are_reported() -> usize {
    report(Recipe::fenced(), ALL)
        + report(Recipe { observe: true, homing: true, ..Recipe::fenced() }, ODD)
        + report(Recipe { cut: true, ..Recipe::plain() }, CUT)
}

fn report(recipe: Recipe, all: &[Planted]) -> usize {
    let shape = Shape::new(3, 2, vec![recipe]);
    let world = || {
        let mut world = World::new(&shape, 1, Vec::new(), Vec::new(), false, false);
        world.ends = 60 * S;
        world.run();
        world
    };
    let sound = world();
    assert!(sound.checks.out.broken.is_empty(), "nothing was planted: {:?}", sound.checks.out.broken);
    for (line, plant) in all {
        let mut world = world();
        plant(&mut world);
        let broken = &world.checks.out.broken;
        assert!(broken.iter().any(|told| unplaced(told).starts_with(line)), "`{line}`: {broken:?}");
    }
    all.len()
}

/// A line without the event at which it was found.
fn unplaced(told: &str) -> String {
    match (told.find(" at event "), told.find(": ")) {
        (Some(at), Some(colon)) if at < colon => format!("{}{}", &told[..at], &told[colon..]),
        _ => String::from(told),
    }
}

fn plan(world: &World<'_>) -> Arc<Plan> {
    let service = &world.shape.policies[0].services[0];
    let plan = service.plan("failover").expect("a plan");
    let set = &service.plans[plan.index()].set;
    Arc::clone(set.case(RegionPos::at(0), RegionPos::at(1)).expect("a case"))
}

fn record(world: &World<'_>) -> Record {
    world.store.record(0).expect("a record").clone()
}

fn holder(world: &mut World<'_>) -> usize {
    if let Some(holder) = world.store.holder(0) {
        return holder;
    }
    let session = world.store.sessions.first().map_or(SessionId(0), |session| session.id);
    world.store.services[0].claim = (1, Some(Claim { holder: name("o2"), session }));
    2
}

fn txn(purpose: Purpose, guards: Vec<Guard>, writes: Vec<Write>) -> Txn {
    Txn { id: TxnId { service: NO, purpose, number: 1 }, guards, writes, journals: false }
}

fn change(record: Record) -> Txn {
    txn(Purpose::Change, Vec::new(), vec![Write::Record(Box::new(record))])
}

fn append(entries: Vec<Entry>) -> Txn {
    txn(Purpose::Journal, Vec::new(), vec![Write::Append(RUN, entries)])
}

fn intent(step: &str, serial: u64) -> Entry {
    let step = StepName::own(name(step));
    Entry::Intent { step, undoing: false, op: Op::Do, attempt: 1, serial, sent: None }
}

fn heard(step: &str, serial: u64) -> Entry {
    let step = StepName::own(name(step));
    Entry::Heard { step, undoing: false, serial, reply: Answered::Done, outputs: Vec::new() }
}

fn look(step: &str, serial: u64) -> Entry {
    let step = StepName::own(name(step));
    Entry::Intent { step, undoing: false, op: Op::Observe, attempt: 1, serial, sent: None }
}

fn unknown(step: &str, serial: u64) -> Entry {
    let step = StepName::own(name(step));
    Entry::Heard { step, undoing: false, serial, reply: Answered::Unknown, outputs: Vec::new() }
}

/// A vote that says that all is down.
fn down() -> Txn {
    let spoken =
        |at| Spoken { cell: CellPos::at(at), say: Say::Down, held: Span::ZERO, reading: None, fresh: false };
    let vote = Vote { hash: PolicyHash(1), answers: 0, says: (0..4).map(spoken).collect() };
    txn(Purpose::Vote, Vec::new(), vec![Write::Vote(vote)])
}

fn begun() -> Start {
    Start {
        run: RUN,
        plan: name("failover"),
        hash: None,
        way: Only::Unplanned,
        mode: Mode::Live,
        cluster: ClusterId(1),
        epoch: Epoch(1),
        serial: 0,
        given: Vec::new(),
        exposure_accepted: false,
    }
}

fn journal(world: &mut World<'_>, entries: Vec<Entry>) {
    let plan = plan(world);
    let entries = std::iter::once(Entry::Started(begun())).chain(entries).collect();
    world.store.services[0].journals.push((RUN, Journal { plan, entries }));
}

fn call(world: &World<'_>, step: &str, serial: u64) -> Call {
    let plan = plan(world);
    let step = StepName::own(name(step));
    let what = plan.step(plan.position(&step).expect("a step")).expect("a step");
    Call {
        service: NO,
        run: RUN,
        step: step.clone(),
        undoing: false,
        op: Op::Do,
        token: Token { cluster: ClusterId(1), epoch: Epoch(1), serial },
        sent: Arc::new(Sent { body: what.body.clone(), resource: what.resource.clone() }),
        not_after: None,
        deadline: Mono::micros(u64::MAX),
        until: Mono::micros(u64::MAX),
    }
}

fn commits(world: &mut World<'_>, txn: Txn) {
    let by = holder(world);
    let (checks, scene) = world.scene();
    checks.commits(&scene, by, &txn);
}

fn sent(world: &mut World<'_>, txn: Txn) {
    let (checks, scene) = world.scene();
    checks.sent(&scene, 2, &txn);
}

fn handed(world: &mut World<'_>, call: &Call, now: u64) {
    let (until, by) = (Mono::micros(50 * S), world.store.holder(0).unwrap_or(2));
    let session = world.store.services[0].claim.1.as_ref().map(|claim| claim.session);
    let (checks, scene) = world.scene();
    checks.handed(&scene, by, call, Mono::micros(now), Some(until), session, false);
}

fn arrives(world: &mut World<'_>, call: &Call) {
    let arrived = Arrived::read(call).expect("an action");
    let (checks, scene) = world.scene();
    let now = scene.now;
    checks.arrived(&scene, call, arrived, now, true);
}

/// Everybody was asked, and everybody has answered.
fn asked(world: &mut World<'_>) {
    let ask = watchkeeper_core::agree::Ask { number: 5, by: name("o2"), age: None };
    world.store.services[0].ask = (50, Some(ask));
    world.store.services[0].asked_at = world.now;
    for vote in &mut world.store.services[0].votes {
        let says = Vec::new();
        *vote = (7, SessionId(1), Some(Vote { hash: PolicyHash(1), answers: 5, says }));
    }
    let now = world.now;
    world.checks.votes.voted[0].fill(now);
}

/// A failover begins, counting votes of that revision.
fn starts(world: &mut World<'_>, by_itself: bool, votes: u64) {
    started(world, by_itself, votes, begun());
}

fn started(world: &mut World<'_>, by_itself: bool, votes: u64, start: Start) {
    let txn = self::start(world, by_itself, votes, start);
    commits(world, txn);
}

fn start(world: &World<'_>, by_itself: bool, votes: u64, start: Start) -> Txn {
    let plan = plan(world);
    let mut record = record(world);
    record.run = Some(Unfinished::live(RUN, name("failover"), PlanKind::Failover, name("r1")));
    if by_itself {
        record.automatic.push(RUN);
    }
    let entries = vec![Entry::Started(start)];
    let writes = vec![
        Write::Record(Box::new(record)),
        Write::Begin(RUN, Journal { plan, entries }),
        Write::Velocity(Velocity::default()),
    ];
    let guards = ["o0", "o1", "o2"].map(|who| Guard::Vote(name(who), votes)).to_vec();
    txn(Purpose::Start, guards, writes)
}

fn begin(world: &mut World<'_>, kind: Kind, region: usize) {
    let fault = Fault { kind, who: 0, region, from: 0, until: 0 };
    fault.set(&mut world.truth, true);
    world.look();
}
