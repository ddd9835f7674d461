//! `watchkeeper release SERVICE REGION`: a region that lost the role may be a candidate again. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};

/// Lets a region be a candidate again.
#[derive(Debug, Args)]
pub(super) struct Release {
    /// Of which service.
    service: String,
    /// Which region.
    region: String,
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Release {
    pub(super) fn run(self) -> ExitCode {
        match in_path(&self.service) {
            Ok(service) => {
                let path = format!("/api/v1/services/{service}/release");
                self.api.order(&path, &json!({ "region": self.region, "reason": self.reason }))
            }
            Err(why) => fails(&why),
        }
    }
}
