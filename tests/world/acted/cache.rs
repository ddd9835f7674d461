//! Redis is killed or stands still: its replica is promoted by its token, the name moves, and the old side is gone.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::shop::{Pace, comes, fails_over, program};
use crate::child::{Server, until};
use crate::daemon::program::Daemon;
use crate::daemon::scene::Target;
use crate::redis::server;
use crate::step::dns::{Named, named};

/// The active region's server is `east`, and its replica `west`.
pub(crate) struct Cache {
    folder: tempfile::TempDir,
    pub(crate) east: (Server, u16),
    pub(crate) west: (Server, u16),
    pub(crate) named: Named,
    points: [Target; 3],
    pub(crate) pace: Pace,
}

pub(crate) fn cli(port: u16, words: &[&str]) -> String {
    let out = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

impl Cache {
    pub(crate) async fn new() -> Cache {
        let folder = tempfile::tempdir().unwrap();
        let east = server(folder.path(), &[]).await;
        let of = east.1.to_string();
        let west = server(folder.path(), &["--replicaof", "127.0.0.1", &of]).await;
        until("the replica's link is up", || async {
            cli(west.1, &["INFO", "replication"]).contains("master_link_status:up")
        })
        .await;
        let points = [Target::new().await, Target::new().await, Target::new().await];
        Cache { folder, east, west, named: named().await, points, pace: Pace::USUAL }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self) {
        let points: Vec<String> = self.points.iter().map(Target::address).collect();
        let (dir, store, work) = (self.path(), self.path().join("store"), self.path().join("work"));
        let ((east, east_pid), (west, west_pid)) =
            ((self.east.1, self.east.0.pid()), (self.west.1, self.west.0.pid()));
        let stop = program(self.path(), "stop", "kill -9 \"$1\" 2>/dev/null; exit 0");
        // One that nobody has waited for yet runs no more.
        let gone =
            program(self.path(), "gone", "[ -e /proc/$1/stat ] || exit 0\ngrep -q ') Z ' /proc/$1/stat");
        let (dns, key) = (self.named.port, self.named.key("ours"));
        let Pace { interval, timeout, ask, fence } = self.pace;
        let text = format!(
            r#"format = 1
mode = "auto"
name = "o"
[region.east]
values = {{ ip = "10.0.0.1", redis = "127.0.0.1:{east}", pid = "{east_pid}" }}
[region.west]
values = {{ ip = "10.0.0.2", redis = "127.0.0.1:{west}", pid = "{west_pid}" }}
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
[defaults.probe]
interval = "{interval}"
timeout = "{timeout}"
fast_interval = "200ms"
down_interval = "500ms"
[service.shop]
regions = ["east", "west"]
rpo = "5s"
stable = "2s"
[service.shop.probe.lives]
kind = "redis"
check = "ping"
address = "{{region.redis}}"
[service.shop.probe.writes]
kind = "redis"
check = "primary"
role = "active"
address = "{{region.redis}}"
[service.shop.probe.lag]
kind = "redis"
check = "lag"
tier = "gate"
role = "standby"
address = "{{region.redis}}"
[service.shop.scenario.lost]
when = {{ service = "down", for = "0s" }}
plan = "failover"
mode = "auto"
[service.shop.plan.failover]
kind = "failover"
fence = ["stop_old"]
[service.shop.plan.failover.step.stop_old]
kind = "exec"
acts_as = "fences"
region = "{{from}}"
argv = ["{stop}", "{{region.pid}}"]
observe = ["{gone}", "{{region.pid}}"]
timeout = "{fence}"
[service.shop.plan.failover.step.promote]
kind = "redis_promote"
address = "{{to.redis}}"
timeout = "10s"
[service.shop.plan.failover.step.name]
kind = "dns_update"
needs = ["promote"]
server = "127.0.0.1:{dns}"
zone = "shop.test"
name = "www.shop.test"
value = "{{to.ip}}"
ttl = "1s"
tsig = {{ file = {key:?} }}
resolvers = ["127.0.0.1:{dns}"]
timeout = "10s"
[service.shop.plan.failover.step.check]
kind = "verify"
needs = ["name"]
probes = ["writes"]
timeout = "10s"
"#
        );
        std::fs::write(dir.join("watchkeeper.toml"), text).unwrap();
    }

    pub(crate) async fn watched(&self) -> Daemon {
        self.write();
        let daemon = Daemon::start(self.path()).await;
        comes(&daemon, "the cache is active in east, west is up, and the claim is held", |shop| {
            shop["active"] == "east" && shop["regions"][1]["standing"] == "up" && shop["holder"] == "o"
        })
        .await;
        daemon
    }

    async fn is_moved(&self, daemon: &Daemon) {
        fails_over(daemon).await;
        assert_eq!(self.named.says_at_last("www.shop.test", "A").await, "10.0.0.2");
        assert_eq!(cli(self.west.1, &["SET", "n", "2"]), "OK");
        assert_eq!(cli(self.west.1, &["GET", "kept"]), "1", "what was written before is there");
        let mark = cli(self.west.1, &["GET", "wk:token"]);
        assert!(mark.contains(".2."), "the token of epoch 2 is kept there: {mark}");
        assert_eq!(daemon.shop().await["active"], "west");
    }
}

#[tokio::test]
async fn killed_its_replica_takes_over_by_token() {
    let cache = Cache::new().await;
    let daemon = cache.watched().await;
    assert_eq!(cli(cache.east.1, &["SET", "kept", "1"]), "OK");
    until("it is replicated", || async { cli(cache.west.1, &["GET", "kept"]) == "1" }).await;
    cache.east.0.signal(Signal::KILL);
    cache.is_moved(&daemon).await;
    daemon.stop().await;
}

#[tokio::test]
async fn standing_still_it_is_ended_before_its_replica_takes_over() {
    let cache = Cache::new().await;
    let daemon = cache.watched().await;
    assert_eq!(cli(cache.east.1, &["SET", "kept", "1"]), "OK");
    until("it is replicated", || async { cli(cache.west.1, &["GET", "kept"]) == "1" }).await;
    cache.east.0.signal(Signal::STOP);
    cache.is_moved(&daemon).await;
    cache.east.0.wakes();
    assert_ne!(cli(cache.east.1, &["SET", "late", "1"]), "OK", "the old side takes a write");
    daemon.stop().await;
}
