//! The whole config as it was read: the merged tree with everything inherited, and the structs made of it. Whatever is
//! wrong with a single table is reported here; what is wrong between tables is `build`'s part.

use std::sync::Arc;

use super::inherit::Inherited;
use super::node::{Entry, Node, Table, What};
use super::problem::{Code, Problem, Problems};
use super::raw::Config;
use super::raw::plan::Plan;
use super::raw::probe::Probe;
use super::raw::service::{Component, Service};
use super::read::{Key, Named, Reader};
use super::values::Word;
use crate::core::ids::Name;

/// The merged tree with everything inherited.
pub(crate) fn inherited(mut root: Node, problems: &Problems) -> Node {
    let What::Table(table) = &mut root.what else { return root };
    let (defaults, templates) = (table.take("defaults"), table.take("template"));
    let main = Inherited {
        defaults: defaults.as_ref().map(|entry| &entry.node),
        templates: templates.as_ref().map(|entry| &entry.node),
        own: None,
    };
    Inherited::check(main.templates, main.defaults, problems);
    each(table, "channel", |channel| main.resolve("channel", channel, problems));
    each(table, "service", |service| of_service(main, service, problems));
    root
}

fn of_service(main: Inherited<'_>, service: &Node, problems: &Problems) -> Node {
    let own = service.get("template");
    Inherited::check(own, None, problems);
    let here = Inherited { own, ..main };
    let mut whole = here.resolve("service", service, problems);
    if let What::Table(table) = &mut whole.what {
        table.take("template");
        each(table, "component", |component| here.resolve("component", component, problems));
        each(table, "probe", |probe| here.resolve("probe", probe, problems));
        each(table, "plan", |plan| {
            let mut plan = here.resolve("plan", plan, problems);
            if let What::Table(table) = &mut plan.what {
                each(table, "step", |step| here.resolve("step", step, problems));
            }
            plan
        });
    }
    whole
}

/// Puts something else in place of each named table below a key.
fn each(table: &mut Table, shelf: &str, mut make: impl FnMut(&Node) -> Node) {
    if let Some(Entry { node: Node { what: What::Table(named), .. }, .. }) = table.0.get_mut(shelf) {
        for entry in named.0.values_mut() {
            entry.node = make(&entry.node);
        }
    }
}

/// One table, with its name, and the node that it was read from.
pub(crate) struct Read<'a, T> {
    pub(crate) name: Name,
    pub(crate) node: &'a Node,
    pub(crate) raw: T,
}

/// Everything that was read.
pub(crate) struct Whole<'a> {
    pub(crate) reader: Reader<'a>,
    pub(crate) root: &'a Node,
    pub(crate) config: Config,
    pub(crate) services: Vec<ServiceRead<'a>>,
}

/// A service and its tables.
pub(crate) struct ServiceRead<'a> {
    pub(crate) name: Name,
    pub(crate) node: &'a Node,
    pub(crate) raw: Service,
    pub(crate) components: Vec<Read<'a, Component>>,
    pub(crate) probes: Vec<Read<'a, (Probe, super::build::probe_kind::Own)>>,
    pub(crate) plans: Vec<PlanRead<'a>>,
}

/// A plan and its steps.
pub(crate) struct PlanRead<'a> {
    pub(crate) name: Name,
    pub(crate) node: &'a Node,
    pub(crate) raw: Plan,
    pub(crate) steps: Vec<Read<'a, super::build::step::StepRead>>,
}

/// Reads everything.
pub(crate) fn read<'a>(reader: Reader<'a>, root: &'a Node) -> Whole<'a> {
    let config = reader.read::<Config>(root).unwrap_or_default();
    let services = named(reader, root.get("service"))
        .filter_map(|(name, node)| {
            let raw = reader.read::<Service>(node)?;
            let components = named(reader, node.get("component"))
                .filter_map(|(name, node)| Some(Read { name, node, raw: reader.read::<Component>(node)? }))
                .collect();
            let probes = named(reader, node.get("probe"))
                .filter_map(|(name, node)| {
                    Some(Read { name, node, raw: super::build::probe_kind::read(reader, node)? })
                })
                .collect();
            let plans = named(reader, node.get("plan"))
                .filter_map(|(name, node)| {
                    let raw = reader.read::<Plan>(node)?;
                    let steps = named(reader, node.get("step")).filter_map(|(name, node)| {
                        Some(Read { name, node, raw: super::build::step::read(reader, node)? })
                    });
                    Some(PlanRead { name, node, raw, steps: steps.collect() })
                })
                .collect();
            Some(ServiceRead { name, node, raw, components, probes, plans })
        })
        .collect();
    Whole { reader, root, config, services }
}

/// The named tables of a shelf; what is no name, or no table, is reported where the shelf is read.
pub(crate) fn named<'a>(
    reader: Reader<'a>,
    shelf: Option<&'a Node>,
) -> impl Iterator<Item = (Name, &'a Node)> + 'a {
    let table = shelf.and_then(Node::table);
    table.into_iter().flat_map(|table| &table.0).filter_map(move |(name, entry): (&Arc<str>, &'a Entry)| {
        let name = Name::new(name).ok()?;
        if entry.node.table().is_none() {
            let message = format!("a table belongs here, and this is {}", entry.node.kind());
            reader.problems.add(Problem::error(Code::Value, entry.node.at, message));
            return None;
        }
        Some((name, &entry.node))
    })
}

/// The names in a list, each with its place; what is no name has been reported.
pub(crate) fn words(key: &Key<Vec<Key<Word>>>) -> Vec<Name> {
    key.get().into_iter().flatten().filter_map(|one| one.get()).map(|word| word.0.clone()).collect()
}

/// The entries of a shelf that could be read.
pub(crate) fn shelf<T>(key: &Key<Named<T>>) -> impl Iterator<Item = (&Name, &T)> {
    key.get().into_iter().flat_map(Named::iter).filter_map(|(name, key)| Some((name, key.get()?)))
}
