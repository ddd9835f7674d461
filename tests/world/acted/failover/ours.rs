//! The daemon fails over a database and a cache that were killed or stand still: when a user sees what, and what the daemon
//! says of each phase.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use watchkeeper::core::time::{Mono, Now, Span};

use super::outside::{Asker, Line, Writer, any_moment, get, seen};
use super::times::Times;
use crate::acted::cache::Cache;
use crate::acted::shop::{Pace, Shop, fails_over};
use crate::daemon::program::Daemon;
use crate::evil::Dice;
use crate::look::clock;

/// As the issue has it; an ask as short as `check` takes without a warning, and a fence that is firm after 0.9 s.
pub(super) const FAST: Pace = Pace { interval: "1s", timeout: "300ms", ask: "310ms", fence: "1500ms" };

pub(super) const PROMOTED: &str = "seen: a write is taken elsewhere";
pub(super) const LED: &str = "seen: the name leads there";
pub(super) const VERIFIED: &str = "seen: the run has ended, verified";

/// How the primary is lost.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    Killed,
    Frozen,
}

impl Fault {
    /// A server's head, and all that it has started.
    pub(super) fn strikes(self, pid: u32) {
        let signal = match self {
            // What it has started ends with it.
            Fault::Killed => return send(pid, Signal::KILL),
            Fault::Frozen => Signal::STOP,
        };
        send(pid, signal);
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().for_each(|child| send(child.parse().unwrap(), signal));
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Fault::Killed => "SIGKILL",
            Fault::Frozen => "SIGSTOP",
        }
    }
}

/// A process of its own that has ended meanwhile needs no signal.
pub(super) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).ok();
}

/// Where our one observer stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Seat {
    /// Beside the primary, which it stops itself.
    There,
    /// In a place of its own: what is left of the old region is ended from outside.
    Elsewhere,
}

pub(super) async fn database(fault: Fault, seat: Seat, dice: &mut Dice, times: &mut Times) -> String {
    let mut shop = Shop::new().await;
    shop.pace = FAST;
    match seat {
        Seat::There => shop.usual("auto"),
        Seat::Elsewhere => shop.elsewhere("auto"),
    }
    let said = check(shop.path());
    let daemon = shop.watched().await;
    let dsn = format!("postgresql://wk:secret@127.0.0.1:{}/postgres", shop.west.port);
    let (writer, asker) = (Writer::new(&dsn).await, Asker::new(shop.named.port).await);
    any_moment(dice).await;
    let from = clock()();
    fault.strikes(shop.east.server.pid());
    let sees = watches(&daemon, &asker, seen("the standby takes a write", || writer.writes()), from).await;
    told(&daemon, from, times).await;
    sees.iter().for_each(|(what, at)| times.add(what, *at));
    daemon.stop().await;
    shop.east.end();
    said
}

pub(super) async fn cache(fault: Fault, dice: &mut Dice, times: &mut Times) -> String {
    let mut cache = Cache::new().await;
    cache.pace = FAST;
    let daemon = cache.watched().await;
    let said = check(cache.path());
    let (line, asker) = (Line::new(cache.west.1), Asker::new(cache.named.port).await);
    any_moment(dice).await;
    let from = clock()();
    fault.strikes(cache.east.0.pid());
    let sees = watches(&daemon, &asker, seen("the replica takes a write", || line.writes()), from).await;
    told(&daemon, from, times).await;
    sees.iter().for_each(|(what, at)| times.add(what, *at));
    daemon.stop().await;
    said
}

/// What users see; the run has ended once the API says so.
async fn watches(
    daemon: &Daemon,
    asker: &Asker,
    promoted: impl Future<Output = Mono>,
    from: Now,
) -> [(&'static str, Span); 3] {
    let (promoted, led, verified) = tokio::join!(
        promoted,
        seen("the name leads there", || asker.says([10, 0, 0, 2])),
        seen("the run has ended", || async {
            let events = get(daemon.address(), "/api/v1/services/shop/events?limit=3").await;
            events.is_some_and(|(_, body)| body.contains("\"kind\":\"ended\""))
        }),
    );
    // That it ended is not that it is well.
    fails_over(daemon).await;
    let at = |when: Mono| when.since(from.mono);
    [(PROMOTED, at(promoted)), (LED, at(led)), (VERIFIED, at(verified))]
}

/// Each phase, as the chronicle has it: how long it took.
async fn told(daemon: &Daemon, from: Now, times: &mut Times) {
    let (_, body) = daemon.get("/api/v1/services/shop/events?limit=1000").await;
    let mut page: Value = serde_json::from_str(&body).unwrap();
    let mut events = page["events"].as_array_mut().map(std::mem::take).unwrap();
    events.retain(|event| event["micros"].as_u64().unwrap() >= from.wall.as_micros());
    events.reverse();
    let mut phase_from = Span::ZERO;
    let mut phase = |name: &str, is: &dyn Fn(&Value) -> bool, last: bool| {
        let mut of = events.iter().filter(|event| is(event));
        let Some(event) = (if last { of.next_back() } else { of.next() }) else {
            panic!("the chronicle says nothing of: {name}\n{events:#?}\n{}", daemon.log());
        };
        let at = Span::micros(event["micros"].as_u64().unwrap() - from.wall.as_micros());
        times.add(name, at.less(phase_from));
        phase_from = at;
        at
    };
    let turn = |event: &Value| event["kind"] == "incident" && event["body"]["turn"] == "blipped";
    phase("unseen: to the first failed sample", &turn, false);
    let falls = |event: &Value| {
        let bad = ["down", "gone"].map(Value::from).contains(&event["body"]["worst"]);
        event["kind"] == "standing" && event["body"]["region"] == "east" && bad
    };
    let verdict = phase("detect: three strikes, the verdict", &falls, false);
    let would = |event: &Value| event["body"]["decision"] == "would_start";
    phase("confirm: looked again, no gate in the way", &would, false);
    phase("decide: the start is durable", &|event| event["kind"] == "started", false);
    for (name, step) in [
        ("fence: the old side is settled", "stop_old"),
        ("promote: done and verified", "promote"),
        ("route: the name is changed and read back", "name"),
        ("verify: a probe finds it writable", "check"),
    ] {
        phase(name, &|event| event["body"]["step"] == step && event["body"]["entry"] == "heard", true);
    }
    let ended = phase("end: written", &|event| event["kind"] == "ended", false);
    times.add("told: fault to verdict", verdict);
    times.add("told: fault to the end, verified", ended);
}

/// What the program says of that config.
fn check(folder: &std::path::Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    let out = command.arg("check").arg(folder.join("watchkeeper.toml")).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}
