//! The chronicle: everything that happened, at this observer, append-only and hash-chained, in the store.
//!
//! Events come from the core and are told with names. It says that one is durable only when it is, in the order in which
//! they happened. It must never hold a secret, and never be what a decision is made from.

mod chain;
mod event;
mod memory;
mod notice;
mod outbox;
mod reading;
mod routes;
mod runs;
mod samples;
mod teller;
mod words;

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use crate::core::ids::Name;
use crate::core::time::Wall;
use crate::store::{Store, Trouble, unreadable};

pub use chain::Broken;
pub use event::{Names, told};
pub use memory::Memory;
pub use notice::{Notice, Owed};
pub use outbox::{Change, Next, Outbox, Standing, Story, Which};
pub use reading::{Reading, Unread, Wanted};
pub use runs::Had;
pub use samples::{Block, IN_A_BLOCK, MOST_SAMPLES, Shown, Taken, Whose};
pub use teller::{Around, ReadBack, TOLD, Teller};
pub use words::{gates, refused, reply};

/// The most that one query gives.
pub const MOST: u32 = 1_000;
/// A run that began further back than this has ended.
const LOOKED_AT: i64 = 200_000;

/// One event, ready to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Whose; none: this observer's.
    pub service: Option<Name>,
    /// Its number there, in this life of the daemon.
    pub seq: u64,
    /// When, for people.
    pub wall: Wall,
    /// What, in one word.
    pub kind: &'static str,
    /// What, in a sentence.
    pub text: String,
    /// What, with its numbers.
    pub body: Value,
}

/// One event, as it was kept.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Kept {
    /// Its place in the chronicle.
    pub id: u64,
    /// Whose; none: this observer's.
    pub service: Option<String>,
    /// In which life of the daemon, and its number there.
    pub life: u64,
    /// Its number there.
    pub seq: u64,
    /// When, as `2026-11-21T13:12:49Z`,
    pub at: String,
    /// and in microseconds since 1970, to measure by.
    pub micros: u64,
    /// What, in one word.
    pub kind: String,
    /// What, with its numbers, and as `text` in a sentence.
    pub body: Value,
}

/// The chronicle. Clones are the same one.
#[derive(Clone)]
pub struct Chronicle(Store);

impl Chronicle {
    /// In that store.
    #[must_use]
    pub const fn new(store: Store) -> Chronicle {
        Chronicle(store)
    }

    /// Keeps these, in this order, all or none; they are durable when it returns.
    pub async fn keep(&self, lines: Vec<Line>) -> Result<(), Trouble> {
        let life = self.0.life();
        self.0.write(move |c| chain::append(c, life, &lines)).await
    }

    /// The same, with what they make people be owed, in one transaction; what was said from memory meanwhile is settled
    /// in it, too.
    pub async fn keep_owing(
        &self,
        lines: Vec<Line>,
        changes: Vec<Change>,
        memory: &Memory,
    ) -> Result<(), Trouble> {
        let (life, memory) = (self.0.life(), memory.clone());
        let known = memory.clone();
        let said = self.0.write(move |c| {
            chain::append(c, life, &lines)?;
            outbox::change(c, &changes)?;
            let marked = outbox::said_from_memory(c, &memory.all_said())?;
            Ok((marked, changes))
        });
        let (marked, changes) = said.await?;
        known.marked(&marked);
        known.written(changes.iter().filter_map(|change| match change {
            Change::Owe(notice) => Some(notice.key()),
            Change::Story(_) | Change::Cancel { .. } => None,
        }));
        Ok(())
    }

    /// How far it has come with the runs of a service that are not over, and those that began since; and the number of
    /// the service's next event in the life before this one.
    pub async fn runs(&self, service: Name) -> Result<(Vec<Had>, u64), Trouble> {
        let before = self.before();
        self.0.read(move |c| Ok((runs::had(c, &service)?, chain::last(c, before, Some(&service))? + 1))).await
    }

    /// Keeps what the life before this one did not come to, as its last events, with what they make people be owed.
    pub async fn keep_unwritten(&self, lines: Vec<Line>, changes: Vec<Change>) -> Result<(), Trouble> {
        let before = self.before();
        self.0
            .write(move |c| {
                chain::append(c, before, &lines)?;
                outbox::change(c, &changes)
            })
            .await
    }

    fn before(&self) -> u64 {
        self.0.life().saturating_sub(1)
    }

    /// Who was told what by the life before this one, for what it did not come to.
    pub async fn teller_before(&self) -> Result<Teller, Trouble> {
        self.teller_of(self.before()).await
    }

    /// What people are owed.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.0.clone())
    }

    /// Who was told what, as the disk has it.
    pub async fn teller(&self) -> Result<Teller, Trouble> {
        self.teller_of(self.life()).await
    }

    async fn teller_of(&self, life: u64) -> Result<Teller, Trouble> {
        let stories = self.outbox().stories().await?;
        let runs = self.0.read(begun).await?;
        Ok(Teller::new(life, stories, runs))
    }

    /// In which life of the daemon this is.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.0.life()
    }

    /// The newest events of a service (none: of all), older than that id (none: the newest), newest first.
    pub async fn read(
        &self,
        service: Option<Name>,
        before: Option<u64>,
        most: u32,
    ) -> Result<Vec<Kept>, Trouble> {
        self.0.read(move |c| query(c, service.as_ref(), before, most.min(MOST))).await
    }

    /// Follows the whole chain: how many events it has.
    pub async fn verify(&self) -> Result<Result<u64, Broken>, Trouble> {
        self.0.read(chain::verify).await
    }

    /// Forgets what is older than that, but for the newest `least`; at most so much at once that nobody waits for long.
    /// How many events went. The chain goes on from what was forgotten last.
    pub async fn trim(&self, older_than: Wall, least: u64) -> Result<u64, Trouble> {
        self.0.write(move |c| chain::trim(c, older_than, least)).await
    }

    /// The hash of the newest event: it stands for all that happened before.
    pub async fn head(&self) -> Result<[u8; 32], Trouble> {
        self.0.read(chain::head).await
    }
}

fn query(
    c: &Connection,
    service: Option<&Name>,
    before: Option<u64>,
    most: u32,
) -> rusqlite::Result<Vec<Kept>> {
    let before = before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
    let of = if service.is_some() { "service = ?3 AND" } else { "?3 IS NULL AND" };
    let mut rows = c.prepare_cached(&format!(
        "SELECT id, service, life, seq, wall, kind, body FROM events WHERE {of} id < ?1 ORDER BY id DESC LIMIT ?2"
    ))?;
    let mut rows = rows.query(params![before, most, service.map(Name::as_str)])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        kept.push(self::kept(row)?);
    }
    Ok(kept)
}

/// Of a row: id, service, life, seq, wall, kind, body.
fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let body: String = row.get(6)?;
    let wall = Wall::micros(row.get::<_, i64>(4)?.cast_unsigned());
    Ok(Kept {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        service: row.get(1)?,
        life: row.get::<_, i64>(2)?.cast_unsigned(),
        seq: row.get::<_, i64>(3)?.cast_unsigned(),
        at: wall.to_string(),
        micros: wall.as_micros(),
        kind: row.get(5)?,
        body: serde_json::from_str(&body).map_err(|why| unreadable(why.to_string()))?,
    })
}

/// Runs among the newest events that were started, and not said to have ended.
fn begun(c: &Connection) -> rusqlite::Result<Vec<(Name, u64)>> {
    let newest: i64 = c.query_row("SELECT ifnull(max(id), 0) FROM events", [], |row| row.get(0))?;
    let mut rows = c.prepare(
        "SELECT service, json_extract(body, '$.run'), kind IN ('started', 'resumed') AND
        json_extract(body, '$.mode') IS NOT 'preview' FROM events WHERE id > ?1 AND service IS NOT NULL
        AND kind IN ('started', 'resumed', 'ended') ORDER BY id",
    )?;
    let mut rows = rows.query([newest - LOOKED_AT])?;
    let mut begun = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (service, run): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        let (Ok(service), Some(run)) = (Name::new(&service), run) else { continue };
        let of = (service, run.cast_unsigned());
        if row.get(2)? {
            begun.insert(of)
        } else {
            begun.remove(&of)
        };
    }
    Ok(begun.into_iter().collect())
}

/// The hash that the next event hangs on.
fn newest(c: &Connection) -> rusqlite::Result<[u8; 32]> {
    let last: Option<[u8; 32]> = c
        .prepare_cached("SELECT hash FROM events ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    match last {
        Some(hash) => Ok(hash),
        None => {
            let base: Option<[u8; 32]> =
                c.prepare_cached("SELECT hash FROM trimmed")?.query_row([], |row| row.get(0)).optional()?;
            Ok(base.unwrap_or_default())
        }
    }
}
