//! `watchkeeper resume [SERVICE]`: what pauses is over: things may start by themselves again. Kept by the coordinator.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};

/// Resumes automatic action.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// Of which service; without one: of all.
    service: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Resume {
    pub(super) fn run(self) -> ExitCode {
        let path = match self.service.as_deref().map(in_path).transpose() {
            Ok(Some(service)) => format!("/api/v1/services/{service}/resume"),
            Ok(None) => "/api/v1/resume".to_owned(),
            Err(why) => return fails(&why),
        };
        self.api.order(&path, &json!({}))
    }
}
