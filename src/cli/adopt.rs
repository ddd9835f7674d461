//! `watchkeeper adopt SERVICE REGION`: the service is active there, whatever the record says. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};

/// Says where a service is active.
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// Which service.
    service: String,
    /// Where it is active.
    region: String,
    #[command(flatten)]
    api: Api,
}

impl Adopt {
    pub(super) fn run(self) -> ExitCode {
        match in_path(&self.service) {
            Ok(service) => {
                let path = format!("/api/v1/services/{service}/adopt");
                self.api.order(&path, &json!({ "region": self.region }))
            }
            Err(why) => fails(&why),
        }
    }
}
