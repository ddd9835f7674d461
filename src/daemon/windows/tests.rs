//! Edges, months' ends, changes of the clocks, and a wall clock that the test moves.

use std::str::FromStr;
use std::sync::Mutex;

use super::*;
use crate::core::time::Mono;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn wall(text: &str) -> Wall {
    let moment: jiff::Timestamp = text.parse().expect("a moment");
    Wall::micros(u64::try_from(moment.as_microsecond()).expect("after 1970"))
}

fn window(when: Open) -> Window {
    Window { name: name("patching"), services: None, regions: None, when, silence: false }
}

fn cron(line: &str, zone: &str, lasts: Span) -> Window {
    let zone = jiff::tz::TimeZone::get(zone).expect("a zone");
    window(Open::Every { cron: Box::new(croner::Cron::from_str(line).expect("a line")), zone, lasts })
}

/// The first spans that are known at that time, as people read them.
fn spans(window: &Window, at: &str, count: usize) -> Vec<String> {
    let all = openings(std::slice::from_ref(window), wall(at));
    all.iter().take(count).map(|one| format!("{} {}", one.from, one.until.since(one.from))).collect()
}

#[test]
fn a_window_is_known_before_while_and_until_it_is_over() {
    let nightly = cron("0 2 * * *", "UTC", Span::hours(2));
    assert_eq!(spans(&nightly, "2026-11-21T01:59:59Z", 1), ["2026-11-21T02:00:00Z 2h"]);
    assert_eq!(spans(&nightly, "2026-11-21T02:00:00Z", 1), ["2026-11-21T02:00:00Z 2h"]);
    assert_eq!(spans(&nightly, "2026-11-21T03:59:59Z", 1), ["2026-11-21T02:00:00Z 2h"]);
    assert_eq!(spans(&nightly, "2026-11-21T04:00:00Z", 1), ["2026-11-22T02:00:00Z 2h"]);
    assert_eq!(spans(&nightly, "2026-11-21T04:00:00Z", 99).len(), AHEAD);
    let once = window(Open::Once { from: wall("2026-11-21T02:00:00Z"), until: wall("2026-11-21T03:00:00Z") });
    assert_eq!(spans(&once, "2026-11-21T02:59:59Z", 9), ["2026-11-21T02:00:00Z 1h"]);
    assert_eq!(spans(&once, "2026-11-21T03:00:00Z", 9), [""; 0]);
}

#[test]
fn months_and_years_end() {
    let last_day = cron("30 23 L * *", "UTC", Span::hours(1));
    assert_eq!(
        spans(&last_day, "2027-12-31T23:59:00Z", 4),
        [
            "2027-12-31T23:30:00Z 1h",
            "2028-01-31T23:30:00Z 1h",
            "2028-02-29T23:30:00Z 1h",
            "2028-03-31T23:30:00Z 1h"
        ]
    );
    let thirty_first = cron("0 0 31 * *", "UTC", Span::hours(24));
    assert_eq!(
        spans(&thirty_first, "2026-11-21T00:00:00Z", 3),
        ["2026-12-31T00:00:00Z 1d", "2027-01-31T00:00:00Z 1d", "2027-03-31T00:00:00Z 1d"]
    );
    let second_monday = cron("0 4 * * MON#2", "UTC", Span::hours(1));
    assert_eq!(
        spans(&second_monday, "2026-11-21T00:00:00Z", 2),
        ["2026-12-14T04:00:00Z 1h", "2027-01-11T04:00:00Z 1h"]
    );
    assert!(spans(&cron("0 0 30 2 *", "UTC", Span::hours(1)), "2026-11-21T00:00:00Z", 9).is_empty());
}

/// Berlin leaves out 02:00 to 03:00 on 2026-03-29, and has it twice on 2026-10-25.
#[test]
fn clocks_change_and_a_window_lasts_as_long_as_it_says() {
    let nightly = cron("0 3 * * *", "Europe/Berlin", Span::hours(2));
    assert_eq!(
        spans(&nightly, "2026-03-28T00:00:00Z", 2),
        ["2026-03-28T02:00:00Z 2h", "2026-03-29T01:00:00Z 2h"],
        "three o'clock is an hour earlier from then on"
    );
    let across = cron("0 1 * * *", "Europe/Berlin", Span::hours(4));
    assert_eq!(spans(&across, "2026-03-29T00:30:00Z", 1), ["2026-03-29T00:00:00Z 4h"]);
    assert_eq!(spans(&across, "2026-10-25T01:30:00Z", 1), ["2026-10-24T23:00:00Z 4h"]);
    let left_out = cron("30 2 * * *", "Europe/Berlin", Span::hours(1));
    assert_eq!(
        spans(&left_out, "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z 1h", "2026-03-30T00:30:00Z 1h"],
        "what the clocks leave out opens as they go on"
    );
    assert_eq!(
        spans(&left_out, "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z 1h", "2026-10-26T01:30:00Z 1h"],
        "what they show twice opens once"
    );
}

#[test]
fn spans_that_meet_are_one_and_never_close_between() {
    let always = cron("* * * * *", "UTC", Span::mins(1));
    let all = spans(&always, "2026-11-21T10:00:30Z", 9);
    assert_eq!(all, ["2026-11-21T10:00:00Z 17m"]);
    assert!(Span::mins(AHEAD as u64) > FRESH.times(2), "it is worked out anew long before it would close");
}

#[tokio::test(start_paused = true)]
async fn the_core_is_told_when_the_config_or_the_wall_is_another() {
    let edge = |windows| Arc::new(Edge { maintenance: windows, ..Edge::default() });
    let (edges, watched) = watch::channel(edge(vec![cron("0 2 * * *", "UTC", Span::hours(2))]));
    let (known, openings) = watch::channel(Arc::default());
    let (inputs, mut told) = mpsc::channel(8);
    let time = Arc::new(Mutex::new(wall("2026-11-21T01:00:00Z")));
    let (shown, stop) = (Arc::clone(&time), CancellationToken::new());
    let clock = move || Now { mono: Mono::BOOT, wall: *shown.lock().expect("a lock") };
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(run(watched, known, clock, inputs, stop.clone()));
    let patience = Duration::from_secs(600);
    let mut first = async || match tokio::time::timeout(patience, told.recv()).await {
        Ok(Some(Message::Input(input))) => {
            let Input::Windows(windows) = *input else { panic!("it is told something else") };
            windows.first().map(|window| window.from.to_string())
        }
        _ => panic!("nothing is told"),
    };
    assert_eq!(first().await.as_deref(), Some("2026-11-21T02:00:00Z"));
    *time.lock().expect("a lock") = wall("2026-11-22T03:00:00Z");
    assert_eq!(first().await.as_deref(), Some("2026-11-22T02:00:00Z"), "forward by a day");
    *time.lock().expect("a lock") = wall("2026-11-20T03:00:00Z");
    assert_eq!(first().await.as_deref(), Some("2026-11-20T02:00:00Z"), "and back");
    assert!(openings.borrow().first().is_some_and(|open| open.at(wall("2026-11-20T03:00:00Z"))));
    edges.send_replace(edge(Vec::new()));
    assert_eq!(first().await, None, "a config without any");
    stop.cancel();
    assert!(matches!(tasks.join_next().await, Some(Ok(Ok(())))));
}
