//! The wall round the core: no dependency, `no_std`, and no import but its own.
//!
//! Why: the core decides, so it must give the same answer in the daemon, in a simulation of ten years and in a
//! post-mortem. A clock, a socket or a crate that holds one would end that. The compiler keeps the wall only as long
//! as the manifest and the attribute stand, so these are looked at as well.

use super::Finding;
use super::manifest::dependencies;
use super::paths::paths;
use super::source::{House, Source};

/// The root file of the core.
pub(super) const ROOT: &str = "src/core/lib.rs";
const MANIFEST: &str = "src/core/Cargo.toml";
const FIRST_WORDS: [&str; 5] = ["core", "alloc", "crate", "self", "super"];
const FOR_TESTS: [&str; 3] = ["insta", "mimalloc", "proptest"];

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = manifest(house);
    match house.sources.get(ROOT) {
        Some(root) if without_std(root) => {}
        Some(_) => findings.push(Finding::new(
            ROOT,
            1,
            "the core must be `no_std`: put `#![cfg_attr(not(test), no_std)]` below the opening comment",
        )),
        None => {
            findings.push(Finding::new(ROOT, 1, "the core's root file is missing, so nothing keeps its wall"))
        }
    }
    for (source, place) in house.of_crate(ROOT) {
        for named in paths(source).iter().filter(|named| !source.tested(named.at, place)) {
            let first = named.words[0];
            // A module declared right here, or a type in scope (`use Health::*`), brings nothing new in.
            let local = source.declares(named.at, first) || first.starts_with(char::is_uppercase);
            let own = FIRST_WORDS.contains(&first) || local;
            if (named.import && !own) || first == "std" {
                findings.push(Finding::new(
                    source.path(),
                    named.line,
                    format!(
                        "the core may import only core, alloc and itself (crate, self, super), not `{}`: \
                         what comes from outside is an Input",
                        named.text()
                    ),
                ));
            }
        }
        for (at, words) in source.tokens.windows(3).enumerate() {
            let foreign = words[0].is("extern") && words[1].is("crate") && !words[2].is("alloc");
            if foreign && !source.tested(at, place) {
                let say =
                    format!("the core has no crate but `alloc`: take `extern crate {}` out", words[2].text);
                findings.push(Finding::new(source.path(), words[0].line, say));
            }
        }
    }
    findings
}

fn manifest(house: &House<'_>) -> Vec<Finding> {
    let Some(manifest) = house.tree.get(MANIFEST) else {
        return vec![Finding::new(
            MANIFEST,
            1,
            "the core is a crate of its own, and its manifest is missing",
        )];
    };
    let linked =
        ["dependencies", "build-dependencies"].into_iter().flat_map(|kind| dependencies(manifest, kind));
    let linked = linked.map(|(name, line)| {
        Finding::new(
            MANIFEST,
            line,
            format!("the core has no dependency: take `{name}` out, or use it in a shell"),
        )
    });
    let tested =
        dependencies(manifest, "dev-dependencies").into_iter().filter(|(name, _)| !FOR_TESTS.contains(name));
    let tested = tested.map(|(name, line)| {
        let say = format!(
            "the core's tests build in seconds with insta, mimalloc and proptest alone: move what needs `{name}` to a test or \
             bench of the root package"
        );
        Finding::new(MANIFEST, line, say)
    });
    linked.chain(tested).collect()
}

fn without_std(root: &Source<'_>) -> bool {
    let attribute = |words: &[&str]| {
        root.tokens
            .windows(words.len())
            .any(|found| found.iter().zip(words).all(|(token, word)| token.is(word)))
    };
    attribute(&["#", "!", "[", "no_std", "]"])
        || attribute(&["#", "!", "[", "cfg_attr", "(", "not", "(", "test", ")", ",", "no_std", ")", "]"])
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};

    #[test]
    fn an_import_from_outside_is_reported() {
        reported(
            &[("src/core/ids.rs", "//! Names.\nuse core::fmt;\nuse std::time::Duration;\n")],
            &[("src/core/ids.rs", 3, "not `std::time::Duration`")],
        );
        reported(
            &[("src/core/ids.rs", "//! Names.\nfn now() {\n    serde::a(std::fs::read(x))\n}\n")],
            &[("src/core/ids.rs", 3, "not `std::fs::read`")],
        );
        reported(
            &[("src/core/ids.rs", "//! Names.\nuse alloc::{sync::Arc};\nuse serde::{Serialize};\n")],
            &[("src/core/ids.rs", 3, "not `serde::Serialize`")],
        );
        reported(
            &[(
                "src/core/lib.rs",
                "//! The core.\n#![no_std]\npub mod ids;\npub mod time;\nextern crate std;\n",
            )],
            &[("src/core/lib.rs", 5, "take `extern crate std` out")],
        );
    }

    #[test]
    fn tests_of_the_core_may_use_std() {
        let tests = "#[cfg(test)]\nmod tests {\n    use std::fs;\n    use proptest::prelude::*;\n}\n";
        silent(&[("src/core/ids.rs", &format!("//! Names.\n{tests}"))]);
        silent(&[
            ("src/core/ids.rs", "//! Names.\n#[cfg(test)]\nmod tests;\n"),
            ("src/core/ids/tests.rs", "//! Tests.\nuse std::fs;\n"),
        ]);
        reported(
            &[
                ("src/core/ids.rs", "//! Names.\nmod tests;\n"),
                ("src/core/ids/tests.rs", "//! Tests, they say.\nuse std::fs;\n"),
            ],
            &[("src/core/ids/tests.rs", 2, "not `std::fs`")],
        );
    }

    #[test]
    fn what_is_in_scope_already_may_be_imported() {
        silent(&[("src/core/ids.rs", "//! Names.\nuse Name::*;\nuse deep::Deep;\nmod deep {}\n")]);
        let elsewhere = "//! Names.\nuse deep::Deep;\nmod a {\n    mod deep {}\n}\n";
        reported(&[("src/core/ids.rs", elsewhere)], &[("src/core/ids.rs", 2, "not `deep::Deep`")]);
    }

    #[test]
    fn a_core_with_std_is_reported() {
        let root =
            "//! The core.\n#![cfg_attr(not(feature = \"no\"), no_std)]\npub mod ids;\npub mod time;\n";
        reported(&[("src/core/lib.rs", root)], &[("src/core/lib.rs", 1, "must be `no_std`")]);
    }

    #[test]
    fn a_dependency_of_the_core_is_reported() {
        let manifest =
            "[lib]\npath = \"lib.rs\"\n[dependencies]\nserde = \"1\"\n[dev-dependencies]\ninsta = \"1\"\n";
        reported(&[("src/core/Cargo.toml", manifest)], &[("src/core/Cargo.toml", 4, "take `serde` out")]);
        let manifest = "[lib]\npath = \"lib.rs\"\n[target.x.build-dependencies.cc]\nversion = \"1\"\n";
        reported(&[("src/core/Cargo.toml", manifest)], &[("src/core/Cargo.toml", 3, "take `cc` out")]);
        let manifest = "[lib]\npath = \"lib.rs\"\n[dev-dependencies]\ncriterion = \"1\"\n";
        reported(
            &[("src/core/Cargo.toml", manifest)],
            &[("src/core/Cargo.toml", 4, "what needs `criterion`")],
        );
    }
}
