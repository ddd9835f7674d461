//! What samples make of a probe, by example and by property.

use proptest::prelude::*;

use super::*;
use crate::health::{Blindness, Failure};

const OK: Outcome = Outcome::Ok { took: Span::millis(20) };
const SLOW: Outcome = Outcome::Ok { took: Span::millis(900) };
const FAILED: Outcome = Outcome::Failed(Failure::TimedOut);
const BLIND: Outcome = Outcome::Blind(Blindness::NoRoute);

fn settings(fall: Fall, slow_after: Option<Span>) -> Settings {
    let s = Span::secs;
    Settings::new(s(10), s(2), s(1), s(10), fall, 2, slow_after).unwrap()
}

/// Tells one sample a second, from second 1, and says what the health was after each.
fn told(settings: &Settings, outcomes: &[Outcome]) -> (Debounced, alloc::vec::Vec<Health>) {
    let mut probe = Debounced::new(settings);
    let healths = outcomes
        .iter()
        .enumerate()
        .map(|(i, &outcome)| {
            let at = Mono::after_boot(Span::secs(i as u64 + 1));
            probe.tell(settings, 0, at, at + Span::millis(500), outcome, None);
            probe.health(0)
        })
        .collect();
    (probe, healths)
}

#[test]
fn three_strikes_and_two_answers() {
    use Health::{Down, Suspect, Unknown, Up};
    let (probe, healths) = told(&Settings::DEFAULT, &[OK, OK, FAILED, FAILED, BLIND, FAILED, OK, OK]);
    assert_eq!(healths, [Unknown, Up, Suspect, Suspect, Suspect, Down, Down, Up]);
    assert_eq!(probe.since(0), Mono::after_boot(Span::secs(7)));
}

#[test]
fn a_down_probe_dates_from_its_first_failed_sample_and_abstains_once_it_answers() {
    let (mut probe, _) = told(&Settings::DEFAULT, &[OK, OK, FAILED, FAILED, FAILED]);
    assert_eq!(probe.since(0), Mono::after_boot(Span::secs(3)));
    assert_eq!(probe.struck(), Mono::after_boot(Span::millis(5_500)));
    assert!(!probe.answers_again(0));
    let at = Mono::after_boot(Span::secs(6));
    let change = probe.tell(&Settings::DEFAULT, 0, at, at, OK, None);
    assert!(change.view && probe.answers_again(0));
    assert_eq!(probe.health(0), Health::Down);
}

#[test]
fn errors_that_come_and_go_fall_by_the_window() {
    use Health::{Down, Suspect, Unknown, Up};
    let window = settings(Fall::Window { fails: 3, of: 5 }, None);
    let (probe, healths) = told(&window, &[OK, OK, FAILED, OK, FAILED, OK, FAILED]);
    assert_eq!(healths, [Unknown, Up, Suspect, Up, Suspect, Up, Down]);
    assert_eq!(
        probe.since(0),
        Mono::after_boot(Span::secs(3)),
        "dated from the oldest failure in the window"
    );
    let (_, streak) = told(&Settings::DEFAULT, &[OK, OK, FAILED, OK, FAILED, OK, FAILED]);
    assert_eq!(streak.last(), Some(&Suspect), "a streak never falls on them");
}

#[test]
fn slow_is_debounced_like_down() {
    use Health::{Slow, Unknown, Up};
    let slow = settings(Fall::Streak(3), Some(Span::millis(800)));
    let (_, healths) = told(&slow, &[OK, OK, SLOW, SLOW, OK, SLOW, SLOW, SLOW, OK, OK]);
    assert_eq!(healths, [Unknown, Up, Up, Up, Up, Up, Up, Slow, Slow, Up]);
}

#[test]
fn lost_faith_drops_streaks_and_down_but_not_up() {
    let (mut probe, _) = told(&Settings::DEFAULT, &[OK, OK, FAILED, FAILED]);
    assert_eq!((probe.health(0), probe.health(1)), (Health::Suspect, Health::Up));
    let at = Mono::after_boot(Span::secs(9));
    probe.tell(&Settings::DEFAULT, 1, at, at, FAILED, None);
    assert_eq!((probe.health(1), probe.in_a_row()), (Health::Suspect, 1));

    let (probe, _) = told(&Settings::DEFAULT, &[FAILED, FAILED, FAILED]);
    assert_eq!((probe.health(0), probe.health(1)), (Health::Down, Health::Unknown));
}

#[test]
fn a_duplicate_or_older_sample_is_refused() {
    let (mut probe, _) = told(&Settings::DEFAULT, &[OK, OK, FAILED, FAILED]);
    for secs in [4, 3, 1] {
        let at = Mono::after_boot(Span::secs(secs));
        assert!(probe.tell(&Settings::DEFAULT, 0, at, at, FAILED, None).late);
    }
    assert_eq!(probe.in_a_row(), 2);
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(OK), Just(SLOW), Just(FAILED), Just(BLIND)]
}

proptest! {
    /// Blind neither counts nor resets: leaving the blind ones out changes nothing.
    #[test]
    fn blind_samples_change_nothing(outcomes in prop::collection::vec(outcome(), 0..60), fails in 1_u8..5, of in 5_u8..9, streak: bool) {
        let fall = if streak { Fall::Streak(u16::from(fails)) } else { Fall::Window { fails, of } };
        let settings = settings(fall, Some(Span::millis(800)));
        let mut with = Debounced::new(&settings);
        let mut without = Debounced::new(&settings);
        for (i, &outcome) in outcomes.iter().enumerate() {
            let at = Mono::after_boot(Span::secs(i as u64 + 1));
            with.tell(&settings, 0, at, at, outcome, None);
            if !matches!(outcome, Outcome::Blind(_)) {
                without.tell(&settings, 0, at, at, outcome, None);
            }
        }
        // Only which sample was told last may differ, until both are told the same.
        let at = Mono::after_boot(Span::mins(5));
        prop_assert_eq!(with.health(0), without.health(0));
        with.tell(&settings, 0, at, at, OK, None);
        without.tell(&settings, 0, at, at, OK, None);
        prop_assert_eq!(with, without);
    }

    /// A sample that comes again changes nothing, whatever it would be taken for by now.
    #[test]
    fn a_sample_counts_once(outcomes in prop::collection::vec(outcome(), 1..60), again in outcome()) {
        let settings = settings(Fall::Streak(3), None);
        let (mut probe, _) = told(&settings, &outcomes);
        let before = probe.clone();
        for i in 0..outcomes.len() {
            let at = Mono::after_boot(Span::secs(i as u64 + 1));
            probe.tell(&settings, 0, at, at, again, None);
        }
        prop_assert_eq!(probe, before);
    }

    /// Down needs its strikes: never with fewer failures in sight, always with enough in a row; up never while the newest `rise` hold a failure.
    #[test]
    fn down_is_exactly_what_the_strikes_say(outcomes in prop::collection::vec(outcome(), 1..60), fall in 1_u16..5) {
        let settings = settings(Fall::Streak(fall), None);
        let (probe, _) = told(&settings, &outcomes);
        let seen: alloc::vec::Vec<bool> = outcomes.iter().filter(|o| !matches!(o, Outcome::Blind(_))).map(|o| matches!(o, Outcome::Failed(_))).collect();
        let row = seen.iter().rev().take_while(|f| **f).count();
        if row >= usize::from(fall) {
            prop_assert_eq!(probe.health(0), Health::Down);
        }
        if probe.health(0) == Health::Down {
            prop_assert!(seen.windows(usize::from(fall)).any(|w| w.iter().all(|f| *f)));
        }
        if probe.health(0) == Health::Up {
            prop_assert!(!seen.last().copied().unwrap_or(true));
        }
    }

    /// The same sample twice is the same as once.
    #[test]
    fn telling_twice_is_telling_once(outcomes in prop::collection::vec(outcome(), 0..40)) {
        let (once, _) = told(&Settings::DEFAULT, &outcomes);
        let mut twice = Debounced::new(&Settings::DEFAULT);
        for (i, &outcome) in outcomes.iter().enumerate() {
            let at = Mono::after_boot(Span::secs(i as u64 + 1));
            for _ in 0..2 {
                twice.tell(&Settings::DEFAULT, 0, at, at + Span::millis(500), outcome, None);
            }
        }
        prop_assert_eq!(once, twice);
    }
}
