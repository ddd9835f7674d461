//! What the core costs: a steady sample, a vote with all gates, ten thousand probes that fall at once, memory.
//!
//! `cargo bench --bench engine` prints the figures of `docs/PERFORMANCE.md` (a plain list first, with its targets, then
//! criterion's own). It asserts nothing but that the work was really done: limits are kept by `tests/costs`.

#[path = "../tests/costs/fleet.rs"]
mod fleet;
#[path = "../tests/costs/journal.rs"]
mod journal;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fleet::Fleet;
use watchkeeper_core::plan::saga::Run;
use watchkeeper_core::time::Mono;

fn steady(c: &mut Criterion) {
    let mut group = c.benchmark_group("steady sample");
    for probes in [10, 10_000, 100_000] {
        let mut fleet = Fleet::lone(probes / 10, 5);
        fleet.all_up();
        group.bench_function(format!("{probes} probes"), |b| {
            b.iter(|| black_box(fleet.steady_sample()));
        });
        assert_eq!(fleet.effects, 0, "a steady sample has no effect");
    }
    group.finish();
}

fn vote(c: &mut Criterion) {
    let mut fleet = Fleet::seven(1_000, 5);
    fleet.all_up();
    fleet.first_region_down();
    c.bench_function("vote with all gates, 7 observers, 1,000 services", |b| {
        b.iter_custom(|turns| {
            let mut taken = Duration::ZERO;
            for _ in 0..turns {
                taken += votes(&mut fleet);
            }
            // A thousand at a time; the shell's part, reading a vote, is not the core's.
            taken / 1_000
        });
    });
    assert!(fleet.all_blocked(), "each vote looks at every gate of a service that is down");
}

fn fall(c: &mut Criterion) {
    let mut group = c.benchmark_group("10,000 probes");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("fall at once", |b| {
        b.iter_batched(
            || {
                let mut fleet = Fleet::lone(1_000, 5);
                fleet.all_up();
                fleet.two_strikes();
                fleet
            },
            |mut fleet| {
                fleet.last_strike();
                fleet
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn restore(c: &mut Criterion) {
    let mut group = c.benchmark_group("restore of 10,000 journal entries");
    for steps in [10, 20, 200] {
        let (plan, entries) = journal::of(steps, 10_000);
        group.bench_function(format!("{steps} steps"), |b| {
            b.iter(|| black_box(Run::replay(std::sync::Arc::clone(&plan), &entries, Mono::BOOT)));
        });
    }
    group.finish();
}

/// The plain figures, each over enough turns to be steady, beside what the issue asks for.
fn plain(_: &mut Criterion) {
    let each = |turns: u32, mut work: Box<dyn FnMut()>| {
        let start = clock();
        for _ in 0..turns {
            work();
        }
        start.elapsed().as_nanos() as f64 / f64::from(turns)
    };
    println!("what the core costs (target)");
    for probes in [10_usize, 10_000, 100_000] {
        let mut fleet = Fleet::lone(probes / 10, 5);
        fleet.all_up();
        let ns = each(2_000_000, Box::new(move || drop(fleet.steady_sample())));
        println!(
            "  steady sample, {probes} probes: {ns:.0} ns (150 ns; 10,000 at most 1.5 times as with 10)"
        );
    }
    let mut fleet = Fleet::holding(&fleet::policy(1_000, 5, 7));
    fleet.all_up();
    assert_eq!(fleet.held(), 1_000, "it holds every claim");
    let ns = each(2_000_000, Box::new(move || drop(fleet.steady_sample())));
    println!("  steady sample, 10,000 probes, every claim held: {ns:.0} ns (150 ns)");
    let mut fleet = Fleet::seven(1_000, 5);
    fleet.all_up();
    fleet.first_region_down();
    let ns = (0..300).map(|_| votes(&mut fleet)).sum::<Duration>().as_nanos() as f64 / 300_000.0;
    println!("  vote with all gates, 7 observers, 1,000 services: {:.2} us (3 us)", ns / 1_000.0);
    let mut fleet = Fleet::lone(1_000, 5);
    fleet.all_up();
    fleet.two_strikes();
    let start = clock();
    fleet.last_strike();
    let taken = start.elapsed();
    assert!(fleet.all_down() && fleet.probes() == 10_000, "every one of them fell");
    println!("  10,000 probes falling at once: {:.1} ms (50 ms)", taken.as_secs_f64() * 1_000.0);
    for steps in [10, 20, 200] {
        let taken = restored(steps).as_secs_f64() * 1_000.0;
        println!("  restore of 10,000 journal entries, {steps} steps: {taken:.2} ms (10 ms)");
    }
}

/// The best of several, since the machine is shared.
fn restored(steps: usize) -> Duration {
    let (plan, entries) = journal::of(steps, 10_000);
    let once = || {
        let start = clock();
        let (run, _) =
            Run::replay(std::sync::Arc::clone(&plan), &entries, Mono::BOOT).expect("a journal of it");
        let taken = start.elapsed();
        assert_eq!(run.odd(), 0, "each entry was taken");
        taken
    };
    (0..20).map(|_| once()).min().unwrap_or_default()
}

/// What a thousand votes take, each on another service.
fn votes(fleet: &mut Fleet) -> Duration {
    let ready: Vec<_> = (0..1_000).map(|_| fleet.next_vote()).collect();
    let start = clock();
    for vote in ready {
        black_box(fleet.vote(vote));
    }
    start.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time; the core has no clock")]
fn clock() -> Instant {
    Instant::now()
}

criterion_group!(benches, plain, steady, vote, fall, restore);
criterion_main!(benches);
