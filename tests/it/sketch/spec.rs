//! What a kind's keys take, written as CONFIG §5 writes it: `url:text! headers:any tls:bool`.
//!
//! The values become what an action of the core holds; of a probe they are only looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::{Table, Value};
use watchkeeper::core::plan::{DraftValue, Raw, Takes};

use super::keys::Keys;
use super::values;

/// Inline tables that several kinds share.
const INLINE: &[(&str, &str)] = &[
    ("auth", "bearer:secret user:text password:secret cert:text key:secret"),
    ("call", "url:text! method:text headers:any body:text expect:expr"),
    ("record", "zone:text! name:text! type:text ttl:dur value:text alias:any weight:int set_id:text"),
];

/// The keys of a kind, each with what it takes; a `!` stands behind what must be there.
#[derive(Clone, Copy)]
pub(crate) struct Spec<'a>(pub(crate) &'a str);

impl<'a> Spec<'a> {
    fn keys(self) -> impl Iterator<Item = (&'a str, &'a str, bool)> {
        self.0.split_whitespace().map(|one| {
            let (key, takes) = one.split_once(':').expect("a spec is written key:type");
            (key, takes.trim_end_matches('!'), takes.ends_with('!'))
        })
    }

    /// Takes all of its keys out of a table.
    pub(crate) fn take(self, from: &mut Keys) -> BTreeMap<Arc<str>, DraftValue> {
        let mut taken = BTreeMap::new();
        for (key, takes, required) in self.keys() {
            let at = from.at(key);
            match from.take(key) {
                Some(value) => drop(taken.insert(Arc::from(key), one(&at, takes, value))),
                None => assert!(!required, "{at}: this key is required"),
            }
        }
        taken
    }

    /// Some of its keys, as a drill replaces them.
    pub(crate) fn some(self, at: &str, table: Table) -> BTreeMap<Arc<str>, DraftValue> {
        table
            .into_iter()
            .map(|(key, value)| {
                let at = format!("{at}.{key}");
                let found = self.keys().find(|(known, ..)| *known == key);
                let (_, takes, _) = found.unwrap_or_else(|| panic!("{at}: its kind has no such key"));
                (Arc::from(key), one(&at, takes, value))
            })
            .collect()
    }
}

fn one(at: &str, takes: &str, value: Value) -> DraftValue {
    if let Value::Array(list) = value {
        return DraftValue::List(list.into_iter().map(|value| one(at, takes, value)).collect());
    }
    if let (Some((source, name)), "secret" | "any") = (values::secret(&value), takes) {
        return DraftValue::Secret(source, values::raw(at, name));
    }
    if let Some((_, inline)) = INLINE.iter().find(|(name, _)| *name == takes) {
        return DraftValue::Table(Spec(inline).take(&mut Keys::of(at, value)));
    }
    let wrong = |value: &Value| -> ! { panic!("{at}: {takes} belongs here, not {value:?}") };
    match (takes, value) {
        ("bool" | "any", Value::Boolean(flag)) => DraftValue::Flag(flag),
        ("int" | "any", Value::Integer(number)) => DraftValue::Int(number),
        ("any", Value::Float(number)) => DraftValue::Number(Arc::from(number.to_string())),
        ("text", Value::String(text)) => DraftValue::Text(values::raw(at, &text), Takes::Text),
        ("secret", Value::String(text)) => DraftValue::Text(values::raw(at, &text), Takes::Secret),
        ("any", Value::String(text)) => DraftValue::Text(values::raw(at, &text), Takes::Either),
        ("dur", Value::String(text)) => DraftValue::Span(values::span(at, &text)),
        // What is evaluated later: braces in it are its own.
        ("expr" | "size", Value::String(text)) => DraftValue::Text(Raw::plain(&text), Takes::Text),
        ("expr" | "any", Value::Table(table)) => DraftValue::Table(
            table.into_iter().map(|(key, value)| (Arc::from(key.as_str()), one(at, takes, value))).collect(),
        ),
        (_, value) => wrong(&value),
    }
}
