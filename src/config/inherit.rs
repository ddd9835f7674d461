//! What a table inherits: `[defaults.KIND]`, then the templates that it names in `use`, then its own keys; later wins.
//! What the language has as a default lies below all of it and is put in where a table is read.

use super::node::{Node, Table, What};
use super::problem::{Code, Problem, Problems};
use super::suggest;

/// What can be inherited.
pub(crate) const KINDS: [&str; 6] = ["service", "component", "probe", "plan", "step", "channel"];

/// Defaults and templates, of the main file and of one service.
#[derive(Clone, Copy)]
pub(crate) struct Inherited<'a> {
    pub(crate) defaults: Option<&'a Node>,
    pub(crate) templates: Option<&'a Node>,
    /// A service's own, which win over those of the main file.
    pub(crate) own: Option<&'a Node>,
}

impl<'a> Inherited<'a> {
    /// A table with all that it inherits.
    pub(crate) fn resolve(self, kind: &str, node: &Node, problems: &Problems) -> Node {
        let mut whole = Table::default();
        if let Some(defaults) = self.defaults.and_then(|defaults| defaults.get(kind)).and_then(Node::table) {
            whole.merge(defaults);
        }
        let Some(own) = node.table() else { return node.clone() };
        if let Some(used) = own.get("use") {
            for name in names(used, problems) {
                if let Some(template) = self.template(kind, name, problems) {
                    whole.merge(template);
                }
            }
        }
        whole.merge(own);
        whole.take("use");
        Node { at: node.at, what: What::Table(whole) }
    }

    fn template(self, kind: &str, name: &'a Node, problems: &Problems) -> Option<&'a Table>
    where
        'a: 'a,
    {
        let text = name.text()?;
        let of = |templates: Option<&'a Node>| templates.and_then(|all| all.get(kind)).and_then(Node::table);
        let found = of(self.own).and_then(|own| own.get(text)).or_else(|| of(self.templates)?.get(text));
        let Some(found) = found else {
            let known = [of(self.own), of(self.templates)];
            let known = known.iter().flatten().flat_map(|table| table.0.keys()).map(|key| &**key);
            problems.add(
                Problem::error(Code::Reference, name.at, format!("there is no template `{kind}.{text}`"))
                    .help(suggest::help(text, known)),
            );
            return None;
        };
        let table = found.table();
        if table.is_none() {
            problems.add(Problem::error(Code::Value, found.at, "a template is a table"));
        }
        table
    }

    /// What is wrong with the templates themselves: kinds that are none, and templates that use others.
    pub(crate) fn check(templates: Option<&Node>, defaults: Option<&Node>, problems: &Problems) {
        for (what, shelf) in [("template", templates), ("defaults", defaults)] {
            let Some(shelf) = shelf else { continue };
            let Some(kinds) = shelf.table() else {
                problems.add(Problem::error(Code::Value, shelf.at, format!("`{what}` is a table of kinds")));
                continue;
            };
            for (kind, entry) in &kinds.0 {
                if !KINDS.contains(&&**kind) {
                    problems.add(
                        Problem::error(
                            Code::Unknown,
                            entry.key,
                            format!("there is nothing to inherit for `{kind}`"),
                        )
                        .help(suggest::help(kind, KINDS)),
                    );
                }
                let Some(tables) = entry.node.table() else {
                    problems.add(Problem::error(Code::Value, entry.node.at, "a table belongs here"));
                    continue;
                };
                let each: Vec<&Table> = if what == "defaults" {
                    vec![tables]
                } else {
                    tables.0.values().filter_map(|entry| entry.node.table()).collect()
                };
                for used in each.iter().filter_map(|table| table.0.get("use")) {
                    problems.add(
                        Problem::error(Code::Unknown, used.key, "what is inherited cannot use a template")
                            .help("write its keys out, or name both templates where they are used"),
                    );
                }
            }
        }
    }
}

fn names<'n>(used: &'n Node, problems: &Problems) -> Vec<&'n Node> {
    let wrong = |at| {
        problems.add(
            Problem::error(Code::Value, at, "`use` is a list of names of templates")
                .help("write such as use = [\"web\"]"),
        );
    };
    let What::List(list) = &used.what else {
        wrong(used.at);
        return Vec::new();
    };
    let texts = list.iter().filter(|one| {
        let text = one.text().is_some();
        if !text {
            wrong(one.at);
        }
        text
    });
    texts.collect()
}
