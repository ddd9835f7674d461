//! PostgreSQL and Redis by TLS, each with a certificate that is good, a stranger's, another's, and expired; and a Redis
//! cluster that is whole, and then is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use watchkeeper::config::probe::{Kind, Postgres, PostgresCheck, Redis, RedisCheck};
use watchkeeper::core::health::{Blindness, Failure, Outcome};

use super::child::{Server, free_port, listens, until};
use super::look::{blind, failed, look, ok};
use super::postgres::{Place, primary};
use super::tls::Authority;

#[tokio::test]
async fn a_postgres_that_takes_nothing_but_tls() {
    let (place, ours) = (Place::new(), Authority::new());
    let mut server = primary(&place).await;
    let port = server.port;
    let data = place.path("primary");
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(data.join("pg_hba.conf"), hba).unwrap();
    let use_certificate = |name: &str, years| {
        let (cert, key) = ours.files(name, years, place.user);
        place.sql(port, &format!("ALTER SYSTEM SET ssl_cert_file = '{}'", cert.display()));
        place.sql(port, &format!("ALTER SYSTEM SET ssl_key_file = '{}'", key.display()));
        place.sql(port, "ALTER SYSTEM SET ssl = on");
        place.sql(port, "SELECT pg_reload_conf()");
    };
    let at = |host: &str, mode: &str, ca: Option<PathBuf>| {
        let dsn = place.dsn(&format!("postgresql://wk:secret@{host}:{port}/postgres?sslmode={mode}"));
        Kind::Postgres(Postgres { dsn, check: PostgresCheck::Writable, ca })
    };
    use_certificate("localhost", (2020, 2060));
    until("PostgreSQL speaks TLS", || async {
        let found = look(at("localhost", "require", Some(ours.ca())), &[]).await;
        matches!(found.outcome, Outcome::Ok { .. })
    })
    .await;
    for mode in ["prefer", "verify-ca", "verify-full"] {
        ok(&look(at("localhost", mode, Some(ours.ca())), &["role == 'primary'"]).await);
    }
    // Without TLS it does not let us in: it lives.
    blind(&look(at("localhost", "disable", None), &[]).await, Blindness::Secret);
    // Without an authority of our own the machine's are asked, and know nothing of this one.
    failed(&look(at("localhost", "require", None), &[]).await, Failure::Untrusted);
    ok(&look(at("localhost", "prefer", None), &[]).await);
    let stranger = Authority::new();
    failed(&look(at("localhost", "require", Some(stranger.ca())), &[]).await, Failure::Untrusted);
    failed(&look(at("127.0.0.1", "verify-full", Some(ours.ca())), &[]).await, Failure::Untrusted);
    blind(&look(at("localhost", "require", Some("/nowhere.pem".into())), &[]).await, Blindness::Secret);
    use_certificate("localhost", (2020, 2021));
    until("the expired certificate is seen", || async {
        let found = look(at("localhost", "require", Some(ours.ca())), &[]).await;
        found.outcome == Outcome::Failed(Failure::Untrusted) && found.detail.contains("days ago")
    })
    .await;
    server.end();
    failed(&look(at("localhost", "require", Some(ours.ca())), &[]).await, Failure::Refused);
}

fn redis(host: &str, port: u16, check: RedisCheck, tls: bool, ca: Option<PathBuf>) -> Kind {
    Kind::Redis(Redis { address: format!("{host}:{port}"), user: None, password: None, check, tls, ca })
}

#[tokio::test]
async fn a_redis_by_tls() {
    let (folder, ours) = (tempfile::tempdir().unwrap(), Authority::new());
    let (cert, key) = ours.files("localhost", (2020, 2060), None);
    let port = free_port();
    let mut command = Command::new("redis-server");
    command.current_dir(folder.path()).args(["--port", "0", "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
    command
        .arg("--tls-cert-file")
        .arg(cert)
        .arg("--tls-key-file")
        .arg(key)
        .arg("--tls-ca-cert-file")
        .arg(ours.ca());
    let _server = Server::start(&mut command, Signal::KILL);
    until("Redis listens", || async { listens(port) }).await;
    let at = |host: &str, tls, ca| redis(host, port, RedisCheck::Primary, tls, ca);
    ok(&look(at("localhost", true, Some(ours.ca())), &["role == 'primary'"]).await);
    failed(&look(at("localhost", true, None), &[]).await, Failure::Untrusted);
    failed(&look(at("localhost", true, Some(Authority::new().ca())), &[]).await, Failure::Untrusted);
    failed(&look(at("127.0.0.1", true, Some(ours.ca())), &[]).await, Failure::Untrusted);
    let plain = look(at("localhost", false, None), &[]).await;
    assert!(matches!(plain.outcome, Outcome::Failed(_)), "{plain:?}");
}

struct Node {
    server: Server,
    port: u16,
}

fn node(folder: &Path, nth: usize) -> Node {
    let (port, bus) = (free_port(), free_port());
    let mut command = Command::new("redis-server");
    command.current_dir(folder).args(["--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"]);
    command.args(["--port", &port.to_string(), "--cluster-port", &bus.to_string()]);
    command.args(["--cluster-config-file", &format!("nodes-{nth}.conf"), "--cluster-node-timeout", "1000"]);
    Node { server: Server::start(&mut command, Signal::KILL), port }
}

#[tokio::test]
async fn a_redis_cluster_is_whole_and_then_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut nodes: Vec<Node> = (0..3).map(|nth| node(folder.path(), nth)).collect();
    let at = |port| redis("127.0.0.1", port, RedisCheck::Cluster, false, None);
    for node in &nodes {
        until("a node listens", || async { listens(node.port) }).await;
    }
    // Nobody has given it its slots.
    failed(&look(at(nodes[0].port), &[]).await, Failure::Unmet(0));
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create", "--cluster-yes"]);
    create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
    let made = create.stdin(Stdio::null()).output().expect("redis-cli; run ./test");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    for node in &nodes {
        until("the cluster is whole", || async {
            matches!(look(at(node.port), &["status == 'ok'"]).await.outcome, Outcome::Ok { .. })
        })
        .await;
    }
    // One dies, and nobody has its slots.
    nodes[2].server.stop();
    failed(&look(at(nodes[2].port), &[]).await, Failure::Refused);
    until("the cluster is not whole", || async {
        look(at(nodes[0].port), &[]).await.outcome == Outcome::Failed(Failure::Unmet(0))
    })
    .await;
    ok(&look(at(nodes[0].port), &["status == 'fail'"]).await);
}
