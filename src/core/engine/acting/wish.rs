//! What a scenario wishes, from the wish to the start: its gates, its announcement, its approval. SAFETY §7's rows
//! Asked to Starting.
//!
//! It must never start what a gate blocks, nor drop a wish in silence: what is refused is told, once for each reason.

use alloc::boxed::Box;
use alloc::vec;

use super::flight::{Wish as Send, send};
use super::orders::on_approval;
use super::starting::{Begin, send_start};
use super::{asking, claim, running};
use crate::agree::{Guard, Outcome, Purpose, Record, Request, RunId, Try, Wanted, Where, Write};
use crate::decide::gates::{Answer, Gate, Passer, Reason};
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::engine::start::Decision;
use crate::event::{Decided, Event, Paged};
use crate::ids::Name;
use crate::plan::saga::{Cell, Heard, RunAnswer, RunInput, RunState, Verb, run_cell};
use crate::plan::{By, Case, Mode as Real, Only, PlanKind};
use crate::state::acting::Acting;
use crate::state::{Service, State};
use crate::time::{Now, Span};

/// What is blocked anyhow, and hangs on answers, is asked about so often.
pub(super) const SELDOM: Span = Span::secs(60);

/// A cell of the run's table was visited on the way to a start.
pub(super) fn visit(state: &mut State, run: RunState, input: RunInput) {
    state.saw(&[Cell::Run(run, input)]);
}

/// Where a wish stands that is no run yet; none: nobody wishes anything.
pub(super) fn stands(service: &Service, acting: &Acting) -> Option<RunState> {
    let record = acting.record.as_ref();
    match () {
        () if acting.flight.as_ref().is_some_and(|flight| flight.txn.id.purpose == Purpose::Start) => {
            Some(RunState::Starting)
        }
        () if record.is_some_and(|record| record.request.is_some()) => Some(RunState::Awaiting),
        () if acting.announced => Some(RunState::Announced),
        () if service.decided != Decided::Nothing && record.is_some_and(|record| record.run.is_none()) => {
            Some(RunState::Asked)
        }
        () => None,
    }
}

/// Something reaches a wish that is no run yet: its cell is come to. What follows from it is done where it follows.
pub(super) fn reaches(service: &Service, acting: &Acting, state: &mut State, input: RunInput) {
    if let Some(at) = stands(service, acting)
        && run_cell(at, input) != RunAnswer::Impossible
    {
        visit(state, at, input);
    }
}

/// Gates that block for a while, and are no refusal.
const fn passing() -> u32 {
    Gate::Quorum.bit()
        | Gate::Claim.bit()
        | Gate::SelfTrust.bit()
        | Gate::Run.bit()
        | Gate::Parallel.bit()
        | Gate::Dependency.bit()
        | Gate::Veto.bit()
}

/// Gates that hang on what everybody says when asked.
const fn by_answers() -> u32 {
    Gate::Candidate.bit()
        | Gate::EveryRegionDown.bit()
        | Gate::DataLoss.bit()
        | Gate::Requires.bit()
        | Gate::PolicyHash.bit()
}

/// Gates that an approval may pass.
pub(super) fn approvable() -> u32 {
    let lets = |gate: &&Gate| matches!(gate.passer(), Passer::Approval | Passer::OrderOrApproval);
    Gate::ALL.iter().filter(lets).fold(0, |set, gate| set | gate.bit())
}

/// Does what follows from what a scenario wishes, if nothing is on its way.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: Option<&Decision>,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    if !claim::may_write(acting, state, now.mono) {
        return;
    }
    let wished = decision.map(|decision| decision.wish);
    if wished != acting.wished {
        turned(service, acting, state, wished, now);
    }
    let Some(decision) = decision else {
        (acting.refused, acting.vain) = (None, None);
        acting.announced = false;
        return withdraw(service, acting, state, now, out);
    };
    let gates = &decision.gates;
    let kind = service.policy.plans.get(decision.wish.plan.index()).map(|plan| plan.set.kind);
    let run = acting.record.as_ref().and_then(|record| record.run.as_ref());
    let supersedes = kind == Some(PlanKind::Failover) && run.is_some_and(|run| run.kind == PlanKind::Repair);
    if run.is_some() && kind != Some(PlanKind::Inspect) && !supersedes {
        // It waits for the run to end: nobody has to look again for that.
        return;
    }
    if let Answer::Blocks(Reason::NotAsked | Reason::AnswersDisagree | Reason::FewAnswers { .. }) =
        gates.answer(Gate::Quorum)
    {
        if rests(service, acting, gates.shape(), now, wake) {
            acting.vain = None;
            return tell_again(service, acting, state, decision, now, wake, out);
        }
        in_vain(service, acting, state, decision, now, wake, out);
        asking::ask(service, acting, state, now, wake, out);
        return;
    }
    announce(service, acting, state);
    let shape = gates.shape();
    let waits = Gate::Dependency.bit() | Gate::Parallel.bit() | Gate::Quorum.bit();
    if shape & waits == 0 {
        acting.vain = None;
    }
    if shape == 0 {
        return start(service, acting, state, decision, now, wake, out);
    }
    if shape == Gate::Run.bit() && supersedes {
        if !supersede(acting, state, now, wake) {
            // Who holds that run is paged, and so is everybody for what waits behind it.
            refuse(service, acting, state, decision, shape, out);
        }
        return;
    }
    let lasting = shape & !passing();
    if shape & Gate::Mode.bit() != 0 || shape & (passing() & !Gate::Veto.bit()) != 0 || lasting == 0 {
        let narrow = gates.answer(Gate::Quorum) == Answer::Blocks(Reason::Narrow);
        if narrow || shape & (Gate::Dependency.bit() | Gate::Parallel.bit()) != 0 {
            // What it waits for may never come: people are told, if it takes long.
            in_vain(service, acting, state, decision, now, wake, out);
        }
        return;
    }
    refuse(service, acting, state, decision, lasting, out);
    if lasting & !approvable() == 0 && decision.wish.case.is_some() {
        request(service, acting, state, decision, lasting, now, wake, out);
    } else {
        remember(service, acting, state, decision, lasting, now, out);
    }
}

/// Another wish than before, or none: what was wished is not, unless it is a run by now.
fn turned(
    service: &Service,
    acting: &mut Acting,
    state: &mut State,
    wished: Option<crate::event::Wish>,
    now: Now,
) {
    let before = core::mem::replace(&mut acting.wished, wished);
    let kind =
        |wish: crate::event::Wish| service.policy.plans.get(wish.plan.index()).map(|plan| plan.set.kind);
    let Some(old) = before else { return };
    if wished.is_some_and(|new| new.plan != old.plan) {
        // What was told of the one plan was not told of the other, though the same gates may be in its way.
        (acting.refused, acting.vain) = (None, None);
    }
    let at = match stands(service, acting) {
        Some(at) => at,
        None if acting.announced => RunState::Announced,
        None => RunState::Asked,
    };
    let holds = service.scenarios.get(old.scenario.index()).is_some_and(|kept| kept.arming.holds().is_some());
    match wished {
        // It has been started, or waits for another time: the trouble is still there.
        None if holds => {}
        None if acting.record.as_ref().is_some_and(|record| record.run.is_some()) => {
            running::tell_all(acting, state, &Heard::VerdictUp, now);
        }
        None => visit(state, at, RunInput::VerdictUp),
        Some(new) if kind(old) == Some(PlanKind::Repair) && kind(new) == Some(PlanKind::Failover) => {
            visit(state, at, RunInput::Supersede);
        }
        Some(new) if old.case != new.case => visit(state, at, RunInput::Changed),
        Some(_) => {}
    }
}

/// Whether nobody needs to be asked now: whatever the answers were, it would not start, and that was told. Where a gate
/// hangs on answers they are asked for now and then.
fn rests(service: &Service, acting: &Acting, shape: u32, now: Now, wake: &mut Wake) -> bool {
    let lasting = shape & !passing();
    let record = acting.record.as_ref();
    let old = record.and_then(|record| Some((record, record.request.as_ref()?))).is_some_and(
        |(record, request)| request.epoch != record.epoch || request.policy != service.policy.hash,
    );
    // A run that a person holds is in the way: nothing is asked before it is not any more.
    if shape & Gate::Run.bit() != 0 && acting.refused == Some(Gate::Run.bit()) {
        return true;
    }
    let told = lasting != 0 && acting.refused == Some(lasting) && !old;
    if told && lasting & by_answers() == 0 {
        return true;
    }
    let seldom = (told || shape & Gate::Mode.bit() != 0).then_some(acting.asked).flatten();
    let next = seldom.map(|at| at + SELDOM).filter(|at| *at > now.mono);
    wake.at(next);
    next.is_some()
}

/// Answers that are asked for and do not come, or do not agree, are no reason to be silent for ever.
fn in_vain(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: &Decision,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let shape = decision.gates.shape();
    let since = *acting.vain.get_or_insert(now.mono);
    // That fewer gates are in the way than was told is no news.
    if shape & Gate::Mode.bit() != 0 || acting.refused.is_some_and(|told| shape & !told == 0) {
        return;
    }
    if since + SELDOM > now.mono {
        return wake.at(Some(since + SELDOM));
    }
    refuse(service, acting, state, decision, shape, out);
}

/// What waits for a person is told again when it is time.
fn tell_again(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: &Decision,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let scenario = service.policy.scenarios.get(decision.wish.scenario.index());
    let request = acting.record.as_ref().and_then(|record| record.request.as_ref());
    let waits = scenario
        .zip(request)
        .is_some_and(|(scenario, request)| request.why.scenario() == Some(&scenario.name));
    if waits {
        tell(service, acting, state, now, wake, out);
    }
}

/// An announcement begins, is over, or is dropped since other gates came to block.
fn announce(service: &Service, acting: &mut Acting, state: &mut State) {
    let announced = service.announced.is_some();
    if announced && !acting.announced {
        visit(state, RunState::Asked, RunInput::VetoTime);
    } else if !announced && acting.announced {
        visit(state, RunState::Announced, RunInput::Changed);
    }
    acting.announced = announced;
}

fn start(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: &Decision,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let Some(case) = decision.wish.case else { return };
    if drill_first(acting, state, now, wake) {
        return;
    }
    let mut begin = Begin::new(decision.wish.plan, case);
    begin.scenario = Some(decision.wish.scenario);
    begin.by_itself = true;
    begin.counted = decision.counted;
    if acting.announced {
        visit(state, RunState::Announced, RunInput::TimeOver);
        acting.announced = false;
    }
    if send_start(service, acting, state, begin, now, out) {
        visit(state, RunState::Asked, RunInput::GatesPass);
    }
}

/// A live run ends a drill first. Whether there is one to wait for.
pub(super) fn drill_first(acting: &mut Acting, state: &mut State, now: Now, wake: &mut Wake) -> bool {
    let drill = acting.runs.iter_mut().find(|carried| carried.run.start().mode == Real::Drill);
    let Some(carried) = drill else { return false };
    if carried.run.stoppable() {
        running::stop(carried, state, now);
        wake.at(Some(now.mono + crate::time::Span::micros(1)));
    } else {
        hand_over(carried, state, now);
    }
    true
}

/// A drill that was told to stop and cannot be undone is a person's: nothing real waits for it.
fn hand_over(carried: &mut crate::state::acting::Carried, state: &mut State, now: Now) {
    if carried.run.state() == RunState::Held && !carried.run.is_writing() {
        let told = carried.run.tell(Heard::Ordered(Verb::HandOver { by: By::Run }), now.mono);
        state.saw(&told.cells);
    }
}

/// A failover takes the place of a repair, at a step boundary; it starts when that has ended. False: what runs is a
/// person's, and stays so until that person says otherwise.
fn supersede(acting: &mut Acting, state: &mut State, now: Now, wake: &mut Wake) -> bool {
    let run = acting.record.as_ref().and_then(|record| record.run.as_ref());
    let Some((id, kind)) = run.map(|run| (run.id, run.kind)) else { return true };
    let Some(carried) = acting.runs.iter_mut().find(|carried| carried.run.start().run == id) else {
        return true;
    };
    if carried.run.state() == RunState::Held {
        if acting.refused != Some(Gate::Run.bit()) {
            // It is told so once, and says no.
            let told = carried.run.tell(Heard::Superseded, now.mono);
            state.saw(&told.cells);
        }
        return false;
    }
    if kind == PlanKind::Repair && carried.run.stoppable() {
        let told = carried.run.tell(Heard::Superseded, now.mono);
        state.saw(&told.cells);
        wake.at(Some(now.mono + Span::micros(1)));
    }
    true
}

/// What is refused is told, once for each set of reasons.
fn refuse(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: &Decision,
    lasting: u32,
    out: &mut Out,
) {
    if acting.refused == Some(lasting) {
        return;
    }
    acting.refused = Some(lasting);
    visit(state, RunState::Asked, RunInput::GateBlocks);
    if lasting & !on_approval() != 0 {
        out.record(service, Event::Paged(Paged::Refused(decision.wish, lasting)));
    }
}

/// What a gate refuses was tried for this incident: other scenarios may hang on that.
fn remember(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    decision: &Decision,
    lasting: u32,
    now: Now,
    out: &mut Out,
) {
    let Some(record) = &acting.record else { return };
    let mut next = record.clone();
    if tried(service, &mut next, decision, lasting) {
        change(service, acting, state, next, now, out);
    }
}

/// Remembers a refusal, once for each incident. Whether that is new.
fn tried(service: &Service, next: &mut Record, decision: &Decision, lasting: u32) -> bool {
    let plan = service.policy.plans.get(decision.wish.plan.index());
    let scenario = service.policy.scenarios.get(decision.wish.scenario.index());
    let (Some(plan), Some(scenario)) = (plan, scenario) else { return false };
    let incident = service.incident.number();
    let known = next.tried.iter().any(|tried| {
        (&tried.plan, tried.incident) == (&plan.name, incident)
            && tried.scenario.as_ref() == Some(&scenario.name)
    });
    if known || lasting & !on_approval() == 0 {
        return false;
    }
    next.runs += 1;
    next.tried.push(Try {
        run: RunId(next.runs),
        plan: plan.name.clone(),
        scenario: Some(scenario.name.clone()),
        incident,
        outcome: Some(Outcome::Refused),
    });
    super::starting::forget(&mut next.tried);
    true
}

/// A person must agree: what would be done is written down and told.
#[expect(
    clippy::too_many_arguments,
    reason = "what is shown to people, and everything that it is taken from"
)]
fn request(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    decision: &Decision,
    lasting: u32,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let (Some(record), Some(case)) = (acting.record.clone(), decision.wish.case) else { return };
    let Some(scenario) = service.policy.scenarios.get(decision.wish.scenario.index()) else { return };
    let why = Wanted::Scenario(scenario.name.clone());
    let mut next = record.clone();
    let refused = tried(service, &mut next, decision, lasting);
    let fresh =
        of(service, &record, why, decision.wish.plan, case, Only::Unplanned, &decision.situation, lasting);
    let Some(fresh) = fresh else { return };
    match &record.request {
        // An evacuation is somebody's order already.
        Some(there) if there.why.is_evacuation() => {}
        Some(there) if same(there, &fresh) => {
            tell(service, acting, state, now, wake, out);
            if refused {
                change(service, acting, state, next, now, out);
            }
        }
        there => {
            if there.is_some() {
                visit(state, RunState::Awaiting, RunInput::Changed);
            }
            visit(state, RunState::Asked, RunInput::ApprovalNeeded);
            next.request = Some(Box::new(fresh));
            change(service, acting, state, next, now, out);
        }
    }
}

/// Whether an approval of the one covers the other: all but what grows with time by itself.
fn same(there: &Request, fresh: &Request) -> bool {
    let of = |request: &Request| {
        (
            request.plan.clone(),
            request.case.clone(),
            request.way,
            request.hash,
            request.epoch,
            request.policy,
            request.exposure,
            request.gates,
        )
    };
    there.why == fresh.why && of(there) == of(fresh) && there.loss.is_some() == fresh.loss.is_some()
}

/// What is requested, as it is shown.
#[expect(clippy::too_many_arguments, reason = "a request shows everything that an approval covers")]
pub(super) fn of(
    service: &Service,
    record: &Record,
    why: Wanted,
    plan: crate::ids::PlanPos,
    case: Case,
    way: Only,
    situation: &crate::decide::Situation,
    gates: u32,
) -> Option<Request> {
    let policy = service.policy.plans.get(plan.index())?;
    let region =
        |at: crate::ids::RegionPos| -> Option<Name> { service.policy.regions.get(at.index()).cloned() };
    Some(Request {
        number: record.next_request(),
        why,
        plan: policy.name.clone(),
        case: Where { from: case.from().and_then(region), at: region(case.acts_in())? },
        way,
        hash: policy.set.hash(case),
        epoch: record.epoch,
        policy: service.policy.hash,
        loss: situation.loss,
        exposure: situation.unfenced,
        gates,
        given: alloc::vec::Vec::new(),
    })
}

/// People are told of what waits for them, again and again.
pub(super) fn tell(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let Some(request) = acting.record.as_ref().and_then(|record| record.request.as_deref()) else { return };
    let within = request.why.scenario().and_then(|name| service.policy.scenario(name.as_str()));
    let within = within.and_then(|at| service.policy.follows.get(at.index()));
    let within = within.map_or(crate::time::Span::mins(15), |follows| follows.approval_within);
    match acting.requested {
        Some((number, at)) if number == request.number && now.mono < at + within => {
            wake.at(Some(at + within));
        }
        before => {
            wake.at(Some(now.mono + within));
            if before.is_some_and(|(number, _)| number == request.number) {
                visit(state, RunState::Awaiting, RunInput::TimeOver);
            }
            let number = request.number;
            acting.requested = Some((number, now.mono));
            out.record(service, Event::Requested(Some(number)));
            out.record(service, Event::Paged(Paged::Approve(number)));
        }
    }
}

/// The trouble has passed: what was requested for it is not wanted any more.
fn withdraw(service: &mut Service, acting: &mut Acting, state: &mut State, now: Now, out: &mut Out) {
    let Some(record) = &acting.record else { return };
    let Some(request) = &record.request else { return };
    let Some(name) = request.why.scenario() else { return };
    // A scenario that only waits behind another, or for its turn, still holds.
    let holds = service.policy.scenario(name.as_str()).and_then(|at| service.scenarios.get(at.index()));
    if holds.is_some_and(|kept| kept.arming.holds().is_some()) && record.run.is_none() {
        return;
    }
    visit(state, RunState::Awaiting, RunInput::VerdictUp);
    unrequest(service, acting, state, now, out);
}

/// What is requested is not wanted any more, and people are told.
pub(super) fn unrequest(service: &mut Service, acting: &mut Acting, state: &State, now: Now, out: &mut Out) {
    let Some(mut next) = acting.record.clone() else { return };
    next.request = None;
    acting.requested = None;
    out.record(service, Event::Requested(None));
    change(service, acting, state, next, now, out);
}

/// Writes the record, by the holder.
pub(super) fn change(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    next: Box<Record>,
    now: Now,
    out: &mut Out,
) {
    let Some(session) = state.seat.session.id().filter(|_| acting.read == service.known.record_revision)
    else {
        return;
    };
    let guards = vec![Guard::Session(session), Guard::Claim(acting.created), Guard::Record(acting.read)];
    send(acting, service, Send::new(Purpose::Change, guards, vec![Write::Record(next)]), now, out);
}
