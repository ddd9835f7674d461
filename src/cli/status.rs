//! `watchkeeper status [--watch]`: where everything is, a line a service, as the daemon shows it.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::ask::{Api, fails};
use super::{WELL, print};

/// Shows where everything is.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Shows it again every two seconds, until interrupted.
    #[arg(long)]
    watch: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: Api,
}

impl Status {
    pub(super) fn run(self) -> ExitCode {
        loop {
            let answer = match self.api.get("/api/v1/status") {
                Ok(answer) if answer.code == 200 => answer.body,
                Ok(answer) => return fails(answer.body.trim_end()),
                Err(why) => return fails(&why),
            };
            let Ok(status) = serde_json::from_str::<Value>(&answer) else {
                return fails("what was answered is no status");
            };
            // Clears the screen and begins at its top.
            let home = if self.watch { "\u{1b}[2J\u{1b}[H" } else { "" };
            let text = if self.json { format!("{answer}\n") } else { words(&status) };
            print(&format!("{home}{text}"));
            if !self.watch {
                return WELL;
            }
            thread::sleep(Duration::from_secs(2));
        }
    }
}

/// A line for the observer, and some for each service.
fn words(status: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut out = format!(
        "{} at {}: mode {}",
        text(&status["observer"]).unwrap_or_default(),
        text(&status["at"]).unwrap_or_default(),
        text(&status["mode"]).unwrap_or_default(),
    );
    if status["cluster"].is_null() {
        out += ", the coordinator does not answer";
    }
    if let Some(store) = text(&status["store"]).filter(|store| store != "ok") {
        out += &format!(", the store is {store}");
        if let Some(why) = text(&status["store_why"]) {
            out += &format!(": {why}");
        }
    }
    if let Some(why) = text(&status["isolated"]) {
        out += &format!(", isolated: {why}");
    }
    out += "\n";
    if let Some(why) = text(&status["reload"]) {
        out += &format!("the newest config was not taken:\n{why}\n");
    }
    for window in status["maintenance"].as_array().into_iter().flatten() {
        let part = |key: &str| text(&window[key]).unwrap_or_default();
        out += &format!("maintenance {}: open until {} ({})\n", part("name"), part("until"), part("effect"));
    }
    for service in status["services"].as_array().into_iter().flatten() {
        let active = text(&service["active"]).unwrap_or_else(|| "no record yet".to_owned());
        out += &format!("\n{}: {active}", text(&service["name"]).unwrap_or_default());
        if let Some(epoch) = service["epoch"].as_u64() {
            out += &format!(" (epoch {epoch})");
        }
        for (key, word) in
            [("paused", "paused"), ("maintenance", "in maintenance"), ("foreign", "foreign: adopt it")]
        {
            if service[key] == true {
                out += &format!(", {word}");
            }
        }
        if let Some(number) = service["incident"].as_u64() {
            let severity = text(&service["severity"]).map_or(String::new(), |it| format!(" ({it})"));
            out += &format!(", incident {number}{severity}");
        }
        out += "\n";
        for region in service["regions"].as_array().into_iter().flatten() {
            let quarantined = if region["quarantined"] == true { ", quarantined" } else { "" };
            let name = text(&region["name"]).unwrap_or_default();
            out += &format!("  {name}: {}{quarantined}\n", text(&region["standing"]).unwrap_or_default());
        }
        for raised in service["raised"].as_array().into_iter().flatten() {
            let seconds = raised[1].as_u64().unwrap_or_default();
            out += &format!("  trigger {}: raised {seconds}s ago\n", text(&raised[0]).unwrap_or_default());
        }
        if let Some(plan) = text(&service["plan"]) {
            let gates: Vec<String> =
                service["gates"].as_array().into_iter().flatten().filter_map(text).collect();
            let but =
                if gates.is_empty() { String::new() } else { format!(", but for {}", gates.join(", ")) };
            out += &format!("  would start {plan}{but}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_as_sentences() {
        let status = json!({
            "observer": "o0", "at": "2026-11-21T13:12:49Z", "mode": "observe", "cluster": null, "store": "full",
            "isolated": null, "reload": null, "store_why": "its disk is small",
            "maintenance": [{ "name": "patching", "until": "2026-11-21T15:00:00Z", "effect": "approve" }],
            "services": [{
                "name": "shop", "active": "east", "epoch": 2, "paused": true, "incident": 3, "severity": "l3",
                "raised": [["breach", 7]], "plan": "failover", "gates": ["mode", "paused"],
                "regions": [{ "name": "east", "standing": "down" }, { "name": "west", "standing": "up", "quarantined": true }],
            }],
        });
        assert_eq!(
            words(&status),
            "o0 at 2026-11-21T13:12:49Z: mode observe, the coordinator does not answer, the store is full: \
             its disk is small\nmaintenance patching: open until 2026-11-21T15:00:00Z (approve)\n\n\
             shop: east (epoch 2), paused, incident 3 (l3)\n  east: down\n  west: up, quarantined\n  \
             trigger breach: raised 7s ago\n  would start failover, but for mode, paused\n"
        );
    }
}
