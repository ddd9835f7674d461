//! `redis_promote` against Redis 7.

use std::path::Path;
use std::process::Command;

use watchkeeper::core::plan::{Op, Reply, Sealed};
use watchkeeper::core::time::Span;
use watchkeeper::step::Limits;

use super::proxy::Proxy;
use super::rig::{Jump, Rig, now, sealed, within};
use crate::child::{free_port, until};
use crate::evil::black_hole;
use crate::redis::server;

fn promote(port: u16, password: Option<&Path>) -> Sealed {
    let password =
        password.map_or_else(String::new, |file| format!("\npassword = {{ file = \"{}\" }}", file.display()));
    sealed(&format!("kind = \"redis_promote\"\naddress = \"127.0.0.1:{port}\"{password}"))
}

fn cli(port: u16, words: &[&str]) -> String {
    let out = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

async fn pair(folder: &Path) -> (crate::child::Server, u16, crate::child::Server, u16) {
    let (primary, at) = server(folder, &[]).await;
    let of = at.to_string();
    let (replica, of_replica) = server(folder, &["--replicaof", "127.0.0.1", &of]).await;
    until("the replica's link is up", || async {
        cli(of_replica, &["INFO", "replication"]).contains("master_link_status:up")
    })
    .await;
    (primary, at, replica, of_replica)
}

fn is_primary(port: u16) -> bool {
    cli(port, &["ROLE"]).starts_with("master")
}

#[tokio::test]
async fn a_replica_is_promoted_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let (_primary, of_primary, _replica, port) = pair(folder.path()).await;
    let sealed = promote(port, None);
    let mut rig = Rig::new();
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::NotDone);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::NotDone);
    // Stopped before each look at the clock: what is answered is so.
    for at in 1..20 {
        let mut late = Rig::with(&Jump::at(at), Limits::default(), &[]);
        let mut call = late.call(&sealed, Op::Do);
        (call.deadline, call.until) = (now() + Span::mins(2), now() + Span::secs(20));
        let ended = late.ask(call).await;
        match ended.finished.reply {
            Reply::NotDone => assert!(!is_primary(port), "stopped before look {at}"),
            // The promotion went out, and the token came too late.
            Reply::Done | Reply::Unknown => {
                assert!(at > 2 && is_primary(port), "stopped before look {at}: {ended:?}");
                break;
            }
            other => panic!("stopped before look {at}: {other:?} {ended:?}"),
        }
    }
    assert!(is_primary(port));
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    let token = format!("00000000000000000000000000c0ffee.3.{}", ended.finished.serial);
    assert_eq!(cli(port, &["GET", "wk:token"]), token, "the look raises the mark");
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done, "once more changes nothing");
    assert!(is_primary(of_primary), "the old one is another step's");
}

#[tokio::test]
async fn an_older_or_a_foreign_token_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_primary, of_primary, _replica, port) = pair(folder.path()).await;
    let sealed = promote(port, None);
    let mut rig = Rig::new();
    for mark in [
        "00000000000000000000000000c0ffee.3.999",
        "00000000000000000000000000c0ffee.4.1",
        "0000000000000000000000000000dead.1.1",
    ] {
        cli(of_primary, &["SET", "wk:token", mark]);
        until("the mark has come", || async { cli(port, &["GET", "wk:token"]) == mark }).await;
        let ended = rig.op(&sealed, Op::Do).await;
        assert_eq!(ended.finished.reply, Reply::NotDone, "{ended:?}");
        assert_eq!(ended.finished.mark.unwrap().to_string(), mark);
        assert!(!is_primary(port));
    }
    cli(of_primary, &["SET", "wk:token", "somebody's own"]);
    until("the mark has come", || async { cli(port, &["GET", "wk:token"]) == "somebody's own" }).await;
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Refused);
    assert!(!is_primary(port));
    cli(of_primary, &["DEL", "wk:token"]);
    until("it is gone", || async { cli(port, &["GET", "wk:token"]).is_empty() }).await;
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done);
    assert!(is_primary(port));
    // A look at a primary with a newer mark says nothing, and tells of it.
    cli(port, &["SET", "wk:token", "00000000000000000000000000c0ffee.9.1"]);
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::Unknown);
    assert!(ended.finished.mark.is_some());
}

#[tokio::test]
async fn what_comes_late_finds_a_newer_token_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_primary, of_primary, _replica, port) = pair(folder.path()).await;
    let mut rig = Rig::new();
    let slow = Proxy::holding(port, b"REPLICAOF").await;
    let call = within(rig.call(&promote(slow.port, None), Op::Do), Span::millis(500));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Unknown);
    let newer = "00000000000000000000000000c0ffee.4.1";
    cli(of_primary, &["SET", "wk:token", newer]);
    until("the mark has come", || async { cli(port, &["GET", "wk:token"]) == newer }).await;
    slow.deliver().await;
    assert!(!is_primary(port), "a late call landed over a newer token");
}

#[tokio::test]
async fn a_lost_answer_nobody_there_and_a_wrong_password() {
    let folder = tempfile::tempdir().unwrap();
    let (_primary, _, _replica, port) = pair(folder.path()).await;
    let mut rig = Rig::new();
    let proxy = Proxy::losing(port, b"REPLICAOF").await;
    let call = within(rig.call(&promote(proxy.port, None), Op::Do), Span::millis(700));
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::Unknown, "{ended:?}");
    until("it was done all the same", || async { is_primary(port) }).await;
    assert_eq!(rig.reply(&promote(port, None), Op::Observe).await, Reply::Done);

    assert_eq!(rig.reply(&promote(free_port(), None), Op::Do).await, Reply::Transient);
    let hole = black_hole();
    let call = within(rig.call(&promote(hole.port, None), Op::Do), Span::millis(400));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::NotDone);

    let (_locked, at) = server(folder.path(), &["--requirepass", "right"]).await;
    let file = folder.path().join("password");
    std::fs::write(&file, "canary-4711").unwrap();
    let ended = rig.op(&promote(at, Some(&file)), Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused, "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"));
    std::fs::write(&file, "right").unwrap();
    assert_eq!(rig.reply(&promote(at, Some(&file)), Op::Do).await, Reply::Done, "a primary already");
    // A primary that may not write alone takes no writes.
    Command::new("redis-cli")
        .args(["-p", &at.to_string(), "-a", "right", "CONFIG", "SET", "min-replicas-to-write", "1"])
        .output()
        .unwrap();
    assert_eq!(rig.reply(&promote(at, Some(&file)), Op::Verify).await, Reply::NotDone);
    // Stopped, the runner ends.
    rig.stop.cancel();
    rig.runner.join_next().await.unwrap().unwrap();
}
