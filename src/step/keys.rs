//! Reads what a step sends from its sealed action. Everything is filled in by then; what is missing or of another form
//! is said, and nothing is made up. It never reads a secret, only where one is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::expr::Expr;
use crate::config::probe::Given;
use crate::config::secret::Secret;
use crate::core::ids::Name;
use crate::core::plan::{Sealed, Value};
use crate::core::time::Span;

/// The keys of an action, or of a table in it.
pub(crate) struct Keys<'a>(&'a BTreeMap<Arc<str>, Value>);

impl<'a> Keys<'a> {
    pub(crate) fn of(sealed: &'a Sealed) -> Keys<'a> {
        Keys(sealed.keys())
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// A text that need not be there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, String> {
        self.get(key).map(|value| plain(key, value)).transpose()
    }

    /// A text that must be there.
    pub(crate) fn needs(&self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::List(items)) => {
                items.iter().map(|item| plain(key, item)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(format!("`{key}` is no list")),
        }
    }

    pub(crate) fn span(&self, key: &str) -> Result<Option<Span>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Span(span)) => Ok(Some(*span)),
            Some(_) => Err(format!("`{key}` is no duration")),
        }
    }

    /// Where a secret is kept.
    pub(crate) fn secret(&self, key: &str) -> Result<Option<Secret>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Secret(at)) => Ok(Some(Secret::at(at.source, &at.name))),
            Some(_) => Err(format!("`{key}` is no secret by reference")),
        }
    }

    pub(crate) fn table(&self, key: &str) -> Result<Option<Keys<'a>>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Table(keys)) => Ok(Some(Keys(keys))),
            Some(_) => Err(format!("`{key}` is no table")),
        }
    }

    /// Names of the operator's own, each with a text or a secret.
    pub(crate) fn given(&self, key: &str) -> Result<Vec<(String, Given)>, String> {
        let Some(table) = self.table(key)? else { return Ok(Vec::new()) };
        let given = table.0.iter().map(|(name, value)| {
            let given = match value {
                Value::Secret(at) => Given::Secret(Secret::at(at.source, &at.name)),
                other => Given::Text(plain(name, other)?),
            };
            Ok((name.to_string(), given))
        });
        given.collect()
    }

    pub(crate) fn exprs(&self, key: &str) -> Result<Vec<Expr>, String> {
        let texts = self.texts(key)?.unwrap_or_default();
        texts.iter().map(|text| Expr::new(text).map_err(|bad| format!("`{key}`: {bad}"))).collect()
    }

    /// What it gives to later steps.
    pub(crate) fn outputs(&self) -> Result<Vec<(Name, Expr)>, String> {
        let Some(table) = self.table("outputs")? else { return Ok(Vec::new()) };
        let outputs = table.0.iter().map(|(name, value)| {
            let text = plain(name, value)?;
            let name = Name::new(name).map_err(|bad| format!("`outputs`: {bad}"))?;
            let expr = Expr::new(&text).map_err(|bad| format!("the output `{name}`: {bad}"))?;
            Ok((name, expr))
        });
        outputs.collect()
    }
}

fn plain(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => match text.as_plain() {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("`{key}` is not filled in")),
        },
        Value::Int(n) => Ok(n.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        Value::Flag(flag) => Ok(flag.to_string()),
        Value::Secret(_) => Err(format!("`{key}` is a secret, and a text is wanted")),
        Value::Span(_) | Value::List(_) | Value::Table(_) => Err(format!("`{key}` is no text")),
    }
}
