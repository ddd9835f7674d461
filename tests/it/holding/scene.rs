//! Who says what, which triggers are raised, what was tried: a world in which something is to hold, or just not to.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper::core::ids::{CellPos, ObserverPos, PlanPos, RegionPos, TriggerPos};
use watchkeeper::core::policy::{Policy, ServicePolicy};
use watchkeeper::core::verdict::Say;

/// A cell of a service; the service by its place in the policy.
pub(crate) type At = (usize, CellPos);

/// What is the matter, from the moment of the fault on. Whoever is not named says what is usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// What each observer says of a cell.
    pub(crate) says: BTreeMap<(At, ObserverPos), Say>,
    /// Witnesses that show that what they depend on lives after the fault.
    pub(crate) living: BTreeSet<At>,
    pub(crate) raised: BTreeSet<TriggerPos>,
    pub(crate) tried: BTreeMap<PlanPos, Trial>,
}

/// How a plan was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// For this incident, and has ended.
    Ended,
    /// For this incident, and has not ended.
    Running,
    /// For the incident before.
    Before,
}

impl Scene {
    /// Each of these observers says so.
    pub(crate) fn say(&mut self, at: At, who: impl Iterator<Item = ObserverPos>, say: Say) {
        for who in who {
            self.says.insert((at, who), say);
        }
    }

    /// What an observer says of a cell; before the fault (`ill` is false) all is well, but who is silent never spoke.
    pub(crate) fn of(&self, at: At, who: ObserverPos, usual: Say, ill: bool) -> Say {
        match self.says.get(&(at, who)) {
            Some(Say::Unknown) => Say::Unknown,
            Some(&say) if ill => say,
            Some(_) | None => usual,
        }
    }
}

/// Where each service is active.
#[derive(Clone, Debug)]
pub(crate) struct Active(Vec<RegionPos>);

impl Active {
    /// In the `nth` region of `subject`; another service there too, or else in its first.
    pub(crate) fn of(policy: &Policy, subject: usize, nth: usize) -> Active {
        let region = &policy.services[subject].regions[nth];
        Active(policy.services.iter().map(|one| one.region(region).unwrap_or(RegionPos::at(0))).collect())
    }

    pub(crate) fn at(&self, service: usize) -> RegionPos {
        self.0[service]
    }
}

/// What everybody says of a cell when all is well: up, and not writable where it is not active.
pub(crate) fn usual(service: &ServicePolicy, cell: CellPos, active: RegionPos) -> Say {
    let at = service.parts.cells[cell.index()];
    let watches = service.parts.probes[at.probe.index()].drift;
    if watches && at.region.is_some_and(|region| region != active) { Say::Down } else { Say::Up }
}
