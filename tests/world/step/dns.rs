//! `dns_update` against bind9, with TSIG.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use watchkeeper::core::plan::{Op, Reply, Sealed};
use watchkeeper::core::time::Span;
use watchkeeper::probe::{Found, Ready};
use watchkeeper::step::Limits;

use super::proxy::Proxy;
use super::rig::{Jump, Rig, now, sealed, within};
use crate::child::{Server, free_port, until};
use crate::dns::dns;
use crate::evil::black_hole;
use crate::look::{kit, look_for, probe};

pub(crate) struct Named {
    pub(crate) server: Server,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

/// An authoritative server for `shop.test`, which our key may change.
pub(crate) async fn named() -> Named {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display();
    let port = free_port();
    let key = |name: &str| {
        let out = Command::new("tsig-keygen").arg(name).output().expect("tsig-keygen: run ./test");
        String::from_utf8(out.stdout).unwrap()
    };
    let ours = key("wk.key");
    std::fs::write(folder.path().join("key.ours"), &ours).unwrap();
    std::fs::write(folder.path().join("key.wrong"), key("wk.key")).unwrap();
    std::fs::write(folder.path().join("key.unknown"), key("nobody.key")).unwrap();
    let zone = "$TTL 5\n@ SOA ns.shop.test. admin.shop.test. 1 60 60 60 5\n@ NS ns.shop.test.\nns A 127.0.0.1\n\
                www A 10.0.0.1\ndb CNAME east.shop.test.\nlocked A 10.0.0.1\n";
    std::fs::write(folder.path().join("zone"), zone).unwrap();
    let config = format!(
        "{ours}options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file \"{dir}/pid\"; lock-file none; session-keyfile \"{dir}/session\"; dnssec-validation no; }};\ncontrols {{ }};\n\
         zone \"shop.test\" {{ type primary; file \"{dir}/zone\"; update-policy {{ \
         deny wk.key name locked.shop.test; grant wk.key zonesub A AAAA CNAME TXT; }}; }};\n"
    );
    std::fs::write(folder.path().join("conf"), config).unwrap();
    let conf = folder.path().join("conf");
    let server =
        Server::start(Command::new("named").arg("-c").arg(conf).args(["-f", "-4", "-n", "1"]), Signal::TERM);
    let named = Named { server, port, folder };
    until("bind9 answers", || async { named.says_at_last("www.shop.test", "A").await == "10.0.0.1" }).await;
    named
}

fn answers(found: &Found) -> String {
    let answer = found.shown.iter().find(|(name, _)| name == "answer");
    let Some((_, answer)) = answer else { return String::new() };
    let answers: Vec<String> = serde_json::from_str(answer).unwrap();
    answers.join(" ")
}

impl Named {
    /// Its records, sorted.
    pub(crate) async fn says(&self, name: &str, record: &str) -> String {
        let found = look_for(dns(name, record, &[format!("127.0.0.1:{}", self.port)], 1), &[], 1_000).await;
        answers(&found)
    }

    /// The same, where the machine may be too busy to be held to a second.
    pub(crate) async fn says_at_last(&self, name: &str, record: &str) -> String {
        let at = [format!("127.0.0.1:{}", self.port)];
        let found = Ready::new(probe(dns(name, record, &at, 1), &[], 20_000)).run(kit(), true).await;
        answers(&found)
    }

    pub(crate) fn key(&self, which: &str) -> PathBuf {
        self.folder.path().join(format!("key.{which}"))
    }

    fn step(&self, value: &str) -> Sealed {
        step(self.port, "www.shop.test", "A", value, &self.key("ours"), &[self.port])
    }

    async fn token(&self) -> String {
        let txt = self.says("_watchkeeper.www.shop.test", "TXT").await;
        // What the name was before may follow, in a string of its own.
        txt.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '.').collect()
    }
}

fn step(port: u16, name: &str, record: &str, value: &str, key: &Path, resolvers: &[u16]) -> Sealed {
    let resolvers: Vec<String> = resolvers.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    sealed(&format!(
        "kind = \"dns_update\"\nserver = \"127.0.0.1:{port}\"\nzone = \"shop.test\"\nname = \"{name}\"\ntype = \"{record}\"\n\
         value = \"{value}\"\ntsig = {{ file = \"{}\" }}\nresolvers = [{}]",
        key.display(),
        resolvers.join(", ")
    ))
}

#[tokio::test]
async fn a_name_is_changed_seen_and_taken_back() {
    let named = named().await;
    let sealed = named.step("10.0.0.2");
    assert!(
        !format!("{:?}", sealed.preview()).contains("secret"),
        "the preview shows where the key is, and not the key"
    );
    let mut rig = Rig::new();
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::NotDone, "{ended:?}");
    assert!(named.token().await.ends_with(".3.1"), "the look raises the mark: {}", named.token().await);
    assert_eq!(named.says("www.shop.test", "A").await, "10.0.0.1");
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::NotDone);
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    assert_eq!(named.says("www.shop.test", "A").await, "10.0.0.2");
    assert!(named.token().await.ends_with(".3.3"), "{}", named.token().await);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done, "it is so already");
    // A resolver that says something else, and one that says nothing.
    let other = self::named().await;
    let key = named.key("ours");
    let behind = step(named.port, "www.shop.test", "A", "10.0.0.2", &key, &[named.port, other.port]);
    let ended = rig.op(&behind, Op::Verify).await;
    assert_eq!(ended.finished.reply, Reply::NotDone);
    assert!(ended.detail.contains("says 10.0.0.1"), "{}", ended.detail);
    let silent = step(named.port, "www.shop.test", "A", "10.0.0.2", &key, &[named.port, free_port()]);
    assert_eq!(rig.reply(&silent, Op::Verify).await, Reply::NotDone);
    // Back to what it was.
    let mut undone = rig.call(&sealed, Op::Observe);
    undone.undoing = true;
    assert_eq!(rig.ask(undone).await.finished.reply, Reply::NotDone);
    let ended = rig.op(&sealed, Op::Undo).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    assert_eq!(named.says("www.shop.test", "A").await, "10.0.0.1");
    let mut undone = rig.call(&sealed, Op::Observe);
    undone.undoing = true;
    assert_eq!(rig.ask(undone).await.finished.reply, Reply::Done);
}

#[tokio::test]
async fn a_name_that_is_an_alias_and_one_that_is_new() {
    let named = named().await;
    let mut rig = Rig::new();
    let key = named.key("ours");
    let alias = step(named.port, "db.shop.test", "CNAME", "West.shop.test", &key, &[named.port]);
    let ended = rig.op(&alias, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    assert_eq!(named.says("db.shop.test", "CNAME").await.to_lowercase(), "west.shop.test");
    assert_eq!(rig.reply(&alias, Op::Verify).await, Reply::Done);
    let new = step(named.port, "new.shop.test", "A", "10.0.0.7", &key, &[named.port]);
    assert_eq!(rig.reply(&new, Op::Do).await, Reply::Done);
    assert_eq!(named.says("new.shop.test", "A").await, "10.0.0.7");
    assert_eq!(rig.reply(&new, Op::Undo).await, Reply::Refused, "it would leave the name empty");
    assert_eq!(named.says("new.shop.test", "A").await, "10.0.0.7");
}

#[tokio::test]
async fn a_token_older_than_the_mark_or_of_another_cluster_changes_nothing() {
    let named = named().await;
    let sealed = named.step("10.0.0.2");
    let mut rig = Rig::new();
    let mut newer = rig.call(&named.step("10.0.0.3"), Op::Do);
    newer.token.epoch.0 = 4;
    assert_eq!(rig.ask(newer).await.finished.reply, Reply::Done);
    let mark = named.token().await;
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::NotDone, "{ended:?}");
    assert_eq!(ended.finished.mark.unwrap().to_string(), mark);
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::Unknown);
    assert!(ended.finished.mark.is_some());
    let mut foreign = rig.call(&sealed, Op::Do);
    (foreign.token.cluster.0, foreign.token.epoch.0) = (7, 99);
    let ended = rig.ask(foreign).await;
    assert_eq!(ended.finished.reply, Reply::NotDone);
    assert!(ended.finished.mark.is_some());
    assert_eq!((named.says("www.shop.test", "A").await.as_str(), named.token().await), ("10.0.0.3", mark));
}

#[tokio::test]
async fn what_comes_late_finds_a_newer_token_and_changes_nothing() {
    let named = named().await;
    let mut rig = Rig::new();
    let slow = Proxy::holding(named.port, b"hmac-sha256").await;
    let late = step(slow.port, "www.shop.test", "A", "10.0.0.2", &named.key("ours"), &[named.port]);
    let call = within(rig.call(&late, Op::Do), Span::millis(500));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Unknown);
    // The look of whoever takes over raises the mark; nothing older lands after that.
    assert_eq!(rig.reply(&named.step("10.0.0.2"), Op::Observe).await, Reply::NotDone);
    let mark = named.token().await;
    slow.deliver().await;
    assert_eq!((named.says("www.shop.test", "A").await, named.token().await), ("10.0.0.1".to_owned(), mark));
}

#[tokio::test]
async fn who_is_not_let_in_is_refused_and_changes_nothing() {
    let named = named().await;
    let mut rig = Rig::new();
    for which in ["wrong", "unknown"] {
        let sealed = step(named.port, "www.shop.test", "A", "10.0.0.2", &named.key(which), &[named.port]);
        let ended = rig.op(&sealed, Op::Do).await;
        assert_eq!(ended.finished.reply, Reply::Refused, "{which}: {ended:?}");
        assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Unknown);
    }
    let locked = step(named.port, "locked.shop.test", "A", "10.0.0.2", &named.key("ours"), &[named.port]);
    let ended = rig.op(&locked, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused, "{ended:?}");
    assert_eq!(named.says("locked.shop.test", "A").await, "10.0.0.1");
    std::fs::write(named.key("bad"), "canary-4711").unwrap();
    let bad = step(named.port, "www.shop.test", "A", "10.0.0.2", &named.key("bad"), &[named.port]);
    let ended = rig.op(&bad, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused);
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    assert_eq!(
        (named.says("www.shop.test", "A").await.as_str(), named.token().await.as_str()),
        ("10.0.0.1", "")
    );
}

#[tokio::test]
async fn lost_answers_black_holes_and_calls_that_come_late() {
    let mut named = named().await;
    let sealed = named.step("10.0.0.2");
    let key = named.key("ours");
    let mut rig = Rig::new();
    let nobody = step(free_port(), "www.shop.test", "A", "10.0.0.2", &key, &[named.port]);
    assert_eq!(rig.reply(&nobody, Op::Do).await, Reply::Transient);
    let hole = black_hole();
    let hole = step(hole.port, "www.shop.test", "A", "10.0.0.2", &key, &[named.port]);
    let call = within(rig.call(&hole, Op::Do), Span::millis(400));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::NotDone);
    let (mut late, mut landed) = (0, 0);
    for at in 1..25 {
        let to = if at % 2 == 0 { "10.0.0.2" } else { "10.0.0.4" };
        let before = (named.says("www.shop.test", "A").await, named.token().await);
        let mut stopped = Rig::with(&Jump::at(at), Limits::default(), &[]);
        let mut call = stopped.call(&named.step(to), Op::Do);
        call.token.serial = 100 + at;
        (call.deadline, call.until) = (now() + Span::mins(2), now() + Span::secs(20));
        let ended = stopped.ask(call).await;
        let after = (named.says("www.shop.test", "A").await, named.token().await);
        match ended.finished.reply {
            Reply::NotDone => {
                late += 1;
                assert_eq!(before, after, "stopped before look {at}");
            }
            // Changed, and then too late to read it back.
            Reply::Done | Reply::Unknown => {
                landed += 1;
                assert_eq!(after.0, to, "stopped before look {at}: {ended:?}");
            }
            other => panic!("stopped before look {at}: {other:?} {ended:?}"),
        }
    }
    assert!(late >= 3 && landed >= 3, "{late} late, {landed} landed");
    // It is done, and nobody hears of it: the update, and not the questions, names the key.
    let proxy = Proxy::losing(named.port, b"hmac-sha256").await;
    let through = step(proxy.port, "www.shop.test", "A", "10.0.0.5", &key, &[named.port]);
    let mut call = within(rig.call(&through, Op::Do), Span::millis(900));
    call.token.serial = 200;
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::Unknown, "{ended:?}");
    until("it was done", || async { named.says("www.shop.test", "A").await == "10.0.0.5" }).await;
    let mut look = rig.call(&named.step("10.0.0.5"), Op::Observe);
    look.token.serial = 201;
    assert_eq!(rig.ask(look).await.finished.reply, Reply::Done);
    named.server.stop();
    let mut call = rig.call(&sealed, Op::Do);
    call.token.serial = 300;
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Transient);
}
