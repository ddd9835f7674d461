//! What a plan is told when it is started, and what a child is told by the step that stands for it.
//!
//! A value is compared with an input's choices here only where it is known at load; what an order brings is compared
//! where orders come in.

use super::draft::{BodyDraft, PlanDraft};
use super::flaw::{Fault, Flaws};
use super::inline::Flattened;
use super::resolve::Scope;
use super::step::{Input, InputType};
use super::step_name::StepName;
use super::text::{Raw, RunTime, Text};
use crate::ids::Name;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;

/// What one child is told, and the names of all that it may be.
pub(super) type Told = (BTreeMap<Name, Text>, BTreeSet<Name>);

/// What each child is told: what its stand-in gives, else the child's own default.
pub(super) fn told<'a>(
    plan: &Scope<'_>,
    flat: &Flattened<'a>,
    flaws: &mut Flaws,
) -> BTreeMap<&'a Name, Told> {
    let mut all = BTreeMap::new();
    for (stands, child) in &flat.children {
        let declared: BTreeSet<Name> = child.inputs.iter().map(|input| input.name.clone()).collect();
        let BodyDraft::Child { inputs, .. } = &stands.body else { continue };
        let name = StepName::own(stands.name.clone());
        let scope = Scope { step: Some(name.clone()), inputs: plan.inputs, ..*plan };
        let mut given = BTreeMap::new();
        for (input, raw) in inputs {
            let text = scope.text(raw, "inputs", flaws);
            let Some(declared) = child.inputs.iter().find(|declared| declared.name == *input) else {
                let known = declared.iter().cloned().collect();
                flaws.step(&name, "inputs", Fault::Missing { what: "input", name: input.clone(), known });
                continue;
            };
            choice(declared, &text, Some(&name), flaws);
            if given.insert(input.clone(), text).is_some() {
                flaws.step(&name, "inputs", Fault::Twice { what: "inputs", name: input.clone() });
            }
        }
        for input in &child.inputs {
            match (&input.default, given.contains_key(&input.name)) {
                (_, true) => {}
                (None, false) => flaws.step(&name, "inputs", Fault::NoInput { name: input.name.clone() }),
                (Some(raw), false) => {
                    let text = default(&scope, input, raw, flaws);
                    given.insert(input.name.clone(), text);
                }
            }
        }
        all.insert(&stands.name, (given, declared));
    }
    all
}

/// An input's default: it may name the incident or the trigger, but neither another input nor a step's output.
fn default<T>(scope: &Scope<'_>, input: &Input<T>, raw: &Raw, flaws: &mut Flaws) -> Text {
    let text = scope.text(raw, "inputs", flaws);
    for placeholder in text.placeholders() {
        if matches!(placeholder, RunTime::Input(_) | RunTime::Output(..)) {
            flaws.push(
                scope.step.clone(),
                "inputs",
                Fault::KnownTooLate { placeholder: placeholder.clone() },
            );
        }
    }
    choice(input, &text, scope.step.as_ref(), flaws);
    text
}

fn choice<T>(input: &Input<T>, text: &Text, step: Option<&StepName>, flaws: &mut Flaws) {
    if input.kind == InputType::Choice
        && let Some(value) = text.as_plain()
        && !input.choices.is_empty()
        && !input.choices.iter().any(|choice| **choice == *value)
    {
        let fault = Fault::NotAChoice {
            name: input.name.clone(),
            value: value.to_string(),
            choices: input.choices.clone(),
        };
        flaws.push(step.cloned(), "inputs", fault);
    }
}

/// The inputs of the plan itself.
pub(super) fn inputs(draft: &PlanDraft, scope: &Scope<'_>, flaws: &mut Flaws) -> Vec<Input<Text>> {
    let mut seen = BTreeSet::new();
    let mut inputs = Vec::with_capacity(draft.inputs.len());
    for input in &draft.inputs {
        if !seen.insert(&input.name) {
            flaws.plan("inputs", Fault::Twice { what: "inputs", name: input.name.clone() });
        }
        if (input.kind == InputType::Choice) == input.choices.is_empty() {
            flaws.plan("inputs", Fault::BadInput { name: input.name.clone(), kind: input.kind });
        }
        inputs.push(Input {
            name: input.name.clone(),
            kind: input.kind,
            choices: input.choices.clone(),
            default: input.default.as_ref().map(|raw| default(scope, input, raw, flaws)),
            pattern: input.pattern.clone(),
        });
    }
    inputs
}
