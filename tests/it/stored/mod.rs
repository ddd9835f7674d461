//! The store: what was promised durable is there after a kill; full, damaged, taken and newer files are told apart.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use watchkeeper::core::input::Store as Condition;
use watchkeeper::core::time::Span;
use watchkeeper::daemon::clock::now;
use watchkeeper::store::{Limits, NotOpened, Store, Threads, open, unreadable};

mod older;

fn opened(dir: &Path) -> (Store, Threads) {
    open(dir, Limits::default()).unwrap_or_else(|why| panic!("{why}"))
}

async fn table(store: &Store) {
    store
        .write(|c| c.execute_batch("CREATE TABLE IF NOT EXISTS t(n INTEGER, twin INTEGER)"))
        .await
        .expect("a table");
}

#[tokio::test]
async fn a_piece_that_fails_takes_no_other_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, threads) = opened(dir.path());
    table(&store).await;
    let writes = (0..300_i64).map(|n| {
        let store = store.clone();
        async move {
            let wrote = store.write(move |c| {
                c.execute("INSERT INTO t VALUES(?1, ?1)", [n])?;
                if n % 3 == 0 { Err(rusqlite::Error::InvalidQuery) } else { Ok(n) }
            });
            (n, wrote.await)
        }
    });
    for (n, wrote) in futures::future::join_all(writes).await {
        match wrote {
            Ok(same) => assert!(same == n && n % 3 != 0),
            Err(trouble) => assert!(n % 3 == 0 && trouble.certain, "{trouble}"),
        }
    }
    let there: i64 = store
        .read(|c| c.query_row("SELECT count(*) FROM t WHERE n % 3 <> 0", [], |row| row.get(0)))
        .await
        .expect("a count");
    let not: i64 = store
        .read(|c| c.query_row("SELECT count(*) FROM t WHERE n % 3 = 0", [], |row| row.get(0)))
        .await
        .expect("a count");
    assert_eq!((there, not, *store.condition().borrow()), (200, 0, Condition::Ok));
    drop(store);
    threads.join();
    assert!(!dir.path().join("watchkeeper.db-wal").exists(), "closed, the file alone is whole");
}

#[tokio::test]
async fn a_second_daemon_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, threads) = opened(dir.path());
    let refused = open(dir.path(), Limits::default()).err().expect("it is taken");
    assert!(matches!(refused, NotOpened::Locked(_)));
    assert!(refused.to_string().starts_with("another watchkeeper is using "), "{refused}");
    assert_eq!(store.life(), 1);
    drop(store);
    threads.join();
    let (store, _threads) = opened(dir.path());
    assert_eq!(store.life(), 2);
}

#[tokio::test]
async fn a_full_disk_is_told_and_heals() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, _threads) = open(dir.path(), Limits { largest: 300_000, queue: 16 }).expect("a store");
    table(&store).await;
    store.write(|c| c.execute_batch("CREATE TABLE big(b BLOB)")).await.expect("a table");
    let mut full = None;
    for _ in 0..200 {
        let wrote = store.write(|c| c.execute("INSERT INTO big VALUES(zeroblob(8000))", []).map(drop)).await;
        if let Err(trouble) = wrote {
            full = Some(trouble);
            break;
        }
    }
    let full = full.expect("it has a limit");
    assert!(full.certain && full.condition == Condition::Full, "{full}");
    assert_eq!(*store.condition().borrow(), Condition::Full);
    store.write(|c| c.execute_batch("DELETE FROM big")).await.expect("taking away needs no room");
    store.write(|c| c.execute("INSERT INTO t VALUES(1, 1)", []).map(drop)).await.expect("room again");
    assert_eq!(*store.condition().borrow(), Condition::Ok);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_a_newer_one_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("watchkeeper.db");
    fs::write(&file, vec![7_u8; 40_000]).expect("rubbish");
    let refused = open(dir.path(), Limits::default()).err().expect("it is rubbish");
    assert!(matches!(refused, NotOpened::Corrupt { .. }), "{refused}");
    fs::remove_file(&file).expect("away with it");
    let (store, threads) = opened(dir.path());
    table(&store).await;
    store
        .write(|c| {
            for n in 0..5_000 {
                c.execute("INSERT INTO t VALUES(?1, ?1)", [n])?;
            }
            Ok(())
        })
        .await
        .expect("rows");
    drop(store);
    threads.join();
    let whole = fs::read(&file).expect("the file");
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 8_192].fill(0xAA);
    fs::write(&file, torn).expect("the torn file");
    let refused = open(dir.path(), Limits::default()).err().expect("it is torn");
    assert!(
        matches!(refused, NotOpened::Corrupt { .. }) && refused.to_string().contains("restore it"),
        "{refused}"
    );
    fs::write(&file, whole).expect("the file");
    Connection::open(&file).and_then(|c| c.execute_batch("PRAGMA user_version = 9")).expect("a newer one");
    let refused = open(dir.path(), Limits::default()).err().expect("it is newer");
    assert!(matches!(refused, NotOpened::Newer { found: 9, .. }), "{refused}");
}

#[tokio::test]
async fn what_is_found_damaged_stays_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, _threads) = opened(dir.path());
    table(&store).await;
    let trouble =
        store.write(|_| Err::<(), _>(unreadable("half a record"))).await.expect_err("it is unreadable");
    assert!(trouble.certain && trouble.condition == Condition::Corrupt);
    store
        .write(|c| c.execute("INSERT INTO t VALUES(1, 1)", []).map(drop))
        .await
        .expect("it writes all the same");
    assert_eq!(*store.condition().borrow(), Condition::Corrupt);
}

/// Writes until it is killed, and says each time what was promised durable. Run by the test below, in its folder.
#[test]
#[ignore = "the child of the next test"]
fn child_that_writes() {
    let dir = std::env::current_dir().expect("a folder");
    assert!(dir.join("for-the-child").exists(), "only the test below starts it");
    let (store, _threads) = opened(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        table(&store).await;
        for n in 0_i64.. {
            let wrote = store.write(move |c| {
                c.execute("INSERT INTO t VALUES(?1, NULL)", [n])?;
                c.execute("UPDATE t SET twin = n WHERE n = ?1", [n])
            });
            wrote.await.expect("written");
            fs::write("promised.new", n.to_string())
                .and_then(|()| fs::rename("promised.new", "promised"))
                .expect("said");
        }
    });
}

#[test]
fn killed_in_mid_write_it_keeps_what_it_promised_and_nothing_torn() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("for-the-child"), "").expect("a file");
    let promised =
        || fs::read_to_string(dir.path().join("promised")).ok().and_then(|n| n.parse::<i64>().ok());
    let mut last = -1;
    for round in 0..5 {
        drop(fs::remove_file(dir.path().join("promised")));
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "stored::child_that_writes", "--ignored", "--quiet"])
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let deadline = now().mono + Span::secs(30);
        while promised().is_none_or(|n| n < 20 + round * 7) {
            assert!(now().mono < deadline, "the child writes nothing");
            std::thread::yield_now();
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        let said = promised().expect("what was promised");
        let (store, threads) = opened(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (top, torn) = runtime.block_on(async {
            let torn = "SELECT count(*) FROM t WHERE twin IS NOT n";
            let top = store.read(|c| c.query_row("SELECT max(rowid) FROM t", [], |row| row.get::<_, i64>(0)));
            (
                top.await.expect("rows"),
                store
                    .read(move |c| c.query_row(torn, [], |row| row.get::<_, i64>(0)))
                    .await
                    .expect("a count"),
            )
        });
        assert_eq!(torn, 0, "a write is whole or not there");
        assert!(top > last + said, "promised {said} after {last} rows, and there are {top}");
        last = top;
        drop(store);
        threads.join();
    }
}
