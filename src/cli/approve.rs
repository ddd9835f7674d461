//! `watchkeeper approve SERVICE` or `approve SERVICE --run RUN --step STEP`: yes to what is requested of a service, to the
//! exposure that a held run shows, or to a step that asks. What is agreed to is shown first, and named with the yes.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::accepts::Accepts;
use super::ask::{Api, fails, in_path};
use super::{complain, print};

/// Says yes to what is requested, to an exposure or to a step.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Of which service.
    service: String,
    /// To a step, or to the exposure, of that run.
    #[arg(long)]
    run: Option<u64>,
    /// To that step.
    #[arg(long, requires = "run")]
    step: Option<String>,
    /// Without asking.
    #[arg(long)]
    yes: bool,
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    accepts: Accepts,
    #[command(flatten)]
    api: Api,
}

impl Approve {
    pub(super) fn run(self) -> ExitCode {
        let service = match in_path(&self.service) {
            Ok(service) => service,
            Err(why) => return fails(&why),
        };
        let mut body = Map::new();
        self.accepts.clone().into(&mut body);
        body.extend(self.reason.iter().map(|reason| ("reason".to_owned(), reason.as_str().into())));
        let (path, shown) = match (self.run, &self.step) {
            (Some(run), Some(step)) => {
                let body = Map::from_iter([("step".to_owned(), Value::from(step.as_str()))]);
                return self
                    .api
                    .order(&format!("/api/v1/runs/{service}/{run}/approve"), &Value::Object(body));
            }
            (Some(run), None) => {
                let path = format!("/api/v1/runs/{service}/{run}");
                (format!("{path}/approve"), self.read(&path))
            }
            (None, _) => {
                let path = format!("/api/v1/services/{service}/approve");
                (path, self.read("/api/v1/status").map(|status| request(&status, service)))
            }
        };
        let shown = match shown {
            Ok(shown) if !shown.is_null() => shown,
            Ok(_) => return fails(&format!("nothing is requested of {service}")),
            Err(why) => return fails(&why),
        };
        print(&format!("{shown:#}\n"));
        if !self.yes && !agreed() {
            complain("watchkeeper: nothing was done: say `yes`, or --yes\n");
            return ExitCode::FAILURE;
        }
        for key in ["hash", "epoch"] {
            body.insert(key.to_owned(), shown[key].clone());
        }
        self.api.order(&path, &Value::Object(body))
    }

    fn read(&self, path: &str) -> Result<Value, String> {
        match self.api.get(path)? {
            answer if answer.code == 200 => serde_json::from_str(&answer.body)
                .map_err(|why| format!("what was answered is no JSON: {why}")),
            answer => Err(answer.body.trim_end().to_owned()),
        }
    }
}

/// What is requested of a service.
fn request(status: &Value, service: &str) -> Value {
    let mut services = status["services"].as_array().into_iter().flatten();
    services.find(|one| one["name"] == service).map_or(Value::Null, |one| one["request"].clone())
}

/// Whether whoever sits at the terminal says yes.
fn agreed() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print("Say `yes` to agree to that: ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).is_ok() && line.trim() == "yes"
}
