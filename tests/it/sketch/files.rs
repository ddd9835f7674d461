//! From files to tables: the main file, `services.d/NAME.toml` as `[service.NAME]`, defaults and templates.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::keys::Keys;
use super::values;

/// One config as it was written.
pub(crate) struct Files {
    /// Everything but services, defaults and templates.
    pub(crate) main: Keys,
    /// Services by name.
    pub(crate) services: Vec<(String, Table)>,
    /// What is inherited.
    pub(crate) inherited: Inherited,
}

/// `[defaults.KIND]` and `[template.KIND.NAME]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited {
    defaults: Table,
    templates: Table,
}

impl Files {
    /// A folder with a `watchkeeper.toml`, or one file.
    pub(crate) fn read(path: &Path) -> Files {
        let (main, folder) = if path.is_dir() {
            (path.join("watchkeeper.toml"), Some(path.join("services.d")))
        } else {
            (path.to_owned(), None)
        };
        let mut main = table(&main);
        let below = |main: &mut Table, key: &str| match main.remove(key) {
            Some(Value::Table(table)) => table,
            None => Table::new(),
            Some(other) => panic!("{key}: tables belong here, not {other:?}"),
        };
        let inherited =
            Inherited { defaults: below(&mut main, "defaults"), templates: below(&mut main, "template") };
        let mut services = below(&mut main, "service");
        for (name, service) in folder.iter().flat_map(|folder| service_files(folder)) {
            assert!(
                services.insert(name.clone(), Value::Table(service)).is_none(),
                "[service.{name}] stands in two files"
            );
        }
        let services =
            services.into_iter().map(|(name, service)| (name, Keys::of("service", service).rest())).collect();
        Files { main: Keys::new("main", main), services, inherited }
    }
}

fn table(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    text.parse().unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn service_files(folder: &Path) -> Vec<(String, Table)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    entries
        .map(|entry| {
            let path = entry.expect("a folder's entry is readable").path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a file's name is text");
            (name.to_owned(), table(&path))
        })
        .collect()
}

impl Inherited {
    /// The same with the templates that a service's own file has for itself.
    pub(crate) fn with(&self, own: Option<Value>) -> Inherited {
        let mut all = self.clone();
        if let Some(Value::Table(own)) = own {
            merge(&mut all.templates, own);
        }
        all
    }

    /// A table with all that it inherits; later wins: defaults, templates in their order, its own keys.
    pub(crate) fn resolve(&self, kind: &str, keys: Keys) -> Keys {
        let at = keys.at("");
        let mut own = keys.rest();
        let mut whole = Table::new();
        if let Some(Value::Table(defaults)) = self.defaults.get(kind) {
            merge(&mut whole, defaults.clone());
        }
        let used = own.remove("use").map_or_else(Vec::new, |value| values::list(&at, value));
        for one in used {
            let name = values::text(&at, one);
            let template = self.templates.get(kind).and_then(|of_kind| of_kind.get(&name));
            match template {
                Some(Value::Table(template)) => {
                    assert!(!template.contains_key("use"), "{at}: template {name} cannot use another");
                    merge(&mut whole, template.clone());
                }
                _ => panic!("{at}: there is no [template.{kind}.{name}]"),
            }
        }
        merge(&mut whole, own);
        Keys::new(at.trim_end_matches('.'), whole)
    }
}

/// Tables merge, everything else replaces.
fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[test]
fn own_keys_win_over_templates_and_templates_over_defaults() {
    let parse = |text: &str| text.parse::<Table>().unwrap();
    let inherited = Inherited {
        defaults: parse("probe = { interval = \"10s\", fall = 3 }"),
        templates: parse(
            "probe.a = { fall = 2, auth = { user = \"a\", password = \"p\" } }\nprobe.b = { auth.user = \"b\" }",
        ),
    };
    let own = Keys::new("probe.x", parse("use = [\"a\", \"b\"]\nurl = \"u\""));
    let whole = inherited.resolve("probe", own).rest();
    let expected = "interval = \"10s\"\nfall = 2\nurl = \"u\"\nauth = { user = \"b\", password = \"p\" }";
    assert_eq!(whole, parse(expected));
}
