//! `watchkeeper failback SERVICE`: the way home after a failover, shown, asked for and followed as that was.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::accepts::Accepts;
use super::ask::{Api, fails, in_path};
use super::ordered::Saying;

/// Takes a service home.
#[derive(Debug, Args)]
pub(super) struct Failback {
    /// Which service.
    service: String,
    #[command(flatten)]
    accepts: Accepts,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    api: Api,
}

impl Failback {
    pub(super) fn run(self) -> ExitCode {
        let service = match in_path(&self.service) {
            Ok(service) => service.to_owned(),
            Err(why) => return fails(&why),
        };
        let mut body = Map::new();
        self.accepts.into(&mut body);
        let path = format!("/api/v1/services/{service}/failback");
        self.saying.say(&self.api, &service, &path, body)
    }
}
