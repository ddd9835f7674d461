//! Composes the settings that each folder above owns into what one daemon lives by. Immutable once built; a reload
//! brings a new one.
//!
//! Only [`Policy::build`] makes one, from a [`PolicyDraft`] of names; it reports every [`Flaw`] at once. Nothing in
//! here decides.

mod build;
mod draft;
mod flaw;
mod names;
mod order;
mod parts;
mod plans;

pub use draft::{
    ComponentDraft, FailbackDraft, From, ObserverDraft, OnClearDraft, PolicyDraft, ProbeDraft, RegionDraft,
    RungDraft, ScenarioDraft, ServiceDraft, When, WhenDraft, WitnessDraft,
};
pub use flaw::{Flaw, What};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::decide::{Limits, Mode, Scenario};
use crate::health::{self, self_trust};
use crate::ids::{
    CellPos, ComponentPos, Name, ObserverPos, PlanPos, PolicyHash, ProbePos, RegionPos, ScenarioPos,
    TriggerPos,
};
use crate::plan::{Case, Filled, Only, PlanSet, Rate, RunTime};
use crate::severity::{Ladder, Objectives};
use crate::time::Span;
use crate::verdict::{Observers, Parts, Priority};

/// What one daemon lives by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which of the observers this one is.
    pub me: ObserverPos,
    /// The most that may happen anywhere.
    pub mode: Mode,
    /// Regions, by name.
    pub regions: Vec<RegionPolicy>,
    /// Observers, by name.
    pub observers: Vec<ObserverPolicy>,
    /// What it takes to believe one's own eyes.
    pub self_trust: self_trust::Settings,
    /// Over all services.
    pub limits: Limits,
    /// How long answers to "look again" are waited for.
    pub ask: Span,
    /// What is asked of the coordinator for a session.
    pub session: SessionTerms,
    /// Services, by name.
    pub services: Vec<Arc<ServicePolicy>>,
}

/// What is asked of the coordinator for a session. What counts is what it grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTerms {
    /// Its time to live.
    pub ttl: Span,
    /// Kept before its end.
    pub margin: Span,
}

impl SessionTerms {
    /// CONFIG's defaults.
    pub const DEFAULT: SessionTerms = SessionTerms { ttl: Span::secs(15), margin: Span::secs(3) };

    /// How often it is renewed: three times in its life.
    #[must_use]
    pub const fn every(self) -> Span {
        Span::micros(self.ttl.as_micros() / 3)
    }

    /// How long an observer in the active region leaves a free claim to those outside.
    #[must_use]
    pub const fn yield_wait(self) -> Span {
        self.ttl.times(2)
    }
}

/// The way home after a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failback {
    /// The most that it may do.
    pub mode: Mode,
    /// After having been well for so long.
    pub after: Span,
    /// Which plan; none: the one that moved it, the other way round.
    pub plan: Option<PlanPos>,
}

/// What is owed once a scenario has cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnClear {
    /// Which plan.
    pub plan: PlanPos,
    /// Its condition has been false for so long.
    pub after: Span,
    /// The most that it may do.
    pub mode: Mode,
}

/// A region.
#[derive(Clone, Debug)]
pub struct RegionPolicy {
    /// Its name.
    pub name: Name,
    /// So many hundredths of what is active there must be down for it to be lost.
    pub lost_at: u8,
}

/// An observer.
#[derive(Clone, Debug)]
pub struct ObserverPolicy {
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub region: Name,
    /// It votes only.
    pub witness: bool,
}

/// What moves together.
#[derive(Clone, Debug)]
pub struct ServicePolicy {
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub title: String,
    /// What the edge made of all that decides about it.
    pub hash: PolicyHash,
    /// Its regions, in order of preference.
    pub regions: Vec<Name>,
    /// It keeps nothing that two regions could write.
    pub stateless: bool,
    /// Its severities.
    pub ladder: Arc<Ladder>,
    /// The most that may happen to it.
    pub mode: Mode,
    /// Where neither scenario, component nor rung says it.
    pub objectives: Objectives,
    /// Order when many services must move.
    pub priority: Priority,
    /// A move waits for theirs.
    pub depends_on: Vec<Name>,
    /// After a failover.
    pub cooldown: Span,
    /// No rung and no scenario for so long: the incident closes, scenarios are armed again.
    pub stable: Span,
    /// The active region not known to be up for so long: a page.
    pub blind_page: Span,
    /// Another region writable for so long: drift.
    pub drift_after: Span,
    /// A returning region must be well for so long.
    pub quarantine: Span,
    /// What fences and re-syncs a returning region.
    pub rejoin: Option<PlanPos>,
    /// The way home.
    pub failback: Failback,
    /// By scenario: what is owed once it has cleared, how long its approval is waited for, and what its plan is told.
    pub follows: Vec<Follows>,
    /// Its parts, as standings and conditions see them.
    pub parts: Parts,
    /// Its components.
    pub components: Vec<ComponentPolicy>,
    /// Its probes.
    pub probes: Vec<ProbePolicy>,
    /// Its triggers.
    pub triggers: Vec<Name>,
    /// Its scenarios.
    pub scenarios: Vec<Scenario>,
    /// Its plans.
    pub plans: Vec<PlanPolicy>,
    /// How many clauses its rungs and scenarios have: rungs first.
    pub clauses: usize,
}

/// What follows from a scenario, besides its plan.
#[derive(Clone, Debug)]
pub struct Follows {
    /// What is owed once it has cleared.
    pub on_clear: Option<OnClear>,
    /// Not approved in so long: told again.
    pub approval_within: Span,
    /// What its plan is told.
    pub given: Vec<(RunTime, Filled)>,
}

/// A component, besides what it is to the standing.
#[derive(Clone, Debug)]
pub struct ComponentPolicy {
    /// Its name.
    pub name: Name,
    /// What is promised for it.
    pub objectives: Objectives,
}

/// A probe, besides what it is to the standing.
#[derive(Clone, Debug)]
pub struct ProbePolicy {
    /// Its name.
    pub name: Name,
    /// How it is debounced.
    pub debounce: health::Settings,
    /// Its failures are no evidence while this one is down.
    pub parent: Option<ProbePos>,
    /// A decision may hang on it: who is asked to look again looks at it, and not at what is only shown.
    pub weighed: bool,
    /// Probes whose parent it is.
    pub children: Box<[ProbePos]>,
}

/// A plan, with what gates need of it resolved to places.
#[derive(Clone, Debug)]
pub struct PlanPolicy {
    /// Its name.
    pub name: Name,
    /// One plan a case.
    pub set: PlanSet,
    /// These must be up where it acts.
    pub requires: Vec<ProbePos>,
    /// These say what a promotion would lose.
    pub loss: Vec<ProbePos>,
    /// It names what it loses from: also a repair then loses data.
    pub loses: bool,
    /// What gates ask of each case, worked out once: a decision looks at no step.
    pub cases: Box<[CasePolicy]>,
    /// The same for a run that is planned.
    pub planned: Box<[CasePolicy]>,
}

/// What gates ask of one case of a plan.
#[derive(Clone, Copy, Debug)]
pub struct CasePolicy {
    /// Which.
    pub case: Case,
    /// It promotes.
    pub promotes: bool,
    /// It settles the old side, or says why it need not.
    pub fenced: bool,
    /// So many of its steps need the region that it leaves.
    pub needs_dead: u16,
    /// So many of its inputs have no default.
    pub untold: u8,
    /// Further runs need approval.
    pub at_most: Option<Rate>,
}

impl PlanPolicy {
    /// What gates ask of one case.
    #[must_use]
    pub fn case(&self, case: Case, way: Only) -> Option<&CasePolicy> {
        let cases = match way {
            Only::Planned => &self.planned,
            Only::Unplanned => &self.cases,
        };
        cases.iter().find(|of| of.case == case)
    }
}

impl Policy {
    /// The service of that name.
    #[must_use]
    pub fn service(&self, name: &Name) -> Option<&Arc<ServicePolicy>> {
        let at = self.services.binary_search_by(|service| service.name.cmp(name)).ok()?;
        self.services.get(at)
    }

    /// The observer of that name.
    #[must_use]
    pub fn observer(&self, name: &Name) -> Option<ObserverPos> {
        self.observers.binary_search_by(|observer| observer.name.cmp(name)).ok().map(ObserverPos::at)
    }

    /// All observers.
    #[must_use]
    pub fn everybody(&self) -> Observers {
        Observers::first(self.observers.len())
    }

    /// The name of an observer.
    #[must_use]
    pub fn observer_name(&self, at: ObserverPos) -> &str {
        self.observers.get(at.index()).map_or("somebody", |observer| observer.name.as_str())
    }

    /// Whether this observer only votes.
    #[must_use]
    pub fn am_witness(&self) -> bool {
        self.observers.get(self.me.index()).is_some_and(|me| me.witness)
    }
}

impl ServicePolicy {
    /// The place of a region in this service.
    #[must_use]
    pub fn region(&self, name: &Name) -> Option<RegionPos> {
        self.regions.iter().position(|region| region == name).map(RegionPos::at)
    }

    /// The name of a region.
    #[must_use]
    pub fn region_name(&self, at: RegionPos) -> &str {
        self.regions.get(at.index()).map_or("nowhere", Name::as_str)
    }

    /// The place of a probe.
    #[must_use]
    pub fn probe(&self, name: &str) -> Option<ProbePos> {
        self.probes.iter().position(|probe| probe.name.as_str() == name).map(ProbePos::at)
    }

    /// The place of a component.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<ComponentPos> {
        self.components.iter().position(|component| component.name.as_str() == name).map(ComponentPos::at)
    }

    /// The place of a trigger.
    #[must_use]
    pub fn trigger(&self, name: &str) -> Option<TriggerPos> {
        self.triggers.iter().position(|trigger| trigger.as_str() == name).map(TriggerPos::at)
    }

    /// The place of a plan.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<PlanPos> {
        self.plans.iter().position(|plan| plan.name.as_str() == name).map(PlanPos::at)
    }

    /// The place of a scenario.
    #[must_use]
    pub fn scenario(&self, name: &str) -> Option<ScenarioPos> {
        self.scenarios.iter().position(|scenario| scenario.name.as_str() == name).map(ScenarioPos::at)
    }

    /// The cell of a probe in a region, or in none: how the edge turns a vote's names into places.
    #[must_use]
    pub fn cell(&self, probe: &str, region: Option<&str>) -> Option<CellPos> {
        let part = self.parts.probes.get(self.probe(probe)?.index())?;
        match region {
            None => part.nowhere,
            Some(name) => {
                let at = self.regions.iter().position(|region| region.as_str() == name)?;
                part.cells.get(at).copied().flatten()
            }
        }
    }

    /// How long it takes at worst from a fault to the first failed sample of the slowest trigger probe.
    #[must_use]
    pub fn worst_first_failure(&self) -> Option<Span> {
        let trigger = |(part, _): &(&crate::verdict::standing::ProbePart, _)| {
            part.tier == crate::verdict::Tier::Trigger
        };
        let all = self.parts.probes.iter().zip(&self.probes).filter(trigger);
        all.map(|(_, probe)| probe.debounce.interval().plus(probe.debounce.timeout())).max()
    }

    /// How long it takes at worst from a fault to the last strike of the slowest trigger probe.
    #[must_use]
    pub fn worst_detection(&self) -> Option<Span> {
        self.parts
            .probes
            .iter()
            .zip(&self.probes)
            .filter(|(part, _)| part.tier == crate::verdict::Tier::Trigger)
            .map(|(_, probe)| probe.debounce.worst_detection())
            .max()
    }
}

#[cfg(test)]
mod tests;
