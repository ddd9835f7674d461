//! `redis` against Redis 7, primary, replica and sentinel.

use std::process::Command;

use rustix::process::Signal;
use watchkeeper::config::probe::{Kind, Redis, RedisCheck};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure, Outcome};
use watchkeeper::core::time::Span;
use watchkeeper::probe::Ready;

use super::child::{Server, free_port, until};
use super::evil::{End, Evil, black_hole};
use super::look::{blind, failed, kit, look, look_for, ok, probe};

fn redis(port: u16, check: RedisCheck, password: Option<&Secret>) -> Kind {
    Kind::Redis(Redis {
        address: format!("127.0.0.1:{port}"),
        user: None,
        password: password.cloned(),
        check,
        tls: false,
        ca: None,
    })
}

pub(crate) async fn server(folder: &std::path::Path, arguments: &[&str]) -> (Server, u16) {
    let port = free_port();
    let text = port.to_string();
    let mut command = Command::new("redis-server");
    command.current_dir(folder).args([
        "--port",
        &text,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--repl-diskless-sync-delay",
        "0",
    ]);
    let server = Server::start(command.args(arguments), Signal::KILL);
    until("Redis answers", || async {
        !matches!(look(redis(port, RedisCheck::Ping, None), &[]).await.outcome, Outcome::Failed(_))
    })
    .await;
    (server, port)
}

#[tokio::test]
async fn a_primary_its_replica_and_a_sentinel() {
    let folder = tempfile::tempdir().unwrap();
    let (mut primary, at) = server(folder.path(), &[]).await;
    let of = at.to_string();
    let (_replica, of_replica) = server(folder.path(), &["--replicaof", "127.0.0.1", &of]).await;
    ok(&look(redis(at, RedisCheck::Ping, None), &["latency < duration('2s')"]).await);
    ok(&look(redis(at, RedisCheck::Primary, None), &["role == 'primary'"]).await);
    failed(&look(redis(of_replica, RedisCheck::Primary, None), &[]).await, Failure::NotWritable);
    failed(&look(redis(at, RedisCheck::Replica, None), &[]).await, Failure::Unmet(0));
    failed(&look(redis(at, RedisCheck::Lag, None), &[]).await, Failure::Unmet(0));
    failed(&look(redis(at, RedisCheck::Cluster, None), &[]).await, Failure::BadAnswer);
    failed(&look(redis(at, RedisCheck::Sentinel, None), &[]).await, Failure::BadAnswer);
    until("the replica's link is up", || async {
        matches!(look(redis(of_replica, RedisCheck::Replica, None), &[]).await.outcome, Outcome::Ok { .. })
    })
    .await;
    let lag = Ready::new(probe(redis(of_replica, RedisCheck::Lag, None), &["lag_bytes == 0"], 2_000));
    let found = lag.run(kit(), true).await;
    ok(&found);
    assert_eq!(found.reading, Some(Span::ZERO));

    let port = free_port();
    let conf = folder.path().join("sentinel.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 {at} 1\nsentinel down-after-milliseconds shop 800\n"
    );
    std::fs::write(&conf, text).unwrap();
    let _sentinel =
        Server::start(Command::new("redis-sentinel").arg(&conf).current_dir(folder.path()), Signal::KILL);
    until("the sentinel is content", || async {
        matches!(
            look(redis(port, RedisCheck::Sentinel, None), &["status == 'ok'"]).await.outcome,
            Outcome::Ok { .. }
        )
    })
    .await;

    primary.signal(Signal::STOP);
    failed(&look_for(redis(at, RedisCheck::Ping, None), &[], 400).await, Failure::TimedOut);
    primary.signal(Signal::CONT);
    ok(&look(redis(at, RedisCheck::Ping, None), &[]).await);
    primary.stop();
    failed(&look(redis(at, RedisCheck::Ping, None), &[]).await, Failure::Refused);
    until("the replica says that its link is down", || async {
        look(redis(of_replica, RedisCheck::Replica, None), &[]).await.outcome
            == Outcome::Failed(Failure::Silent)
            || matches!(
                look(redis(of_replica, RedisCheck::Primary, None), &[]).await.outcome,
                Outcome::Ok { .. }
            )
    })
    .await;
}

#[tokio::test]
async fn who_is_not_let_in_is_blind() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, at) = server(folder.path(), &["--requirepass", "right"]).await;
    let file = folder.path().join("password");
    let password = Secret::File(file.clone());
    blind(&look(redis(at, RedisCheck::Ping, None), &[]).await, Blindness::Secret);
    std::fs::write(&file, "canary-4711").unwrap();
    let found = look(redis(at, RedisCheck::Ping, Some(&password)), &[]).await;
    blind(&found, Blindness::Secret);
    assert!(!format!("{found:?}").contains("canary"));
    std::fs::write(&file, "right\n").unwrap();
    ok(&look(redis(at, RedisCheck::Ping, Some(&password)), &[]).await);
    std::fs::remove_file(&file).unwrap();
    blind(&look(redis(at, RedisCheck::Ping, Some(&password)), &[]).await, Blindness::Secret);
}

#[tokio::test]
async fn what_is_no_redis_has_failed() {
    failed(&look(redis(free_port(), RedisCheck::Ping, None), &[]).await, Failure::Refused);
    let hole = black_hole();
    failed(&look_for(redis(hole.port, RedisCheck::Ping, None), &[], 300).await, Failure::TimedOut);
    let silent = Evil::saying(b"", End::Hang).await;
    failed(&look_for(redis(silent.port, RedisCheck::Ping, None), &[], 300).await, Failure::TimedOut);
    for (bytes, end, failures) in [
        (&b""[..], End::Close, [Failure::Closed, Failure::Closed]),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", End::Close, [Failure::BadAnswer, Failure::BadAnswer]),
        (
            b"-LOADING Redis is loading the dataset in memory\r\n",
            End::Close,
            [Failure::BadAnswer, Failure::BadAnswer],
        ),
        (b"$999999999\r\nxxxxxxxxxxxxxxxx", End::Endless, [Failure::BadAnswer, Failure::BadAnswer]),
        (b"$100\r\nshort", End::Close, [Failure::Closed, Failure::BadAnswer]),
        (b":1\r\n", End::Close, [Failure::BadAnswer, Failure::BadAnswer]),
    ] {
        let evil = Evil::saying(bytes, end).await;
        let found = look(redis(evil.port, RedisCheck::Ping, None), &[]).await;
        assert!(failures.iter().any(|failure| found.outcome == Outcome::Failed(*failure)), "{found:?}");
    }
}
