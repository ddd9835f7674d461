//! What somebody is shown before they order a run: where it would go, what it would send, every gate with its answer, what
//! would be lost and what would stay exposed.
//!
//! It asks exactly what the order would be asked, by the same look, and changes nothing. It never holds a secret: a plan's
//! lines do not.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Named;
use crate::agree::Epoch;
use crate::decide::explain;
use crate::decide::{Answer, Gate, Gates};
use crate::engine::{asks_for, look_by};
use crate::ids::{Name, ServiceId};
use crate::order::{Accepts, Refused, Verb};
use crate::plan::{Case, Fencing, Only, Plan, PlanHash, PlanKind};
use crate::state::{Moments, State};
use crate::time::{Now, Span};
use crate::verdict::Picture;

/// What one order would come to, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The service.
    pub service: Name,
    /// The plan,
    pub plan: Name,
    /// of which kind.
    pub kind: PlanKind,
    /// The old side lives.
    pub planned: bool,
    /// The region that it would leave, if it moves the service.
    pub from: Option<Name>,
    /// Where it would act, or move to; none: there is nowhere.
    pub at: Option<Name>,
    /// The epoch of the record.
    pub epoch: Epoch,
    /// The hash of what would be sent.
    pub hash: Option<PlanHash>,
    /// What would be sent, a line each.
    pub lines: Vec<String>,
    /// Every gate that binds it.
    pub gates: Vec<GateView>,
    /// None of them is in the way.
    pub open: bool,
    /// What would be lost; inner none: nobody knows. None: nothing can be.
    pub loss: Option<Option<Span>>,
    /// What may be, by the objective in force.
    pub rpo: Option<Span>,
    /// Nothing settles the old side: it may go on accepting writes that would be lost.
    pub exposed: bool,
    /// Why its plan says that this is acceptable, where it does.
    pub unfenced: Option<String>,
    /// What it must be told and is not.
    pub untold: Vec<Name>,
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateView {
    /// Which.
    pub gate: Gate,
    /// What it says.
    pub says: Says,
    /// Why, in words; none: it passes.
    pub why: Option<String>,
}

/// What a gate says, without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing is in the way.
    Passes,
    /// Something is in the way, and whoever orders it may pass.
    Passed,
    /// Something is in the way.
    Blocks,
}

impl Says {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Says::Passes => "passes",
            Says::Passed => "passed",
            Says::Blocks => "blocks",
        }
    }
}

/// What an order that starts a run would come to, now; or why there is nothing to show.
pub fn preview(state: &State, id: ServiceId, verb: &Verb, now: Now) -> Result<Preview, Refused> {
    let service = state.service(id).ok_or(Refused::NoSuchService)?;
    let acting = service.acting.as_deref().ok_or(Refused::NoCoordinator)?;
    let record = acting.record.as_deref();
    let query = asks_for(service, record, verb)?;
    let epoch = record.ok_or(Refused::NoRecord)?.epoch;
    let (mut asked, mut wide, mut moments) = (Picture::default(), Picture::default(), Moments::default());
    moments.fill(service, &state.regions);
    let look = look_by(service, state, &moments, &query, now, (&mut asked, &mut wide));
    let mut look = look.ok_or(Refused::NoSuchPlan)?;
    look.accepted(verb.accepts().unwrap_or(&Accepts::default()));
    let given = if let Verb::Run { given, .. } = verb { given.as_slice() } else { &[] };
    look.told(service, given);
    let policy = service.policy.plans.get(query.plan.index()).ok_or(Refused::NoSuchPlan)?;
    let compiled = look.case.and_then(|case| policy.set.plan(case));
    let names = Named { state, service };
    let region = |at| service.policy.regions.get(crate::ids::RegionPos::index(at)).cloned();
    let way = if query.planned { Only::Planned } else { Only::Unplanned };
    let known = |input: &Name| {
        given.iter().any(|(key, _)| matches!(key, crate::plan::RunTime::Input(told) if told == input))
    };
    let untold = compiled.iter().flat_map(|plan| plan.needs_inputs()).filter(|input| !known(input));
    Ok(Preview {
        service: service.policy.name.clone(),
        plan: policy.name.clone(),
        kind: policy.set.kind,
        planned: query.planned,
        from: look.case.and_then(Case::from).and_then(region),
        at: look.case.map(Case::acts_in).and_then(region),
        epoch,
        hash: look.case.and_then(|case| policy.set.hash(case)),
        lines: compiled.map(|plan| plan.preview()).unwrap_or_default(),
        gates: answers(&look.gates, &names),
        open: look.gates.open(),
        loss: look.situation.loss,
        rpo: look.situation.rpo,
        exposed: look.situation.unfenced,
        unfenced: compiled.and_then(|plan| unfenced(plan, way)),
        untold: untold.cloned().collect(),
    })
}

/// What every gate that binds says, in the order in which they are told.
#[must_use]
pub fn answers(gates: &Gates, names: &Named<'_>) -> Vec<GateView> {
    Gate::ALL.iter().filter_map(|gate| said(*gate, gates.answer(*gate), names)).collect()
}

fn said(gate: Gate, answer: Answer, names: &Named<'_>) -> Option<GateView> {
    let (says, why) = match answer {
        Answer::Unbound => return None,
        Answer::Passes => (Says::Passes, None),
        Answer::Passed(reason) => (Says::Passed, Some(explain::reason(reason, names))),
        Answer::Blocks(reason) => (Says::Blocks, Some(explain::reason(reason, names))),
    };
    Some(GateView { gate, says, why })
}

/// Why a plan may promote although nothing settles the old side.
fn unfenced(plan: &Plan, way: Only) -> Option<String> {
    match plan.fencing(way) {
        Fencing::Unfenced(why) | Fencing::Named { unfenced: Some(why), .. } => Some(why.to_string()),
        Fencing::Named { unfenced: None, .. } | Fencing::NotNeeded | Fencing::Absent => None,
    }
}
