//! A file of an older version is carried forward, whole or not at all.

use rusqlite::Connection;
use watchkeeper::chronicle::{Chronicle, Line};
use watchkeeper::core::time::Wall;
use watchkeeper::store::{Limits, NotOpened, open};

use super::opened;
use crate::toy::name;

const TABLES: &str = include_str!("version1.sql");

fn line(seq: u64) -> Line {
    let body = serde_json::json!({ "n": seq });
    let (service, wall) = (Some(name("shop")), Wall::secs(seq));
    Line { service, seq, wall, kind: "health", text: format!("event {seq}"), body }
}

/// A file of version 1 with 30 events, a record and two lives.
async fn version_1(dir: &std::path::Path) -> std::path::PathBuf {
    // The chain's hashes are those of the daemon; rows are the same in both versions.
    let newer = tempfile::tempdir().expect("a folder");
    let (store, threads) = opened(newer.path());
    Chronicle::new(store).keep((1..=30).map(line).collect()).await.expect("kept");
    threads.join();
    let file = dir.join("watchkeeper.db");
    let c = Connection::open(&file).expect("a file");
    c.execute_batch(TABLES).expect("the old tables");
    c.execute("ATTACH ?1 AS newer", [newer.path().join("watchkeeper.db").to_str()]).expect("both");
    c.execute_batch(
        "INSERT INTO events SELECT * FROM newer.events;
        UPDATE meta SET value = 2 WHERE key = 'life'; UPDATE meta SET value = 77 WHERE key = 'revision';
        INSERT INTO records VALUES('shop', 76, '{\"kept\":true}');",
    )
    .expect("what it held");
    file
}

#[tokio::test]
async fn a_file_of_version_1_is_carried_forward_with_all_that_it_holds() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = version_1(dir.path()).await;
    let (store, threads) = opened(dir.path());
    assert_eq!(store.life(), 3);
    let chronicle = Chronicle::new(store.clone());
    assert_eq!(chronicle.verify().await, Ok(Ok(30)));
    let record = "SELECT body FROM records WHERE service = 'shop' AND revision = 76";
    let record = store.read(|c| c.query_row(record, [], |row| row.get::<_, String>(0))).await;
    assert_eq!(record, Ok("{\"kept\":true}".to_owned()));
    chronicle.keep(vec![line(31)]).await.expect("the chain goes on");
    assert_eq!(chronicle.verify().await, Ok(Ok(31)));
    assert!(chronicle.outbox().stories().await.expect("the new tables are there").is_empty());
    drop((store, chronicle));
    threads.join();
    let version = Connection::open(&file)
        .and_then(|c| c.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)));
    assert_eq!(version, Ok(3));
}

#[tokio::test]
async fn a_step_that_cannot_be_made_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = version_1(dir.path()).await;
    let c = Connection::open(&file).expect("the file");
    // The last of what the step makes is in its way.
    c.execute_batch("CREATE TABLE blocks(x)").expect("a table");
    let refused = open(dir.path(), Limits::default()).err().expect("it cannot be carried forward");
    assert!(matches!(refused, NotOpened::Corrupt { .. }), "{refused}");
    let (version, notices): (i64, i64) = c
        .query_row(
            "SELECT (SELECT user_version FROM pragma_user_version), \
             (SELECT count(*) FROM sqlite_schema WHERE name = 'notices')",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a look");
    assert_eq!((version, notices), (1, 0));
    c.execute_batch("DROP TABLE blocks").expect("out of the way");
    drop(c);
    let (store, _threads) = opened(dir.path());
    assert_eq!(Chronicle::new(store).verify().await, Ok(Ok(30)));
}
