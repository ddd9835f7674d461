//! A shop on PostgreSQL in two regions, its name at bind9, and a daemon that fails it over: all real, all on loopback.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use watchkeeper::core::time::Span;

use crate::daemon::program::{Daemon, now};
use crate::daemon::scene::Target;
use crate::postgres::{Place, Running, primary, standby};
use crate::step::dns::{Named, named};

/// The active region's database is `east`, and its standby `west`.
pub(crate) struct Shop {
    pub(crate) place: Place,
    pub(crate) east: Running,
    pub(crate) west: Running,
    pub(crate) named: Named,
    pub(crate) points: [Target; 3],
    pub(crate) folder: tempfile::TempDir,
}

/// The database is stopped by whoever stands there.
const STOPPED: &str = r#"
[service.shop.plan.failover]
kind = "failover"
fence = ["stop_old"]
[service.shop.plan.failover.step.stop_old]
kind = "postgres_fence"
region = "{from}"
dsn = "{region.db}"
how = "stop"
data_dir = "{region.data}"
timeout = "10s"
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
server = "@DNS@"
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

impl Shop {
    pub(crate) async fn new() -> Shop {
        let place = Place::new();
        let east = primary(&place).await;
        let west = standby(&place, &east).await;
        place.sql(east.port, "GRANT EXECUTE ON FUNCTION pg_promote TO wk");
        place.sql(east.port, "CREATE TABLE orders(n int PRIMARY KEY)");
        place.sql(east.port, "GRANT ALL ON orders TO wk");
        let points = [Target::new().await, Target::new().await, Target::new().await];
        Shop { place, east, west, named: named().await, points, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The usual plan, and the mode in which it starts.
    pub(crate) fn usual(&self, mode: &str) {
        let scenario = format!(
            "[service.shop.scenario.lost]\nwhen = {{ service = \"down\", for = \"0s\" }}\nplan = \"failover\"\nmode = \"{mode}\"\n"
        );
        self.write(&format!("{scenario}{STOPPED}{MOVED}"));
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
        let (east, west) = (dsn(self.east.port), dsn(self.west.port));
        let (east_data, west_data) = (self.place.path("primary"), self.place.path("standby"));
        let (dir, store, work) = (self.path(), self.path().join("store"), self.path().join("work"));
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
ask = "3s"
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
interval = "2500ms"
timeout = "2s"
fast_interval = "200ms"
down_interval = "500ms"
[service.shop.probe.writes]
kind = "postgres"
check = "writable"
role = "active"
dsn = "{{region.db}}"
interval = "2500ms"
timeout = "2s"
fast_interval = "200ms"
down_interval = "500ms"
[service.shop.probe.lag]
kind = "postgres"
check = "lag"
tier = "gate"
role = "standby"
dsn = "{{region.db}}"
interval = "2500ms"
timeout = "2s"
"#
        );
        let port = self.named.port;
        let key = self.named.key("ours").display().to_string();
        let text =
            format!("{head}{more}").replace("@DNS@", &format!("127.0.0.1:{port}")).replace("@KEY@", &key);
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
            assert!(now() - began < Span::secs(90), "it does not begin: {shop}\n{}", daemon.log());
        }
    }
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
