//! One transaction: what must still be so, what is written if it is, and what is so then.
//!
//! It is done within one of the store's, so that nothing changes between guard and write. A guard is compared with the
//! revision, never with the value.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Names, wire};
use super::facts::{self, Changed, number};
use super::session;
use crate::core::agree::{Found, Guard, Journal, Record, RunId, Txn, Write};
use crate::core::authority::SessionId;
use crate::core::plan::Entry;
use crate::core::policy::ServicePolicy;
use crate::store::unreadable;

/// The journals of so many runs of a service are kept: those that have ended, and are the oldest, go.
const RUNS_KEPT: i64 = 200;

/// Who asks, and of what.
pub(super) struct Asked<'a> {
    pub(super) names: &'a Names,
    pub(super) policy: &'a ServicePolicy,
}

impl Asked<'_> {
    fn service(&self) -> &str {
        self.policy.name.as_str()
    }

    fn me(&self) -> &str {
        self.names.me.as_str()
    }
}

/// Whether all that a transaction wants to be so is so.
pub(super) fn allows(c: &Connection, asked: &Asked<'_>, txn: &Txn) -> rusqlite::Result<bool> {
    for guard in &txn.guards {
        let holds = match guard {
            Guard::Record(at) => {
                let (revision, there) =
                    kept(c, "SELECT revision, body IS NOT NULL FROM records WHERE service = ?1", asked)?;
                at_revision(revision, there, *at)
            }
            Guard::Unclaimed => facts::claim(c, asked.service())?.1.is_none(),
            Guard::Claim(at) => {
                let (revision, claim) = facts::claim(c, asked.service())?;
                claim.is_some() && revision == *at
            }
            Guard::Session(id) => session::lives(c, *id)?,
            Guard::Vote(who, at) => {
                let (revision, vote) = facts::vote(c, asked.service(), who.as_str())?;
                asked.names.observers.contains(who) && at_revision(revision, vote.is_some(), *at)
            }
            Guard::Ask(at) => {
                let (revision, ask) = facts::ask(c, asked.service())?;
                at_revision(revision, ask.is_some(), *at)
            }
            Guard::Journal(run, long) => length(c, asked.service(), *run)? == *long,
            Guard::Velocity(at) => facts::velocity(c)?.0 == *at,
        };
        if !holds {
            return Ok(false);
        }
    }
    for write in &txn.writes {
        // No journal is ever begun twice, and none is written that was not begun; the core's guards say so as well.
        let fits = match write {
            Write::Begin(run, _) => !begun(c, asked.service(), *run)?,
            Write::Append(run, _) => begun(c, asked.service(), *run)? || begins(txn, *run),
            Write::Vote(_)
            | Write::Claim
            | Write::GiveUp
            | Write::Ask(_)
            | Write::Record(_)
            | Write::Velocity(_)
            | Write::Clear(_) => true,
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn begins(txn: &Txn, run: RunId) -> bool {
    txn.writes.iter().any(|write| matches!(write, Write::Begin(begun, _) if *begun == run))
}

/// Writes what a transaction writes whose guards hold; what it changed.
pub(super) fn commit(c: &Connection, asked: &Asked<'_>, txn: &Txn) -> rusqlite::Result<Vec<Changed>> {
    let hangs_on = txn.guards.iter().find_map(|guard| match guard {
        Guard::Session(id) => Some(*id),
        Guard::Record(_)
        | Guard::Unclaimed
        | Guard::Claim(_)
        | Guard::Vote(..)
        | Guard::Ask(_)
        | Guard::Journal(..)
        | Guard::Velocity(_) => None,
    });
    let session = number(hangs_on.unwrap_or(SessionId(0)).0);
    let (service, me) = (asked.service(), asked.me());
    let called = || service.to_owned();
    let mut changed = Vec::new();
    #[cfg(debug_assertions)]
    crate::store::faults::writes(|| named(txn));
    for write in &txn.writes {
        match write {
            Write::Vote(vote) => {
                let body = written(wire::vote_out(vote, asked.policy))?;
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO votes VALUES(?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![service, me, revision, session, body])?;
                changed.push(Changed::Vote(called(), me.to_owned()));
            }
            Write::Claim => {
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO claims VALUES(?1, ?2, ?3, ?4)")?
                    .execute(params![service, revision, me, session])?;
                changed.push(Changed::Claim(called()));
            }
            Write::GiveUp => {
                facts::give_up(c, service)?;
                changed.push(Changed::Claim(called()));
            }
            Write::Ask(ask) => {
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO asks VALUES(?1, ?2, ?3, ?4)")?
                    .execute(params![service, revision, ask, me])?;
                changed.push(Changed::Ask(called()));
            }
            Write::Record(record) => {
                let body = written(wire::record_out(record, asked.policy))?;
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO records VALUES(?1, ?2, ?3)")?
                    .execute(params![service, revision, body])?;
                changed.push(Changed::Record(called()));
                trim(c, service, record)?;
            }
            Write::Begin(run, journal) => {
                facts::next_revision(c)?;
                let plan = written(wire::plan_out(&journal.plan, asked.policy))?;
                c.prepare_cached("INSERT INTO journals VALUES(?1, ?2, ?3)")?.execute(params![
                    service,
                    number(run.0),
                    plan
                ])?;
                append(c, asked, *run, &journal.entries)?;
            }
            Write::Append(run, entries) => {
                facts::next_revision(c)?;
                append(c, asked, *run, entries)?;
            }
            Write::Velocity(velocity) => {
                let body = written(wire::velocity_out(velocity))?;
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO velocity VALUES(1, ?1, ?2)")?
                    .execute(params![revision, body])?;
                changed.push(Changed::Velocity);
            }
            Write::Clear(name) => {
                let revision = number(facts::next_revision(c)?);
                c.prepare_cached("INSERT OR REPLACE INTO triggers VALUES(?1, ?2, ?3, NULL)")?
                    .execute(params![service, name.as_str(), revision])?;
                changed.push(Changed::Trigger(called(), name.as_str().to_owned()));
            }
        }
    }
    Ok(changed)
}

/// What a test calls it.
#[cfg(debug_assertions)]
fn named(txn: &Txn) -> String {
    let entry = |entry: &Entry| match entry {
        Entry::Intent { step, op, serial, .. } => format!(" intent {serial} {op:?} {step}"),
        Entry::Heard { step, serial, reply, .. } => format!(" heard {serial} {reply:?} {step}"),
        other => format!(" {other:?}").chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect(),
    };
    let entries = txn.writes.iter().flat_map(|write| match write {
        Write::Append(_, entries) => entries.as_slice(),
        Write::Begin(..)
        | Write::Vote(_)
        | Write::Claim
        | Write::GiveUp
        | Write::Ask(_)
        | Write::Record(_)
        | Write::Velocity(_)
        | Write::Clear(_) => &[],
    });
    let moves = txn.writes.iter().any(|write| matches!(write, Write::Record(_)));
    let entries: String = entries.map(entry).collect();
    format!("{:?}{entries}{}", txn.id.purpose, if moves { " and the record" } else { "" })
}

/// What is so.
pub(super) fn found(c: &Connection, asked: &Asked<'_>, txn: &Txn) -> rusqlite::Result<Found> {
    let record = facts::record(c, asked.policy)?;
    let mut lengths = Vec::new();
    let mut journals = Vec::new();
    for run in unfinished(record.1.as_ref()) {
        if begun(c, asked.service(), run)? {
            lengths.push((run, length(c, asked.service(), run)?));
            if txn.journals {
                journals.push((run, journal(c, asked, run)?));
            }
        }
    }
    let vote = facts::vote(c, asked.service(), asked.me())?;
    Ok(Found {
        record,
        claim: facts::claim(c, asked.service())?,
        ask: facts::ask(c, asked.service())?,
        vote: if vote.1.is_some() { vote.0 } else { 0 },
        velocity: facts::velocity(c)?,
        pulses: facts::pulses(c)?,
        lengths,
        journals,
    })
}

fn unfinished(record: Option<&Record>) -> Vec<RunId> {
    let runs = record.into_iter().flat_map(|record| record.run.iter().chain(&record.beside));
    let mut runs: Vec<RunId> = runs.map(|run| run.id).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

fn at_revision(revision: u64, there: bool, wanted: u64) -> bool {
    if wanted == 0 { !there } else { there && revision == wanted }
}

fn kept(c: &Connection, sql: &str, asked: &Asked<'_>) -> rusqlite::Result<(u64, bool)> {
    let row: Option<(i64, bool)> = c
        .prepare_cached(sql)?
        .query_row([asked.service()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.map_or((0, false), |(revision, there)| (revision.cast_unsigned(), there)))
}

fn written(text: Result<String, wire::Unreadable>) -> rusqlite::Result<String> {
    text.map_err(|why| rusqlite::Error::ToSqlConversionFailure(Box::new(why)))
}

fn begun(c: &Connection, service: &str, run: RunId) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM journals WHERE service = ?1 AND run = ?2")?
        .exists(params![service, number(run.0)])
}

fn length(c: &Connection, service: &str, run: RunId) -> rusqlite::Result<u64> {
    c.prepare_cached("SELECT count(*) FROM entries WHERE service = ?1 AND run = ?2")?
        .query_row(params![service, number(run.0)], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

fn append(c: &Connection, asked: &Asked<'_>, run: RunId, entries: &[Entry]) -> rusqlite::Result<()> {
    let first = length(c, asked.service(), run)?;
    let mut insert = c.prepare_cached("INSERT INTO entries VALUES(?1, ?2, ?3, ?4)")?;
    for (place, entry) in (first..).zip(entries) {
        let body = written(wire::entry_out(entry, asked.policy))?;
        insert.execute(params![asked.service(), number(run.0), number(place), body])?;
    }
    Ok(())
}

fn journal(c: &Connection, asked: &Asked<'_>, run: RunId) -> rusqlite::Result<Journal> {
    let key = params![asked.service(), number(run.0)];
    let plan: String = c
        .prepare_cached("SELECT plan FROM journals WHERE service = ?1 AND run = ?2")?
        .query_row(key, |row| row.get(0))?;
    let plan: Arc<_> = wire::plan_back(&plan, asked.policy).map_err(|why| unreadable(why.to_string()))?;
    let mut entries = Vec::new();
    let mut rows =
        c.prepare_cached("SELECT body FROM entries WHERE service = ?1 AND run = ?2 ORDER BY place")?;
    for body in rows.query_map(key, |row| row.get::<_, String>(0))? {
        entries.push(wire::entry_back(&body?, asked.policy).map_err(|why| unreadable(why.to_string()))?);
    }
    Ok(Journal { plan, entries })
}

/// The journals from that run on.
pub(super) fn journals(
    c: &Connection,
    asked: &Asked<'_>,
    from: RunId,
) -> rusqlite::Result<Vec<(RunId, Journal)>> {
    let mut runs =
        c.prepare_cached("SELECT run FROM journals WHERE service = ?1 AND run >= ?2 ORDER BY run")?;
    let runs = runs.query_map(params![asked.service(), number(from.0)], |row| row.get::<_, i64>(0))?;
    runs.map(|run| {
        let run = RunId(run?.cast_unsigned());
        Ok((run, journal(c, asked, run)?))
    })
    .collect()
}

/// Keeps the newest journals, and all of unfinished runs.
fn trim(c: &Connection, service: &str, record: &Record) -> rusqlite::Result<()> {
    let oldest: Option<i64> = c
        .prepare_cached("SELECT run FROM journals WHERE service = ?1 ORDER BY run DESC LIMIT 1 OFFSET ?2")?
        .query_row(params![service, RUNS_KEPT], |row| row.get(0))
        .optional()?;
    let Some(upto) = oldest else { return Ok(()) };
    let open = unfinished(Some(record)).first().map_or(i64::MAX, |run| number(run.0));
    let upto = upto.min(open.saturating_sub(1));
    for sql in [
        "DELETE FROM entries WHERE service = ?1 AND run <= ?2",
        "DELETE FROM journals WHERE service = ?1 AND run <= ?2",
    ] {
        c.prepare_cached(sql)?.execute(params![service, upto])?;
    }
    Ok(())
}
