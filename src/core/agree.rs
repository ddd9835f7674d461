//! What the coordinator holds, as it comes back. Names, not numbers: a region or plan that this core's policy does not
//! know must stay visible as such.
//!
//! In this part of the house these are facts that arrive; nothing here is written yet.

use alloc::vec::Vec;

pub use crate::authority::Epoch;
use crate::ids::{Name, PolicyHash};
use crate::plan::PlanKind;
pub use crate::plan::{Outcome, RunId};
use crate::time::Span;
use crate::verdict::Spoken;

/// What the coordinator holds of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The one region that may take writes.
    pub active: Name,
    /// How often it has been set anew.
    pub epoch: Epoch,
    /// The unfinished run that occupies the claim.
    pub run: Option<Unfinished>,
    /// Regions that lost the role and have not yet proved the present epoch.
    pub quarantined: Vec<Name>,
    /// The newest failover that reached Running.
    pub last_failover: Option<Failover>,
    /// Automatic failovers started lately, for the velocity limit over all services.
    pub automatic: Vec<RunId>,
    /// Somebody has paused this service.
    pub paused: bool,
    /// A maintenance window is open for it.
    pub maintenance: bool,
    /// The number of the newest incident.
    pub incident: u32,
    /// What was tried lately, newest last.
    pub tried: Vec<Try>,
}

impl Record {
    /// As `adopt` leaves it: active there, and nothing under way.
    #[must_use]
    pub const fn at_rest(active: Name, epoch: Epoch) -> Record {
        Record {
            active,
            epoch,
            run: None,
            quarantined: Vec::new(),
            last_failover: None,
            automatic: Vec::new(),
            paused: false,
            maintenance: false,
            incident: 0,
            tried: Vec::new(),
        }
    }
}

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Which.
    pub id: RunId,
    /// Of which plan.
    pub plan: Name,
    /// Of which kind.
    pub kind: PlanKind,
}

/// A failover, as the cooldown sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Which run.
    pub id: RunId,
    /// How it ended; none: it has not.
    pub outcome: Option<Outcome>,
    /// Somebody has acknowledged the run.
    pub acknowledged: bool,
}

/// A plan tried for an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Which run; a refused one has a number too.
    pub run: RunId,
    /// Which plan.
    pub plan: Name,
    /// For which scenario, unless an operator ordered it.
    pub scenario: Option<Name>,
    /// For which incident.
    pub incident: u32,
    /// How it ended; none: it has not.
    pub outcome: Option<Outcome>,
}

/// Who may act for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The observer that holds it.
    pub holder: Name,
}

/// "Look again, now."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its number; 0 is never asked.
    pub number: u32,
    /// Who asks.
    pub by: Name,
    /// How long ago it was sent, where whoever tells it has sent it in this life. An ask that was found at a start has
    /// no age: it is answered, but nothing here is decided by the answers, which may be older than anything we know.
    pub age: Option<Span>,
}

/// One observer's vote on one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Under which policy it was made.
    pub hash: PolicyHash,
    /// Which ask it answers; 0: none.
    pub answers: u32,
    /// What it says; of what it does not speak, nothing is known.
    pub says: Vec<Spoken>,
}

/// A trigger that somebody raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    /// How long ago, when it was read.
    pub age: Span,
}
