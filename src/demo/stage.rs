//! What the demo stands on: the toy, a folder, a config in it, and the daemon that `watchkeeper run` starts, started the
//! same way. It is asked as anybody would ask it, over its API.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::scratch::Scratch;
use super::toy::Toy;
use crate::config::{self, Given};
use crate::core::view::{WorstCase, worst_cases};
use crate::daemon::{self, Place, Running, Setup};

/// As the reader would write it, but for the addresses.
const WANTED: &str = include_str!("wanted.toml");
/// An answer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// No answer is longer, in bytes.
const LONGEST: u64 = 16 << 20;
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
    /// What `check` finds unwise.
    pub(super) warnings: usize,
    /// What the daemon's own view says of the slowest way to a start.
    pub(super) worst: WorstCase,
}

/// The config for that toy, with its state in that folder.
pub(super) fn config_text(toy: &Toy, folder: &Path) -> String {
    let [east, west] = toy.regions.each_ref().map(|door| door.address.to_string());
    let [one, two, three] = toy.points.each_ref().map(|door| door.address.to_string());
    let state = folder.join("state").display().to_string();
    [
        ("@STATE@", state),
        ("@EAST@", east),
        ("@WEST@", west),
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
        let warnings = first.report.warnings();
        let loaded = first.loaded.ok_or_else(|| {
            format!(
                "the demo's own config is not good, which is a fault of watchkeeper: tell us\n{}",
                first.report.print(false, 100)
            )
        })?;
        let service = loaded.policy.services.first();
        let worst = service.and_then(|service| {
            worst_cases(&loaded.policy, service).into_iter().max_by_key(WorstCase::to_start)
        });
        let worst =
            worst.ok_or("the demo's config starts no plan, which is a fault of watchkeeper: tell us")?;
        let place = Place { drain: DRAIN, ..Place::of(&loaded.wiring)? };
        let read = move || {
            let outcome = load();
            outcome.loaded.map(Setup::from).ok_or_else(|| outcome.report.print(false, 100))
        };
        let running = daemon::start(Arc::new(read), place).await.map_err(|why| why.to_string())?;
        Ok(Stage { toy, running, config: Config { path, text, warnings, worst }, scratch })
    }

    /// Where its API listens, as a URL.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// What the API answers.
    pub(super) async fn get(&self, path: &str) -> Result<String, String> {
        let (at, url) = (self.running.address, self.url(path));
        let talk = async {
            let mut stream = TcpStream::connect(at).await?;
            // 1.0: the answer ends where the connection does.
            stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {at}\r\n\r\n").as_bytes()).await?;
            let mut answer = String::new();
            stream.take(LONGEST).read_to_string(&mut answer).await?;
            Ok::<String, std::io::Error>(answer)
        };
        let answer = match tokio::time::timeout(PATIENCE, talk).await {
            Ok(answer) => answer.map_err(|why| format!("{url} does not answer: {why}"))?,
            Err(_) => return Err(format!("{url} does not answer within {PATIENCE:?}")),
        };
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(body.to_owned()),
            Some((head, body)) => {
                Err(format!("{url} answers {}: {body}", head.lines().next().unwrap_or_default()))
            }
            None => Err(format!("{url} answers what is no HTTP")),
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
        drop(self.toy);
        drop(self.scratch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_config_is_good_and_nothing_in_it_is_unwise() {
        let toy = Toy::new().unwrap();
        let text = config_text(&toy, Path::new("/var/tmp"));
        assert!(!text.contains('@'), "{text}");
        let outcome = config::load(&Given::text("watchkeeper.toml", &text));
        assert_eq!(outcome.report.print(false, 100), "");
        assert!(outcome.loaded.is_some());
    }
}
