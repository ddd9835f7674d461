//! The start of a run: one transaction over the claim, the record with its pause and maintenance, the velocity counter,
//! the ask, and the very votes that were counted.
//!
//! It decides nothing: gates have passed, or nobody calls it. It must never start what was weighed by another record
//! than the one that the transaction compares.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::flight::{Wish, me, send};
use super::running::region_state;
use crate::agree::{
    Failover, Guard, Journal, Purpose, Record, RecordInput, RecordState, RegionInput, RunId, Try, Unfinished,
    Velocity, Write,
};
use crate::authority::Epoch;
use crate::engine::out::Out;
use crate::event::AnyCell;
use crate::ids::{Name, PlanPos, ScenarioPos};
use crate::input::Store;
use crate::mutants::{self, Mutant};
use crate::order::OrderId;
use crate::plan::{Case, Entry, Filled, Mode, Only, PlanKind, RunTime, Start};
use crate::state::acting::{About, Acting, Starting};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span, Wall};
use crate::verdict::Observers;

/// Each run has so many serials to itself, so that no two intents of a service ever share one, whichever runs beside
/// which.
pub(super) const SERIALS: u64 = 1 << 32;
/// So many refused starts in a row are followed by another at once: a vote that was renewed meanwhile is heard of soon.
const AT_ONCE: u32 = 3;
/// Then it rests so long, doubled each time,
const REST: Span = Span::millis(100);
/// so many times.
const LONGEST_REST: u32 = 4;
/// So many tries are remembered.
const TRIES: usize = 64;

/// What is to be started.
pub(super) struct Begin {
    pub(super) plan: PlanPos,
    pub(super) case: Case,
    pub(super) way: Only,
    pub(super) mode: Mode,
    pub(super) scenario: Option<ScenarioPos>,
    /// Nobody ordered or approved it.
    pub(super) by_itself: bool,
    pub(super) order: Option<OrderId>,
    pub(super) given: Vec<(RunTime, Filled)>,
    pub(super) exposure: bool,
    /// Whose answers were counted.
    pub(super) counted: Option<Observers>,
    /// It pays what this run owes.
    pub(super) pays: Option<RunId>,
    /// A drill is stopped after so long.
    pub(super) longest: Option<Span>,
}

impl Begin {
    pub(super) fn new(plan: PlanPos, case: Case) -> Begin {
        Begin {
            plan,
            case,
            way: Only::Unplanned,
            mode: Mode::Live,
            scenario: None,
            by_itself: false,
            order: None,
            given: Vec::new(),
            exposure: false,
            counted: None,
            pays: None,
            longest: None,
        }
    }
}

/// Until when no start goes out. What refused the last ones may be something that this observer has not heard of yet:
/// sent again at once, they would be refused as fast as the coordinator answers.
pub(super) fn rests(acting: &Acting) -> Option<Mono> {
    let (times, at) = acting.repelled.filter(|(times, _)| *times >= AT_ONCE)?;
    let wait = REST.times(1 << (times - AT_ONCE).min(LONGEST_REST));
    Some(at + wait)
}

/// Sends the start. Says whether it could.
pub(super) fn send_start(
    service: &Service,
    acting: &mut Acting,
    state: &State,
    wanted: Begin,
    now: Now,
    out: &mut Out,
) -> bool {
    let (Some(session), Some(cluster)) = (state.seat.session.id(), state.seat.cluster) else { return false };
    // Disk full: watch and page; start nothing.
    if state.seat.store != Store::Ok {
        return false;
    }
    let Some(policy) = service.policy.plans.get(wanted.plan.index()) else { return false };
    let Some(plan) = policy.set.plan(wanted.case).cloned() else { return false };
    if rests(acting).is_some_and(|until| until > now.mono) {
        return false;
    }
    let Some(record) = acting.record.as_deref().filter(|_| acting.flight.is_none()) else { return false };
    if acting.read != service.known.record_revision {
        return false;
    }
    let occupies = wanted.mode == Mode::Live && policy.set.kind != PlanKind::Inspect;
    let failover = occupies && policy.set.kind == PlanKind::Failover;
    if occupies && wanted.order.is_none() && crowded(state) {
        return false;
    }
    let run = RunId(record.runs + 1);
    let epoch = if occupies { Epoch(record.epoch.0 + 1) } else { record.epoch };
    let start = Start {
        run,
        plan: plan.name().clone(),
        hash: policy.set.hash(wanted.case),
        way: wanted.way,
        mode: wanted.mode,
        cluster,
        epoch,
        serial: record.serial,
        given: given(service, record, wanted.scenario, &wanted.given),
        exposure_accepted: wanted.exposure,
    };
    let mut next = record.clone();
    (next.runs, next.epoch, next.serial) = (run.0, epoch, record.serial + SERIALS);
    let at = plan.at().at.clone();
    let unfinished = Unfinished {
        id: run,
        plan: plan.name().clone(),
        kind: policy.set.kind,
        mode: wanted.mode,
        at: at.clone(),
        longest: wanted.longest.filter(|_| wanted.mode == Mode::Drill),
    };
    if wanted.mode == Mode::Live {
        tries(&mut next, service, &wanted, run);
    }
    if occupies {
        next.run = Some(unfinished);
        settle_request(&mut next, &at, failover);
        out.saw(AnyCell::Record(RecordState::AtRest, RecordInput::Start));
        // What was proved under an older epoch is not proved under this one.
        if failover {
            for region in &service.policy.regions {
                out.saw(AnyCell::Region(region_state(record, region), RegionInput::EpochRaised));
            }
            next.rejoined.clear();
        }
    } else {
        next.beside.push(unfinished);
    }
    if let Some(owed) = wanted.pays.and_then(|owed| next.owes.iter_mut().find(|of| of.run == owed)) {
        (owed.paid, owed.tries) = (Some(run), owed.tries.saturating_add(1));
    }
    let mut guards = vec![Guard::Session(session), Guard::Claim(acting.created)];
    if !mutants::on(Mutant::NoRecordGuard) {
        guards.push(Guard::Record(acting.read));
    }
    if let Some(counted) = wanted.counted.filter(|_| !mutants::on(Mutant::NoVoteGuards)) {
        guards.push(Guard::Ask(service.ask.revision));
        let mine = me(state);
        for who in counted.each() {
            let Some(observer) = state.policy.observers.get(who.index()) else { continue };
            let ours = observer.name == *mine;
            let revision = if ours { acting.ballot.revision } else { service.votes.revision(who) };
            guards.push(Guard::Vote(observer.name.clone(), revision));
        }
    }
    let mut velocity = None;
    if failover {
        let from = plan.at().from.clone().unwrap_or_else(|| at.clone());
        let planned = wanted.way == Only::Planned;
        next.last_failover = Some(Failover { planned, ..Failover::started(run, plan.name().clone(), from) });
        if wanted.by_itself {
            next.automatic.retain(|run| lately(state, &service.policy.name, *run, now));
            next.automatic.push(run);
            if !mutants::on(Mutant::NoVelocityGuard) {
                guards.push(Guard::Velocity(state.seat.velocity.0));
            }
            velocity = Some(Write::Velocity(counter(state, &service.policy.name, run, now)));
        }
    }
    let journal = Journal { plan: Arc::clone(&plan), entries: vec![Entry::Started(start.clone())] };
    let mut writes = vec![Write::Record(Box::new(next)), Write::Begin(run, journal)];
    writes.extend(velocity);
    let (order, by_itself) = (wanted.order, wanted.by_itself);
    let about = About::Start(Box::new(Starting { start, plan, order, by_itself }));
    send(acting, service, Wish::new(Purpose::Start, guards, writes).about(about), now, out);
    true
}

/// Whether with the starts that are on their way there are as many runs as may be: no record tells of those yet.
fn crowded(state: &State) -> bool {
    let starts = state.services().filter(|other| {
        let flight = other.acting.as_ref().and_then(|acting| acting.flight.as_ref());
        let starting = match flight.map(|flight| &flight.about) {
            Some(About::Start(starting)) => Some(starting),
            Some(_) | None => None,
        };
        let told = other.known.record.as_ref().is_some_and(|record| record.running.is_some());
        starting.is_some_and(|starting| starting.start.mode == Mode::Live) && !told
    });
    let runs = (state.runs as usize).saturating_add(starts.count());
    runs >= usize::from(state.policy.limits.parallel_runs)
}

/// What placeholders stand for: of the order or request first, then of the scenario, then of the incident.
fn given(
    service: &Service,
    record: &Record,
    scenario: Option<ScenarioPos>,
    told: &[(RunTime, Filled)],
) -> Vec<(RunTime, Filled)> {
    let mut given = told.to_vec();
    let mut add = |key: RunTime, filled: Filled| {
        if !given.iter().any(|(known, _)| *known == key) {
            given.push((key, filled));
        }
    };
    let follows = scenario.and_then(|at| service.policy.follows.get(at.index()));
    for (key, filled) in follows.iter().flat_map(|follows| &follows.given) {
        add(key.clone(), filled.clone());
    }
    let text = |text: alloc::string::String| Filled::One(Arc::from(text));
    if let Some(head) = &record.head {
        add(RunTime::IncidentId, text(head.number.to_string()));
        add(RunTime::IncidentStarted, text(head.first_failed.to_string()));
    }
    given
}

/// When the incident's first sample failed, on the wall.
pub(super) fn first_failed(service: &Service, now: Now) -> Wall {
    let ago = service.incident.first_failed().map_or(Span::ZERO, |first| now.mono.since(first));
    now.wall.before(ago)
}

/// What is tried is remembered by the incident.
fn tries(next: &mut Record, service: &Service, wanted: &Begin, run: RunId) {
    let plan = service.policy.plans.get(wanted.plan.index()).map(|plan| plan.name.clone());
    let scenario = wanted.scenario.and_then(|at| service.policy.scenarios.get(at.index()));
    let Some(plan) = plan else { return };
    let scenario = scenario.map(|scenario| scenario.name.clone());
    let incident = service.incident.number();
    next.tried.push(Try { run, plan, scenario, incident, outcome: None });
    forget(&mut next.tried);
}

/// Only so many tries are remembered, the newest.
pub(super) fn forget(tried: &mut Vec<Try>) {
    let over = tried.len().saturating_sub(TRIES);
    tried.drain(..over);
}

/// What was requested is answered by a start; a region that is being left waits until it is left.
fn settle_request(next: &mut Record, at: &Name, failover: bool) {
    let leaves = next.request.as_ref().is_some_and(|request| {
        !request.why.is_evacuation() || (failover && request.case.from.as_ref() != Some(at))
    });
    if leaves {
        next.request = None;
    }
}

fn lately(state: &State, service: &Name, run: RunId, now: Now) -> bool {
    let within = state.policy.limits.within;
    let id = state.service_id(service.as_str());
    // What was never seen to be old is not old.
    state
        .failovers
        .iter()
        .find(|(of, known, _)| Some(*of) == id && *known == run)
        .is_none_or(|(_, _, seen)| now.mono.since(*seen) < within)
}

/// The counter with this run, and without what cannot count any more.
fn counter(state: &State, service: &Name, run: RunId, now: Now) -> Velocity {
    let known = state.seat.velocity.1.started.iter();
    let mut started: Vec<(Name, RunId)> =
        known.filter(|(of, run)| lately(state, of, *run, now)).cloned().collect();
    started.push((service.clone(), run));
    Velocity { started }
}
