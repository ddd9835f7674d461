//! Time that is not as it should be: the daemon is frozen for longer than its session, and the wall clock is stepped.

use rustix::process::Signal;
use watchkeeper::core::time::Span;

use super::program::{Daemon, now, pass};
use super::scene::World;
use crate::child::until;

/// Longer than the session (15 s).
const FROZEN: Span = Span::secs(20);

async fn waits_for(daemon: &Daemon, kind: &str, count: usize) -> Span {
    let began = now();
    until(kind, || async { daemon.events().await.of(kind).len() >= count }).await;
    now() - began
}

#[tokio::test]
async fn frozen_for_longer_than_its_session_it_says_so_and_goes_on() {
    let mut world = World::new("").await;
    let daemon = Daemon::start(world.path()).await;
    daemon.sees_both_up().await;
    let (session, _) = world.session().expect("a session");
    daemon.signal(Signal::STOP);
    let frozen = now();
    // What happens now it does not see: one target is gone for a while, looks that are under way run out of time.
    world.east.goes().await;
    pass(FROZEN).await;
    world.east.comes().await;
    let (lapsed, until_then) = world.session().expect("the store has its row yet");
    assert!(lapsed == session && until_then < i64::try_from(now().as_micros()).unwrap(), "it is over");
    daemon.signal(Signal::CONT);
    let took = waits_for(&daemon, "isolated", 1).await;
    let events = daemon.events().await;
    let why = events.of("isolated")[0];
    println!("frozen for {}: {why}, told after {took}", now() - frozen);
    assert!(why.contains("the event loop was late by"), "{why}");
    assert!(took < Span::secs(1), "{took}");
    let took = waits_for(&daemon, "trusted", 1).await;
    println!("trusted again after {took}");
    daemon.sees_both_up().await;
    until("it has a session again", || async { world.session().is_some_and(|(id, _)| id != session) }).await;
    daemon.events().await.accuse_nobody();
    // What needs the session, the claim and the store works again.
    let (code, said) = daemon.post("/api/v1/services/shop/pause", "{}").await;
    assert_eq!((code, &daemon.shop().await["paused"]), (200, &true.into()), "{said}");
    assert_eq!(daemon.get("/-/ready").await.0, 200);
    // It sees what is so from now on.
    world.east.goes().await;
    until("it sees the next fault", || async { daemon.shop().await["regions"][0]["standing"] == "gone" })
        .await;
    daemon.stop().await;
}

/// Debug builds alone can be told a wrong time: stepping the machine's own clock would be everybody's.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_stepped_wall_clock_is_told_and_hurts_nothing() {
    let mut world = World::new("").await;
    let faults = world.path().to_owned();
    let more = |command: &mut tokio::process::Command| {
        command.arg("--test-faults").arg(&faults);
    };
    let daemon = Daemon::start_with(world.path(), more).await;
    let step = |seconds: i64| {
        // In one piece, or it may be read while it is empty.
        std::fs::write(faults.join("wall.new"), seconds.to_string()).unwrap();
        std::fs::rename(faults.join("wall.new"), faults.join("wall")).unwrap();
    };
    daemon.sees_both_up().await;
    let (session, _) = world.session().expect("a session");
    let looks = async || daemon.metric("watchkeeper_probe_looks_started_total").await.unwrap();
    // Less than `clock_jump`: no reason to distrust anything.
    step(1);
    pass(Span::millis(1_500)).await;
    assert!(daemon.events().await.of("isolated").is_empty());
    // Between reading the one clock and the other a moment passes.
    for (nth, seconds, told) in
        [(1, 3_601, ["jumped by 1h", "jumped by 59m59s"]), (2, -86_400, ["jumped by 1d1h", "jumped by 1d"])]
    {
        let before = looks().await;
        let began = now();
        step(seconds);
        waits_for(&daemon, "isolated", nth).await;
        let events = daemon.events().await;
        let why = events.of("isolated")[nth - 1];
        println!("stepped to {seconds} s: {why}");
        assert!(told.iter().any(|told| why.contains(told)), "{why}");
        waits_for(&daemon, "trusted", nth).await;
        pass(Span::secs(4)).await;
        // Two probes, each once a second, up to a twentieth more often.
        let (looked, passed) = (looks().await - before, (now() - began).as_micros() as f64 / 1e6);
        println!("{looked} looks in {passed} s");
        assert!((looked - 2.0 * passed).abs() <= 3.0 + passed * 0.1, "{looked} in {passed} s");
        // What was known to be up is so still.
        let events = daemon.events().await;
        assert_eq!(events.of("health").len(), 2, "{:?}", events.of("health"));
        events.accuse_nobody();
        assert_eq!(world.session().map(|(id, _)| id), Some(session), "sessions live by the boot-time clock");
    }
    // Strikes that small steps fall among are counted on: it is down as soon as it would be without them.
    let (fault, mut seconds) = (now(), -86_400);
    world.east.goes().await;
    while daemon.shop().await["regions"][0]["standing"] != "gone" {
        seconds = if seconds == -86_400 { -86_399 } else { -86_400 };
        step(seconds);
        pass(Span::millis(300)).await;
        assert!(now() - fault < Span::secs(5), "its strikes were lost");
    }
    println!("down after {} with a step every 300 ms", now() - fault);
    assert!(now() - fault <= Span::millis(2_200 + 600 + 300), "{}", now() - fault);
    assert_eq!(daemon.events().await.of("isolated").len(), 2);
    daemon.stop().await;
}
