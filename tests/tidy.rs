//! Keeps the rules of the house (DESIGN §2), so that no one has to remember them.
//!
//! Each file in `tests/tidy/` is one rule: what it asks, why, and small bad trees that show that it is reported.
//! The real tree and the bad ones go through the same [`check`](rules::check). It reads text and never compiles it
//! (docs/decisions/0001), and it must never pass because it found nothing to read.

#[path = "tidy/rules.rs"]
mod rules;

use rules::tree::Tree;

#[test]
fn the_house_is_tidy() {
    let tree = Tree::read(env!("CARGO_MANIFEST_DIR")).expect("the project's folder is readable");
    let findings = rules::check(&tree);
    let list: String = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(findings.is_empty(), "{} in {} files:{list}", findings.len(), tree.files.len());
}
