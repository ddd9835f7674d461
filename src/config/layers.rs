//! Lays the files and the environment over one another by the crate `config`: tables merge, lists replace, later wins;
//! then gives every value its place back. The same table in two files is an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{Config, Environment, Map, Source, Value, ValueKind};

use super::given::Given;
use super::node::{Entry, Node, Table, What};
use super::place::{At, File, Files, Format};
use super::problem::{Code, Problem, Problems};
use super::written;

/// What every variable's name begins with.
pub(crate) const PREFIX: &str = "WATCHKEEPER__";

/// Tables that hold named tables: two files may each bring some.
const SHELVES: [&str; 12] = [
    "region",
    "observer",
    "service",
    "channel",
    "ladder",
    "escalation",
    "maintenance",
    "defaults",
    "template",
    "notice",
    "links",
    "api",
];

/// All layers in one tree; the files with the environment as the last.
pub(crate) fn lay(given: &Given, files: &mut Files, problems: &Problems) -> Node {
    let mut layers: Vec<Arc<Node>> = Vec::new();
    for file in &given.files {
        let text = Arc::from(file.text.as_str());
        let number =
            files.add(File { name: file.name.clone(), format: file.format, text, paths: Vec::new() });
        if let Some(node) = written::parse(files, number, problems) {
            layers.push(Arc::new(match &file.service {
                Some(name) => below_service(name, node),
                None => node,
            }));
        }
    }
    twice(&layers, problems);
    let variables = environment(given, files, problems);
    let mut builder = Config::builder();
    for layer in &layers {
        builder = builder.add_source(Layer(Arc::clone(layer)));
    }
    let set: Map<String, String> =
        variables.iter().map(|(key, entry)| (key.clone(), entry.1.clone())).collect();
    let environment = Environment::with_prefix("WATCHKEEPER").prefix_separator("__").separator("__");
    let merged =
        builder.add_source(environment.source(Some(set))).build().and_then(|config| config.collect());
    layers.extend(variables.values().map(|(node, _)| Arc::new(node.clone())));
    match merged {
        Ok(merged) => {
            placed(&ValueKind::Table(merged), &layers.iter().map(|layer| &**layer).collect::<Vec<_>>())
        }
        Err(_) => {
            let problem = Problem::error(Code::Syntax, None, "the files cannot be laid over one another");
            problems.add(problem.help("write everything into one file"));
            Node::empty(At::default())
        }
    }
}

/// A tree as the crate `config` takes it.
#[derive(Clone, Debug)]
struct Layer(Arc<Node>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let Some(table) = self.0.table() else { return Ok(Map::new()) };
        // A key with brackets or dots would be taken for a path; it is no key of the language and is reported later.
        Ok(table.0.iter().map(|(key, entry)| (escaped(key), value(&entry.node))).collect())
    }
}

/// `config` reads the outermost keys as paths.
fn escaped(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { key.to_owned() } else { "-not-a-key-".to_owned() }
}

fn value(node: &Node) -> Value {
    let kind = match &node.what {
        What::Null => ValueKind::Nil,
        What::Flag(flag) => ValueKind::Boolean(*flag),
        What::Int(number) => ValueKind::I64(*number),
        What::Number(text) | What::Text(text) => ValueKind::String(text.to_string()),
        What::List(list) => ValueKind::Array(list.iter().map(value).collect()),
        What::Table(table) => ValueKind::Table(
            table.0.iter().map(|(key, entry)| (key.to_string(), value(&entry.node))).collect(),
        ),
    };
    Value::new(None, kind)
}

/// The merged tree with the places that its values have in the layers, later ones first.
fn placed(merged: &ValueKind, layers: &[&Node]) -> Node {
    let last = layers.last();
    let at = last.map(|node| node.at).unwrap_or_default();
    let ValueKind::Table(table) = merged else {
        return last.map_or_else(|| Node::empty(at), |node| (*node).clone());
    };
    // Whatever is no table in the last layer that has it has replaced those before.
    let tables: Vec<&Table> = layers.iter().filter_map(|node| node.table()).collect();
    let mut keys: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for table in &tables {
        for (key, entry) in &table.0 {
            keys.entry(key).or_default().push(entry);
        }
    }
    let entries = keys.into_iter().filter_map(|(key, found)| {
        let merged = table.get(key).or_else(|| table.get(&escaped(key)))?;
        let below: Vec<&Node> = found.iter().map(|entry| &entry.node).collect();
        let key_at = found.last().map(|entry| entry.key).unwrap_or_default();
        Some((Arc::from(key), Entry { key: key_at, node: placed(&merged.kind, &below) }))
    });
    let first = layers.first().map(|node| node.at).unwrap_or_default();
    Node { at: first, what: What::Table(Table(entries.collect())) }
}

/// A service's file as a layer of the whole.
fn below_service(name: &str, node: Node) -> Node {
    let at = At { end: 0, ..node.at };
    let wrap = |key: &str, node: Node| Node {
        at,
        what: What::Table(Table([(Arc::from(key), Entry { key: at, node })].into_iter().collect())),
    };
    wrap("service", wrap(name, node))
}

/// The same table in two files.
fn twice(layers: &[Arc<Node>], problems: &Problems) {
    fn meet(one: &Node, other: &Node, path: &str, problems: &Problems) {
        let (Some(first), Some(second)) = (one.table(), other.table()) else { return };
        for (key, entry) in &second.0 {
            let Some(known) = first.0.get(key) else { continue };
            let whole = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
            let shelf = SHELVES.contains(&&*whole)
                || whole == "api.token"
                || (path == "template" || path == "notice") && entry.node.table().is_some();
            if shelf && entry.node.table().is_some() && known.node.table().is_some() {
                meet(&known.node, &entry.node, &whole, problems);
            } else {
                problems.add(
                    Problem::error(Code::Twice, entry.key, format!("`{whole}` is written in two files"))
                        .help("keep one of them; files do not override one another")
                        .also(known.key, "here it is written, too"),
                );
            }
        }
    }
    for (i, later) in layers.iter().enumerate() {
        for earlier in layers.iter().take(i) {
            meet(earlier, later, "", problems);
        }
    }
}

/// The variables that say something of the config: each a small tree, and its text. What they are called is read by
/// `config`; what cannot be such a name is reported.
fn environment(given: &Given, files: &mut Files, problems: &Problems) -> BTreeMap<String, (Node, String)> {
    let number = u16::try_from(files.0.len()).unwrap_or(u16::MAX);
    let mut file = File {
        name: "the environment".to_owned(),
        format: Format::Environment,
        text: Arc::from(""),
        paths: Vec::new(),
    };
    let mut all = BTreeMap::new();
    let mut known: Vec<String> = Vec::new();
    for (name, text) in &given.variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        file.paths.push(name.clone());
        let start = u32::try_from(file.paths.len() - 1).unwrap_or(u32::MAX);
        let at = At { file: number, start, end: u32::MAX };
        let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        let whole = path.join(".");
        let word = |part: &String| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let wrong = if !path.iter().all(word) || path.len() > 8 {
            Some("the name of this variable is no path of keys")
        } else if known.iter().any(|other| whole == *other || whole.starts_with(&format!("{other}."))) {
            Some("another variable says something of the same key")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let problem = Problem::error(Code::Unknown, at, wrong);
            problems.add(problem.help(format!("write {PREFIX}TABLE__KEY, as in {PREFIX}API__LISTEN")));
            continue;
        }
        let mut node = Node { at, what: What::Text(Arc::from(text.as_str())) };
        for part in path.iter().rev() {
            let entry = Entry { key: at, node };
            node = Node {
                at,
                what: What::Table(Table([(Arc::from(part.as_str()), entry)].into_iter().collect())),
            };
        }
        known.push(whole);
        all.insert(name.clone(), (node, text.clone()));
    }
    files.add(file);
    all
}
