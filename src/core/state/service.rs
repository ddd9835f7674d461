//! What is remembered of one service.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::Share;
use super::acting::Acting;
use crate::agree::{Epoch, Outcome, RecordState, RunId};
use crate::authority::SessionId;
use crate::decide::cooldown::Last;
use crate::decide::gates::Holder;
use crate::decide::scenario::{Arming, Tried};
use crate::event::{Decided, Wish};
use crate::ids::{CellPos, Name, PlanPos, ProbeId, RegionId, RegionPos, ScenarioPos, ServiceId};
use crate::plan::PlanKind;
use crate::policy::ServicePolicy;
use crate::severity::Incident;
use crate::time::Mono;
use crate::verdict::{Level, Picture, Votes};

/// One service.
#[derive(Debug)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its own policy: a reload gives it another, and disturbs nothing else.
    pub policy: Arc<ServicePolicy>,
    /// Its regions, over all services.
    pub regions: Box<[RegionId]>,
    /// What its services depend on.
    pub depends_on: Box<[ServiceId]>,
    /// The probes that this observer runs, by cell.
    pub own: Box<[Own]>,
    /// Everybody's newest vote.
    pub votes: Votes,
    /// What a quorum of them says.
    pub picture: Picture,
    /// The newest ask.
    pub ask: AskState,
    /// What the coordinator is known to hold.
    pub known: Known,
    /// Its incident.
    pub incident: Incident,
    /// By scenario.
    pub scenarios: Vec<ScenarioState>,
    /// What each clause of rungs and scenarios said when last looked at.
    pub(crate) clauses: Vec<Option<Mono>>,
    /// What would be done now.
    pub decided: Decided,
    /// Announced, and left for a veto.
    pub(crate) announced: Option<Announced>,
    /// Since when nobody knows the active region to be up.
    pub blind: Blind,
    /// A region that takes writes and should not, and since when.
    pub drift: Option<(RegionPos, Mono)>,
    pub(crate) drift_told: bool,
    pub(crate) share: Share,
    pub(crate) worst: Box<[Option<Level>]>,
    pub(crate) events: u64,
    pub(crate) armed: Option<Mono>,
    pub(crate) dirty: bool,
    pub(crate) awaiting: bool,
    /// What an observer remembers that may act; none, before a coordinator is there.
    pub acting: Option<Box<Acting>>,
}

/// A probe of ours by cell, if this observer can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// The probe.
    pub probe: Option<ProbeId>,
}

/// What the coordinator is known to hold of a service.
#[derive(Clone, Debug)]
pub struct Known {
    /// At which revision the record was read.
    pub(crate) record_revision: u64,
    /// The record, in places.
    pub record: Option<RecordKnown>,
    /// Where it is active: by the record, or because there is only one region.
    pub active: Option<RegionPos>,
    /// When this core first read where it is active.
    pub(crate) learned: Option<Mono>,
    pub(crate) claim_revision: u64,
    /// Who holds the claim.
    pub holder: Holder,
    /// The outside world, or this core, knows a newer epoch than the coordinator.
    pub(crate) foreign: bool,
    /// We may act by it: our session lives, and record and journal were read.
    pub(crate) acts: bool,
    /// The session that it hangs on.
    pub(crate) session: Option<SessionId>,
    /// Since when each trigger is raised, and at which revision that was read.
    pub(crate) raised: Vec<(u64, Option<Mono>)>,
}

/// A record in places, with the moments at which this core first saw what it says.
#[derive(Clone, Debug)]
pub struct RecordKnown {
    /// Where it is active, by name.
    pub active: Name,
    /// Its epoch.
    pub epoch: Epoch,
    /// The unfinished run.
    pub running: Option<(RunId, PlanKind)>,
    /// There are unfinished runs beside it.
    pub beside: bool,
    /// Regions that have lost the role.
    pub quarantined: Vec<Name>,
    /// The newest failover.
    pub last: Option<(RunId, Last)>,
    /// Paused.
    pub paused: bool,
    /// A window is open in the coordinator.
    pub maintenance: bool,
    /// The regions for which the traffic gate is open; none: no plan has ever set it.
    pub gate: Option<Vec<Name>>,
    /// Somebody ordered that its region be left, and it has not been yet.
    pub evacuates: bool,
    /// The incident's number.
    pub incident: u32,
    /// What was tried.
    pub tried: Vec<TriedKnown>,
}

/// A try, with the moments at which this core first saw it.
#[derive(Clone, Copy, Debug)]
pub struct TriedKnown {
    /// Which run.
    pub run: RunId,
    /// Which plan, if the policy still has it.
    pub plan: Option<PlanPos>,
    /// For which scenario.
    pub scenario: Option<ScenarioPos>,
    /// For which incident.
    pub incident: u32,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When.
    pub seen: Tried,
}

/// The newest ask, and how far this observer is with its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskState {
    pub(crate) revision: u64,
    /// Its number; 0: none was ever asked.
    pub number: u32,
    /// When it was seen.
    pub seen: Mono,
    /// When it was sent, if that is known: only then do its answers count.
    pub sent: Option<Mono>,
    /// References were found good after it: from then on samples count.
    pub sampling: Option<Mono>,
    /// All have been looked at again; references are checked once more.
    pub(crate) looked: Option<Mono>,
    /// This observer has answered.
    pub answered: bool,
}

impl AskState {
    /// The same, and nothing is answered to it any more.
    pub(crate) fn left(self) -> AskState {
        AskState { sampling: None, looked: None, answered: true, ..self }
    }
}

/// Whether the active region is known to be up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blind {
    /// Since when it is not.
    pub since: Option<Mono>,
    /// Somebody was told.
    pub told: bool,
}

/// A plan that is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Which.
    pub wish: Wish,
    /// Since when.
    pub since: Mono,
}

/// Whether a scenario holds, and may still act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScenarioState {
    /// Whether it may still act.
    pub arming: Arming,
    /// From when it holds, if all that it names is so.
    pub from: Option<Mono>,
}

impl Known {
    pub(crate) fn new(policy: &ServicePolicy) -> Known {
        Known {
            record_revision: 0,
            record: None,
            active: only_region(policy),
            learned: None,
            claim_revision: 0,
            holder: Holder::Nobody,
            foreign: false,
            acts: false,
            session: None,
            raised: vec![(0, None); policy.triggers.len()],
        }
    }
}

impl Known {
    /// The same facts under another policy: places follow names. A name that the new policy does not know stays in the
    /// record, and is found again when a policy knows it.
    pub(crate) fn renamed(&mut self, before: &ServicePolicy, policy: &ServicePolicy) {
        if let Some(record) = &mut self.record {
            for tried in &mut record.tried {
                let plan = tried.plan.and_then(|at| before.plans.get(at.index()));
                tried.plan = plan.and_then(|plan| policy.plan(plan.name.as_str()));
                let scenario = tried.scenario.and_then(|at| before.scenarios.get(at.index()));
                tried.scenario = scenario.and_then(|scenario| policy.scenario(scenario.name.as_str()));
            }
        }
        self.active = match &self.record {
            Some(record) => policy.region(&record.active),
            None => only_region(policy),
        };
    }
}

/// A service with one region is active there, whoever says so.
pub(crate) fn only_region(policy: &ServicePolicy) -> Option<RegionPos> {
    (policy.regions.len() == 1).then(|| RegionPos::at(0))
}

impl Service {
    /// The probe that this observer runs for a cell.
    #[must_use]
    pub fn mine(&self, cell: CellPos) -> Option<ProbeId> {
        self.own.get(cell.index())?.probe
    }

    /// The newest try of a scenario's plan. What a gate refused was not done: it may be as soon as the gate opens.
    #[must_use]
    pub fn newest_try(&self, scenario: ScenarioPos) -> Option<Tried> {
        let tried = &self.known.record.as_ref()?.tried;
        tried
            .iter()
            .filter(|tried| tried.scenario == Some(scenario) && tried.outcome != Some(Outcome::Refused))
            .map(|tried| tried.seen)
            .max_by_key(|t| t.started)
    }

    /// Whether a gate has refused what a scenario wanted for this incident.
    #[must_use]
    pub fn refused(&self, scenario: ScenarioPos) -> bool {
        let number = self.incident.number();
        self.known.record.iter().flat_map(|record| &record.tried).any(|tried| {
            tried.scenario == Some(scenario)
                && tried.incident == number
                && tried.outcome == Some(Outcome::Refused)
        })
    }

    /// What the record says of it, in the words of its table.
    #[must_use]
    pub fn record_state(&self, now: Mono) -> RecordState {
        let record = self.known.record.as_ref();
        let drifted = self.drift.is_some_and(|(_, since)| now.since(since) >= self.policy.drift_after);
        RecordState::of(record.is_some(), record.is_some_and(|record| record.running.is_some()), drifted)
    }

    /// Whether a region has lost the role.
    #[must_use]
    pub fn quarantined(&self, at: RegionPos) -> bool {
        let name = self.policy.regions.get(at.index());
        self.known.record.as_ref().is_some_and(|r| name.is_some_and(|name| r.quarantined.contains(name)))
    }
}
