//! What the core compares of policies and plans: SHA-256 over a canonical form of what decides, and of nothing else.
//! The same config gives the same hash on every machine; titles, links and runbooks change none.

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
    text.push_str(&format!("{} observers\n", around.observers.len()));
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
    let line = match &node.what {
        What::Null => "nothing".to_owned(),
        What::Flag(flag) => flag.to_string(),
        What::Int(number) => number.to_string(),
        What::Number(number) => format!("number {number}"),
        What::Text(words) => format!("text {} {words}", words.len()),
        What::List(list) => format!("list {}", list.len()),
        What::Table(_) => "table".to_owned(),
    };
    text.push_str(key);
    text.push(' ');
    text.push_str(&line);
    text.push('\n');
    match &node.what {
        What::List(list) => list.iter().for_each(|one| canonical(text, "-", one)),
        What::Table(table) => {
            for (key, entry) in table.0.iter().filter(|(key, _)| !WORDS.contains(&&***key)) {
                canonical(text, &format!("{} {key}", key.len()), &entry.node);
            }
            text.push_str("end\n");
        }
        What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::Text(_) => {}
    }
}
