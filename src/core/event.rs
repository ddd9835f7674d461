//! Everything that happened, as the chronicle will keep it. A closed list; each variant is made somewhere.
//!
//! An event says what happened with its numbers; words come on demand. It never carries a secret, and never an order
//! to do something.

mod cell;

pub use cell::AnyCell;

use alloc::vec::Vec;

use crate::agree::Epoch;
use crate::health::Health;
use crate::health::self_trust::Isolation;
use crate::ids::{Name, ObserverPos, PlanPos, ProbeId, ProbePos, RegionPos, RungPos, ScenarioPos};
use crate::plan::Case;
use crate::severity::Turn;
use crate::time::Mono;
use crate::verdict::Level;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// This observer distrusts its own view.
    Isolated(Isolation),
    /// It trusts its own view again.
    Trusted,
    /// Something came from outside that cannot be used; nothing that was known is lost by it.
    Refused(Refusal),
    /// Another policy is in force.
    Reloaded {
        /// So many services are new.
        added: u32,
        /// So many are gone.
        removed: u32,
    },
    /// The policy was not taken: these services have unfinished runs, and it does not know them.
    ReloadRefused(Vec<Name>),
    /// A region is lost as a whole.
    RegionLost(Name),
    /// It is lost no more.
    RegionBack(Name),
    /// A probe's settled health is another.
    Health {
        /// Which probe.
        probe: ProbePos,
        /// Where.
        region: Option<RegionPos>,
        /// What it is now.
        now: Health,
        /// Since when: for `down` its first failed sample.
        since: Mono,
    },
    /// By quorum the service stands otherwise in a region.
    Standing {
        /// Where.
        region: RegionPos,
        /// The worst that holds now.
        worst: Option<Level>,
    },
    /// The record says that it is active there.
    Active {
        /// Where; none: in no region that this policy knows.
        region: Option<RegionPos>,
        /// The record's epoch.
        epoch: Epoch,
    },
    /// The incident's story goes on.
    Incident {
        /// Which.
        number: u32,
        /// What happened to it.
        turn: Turn,
        /// How severe it is.
        rung: Option<RungPos>,
    },
    /// The active region has not been known to be up for too long.
    Blind(RegionPos),
    /// It is known again.
    Seeing(RegionPos),
    /// A region takes writes that the record does not name.
    Drifted(RegionPos),
    /// It does no more.
    DriftOver,
    /// Somebody asked; this observer has looked again and answers.
    Answered {
        /// Which ask.
        ask: u32,
    },
    /// A table of ours says that this cannot occur; it has, and nothing was done. A fault of this code.
    Impossible(AnyCell),
    /// What would be done now has another shape.
    Decided(Decided),
}

/// What would be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Nothing: no scenario that has a plan holds and may still act.
    Nothing,
    /// It would start this.
    WouldStart(Wish),
    /// It would, but for these gates (one bit each, in the order of `Gate::ALL`).
    Blocked(Wish, u32),
}

/// A plan that a scenario asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which scenario.
    pub scenario: ScenarioPos,
    /// Which plan.
    pub plan: PlanPos,
    /// Where; none: there is nowhere to go.
    pub case: Option<Case>,
}

/// Why something from outside was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A sample of a probe that is gone, or never was.
    NoSuchProbe(ProbeId),
    /// A sample that ends before it begins, or in the future.
    Impossible(ProbeId),
    /// A fact about a service that is gone.
    NoSuchService,
    /// A vote from an observer that this policy does not know.
    UnknownObserver(Name),
    /// A vote that claims to be ours.
    NotMyVote(ObserverPos),
    /// A trigger that this service does not have.
    UnknownTrigger(Name),
    /// A record that names a region that this service does not have.
    UnknownRegion(Name),
    /// An answer about reference points that nobody asked for.
    UnaskedReferences(u32),
}
