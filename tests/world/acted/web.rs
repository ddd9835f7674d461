//! A shop on the web that keeps nothing: two servers that say where they are, programs that mend or do not, a traffic
//! gate, and HAProxy that asks it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::shop::{comes, fails_over, program};
use crate::child::{Server, free_port, listens, until};
use crate::daemon::program::Daemon;
use crate::daemon::scene::Target;

/// A server that answers every request with where it is.
pub(super) struct Web {
    region: &'static str,
    at: SocketAddr,
    serves: Option<JoinSet<()>>,
}

impl Web {
    async fn new(region: &'static str) -> Web {
        let mut new = Web { region, at: SocketAddr::from(([127, 0, 0, 1], 0)), serves: None };
        new.comes().await;
        new
    }

    async fn comes(&mut self) {
        let listener = TcpListener::bind(self.at).await.unwrap();
        self.at = listener.local_addr().unwrap();
        let (mut serves, region) = (JoinSet::new(), self.region);
        serves.spawn(async move {
            let mut callers = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                callers.spawn(async move {
                    let mut asked = [0; 4_096];
                    if stream.read(&mut asked).await.is_ok_and(|read| read > 0) {
                        let answer =
                            format!("HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{region}", region.len());
                        stream.write_all(answer.as_bytes()).await.ok();
                    }
                });
            }
        });
        self.serves = Some(serves);
    }

    pub(super) async fn goes(&mut self) {
        self.serves.take().unwrap().shutdown().await;
    }
}

pub(super) struct Shop {
    folder: tempfile::TempDir,
    pub(super) east: Web,
    west: Web,
    points: [Target; 3],
    /// Where the daemon's API listens.
    port: u16,
}

impl Shop {
    pub(super) async fn new() -> Shop {
        let points = [Target::new().await, Target::new().await, Target::new().await];
        let (east, west) = (Web::new("east").await, Web::new("west").await);
        Shop { folder: tempfile::tempdir().unwrap(), east, west, points, port: free_port() }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, more: &str) {
        let points: Vec<String> = self.points.iter().map(Target::address).collect();
        let (east, west, dir) = (self.east.at, self.west.at, self.path());
        let (store, work, port) = (dir.join("store"), dir.join("work"), self.port);
        let text = format!(
            r#"format = 1
mode = "auto"
name = "o"
[region.east]
values = {{ web = "{east}" }}
[region.west]
values = {{ web = "{west}" }}
[observer.o]
region = "east"
[self_trust]
reference_points = {points:?}
[coordinator]
ask = "1s"
session = "5s"
margin = "1s"
[chronicle]
dir = {store:?}
[api]
listen = "127.0.0.1:{port}"
[exec]
allow = [{dir:?}]
dir = {work:?}
[service.shop]
regions = ["east", "west"]
stateless = true
stable = "2s"
[service.shop.probe.web]
kind = "http"
url = "http://{{region.web}}/health"
interval = "1s"
timeout = "400ms"
fast_interval = "200ms"
down_interval = "300ms"
{more}
"#
        );
        std::fs::write(dir.join("watchkeeper.toml"), text).unwrap();
    }

    /// Its config without the shop, and with another service.
    pub(super) fn write_without(&self) {
        let file = self.path().join("watchkeeper.toml");
        self.write("");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("[service.shop", "[service.other")).unwrap();
    }

    /// So much room must be left on the store's disk.
    pub(super) fn wants_free(&self, least: &str) {
        let file = self.path().join("watchkeeper.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let with = format!("[chronicle]\nmin_free = {least:?}");
        std::fs::write(&file, text.replace("[chronicle]", &with)).unwrap();
    }

    pub(super) async fn watched(&self) -> Daemon {
        self.watched_with(|_| {}).await
    }

    pub(super) async fn watched_with(&self, more: impl FnOnce(&mut tokio::process::Command)) -> Daemon {
        let daemon = Daemon::start_with(self.path(), more).await;
        daemon.sees_both_up().await;
        until("the claim is held", || async { daemon.shop().await["holder"] == "o" }).await;
        daemon
    }
}

const MOVE: &str = r#"
[service.shop.scenario.lost]
when = { service = "down", for = "0s" }
plan = "failover"
mode = "auto"
[service.shop.plan.failover]
kind = "failover"
[service.shop.plan.failover.step.gate]
kind = "traffic_gate"
on_lost = "close"
ttl = "5s"
[service.shop.plan.failover.step.check]
kind = "verify"
needs = ["gate"]
timeout = "10s"
"#;

async fn served_by(port: u16) -> Option<String> {
    let talk = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.0 200").then(|| body.to_owned())
    };
    tokio::time::timeout(std::time::Duration::from_secs(2), talk).await.ok().flatten()
}

#[tokio::test]
async fn haproxy_asks_the_gate_and_moves_its_users() {
    let mut shop = Shop::new().await;
    shop.write(MOVE);
    let daemon = shop.watched().await;
    let (front, api) = (free_port(), shop.port);
    let backend = |name: &str, at: SocketAddr| {
        format!(
            "backend {name}\n  option httpchk GET /gate/shop/{name}\n  default-server inter 200ms fall 1 rise 1\n  \
             server {name} {at} check addr 127.0.0.1 port {api}\n"
        )
    };
    let conf = format!(
        "global\n  maxconn 100\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n  \
         timeout check 1s\nfrontend users\n  bind 127.0.0.1:{front}\n  use_backend east if {{ nbsrv(east) gt 0 }}\n  \
         use_backend west if {{ nbsrv(west) gt 0 }}\n{}{}",
        backend("east", shop.east.at),
        backend("west", shop.west.at)
    );
    std::fs::write(shop.path().join("haproxy.cfg"), conf).unwrap();
    let file = shop.path().join("haproxy.cfg");
    let mut haproxy = Server::start(Command::new("haproxy").arg("-db").arg("-f").arg(file), Signal::KILL);
    until("HAProxy listens", || async { listens(front) }).await;
    until("users are led to east", || async { served_by(front).await.as_deref() == Some("east") }).await;
    assert_eq!(daemon.get("/gate/shop/east").await.0, 200);
    assert_eq!(daemon.get("/gate/shop/west").await.0, 503);
    assert_eq!(daemon.get("/gate/shop/north").await.0, 404);
    shop.east.goes().await;
    until("users are led to west", || async { served_by(front).await.as_deref() == Some("west") }).await;
    fails_over(&daemon).await;
    assert_eq!((daemon.get("/gate/shop/east").await.0, daemon.get("/gate/shop/west").await.0), (503, 200));
    // The old region is well again, and gets no users.
    shop.east.comes().await;
    until("east is up", || async { daemon.shop().await["regions"][0]["standing"] == "up" }).await;
    assert_eq!(served_by(front).await.as_deref(), Some("west"));
    // A daemon that stands still says nothing, and HAProxy sends nobody anywhere; a moment later all is as before.
    daemon.signal(Signal::STOP);
    until("nobody is led anywhere", || async { served_by(front).await.is_none() }).await;
    daemon.signal(Signal::CONT);
    until("users are led to west", || async { served_by(front).await.as_deref() == Some("west") }).await;
    haproxy.stop();
    daemon.stop().await;
}

#[tokio::test]
async fn a_repair_that_does_not_help_is_followed_by_the_failover() {
    let mut shop = Shop::new().await;
    let restart = program(shop.path(), "restart", "echo restarted >> \"$0.log\"");
    shop.write(&format!(
        r#"{MOVE}
[service.shop.scenario.mends]
when = {{ service = "down", for = "0s" }}
plan = "restart"
mode = "auto"
over = ["lost"]
[service.shop.scenario.vain]
when = {{ service = "down", tried = ["restart"], for = "1s" }}
plan = "failover"
mode = "auto"
[service.shop.plan.restart]
kind = "repair"
[service.shop.plan.restart.step.restart]
kind = "exec"
argv = [{restart:?}]
timeout = "5s"
"#
    ));
    let daemon = shop.watched().await;
    shop.east.goes().await;
    fails_over(&daemon).await;
    let events = daemon.events().await;
    let started = events.of("started");
    assert_eq!(started.len(), 2, "{events:#?}");
    assert!(started[0].contains("plan restart") && started[1].contains("plan failover"), "{started:?}");
    let log = std::fs::read_to_string(format!("{restart}.log")).unwrap();
    assert_eq!(log, "restarted\n", "it was restarted once");
    assert_eq!(daemon.shop().await["active"], "west");
    daemon.stop().await;
}

#[tokio::test]
async fn a_repair_that_helps_moves_nothing() {
    let mut shop = Shop::new().await;
    let restart = program(shop.path(), "restart", "touch \"$0.done\"");
    shop.write(&format!(
        r#"[service.shop.scenario.mends]
when = {{ service = "down", for = "0s" }}
plan = "restart"
mode = "auto"
[service.shop.plan.restart]
kind = "repair"
[service.shop.plan.restart.step.restart]
kind = "exec"
argv = [{restart:?}]
timeout = "5s"
[service.shop.plan.restart.step.check]
kind = "verify"
needs = ["restart"]
timeout = "10s"
"#
    ));
    let daemon = shop.watched().await;
    shop.east.goes().await;
    let done = Path::new(&restart).with_extension("done");
    comes(&daemon, "it was restarted", |_| done.exists()).await;
    shop.east.comes().await;
    until("the repair has ended", || async { daemon.events().await.of("ended").len() == 1 }).await;
    // What is shown is drawn now and then, and not for each event.
    comes(&daemon, "the start of the repair is shown", |view| view["epoch"] == 2).await;
    let view = daemon.shop().await;
    assert_eq!(
        (&view["active"], &view["last_failover"]),
        (&"east".into(), &serde_json::Value::Null),
        "{view}"
    );
    daemon.stop().await;
}
