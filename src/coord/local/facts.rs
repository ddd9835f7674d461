//! Facts in the store's tables, each with its revision, and how whoever watches is told of them.
//!
//! A fact whose value is gone keeps its row: the revision at which it went says so. It must never tell an observer its
//! own vote, except that it is lost.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Names, Told, wire};
use crate::core::agree::{Ask, Claim, Pulse, Raised, Record, Velocity};
use crate::core::authority::SessionId;
use crate::core::ids::Name;
use crate::core::input::Seen;
use crate::core::policy::ServicePolicy;
use crate::core::time::Mono;
use crate::store::unreadable;

/// A fact with the revision at which it was written last; 0: never.
pub(super) type Kept<T> = (u64, Option<T>);

/// Something that was changed, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Record(String),
    Claim(String),
    Ask(String),
    /// Of a service, by an observer.
    Vote(String, String),
    /// Of a service.
    Trigger(String, String),
    Pulse(String),
    Velocity,
}

/// SQLite counts with a sign; no number of ours comes near it.
pub(super) const fn number(n: u64) -> i64 {
    n.cast_signed()
}

pub(super) fn revision(c: &Connection) -> rusqlite::Result<u64> {
    let revision =
        c.prepare_cached("SELECT value FROM meta WHERE key = 'revision'")?.query_row([], unsigned)?;
    Ok(revision)
}

pub(super) fn next_revision(c: &Connection) -> rusqlite::Result<u64> {
    c.prepare_cached("UPDATE meta SET value = value + 1 WHERE key = 'revision' RETURNING value")?
        .query_row([], unsigned)
}

fn unsigned(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    row.get::<_, i64>(0).map(i64::cast_unsigned)
}

fn name(text: &str) -> rusqlite::Result<Name> {
    Name::new(text).map_err(|why| unreadable(format!("`{text}`: {why}")))
}

pub(super) fn record(c: &Connection, of: &ServicePolicy) -> rusqlite::Result<Kept<Record>> {
    let row: Option<(i64, Option<String>)> = c
        .prepare_cached("SELECT revision, body FROM records WHERE service = ?1")?
        .query_row([of.name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((revision, body)) = row else { return Ok((0, None)) };
    let record = body.map(|body| wire::record_back(&body, of)).transpose();
    Ok((revision.cast_unsigned(), record.map_err(|why| unreadable(why.to_string()))?))
}

pub(super) fn claim(c: &Connection, service: &str) -> rusqlite::Result<Kept<Claim>> {
    let row: Option<(i64, Option<String>, i64)> = c
        .prepare_cached("SELECT revision, holder, session FROM claims WHERE service = ?1")?
        .query_row([service], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((revision, holder, session)) = row else { return Ok((0, None)) };
    let claim = holder.map(|holder| {
        let session = SessionId(session.cast_unsigned());
        name(&holder).map(|holder| Claim { holder, session })
    });
    Ok((revision.cast_unsigned(), claim.transpose()?))
}

pub(super) fn give_up(c: &Connection, service: &str) -> rusqlite::Result<()> {
    let revision = number(next_revision(c)?);
    c.prepare_cached(
        "INSERT INTO claims VALUES(?1, ?2, NULL, 0) ON CONFLICT(service) DO UPDATE SET revision = ?2, holder = NULL",
    )?
    .execute(params![service, revision])?;
    Ok(())
}

pub(super) fn ask(c: &Connection, service: &str) -> rusqlite::Result<Kept<Ask>> {
    let row: Option<(i64, u32, String)> = c
        .prepare_cached("SELECT revision, number, asker FROM asks WHERE service = ?1")?
        .query_row([service], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((revision, number, by)) = row else { return Ok((0, None)) };
    Ok((revision.cast_unsigned(), Some(Ask { number, by: name(&by)?, age: None })))
}

/// At which revision an observer's vote was written, and the vote as it is written.
pub(super) fn vote(c: &Connection, service: &str, who: &str) -> rusqlite::Result<Kept<String>> {
    let row: Option<(i64, Option<String>)> = c
        .prepare_cached("SELECT revision, body FROM votes WHERE service = ?1 AND observer = ?2")?
        .query_row([service, who], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.map_or((0, None), |(revision, body)| (revision.cast_unsigned(), body)))
}

pub(super) fn velocity(c: &Connection) -> rusqlite::Result<(u64, Velocity)> {
    let row: Option<(i64, String)> = c
        .prepare_cached("SELECT revision, body FROM velocity")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((revision, body)) = row else { return Ok((0, Velocity::default())) };
    let velocity = wire::velocity_back(&body).map_err(|why| unreadable(why.to_string()))?;
    Ok((revision.cast_unsigned(), velocity))
}

fn pulse(c: &Connection, who: &str) -> rusqlite::Result<Kept<Pulse>> {
    let row: Option<(i64, Option<i64>, bool)> = c
        .prepare_cached("SELECT revision, count, fit FROM pulses WHERE observer = ?1")?
        .query_row([who], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((revision, count, fit)) = row else { return Ok((0, None)) };
    Ok((revision.cast_unsigned(), count.map(|count| Pulse { count: count.cast_unsigned(), fit })))
}

/// Everybody's pulses whose sessions live.
pub(super) fn pulses(c: &Connection) -> rusqlite::Result<Vec<(Name, u64)>> {
    let mut all = Vec::new();
    let mut rows =
        c.prepare_cached("SELECT observer, count FROM pulses WHERE count IS NOT NULL ORDER BY observer")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        all.push((name(&row.get::<_, String>(0)?)?, row.get::<_, i64>(1)?.cast_unsigned()));
    }
    Ok(all)
}

fn trigger(c: &Connection, service: &str, called: &str) -> rusqlite::Result<Kept<Mono>> {
    let row: Option<(i64, Option<i64>)> = c
        .prepare_cached("SELECT revision, since FROM triggers WHERE service = ?1 AND name = ?2")?
        .query_row([service, called], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((revision, since)) = row else { return Ok((0, None)) };
    Ok((revision.cast_unsigned(), since.map(|since| Mono::micros(since.cast_unsigned()))))
}

/// Raises a trigger; whether it was not raised before.
pub(super) fn raise(c: &Connection, service: &str, called: &str, now: Mono) -> rusqlite::Result<bool> {
    if trigger(c, service, called)?.1.is_some() {
        return Ok(false);
    }
    let (revision, since) = (number(next_revision(c)?), number(now.as_micros()));
    c.prepare_cached("INSERT OR REPLACE INTO triggers VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![service, called, revision, since])?;
    Ok(true)
}

/// Every fact that was ever written about what these names know; records, claims and the counter also where none was.
pub(super) fn everything(c: &Connection, names: &Names) -> rusqlite::Result<Vec<Changed>> {
    let mut all = Vec::new();
    for (_, service) in names.services() {
        let called = service.name.as_str().to_owned();
        all.extend([Changed::Record(called.clone()), Changed::Claim(called.clone())]);
        all.extend((ask(c, &called)?.0 > 0).then(|| Changed::Ask(called.clone())));
        for (sql, kind) in [
            ("SELECT name FROM triggers WHERE service = ?1 ORDER BY name", Changed::Trigger as fn(_, _) -> _),
            (
                "SELECT observer FROM votes WHERE service = ?1 ORDER BY observer",
                Changed::Vote as fn(_, _) -> _,
            ),
        ] {
            let mut rows = c.prepare_cached(sql)?;
            let found = rows.query_map([&called], |row| row.get::<_, String>(0))?;
            for one in found {
                all.push(kind(called.clone(), one?));
            }
        }
    }
    let mut rows = c.prepare_cached("SELECT observer FROM pulses ORDER BY observer")?;
    for observer in rows.query_map([], |row| row.get::<_, String>(0))? {
        all.push(Changed::Pulse(observer?));
    }
    all.push(Changed::Velocity);
    Ok(all)
}

/// Tells one observer of facts, as they are now.
pub(super) struct Teller(Arc<Names>);

impl Teller {
    pub(super) const fn new(names: Arc<Names>) -> Teller {
        Teller(names)
    }

    pub(super) fn names(&self) -> &Names {
        &self.0
    }

    /// Facts about services that nobody here knows any more are told to nobody.
    pub(super) fn tell(&self, c: &Connection, changed: &[Changed], now: Mono) -> rusqlite::Result<Vec<Told>> {
        let mut told = Vec::with_capacity(changed.len());
        for change in changed {
            told.extend(self.fact(c, change, now)?.map(Told::Seen));
        }
        Ok(told)
    }

    fn fact(&self, c: &Connection, changed: &Changed, now: Mono) -> rusqlite::Result<Option<Seen>> {
        let id = |service: &str| {
            let id = self.0.id(service)?;
            Some((id, self.0.service(id)?))
        };
        Ok(match changed {
            Changed::Record(service) => {
                let Some((id, policy)) = id(service) else { return Ok(None) };
                let (revision, record) = record(c, policy)?;
                Some(Seen::Record(id, revision, record.map(Box::new)))
            }
            Changed::Claim(service) => {
                let Some((id, _)) = id(service) else { return Ok(None) };
                let (revision, claim) = claim(c, service)?;
                Some(Seen::Claim(id, revision, claim))
            }
            Changed::Ask(service) => {
                let Some((id, _)) = id(service) else { return Ok(None) };
                let (revision, ask) = ask(c, service)?;
                ask.map(|ask| Seen::Ask(id, revision, ask))
            }
            Changed::Vote(service, who) => {
                let Some((id, policy)) = id(service) else { return Ok(None) };
                let (revision, body) = vote(c, service, who)?;
                if body.is_some() && *who == self.0.me.as_str() {
                    return Ok(None);
                }
                let vote = body.map(|body| wire::vote_back(&body, policy)).transpose();
                Some(Seen::Vote(id, revision, name(who)?, vote.map_err(|why| unreadable(why.to_string()))?))
            }
            Changed::Trigger(service, called) => {
                let Some((id, _)) = id(service) else { return Ok(None) };
                let (revision, since) = trigger(c, service, called)?;
                let raised = since.map(|since| Raised { age: now.since(since) });
                Some(Seen::Trigger(id, revision, name(called)?, raised))
            }
            Changed::Pulse(who) => {
                let (revision, pulse) = pulse(c, who)?;
                Some(Seen::Pulse(name(who)?, revision, pulse))
            }
            Changed::Velocity => {
                let (revision, velocity) = velocity(c)?;
                Some(Seen::Velocity(revision, velocity))
            }
        })
    }
}
