//! What the demo stands on: the toy, a folder, a config in it, and the daemon that `watchkeeper run` starts, started the
//! same way. It is asked as anybody would ask it, over its API.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::scratch::Scratch;
use super::talk;
use super::toy::Toy;
use crate::config::{self, Given};
use crate::core::severity::Objectives;
use crate::core::view::{WorstCase, worst_cases};
use crate::daemon::{self, Place, Running, Setup};

/// As the reader would write it, but for the addresses.
const WANTED: &str = include_str!("wanted.toml");
/// An answer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// The daemon may take so long to end.
const DRAIN: Duration = Duration::from_secs(4);

/// All of it.
pub(super) struct Stage {
    pub(super) toy: Toy,
    pub(super) running: Running,
    pub(super) config: Config,
    // Last, so that it goes last.
    scratch: Scratch,
}

/// What is watched, and how.
pub(super) struct Config {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// What `check` finds unwise, each in a sentence.
    pub(super) unwise: Vec<String>,
    /// What the daemon's own view says of the slowest way to a start, and to the end.
    pub(super) worst: WorstCase,
    /// What is promised for it.
    pub(super) promised: Objectives,
}

/// The config for that toy, with its state in that folder.
pub(super) fn config_text(toy: &Toy, folder: &Path) -> String {
    let at = toy.addresses;
    let [east, west] = at.servers.map(|address| address.to_string());
    let [one, two, three] = at.points.map(|address| address.to_string());
    let state = folder.join("state").display().to_string();
    [
        ("@STATE@", state),
        ("@EAST@", east),
        ("@WEST@", west),
        ("@PROVIDER@", at.provider.to_string()),
        ("@POINT1@", one),
        ("@POINT2@", two),
        ("@POINT3@", three),
    ]
    .iter()
    .fold(WANTED.to_owned(), |text, (place, value)| text.replace(place, value))
}

impl Stage {
    pub(super) async fn set() -> Result<Stage, String> {
        let toy = Toy::new().map_err(|why| format!("the toy service gets no ports on loopback: {why}"))?;
        let scratch = Scratch::new()?;
        let path = scratch.path().join("watchkeeper.toml");
        let text = config_text(&toy, scratch.path());
        fs::write(&path, &text).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
        let load = {
            let path = path.clone();
            move || {
                // Nothing in the reader's environment changes what the demo shows.
                let mut given = Given::read(std::slice::from_ref(&path));
                given.variables.clear();
                config::load(&given)
            }
        };
        let first = load();
        let unwise = first.report.problems().iter().map(|problem| problem.message.clone()).collect();
        let loaded = first.loaded.ok_or_else(|| {
            format!(
                "the demo's own config is not good, which is a fault of watchkeeper: tell us\n{}",
                first.report.print(false, 100)
            )
        })?;
        let worst = loaded.policy.services.first().and_then(|service| {
            let worst = worst_cases(&loaded.policy, service).into_iter().max_by_key(WorstCase::to_end)?;
            let promised = service.scenarios.get(worst.scenario.index())?.objectives;
            Some((worst, promised))
        });
        let (worst, promised) =
            worst.ok_or("the demo's config starts no plan, which is a fault of watchkeeper: tell us")?;
        let place = Place { drain: DRAIN, ..Place::of(&loaded.wiring)? };
        let read = move || {
            let outcome = load();
            outcome.loaded.map(Setup::from).ok_or_else(|| outcome.report.print(false, 100))
        };
        let running = daemon::start(Arc::new(read), place).await.map_err(|why| why.to_string())?;
        Ok(Stage { toy, running, config: Config { path, text, unwise, worst, promised }, scratch })
    }

    /// Where its API listens, as a URL.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// What the API answers.
    pub(super) async fn get(&self, path: &str) -> Result<String, String> {
        match talk::ask(self.running.address, ("GET", path), "", PATIENCE).await? {
            (200, body) => Ok(body),
            (status, body) => Err(format!("{} answers {status}: {body}", self.url(path))),
        }
    }

    /// The same, as JSON.
    pub(super) async fn json(&self, path: &str) -> Result<Value, String> {
        let text = self.get(path).await?;
        serde_json::from_str(&text)
            .map_err(|why| format!("{} answers what is no JSON: {why}", self.url(path)))
    }

    /// Nothing of it is left.
    pub(super) async fn end(self) {
        self.running.end().await;
        self.toy.close().await;
        drop(self.scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_config_is_good_and_unwise_only_where_a_toy_must_be() {
        let toy = Toy::new().unwrap();
        let text = config_text(&toy, Path::new("/var/tmp"));
        assert!(!text.contains('@'), "{text}");
        let outcome = config::load(&Given::text("watchkeeper.toml", &text));
        assert!(outcome.loaded.is_some(), "{}", outcome.report.print(false, 100));
        // The demo has neither a channel nor peers; and what its fence calls stands outside the region that it fences, which
        // the language cannot say.
        let unwise = ["there is no channel", "on the word of one observer", "can fence by nothing at most"];
        assert_eq!(outcome.report.warnings(), unwise.len(), "{}", outcome.report.print(false, 100));
        for (problem, says) in outcome.report.problems().iter().zip(unwise) {
            assert!(problem.message.contains(says), "{}", problem.message);
        }
    }
}
