//! A whole daemon tells people: whatever its channel and its disk do, no page is lost, none is said twice, and no probe
//! waits for it.

use rusqlite::Connection;
use watchkeeper::notify::Limits;

use super::*;
use crate::told::slack::{Does, SECRET, Slack};
use crate::told::{channel, people};

struct Told {
    dir: tempfile::TempDir,
    east: Option<Target>,
    _west: Target,
    slack: Slack,
    loaded: Loaded,
}

impl Told {
    async fn new() -> Told {
        let dir = tempfile::tempdir().expect("a folder");
        let (east, west, slack) = (Target::new().await, Target::new().await, Slack::new().await);
        let probes = vec![probe("shop", "east", tcp(east.address)), probe("shop", "west", tcp(west.address))];
        let points = vec![west.address.to_string(), west.address.to_string(), west.address.to_string()];
        let people = people(vec![channel(dir.path(), "slack", &slack, None)]);
        let edge = Edge { people, ..Edge::default() };
        let setup = Setup { policy: toy::policy(0, 1), probes, references: points, edge };
        let loaded: Loaded = Arc::new(Mutex::new(Ok(setup)));
        Told { dir, east: Some(east), _west: west, slack, loaded }
    }

    fn place(&self) -> Place {
        let limits = Limits {
            attempt: Span::millis(700),
            first_pause: Span::millis(100),
            longest_pause: Span::millis(500),
            ..Limits::default()
        };
        Place { notices: limits, ..place(self.dir.path()) }
    }

    async fn start(&self, place: Place) -> daemon::Running {
        let running = daemon::start(config(&self.loaded), place).await.unwrap_or_else(|why| panic!("{why}"));
        let at = running.address;
        until("it has a record", async || !shop(&status(at).await)["active"].is_null()).await;
        running
    }
}

fn value(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not served")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slack_that_hangs_delays_no_probe_and_loses_nothing() {
    let mut told = Told::new().await;
    told.slack.does(&[], Does::Hangs);
    let running = told.start(told.place()).await;
    let at = running.address;
    let adopted = post(at, "/api/v1/services/shop/adopt", json!({ "region": "east" }), &[]).await;
    assert_eq!(adopted.0, 200, "{}", adopted.1);
    let east = told.east.take().expect("it is there");
    let dead = east.address;
    east.falls().await;
    until("slack is asked", async || told.slack.heard().len() > 2).await;
    let began = now_started(at).await;
    until("probes go on meanwhile", async || now_started(at).await > began + 40.0).await;
    let metrics = get(at, "/metrics").await.1;
    let late =
        |percent| value(&metrics, &format!("watchkeeper_probe_lateness_seconds{{percent=\"{percent}\"}}"));
    println!("late while slack hung: half of the looks by {} s, 99% by {} s at most", late(50), late(99));
    // A try lasts 700 ms: who waited for one would be that late. The rest is what other tests do to this machine.
    assert!(late(50) < 0.1 && late(99) < 0.5, "{} {}", late(50), late(99));
    assert!(value(&metrics, "watchkeeper_notices_owed{channel=\"slack\"}") >= 1.0, "{metrics}");
    told.slack.does(&[], Does::Takes);
    until("it hears", async || told.slack.took_with("opened") == 1).await;
    let _back = Target::at(dead).await;
    assert_eq!(told.slack.took_with("resolved"), 0);
    let served = [get(at, "/metrics").await.1, get(at, "/api/v1/events?limit=1000").await.1];
    assert!(served.iter().all(|text| !text.contains("verysecret") && !text.contains(SECRET)));
    until("nothing is owed", async || {
        let metrics = get(at, "/metrics").await.1;
        value(&metrics, "watchkeeper_notices_owed{channel=\"slack\"}") == 0.0
    })
    .await;
    running.end().await;
    // Another life has nothing to say again.
    let before = told.slack.took();
    let running = told.start(told.place()).await;
    running.end().await;
    let after = told.slack.took();
    assert!(
        !after[before.len()..].iter().any(|text| before.contains(text)),
        "said again: {:?}",
        &after[before.len()..]
    );
}

async fn now_started(at: SocketAddr) -> f64 {
    value(&get(at, "/metrics").await.1, "watchkeeper_probe_looks_started_total")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nothing_can_be_written_pages_go_out_from_memory_and_are_written_as_delivered() {
    let mut told = Told::new().await;
    let running = told.start(told.place()).await;
    let at = running.address;
    let adopted = post(at, "/api/v1/services/shop/adopt", json!({ "region": "east" }), &[]).await;
    assert_eq!(adopted.0, 200, "{}", adopted.1);
    // Somebody else holds the file's one place to write.
    let file = Connection::open(told.dir.path().join("watchkeeper.db")).expect("the file");
    file.execute_batch("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").expect("it is held");
    told.east.take().expect("it is there").falls().await;
    until("it is told", async || told.slack.took_with("opened") >= 1).await;
    let kept = get(at, "/api/v1/services/shop/events?limit=1000").await.1;
    assert!(!kept.contains("\"turn\":\"opened\""), "it was not written: {kept}");
    file.execute_batch("ROLLBACK").expect("it is let go");
    let written =
        async || get(at, "/api/v1/services/shop/events?limit=1000").await.1.contains("\"turn\":\"opened\"");
    until("it is written", written).await;
    running.end().await;
    let owed: i64 = file
        .query_row("SELECT count(*) FROM notices WHERE settled IS NULL", [], |row| row.get(0))
        .expect("a count");
    let opened = "SELECT count(*) FROM notices WHERE event = 'opened' AND how = 'delivered'";
    let opened: i64 = file.query_row(opened, [], |row| row.get(0)).expect("a count");
    assert_eq!((owed, opened, told.slack.took_with("opened")), (0, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_are_kept_for_charts() {
    let told = Told::new().await;
    let running = told.start(told.place()).await;
    let at = running.address;
    let started = now_started(at).await;
    until("it samples", async || now_started(at).await > started + 20.0).await;
    // What there is is written as it ends.
    running.end().await;
    let running = told.start(told.place()).await;
    let at = running.address;
    let (code, shown) = get(at, "/api/v1/services/shop/samples?probe=web&region=east&minutes=5").await;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let samples = shown["samples"].as_array().expect("samples");
    assert!(code == 200 && samples.len() > 8, "{shown}");
    assert!(samples.iter().all(|one| one["outcome"] == "ok" && one["took_ms"].as_f64().is_some()), "{shown}");
    let moments: Vec<u64> = samples.iter().filter_map(|one| one["micros"].as_u64()).collect();
    assert!(moments.is_sorted() && moments.len() == samples.len());
    let none = get(at, "/api/v1/services/shop/samples?probe=web&region=moon").await;
    assert_eq!(none, (200, "{\"samples\":[]}".to_owned()));
    running.end().await;
}
