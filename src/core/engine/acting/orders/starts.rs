//! Orders that start a run, and the yes to what is requested: looked at by every gate, and started if none is in the way.
//!
//! Nothing here may let an order pass a gate that SAFETY §6 lets nobody pass, nor start what is not what was shown.

use super::Next;
use crate::agree::{Record, RecordInput, RecordState};
use crate::decide::gates::{Gate, Reason};
use crate::decide::{Answer as Says, By, Mode as Cap};
use crate::engine::acting::looks::{Look, Query, look_for};
use crate::engine::acting::starting::{Begin, send_start};
use crate::engine::acting::{asking, home, wish};
use crate::engine::advance::Wake;
use crate::engine::out::Out;
use crate::event::AnyCell;
use crate::ids::{Name, PlanPos};
use crate::mutants::{self, Mutant};
use crate::order::{Accepts, Order, Refused, Reply, Verb};
use crate::plan::saga::{Heard, RunInput, RunState};
use crate::plan::{Mode, Only, PlanKind};
use crate::state::acting::Acting;
use crate::state::{Moments, Service, State};
use crate::time::{Mono, Now, Span};

/// The failover plan of that name, or the only one, or that of the first scenario that has one.
pub(super) fn failover_plan(service: &Service, name: Option<&Name>) -> Result<PlanPos, Refused> {
    let policy = &service.policy;
    let moves = |at: PlanPos| policy.plans.get(at.index()).is_some_and(|p| p.set.kind == PlanKind::Failover);
    if let Some(name) = name {
        return policy.plan(name.as_str()).filter(|at| moves(*at)).ok_or(Refused::NoSuchPlan);
    }
    let mut all = (0..policy.plans.len()).map(PlanPos::at).filter(|at| moves(*at));
    match (all.next(), all.next()) {
        (None, _) => Err(Refused::NoSuchPlan),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => policy
            .scenarios
            .iter()
            .filter_map(|scenario| scenario.plan)
            .find(|at| moves(*at))
            .ok_or(Refused::WhichPlan),
    }
}

/// What an order that starts a run asks for; or why there is no such thing.
pub(crate) fn asks_for(service: &Service, record: Option<&Record>, verb: &Verb) -> Result<Query, Refused> {
    let region = |name: &Name| service.policy.region(name).ok_or_else(|| Refused::NoSuchRegion(name.clone()));
    let (plan, at, planned, accepts) = match verb {
        Verb::Failover { to, plan, planned, accepts } => {
            let to = to.as_ref().map(region).transpose()?;
            if to.is_some() && to == service.known.active {
                return Err(Refused::AlreadyThere);
            }
            (failover_plan(service, plan.as_ref())?, to, *planned, accepts)
        }
        Verb::Failback { accepts } => {
            let home = record.and_then(|record| home::way_home(service, record));
            let (plan, to) = home.ok_or(Refused::NoWayHome)?;
            (plan, Some(to), true, accepts)
        }
        Verb::Run { plan, at, accepts, .. } => {
            let plan = service.policy.plan(plan.as_str()).ok_or(Refused::NoSuchPlan)?;
            let at = at.as_ref().map(region).transpose()?;
            if record.is_none() {
                return Err(Refused::NoRecord);
            }
            let kind = service.policy.plans.get(plan.index()).map(|plan| plan.set.kind);
            if kind == Some(PlanKind::Rejoin) && at.is_some() && at == service.known.active {
                return Err(Refused::AlreadyThere);
            }
            (plan, at, false, accepts)
        }
        Verb::Evacuate { .. }
        | Verb::Approve { .. }
        | Verb::ApproveStep { .. }
        | Verb::Veto
        | Verb::Abort { .. }
        | Verb::Retry { .. }
        | Verb::Skip { .. }
        | Verb::Tick { .. }
        | Verb::HandOver { .. }
        | Verb::Adopt { .. }
        | Verb::Release { .. }
        | Verb::Pause
        | Verb::Resume
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => return Err(Refused::NoSuchPlan),
    };
    let (by, mode, named) = (By::Order, Some(Cap::Auto), accepts.gates);
    Ok(Query { plan, at, by, planned, mode, named, scenario: None })
}

/// What has to end before a live run starts; none: nothing is in the way.
fn makes_room(
    acting: &mut Acting,
    state: &mut State,
    failover: bool,
    now: Now,
    wake: &mut Wake,
) -> Option<Next> {
    if wish::drill_first(acting, state, now, wake) {
        return Some(Next::Wait);
    }
    let run = acting.record.as_ref().and_then(|record| record.run.clone())?;
    let carried = acting.runs.iter_mut().find(|carried| carried.run.start().run == run.id)?;
    if failover && run.kind == PlanKind::Repair {
        if carried.run.stoppable() {
            let told = carried.run.tell(Heard::Superseded, now.mono);
            state.saw(&told.cells);
            // What is told here is written at the next look.
            wake.at(Some(now.mono + Span::micros(1)));
        }
        if carried.run.state() != RunState::Held {
            return Some(Next::Wait);
        }
    }
    Some(Next::Reply(Reply::Refused(Refused::Running(run.id))))
}

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
pub(super) fn start_move(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    ask: &Query,
    accepts: &Accepts,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    would_start(service, now, out);
    if acting.record.is_none() {
        return Next::Reply(Reply::Refused(Refused::NoRecord));
    }
    if let Some(next) = makes_room(acting, state, true, now, wake) {
        return next;
    }
    // Where to is for answers to say that are newer than the order; whoever does not answer in time is not waited for.
    if !asking::asked_since(service, acting, state, since, now, wake, out) {
        return Next::Wait;
    }
    let Some(mut look) = look_for(service, state, moments, ask, now) else {
        return Next::Reply(Reply::Refused(Refused::NoSuchPlan));
    };
    look.accepted(accepts);
    if !matches(service, &look, accepts, acting) {
        return Next::Reply(Reply::Refused(Refused::Mismatch));
    }
    if !look.gates.open() {
        return Next::Reply(Reply::Refused(Refused::Gates(look.gates.shape())));
    }
    let Some(case) = look.case else { return Next::Reply(Reply::Refused(Refused::NoSuchPlan)) };
    let mut begin = Begin::new(ask.plan, case);
    begin.way = if ask.planned { Only::Planned } else { Only::Unplanned };
    begin.order = Some(order.id);
    begin.counted = look.counted;
    begin.exposure = accepts.exposure;
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// Whether what would be started is what was shown.
fn matches(service: &Service, look: &Look, accepts: &Accepts, acting: &Acting) -> bool {
    let epoch = acting.record.as_ref().map(|record| record.epoch);
    let plan = service.policy.plans.get(look.plan.index());
    let hash = look.case.and_then(|case| plan.and_then(|plan| plan.set.hash(case)));
    if mutants::on(Mutant::AnyApproval) {
        return true;
    }
    accepts.hash.is_none_or(|shown| hash == Some(shown))
        && accepts.epoch.is_none_or(|shown| epoch == Some(shown))
}

#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
pub(super) fn run_plan(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    let Verb::Run { mode, given, longest, accepts, .. } = &order.verb else { return Next::Wait };
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let ask = match asks_for(service, acting.record.as_deref(), &order.verb) {
        Ok(ask) => ask,
        Err(why) => return refuse(why),
    };
    let pos = ask.plan;
    let kind = service.policy.plans[pos.index()].set.kind;
    let live = *mode == Mode::Live;
    if live
        && kind != PlanKind::Inspect
        && let Some(next) = makes_room(acting, state, kind == PlanKind::Failover, now, wake)
    {
        return next;
    }
    let moves = live && kind == PlanKind::Failover;
    if moves && !asking::asked_since(service, acting, state, since, now, wake, out) {
        return Next::Wait;
    }
    let Some(mut look) = look_for(service, state, moments, &ask, now) else {
        return refuse(Refused::NoSuchPlan);
    };
    look.accepted(accepts);
    if !matches(service, &look, accepts, acting) {
        return refuse(Refused::Mismatch);
    }
    let Some(case) = look.case else { return refuse(Refused::NoSuchPlan) };
    look.told(service, given);
    if live && !look.gates.open() {
        return refuse(Refused::Gates(look.gates.shape()));
    }
    let mut begin = Begin::new(pos, case);
    (begin.mode, begin.order, begin.given) = (*mode, Some(order.id), given.clone());
    (begin.exposure, begin.longest) = (accepts.exposure, *longest);
    begin.counted = look.counted.filter(|_| moves);
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// Yes to what is requested: it is weighed again, and started if nothing else is in the way than what was shown.
#[expect(clippy::too_many_arguments, reason = "one order, and everything that is known as it is carried out")]
pub(super) fn approve(
    service: &mut Service,
    acting: &mut Acting,
    state: &mut State,
    moments: &Moments,
    order: &Order,
    accepts: &Accepts,
    since: Mono,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let Some(request) = acting.record.as_ref().and_then(|record| record.request.clone()) else {
        return refuse(Refused::NothingAsked);
    };
    let epoch = acting.record.as_ref().map(|record| record.epoch);
    let hash = request.hash.is_none() || accepts.hash == request.hash;
    let shown = accepts.epoch == Some(request.epoch) && epoch == Some(request.epoch);
    let loss = match request.loss {
        None => true,
        Some(None) => accepts.unknown_loss || request.gates & Gate::DataLoss.bit() == 0,
        Some(Some(loss)) => {
            request.gates & Gate::DataLoss.bit() == 0 || accepts.loss.is_some_and(|most| loss <= most)
        }
    };
    let exposure = !request.exposure || accepts.exposure;
    let covers = hash && shown && loss && exposure && request.policy == service.policy.hash;
    if !covers && !mutants::on(Mutant::AnyApproval) {
        wish::visit(state, RunState::Awaiting, RunInput::ApproveMismatch);
        return refuse(Refused::Mismatch);
    }
    let Some(pos) = service.policy.plan(request.plan.as_str()) else { return refuse(Refused::NoSuchPlan) };
    let kind = service.policy.plans[pos.index()].set.kind;
    if kind != PlanKind::Inspect
        && let Some(next) = makes_room(acting, state, kind == PlanKind::Failover, now, wake)
    {
        return next;
    }
    if kind == PlanKind::Failover && !asking::asked_since(service, acting, state, since, now, wake, out) {
        return Next::Wait;
    }
    let scenario = request.why.scenario().and_then(|name| service.policy.scenario(name.as_str()));
    let to = service.policy.region(&request.case.at);
    let ask = Query {
        plan: pos,
        at: to,
        by: By::Approval,
        planned: request.way == Only::Planned,
        mode: scenario.is_none().then_some(Cap::Approve),
        named: request.gates | on_approval(),
        scenario,
    };
    let Some(mut look) = look_for(service, state, moments, &ask, now) else {
        return refuse(Refused::NoSuchPlan);
    };
    // More may be lost by now than was shown.
    let more = match look.gates.answer(Gate::DataLoss) {
        Says::Passed(Reason::Loss { loss, .. }) => accepts.loss.is_none_or(|most| loss > most),
        Says::Passed(Reason::LossUnknown) => !accepts.unknown_loss,
        _ => false,
    };
    if more {
        wish::visit(state, RunState::Awaiting, RunInput::ApproveMismatch);
        return refuse(Refused::Mismatch);
    }
    look.renamed(request.gates | on_approval());
    if !look.gates.open() {
        return refuse(Refused::Gates(look.gates.shape()));
    }
    let Some(case) = look.case else { return refuse(Refused::NoSuchPlan) };
    let mut begin = Begin::new(pos, case);
    (begin.way, begin.order, begin.scenario) = (request.way, Some(order.id), scenario);
    begin.given = request.given.clone();
    begin.exposure = request.exposure && accepts.exposure;
    begin.counted = look.counted;
    begin.pays = request.why.owed();
    wish::visit(state, RunState::Awaiting, RunInput::ApproveMatching);
    if send_start(service, acting, state, begin, now, out) { Next::Sent } else { Next::Wait }
}

/// Gates that every approval passes.
pub(in crate::engine::acting) const fn on_approval() -> u32 {
    Gate::Approval.bit() | Gate::Paused.bit() | Gate::Maintenance.bit()
}

/// Something is to be started where that is refused: the cell is named, whatever the answer will be.
fn would_start(service: &Service, now: Now, out: &mut Out) {
    let state = service.record_state(now.mono);
    if state != RecordState::AtRest {
        out.saw(AnyCell::Record(state, RecordInput::Start));
    }
}
