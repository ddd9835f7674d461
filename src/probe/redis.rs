//! `redis`: what a server, a sentinel or a member of a cluster says of itself.
//!
//! One connection a look, which reads only so much; it must never send a command that changes anything.

use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisConnectionInfo, RedisError, ServerErrorKind, Value, cmd};
use secrecy::ExposeSecret;

use super::http::read;
use super::trust::Trust;
use super::wire::{self, Wire, beside};
use super::{Look, Phase, Seen, Why, blind, brief, failed};
use crate::config::probe::{Redis as Wiring, RedisCheck};
use crate::core::health::{Blindness, Failure};
use crate::core::time::{Mono, Span};

/// So much is read from a server in one look.
const MOST: u64 = 256 * 1024;
/// A primary pings its replicas every 10 s unless somebody changed it.
const SILENT: u64 = 15;

pub(super) struct Redis {
    wiring: Wiring,
    trust: Trust,
    /// When this replica was last seen to have all that its primary sent.
    level: Mutex<Option<Mono>>,
}

impl Redis {
    pub(super) fn new(wiring: Wiring) -> Redis {
        let trust = Trust::new(wiring.ca.clone(), None);
        Redis { wiring, trust, level: Mutex::new(None) }
    }

    async fn check(&self, seen: &mut Seen<'_>, mut on: MultiplexedConnection) -> Result<(), Why> {
        match self.wiring.check {
            RedisCheck::Ping => match ask(&mut on, &["PING"]).await? {
                Value::SimpleString(text) if text == "PONG" => Ok(()),
                _ => Err(failed(Failure::BadAnswer, "it answers a ping with something else")),
            },
            RedisCheck::Primary => match role(seen, &mut on).await? {
                Role::Primary => Ok(()),
                Role::Replica { .. } => Err(failed(Failure::NotWritable, "it is a replica")),
            },
            RedisCheck::Replica => match role(seen, &mut on).await? {
                Role::Replica { link } if link == "connected" => Ok(()),
                Role::Replica { link } => {
                    Err(failed(Failure::Silent, format!("its link to the primary is not up: {link}")))
                }
                Role::Primary => Err(failed(Failure::Unmet(0), "it is a primary, and should be a replica")),
            },
            RedisCheck::Lag => self.lag(seen, &mut on).await,
            RedisCheck::Sentinel => sentinel(seen, &mut on).await,
            RedisCheck::Cluster => {
                let info = text(ask(&mut on, &["CLUSTER", "INFO"]).await?)?;
                let state = field(&info, "cluster_state").unwrap_or("unknown").to_owned();
                seen.vars.set("status", state.clone());
                if state == "ok" || seen.wants("status") {
                    return Ok(());
                }
                Err(failed(Failure::Unmet(0), format!("the cluster's state is {state}")))
            }
        }
    }

    async fn lag(&self, seen: &mut Seen<'_>, on: &mut MultiplexedConnection) -> Result<(), Why> {
        let info = text(ask(on, &["INFO", "replication"]).await?)?;
        let now = seen.kit.now().mono;
        let is = field(&info, "role").unwrap_or_default();
        seen.vars.set("role", if is == "master" { "primary" } else { "replica" });
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        if is != "slave" {
            *level = None;
            return Err(if is == "master" {
                failed(Failure::Unmet(0), "it is a primary, and should be a replica")
            } else {
                failed(Failure::BadAnswer, "it does not say whether it is a replica")
            });
        }
        let number = |name: &str| field(&info, name).and_then(|text| text.parse::<u64>().ok());
        let up = field(&info, "master_link_status") == Some("up");
        let applied = number("slave_repl_offset");
        let behind = applied
            .map(|applied| number("slave_read_repl_offset").unwrap_or(applied).saturating_sub(applied));
        if let Some(behind) = behind {
            seen.vars.set("lag_bytes", i64::try_from(behind).unwrap_or(i64::MAX));
        }
        let heard = number("master_last_io_seconds_ago");
        let lag = match heard {
            Some(heard) if up && behind == Some(0) => {
                *level = Some(now.before(Span::secs(heard)));
                Some(if heard <= SILENT { Span::ZERO } else { Span::secs(heard) })
            }
            _ => {
                let down = number("master_link_down_since_seconds").map(Span::secs);
                match (level.map(|level| now - level), down) {
                    (Some(since), Some(down)) => Some(since.max(down)),
                    (one, other) => one.or(other),
                }
            }
        };
        drop(level);
        let lag =
            lag.ok_or_else(|| blind(Blindness::NoData, "it has not been level with its primary yet"))?;
        seen.vars.set_span("lag", lag);
        seen.reading = Some(lag);
        Ok(())
    }
}

impl Look for Redis {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let info = info(&self.wiring)?;
            let wire = dial(&self.wiring, &self.trust, seen).await?;
            let left = wire.left();
            let opened = seen.phase(Phase::Login, MultiplexedConnection::new(&info, wire)).await;
            let too_much = || wire::too_much(&left, MOST);
            let (on, driver) = opened.map_err(|error| too_much().unwrap_or_else(|| said(&error)))?;
            let mut driver = Some(Box::pin(driver));
            seen.begin(Phase::Answer);
            let checked = beside(&mut driver, self.check(seen, on)).await;
            seen.end();
            checked.map_err(|why| too_much().unwrap_or(why))
        })
    }
}

/// Who we are.
pub(crate) fn info(wiring: &Wiring) -> Result<RedisConnectionInfo, Why> {
    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = &wiring.user {
        info = info.set_username(user);
    }
    if let Some(password) = &wiring.password {
        info = info.set_password(read(password)?.expose_secret());
    }
    Ok(info)
}

/// Connects; the login is the library's.
pub(crate) async fn dial(wiring: &Wiring, trust: &Trust, seen: &mut Seen<'_>) -> Result<Wire, Why> {
    let (host, port) = wire::address(&wiring.address)?;
    let stream = wire::connect(seen, host, port).await?;
    let wire = if wiring.tls {
        Wire::tls(trust.handshake(seen, stream, host, None).await?, MOST)
    } else {
        Wire::plain(stream, MOST)
    };
    Ok(wire.through(seen.gate))
}

enum Role {
    Primary,
    Replica { link: String },
}

async fn role(seen: &mut Seen<'_>, on: &mut MultiplexedConnection) -> Result<Role, Why> {
    let bad = || failed(Failure::BadAnswer, "it does not say what its role is");
    let Value::Array(parts) = ask(on, &["ROLE"]).await? else { return Err(bad()) };
    let mut parts = parts.into_iter();
    let role = text(parts.next().ok_or_else(bad)?)?;
    match role.as_str() {
        "master" => {
            seen.vars.set("role", "primary");
            Ok(Role::Primary)
        }
        "slave" => {
            seen.vars.set("role", "replica");
            Ok(Role::Replica { link: text(parts.nth(2).ok_or_else(bad)?)? })
        }
        other => Err(failed(
            Failure::BadAnswer,
            format!("its role is {}", other.chars().take(40).collect::<String>()),
        )),
    }
}

async fn sentinel(seen: &mut Seen<'_>, on: &mut MultiplexedConnection) -> Result<(), Why> {
    let bad = || failed(Failure::BadAnswer, "it does not answer as a sentinel does");
    let Value::Array(primaries) = ask(on, &["SENTINEL", "MASTERS"]).await? else { return Err(bad()) };
    if primaries.is_empty() {
        return Err(blind(Blindness::NoData, "this sentinel watches no primary"));
    }
    for primary in primaries.into_iter().take(100) {
        let pairs: Vec<(String, String)> = match primary {
            Value::Map(pairs) => {
                pairs.into_iter().filter_map(|(k, v)| Some((text(k).ok()?, text(v).ok()?))).collect()
            }
            Value::Array(items) => {
                let items: Vec<String> = items.into_iter().filter_map(|item| text(item).ok()).collect();
                items
                    .chunks_exact(2)
                    .filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone())))
                    .collect()
            }
            _ => return Err(bad()),
        };
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let name = get("name").ok_or_else(bad)?.to_owned();
        let flags = get("flags").ok_or_else(bad)?.to_owned();
        let shown: String = name.chars().take(100).collect();
        if flags.split(',').any(|flag| matches!(flag, "s_down" | "o_down" | "disconnected")) {
            seen.vars.set("status", flags.clone());
            if seen.wants("status") {
                return Ok(());
            }
            return Err(failed(Failure::Unmet(0), format!("the sentinel says of {shown}: {flags}")));
        }
        match ask(on, &["SENTINEL", "CKQUORUM", &name]).await {
            Ok(_) => {}
            Err(Why::Failed(_, detail)) => {
                return Err(failed(
                    Failure::Unmet(0),
                    format!("{shown} has no quorum of sentinels: {detail}"),
                ));
            }
            Err(ours) => return Err(ours),
        }
    }
    seen.vars.set("status", "ok");
    Ok(())
}

pub(crate) async fn ask(on: &mut MultiplexedConnection, words: &[&str]) -> Result<Value, Why> {
    let Some((first, rest)) = words.split_first() else {
        return Err(blind(Blindness::Evaluation, "an empty command"));
    };
    let mut command = cmd(first);
    for word in rest {
        command.arg(*word);
    }
    command.query_async::<Value>(on).await.map_err(|error| said(&error))
}

/// What a server's own error, or the lack of an answer, says of it.
pub(crate) fn said(error: &RedisError) -> Why {
    if let Some(io) = wire::io_in(error) {
        return wire::broken(io);
    }
    let detail = brief(&error.to_string());
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            blind(Blindness::Secret, format!("it does not let us in: {detail}"))
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            blind(Blindness::Secret, format!("our user may not ask that: {detail}"))
        }
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => {
            blind(Blindness::Secret, format!("it does not let us in: {detail}"))
        }
        ErrorKind::Io if error.is_timeout() => failed(Failure::TimedOut, detail),
        ErrorKind::Io => failed(Failure::Closed, "the connection was closed in the middle"),
        _ => failed(Failure::BadAnswer, format!("it answers with an error: {detail}")),
    }
}

pub(crate) fn text(value: Value) -> Result<String, Why> {
    match value {
        Value::SimpleString(text) => Ok(text),
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Value::VerbatimString { text, .. } => Ok(text),
        Value::Int(number) => Ok(number.to_string()),
        _ => Err(failed(Failure::BadAnswer, "it answers with something else than a text")),
    }
}

/// A line `name:value` of `INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
