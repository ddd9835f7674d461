//! No dead file: every Rust file is part of a crate, and every root that a manifest names exists.
//!
//! Why: a file that no `mod` names is not compiled, so its tests do not run and nobody is told; the root package has
//! `autotests = false`, so the same holds for a test that no manifest names.

use super::Finding;
use super::source::House;

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let dead = house.sources.values().filter(|source| source.places.is_empty()).filter_map(|source| {
        let say = match source.path().split('/').next()? {
            "src" => "the compiler never sees this file: name it with `mod` in its parent, or delete it",
            "tests" => {
                "no test runs this file: name it in a Cargo.toml as [[test]] or with `mod`, or delete it"
            }
            "benches" => {
                "no bench runs this file: name it in a Cargo.toml as [[bench]] or with `mod`, or delete it"
            }
            _ => return None,
        };
        Some(Finding::new(source.path(), 1, say))
    });
    let missing = house.targets.iter().filter(|target| !house.sources.contains_key(target.root.as_str()));
    let missing = missing.map(|target| {
        let say =
            format!("this names {}, which does not exist: write it, or take the entry out", target.root);
        Finding::new(&target.manifest, target.line, say)
    });
    dead.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent, sound_without, tree_reported};

    #[test]
    fn a_file_that_nothing_names_is_reported() {
        reported(
            &[("src/core/plan.rs", "//! Plans.\n")],
            &[("src/core/plan.rs", 1, "the compiler never sees")],
        );
        reported(
            &[("tests/it/main.rs", "//! Servers.\n")],
            &[("tests/it/main.rs", 1, "no test runs this file")],
        );
        reported(
            &[("benches/engine.rs", "//! Speed.\n")],
            &[("benches/engine.rs", 1, "no bench runs this file")],
        );
        let commented = "//! Names.\n// mod deep;\n";
        reported(
            &[("src/core/ids.rs", commented), ("src/core/ids/deep.rs", "//! Deep.\n")],
            &[("src/core/ids/deep.rs", 1, "the compiler never sees")],
        );
    }

    #[test]
    fn a_file_that_is_named_is_alive() {
        let manifest = "[package]\n[[test]]\nname = \"it\"\n[[bench]]\nname = \"engine\"\nharness = false\n";
        silent(&[
            ("Cargo.toml", manifest),
            ("tests/it/main.rs", "//! Servers.\nmod dns;\n#[path = \"../world/mod.rs\"]\nmod world;\n"),
            ("tests/it/dns.rs", "//! Names.\n"),
            ("tests/world/mod.rs", "//! The world.\nmod redis;\n"),
            ("tests/world/redis.rs", "//! Redis.\n"),
            ("benches/engine.rs", "//! Speed.\n"),
        ]);
    }

    #[test]
    fn a_root_that_does_not_exist_is_reported() {
        let core = "[package]\n[lib]\npath = \"lib.rs\"\n\n[[test]]\nname = \"sim\"\npath = \"../../tests/sim/main.rs\"\n";
        reported(
            &[("src/core/Cargo.toml", core)],
            &[("src/core/Cargo.toml", 5, "names tests/sim/main.rs, which does")],
        );
        let root = "[package]\n[[bench]]\nname = \"engine\"\n";
        reported(&[("Cargo.toml", root)], &[("Cargo.toml", 2, "names benches/engine.rs, which does")]);
        tree_reported(
            &sound_without("src/core/lib.rs"),
            &[
                ("src/core/Cargo.toml", 3, "names src/core/lib.rs, which does"),
                ("src/core/ids.rs", 1, "the compiler never sees"),
                ("src/core/lib.rs", 1, "root file is missing"),
                ("src/core/time.rs", 1, "the compiler never sees"),
            ],
        );
    }
}
