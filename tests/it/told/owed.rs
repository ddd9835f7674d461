//! Who is owed what: from events to notices, over the disk and over restarts.

use serde_json::{Value, json};
use watchkeeper::chronicle::{self, Around, Change, Chronicle, Line, Memory, Notice, ReadBack, Teller};
use watchkeeper::config::wiring::Quiet;
use watchkeeper::core::time::Wall;
use watchkeeper::core::view::Story;
use watchkeeper::store;

use super::slack::Slack;
use super::*;

const NOON: u64 = 86_400 * 20_000 + 12 * 3_600;

fn line(seq: u64, kind: &'static str, body: Value) -> Line {
    let wall = Wall::secs(NOON + seq);
    Line { service: Some(name("shop")), seq, wall, kind, text: format!("{kind} {seq}"), body }
}

fn incident(seq: u64, turn: &str, rung: Option<&str>) -> Line {
    line(seq, "incident", json!({ "number": 3, "turn": turn, "rung": rung }))
}

fn around(rung: Option<&str>, first_failed: u64, acknowledged: u32) -> Around {
    let first_failed = Wall::secs(NOON + first_failed);
    let story = Story { number: 3, rung: rung.map(name), first_failed, acknowledged };
    Around { story: Some(story), read_back: None }
}

fn owed(changes: &[Change]) -> Vec<&Notice> {
    let mut all = Vec::new();
    for change in changes {
        match change {
            Change::Owe(notice) => all.push(&**notice),
            Change::Story(_) | Change::Cancel { .. } => {}
        }
    }
    all
}

/// Event, channel, and due so many seconds after noon.
fn short(changes: &[Change]) -> Vec<(String, String, u64)> {
    let short = |notice: &&Notice| {
        let due = notice.due.as_micros() / 1_000_000 - NOON;
        (notice.event.clone(), notice.channel.to_string(), due)
    };
    owed(changes).iter().map(short).collect()
}

fn told(event: &str, channel: &str, due: u64) -> (String, String, u64) {
    (event.to_owned(), channel.to_owned(), due)
}

async fn two() -> (tempfile::TempDir, Arc<People>) {
    let dir = tempfile::tempdir().expect("a folder");
    let slack = Slack::new().await;
    let both = vec![channel(dir.path(), "boss", &slack, None), channel(dir.path(), "call", &slack, None)];
    let people = people(both);
    (dir, people)
}

#[tokio::test]
async fn an_incident_is_told_by_its_escalation_and_its_end_to_whoever_was_told() {
    let (_dir, everyone) = two().await;
    let escalation = Escalation {
        tell: vec![tell(Span::ZERO, "call"), tell(Span::mins(30), "boss")],
        follow_up: vec![(Span::hours(48), "write it down".to_owned(), vec![name("boss")])],
        quiet: None,
    };
    let people = by(&everyone, &["l2", "l1"], escalation);
    let mut teller = Teller::new(1, Vec::new(), Vec::new());
    let opened = teller.tell(&people, &incident(10, "opened", Some("l2")), &around(Some("l2"), 0, 0));
    assert_eq!(short(&opened), [told("opened", "boss", 1_800), told("opened", "call", 10)]);
    assert_eq!(owed(&opened)[0].key(), "1/shop/10/l2/boss", "service, seq, channel, rung");
    let before = teller.clone();
    // Flapping says nothing new; a higher rung does.
    let flapped = teller.tell(&people, &incident(20, "flapped", Some("l2")), &around(Some("l2"), 0, 0));
    assert_eq!(flapped, []);
    let raised = teller.tell(&people, &incident(30, "raised", Some("l1")), &around(Some("l1"), 0, 0));
    assert_eq!(short(&raised), [told("raised", "boss", 1_800), told("raised", "call", 30)]);
    let early = teller.tell(&people, &incident(40, "closed", None), &Around::default());
    assert_eq!(short(&early), [told("resolved", "call", 40), told("follow_up", "boss", 48 * 3_600 + 40)]);
    let mut teller = before;
    let late = teller.tell(&people, &incident(2_000, "closed", None), &Around::default());
    assert_eq!(short(&late).len(), 3, "the boss was told meanwhile: {late:?}");
    // A scenario of no severity tells those who are first at the highest rung.
    let none = teller.tell(&people, &incident(50, "opened", None), &around(None, 50, 0));
    assert_eq!(short(&none), [told("opened", "call", 50)]);
    // A service that names nobody tells everybody.
    let mut other = Teller::new(1, Vec::new(), Vec::new());
    let all = other.tell(&everyone, &incident(10, "opened", Some("l9")), &around(Some("l9"), 0, 0));
    assert_eq!(short(&all), [told("opened", "boss", 10), told("opened", "call", 10)]);
}

#[tokio::test]
async fn what_crashed_before_it_was_written_is_told_when_the_story_goes_on() {
    let (_dir, people) = two().await;
    let mut teller = Teller::new(2, Vec::new(), vec![(name("shop"), 7), (name("shop"), 8)]);
    let flapped = teller.tell(&people, &incident(5, "flapped", Some("l2")), &around(Some("l2"), 0, 0));
    assert_eq!(short(&flapped).len(), 2, "its opening was never told: {flapped:?}");
    let mut teller2 = Teller::new(2, Vec::new(), Vec::new());
    let closed = teller2.tell(&people, &incident(5, "closed", None), &Around::default());
    assert_eq!(short(&closed), [told("resolved", "boss", 5), told("resolved", "call", 5)]);
    // An incident that was told, and that the record does not name any more: it closed, and that was not written.
    let story = chronicle::Story {
        service: name("shop"),
        incident: 3,
        rung: Some("l2".to_owned()),
        acknowledged: 0,
        closed: None,
        told: vec![(name("call"), "responders".to_owned(), Wall::secs(1))],
    };
    let mut teller3 = Teller::new(2, vec![story], Vec::new());
    let restored = line(6, "claim", json!({ "turn": "restored" }));
    let goes_on = Around { read_back: Some(ReadBack::default()), ..around(Some("l2"), 0, 0) };
    assert_eq!(teller3.tell(&people, &restored, &goes_on), [], "it is open yet");
    let over = Around { story: None, read_back: Some(ReadBack::default()) };
    let closed = teller3.tell(&people, &restored, &over);
    assert_eq!(short(&closed), [told("resolved", "call", 6)]);
    assert_eq!(owed(&closed)[0].said["text"], "shop: incident 3 closed while this daemon was not there");
    assert_eq!(teller3.tell(&people, &restored, &over), [], "once");
    // A run that began in another life, and is not among those that were read back.
    let read_back = ReadBack { unfinished: vec![8], last: Some((7, "done".to_owned())) };
    let with = |read_back| Around { read_back: Some(read_back), ..around(Some("l2"), 0, 0) };
    let ended = teller.tell(&people, &restored, &with(read_back.clone()));
    assert_eq!(short(&ended), [told("run_ended", "boss", 6), told("run_ended", "call", 6)]);
    assert_eq!(owed(&ended)[0].said["text"], "shop: run 7 has ended while this daemon was not there: done");
    assert_eq!(teller.tell(&people, &restored, &with(read_back)), []);
    let resumed = teller.tell(&people, &line(9, "resumed", json!({ "run": 8 })), &Around::default());
    assert_eq!(short(&resumed).len(), 2);
    // How it ends is paged before it does: it is not said twice.
    let ends = line(10, "paged", json!({ "about": "ends", "run": 8 }));
    assert_eq!(short(&teller.tell(&people, &ends, &Around::default())).len(), 2);
    let ended = line(11, "ended", json!({ "run": 8, "outcome": "undone" }));
    assert_eq!(teller.tell(&people, &ended, &Around::default()), []);
}

#[tokio::test]
async fn a_page_waits_for_no_quiet_hours_and_an_incident_does() {
    let (_dir, everyone) = two().await;
    let quiet = Quiet { from: 11 * 60, to: 13 * 60, zone: jiff::tz::TimeZone::UTC };
    let tell = vec![tell(Span::ZERO, "call"), tell(Span::mins(5), "boss")];
    let people = by(&everyone, &["l2"], Escalation { tell, follow_up: Vec::new(), quiet: Some(quiet) });
    let mut teller = Teller::new(1, Vec::new(), Vec::new());
    let opened = teller.tell(&people, &incident(10, "opened", Some("l2")), &around(Some("l2"), 0, 0));
    assert_eq!(short(&opened), [told("opened", "boss", 3_600), told("opened", "call", 3_600)]);
    let held = line(20, "paged", json!({ "about": "held", "run": 7, "nth": 1 }));
    let paged = teller.tell(&people, &held, &around(Some("l2"), 0, 0));
    assert_eq!(short(&paged), [told("held", "call", 20)], "whoever is told first");
    let later = line(400, "paged", json!({ "about": "held", "run": 7, "nth": 2 }));
    let paged = teller.tell(&people, &later, &around(Some("l2"), 0, 0));
    assert_eq!(
        short(&paged),
        [told("held", "boss", 400), told("held", "call", 400)],
        "and whoever was since"
    );
    let blind = teller.tell(&people, &line(500, "blind", json!({ "region": "east" })), &Around::default());
    assert_eq!(short(&blind), [told("blind", "call", 500)]);
    let seeing = teller.tell(&people, &line(600, "seeing", json!({ "region": "east" })), &Around::default());
    assert_eq!(short(&seeing), [told("seeing", "call", 600)]);
    let asked = line(700, "requested", json!({ "request": 4 }));
    assert_eq!(teller.tell(&people, &asked, &Around::default()), [], "the page says so");
}

#[tokio::test]
async fn an_acknowledgement_ends_repeats_and_a_closing_cancels_over_a_restart() {
    let (dir, everyone) = two().await;
    let repeats = Tell { repeat: Some(Span::mins(10)), ..tell(Span::ZERO, "call") };
    let escalation =
        Escalation { tell: vec![repeats, tell(Span::mins(30), "boss")], ..Escalation::default() };
    let people = by(&everyone, &["l2"], escalation);
    let (store, threads) = store::open(dir.path(), store::Limits::default()).expect("a store");
    let (chronicle, memory) = (Chronicle::new(store), Memory::default());
    let mut teller = chronicle.teller().await.expect("read");
    let keep = async |teller: &mut Teller, line: Line, around: Around| {
        let changes = teller.tell(&people, &line, &around);
        chronicle.keep_owing(vec![line], changes, &memory).await.expect("kept");
    };
    keep(&mut teller, incident(10, "opened", Some("l2")), around(Some("l2"), 0, 0)).await;
    let outbox = chronicle.outbox();
    let at = |secs| Wall::secs(NOON + secs);
    let first = outbox.next(name("call"), at(10), &memory).await.expect("read").owed.expect("owed");
    outbox.delivered(first, at(11)).await.expect("marked");
    let next = outbox.next(name("call"), at(12), &memory).await.expect("read");
    assert_eq!((next.owed, next.due), (None, Some(at(611))), "said again");
    let again = outbox.next(name("call"), at(700), &memory).await.expect("read").owed.expect("owed");
    assert_eq!((again.notice.event.as_str(), again.notice.about.as_str()), ("update", "1/shop/10/l2+1"));
    // Another life: who was told is read from the disk.
    let mut teller = chronicle.teller().await.expect("read");
    keep(&mut teller, line(620, "asked", json!({})), around(Some("l2"), 0, 1)).await;
    for channel in ["call", "boss"] {
        let next = outbox.next(name(channel), at(5_000), &memory).await.expect("read");
        let due = next.owed.map(|owed| owed.notice.planned);
        assert!(due.is_none_or(|due| due <= at(620)), "{channel} is still owed {due:?}");
    }
    if let Some(owed) = outbox.next(name("call"), at(5_000), &memory).await.expect("read").owed {
        outbox.delivered(owed, at(5_000)).await.expect("marked");
    }
    let none = outbox.next(name("call"), at(90_000), &memory).await.expect("read").owed;
    assert_eq!(none, None, "nobody repeats what was seen");
    keep(&mut teller, incident(900, "closed", None), Around::default()).await;
    let end = outbox.next(name("call"), at(900), &memory).await.expect("read").owed.expect("the end");
    assert_eq!(end.notice.event, "resolved");
    assert_eq!(outbox.next(name("boss"), at(90_000), &memory).await.expect("read").owed, None);
    assert!(outbox.stories().await.expect("read").is_empty());
    assert!(outbox.is_owed(name("shop"), 1, "x".to_owned()).await.is_ok_and(|owed| !owed));
    drop((chronicle, outbox));
    threads.join();
}

#[test]
fn every_notice_has_its_row_in_the_docs() {
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/NOTICES.md")).expect("a page");
    let rows: Vec<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(rows, watchkeeper::chronicle::TOLD);
}
