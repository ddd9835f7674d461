//! What the coordinator holds, and what goes there and comes back. Names, not numbers: a region or plan that this
//! core's policy does not know must stay visible as such.
//!
//! Facts and transactions are plain data. Nothing here decides, keeps or compares, but the tables of claim and record.

mod claim;
mod record_table;
mod txn;

pub use claim::{ClaimAnswer, ClaimInput, ClaimState, claim_cell, claim_cells};
pub use record_table::{RecordAnswer, RecordInput, RecordState, record_cell, record_cells};
pub use record_table::{RegionAnswer, RegionInput, RegionState, region_cell, region_cells};
pub use txn::{Answer, Found, Guard, Journal, Purpose, Txn, TxnId, Write};

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use crate::authority::Epoch;
use crate::authority::SessionId;
use crate::ids::{Name, PolicyHash};
use crate::plan::{Filled, Only, PlanHash, PlanKind, RunTime};
pub use crate::plan::{Mode, Outcome, RunId};
use crate::time::{Span, Wall};
use crate::verdict::Spoken;

/// What the coordinator holds of one service. Written as a whole, and only if it is still as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The one region that may take writes.
    pub active: Name,
    /// How often it has been set anew.
    pub epoch: Epoch,
    /// The unfinished run that occupies the claim.
    pub run: Option<Unfinished>,
    /// Unfinished runs beside it: inspections, drills and previews.
    pub beside: Vec<Unfinished>,
    /// The newest run's number.
    pub runs: u64,
    /// The newest serial of any intent.
    pub serial: u64,
    /// Regions that lost the role and have not yet proved the present epoch.
    pub quarantined: Vec<Name>,
    /// Those of them whose rejoin plan is done, under the present epoch.
    pub rejoined: Vec<Name>,
    /// The newest failover that reached Running.
    pub last_failover: Option<Failover>,
    /// Automatic failovers started lately, for the velocity limit over all services.
    pub automatic: Vec<RunId>,
    /// Somebody has paused this service.
    pub paused: bool,
    /// That was a plan, for so long.
    pub paused_for: Option<Span>,
    /// A maintenance window is open for it.
    pub maintenance: bool,
    /// The regions for which the traffic gate is open; none: no plan has ever set it.
    pub gate: Option<Vec<Name>>,
    /// The number of the newest incident.
    pub incident: u32,
    /// The head of the open incident.
    pub head: Option<Box<Head>>,
    /// What was tried lately, newest last.
    pub tried: Vec<Try>,
    /// What waits for an approval, or for its turn in an evacuation.
    pub request: Option<Box<Request>>,
    /// What ended runs still owe.
    pub owes: Vec<Owed>,
}

impl Record {
    /// As `adopt` leaves it: active there, and nothing under way.
    #[must_use]
    pub const fn at_rest(active: Name, epoch: Epoch) -> Record {
        Record {
            active,
            epoch,
            run: None,
            beside: Vec::new(),
            runs: 0,
            serial: 0,
            quarantined: Vec::new(),
            rejoined: Vec::new(),
            last_failover: None,
            automatic: Vec::new(),
            paused: false,
            paused_for: None,
            maintenance: false,
            gate: None,
            incident: 0,
            head: None,
            tried: Vec::new(),
            request: None,
            owes: Vec::new(),
        }
    }

    /// The number of what is requested next: newer than every request and every run.
    #[must_use]
    pub fn next_request(&self) -> u64 {
        self.request.as_ref().map_or(0, |request| request.number).max(self.runs) + 1
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
    /// How much of it is real.
    pub mode: Mode,
    /// Where it acts, or moves to.
    pub at: Name,
    /// A drill is stopped after so long.
    pub longest: Option<Span>,
}

impl Unfinished {
    /// A live run.
    #[must_use]
    pub const fn live(id: RunId, plan: Name, kind: PlanKind, at: Name) -> Unfinished {
        Unfinished { id, plan, kind, mode: Mode::Live, at, longest: None }
    }
}

/// A failover, as the cooldown and the way home see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Which run.
    pub id: RunId,
    /// Of which plan.
    pub plan: Name,
    /// The region that it left.
    pub from: Name,
    /// How it ended; none: it has not.
    pub outcome: Option<Outcome>,
    /// Somebody has acknowledged the run.
    pub acknowledged: bool,
    /// It was a way home, or another planned one: there is no way home from it.
    pub planned: bool,
}

impl Failover {
    /// One that nobody planned, and that has not ended.
    #[must_use]
    pub const fn started(id: RunId, plan: Name, from: Name) -> Failover {
        Failover { id, plan, from, outcome: None, acknowledged: false, planned: false }
    }
}

/// The head of an open incident: enough for a successor to go on with the same story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u32,
    /// How severe it is.
    pub rung: Option<Name>,
    /// When its first sample failed, for people.
    pub first_failed: Wall,
    /// So often somebody has said that its page is seen: whoever pages is told each time, wherever it was said.
    pub acknowledged: u32,
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

/// Where a plan is to act, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Where {
    /// The region that it leaves, if it moves something.
    pub from: Option<Name>,
    /// Where it acts, or moves to.
    pub at: Name,
}

/// What waits for somebody's word, or for its turn. An approval covers exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which.
    pub number: u64,
    /// Why it is there.
    pub why: Wanted,
    /// Which plan.
    pub plan: Name,
    /// Where.
    pub case: Where,
    /// Whether it is planned.
    pub way: Only,
    /// What it would send.
    pub hash: Option<PlanHash>,
    /// The epoch at which it was asked.
    pub epoch: Epoch,
    /// The policy under which it was asked.
    pub policy: PolicyHash,
    /// What would be lost; inner none: nobody knows. None: nothing can be.
    pub loss: Option<Option<Span>>,
    /// The old side may go on accepting writes.
    pub exposure: bool,
    /// Which gates stood in the way, one bit each: an approval passes these and no other.
    pub gates: u32,
    /// What the plan is told.
    pub given: Vec<(RunTime, Filled)>,
}

/// Why something is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// That scenario holds, and a person must agree.
    Scenario(Name),
    /// The way home after a failover.
    Failback,
    /// The returning region's rejoin plan.
    Rejoin,
    /// What an ended run owes.
    Owed(u64),
    /// Somebody ordered that this region be left; it waits for its turn.
    Evacuation(Arc<str>),
}

impl Wanted {
    /// The scenario that holds.
    #[must_use]
    pub const fn scenario(&self) -> Option<&Name> {
        match self {
            Wanted::Scenario(name) => Some(name),
            Wanted::Failback | Wanted::Rejoin | Wanted::Owed(_) | Wanted::Evacuation(_) => None,
        }
    }

    /// The run that owes it.
    #[must_use]
    pub const fn owed(&self) -> Option<RunId> {
        match self {
            Wanted::Owed(run) => Some(RunId(*run)),
            Wanted::Scenario(_) | Wanted::Failback | Wanted::Rejoin | Wanted::Evacuation(_) => None,
        }
    }

    /// Whether it waits for its turn, and for nobody's word.
    #[must_use]
    pub const fn is_evacuation(&self) -> bool {
        matches!(self, Wanted::Evacuation(_))
    }
}

/// What an ended run still owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its number: that of the run that owes it.
    pub run: RunId,
    /// For which scenario.
    pub scenario: Name,
    /// Which plan is to be run once its condition has been false for a while.
    pub plan: Name,
    /// Where.
    pub at: Name,
    /// It was started, as that run.
    pub paid: Option<RunId>,
    /// How often it was started: after the first time a person must say so.
    pub tries: u32,
}

/// Who may act for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The observer that holds it.
    pub holder: Name,
    /// The session that it hangs on.
    pub session: SessionId,
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

/// What an observer writes when it renews its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Grows with each.
    pub count: u64,
    /// It could act.
    pub fit: bool,
}

/// Automatic failovers over all services, newest last. One key, so that two of them are never started on the same count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Velocity {
    /// Whose, and which run.
    pub started: Vec<(Name, RunId)>,
}
