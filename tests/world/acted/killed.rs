//! `kill -9` at every durable write of a failover, before it, after it, and with its answer lost: the run ends exactly
//! once, what was broken is moved, and the chain of the chronicle holds.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use watchkeeper::chronicle::Chronicle;

use watchkeeper::core::time::Span;

use super::shop::{Shop, each, over};
use crate::daemon::program::{Daemon, Events, now};

/// What is written while it runs, apart from looks and votes: each is a place to die at.
pub(super) fn counts(name: &str) -> bool {
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
        "delivered",
    ]
    .iter()
    .any(|known| name.starts_with(known))
}

/// One failover of a database that was killed; at that write the daemon dies, and is started again. What was written.
async fn story(at: Option<(&'static str, String)>) -> Vec<String> {
    let at = at.as_ref().map(|(when, name)| (*when, name.as_str()));
    let mut shop = Shop::new().await;
    let slack = shop.tells().await;
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
        assert!(now() - began < Span::mins(5), "{at:?}: it does not end:\n{}", daemon.log());
        if daemon.has_ended() {
            daemon = Daemon::start_with(shop.path(), arm).await;
            lives += 1;
        } else if let Some(view) = daemon.tries_shop().await
            && over(&view).is_some()
            && has_told(&shop)
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
    assert_eq!((&view["active"], &view["epoch"]), (&"west".into(), &2.into()), "{}", told());
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2", "{}", told());
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (2)");
    once(&events, &told);
    for (event, text) in notices(&shop, "how IN ('delivered', 'instead')") {
        assert!(
            slack.took_with(&text) > 0,
            "{event}: nobody heard `{text}`: {:#?}\n{}",
            slack.took(),
            told()
        );
    }
    daemon.stop().await;
    shop.east.server.stop();
    let (store, threads) = watchkeeper::store::open(&shop.path().join("store"), Default::default()).unwrap();
    let chain = Chronicle::new(store.clone()).verify().await.unwrap();
    assert!(chain.is_ok(), "{at:?}: {chain:?}");
    drop(store);
    threads.join();
    std::fs::read_to_string(dir.join("writes")).unwrap().lines().map(str::to_owned).collect()
}

/// The run is told once: that it was started, each entry of its journal, and that it has ended.
pub(super) fn once(events: &Events, told: &dyn Fn() -> String) {
    for kind in ["started", "ended"] {
        assert_eq!(events.of(kind).len(), 1, "{kind}: {:?}\n{}", events.of(kind), told());
    }
    let places = events.numbers("journalled", "place").len();
    at_most_once(events, told);
    assert!(
        events.numbers("journalled", "place").iter().max() == Some(&(places as u64 - 1)) && places > 10,
        "{}",
        told()
    );
}

/// Nothing of the run is told twice.
pub(super) fn at_most_once(events: &Events, told: &dyn Fn() -> String) {
    for kind in ["started", "ended"] {
        assert!(events.of(kind).len() <= 1, "{kind}: {:?}\n{}", events.of(kind), told());
    }
    let mut places = events.numbers("journalled", "place");
    places.sort_unstable();
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}\n{}", told());
}

/// The notices in the outbox of which that holds: event and text.
fn notices(shop: &Shop, so: &str) -> Vec<(String, String)> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store =
        rusqlite::Connection::open_with_flags(shop.path().join("store/watchkeeper.db"), flags).unwrap();
    let sql = format!("SELECT event, json_extract(said, '$.text') FROM notices WHERE {so}");
    let mut rows = store.prepare(&sql).unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// That it began, that it is over, what was done: all of it is delivered, and nothing is owed.
fn has_told(shop: &Shop) -> bool {
    let delivered = notices(shop, "how = 'delivered'");
    let all = ["opened", "run_started", "run_ended", "resolved"];
    all.iter().all(|event| delivered.iter().any(|(of, _)| of == event))
        && notices(shop, "settled IS NULL").is_empty()
}

/// The writes of a clean run at which to die.
async fn written() -> BTreeSet<String> {
    let written: BTreeSet<String> = story(None).await.into_iter().filter(|name| counts(name)).collect();
    println!("{} durable writes:", written.len());
    written.iter().for_each(|name| println!("  {name}"));
    assert!(written.len() > 20, "{written:?}");
    written
}

async fn at_each(at: impl Iterator<Item = (&'static str, String)>) {
    let stories = at.map(|at| (format!("{at:?}"), async move || drop(story(Some(at)).await)));
    // Most of the time each waits for clocks.
    each(stories.collect(), 3).await;
}

/// `./test kills`: a quarter of an hour.
#[tokio::test]
#[ignore = "a command of its own: ./test kills"]
async fn at_every_durable_write_of_a_failover() {
    let written = written().await;
    let whens = ["before", "after", "lost"].into_iter();
    at_each(whens.flat_map(|when| written.iter().map(move |name| (when, name.clone())))).await;
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
    at_each(changes.iter().flat_map(|name| whens.map(|when| (when, (*name).clone())))).await;
}
