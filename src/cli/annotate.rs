//! `watchkeeper annotate SERVICE TEXT`: something to be remembered of its open incident.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ask::{Api, fails, in_path};
use super::incident::open;

/// Has something remembered of the open incident.
#[derive(Debug, Args)]
pub(super) struct Annotate {
    /// Of which service.
    service: String,
    /// What.
    text: String,
    #[command(flatten)]
    api: Api,
}

impl Annotate {
    pub(super) fn run(self) -> ExitCode {
        match in_path(&self.service).and_then(|service| open(&self.api, service)) {
            Ok(path) => self.api.order(&format!("{path}/annotate"), &json!({ "text": self.text })),
            Err(why) => fails(&why),
        }
    }
}
