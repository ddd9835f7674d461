//! Seeded worlds of several cores, and what must hold in each.
//!
//!     cargo test --release -p watchkeeper-core --test sim -- --seeds 100000 --from 0
//!     cargo test --release -p watchkeeper-core --test sim -- --seed 7 --trace
//!
//! Without arguments it runs the seeds in `failing.txt`, the ordinary number from a base that it prints, and the
//! first worlds twice, which must be the same to the byte. It exits with 1 on any violation.

mod coordinator;
mod fault;
mod ledger;
mod planted;
mod rng;
mod shape;
mod truth;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fault::{Fault, KINDS};
use ledger::Ledger;
use rng::Rng;
use shape::Shape;
use world::{LENGTH, World};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut seeds, mut from, mut one, mut trace, mut twice) = (None, None, None, false, 500);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok());
        match arg.as_str() {
            "--seeds" => seeds = number(),
            "--from" => from = number(),
            "--seed" => one = number(),
            "--twice" => twice = number().unwrap_or(twice),
            "--trace" => trace = true,
            // Whoever lists all tests of the workspace finds one here.
            "--list" => {
                println!("worlds: test");
                return ExitCode::SUCCESS;
            }
            "--format" | "terse" | "--ignored" | "--exact" | "--nocapture" | "worlds" => {}
            unknown => {
                eprintln!(
                    "sim: `{unknown}` is no argument of it: --seeds N, --from S, --seed S, --trace, --twice N"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    let shapes = shape::all();
    if let Some(seed) = one {
        let ledger = tell(&shapes, seed, trace);
        return verdict(&[(seed, ledger)]);
    }
    run(&shapes, seeds.unwrap_or(3_000), from.unwrap_or_else(base), twice)
}

/// Another base each day: rare bugs are found by looking elsewhere each time.
fn base() -> u64 {
    let day = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / 86_400);
    day * 1_000_000
}

#[expect(clippy::disallowed_methods, reason = "schedules a second are measured, by a clock")]
fn clock() -> Instant {
    Instant::now()
}

fn run(shapes: &[Shape], seeds: u64, from: u64, twice: u64) -> ExitCode {
    println!("sim: {} planted violations are reported", planted::all_are_reported());
    let start = clock();
    let mut broken = Vec::new();
    let (mut events, mut starts, mut refusals, mut asks, mut takeovers, mut isolated, mut pages) =
        (0, 0, 0, 0, 0, 0, 0);
    let mut bit = [0; KINDS.len()];
    let kept: Vec<u64> = include_str!("failing.txt")
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    let all = kept.iter().copied().chain(from..from + seeds);
    for seed in all {
        let ledger = live(shapes, seed, false).0;
        events += ledger.events;
        starts += ledger.starts;
        refusals += u64::from(ledger.refusals > 0);
        asks += ledger.asks;
        takeovers += ledger.takeovers;
        isolated += ledger.isolations;
        pages += ledger.pages;
        for (sum, one) in bit.iter_mut().zip(ledger.bit) {
            *sum += u64::from(one > 0);
        }
        if !ledger.broken.is_empty() {
            broken.push((seed, ledger));
        }
    }
    let taken = start.elapsed();
    let worlds = seeds + kept.len() as u64;
    println!(
        "sim: {worlds} worlds of {} s from seed {from}, {events} events, {starts} runs, {refusals} worlds with refusals, {asks} asks, {takeovers} takeovers, {isolated} isolations, {pages} pages",
        LENGTH / 1_000_000
    );
    println!(
        "sim: {:.0} schedules a second, {} violations",
        worlds as f64 / taken.max(Duration::from_millis(1)).as_secs_f64(),
        broken.len()
    );
    let faults: Vec<String> = KINDS.iter().zip(bit).map(|(kind, n)| format!("{kind} {n}")).collect();
    println!("sim: faults bit in so many worlds: {}", faults.join(", "));
    if worlds >= 1_000 {
        for (kind, n) in KINDS.iter().zip(bit) {
            assert!(n > 0, "no world had the fault `{kind}`");
        }
        assert!(starts > 0 && asks > 0 && takeovers > 0 && isolated > 0, "the worlds are too tame");
    }
    for seed in from..from + twice.min(seeds) {
        let (one, other) = (live(shapes, seed, true), live(shapes, seed, true));
        assert!(one.1 == other.1, "seed {seed} told two stories");
    }
    println!("sim: {} worlds told the same story twice, byte for byte", twice.min(seeds));
    println!("{} passed, {} failed", worlds - broken.len() as u64, broken.len());
    verdict(&broken)
}

fn verdict(broken: &[(u64, Ledger)]) -> ExitCode {
    for (seed, ledger) in broken.iter().take(20) {
        for what in &ledger.broken {
            println!("seed {seed}: {what}");
        }
    }
    if broken.iter().all(|(_, ledger)| ledger.broken.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One world, with its story if that is wanted.
fn live(shapes: &[Shape], seed: u64, trace: bool) -> (Ledger, Vec<String>) {
    let mut rng = Rng::new(seed);
    let shape = rng.pick(shapes);
    let faults = plan(&mut rng, shape);
    let mut world = World::new(shape, rng.next(), &faults, trace);
    world.run();
    (world.ledger, world.trace.unwrap_or_default())
}

fn tell(shapes: &[Shape], seed: u64, trace: bool) -> Ledger {
    let (ledger, story) = live(shapes, seed, trace);
    for line in story {
        println!("{line}");
    }
    ledger
}

/// What goes wrong, and when: nothing, one dead region, or anything.
fn plan(rng: &mut Rng, shape: &Shape) -> Vec<(Fault, u64, u64)> {
    let when = |rng: &mut Rng| {
        let from = rng.between(40_000_000, 400_000_000);
        (from, from + rng.between(1_000_000, 240_000_000))
    };
    match rng.below(8) {
        0 => Vec::new(),
        1 => vec![(Fault::RegionDies(0), rng.between(40_000_000, 300_000_000), LENGTH * 2)],
        _ => {
            let mut faults: Vec<(Fault, u64, u64)> = Vec::new();
            for _ in 0..rng.between(1, 4) {
                let fault = Fault::any(rng, shape);
                // The same thing broken twice at once would be whole too early.
                if faults.iter().all(|(other, ..)| other.kind() != fault.kind()) {
                    let (from, until) = when(rng);
                    faults.push((fault, from, until));
                }
            }
            faults
        }
    }
}
