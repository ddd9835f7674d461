//! Puts the steps of child plans in the place of the steps that stand for them, so that no child exists in a run.
//!
//! One level only: a child of a child is a flaw, and is left out, so this cannot run in circles.

use super::draft::{BodyDraft, PlanDraft, StepDraft};
use super::flaw::{Fault, Flaws};
use super::step::{InDrill, OnFailure, Only};
use super::step_name::StepName;
use crate::ids::Name;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A step that will be one of the compiled plan.
pub(super) struct Flat<'a> {
    pub(super) name: StepName,
    pub(super) draft: &'a StepDraft,
    /// The step that stands for the plan that it was written in, if that is a child.
    pub(super) child: Option<&'a StepDraft>,
    pub(super) only: Option<Only>,
    pub(super) on_failure: OnFailure,
    pub(super) in_drill: Option<InDrill>,
    pub(super) component: Option<&'a Name>,
}

/// All steps of a plan in the order in which they were written, and where each name leads.
pub(super) struct Flattened<'a> {
    pub(super) steps: Vec<Flat<'a>>,
    /// The places of a step of the plan itself; of all its child's steps, if it stands for one.
    pub(super) places: BTreeMap<&'a Name, Vec<usize>>,
    /// Each step that stands for a child, and the child.
    pub(super) children: Vec<(&'a StepDraft, &'a PlanDraft)>,
}

/// Puts children in their places.
pub(super) fn flatten<'a>(draft: &'a PlanDraft, drafts: &'a [PlanDraft], flaws: &mut Flaws) -> Flattened<'a> {
    let mut flat = Flattened { steps: Vec::new(), places: BTreeMap::new(), children: Vec::new() };
    for step in &draft.steps {
        if flat.places.contains_key(&step.name) {
            flaws.plan("step", Fault::Twice { what: "steps", name: step.name.clone() });
            continue;
        }
        let first = flat.steps.len();
        match &step.body {
            BodyDraft::Action(_) | BodyDraft::Own(_) => flat.steps.push(Flat {
                name: StepName::own(step.name.clone()),
                draft: step,
                child: None,
                only: step.only,
                on_failure: step.on_failure.unwrap_or(OnFailure::Stop),
                in_drill: step.in_drill,
                component: step.component.as_ref(),
            }),
            BodyDraft::Child { plan, .. } => child(&mut flat, step, plan, drafts, flaws),
        }
        flat.places.insert(&step.name, (first..flat.steps.len()).collect());
    }
    flat
}

fn child<'a>(
    flat: &mut Flattened<'a>,
    stands: &'a StepDraft,
    plan: &Name,
    drafts: &'a [PlanDraft],
    flaws: &mut Flaws,
) {
    let name = StepName::own(stands.name.clone());
    // What would silently not be done must not be there.
    for (key, given) in [("timeout", stands.timeout.is_some()), ("retry", stands.retry.is_some())] {
        if given {
            flaws.step(&name, key, Fault::NotOnAChild);
        }
    }
    let Some(child) = drafts.iter().find(|draft| draft.name == *plan) else {
        let known = drafts.iter().map(|draft| draft.name.clone()).collect();
        flaws.step(&name, "plan", Fault::Missing { what: "plan", name: plan.clone(), known });
        return;
    };
    if child.steps.is_empty() {
        flaws.step(&name, "plan", Fault::Empty);
    }
    flat.children.push((stands, child));
    let mut seen = Vec::new();
    for step in &child.steps {
        if seen.contains(&&step.name) {
            flaws.step(&name, "plan", Fault::Twice { what: "steps", name: step.name.clone() });
            continue;
        }
        seen.push(&step.name);
        let inner = StepName::of_child(stands.name.clone(), step.name.clone());
        if let BodyDraft::Child { plan, .. } = &step.body {
            flaws.step(&inner, "plan", Fault::ChildOfChild { plan: plan.clone() });
            continue;
        }
        if let (Some(outer), Some(own)) = (stands.only, step.only)
            && outer != own
        {
            flaws.step(&inner, "only", Fault::NeverRuns);
        }
        let on_failure = match (stands.on_failure, step.on_failure) {
            // Whoever may fail as a whole may fail in part: nothing of it stops the run.
            (Some(OnFailure::Continue), _) => OnFailure::Continue,
            (outer, own) => own.or(outer).unwrap_or(OnFailure::Stop),
        };
        flat.steps.push(Flat {
            name: inner,
            draft: step,
            child: Some(stands),
            only: step.only.or(stands.only),
            on_failure,
            in_drill: stands.in_drill.or(step.in_drill),
            component: step.component.as_ref().or(stands.component.as_ref()),
        });
        if flat.steps.len() > super::MOST_STEPS {
            return;
        }
    }
}
