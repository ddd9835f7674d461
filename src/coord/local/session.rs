//! Sessions: made, renewed, over; and with one, all that hangs on it.

use rusqlite::{Connection, OptionalExtension, params};

use super::facts::{self, Changed};
use crate::core::authority::{ClusterId, SessionId};
use crate::core::time::{Mono, Span};

/// Who asks for what.
pub(super) struct Asked<'a> {
    pub(super) me: &'a str,
    pub(super) cluster: ClusterId,
    pub(super) ttl: Span,
    pub(super) now: Mono,
}

/// Renews a session, or makes one, and writes the pulse; none: it is gone.
pub(super) fn renew(
    c: &Connection,
    asked: &Asked<'_>,
    session: Option<SessionId>,
    fit: bool,
) -> rusqlite::Result<Option<SessionId>> {
    let until = facts::number(asked.now.as_micros().saturating_add(asked.ttl.as_micros()));
    let id = match session {
        Some(id) => {
            // It only moves forward: two renewals may arrive in any order.
            let kept = c
                .prepare_cached("UPDATE sessions SET until = max(until, ?2) WHERE id = ?1 AND observer = ?3")?
                .execute(params![facts::number(id.0), until, asked.me])?;
            if kept == 0 {
                return Ok(None);
            }
            id
        }
        None => {
            // Of this coordinator and this revision: never given again, nor by one that was restored from a backup.
            let revision = facts::next_revision(c)?;
            let id = SessionId((asked.cluster.0 as u64) << 40 | revision & ((1 << 40) - 1));
            c.prepare_cached("INSERT INTO sessions VALUES(?1, ?2, ?3)")?.execute(params![
                facts::number(id.0),
                asked.me,
                until
            ])?;
            id
        }
    };
    let revision = facts::number(facts::next_revision(c)?);
    c.prepare_cached(
        "INSERT INTO pulses VALUES(?1, ?2, ?3, 1, ?4) ON CONFLICT(observer) DO UPDATE SET revision = ?2, session = ?3, \
         count = coalesce(count, 0) + 1, fit = ?4",
    )?
    .execute(params![asked.me, revision, facts::number(id.0), fit])?;
    Ok(Some(id))
}

/// Whether a session lives.
pub(super) fn lives(c: &Connection, id: SessionId) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?.exists([facts::number(id.0)])
}

/// Ends every session whose time has passed.
pub(super) fn expire(c: &Connection, now: Mono) -> rusqlite::Result<Vec<Changed>> {
    let over: Vec<i64> = c
        .prepare_cached("SELECT id FROM sessions WHERE until <= ?1 ORDER BY id")?
        .query_map([facts::number(now.as_micros())], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut changed = Vec::new();
    for id in over {
        changed.extend(end(c, id)?);
    }
    Ok(changed)
}

/// When the next session may end.
pub(super) fn next_end(c: &Connection) -> rusqlite::Result<Option<Mono>> {
    let next: Option<Option<i64>> =
        c.prepare_cached("SELECT min(until) FROM sessions")?.query_row([], |row| row.get(0)).optional()?;
    Ok(next.flatten().map(|until| Mono::micros(until.cast_unsigned())))
}

/// Another life of the daemon begins: sessions of earlier ones are over, and what is counted from a moment counts anew.
pub(super) fn begin_life(c: &Connection, now: Mono) -> rusqlite::Result<()> {
    expire(c, Mono::micros(u64::MAX >> 1))?;
    c.execute("UPDATE triggers SET since = ?1 WHERE since IS NOT NULL", [facts::number(now.as_micros())])?;
    Ok(())
}

fn end(c: &Connection, id: i64) -> rusqlite::Result<Vec<Changed>> {
    c.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([id])?;
    let mut changed = Vec::new();
    let pulses: Vec<String> = c
        .prepare_cached(
            "SELECT observer FROM pulses WHERE session = ?1 AND count IS NOT NULL ORDER BY observer",
        )?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for observer in pulses {
        let revision = facts::number(facts::next_revision(c)?);
        c.prepare_cached("UPDATE pulses SET revision = ?2, count = NULL WHERE observer = ?1")?
            .execute(params![observer, revision])?;
        changed.push(Changed::Pulse(observer));
    }
    let claims: Vec<String> = c
        .prepare_cached(
            "SELECT service FROM claims WHERE session = ?1 AND holder IS NOT NULL ORDER BY service",
        )?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for service in claims {
        facts::give_up(c, &service)?;
        changed.push(Changed::Claim(service));
    }
    let votes: Vec<(String, String)> = c
        .prepare_cached(
            "SELECT service, observer FROM votes WHERE session = ?1 AND body IS NOT NULL ORDER BY service, observer",
        )?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (service, observer) in votes {
        let revision = facts::number(facts::next_revision(c)?);
        c.prepare_cached("UPDATE votes SET revision = ?3, body = NULL WHERE service = ?1 AND observer = ?2")?
            .execute(params![service, observer, revision])?;
        changed.push(Changed::Vote(service, observer));
    }
    Ok(changed)
}
