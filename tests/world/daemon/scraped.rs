//! What Prometheus' own tool says of what the daemon shows it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::program::Daemon;
use super::scene::World;

/// Hands it a text; whether it is content, and what it says.
fn promtool(metrics: &str) -> (bool, String) {
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool comes with prometheus; run ./test");
    tool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    (said.status.success(), words)
}

#[tokio::test]
async fn promtool_finds_nothing_to_say_of_our_metrics() {
    let world = World::new("").await;
    let daemon = Daemon::start(world.path()).await;
    daemon.sees_both_up().await;
    let (code, metrics) = daemon.get("/metrics").await;
    assert!(code == 200 && metrics.contains("watchkeeper_probe_looks_started_total"), "{metrics}");
    assert_eq!(promtool(&metrics), (true, String::new()));
    // It would have said so.
    let (well, said) = promtool(&metrics.replace("_looks_started_total", "_looks_started_milliseconds"));
    assert!(!well && said.contains("base unit"), "{said}");
    daemon.stop().await;
}
