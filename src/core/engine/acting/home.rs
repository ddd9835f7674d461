//! What is wished at rest, by no scenario: a returning region's rejoin, the way home, what ended runs owe, and regions
//! that somebody ordered to be left.
//!
//! None of it is urgent: it never starts while anything is wrong, and never in the way of what is.

use super::looks::{Look, Query, look_for};
use super::orders::on_approval;
use super::starting::{Begin, send_start};
use super::{asking, claim, wish};
use crate::agree::{Outcome, Record, Request, RunId, Try, Wanted};
use crate::decide::gates::{Answer, Gate, Mode, Reason};
use crate::decide::{By, Limits};
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::ids::{Name, PlanPos, RegionPos, ServiceId};
use crate::mutants::{self, Mutant};
use crate::plan::{Only, PlanKind};
use crate::severity::Stage;
use crate::state::acting::Acting;
use crate::state::{Moments, Service, State};
use crate::time::{Mono, Now, Span};
use crate::verdict::Priority;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Something that is wished at rest.
struct Wished {
    why: Wanted,
    plan: PlanPos,
    at: RegionPos,
    planned: bool,
    mode: Mode,
}

/// Does what is due of it, if nothing is on its way.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    if !claim::may_write(acting, state, now.mono) {
        return;
    }
    let Some(record) = acting.record.as_deref() else { return };
    if record.run.is_some() || acting.foreign.is_some() {
        return;
    }
    if record.request.as_ref().is_some_and(|request| request.why.is_evacuation()) {
        return;
    }
    let (cleared, home) = (&mut acting.cleared, &mut acting.home);
    let Some(wished) = wished(service, record, cleared, home, now, wake) else { return };
    let record = &record.clone();
    let by = if wished.mode == Mode::Auto { By::Itself } else { By::Approval };
    let named = if by == By::Approval { on_approval() } else { 0 };
    let query = Query {
        plan: wished.plan,
        at: Some(wished.at),
        by,
        planned: wished.planned,
        mode: Some(wished.mode),
        named,
        scenario: None,
    };
    if record.request.as_ref().is_some_and(|there| shown(service, record, there, &wished.why)) {
        wish::tell(service, acting, state, now, wake, out);
        // What could start by itself, once nothing is in the way any more, is looked at now and then.
        let next = acting.asked.filter(|_| by == By::Itself).map(|at| at + wish::SELDOM);
        if next.is_none_or(|next| next > now.mono) {
            return wake.at(next);
        }
    }
    let Some(look) = look_for(service, state, moments, &query, now) else { return };
    if waits(service, acting, state, &look, now, wake, out) {
        return;
    }
    let Some(case) = look.case else { return };
    if by == By::Itself && look.gates.open() {
        if wish::drill_first(acting, state, now, wake) {
            return;
        }
        let mut begin = Begin::new(wished.plan, case);
        begin.way = if wished.planned { Only::Planned } else { Only::Unplanned };
        // Automatic ways home are moves like any other: they count.
        begin.by_itself = true;
        begin.counted = look.counted;
        begin.pays = wished.why.owed();
        send_start(service, acting, state, begin, now, out);
        return;
    }
    if look.gates.shape() & !wish::approvable() != 0 {
        // What nobody may pass is no question for people; why it blocks, they are told elsewhere.
        return;
    }
    let shape = look.gates.shape() | if by == By::Approval { Gate::Approval.bit() } else { 0 };
    ask_people(service, acting, state, record, &wished, &look, shape, now, wake, out);
}

/// Leaves a region that somebody ordered to be left, if it is this service's turn; whatever a scenario wishes meanwhile.
/// True: that is under way.
pub(super) fn leaves(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> bool {
    if !claim::may_write(acting, state, now.mono) {
        return false;
    }
    let Some(record) = acting.record.as_deref().filter(|record| record.run.is_none()) else { return false };
    match evacuation(service, record, state, now, wake) {
        Some(wished) => leave(service, acting, state, moments, &wished, now, wake, out),
        None => {
            acting.stays = None;
            false
        }
    }
}

/// Whether what is requested is this, as an approval could still cover it.
fn shown(service: &Service, record: &Record, there: &Request, why: &Wanted) -> bool {
    there.why == *why && there.epoch == record.epoch && there.policy == service.policy.hash
}

/// What was requested at rest and has no reason any more is not wanted.
pub(super) fn withdraw(service: &mut Service, acting: &mut Acting, state: &State, now: Now, out: &mut Out) {
    if !claim::may_write(acting, state, now.mono) {
        return;
    }
    let Some(record) = acting.record.as_deref().filter(|record| record.run.is_none()) else { return };
    let Some(request) = record.request.as_deref() else { return };
    let at = &request.case.at;
    let wanted = match &request.why {
        // That is looked at with its scenario.
        Wanted::Scenario(_) => true,
        Wanted::Failback => {
            let home = way_home(service, record).and_then(|(_, at)| service.policy.regions.get(at.index()));
            home == Some(at) && !record.quarantined.contains(at)
        }
        Wanted::Rejoin => record.quarantined.contains(at) && !record.rejoined.contains(at),
        Wanted::Owed(run) => record.owes.iter().any(|owed| owed.run.0 == *run && owed.paid.is_none()),
        Wanted::Evacuation(_) => request.case.from.as_ref() == Some(&record.active),
    };
    if !wanted {
        wish::unrequest(service, acting, state, now, out);
    }
}

/// Whether it must wait: for answers, for its turn, for somebody else.
fn waits(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    look: &Look,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> bool {
    if let Answer::Blocks(Reason::NotAsked | Reason::FewAnswers { .. }) = look.gates.answer(Gate::Quorum) {
        asking::ask(service, acting, state, now, wake, out);
        return true;
    }
    let later =
        [Gate::Quorum, Gate::Claim, Gate::SelfTrust, Gate::Run, Gate::Parallel, Gate::Dependency, Gate::Mode];
    later.iter().any(|gate| matches!(look.gates.answer(*gate), Answer::Blocks(_)))
}

#[expect(
    clippy::too_many_arguments,
    reason = "what is shown to people, and everything that it is taken from"
)]
fn ask_people(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    record: &Record,
    wished: &Wished,
    look: &Look,
    shape: u32,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let Some(case) = look.case else { return };
    if let Some(there) = &record.request {
        if shown(service, record, there, &wished.why) {
            return wish::tell(service, acting, state, now, wake, out);
        }
        // Of what was shown under another epoch or policy nothing can be approved: it is shown anew.
        if there.why != wished.why {
            return;
        }
    }
    let way = if wished.planned { Only::Planned } else { Only::Unplanned };
    let request =
        wish::of(service, record, wished.why.clone(), wished.plan, case, way, &look.situation, shape);
    let Some(request) = request else { return };
    let mut next = Box::new(record.clone());
    next.request = Some(Box::new(request));
    wish::change(service, acting, state, next, now, out);
}

/// The first of what is wished at rest, while nothing is wrong.
fn wished(
    service: &Service,
    record: &Record,
    cleared: &mut Vec<(RunId, Mono)>,
    home: &mut Option<Mono>,
    now: Now,
    wake: &mut Wake,
) -> Option<Wished> {
    if let Some(owed) = owed(service, record, cleared, now, wake) {
        return Some(owed);
    }
    if service.incident.stage() != Stage::None {
        *home = None;
        return None;
    }
    rejoin(service, record).or_else(|| failback(service, record, home, now, wake))
}

/// What an ended run owes, once its scenario's condition has been false for long enough: also long after its incident.
fn owed(
    service: &Service,
    record: &Record,
    since: &mut Vec<(RunId, Mono)>,
    now: Now,
    wake: &mut Wake,
) -> Option<Wished> {
    since.retain(|(run, _)| record.owes.iter().any(|owed| owed.run == *run));
    let mut due = None;
    for owed in record.owes.iter().filter(|owed| owed.paid.is_none()) {
        let scenario = service.policy.scenario(owed.scenario.as_str());
        let holds = scenario.and_then(|at| service.scenarios.get(at.index()));
        if holds.is_some_and(|kept| kept.arming.holds().is_some()) {
            since.retain(|(run, _)| *run != owed.run);
            continue;
        }
        let from = match since.iter().find(|(run, _)| *run == owed.run) {
            Some((_, from)) => *from,
            None => {
                since.push((owed.run, now.mono));
                now.mono
            }
        };
        let follows = scenario.and_then(|at| service.policy.follows.get(at.index()));
        let on = follows.and_then(|follows| follows.on_clear);
        let (after, mode) = on.map_or((Span::ZERO, Mode::Approve), |on| (on.after, on.mode));
        if from + after > now.mono {
            wake.at(Some(from + after));
            continue;
        }
        let (Some(plan), Some(at)) =
            (service.policy.plan(owed.plan.as_str()), service.policy.region(&owed.at))
        else {
            continue;
        };
        let mode = if owed.tries > 0 && mode == Mode::Auto { Mode::Approve } else { mode };
        due = due.or(Some(Wished { why: Wanted::Owed(owed.run.0), plan, at, planned: false, mode }));
    }
    due
}

/// A region that lost the role and lives again is fenced and re-synced.
fn rejoin(service: &Service, record: &Record) -> Option<Wished> {
    let plan = service.policy.rejoin?;
    let name = &service.policy.plans.get(plan.index())?.name;
    let at =
        record.quarantined.iter().filter(|region| !record.rejoined.contains(region)).find_map(|region| {
            let at = service.policy.region(region)?;
            let standing = service.picture.standing(at);
            (standing.alive || standing.up.is_some()).then_some(at)
        })?;
    // One that did not succeed is not tried again and again: a person says so.
    let last = newest_try(record, name);
    if last == Some(Outcome::Withdrawn) {
        return None;
    }
    let failed = last.is_some_and(|outcome| !outcome.is_done());
    let mode = if failed { Mode::Approve } else { Mode::Auto };
    Some(Wished { why: Wanted::Rejoin, plan, at, planned: true, mode })
}

/// How the newest try of a plan ended that no scenario wanted; one that somebody said no to is not wished again.
fn newest_try(record: &Record, plan: &Name) -> Option<Outcome> {
    let since = record.last_failover.as_ref().map_or(0, |last| last.id.0);
    let of = |tried: &&Try| tried.plan == *plan && tried.scenario.is_none() && tried.run.0 > since;
    record.tried.iter().rev().find(of)?.outcome
}

/// The way home: by which plan, and where to. None, if nothing has moved the service, or only a planned run.
pub(super) fn way_home(service: &Service, record: &Record) -> Option<(PlanPos, RegionPos)> {
    let last = record.last_failover.as_ref()?;
    let moved = last.outcome.is_some_and(|outcome| outcome.is_done());
    let home = service.policy.region(&last.from).filter(|at| Some(*at) != service.known.active)?;
    if !moved || last.planned {
        return None;
    }
    let plan = service.policy.failback.plan.or_else(|| service.policy.plan(last.plan.as_str()))?;
    let moves = service.policy.plans.get(plan.index()).is_some_and(|p| p.set.kind == PlanKind::Failover);
    moves.then_some((plan, home))
}

fn failback(
    service: &Service,
    record: &Record,
    well_since: &mut Option<Mono>,
    now: Now,
    wake: &mut Wake,
) -> Option<Wished> {
    let (plan, at) = way_home(service, record)?;
    let home = service.policy.regions.get(at.index())?;
    let failback = service.policy.failback;
    let name = &service.policy.plans.get(plan.index())?.name;
    let vetoed = newest_try(record, name) == Some(Outcome::Withdrawn);
    let well = service.picture.standing(at).up.is_some() && !record.quarantined.contains(home);
    let asked_for = failback.mode != Mode::Observe || mutants::on(Mutant::FailbackByItself);
    if !well || vetoed || !asked_for {
        *well_since = None;
        return None;
    }
    let since = *well_since.get_or_insert(now.mono);
    let due = since + failback.after;
    if due > now.mono {
        wake.at(Some(due));
        return None;
    }
    let mode = if mutants::on(Mutant::FailbackByItself) { Mode::Auto } else { failback.mode };
    Some(Wished { why: Wanted::Failback, plan, at, planned: true, mode })
}

/// An evacuation that is ordered, as soon as it is this service's turn: after all that it depends on, the more urgent
/// first, then by name, and no more at once than may be.
fn evacuation(
    service: &Service,
    record: &Record,
    state: &State,
    now: Now,
    wake: &mut Wake,
) -> Option<Wished> {
    let request = record.request.as_deref().filter(|request| request.why.is_evacuation())?;
    let from = request.case.from.as_ref()?;
    if record.active != *from {
        return None;
    }
    let plan = service.policy.plan(request.plan.as_str())?;
    let turn = |of: &Service| (of.policy.priority, of.policy.name.clone());
    let mine: (Priority, _) = turn(service);
    let before =
        state.services().filter(|other| other.id != service.id && evacuates(other, from)).filter(|other| {
            service.depends_on.contains(&other.id)
                || (!depends(other, service.id) && ahead(&turn(other), &mine))
        });
    let (waiting, needed) = before.fold((0_usize, false), |(waiting, needed), other| {
        (waiting + 1, needed || service.depends_on.contains(&other.id))
    });
    if let Some(later) = too_fast(state, now) {
        wake.at(Some(later));
        return None;
    }
    let room = usize::from(state.policy.limits.parallel_runs).saturating_sub(state.runs as usize);
    if needed || waiting >= room {
        return None;
    }
    // Where to is for the answers to say.
    let at = service.policy.region(from)?;
    // What has died there cannot help to leave.
    let standing = service.picture.standing(at);
    let planned = standing.alive || standing.up.is_some();
    Some(Wished { why: request.why.clone(), plan, at, planned, mode: Mode::Auto })
}

/// When the velocity limit next leaves room, if it leaves none now.
fn too_fast(state: &State, now: Now) -> Option<Mono> {
    let Limits { failovers, within, .. } = state.policy.limits;
    let lately = state.failovers.iter().map(|(_, _, seen)| *seen + within).filter(|until| *until > now.mono);
    (lately.clone().count() >= usize::from(failovers)).then(|| lately.min()).flatten()
}

/// The more urgent first, then by name.
fn ahead<T: Ord>(other: &(Priority, T), mine: &(Priority, T)) -> bool {
    (core::cmp::Reverse(other.0), &other.1) < (core::cmp::Reverse(mine.0), &mine.1)
}

fn depends(service: &Service, on: ServiceId) -> bool {
    service.depends_on.contains(&on)
}

/// Whether a service is still to leave that region.
fn evacuates(service: &Service, from: &Name) -> bool {
    service
        .known
        .record
        .as_ref()
        .is_some_and(|record| record.evacuates && record.active == *from && record.running.is_none())
}

/// Leaves the region, by the best candidate that the answers name.
#[expect(clippy::too_many_arguments, reason = "one wish, and everything that is known as it is carried out")]
fn leave(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    wished: &Wished,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> bool {
    // The answers must be fresh, or nobody knows where to.
    let since = now.mono.before(state.policy.ask.times(2));
    // What is in the way was told: it is looked at now and then.
    let fresh = service.ask.sent.is_some_and(|sent| sent >= since);
    let next = acting.asked.filter(|_| acting.stays.is_some() && !fresh).map(|at| at + wish::SELDOM);
    if let Some(next) = next.filter(|next| *next > now.mono) {
        wake.at(Some(next));
        return false;
    }
    if !asking::asked_since(service, acting, state, since, now, wake, out) {
        return true;
    }
    let query = Query {
        plan: wished.plan,
        at: None,
        by: By::Order,
        planned: wished.planned,
        mode: Some(Mode::Auto),
        named: 0,
        scenario: None,
    };
    let Some(look) = look_for(service, state, moments, &query, now) else { return false };
    if look.gates.open() {
        if wish::drill_first(acting, state, now, wake) {
            return true;
        }
        let Some(case) = look.case else { return false };
        let mut begin = Begin::new(wished.plan, case);
        begin.way = if wished.planned { Only::Planned } else { Only::Unplanned };
        send_start(service, acting, state, begin, now, out);
        return true;
    }
    let lasting = look.gates.shape();
    if acting.stays != Some(lasting) {
        acting.stays = Some(lasting);
        let (scenario, case) = (crate::ids::ScenarioPos::at(usize::MAX), look.case);
        let wish = crate::event::Wish { scenario, plan: wished.plan, case };
        out.record(service, crate::event::Event::Paged(crate::event::Paged::Refused(wish, lasting)));
    }
    wake.at(Some(now.mono + state.policy.ask.times(4)));
    false
}
