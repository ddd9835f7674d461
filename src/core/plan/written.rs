//! All of a plan as plain data, for whoever writes it down, and back.
//!
//! Reading back applies structure only: places are in the list, and whatever a step needs stands before it. It must never
//! apply a rule of [`check`](super::check::check): a plan that was started under older rules must be readable, or its run is stranded.

use super::MOST_STEPS;
use super::flaw::CaseName;
use super::runnable::{Head, Phase, Plan};
use super::site::Case;
use super::step::{Input, PlanKind, ProbeSet, Rate, Step};
use super::text::{Piece, RunTime, Text};
use super::value::{Sealed, Value};
use crate::ids::{Name, StepPos};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// All of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what `Plan` and its readers say of them")]
pub struct Written {
    pub name: Name,
    pub service: Name,
    pub kind: PlanKind,
    pub case: Case,
    pub at: CaseName,
    pub stateless: bool,
    pub drilled: bool,
    pub title: Text,
    pub text: Option<Text>,
    pub requires: ProbeSet,
    pub loss_from: ProbeSet,
    pub fence: Vec<StepPos>,
    pub unfenced: Option<Text>,
    pub served: Option<Vec<StepPos>>,
    pub phases: Vec<Phase>,
    pub inputs: Vec<Input<Text>>,
    pub at_most: Option<Rate>,
    pub steps: Vec<Step>,
}

impl Plan {
    /// All of it, as plain data.
    #[must_use]
    pub fn written(&self) -> Written {
        let Head {
            name,
            service,
            kind,
            case,
            at,
            stateless,
            drilled,
            title,
            text,
            requires,
            loss_from,
            fence,
            unfenced,
            served,
            phases,
            inputs,
            at_most,
        } = self.head().clone();
        let steps = self.steps().to_vec();
        Written {
            name,
            service,
            kind,
            case,
            at,
            stateless,
            drilled,
            title,
            text,
            requires,
            loss_from,
            fence,
            unfenced,
            served,
            phases,
            inputs,
            at_most,
            steps,
        }
    }
}

impl Written {
    /// The plan again; none, if a place in it names nothing, or a step comes before what it needs.
    #[must_use]
    pub fn restore(self) -> Option<Arc<Plan>> {
        let many = self.steps.len();
        let inside = |places: &[StepPos]| places.iter().all(|at| at.index() < many);
        let ordered =
            self.steps.iter().enumerate().all(|(i, step)| step.needs.iter().all(|need| need.index() < i));
        let phased = self.steps.iter().all(|step| step.phase.is_none_or(|at| at < self.phases.len()));
        let served = self.served.as_deref().is_none_or(inside);
        if many > MOST_STEPS || !(inside(&self.fence) && served && ordered && phased) {
            return None;
        }
        let head = Head {
            name: self.name,
            service: self.service,
            kind: self.kind,
            case: self.case,
            at: self.at,
            stateless: self.stateless,
            drilled: self.drilled,
            title: self.title,
            text: self.text,
            requires: self.requires,
            loss_from: self.loss_from,
            fence: self.fence,
            unfenced: self.unfenced,
            served: self.served,
            phases: self.phases,
            inputs: self.inputs,
            at_most: self.at_most,
        };
        Some(Arc::new(Plan::checked(head, self.steps)))
    }
}

impl Text {
    /// The text of these pieces, as it was written down.
    #[must_use]
    pub fn written(pieces: &[Piece]) -> Text {
        let mut text = Text::default();
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => text.push_plain(plain),
                Piece::Run(run) => text.push_run(RunTime::clone(run)),
            }
        }
        text
    }
}

impl Sealed {
    /// An action, as it was written down.
    #[must_use]
    pub const fn written(kind: Name, keys: BTreeMap<Arc<str>, Value>) -> Sealed {
        Sealed::new(kind, keys)
    }
}
