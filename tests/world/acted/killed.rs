//! `kill -9` at every durable write of a failover, before it, after it, and with its answer lost: the run ends exactly
//! once, what was broken is moved, and the chain of the chronicle holds.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use rustix::process::Signal;
use watchkeeper::chronicle::Chronicle;

use watchkeeper::core::time::Span;

use super::shop::{Shop, over};
use crate::daemon::program::{Daemon, now};

/// What is written while it runs, apart from looks and votes: each is a place to die at.
fn counts(name: &str) -> bool {
    [
        "Start",
        "Journal",
        "End",
        "Change",
        "event started",
        "event journalled",
        "event ended",
        "event paged",
        "event active",
    ]
    .iter()
    .any(|known| name.starts_with(known))
}

/// One failover of a database that was killed; at that write the daemon dies, and is started again. What was written.
async fn story(at: Option<(&str, &str)>) -> Vec<String> {
    let mut shop = Shop::new().await;
    shop.usual("auto");
    let dir = shop.path().join("faults");
    std::fs::create_dir(&dir).unwrap();
    let arm = |command: &mut tokio::process::Command| {
        command.arg("--test-faults").arg(&dir);
    };
    let mut daemon = Daemon::start_with(shop.path(), arm).await;
    shop.is_watched_by(&daemon).await;
    std::fs::remove_file(dir.join("writes")).ok();
    if let Some((when, name)) = at {
        std::fs::write(dir.join("crash"), format!("{when}\n{name}\n")).unwrap();
    }
    shop.east.server.signal(Signal::KILL);
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let (mut lives, began) = (1, now());
    loop {
        ticks.tick().await;
        // Whoever takes a fence over waits for its time and a minute more: nothing else says that it lands no more.
        assert!(now() - began < Span::mins(2), "{at:?}: it does not end:\n{}", daemon.log());
        if daemon.has_ended() {
            daemon = Daemon::start_with(shop.path(), arm).await;
            lives += 1;
        } else if let Some(shop) = daemon.tries_shop().await
            && over(&shop).is_some()
        {
            break;
        }
    }
    let fired = !dir.join("crash").exists();
    assert!(fired, "{at:?}: no such write");
    assert_eq!(lives, if at.is_some_and(|(when, _)| when != "lost") { 2 } else { 1 }, "{at:?}");
    let view = daemon.shop().await;
    let events = daemon.events().await;
    let told = || format!("{at:?}: {view}\n{events:#?}\n{}", daemon.log());
    assert_eq!(over(&view), Some("done"), "{}", told());
    assert_eq!(view["last_failover"][0], 1, "one run and no other: {}", told());
    assert_eq!((&view["active"], &view["epoch"]), (&"west".into(), &2.into()), "{}", told());
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2", "{}", told());
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (2)");
    // Who dies between the end and its event tells people of it after the restart, and the chronicle has no event of it.
    assert!(daemon.events().await.of("ended").len() <= 1, "{}", told());
    daemon.stop().await;
    shop.east.server.stop();
    let (store, threads) = watchkeeper::store::open(&shop.path().join("store"), Default::default()).unwrap();
    let chain = Chronicle::new(store.clone()).verify().await.unwrap();
    assert!(chain.is_ok(), "{at:?}: {chain:?}");
    drop(store);
    threads.join();
    std::fs::read_to_string(dir.join("writes")).unwrap().lines().map(str::to_owned).collect()
}

/// Every write of a clean run, and at each of them the same story once more.
async fn at_each(when: &str) {
    let written: BTreeSet<String> = story(None).await.into_iter().filter(|name| counts(name)).collect();
    println!("{} durable writes, {when} each of which it dies:", written.len());
    written.iter().for_each(|name| println!("  {name}"));
    assert!(written.len() > 20, "{written:?}");
    // Most of the time each waits for clocks.
    let each = written.iter().map(|name| story(Some((when, name))));
    futures::stream::iter(each).buffer_unordered(2).map(drop).collect::<()>().await;
}

#[tokio::test]
async fn before_every_durable_write_of_a_failover() {
    at_each("before").await;
}

#[tokio::test]
async fn after_every_durable_write_of_a_failover() {
    at_each("after").await;
}

#[tokio::test]
async fn with_the_answer_lost_of_every_durable_write_of_a_failover() {
    at_each("lost").await;
}
