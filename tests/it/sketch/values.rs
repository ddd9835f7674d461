//! Single values of the config: durations, shares, names, texts, secrets by reference.

use std::sync::Arc;

use toml::Value;
use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::{Raw, SecretRef, SecretSource, SiteValue};
use watchkeeper::core::time::Span;

pub(crate) fn text(at: &str, value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("{at}: a text belongs here, not {other:?}"),
    }
}

pub(crate) fn list(at: &str, value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        other => panic!("{at}: a list belongs here, not {other:?}"),
    }
}

pub(crate) fn name(at: &str, text: &str) -> Name {
    Name::new(text).unwrap_or_else(|why| panic!("{at}: `{text}`: {why}"))
}

pub(crate) fn raw(at: &str, text: &str) -> Raw {
    Raw::parse(text).unwrap_or_else(|why| panic!("{at}: {why:?}"))
}

pub(crate) fn count<T: TryFrom<i64>>(at: &str, value: Value) -> T {
    let number = value.as_integer().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("{at}: a count belongs here, not {value:?}"))
}

pub(crate) fn word<T: Copy>(at: &str, text: &str, words: &[(&str, T)]) -> T {
    let found = words.iter().find(|(word, _)| *word == text);
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.unwrap_or_else(|| panic!("{at}: `{text}` is none of {known:?}")).1
}

/// `1h30m`: numbers, each with its unit.
pub(crate) fn span(at: &str, text: &str) -> Span {
    const UNITS: [(&str, u64); 7] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ];
    let (mut millis, mut rest) = (0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().unwrap_or_else(|_| panic!("{at}: `{text}` is no duration"));
        millis += number * word(at, unit, &UNITS);
        rest = after;
    }
    assert!(!text.is_empty(), "{at}: nothing is no duration");
    Span::millis(millis)
}

/// `50%`.
pub(crate) fn share(at: &str, text: &str) -> u8 {
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{at}: `{text}` is no share"))
}

/// A secret by reference, where a table is one: `{ credential = "pg-{region}" }`.
pub(crate) fn secret(value: &Value) -> Option<(SecretSource, &str)> {
    let table = value.as_table().filter(|table| table.len() == 1)?;
    let (source, name) = table.iter().next()?;
    let source = match source.as_str() {
        "file" => SecretSource::File,
        "env" => SecretSource::Env,
        "credential" => SecretSource::Credential,
        _ => return None,
    };
    Some((source, name.as_str()?))
}

/// What `{region.K}` stands for.
pub(crate) fn site_value(at: &str, value: Value) -> SiteValue {
    if let Some((source, name)) = secret(&value) {
        return SiteValue::Secret(SecretRef { source, name: Arc::from(name) });
    }
    match value {
        Value::Boolean(flag) => SiteValue::Flag(flag),
        Value::Integer(number) => SiteValue::Int(number),
        Value::Float(number) => SiteValue::Number(Arc::from(number.to_string())),
        Value::String(text) => SiteValue::Text(Arc::from(text)),
        Value::Array(list) => SiteValue::List(list.into_iter().map(|one| site_value(at, one)).collect()),
        Value::Table(table) => SiteValue::Table(
            table.into_iter().map(|(key, one)| (Arc::from(key), site_value(at, one))).collect(),
        ),
        Value::Datetime(_) => panic!("{at}: a moment is written as a text"),
    }
}

#[test]
fn durations_add_up() {
    assert_eq!(span("", "1h30m"), Span::mins(90));
    assert_eq!(span("", "800ms"), Span::millis(800));
    assert_eq!(span("", "7y"), Span::hours(24 * 365 * 7));
    assert_eq!(share("", "50%"), 50);
}

#[test]
#[should_panic(expected = "is none of")]
fn a_bare_number_is_no_duration() {
    span("", "30");
}
