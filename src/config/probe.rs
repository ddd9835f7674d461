//! The wiring of one probe: everything that it needs to look, with every placeholder filled and every default put in.
//!
//! It is data. How it is debounced, who sees it and what depends on it are the core's; how it looks is `probe`'s.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::expr::Expr;
use super::secret::Secret;
use crate::core::ids::Name;
use crate::core::time::Span;

/// One probe of one service in one region (or in none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Of which service.
    pub service: Name,
    /// Which of its probes.
    pub name: Name,
    /// Where it looks; none: `role = "service"`.
    pub region: Option<Name>,
    /// A trigger probe: it runs in the lane that others cannot fill.
    pub trigger: bool,
    /// Between two looks while nothing is wrong. A heartbeat fails when nothing came for so long.
    pub interval: Span,
    /// From then on a look has failed.
    pub timeout: Span,
    /// All must hold; none: the kind's own.
    pub expect: Vec<Expr>,
    /// What it looks at.
    pub kind: Kind,
}

/// What a probe looks at, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An HTTP answer.
    Http(Box<Http>),
    /// A TCP connection.
    Tcp(Tcp),
    /// A TLS certificate.
    Tls(Tls),
    /// What resolvers answer.
    Dns(Dns),
    /// A PostgreSQL server.
    Postgres(Postgres),
    /// A Redis server, sentinel or cluster.
    Redis(Redis),
    /// A gRPC health service.
    Grpc(Grpc),
    /// A Prometheus query.
    Prometheus(Box<Prometheus>),
    /// Something that calls us.
    Heartbeat(Heartbeat),
    /// A program of the operator's.
    Exec(Exec),
}

/// A text that may be a secret (a header, an environment variable).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// As it is.
    Text(String),
    /// Read when it is used.
    Secret(Secret),
}

/// How we say who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// In a header.
    pub login: Login,
    /// By a certificate.
    pub client: Option<ClientCert>,
}

/// How we say who we are, in a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer`.
    Bearer(Secret),
    /// `Authorization: Basic`.
    Basic {
        /// Name.
        user: String,
        /// Password.
        password: Secret,
    },
}

/// A certificate of ours and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCert {
    /// The chain, our own certificate first.
    pub cert: PathBuf,
    /// Its key.
    pub key: Secret,
}

/// `kind = "http"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// What is fetched; `http` or `https`.
    pub url: Url,
    /// How; upper case.
    pub method: String,
    /// Sent as they are; `Host` replaces the URL's.
    pub headers: Vec<(String, Given)>,
    /// Sent with it.
    pub body: Option<String>,
    /// Who we are.
    pub auth: Auth,
    /// PEM file of the only authorities that are trusted; none: the system's.
    pub ca: Option<PathBuf>,
    /// Whether a redirect is followed (at most ten, and only while the login stays at its host).
    pub redirects: bool,
    /// So much of an answer's body is read at most, in bytes.
    pub body_limit: u64,
    /// A new connection each time.
    pub fresh: bool,
}

/// `kind = "tcp"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// Sent once connected; something must then come back.
    pub send: Option<String>,
    /// Within TLS.
    pub tls: bool,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// `kind = "tls"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `host:port`.
    pub address: String,
    /// The name that the certificate must carry; none: the address's host.
    pub name: Option<String>,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// `kind = "dns"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// The name that is asked for.
    pub name: String,
    /// A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT or CAA; upper case.
    pub record: String,
    /// Who is asked: `address` or `address:port`.
    pub resolvers: Vec<String>,
    /// So many of them must answer, and answer alike; at least 1, at most all.
    pub agree: usize,
}

/// `kind = "postgres"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Where and who: `postgresql://…` or `key=value …`.
    pub dsn: Secret,
    /// What is asked.
    pub check: PostgresCheck,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// What a PostgreSQL server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresCheck {
    /// That it lets us in and answers.
    Connect,
    /// That it takes writes.
    Writable,
    /// That it is a standby that replays.
    Standby,
    /// How far behind its primary it is.
    Lag,
    /// When it last heard of its primary.
    WalReceiver,
    /// A query of the operator's.
    Query(String),
}

/// `kind = "redis"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redis {
    /// `host:port`.
    pub address: String,
    /// Name; none: the default user.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// What is asked.
    pub check: RedisCheck,
    /// Within TLS.
    pub tls: bool,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// What a Redis server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisCheck {
    /// That it answers.
    Ping,
    /// That it is a primary.
    Primary,
    /// That it is a replica whose link is up.
    Replica,
    /// How far behind its primary it is.
    Lag,
    /// A sentinel: that every primary it watches is up, with a quorum.
    Sentinel,
    /// A member of a cluster: that the cluster's state is ok.
    Cluster,
}

/// `kind = "grpc"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// `host:port`.
    pub address: String,
    /// Which service's health; empty: the server's.
    pub service: String,
    /// Within TLS.
    pub tls: bool,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// `kind = "prometheus"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Of the server, without `/api/v1`.
    pub url: Url,
    /// PromQL.
    pub query: String,
    /// Who we are.
    pub auth: Auth,
    /// As in [`Http::ca`].
    pub ca: Option<PathBuf>,
}

/// `kind = "heartbeat"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// What a push must bring.
    pub token: Secret,
}

/// `kind = "exec"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program by its absolute path, and its arguments.
    pub argv: Vec<String>,
    /// All of its environment, beside PATH.
    pub env: Vec<(String, Given)>,
    /// `exec.allow`.
    pub allow: Arc<[PathBuf]>,
    /// `exec.dir`, where it runs.
    pub dir: PathBuf,
}

impl Kind {
    /// As it is written in the config.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Http(_) => "http",
            Kind::Tcp(_) => "tcp",
            Kind::Tls(_) => "tls",
            Kind::Dns(_) => "dns",
            Kind::Postgres(_) => "postgres",
            Kind::Redis(_) => "redis",
            Kind::Grpc(_) => "grpc",
            Kind::Prometheus(_) => "prometheus",
            Kind::Heartbeat(_) => "heartbeat",
            Kind::Exec(_) => "exec",
        }
    }

    /// What its expectations may speak of; for [`Expr::checked`].
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        match self {
            Kind::Http(_) => &["status", "body", "latency", "days_left"],
            Kind::Tcp(_) => &["answer", "latency", "days_left"],
            Kind::Tls(_) => &["days_left", "latency"],
            Kind::Dns(_) => &["answer", "latency"],
            Kind::Postgres(postgres) => match postgres.check {
                PostgresCheck::Lag => &["lag", "lag_bytes", "role", "latency"],
                PostgresCheck::WalReceiver => &["age", "status", "role", "latency"],
                PostgresCheck::Query(_) => &["rows", "role", "latency"],
                PostgresCheck::Connect | PostgresCheck::Writable | PostgresCheck::Standby => {
                    &["role", "latency"]
                }
            },
            Kind::Redis(redis) => match redis.check {
                RedisCheck::Lag => &["lag", "lag_bytes", "role", "latency"],
                RedisCheck::Ping => &["latency"],
                RedisCheck::Primary | RedisCheck::Replica => &["role", "latency"],
                RedisCheck::Sentinel | RedisCheck::Cluster => &["status", "latency"],
            },
            Kind::Grpc(_) => &["status", "latency"],
            Kind::Prometheus(_) => &["value", "latency"],
            Kind::Heartbeat(_) => &["age"],
            Kind::Exec(_) => &["exit", "stdout", "latency"],
        }
    }
}

impl Exec {
    /// Whether `exec.allow` names that program, or a directory that it is in. Both must be absolute, and without `..`;
    /// links are the runner's concern, who asks again with what they lead to.
    #[must_use]
    pub fn allows(allow: &[PathBuf], program: &Path) -> bool {
        let straight = |path: &Path| {
            path.is_absolute()
                && !path.components().any(|part| matches!(part, std::path::Component::ParentDir))
        };
        straight(program) && allow.iter().any(|allowed| straight(allowed) && program.starts_with(allowed))
    }
}

/// As operators name it: `shop/web in us-east-1`.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{}/{} in {region}", self.service, self.name),
            None => write!(f, "{}/{}", self.service, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_may_run() {
        let allow = [PathBuf::from("/opt/dr"), PathBuf::from("/usr/bin/true")];
        for yes in ["/opt/dr/ready", "/opt/dr/a/b", "/usr/bin/true"] {
            assert!(Exec::allows(&allow, Path::new(yes)), "{yes}");
        }
        for no in ["/opt/drx/ready", "/usr/bin/true2", "/usr/bin", "ready", "/opt/dr/../../bin/sh", "/bin/sh"]
        {
            assert!(!Exec::allows(&allow, Path::new(no)), "{no}");
        }
    }
}
