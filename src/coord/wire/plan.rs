//! The shape of a plan, as a journal keeps it for whoever carries the run on.
//!
//! Reading applies structure only, never a rule of today's `check`: an upgrade must not strand a run. Secrets are
//! references here as everywhere. Which case it is, is said by the names of its regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shape::{Of, Shape, Unreadable, choice, shape};
use crate::core::ids::{Name, RegionPos, StepPos};
use crate::core::plan::{
    ActsAs, Body, Case, CaseName, Drill, InDrill, InputType, Item, LapseBy, LateCall, OnFailure, OnLost,
    Only, Own, Phase, Piece, Plan, PlanKind, Plane, ProbeSet, Rate, Retry, RunTime, Sealed, SecretRef,
    SecretSource, Settles, Step, StepName, Text, Touch, Value, Written,
};
use crate::core::time::Span;

type InputText = crate::core::plan::Input<Text>;
type ItemText = Item<Text>;
type OwnText = Own<Text>;

shape! {
    Written as PlanShape {
        name: Name, service: Name, kind: PlanKind, case: Case, at: CaseName, stateless: bool, drilled: bool,
        title: Text, text: Option<Text>, requires: ProbeSet, loss_from: ProbeSet, fence: Vec<StepPos>,
        unfenced: Option<Text>, served: Option<Vec<StepPos>>, phases: Vec<Phase>, inputs: Vec<InputText>,
        at_most: Option<Rate>, steps: Vec<Step>,
    }
    CaseName as CaseNameShape { from: Option<Name>, at: Name }
    ProbeSet as ProbeSetShape { every: bool, named: Vec<Name> }
    Phase as PhaseShape { name: Name, deadline: Span }
    Rate as RateShape { runs: u32, within: Span }
    InputText as InputShape {
        name: Name, kind: InputType, choices: Vec<Arc<str>>, default: Option<Text>, pattern: Option<Arc<str>>,
    }
    Step as StepShape {
        name: StepName, title: Text, needs: Vec<StepPos>, phase: Option<usize>, acts_in: Name, acts_as: ActsAs,
        settles: Settles, touches: Vec<Touch>, resource: Option<Text>, late_call: LateCall, late: Span,
        changing: bool, leaves_production: bool, one_way: bool, undoable: bool, outputs: Vec<Name>,
        only: Option<Only>, on_failure: OnFailure, timeout: Span, retry: Retry, verify: Vec<Name>,
        probes: Vec<Name>, component: Option<Name>, drill: Drill, body: Body,
    }
    Touch as TouchShape { region: Option<Name>, api: Arc<str>, plane: Plane }
    Retry as RetryShape { times: u32, pause: Span }
    Drill as DrillShape { does: InDrill, action: Option<Sealed>, resource: Option<Text> }
    ItemText as ItemShape { text: Text, probe: Option<Name> }
    SecretRef as SecretShape { source: SecretSource, name: Arc<str> }
    SealedAtEdge as SealedShape { kind: Name, keys: BTreeMap<Arc<str>, Value> }
}

choice! {
    InputType as InputTypeShape { Text, Time, Choice }
    ActsAs as ActsAsShape { Fences, Promotes, Routes, Verifies, Other }
    Settles as SettlesShape { Nothing, Cut, Lapsed, Structural, Proved }
    Plane as PlaneShape { Control, Data }
    LateCall as LateCallShape { Checked, Deadline, None }
    OnFailure as OnFailureShape { Stop, Continue, Undo }
    InDrill as InDrillShape { Run, Preview, Skip }
    LapseBy as LapseByShape { RedisMinReplicas, BoundToDaemon, Gate }
    OnLost as OnLostShape { Hold, Close }
    SecretSource as SecretSourceShape { File, Env, Credential }
    Piece as PieceShape { Plain(text: Arc<str>), Run(what: RunTime) }
    Body as BodyShape { Action(sealed: Sealed), Own(own: OwnText) }
    OwnText as OwnShape {
        Wait { lasts: Option<Span>, until: Option<Name> },
        Lapse { lasts: Span, by: LapseBy },
        Approve { text: Text, role: Name, count: u32 },
        Checklist { items: Vec<ItemText>, role: Name },
        TrafficGate { drain: Span, on_lost: OnLost, ttl: Span },
        Pause { text: Text, lasts: Option<Span> },
    }
    Value as ValueShape {
        Flag(flag: bool), Int(number: i64), Number(text: Arc<str>), Span(span: Span), Text(text: Text),
        Secret(secret: SecretRef), List(items: Vec<Value>), Table(keys: BTreeMap<Arc<str>, Value>),
    }
}

/// An action, unsealed to be written down.
struct SealedAtEdge {
    kind: Name,
    keys: BTreeMap<Arc<str>, Value>,
}

impl Shape for Sealed {
    type Wire = SealedShape;
    fn out(&self, of: Of<'_>) -> SealedShape {
        SealedAtEdge { kind: self.kind().clone(), keys: self.keys().clone() }.out(of)
    }
    fn back(wire: SealedShape, of: Of<'_>) -> Result<Sealed, Unreadable> {
        SealedAtEdge::back(wire, of).map(|sealed| Sealed::written(sealed.kind, sealed.keys))
    }
}

impl Shape for Text {
    type Wire = Vec<PieceShape>;
    fn out(&self, of: Of<'_>) -> Vec<PieceShape> {
        self.pieces().iter().map(|piece| piece.out(of)).collect()
    }
    fn back(wire: Vec<PieceShape>, of: Of<'_>) -> Result<Text, Unreadable> {
        Vec::<Piece>::back(wire, of).map(|pieces| Text::written(&pieces))
    }
}

/// In places of the policy, so nothing of it is written: the plan's `at` has the names.
impl Shape for Case {
    type Wire = ();
    fn out(&self, _: Of<'_>) {}
    fn back((): (), _: Of<'_>) -> Result<Case, Unreadable> {
        Ok(Case::At(RegionPos::at(usize::MAX)))
    }
}

/// The case that the names say; a region that the policy does not know any more has no place in it.
fn case(at: &CaseName, of: Of<'_>) -> Case {
    let place = |name: &Name| {
        let known = of.policy().and_then(|policy| policy.region(name));
        known.unwrap_or_else(|| RegionPos::at(usize::MAX))
    };
    match &at.from {
        Some(from) => Case::Move { from: place(from), to: place(&at.at) },
        None => Case::At(place(&at.at)),
    }
}

impl Shape for Arc<Plan> {
    type Wire = PlanShape;
    fn out(&self, of: Of<'_>) -> PlanShape {
        self.written().out(of)
    }
    fn back(wire: PlanShape, of: Of<'_>) -> Result<Arc<Plan>, Unreadable> {
        let mut written = Written::back(wire, of)?;
        written.case = case(&written.at, of);
        written.restore().ok_or_else(|| Unreadable::new("the plan's steps do not hang together"))
    }
}
