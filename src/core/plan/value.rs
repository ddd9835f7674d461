//! What an action sends: a tree of keys and values, sealed so that only its preview and its own shell read it.
//!
//! A secret is only ever a reference here; its contents are read by the shell that sends them, at the moment it does.
//! The core must never look into a sealed action to decide something.

use super::text::{Raw, Text};
use crate::ids::Name;
use crate::time::Span;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// A value of an action as the config has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Another number, as it was written.
    Number(Arc<str>),
    /// A duration.
    Span(Span),
    /// A text, and what its place takes.
    Text(Raw, Takes),
    /// A secret by reference; its name may hold placeholders that are known at load.
    Secret(SecretSource, Raw),
    /// Several.
    List(Vec<DraftValue>),
    /// Named ones.
    Table(BTreeMap<Arc<str>, DraftValue>),
}

/// What may stand in a place where the config has a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A text; a secret here would be shown in pages and previews.
    Text,
    /// A secret, so a text must be a region's value that is one.
    Secret,
    /// Either.
    Either,
}

/// Where a secret is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// A file.
    File,
    /// The environment.
    Env,
    /// A systemd credential.
    Credential,
}

/// A secret by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// Where it is read from.
    pub source: SecretSource,
    /// The file's path, the variable's or the credential's name.
    pub name: Arc<str>,
}

/// A value of an action in a compiled plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Another number, as it was written.
    Number(Arc<str>),
    /// A duration.
    Span(Span),
    /// A text.
    Text(Text),
    /// A secret by reference.
    Secret(SecretRef),
    /// Several.
    List(Vec<Value>),
    /// Named ones.
    Table(BTreeMap<Arc<str>, Value>),
}

/// What a step sends: an opaque kind and its keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    kind: Name,
    keys: BTreeMap<Arc<str>, Value>,
}

impl Sealed {
    pub(super) const fn new(kind: Name, keys: BTreeMap<Arc<str>, Value>) -> Sealed {
        Sealed { kind, keys }
    }

    /// The shell that can carry it out.
    #[must_use]
    pub const fn kind(&self) -> &Name {
        &self.kind
    }

    /// What that shell sends. For shells only.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<Arc<str>, Value> {
        &self.keys
    }

    /// Exactly what it would send, one key a line, in the order of their names.
    #[must_use]
    pub fn preview(&self) -> Vec<String> {
        self.keys.iter().map(|(key, value)| alloc::format!("{} = {value}", Key(key))).collect()
    }

    /// Calls `see` with every text in it and the key that it stands under.
    pub(super) fn each_text<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a Text)) {
        fn within<'a>(key: &'a str, value: &'a Value, see: &mut dyn FnMut(&'a str, &'a Text)) {
            match value {
                Value::Flag(_) | Value::Int(_) | Value::Number(_) | Value::Span(_) | Value::Secret(_) => {}
                Value::Text(text) => see(key, text),
                Value::List(items) => items.iter().for_each(|item| within(key, item, see)),
                Value::Table(keys) => keys.values().for_each(|item| within(key, item, see)),
            }
        }
        self.keys.iter().for_each(|(key, value)| within(key, value, see));
    }
}

/// Its preview, so that no log can show more.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.preview())
    }
}

/// A text between quotes. Not `{:?}`: what it escapes follows the compiler's Unicode tables, and plans are hashed.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                c if c.is_ascii_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// A span to the microsecond: what is hashed may not be rounded, as it is for people.
pub(super) struct Exact(pub(super) Span);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_micros() {
            n if n % 1_000_000 == 0 => write!(f, "{}s", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{}ms", n / 1_000),
            n => write!(f, "{n}us"),
        }
    }
}

struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !self.0.is_empty() && self.0.chars().all(bare) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Quoted(self.0))
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Number(n) => f.write_str(n),
            Value::Span(span) => write!(f, "{}", Exact(*span)),
            Value::Text(text) => write!(f, "{}", Quoted(&alloc::format!("{text}"))),
            Value::Secret(secret) => write!(f, "{secret}"),
            Value::List(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_char(']')
            }
            Value::Table(keys) => {
                f.write_char('{')?;
                for (i, (key, value)) in keys.iter().enumerate() {
                    write!(f, "{} {} = {value}", if i > 0 { "," } else { "" }, Key(key))?;
                }
                f.write_str(" }")
            }
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            SecretSource::File => "file",
            SecretSource::Env => "env",
            SecretSource::Credential => "credential",
        };
        write!(f, "{{{source} {}}}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_preview_shows_all_and_no_secret() {
        let text = |t| Value::Text(Text::plain(t));
        let mut keys = BTreeMap::new();
        keys.insert(Arc::from("argv"), Value::List(alloc::vec![text("/bin/x"), text("say \"{run.id}\"\n")]));
        keys.insert(
            Arc::from("dsn"),
            Value::Secret(SecretRef { source: SecretSource::Credential, name: Arc::from("pg-us-west-2") }),
        );
        let mut env = BTreeMap::new();
        env.insert(Arc::from("A.B"), Value::Int(-3));
        env.insert(Arc::from("C"), Value::Span(Span::millis(90_500)));
        keys.insert(Arc::from("env"), Value::Table(env));
        keys.insert(Arc::from("share"), Value::Number(Arc::from("0.5")));
        let sealed = Sealed::new(Name::new("exec").unwrap(), keys);
        assert_eq!(
            sealed.preview(),
            [
                r#"argv = ["/bin/x", "say \"{{run.id}}\"\n"]"#,
                "dsn = {credential pg-us-west-2}",
                r#"env = { "A.B" = -3, C = 90500ms }"#,
                "share = 0.5"
            ]
        );
        assert!(alloc::format!("{sealed:?}").starts_with("exec ["));
        assert_eq!(Exact(Span::micros(7)).to_string(), "7us");
        assert_eq!(Quoted("a\u{7}").to_string(), "\"a\\u{7}\"");
    }
}
