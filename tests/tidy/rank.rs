//! The order within the core: each module uses only those above it in the list.
//!
//! Why: a verdict that could look at a run, or a health that could look at a verdict, is no longer understood alone,
//! and circles between parts are where an edge-triggered mistake hides. Tests are exempt: they may build what they
//! like. A new module gets its line here and in DESIGN §2 at once.

use super::Finding;
use super::core_wall::ROOT;
use super::paths::paths;
use super::source::House;

/// From the ground up; modules on one line may use one another.
const RANKS: [&[&str]; 16] = [
    // What tests switch on in any of the others.
    &["mutants"],
    &["ids"],
    &["time"],
    &["authority"],
    &["health"],
    &["verdict"],
    &["severity"],
    &["plan"],
    &["agree"],
    &["decide"],
    &["policy"],
    &["order"],
    &["event", "input", "effect"],
    &["state"],
    &["engine"],
    &["view"],
];

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|line| line.contains(&module))
}

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, place) in house.of_crate(ROOT) {
        let path = source.path();
        let unknown = |module: &str| {
            format!(
                "`{module}` has no rank in the core: put it where it belongs in DESIGN §2 and in tests/tidy/rank.rs"
            )
        };
        if let Some(module) = place.module.first().filter(|module| !place.tested && rank(module).is_none()) {
            findings.push(Finding::new(path, 1, unknown(module)));
        }
        for module in source.inline_modules().filter(|_| place.module.is_empty()) {
            let at = source
                .tokens
                .iter()
                .position(|t| t.line == module.line && t.text == module.text)
                .unwrap_or(0);
            let outer = source.module(at, place).is_empty() && !source.tested(at, place);
            if outer && rank(module.text).is_none() {
                findings.push(Finding::new(path, module.line, unknown(module.text)));
            }
        }
        for named in paths(source).iter().filter(|named| !source.tested(named.at, place)) {
            let module = source.module(named.at, place);
            // The root names all modules and ranks above them.
            let (Some(own), Some(used)) = (module.first(), named.absolute(source, place, "watchkeeper_core"))
            else {
                continue;
            };
            let text = named.text();
            let say = match used.first() {
                Some(used) if used == own => continue,
                Some(used) => match (rank(own), rank(used)) {
                    (Some(own), Some(used)) if used <= own => continue,
                    (Some(_), Some(_)) => format!(
                        "`{own}` stands below `{used}` in the core and must not know it: `{text}` points down the \
                         list of DESIGN §2; hand in what it needs as an argument, or move the type up"
                    ),
                    // Its own line says that it has no rank.
                    (None, _) => continue,
                    (Some(_), None) => format!(
                        "`{text}` takes a name from the crate's root, which hides its rank: name the module that it \
                         comes from"
                    ),
                },
                None => format!("`{text}` takes the whole crate, every rank of it: name the module"),
            };
            findings.push(Finding::new(path, named.line, say));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};

    const IDS: &str = "src/core/ids.rs";

    #[test]
    fn a_module_that_uses_a_higher_one_is_reported() {
        let down = "`ids` stands below `time`";
        reported(&[(IDS, "//! Names.\nuse crate::time::Mono;\n")], &[(IDS, 2, down)]);
        reported(&[(IDS, "//! Names.\nfn x() {\n    crate::time::Mono::x()\n}\n")], &[(IDS, 3, down)]);
        reported(&[(IDS, "//! Names.\nuse super::time;\n")], &[(IDS, 2, down)]);
        reported(
            &[(IDS, "//! Names.\nuse crate::{\n    ids::A,\n    time::{Mono, Span},\n};\n")],
            &[(IDS, 4, down), (IDS, 4, down)],
        );
        reported(
            &[(IDS, "//! Names.\nmod deep {\n    use super::super::time::Mono;\n}\n")],
            &[(IDS, 3, down)],
        );
        reported(
            &[
                (IDS, "//! Names.\nmod deep;\n"),
                ("src/core/ids/deep.rs", "//! Deep.\nuse super::super::time::Mono;\n"),
            ],
            &[("src/core/ids/deep.rs", 2, down)],
        );
    }

    #[test]
    fn a_module_may_use_lower_ones_itself_and_its_equals() {
        silent(&[(
            "src/core/time.rs",
            "//! Time.\nuse crate::ids::Name;\nuse super::ids;\nuse self::a::B;\n",
        )]);
        silent(&[
            (
                "src/core/lib.rs",
                "//! The core.\n#![no_std]\npub mod ids;\npub mod time;\npub mod input;\npub mod event;\n",
            ),
            ("src/core/input.rs", "//! Inputs.\nuse crate::event::Event;\nuse crate::ids::Name;\n"),
            ("src/core/event.rs", "//! Events.\nuse crate::input::Input;\n"),
        ]);
        silent(&[(
            IDS,
            "//! Names.\n#[cfg(test)]\nmod tests {\n    use crate::time::Mono;\n    use super::*;\n}\n",
        )]);
    }

    #[test]
    fn a_way_round_the_ranks_is_reported() {
        reported(
            &[(IDS, "//! Names.\nuse crate::Mono;\n")],
            &[(IDS, 2, "name the module that it comes from")],
        );
        reported(&[(IDS, "//! Names.\nuse super::*;\n")], &[(IDS, 2, "name the module that it comes from")]);
        reported(&[(IDS, "//! Names.\nuse crate as house;\n")], &[(IDS, 2, "takes the whole crate")]);
    }

    #[test]
    fn a_module_that_is_not_in_the_list_is_reported() {
        let root = "//! The core.\n#![no_std]\npub mod ids;\npub mod time;\nmod extra;\n";
        reported(
            &[("src/core/lib.rs", root), ("src/core/extra.rs", "//! More.\n")],
            &[("src/core/extra.rs", 1, "`extra` has no rank")],
        );
        reported(
            &[("src/core/lib.rs", &root.replace("mod extra;", "mod extra {}"))],
            &[("src/core/lib.rs", 5, "`extra` has no rank")],
        );
        let gated = "#[cfg(any(test, feature = \"testing\"))]\nmod testing;";
        silent(&[
            ("src/core/lib.rs", &root.replace("mod extra;", gated)),
            ("src/core/testing.rs", "//! For tests.\nuse crate::time::Mono;\n"),
        ]);
    }
}
