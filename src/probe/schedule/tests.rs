//! The schedule in virtual time: spread, drift, lanes, and that a pace is kept to the letter.

use super::*;

const LIMITS: Limits = Limits { in_flight: 40, reserved: 10, stuck: 10 };

fn id(n: usize) -> ProbeId {
    ProbeId::at(n)
}

fn at(millis: u64) -> Mono {
    Mono::after_boot(Span::millis(millis))
}

/// Runs until `until`; each look takes as long as `takes` says and is stuck where it takes 2 s.
fn play(
    schedule: &mut Schedule,
    from: Mono,
    until: Mono,
    takes: impl Fn(ProbeId) -> Span,
) -> Vec<(Mono, Start)> {
    let mut ends: BTreeSet<(Mono, ProbeId)> = BTreeSet::new();
    let mut starts = Vec::new();
    let mut now = from;
    while now <= until {
        while let Some(&(end, probe)) = ends.first().filter(|(end, _)| *end <= now) {
            ends.pop_first();
            schedule.ended(probe, end, takes(probe) >= Span::secs(2));
        }
        while let Some(start) = schedule.take(now) {
            starts.push((now, start));
            ends.insert((now + takes(start.probe), start.probe));
        }
        let next = [schedule.wake_at(), ends.first().map(|(end, _)| *end)].into_iter().flatten().min();
        let Some(next) = next else { break };
        now = next.max(now + Span::micros(1));
    }
    starts
}

#[test]
fn first_starts_are_spread_and_each_keeps_its_interval() {
    let mut schedule = Schedule::new(7, LIMITS);
    for n in 0..1_000 {
        schedule.add(id(n), false, None);
        schedule.pace(id(n), Some(Span::secs(10)), at(0));
    }
    let starts = play(&mut schedule, at(0), at(100_000), |_| Span::millis(5));
    let first: Vec<_> = starts.iter().filter(|(now, _)| *now < at(10_000)).collect();
    for second in 0..10 {
        let within = |now: &Mono| *now >= at(second * 1_000) && *now < at(second * 1_000 + 1_000);
        let count = first.iter().filter(|(now, _)| within(now)).count();
        assert!((60..160).contains(&count), "{count} in second {second}");
    }
    let of_one: Vec<_> = starts.iter().filter(|(_, s)| s.probe == id(3)).map(|(now, _)| *now).collect();
    for pair in of_one.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap <= Span::secs(10) && gap >= Span::millis(9_500), "{gap}");
    }
    assert_eq!(schedule.missed(), 0);
    assert!(starts.iter().all(|(_, start)| start.late == Span::ZERO));
}

#[test]
fn the_same_seed_gives_the_same_starts() {
    let run = |seed| {
        let mut schedule = Schedule::new(seed, LIMITS);
        for n in 0..50 {
            schedule.add(id(n), n % 2 == 0, None);
            schedule.pace(id(n), Some(Span::secs(10)), at(0));
        }
        play(&mut schedule, at(0), at(60_000), |_| Span::millis(5))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn three_strikes_cost_what_the_core_says() {
    // Every 1 s with a time-out of 2 s: each look begins as the one before it ends, and a start is missed each time.
    let mut schedule = Schedule::new(7, LIMITS);
    schedule.add(id(0), true, None);
    schedule.pace(id(0), Some(Span::secs(1)), at(0));
    let starts = play(&mut schedule, at(0), at(9_000), |_| Span::secs(2));
    for pair in starts.windows(2) {
        assert_eq!(pair[1].0 - pair[0].0, Span::secs(2));
    }
    assert!(schedule.missed() >= 3);
}

#[test]
fn a_pace_counts_from_the_last_start_and_at_once_is_at_once() {
    let mut schedule = Schedule::new(7, LIMITS);
    schedule.add(id(0), true, None);
    schedule.pace(id(0), Some(Span::secs(10)), at(0));
    let due = schedule.wake_at().unwrap();
    assert_eq!(schedule.take(due).map(|start| start.probe), Some(id(0)));
    schedule.ended(id(0), due + Span::millis(5), false);
    schedule.pace(id(0), Some(Span::secs(1)), due + Span::millis(6));
    assert_eq!(schedule.wake_at(), Some(due + Span::secs(1)));
    schedule.pace(id(0), Some(Span::ZERO), due + Span::millis(50));
    assert_eq!(schedule.wake_at(), Some(due + Span::millis(50)));
    assert!(schedule.take(due + Span::millis(50)).is_some());
    schedule.ended(id(0), due + Span::millis(55), false);
    assert_eq!(schedule.wake_at(), Some(due + Span::millis(250)), "not in a circle");
    schedule.pace(id(0), None, due + Span::millis(60));
    assert_eq!((schedule.wake_at(), schedule.take(due + Span::secs(100))), (None, None));
}

#[test]
fn at_once_during_a_look_is_right_after_it() {
    let mut schedule = Schedule::new(7, LIMITS);
    schedule.add(id(0), true, None);
    schedule.pace(id(0), Some(Span::ZERO), at(0));
    assert!(schedule.take(at(0)).is_some());
    schedule.pace(id(0), Some(Span::secs(10)), at(10));
    schedule.pace(id(0), Some(Span::ZERO), at(20));
    assert_eq!(schedule.take(at(20)), None, "never twice at once");
    schedule.ended(id(0), at(2_000), true);
    assert_eq!(schedule.take(at(2_000)).map(|start| start.probe), Some(id(0)));
}

#[test]
fn who_is_stuck_is_only_in_the_way_of_its_like() {
    // 600 of 1,000 take their whole time-out; 40 places would be gone in an instant.
    let mut schedule = Schedule::new(7, LIMITS);
    for n in 0..1_000 {
        schedule.add(id(n), n % 10 == 0, None);
        schedule.pace(id(n), Some(Span::secs(10)), at(0));
    }
    let stuck = |probe: ProbeId| probe.index() % 5 < 3;
    let takes = |probe: ProbeId| if stuck(probe) { Span::secs(2) } else { Span::millis(5) };
    let starts = play(&mut schedule, at(0), at(300_000), takes);
    let late = |from: Mono, of: &dyn Fn(ProbeId) -> bool| {
        let mut late: Vec<_> =
            starts.iter().filter(|(now, s)| *now > from && of(s.probe)).map(|(_, s)| s.late).collect();
        late.sort();
        late[late.len() * 99 / 100]
    };
    let well = late(at(120_000), &|probe| !stuck(probe));
    assert!(well <= Span::millis(10), "{well}");
    assert!(late(at(120_000), &stuck) > Span::secs(1), "the stuck ones wait for one another");
    assert!(schedule.in_flight() <= LIMITS.in_flight);
}

#[test]
fn trigger_probes_have_places_that_nobody_else_takes() {
    let mut schedule = Schedule::new(7, LIMITS);
    for n in 0..100 {
        schedule.add(id(n), false, None);
        schedule.pace(id(n), Some(Span::ZERO), at(0));
    }
    let mut taken = 0;
    while schedule.take(at(1)).is_some() {
        taken += 1;
    }
    assert_eq!(taken, LIMITS.in_flight - LIMITS.reserved);
    schedule.add(id(200), true, None);
    schedule.pace(id(200), Some(Span::ZERO), at(2));
    assert_eq!(schedule.take(at(2)).map(|start| start.probe), Some(id(200)));
    assert_eq!(schedule.waiting(), 70);
}

#[test]
fn what_is_removed_is_gone_wherever_it_was() {
    let mut schedule = Schedule::new(7, Limits { in_flight: 1, reserved: 0, stuck: 1 });
    for n in 0..3 {
        schedule.add(id(n), false, None);
        schedule.pace(id(n), Some(Span::ZERO), at(0));
    }
    assert!(schedule.take(at(0)).is_some());
    for n in 0..3 {
        schedule.remove(id(n));
    }
    schedule.ended(id(0), at(5), false);
    assert_eq!(
        (schedule.take(at(9)), schedule.wake_at(), schedule.waiting(), schedule.in_flight()),
        (None, None, 0, 0)
    );
}

#[test]
fn a_heartbeat_is_looked_at_more_often_than_it_beats() {
    let mut schedule = Schedule::new(7, LIMITS);
    schedule.add(id(0), false, Some(Span::secs(60)));
    schedule.pace(id(0), Some(Span::hours(25)), at(0));
    let starts = play(&mut schedule, at(0), at(600_000), |_| Span::millis(1));
    assert!(starts.len() >= 9, "{}", starts.len());
}
