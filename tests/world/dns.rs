//! `dns` against bind9, and against resolvers that are silent, refuse, or disagree.

use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use watchkeeper::config::probe::{Dns, Kind};
use watchkeeper::core::health::{Blindness, Failure, Outcome};

use super::child::{Server, free_port, until};
use super::look::{blind, failed, look, look_for, ok};

pub(crate) fn dns(name: &str, record: &str, resolvers: &[String], agree: usize) -> Kind {
    Kind::Dns(Dns { name: name.to_owned(), record: record.to_owned(), resolvers: resolvers.to_vec(), agree })
}

pub(crate) struct Named {
    pub(crate) server: Server,
    pub(crate) at: String,
    _folder: tempfile::TempDir,
}

/// An authoritative server for `shop.test`, whose address is this one.
pub(crate) async fn named(address: &str) -> Named {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display();
    let port = free_port();
    let zone = format!(
        "$TTL 5\n@ SOA ns.shop.test. admin.shop.test. 1 60 60 60 5\n@ NS ns.shop.test.\nns A 127.0.0.1\nwww A {address}\n\
         www A 10.0.0.9\nalias CNAME www\ntext TXT \"v=1 it works\"\nsix AAAA ::1\nbig TXT {}\n",
        (0..40).map(|n| format!("\"{}{n}\" ", "x".repeat(90))).collect::<String>()
    );
    std::fs::write(folder.path().join("zone"), zone).unwrap();
    let config = format!(
        "options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file \"{dir}/pid\"; lock-file none; session-keyfile \"{dir}/key\"; dnssec-validation no; }};\n\
         controls {{ }};\nzone \"shop.test\" {{ type primary; file \"{dir}/zone\"; }};\n"
    );
    std::fs::write(folder.path().join("conf"), config).unwrap();
    let conf = folder.path().join("conf");
    let server =
        Server::start(Command::new("named").arg("-c").arg(conf).args(["-f", "-4", "-n", "1"]), Signal::TERM);
    let at = format!("127.0.0.1:{port}");
    until("bind9 answers", || async {
        let kind = dns("www.shop.test", "A", std::slice::from_ref(&at), 1);
        matches!(look_for(kind, &[], 500).await.outcome, Outcome::Ok { .. })
    })
    .await;
    Named { server, at, _folder: folder }
}

#[tokio::test]
async fn a_real_server_is_asked_for_every_kind_of_record() {
    let mut named = named("10.0.0.1").await;
    let at = [named.at.clone()];
    ok(&look(dns("www.shop.test", "A", &at, 1), &["answer == ['10.0.0.1', '10.0.0.9']"]).await);
    ok(&look(dns("www.shop.test.", "A", &at, 1), &["'10.0.0.1' in answer"]).await);
    failed(&look(dns("www.shop.test", "A", &at, 1), &["'10.0.0.2' in answer"]).await, Failure::Unmet(0));
    ok(&look(dns("alias.shop.test", "CNAME", &at, 1), &["answer == ['www.shop.test']"]).await);
    ok(&look(dns("text.shop.test", "TXT", &at, 1), &["answer[0] == 'v=1 it works'"]).await);
    ok(&look(dns("six.shop.test", "AAAA", &at, 1), &["answer == ['::1']"]).await);
    ok(&look(dns("big.shop.test", "TXT", &at, 1), &["size(answer[0]) > 3000"]).await);
    failed(&look(dns("none.shop.test", "A", &at, 1), &[]).await, Failure::NoAddress);
    failed(&look(dns("text.shop.test", "A", &at, 1), &[]).await, Failure::NoAddress);
    ok(&look(dns("none.shop.test", "A", &at, 1), &["size(answer) == 0"]).await);
    failed(&look(dns("www.elsewhere.test", "A", &at, 1), &[]).await, Failure::BadAnswer);
    named.server.signal(Signal::STOP);
    failed(&look_for(dns("www.shop.test", "A", &at, 1), &[], 600).await, Failure::TimedOut);
    named.server.signal(Signal::CONT);
    ok(&look(dns("www.shop.test", "A", &at, 1), &[]).await);
    named.server.stop();
    let found = look_for(dns("www.shop.test", "A", &at, 1), &[], 600).await;
    assert!(matches!(found.outcome, Outcome::Failed(Failure::Refused | Failure::TimedOut)), "{found:?}");
    blind(&look(dns("www.shop.test", "NONSENSE", &at, 1), &[]).await, Blindness::Evaluation);
}

#[tokio::test]
async fn enough_must_agree() {
    let (one, two) = (named("10.0.0.1").await, named("10.0.0.1").await);
    let (other, gone) = (named("10.0.0.2").await, format!("127.0.0.1:{}", free_port()));
    let all = [one.at.clone(), two.at.clone(), other.at.clone()];
    ok(&look(dns("www.shop.test", "A", &all, 2), &["'10.0.0.1' in answer"]).await);
    failed(&look(dns("www.shop.test", "A", &all, 3), &[]).await, Failure::Unmet(0));
    let with_gone = [one.at.clone(), two.at.clone(), gone];
    ok(&look_for(dns("www.shop.test", "A", &with_gone, 2), &[], 800).await);
    let found = look_for(dns("www.shop.test", "A", &with_gone, 3), &[], 800).await;
    failed(&found, Failure::Unmet(0));
}

/// Answers each question with what `reply` makes of it.
pub(crate) async fn liar(reply: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> (String, JoinSet<()>) {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let at = socket.local_addr().unwrap().to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut buffer = [0; 2_048];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
            socket.send_to(&reply(&buffer[..length]), from).await.ok();
        }
    });
    (at, tasks)
}

#[tokio::test]
async fn what_is_no_answer_has_failed() {
    // An answer to something else is waited past, as against forgers.
    for (reply, failure) in [
        (Box::new(|_: &[u8]| b"hello".to_vec()) as Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>, None),
        (Box::new(|question: &[u8]| refuse(question, 5)), Some(Failure::BadAnswer)),
        (Box::new(|question: &[u8]| refuse(question, 2)), Some(Failure::BadAnswer)),
    ] {
        let (at, _tasks) = liar(reply).await;
        let found = look_for(dns("www.shop.test", "A", &[at], 1), &[], 600).await;
        match failure {
            Some(failure) => failed(&found, failure),
            None => assert!(matches!(found.outcome, Outcome::Failed(_)), "{found:?}"),
        }
    }
}

pub(crate) fn refuse(question: &[u8], code: u8) -> Vec<u8> {
    let mut reply = question.to_vec();
    reply[2] |= 0x80;
    reply[3] = code;
    reply
}
