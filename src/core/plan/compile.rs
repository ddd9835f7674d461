//! Compiles a plan for one case at load: children inlined, phases resolved, everything known filled in.
//!
//! It is total: whatever it is given it makes something, and says what is wrong with it. Only [`check`](super::check)
//! turns that into a plan that may be run.

use super::draft::{BodyDraft, PlanDraft};
use super::edges::{Wired, wire};
use super::flaw::{CaseName, Fault, Flaws};
use super::inline::{Flattened, flatten};
use super::inputs::{inputs, told};
use super::resolve::Scope;
use super::runnable::{Head, Phase};
use super::site::{Case, Site, SiteRegion};
use super::step::{ActsAs, PlanKind, ProbeSet, Step};
use super::step_name::StepName;
use super::text::{Raw, RunTime, Text};
use super::{MOST_IN_A_LIST, MOST_STEPS, build};
use crate::ids::{Name, StepPos};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

/// A plan of one case, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    pub(super) head: Option<Head>,
    pub(super) steps: Vec<Step>,
    pub(super) flaws: Flaws,
}

/// Compiles `draft` for one case; `drafts` are all plans of the service, where its children are found.
#[must_use]
pub fn compile(draft: &PlanDraft, drafts: &[PlanDraft], site: &Site, case: Case) -> Compiled {
    let mut flaws = Flaws::of(draft.name.clone());
    let (Some(at), Some(old)) = (site.region(case.acts_in()), site.region(case.old())) else {
        flaws.plan("", Fault::TooFewRegions { regions: site.regions.len() });
        return Compiled { head: None, steps: Vec::new(), flaws };
    };
    bounds(draft, &mut flaws);
    if !flaws.is_empty() {
        return Compiled { head: None, steps: Vec::new(), flaws };
    }
    let flat = flatten(draft, drafts, &mut flaws);
    if flat.steps.len() > MOST_STEPS {
        flaws.plan("step", Fault::TooMany { what: "steps with those of its children", most: MOST_STEPS });
        return Compiled { head: None, steps: Vec::new(), flaws };
    }
    for (_, child) in &flat.children {
        bounds(child, &mut flaws);
    }
    let wired = wire(draft, &flat, &mut flaws);
    let declared = draft.inputs.iter().map(|input| input.name.clone()).collect();
    let plan = Scope { site, case, acts_in: at, step: None, child: None, inputs: &declared };
    let steps = steps(&plan, &flat, &wired, old, &mut flaws);
    let head = head(draft, &plan, &flat, &wired, old, &mut flaws);
    Compiled { head: Some(head), steps, flaws }
}

/// Bounds everything that is looped over later.
fn bounds(draft: &PlanDraft, flaws: &mut Flaws) {
    let mut list = |step: Option<StepName>, key: &str, what: &'static str, len: usize| {
        if len > MOST_IN_A_LIST {
            flaws.push(step, key, Fault::TooMany { what, most: MOST_IN_A_LIST });
        }
    };
    list(None, "phases", "phases", draft.phases.len());
    list(None, "inputs", "inputs", draft.inputs.len());
    list(None, "fence", "fences", draft.fence.len());
    list(None, "requires", "probes", draft.requires.as_ref().map_or(0, Vec::len));
    list(None, "loss_from", "probes", draft.loss_from.as_ref().map_or(0, Vec::len));
    for input in &draft.inputs {
        list(None, "inputs", "choices", input.choices.len());
    }
    for step in draft.steps.iter().take(MOST_STEPS) {
        let name = || Some(StepName::own(step.name.clone()));
        list(name(), "verify", "probes", step.verify.len());
        match &step.body {
            BodyDraft::Action(action) => {
                list(name(), "touches", "touches", action.touches.len());
                list(name(), "outputs", "outputs", action.outputs.len());
                list(name(), "probes", "probes", action.probes.len());
            }
            BodyDraft::Own(own) => {
                let mut items = 0;
                own.each_text(&mut |_, _| items += 1);
                list(name(), "items", "items", items);
            }
            BodyDraft::Child { inputs, .. } => list(name(), "inputs", "inputs", inputs.len()),
        }
    }
    for step in draft.steps.iter().take(MOST_STEPS) {
        if step.needs.len() > MOST_STEPS {
            flaws.step(
                &StepName::own(step.name.clone()),
                "needs",
                Fault::TooMany { what: "needs", most: MOST_STEPS },
            );
        }
    }
    if draft.steps.len() > MOST_STEPS {
        flaws.plan("step", Fault::TooMany { what: "steps", most: MOST_STEPS });
    }
    if draft.steps.is_empty() {
        flaws.plan("step", Fault::Empty);
    }
}

fn steps(
    plan: &Scope<'_>,
    flat: &Flattened<'_>,
    wired: &Wired<'_>,
    old: &SiteRegion,
    flaws: &mut Flaws,
) -> Vec<Step> {
    let told = told(plan, flat, flaws);
    let nothing = (BTreeMap::new(), BTreeSet::new());
    let mut steps = Vec::with_capacity(flat.steps.len());
    for (place, one) in flat.steps.iter().enumerate() {
        let (given, declared) = match one.child {
            Some(child) => told.get(&child.name).unwrap_or(&nothing),
            None => &nothing,
        };
        let mut scope = Scope {
            site: plan.site,
            case: plan.case,
            acts_in: plan.acts_in,
            step: Some(one.name.clone()),
            child: one.child.map(|child| (&child.name, given)),
            inputs: if one.child.is_some() { declared } else { plan.inputs },
        };
        let lapses = matches!(&one.draft.body, BodyDraft::Own(own) if own.acts_as() == ActsAs::Fences);
        let region = one.draft.region.as_ref().or(one.child.and_then(|child| child.region.as_ref()));
        match region {
            Some(raw) => scope.acts_in = region_of(&scope, raw, flaws).unwrap_or(plan.acts_in),
            // What lapses is the old side, wherever the plan acts.
            None if lapses => scope.acts_in = old,
            None => {}
        }
        if let Some(mut step) = build::step(one, &scope, old, flaws) {
            step.needs = wired.graph.needs(place).iter().map(StepPos::at).collect();
            step.phase = wired.phase_of.get(place).copied().flatten();
            if let Some(child) = one.child {
                let of_child = flat.places.get(&child.name).map(Vec::as_slice).unwrap_or_default();
                let last = of_child.iter().all(|&other| !wired.graph.needs(other).has(place));
                // What must be up after the child must be up after its last steps.
                if last {
                    let more = child.verify.iter().filter(|probe| !step.verify.contains(probe));
                    step.verify.extend(more.cloned().collect::<Vec<Name>>());
                }
            }
            steps.push(step);
        }
    }
    steps
}

fn region_of<'s>(scope: &Scope<'s>, raw: &Raw, flaws: &mut Flaws) -> Option<&'s SiteRegion> {
    let text = scope.whole(raw, "region", flaws);
    let found = scope.site.named(&text);
    if found.is_none() {
        flaws.push(scope.step.clone(), "region", Fault::NoRegion { text: text.to_string() });
    }
    found
}

fn head(
    draft: &PlanDraft,
    scope: &Scope<'_>,
    flat: &Flattened<'_>,
    wired: &Wired<'_>,
    old: &SiteRegion,
    flaws: &mut Flaws,
) -> Head {
    let shown = |raw: Option<&Raw>, key: &str, flaws: &mut Flaws| {
        let text = raw.map(|raw| scope.text(raw, key, flaws))?;
        for placeholder in text.placeholders().filter(|one| matches!(one, RunTime::Output(..))) {
            flaws.plan(key, Fault::KnownTooLate { placeholder: placeholder.clone() });
        }
        Some(text)
    };
    let title =
        shown(draft.title.as_ref(), "title", flaws).unwrap_or_else(|| Text::plain(draft.name.as_str()));
    let text = shown(draft.text.as_ref(), "text", flaws);
    let unfenced = draft.unfenced.as_ref().or(wired.fenced_by.unfenced.as_ref());
    let unfenced = shown(unfenced, "unfenced", flaws);
    if unfenced.as_ref().and_then(Text::as_plain).is_some_and(|why| why.trim().is_empty()) {
        flaws.plan("unfenced", Fault::NoReason);
    }
    let served = draft.served.as_ref().map(|name| match flat.places.get(name) {
        Some(places) => places.iter().map(|&place| StepPos::at(place)).collect(),
        None => {
            let known = draft.steps.iter().map(|step| step.name.clone()).collect();
            flaws.plan("served", Fault::Missing { what: "step", name: name.clone(), known });
            Vec::new()
        }
    });
    // What a child loses or requires, the run does.
    let (mut requires, mut loss_from) =
        (PlanDraft::probe_set(draft.requires.as_ref()), PlanDraft::probe_set(draft.loss_from.as_ref()));
    // What gate probes ask of a standby is what a region lacks that is to become one.
    requires.every &= draft.kind != PlanKind::Rejoin;
    for (_, child) in &flat.children {
        join(&mut requires, child.requires.as_ref());
        join(&mut loss_from, child.loss_from.as_ref());
    }
    let phases =
        wired.phases.iter().map(|&(name, deadline)| Phase { name: name.clone(), deadline }).collect();
    Head {
        name: draft.name.clone(),
        service: scope.site.service.clone(),
        kind: draft.kind,
        case: scope.case,
        at: CaseName { from: scope.case.from().map(|_| old.name.clone()), at: scope.acts_in.name.clone() },
        stateless: scope.site.stateless,
        drilled: draft.drilled,
        title,
        text,
        requires,
        loss_from,
        fence: wired.fence.iter().map(|&place| StepPos::at(place)).collect(),
        unfenced,
        served,
        phases,
        inputs: inputs(draft, scope, flaws),
        at_most: draft.at_most,
    }
}

fn join(set: &mut ProbeSet, more: Option<&Vec<Name>>) {
    for probe in more.into_iter().flatten() {
        if !set.named.contains(probe) {
            set.named.push(probe.clone());
        }
    }
}
