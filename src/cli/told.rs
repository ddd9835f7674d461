//! What is said to a run: which one, and why. Its number is enough where only one service has such a run.

use clap::Args;
use serde_json::{Map, Value};

use super::ask::{Api, fails, in_path};

/// Which run, and why.
#[derive(Debug, Args)]
pub(super) struct Told {
    /// Which run, by its number.
    run: u64,
    /// Of which service, where several have such a run.
    #[arg(long)]
    service: Option<String>,
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    api: Api,
}

impl Told {
    /// Says it: exit 0 if it is so.
    pub(super) fn say(self, verb: &str, mut body: Map<String, Value>) -> std::process::ExitCode {
        let path = match self.service.as_deref().map(in_path).transpose() {
            Ok(Some(service)) => format!("/api/v1/runs/{service}/{}/{verb}", self.run),
            Ok(None) => format!("/api/v1/runs/{}/{verb}", self.run),
            Err(why) => return fails(&why),
        };
        body.extend(self.reason.map(|reason| ("reason".to_owned(), reason.into())));
        self.api.order(&path, &Value::Object(body))
    }
}
