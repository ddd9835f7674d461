//! A shop on PostgreSQL in two regions, its name at bind9, and a daemon that fails it over: all real, all on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;

use watchkeeper::core::time::Span;

use crate::daemon::program::{Daemon, now};
use crate::daemon::scene::Target;
use crate::postgres::{Place, Running, primary, standby};
use crate::slack::Slack;
use crate::step::dns::{Named, named};

/// The active region's database is `east`, and its standby `west`.
pub(crate) struct Shop {
    pub(crate) place: Place,
    pub(crate) east: Running,
    pub(crate) west: Running,
    pub(crate) named: Named,
    pub(crate) points: [Target; 3],
    pub(crate) folder: tempfile::TempDir,
    pub(crate) pace: Pace,
    /// Where its steps and probes find the standby,
    pub(crate) west_at: u16,
    /// and the server that changes the name,
    pub(crate) dns_at: u16,
    /// and whom it tells.
    pub(crate) channel: String,
}

/// How often it is looked at, and how long answers are waited for.
pub(crate) struct Pace {
    pub(crate) interval: &'static str,
    pub(crate) timeout: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) fence: &'static str,
}

impl Pace {
    /// A machine at work holds to it as well.
    pub(crate) const USUAL: Pace = Pace { interval: "2500ms", timeout: "2s", ask: "3s", fence: "10s" };
}

/// The old side is settled first.
const PLAN: &str = r#"
[service.shop.plan.failover]
kind = "failover"
fence = ["stop_old"]
"#;

/// The other one is promoted, and the name moved. The plan's own table stands before.
pub(crate) const MOVED: &str = r#"
[service.shop.plan.failover.step.promote]
kind = "postgres_promote"
dsn = "{to.db}"
timeout = "10s"
[service.shop.plan.failover.step.name]
kind = "dns_update"
needs = ["promote"]
server = "@UPDATES@"
zone = "shop.test"
name = "www.shop.test"
value = "{to.ip}"
ttl = "1s"
tsig = { file = "@KEY@" }
resolvers = ["@DNS@"]
timeout = "10s"
[service.shop.plan.failover.step.check]
kind = "verify"
needs = ["name"]
probes = ["writes"]
timeout = "10s"
"#;

/// By the observer that stands there.
const FENCED_THERE: &str = r#"
[service.shop.plan.failover.step.stop_old]
kind = "postgres_fence"
region = "{from}"
dsn = "{region.db}"
how = "stop"
data_dir = "{region.data}"
timeout = "@FENCE@"
"#;

impl Shop {
    pub(crate) async fn new() -> Shop {
        let place = Place::new();
        let east = primary(&place).await;
        let west = standby(&place, &east).await;
        place.sql(east.port, "GRANT EXECUTE ON FUNCTION pg_promote TO wk");
        place.sql(east.port, "CREATE TABLE orders(n int PRIMARY KEY)");
        place.sql(east.port, "GRANT ALL ON orders TO wk");
        let points = [Target::new().await, Target::new().await, Target::new().await];
        let (named, folder) = (named().await, tempfile::tempdir().unwrap());
        let (west_at, dns_at) = (west.port, named.port);
        Shop {
            place,
            east,
            west,
            named,
            points,
            folder,
            west_at,
            dns_at,
            channel: String::new(),
            pace: Pace::USUAL,
        }
    }

    /// People are told by a Slack of ours. The config is to be written again.
    pub(crate) async fn tells(&mut self) -> Slack {
        let slack = Slack::new().await;
        let url = self.path().join("slack.url");
        std::fs::write(&url, slack.url()).unwrap();
        self.channel = format!("[channel.slack]\nkind = \"slack\"\nwebhook = {{ file = {url:?} }}\n");
        slack
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The usual plan, and the mode in which it starts.
    pub(crate) fn usual(&self, mode: &str) {
        self.acts(mode, FENCED_THERE);
    }

    /// The same, from a place of its own: nothing of ours stands in the old region, and its machine is ended from outside.
    pub(crate) fn elsewhere(&self, mode: &str) {
        let stop = program(self.path(), "stop", "kill -9 \"$1\" 2>/dev/null; exit 0");
        // One that nobody has waited for yet runs no more.
        let gone =
            program(self.path(), "gone", "[ -e /proc/$1/stat ] || exit 0\ngrep -q ') Z ' /proc/$1/stat");
        let pid = self.east.server.pid();
        let fence = format!(
            r#"
[service.shop.plan.failover.step.stop_old]
kind = "exec"
acts_as = "fences"
region = "{{from}}"
argv = ["{stop}", "{pid}"]
observe = ["{gone}", "{pid}"]
timeout = "@FENCE@"
"#
        );
        self.acts(mode, &fence);
        let file = self.path().join("watchkeeper.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let elsewhere =
            text.replace("[observer.o]\nregion = \"east\"", "[observer.o]\nregion = \"elsewhere\"");
        assert_ne!(text, elsewhere);
        std::fs::write(file, elsewhere.replace("[region.west]", "[region.elsewhere]\n[region.west]"))
            .unwrap();
    }

    fn acts(&self, mode: &str, fence: &str) {
        let scenario = format!(
            "[service.shop.scenario.lost]\nwhen = {{ service = \"down\", for = \"0s\" }}\nplan = \"failover\"\nmode = \"{mode}\"\n"
        );
        self.write(&format!("{scenario}{PLAN}{fence}{MOVED}"));
    }

    /// Its config, with that at the end.
    pub(crate) fn write(&self, more: &str) {
        self.write_with("", more);
    }

    /// The same, with more keys of the service.
    pub(crate) fn write_with(&self, service: &str, more: &str) {
        let points: Vec<String> = self.points.iter().map(Target::address).collect();
        let dsn = |port: u16| {
            let file = self.path().join(format!("dsn-{port}"));
            let text = format!("postgresql://wk:secret@127.0.0.1:{port}/postgres?sslmode=disable");
            std::fs::write(&file, text).unwrap();
            file.display().to_string()
        };
        let (east, west) = (dsn(self.east.port), dsn(self.west_at));
        let (east_data, west_data) = (self.place.path("primary"), self.place.path("standby"));
        let (dir, store, work) = (self.path(), self.path().join("store"), self.path().join("work"));
        let Pace { interval, timeout, ask, fence } = self.pace;
        let head = format!(
            r#"format = 1
mode = "auto"
name = "o"
[region.east]
values = {{ ip = "10.0.0.1" }}
[region.west]
values = {{ ip = "10.0.0.2" }}
[observer.o]
region = "east"
[self_trust]
reference_points = {points:?}
[coordinator]
ask = "{ask}"
session = "5s"
margin = "1s"
[chronicle]
dir = {store:?}
[api]
listen = "127.0.0.1:0"
[exec]
allow = [{dir:?}]
dir = {work:?}
[service.shop]
regions = ["east", "west"]
rto = "30s"
rpo = "5s"
stable = "2s"
{service}
[service.shop.values.east]
db = {{ file = "{east}" }}
data = {east_data:?}
[service.shop.values.west]
db = {{ file = "{west}" }}
data = {west_data:?}
[service.shop.probe.lives]
kind = "postgres"
check = "connect"
dsn = "{{region.db}}"
interval = "{interval}"
timeout = "{timeout}"
fast_interval = "200ms"
down_interval = "500ms"
[service.shop.probe.writes]
kind = "postgres"
check = "writable"
role = "active"
dsn = "{{region.db}}"
interval = "{interval}"
timeout = "{timeout}"
fast_interval = "200ms"
down_interval = "500ms"
[service.shop.probe.lag]
kind = "postgres"
check = "lag"
tier = "gate"
role = "standby"
dsn = "{{region.db}}"
interval = "{interval}"
timeout = "{timeout}"
"#
        );
        let port = self.named.port;
        let key = self.named.key("ours").display().to_string();
        let text = format!("{head}{more}{}", self.channel).replace("@DNS@", &format!("127.0.0.1:{port}"));
        let text = text.replace("@UPDATES@", &format!("127.0.0.1:{}", self.dns_at));
        let text = text.replace("@KEY@", &key).replace("@FENCE@", fence);
        std::fs::write(self.path().join("watchkeeper.toml"), text).unwrap();
    }

    /// A daemon that knows all of it to be well.
    pub(crate) async fn watched(&self) -> Daemon {
        let daemon = Daemon::start(self.path()).await;
        self.is_watched_by(&daemon).await;
        daemon
    }

    pub(crate) async fn is_watched_by(&self, daemon: &Daemon) {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let began = now();
        loop {
            ticks.tick().await;
            let shop = daemon.shop().await;
            let up =
                shop["active"] == "east" && shop["regions"][1]["standing"] == "up" && shop["holder"] == "o";
            // Also what it requires, and the loss, are known: nothing is in the way but what may be.
            if up {
                let shown = shows(daemon, "preview?to=west").await;
                let gates = shown["preview"]["gates"].as_array().unwrap();
                let mut blocks = gates.iter().filter(|gate| gate["says"] == "blocks");
                if blocks.all(|gate| gate["gate"] == "fence") {
                    return;
                }
            }
            assert!(now() - began < Span::mins(3), "it does not begin: {shop}\n{}", daemon.log());
        }
    }
}

/// Tells these stories, so many at once, each on a thread of its own: what it waits for in one piece delays no other. Says
/// at the end which of them went wrong.
pub(crate) async fn each<S, F>(stories: Vec<(String, S)>, at_once: usize)
where
    S: FnOnce() -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let count = stories.len();
    let told = futures::stream::iter(stories).map(async |(name, story)| {
        let told = tokio::task::spawn_blocking(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story())
        });
        told.await.err().map(|_| name)
    });
    let wrong: Vec<String> = told.buffer_unordered(at_once).filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {count} went wrong: {wrong:#?}", wrong.len());
}

/// A program for `exec`, in that folder.
pub(crate) fn program(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Waits until the service's view is so; a minute at most.
pub(crate) async fn comes(daemon: &Daemon, what: &str, is: impl Fn(&Value) -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let began = now();
    while !is(&daemon.shop().await) {
        ticks.tick().await;
        if now() - began > Span::mins(1) {
            let (view, why) = (daemon.shop().await, daemon.get("/api/v1/services/shop/why").await.1);
            panic!("not within a minute: {what}\n{view}\n{why}\n{}", daemon.log());
        }
    }
}

/// Says something to the API: the code, and what is answered.
pub(crate) async fn says(daemon: &Daemon, path: &str, body: Value) -> (u16, Value) {
    let (code, answer) = daemon.post(&format!("/api/v1/services/shop/{path}"), &body.to_string()).await;
    let told = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    (code, told)
}

/// Asks the API: what is answered.
pub(crate) async fn shows(daemon: &Daemon, path: &str) -> Value {
    let (code, answer) = daemon.get(&format!("/api/v1/services/shop/{path}")).await;
    assert_eq!(code, 200, "{answer}");
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// What a gate says in a preview: the word, why, and what passes it.
pub(crate) fn gate<'a>(preview: &'a Value, name: &str) -> [&'a str; 3] {
    let gates = preview["gates"].as_array().unwrap();
    let found = gates.iter().find(|gate| gate["gate"] == name).unwrap_or(&Value::Null);
    ["says", "why", "passed_by"].map(|key| found[key].as_str().unwrap_or_default())
}

/// Waits until the newest failover has ended, and done.
pub(crate) async fn fails_over(daemon: &Daemon) {
    comes(daemon, "the failover has ended", |shop| over(shop).is_some()).await;
    let view = daemon.shop().await;
    assert_eq!(over(&view), Some("done"), "{view}\n{}", daemon.log());
}

/// How the newest failover ended, by a service's view; none: it has not.
pub(crate) fn over(shop: &Value) -> Option<&str> {
    shop["last_failover"][1].as_str().filter(|_| shop["runs"] == Value::Array(Vec::new()))
}
