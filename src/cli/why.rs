//! `watchkeeper why SERVICE`: why it did, why it did not, and whether it would work now, in the daemon's words.

use std::process::ExitCode;

use clap::Args;

use super::ask::{Api, fails, in_path};
use super::{WELL, print};

/// Explains what is decided about a service.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// Which service.
    service: String,
    #[command(flatten)]
    api: Api,
}

impl Why {
    pub(super) fn run(self) -> ExitCode {
        let path = in_path(&self.service).map(|service| format!("/api/v1/services/{service}/why"));
        match path.and_then(|path| self.api.get(&path)) {
            Ok(answer) if answer.code == 200 => {
                print(&answer.body);
                WELL
            }
            Ok(answer) => fails(answer.body.trim_end()),
            Err(why) => fails(&why),
        }
    }
}
