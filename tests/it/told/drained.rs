//! The drain by itself, over an outbox on a real disk.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;
use watchkeeper::chronicle::{Chronicle, Memory, Notice};
use watchkeeper::config::wiring::People;
use watchkeeper::core::time::{Span, Wall};
use watchkeeper::daemon::clock;
use watchkeeper::notify::{self, Answer, Kit, Limits, Post};
use watchkeeper::store::{self, Threads};

use super::slack::{Does, Slack};
use super::*;
use crate::living::talk::until;

/// A short way out.
struct Plain;

impl Post for Plain {
    fn post<'a>(&'a self, to: &'a Url, body: String, within: Span) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let host = format!("{}:{}", to.host_str().expect("a host"), to.port().expect("a port"));
            let asked = format!(
                "POST {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                to.path(),
                body.len()
            );
            let talk = async {
                let mut stream = TcpStream::connect(&host).await?;
                stream.write_all(asked.as_bytes()).await?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await?;
                Ok::<String, std::io::Error>(answer)
            };
            let limit = Duration::from_micros(within.as_micros());
            let body = match tokio::time::timeout(limit, talk).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(why)) => return Err(why.kind().to_string()),
                Err(_) => return Err("it did not answer".to_owned()),
            };
            let status = body.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status = status.ok_or("it closes the connection")?;
            Ok(Answer { status, retry_after: (status == 429).then(|| "1".to_owned()), body })
        })
    }
}

struct Rig {
    chronicle: Chronicle,
    threads: Threads,
    memory: Memory,
    owed: watch::Sender<u64>,
    stop: CancellationToken,
    runs: JoinSet<Result<(), String>>,
}

impl Rig {
    fn new(dir: &Path, people: Arc<People>) -> Rig {
        let (store, threads) = store::open(dir, store::Limits::default()).expect("a store");
        let (chronicle, memory) = (Chronicle::new(store), Memory::default());
        let (owed, stop) = (watch::channel(0).0, CancellationToken::new());
        let kit = Kit {
            outbox: chronicle.outbox(),
            memory: memory.clone(),
            post: Arc::new(Plain),
            clock: clock::shared(),
            owed: owed.clone(),
            observer: "o0".into(),
            seed: 7,
            limits: Limits {
                attempt: Span::millis(300),
                first_pause: Span::millis(40),
                longest_pause: Span::millis(200),
                patience: Span::millis(600),
                refused: Span::millis(500),
            },
        };
        let (directory, people) = watch::channel(people);
        let mut runs = JoinSet::new();
        let asked = stop.clone();
        runs.spawn(async move {
            let _stays = directory;
            notify::run(kit, people, asked).await
        });
        Rig { chronicle, threads, memory, owed, stop, runs }
    }

    async fn owes(&self, channels: &[&str], numbers: std::ops::Range<u64>) {
        let notices = numbers.flat_map(|n| channels.iter().map(move |channel| notice(channel, n))).collect();
        self.chronicle.outbox().owe(notices).await.expect("owed");
        self.owed.send_modify(|count| *count += 1);
    }

    async fn nothing_is_owed(&self) {
        until("nothing is owed", async || {
            self.chronicle.outbox().standing(clock::now().wall).await.expect("read").is_empty()
        })
        .await;
    }

    async fn end(mut self) {
        self.stop.cancel();
        while self.runs.join_next().await.is_some() {}
        drop(self.chronicle);
        self.threads.join();
    }
}

fn notice(channel: &str, n: u64) -> Notice {
    let at = Wall::secs(1_000 + n);
    Notice {
        about: format!("1/shop/{n}/-"),
        service: Some(name("shop")),
        incident: None,
        run: None,
        step: None,
        channel: name(channel),
        event: "held".to_owned(),
        audience: "responders".to_owned(),
        said: json!({ "text": format!("event {n};") }),
        at,
        planned: at,
        due: at,
        promised: None,
        repeat: None,
        until_acknowledged: false,
        again: 0,
        instead: None,
    }
}

#[track_caller]
fn took_each_once(slack: &Slack, numbers: std::ops::Range<u64>) {
    let took: Vec<String> =
        slack.took().iter().map(|text| text.split(['*', ';']).nth(1).expect("a head").to_owned()).collect();
    assert_eq!(took, numbers.map(|n| format!("event {n}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_slack_does_each_is_said_once_and_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut slack = Slack::new().await;
    slack.does(
        &[Does::Takes, Does::Says(500), Does::Later(1), Does::Hangs, Does::Takes, Does::Says(503)],
        Does::Takes,
    );
    let rig = Rig::new(dir.path(), people(vec![channel(dir.path(), "slack", &slack, None)]));
    rig.owes(&["slack"], 0..6).await;
    rig.owes(&["slack"], 3..8).await;
    rig.nothing_is_owed().await;
    took_each_once(&slack, 0..8);
    let heard = slack.heard();
    let later = heard.iter().position(|one| matches!(one.does, Does::Later(_))).expect("it said so");
    let left_alone = heard[later + 1].at - heard[later].at;
    assert!(left_alone >= Span::secs(1), "asked again after {left_alone}");

    slack.goes().await;
    rig.owes(&["slack"], 8..12).await;
    until("it fails", async || {
        let held = rig.chronicle.outbox().next(name("slack"), clock::now().wall, &rig.memory).await;
        held.expect("read").owed.is_some_and(|owed| owed.tries > 3)
    })
    .await;
    slack.comes().await;
    rig.nothing_is_owed().await;
    took_each_once(&slack, 0..12);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_taken_goes_to_the_fallback_at_once_and_holds_nothing_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let (slack, other) = (Slack::new().await, Slack::new().await);
    slack.does(&[Does::Says(410)], Does::Takes);
    let channels =
        vec![channel(dir.path(), "slack", &slack, Some("other")), channel(dir.path(), "other", &other, None)];
    let rig = Rig::new(dir.path(), people(channels));
    rig.owes(&["slack"], 0..3).await;
    rig.nothing_is_owed().await;
    took_each_once(&slack, 1..3);
    took_each_once(&other, 0..1);
    assert!(other.took()[0].contains("since channel slack does not deliver"), "{:?}", other.took());
    // Whoever is owed it for himself is not told it instead of another as well.
    slack.does(&[Does::Says(403)], Does::Takes);
    rig.owes(&["slack", "other"], 7..8).await;
    rig.nothing_is_owed().await;
    assert_eq!((slack.took_with("event 7"), other.took_with("event 7")), (0, 1));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_channel_is_helped_by_its_fallback_and_delays_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut slack, mut other, third) = (Slack::new().await, Slack::new().await, Slack::new().await);
    slack.does(&[], Does::Hangs);
    let channels = vec![
        channel(dir.path(), "slack", &slack, Some("other")),
        channel(dir.path(), "other", &other, None),
        channel(dir.path(), "third", &third, None),
    ];
    other.goes().await;
    let rig = Rig::new(dir.path(), people(channels));
    let began = clock::now().mono;
    rig.owes(&["slack", "third"], 0..20).await;
    until("the third has all", async || third.took().len() == 20).await;
    let took = clock::now().mono - began;
    assert!(took < Span::secs(2), "a channel that hangs held another back for {took}");
    took_each_once(&third, 0..20);
    // The fallback fails, too: both owe it.
    until("both owe", async || {
        let standing = rig.chronicle.outbox().standing(clock::now().wall).await.expect("read");
        standing.len() == 2 && standing.iter().all(|one| one.owed == 20)
    })
    .await;
    other.comes().await;
    rig.nothing_is_owed().await;
    took_each_once(&other, 0..20);
    slack.goes().await;
    slack.comes().await;
    slack.does(&[], Does::Takes);
    // While its last try was in vain both are asked at once: whoever is sooner.
    rig.owes(&["slack"], 20..21).await;
    rig.nothing_is_owed().await;
    let took = (slack.took_with("event 20"), other.took_with("event 20"));
    assert!(took.0 <= 1 && took.1 <= 1 && took.0 + took.1 > 0, "{took:?}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_survives_and_what_asked_to_be_left_alone_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let slack = Slack::new().await;
    let people = people(vec![channel(dir.path(), "slack", &slack, None)]);
    slack.does(&[], Does::Later(1));
    let rig = Rig::new(dir.path(), Arc::clone(&people));
    rig.owes(&["slack"], 0..3).await;
    until("it is asked", async || !slack.heard().is_empty()).await;
    slack.does(&[], Does::Takes);
    rig.end().await;
    let rig = Rig::new(dir.path(), people);
    rig.nothing_is_owed().await;
    took_each_once(&slack, 0..3);
    let heard = slack.heard();
    let left_alone = heard[1].at - heard[0].at;
    assert!(left_alone >= Span::millis(990), "another life came after {left_alone}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_memory_it_is_said_once_and_written_as_delivered() {
    let dir = tempfile::tempdir().expect("a folder");
    let slack = Slack::new().await;
    let rig = Rig::new(dir.path(), people(vec![channel(dir.path(), "slack", &slack, None)]));
    let notices: Vec<Notice> = (0..3).map(|n| notice("slack", n)).collect();
    rig.memory.owe(notices.clone());
    rig.memory.owe(notices.clone());
    rig.owed.send_modify(|count| *count += 1);
    until("they are said", async || slack.took().len() == 3).await;
    until("and known to be", async || rig.memory.all_said().len() == 3).await;
    let owed = notices.into_iter().map(|notice| watchkeeper::chronicle::Change::Owe(Box::new(notice)));
    rig.chronicle.keep_owing(Vec::new(), owed.collect(), &rig.memory).await.expect("kept");
    rig.owed.send_modify(|count| *count += 1);
    rig.nothing_is_owed().await;
    assert!(rig.memory.all_said().is_empty(), "what is marked is forgotten");
    rig.owes(&["slack"], 0..4).await;
    rig.nothing_is_owed().await;
    took_each_once(&slack, 0..4);
    rig.end().await;
}
