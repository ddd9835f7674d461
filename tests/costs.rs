//! What the core may cost, kept by a test: a steady sample allocates nothing, and a probe takes so much memory.
//!
//! Allocations and bytes are counted, so they are the same on every machine. Times are the bench's
//! (`cargo bench --bench engine`).

#[path = "costs/fleet.rs"]
mod fleet;
#[path = "costs/journal.rs"]
mod journal;

use std::sync::Arc;

use allocation_counter::measure;
use fleet::Fleet;
use watchkeeper_core::plan::saga::{Run, StepState};
use watchkeeper_core::policy::Policy;
use watchkeeper_core::time::{Mono, Span};

#[test]
fn a_steady_sample_allocates_nothing() {
    let holding = Fleet::holding(&fleet::policy(10, 5, 7));
    for (who, mut fleet) in [
        ("one observer", Fleet::lone(10, 5)),
        ("seven", Fleet::seven(10, 5)),
        ("the holder of every claim", holding),
    ] {
        fleet.all_up();
        let counted = measure(|| {
            for _ in 0..50_000 {
                fleet.steady_sample();
            }
        });
        assert_eq!(counted.count_total, 0, "{who}: steady samples allocate");
        assert_eq!(fleet.effects, 0, "{who}: a steady sample has no effect");
    }
}

#[test]
fn a_probe_that_stays_down_allocates_only_for_references() {
    let mut fleet = Fleet::lone(10, 5);
    fleet.all_up();
    fleet.two_strikes();
    fleet.last_strike();
    assert!(fleet.all_down());
    fleet.effects = 0;
    let counted = measure(|| {
        for _ in 0..1_000 {
            fleet.fail_again(Span::micros(10));
        }
    });
    assert_eq!((counted.count_total, fleet.effects), (0, 0), "100,000 samples of probes that stay down");
}

/// All that the core remembers of a probe and its share of a service with ten: samples, votes, verdicts, incident,
/// timers, ids; and, where there is a coordinator, the session, claim and record of a service by which it may act. The
/// policy that it was handed is counted beside it: names and conditions, and compiled plans, which grow with the steps
/// of a plan and not with probes.
#[test]
fn a_probe_takes_at_most_512_bytes_all_in() {
    for (who, observers) in [("one observer", 1), ("three observers", 3), ("seven observers", 7)] {
        let (mut policy, mut plans) = (None, None);
        let of_policy = measure(|| policy = Some(fleet::policy(1_000, 5, observers))).bytes_current;
        let of_plans =
            measure(|| plans = Some((0..1_000).map(fleet::plans).collect::<Vec<_>>())).bytes_current;
        let policy = policy.expect("it was built");
        let takes = |begin: fn(&Arc<Policy>) -> Fleet| {
            let mut kept = None;
            let counted = measure(|| {
                let mut fleet = begin(&policy);
                fleet.all_up();
                kept = Some(fleet);
            });
            (counted.bytes_current, kept.expect("it was built"))
        };
        let (watching, fleet) = takes(Fleet::under);
        let (acting, holder) = takes(Fleet::holding);
        assert_eq!(holder.held(), 1_000, "{who}: it holds every claim, and nothing is on its way");
        let probes = fleet.probes() as i64;
        let (watching, acting) = (watching / probes, acting / probes);
        println!(
            "{who}: {watching} bytes a probe all in, ten probes a service, and {acting} where every claim is held; of the policy {} more, and {} of compiled plans",
            (of_policy - of_plans) / probes,
            of_plans / probes,
        );
        assert!(watching <= 512 && acting <= 512, "{who}: {watching} and {acting} bytes a probe");
    }
}

#[test]
fn ten_thousand_probes_fall_at_once_and_all_are_down() {
    let mut fleet = Fleet::lone(1_000, 5);
    fleet.all_up();
    fleet.two_strikes();
    fleet.last_strike();
    assert!(fleet.all_down());
}

#[test]
fn a_vote_reaches_every_gate() {
    let mut fleet = Fleet::seven(20, 5);
    fleet.all_up();
    fleet.first_region_down();
    for _ in 0..1_000 {
        let vote = fleet.next_vote();
        fleet.vote(vote);
    }
    assert!(fleet.all_blocked(), "what the bench measures is a decision with all gates");
}

/// The time is printed, and kept by the bench; what is kept here does not hang on the machine: a restored run is whole,
/// and what it allocates grows with what its journal holds and not with the steps beside it.
#[test]
fn a_long_journal_is_restored_whole() {
    let mut each = Vec::new();
    for steps in [10, 200] {
        let (plan, entries) = journal::of(steps, 10_000);
        let mut run = None;
        let counted = measure(|| {
            run = Run::replay(std::sync::Arc::clone(&plan), &entries, Mono::BOOT).map(|(run, _)| run);
        });
        let run = run.expect("a journal of it");
        assert_eq!(run.odd(), 0, "each entry was taken");
        assert!(run.steps().all(|(_, state)| state == StepState::Done));
        let taken = (0..10).map(|_| restored(&plan, &entries)).min().unwrap_or_default();
        println!(
            "restore of {} entries, {steps} steps: {taken:?}, {} allocations",
            entries.len(),
            counted.count_total
        );
        each.push(counted.count_total);
    }
    assert!(each.iter().all(|count| *count < 200), "an entry allocates nothing: {each:?}");
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time; the core has no clock")]
fn restored(
    plan: &std::sync::Arc<watchkeeper_core::plan::Plan>,
    entries: &[watchkeeper_core::plan::Entry],
) -> std::time::Duration {
    let start = std::time::Instant::now();
    drop(std::hint::black_box(Run::replay(std::sync::Arc::clone(plan), entries, Mono::BOOT)));
    start.elapsed()
}
