//! `watchkeeper failover SERVICE`: shows what a failover would do, asks for its phrase, and follows it. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::accepts::Accepts;
use super::ask::{Api, fails, in_path};
use super::ordered::Saying;

/// Moves a service to another region.
#[derive(Debug, Args)]
pub(super) struct Failover {
    /// Which service.
    service: String,
    /// Where to; without it, to the best candidate.
    #[arg(long, value_name = "REGION")]
    to: Option<String>,
    /// By which plan; without it, by the only one, or the first scenario's.
    #[arg(long)]
    plan: Option<String>,
    /// The old side lives.
    #[arg(long)]
    planned: bool,
    #[command(flatten)]
    accepts: Accepts,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    api: Api,
}

impl Failover {
    pub(super) fn run(self) -> ExitCode {
        let service = match in_path(&self.service) {
            Ok(service) => service.to_owned(),
            Err(why) => return fails(&why),
        };
        let mut body = Map::new();
        body.extend(self.to.map(|to| ("to".to_owned(), to.into())));
        body.extend(self.plan.map(|plan| ("plan".to_owned(), plan.into())));
        body.insert("planned".to_owned(), self.planned.into());
        self.accepts.into(&mut body);
        let path = format!("/api/v1/services/{service}/failover");
        self.saying.say(&self.api, &service, &path, body)
    }
}
