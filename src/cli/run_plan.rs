//! `watchkeeper run-plan SERVICE PLAN`: runs a plan for real, as a drill or as a preview, shown and followed. (`run` is the
//! daemon's own.)

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::accepts::Accepts;
use super::ask::{Api, fails, in_path};
use super::ordered::Saying;

/// Runs a plan.
#[derive(Debug, Args)]
pub(super) struct RunPlan {
    /// Of which service.
    service: String,
    /// Which plan.
    plan: String,
    /// Where; without it, where the service is active.
    #[arg(long)]
    region: Option<String>,
    /// How much of it is real.
    #[arg(long, value_enum, default_value_t = How::Live)]
    mode: How,
    /// What it is told, as NAME=VALUE.
    #[arg(long, value_name = "NAME=VALUE")]
    input: Vec<String>,
    /// A drill is stopped, and undone, after so long.
    #[arg(long, value_name = "LENGTH")]
    longest: Option<String>,
    #[command(flatten)]
    accepts: Accepts,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    api: Api,
}

/// How much of it is real.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// All of it.
    Live,
    /// What each step says of drills.
    Drill,
    /// Nothing.
    Preview,
}

impl RunPlan {
    pub(super) fn run(self) -> ExitCode {
        let service = match in_path(&self.service) {
            Ok(service) => service.to_owned(),
            Err(why) => return fails(&why),
        };
        let mode = match self.mode {
            How::Live => "live",
            How::Drill => "drill",
            How::Preview => "preview",
        };
        let mut inputs = Map::new();
        for input in &self.input {
            let Some((name, value)) = input.split_once('=') else {
                return fails(&format!("`{input}` tells nothing: write --input NAME=VALUE"));
            };
            inputs.insert(name.to_owned(), value.into());
        }
        let mut body = Map::from_iter([
            ("plan".to_owned(), Value::from(self.plan)),
            ("mode".to_owned(), mode.into()),
            ("inputs".to_owned(), inputs.into()),
        ]);
        body.extend(self.region.map(|region| ("region".to_owned(), region.into())));
        body.extend(self.longest.map(|longest| ("longest".to_owned(), longest.into())));
        self.accepts.into(&mut body);
        let path = format!("/api/v1/services/{service}/run");
        self.saying.say(&self.api, &service, &path, body)
    }
}
