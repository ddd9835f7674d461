//! A table of the config of which every key must be taken: what nobody asks for is an error, never skipped in silence.

use toml::{Table, Value};
use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::Raw;
use watchkeeper::core::time::Span;

use super::values;

/// A table, and where it stands. When it is dropped, every key must have been taken or left by name.
#[derive(Debug)]
pub(crate) struct Keys {
    at: String,
    left: Table,
}

impl Keys {
    pub(crate) fn new(at: impl Into<String>, table: Table) -> Keys {
        Keys { at: at.into(), left: table }
    }

    pub(crate) fn of(at: impl Into<String>, value: Value) -> Keys {
        let at = at.into();
        match value {
            Value::Table(table) => Keys::new(at, table),
            other => panic!("{at}: a table belongs here, not {other:?}"),
        }
    }

    /// Where it stands.
    pub(crate) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.at)
    }

    /// A text that is taken later.
    pub(crate) fn peek(&self, key: &str) -> Option<&str> {
        self.left.get(key).and_then(Value::as_str)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.left.remove(key)
    }

    pub(crate) fn need(&mut self, key: &str) -> Value {
        self.take(key).unwrap_or_else(|| panic!("{}: this key is required", self.at(key)))
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).map(|value| values::text(&self.at(key), value))
    }

    pub(crate) fn raw(&mut self, key: &str) -> Option<Raw> {
        self.text(key).map(|text| values::raw(&self.at(key), &text))
    }

    pub(crate) fn name(&mut self, key: &str) -> Option<Name> {
        self.text(key).map(|text| values::name(&self.at(key), &text))
    }

    pub(crate) fn names(&mut self, key: &str) -> Option<Vec<Name>> {
        let at = self.at(key);
        self.take(key).map(|value| {
            values::list(&at, value)
                .into_iter()
                .map(|one| values::name(&at, &values::text(&at, one)))
                .collect()
        })
    }

    pub(crate) fn span(&mut self, key: &str) -> Option<Span> {
        self.text(key).map(|text| values::span(&self.at(key), &text))
    }

    pub(crate) fn count<T: TryFrom<i64>>(&mut self, key: &str) -> Option<T> {
        self.take(key).map(|value| values::count(&self.at(key), value))
    }

    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        let at = self.at(key);
        self.take(key)
            .map(|value| value.as_bool().unwrap_or_else(|| panic!("{at}: true or false, not {value:?}")))
    }

    /// One word of a closed list.
    pub(crate) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        self.text(key).map(|text| values::word(&self.at(key), &text, words))
    }

    pub(crate) fn table(&mut self, key: &str) -> Option<Keys> {
        let at = self.at(key);
        self.take(key).map(|value| Keys::of(at, value))
    }

    /// The tables below this key, by their names.
    pub(crate) fn tables(&mut self, key: &str) -> Vec<(Name, Keys)> {
        self.table(key).map_or_else(Vec::new, Keys::all)
    }

    /// All that is left, each key with the table that it names.
    pub(crate) fn all(mut self) -> Vec<(Name, Keys)> {
        let tables = std::mem::take(&mut self.left);
        tables
            .into_iter()
            .map(|(name, value)| (values::name(&self.at, &name), Keys::of(self.at(&name), value)))
            .collect()
    }

    /// All that is left, as it is.
    pub(crate) fn rest(mut self) -> Table {
        std::mem::take(&mut self.left)
    }

    /// Keys of the language that the core has no use for yet.
    pub(crate) fn leave(mut self, unneeded: &[&str]) {
        for key in unneeded {
            self.left.remove(*key);
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let left: Vec<&String> = self.left.keys().collect();
            assert!(left.is_empty(), "{}: unknown keys {left:?}", self.at);
        }
    }
}

#[test]
#[should_panic(expected = "service.shop: unknown keys [\"timeot\"]")]
fn an_unknown_key_is_an_error() {
    let table: Table = "title = \"Shop\"\ntimeot = \"2s\"\nlinks = {}".parse().unwrap();
    let mut keys = Keys::new("service.shop", table);
    assert_eq!(keys.text("title").as_deref(), Some("Shop"));
    keys.leave(&["links"]);
}
