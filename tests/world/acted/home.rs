//! The old primary comes back: nobody is led there, it is made a standby of the new one by pg_rewind, and on request the
//! service goes home. A user writes all the time where the name points, and misses no row that was acknowledged.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use watchkeeper::core::time::{Mono, Span};

use super::shop::{MOVED, Shop, comes, fails_over, gate, over, program, says};
use crate::child::until;
use crate::daemon::program::{Daemon, now, pass};
use crate::look::look_for;
use crate::postgres::Place;

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// `@HALT@`, `@GONE@`, `@REWIND@` and `@START@` are programs that are told a data directory.
const PLANS: &str = r#"
[service.shop.probe.follows]
kind = "postgres"
check = "wal_receiver"
tier = "inform"
role = "standby"
dsn = "{region.db}"
interval = "2500ms"
timeout = "2s"
down_interval = "500ms"
[service.shop.scenario.lost]
when = { service = "down", for = "0s" }
plan = "failover"
mode = "auto"
[service.shop.plan.failover]
kind = "failover"
fence = ["stop_old"]
[service.shop.plan.failover.step.stop_old]
kind = "exec"
acts_as = "fences"
region = "{from}"
argv = ["@HALT@", "{region.data}"]
observe = ["@GONE@", "{region.data}"]
timeout = "15s"
[service.shop.plan.rejoin]
kind = "rejoin"
[service.shop.plan.rejoin.step.stop]
kind = "postgres_fence"
dsn = "{region.db}"
how = "stop"
data_dir = "{region.data}"
timeout = "10s"
[service.shop.plan.rejoin.step.rewind]
kind = "exec"
needs = ["stop"]
argv = ["@REWIND@", "{region.data}"]
timeout = "30s"
[service.shop.plan.rejoin.step.start]
kind = "exec"
needs = ["rewind"]
argv = ["@START@", "{region.data}"]
timeout = "20s"
[service.shop.plan.rejoin.step.check]
kind = "verify"
needs = ["start"]
probes = ["lives", "follows"]
timeout = "40s"
"#;

/// What an operator has beside his config: programs that know each server by its data directory.
fn programs(shop: &Shop) -> String {
    let own = shop.place.user.map_or_else(String::new, |(user, group)| {
        format!("setpriv --reuid={user} --regid={group} --clear-groups")
    });
    let (place, east, west) = (shop.place.path(""), shop.east.port, shop.west.port);
    let place = place.display();
    let head = format!(
        "cd {place}\nrun='{own} {BIN}'\n\
         case \"$1\" in */primary) mine={east} other={west};; */standby) mine={west} other={east};; *) exit 64;; esac\n\
         lives() {{ ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -q -- \"-> $1\\$\"; }}\n"
    );
    let halt = "lives \"$1\" || exit 0\n$run/pg_ctl -D \"$1\" -m fast -t 5 stop || $run/pg_ctl -D \"$1\" -m immediate stop";
    let gone = "lives \"$1\" && exit 1; exit 0";
    // The new primary's control file still names the old timeline until it has made a checkpoint.
    let rewind = format!(
        "set -e\nsource=\"host={place} port=$other user=postgres dbname=postgres\"\n\
         $run/psql -Xq \"$source\" -c CHECKPOINT -c \"SELECT pg_create_physical_replication_slot('standby') \
         WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'standby')\" >/dev/null\n\
         $run/pg_rewind -D \"$1\" -R --source-server=\"$source\" >&2"
    );
    // What a program leaves behind must have a session of its own, and hold nothing of its output.
    let start = format!(
        "exec $run/pg_ctl -D \"$1\" -w -l \"$1.log\" -o \"-p $mine -k {place} -c listen_addresses=127.0.0.1 -c fsync=off \
         -c wal_retrieve_retry_interval=200ms\" start >/dev/null 2>&1"
    );
    let mut plans = PLANS.to_owned();
    for (name, text) in [("halt", halt), ("gone", gone), ("rewind", &rewind), ("start", &start)] {
        let path = program(shop.path(), name, &format!("{head}{text}"));
        plans = plans.replace(&format!("@{}@", name.to_uppercase()), &path);
    }
    plans
}

/// A server that the daemon's program has started: nobody's child, so it is ended by hand.
struct Left<'a>(&'a Place, &'a str);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let data = self.0.path(self.1);
        let mut stop = self.0.tool("pg_ctl");
        stop.args(["-D", data.to_str().unwrap(), "-m", "immediate", "stop"]);
        stop.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

#[derive(Default)]
struct Wrote {
    /// Each row that was acknowledged, and at which port.
    rows: Vec<(i32, u16)>,
    tried: i32,
    paused: bool,
}

/// A user who asks for the name at every order, and writes where it points, in one session as long as it points there.
struct User {
    wrote: Arc<Mutex<Wrote>>,
    task: JoinHandle<()>,
}

impl User {
    fn of(shop: &Shop) -> User {
        let wrote = Arc::new(Mutex::new(Wrote::default()));
        let (kept, dns, ports) = (wrote.clone(), shop.named.port, [shop.east.port, shop.west.port]);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(250));
            let mut session: Option<(u16, Client)> = None;
            loop {
                ticks.tick().await;
                let n = {
                    let mut wrote = kept.lock().unwrap();
                    if wrote.paused {
                        continue;
                    }
                    wrote.tried += 1;
                    wrote.tried
                };
                let Some(at) = led_to(dns).await else { continue };
                let port = ports[usize::from(at.octets()[3]) - 1];
                let order = async {
                    let client =
                        match session.take().filter(|(at, client)| *at == port && !client.is_closed()) {
                            Some((_, client)) => client,
                            None => connects(port).await?,
                        };
                    order(&client, n).await.map(|()| client)
                };
                if let Ok(Ok(client)) = tokio::time::timeout(Duration::from_secs(5), order).await {
                    kept.lock().unwrap().rows.push((n, port));
                    session = Some((port, client));
                }
            }
        });
        User { wrote, task }
    }

    fn rows(&self) -> Vec<(i32, u16)> {
        self.wrote.lock().unwrap().rows.clone()
    }

    fn pauses(&self, paused: bool) {
        self.wrote.lock().unwrap().paused = paused;
    }

    /// Writes so many more rows at that port.
    async fn writes_at(&self, port: u16) {
        let before = self.rows().len();
        until("the user writes there", || async {
            self.rows()[before..].iter().filter(|(_, at)| *at == port).count() >= 3
        })
        .await;
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn led_to(dns: u16) -> Option<Ipv4Addr> {
    let asked = crate::dns::dns("www.shop.test", "A", &[format!("127.0.0.1:{dns}")], 1);
    let found = look_for(asked, &[], 1_000).await;
    let (_, answer) = found.shown.iter().find(|(name, _)| name == "answer")?;
    serde_json::from_str::<Vec<Ipv4Addr>>(answer).ok()?.first().copied()
}

async fn connects(port: u16) -> Result<Client, tokio_postgres::Error> {
    let dsn = format!("postgresql://wk:secret@127.0.0.1:{port}/postgres?sslmode=disable");
    let (client, connection) = tokio_postgres::connect(&dsn, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn order(client: &Client, n: i32) -> Result<(), tokio_postgres::Error> {
    client.execute(&format!("INSERT INTO orders VALUES ({n})"), &[]).await.map(drop)
}

/// The primary was killed, and the service has moved; the user's orders that were acknowledged before are in the west.
async fn moved() -> (Shop, Daemon, User, Mono) {
    let mut shop = Shop::new().await;
    // Without hints nothing can be rewound.
    shop.place.sql(shop.east.port, "ALTER SYSTEM SET wal_log_hints = on");
    shop.east.end();
    shop.east = shop.place.again("primary", shop.east.port).await;
    let plans = programs(&shop);
    let keys = "rejoin = \"rejoin\"\nquarantine = \"2s\"\ndrift_after = \"15s\"";
    shop.write_with(keys, &format!("{plans}{MOVED}"));
    // Who dies refuses at once; who is only slow, since the machine is, is not to be taken for dead.
    let file = shop.path().join("watchkeeper.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text =
        text.replace("interval = \"2500ms\"\ntimeout = \"2s\"", "interval = \"5s\"\ntimeout = \"4500ms\"");
    std::fs::write(&file, text.replace("ask = \"3s\"", "ask = \"6s\"")).unwrap();
    let daemon = shop.watched().await;
    let began = now();
    let (east, west) = (shop.east.port, shop.west.port);
    let user = User::of(&shop);
    user.writes_at(east).await;
    // What was not replicated yet would be lost with the primary: that is another story.
    user.pauses(true);
    until("the standby has it all", || async {
        let of = |port| shop.place.asks(port, "SELECT count(*), max(n) FROM orders");
        of(east) == of(west)
    })
    .await;
    shop.east.server.signal(Signal::KILL);
    user.pauses(false);
    fails_over(&daemon).await;
    shop.east.end();
    user.writes_at(west).await;
    let view = daemon.shop().await;
    assert_eq!(
        (&view["active"], &view["regions"][0]["quarantined"]),
        (&json!("west"), &json!(true)),
        "{view}"
    );
    (shop, daemon, user, began)
}

/// It follows the west, and may be a candidate again.
async fn has_rejoined(shop: &Shop, daemon: &Daemon) {
    comes(daemon, "east has rejoined, and may be a candidate", |view| {
        view["regions"][0]["quarantined"] == false && view["runs"] == json!([])
    })
    .await;
    assert_eq!(shop.place.asks(shop.east.port, "SELECT pg_is_in_recovery()"), "t", "it follows");
    let client = connects(shop.east.port).await.unwrap();
    let refused = order(&client, -1).await.unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "it takes no writes");
    let view = daemon.shop().await;
    assert_eq!((&view["active"], over(&view)), (&json!("west"), Some("done")), "{view}");
}

#[tokio::test]
async fn the_old_primary_rejoins_and_the_service_goes_home_on_request() {
    let (mut shop, daemon, user, began) = moved().await;
    let (east, west) = (shop.east.port, shop.west.port);
    // There is no way home yet.
    let (code, told) = says(&daemon, "failback", json!({ "phrase": "FAILBACK shop TO east" })).await;
    assert_eq!((code, &told["why"]), (409, &json!("gates")), "{told}");
    assert_eq!(gate(&told["preview"], "quarantine")[0], "blocks", "{told}");
    // Who has known the record for less than `drift_after` takes what it sees then for drift, which only a person ends.
    pass(Span::secs(16).less(now() - began)).await;
    // Somebody starts the old primary, as it was: it does not know that it has lost the role.
    shop.east = shop.place.again("primary", east).await;
    let left = Left(&shop.place, "primary");
    assert_eq!(shop.place.asks(east, "SELECT pg_is_in_recovery()"), "f", "it would take writes");
    has_rejoined(&shop, &daemon).await;
    let events = daemon.events().await;
    assert!(
        events.of("started")[1].contains("plan rejoin is started by itself"),
        "{:?}",
        events.of("started")
    );
    assert_eq!(events.of("drifted"), [""; 0]);
    user.writes_at(west).await;
    goes_home(&daemon).await;
    user.writes_at(east).await;
    user.pauses(true);
    let view = daemon.shop().await;
    assert_eq!(
        (&view["active"], &view["regions"][1]["quarantined"]),
        (&json!("east"), &json!(true)),
        "{view}"
    );
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.1");
    // What was acknowledged anywhere is at home now; and it was written where the service was active, nowhere else.
    let there = shop.place.asks(east, "SELECT n FROM orders");
    let there: Vec<i32> = there.lines().map(|n| n.parse().unwrap()).collect();
    let rows = user.rows();
    let lost: Vec<_> = rows.iter().filter(|(n, _)| !there.contains(n)).collect();
    assert!(lost.is_empty(), "lost: {lost:?} of {} rows", rows.len());
    let mut ports: Vec<u16> = rows.iter().map(|(_, port)| *port).collect();
    let in_west = ports.iter().filter(|port| **port == west).count();
    ports.dedup();
    assert_eq!(ports, [east, west, east], "{rows:?}");
    println!("{} rows acknowledged, {in_west} of them in the west: none is lost", rows.len());
    daemon.stop().await;
    drop(left);
}

#[tokio::test]
async fn one_that_stays_stopped_rejoins_when_a_person_says_so() {
    let (shop, daemon, user, _) = moved().await;
    let order = json!({ "plan": "rejoin", "region": "east" });
    let (code, told) = says(&daemon, "run", order.clone()).await;
    assert_eq!((code, &told["phrase"]), (428, &json!("RUN rejoin ON shop")), "{told}");
    assert_eq!(
        (&told["preview"]["kind"], &told["preview"]["open"]),
        (&json!("rejoin"), &json!(true)),
        "{told}"
    );
    assert_eq!(daemon.events().await.of("started").len(), 1, "nothing has started by itself");
    let left = Left(&shop.place, "primary");
    let mut said = order;
    said["phrase"] = json!("RUN rejoin ON shop");
    let (code, told) = says(&daemon, "run", said).await;
    assert_eq!((code, &told["answer"]), (200, &json!("started")), "{told}");
    has_rejoined(&shop, &daemon).await;
    user.writes_at(shop.west.port).await;
    let newest = user.rows().last().unwrap().0.to_string();
    until("what is written in the west is in the east", || async {
        shop.place.asks(shop.east.port, &format!("SELECT n FROM orders WHERE n = {newest}")) == newest
    })
    .await;
    daemon.stop().await;
    drop(left);
}

/// By the command line, which shows it, says the phrase, and follows the run to its end.
async fn goes_home(daemon: &Daemon) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.args(["failback", "shop", "--reason", "east is whole again", "--yes", "FAILBACK shop TO east"]);
    let ended = command.env("WATCHKEEPER_API", daemon.address().to_string()).stdin(Stdio::null()).output();
    let ended = ended.await.unwrap();
    let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert!(ended.status.success(), "{said}\n{}\n{}", daemon.shop().await, daemon.log());
    assert!(said.contains("west -> east"), "{said}");
}
