//! What waits for what: `needs`, phases, children in their places, and promotions behind the fences.
//!
//! Everything that orders two steps of a run is an edge here, so that a saga has only `needs` to look at. A rule that
//! would close a circle is reported as what it is and not added.

use super::draft::{BodyDraft, PlanDraft, StepDraft};
use super::fences::{behind_fences, fences};
use super::flaw::{Fault, Flaws};
use super::graph::{Graph, Nodes};
use super::inline::Flattened;
use super::step::ActsAs;
use super::step_name::StepName;
use crate::ids::Name;
use crate::time::Span;
use alloc::vec;
use alloc::vec::Vec;

/// A plan's steps in order.
pub(super) struct Wired<'a> {
    pub(super) graph: Graph,
    /// The places of the fences, in the order in which they are tried.
    pub(super) fence: Vec<usize>,
    /// The plan that names them: the plan itself, or a child.
    pub(super) fenced_by: &'a PlanDraft,
    /// By deadline.
    pub(super) phases: Vec<(&'a Name, Span)>,
    /// Where each step's phase stands among them.
    pub(super) phase_of: Vec<Option<usize>>,
}

/// What a step does to the service, as its draft says or, for the core's own, as the core knows.
pub(super) fn acts_as(step: &StepDraft) -> Option<ActsAs> {
    match &step.body {
        BodyDraft::Action(action) => Some(action.acts_as),
        BodyDraft::Own(own) => Some(own.acts_as()),
        BodyDraft::Child { .. } => None,
    }
}

/// Orders the steps of a plan.
pub(super) fn wire<'a>(draft: &'a PlanDraft, flat: &Flattened<'a>, flaws: &mut Flaws) -> Wired<'a> {
    let mut graph = Graph::new(flat.steps.len());
    for (stands, child) in &flat.children {
        within_child(stands, child, flat, &mut graph, flaws);
    }
    let inside = graph.clone();
    for step in &draft.steps {
        outer_needs(draft, step, flat, &inside, &mut graph, flaws);
    }
    let phases = by_deadline(draft, flaws);
    let mut phase_of = vec![None; flat.steps.len()];
    for step in &draft.steps {
        let phase = phase_place(&phases, step, &StepName::own(step.name.clone()), flaws);
        for &place in flat.places.get(&step.name).into_iter().flatten() {
            if let Some(mine) = phase_of.get_mut(place) {
                *mine = phase;
            }
        }
    }
    in_phases(&phases, &phase_of, flat, &mut graph, flaws);
    let (fence, fenced_by) = fences(draft, flat, flaws);
    behind_fences(draft, &fence, flat, &mut graph, flaws);
    past_left_out(flat, &mut graph);
    for cycle in graph.cycles() {
        let steps =
            cycle.iter().filter_map(|&node| flat.steps.get(node)).map(|step| step.name.clone()).collect();
        flaws.plan("needs", Fault::Cycle { steps });
    }
    Wired { graph, fence, fenced_by, phases, phase_of }
}

fn within_child(
    stands: &StepDraft,
    child: &PlanDraft,
    flat: &Flattened<'_>,
    graph: &mut Graph,
    flaws: &mut Flaws,
) {
    let places = flat.places.get(&stands.name).map(Vec::as_slice).unwrap_or_default();
    let own = |name: &Name| {
        places
            .iter()
            .copied()
            .find(|&place| flat.steps.get(place).is_some_and(|step| step.draft.name == *name))
    };
    let phases = by_deadline(child, flaws);
    let mut phase_of = vec![None; flat.steps.len()];
    for &place in places {
        let Some(step) = flat.steps.get(place) else { continue };
        for need in &step.draft.needs {
            match own(need) {
                Some(need) => graph.add(place, need),
                // What was left out of the child has its own flaw.
                None if child.steps.iter().any(|step| step.name == *need) => {}
                None => missing_step(child, &step.name, need, flaws),
            }
        }
        if let Some(mine) = phase_of.get_mut(place) {
            *mine = phase_place(&phases, step.draft, &step.name, flaws);
        }
    }
    // The child's deadlines count from its own start, which a run does not know: only their order is kept.
    in_phases(&phases, &phase_of, flat, graph, flaws);
}

fn outer_needs(
    draft: &PlanDraft,
    step: &StepDraft,
    flat: &Flattened<'_>,
    inside: &Graph,
    graph: &mut Graph,
    flaws: &mut Flaws,
) {
    let places = flat.places.get(&step.name).map(Vec::as_slice).unwrap_or_default();
    // The first steps of a child are those that need none of it, the last those that none of it needs.
    let firsts: Vec<usize> =
        places.iter().copied().filter(|&place| inside.needs(place) == Nodes::default()).collect();
    for need in &step.needs {
        let Some(needed) = flat.places.get(need) else {
            missing_step(draft, &StepName::own(step.name.clone()), need, flaws);
            continue;
        };
        for &last in needed {
            if needed.iter().all(|&other| !inside.needs(other).has(last)) {
                firsts.iter().for_each(|&first| graph.add(first, last));
            }
        }
    }
}

fn missing_step(plan: &PlanDraft, step: &StepName, need: &Name, flaws: &mut Flaws) {
    let known = plan.steps.iter().map(|step| step.name.clone()).collect();
    flaws.step(step, "needs", Fault::Missing { what: "step", name: need.clone(), known });
}

fn by_deadline<'a>(draft: &'a PlanDraft, flaws: &mut Flaws) -> Vec<(&'a Name, Span)> {
    let mut phases: Vec<(&Name, Span)> =
        draft.phases.iter().map(|(name, deadline)| (name, *deadline)).collect();
    phases.sort_by_key(|&(name, deadline)| (deadline, name));
    for (i, &(name, deadline)) in phases.iter().enumerate() {
        let Some(&(next, later)) = phases.get(i + 1) else { continue };
        if deadline == later && name != next {
            flaws.plan("phases", Fault::SameDeadline { one: name.clone(), other: next.clone(), deadline });
        }
        if phases.iter().skip(i + 1).any(|&(other, _)| other == name) {
            flaws.plan("phases", Fault::Twice { what: "phases", name: name.clone() });
        }
    }
    phases
}

fn phase_place(
    phases: &[(&Name, Span)],
    step: &StepDraft,
    name: &StepName,
    flaws: &mut Flaws,
) -> Option<usize> {
    let Some(phase) = &step.phase else { return (!phases.is_empty()).then_some(0) };
    let found = phases.iter().position(|&(known, _)| known == phase);
    if found.is_none() {
        let known = phases.iter().map(|&(name, _)| name.clone()).collect();
        flaws.step(name, "phase", Fault::Missing { what: "phase", name: phase.clone(), known });
    }
    found
}

/// A step needs all steps of all earlier phases, not only of the one before: that one's may all be left out of a run.
fn in_phases(
    phases: &[(&Name, Span)],
    phase_of: &[Option<usize>],
    flat: &Flattened<'_>,
    graph: &mut Graph,
    flaws: &mut Flaws,
) {
    if phases.len() < 2 {
        return;
    }
    let above = graph.ancestors();
    let phase = |node: usize| phase_of.get(node).copied().flatten();
    for node in 0..graph.len() {
        for other in 0..graph.len() {
            let (Some(mine), Some(theirs)) = (phase(node), phase(other)) else { continue };
            if mine <= theirs {
                continue;
            }
            if !above.get(other).is_some_and(|above| above.has(node)) {
                graph.add(node, other);
            } else if graph.needs(other).has(node)
                && let (Some(early), Some(late), Some(&(phase, _))) =
                    (flat.steps.get(other), flat.steps.get(node), phases.get(mine))
            {
                let fault = Fault::NeedsLaterPhase { need: late.name.clone(), phase: phase.clone() };
                flaws.step(&early.name, "needs", fault);
            }
        }
    }
}

/// A step that is left out counts as met, at once. What needed it would then start before what *it* needs (DNS before
/// the promotion), so it needs that too.
fn past_left_out(flat: &Flattened<'_>, graph: &mut Graph) {
    let Ok(depths) = graph.depths() else { return };
    let mut order: Vec<usize> = (0..graph.len()).collect();
    order.sort_by_key(|&node| depths.get(node).copied());
    for node in order {
        let mine = flat.steps.get(node).and_then(|step| step.only);
        // What is added may be left out as well, with a step that is not.
        let mut open: Vec<usize> = graph.needs(node).iter().collect();
        while let Some(need) = open.pop() {
            let only = flat.steps.get(need).and_then(|step| step.only);
            if only.is_none() || only == mine {
                continue;
            }
            for need in graph.needs(need).iter() {
                if !graph.needs(node).has(need) {
                    graph.add(node, need);
                    open.push(need);
                }
            }
        }
    }
}
