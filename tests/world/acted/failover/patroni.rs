//! Patroni, beside us: two members and an etcd fail over the same PostgreSQL, tuned as fast as Patroni's documents allow.
//!
//! `ttl` has a documented minimum of 20 s, `loop_wait` of 1 s, `retry_timeout` of 3 s. `primary_start_timeout: 0` fails over
//! where a crashed primary would else be started again. All that it starts ends with a member, also when a test panics.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, set_child_subreaper, waitpid};
use watchkeeper::core::time::{Mono, Span};

use super::ours::send;
use super::outside::{Writer, any_moment, get, seen};
use super::times::Times;
use crate::child::{Server, free_port, listens, until};
use crate::daemon::program::now;
use crate::evil::Dice;
use crate::postgres::Place;

pub(super) const PROMOTED: &str = "seen: a write is taken elsewhere";
pub(super) const LED: &str = "seen: /primary answers 200 there";

pub(super) const SETTINGS: &str = "ttl 20, loop_wait 1, retry_timeout 3, primary_start_timeout 0; one etcd 3.4 on loopback; \
                                   wal_retrieve_retry_interval 200ms and fsync off, as ours";

/// What is lost of the region where it is primary.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// The database, and Patroni, which watches over it, lives.
    Database,
    /// Both, as when the machine goes.
    Machine,
}

/// A database with its Patroni.
struct Member {
    name: &'static str,
    port: u16,
    rest: u16,
    dir: PathBuf,
    patroni: Option<Server>,
}

impl Member {
    fn new(place: &Place, name: &'static str, etcd: u16) -> Member {
        let (port, rest) = (free_port(), free_port());
        let (dir, at) = (place.path(name), place.path(""));
        let (data, at) = (dir.display(), at.display());
        let text = format!(
            r#"scope: shop
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
etcd3: {{host: '127.0.0.1:{etcd}'}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    primary_start_timeout: 0
    postgresql:
      parameters: {{wal_retrieve_retry_interval: '200ms', fsync: 'off'}}
  initdb: [no-sync, {{auth-local: trust}}, {{auth-host: trust}}]
  pg_hba:
  - local all all trust
  - host all all 127.0.0.1/32 trust
  - host replication all 127.0.0.1/32 trust
postgresql:
  listen: '127.0.0.1:{port}'
  connect_address: '127.0.0.1:{port}'
  data_dir: '{data}'
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: '{data}.pgpass'
  basebackup: [{{checkpoint: fast}}, no-sync]
  parameters: {{unix_socket_directories: '{at}'}}
  authentication:
    superuser: {{username: postgres, password: secret}}
    replication: {{username: replicator, password: secret}}
"#
        );
        std::fs::write(place.path(&format!("{name}.yml")), text).unwrap();
        Member { name, port, rest, dir, patroni: None }
    }

    fn start(&mut self, place: &Place) {
        let mut command = Command::new("patroni");
        if let Some((user, group)) = place.user {
            command.uid(user).gid(group);
        }
        command
            .current_dir(place.path(""))
            .env("LC_ALL", "C.UTF-8")
            .arg(place.path(&format!("{}.yml", self.name)));
        let log = File::options()
            .create(true)
            .append(true)
            .open(place.path(&format!("{}.log", self.name)))
            .unwrap();
        self.patroni = Some(Server::logging(&mut command, Signal::KILL, Stdio::from(log)));
    }

    /// The first process of its database.
    fn postmaster(&self) -> Option<u32> {
        std::fs::read_to_string(self.dir.join("postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }

    async fn answers(&self, path: &str) -> bool {
        get(SocketAddr::from(([127, 0, 0, 1], self.rest)), path).await.is_some_and(|(code, _)| code == 200)
    }

    fn dsn(&self) -> String {
        format!("postgresql://postgres:secret@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends all of it.
    fn end(&mut self) {
        drop(self.patroni.take());
        if let Some(pid) = self.postmaster() {
            send(pid, Signal::QUIT);
            reap(pid);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for the end of a database's first process. Patroni leaves it to whoever takes orphans: this process.
fn reap(pid: u32) {
    waitpid(Pid::from_raw(i32::try_from(pid).unwrap()), WaitOptions::empty()).ok();
}

pub(super) struct Pair {
    /// The first is primary.
    members: [Member; 2],
    place: Place,
    _etcd: Server,
}

impl Pair {
    pub(super) async fn new() -> Pair {
        set_child_subreaper(Some(getpid())).unwrap();
        let place = Place::new();
        let (port, peer) = (free_port(), free_port());
        let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer}"));
        let mut command = Command::new("etcd");
        command.args(["--name", "one", "--initial-cluster", &format!("one={peer}"), "--data-dir"]);
        command.arg(place.path("etcd")).args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        let etcd = Server::start(&mut command, Signal::TERM);
        until("etcd listens", || async { listens(port) }).await;
        let members = ["one", "two"].map(|name| Member::new(&place, name, port));
        let mut new = Pair { members, place, _etcd: etcd };
        new.members[0].start(&new.place);
        new.becomes("Patroni has made a primary", async |pair| pair.members[0].answers("/primary").await)
            .await;
        new.place.sql(new.members[0].port, "CREATE TABLE orders(n int PRIMARY KEY)");
        new.members[1].start(&new.place);
        new
    }

    /// Whatever takes a process of Python's and a copy of a database: a minute at most.
    async fn becomes(&self, what: &str, holds: impl AsyncFn(&Pair) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let began = now();
        while !holds(self).await {
            ticks.tick().await;
            let log = |name: &str| {
                std::fs::read_to_string(self.place.path(&format!("{name}.log"))).unwrap_or_default()
            };
            assert!(
                now() - began < Span::mins(1),
                "not within a minute: {what}\n{}\n{}",
                log("one"),
                log("two")
            );
        }
    }

    /// It has a standby that may take over, and the cluster knows of it.
    async fn is_whole(&self) {
        self.becomes("the standby follows", async |pair| {
            let [old, new] = &pair.members;
            let known = get(SocketAddr::from(([127, 0, 0, 1], old.rest)), "/cluster").await;
            let known = known.is_some_and(|(_, body)| {
                body.matches("\"state\": \"running\"").count() == 2 || body.contains("streaming")
            });
            known
                && old.answers("/primary").await
                && new.answers("/replica?lag=0").await
                && pair
                    .place
                    .asks(old.port, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
                    == "1"
        })
        .await;
    }

    /// What is primary is lost; its standby takes over, and it is made anew as that one's standby.
    pub(super) async fn fails_over(&mut self, loss: Loss, dice: &mut Dice, times: &mut Times) {
        self.is_whole().await;
        let [old, new] = &mut self.members;
        let writer = Writer::new(&new.dsn()).await;
        any_moment(dice).await;
        let head = old.postmaster().expect("it runs");
        let from = now();
        if loss == Loss::Machine {
            old.patroni.as_ref().unwrap().signal(Signal::KILL);
        }
        send(head, Signal::KILL);
        // As a service manager would: else Patroni takes what has ended for running.
        reap(head);
        let (promoted, led) = tokio::join!(
            seen("the standby takes a write", || writer.writes()),
            seen("Patroni says that it is primary", || new.answers("/primary")),
        );
        let at = |when: Mono| when.since(from);
        times.add(PROMOTED, at(promoted));
        times.add(LED, at(led));
        old.end();
        until("nobody listens where it was", || async { !listens(old.port) }).await;
        std::fs::remove_dir_all(&old.dir).unwrap();
        old.start(&self.place);
        self.members.swap(0, 1);
    }
}
