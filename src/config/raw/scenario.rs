//! `[service.NAME.scenario.NAME]`, and `when`: the whole vocabulary of rungs and scenarios.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::objects::{Approval, OnClear};
use super::{Mode, Priority};
use crate::config::read::{Key, Named};
use crate::config::values::{Count, Dur, Filled, Plain, Word};

/// `[service.NAME.scenario.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "scenario", default)]
pub(crate) struct Scenario {
    /// The plan's heading.
    pub(crate) title: Key<Plain>,
    /// The service is down, if nothing is written.
    pub(crate) when: Key<When>,
    /// At least so severe, at once.
    pub(crate) severity: Key<Word>,
    /// What is done; none: people are told.
    pub(crate) plan: Key<Word>,
    /// The most that it may do.
    pub(crate) mode: Key<Mode>,
    /// It acts instead of these when both hold.
    pub(crate) over: Key<Vec<Key<Word>>>,
    /// Still holding so long after its run ended: once more.
    pub(crate) again: Key<Dur>,
    /// Announced, and left for a veto.
    pub(crate) veto: Key<Dur>,
    /// Who says yes.
    pub(crate) approval: Key<Approval>,
    /// What its plan is told.
    pub(crate) inputs: Key<Named<Filled>>,
    /// What is promised for it.
    pub(crate) rto: Key<Dur>,
    /// What is promised for it.
    pub(crate) rpo: Key<Dur>,
    /// What is owed once it has cleared.
    pub(crate) on_clear: Key<OnClear>,
    /// For people.
    pub(crate) runbook: Key<Plain>,
}

/// How bad a service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Trouble,
    Degraded,
    Down,
    Gone,
    Unreachable,
}

/// Where a condition looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Active,
    Standby,
}

/// One table: all of it must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "condition", default)]
pub(crate) struct Clause {
    /// At least so bad.
    pub(crate) service: Key<Level>,
    /// All of these probes or components are down.
    pub(crate) down: Key<Vec<Key<Word>>>,
    /// All of these are slow or down.
    pub(crate) slow: Key<Vec<Key<Word>>>,
    /// All of these are up.
    pub(crate) up: Key<Vec<Key<Word>>>,
    /// So many of `down` (or `slow`) suffice.
    pub(crate) at_least: Key<Count>,
    /// Some component of at least this priority is down.
    pub(crate) priority: Key<Priority>,
    /// All of these triggers are raised.
    pub(crate) raised: Key<Vec<Key<Word>>>,
    /// Each of these plans was tried for this incident and has ended, or a gate refused it.
    pub(crate) tried: Key<Vec<Key<Word>>>,
    /// Which region to look at.
    pub(crate) role: Key<Side>,
    /// The region is lost as a whole.
    pub(crate) region_lost: Key<bool>,
    /// All of this has held for so long without a break.
    #[serde(rename = "for")]
    #[schemars(rename = "for")]
    pub(crate) held: Key<Dur>,
    /// The incident is so old.
    pub(crate) open_for: Key<Dur>,
}

/// One table, or a list of them: any of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct When(pub(crate) Vec<Key<Clause>>);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<When, D::Error> {
        // A table is read as a list of one, so that its keys are reported at their places.
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = When;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition such as { service = \"down\" }, or a list of them,")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<When, A::Error> {
                let mut all = Vec::new();
                while let Some(clause) = seq.next_element()? {
                    all.push(clause);
                }
                Ok(When(all))
            }
        }
        from.deserialize_newtype_struct(crate::config::read::ONE_OR_MORE, Seen)
    }
}

impl JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "when".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Clause>();
        schemars::json_schema!({ "oneOf": [one, { "type": "array", "items": one }] })
    }
}
