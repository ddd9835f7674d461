//! The chronicle: in order, once, and not to be changed without being noticed.

use rusqlite::Connection;
use serde_json::json;
use watchkeeper::chronicle::{Broken, Chronicle, Line};
use watchkeeper::core::time::Wall;
use watchkeeper::store::{Limits, open};

use crate::toy::name;

fn line(service: Option<&str>, seq: u64) -> Line {
    let service = service.map(name);
    let body = json!({ "n": seq, "quoted": "\"\n" });
    Line { service, seq, wall: Wall::secs(seq), kind: "health", text: format!("event {seq}"), body }
}

#[tokio::test]
async fn it_keeps_reads_and_verifies() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, threads) = open(dir.path(), Limits::default()).expect("a store");
    let chronicle = Chronicle::new(store);
    chronicle.keep((1..=50).map(|seq| line(Some("shop"), seq)).collect()).await.expect("kept");
    chronicle.keep(vec![line(None, 1), line(Some("mail"), 1)]).await.expect("kept");
    // What may have been kept already is brought again, after an answer that was lost.
    chronicle.keep(vec![line(None, 1), line(None, 2), line(Some("shop"), 50)]).await.expect("kept");
    assert_eq!(chronicle.verify().await, Ok(Ok(53)));
    let newest = chronicle.read(Some(name("shop")), None, 3).await.expect("read");
    assert_eq!(newest.iter().map(|kept| kept.seq).collect::<Vec<_>>(), [50, 49, 48]);
    assert_eq!(newest[0].body, json!({ "n": 50, "quoted": "\"\n", "text": "event 50" }));
    assert_eq!(newest[0].at, "1970-01-01T00:00:50Z");
    let older = chronicle.read(Some(name("shop")), Some(newest[2].id), 1).await.expect("read");
    assert_eq!(older[0].seq, 47);
    let head = chronicle.head().await.expect("a head");
    assert_eq!(chronicle.trim(Wall::secs(40), 20).await, Ok(33), "the newest twenty stay");
    assert_eq!(chronicle.trim(Wall::secs(40), 0).await, Ok(6), "up to the first that is young enough");
    assert_eq!((chronicle.verify().await, chronicle.head().await), (Ok(Ok(14)), Ok(head)));
    chronicle.keep(vec![line(Some("shop"), 51)]).await.expect("kept");
    assert_eq!(chronicle.verify().await, Ok(Ok(15)), "the chain goes on from what was forgotten");
    drop(chronicle);
    threads.join();

    let file = dir.path().join("watchkeeper.db");
    for (sql, id) in [
        ("UPDATE events SET body = replace(body, '45', '46') WHERE seq = 45 AND service = 'shop'", 45),
        ("DELETE FROM events WHERE id = 43", 44),
        ("UPDATE events SET wall = wall + 1 WHERE id = 42", 42),
    ] {
        Connection::open(&file).and_then(|c| c.execute(sql, [])).expect("a forger");
        let (store, threads) = open(dir.path(), Limits::default()).expect("a store");
        let chronicle = Chronicle::new(store);
        assert_eq!(chronicle.verify().await, Ok(Err(Broken { id })), "{sql}");
        drop(chronicle);
        threads.join();
    }
}

/// As a person runs it.
fn command(dir: &std::path::Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    let ended = command.arg("chronicle").args(args).arg("--dir").arg(dir).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

#[tokio::test]
async fn it_is_read_beside_its_daemon_and_without_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, _, why) = command(dir.path(), &["verify"]);
    assert!(code == Some(1) && why.contains("cannot be used"), "{why}");
    let (store, threads) = open(dir.path(), Limits::default()).expect("a store");
    let chronicle = Chronicle::new(store);
    chronicle.keep((1..=50).map(|seq| line(Some("shop"), seq)).collect()).await.expect("kept");
    chronicle.keep(vec![line(None, 1)]).await.expect("kept");
    let mut held = Some((chronicle, threads));
    for running in [true, false] {
        assert_eq!(
            command(dir.path(), &["verify"]),
            (Some(0), "the chain holds: 51 events\n".to_owned(), String::new())
        );
        let (_, shown, _) = command(dir.path(), &["show", "--service", "shop", "--limit", "2"]);
        assert_eq!(
            shown,
            "     49  1970-01-01T00:00:49Z  health       event 49\n     50  1970-01-01T00:00:50Z  health       event 50\n"
        );
        let (_, all, _) = command(dir.path(), &["export", "--since", "1970-01-01T00:00:41Z"]);
        let all: Vec<serde_json::Value> =
            all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((all.len(), &all[0]["seq"], &all[9]["id"]), (10, &json!(41), &json!(50)));
        let (code, _, why) = command(dir.path(), &["show", "--since", "yesterday"]);
        assert!(code == Some(2) && why.contains("write such as"), "{why}");
        if let Some((chronicle, threads)) = held.take().filter(|_| running) {
            drop(chronicle);
            threads.join();
        }
    }
    let file = dir.path().join("watchkeeper.db");
    Connection::open(&file)
        .and_then(|c| c.execute("UPDATE events SET kind = 'x' WHERE id = 7", []))
        .expect("a forger");
    let (code, said, _) = command(dir.path(), &["verify", "--json"]);
    assert_eq!((code, said.as_str()), (Some(1), "{\"broken_at\":7,\"whole\":false}\n"));
}
