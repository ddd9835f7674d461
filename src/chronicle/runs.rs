//! How far the chronicle has come with each run's journal, so that what a crash kept from it is found at the next start.
//!
//! It is written in the transaction of the events themselves. It must never say that something is told that is not.

use rusqlite::{Connection, params};

use super::Line;
use crate::core::ids::Name;

/// What the chronicle has of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Had {
    /// Which.
    pub run: u64,
    /// That it was started.
    pub started: bool,
    /// So many entries of its journal.
    pub entries: u64,
    /// That it has ended.
    pub ended: bool,
}

/// An event is kept: if it is one of a run, that far it is told.
pub(super) fn note(c: &Connection, line: &Line) -> rusqlite::Result<()> {
    let Some(service) = line.service.as_ref().map(Name::as_str) else { return Ok(()) };
    let Some(run) = line.body["run"].as_u64().map(u64::cast_signed) else { return Ok(()) };
    let (started, entries, ended) = match line.kind {
        "started" => (true, 0, false),
        "journalled" => (false, line.body["place"].as_u64().map_or(0, |place| place + 1), false),
        "ended" => (false, 0, true),
        _ => return Ok(()),
    };
    c.prepare_cached(
        "INSERT INTO runs VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(service, run) DO UPDATE SET
        started = max(started, ?3), entries = max(entries, ?4), ended = max(ended, ?5)",
    )?
    .execute(params![service, run, started, entries.cast_signed(), ended])?;
    if ended {
        // The oldest that is not over, or the newest, says where to look from.
        c.prepare_cached(
            "DELETE FROM runs WHERE service = ?1 AND ended AND run < ifnull(
            (SELECT min(run) FROM runs WHERE service = ?1 AND NOT ended), (SELECT max(run) FROM runs WHERE service = ?1))",
        )?
        .execute([service])?;
    }
    Ok(())
}

/// Of a service's runs that are not over, of all that began since, and of the newest; the oldest first.
pub(super) fn had(c: &Connection, service: &Name) -> rusqlite::Result<Vec<Had>> {
    let mut rows =
        c.prepare_cached("SELECT run, started, entries, ended FROM runs WHERE service = ?1 ORDER BY run")?;
    let rows = rows.query_map([service.as_str()], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        Ok(Had { run: number(0)?, started: row.get(1)?, entries: number(2)?, ended: row.get(3)? })
    })?;
    rows.collect()
}
