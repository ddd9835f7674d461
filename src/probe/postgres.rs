//! `postgres`: what a server says of itself, in one read-only transaction over a connection of its own.
//!
//! It must never write, and never show the DSN. A lag reads 0 on a standby that has replayed all that its primary
//! told it of, however long ago the last transaction was; once the primary is silent it is the time since then.

use std::pin::Pin;
use std::str::FromStr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::http::read;
use super::trust::Trust;
use super::wire::{self, Wire, beside};
use super::{Look, Phase, Seen, Why, blind, failed};
use crate::config::probe::{Postgres as Wiring, PostgresCheck};
use crate::config::secret::Secret;
use crate::core::health::{Blindness, Failure};
use crate::core::time::{Mono, Span};

/// So much is read from a server in one look, and so many rows of a query.
const MOST: u64 = 1 << 20;
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

/// What works on a connection while somebody waits for an answer over it.
type Work = dyn Future<Output = Result<(), tokio_postgres::Error>> + Send;

/// A connection that stands, with us let in.
pub(crate) struct Session {
    client: Client,
    line: Option<Pin<Box<Work>>>,
    left: Arc<AtomicU64>,
}

/// What a server did not do, with its own code where it gave one.
pub(crate) struct NotSaid {
    pub(crate) code: Option<String>,
    pub(crate) why: Why,
}

impl Session {
    /// What these statements say. Each is sent in one message; without a `BEGIN` they are one transaction.
    pub(crate) async fn ask(&mut self, statements: &str) -> Result<Vec<SimpleQueryRow>, NotSaid> {
        let answered = beside(&mut self.line, self.client.simple_query(statements)).await;
        let messages = answered.map_err(|error| NotSaid {
            code: error.code().map(|code| code.code().to_owned()),
            why: wire::too_much(&self.left, MOST).unwrap_or_else(|| said(&error)),
        })?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Says goodbye, as far as that needs no waiting.
    pub(crate) fn leave(self) {
        drop(self.client);
        drop(self.line.and_then(|mut line| futures::FutureExt::now_or_never(line.as_mut())));
    }
}

fn config(dsn: &Secret) -> Result<Config, Why> {
    let dsn = read(dsn)?;
    // Both ask for what we do anyway wherever there is a certificate.
    let dsn = dsn.expose_secret().replace("sslmode=verify-full", "sslmode=require");
    let dsn = dsn.replace("sslmode=verify-ca", "sslmode=require");
    // The parser's error may quote a part of it.
    let mut config = Config::from_str(&dsn).map_err(|_| blind(Blindness::Secret, "the DSN is no DSN"))?;
    if config.get_application_name().is_none() {
        config.application_name("watchkeeper");
    }
    Ok(config)
}

/// Connects and logs in. Without an authority of its own, `sslmode=prefer` takes what it gets, as with libpq.
pub(crate) async fn open(
    dsn: &Secret,
    trust: &Trust,
    authority: bool,
    seen: &mut Seen<'_>,
) -> Result<Session, Why> {
    let config = config(dsn)?;
    let host = config.get_hosts().first().cloned();
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let (wire, name) = match (host, config.get_hostaddrs().first()) {
        (Some(Host::Unix(folder)), None) => {
            let path = folder.join(format!(".s.PGSQL.{port}"));
            let stream = seen.phase(Phase::Connect, tokio::net::UnixStream::connect(&path)).await;
            let stream = stream.map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                    failed(Failure::Refused, format!("nobody listens at {}", path.display()))
                }
                _ => wire::broken(&error),
            })?;
            (Wire::local(stream, MOST), None)
        }
        (Some(Host::Tcp(host)), None) => {
            (Wire::plain(wire::connect(seen, &host, port).await?, MOST), Some(host))
        }
        (host, Some(address)) => {
            let name = match host {
                Some(Host::Tcp(host)) => host,
                Some(Host::Unix(_)) | None => address.to_string(),
            };
            (Wire::plain(wire::connect(seen, &address.to_string(), port).await?, MOST), Some(name))
        }
        (None, None) => return Err(blind(Blindness::Secret, "the DSN names no host")),
    };
    let wire = wire.through(seen.gate);
    match (name, config.get_ssl_mode()) {
        (Some(name), mode) if mode != SslMode::Disable => {
            let checked = mode != SslMode::Prefer || authority;
            let (tls, shown) = trust.config(seen.kit, None, checked)?;
            let mut maker = MakeRustlsConnect::new(tls);
            let tls = MakeTlsConnect::<Wire>::make_tls_connect(&mut maker, &name)
                .map_err(|_| blind(Blindness::Evaluation, format!("`{name}` is no name of a host")))?;
            let kit = seen.kit;
            login(seen, &config, wire, tls).await.map_err(|error| match error {
                Ended::Why(why) => why,
                Ended::Error(error) => match wire::io_in(&error) {
                    Some(io) => super::trust::untrusted(io, &shown, kit),
                    None => said(&error),
                },
            })
        }
        _ => login(seen, &config, wire, NoTls).await.map_err(|error| match error {
            Ended::Why(why) => why,
            Ended::Error(error) => said(&error),
        }),
    }
}

async fn login<T>(seen: &mut Seen<'_>, config: &Config, wire: Wire, tls: T) -> Result<Session, Ended>
where
    T: TlsConnect<Wire>,
    T::Stream: Send + 'static,
{
    let left = wire.left();
    let connected = seen.phase(Phase::Login, config.connect_raw(wire, tls)).await;
    let (client, line) =
        connected.map_err(|error| wire::too_much(&left, MOST).map_or(Ended::Error(error), Ended::Why))?;
    Ok(Session { client, line: Some(Box::pin(line)), left })
}

enum Ended {
    Why(Why),
    Error(tokio_postgres::Error),
}

/// What a server's own error, or the lack of an answer, says of it.
fn said(error: &tokio_postgres::Error) -> Why {
    let Some(db) = error.as_db_error() else {
        return match wire::io_in(error) {
            Some(io) => wire::broken(io),
            None if error.is_closed() => failed(Failure::Closed, "the connection was closed in the middle"),
            None => {
                let cause =
                    std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
                failed(Failure::BadAnswer, brief(&format!("{error}{cause}")))
            }
        };
    };
    let detail = brief(db.message());
    let code = db.code().code();
    match db.code() {
        // The time that we gave it ourselves.
        &SqlState::QUERY_CANCELED => failed(Failure::TimedOut, detail),
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
            failed(Failure::Refused, detail)
        }
        // It lives, and does not know us.
        _ if code.starts_with("28") => blind(Blindness::Secret, format!("it does not let us in: {detail}")),
        // What the operator asks for cannot be asked.
        _ if code.starts_with("42") || code.starts_with("22") || code.starts_with("25") => {
            blind(Blindness::Evaluation, format!("the query is refused: {detail}"))
        }
        _ => failed(Failure::BadAnswer, format!("it answers with an error ({code}): {detail}")),
    }
}

fn brief(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
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
