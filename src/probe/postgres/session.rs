//! A connection to PostgreSQL with us let in, for probes and steps alike: TLS as the DSN asks for it, and what a server's
//! errors say of it. It must never show the DSN.

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::secret::Secret;
use crate::core::health::{Blindness, Failure};
use crate::probe::http::read;
use crate::probe::trust::{Trust, untrusted};
use crate::probe::wire::{self, Wire, beside};
use crate::probe::{Phase, Seen, Why, blind, brief, failed};

/// So much is read from a server over one connection.
const MOST: u64 = 1 << 20;

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
                    Some(io) => untrusted(io, &shown, kit),
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
