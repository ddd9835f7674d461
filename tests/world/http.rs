//! `http` against servers that are well, slow, gone, dumb, cut short, endless and huge.

use std::sync::atomic::Ordering;

use tempfile::NamedTempFile;
use watchkeeper::config::probe::{Given, Login};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure};
use watchkeeper::probe::{Phase, Ready};

use super::child::free_port;
use super::evil::{End, Evil, Script, black_hole};
use super::look::{blind, failed, http, kind, kit, look, look_for, ok, probe};

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn what_is_well_is_ok_and_everything_is_compared() {
    let evil = Evil::saying(&answer("200 OK", r#"{"status":"healthy","n":3}"#), End::Close).await;
    let expect = ["status == 200", "body.status == 'healthy'", "body.n > 2", "latency < duration('2s')"];
    let found = look(kind(http(&evil.url())), &expect).await;
    ok(&found);
    assert_eq!(found.compared.len(), 4);
    let phases: Vec<_> = found.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, [Phase::Connect, Phase::FirstByte, Phase::Answer]);
    assert!(found.shown.iter().any(|(name, value)| name == "status" && value == "200"));
    evil.stop().await;
}

#[tokio::test]
async fn what_does_not_hold_is_named() {
    let evil = Evil::saying(&answer("200 OK", r#"{"status":"sick"}"#), End::Close).await;
    failed(
        &look(kind(http(&evil.url())), &["status == 200", "body.status == 'healthy'"]).await,
        Failure::Unmet(1),
    );
    // Nothing of that name: our expectation and the answer do not fit.
    blind(&look(kind(http(&evil.url())), &["body.nothing.here == 1"]).await, Blindness::Evaluation);
    // One that does not hold outweighs one that cannot be evaluated.
    failed(
        &look(kind(http(&evil.url())), &["body.nothing.here == 1", "status == 500"]).await,
        Failure::Unmet(1),
    );
    let html = Evil::saying(&answer("200 OK", "<html>"), End::Close).await;
    failed(&look(kind(http(&html.url())), &["body.status == 'healthy'"]).await, Failure::BadAnswer);
    ok(&look(kind(http(&html.url())), &["body.contains('<html>')"]).await);
    let down = Evil::saying(&answer("503 Service Unavailable", "{}"), End::Close).await;
    failed(&look(kind(http(&down.url())), &[]).await, Failure::Status(503));
    failed(&look(kind(http(&down.url())), &["size(body) == 0"]).await, Failure::Status(503));
    ok(&look(kind(http(&down.url())), &["status == 503"]).await);
}

#[tokio::test]
async fn who_does_not_answer_as_it_should_has_failed() {
    failed(&look(kind(http(&format!("http://127.0.0.1:{}/", free_port()))), &[]).await, Failure::Refused);
    let hole = black_hole();
    let found = look_for(kind(http(&format!("http://127.0.0.1:{}/", hole.port))), &[], 300).await;
    failed(&found, Failure::TimedOut);
    assert!(found.detail.contains("connect"), "{}", found.detail);
    let silent = Evil::saying(b"", End::Hang).await;
    failed(&look_for(kind(http(&silent.url())), &[], 300).await, Failure::TimedOut);
    let slow = Evil::saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", End::Hang).await;
    let found = look_for(kind(http(&slow.url())), &[], 300).await;
    failed(&found, Failure::TimedOut);
    assert!(found.detail.contains("answer"), "{}", found.detail);
    for (bytes, end, failure) in [
        (&b""[..], End::Close, Failure::Closed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", End::Close, Failure::Closed),
        (b"HTTP/1.1 200 OK\r\nContent-", End::Close, Failure::Closed),
        (b"+PONG\r\n", End::Close, Failure::BadAnswer),
        (b"220 mail.example.com ESMTP\r\n", End::Hang, Failure::BadAnswer),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", End::Close, Failure::BadAnswer),
        (b"X", End::Endless, Failure::BadAnswer),
    ] {
        let evil = Evil::saying(bytes, end).await;
        failed(&look(kind(http(&evil.url())), &[]).await, failure);
    }
    // A head without end.
    let head = Evil::start(|_| Script {
        parts: vec![b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".to_vec()],
        end: End::Endless,
    })
    .await;
    let found = look_for(kind(http(&head.url())), &[], 500).await;
    assert!(matches!(found.outcome, watchkeeper::core::health::Outcome::Failed(_)), "{found:?}");
    failed(&look(kind(http("http://no-such-name.invalid/")), &[]).await, Failure::NoAddress);
}

#[tokio::test]
async fn what_is_endless_or_huge_is_cut() {
    let body = "x".repeat(8_192);
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.extend_from_slice(body.as_bytes());
    let evil = Evil::saying(&endless, End::Endless).await;
    // The status alone is asked for, and it came.
    ok(&look(kind(http(&evil.url())), &[]).await);
    failed(&look(kind(http(&evil.url())), &["body.contains('x')"]).await, Failure::BadAnswer);
    let huge = Evil::saying(&answer("200 OK", &"y".repeat(1 << 20)), End::Close).await;
    failed(&look(kind(http(&huge.url())), &["size(body) > 0"]).await, Failure::BadAnswer);
    let mut wide = http(&huge.url());
    wide.body_limit = 2 << 20;
    ok(&look(kind(wide), &["size(body) == 1048576"]).await);
}

#[tokio::test]
async fn redirects_are_followed_only_where_that_is_asked_for() {
    let end = Evil::saying(&answer("200 OK", "here"), End::Close).await;
    let to = format!("HTTP/1.1 302 Found\r\nLocation: {}there\r\nContent-Length: 0\r\n\r\n", end.url());
    let start = Evil::saying(to.as_bytes(), End::Close).await;
    failed(&look(kind(http(&start.url())), &[]).await, Failure::Status(302));
    let mut following = http(&start.url());
    following.redirects = true;
    ok(&look(kind(following), &["body == 'here'"]).await);
    let circle = Evil::start(|_| Script {
        parts: vec![b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n".to_vec()],
        end: End::Close,
    })
    .await;
    let mut following = http(&circle.url());
    following.redirects = true;
    failed(&look(kind(following), &[]).await, Failure::BadAnswer);
    assert_eq!(circle.seen.load(Ordering::Relaxed), 11);
}

#[tokio::test]
async fn a_connection_is_kept_where_that_is_asked_for_and_made_anew_when_it_was_closed() {
    let body = answer("200 OK", "ok");
    let parts = vec![body.clone(), body.clone(), body];
    let evil = Evil::start(move |_| Script { parts: parts.clone(), end: End::Close }).await;
    let mut kept = http(&evil.url());
    kept.fresh = false;
    let ready = Ready::new(probe(kind(kept), &[], 2_000));
    for _ in 0..7 {
        ok(&ready.run(kit(), false).await);
    }
    assert_eq!(evil.seen.load(Ordering::Relaxed), 3, "three answers a connection");
    let fresh = Ready::new(probe(kind(http(&evil.url())), &[], 2_000));
    for _ in 0..3 {
        ok(&fresh.run(kit(), false).await);
    }
    assert_eq!(evil.seen.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn the_login_is_sent_and_never_shown() {
    use std::io::Write;
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "canary-4711").unwrap();
    let secret = Secret::File(file.path().to_owned());
    let evil = Evil::saying(&answer("401 Unauthorized", ""), End::Close).await;
    let mut known = http(&evil.url());
    known.auth.login = Login::Basic { user: "u".to_owned(), password: secret.clone() };
    known.headers = vec![
        ("X-Key".to_owned(), Given::Secret(secret.clone())),
        ("Host".to_owned(), Given::Text("shop".to_owned())),
    ];
    let found = look(kind(known.clone()), &[]).await;
    blind(&found, Blindness::Secret);
    assert!(!format!("{found:?}{known:?}").contains("canary"));
    drop(file);
    let found = look(kind(known), &[]).await;
    blind(&found, Blindness::Secret);
    assert!(found.detail.contains("cannot be read"), "{}", found.detail);
}
