//! `postgres` against PostgreSQL 15, primary and standby.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use watchkeeper::config::probe::{Kind, Postgres, PostgresCheck};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure, Outcome};
use watchkeeper::core::time::Span;
use watchkeeper::probe::Ready;

use super::child::{Server, free_port, listens, until};
use super::evil::{End, Evil, black_hole};
use super::look::{blind, failed, kit, look, look_for, ok, probe};

/// A folder that the servers' own user may use: PostgreSQL does not run as root.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    /// Whose the servers are.
    pub(crate) user: Option<(u32, u32)>,
    dsns: AtomicU32,
}

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let user = rustix::process::getuid().is_root().then(|| {
            let users = std::fs::read_to_string("/etc/passwd").unwrap();
            let line = users
                .lines()
                .find(|line| line.starts_with("postgres:"))
                .expect("PostgreSQL is installed by ./test");
            let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
            (ids[0], ids[1])
        });
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        Place { folder, user, dsns: AtomicU32::new(0) }
    }

    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(format!("/usr/lib/postgresql/15/bin/{name}"));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "5");
        command
    }

    fn done(&self, name: &str, arguments: &[&str]) {
        let out = self.tool(name).args(arguments).stdin(Stdio::null()).output();
        let out = out.unwrap_or_else(|error| panic!("{name}: {error}; run ./test"));
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn server(&self, data: &str) -> Running {
        self.again(data, free_port()).await
    }

    /// A server on a data directory that is there, at that port.
    pub(crate) async fn again(&self, data: &str, port: u16) -> Running {
        let server = Server::start(
            self.tool("postgres").arg("-D").arg(self.path(data)).args([
                "-p",
                &port.to_string(),
                "-k",
                self.folder.path().to_str().unwrap(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "wal_retrieve_retry_interval=200ms",
            ]),
            Signal::QUIT,
        );
        until("PostgreSQL listens", || async { listens(port) }).await;
        let running = Running { server, port };
        until("PostgreSQL answers", || async {
            let ready = Ready::new(probe(self.at(port, PostgresCheck::Connect), &[], 10_000));
            matches!(ready.run(kit(), true).await.outcome, Outcome::Ok { .. })
        })
        .await;
        running
    }

    /// Each DSN is a secret in a file.
    pub(crate) fn dsn(&self, dsn: &str) -> Secret {
        let path = self.path(&format!("dsn-{}", self.dsns.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, dsn).unwrap();
        Secret::File(path)
    }

    fn at(&self, port: u16, check: PostgresCheck) -> Kind {
        let path = self.path(&format!("dsn-at-{port}"));
        std::fs::write(&path, format!("postgresql://wk:secret@127.0.0.1:{port}/postgres")).unwrap();
        Kind::Postgres(Postgres { dsn: Secret::File(path), check, ca: None })
    }

    /// The one value that a question has.
    pub(crate) fn asks(&self, port: u16, sql: &str) -> String {
        let (host, port) = (self.folder.path().to_str().unwrap(), port.to_string());
        let words =
            ["-X", "-A", "-t", "-h", host, "-p", &port, "-U", "postgres", "-d", "postgres", "-c", sql];
        let out = self.tool("psql").args(words).stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    pub(crate) fn sql(&self, port: u16, sql: &str) {
        let port = port.to_string();
        let host = self.folder.path().to_str().unwrap();
        self.done("psql", &["-X", "-h", host, "-p", &port, "-U", "postgres", "-d", "postgres", "-c", sql]);
    }
}

pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) port: u16,
}

impl Running {
    pub(crate) fn end(&mut self) {
        self.server.stop();
    }
}

pub(crate) async fn primary(place: &Place) -> Running {
    let data = place.path("primary");
    place.done(
        "initdb",
        &[
            "-D",
            data.to_str().unwrap(),
            "-U",
            "postgres",
            "--no-sync",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
        ],
    );
    let hba = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(data.join("pg_hba.conf"), hba).unwrap();
    let port = free_port();
    // The user that the probes come as is made before anybody asks.
    let server = Server::start(start(place, &data, port).args(["-c", "fsync=off"]), Signal::QUIT);
    let out = |sql: &str| {
        place
            .tool("psql")
            .args([
                "-X",
                "-h",
                place.folder.path().to_str().unwrap(),
                "-p",
                &port.to_string(),
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-c",
                sql,
            ])
            .output()
            .unwrap()
            .status
            .success()
    };
    until("PostgreSQL takes SQL", || async {
        out("CREATE ROLE wk LOGIN PASSWORD 'secret' IN ROLE pg_monitor, pg_read_all_data")
    })
    .await;
    Running { server, port }
}

fn start(place: &Place, data: &Path, port: u16) -> Command {
    let mut command = place.tool("postgres");
    command.arg("-D").arg(data).args([
        "-p",
        &port.to_string(),
        "-k",
        place.folder.path().to_str().unwrap(),
        "-c",
        "listen_addresses=127.0.0.1",
    ]);
    command
}

pub(crate) async fn standby(place: &Place, primary: &Running) -> Running {
    let host = place.folder.path().to_str().unwrap();
    let data = place.path("standby");
    let port = primary.port.to_string();
    place.done(
        "pg_basebackup",
        &[
            "-h",
            host,
            "-p",
            &port,
            "-U",
            "postgres",
            "-D",
            data.to_str().unwrap(),
            "-R",
            "-C",
            "-S",
            "standby",
            "-c",
            "fast",
        ],
    );
    place.server("standby").await
}

async fn reading(ready: &Ready) -> Span {
    let found = ready.run(kit(), true).await;
    ok(&found);
    found.reading.unwrap()
}

#[tokio::test]
async fn a_primary_and_its_standby() {
    let place = Place::new();
    let mut primary = primary(&place).await;
    let standby = standby(&place, &primary).await;
    let at = |running: &Running, check| place.at(running.port, check);

    ok(&look(at(&primary, PostgresCheck::Connect), &["role == 'primary'"]).await);
    ok(&look(at(&standby, PostgresCheck::Connect), &["role == 'standby'"]).await);
    ok(&look(at(&primary, PostgresCheck::Writable), &[]).await);
    failed(&look(at(&standby, PostgresCheck::Writable), &[]).await, Failure::NotWritable);
    ok(&look(at(&standby, PostgresCheck::Standby), &[]).await);
    failed(&look(at(&primary, PostgresCheck::Standby), &[]).await, Failure::Unmet(0));
    failed(&look(at(&primary, PostgresCheck::Lag), &[]).await, Failure::Unmet(0));

    // Caught up and idle: 0, although the last transaction was a while ago.
    let lag = Ready::new(probe(at(&standby, PostgresCheck::Lag), &["lag_bytes >= 0"], 2_000));
    place.sql(primary.port, "CREATE TABLE t (n int)");
    until("the standby has caught up", || async { reading(&lag).await == Span::ZERO }).await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(400));
    for _ in 0..5 {
        ticks.tick().await;
        assert_eq!(reading(&lag).await, Span::ZERO, "idle is not behind");
    }
    // Replay stands still: it falls behind, in bytes and in time.
    place.sql(standby.port, "SELECT pg_wal_replay_pause()");
    place.sql(primary.port, "INSERT INTO t SELECT generate_series(1, 50000)");
    until("the lag is seen", || async { reading(&lag).await > Span::millis(600) }).await;
    ok(&look(at(&standby, PostgresCheck::Lag), &["lag_bytes > 100000"]).await);
    failed(&look(at(&standby, PostgresCheck::Lag), &["lag < duration('1ms')"]).await, Failure::Unmet(0));
    failed(&look(at(&standby, PostgresCheck::Standby), &[]).await, Failure::Unmet(0));
    place.sql(standby.port, "SELECT pg_wal_replay_resume()");
    until("it has caught up again", || async { reading(&lag).await == Span::ZERO }).await;

    // A query of the operator's.
    let query = |sql: &str| at(&primary, PostgresCheck::Query(sql.to_owned()));
    ok(&look(
        query("SELECT count(*) AS record_count, 1.5 AS f, 'x' AS t FROM t"),
        &["rows[0].record_count == 50000", "rows[0].f > 1", "rows[0].t == 'x'"],
    )
    .await);
    ok(&look(query("SELECT 1 WHERE false;"), &["size(rows) == 0"]).await);
    ok(&look(query("SELECT generate_series(1, 100000) AS n"), &["size(rows) == 100"]).await);
    blind(&look(query("SELEKT"), &[]).await, Blindness::Evaluation);
    blind(&look(query("SELECT * FROM no_such_table"), &[]).await, Blindness::Evaluation);
    blind(&look(query("INSERT INTO t VALUES (1) RETURNING n"), &[]).await, Blindness::Evaluation);
    blind(
        &look(
            query("SELECT 1 AS one) q; DROP TABLE t; SELECT row_to_json(q)::text AS row FROM (SELECT 1"),
            &[],
        )
        .await,
        Blindness::Evaluation,
    );
    failed(&look_for(query("SELECT pg_sleep(30)"), &[], 700).await, Failure::TimedOut);
    failed(&look(query("SELECT repeat('x', 3000000) AS x"), &[]).await, Failure::BadAnswer);

    // The witness: it hears the primary, and the age of what it heard is the reading.
    let witness =
        Ready::new(probe(at(&standby, PostgresCheck::WalReceiver), &["status == 'streaming'"], 2_000));
    place.sql(primary.port, "INSERT INTO t VALUES (1)");
    until("the witness has heard of it", || async { reading(&witness).await < Span::secs(2) }).await;
    // Without the right to look we are blind, and say what to do.
    place.sql(primary.port, "REVOKE pg_monitor FROM wk");
    until("the witness may not look", || async {
        let found = witness.run(kit(), false).await;
        found.outcome == Outcome::Blind(Blindness::NoData) && found.detail.contains("pg_monitor")
    })
    .await;
    place.sql(primary.port, "GRANT pg_monitor TO wk");
    until("the witness may look again", || async {
        matches!(witness.run(kit(), false).await.outcome, Outcome::Ok { .. })
    })
    .await;
    // The primary freezes: its last message gets older, and what came of it is still there.
    primary.server.signal(Signal::STOP);
    failed(&look_for(at(&primary, PostgresCheck::Connect), &[], 700).await, Failure::TimedOut);
    primary.server.signal(Signal::CONT);
    ok(&look(at(&primary, PostgresCheck::Connect), &[]).await);
    // The primary dies: the witness hears nothing, the lag runs from when both were level.
    primary.server.stop();
    failed(&look(at(&primary, PostgresCheck::Connect), &[]).await, Failure::Refused);
    until("the witness is silent", || async {
        witness.run(kit(), false).await.outcome == Outcome::Failed(Failure::Silent)
    })
    .await;
    let first = reading(&lag).await;
    assert!(first > Span::ZERO && first < Span::secs(30), "{first}");
    until("the lag grows", || async { reading(&lag).await > first.plus(Span::millis(500)) }).await;
    // Promotion: the standby takes writes.
    place.sql(standby.port, "SELECT pg_promote()");
    ok(&look(at(&standby, PostgresCheck::Writable), &[]).await);
    failed(&look(at(&standby, PostgresCheck::WalReceiver), &[]).await, Failure::Unmet(0));
    place.sql(standby.port, "ALTER SYSTEM SET default_transaction_read_only = on");
    place.sql(standby.port, "SELECT pg_reload_conf()");
    until("read-only is seen", || async {
        look(at(&standby, PostgresCheck::Writable), &[]).await.outcome
            == Outcome::Failed(Failure::NotWritable)
    })
    .await;
}

#[tokio::test]
async fn who_is_not_let_in_is_blind_and_who_is_not_there_has_failed() {
    let place = Place::new();
    let primary = primary(&place).await;
    let port = primary.port;
    let as_ = |dsn: String| {
        Kind::Postgres(Postgres { dsn: place.dsn(&dsn), check: PostgresCheck::Connect, ca: None })
    };
    blind(
        &look(as_(format!("postgresql://wk:wrong-canary@127.0.0.1:{port}/postgres")), &[]).await,
        Blindness::Secret,
    );
    blind(
        &look(as_(format!("postgresql://nobody:xx@127.0.0.1:{port}/postgres")), &[]).await,
        Blindness::Secret,
    );
    blind(&look(as_("this is no DSN with canary".to_owned()), &[]).await, Blindness::Secret);
    failed(
        &look(as_(format!("postgresql://wk:secret@127.0.0.1:{port}/no_such_database")), &[]).await,
        Failure::BadAnswer,
    );
    failed(
        &look(as_(format!("postgresql://wk:secret@127.0.0.1:{port}/postgres?sslmode=require")), &[]).await,
        Failure::BadAnswer,
    );
    let socket = format!("host={} port={port} user=postgres dbname=postgres", place.folder.path().display());
    ok(&look(as_(socket), &[]).await);
    let found = look(as_(format!("postgresql://wk:wrong-canary@127.0.0.1:{port}/postgres")), &[]).await;
    assert!(!format!("{found:?}").contains("canary"));
    failed(&look(place.at(free_port(), PostgresCheck::Connect), &[]).await, Failure::Refused);
    let hole = black_hole();
    failed(&look_for(place.at(hole.port, PostgresCheck::Connect), &[], 300).await, Failure::TimedOut);
    let silent = Evil::saying(b"", End::Hang).await;
    failed(&look_for(place.at(silent.port, PostgresCheck::Connect), &[], 300).await, Failure::TimedOut);
    let closing = Evil::saying(b"", End::Close).await;
    failed(&look(place.at(closing.port, PostgresCheck::Connect), &[]).await, Failure::Closed);
    let other = Evil::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", End::Close).await;
    let found = look(place.at(other.port, PostgresCheck::Connect), &[]).await;
    assert!(matches!(found.outcome, Outcome::Failed(_)), "{found:?}");
}
