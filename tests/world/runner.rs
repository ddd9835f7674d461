//! The runner at its limits: a queue that nobody reads, and a stop in the middle.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper::config::probe::{Exec, Kind, Tcp};
use watchkeeper::core::ids::ProbeId;
use watchkeeper::core::time::Span;
use watchkeeper::probe::runner::{Order, Runner};
use watchkeeper::probe::schedule::Limits;

use super::child::{free_port, until};
use super::look::{kit, probe};

#[tokio::test]
async fn a_queue_that_nobody_reads_holds_the_looks_and_grows_nothing() {
    let (orders, take) = mpsc::channel(16);
    let (put, mut samples) = mpsc::channel(4);
    let limits = Limits { in_flight: 16, reserved: 4, stuck: 4 };
    let runner = Runner::new(Arc::clone(kit()), 7, limits, take, put);
    let (stats, stop) = (runner.stats(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    tasks.spawn(runner.run(stop.clone()));
    let address = format!("127.0.0.1:{}", free_port());
    for n in 0..200 {
        let wiring =
            probe(Kind::Tcp(Tcp { address: address.clone(), send: None, tls: false, ca: None }), &[], 500);
        orders.send(Order::Add(ProbeId::at(n), Box::new(wiring))).await.unwrap();
        orders.send(Order::Pace(ProbeId::at(n), Some(Span::ZERO))).await.unwrap();
    }
    until("all places are taken", || async { stats.in_flight.load(Ordering::Relaxed) == 16 }).await;
    assert_eq!(stats.ended.load(Ordering::Relaxed), 4, "as many as the queue holds");
    assert!(stats.waiting.load(Ordering::Relaxed) >= 180);
    // Somebody reads: all of them come.
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 200 {
        let sampled = tokio::time::timeout(std::time::Duration::from_secs(10), samples.recv()).await;
        seen.insert(sampled.expect("a sample").unwrap().probe);
    }
    assert!(stats.in_flight.load(Ordering::Relaxed) <= 16);
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("long");
    std::fs::write(&script, "#!/bin/sh\nsleep 1000 & echo $! > pid; wait\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = Exec {
        argv: vec![script.to_str().unwrap().to_owned()],
        env: Vec::new(),
        allow: [folder.path().to_owned()].into(),
        dir: folder.path().to_owned(),
    };
    let (orders, take) = mpsc::channel(16);
    let (put, _samples) = mpsc::channel(4);
    let runner = Runner::new(Arc::clone(kit()), 7, Limits::for_descriptors(1_024), take, put);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(runner.run(stop.clone()));
    orders.send(Order::Add(ProbeId::at(0), Box::new(probe(Kind::Exec(exec), &[], 60_000)))).await.unwrap();
    orders.send(Order::Pace(ProbeId::at(0), Some(Span::ZERO))).await.unwrap();
    let pid = || std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
    until("the program runs", || async { pid().ends_with('\n') }).await;
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap();
    let stat = format!("/proc/{}/stat", pid().trim());
    until("its group is gone", || async {
        std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
    })
    .await;
}
