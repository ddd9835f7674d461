//! `watchkeeper evacuate REGION`: leaves a region with all that is active there, one service after the other, by its phrase.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::ask::Api;
use super::ordered::Saying;

/// Leaves a region with all that is active there.
#[derive(Debug, Args)]
pub(super) struct Evacuate {
    /// Which region.
    region: String,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    api: Api,
}

impl Evacuate {
    pub(super) fn run(self) -> ExitCode {
        let body = Map::from_iter([("region".to_owned(), self.region.into())]);
        self.saying.say(&self.api, "", "/api/v1/evacuate", body)
    }
}
