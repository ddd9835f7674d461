//! `[service.NAME.probe.NAME]`: what every probe has, whatever it looks at.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::objects::Window;
use crate::config::read::{Key, wrong};
use crate::config::values::{Count, Dur, Plain, Word};

/// The kinds of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProbeKind {
    Http,
    Tcp,
    Tls,
    Dns,
    Postgres,
    Redis,
    Grpc,
    Prometheus,
    Heartbeat,
    Exec,
    #[serde(rename = "backup_s3")]
    BackupS3,
    BackupRds,
}

/// What a probe may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    Trigger,
    Gate,
    Inform,
}

/// Where a probe runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Each,
    Active,
    Standby,
    Service,
}

/// `[service.NAME.probe.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "probe", default)]
pub(crate) struct Probe {
    /// What it looks at.
    pub(crate) kind: Key<ProbeKind>,
    /// What people call it.
    pub(crate) title: Key<Plain>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// The part of the service that it belongs to.
    pub(crate) component: Key<Word>,
    /// `trigger` may cause action, `gate` may only forbid it, `inform` is shown.
    pub(crate) tier: Key<Tier>,
    /// Where it runs; `service`: in no region.
    pub(crate) role: Key<Role>,
    /// The service's, if none are written.
    pub(crate) regions: Key<Vec<Key<Word>>>,
    /// `all`, `local`, or a list of observers: who can see it.
    pub(crate) from: Key<From>,
    /// Between two looks while nothing is wrong.
    pub(crate) interval: Key<Dur>,
    /// Of one look; below `interval`.
    pub(crate) timeout: Key<Dur>,
    /// After a first failure, until it is decided.
    pub(crate) fast_interval: Key<Dur>,
    /// While it is down.
    pub(crate) down_interval: Key<Dur>,
    /// So many failures make it down.
    pub(crate) fall: Key<Count>,
    /// So many answers make it up.
    pub(crate) rise: Key<Count>,
    /// Instead of `fall`.
    pub(crate) window: Key<Window>,
    /// Slower than this is slow.
    pub(crate) slow_after: Key<Dur>,
    /// CEL; all must hold.
    pub(crate) expect: Key<Vec<Key<Plain>>>,
    /// Its failures are no evidence while this one is down.
    pub(crate) parent: Key<Word>,
    /// `active` or a region: being up says that that region is alive.
    pub(crate) witness_of: Key<Word>,
    /// Its lag or age is what a promotion would lose.
    pub(crate) loss: Key<bool>,
    /// For people.
    pub(crate) runbook: Key<Plain>,
}

/// Who can see a probe.
#[derive(Clone, Debug)]
pub(crate) enum From {
    All,
    Local,
    Named(Vec<Key<Word>>),
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<From, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = From;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"local\" or a list of observers")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<From, E> {
                match text {
                    "all" => Ok(From::All),
                    "local" => Ok(From::Local),
                    _ => Err(wrong(
                        format_args!("`{text}` does not say who sees it"),
                        "write \"all\", \"local\" or a list of observers such as [\"use1\"]",
                    )),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<From, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(From::Named(all))
            }
        }
        from.deserialize_any(Seen)
    }
}

impl JsonSchema for From {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "who sees it".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<Word>();
        schemars::json_schema!({ "oneOf": [{ "enum": ["all", "local"] }, { "type": "array", "items": name }] })
    }
}
