//! `watchkeeper veto SERVICE`: no to what is announced or requested.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};

/// Says no to what is announced or requested.
#[derive(Debug, Args)]
pub(super) struct Veto {
    /// Of which service.
    service: String,
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Veto {
    pub(super) fn run(self) -> ExitCode {
        match in_path(&self.service) {
            Ok(service) => {
                let path = format!("/api/v1/services/{service}/veto");
                self.api.order(&path, &json!({ "reason": self.reason }))
            }
            Err(why) => fails(&why),
        }
    }
}
