//! The chain: each event's hash is over its words and the hash of the one before, so that none can be changed, taken out
//! or put in without all that follow being other ones.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{Line, newest, runs};
use crate::core::ids::Name;
use crate::core::time::Wall;

/// So many are forgotten at once.
const AT_ONCE: i64 = 5_000;

/// The chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chronicle's chain is broken at event {id}: it, or one before it, is not as it was written")]
pub struct Broken {
    /// The first event whose hash is not what it should be.
    pub id: u64,
}

/// What the hash is over. Lengths stand before texts, so that no two events read the same.
fn hash(
    before: &[u8; 32],
    life: u64,
    service: Option<&str>,
    numbers: [u64; 2],
    kind: &str,
    body: &str,
) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update(before);
    sum.update(life.to_be_bytes());
    for text in [service.unwrap_or_default(), kind, body] {
        sum.update((text.len() as u64).to_be_bytes());
        sum.update(text.as_bytes());
    }
    sum.update([u8::from(service.is_some())]);
    numbers.iter().for_each(|number| sum.update(number.to_be_bytes()));
    sum.finalize().into()
}

pub(super) fn append(c: &Connection, life: u64, lines: &[Line]) -> rusqlite::Result<()> {
    let mut before = newest(c)?;
    let mut insert = c.prepare_cached(
        "INSERT INTO events(life, service, seq, wall, kind, body, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut upto = BTreeMap::new();
    for line in lines {
        // What may have been kept before an answer was lost is brought again: each is kept once.
        let known = match upto.get(&line.service) {
            Some(known) => *known,
            None => last(c, life, line.service.as_ref())?,
        };
        if line.seq <= known {
            continue;
        }
        upto.insert(line.service.clone(), line.seq);
        #[cfg(debug_assertions)]
        crate::store::faults::writes(|| match line.kind {
            // A start that was refused took a number: the next run is called alike.
            "started" | "journalled" | "ended" | "paged" | "active" => {
                let run = format!("run {}", line.body["run"]);
                format!("event {}: {}", line.kind, line.text.replace(&run, "the run"))
            }
            kind => format!("event {kind}"),
        });
        let mut body = line.body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("text".to_owned(), line.text.clone().into());
        }
        let body = body.to_string();
        let (service, wall) = (line.service.as_ref().map(Name::as_str), line.wall.as_micros());
        before = hash(&before, life, service, [line.seq, wall], line.kind, &body);
        insert.execute(params![
            life.cast_signed(),
            service,
            line.seq.cast_signed(),
            wall.cast_signed(),
            line.kind,
            body,
            before
        ])?;
        runs::note(c, line)?;
    }
    Ok(())
}

/// The number of the newest event of a service in that life; 0: it has none.
pub(super) fn last(c: &Connection, life: u64, service: Option<&Name>) -> rusqlite::Result<u64> {
    let newest: Option<i64> = c
        .prepare_cached("SELECT seq FROM events WHERE service IS ?1 AND life = ?2 ORDER BY id DESC LIMIT 1")?
        .query_row(params![service.map(Name::as_str), life.cast_signed()], |row| row.get(0))
        .optional()?;
    Ok(newest.map_or(0, i64::cast_unsigned))
}

pub(super) fn head(c: &Connection) -> rusqlite::Result<[u8; 32]> {
    newest(c)
}

pub(super) fn verify(c: &Connection) -> rusqlite::Result<Result<u64, Broken>> {
    let base: Option<(i64, [u8; 32])> =
        c.query_row("SELECT upto, hash FROM trimmed", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (mut last, mut before) = base.unwrap_or_default();
    let mut rows =
        c.prepare("SELECT id, life, service, seq, wall, kind, body, hash FROM events ORDER BY id")?;
    let mut rows = rows.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (service, kind, body): (Option<String>, String, String) = (row.get(2)?, row.get(5)?, row.get(6)?);
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        before = hash(&before, number(1)?, service.as_deref(), [number(3)?, number(4)?], &kind, &body);
        if before != row.get::<_, [u8; 32]>(7)? || id <= last {
            return Ok(Err(Broken { id: id.cast_unsigned() }));
        }
        (last, count) = (id, count + 1);
    }
    Ok(Ok(count))
}

pub(super) fn trim(c: &Connection, older_than: Wall, least: u64) -> rusqlite::Result<u64> {
    let newest: Option<i64> = c.query_row("SELECT max(id) FROM events", [], |row| row.get(0))?;
    let oldest: Option<i64> = c.query_row("SELECT min(id) FROM events", [], |row| row.get(0))?;
    let (Some(newest), Some(oldest)) = (newest, oldest) else { return Ok(0) };
    let until = newest.saturating_sub(i64::try_from(least).unwrap_or(i64::MAX)).min(oldest + AT_ONCE);
    // Up to the first that is young enough: the wall may have jumped, and what stays must hang together.
    let young: Option<i64> = c
        .prepare_cached("SELECT min(id) FROM events WHERE wall >= ?1 AND id <= ?2")?
        .query_row(params![older_than.as_micros().cast_signed(), until], |row| row.get(0))?;
    let upto = young.map_or(until, |id| id - 1);
    let last: Option<(i64, [u8; 32])> = c
        .prepare_cached("SELECT id, hash FROM events WHERE id <= ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([upto], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((upto, hash)) = last else { return Ok(0) };
    c.execute("INSERT OR REPLACE INTO trimmed VALUES(1, ?1, ?2)", params![upto, hash])?;
    let gone = c.execute("DELETE FROM events WHERE id <= ?1", [upto])?;
    Ok(gone as u64)
}
