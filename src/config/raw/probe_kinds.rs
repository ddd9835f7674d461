//! What each kind of probe adds, one struct a kind.

use schemars::JsonSchema;
use serde::Deserialize;

use super::objects::Auth;
use crate::config::read::Key;
use crate::config::values::{Any, Count, Dur, Filled, Kept, Plain, Size};

macro_rules! probe_kind {
    ($($name:ident $word:literal { $($(#[$doc:meta])* $key:ident: $takes:ty,)* })*) => {$(
        #[doc = concat!("What a probe of kind `", $word, "` adds.")]
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename = $word, default)]
        pub(crate) struct $name { $($(#[$doc])* pub(crate) $key: Key<$takes>,)* }
    )*};
}

probe_kind! {
    Http "http probe" {
        /// What is fetched.
        url: Filled,
        method: Filled,
        headers: Any,
        body: Filled,
        /// Who we are.
        auth: Auth,
        /// PEM file of the only authorities that are trusted.
        ca: Filled,
        /// Whether redirects are followed.
        redirects: bool,
        /// So much of an answer's body is read.
        body_limit: Size,
        /// A new connection each time.
        fresh: bool,
    }
    Tcp "tcp probe" {
        /// `host:port`
        address: Filled,
        /// Sent once connected; something must come back.
        send: Filled,
        tls: bool,
        ca: Filled,
    }
    Tls "tls probe" {
        /// `host:port`
        address: Filled,
        /// What the certificate must be for; the address's host, if nothing is written.
        name: Filled,
        ca: Filled,
    }
    Dns "dns probe" {
        name: Filled,
        #[serde(rename = "type")] #[schemars(rename = "type")]
        record: Filled,
        resolvers: Vec<Key<Filled>>,
        /// So many must answer alike; all, if nothing is written.
        agree: Count,
    }
    Postgres "postgres probe" {
        dsn: Kept,
        check: PostgresCheck,
        /// With `check = "query"`.
        query: Plain,
        ca: Filled,
    }
    Redis "redis probe" {
        /// `host:port`
        address: Filled,
        user: Filled,
        password: Kept,
        check: RedisCheck,
        tls: bool,
        ca: Filled,
    }
    Grpc "grpc probe" {
        /// `host:port`
        address: Filled,
        /// Which service's health; the server's, if none is written.
        service: Filled,
        tls: bool,
        ca: Filled,
    }
    Prometheus "prometheus probe" {
        /// Of the server.
        url: Filled,
        /// PromQL; braces in it are its own, but for placeholders.
        query: Filled,
        auth: Auth,
        ca: Filled,
    }
    Heartbeat "heartbeat probe" {
        /// What a push must bring.
        token: Kept,
    }
    Exec "exec probe" {
        /// The program by its absolute path, and its arguments; never a shell.
        argv: Vec<Key<Filled>>,
        env: Any,
    }
    BackupS3 "backup_s3 probe" {
        bucket: Filled,
        prefix: Filled,
        max_age: Dur,
        min_size: Size,
        min_count: Count,
        checksum: bool,
        region: Filled,
    }
    BackupRds "backup_rds probe" {
        instance: Filled,
        max_age: Dur,
        region: Filled,
    }
}

/// What a PostgreSQL server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PostgresCheck {
    Connect,
    Writable,
    Standby,
    Lag,
    WalReceiver,
    Query,
}

/// What a Redis server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RedisCheck {
    Ping,
    Primary,
    Replica,
    Lag,
    Sentinel,
    Cluster,
}
