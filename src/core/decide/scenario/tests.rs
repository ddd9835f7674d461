//! Which scenario acts, why the others do not, and how often.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::verdict::{Clause, Level};

fn scenario(name: &str, severity: Option<usize>, over: &[usize]) -> Scenario {
    Scenario {
        name: Name::new(name).unwrap(),
        title: String::new(),
        when: Condition::any(vec![Clause::service_at_least(Level::Down)]).unwrap(),
        severity: severity.map(RungPos::at),
        plan: Some(PlanPos::at(0)),
        mode: Mode::Auto,
        over: over.iter().map(|&pos| ScenarioPos::at(pos)).collect(),
        again: None,
        veto: Span::ZERO,
        objectives: Objectives::default(),
    }
}

const FAILOVER: (PlanKind, Mode) = (PlanKind::Failover, Mode::Auto);

fn contend<'a>(all: &'a [Scenario], with: &[(PlanKind, Mode)]) -> Vec<Contender<'a>> {
    (all.iter().zip(with).enumerate())
        .map(|(i, (scenario, &(kind, mode)))| Contender { pos: ScenarioPos::at(i), scenario, kind, mode })
        .collect()
}

/// Who acts, and why each of the others does not.
fn acts(all: &[Scenario], with: &[(PlanKind, Mode)]) -> (usize, Vec<Option<Behind>>) {
    let contenders = contend(all, with);
    let winner = which_acts(&contenders).unwrap();
    let why = |c: &Contender<'_>| (c.pos != winner.pos).then(|| why_behind(winner, c));
    (winner.pos.index(), contenders.iter().map(why).collect())
}

#[test]
fn nobody_wants_to_act() {
    assert!(which_acts(&[]).is_none());
}

#[test]
fn over_then_mode_then_severity_then_kind_then_name() {
    let repair = (PlanKind::Repair, Mode::Auto);
    let watching = (PlanKind::Failover, Mode::Observe);
    let two = |a: Option<usize>, b: Option<usize>| [scenario("a", a, &[]), scenario("b", b, &[])];
    assert_eq!(acts(&two(None, None), &[FAILOVER; 2]), (0, vec![None, Some(Behind::Name)]));
    assert_eq!(acts(&two(None, None), &[repair, FAILOVER]), (1, vec![Some(Behind::Kind), None]));
    assert_eq!(acts(&two(Some(0), None), &[repair, FAILOVER]), (0, vec![None, Some(Behind::Severity)]));
    assert_eq!(acts(&two(Some(0), Some(2)), &[FAILOVER; 2]), (1, vec![Some(Behind::Severity), None]));
    assert_eq!(acts(&two(Some(2), Some(0)), &[watching, repair]), (1, vec![Some(Behind::Mode), None]));
    let over = [scenario("a", Some(2), &[]), scenario("b", None, &[0])];
    assert_eq!(acts(&over, &[FAILOVER, repair]), (1, vec![Some(Behind::Over), None]));
    let kinds = [PlanKind::Inspect, PlanKind::Rejoin, PlanKind::Repair, PlanKind::Failover];
    let four = ["a", "b", "c", "d"].map(|name| scenario(name, None, &[]));
    assert_eq!(acts(&four, &kinds.map(|kind| (kind, Mode::Auto))).0, 3);
    assert_eq!(acts(&four[..3], &kinds.map(|kind| (kind, Mode::Auto))).0, 2);
}

#[test]
fn over_of_one_that_does_not_contend_decides_nothing() {
    let all = [scenario("a", None, &[]), scenario("b", None, &[7, 1])];
    assert_eq!(acts(&all, &[FAILOVER; 2]), (0, vec![None, Some(Behind::Name)]));
}

#[test]
fn over_in_a_circle_decides_nothing_among_those_in_it() {
    let two = [scenario("a", None, &[1]), scenario("b", Some(1), &[0])];
    assert_eq!(acts(&two, &[FAILOVER; 2]), (1, vec![Some(Behind::Severity), None]));
    // A third that nobody is over does not win because the two quarrel.
    let quarrel = [scenario("a", Some(2), &[1]), scenario("b", Some(1), &[0]), scenario("c", None, &[])];
    assert_eq!(acts(&quarrel, &[FAILOVER; 3]).0, 0);
    let three = [scenario("a", None, &[1]), scenario("b", None, &[2]), scenario("c", Some(1), &[0])];
    assert_eq!(acts(&three, &[FAILOVER; 3]).0, 2);
    // Who is over the circle is over it; whom it is over stays behind.
    let above = [
        scenario("a", Some(1), &[1]),
        scenario("b", Some(1), &[0, 3]),
        scenario("c", None, &[0, 1]),
        scenario("d", Some(3), &[]),
    ];
    assert_eq!(acts(&above, &[FAILOVER; 4]).0, 2);
}

#[test]
fn who_is_behind_by_another_s_over_is_told_so() {
    // `c` goes before `b`, which goes before `a`, the most severe of the three.
    let chain = [scenario("a", Some(3), &[]), scenario("b", Some(2), &[0]), scenario("c", None, &[1])];
    assert_eq!(acts(&chain, &[FAILOVER; 3]), (2, vec![Some(Behind::Over), Some(Behind::Over), None]));
}

fn contests() -> impl Strategy<Value = (Vec<Scenario>, Vec<(PlanKind, Mode)>)> {
    let kind = prop::sample::select(vec![PlanKind::Failover, PlanKind::Repair, PlanKind::Inspect]);
    let mode = prop::sample::select(vec![Mode::Observe, Mode::Approve, Mode::Auto]);
    let one = (prop::option::of(0_usize..3), prop::collection::vec(0_usize..5, 0..3), kind, mode);
    prop::collection::vec(one, 1..5).prop_map(|all| {
        let names = ["a", "b", "c", "d", "e"];
        let scenarios =
            all.iter().zip(names).map(|((severity, over, ..), name)| scenario(name, *severity, over));
        (scenarios.collect(), all.iter().map(|(_, _, kind, mode)| (*kind, *mode)).collect())
    })
}

proptest! {
    /// Somebody acts, the same whatever the order of looking; and why the others do not is true.
    #[test]
    fn the_choice_is_total_and_its_reasons_are_true((all, with) in contests(), turn in any::<prop::sample::Index>()) {
        let mut contenders = contend(&all, &with);
        let winner = *which_acts(&contenders).unwrap();
        let by = turn.index(contenders.len());
        contenders.rotate_left(by);
        prop_assert_eq!(which_acts(&contenders).unwrap().pos, winner.pos);
        contenders.reverse();
        prop_assert_eq!(which_acts(&contenders).unwrap().pos, winner.pos);
        for loser in contenders.iter().filter(|c| c.pos != winner.pos) {
            let overs = contenders.iter().any(|c| !c.scenario.over.is_empty());
            let watches = |c: &Contender<'_>| c.mode == Mode::Observe;
            match why_behind(&winner, loser) {
                Behind::Over => prop_assert!(overs),
                Behind::Mode => prop_assert!(watches(loser) && !watches(&winner)),
                Behind::Severity => prop_assert!(winner.scenario.severity > loser.scenario.severity),
                Behind::Kind => prop_assert!(kind_rank(winner.kind) < kind_rank(loser.kind)),
                Behind::Name => prop_assert!(winner.scenario.name < loser.scenario.name),
            }
        }
    }

    /// Nobody acts whom another goes before, unless that comes round to itself.
    #[test]
    fn over_is_obeyed((all, with) in contests()) {
        let contenders = contend(&all, &with);
        let winner = which_acts(&contenders).unwrap();
        for other in contenders.iter().filter(|c| c.pos != winner.pos && c.scenario.over.contains(&winner.pos)) {
            prop_assert!(leads_to(&contenders, winner, other.pos));
        }
    }
}

const STABLE: Span = Span::mins(5);

fn at(secs: u64) -> Mono {
    Mono::after_boot(Span::secs(secs))
}

fn tried(started: u64, ended: Option<u64>) -> Option<Tried> {
    Some(Tried { started: at(started), ended: ended.map(at) })
}

#[test]
fn it_acts_once_each_time_it_comes_to_hold() {
    let mut arming = Arming::default();
    arming.advance(false, at(1), STABLE, at(1));
    arming.advance(true, at(1_000), STABLE, at(1_000));
    assert_eq!(arming.holds(), Some(at(1_000)));
    arming.advance(true, at(1_010), STABLE, at(1_010));
    assert_eq!(arming.holds(), Some(at(1_000)), "it still does");
    assert_eq!(arming.spent(None, None, at(1_010)), Spent::No);
    assert_eq!(arming.spent(tried(1_001, None), None, at(1_010)), Spent::Running);
    assert_eq!(arming.spent(tried(1_001, Some(1_005)), None, at(9_999)), Spent::UntilQuiet);
}

#[test]
fn a_short_gap_does_not_arm_it_again_and_a_long_one_does() {
    let mut arming = Arming::default();
    arming.advance(true, at(1_000), STABLE, at(1_000));
    let spent = tried(1_000, Some(1_005));
    assert_eq!(
        arming.spent(spent, None, at(1_010)),
        Spent::UntilQuiet,
        "it came to hold in the very same look"
    );
    arming.advance(false, at(1_100), STABLE, at(1_100));
    assert_eq!(arming.holds(), None);
    arming.advance(false, at(1_200), STABLE, at(1_200));
    arming.advance(true, at(1_399), STABLE, at(1_399));
    assert_eq!(arming.spent(spent, None, at(1_399)), Spent::UntilQuiet, "false for 299 s");
    arming.advance(false, at(1_400), STABLE, at(1_400));
    arming.advance(true, at(1_700), STABLE, at(1_700));
    assert_eq!(arming.spent(spent, None, at(1_700)), Spent::No, "false for 300 s");
    assert_eq!(arming.spent(tried(1_700, None), None, at(1_700)), Spent::Running);
}

#[test]
fn what_was_heard_of_before_its_reason_was_tried_for_that() {
    let mut arming = Arming::default();
    arming.advance(false, at(10), STABLE, at(10));
    // Another raised it at 990, began at 995, and this core was told of the beginning first.
    arming.advance(true, at(990), STABLE, at(1_000));
    assert_eq!(arming.spent(tried(995, None), None, at(1_000)), Spent::Running);
    // Word of the reason may be under way for longer than word of the try.
    assert_eq!(arming.spent(tried(980, None), None, at(1_000)), Spent::Running);
    let before = tried(959, Some(990));
    assert_eq!(arming.spent(before, None, at(1_000)), Spent::No, "that was for the time before");
    // What has been so since before it was last quiet did not make it hold then: it is new now.
    arming.advance(false, at(1_100), STABLE, at(1_100));
    arming.advance(true, at(1_050), STABLE, at(1_500));
    assert_eq!(arming.spent(tried(1_060, Some(1_070)), None, at(1_500)), Spent::No);
}

#[test]
fn again_is_counted_from_the_end_of_its_run() {
    let mut arming = Arming::default();
    arming.advance(true, at(1_000), STABLE, at(1_000));
    let again = Some(Span::mins(10));
    assert_eq!(arming.spent(tried(1_001, Some(1_100)), again, at(1_699)), Spent::Until(at(1_700)));
    assert_eq!(arming.spent(tried(1_001, Some(1_100)), again, at(1_700)), Spent::No);
    assert_eq!(arming.spent(tried(1_001, None), again, at(9_999)), Spent::Running);
}

#[test]
fn what_was_tried_before_this_core_started_spends_it_only_until_it_was_quiet() {
    // After a restart every try in the record is dated from when it was first seen.
    let old = tried(10, Some(10));
    let mut arming = Arming::default();
    arming.advance(false, at(10), STABLE, at(10));
    arming.advance(true, at(200), STABLE, at(200));
    assert_eq!(arming.spent(old, None, at(200)), Spent::UntilQuiet, "it may be the same trouble");
    let mut arming = Arming::default();
    arming.advance(false, at(10), STABLE, at(10));
    arming.advance(true, at(310), STABLE, at(310));
    assert_eq!(arming.spent(old, None, at(310)), Spent::No, "this one is another");
}
