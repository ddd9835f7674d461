//! The tables, and their version. A change here is a new version with its step from the one before, never an edit.
//!
//! It must never leave a file between two versions: a step and the number that says that it was made are one transaction.

use rusqlite::Connection;

use super::trouble::unreadable;

/// What this daemon writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// From each version to the next, beginning with an empty file.
const STEPS: [&str; 3] = [FIRST, SECOND, THIRD];

/// Facts have the revision at which they were written last; one whose value is null is gone, and was there. Names, never
/// places. The coordinator's tables and the chronicle are in one file, so that one transaction can write both.
const FIRST: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE cluster(id TEXT NOT NULL) STRICT;
CREATE TABLE sessions(id INTEGER PRIMARY KEY, observer TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE TABLE pulses(observer TEXT PRIMARY KEY, revision INTEGER NOT NULL, session INTEGER NOT NULL, count INTEGER,
    fit INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE records(service TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT) WITHOUT ROWID, STRICT;
CREATE TABLE claims(service TEXT PRIMARY KEY, revision INTEGER NOT NULL, holder TEXT, session INTEGER NOT NULL)
    WITHOUT ROWID, STRICT;
CREATE TABLE asks(service TEXT PRIMARY KEY, revision INTEGER NOT NULL, number INTEGER NOT NULL, asker TEXT NOT NULL)
    WITHOUT ROWID, STRICT;
CREATE TABLE votes(service TEXT NOT NULL, observer TEXT NOT NULL, revision INTEGER NOT NULL, session INTEGER NOT NULL,
    body TEXT, PRIMARY KEY(service, observer)) WITHOUT ROWID, STRICT;
CREATE TABLE triggers(service TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, since INTEGER,
    PRIMARY KEY(service, name)) WITHOUT ROWID, STRICT;
CREATE TABLE velocity(only INTEGER PRIMARY KEY CHECK(only = 1), revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE journals(service TEXT NOT NULL, run INTEGER NOT NULL, plan TEXT NOT NULL, PRIMARY KEY(service, run))
    WITHOUT ROWID, STRICT;
CREATE TABLE entries(service TEXT NOT NULL, run INTEGER NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(service, run, place)) WITHOUT ROWID, STRICT;
CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, life INTEGER NOT NULL, service TEXT, seq INTEGER NOT NULL,
    wall INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE INDEX events_of ON events(service, id);
CREATE TABLE trimmed(only INTEGER PRIMARY KEY CHECK(only = 1), upto INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO meta VALUES('revision', 1), ('life', 0);
";

/// What people are owed, the stories that it is about, until when a channel asked to be left alone, and samples in
/// blocks. `about` is one thing that is said, `key` that to one channel: said twice, it is owed once. `planned` is when it
/// would be due without quiet hours. Moments are the wall's, since they must outlive a restart.
const SECOND: &str = "
CREATE TABLE stories(service TEXT NOT NULL, incident INTEGER NOT NULL, rung TEXT, acknowledged INTEGER NOT NULL,
    closed INTEGER, PRIMARY KEY(service, incident)) WITHOUT ROWID, STRICT;
CREATE TABLE notices(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, about TEXT NOT NULL, service TEXT,
    incident INTEGER, run INTEGER, step TEXT, channel TEXT NOT NULL, event TEXT NOT NULL, audience TEXT NOT NULL,
    said TEXT NOT NULL, at INTEGER NOT NULL, planned INTEGER NOT NULL, due INTEGER NOT NULL, promised INTEGER,
    repeat INTEGER, until_acknowledged INTEGER NOT NULL, again INTEGER NOT NULL, instead TEXT, escalated TEXT,
    tries INTEGER NOT NULL DEFAULT 0, why TEXT, settled INTEGER, how TEXT) STRICT;
CREATE INDEX notices_owed ON notices(channel, due, id) WHERE settled IS NULL;
CREATE INDEX notices_about ON notices(about);
CREATE INDEX notices_of ON notices(service, incident);
CREATE INDEX notices_settled ON notices(settled);
CREATE TABLE waits(channel TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE blocks(id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, probe TEXT NOT NULL, region TEXT,
    first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX blocks_of ON blocks(service, probe, last);
CREATE INDEX blocks_old ON blocks(last);
";

/// How far the chronicle has come with the journal of each run. What an older daemon has journalled counts as told.
const THIRD: &str = "
CREATE TABLE runs(service TEXT NOT NULL, run INTEGER NOT NULL, started INTEGER NOT NULL, entries INTEGER NOT NULL,
    ended INTEGER NOT NULL, PRIMARY KEY(service, run)) WITHOUT ROWID, STRICT;
INSERT INTO runs SELECT service, run, 1, (SELECT count(*) FROM entries WHERE entries.service = journals.service
    AND entries.run = journals.run), 1 FROM journals;
";

pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Durable at each commit, bounded, whole, and with its tables.
pub(super) fn set_up(connection: &Connection, largest: u64) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(unreadable(format!("its disk cannot keep a write-ahead log, only `{mode}`")));
    }
    // FULL: the log is on the disk before a commit returns. The log is cut back to 16 MiB.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;")?;
    connection.query_row("PRAGMA journal_size_limit = 16777216", [], |_| Ok(()))?;
    let page: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    let pages = (largest / page.max(1)).max(1);
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    let found = version(connection)?;
    if found != 0 {
        // Before a step is made: what is damaged is left as it is found.
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said != "ok" {
            return Err(unreadable(said));
        }
    }
    for (step, to) in STEPS.iter().zip(1_u32..).skip(found as usize) {
        let up = format!("BEGIN IMMEDIATE; {step} PRAGMA user_version = {to}; COMMIT;");
        if let Err(error) = connection.execute_batch(&up) {
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Counts this opening.
pub(super) fn next_life(connection: &Connection) -> rusqlite::Result<u64> {
    let next = "UPDATE meta SET value = value + 1 WHERE key = 'life' RETURNING value";
    connection.query_row(next, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}
