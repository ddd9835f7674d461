//! Why a gate blocks, with its numbers. Words come from [`explain`](super::explain) on demand.

use super::candidate::Candidate;
use super::cooldown::Cooldown;
use super::gates::Cap;
use crate::health::self_trust::Isolation;
use crate::ids::{ObserverPos, ProbePos, RegionPos, ServiceId};
use crate::plan::PlanKind;
use crate::time::Span;

/// Why a gate blocks, with its numbers. Words come from [`explain`](super::explain) on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No record: nobody adopted it yet.
    NoRecord,
    /// Something outside has seen a newer token than the coordinator can have given.
    Foreign,
    /// The mode in force only watches.
    Observing(Cap),
    /// Nobody has been asked to look again yet.
    NotAsked,
    /// Too few have answered.
    FewAnswers {
        /// So many have.
        answered: u8,
        /// So many are needed.
        needed: u8,
    },
    /// The answers do not say so.
    AnswersDisagree,
    /// They say so, but not for long enough.
    NotYet {
        /// So much is missing.
        left: Span,
    },
    /// Only what a majority of all observers cannot see says so.
    Narrow,
    /// Somebody paused the service.
    Paused,
    /// A maintenance window is open.
    Maintenance,
    /// Nobody holds the claim.
    Unclaimed,
    /// Another holds it.
    HeldBy(Option<ObserverPos>),
    /// This observer holds the claim, and its session may be over, or it has not read everything yet.
    Frozen,
    /// A witness never takes a claim.
    Witness,
    /// This observer is isolated.
    Isolated(Isolation),
    /// No reference points: nothing to check oneself by.
    NoReferences,
    /// A run is in progress.
    Running(PlanKind),
    /// Most of those who vote decide by another policy.
    OtherPolicy {
        /// So many share ours.
        same: u8,
        /// So many do not.
        other: u8,
    },
    /// That region takes writes as well.
    Drifted(RegionPos),
    /// The service has one region.
    NowhereToGo,
    /// The best region cannot take over.
    Unfit(Candidate),
    /// That region has not proved the present epoch.
    Quarantined(RegionPos),
    /// That service is down where we are, and has not moved.
    WaitsFor(ServiceId),
    /// Every region is down.
    AllDown,
    /// Nobody knows what would be lost.
    LossUnknown,
    /// More would be lost than promised.
    Loss {
        /// So much.
        loss: Span,
        /// So much is accepted.
        rpo: Span,
    },
    /// It promotes, and nothing settles the old side.
    NoFence,
    /// So many of its steps need the dead region.
    NeedsTheDead {
        /// How many.
        steps: u16,
    },
    /// The cooldown is not over.
    Cooling(Cooldown),
    /// Too many automatic failovers.
    TooFast {
        /// So many were started …
        started: u16,
        /// … of so many …
        limit: u16,
        /// … in so long.
        within: Span,
    },
    /// Too many runs at once.
    TooMany {
        /// So many are unfinished.
        running: u16,
        /// So many may be.
        limit: u16,
    },
    /// Too many runs of this plan.
    TooOften {
        /// So many were started …
        started: u16,
        /// … of so many …
        limit: u16,
        /// … in so long.
        within: Span,
    },
    /// That probe is not known to be up where the plan acts.
    NotUp(ProbePos, RegionPos),
    /// The plan has no case for where it would have to act.
    NoCase,
    /// So many inputs have no default.
    Untold {
        /// How many.
        inputs: u8,
    },
    /// It waits for an approval.
    Unapproved,
    /// Announced; so much of the time for a veto is left.
    Announced {
        /// How much.
        left: Span,
    },
}
