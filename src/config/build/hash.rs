//! What the core compares of policies and plans: SHA-256 over a canonical form of what decides, and of nothing else.
//! The same config gives the same hash on every machine; titles, links and runbooks change none.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Around;
use crate::config::node::{Node, What};
use crate::core::ids::PolicyHash;
use crate::core::plan::{Plan, PlanHash};

/// Changes with the meaning of what is hashed.
const FORM: &str = "watchkeeper policy 1\n";
/// Keys that are words for people, wherever they stand.
const WORDS: [&str; 6] = ["title", "runbook", "statuspage", "links", "notice", "kpi"];
/// Tables of the daemon that decide about every service.
const SHARED: [&str; 5] = ["mode", "region", "observer", "limits", "ladder"];

/// Of one case of a plan: over everything that a run of it would do.
pub(super) fn plan(plan: &Plan) -> PlanHash {
    let mut hash = Sha256::new();
    hash.update("watchkeeper plan 1\n");
    for line in plan.preview() {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    PlanHash(hash.finalize().into())
}

/// What all services share.
pub(super) fn shared(around: &Around<'_>) -> Sha256 {
    let mut text = String::from(FORM);
    text.push_str(crate::config::BUILTIN);
    for key in SHARED {
        if let Some(node) = around.whole.root.get(key) {
            canonical(&mut text, key, node);
        }
    }
    // The one observer of a config that declares none decides alone, whatever it is called.
    let _: std::fmt::Result = writeln!(text, "{} observers", around.observers.len());
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    hash
}

/// Of a service: everything that decides about it, with what it inherits.
pub(super) fn service(shared: &Sha256, node: &Node) -> PolicyHash {
    let mut text = String::new();
    canonical(&mut text, "service", node);
    let mut hash = shared.clone();
    hash.update(text.as_bytes());
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    PolicyHash(u128::from_be_bytes(half))
}

/// Keys sorted, lists in their order, each text with its length: no two trees print the same.
fn canonical(text: &mut String, key: &str, node: &Node) {
    if WORDS.contains(&key) {
        return;
    }
    // Writing into memory cannot fail.
    let _: std::fmt::Result = match &node.what {
        What::Null => writeln!(text, "{key} nothing"),
        What::Flag(flag) => writeln!(text, "{key} {flag}"),
        What::Int(number) => writeln!(text, "{key} {number}"),
        What::Number(number) => writeln!(text, "{key} number {number}"),
        What::Text(words) => writeln!(text, "{key} text {} {words}", words.len()),
        What::List(list) => {
            let _: std::fmt::Result = writeln!(text, "{key} list {}", list.len());
            list.iter().for_each(|one| canonical(text, "-", one));
            Ok(())
        }
        What::Table(table) => {
            let _: std::fmt::Result = writeln!(text, "{key} table");
            for (key, entry) in &table.0 {
                let name = format!("{} {key}", key.len());
                if !WORDS.contains(&&**key) {
                    canonical(text, &name, &entry.node);
                }
            }
            writeln!(text, "end")
        }
    };
}
