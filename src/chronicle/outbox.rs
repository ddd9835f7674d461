//! The outbox: what people are owed, kept in the same file and the same transaction as the event that owes it.
//!
//! A notice stays owed until it is delivered, said by another channel instead, or not wanted any more; it is given up
//! never. It must never call one delivered that was only tried, and never send anything.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::memory::Memory;
use super::notice::{Notice, Owed};
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};
use crate::store::{Store, Trouble, unreadable};

/// So many are forgotten at once.
const AT_ONCE: i64 = 1_000;

/// The outbox. Clones are the same one.
#[derive(Clone)]
pub struct Outbox(Store);

/// What becomes of the outbox by one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Somebody is to be told.
    Owe(Box<Notice>),
    /// How an incident's story stands; a channel that was told of it is told of its end.
    Story(Story),
    /// What of an incident's story is not due yet is not wanted any more: by these channels (none: by any), and whether
    /// only what an acknowledgement ends.
    Cancel {
        /// Of which service.
        service: Name,
        /// Of which incident.
        incident: u32,
        /// Said by which; none: by any.
        channel: Option<Name>,
        /// Only what an acknowledgement ends.
        acknowledged: bool,
        /// Not due at this moment.
        at: Wall,
    },
}

/// How an incident's story stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Of which service.
    pub service: Name,
    /// Which.
    pub incident: u32,
    /// The highest severity that somebody was told of.
    pub rung: Option<String>,
    /// So often it was acknowledged.
    pub acknowledged: u32,
    /// When it was closed.
    pub closed: Option<Wall>,
    /// Who was told, or will be: the channel, its words, from when on.
    pub told: Vec<(Name, String, Wall)>,
}

/// What a channel has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The first that is due.
    pub owed: Option<Owed>,
    /// When the next one is, if none is.
    pub due: Option<Wall>,
}

/// What a channel owes, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub channel: String,
    /// So many are due.
    pub owed: u64,
    /// The oldest is due since.
    pub oldest: Wall,
}

impl Outbox {
    /// In that store.
    #[must_use]
    pub const fn new(store: Store) -> Outbox {
        Outbox(store)
    }

    /// Keeps these; they are durable when it returns. What is owed already is not owed again.
    pub async fn owe(&self, notices: Vec<Notice>) -> Result<(), Trouble> {
        self.0.write(move |c| notices.iter().try_for_each(|notice| owe(c, notice))).await
    }

    /// Whether a step has told people, or will.
    pub async fn is_owed(&self, service: Name, run: u64, step: String) -> Result<bool, Trouble> {
        let found = "SELECT 1 FROM notices WHERE service = ?1 AND run = ?2 AND step = ?3 LIMIT 1";
        self.0
            .read(move |c| {
                let mut found = c.prepare_cached(found)?;
                found.exists(params![service.as_str(), run.cast_signed(), step])
            })
            .await
    }

    /// What a channel has to do now, but for what it has said and could not mark.
    pub async fn next(&self, channel: Name, now: Wall, memory: &Memory) -> Result<Next, Trouble> {
        let memory = memory.clone();
        self.0.read(move |c| next(c, &channel, now, &memory)).await
    }

    /// It was delivered. What others owe instead is not wanted any more, and what it was said instead of is settled;
    /// where it is said again, that is owed now.
    pub async fn delivered(&self, owed: Owed, now: Wall) -> Result<(), Trouble> {
        self.0.write(move |c| delivered(c, &owed.notice, now)).await
    }

    /// What was delivered and could not be marked is marked: which of it is there.
    pub async fn mark(&self, said: Vec<(String, Wall)>) -> Result<BTreeSet<String>, Trouble> {
        self.0.write(move |c| said_from_memory(c, &said)).await
    }

    /// It was tried in vain: it is due again then.
    pub async fn failed(&self, id: i64, why: String, due: Wall) -> Result<(), Trouble> {
        let sql = "UPDATE notices SET tries = tries + 1, why = ?2, due = ?3 WHERE id = ?1";
        self.0.write(move |c| c.prepare_cached(sql)?.execute(params![id, why, micros(due)]).map(drop)).await
    }

    /// Another channel owes what this one owes and has not delivered: that notice, or all that is due. How many.
    pub async fn escalate(
        &self,
        channel: Name,
        to: Vec<Name>,
        which: Which,
        now: Wall,
    ) -> Result<usize, Trouble> {
        self.0.write(move |c| escalate(c, &channel, &to, which, now)).await
    }

    /// Until then a channel is not to be asked for anything: it said so.
    pub async fn wait(&self, channel: Name, until: Wall) -> Result<(), Trouble> {
        let sql = "INSERT OR REPLACE INTO waits VALUES(?1, ?2)";
        self.0
            .write(move |c| {
                c.prepare_cached(sql)?.execute(params![channel.as_str(), micros(until)]).map(drop)
            })
            .await
    }

    /// Until when a channel asked to be left alone.
    pub async fn waits(&self, channel: Name) -> Result<Option<Wall>, Trouble> {
        let sql = "SELECT until FROM waits WHERE channel = ?1";
        self.0
            .read(move |c| {
                c.prepare_cached(sql)?.query_row([channel.as_str()], |row| wall(row, 0)).optional()
            })
            .await
    }

    /// What each channel owes.
    pub async fn standing(&self, now: Wall) -> Result<Vec<Standing>, Trouble> {
        // What was tried may be due again later; it has been due since it was planned.
        let sql = "SELECT channel, count(*), min(CASE tries WHEN 0 THEN max(at, due) ELSE max(at, planned) END)
            FROM notices WHERE settled IS NULL AND (due <= ?1 OR (tries > 0 AND planned <= ?1)) GROUP BY channel";
        self.0
            .read(move |c| {
                let mut rows = c.prepare_cached(sql)?;
                let rows = rows.query_map([micros(now)], |row| {
                    let owed = row.get::<_, i64>(1)?.unsigned_abs();
                    Ok(Standing { channel: row.get(0)?, owed, oldest: wall(row, 2)? })
                })?;
                rows.collect()
            })
            .await
    }

    /// The stories that are not closed.
    pub async fn stories(&self) -> Result<Vec<Story>, Trouble> {
        self.0.read(stories).await
    }

    /// Forgets what was settled before then, and the stories that were closed; how many notices went.
    pub async fn trim(&self, before: Wall) -> Result<usize, Trouble> {
        self.0
            .write(move |c| {
                c.prepare_cached("DELETE FROM stories WHERE closed < ?1")?.execute([micros(before)])?;
                let sql = "DELETE FROM notices WHERE id IN
                    (SELECT id FROM notices WHERE settled < ?1 ORDER BY settled LIMIT ?2)";
                c.prepare_cached(sql)?.execute(params![micros(before), AT_ONCE])
            })
            .await
    }
}

/// What is escalated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(i64),
    /// All that is due.
    Due,
    /// All whose delivery was promised by now.
    Promised,
}

/// Within the transaction of the events that owe it.
pub(super) fn change(c: &Connection, changes: &[Change]) -> rusqlite::Result<()> {
    changes.iter().try_for_each(|change| match change {
        Change::Owe(notice) => owe(c, notice),
        Change::Story(story) => keep_story(c, story),
        Change::Cancel { service, incident, channel, acknowledged, at } => {
            let sql =
                "UPDATE notices SET settled = ?5, how = 'cancelled' WHERE service = ?1 AND incident = ?2
                AND (?3 IS NULL OR channel = ?3) AND (NOT ?4 OR until_acknowledged) AND settled IS NULL
                AND planned > ?5 AND event <> 'follow_up'";
            let channel = channel.as_ref().map(Name::as_str);
            c.prepare_cached(sql)?
                .execute(params![service.as_str(), incident, channel, acknowledged, micros(*at)])
                .map(drop)
        }
    })
}

/// What was delivered and could not be marked so: those of it that are there now. The event of another may still wait.
pub(super) fn said_from_memory(
    c: &Connection,
    keys: &[(String, Wall)],
) -> rusqlite::Result<BTreeSet<String>> {
    let sql = format!("SELECT {COLUMNS} FROM notices WHERE key = ?1");
    let mut marked = BTreeSet::new();
    for (key, at) in keys {
        let owed = c.prepare_cached(&sql)?.query_row([key], read).optional()?;
        if let Some(owed) = owed {
            delivered(c, &owed.notice, *at)?;
            marked.insert(key.clone());
        }
    }
    Ok(marked)
}

fn owe(c: &Connection, notice: &Notice) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO notices(key, about, service, incident, run, step, channel, event, audience, said,
        at, planned, due, promised, repeat, until_acknowledged, again, instead)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    c.prepare_cached(sql)?
        .execute(params![
            notice.key(),
            notice.about,
            notice.service.as_ref().map(Name::as_str),
            notice.incident,
            notice.run.map(u64::cast_signed),
            notice.step,
            notice.channel.as_str(),
            notice.event,
            notice.audience,
            notice.said.to_string(),
            micros(notice.at),
            micros(notice.planned),
            micros(notice.due),
            notice.promised.map(micros),
            notice.repeat.map(|span| span.as_micros().cast_signed()),
            notice.until_acknowledged,
            notice.again,
            notice.instead.as_ref().map(Name::as_str),
        ])
        .map(drop)
}

const COLUMNS: &str =
    "id, tries, escalated IS NOT NULL, about, service, incident, run, step, channel, event, audience,
    said, at, planned, due, promised, repeat, until_acknowledged, again, instead";

fn read(row: &Row<'_>) -> rusqlite::Result<Owed> {
    let name = |text: String| Name::new(&text).map_err(|bad| unreadable(format!("`{text}`: {bad}")));
    let said: String = row.get(11)?;
    let maybe = |at| row.get::<_, Option<i64>>(at).map(|it| it.map(i64::cast_unsigned));
    let notice = Notice {
        about: row.get(3)?,
        service: row.get::<_, Option<String>>(4)?.map(name).transpose()?,
        incident: row.get(5)?,
        run: maybe(6)?,
        step: row.get(7)?,
        channel: name(row.get(8)?)?,
        event: row.get(9)?,
        audience: row.get(10)?,
        said: serde_json::from_str(&said).map_err(|why| unreadable(why.to_string()))?,
        at: wall(row, 12)?,
        planned: wall(row, 13)?,
        due: wall(row, 14)?,
        promised: maybe(15)?.map(Wall::micros),
        repeat: maybe(16)?.map(Span::micros),
        until_acknowledged: row.get(17)?,
        again: row.get(18)?,
        instead: row.get::<_, Option<String>>(19)?.map(name).transpose()?,
    };
    Ok(Owed { id: Some(row.get(0)?), tries: row.get(1)?, escalated: row.get(2)?, notice })
}

fn next(c: &Connection, channel: &Name, now: Wall, memory: &Memory) -> rusqlite::Result<Next> {
    // What was due at once stays so if the wall is set back.
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE channel = ?1 AND settled IS NULL AND (due <= ?2 OR due <= at)
        ORDER BY due, id"
    );
    let mut rows = c.prepare_cached(&sql)?;
    let mut rows = rows.query(params![channel.as_str(), micros(now)])?;
    let mut owed = None;
    while let (None, Some(row)) = (&owed, rows.next()?) {
        owed = Some(read(row)?).filter(|owed| !memory.is_said(&owed.notice));
    }
    let sql = "SELECT min(due) FROM notices WHERE channel = ?1 AND settled IS NULL AND due > ?2";
    let due: Option<i64> =
        c.prepare_cached(sql)?.query_row(params![channel.as_str(), micros(now)], |row| row.get(0))?;
    Ok(Next { owed, due: due.map(|due| Wall::micros(due.cast_unsigned())) })
}

fn delivered(c: &Connection, notice: &Notice, now: Wall) -> rusqlite::Result<()> {
    #[cfg(debug_assertions)]
    crate::store::faults::writes(|| format!("delivered {}", notice.event));
    settle(c, &notice.about, &notice.channel, now)?;
    let Some(again) = notice.once_more(now) else { return Ok(()) };
    let (Some(service), Some(incident)) = (&notice.service, notice.incident) else { return Ok(()) };
    // Somebody may have seen it, or it may be over, while it was on its way.
    let sql = "SELECT 1 FROM stories WHERE service = ?1 AND incident = ?2 AND closed IS NULL
        AND (NOT ?3 OR acknowledged = 0)";
    let goes_on =
        c.prepare_cached(sql)?.exists(params![service.as_str(), incident, notice.until_acknowledged])?;
    if goes_on { owe(c, &again) } else { Ok(()) }
}

/// This channel has said it.
fn settle(c: &Connection, about: &str, channel: &Name, now: Wall) -> rusqlite::Result<()> {
    let sql = "UPDATE notices SET settled = ?3, how = 'delivered', tries = tries + 1
        WHERE about = ?1 AND channel = ?2 AND settled IS NULL";
    c.prepare_cached(sql)?.execute(params![about, channel.as_str(), micros(now)])?;
    settle_chain(c, about, now)
}

/// Whom it was said instead of has nothing left to say, and so on along the chain; nor has who would say it instead.
fn settle_chain(c: &Connection, about: &str, now: Wall) -> rusqlite::Result<()> {
    let of =
        "UPDATE notices SET settled = ?2, how = 'instead' WHERE about = ?1 AND settled IS NULL AND EXISTS
        (SELECT 1 FROM notices AS other WHERE other.about = ?1 AND other.channel = notices.escalated
        AND other.how IN ('delivered', 'instead'))";
    while c.prepare_cached(of)?.execute(params![about, micros(now)])? > 0 {}
    let unwanted = "UPDATE notices SET settled = ?2, how = 'cancelled' WHERE about = ?1 AND settled IS NULL
        AND instead IS NOT NULL AND EXISTS (SELECT 1 FROM notices AS other WHERE other.about = ?1
        AND other.channel = notices.instead AND other.settled IS NOT NULL)";
    while c.prepare_cached(unwanted)?.execute(params![about, micros(now)])? > 0 {}
    Ok(())
}

fn escalate(c: &Connection, channel: &Name, to: &[Name], which: Which, now: Wall) -> rusqlite::Result<usize> {
    let (clause, one) = match which {
        Which::One(id) => ("id = ?3 AND ?2 = ?2", id),
        Which::Due => ("(due <= ?2 OR (tries > 0 AND planned <= ?2) OR due <= at) AND ?3 = ?3", 0),
        Which::Promised => ("promised <= ?2 AND ?3 = ?3", 0),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE channel = ?1 AND settled IS NULL AND escalated IS NULL AND {clause}
        ORDER BY due, id LIMIT {AT_ONCE}"
    );
    let mut rows = c.prepare_cached(&sql)?;
    let owed: Vec<Owed> =
        rows.query_map(params![channel.as_str(), micros(now), one], read)?.collect::<Result<_, _>>()?;
    for one in &owed {
        for other in to {
            owe(c, &one.notice.instead_by(other, now))?;
        }
        let sql = "UPDATE notices SET escalated = ?2 WHERE id = ?1";
        c.prepare_cached(sql)?.execute(params![one.id, to.first().map_or("", Name::as_str)])?;
        settle_chain(c, &one.notice.about, now)?;
    }
    Ok(owed.len())
}

fn keep_story(c: &Connection, story: &Story) -> rusqlite::Result<()> {
    c.prepare_cached("INSERT OR REPLACE INTO stories VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            story.service.as_str(),
            story.incident,
            story.rung,
            story.acknowledged,
            story.closed.map(micros)
        ])
        .map(drop)
}

fn stories(c: &Connection) -> rusqlite::Result<Vec<Story>> {
    let mut rows =
        c.prepare_cached("SELECT service, incident, rung, acknowledged FROM stories WHERE closed IS NULL")?;
    let mut told = c.prepare_cached(
        "SELECT channel, audience, min(planned) FROM notices WHERE service = ?1 AND incident = ?2
        AND how IS NOT 'cancelled' AND instead IS NULL AND event IN ('opened', 'raised') GROUP BY channel, audience",
    )?;
    let name = |text: String| Name::new(&text).map_err(|bad| unreadable(format!("`{text}`: {bad}")));
    let mut all = Vec::new();
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (service, incident): (String, u32) = (row.get(0)?, row.get(1)?);
        let told = told.query_map(params![service, incident], |row| {
            Ok((name(row.get(0)?)?, row.get(1)?, wall(row, 2)?))
        })?;
        all.push(Story {
            told: told.collect::<Result<_, _>>()?,
            service: name(service)?,
            incident,
            rung: row.get(2)?,
            acknowledged: row.get(3)?,
            closed: None,
        });
    }
    Ok(all)
}

fn micros(wall: Wall) -> i64 {
    wall.as_micros().cast_signed()
}

fn wall(row: &Row<'_>, at: usize) -> rusqlite::Result<Wall> {
    row.get::<_, i64>(at).map(|it| Wall::micros(it.cast_unsigned()))
}
