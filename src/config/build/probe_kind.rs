//! What a probe looks at, by kind: which keys it has, and its wiring with everything filled in for one region.

use std::path::Path;

use super::fill::{self, Scene};
use crate::config::node::Node;
use crate::config::probe as wire;
use crate::config::problem::{Code, Problem};
use crate::config::raw::objects::Auth;
use crate::config::raw::probe::{Probe, ProbeKind};
use crate::config::raw::probe_kinds as raw;
use crate::config::read::{Key, Reader, fields_of};
use crate::config::secret::Secret;
use crate::config::values::Filled;
use crate::core::plan::{DraftValue, RawPiece};

/// What its kind adds.
pub(in crate::config) enum Own {
    Http(raw::Http),
    Tcp(raw::Tcp),
    Tls(raw::Tls),
    Dns(raw::Dns),
    Postgres(raw::Postgres),
    Redis(raw::Redis),
    Grpc(raw::Grpc),
    Prometheus(raw::Prometheus),
    Heartbeat(raw::Heartbeat),
    Exec(raw::Exec),
    /// Not built yet, whichever it is.
    Backup,
    /// Its kind is none.
    Unknown,
}

/// The kinds by their words, with the keys that each adds.
pub(in crate::config) fn kinds() -> [(&'static str, &'static [&'static str]); 12] {
    [
        ("http", fields_of::<raw::Http>()),
        ("tcp", fields_of::<raw::Tcp>()),
        ("tls", fields_of::<raw::Tls>()),
        ("dns", fields_of::<raw::Dns>()),
        ("postgres", fields_of::<raw::Postgres>()),
        ("redis", fields_of::<raw::Redis>()),
        ("grpc", fields_of::<raw::Grpc>()),
        ("prometheus", fields_of::<raw::Prometheus>()),
        ("heartbeat", fields_of::<raw::Heartbeat>()),
        ("exec", fields_of::<raw::Exec>()),
        ("backup_s3", fields_of::<raw::BackupS3>()),
        ("backup_rds", fields_of::<raw::BackupRds>()),
    ]
}

/// Reads what every probe has, and what its kind adds.
pub(in crate::config) fn read(reader: Reader<'_>, node: &Node) -> Option<(Probe, Own)> {
    let word = node.get("kind").and_then(Node::text).unwrap_or_default();
    let others = kinds().into_iter().find(|(kind, _)| *kind == word).map(|(_, fields)| fields);
    let common: Probe = reader.read_part(node, others)?;
    let Some(kind) = common.kind.get() else { return Some((common, Own::Unknown)) };
    let own = match kind {
        ProbeKind::Http => reader.read_part(node, None).map(Own::Http),
        ProbeKind::Tcp => reader.read_part(node, None).map(Own::Tcp),
        ProbeKind::Tls => reader.read_part(node, None).map(Own::Tls),
        ProbeKind::Dns => reader.read_part(node, None).map(Own::Dns),
        ProbeKind::Postgres => reader.read_part(node, None).map(Own::Postgres),
        ProbeKind::Redis => reader.read_part(node, None).map(Own::Redis),
        ProbeKind::Grpc => reader.read_part(node, None).map(Own::Grpc),
        ProbeKind::Prometheus => reader.read_part(node, None).map(Own::Prometheus),
        ProbeKind::Heartbeat => reader.read_part(node, None).map(Own::Heartbeat),
        ProbeKind::Exec => reader.read_part(node, None).map(Own::Exec),
        ProbeKind::BackupS3 => reader.read_part(node, None).map(|_: raw::BackupS3| Own::Backup),
        ProbeKind::BackupRds => reader.read_part(node, None).map(|_: raw::BackupRds| Own::Backup),
    };
    Some((common, own.unwrap_or(Own::Unknown)))
}

impl Own {
    /// It says whether a region takes writes.
    pub(super) fn says_writable(&self) -> bool {
        match self {
            Own::Postgres(raw) => raw.check.get() == Some(&raw::PostgresCheck::Writable),
            Own::Redis(raw) => raw.check.get() == Some(&raw::RedisCheck::Primary),
            _ => false,
        }
    }

    /// Its reading is a lag.
    pub(super) fn reads_lag(&self) -> bool {
        match self {
            Own::Postgres(raw) => raw.check.get() == Some(&raw::PostgresCheck::Lag),
            Own::Redis(raw) => raw.check.get() == Some(&raw::RedisCheck::Lag),
            _ => false,
        }
    }

    /// It reads a lag or an age, which may be what a promotion would lose.
    pub(super) fn reads_loss(&self) -> bool {
        matches!(self, Own::Backup | Own::Heartbeat(_)) || self.reads_lag()
    }

    /// What it looks at in one region; none where something is missing or wrong, which has been reported.
    pub(super) fn wiring(&self, scene: &Scene<'_>) -> Option<wire::Kind> {
        Some(match self {
            Own::Http(raw) => wire::Kind::Http(Box::new(http(raw, scene)?)),
            Own::Tcp(raw) => wire::Kind::Tcp(wire::Tcp {
                address: address(scene, &raw.address)?,
                send: optional(scene, &raw.send)?,
                tls: raw.tls.or(false),
                ca: path(scene, &raw.ca)?,
            }),
            Own::Tls(raw) => wire::Kind::Tls(wire::Tls {
                address: address(scene, &raw.address)?,
                name: optional(scene, &raw.name)?,
                ca: path(scene, &raw.ca)?,
            }),
            Own::Dns(raw) => wire::Kind::Dns(dns(raw, scene)?),
            Own::Postgres(raw) => wire::Kind::Postgres(postgres(raw, scene)?),
            Own::Redis(raw) => wire::Kind::Redis(redis(raw, scene)?),
            Own::Grpc(raw) => wire::Kind::Grpc(wire::Grpc {
                address: address(scene, &raw.address)?,
                service: scene.text(&raw.service)?,
                tls: raw.tls.or(false),
                ca: path(scene, &raw.ca)?,
            }),
            Own::Prometheus(raw) => {
                let (url, query) = (scene.url(&raw.url), scene.text(&raw.query));
                let (auth, ca) = (auth(scene, &raw.auth), path(scene, &raw.ca));
                wire::Kind::Prometheus(Box::new(wire::Prometheus {
                    url: url?,
                    query: query?,
                    auth: auth?,
                    ca: ca?,
                }))
            }
            Own::Heartbeat(raw) => {
                wire::Kind::Heartbeat(wire::Heartbeat { token: scene.secret(&raw.token)? })
            }
            Own::Exec(raw) => wire::Kind::Exec(exec(raw, scene)?),
            Own::Backup | Own::Unknown => return None,
        })
    }
}

/// A key that need not be written; `None` only where what is written is wrong.
fn optional(scene: &Scene<'_>, key: &Key<Filled>) -> Option<Option<String>> {
    if key.at().is_none() { Some(None) } else { scene.text(key).map(Some) }
}

fn path(scene: &Scene<'_>, key: &Key<Filled>) -> Option<Option<std::path::PathBuf>> {
    if key.at().is_none() { Some(None) } else { scene.path(key).map(Some) }
}

fn secret(scene: &Scene<'_>, key: &Key<crate::config::values::Kept>) -> Option<Option<Secret>> {
    if key.at().is_none() { Some(None) } else { scene.secret(key).map(Some) }
}

fn address(scene: &Scene<'_>, key: &Key<Filled>) -> Option<String> {
    fill::address(scene.around.problems, scene.text(key)?, key.at())
}

fn http(raw: &raw::Http, scene: &Scene<'_>) -> Option<wire::Http> {
    let url = scene.url(&raw.url);
    let method = scene.text(&raw.method).map(|method| method.to_uppercase());
    if let Some(method) = &method
        && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        let problem = Problem::error(Code::Value, raw.method.at(), "this is no method of HTTP");
        scene.around.add(problem.help("write such as \"GET\""));
    }
    open_headers(scene.around, &raw.headers);
    let headers = if raw.headers.at().is_some() { scene.named(&raw.headers) } else { Some(Vec::new()) };
    let (body, auth, ca) = (optional(scene, &raw.body), auth(scene, &raw.auth), path(scene, &raw.ca));
    Some(wire::Http {
        url: url?,
        method: method?,
        headers: headers?,
        body: body?.filter(|body| !body.is_empty()),
        auth: auth?,
        ca: ca?,
        redirects: raw.redirects.or(false),
        body_limit: raw.body_limit.get()?.0,
        fresh: raw.fresh.or(true),
    })
}

fn auth(scene: &Scene<'_>, key: &Key<Auth>) -> Option<wire::Auth> {
    let Some((raw, at)) = key.both() else {
        return if key.bad() { None } else { Some(wire::Auth::default()) };
    };
    let refuse = |message: &str| {
        let help = "write { bearer = … }, { user = \"…\", password = … } or { cert = \"…\", key = … }";
        scene.around.add(Problem::error(Code::Value, at, message).help(help));
        None
    };
    let login = match (raw.bearer.at(), raw.user.at(), raw.password.at()) {
        (Some(_), None, None) => wire::Login::Bearer(scene.secret(&raw.bearer)?),
        (None, Some(_), Some(_)) => {
            let (user, password) = (scene.text(&raw.user), scene.secret(&raw.password));
            wire::Login::Basic { user: user?, password: password? }
        }
        (None, None, None) => wire::Login::None,
        (Some(_), _, _) => return refuse("this says twice who we are"),
        (None, _, _) => return refuse("`user` and `password` belong together"),
    };
    let client = match (raw.cert.at(), raw.key.at()) {
        (Some(_), Some(_)) => {
            let (cert, key) = (scene.path(&raw.cert), scene.secret(&raw.key));
            Some(wire::ClientCert { cert: cert?, key: key? })
        }
        (None, None) => None,
        (_, _) => return refuse("`cert` and `key` belong together"),
    };
    Some(wire::Auth { login, client })
}

fn dns(raw: &raw::Dns, scene: &Scene<'_>) -> Option<wire::Dns> {
    const RECORDS: [&str; 10] = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA"];
    let name = scene.text(&raw.name);
    let record = scene.text(&raw.record).map(|record| record.to_uppercase());
    if let Some(record) = &record
        && !RECORDS.contains(&record.as_str())
    {
        let problem =
            Problem::error(Code::Unknown, raw.record.at(), format!("there is no record type `{record}`"));
        scene.around.add(problem.help(crate::config::suggest::help(record, RECORDS)));
    }
    let resolvers = scene.texts(&raw.resolvers);
    let all = resolvers.as_ref().map_or(0, Vec::len);
    for (key, resolver) in raw.resolvers.get().into_iter().flatten().zip(resolvers.iter().flatten()) {
        let address =
            resolver.parse::<std::net::IpAddr>().is_ok() || resolver.parse::<std::net::SocketAddr>().is_ok();
        if !address {
            let problem = Problem::error(Code::Value, key.at(), "this is no address of a resolver");
            scene.around.add(problem.help("write an IP address, such as \"1.1.1.1\" or \"1.1.1.1:53\""));
        }
    }
    if resolvers.is_some() && all == 0 {
        let problem = Problem::error(Code::Value, raw.resolvers.at(), "no resolver is named");
        scene.around.add(problem.help("name at least one, such as \"1.1.1.1\""));
    }
    let agree = raw.agree.get().map_or(all, |count| count.0 as usize);
    if resolvers.is_some() && (agree == 0 || agree > all) && all > 0 {
        let problem =
            Problem::error(Code::Value, raw.agree.at(), format!("{agree} of {all} resolvers cannot agree"));
        scene.around.add(problem.help(format!("write 1 to {all}")));
    }
    Some(wire::Dns { name: name?, record: record?, resolvers: resolvers?, agree })
}

fn postgres(raw: &raw::Postgres, scene: &Scene<'_>) -> Option<wire::Postgres> {
    let (dsn, ca) = (scene.secret(&raw.dsn), path(scene, &raw.ca));
    let (check, at) = raw.check.both()?;
    let query = raw.query.get().map(|query| query.0.clone());
    let check = match (check, query) {
        (raw::PostgresCheck::Query, Some(query)) => wire::PostgresCheck::Query(query),
        (raw::PostgresCheck::Query, None) => {
            let problem = Problem::error(Code::Missing, at, "`check = \"query\"` needs the key `query`");
            scene.around.add(problem.help("write such as query = \"SELECT 1 AS one\""));
            return None;
        }
        (_, Some(_)) => {
            let problem = Problem::error(Code::Unknown, raw.query.at(), "this check sends no `query`");
            scene.around.add(problem.help("write `check = \"query\"`, or remove the key"));
            return None;
        }
        (raw::PostgresCheck::Connect, None) => wire::PostgresCheck::Connect,
        (raw::PostgresCheck::Writable, None) => wire::PostgresCheck::Writable,
        (raw::PostgresCheck::Standby, None) => wire::PostgresCheck::Standby,
        (raw::PostgresCheck::Lag, None) => wire::PostgresCheck::Lag,
        (raw::PostgresCheck::WalReceiver, None) => wire::PostgresCheck::WalReceiver,
    };
    Some(wire::Postgres { dsn: dsn?, check, ca: ca? })
}

fn redis(raw: &raw::Redis, scene: &Scene<'_>) -> Option<wire::Redis> {
    let (address, user) = (address(scene, &raw.address), optional(scene, &raw.user));
    let (password, ca) = (secret(scene, &raw.password), path(scene, &raw.ca));
    let check = match raw.check.get()? {
        raw::RedisCheck::Ping => wire::RedisCheck::Ping,
        raw::RedisCheck::Primary => wire::RedisCheck::Primary,
        raw::RedisCheck::Replica => wire::RedisCheck::Replica,
        raw::RedisCheck::Lag => wire::RedisCheck::Lag,
        raw::RedisCheck::Sentinel => wire::RedisCheck::Sentinel,
        raw::RedisCheck::Cluster => wire::RedisCheck::Cluster,
    };
    let tls = raw.tls.or(false);
    Some(wire::Redis { address: address?, user: user?, password: password?, check, tls, ca: ca? })
}

fn exec(raw: &raw::Exec, scene: &Scene<'_>) -> Option<wire::Exec> {
    let argv = scene.texts(&raw.argv);
    let env = if raw.env.at().is_some() { scene.named(&raw.env) } else { Some(Vec::new()) };
    let argv = argv?;
    let at = raw.argv.get().and_then(|all| all.first()).and_then(Key::at).or(raw.argv.at());
    allowed(scene, argv.first().map(String::as_str), at);
    let exec = &scene.around.exec;
    Some(wire::Exec { argv, env: env?, allow: exec.allow.clone().into(), dir: exec.dir.clone() })
}

/// Headers by which one logs in, with the login written out.
pub(super) fn open_headers(around: &super::Around<'_>, key: &Key<crate::config::values::Any>) {
    const LOGINS: [&str; 6] =
        ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "x-vault-token"];
    let Some((any, at)) = key.both() else { return };
    let DraftValue::Table(headers) = &any.0 else { return };
    for (name, value) in headers {
        let DraftValue::Text(raw, _) = value else { continue };
        let written = raw.pieces().iter().all(|piece| matches!(piece, RawPiece::Plain(_)));
        if written && LOGINS.contains(&name.to_lowercase().as_str()) {
            around.problems.mask(at);
            let problem =
                Problem::error(Code::Secret, at, format!("the header `{name}` holds a secret, written out"));
            around.add(
                problem.help("write { credential = \"…\" }, or `auth = { bearer = { credential = \"…\" } }`"),
            );
        }
    }
}

/// A program that nothing allows.
pub(super) fn allowed(scene: &Scene<'_>, program: Option<&str>, at: Option<crate::config::place::At>) {
    let exec = &scene.around.exec;
    match program {
        None | Some("") => {
            let problem = Problem::error(Code::Value, at, "no program is named");
            scene.around.add(problem.help("write its absolute path first, then its arguments"));
        }
        Some(program) if !wire::Exec::allows(&exec.allow, Path::new(program)) => {
            let problem = Problem::error(Code::Value, at, format!("`{program}` may not be run"));
            scene
                .around
                .add(problem.help("name it, or its directory, in [exec] allow, by its absolute path"));
        }
        Some(_) => {}
    }
}

/// What its expectations may speak of, before anything is filled in.
pub(super) fn variables(own: &Own) -> &'static [&'static str] {
    match own {
        Own::Http(_) => &["status", "body", "latency", "days_left"],
        Own::Tcp(_) => &["answer", "latency", "days_left"],
        Own::Tls(_) => &["days_left", "latency"],
        Own::Dns(_) => &["answer", "latency"],
        Own::Postgres(raw) => match raw.check.or(raw::PostgresCheck::Query) {
            raw::PostgresCheck::Lag => &["lag", "lag_bytes", "role", "latency"],
            raw::PostgresCheck::WalReceiver => &["age", "status", "role", "latency"],
            raw::PostgresCheck::Query => &["rows", "role", "latency"],
            raw::PostgresCheck::Connect | raw::PostgresCheck::Writable | raw::PostgresCheck::Standby => {
                &["role", "latency"]
            }
        },
        Own::Redis(raw) => match raw.check.or(raw::RedisCheck::Ping) {
            raw::RedisCheck::Lag => &["lag", "lag_bytes", "role", "latency"],
            raw::RedisCheck::Ping => &["latency"],
            raw::RedisCheck::Primary | raw::RedisCheck::Replica => &["role", "latency"],
            raw::RedisCheck::Sentinel | raw::RedisCheck::Cluster => &["status", "latency"],
        },
        Own::Grpc(_) => &["status", "latency"],
        Own::Prometheus(_) => &["value", "latency"],
        Own::Heartbeat(_) => &["age"],
        Own::Exec(_) => &["exit", "stdout", "latency"],
        Own::Backup => &["age", "size", "count"],
        Own::Unknown => &[],
    }
}
