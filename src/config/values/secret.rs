//! Secrets by reference. A text in a secret's place is refused, unless it is nothing but a region's value.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::texts::filled;
use crate::config::problem::Code;
use crate::config::read::{of_sort, wrong};
use crate::core::plan::{LoadTime, Raw, RawPiece, SecretSource};

/// Where a secret is kept, as it was written; no value of it is ever in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In a file, a variable or a credential, whose name may hold placeholders.
    In(SecretSource, Raw),
    /// In a region's value: `"{region.db}"`.
    Value(Raw),
}

const WRITE: &str = "write { credential = \"…\" }, { file = \"…\" } or { env = \"…\" }";

/// What the keys of an object say: a secret, or something else.
pub(crate) fn source(key: &str) -> Option<SecretSource> {
    match key {
        "file" => Some(SecretSource::File),
        "env" => Some(SecretSource::Env),
        "credential" => Some(SecretSource::Credential),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Kept, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Kept;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret by reference")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Kept, E> {
                // What is wrong with it is never quoted: it may be the secret.
                let raw = filled::<E>(text).ok();
                match raw {
                    Some(raw) if is_value(&raw) => Ok(Kept::Value(raw)),
                    Some(_) | None => Err(inline()),
                }
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Kept, E> {
                Err(inline())
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Kept, E> {
                Err(inline())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Kept, A::Error> {
                Err(inline())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kept, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(wrong("this says not where the secret is kept", WRITE));
                };
                let source = source(&key)
                    .ok_or_else(|| of_sort(Code::Secret, "this is no place where a secret is kept", WRITE))?;
                let name = map.next_value::<String>().map_err(|_: A::Error| {
                    of_sort::<A::Error>(Code::Secret, "the name of a secret is a text", WRITE)
                })?;
                if map.next_key::<serde::de::IgnoredAny>()?.is_some() {
                    return Err(of_sort(Code::Secret, "a secret is kept in one place", WRITE));
                }
                if name.is_empty() {
                    return Err(wrong("the name of a secret is empty", WRITE));
                }
                let raw = filled::<A::Error>(&name)?;
                Ok(Kept::In(source, raw))
            }
        }
        from.deserialize_any(Seen)
    }
}

fn inline<E: Error>() -> E {
    of_sort(
        Code::Secret,
        "a secret must not be written out",
        format_args!("{WRITE}, or a region's value that is one, such as \"{{region.db}}\""),
    )
}

/// Nothing but `{region.K}` and its like.
fn is_value(raw: &Raw) -> bool {
    matches!(raw.pieces(), [RawPiece::Load(LoadTime::Value(..))])
}

impl JsonSchema for Kept {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |key: &str| {
            serde_json::json!({
                "type": "object",
                "properties": { key: { "type": "string" } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "A secret by reference; never the secret itself.",
            "oneOf": [
                one("file"), one("env"), one("credential"),
                { "type": "string", "pattern": "^\\{(region|from|to|here)\\.[A-Za-z0-9_.-]+\\}$" },
            ],
        })
    }
}
