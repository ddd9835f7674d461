//! `watchkeeper acknowledge SERVICE` (its open incident) or `acknowledge SERVICE --run RUN` (how that failover ended):
//! somebody has seen it.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};
use super::incident::open;

/// Says that somebody has seen an incident, or how a run ended.
#[derive(Debug, Args)]
pub(super) struct Acknowledge {
    /// Of which service.
    service: String,
    /// How that run ended.
    #[arg(long)]
    run: Option<u64>,
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Acknowledge {
    pub(super) fn run(self) -> ExitCode {
        let path = in_path(&self.service).and_then(|service| match self.run {
            Some(run) => Ok(format!("/api/v1/runs/{service}/{run}/acknowledge")),
            None => open(&self.api, service).map(|path| format!("{path}/acknowledge")),
        });
        match path {
            Ok(path) => self.api.order(&path, &json!({ "reason": self.reason })),
            Err(why) => fails(&why),
        }
    }
}
