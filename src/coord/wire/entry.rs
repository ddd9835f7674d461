//! The shape of a journal's entries, and of what a try sends.

use std::sync::Arc;

use super::shape::{Of, Shape, Unreadable, choice, shape};
use crate::core::agree::{Epoch, Mode, Outcome, RunId};
use crate::core::authority::ClusterId;
use crate::core::ids::Name;
use crate::core::plan::{
    Body, By, Entry, Filled, Only, Op, PlanHash, Reply, RunTime, Sent, Start, StepName, Stuck, Text,
};

shape! {
    Start as StartShape {
        run: RunId, plan: Name, hash: Option<PlanHash>, way: Only, mode: Mode, cluster: ClusterId, epoch: Epoch,
        serial: u64, given: Vec<(RunTime, Filled)>, exposure_accepted: bool,
    }
    Sent as SentShape { body: Body, resource: Option<Text> }
}

choice! {
    Entry as EntryShape {
        Started(start: Start),
        Intent {
            step: StepName, undoing: bool, op: Op, attempt: u32, serial: u64, sent: Option<Arc<Sent>>,
        },
        Heard { step: StepName, undoing: bool, serial: u64, reply: Reply, outputs: Vec<(Name, Filled)> },
        Expired { step: StepName, undoing: bool, serial: u64 },
        Approved { step: StepName, by: By },
        Ticked { step: StepName, item: usize, by: By },
        Skipped { step: StepName, undoing: bool, by: By },
        Retried { step: StepName, undoing: bool, by: By },
        Stuck { step: StepName, undoing: bool, why: Stuck },
        Accepted { by: By },
        Aborted { by: By },
        Superseded,
        HandedOver { by: By },
        Ended(outcome: Outcome),
    }
    Op as OpShape { Do, Undo, Observe, Verify }
    Reply as ReplyShape { Done, NotDone, Transient, Refused, Unknown }
    By as ByShape { Person(who: Arc<str>), Probe(name: Name), Run }
    Filled as FilledShape { One(text: Arc<str>), Many(texts: Vec<Arc<str>>) }
    RunTime as RunTimeShape {
        RunId, RunToken, IncidentId, IncidentStarted, Input(name: Name), Trigger(name: Name),
        Output(step: StepName, name: Name),
    }
}

/// Why a step is stuck.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StuckShape {
    Unfilled(RunTimeShape),
    List(RunTimeShape),
    Unwritable(String),
}

impl Shape for Stuck {
    type Wire = StuckShape;
    fn out(&self, of: Of<'_>) -> StuckShape {
        match self {
            Stuck::NotFilled(what) => StuckShape::Unfilled(what.out(of)),
            Stuck::NotAText(what) => StuckShape::List(what.out(of)),
            Stuck::NotWritable(region) => StuckShape::Unwritable(region.out(of)),
        }
    }
    fn back(wire: StuckShape, of: Of<'_>) -> Result<Stuck, Unreadable> {
        Ok(match wire {
            StuckShape::Unfilled(what) => Stuck::NotFilled(RunTime::back(what, of)?),
            StuckShape::List(what) => Stuck::NotAText(RunTime::back(what, of)?),
            StuckShape::Unwritable(region) => Stuck::NotWritable(Name::back(region, of)?),
        })
    }
}

impl Shape for Arc<Sent> {
    type Wire = SentShape;
    fn out(&self, of: Of<'_>) -> SentShape {
        Sent::out(self, of)
    }
    fn back(wire: SentShape, of: Of<'_>) -> Result<Arc<Sent>, Unreadable> {
        Sent::back(wire, of).map(Arc::new)
    }
}
