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
