//! Values of any shape: headers, environments, a region's values. A secret among them stays a reference.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::secret;
use super::texts::filled;
use crate::config::read::{Key, wrong};
use crate::core::plan::{DraftValue, Raw, SecretSource, Takes};

/// A value of any shape, as a step sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Any(pub(crate) DraftValue);

/// A text, or the place of a secret.
pub(crate) enum TextOrSecret {
    Text(Raw),
    Secret(SecretSource, Raw),
}

/// Keys that their owner names, each with a text or a secret.
pub(crate) fn named_texts(any: &Any) -> Option<Vec<(Arc<str>, TextOrSecret)>> {
    let DraftValue::Table(keys) = &any.0 else { return None };
    let mut all = Vec::with_capacity(keys.len());
    for (key, value) in keys {
        let one = match value {
            DraftValue::Text(raw, _) => TextOrSecret::Text(raw.clone()),
            DraftValue::Secret(source, raw) => TextOrSecret::Secret(*source, raw.clone()),
            DraftValue::Int(number) => TextOrSecret::Text(Raw::plain(&number.to_string())),
            DraftValue::Number(number) => TextOrSecret::Text(Raw::plain(number)),
            DraftValue::Flag(flag) => TextOrSecret::Text(Raw::plain(if *flag { "true" } else { "false" })),
            DraftValue::Span(_) | DraftValue::List(_) | DraftValue::Table(_) => return None,
        };
        all.push((key.clone(), one));
    }
    Some(all)
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Any, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Any;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Any, E> {
                Ok(Any(DraftValue::Flag(flag)))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Any, E> {
                Ok(Any(DraftValue::Int(number)))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Any, E> {
                Ok(Any(DraftValue::Number(Arc::from(number.to_string()))))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Any, E> {
                filled(text).map(|raw| Any(DraftValue::Text(raw, Takes::Either)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element::<Key<Any>>()? {
                    all.extend(one.get().map(|any| any.0.clone()));
                }
                Ok(Any(DraftValue::List(all)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut all: BTreeMap<Arc<str>, DraftValue> = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if let Some(any) = map.next_value::<Key<Any>>()?.get() {
                        all.insert(Arc::from(key), any.0.clone());
                    }
                }
                let mut entries = all.iter();
                if let (Some((key, DraftValue::Text(raw, _))), None) = (entries.next(), entries.next())
                    && let Some(source) = secret::source(key)
                {
                    return Ok(Any(DraftValue::Secret(source, raw.clone())));
                }
                Ok(Any(DraftValue::Table(all)))
            }
            fn visit_unit<E: Error>(self) -> Result<Any, E> {
                Err(wrong("nothing is no value", "write one, or leave the key out"))
            }
        }
        from.deserialize_any(Seen)
    }
}

impl JsonSchema for Any {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "any".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A text (with placeholders), number, truth, list, table or secret." })
    }
}
