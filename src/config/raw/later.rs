//! Tables of which the part of the program is not built yet. They are known, so that no one looks for a slip, and each
//! is refused in so many words.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use crate::config::problem::Code;
use crate::config::read::of_sort;

macro_rules! later {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                IgnoredAny::deserialize(from)?;
                Err(of_sort(
                    Code::NotBuilt,
                    concat!("not built yet: ", $what),
                    "remove it for now; a later version of Watchkeeper brings it",
                ))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                concat!("later: ", $what).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": concat!("Not built yet: ", $what) })
            }
        }
    )*};
}

later! {
    /// `[heartbeat]`
    Heartbeat = "the dead man's switch `heartbeat`";
    /// `[aws]`
    Aws = "the table `aws`";
    /// `[report]`
    Report = "reports";
    /// `[api.oidc]`
    Oidc = "signing in by OpenID Connect (`api.oidc`)";
    /// `[chronicle.postgres]`
    Sink = "the audit copy `chronicle.postgres`";
    /// `[service.NAME.kpi]`
    Kpi = "targets (`kpi`)";
}

/// `[defaults.KIND]` and `[template.KIND.NAME]`: they are judged where they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inherited;

impl JsonSchema for Inherited {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "inherited".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds = super::super::inherit::KINDS;
        let properties: serde_json::Map<String, serde_json::Value> =
            kinds.iter().map(|kind| ((*kind).to_owned(), serde_json::json!({ "type": "object" }))).collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}
