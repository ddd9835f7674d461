//! How long a failover takes, in twenty runs each, beside Patroni and Redis Sentinel in the same hour on the same machine.
//!
//! `./test failover` runs it on an optimised build, and fails if a target is missed. It is no part of the ordinary tests.
//! What a user sees is asked from outside, every five milliseconds; the phases are what the chronicle says of them.

mod ours;
mod outside;
mod patroni;
mod sentinel;
mod times;

use ours::{FAST, Fault, Seat};
use patroni::Loss;
use times::{Times, text};
use watchkeeper::core::time::Span;

use crate::evil::Dice;

/// Of each; `./test failover` says nothing else.
const RUNS: usize = 20;
/// So many pairs of Redis with their sentinels wait at once: sentinels need seconds to know each other, and next to nothing
/// while they wait.
const WAITING: usize = 5;

/// How much others ask of the machine.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// What was measured, and what `check` has to say of the config: its worst case, and the heads of its warnings.
fn shown(times: &Times, title: &str, check: &str) {
    times.show(&format!("{title} (load {})", load()));
    let heads = check.lines().filter(|line| line.contains(" at worst ") || line.contains('⚠'));
    heads.for_each(|line| println!("  check: {}", line.trim()));
}

async fn sentinels(runs: usize, fault: Fault, dice: &mut Dice) -> Times {
    let mut times = Times::default();
    for first in (0..runs).step_by(WAITING) {
        let mut pairs = Vec::new();
        for _ in first..runs.min(first + WAITING) {
            pairs.push(sentinel::Pair::new().await);
        }
        for pair in pairs {
            pair.fails_over(fault, dice, &mut times).await;
        }
    }
    times
}

async fn patronis(runs: usize, loss: Loss, dice: &mut Dice) -> Times {
    let mut times = Times::default();
    let mut pair = patroni::Pair::new().await;
    for _ in 0..runs {
        pair.fails_over(loss, dice, &mut times).await;
    }
    times
}

/// One line of the end, and whether it is met.
fn target(what: &str, measured: Span, limit: Span) -> bool {
    let met = measured <= limit;
    println!(
        "  {:8} {what}: {} of at most {}",
        if met { "met" } else { "NOT MET" },
        text(measured).trim(),
        text(limit).trim()
    );
    met
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a command of its own, most of an hour: ./test failover"]
async fn beside_patroni_and_sentinel() {
    // A number behind the test's name is for a quick look.
    let runs = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    // Where between two looks each fault comes; no two runs of this are alike anyway.
    let mut dice = Dice(crate::daemon::program::now().as_micros());
    println!(
        "interval {}, fast_interval 200ms, timeout {}, fall 3, for 0s, ask {}; {runs} runs each; load {}",
        FAST.interval,
        FAST.timeout,
        FAST.ask,
        load()
    );
    let mut ours = Vec::new();
    for (fault, seat) in
        [(Fault::Killed, Seat::There), (Fault::Killed, Seat::Elsewhere), (Fault::Frozen, Seat::There)]
    {
        let (mut times, mut check) = (Times::default(), String::new());
        for _ in 0..runs {
            check = ours::database(fault, seat, &mut dice, &mut times).await;
        }
        let by = match seat {
            Seat::There => "stopped by the observer beside it",
            Seat::Elsewhere => "ended from outside (exec), the observer elsewhere",
        };
        shown(&times, &format!("watchkeeper, PostgreSQL, {}, {by}", fault.word()), &check);
        ours.push(times);
    }
    let mut caches = Vec::new();
    for fault in [Fault::Killed, Fault::Frozen] {
        let (mut times, mut check) = (Times::default(), String::new());
        for _ in 0..runs {
            check = ours::cache(fault, &mut dice, &mut times).await;
        }
        shown(&times, &format!("watchkeeper, Redis, {}, ended from outside (exec)", fault.word()), &check);
        caches.push(times);
    }
    let mut redis = Vec::new();
    for fault in [Fault::Killed, Fault::Frozen] {
        let times = sentinels(runs, fault, &mut dice).await;
        times.show(&format!("Redis Sentinel, {} (load {}); {}", fault.word(), load(), sentinel::SETTINGS));
        redis.push(times);
    }
    let database = patronis(runs, Loss::Database, &mut dice).await;
    database.show(&format!("Patroni, SIGKILL of PostgreSQL alone (load {}); {}", load(), patroni::SETTINGS));
    let machine = patronis(runs, Loss::Machine, &mut dice).await;
    machine.show(&format!(
        "Patroni, SIGKILL of PostgreSQL and of Patroni beside it (load {}); the same",
        load()
    ));

    println!("\ntargets");
    let mut met = true;
    let (killed, elsewhere) = (&ours[0], &ours[1]);
    for (what, times) in
        [("PostgreSQL", killed), ("PostgreSQL, ended from outside", elsewhere), ("Redis", &caches[0])]
    {
        let took = times.percent(99, ours::VERIFIED);
        met &= target(&format!("{what}, SIGKILL to verified, p99"), took, Span::millis(2_500));
    }
    let fifth = |times: &Times| Span::micros(times.percent(50, patroni::PROMOTED).as_micros() / 5);
    met &= target(
        "PostgreSQL, ended from outside, SIGKILL to verified, p50, beside a fifth of Patroni's to a write, its machine lost",
        elsewhere.percent(50, ours::VERIFIED),
        fifth(&machine),
    );
    for (at, fault) in ["SIGKILL", "SIGSTOP"].into_iter().enumerate() {
        for (what, mine, theirs) in
            [("a write", ours::PROMOTED, sentinel::PROMOTED), ("clients led", ours::LED, sentinel::LED)]
        {
            for percent in [50, 99] {
                met &= target(
                    &format!("Redis, {fault} to {what}, p{percent}, beside Sentinel's"),
                    caches[at].percent(percent, mine),
                    redis[at].percent(percent, theirs),
                );
            }
        }
    }
    let beside = database.percent(50, patroni::PROMOTED);
    println!(
        "  no target: PostgreSQL alone killed, Patroni lives: ours verified p50 {}, Patroni's to a write p50 {}",
        text(killed.percent(50, ours::VERIFIED)).trim(),
        text(beside).trim(),
    );
    assert!(met, "a target is missed");
}
