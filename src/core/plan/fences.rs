//! Puts whatever lets the new side write behind the fences that settle the old one (SAFETY §4).
//!
//! It must never drop a fence quietly: one that cannot come first is a flaw of what it would have to come before.

use super::draft::PlanDraft;
use super::edges::acts_as;
use super::flaw::{Fault, Flaws};
use super::graph::Graph;
use super::inline::{Flat, Flattened};
use super::step::{ActsAs, Only, PlanKind};
use super::step_name::StepName;
use alloc::vec::Vec;

/// The list of fences of the plan itself; else that of its one child that has one.
pub(super) fn fences<'a>(
    draft: &'a PlanDraft,
    flat: &Flattened<'a>,
    flaws: &mut Flaws,
) -> (Vec<usize>, &'a PlanDraft) {
    let (mut places, mut fenced_by) = (Vec::new(), draft);
    for name in &draft.fence {
        let Some(found) = flat.places.get(name) else {
            let known = draft.steps.iter().map(|step| step.name.clone()).collect();
            flaws.plan("fence", Fault::Missing { what: "step", name: name.clone(), known });
            continue;
        };
        let step = StepName::own(name.clone());
        match found.as_slice() {
            &[place] if flat.steps.get(place).is_some_and(|step| step.child.is_none()) => {
                let acts_as = flat.steps.get(place).and_then(|step| acts_as(step.draft));
                if acts_as != Some(ActsAs::Fences) {
                    flaws.plan("fence", Fault::NoFence { step, acts_as });
                } else if places.contains(&place) {
                    flaws.plan("fence", Fault::Twice { what: "fences", name: name.clone() });
                } else {
                    places.push(place);
                }
            }
            _ => flaws.plan("fence", Fault::NoFence { step, acts_as: None }),
        }
    }
    let mut named = !draft.fence.is_empty();
    for (stands, child) in &flat.children {
        if child.fence.is_empty() {
            continue;
        }
        if named {
            flaws.plan("fence", Fault::TwoFenceLists { child: stands.name.clone() });
            continue;
        }
        (named, fenced_by) = (true, child);
        // What of the child's list is wrong is said of the child.
        let of_child = flat.places.get(&stands.name).into_iter().flatten().copied();
        let fences: Vec<usize> = of_child
            .filter(|&place| {
                flat.steps.get(place).is_some_and(|step| acts_as(step.draft) == Some(ActsAs::Fences))
            })
            .collect();
        places.extend(child.fence.iter().filter_map(|name| {
            fences
                .iter()
                .copied()
                .find(|&place| flat.steps.get(place).is_some_and(|step| step.draft.name == *name))
        }));
    }
    (places, fenced_by)
}

/// What promotes waits for every fence: the first that settles leaves the others out. In a failover that promotes
/// nothing the switch of traffic is what must wait.
pub(super) fn behind_fences(
    draft: &PlanDraft,
    fence: &[usize],
    flat: &Flattened<'_>,
    graph: &mut Graph,
    flaws: &mut Flaws,
) {
    let acting = |as_what: ActsAs| -> Vec<(usize, &Flat<'_>)> {
        flat.steps.iter().enumerate().filter(|(_, step)| acts_as(step.draft) == Some(as_what)).collect()
    };
    let mut waiting = acting(ActsAs::Promotes);
    if waiting.is_empty() && draft.kind == PlanKind::Failover {
        waiting = acting(ActsAs::Routes);
    }
    let above = graph.ancestors();
    for (i, &place) in fence.iter().enumerate() {
        let Some(fence_step) = flat.steps.get(place) else { continue };
        let waits_for = |node: usize| above.get(place).is_some_and(|above| above.has(node));
        for &(node, step) in &waiting {
            if !meet(step.only, fence_step.only) {
                continue;
            }
            if waits_for(node) {
                let acts_as = acts_as(step.draft).unwrap_or(ActsAs::Other);
                flaws.step(
                    &step.name,
                    "needs",
                    Fault::BeforeFence { fence: fence_step.name.clone(), acts_as },
                );
            } else {
                graph.add(node, place);
            }
        }
        for (j, &later) in fence.iter().enumerate().skip(i + 1) {
            let Some(later_step) = flat.steps.get(later) else { continue };
            if waits_for(later) {
                flaws.step(&fence_step.name, "needs", Fault::FenceOrder { fence: later_step.name.clone() });
            } else if j == i + 1 || meet(fence_step.only, later_step.only) {
                graph.add(later, place);
            }
        }
    }
}

fn meet(one: Option<Only>, other: Option<Only>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => true,
    }
}
