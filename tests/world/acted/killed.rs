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

/// The writes of a clean run at which to die.
async fn written() -> BTreeSet<String> {
    let written: BTreeSet<String> = story(None).await.into_iter().filter(|name| counts(name)).collect();
    println!("{} durable writes:", written.len());
    written.iter().for_each(|name| println!("  {name}"));
    assert!(written.len() > 20, "{written:?}");
    written
}

async fn each<'a>(at: impl Iterator<Item = (&'a str, &'a str)>) {
    // Most of the time each waits for clocks.
    futures::stream::iter(at).map(|at| story(Some(at))).buffer_unordered(2).map(drop).collect::<()>().await;
}

/// `./test kills`: a quarter of an hour.
#[tokio::test]
#[ignore = "a command of its own: ./test kills"]
async fn at_every_durable_write_of_a_failover() {
    let written = written().await;
    for when in ["before", "after", "lost"] {
        println!("{when} each of them");
        each(written.iter().map(|name| (when, name.as_str()))).await;
    }
}

/// What may not be lost: that it runs, where the service is active, and that it has ended.
#[tokio::test]
async fn at_the_writes_of_a_failover_that_change_the_record() {
    let written = written().await;
    let changes =
        written.iter().filter(|name| name.ends_with("and the record") && !name.starts_with("Change"));
    let changes: Vec<&String> = changes.collect();
    assert_eq!(changes.len(), 3, "{changes:?}");
    let whens = ["before", "after", "lost"];
    each(changes.iter().flat_map(|name| whens.map(|when| (when, name.as_str())))).await;
}
