//! The config as it is in force, as TOML with the source of each value behind it. What sounds like a secret is not
//! shown, wherever it stands; a secret's place is.

use super::mask::sounds_secret;
use super::node::{Node, Table, What, is_secret};
use super::place::{At, Files};
use super::read::REQUIRED;

/// Prints a tree; with `sources`, where each value is written.
pub(crate) fn print(root: &Node, files: &Files, masked: &[At], sources: bool) -> String {
    let mut printed = Printed { text: String::new(), files, masked, sources };
    if let Some(table) = root.table() {
        printed.table(table, &mut Vec::new(), "");
    }
    printed.text
}

struct Printed<'a> {
    text: String,
    files: &'a Files,
    /// Places of what must not be shown.
    masked: &'a [At],
    sources: bool,
}

impl Printed<'_> {
    /// First its values, then its tables.
    fn table(&mut self, table: &Table, path: &mut Vec<String>, under: &str) {
        for (key, entry) in table.0.iter().filter(|(_, entry)| inline(&entry.node)) {
            let hidden = sounds_secret(key) || (sounds_secret(under) && entry.node.table().is_none());
            let value = value(&entry.node, hidden, self.masked);
            let line = format!("{} = {value}", name(key));
            let source = if self.sources { self.source(entry.node.at) } else { String::new() };
            self.text.push_str(&format!("{line}{source}\n"));
        }
        for (key, entry) in table.0.iter().filter(|(_, entry)| !inline(&entry.node)) {
            let Some(inner) = entry.node.table() else { continue };
            path.push(name(key));
            if inner.0.values().any(|entry| inline(&entry.node)) || inner.0.is_empty() {
                self.text.push_str(&format!("\n[{}]\n", path.join(".")));
            }
            self.table(inner, path, key);
            path.pop();
        }
    }

    fn source(&self, at: At) -> String {
        format!("  # {}", self.files.say(at))
    }
}

/// What stands on one line: everything but tables of several keys.
fn inline(node: &Node) -> bool {
    node.table().is_none_or(is_secret)
}

fn name(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn value(node: &Node, hidden: bool, masked: &[At]) -> String {
    let hidden = hidden || masked.binary_search(&node.at).is_ok();
    match &node.what {
        What::Null => "\"\"".to_owned(),
        What::Flag(flag) => flag.to_string(),
        What::Int(_) | What::Number(_) if hidden => quoted("(not shown)"),
        What::Int(number) => number.to_string(),
        What::Number(number) => number.to_string(),
        // A region's value that is a secret is named, and never shown here.
        What::Text(text) if hidden && (!reference(text) || masked.binary_search(&node.at).is_ok()) => {
            quoted("(not shown)")
        }
        What::Text(text) => quoted(&without_login(text)),
        What::List(list) => {
            let each: Vec<String> = list.iter().map(|one| value(one, hidden, masked)).collect();
            format!("[{}]", each.join(", "))
        }
        What::Table(table) => {
            let place = is_secret(table);
            let each: Vec<String> = table
                .0
                .iter()
                .map(|(key, entry)| {
                    let hidden = !place && (hidden || sounds_secret(key));
                    format!("{} = {}", name(key), value(&entry.node, hidden, masked))
                })
                .collect();
            if each.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", each.join(", ")) }
        }
    }
}

fn reference(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && !text.contains(' ')
}

/// A URL without what stands before its host.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://(not shown)@{host}{path}"),
        None => text.to_owned(),
    }
}

/// Puts in what the language has as a default, where nothing is written: for printing only.
pub(crate) fn fill(root: &mut Node, builtin: &Table) {
    let defaults = |name: &str| builtin.get(name).and_then(Node::table);
    if let What::Table(table) = &mut root.what {
        put(table, defaults("config"));
        for (key, name) in [
            ("self_trust", "self_trust table"),
            ("coordinator", "coordinator"),
            ("chronicle", "chronicle"),
            ("api", "api table"),
            ("limits", "limits table"),
            ("exec", "exec table"),
        ] {
            let entry = table.0.entry(key.into()).or_insert_with(|| super::node::Entry {
                key: At::default(),
                node: Node::empty(At::default()),
            });
            if let What::Table(inner) = &mut entry.node.what {
                put(inner, defaults(name));
            }
        }
        for (key, name) in
            [("region", "region"), ("observer", "observer"), ("maintenance", "maintenance window")]
        {
            each(table, key, &mut |inner| put(inner, defaults(name)));
        }
        each(table, "channel", &mut |inner| {
            put(inner, defaults("channel"));
            let kind = kind_of(inner);
            put(inner, defaults(&format!("{kind} channel")));
        });
        each(table, "service", &mut |service| {
            put(service, defaults("service"));
            each(service, "component", &mut |inner| put(inner, defaults("component")));
            each(service, "trigger", &mut |inner| put(inner, defaults("trigger")));
            each(service, "scenario", &mut |inner| put(inner, defaults("scenario")));
            each(service, "probe", &mut |inner| {
                put(inner, defaults("probe"));
                let kind = kind_of(inner);
                put(inner, defaults(&format!("{kind} probe")));
                if inner.get("window").is_some() {
                    inner.0.retain(|key, entry| &**key != "fall" || entry.node.at.file > 0);
                }
            });
            each(service, "plan", &mut |plan| {
                each(plan, "step", &mut |inner| {
                    let kind = kind_of(inner);
                    put(inner, defaults(&format!("{kind} step")));
                });
            });
        });
    }
}

fn kind_of(table: &Table) -> String {
    table.get("kind").and_then(Node::text).unwrap_or_default().to_owned()
}

fn put(into: &mut Table, defaults: Option<&Table>) {
    for (key, entry) in defaults.into_iter().flat_map(|table| &table.0) {
        if entry.node.text() != Some(REQUIRED) {
            into.0.entry(key.clone()).or_insert_with(|| entry.clone());
        }
    }
}

fn each(table: &mut Table, shelf: &str, change: &mut dyn FnMut(&mut Table)) {
    let Some(entry) = table.0.get_mut(shelf) else { return };
    let What::Table(named) = &mut entry.node.what else { return };
    for entry in named.0.values_mut() {
        if let What::Table(inner) = &mut entry.node.what {
            change(inner);
        }
    }
}
