//! A module is called by what it is in the words of DESIGN §1, never by a word that fits anything.
//!
//! Why: what fits anything collects everything, and then every part of the house knows it.

use super::Finding;
use super::source::House;

const EMPTY_WORDS: [&str; 9] =
    ["manager", "managers", "helper", "helpers", "util", "utils", "utilities", "common", "misc"];

fn empty(name: &str) -> Option<&str> {
    name.split(['_', '-', '.']).find(|part| EMPTY_WORDS.contains(part))
}

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in house.sources.values() {
        let in_path = source.path().split('/').filter_map(|part| empty(part).map(|word| (word, 1)));
        let in_text =
            source.inline_modules().filter_map(|name| empty(name.text).map(|word| (word, name.line)));
        findings.extend(in_path.chain(in_text).map(|(word, line)| {
            let say = format!("`{word}` says nothing of what is inside: call it by a word of DESIGN §1");
            Finding::new(source.path(), line, say)
        }));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::{reported, silent};

    #[test]
    fn a_name_that_fits_anything_is_reported() {
        let named = "//! Names.\nmod NAME;\n";
        for name in ["manager", "helpers", "utils", "common", "misc", "time_util"] {
            let path = format!("src/core/ids/{name}.rs");
            let files = [("src/core/ids.rs", &*named.replace("NAME", name)), (path.as_str(), "//! Odds.\n")];
            reported(&files, &[(&path, 1, "says nothing of what is inside")]);
        }
        let inline = "//! Names.\n#[cfg(test)]\nmod test_helpers {}\n";
        reported(&[("src/core/ids.rs", inline)], &[("src/core/ids.rs", 3, "`helpers` says nothing")]);
        let folder =
            [("src/core/ids.rs", "//! Names.\nmod common;\n"), ("src/core/ids/common/mod.rs", "//! Odds.\n")];
        reported(&folder, &[("src/core/ids/common/mod.rs", 1, "`common` says nothing")]);
    }

    #[test]
    fn a_name_that_only_contains_one_is_not() {
        silent(&[
            ("src/core/ids.rs", "//! Names: utils.\nmod uncommon;\n"),
            ("src/core/ids/uncommon.rs", "//! Rare.\n"),
        ]);
    }
}
