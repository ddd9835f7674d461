//! `watchkeeper watch SERVICE`: follows its unfinished run to the end. It only looks.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::ask::{Api, fails, in_path};
use super::progress::follow;

/// Follows a run to its end.
#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Of which service.
    service: String,
    /// Which run; without it, the newest that is under way.
    run: Option<u64>,
    #[command(flatten)]
    api: Api,
}

impl Watch {
    pub(super) fn run(self) -> ExitCode {
        let service = match in_path(&self.service) {
            Ok(service) => service,
            Err(why) => return fails(&why),
        };
        if let Some(run) = self.run {
            return follow(&self.api, service, run);
        }
        let all = match self.api.get("/api/v1/runs") {
            Ok(answer) if answer.code == 200 => answer.body,
            Ok(answer) => return fails(answer.body.trim_end()),
            Err(why) => return fails(&why),
        };
        let all: Value = serde_json::from_str(&all).unwrap_or_default();
        let runs = all["runs"].as_array().into_iter().flatten().filter(|run| run["service"] == service);
        match runs.filter_map(|run| run["run"].as_u64()).max() {
            Some(run) => follow(&self.api, service, run),
            None => fails(&format!("no run of {service} is under way")),
        }
    }
}
