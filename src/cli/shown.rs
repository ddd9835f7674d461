//! A preview in words: where it would go, what would be lost, every gate that does not simply pass, and what would be sent.

use serde_json::Value;

/// The whole of it.
pub(super) fn preview(shown: &Value) -> String {
    let text = |key: &str| shown[key].as_str().unwrap_or("nowhere").to_owned();
    let place = match shown["from"].as_str() {
        Some(from) => format!("{from} -> {}", text("to")),
        None => format!("in {}", text("to")),
    };
    let planned = if shown["planned"] == true { ", planned" } else { "" };
    let mut out =
        format!("{}: plan {} ({}{planned}), {place}\n", text("service"), text("plan"), text("kind"));
    out += &format!("  at epoch {}, hash {}\n", shown["epoch"], text("hash"));
    let loss = &shown["loss"];
    if !loss.is_null() {
        let rpo = loss["rpo"].as_f64().map_or(String::new(), |rpo| format!(" (RPO {rpo} s)"));
        out += &match loss["seconds"].as_f64() {
            Some(seconds) => format!("  loses at most {seconds:.1} s{rpo}\n"),
            None => format!("  nobody knows what it loses{rpo}\n"),
        };
    }
    if let Some(exposure) = shown["exposure"].as_str() {
        out += &format!("  exposed: {exposure}\n");
    }
    for name in shown["untold"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        out += &format!("  it must be told {name}: --input {name}=…\n");
    }
    let gates = shown["gates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let pass: Vec<&str> = gates
        .iter()
        .filter(|gate| gate["says"] == "passes")
        .filter_map(|gate| gate["gate"].as_str())
        .collect();
    out += &format!(
        "  gates that pass: {}\n",
        if pass.is_empty() { "none".to_owned() } else { pass.join(", ") }
    );
    for gate in gates.iter().filter(|gate| gate["says"] != "passes") {
        let part = |key: &str| gate[key].as_str().unwrap_or_default();
        out += &format!("  gate {} {}: {}", part("gate"), part("says"), part("why"));
        out += &gate["passed_by"].as_str().map_or(String::new(), |by| format!(" ({})", flag(by)));
        out += "\n";
    }
    for line in shown["preview"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        out += &format!("    {line}\n");
    }
    out
}

/// What the API would be told, as a flag.
fn flag(by: &str) -> String {
    match by.split_once(' ') {
        Some(("loss", loss)) => format!("--accept-loss {}", loss.trim_matches('"')),
        Some((_, gates)) => format!("--pass {}", gates.trim_matches(['[', ']', '"'])),
        None => format!("--accept-{}", by.replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_as_sentences() {
        let shown = json!({
            "service": "db", "plan": "failover", "kind": "failover", "planned": false, "from": "east", "to": "west",
            "hash": "0f", "epoch": 4, "loss": { "seconds": 7.25, "rpo": 5.0 }, "exposure": "east may go on",
            "untold": ["size"], "preview": ["step promote in west: http", "  routes"],
            "gates": [
                { "gate": "claim", "says": "passes" },
                { "gate": "data_loss", "says": "blocks", "why": "7.2s would be lost", "passed_by": "loss \"10s\"" },
                { "gate": "fence", "says": "blocks", "why": "nothing settles it", "passed_by": "exposure" },
                { "gate": "cooldown", "says": "passed", "why": "it cools" },
                { "gate": "quarantine", "says": "blocks", "why": "west", "passed_by": "gates [\"quarantine\"]" },
            ],
        });
        assert_eq!(
            preview(&shown),
            "db: plan failover (failover), east -> west\n  at epoch 4, hash 0f\n  loses at most 7.2 s (RPO 5 s)\n  \
             exposed: east may go on\n  it must be told size: --input size=…\n  gates that pass: claim\n  \
             gate data_loss blocks: 7.2s would be lost (--accept-loss 10s)\n  \
             gate fence blocks: nothing settles it (--accept-exposure)\n  gate cooldown passed: it cools\n  \
             gate quarantine blocks: west (--pass quarantine)\n    step promote in west: http\n      routes\n"
        );
    }
}
