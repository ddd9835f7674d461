//! Makes one step of a compiled plan from its draft: texts filled in, defaults taken, what it inherits from a child's
//! stand-in.
//!
//! What it cannot make it reports and puts something harmless in its place; such a step is never run, since the check
//! refuses a plan with any flaw.

use super::draft::{ActionDraft, BodyDraft, StepDraft, TouchRegion};
use super::flaw::{Fault, Flaws};
use super::inline::Flat;
use super::own::Own;
use super::resolve::Scope;
use super::site::SiteRegion;
use super::step::{Body, Drill, InDrill, LateCall, Retry, Settles, Step, Touch};
use super::text::{Raw, Text};
use super::value::{Sealed, Value};
use crate::ids::Name;
use crate::time::Span;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What follows from the body alone.
struct Made {
    body: Body,
    drill: Drill,
    resource: Option<Text>,
    settles: Settles,
    touches: Vec<Touch>,
    late_call: LateCall,
    late: Span,
    changing: bool,
    leaves_production: bool,
    one_way: bool,
    undoable: bool,
    outputs: Vec<Name>,
    probes: Vec<Name>,
}

/// Makes the step; `needs` and `phase` are added by whoever knows them.
pub(super) fn step(flat: &Flat<'_>, scope: &Scope<'_>, old: &SiteRegion, flaws: &mut Flaws) -> Option<Step> {
    let draft = flat.draft;
    let made = match &draft.body {
        BodyDraft::Action(action) => of_action(flat, action, scope, old, flaws),
        BodyDraft::Own(own) => of_own(flat, own, scope, flaws),
        BodyDraft::Child { .. } => return None,
    };
    let title = match &draft.title {
        Some(title) => scope.text(title, "title", flaws),
        None => Text::plain(&flat.name.to_string()),
    };
    Some(Step {
        name: flat.name.clone(),
        title,
        needs: Vec::new(),
        phase: None,
        acts_in: scope.acts_in.name.clone(),
        acts_as: super::edges::acts_as(draft)?,
        settles: made.settles,
        touches: made.touches,
        resource: made.resource,
        late_call: made.late_call,
        late: made.late,
        changing: made.changing,
        leaves_production: made.leaves_production,
        one_way: made.one_way,
        undoable: made.undoable,
        outputs: made.outputs,
        only: flat.only,
        on_failure: flat.on_failure,
        timeout: timeout(draft, flat, flaws),
        retry: retry(draft),
        verify: draft.verify.clone(),
        probes: made.probes,
        component: flat.component.cloned(),
        drill: made.drill,
        body: made.body,
    })
}

fn of_action(
    flat: &Flat<'_>,
    action: &ActionDraft,
    scope: &Scope<'_>,
    old: &SiteRegion,
    flaws: &mut Flaws,
) -> Made {
    let name = &flat.name;
    let keys = scope.keys(&action.keys, flaws);
    let resource = action.resource.as_ref().map(|raw| scope.text(raw, "resource", flaws));
    let mut drill = Drill {
        does: flat.in_drill.unwrap_or(match action.drill_target {
            Some(_) => InDrill::Run,
            None if action.changing => InDrill::Preview,
            None => InDrill::Run,
        }),
        action: None,
        resource: resource.clone(),
    };
    if let Some(target) = &action.drill_target {
        let mut replaced: BTreeMap<Arc<str>, Value> = keys.clone();
        for (key, value) in scope.keys(&target.keys, flaws) {
            if keys.get(&key) == Some(&value) {
                flaws.step(name, &key, Fault::DrillTargetSame);
            }
            replaced.insert(key, value);
        }
        if target.keys.is_empty() {
            flaws.step(name, "drill_target", Fault::DrillTargetEmpty);
        }
        drill.action = Some(Sealed::new(action.kind.clone(), replaced));
        drill.resource = target.resource.as_ref().map(|raw| scope.text(raw, "drill_target", flaws));
    } else if action.changing && !action.allowed_in_inspect && drill.does == InDrill::Run {
        flaws.step(name, "in_drill", Fault::DrillChangesProduction);
    }
    let touches = action.touches.iter().map(|touch| Touch {
        region: match &touch.region {
            TouchRegion::Anywhere => None,
            TouchRegion::WhereItActs => Some(scope.acts_in.name.clone()),
            TouchRegion::In(region) => Some(region.clone()),
            TouchRegion::Old => Some(old.name.clone()),
        },
        api: touch.api.clone(),
        plane: touch.plane,
    });
    Made {
        body: Body::Action(Sealed::new(action.kind.clone(), keys)),
        drill,
        resource,
        settles: action.settles,
        touches: touches.collect(),
        late_call: action.late_call,
        late: action.late.unwrap_or(action.late_call.late()),
        changing: action.changing,
        leaves_production: action.allowed_in_inspect,
        one_way: action.one_way,
        undoable: action.undoable,
        outputs: action.outputs.clone(),
        probes: action.probes.clone(),
    }
}

fn of_own(flat: &Flat<'_>, own: &Own<Raw>, scope: &Scope<'_>, flaws: &mut Flaws) -> Made {
    let name = &flat.name;
    match own {
        Own::Wait { lasts: None, until: None } => flaws.step(name, "for", Fault::WaitsForNothing),
        Own::Approve { count: 0, .. } => flaws.step(name, "count", Fault::NobodyAsked),
        Own::Checklist { items, .. } if items.is_empty() => flaws.step(name, "items", Fault::NobodyAsked),
        Own::Wait { .. }
        | Own::Lapse { .. }
        | Own::Approve { .. }
        | Own::Checklist { .. }
        | Own::TrafficGate { .. }
        | Own::Pause { .. } => {}
    }
    let in_drill = match own {
        Own::Wait { .. } | Own::Approve { .. } | Own::Checklist { .. } => InDrill::Run,
        // A healthy old side never lapses, and gate and pause are production's.
        Own::Lapse { .. } | Own::TrafficGate { .. } | Own::Pause { .. } => InDrill::Preview,
    };
    let does = flat.in_drill.unwrap_or(in_drill);
    if own.changing() && does == InDrill::Run {
        flaws.step(name, "in_drill", Fault::DrillChangesProduction);
    }
    // The coordinator keeps the mark of what the core changes itself, and compares it in the same transaction.
    let resource = match own {
        Own::TrafficGate { .. } => Some(Text::plain(&alloc::format!("traffic_gate {}", scope.site.service))),
        Own::Wait { .. }
        | Own::Lapse { .. }
        | Own::Approve { .. }
        | Own::Checklist { .. }
        | Own::Pause { .. } => None,
    };
    Made {
        body: Body::Own(own.map(&mut |key, raw| scope.text(raw, key, flaws))),
        drill: Drill { does, action: None, resource: None },
        resource,
        settles: match own {
            Own::Lapse { .. } => Settles::Lapsed,
            Own::Wait { .. }
            | Own::Approve { .. }
            | Own::Checklist { .. }
            | Own::TrafficGate { .. }
            | Own::Pause { .. } => Settles::Nothing,
        },
        touches: Vec::new(),
        late_call: LateCall::Checked,
        late: LateCall::Checked.late(),
        changing: own.changing(),
        leaves_production: false,
        one_way: false,
        // Opening the gate for the old region again is as safe as opening it for the new one was.
        undoable: matches!(own, Own::TrafficGate { .. }),
        outputs: Vec::new(),
        probes: own.probes(),
    }
}

/// How long a step of the core's own takes at least.
fn lasts(draft: &StepDraft) -> Span {
    match &draft.body {
        BodyDraft::Own(Own::Wait { lasts: Some(lasts), .. } | Own::Lapse { lasts, .. }) => *lasts,
        BodyDraft::Own(Own::TrafficGate { drain, .. }) => *drain,
        BodyDraft::Own(_) | BodyDraft::Action(_) | BodyDraft::Child { .. } => Span::ZERO,
    }
}

fn timeout(draft: &StepDraft, flat: &Flat<'_>, flaws: &mut Flaws) -> Span {
    let lasts = lasts(draft);
    match draft.timeout {
        None => lasts.plus(StepDraft::TIMEOUT),
        Some(timeout) => {
            if timeout <= lasts {
                flaws.step(&flat.name, "timeout", Fault::TimeoutTooShort { lasts, timeout });
            }
            timeout
        }
    }
}

fn retry(draft: &StepDraft) -> Retry {
    let waits = match &draft.body {
        BodyDraft::Own(own) => !own.changing(),
        BodyDraft::Action(_) | BodyDraft::Child { .. } => false,
    };
    // Time and people are not asked twice: what has expired goes the way of `on_failure`.
    draft.retry.unwrap_or(if waits { Retry { times: 0, pause: Span::ZERO } } else { StepDraft::RETRY })
}
