//! A record's shape, and the velocity counter's.

use std::sync::Arc;

use super::shape::{Of, Shape, Unreadable, choice, shape};
use crate::core::agree::{
    Epoch, Failover, Head, Mode, Outcome, Owed, Record, Request, RunId, Try, Unfinished, Velocity, Wanted,
    Where,
};
use crate::core::ids::{Name, PolicyHash};
use crate::core::plan::{Filled, Only, PlanHash, PlanKind, RunTime};
use crate::core::time::{Span, Wall};

shape! {
    Record as RecordShape {
        active: Name, epoch: Epoch, run: Option<Unfinished>, beside: Vec<Unfinished>, runs: u64, serial: u64,
        quarantined: Vec<Name>, rejoined: Vec<Name>, last_failover: Option<Failover>, automatic: Vec<RunId>,
        paused: bool, paused_for: Option<Span>, maintenance: bool, gate: Option<Vec<Name>>, incident: u32,
        head: Option<Box<Head>>, tried: Vec<Try>, request: Option<Box<Request>>, owes: Vec<Owed>,
    }
    Unfinished as UnfinishedShape {
        id: RunId, plan: Name, kind: PlanKind, mode: Mode, at: Name, longest: Option<Span>,
    }
    Failover as FailoverShape {
        id: RunId, plan: Name, from: Name, outcome: Option<Outcome>, acknowledged: bool, planned: bool,
    }
    Head as HeadShape { number: u32, rung: Option<Name>, first_failed: Wall, acknowledged: u32 }
    Try as TryShape { run: RunId, plan: Name, scenario: Option<Name>, incident: u32, outcome: Option<Outcome> }
    Where as WhereShape { from: Option<Name>, at: Name }
    Owed as OwedShape { run: RunId, scenario: Name, plan: Name, at: Name, paid: Option<RunId>, tries: u32 }
    Velocity as VelocityShape { started: Vec<(Name, RunId)> }
    RequestAtEdge as RequestShape {
        number: u64, why: Wanted, plan: Name, case: Where, way: Only, hash: Option<PlanHash>, epoch: Epoch,
        policy: PolicyHash, loss: Option<Loss>, exposure: bool, gates: u32, given: Vec<(RunTime, Filled)>,
    }
}

choice! {
    PlanKind as PlanKindShape { Failover, Repair, Rejoin, Inspect }
    Mode as ModeShape { Live, Drill, Preview }
    Only as OnlyShape { Planned, Unplanned }
    Outcome as OutcomeShape {
        Done, DoneWithExceptions, Undone, Superseded, HandedOver, Expired, Withdrawn, Refused,
    }
    Wanted as WantedShape {
        Scenario(name: Name), Failback, Rejoin, Owed(run: u64), Evacuation(who: Arc<str>),
    }
    Loss as LossShape { Unknown, AtMost(span: Span) }
}

/// What would be lost. An option within an option is one `null` in JSON.
enum Loss {
    Unknown,
    AtMost(Span),
}

/// A request with its loss in words.
struct RequestAtEdge {
    number: u64,
    why: Wanted,
    plan: Name,
    case: Where,
    way: Only,
    hash: Option<PlanHash>,
    epoch: Epoch,
    policy: PolicyHash,
    loss: Option<Loss>,
    exposure: bool,
    gates: u32,
    given: Vec<(RunTime, Filled)>,
}

impl Shape for Request {
    type Wire = RequestShape;
    fn out(&self, of: Of<'_>) -> RequestShape {
        let Request { number, why, plan, case, way, hash, epoch, policy, loss, exposure, gates, given } =
            self.clone();
        let loss = loss.map(|loss| loss.map_or(Loss::Unknown, Loss::AtMost));
        RequestAtEdge { number, why, plan, case, way, hash, epoch, policy, loss, exposure, gates, given }
            .out(of)
    }
    fn back(wire: RequestShape, of: Of<'_>) -> Result<Request, Unreadable> {
        let RequestAtEdge { number, why, plan, case, way, hash, epoch, policy, loss, exposure, gates, given } =
            RequestAtEdge::back(wire, of)?;
        let loss = loss.map(|loss| match loss {
            Loss::Unknown => None,
            Loss::AtMost(span) => Some(span),
        });
        Ok(Request { number, why, plan, case, way, hash, epoch, policy, loss, exposure, gates, given })
    }
}
