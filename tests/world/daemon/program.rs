//! The program as a child of the test: started, asked, signalled, and gone when this is dropped.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use watchkeeper::core::time::{Mono, Span};

use crate::child::until;
use crate::look::clock;

/// A daemon, and where its API listens.
pub(crate) struct Daemon {
    child: Child,
    dir: PathBuf,
    at: SocketAddr,
}

/// What the chronicle says, oldest first.
#[derive(Debug)]
pub(crate) struct Events(Vec<Value>);

impl Daemon {
    /// On the config `watchkeeper.toml` of that folder.
    pub(crate) async fn start(dir: &Path) -> Daemon {
        Daemon::start_with(dir, |_| {}).await
    }

    /// The same, with what else the command needs.
    pub(crate) async fn start_with(dir: &Path, more: impl FnOnce(&mut Command)) -> Daemon {
        Daemon::of(spawn(dir, more), dir).await
    }

    /// The same, started by another program: it is given what `watchkeeper` would be.
    pub(crate) async fn start_as(dir: &Path, by: impl FnOnce([&str; 2]) -> Command) -> Daemon {
        let config = dir.join("watchkeeper.toml");
        Daemon::of(logging(dir, by(["run", config.to_str().unwrap()])), dir).await
    }

    async fn of(child: Child, dir: &Path) -> Daemon {
        let mut daemon = Daemon { child, dir: dir.to_owned(), at: SocketAddr::from(([0, 0, 0, 0], 0)) };
        until("the daemon says where its API listens", || {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon has ended ({ended:?}):\n{}", daemon.log());
            let at = daemon.listens();
            async move { at.is_some() }
        })
        .await;
        daemon.at = daemon.listens().unwrap();
        daemon
    }

    fn listens(&self) -> Option<SocketAddr> {
        let log = self.log();
        let mut lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let at = lines.find_map(|line| line["address"].as_str().map(str::to_owned))?;
        at.parse().ok()
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.at
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.talk(&format!("GET {path} HTTP/1.0\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let head = "content-type: application/json\r\nconnection: close";
        self.talk(&format!("POST {path} HTTP/1.0\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}")).await
    }

    /// HTTP/1.0: the answer ends with the connection.
    async fn talk(&self, asked: &str) -> (u16, String) {
        let talk = async {
            let mut stream = TcpStream::connect(self.at).await.expect("the API listens");
            stream.write_all(asked.as_bytes()).await.expect("it is asked");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it answers");
            answer
        };
        let answer =
            tokio::time::timeout(Duration::from_secs(30), talk).await.expect("an answer within 30 s");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code"), body.to_owned())
    }

    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/api/v1/status").await.1).expect("JSON")
    }

    /// The service `shop`, as the status shows it; null: not yet.
    pub(crate) async fn shop(&self) -> Value {
        let mut status = self.status().await;
        let services = status["services"].as_array_mut().expect("services");
        services.iter_mut().find(|service| service["name"] == "shop").map(Value::take).unwrap_or_default()
    }

    /// The same of a daemon that may be gone.
    pub(crate) async fn tries_shop(&self) -> Option<Value> {
        let talk = async {
            let mut stream = TcpStream::connect(self.at).await.ok()?;
            stream.write_all(b"GET /api/v1/status HTTP/1.0\r\n\r\n").await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            let mut status: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
            let services = status["services"].as_array_mut()?;
            services.iter_mut().find(|service| service["name"] == "shop").map(Value::take)
        };
        tokio::time::timeout(Duration::from_secs(5), talk).await.ok().flatten()
    }

    /// Whether it runs no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// A metric, with its labels as they are served; none: it is not served.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let (_, served) = self.get("/metrics").await;
        let line = served.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok())
    }

    /// Everything since the beginning, all lives of the daemon.
    pub(crate) async fn events(&self) -> Events {
        let (mut all, mut before) = (Vec::new(), u64::MAX >> 1);
        loop {
            let (_, page) = self.get(&format!("/api/v1/events?limit=1000&before={before}")).await;
            let mut page: Value = serde_json::from_str(&page).expect("JSON");
            let page = page["events"].as_array_mut().map(std::mem::take).expect("events");
            match page.last() {
                Some(oldest) => before = oldest["id"].as_u64().expect("an id"),
                None => break,
            }
            all.extend(page);
        }
        all.reverse();
        Events(all)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end, which must come within that time.
    pub(crate) async fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it has not ended within {limit:?}:\n{}", self.log())).unwrap()
    }

    /// As `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.ends_within(Duration::from_secs(20)).await;
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// Waits until it has both regions' targets for up.
    pub(crate) async fn sees_both_up(&self) {
        until("both regions are up", || async {
            let shop = self.shop().await;
            [0, 1].iter().all(|region| shop["regions"][region]["standing"] == "up")
        })
        .await;
    }
}

/// The program, with its log in the folder.
pub(crate) fn spawn(dir: &Path, more: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(["run", dir.join("watchkeeper.toml").to_str().unwrap()]);
    more(&mut command);
    logging(dir, command)
}

fn logging(dir: &Path, mut command: Command) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    // Where its address was logged before is not where it listens now.
    log.set_len(0).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    command.spawn().unwrap()
}

impl Events {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those of that kind.
    pub(crate) fn of(&self, kind: &str) -> Vec<&str> {
        let of = self.0.iter().filter(|event| event["kind"] == kind);
        of.filter_map(|event| event["body"]["text"].as_str()).collect()
    }

    /// A word that each of that kind holds.
    pub(crate) fn texts(&self, kind: &str, key: &str) -> Vec<&str> {
        let of = self.0.iter().filter(|event| event["kind"] == kind);
        of.filter_map(|event| event["body"][key].as_str()).collect()
    }

    /// A number that each of that kind holds.
    pub(crate) fn numbers(&self, kind: &str, key: &str) -> Vec<u64> {
        let of = self.0.iter().filter(|event| event["kind"] == kind);
        of.filter_map(|event| event["body"][key].as_u64()).collect()
    }

    /// Nobody was accused: no region is down by quorum or worse, and there was no incident.
    #[track_caller]
    pub(crate) fn accuse_nobody(&self) {
        let verdicts = self.of("standing");
        let bad = verdicts.iter().find(|text| !text.ends_with("well, or unknown"));
        assert_eq!(bad, None, "{verdicts:#?}");
        for kind in ["incident", "region_lost", "paged", "blind", "decided"] {
            let mut told = self.of(kind);
            // A blip is what a first failure is called until more is known; it has no number, and nobody hears of it.
            told.retain(|text| {
                !text.ends_with("no incident is open yet") && !text.ends_with("no incident was opened")
            });
            assert_eq!(told, [""; 0], "{kind}");
        }
    }
}

/// Lets that much time pass, where that is what the test is about.
pub(crate) async fn pass(span: Span) {
    let pending = tokio::time::timeout(Duration::from_micros(span.as_micros()), std::future::pending::<()>());
    assert!(pending.await.is_err());
}

/// What the boot-time clock shows.
pub(crate) fn now() -> Mono {
    clock()().mono
}
