//! Where everything is: one service's claim, record, run, request and what it owes, as plain data with names.
//!
//! It answers "what is", and never "why": that is [`why`](super::why).

use alloc::vec::Vec;

use super::names::Named;
use crate::agree::{ClaimState, Outcome, Record, Request, RunId};
use crate::authority::Epoch;
use crate::decide::explain::Names;
use crate::decide::gates::Holder;
use crate::engine::objectives;
use crate::ids::{Name, RegionPos, ServiceId};
use crate::plan::saga::{Asks, HeldWhy, Run, RunState, StepState};
use crate::plan::{Mode, Only, PlanHash, StepName};
use crate::severity::{Objectives, Stage};
use crate::state::{Service, State};
use crate::time::{Mono, Now, Span};
use crate::verdict::picture::own_standing;
use crate::verdict::{Level, Standing};

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub service: Name,
    /// The region that the record names, and at which epoch; none: no record.
    pub active: Option<(Name, Epoch)>,
    /// Its regions.
    pub regions: Vec<RegionStatus>,
    /// Who holds the claim: this observer if none is named and `held` says so.
    pub holder: Option<Name>,
    /// What this observer has of the claim; none: it does not act, since there is no coordinator.
    pub claim: Option<ClaimState>,
    /// The open incident: its number, its rung, how old it is.
    pub incident: Option<(u32, Option<Name>, Span)>,
    /// No automatic action: somebody paused it, or a maintenance window is open.
    pub paused: bool,
    /// A maintenance window is open.
    pub maintenance: bool,
    /// Its triggers that are raised, and for how long.
    pub raised: Vec<(Name, Span)>,
    /// The outside world is newer than the coordinator.
    pub foreign: bool,
    /// What waits for a person's word.
    pub request: Option<Request>,
    /// A plan is announced, and starts unless somebody says no; so much of the time for that is left.
    pub announced: Option<(Name, Span)>,
    /// What is promised now.
    pub objectives: Objectives,
    /// The unfinished runs that this observer carries.
    pub runs: Vec<RunStatus>,
    /// What ended runs owe: the plan, and for which run.
    pub owes: Vec<(RunId, Name)>,
    /// How the newest failover ended; inner none: it has not.
    pub last_failover: Option<(RunId, Option<Outcome>)>,
}

/// One region of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionStatus {
    /// Its name.
    pub region: Name,
    /// The worst that a quorum says, and since when.
    pub quorum: Option<(Level, Span)>,
    /// A quorum knows it to be up.
    pub up: bool,
    /// The worst that this observer alone would say.
    pub own: Option<Level>,
    /// It lost the role and has not proved the present epoch.
    pub quarantined: bool,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// Which.
    pub run: RunId,
    /// Of which plan.
    pub plan: Name,
    /// How much of it is real.
    pub mode: Mode,
    /// The old side lives.
    pub planned: bool,
    /// The region that it leaves, if it moves the service.
    pub from: Option<Name>,
    /// Where it acts, or moves to.
    pub at: Name,
    /// Its plan's hash,
    pub hash: Option<PlanHash>,
    /// and the epoch that its start set: what an approval of it names.
    pub epoch: Epoch,
    /// For how long this observer has carried it.
    pub age: Span,
    /// The longest that it should take, drains and people apart.
    pub longest: Span,
    /// What it is measured by.
    pub objectives: Objectives,
    /// Its phases, with their deadlines since its start.
    pub phases: Vec<(Name, Span)>,
    /// What it asks of people now.
    pub asks: Vec<Asks>,
    /// Where it is.
    pub state: RunState,
    /// Why it is held, if it is.
    pub held: Option<HeldWhy>,
    /// Users are served.
    pub served: bool,
    /// Where its steps are, and for how long.
    pub steps: Vec<(StepName, StepState, Span)>,
    /// Where taking them back is, and for how long; empty, before anything is.
    pub undone: Vec<(StepName, StepState, Span)>,
}

/// Where a service is; none, if there is no such service.
#[must_use]
pub fn status(state: &State, id: ServiceId, now: Now) -> Option<Status> {
    let service = state.service(id)?;
    let record = service.known.record.as_ref();
    let acting = service.acting.as_deref();
    let whole = acting.and_then(|acting| acting.record.as_deref());
    let names = Named { state, service };
    let observer = |at| Name::new(names.observer(at)).ok();
    let incident = &service.incident;
    let open = matches!(incident.stage(), Stage::Open | Stage::Recovering);
    let rung = incident.rung().and_then(|at| service.policy.ladder.rung(at)).map(|rung| rung.name.clone());
    let age = incident.first_failed().map_or(Span::ZERO, |first| now.mono.since(first));
    Some(Status {
        service: service.policy.name.clone(),
        active: record.map(|record| (record.active.clone(), record.epoch)),
        regions: (0..service.policy.regions.len())
            .map(|at| region(state, service, RegionPos::at(at), now.mono))
            .collect(),
        holder: match service.known.holder {
            Holder::Nobody => None,
            Holder::Me | Holder::Frozen => observer(state.policy.me),
            Holder::Other(who) => who.and_then(observer),
        },
        claim: acting.map(|acting| acting.claim),
        incident: open.then_some((incident.number(), rung, age)),
        paused: record.is_some_and(|record| record.paused),
        maintenance: record.is_some_and(|record| record.maintenance),
        raised: (service.policy.triggers.iter().zip(&service.known.raised))
            .filter_map(|(name, (_, since))| Some((name.clone(), now.mono.since((*since)?))))
            .collect(),
        foreign: acting.is_some_and(|acting| acting.foreign.is_some()),
        request: whole.and_then(|record| record.request.as_deref()).cloned(),
        announced: service.announced.as_ref().and_then(|announced| {
            let plan = service.policy.plans.get(announced.wish.plan.index())?;
            let veto = service.policy.scenarios.get(announced.wish.scenario.index())?.veto;
            Some((plan.name.clone(), (announced.since + veto).since(now.mono)))
        }),
        objectives: objectives(service, None),
        runs: acting
            .iter()
            .flat_map(|acting| &acting.runs)
            .map(|one| run(service, whole, &one.run, now.mono))
            .collect(),
        owes: whole
            .iter()
            .flat_map(|record| &record.owes)
            .map(|owed| (owed.run, owed.plan.clone()))
            .collect(),
        last_failover: whole
            .and_then(|record| record.last_failover.as_ref())
            .map(|last| (last.id, last.outcome)),
    })
}

fn region(state: &State, service: &Service, at: RegionPos, now: Mono) -> RegionStatus {
    let standing = service.picture.standing(at);
    let since =
        |standing: Standing, level| standing.at_least(level).map_or(Span::ZERO, |since| now.since(since));
    let (me, active) = (state.policy.me, service.known.active);
    let own = own_standing(&service.policy.parts, &service.votes, me, at, active, now);
    RegionStatus {
        region: service.policy.regions[at.index()].clone(),
        quorum: standing.worst().map(|level| (level, since(standing, level))),
        up: standing.up.is_some(),
        own: own.worst(),
        quarantined: service.quarantined(at),
    }
}

fn run(service: &Service, record: Option<&Record>, run: &Run, now: Mono) -> RunStatus {
    let (start, plan) = (run.start(), run.plan());
    let tried = record.and_then(|record| record.tried.iter().find(|tried| tried.run == start.run));
    let scenario = tried.and_then(|tried| service.policy.scenario(tried.scenario.as_ref()?.as_str()));
    let steps = |undoing| {
        let since =
            move |(step, state, since): (&StepName, StepState, Mono)| (step.clone(), state, now.since(since));
        run.since(undoing).map(since).collect()
    };
    RunStatus {
        run: start.run,
        plan: start.plan.clone(),
        mode: start.mode,
        planned: start.way == Only::Planned,
        from: plan.at().from.clone(),
        at: plan.at().at.clone(),
        hash: start.hash,
        epoch: start.epoch,
        age: now.since(run.took_over()),
        longest: plan.longest(start.way),
        objectives: objectives(service, scenario),
        phases: plan.phases().iter().map(|phase| (phase.name.clone(), phase.deadline)).collect(),
        asks: run.asked().collect(),
        state: run.state(),
        held: run.held().cloned(),
        served: run.served(),
        steps: steps(false),
        undone: steps(true),
    }
}
