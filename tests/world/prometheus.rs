//! `prometheus` against a real Prometheus, which speaks of the target and is not the target.

use std::process::Command;

use rustix::process::Signal;
use watchkeeper::config::probe::{Auth, Kind, Prometheus};
use watchkeeper::core::health::{Blindness, Failure, Outcome};

use super::child::{Server, free_port, until};
use super::evil::{End, Evil, black_hole};
use super::look::{blind, failed, look, look_for, ok};

fn query(port: u16, query: &str) -> Kind {
    Kind::Prometheus(Box::new(Prometheus {
        url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        query: query.to_owned(),
        auth: Auth::default(),
        ca: None,
    }))
}

#[tokio::test]
async fn numbers_hold_or_not_and_no_data_is_blind() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = format!(
        "global: {{ scrape_interval: 200ms }}\nscrape_configs:\n  - job_name: self\n    static_configs: [ {{ targets: ['127.0.0.1:{port}'] }} ]\n"
    );
    std::fs::write(folder.path().join("p.yml"), config).unwrap();
    let mut server = Server::start(
        Command::new("prometheus")
            .current_dir(folder.path())
            .args(["--config.file=p.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}")),
        Signal::KILL,
    );
    until("Prometheus has data", || async {
        matches!(look(query(port, "up"), &["value == 1.0"]).await.outcome, Outcome::Ok { .. })
    })
    .await;
    ok(&look(query(port, "avg(up{job=\"self\"})"), &["value > 0.5"]).await);
    ok(&look(query(port, "scalar(up)"), &["value > 0.5"]).await);
    ok(&look(query(port, "up"), &[]).await);
    failed(&look(query(port, "up"), &["value < 0.5"]).await, Failure::Unmet(0));
    blind(&look(query(port, "no_such_series"), &["value > 0"]).await, Blindness::NoData);
    blind(&look(query(port, "no_such_series"), &[]).await, Blindness::NoData);
    blind(&look(query(port, "vector(0) / vector(0)"), &["value > 0"]).await, Blindness::NoData);
    blind(&look(query(port, "up{"), &["value > 0"]).await, Blindness::Evaluation);
    blind(&look(query(port, "up[5m]"), &["value > 0"]).await, Blindness::Evaluation);
    // With several series, each must hold.
    let two = "label_replace(vector(1), \"a\", \"1\", \"\", \"\") or label_replace(vector(5), \"a\", \"2\", \"\", \"\")";
    ok(&look(query(port, two), &["value > 0.0"]).await);
    failed(&look(query(port, two), &["value > 2.0"]).await, Failure::Unmet(0));
    failed(&look(query(port, two), &["value < 2.0"]).await, Failure::Unmet(0));
    server.signal(Signal::STOP);
    let found = look_for(query(port, "up"), &[], 400).await;
    assert_ne!(found.outcome, Outcome::Blind(Blindness::Isolated));
    blind(&found, Blindness::NoData);
    server.signal(Signal::CONT);
    ok(&look(query(port, "up"), &[]).await);
    server.stop();
    blind(&look(query(port, "up"), &[]).await, Blindness::NoData);
}

#[tokio::test]
async fn whatever_is_wrong_with_it_we_are_blind() {
    let hole = black_hole();
    blind(&look_for(query(hole.port, "up"), &[], 300).await, Blindness::NoData);
    for (bytes, end) in [
        (&b""[..], End::Close),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", End::Close),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", End::Close),
        (b"HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxx", End::Endless),
        (b"SSH-2.0-x\r\n", End::Hang),
    ] {
        let evil = Evil::saying(bytes, end).await;
        blind(&look(query(evil.port, "up"), &[]).await, Blindness::NoData);
    }
}
