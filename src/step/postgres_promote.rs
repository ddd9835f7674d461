//! `postgres_promote`: a standby becomes the primary.
//!
//! The server's own clock refuses a late call: its clock is read on the same connection, and the promotion is one
//! statement that compares it. It must never promote a server that it has not just seen to be a standby.

use futures::future::BoxFuture;

use super::came::Came;
use super::keys::Keys;
use super::{Act, Asked};
use crate::config::secret::Secret;
use crate::core::plan::Op;
use crate::core::time::Span;
use crate::probe::postgres::{NotSaid, Session, flag, number, open};
use crate::probe::trust::Trust;
use crate::probe::{Seen, Why};

/// With a longer `wal_retrieve_retry_interval`, a promotion right after the primary's death takes up to that much longer.
const LONG: i64 = 1_000;
/// Kept for the answer's way back.
const BACK: Span = Span::millis(500);

const LOOK: &str = "SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only, \
     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at, \
     (SELECT setting FROM pg_settings WHERE name = 'wal_retrieve_retry_interval') AS retry";

pub(crate) struct Promote {
    dsn: Secret,
    trust: Trust,
}

impl Promote {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Promote, String> {
        let dsn = keys.secret("dsn")?.ok_or("`dsn` is missing")?;
        Ok(Promote { dsn, trust: Trust::new(None, None) })
    }

    async fn open(&self, seen: &mut Seen<'_>) -> Result<Session, Why> {
        open(&self.dsn, &self.trust, false, seen).await
    }

    /// What is worth knowing before it is needed.
    pub(crate) async fn notes(&self, seen: &mut Seen<'_>) -> Vec<String> {
        let looked = async {
            let mut session = self.open(seen).await?;
            let mut rows = session.ask(LOOK).await.map_err(|wrong| wrong.why)?;
            session.leave();
            let row = rows.pop();
            Ok::<_, Why>(row.and_then(|row| number(&row, "retry")))
        };
        match looked.await {
            Ok(Some(millis)) if millis > LONG => vec![format!(
                "wal_retrieve_retry_interval is {} on this standby: right after its primary died, a promotion can take so much \
                 longer; set it to 500ms",
                Span::millis(u64::try_from(millis).unwrap_or(0))
            )],
            Ok(_) => Vec::new(),
            Err(Why::Failed(_, detail) | Why::Blind(_, detail)) => {
                vec![format!("this standby could not be looked at: {detail}")]
            }
        }
    }

    async fn promote(&self, asked: &Asked<'_>, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let mut session = self.open(seen).await?;
        let mut rows = session.ask(LOOK).await.map_err(|wrong| wrong.why)?;
        let read = asked.now();
        let Some(row) = rows.pop() else { return Ok(Came::transient("it answers without a row")) };
        if !flag(&row, "standby")? {
            session.leave();
            return Ok(Came::done());
        }
        let Some(at) = number(&row, "at") else { return Ok(Came::transient("it does not tell the time")) };
        let call = asked.call;
        let end = call.not_after.map_or(call.until, |end| end.min(call.until)).min(call.deadline);
        // It read its clock before we read ours, so it refuses a little early and never late.
        let until = at.saturating_add(i64::try_from((end - read).as_micros()).unwrap_or(0));
        let wait = (asked.left().less(BACK).as_micros() / 1_000_000).clamp(1, 3_600);
        let promote = format!(
            "SELECT CASE WHEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint < {until} \
             THEN pg_promote(true, {wait}) END AS promoted"
        );
        asked.gate.arm();
        Ok(match session.ask(&promote).await {
            Ok(rows) => {
                session.leave();
                match rows.first().and_then(|row| row.try_get("promoted").ok()) {
                    Some(Some("t")) => Came::done(),
                    Some(None) => Came::not_done("its own clock says that this comes too late"),
                    _ => Came::unknown(format!("it was told to, and is no primary yet after {wait}s")),
                }
            }
            Err(NotSaid { code: Some(code), why }) => match (code.as_str(), why) {
                ("42501", _) => {
                    Came::refused("our role may not promote: GRANT EXECUTE ON FUNCTION pg_promote TO it")
                }
                // Somebody else did it in between.
                ("55000", _) => Came::done(),
                (_, Why::Failed(_, detail) | Why::Blind(_, detail)) => Came::unknown(detail),
            },
            Err(NotSaid { code: None, why }) => Came::from_why(why, asked.gate, call.op),
        })
    }

    async fn look(&self, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let mut session = self.open(seen).await?;
        let mut rows = session.ask(LOOK).await.map_err(|wrong| wrong.why)?;
        session.leave();
        let Some(row) = rows.pop() else { return Ok(Came::unknown("it answers without a row")) };
        Ok(if flag(&row, "standby")? { Came::not_done("it is a standby") } else { Came::done() })
    }

    /// A write that changes nothing: a message in its log, flushed as any commit is.
    async fn writes(&self, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let mut session = self.open(seen).await?;
        let mut rows = session.ask(LOOK).await.map_err(|wrong| wrong.why)?;
        let Some(row) = rows.pop() else { return Ok(Came::unknown("it answers without a row")) };
        if flag(&row, "standby")? {
            return Ok(Came::not_done("it is a standby"));
        }
        if row.try_get("read_only").ok().flatten() == Some("on") {
            return Ok(Came::not_done("default_transaction_read_only is on"));
        }
        let wrote = session.ask("SELECT pg_logical_emit_message(true, 'watchkeeper', 'verify') AS at").await;
        wrote.map_err(|wrong| wrong.why)?;
        session.leave();
        Ok(Came::done())
    }
}

impl Act for Promote {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            let mut seen = asked.seen(&[]);
            let came = match asked.call.op {
                Op::Do => self.promote(asked, &mut seen).await,
                Op::Observe => self.look(&mut seen).await.map(|came| came.observed(asked.call.undoing)),
                Op::Verify => self.writes(&mut seen).await,
                Op::Undo => return Came::refused("a promotion cannot be taken back"),
            };
            came.unwrap_or_else(|why| Came::from_why(why, asked.gate, asked.call.op))
        })
    }
}
