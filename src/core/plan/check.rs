//! The only maker of a [`Plan`]: finds every flaw of a compiled plan at once, or puts its steps in order.
//!
//! Each rule is a function over the whole plan, and none relies on another having passed: one flaw hides no other. It
//! must never judge what depends on a policy (modes, approvals): that is the gates' part.

use super::compile::Compiled;
use super::flaw::{Fault, Flaw, Flaws};
use super::graph::{Graph, Nodes};
use super::runnable::{Head, Plan};
use super::site::Known;
use super::step::{ActsAs, InDrill, Only, PlanKind, Step};
use super::text::{RunTime, Text};
use crate::ids::{Name, StepPos};
use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Makes a plan, or says everything that is wrong with it.
pub fn check(compiled: Compiled, known: &Known) -> Result<Arc<Plan>, Vec<Flaw>> {
    let Compiled { head, mut steps, mut flaws } = compiled;
    let Some(mut head) = head else { return Err(flaws.into_found()) };
    let mut graph = Graph::new(steps.len());
    for (place, step) in steps.iter().enumerate() {
        step.needs.iter().for_each(|need| graph.add(place, need.index()));
    }
    let above = Above(graph.ancestors());
    names(&head, &steps, known, &mut flaws);
    of_its_kind(&head, &steps, &mut flaws);
    fences(&head, &steps, &mut flaws);
    traffic(&steps, &above, &mut flaws);
    resources(&steps, &above, &mut flaws);
    outputs(&head, &steps, &above, &mut flaws);
    match graph.depths() {
        // Whoever has a cycle has its flaw from where the edges were made; without it, say it all the same.
        Err(stuck) if flaws.is_empty() => {
            let stuck =
                stuck.iter().filter_map(|place| steps.get(place)).map(|step| step.name.clone()).collect();
            flaws.plan("needs", Fault::Cycle { steps: stuck });
        }
        Err(_) => {}
        Ok(depths) => steps = order(&mut head, steps, &depths),
    }
    if flaws.is_empty() { Ok(Arc::new(Plan::checked(head, steps))) } else { Err(flaws.into_found()) }
}

struct Above(Vec<Nodes>);

impl Above {
    fn before(&self, early: usize, late: usize) -> bool {
        self.0.get(late).is_some_and(|above| above.has(early))
    }
}

/// Sorts the steps by depth, then name, and moves every position with them.
fn order(head: &mut Head, mut steps: Vec<Step>, depths: &[usize]) -> Vec<Step> {
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by(|&one, &other| {
        let key = |place: usize| (depths.get(place), steps.get(place).map(|step| &step.name));
        key(one).cmp(&key(other))
    });
    let mut moved = alloc::vec![StepPos::at(0); steps.len()];
    for (new, &old) in order.iter().enumerate() {
        if let Some(pos) = moved.get_mut(old) {
            *pos = StepPos::at(new);
        }
    }
    let follow = |list: &mut Vec<StepPos>| {
        for pos in list.iter_mut() {
            *pos = moved.get(pos.index()).copied().unwrap_or(*pos);
        }
    };
    follow(&mut head.fence);
    if let Some(served) = &mut head.served {
        follow(served);
    }
    for step in &mut steps {
        follow(&mut step.needs);
        step.needs.sort_unstable();
    }
    let mut tagged: Vec<(StepPos, Step)> = moved.into_iter().zip(steps).collect();
    tagged.sort_by_key(|&(pos, _)| pos);
    tagged.into_iter().map(|(_, step)| step).collect()
}

/// Everything named must exist.
fn names(head: &Head, steps: &[Step], known: &Known, flaws: &mut Flaws) {
    let missing = |what, name: &Name, known: &BTreeSet<Name>| {
        let fault = || Fault::Missing { what, name: name.clone(), known: known.iter().cloned().collect() };
        (!known.contains(name)).then(fault)
    };
    for (key, set) in [("requires", &head.requires), ("loss_from", &head.loss_from)] {
        for probe in &set.named {
            if let Some(fault) = missing("probe", probe, &known.probes) {
                flaws.plan(key, fault);
            }
        }
    }
    for step in steps {
        for (key, probes) in [("verify", &step.verify), ("probes", &step.probes)] {
            for probe in probes {
                if let Some(fault) = missing("probe", probe, &known.probes) {
                    flaws.step(&step.name, key, fault);
                }
            }
        }
        if let Some(component) = &step.component
            && let Some(fault) = missing("component", component, &known.components)
        {
            flaws.step(&step.name, "component", fault);
        }
        for (i, output) in step.outputs.iter().enumerate() {
            if step.outputs.iter().skip(i + 1).any(|other| other == output) {
                flaws.step(&step.name, "outputs", Fault::Twice { what: "outputs", name: output.clone() });
            }
        }
    }
}

/// What a plan of that kind may hold.
fn of_its_kind(head: &Head, steps: &[Step], flaws: &mut Flaws) {
    for step in steps {
        let mut not = |what| flaws.step(&step.name, "kind", Fault::NotInKind { kind: head.kind, what });
        match head.kind {
            PlanKind::Failover | PlanKind::Repair => {}
            PlanKind::Rejoin => {
                if step.acts_as == ActsAs::Promotes {
                    not("promotes");
                }
            }
            PlanKind::Inspect => match step.acts_as {
                ActsAs::Promotes => not("promotes"),
                ActsAs::Routes => not("routes"),
                ActsAs::Fences => not("fences"),
                ActsAs::Verifies | ActsAs::Other => {
                    if step.changing && !step.leaves_production {
                        not("changes anything");
                    }
                }
            },
        }
        if step.only.is_some() && head.kind != PlanKind::Failover {
            flaws.step(&step.name, "only", Fault::OnlyOutsideFailover);
        }
    }
}

/// A fence acts where the old side is.
fn fences(head: &Head, steps: &[Step], flaws: &mut Flaws) {
    let Some(old) = &head.at.from else { return };
    for step in steps.iter().filter(|step| step.acts_as == ActsAs::Fences && step.acts_in != *old) {
        let fault = Fault::FenceElsewhere { region: step.acts_in.clone(), old: old.clone() };
        flaws.step(&step.name, "region", fault);
    }
}

/// Users are led to a side that may write.
fn traffic(steps: &[Step], above: &Above, flaws: &mut Flaws) {
    let acting = |what| steps.iter().enumerate().filter(move |(_, step)| step.acts_as == what);
    for (to, routes) in acting(ActsAs::Routes) {
        for (from, promotes) in acting(ActsAs::Promotes) {
            if routes.meets(promotes) && !above.before(from, to) {
                flaws.step(
                    &routes.name,
                    "needs",
                    Fault::TrafficBeforePromotion { promotes: promotes.name.clone() },
                );
            }
        }
    }
}

/// The mark of a resource can only grow along an order.
fn resources(steps: &[Step], above: &Above, flaws: &mut Flaws) {
    for (i, one) in steps.iter().enumerate() {
        for (j, other) in steps.iter().enumerate().skip(i + 1) {
            if !one.meets(other) || above.before(i, j) || above.before(j, i) {
                continue;
            }
            let in_drill = |step: &Step| step.drill.does == InDrill::Run;
            let live = shared(one.resource.as_ref(), other.resource.as_ref());
            let drill = shared(one.drill.resource.as_ref(), other.drill.resource.as_ref())
                .filter(|_| in_drill(one) && in_drill(other));
            if let Some(resource) = live.or(drill) {
                let fault = Fault::Unordered { other: other.name.clone(), resource: resource.to_string() };
                flaws.step(&one.name, "needs", fault);
            }
        }
    }
}

fn shared<'a>(one: Option<&'a Text>, other: Option<&Text>) -> Option<&'a Text> {
    one.filter(|_| one == other)
}

/// Each output that a text names must be there when its step starts.
fn outputs(head: &Head, steps: &[Step], above: &Above, flaws: &mut Flaws) {
    for (place, step) in steps.iter().enumerate() {
        let mut live = Vec::new();
        step.each_text(&mut |key, text| live.extend(text.placeholders().map(|one| (key, one))));
        let mut drill = Vec::new();
        if step.drill.does == InDrill::Run {
            step.each_drill_text(&mut |key, text| drill.extend(text.placeholders().map(|one| (key, one))));
        }
        let all = live.iter().map(|one| (one, false)).chain(drill.iter().map(|one| (one, true)));
        for (&(key, placeholder), in_drill) in all {
            let RunTime::Output(of, output) = placeholder else { continue };
            let mut flaw = |fault| flaws.step(&step.name, key, fault);
            let Some((giving, from)) = steps.iter().enumerate().find(|(_, from)| from.name == *of) else {
                flaw(Fault::NoOutput { output: placeholder.clone(), declared: None });
                continue;
            };
            if !from.outputs.contains(output) {
                flaw(Fault::NoOutput { output: placeholder.clone(), declared: Some(from.outputs.clone()) });
            }
            if !above.before(giving, place) || giving == place {
                flaw(Fault::OutputTooEarly { output: placeholder.clone() });
            }
            if let Some(only) = from.only
                && step.only != from.only
            {
                let only = match only {
                    Only::Planned => "planned",
                    Only::Unplanned => "unplanned",
                };
                flaw(Fault::OutputLeftOut { output: placeholder.clone(), only });
            }
            if in_drill && head.drilled && from.drill.does != InDrill::Run {
                flaw(Fault::OutputPreviewed { output: placeholder.clone() });
            }
        }
    }
}
