//! `[service.NAME]` and the tables in it that have no kinds: components, triggers, drills.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::later::{Inherited, Kpi};
use super::objects::Failback;
use super::people::Notices;
use super::plan::Plan;
use super::probe::Probe;
use super::scenario::Scenario;
use super::{Mode, Priority};
use crate::config::read::{Apart, Key, Named, wrong};
use crate::config::values::{Any, Count, Cron, Dur, Kept, Pattern, Plain, Word, Zone};

/// `[service.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "service", default)]
pub(crate) struct Service {
    /// What people call it.
    pub(crate) title: Key<Plain>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// In order of preference. One: no failover.
    pub(crate) regions: Key<Vec<Key<Word>>>,
    /// It keeps nothing that two regions could write: no fence is needed.
    pub(crate) stateless: Key<bool>,
    /// A `[ladder]`, or a preset's name.
    pub(crate) ladder: Key<Word>,
    /// The most that may happen to it.
    pub(crate) mode: Key<Mode>,
    /// Where neither scenario, component nor rung says it.
    pub(crate) rto: Key<Dur>,
    /// Where neither scenario, component nor rung says it.
    pub(crate) rpo: Key<Dur>,
    /// Order when many must move.
    pub(crate) priority: Key<Priority>,
    /// A move waits for theirs.
    pub(crate) depends_on: Key<Vec<Key<Word>>>,
    /// `any`, `all` or `{ at_least = n }` of its critical components.
    pub(crate) down_when: Key<DownWhen>,
    /// After a failover that was done.
    pub(crate) cooldown: Key<Dur>,
    /// No rung and no scenario for so long: the incident closes.
    pub(crate) stable: Key<Dur>,
    /// Not known to be up for so long: a page.
    pub(crate) blind_page: Key<Dur>,
    /// Another region writable for so long: drift.
    pub(crate) drift_after: Key<Dur>,
    /// A returning region must be well for so long.
    pub(crate) quarantine: Key<Dur>,
    /// Fences and re-syncs a returning region.
    pub(crate) rejoin: Key<Word>,
    /// The way home.
    pub(crate) failback: Key<Failback>,
    /// Name = URL.
    pub(crate) links: Key<Named<Plain>>,
    /// The id of its component on the status page.
    pub(crate) statuspage: Key<Plain>,
    /// What `{region.K}` stands for, by region.
    pub(crate) values: Key<Named<BTreeMap<String, Key<Any>>>>,
    /// Its parts.
    pub(crate) component: Key<Named<Apart<Component>>>,
    /// What is looked at.
    pub(crate) probe: Key<Named<Apart<Probe>>>,
    /// Facts that are raised from outside.
    pub(crate) trigger: Key<Named<Trigger>>,
    /// What can go wrong.
    pub(crate) scenario: Key<Named<Scenario>>,
    /// What is done.
    pub(crate) plan: Key<Named<Apart<Plan>>>,
    /// How it is known to work. Not built yet.
    pub(crate) drill: Key<Named<Drill>>,
    /// Targets. Not built yet.
    pub(crate) kpi: Key<Kpi>,
    /// Its own words.
    pub(crate) notice: Key<Notices>,
    /// Templates of its own.
    pub(crate) template: Key<Apart<Inherited>>,
}

/// `[service.NAME.component.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "component", default)]
pub(crate) struct Component {
    /// What people call it.
    pub(crate) title: Key<Plain>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// Critical down: the service is down; any other down: degraded.
    pub(crate) priority: Key<Priority>,
    /// What is promised for it.
    pub(crate) rto: Key<Dur>,
    /// What is promised for it.
    pub(crate) rpo: Key<Dur>,
    /// Its failures are no evidence while these are down.
    pub(crate) depends_on: Key<Vec<Key<Word>>>,
    /// `any`, `all` or `{ at_least = n }` of its trigger probes.
    pub(crate) down_when: Key<DownWhen>,
    /// The id of its component on the status page.
    pub(crate) statuspage: Key<Plain>,
}

/// Who raises a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TriggerKind {
    Webhook,
    Alertmanager,
}

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TriggerUntil {
    Cleared,
    Acknowledged,
}

/// `[service.NAME.trigger.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "trigger", default)]
pub(crate) struct Trigger {
    /// Who raises it.
    pub(crate) kind: Key<TriggerKind>,
    /// What people call it.
    pub(crate) title: Key<Plain>,
    /// What it is signed with.
    pub(crate) secret: Key<Kept>,
    /// Labels that an alert must have.
    #[serde(rename = "match")]
    #[schemars(rename = "match")]
    pub(crate) labels: Key<BTreeMap<String, Key<Plain>>>,
    /// Name = pattern: all of the payload that `{trigger.NAME}` may use.
    pub(crate) fields: Key<Named<Pattern>>,
    /// `cleared`: by the sender; `acknowledged`: by an operator.
    pub(crate) until: Key<TriggerUntil>,
}

/// `[service.NAME.drill.NAME]`. Not built yet; what it says of a plan is known already.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "drill", default)]
pub(crate) struct Drill {
    pub(crate) title: Key<Plain>,
    /// What is rehearsed.
    pub(crate) plan: Key<Word>,
    pub(crate) cron: Key<Cron>,
    pub(crate) tz: Key<Zone>,
    /// `observe`: every step a preview.
    pub(crate) mode: Key<Mode>,
    /// A real, planned run.
    pub(crate) live: Key<bool>,
    pub(crate) inputs: Key<Named<Plain>>,
    pub(crate) longest: Key<Dur>,
    pub(crate) rto: Key<Dur>,
    pub(crate) rpo: Key<Dur>,
    pub(crate) channels: Key<Vec<Key<Word>>>,
}

/// How many must be down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DownWhen {
    Any,
    All,
    AtLeast(u32),
}

const DOWN_WHEN: &str = "write \"any\", \"all\" or { at_least = 2 }";

impl<'de> Deserialize<'de> for DownWhen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<DownWhen, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = DownWhen;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"any\", \"all\" or { at_least = n }")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DownWhen, E> {
                match text {
                    "any" => Ok(DownWhen::Any),
                    "all" => Ok(DownWhen::All),
                    _ => Err(wrong(format_args!("`{text}` is no rule"), DOWN_WHEN)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DownWhen, A::Error> {
                let mut count = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "at_least" {
                        return Err(wrong(format_args!("a rule has no key `{key}`"), DOWN_WHEN));
                    }
                    count = map.next_value::<Key<Count>>()?.get().copied();
                }
                count
                    .map(|count| DownWhen::AtLeast(count.0))
                    .ok_or_else(|| wrong("this is no rule", DOWN_WHEN))
            }
        }
        from.deserialize_any(Seen)
    }
}

impl JsonSchema for DownWhen {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "down rule".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [
            { "enum": ["any", "all"] },
            { "type": "object", "properties": { "at_least": { "type": "integer", "minimum": 1 } },
              "required": ["at_least"], "additionalProperties": false },
        ] })
    }
}
