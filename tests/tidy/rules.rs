//! All rules over one tree. The order below is the order in which findings are shown.

mod bad_trees;
mod bans;
mod core_wall;
mod dead;
mod lexer;
mod manifest;
mod opening;
mod paths;
mod rank;
mod source;
mod texts;
pub(crate) mod tree;
mod walls;
mod wildcard;
mod words;

use std::fmt;

use source::House;
use tree::Tree;

/// One breach of one rule, at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: String,
    line: usize,
    /// What is wrong, why it matters, and what to do instead.
    say: String,
}

impl Finding {
    fn new(file: &str, line: usize, say: impl Into<String>) -> Finding {
        Finding { file: file.to_owned(), line, say: say.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.say)
    }
}

/// Every breach of every rule in `tree`, sorted by place; the same breach twice in a line is said once.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let house = House::read(tree);
    let mut findings = Vec::new();
    for rule in [
        core_wall::check,
        rank::check,
        walls::check,
        opening::check,
        bans::check,
        dead::check,
        wildcard::check,
        words::check,
        texts::check,
    ] {
        findings.extend(rule(&house));
    }
    findings.sort();
    findings.dedup();
    findings
}
