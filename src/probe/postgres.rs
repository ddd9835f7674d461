//! `postgres`: what a server says of itself, in one read-only transaction over a connection of its own.
//!
//! It must never write, and never show the DSN. A lag reads 0 on a standby that has replayed all that its primary
//! told it of, however long ago the last transaction was; once the primary is silent it is the time since then.

mod session;

use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio_postgres::SimpleQueryRow;

use super::trust::Trust;
use super::{Look, Phase, Seen, Why, blind, failed};
use crate::config::probe::{Postgres as Wiring, PostgresCheck};
use crate::core::health::{Blindness, Failure};
use crate::core::time::{Mono, Span};

pub(crate) use session::{NotSaid, Session, open};

/// So many rows of a query are taken.
const ROWS: usize = 100;
/// An idle primary says so every half of its `wal_sender_timeout`, which is 60 s unless somebody changed it. Silent
/// for longer, it may have gone on without us.
const SILENT: Span = Span::secs(35);

const ROLE: &str = "SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only, \
     CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused";
const RECEIVER: &str = "SELECT pg_is_in_recovery() AS standby, w.pid IS NOT NULL AS receiver, w.status AS status, \
     pg_wal_lsn_diff(coalesce(w.latest_end_lsn, pg_last_wal_receive_lsn()), pg_last_wal_replay_lsn())::bigint AS behind, \
     (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000)::bigint AS replayed, \
     (extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time) * 1000000)::bigint AS heard \
     FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver AS w ON true";

pub(super) struct Postgres {
    wiring: Wiring,
    trust: Trust,
    /// When this standby was last seen to have replayed all that its primary had told it of.
    level: Mutex<Option<Mono>>,
}

impl Postgres {
    pub(super) fn new(wiring: Wiring) -> Postgres {
        let trust = Trust::new(wiring.ca.clone(), None);
        Postgres { wiring, trust, level: Mutex::new(None) }
    }

    async fn ask(&self, seen: &mut Seen<'_>, query: &str) -> Result<Vec<SimpleQueryRow>, Why> {
        let mut session = open(&self.wiring.dsn, &self.trust, self.wiring.ca.is_some(), seen).await?;
        let millis = (seen.left().as_micros() / 1_000).max(1);
        let batch = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}; {query}; COMMIT");
        seen.begin(Phase::Answer);
        let rows = session.ask(&batch).await;
        seen.end();
        let rows = rows.map_err(|wrong| wrong.why)?;
        if rows.is_empty() && !matches!(self.wiring.check, PostgresCheck::Query(_)) {
            return Err(failed(Failure::BadAnswer, "it answers without a row"));
        }
        session.leave();
        Ok(rows)
    }

    /// What stands in pg_stat_wal_receiver, if this is a standby and we may read it.
    async fn receiver(&self, seen: &mut Seen<'_>) -> Result<SimpleQueryRow, Why> {
        let mut rows = self.ask(seen, RECEIVER).await?;
        let row = rows.pop().ok_or_else(|| failed(Failure::BadAnswer, "it answers without a row"))?;
        note_role(seen, &row)?;
        if flag(&row, "standby")? {
            if flag(&row, "receiver")? && row.try_get("status").ok().flatten().is_none() {
                let detail = "our role may not read pg_stat_wal_receiver: grant it pg_monitor";
                return Err(blind(Blindness::NoData, detail));
            }
            return Ok(row);
        }
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Err(failed(Failure::Unmet(0), "it is a primary, and should be a standby"))
    }

    async fn lag(&self, seen: &mut Seen<'_>) -> Result<(), Why> {
        let row = self.receiver(seen).await?;
        let now = seen.kit.now().mono;
        let streams = row.try_get("status").ok().flatten() == Some("streaming");
        let heard = span(&row, "heard");
        let behind = number(&row, "behind");
        if let Some(behind) = behind {
            seen.vars.set("lag_bytes", behind.max(0));
        }
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let all = behind.is_some_and(|behind| behind <= 0) && streams;
        let lag = match heard {
            Some(heard) if all => {
                *level = Some(now.before(heard));
                if heard <= SILENT { Some(Span::ZERO) } else { Some(heard) }
            }
            // Each is an upper limit: the smaller one is nearer to the truth.
            _ => {
                let since = level.map(|level| now - level);
                match (since, span(&row, "replayed")) {
                    (Some(since), Some(replayed)) => Some(since.min(replayed)),
                    (one, other) => one.or(other),
                }
            }
        };
        drop(level);
        let lag =
            lag.ok_or_else(|| blind(Blindness::NoData, "it has replayed nothing yet, so nothing dates it"))?;
        seen.vars.set_span("lag", lag);
        seen.reading = Some(lag);
        Ok(())
    }

    async fn hears(&self, seen: &mut Seen<'_>) -> Result<(), Why> {
        let row = self.receiver(seen).await?;
        let status = row.try_get("status").ok().flatten().unwrap_or("stopped").to_owned();
        seen.vars.set("status", status.clone());
        let heard = span(&row, "heard");
        if let Some(age) = heard {
            seen.vars.set_span("age", age);
            seen.reading = Some(age);
        }
        if status != "streaming" || heard.is_none() {
            return Err(failed(Failure::Silent, format!("its WAL receiver does not stream: {status}")));
        }
        Ok(())
    }

    async fn query(&self, seen: &mut Seen<'_>, query: &str) -> Result<(), Why> {
        let query = query.trim().trim_end_matches(';');
        let asked = format!("SELECT row_to_json(q)::text AS row FROM (\n{query}\n) AS q LIMIT {ROWS}");
        let rows = self.ask(seen, &asked).await?;
        let mut list = Vec::with_capacity(rows.len());
        for row in &rows {
            let text = row.try_get("row").ok().flatten().unwrap_or("null");
            let json = serde_json::from_str(text);
            list.push(json.map_err(|_| failed(Failure::BadAnswer, "a row of its answer is no JSON"))?);
        }
        seen.vars.set_json("rows", &serde_json::Value::Array(list));
        Ok(())
    }
}

impl Look for Postgres {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            match &self.wiring.check {
                PostgresCheck::Lag => return self.lag(seen).await,
                PostgresCheck::WalReceiver => return self.hears(seen).await,
                PostgresCheck::Query(query) => return self.query(seen, query).await,
                PostgresCheck::Connect | PostgresCheck::Writable | PostgresCheck::Standby => {}
            }
            let mut rows = self.ask(seen, ROLE).await?;
            let row = rows.pop().ok_or_else(|| failed(Failure::BadAnswer, "it answers without a row"))?;
            note_role(seen, &row)?;
            let standby = flag(&row, "standby")?;
            let read_only = row.try_get("read_only").ok().flatten() == Some("on");
            let paused = row.try_get("paused").ok().flatten() == Some("t");
            match (&self.wiring.check, standby) {
                (PostgresCheck::Writable, true) => Err(failed(Failure::NotWritable, "it is a standby")),
                (PostgresCheck::Writable, false) if read_only => {
                    Err(failed(Failure::NotWritable, "default_transaction_read_only is on"))
                }
                (PostgresCheck::Standby, false) => {
                    Err(failed(Failure::Unmet(0), "it is a primary, and should be a standby"))
                }
                (PostgresCheck::Standby, true) if paused => {
                    Err(failed(Failure::Unmet(0), "its replay is paused"))
                }
                _ => Ok(()),
            }
        })
    }
}

fn note_role(seen: &mut Seen<'_>, row: &SimpleQueryRow) -> Result<(), Why> {
    seen.vars.set("role", if flag(row, "standby")? { "standby" } else { "primary" });
    Ok(())
}

pub(crate) fn flag(row: &SimpleQueryRow, column: &str) -> Result<bool, Why> {
    match row.try_get(column).ok().flatten() {
        Some("t") => Ok(true),
        Some("f") => Ok(false),
        _ => Err(failed(Failure::BadAnswer, format!("its answer has no `{column}`"))),
    }
}

pub(crate) fn number(row: &SimpleQueryRow, column: &str) -> Option<i64> {
    row.try_get(column).ok().flatten()?.parse().ok()
}

/// A moment a little in the future is now: two readings of one clock.
fn span(row: &SimpleQueryRow, column: &str) -> Option<Span> {
    number(row, column).map(|micros| Span::micros(u64::try_from(micros).unwrap_or(0)))
}
