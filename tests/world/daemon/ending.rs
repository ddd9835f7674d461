//! SIGTERM: it ends in time, whoever is stuck and whoever holds on to it.

use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use watchkeeper::core::time::Span;

use super::cut::{inside, run};
use super::program::{Daemon, now};
use super::scene::shop;
use crate::child::until;
use crate::evil::{End, Evil, black_hole};
use crate::own_trouble::again;

/// What it says itself (`daemon::Place::drain`), well below the unit's TimeoutStopSec.
const LIMIT: Duration = Duration::from_secs(20);

/// In namespaces of its own, where the machine's name server is a socket that swallows what it is asked.
#[tokio::test]
async fn it_ends_in_time_whatever_is_stuck() {
    if !inside() {
        let way = if rustix::process::getuid().is_root() { "-nm" } else { "-rnm" };
        return again("unshare", &[way], "daemon::ending::it_ends_in_time_whatever_is_stuck").await;
    }
    run("ip", "link set lo up");
    let folder = tempfile::tempdir().unwrap();
    let resolvers = folder.path().join("resolv.conf");
    std::fs::write(&resolvers, "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n").unwrap();
    run("mount", &format!("--bind {} /etc/resolv.conf", resolvers.display()));
    let swallows = UdpSocket::bind("127.0.0.1:53").unwrap();
    swallows.set_nonblocking(true).unwrap();
    // A target that drops what comes, one that hangs in mid-answer, a program that does not end, a name that nobody
    // says the address of; and clients of the API that do not let go.
    let (hole, hangs) = (black_hole(), Evil::saying(b"HTTP/1.1 200 OK\r\n", End::Hang).await);
    let (pid, program) = (folder.path().join("pid"), folder.path().join("sleeps"));
    let text = format!("#!/bin/sh\ntrap '' TERM\necho $$ > {}\nsleep 1000\n", pid.display());
    std::fs::write(&program, text).unwrap();
    run("chmod", &format!("755 {}", program.display()));
    let points = ["a", "b", "c"].map(|name| format!("{name}.points.example.com:443"));
    let more = format!(
        r#"
[service.shop.probe.hangs]
kind = "http"
url = "{}"
interval = "6s"
timeout = "5900ms"
tier = "inform"
[service.shop.probe.sleeps]
kind = "exec"
argv = ["{program}"]
interval = "6s"
timeout = "5900ms"
tier = "inform"
[exec]
allow = ["{program}"]
dir = "{}"
"#,
        hangs.url(),
        folder.path().display(),
        program = program.display(),
    );
    let stuck = format!("127.0.0.1:{}", hole.port);
    shop(folder.path(), [&stuck, &stuck], &points, &more);
    let mut daemon = Daemon::start(folder.path()).await;
    let written = || std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'));
    until("the program runs", || async { written() }).await;
    until("the name server is asked", || async { swallows.recv(&mut [0; 512]).is_ok() }).await;
    until("it hangs in mid-answer", || async { hangs.seen.load(Ordering::Relaxed) > 0 }).await;
    let mut half = TcpStream::connect(daemon.address()).await.unwrap();
    half.write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut idle = TcpStream::connect(daemon.address()).await.unwrap();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 4_096]).await.unwrap() > 0);
    let began = now();
    daemon.signal(Signal::TERM);
    let status = daemon.ends_within(LIMIT).await;
    let took = now() - began;
    let log = daemon.log();
    println!(
        "it ended after {took}, {status}:\n{}",
        log.lines().rev().take(4).collect::<Vec<_>>().join("\n")
    );
    assert!(status.success(), "{status}");
    assert!(took <= Span::secs(6), "{took}: each task has a limit of its own");
    assert!(!log.contains("the store was not closed"), "{log}");
    let pid = std::fs::read_to_string(&pid).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    until("the program's group is gone", || async {
        std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
    })
    .await;
    drop((half, idle));
}

/// Even a loop that is stuck is no reason to wait for systemd's patience.
#[cfg(debug_assertions)]
#[tokio::test]
async fn it_ends_in_time_while_its_own_loop_is_stuck() {
    let world = super::scene::World::new("").await;
    let faults = world.path().to_owned();
    let mut daemon = Daemon::start_with(world.path(), |command| {
        command.arg("--test-faults").arg(&faults);
    })
    .await;
    daemon.sees_both_up().await;
    std::fs::write(faults.join("stuck"), "").unwrap();
    // It turns once a second at least.
    let (mut last, mut turns) = (None, daemon.metric("watchkeeper_event_loop_turns_total").await);
    while last != turns {
        super::program::pass(Span::millis(1_200)).await;
        last = std::mem::replace(&mut turns, daemon.metric("watchkeeper_event_loop_turns_total").await);
    }
    let began = now();
    daemon.signal(Signal::TERM);
    let status = daemon.ends_within(LIMIT).await;
    println!("with a stuck loop it ended after {}, {status}", now() - began);
}
