//! `watchkeeper pause [SERVICE]`: nothing starts by itself any more; it stops no run (`abort` does). Kept by the coordinator.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};

/// Pauses automatic action.
#[derive(Debug, Args)]
pub(super) struct Pause {
    /// Of which service; without one: of all.
    service: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Pause {
    pub(super) fn run(self) -> ExitCode {
        let path = match self.service.as_deref().map(in_path).transpose() {
            Ok(Some(service)) => format!("/api/v1/services/{service}/pause"),
            Ok(None) => "/api/v1/pause".to_owned(),
            Err(why) => return fails(&why),
        };
        self.api.order(&path, &json!({}))
    }
}
