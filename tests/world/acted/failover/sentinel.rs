//! Redis Sentinel, beside us: three sentinels fail over the same pair, tuned as fast as Redis' documents allow.
//!
//! `down-after-milliseconds` is our interval. A failover waits for up to a second of chance by itself (two sentinels must not
//! begin together); nothing sets that.

use std::process::Command;

use rustix::process::Signal;
use watchkeeper::core::time::Mono;

use super::ours::Fault;
use super::outside::{Line, any_moment, seen};
use super::times::Times;
use crate::acted::cache::cli;
use crate::child::{Server, free_port, until};
use crate::daemon::program::now;
use crate::evil::Dice;
use crate::redis::server;

pub(super) const PROMOTED: &str = "seen: a write is taken elsewhere";
pub(super) const LED: &str = "seen: the sentinels name the new primary";

/// What each of them is told.
pub(super) const SETTINGS: &str =
    "down-after-milliseconds 1000, failover-timeout 3000, parallel-syncs 1, quorum 2 of 3";

/// A pair and its three sentinels.
pub(super) struct Pair {
    old: (Server, u16),
    new: (Server, u16),
    sentinels: Vec<(Server, u16)>,
    _folder: tempfile::TempDir,
}

impl Pair {
    pub(super) async fn new() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let old = server(folder.path(), &[]).await;
        let at = old.1.to_string();
        let new = server(folder.path(), &["--replicaof", "127.0.0.1", &at]).await;
        until("the replica's link is up", || async {
            cli(new.1, &["INFO", "replication"]).contains("master_link_status:up")
        })
        .await;
        let mut sentinels = Vec::new();
        for number in 0..3 {
            let port = free_port();
            let dir = folder.path().join(format!("sentinel-{number}"));
            std::fs::create_dir(&dir).unwrap();
            let conf = dir.join("conf");
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor shop 127.0.0.1 {at} 2\n\
                 sentinel down-after-milliseconds shop 1000\nsentinel failover-timeout shop 3000\n\
                 sentinel parallel-syncs shop 1\n",
                dir.display()
            );
            std::fs::write(&conf, text).unwrap();
            let mut command = Command::new("redis-sentinel");
            sentinels.push((Server::start(command.arg(&conf).current_dir(&dir), Signal::KILL), port));
        }
        Pair { old, new, sentinels, _folder: folder }
    }

    /// Each sentinel knows the two others and the replica.
    async fn is_known(&self) {
        for (_, port) in &self.sentinels {
            until("the sentinel knows everybody", || async {
                let said = cli(*port, &["SENTINEL", "MASTER", "shop"]);
                said.contains("num-other-sentinels\n2")
                    && said.contains("num-slaves\n1")
                    && said.contains("flags\nmaster\n")
            })
            .await;
        }
    }

    pub(super) async fn fails_over(self, fault: Fault, dice: &mut Dice, times: &mut Times) {
        self.is_known().await;
        let line = Line::new(self.new.1);
        let sentinels: Vec<Line> = self.sentinels.iter().map(|(_, port)| Line::new(*port)).collect();
        let port = format!("\r\n{}\r\n", self.new.1);
        let says = async |sentinel: &Line| {
            let said = sentinel.asks("SENTINEL GET-MASTER-ADDR-BY-NAME shop", 5).await;
            said.is_some_and(|said| said.contains(&port))
        };
        any_moment(dice).await;
        let from = now();
        fault.strikes(self.old.0.pid());
        let (promoted, one, two, three) = tokio::join!(
            seen("the replica takes a write", || line.writes()),
            seen("the first sentinel names it", || says(&sentinels[0])),
            seen("the second sentinel names it", || says(&sentinels[1])),
            seen("the third sentinel names it", || says(&sentinels[2])),
        );
        let at = |when: Mono| when.since(from);
        times.add(PROMOTED, at(promoted));
        // A client asks any of them; the one that led the failover is the first to know.
        times.add(LED, at(one.min(two).min(three)));
        times.add("seen: the last sentinel names it too", at(one.max(two).max(three)));
    }
}
