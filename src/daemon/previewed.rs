//! What an order would come to, put into the API's words; and what an order tells a plan, compared with what the plan says
//! that it may be. It reads the core's view and changes nothing.

use regex::Regex;

use crate::api::{Answer, GateView, LossView, PreviewView};
use crate::chronicle::{refused, reply};
use crate::core::decide::{Gate, Passer};
use crate::core::ids::Name;
use crate::core::order::{Refused, Reply, Verb};
use crate::core::plan::{Filled, InputType, PlanKind, RunTime};
use crate::core::policy::Policy;
use crate::core::state::State;
use crate::core::time::{Now, Span};
use crate::core::view::{self, Says};

/// What an order was answered.
pub(super) fn answered(answer: &Reply, policy: &Policy) -> Answer {
    let (word, text) = reply(answer, policy);
    let why = if let Reply::Refused(why) = answer { Some(refused(why, policy).0) } else { None };
    let run = if let Reply::Started(run) = answer { Some(run.0) } else { None };
    Answer { word, why, text, run }
}

/// What that order would come to; or why there is nothing to show.
pub(super) fn previewed(
    state: &State,
    service: &Name,
    verb: &Verb,
    now: Now,
) -> Result<Box<PreviewView>, Answer> {
    let say = |why: Refused| {
        let (word, text) = refused(&why, &state.policy);
        Answer { word: "refused", why: Some(word), text, run: None }
    };
    let id = state.service_id(service.as_str()).ok_or_else(|| say(Refused::NoSuchService))?;
    told(state, service, verb).map_err(|text| Answer {
        word: "refused",
        why: Some("input"),
        text,
        run: None,
    })?;
    let found = view::preview(state, id, verb, now).map_err(say)?;
    let text = |name: &Name| name.as_str().to_owned();
    let from = found.from.as_ref().map(text);
    let old = from.clone().unwrap_or_else(|| "the old side".to_owned());
    Ok(Box::new(PreviewView {
        service: text(&found.service),
        plan: text(&found.plan),
        kind: match found.kind {
            PlanKind::Failover => "failover",
            PlanKind::Repair => "repair",
            PlanKind::Rejoin => "rejoin",
            PlanKind::Inspect => "inspect",
        },
        planned: found.planned,
        from,
        to: found.at.as_ref().map(text),
        hash: found.hash.map(|hash| hash.to_string()),
        epoch: found.epoch.0,
        open: found.open,
        gates: found.gates.iter().map(|gate| self::gate(gate, found.loss, state.policy.ask)).collect(),
        loss: found.loss.map(|loss| LossView { seconds: loss.map(seconds), rpo: found.rpo.map(seconds) }),
        exposure: match (found.exposed, found.unfenced) {
            (true, _) => {
                Some(format!("nothing settles {old}: it may go on accepting writes, and they would be lost"))
            }
            (false, Some(why)) => Some(format!(
                "where no fence settles {old}, its plan says why it may go on accepting writes: {why}"
            )),
            (false, None) => None,
        },
        untold: found.untold.iter().map(text).collect(),
        preview: found.lines,
    }))
}

pub(super) fn seconds(span: Span) -> f64 {
    span.as_micros() as f64 / 1e6
}

fn gate(view: &view::GateView, loss: Option<Option<Span>>, ask: Span) -> GateView {
    // A loss grows until everybody has looked again, and that may be asked only once an ask of just now is over: whole
    // seconds, and two more to say it.
    let weighed = |loss: Span| loss.plus(ask.times(2)).plus(Span::secs(1));
    let lost = |loss: Span| weighed(loss).as_micros().div_ceil(1_000_000) + 2;
    let passed_by = (view.says == Says::Blocks).then(|| match (view.gate, loss) {
        (Gate::DataLoss, Some(Some(loss))) => Some(format!("loss \"{}s\"", lost(loss))),
        (Gate::DataLoss, _) => Some("unknown_loss".to_owned()),
        (Gate::Fence, _) => Some("exposure".to_owned()),
        (gate, _) if gate.passer() == Passer::Approval => Some(format!("gates [\"{}\"]", gate.word())),
        (_, _) => None,
    });
    GateView {
        gate: view.gate.word(),
        says: view.says.word(),
        why: view.why.clone(),
        passed_by: passed_by.flatten(),
    }
}

/// Whether what an order tells a plan is what the plan may be told: the core only counts what is missing.
fn told(state: &State, service: &Name, verb: &Verb) -> Result<(), String> {
    let Verb::Run { plan, given, .. } = verb else { return Ok(()) };
    let service = state.service_id(service.as_str()).and_then(|id| state.service(id));
    let Some(service) = service else { return Ok(()) };
    let Some(at) = service.policy.plan(plan.as_str()) else { return Ok(()) };
    let Some(compiled) = service.policy.plans.get(at.index()).and_then(|plan| plan.set.plans().next()) else {
        return Ok(());
    };
    for (key, value) in given {
        let (RunTime::Input(name), Filled::One(value)) = (key, value) else { continue };
        let Some(input) = compiled.inputs().iter().find(|input| input.name == *name) else {
            let known: Vec<&str> = compiled.inputs().iter().map(|input| input.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("plan {plan} has no input `{name}`; it has {known}"));
        };
        let fits = match input.kind {
            InputType::Text => true,
            InputType::Time => value.parse::<jiff::Timestamp>().is_ok(),
            InputType::Choice => input.choices.iter().any(|choice| **choice == **value),
        };
        if !fits && input.kind == InputType::Time {
            return Err(format!("input `{name}` is a moment: write it as \"2027-02-01T20:00:00Z\""));
        }
        if !fits {
            return Err(format!("input `{name}` is one of {}", input.choices.join(", ")));
        }
        // What the config's own check has compiled once compiles again.
        let pattern = input.pattern.as_ref().and_then(|one| Regex::new(&format!("^(?:{one})$")).ok());
        if pattern.is_some_and(|pattern| !pattern.is_match(value)) {
            let pattern = input.pattern.as_deref().unwrap_or_default();
            return Err(format!("input `{name}` must match `{pattern}`"));
        }
    }
    Ok(())
}
