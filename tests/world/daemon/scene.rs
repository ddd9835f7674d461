//! A daemon's small world: targets and reference points that come and go, its config, its store.

use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One service `shop` in two regions, looked at by TCP once a second; `more` is put at the end. Three failures, a second
/// look 300 ms after the first: a target that goes is down after 2.2 s at most.
pub(crate) fn shop(dir: &Path, [east, west]: [&str; 2], references: &[String], more: &str) {
    let store = dir.join("store");
    let text = format!(
        r#"format = 1
mode = "observe"
name = "o"
[region.east]
values = {{ web = "{east}" }}
[region.west]
values = {{ web = "{west}" }}
[observer.o]
region = "east"
[self_trust]
reference_points = {references:?}
[chronicle]
dir = {store:?}
[api]
listen = "127.0.0.1:0"
[service.shop]
regions = ["east", "west"]
stateless = true
[service.shop.probe.web]
kind = "tcp"
address = "{{region.web}}"
interval = "1s"
timeout = "400ms"
fast_interval = "300ms"
down_interval = "500ms"
[service.shop.scenario.gone]
when = {{ service = "down" }}
{more}
"#
    );
    std::fs::write(dir.join("watchkeeper.toml"), text).unwrap();
}

/// A target or reference point: a port that takes connections until it is told to be gone.
pub(crate) struct Target {
    at: SocketAddr,
    takes: Option<JoinSet<()>>,
}

impl Target {
    pub(crate) async fn new() -> Target {
        let mut new = Target { at: SocketAddr::from(([127, 0, 0, 1], 0)), takes: None };
        new.comes().await;
        new
    }

    pub(crate) async fn comes(&mut self) {
        let listener = TcpListener::bind(self.at).await.unwrap();
        self.at = listener.local_addr().unwrap();
        let mut takes = JoinSet::new();
        takes.spawn(async move { while listener.accept().await.is_ok() {} });
        self.takes = Some(takes);
    }

    /// Its port refuses from now on.
    pub(crate) async fn goes(&mut self) {
        self.takes.take().unwrap().shutdown().await;
    }

    pub(crate) fn address(&self) -> String {
        self.at.to_string()
    }
}

/// Two targets and three reference points, all of them there.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) east: Target,
    pub(crate) west: Target,
    points: [Target; 3],
}

impl World {
    pub(crate) async fn new(more: &str) -> World {
        let points = [Target::new().await, Target::new().await, Target::new().await];
        let (east, west) = (Target::new().await, Target::new().await);
        let new = World { folder: tempfile::tempdir().unwrap(), east, west, points };
        new.write(more);
        new
    }

    /// Its config, with that at the end.
    pub(crate) fn write(&self, more: &str) {
        let points: Vec<String> = self.points.iter().map(Target::address).collect();
        shop(self.path(), [&self.east.address(), &self.west.address()], &points, more);
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The session in the store: its number, and until when it lives.
    pub(crate) fn session(&self) -> Option<(i64, i64)> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let file = self.path().join("store/watchkeeper.db");
        let store = rusqlite::Connection::open_with_flags(file, flags).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        store.query_row("SELECT id, until FROM sessions", [], row).ok()
    }
}
