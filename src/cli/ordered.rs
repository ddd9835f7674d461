//! How an order that starts a run is given: what it would do is shown, its phrase is said, and the run is watched to its end.
//!
//! What is sent back is the hash and the epoch of what was shown: the daemon starts that or nothing.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::ask::{Answer, Api, fails};
use super::progress::follow;
use super::{WELL, complain, print, shown};

/// How it is said.
#[derive(Debug, Args)]
pub(super) struct Saying {
    /// Why, for the chronicle.
    #[arg(long)]
    reason: Option<String>,
    /// The phrase, where nobody can be asked for it.
    #[arg(long, value_name = "PHRASE")]
    yes: Option<String>,
    /// Does not wait for the run to end.
    #[arg(long)]
    detach: bool,
}

impl Saying {
    /// Shows, asks for the phrase, says it, and follows.
    pub(super) fn say(self, api: &Api, service: &str, path: &str, mut body: Map<String, Value>) -> ExitCode {
        let (terminal, detach) = (std::io::stdin().is_terminal(), self.detach);
        let seen = match api.post(path, &Value::Object(body.clone())) {
            Ok(answer) => answer,
            Err(why) => return fails(&why),
        };
        let told: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let preview = &told["preview"];
        if !preview.is_null() {
            print(&shown::preview(preview));
        }
        let (Some(phrase), 428) = (told["phrase"].as_str(), seen.code) else { return refused(&seen) };
        if preview.is_null() {
            print(&format!("{}\n", told["text"].as_str().unwrap_or_default()));
        }
        let said = match self.yes {
            Some(said) => said,
            None if terminal => {
                print(&format!("Say `{phrase}` to do it: "));
                let mut line = String::new();
                if std::io::stdin().lock().read_line(&mut line).is_err() {
                    line.clear();
                }
                line.trim().to_owned()
            }
            None => return fails(&format!("nothing was done: say it with --yes '{phrase}'")),
        };
        if said != phrase {
            return fails(&format!("nothing was done: the phrase is `{phrase}`"));
        }
        for key in ["hash", "epoch"] {
            if let Some(value) = preview.get(key).filter(|value| !value.is_null()) {
                body.insert(key.to_owned(), value.clone());
            }
        }
        body.insert("phrase".to_owned(), said.into());
        body.extend(self.reason.map(|reason| ("reason".to_owned(), reason.into())));
        let answer = match api.post(path, &Value::Object(body)) {
            Ok(answer) => answer,
            Err(why) => return fails(&why),
        };
        let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if answer.code >= 300 {
            return refused(&answer);
        }
        print(&format!("{}\n", told["text"].as_str().unwrap_or_default()));
        match told["run"].as_u64() {
            Some(run) if !detach => follow(api, service, run),
            Some(_) | None => WELL,
        }
    }
}

/// Why it is not done.
fn refused(answer: &Answer) -> ExitCode {
    let told: Option<Value> = serde_json::from_str(&answer.body).ok();
    let text = told.as_ref().and_then(|told| told["text"].as_str()).unwrap_or(answer.body.trim_end());
    complain(&format!("watchkeeper: {text}\n"));
    ExitCode::FAILURE
}
