//! Seeded worlds of several cores, and what must hold in each.
//!
//!     cargo test --release -p watchkeeper-core --test sim -- --seeds 100000 --from 0
//!     cargo test --release -p watchkeeper-core --test sim -- --seed 7 --trace
//!
//! Without arguments it runs the seeds in `failing.txt`, the ordinary number from a base that it prints, and the
//! first worlds twice, which must be the same to the byte. It exits with 1 on any violation.

mod aimed;
mod check;
mod coordinator;
mod directed;
mod fault;
mod heap;
mod mutants;
mod observer;
mod plan;
mod plans;
mod planted;
mod provider;
mod recipe;
mod report;
mod rng;
mod shape;
mod story;
mod trust;
mod truth;
mod users;
mod world;

use std::process::ExitCode;

/// A world is made of many small things that live shortly: the system's own allocator takes a seventh of its time.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mut wanted = report::Wanted::default();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok());
        match arg.as_str() {
            "--seeds" => wanted.seeds = number(),
            "--from" => wanted.from = number(),
            "--seed" => wanted.one = number(),
            "--twice" => wanted.twice = number().unwrap_or(wanted.twice),
            "--shape" => wanted.shape = number(),
            "--floors" => wanted.floors = true,
            "--mutants" => wanted.mutants = true,
            "--kept" => wanted.kept = true,
            "--only" => wanted.only = args.next(),
            "--part" => wanted.part = args.next().and_then(|text| part(&text)),
            "--trust" => wanted.trust = true,
            "--cell" => wanted.cell = args.next(),
            "--until" => wanted.until = number(),
            "--trace" => wanted.trace = true,
            // Whoever lists all tests of the workspace finds one here.
            "--list" => {
                println!("worlds: test");
                return ExitCode::SUCCESS;
            }
            "--format" | "terse" | "--ignored" | "--exact" | "--nocapture" | "worlds" => {}
            unknown => {
                eprintln!(
                    "sim: `{unknown}` is no argument of it: --seeds N, --from S, --seed S, --trace, --twice N, --shape N, --until SECOND, --floors, --mutants [--kept] [--only WORDS], --cell WORDS, --trust"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    report::run(&wanted)
}

/// The first of how many.
fn part(text: &str) -> Option<(usize, usize)> {
    let (part, of) = text.split_once('/')?;
    Some((part.parse().ok()?, of.parse().ok().filter(|of| *of > 0)?))
}
