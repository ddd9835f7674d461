//! One key of a table, one entry of a named list: what was read and where it was written. A bad value is reported where
//! it stands and leaves an empty key behind, so that all problems of a file come at once.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::KEY;
use crate::config::place::At;
use crate::core::ids::Name;

/// A key: not written, written badly (and reported), or read.
#[derive(Clone, Debug)]
pub(crate) struct Key<T> {
    value: Option<T>,
    at: Option<At>,
}

impl<T> Default for Key<T> {
    fn default() -> Key<T> {
        Key { value: None, at: None }
    }
}

impl<T> Key<T> {
    /// What was read, or the default of the language.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Where it stands, well written or not.
    pub(crate) fn at(&self) -> Option<At> {
        self.at
    }

    /// It is written, and badly: whatever rests on it is not judged.
    pub(crate) fn bad(&self) -> bool {
        self.at.is_some() && self.value.is_none()
    }

    /// What was read and where.
    pub(crate) fn both(&self) -> Option<(&T, At)> {
        Some((self.value.as_ref()?, self.at?))
    }
}

impl<T: Copy> Key<T> {
    /// What was read, or something in place of what could not be.
    pub(crate) fn or(&self, otherwise: T) -> T {
        self.value.unwrap_or(otherwise)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Key<T>, D::Error> {
        struct One<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for One<T> {
            type Value = Key<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Key<T>, A::Error> {
                let at = map.next_key::<u128>()?.map(At::unpacked);
                // The reader has reported what is wrong with it.
                let value = map.next_value::<T>().ok();
                Ok(Key { value, at })
            }
        }
        from.deserialize_struct(KEY, &[], One(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Key<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Tables by the names that their owner gives them.
#[derive(Clone, Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<(Name, Key<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Key<T>)> {
        self.0.iter().map(|(name, key)| (name, key))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Key<T>> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, key)| key)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Named<T>, D::Error> {
        struct All<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for All<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of names")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = map.next_key::<Key<super::super::values::Word>>()? {
                    match name.get() {
                        Some(word) => all.push((word.0.clone(), map.next_value::<Key<T>>()?)),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Named(all))
            }
        }
        from.deserialize_map(All(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("named {}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<T>();
        schemars::json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z0-9][a-z0-9_-]*$" },
            "additionalProperties": inner,
        })
    }
}

/// A table that is read apart, when its kind and its templates are known.
#[derive(Clone, Debug)]
pub(crate) struct Apart<T>(PhantomData<T>);

impl<'de, T> Deserialize<'de> for Apart<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Apart<T>, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Apart(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Apart<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}
