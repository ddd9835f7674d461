//! `postgres_promote` against PostgreSQL 15.

use std::path::Path;

use watchkeeper::core::plan::{Op, Reply, Sealed};
use watchkeeper::core::time::Span;
use watchkeeper::step::Limits;

use super::proxy::Proxy;
use super::rig::{Jump, Rig, now, sealed, within};
use crate::child::free_port;
use crate::evil::black_hole;
use crate::postgres::{Place, Running, primary, standby};

fn promote(place: &Path, port: u16, password: &str) -> Sealed {
    let file = place.join(format!("promote-{port}-{password}"));
    std::fs::write(&file, format!("postgresql://wk:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))
        .unwrap();
    sealed(&format!("kind = \"postgres_promote\"\ndsn = {{ file = \"{}\" }}", file.display()))
}

async fn pair(place: &Place) -> (Running, Running) {
    let primary = primary(place).await;
    let standby = standby(place, &primary).await;
    (primary, standby)
}

#[tokio::test]
async fn a_standby_is_promoted_once_and_in_time() {
    let place = Place::new();
    let (mut primary, standby) = pair(&place).await;
    let folder = place.path("");
    let sealed = promote(&folder, standby.port, "secret");
    let mut rig = Rig::new();
    // Before: it is needed, and takes no writes.
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::NotDone);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::NotDone);
    // Who may not is refused, and told what to do.
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused, "{ended:?}");
    assert!(ended.detail.contains("GRANT EXECUTE"), "{}", ended.detail);
    place.sql(primary.port, "GRANT EXECUTE ON FUNCTION pg_promote TO wk");
    // A wrong password.
    let ended = rig.op(&promote(&folder, standby.port, "wrong-canary"), Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused, "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"));
    // Too late by our own clock, at whichever of its readings: nothing is promoted.
    for at in 1..12 {
        let mut late = Rig::with(&Jump::at(at), Limits::default(), &[]);
        let mut call = late.call(&sealed, Op::Do);
        (call.deadline, call.until) = (now() + Span::mins(2), now() + Span::mins(2));
        call.not_after = Some(now() + Span::secs(20));
        let ended = late.ask(call).await;
        if ended.finished.reply == Reply::Done {
            assert!(at > 3, "it looks at the clock before it promotes");
            break;
        }
        assert_eq!(ended.finished.reply, Reply::NotDone, "stopped before look {at}: {ended:?}");
        assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::NotDone, "stopped before look {at}");
    }
    primary.end();
    // Done, or done already by the last round.
    let began = now();
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    let took = now() - began;
    assert!(took < Span::secs(6), "{took}");
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done, "once more changes nothing");
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Refused);
    place.sql(standby.port, "ALTER SYSTEM SET default_transaction_read_only = on");
    place.sql(standby.port, "SELECT pg_reload_conf()");
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    while rig.reply(&sealed, Op::Verify).await != Reply::NotDone {
        assert!(now() - began < Span::secs(30), "it takes no writes, and that is not seen");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn the_servers_own_clock_refuses_what_comes_late_and_a_lost_answer_is_looked_for() {
    let place = Place::new();
    let (mut primary, standby) = pair(&place).await;
    place.sql(primary.port, "GRANT EXECUTE ON FUNCTION pg_promote TO wk");
    let folder = place.path("");
    let direct = promote(&folder, standby.port, "secret");
    let mut rig = Rig::new();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    let began = now();
    // It is handed over in time, and comes to the server when its time is over.
    let slow = Proxy::holding(standby.port, b"THEN pg_promote").await;
    let mut call = within(rig.call(&promote(&folder, slow.port, "secret"), Op::Do), Span::millis(1_500));
    let end = now() + Span::millis(1_200);
    call.not_after = Some(end);
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::Unknown, "{ended:?}");
    assert!(now() > end);
    slow.deliver().await;
    for _ in 0..10 {
        ticks.tick().await;
        assert_eq!(rig.reply(&direct, Op::Observe).await, Reply::NotDone, "it landed late");
    }
    // The same a little earlier does land: it is the clock that refused it.
    let soon = Proxy::holding(standby.port, b"THEN pg_promote").await;
    soon.release.add_permits(1);
    let mut call = within(rig.call(&promote(&folder, soon.port, "secret"), Op::Do), Span::millis(1_500));
    call.not_after = Some(now() + Span::secs(30));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Unknown, "its answer is lost");
    while rig.reply(&direct, Op::Observe).await != Reply::Done {
        assert!(now() - began < Span::secs(60), "the look never says that it is done");
        ticks.tick().await;
    }
    primary.end();
}

#[tokio::test]
async fn nobody_there_and_a_black_hole_and_a_slow_standby_are_told() {
    let place = Place::new();
    let folder = place.path("");
    let mut rig = Rig::new();
    let nobody = promote(&folder, free_port(), "secret");
    assert_eq!(rig.reply(&nobody, Op::Do).await, Reply::Transient);
    assert_eq!(rig.reply(&nobody, Op::Observe).await, Reply::Unknown);
    let hole = black_hole();
    let call = within(rig.call(&promote(&folder, hole.port, "secret"), Op::Do), Span::millis(400));
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::NotDone, "not even the connection stood: {ended:?}");
    let primary = primary(&place).await;
    let reach = watchkeeper::probe::Kit::new(crate::look::clock(), Default::default());
    let reach = std::sync::Arc::new(reach);
    assert!(rig.told.notices.lock().unwrap().is_empty(), "a promotion tells nobody by itself");
    let sealed = promote(&folder, primary.port, "secret");
    let notes = watchkeeper::step::notes(&reach, &sealed, Span::secs(5)).await;
    assert!(notes.iter().any(|note| note.contains("wal_retrieve_retry_interval is 5s")), "{notes:?}");
    place.sql(primary.port, "ALTER SYSTEM SET wal_retrieve_retry_interval = '500ms'");
    place.sql(primary.port, "SELECT pg_reload_conf()");
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(50));
    let began = now();
    while !watchkeeper::step::notes(&reach, &sealed, Span::secs(5)).await.is_empty() {
        assert!(now() - began < Span::secs(20));
        ticks.tick().await;
    }
}
