//! Scenarios: conditions with what they give: a severity, a plan, a mode, and what the plan is told.

use std::sync::Arc;

use super::Around;
use super::ladder::{clauses, objectives};
use crate::config::problem::{Code, Problem};
use crate::config::raw::plan::InputKind;
use crate::config::raw::scenario::Scenario;
use crate::config::suggest;
use crate::config::whole::{PlanRead, ServiceRead, shelf, words};
use crate::core::ids::Name;
use crate::core::plan::{Filled, RawPiece, RunTime};
use crate::core::policy::{OnClearDraft, ScenarioDraft};
use crate::core::time::Span;

pub(super) fn scenarios(around: &Around<'_>, service: &ServiceRead<'_>) -> Vec<ScenarioDraft> {
    shelf(&service.raw.scenario).map(|(name, raw)| scenario(around, service, name, raw)).collect()
}

fn scenario(around: &Around<'_>, service: &ServiceRead<'_>, name: &Name, raw: &Scenario) -> ScenarioDraft {
    let usual = ScenarioDraft::new(name.clone());
    let on_clear = raw.on_clear.get().and_then(|on| {
        Some(OnClearDraft {
            plan: on.plan.get()?.0.clone(),
            after: on.after.get().map_or(Span::mins(5), |dur| dur.0),
            mode: on.mode.get().map(|mode| mode.core()),
        })
    });
    if let (Some((on, at)), None) = (raw.on_clear.both(), raw.plan.at())
        && on.plan.get().is_some()
    {
        let problem =
            Problem::error(Code::Value, at, "`on_clear` follows a `plan`, and this scenario has none");
        around.add(problem.help("write `plan`, or remove `on_clear`"));
    }
    if let Some(approval) = raw.approval.get()
        && let Some((count, at)) = approval.count.both()
        && count.0 == 0
    {
        around.add(Problem::error(Code::Value, at, "nobody would be asked").help("write at least 1"));
    }
    ScenarioDraft {
        title: raw.title.get().map_or_else(|| usual.title.clone(), |title| title.0.clone()),
        when: raw.when.get().map(clauses).unwrap_or_default(),
        severity: raw.severity.get().map(|word| word.0.clone()),
        plan: raw.plan.get().map(|word| word.0.clone()),
        mode: raw.mode.get().map_or(usual.mode, |mode| mode.core()),
        over: words(&raw.over),
        again: raw.again.get().map(|dur| dur.0),
        veto: raw.veto.get().map_or(Span::ZERO, |dur| dur.0),
        objectives: objectives(&raw.rto, &raw.rpo),
        on_clear,
        approval_within: raw
            .approval
            .get()
            .and_then(|approval| approval.within.get())
            .map_or(usual.approval_within, |dur| dur.0),
        given: given(around, service, raw),
        ..usual
    }
}

/// What its plan is told: only inputs that the plan has, and only what they may be.
fn given(around: &Around<'_>, service: &ServiceRead<'_>, raw: &Scenario) -> Vec<(RunTime, Filled)> {
    let Some(inputs) = raw.inputs.get() else { return Vec::new() };
    let Some(plan) = raw.plan.get() else {
        if raw.plan.at().is_none() && !inputs.0.is_empty() {
            let problem = Problem::error(Code::Value, raw.inputs.at(), "there is no plan to be told this");
            around.add(problem.help("write `plan`, or remove `inputs`"));
        }
        return Vec::new();
    };
    let Some(read) = service.plans.iter().find(|read| read.name == plan.0) else { return Vec::new() };
    let mut given = Vec::new();
    for (name, key) in inputs.iter() {
        let Some((text, at)) = key.both() else { continue };
        let declared = read.raw.inputs.get().and_then(|all| all.get(name.as_str()));
        let Some(declared) = declared else {
            let known = read.raw.inputs.get().into_iter().flat_map(|all| all.names());
            let problem =
                Problem::error(Code::Reference, at, format!("plan `{}` has no input `{name}`", plan.0));
            around.add(problem.help(suggest::help(name.as_str(), known)));
            continue;
        };
        let plain: Option<String> = match text.0.pieces() {
            [] => Some(String::new()),
            [RawPiece::Plain(plain)] => Some(plain.to_string()),
            _ => None,
        };
        let Some(plain) = plain else {
            let problem = Problem::error(Code::Value, at, "nothing is filled in here");
            around.add(problem.help("write the value out; the plan's own texts may hold placeholders"));
            continue;
        };
        if let Some(input) = declared.get() {
            fits(around, read, input, &plain, at);
        }
        given.push((RunTime::Input(name.clone()), Filled::One(Arc::from(plain.as_str()))));
    }
    given
}

/// Whether an input may be that.
pub(super) fn fits(
    around: &Around<'_>,
    plan: &PlanRead<'_>,
    input: &crate::config::raw::plan::Input,
    text: &str,
    at: crate::config::place::At,
) {
    let choices =
        || input.choices.get().into_iter().flatten().filter_map(|key| key.get()).map(|c| c.0.as_str());
    let name = &plan.name;
    match input.kind.or(InputKind::Text) {
        InputKind::Choice if !choices().any(|choice| choice == text) => {
            let problem =
                Problem::error(Code::Value, at, format!("this is no choice of plan `{name}`'s input"));
            around.add(problem.help(suggest::help(text, choices())));
        }
        InputKind::Time if text != "latest" && text.parse::<jiff::Timestamp>().is_err() => {
            let problem = Problem::error(Code::Value, at, "this is no moment");
            around.add(problem.help("write such as \"2027-02-01T20:00:00Z\""));
        }
        InputKind::Text | InputKind::Choice | InputKind::Time => {}
    }
    if let Some(pattern) = input.pattern.get()
        && !pattern.0.is_match(text)
    {
        let problem =
            Problem::error(Code::Value, at, format!("plan `{name}` wants what matches `{}`", pattern.1));
        around.add(problem.help("write a value that matches, or change the input's `pattern`"));
    }
}
