//! A daemon that acts, on a toy of two regions that keeps an account of every call, and the words to ask it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use watchkeeper::config::{self, Given};
use watchkeeper::daemon::{self, Place, Running, Setup};

use crate::living::talk::{get, post, until};
use crate::step::provider::{Does, Provider};

const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/ordered/stage.toml");
/// What no answer may show.
pub(super) const SECRET: &str = "not-for-anybody";

/// What each path is answered, where it is not simply "well".
type Answers = Arc<Mutex<BTreeMap<String, u16>>>;

pub(super) struct Stage {
    pub(super) at: SocketAddr,
    running: Running,
    answers: Answers,
    east: Provider,
    west: Provider,
    _point: Provider,
    _dir: tempfile::TempDir,
}

fn path_of(request: &str) -> String {
    request.split(' ').nth(1).unwrap_or_default().to_owned()
}

async fn provider(region: &'static str, answers: &Answers) -> Provider {
    let answers = Arc::clone(answers);
    Provider::new(move |request, _| {
        let path = format!("{region}{}", path_of(request));
        let answers = answers.lock().expect("a lock");
        match answers.get(&path).copied().unwrap_or(200) {
            0 => Does::Hangs,
            status => Does::Says(status, "{}"),
        }
    })
    .await
}

impl Stage {
    /// With that mode for the scenario, and these tokens: name, role.
    pub(super) async fn set(mode: &str, tokens: &[(&str, &str)]) -> Stage {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("secret"), SECRET).expect("a secret");
        let answers = Answers::default();
        let (east, west) = (provider("east", &answers).await, provider("west", &answers).await);
        let point = provider("point", &answers).await;
        let hashes = |(name, role): &(&str, &str)| {
            let digest = Sha256::digest(format!("token of {name}").as_bytes());
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[api.token.{name}]\nhash = \"sha256${digits}\"\nrole = \"{role}\"\n")
        };
        let at = |provider: &Provider| format!("127.0.0.1:{}", provider.port);
        let text = [
            ("@DIR@", dir.path().display().to_string()),
            ("@TOKENS@", tokens.iter().map(hashes).collect()),
            ("@EAST@", at(&east)),
            ("@WEST@", at(&west)),
            ("@POINT@", at(&point)),
            ("@MODE@", mode.to_owned()),
        ]
        .iter()
        .fold(std::fs::read_to_string(TEXT).expect("the config"), |text, (place, value)| {
            text.replace(place, value)
        });
        let path = dir.path().join("watchkeeper.toml");
        std::fs::write(&path, text).expect("written");
        let load = move || {
            let mut given = Given::read(std::slice::from_ref(&path));
            given.variables.clear();
            config::load(&given)
        };
        let first = load();
        let loaded = first.loaded.unwrap_or_else(|| panic!("{}", first.report.print(false, 100)));
        let place = Place::of(&loaded.wiring).expect("a place");
        let read = move || {
            let outcome = load();
            outcome.loaded.map(Setup::from).ok_or_else(|| outcome.report.print(false, 100))
        };
        let running = daemon::start(Arc::new(read), place).await.unwrap_or_else(|why| panic!("{why}"));
        let at = running.address;
        let stage = Stage { at, running, answers, east, west, _point: point, _dir: dir };
        let bearer = tokens.iter().find(|(_, role)| *role == "admin").map(|(name, _)| *name);
        for service in ["db", "mail", "shop"] {
            until("it is adopted", async || {
                stage
                    .says_as(bearer, &format!("services/{service}/adopt"), json!({ "region": "east" }))
                    .await
                    .0
                    == 200
                    && stage.service_as(bearer, service).await["active"] == "east"
            })
            .await;
            until("all is well", async || {
                let now = stage.service_as(bearer, service).await;
                for region in now["regions"].as_array().into_iter().flatten() {
                    // A service that keeps nothing may have been seen in the other one first.
                    if region["quarantined"] == true {
                        let path = format!("services/{service}/release");
                        stage.says_as(bearer, &path, json!({ "region": region["name"] })).await;
                    }
                }
                let well = |region: &Value| region["standing"] == "up" && region["quarantined"] == false;
                now["regions"].as_array().is_some_and(|all| !all.is_empty() && all.iter().all(well))
            })
            .await;
        }
        stage
    }

    /// A path of that region is answered so from now on; 0: never.
    pub(super) fn answers(&self, path: &str, status: u16) {
        self.answers.lock().expect("a lock").insert(path.to_owned(), status);
    }

    /// The calls of a region that change something, in their order.
    pub(super) fn calls(&self, region: &str) -> Vec<String> {
        let provider = if region == "east" { &self.east } else { &self.west };
        let requests = provider.requests.lock().expect("a lock");
        requests
            .iter()
            .filter(|request| request.starts_with("POST"))
            .map(|request| path_of(request))
            .collect()
    }

    /// The heads of all requests of a region for that path.
    pub(super) fn heads(&self, region: &str, path: &str) -> Vec<String> {
        let provider = if region == "east" { &self.east } else { &self.west };
        let requests = provider.requests.lock().expect("a lock");
        requests.iter().filter(|request| path_of(request) == path).cloned().collect()
    }

    pub(super) async fn says(&self, path: &str, body: Value) -> (u16, Value) {
        self.says_as(None, path, body).await
    }

    pub(super) async fn says_as(&self, token: Option<&str>, path: &str, body: Value) -> (u16, Value) {
        let bearer = token.map(|name| format!("Bearer token of {name}"));
        let headers: Vec<(&str, &str)> =
            bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let (code, said) = post(self.at, &format!("/api/v1/{path}"), body, &headers).await;
        assert!(!said.contains(SECRET), "no secret is shown: {said}");
        let said = serde_json::from_str(&said).unwrap_or(Value::String(said));
        (code, said)
    }

    pub(super) async fn reads(&self, path: &str) -> (u16, Value) {
        let (code, said) = get(self.at, &format!("/api/v1/{path}")).await;
        assert!(!said.contains(SECRET), "no secret is shown: {said}");
        let said = serde_json::from_str(&said).unwrap_or(Value::String(said));
        (code, said)
    }

    pub(super) async fn service(&self, name: &str) -> Value {
        self.service_as(None, name).await
    }

    pub(super) async fn service_as(&self, token: Option<&str>, name: &str) -> Value {
        let head = token.map_or(String::new(), |name| format!("authorization: Bearer token of {name}\r\n"));
        let asked = format!("GET /api/v1/status HTTP/1.1\r\nhost: x\r\n{head}connection: close\r\n\r\n");
        let stream = tokio::net::TcpStream::connect(self.at).await.expect("the API listens");
        let said = crate::living::talk::talk_over(stream, &asked).await.expect("an answer").1;
        let status: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        let services = status["services"].as_array().cloned().unwrap_or_default();
        services.into_iter().find(|service| service["name"] == name).unwrap_or_default()
    }

    /// The texts of a service's newest events.
    pub(super) async fn told(&self, service: &str) -> Vec<String> {
        let (_, events) = self.reads(&format!("services/{service}/events?limit=1000")).await;
        let events = events["events"].as_array().cloned().unwrap_or_default();
        events.iter().filter_map(|event| event["body"]["text"].as_str().map(str::to_owned)).collect()
    }

    /// How a run has ended, as the chronicle has it.
    pub(super) async fn ends(&self, service: &str, run: u64) -> String {
        let mut ended = String::new();
        until("the run has ended", async || {
            let wanted = format!("run {run} has ended: ");
            let told = self.told(service).await;
            let found = told.iter().find_map(|text| Some(text.split_once(&wanted)?.1.to_owned()));
            found.map(|how| ended = how).is_some()
        })
        .await;
        ended
    }

    /// Waits until that service's run is held, and gives it back.
    pub(super) async fn held(&self, service: &str) -> Value {
        let mut run = Value::Null;
        until("it is held", async || {
            run = self.service(service).await["runs"][0].clone();
            run["state"] == "held"
        })
        .await;
        run
    }

    pub(super) async fn ends_all(self) {
        self.running.end().await;
    }
}
