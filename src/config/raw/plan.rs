//! `[service.NAME.plan.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::objects::Rate;
use super::step::Step;
use crate::config::read::{Apart, Key, Named};
use crate::config::values::{Dur, Filled, Pattern, Plain, Word};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlanKind {
    Failover,
    Repair,
    Rejoin,
    Inspect,
}

/// `[service.NAME.plan.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "plan", default)]
pub(crate) struct Plan {
    /// What it is for.
    pub(crate) kind: Key<PlanKind>,
    /// What people call it.
    pub(crate) title: Key<Filled>,
    /// One sentence for 3 a.m.
    pub(crate) text: Key<Filled>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// Gate probes that must be up where it acts; all that run there, if none are written; of a rejoin, none.
    pub(crate) requires: Key<Vec<Key<Word>>>,
    /// What the data-loss gate reads; all loss probes, if none are written.
    pub(crate) loss_from: Key<Vec<Key<Word>>>,
    /// Name = deadline since the start.
    pub(crate) phases: Key<Named<Dur>>,
    /// What it is told when it is started.
    pub(crate) inputs: Key<Named<Input>>,
    /// Steps tried in this order until one settles the old side.
    pub(crate) fence: Key<Vec<Key<Word>>>,
    /// Why it is acceptable to go on when none does.
    pub(crate) unfenced: Key<Filled>,
    /// After this step users are served.
    pub(crate) served: Key<Word>,
    /// Further runs need approval.
    pub(crate) at_most: Key<Rate>,
    /// What is done.
    pub(crate) step: Key<Named<Apart<Step>>>,
}

/// What an input may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputKind {
    Text,
    Time,
    Choice,
}

/// `( input )`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "input", default)]
pub(crate) struct Input {
    /// What it may be.
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub(crate) kind: Key<InputKind>,
    /// Of a choice.
    pub(crate) choices: Key<Vec<Key<Plain>>>,
    /// Without one it must be given, so the plan cannot start unasked.
    pub(crate) default: Key<Filled>,
    /// What it must look like.
    pub(crate) pattern: Key<Pattern>,
}
