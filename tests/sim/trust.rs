//! How far automatic failovers can be trusted: false and missed ones, and how long they take to begin, over many worlds in
//! which a minority of the observers is faulty. Prints the table of docs/TRUST.md.

use std::process::ExitCode;

use crate::fault::{Fault, Kind};
use crate::recipe::Recipe;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::world::{LENGTH, World};

/// What an observer may suffer that stays an observer's own.
const OWN: [Kind; 13] = [
    Kind::UplinkDies,
    Kind::LinkDies,
    Kind::ReferencesGone,
    Kind::Uncoordinated,
    Kind::Flaky,
    Kind::Stale,
    Kind::Pauses,
    Kind::Crashes,
    Kind::Lies,
    Kind::Wedged,
    Kind::Blind,
    Kind::ClockJumps,
    Kind::OtherPolicy,
];

pub(crate) fn run(from: u64, seeds: u64) -> ExitCode {
    println!(
        "| observers | of them faulty | worlds | region dies | false failovers | refused, and paged | missed | detection to start p50 | p99 | worst |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut sound = true;
    for (observers, faulty) in [(3, 1), (5, 2)] {
        let shape = Shape::new(observers, 2, vec![Recipe::plain()]);
        let (mut wrong, mut missed, mut dead) = (0_u64, 0_u64, 0_u64);
        let mut refused = 0_u64;
        let (mut took, mut late): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        for seed in from..from + seeds {
            let told = one(&shape, faulty, seed);
            dead += u64::from(told.died.is_some());
            match (told.died, told.started) {
                (None, Some(_)) => wrong += 1,
                (Some(died), Some(started)) if started < died => wrong += 1,
                (Some(died), Some(started)) => took.push(started - died),
                (Some(_), None) if told.refused => refused += 1,
                (Some(_), None) => {
                    missed += 1;
                    late.push(seed);
                }
                (None, None) => {}
            }
        }
        took.sort_unstable();
        let at = |part: usize| took.get((took.len() * part / 100).min(took.len().saturating_sub(1))).copied();
        let secs = |at: Option<u64>| at.map_or(String::from("-"), |at| format!("{:.1} s", at as f64 / 1e6));
        println!(
            "| {observers} | at most {faulty} | {seeds} | {dead} | {wrong} | {refused} | {missed} | {} | {} | {} |",
            secs(at(50)),
            secs(at(99)),
            secs(took.last().copied())
        );
        for worst in watchkeeper_core::view::worst_cases(&shape.policies[0], &shape.policies[0].services[0]) {
            let scenario = &shape.policies[0].services[0].scenarios[worst.scenario.index()].name;
            let to_start = worst.to_start();
            if worst.case.from().is_some_and(|from| from.index() == 0) {
                println!(
                    "worst case from the fault to the start, as `view` states it, for scenario {scenario}: {to_start}"
                );
            }
        }
        late.truncate(8);
        if !late.is_empty() {
            println!("missed at seeds {late:?}");
        }
        sound &= wrong == 0;
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of one world.
struct Told {
    died: Option<u64>,
    started: Option<u64>,
    refused: bool,
}

/// The story of one of them.
pub(crate) fn tell(seed: u64, observers: usize) {
    let shape = Shape::new(observers, 2, vec![Recipe::plain()]);
    let mut world = born(&shape, observers / 2, seed, true).0;
    world.run();
    world.trace.unwrap_or_default().iter().for_each(|line| println!("{line}"));
}

/// In half of the worlds the active region dies, and never comes back; in each some observers are faulty, from before
/// that on, or for a while. The one in the region that dies is not among them: it dies anyway.
fn one(shape: &Shape, faulty: usize, seed: u64) -> Told {
    let (mut world, died) = born(shape, faulty, seed, false);
    world.run();
    let liveness = &world.checks.liveness;
    Told { died, started: liveness.first_start(0), refused: liveness.was_refused(0) }
}

fn born(shape: &Shape, faulty: usize, seed: u64, trace: bool) -> (World<'_>, Option<u64>) {
    let mut rng = Rng::new(seed);
    let dies = rng.chance(500);
    let died = rng.between(120_000_000, 240_000_000);
    let mut faults = Vec::new();
    if dies {
        let (who, region) = (0, 0);
        faults.push(Fault { kind: Kind::RegionDies, who, region, from: died, until: LENGTH * 2 });
    }
    // The observer of a region that dies is one of those that may be faulty.
    let most = if dies { faulty.saturating_sub(1) } else { faulty };
    let mut sick: Vec<usize> = Vec::new();
    for _ in 0..rng.below(most as u64 + 1) {
        let who = rng.between(u64::from(dies), shape.observers as u64 - 1) as usize;
        if sick.contains(&who) {
            continue;
        }
        sick.push(who);
        let kind = *rng.pick(&OWN);
        let fault = Fault::of(kind, &mut rng, shape);
        let begins = rng.between(30_000_000, 260_000_000);
        faults.push(Fault { who, from: begins, until: begins + (fault.until - fault.from), ..fault });
    }
    (World::new(shape, rng.next(), faults, Vec::new(), trace, false), dies.then_some(died))
}
