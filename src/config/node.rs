//! What was written, as a tree of values that know their places; layers and templates are merged here, before anything
//! is given a meaning. It must never decide what a key means.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::At;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) what: What,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Nothing, as YAML and JSON may have it.
    Null,
    Flag(bool),
    Int(i64),
    /// Another number, as it was written.
    Number(Arc<str>),
    Text(Arc<str>),
    List(Vec<Node>),
    Table(Table),
}

/// Keys by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(pub(crate) BTreeMap<Arc<str>, Entry>);

/// A key's place, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: At,
    pub(crate) node: Node,
}

/// How deep tables may be nested in what was written; the parsers have limits of their own above it.
pub(crate) const DEEPEST: usize = 64;

impl Node {
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.what {
            What::Table(table) => Some(table),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::Text(_) | What::List(_) => {
                None
            }
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::List(_) | What::Table(_) => {
                None
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.table().and_then(|table| table.get(key))
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.what {
            What::Null => "nothing",
            What::Flag(_) => "true or false",
            What::Int(_) => "a whole number",
            What::Number(_) => "a number",
            What::Text(_) => "a text",
            What::List(_) => "a list",
            What::Table(_) => "a table",
        }
    }

    /// The place of a text that says exactly this, somewhere in here.
    pub(crate) fn find_text(&self, wanted: &str) -> Option<At> {
        match &self.what {
            What::Text(text) => (**text == *wanted).then_some(self.at),
            What::List(list) => list.iter().find_map(|one| one.find_text(wanted)),
            What::Table(table) => table.0.values().find_map(|entry| entry.node.find_text(wanted)),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) => None,
        }
    }

    /// The place of a text that holds this, somewhere in here.
    pub(crate) fn find_within(&self, wanted: &str) -> Option<At> {
        match &self.what {
            What::Text(text) => text.contains(wanted).then_some(self.at),
            What::List(list) => list.iter().find_map(|one| one.find_within(wanted)),
            What::Table(table) => table.0.values().find_map(|entry| entry.node.find_within(wanted)),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) => None,
        }
    }

    pub(crate) fn empty(at: At) -> Node {
        Node { at, what: What::Table(Table::default()) }
    }

    pub(crate) fn depth(&self) -> usize {
        match &self.what {
            What::List(list) => 1 + list.iter().map(Node::depth).max().unwrap_or(0),
            What::Table(table) => 1 + table.0.values().map(|entry| entry.node.depth()).max().unwrap_or(0),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::Text(_) => 0,
        }
    }
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key).map(|entry| &entry.node)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        self.0.remove(key)
    }

    /// Tables merge, everything else is replaced: what is merged in wins.
    pub(crate) fn merge(&mut self, from: &Table) {
        for (key, entry) in &from.0 {
            match self.0.get_mut(key) {
                Some(known) => {
                    if let (What::Table(inner), What::Table(more)) = (&mut known.node.what, &entry.node.what)
                    {
                        // An object that says by its one key what it is cannot be two things.
                        if is_secret(inner) || is_secret(more) {
                            *known = entry.clone();
                        } else {
                            inner.merge(more);
                            known.key = entry.key;
                            known.node.at = entry.node.at;
                        }
                    } else {
                        *known = entry.clone();
                    }
                }
                None => {
                    self.0.insert(key.clone(), entry.clone());
                }
            }
        }
    }
}

/// `{ file = … }`, `{ env = … }` or `{ credential = … }`.
pub(crate) fn is_secret(table: &Table) -> bool {
    table.0.len() == 1 && table.0.keys().all(|key| matches!(&**key, "file" | "env" | "credential"))
}
