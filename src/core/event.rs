//! Everything that happened, as the chronicle will keep it. A closed list; each variant is made somewhere.
//!
//! An event says what happened with its numbers; words come on demand. It never carries a secret, and never an order
//! to do something.

mod cell;

pub use cell::AnyCell;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::agree::{Epoch, Mode, Outcome, RunId};
use crate::health::Health;
use crate::health::self_trust::Isolation;
use crate::ids::{Name, ObserverPos, PlanPos, ProbeId, ProbePos, RegionPos, RungPos, ScenarioPos};
use crate::order::{OrderId, Reply};
use crate::plan::saga::Page;
use crate::plan::{Case, Entry, PlanKind};
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
    /// Something happened to this observer's claim.
    Claim(ClaimTurn),
    /// This observer, as the claim's holder, asks everybody to look again.
    Asked {
        /// Which ask.
        ask: u32,
    },
    /// A run is started.
    Started {
        /// Which.
        run: RunId,
        /// Of which plan.
        plan: Name,
        /// Of which kind.
        kind: PlanKind,
        /// How much of it is real.
        mode: Mode,
        /// Nobody ordered or approved it.
        by_itself: bool,
    },
    /// One more entry of a run's journal is durable.
    Journalled {
        /// Which run.
        run: RunId,
        /// Which entry, from 0.
        place: u64,
        /// What.
        entry: Box<Entry>,
    },
    /// A run that another observer began is carried on here.
    Resumed(RunId),
    /// A run has ended.
    Ended {
        /// Which.
        run: RunId,
        /// How.
        outcome: Outcome,
    },
    /// A phase of a run is not over in time.
    Missed {
        /// Of which run.
        run: RunId,
        /// Which phase.
        phase: Name,
    },
    /// People are paged.
    Paged(Paged),
    /// Something is requested of people, or is so no more.
    Requested(Option<u64>),
    /// An order was carried out, or refused.
    Ordered {
        /// Which.
        order: OrderId,
        /// Who said it.
        who: Arc<str>,
        /// From where, if that is known.
        from: Option<Arc<str>>,
        /// What was said, in a word.
        verb: &'static str,
        /// What became of it.
        reply: Box<Reply>,
    },
    /// Somebody wants something remembered.
    Annotated {
        /// Who.
        who: Arc<str>,
        /// What.
        text: String,
    },
}

/// What happened to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimTurn {
    /// It is ours.
    Taken,
    /// What was durable is known, and we act.
    Restored,
    /// Our session may be over: we do nothing.
    Frozen,
    /// It was not.
    Thawed,
    /// It is another's, or nobody's.
    Lost,
    /// We gave it up.
    GivenUp,
}

/// What people are paged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paged {
    /// A run is held, or ends otherwise than as planned.
    Run(RunId, Page),
    /// What should have been done by itself is refused, by these gates.
    Refused(Wish, u32),
    /// Something waits for a person's word.
    Approve(u64),
    /// The provider or the coordinator is not the one that the record knows.
    Foreign,
    /// The record names a run whose journal is not there, or cannot be read: nobody can go on with it.
    NoJournal(RunId),
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
