//! Fills in what only a run knows, before a step's intent is written: what is then sent is what the journal holds.
//!
//! It asks for each placeholder once and invents nothing: what is not there makes the whole not filled.

use super::own::Own;
use super::step::Body;
use super::text::{Piece, RunTime, Text};
use super::value::{Sealed, Value};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filled {
    /// A text.
    One(Arc<str>),
    /// A list, as an output may be; it fills a list.
    Many(Vec<Arc<str>>),
}

/// Why something cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFilled {
    /// Nobody knows it.
    Unknown(RunTime),
    /// It is a list, and does not stand alone in one.
    List(RunTime),
}

/// Looks placeholders up.
pub type Look<'a> = dyn FnMut(&RunTime) -> Option<Filled> + 'a;

impl Text {
    /// The text with everything filled in.
    pub fn fill(&self, look: &mut Look<'_>) -> Result<Text, NotFilled> {
        let mut filled = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Plain(plain) => filled.push_str(plain),
                Piece::Run(run) => match look(run) {
                    Some(Filled::One(text)) => filled.push_str(&text),
                    Some(Filled::Many(_)) => return Err(NotFilled::List(run.clone())),
                    None => return Err(NotFilled::Unknown(run.clone())),
                },
            }
        }
        Ok(Text::plain(&filled))
    }
}

impl Sealed {
    /// The action with everything filled in.
    pub fn fill(&self, look: &mut Look<'_>) -> Result<Sealed, NotFilled> {
        Ok(Sealed::new(self.kind().clone(), table(self.keys(), look)?))
    }
}

impl Body {
    /// The body with everything filled in.
    pub fn fill(&self, look: &mut Look<'_>) -> Result<Body, NotFilled> {
        Ok(match self {
            Body::Action(action) => Body::Action(action.fill(look)?),
            Body::Own(own) => Body::Own(own.fill(look)?),
        })
    }
}

impl Own<Text> {
    fn fill(&self, look: &mut Look<'_>) -> Result<Own<Text>, NotFilled> {
        let mut failed = None;
        let filled = self.map(&mut |_, text| {
            text.fill(look).unwrap_or_else(|why| {
                failed.get_or_insert(why);
                Text::default()
            })
        });
        failed.map_or(Ok(filled), Err)
    }
}

fn table(
    keys: &BTreeMap<Arc<str>, Value>,
    look: &mut Look<'_>,
) -> Result<BTreeMap<Arc<str>, Value>, NotFilled> {
    keys.iter().map(|(key, one)| Ok((key.clone(), value(one, look)?))).collect()
}

fn value(one: &Value, look: &mut Look<'_>) -> Result<Value, NotFilled> {
    Ok(match one {
        Value::Flag(_) | Value::Int(_) | Value::Number(_) | Value::Span(_) | Value::Secret(_) => one.clone(),
        Value::Text(text) => Value::Text(text.fill(look)?),
        Value::Table(keys) => Value::Table(table(keys, look)?),
        Value::List(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    Value::Text(text) if text.as_output().is_some() => {
                        let Some(run) = text.placeholders().next() else { continue };
                        match look(run).ok_or_else(|| NotFilled::Unknown(run.clone()))? {
                            Filled::One(text) => filled.push(Value::Text(Text::plain(&text))),
                            Filled::Many(texts) => {
                                filled.extend(texts.iter().map(|text| Value::Text(Text::plain(text))));
                            }
                        }
                    }
                    other => filled.push(value(other, look)?),
                }
            }
            Value::List(filled)
        }
    })
}

impl fmt::Display for NotFilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotFilled::Unknown(run) => write!(f, "nothing is known for {run}"),
            NotFilled::List(run) => {
                write!(f, "{run} is a list, and a text is wanted; let it stand alone in a list")
            }
        }
    }
}
