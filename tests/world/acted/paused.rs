//! SIGSTOP of the daemon at each step of a failover, and CONT: nothing that it wanted before lands after its right to want
//! it is over, seen at the servers; and the run ends exactly once, as it should.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use watchkeeper::core::time::Span;

use super::killed::{at_most_once, counts, once};
use super::line::Line;
use super::shop::{Shop, each, over};
use crate::child::until;
use crate::daemon::program::{Daemon, Events, now, pass};

/// Of the daemon's session: `shop.rs` has it in the config.
const SESSION: Span = Span::secs(5);
const KEPT: &str = "it kept its claim";
/// What promotes, on its way to PostgreSQL.
const PROMOTES: &[u8] = b"pg_promote(";
/// The new address as the name server is told it: length and four bytes.
const MOVES: &[u8] = &[0, 4, 10, 0, 0, 2];

/// Where it stands still.
#[derive(Clone, Debug)]
enum At {
    /// When what has this in its name is written; after it, or before.
    Write(&'static str, String),
    /// While the call that promotes is on its way: it comes to the server before the daemon wakes.
    Promoting,
    /// While the update of the name is on its way: it comes to the server when all is over.
    Naming,
}

/// A shop between wires, and its daemon.
struct Story {
    shop: Shop,
    daemon: Daemon,
    promotes: Line,
    names: Line,
}

impl Story {
    async fn new() -> Story {
        let mut shop = Shop::new().await;
        let store = shop.path().join("store");
        let promotes = Line::to(shop.west.port, PROMOTES, store.clone()).await;
        let names = Line::to(shop.named.port, MOVES, store).await;
        (shop.west_at, shop.dns_at) = (promotes.port, names.port);
        shop.usual("auto");
        let dir = shop.path().join("faults");
        std::fs::create_dir(&dir).unwrap();
        let arm = |command: &mut tokio::process::Command| {
            command.arg("--test-faults").arg(&dir);
        };
        let daemon = Daemon::start_with(shop.path(), arm).await;
        shop.is_watched_by(&daemon).await;
        std::fs::remove_file(dir.join("writes")).ok();
        Story { shop, daemon, promotes, names }
    }

    /// The next write at which it stands still, if it is one.
    fn stops_at(&self, at: Option<&(At, Span)>) {
        if let Some((At::Write(when, name), _)) = at {
            let file = self.shop.path().join("faults/crash");
            // In one piece: it is looked for at every write.
            std::fs::write(file.with_extension("new"), format!("stopped {when}\n{name}\n")).unwrap();
            std::fs::rename(file.with_extension("new"), file).unwrap();
        }
    }

    fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.daemon.pid())).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// The token that the name server knows.
    async fn token(&self) -> String {
        self.shop.named.says_at_last("_watchkeeper.www.shop.test", "TXT").await
    }

    async fn ends(&self, told: &dyn Fn() -> String) {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        let began = now();
        loop {
            ticks.tick().await;
            if self.daemon.tries_shop().await.is_some_and(|view| over(&view).is_some()) {
                return;
            }
            // Whoever takes a fence over waits for its time and a minute more.
            assert!(now() - began < Span::mins(5), "it does not end: {}\n{}", told(), self.daemon.log());
        }
    }
}

/// It stands still at each of these for so long, one after the other.
async fn story(at: Vec<(At, Span)>) {
    let all = &at;
    let told = || format!("{all:?}");
    let story = Story::new().await;
    let (shop, daemon) = (&story.shop, &story.daemon);
    if all.iter().any(|(at, _)| matches!(at, At::Promoting)) {
        story.promotes.hold();
    }
    if all.iter().any(|(at, _)| matches!(at, At::Naming)) {
        story.names.hold();
    }
    story.stops_at(all.first());
    shop.east.server.signal(Signal::KILL);
    for (place, (at, pause)) in all.iter().enumerate() {
        match at {
            At::Write(..) => within("it stands still", &told, || story.stands_still()).await,
            At::Promoting => within("it promotes", &told, || story.promotes.holds_one()).await,
            At::Naming => within("it names", &told, || story.names.holds_one()).await,
        }
        daemon.signal(Signal::STOP);
        within("it stands still", &told, || story.stands_still()).await;
        pass(*pause).await;
        if let At::Promoting = at {
            story.promotes.deliver().await;
            if *pause > SESSION {
                // Its own clock says that it comes too late.
                let standby = shop.place.asks(shop.west.port, "SELECT pg_is_in_recovery()");
                assert_eq!(standby, "t", "{}", told());
            }
        }
        story.stops_at(all.get(place + 1));
        daemon.signal(Signal::CONT);
    }
    story.ends(&told).await;
    let token = story.token().await;
    if story.names.holds_one() {
        story.names.deliver().await;
    }
    let view = daemon.shop().await;
    let events = daemon.events().await;
    let seen = || format!("{}: {view}\n{events:#?}\n{}", told(), daemon.log());
    assert_eq!(over(&view), Some("done"), "{}", seen());
    assert_eq!((&view["active"], &view["epoch"]), (&"west".into(), &2.into()), "{}", seen());
    // Open: what became durable as its session was over is in the record and the journal, and the chronicle lacks it.
    if resumed(&events) == KEPT {
        once(&events, &seen)
    } else {
        at_most_once(&events, &seen)
    }
    // What the servers have seen.
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2", "{}", seen());
    assert_eq!(story.token().await, token, "an old update has landed: {}", seen());
    let timeline = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";
    assert_eq!(shop.place.asks(shop.west.port, timeline), "00000002", "promoted once: {}", seen());
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (2)");
    let (promotes, names) = (story.promotes.came(), story.names.came());
    for came in promotes.iter().chain(&names).filter(|came| !came.late) {
        assert!(came.alive, "it came when the session was over: {came:?}: {}", seen());
    }
    assert!(!promotes.is_empty() && !names.is_empty(), "{}", seen());
    println!(
        "{}: {}, {} promotions and {} updates came",
        told(),
        resumed(&events),
        promotes.len(),
        names.len()
    );
    let Story { mut shop, daemon, .. } = story;
    daemon.stop().await;
    shop.east.server.stop();
}

/// Whether it took its claim anew, or had it still.
fn resumed(events: &Events) -> &'static str {
    let claims = events.of("claim");
    if claims.iter().any(|text| text.ends_with("lost")) { "its claim was lost" } else { KEPT }
}

async fn within(what: &str, told: &dyn Fn() -> String, is: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let began = now();
    while !is() {
        ticks.tick().await;
        assert!(now() - began < Span::mins(3), "{what}: not within three minutes: {}", told());
    }
}

/// What a run that is not disturbed writes.
async fn written() -> BTreeSet<String> {
    let Story { mut shop, daemon, promotes, names } = Story::new().await;
    shop.east.server.signal(Signal::KILL);
    until("it is over", || async { over(&daemon.shop().await).is_some() }).await;
    assert_eq!((promotes.came().len(), names.came().len()), (1, 1), "each is done once");
    daemon.stop().await;
    shop.east.server.stop();
    let written = std::fs::read_to_string(shop.path().join("faults/writes")).unwrap();
    let written: BTreeSet<String> = written.lines().filter(|name| counts(name)).map(str::to_owned).collect();
    assert!(written.len() > 20, "{written:?}");
    written
}

async fn at_each(all: Vec<Vec<(At, Span)>>, at_once: usize) {
    let stories = all.into_iter().map(|all| (format!("{all:?}"), move || story(all)));
    each(stories.collect(), at_once).await;
}

/// `./test pauses`: most of an hour.
#[tokio::test]
#[ignore = "a command of its own: ./test pauses"]
async fn at_every_write_and_call_of_a_failover_for_up_to_a_minute() {
    let written = written().await;
    println!("{} durable writes, and two calls on their way", written.len());
    let places = written.into_iter().map(|name| At::Write("after", name)).chain([At::Promoting, At::Naming]);
    let places: Vec<At> = places.collect();
    let pauses = [Span::secs(1), Span::millis(4_500), Span::secs(6), Span::secs(60)];
    let all = pauses.into_iter().flat_map(|pause| places.iter().map(move |at| vec![(at.clone(), pause)]));
    at_each(all.collect(), 3).await;
}

/// At each step: its intent is durable, and nothing is sent yet; and while its call is on its way.
#[tokio::test]
async fn at_each_step_of_a_failover_for_some_seconds() {
    let each_for = |span, names: &[&str]| {
        names.iter().map(|name| (At::Write("after", (*name).to_owned()), span)).collect::<Vec<_>>()
    };
    let short = ["Start and", "Do stop_old", "Do promote", "Do name", "Do check", "End Ended"];
    // Whoever takes a fence over waits for more than a minute: that is in `./test pauses`.
    let long = ["Start and", "Do promote", "Do name", "Do check", "End Ended"];
    let all = vec![
        each_for(Span::secs(1), &short),
        each_for(Span::secs(6), &long),
        vec![(At::Promoting, Span::secs(8)), (At::Naming, Span::secs(8))],
        vec![(At::Promoting, Span::secs(1))],
    ];
    at_each(all, 2).await;
}
