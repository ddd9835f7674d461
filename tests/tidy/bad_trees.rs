//! A small tree that is tidy, and the two questions that tests ask of it after spoiling it.

use super::check;
use super::tree::Tree;

/// A small house in order.
fn sound() -> Tree {
    [
        ("Cargo.toml", "[package]\nname = \"watchkeeper\"\nautotests = false\n"),
        ("src/lib.rs", "//! The map.\npub use watchkeeper_core as core;\n"),
        ("src/main.rs", "//! The program.\nfn main() {}\n"),
        ("src/core/Cargo.toml", "[package]\nname = \"watchkeeper-core\"\n[lib]\npath = \"lib.rs\"\n"),
        (
            "src/core/lib.rs",
            "//! The core.\n#![cfg_attr(not(test), no_std)]\nextern crate alloc;\npub mod ids;\npub mod time;\n",
        ),
        ("src/core/ids.rs", "//! Names.\n"),
        ("src/core/time.rs", "//! Time.\nuse crate::ids::Name;\n"),
    ]
    .into_iter()
    .fold(Tree::default(), |tree, (path, text)| tree.with(path, text))
}

fn findings(tree: &Tree) -> Vec<String> {
    check(tree).iter().map(|finding| format!("\n  {finding}")).collect()
}

/// With `files` put into the sound tree, exactly these breaches are reported: file, line, and some words of the sentence.
#[track_caller]
pub(super) fn reported(files: &[(&str, &str)], expected: &[(&str, usize, &str)]) {
    let tree = files.iter().fold(sound(), |tree, (path, text)| tree.with(path, text));
    tree_reported(&tree, expected);
}

/// The sound tree without one file.
pub(super) fn sound_without(path: &str) -> Tree {
    sound().without(path)
}

/// Exactly these breaches of this tree are reported.
#[track_caller]
pub(super) fn tree_reported(tree: &Tree, expected: &[(&str, usize, &str)]) {
    let found = check(tree);
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(finding, (file, line, words))| {
            finding.file == *file && finding.line == *line && finding.say.contains(words)
        });
    assert!(same, "expected {expected:#?}, found:{}", findings(tree).concat());
}

/// With `files` put into the sound tree, nothing is reported.
#[track_caller]
pub(super) fn silent(files: &[(&str, &str)]) {
    reported(files, &[]);
}

#[test]
fn a_sound_tree_is_silent() {
    silent(&[]);
}

#[test]
fn an_empty_tree_is_not_tidy() {
    let found = check(&Tree::default());
    assert!(!found.is_empty(), "whoever reads the wrong folder must not pass");
}

#[test]
fn two_breaches_are_both_reported_in_the_order_of_their_places() {
    reported(
        &[
            ("src/core/ids.rs", "//! Names.\nuse std::fs;\nuse crate::time::Mono;\n"),
            ("src/main.rs", "fn main() {}\n"),
        ],
        &[
            ("src/core/ids.rs", 2, "not `std::fs`"),
            ("src/core/ids.rs", 3, "`ids` stands below `time`"),
            ("src/main.rs", 1, "//!"),
        ],
    );
}
