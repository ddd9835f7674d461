//! What happens to the daemon itself in the middle of a run: another config, a full disk, a wall clock that is stepped. The
//! run goes on as it was begun, or waits, and is never lost.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use watchkeeper::chronicle::Chronicle;
use watchkeeper::core::time::Span;

use super::shop::{comes, each, fails_over, over, program};
use super::web::Shop;
use crate::child::until;
use crate::daemon::program::{Daemon, now};
use crate::daemon::scene::Target;
use crate::slack::Slack;

/// A failover that waits for a program of ours: `held` stands before `first`, which leads the users.
fn held(first: &str) -> String {
    format!(
        r#"
[service.shop.scenario.lost]
when = {{ service = "down", for = "0s" }}
plan = "failover"
mode = "auto"
[service.shop.plan.failover]
kind = "failover"
{first}
[service.shop.plan.failover.step.gate]
kind = "traffic_gate"
needs = ["first"]
on_lost = "close"
ttl = "5s"
[service.shop.plan.failover.step.check]
kind = "verify"
needs = ["gate"]
timeout = "10s"
"#
    )
}

/// It says that it has begun, and ends when it is let go.
struct Held {
    path: PathBuf,
}

impl Held {
    fn new(dir: &Path) -> Held {
        let text =
            "touch \"$0.began\"\nwhile ! [ -e \"$0.go\" ]; do sleep 0.1; done\necho done >> \"$0.log\"";
        Held { path: PathBuf::from(program(dir, "hold", text)) }
    }

    fn step(&self) -> String {
        let path = &self.path;
        format!(
            "[service.shop.plan.failover.step.first]\nkind = \"exec\"\nargv = [{path:?}]\ntimeout = \"120s\"\n"
        )
    }

    async fn begins(&self, daemon: &Daemon) {
        let began = self.path.with_extension("began");
        comes(daemon, "the program runs", |_| began.exists()).await;
    }

    fn goes_on(&self) {
        File::create(self.path.with_extension("go")).unwrap();
    }

    /// So often it was done.
    fn done(&self) -> usize {
        std::fs::read_to_string(self.path.with_extension("log")).unwrap_or_default().lines().count()
    }
}

fn waits(span: &str) -> String {
    format!("[service.shop.plan.failover.step.first]\nkind = \"wait\"\nfor = \"{span}\"\n")
}

/// Which region the gate is open for.
fn leads(view: &Value) -> Option<&str> {
    let open = view["gate"]["open"].as_array()?;
    open.first().filter(|_| open.len() == 1)?.as_str()
}

async fn reloads(daemon: &Daemon, taken: bool) -> Value {
    let before = daemon.log().matches("the config was not taken").count();
    let events = daemon.events().await.of("reloaded").len();
    daemon.signal(Signal::HUP);
    if taken {
        until("it is taken", || async { daemon.events().await.of("reloaded").len() > events }).await;
    } else {
        let said = || daemon.log().matches("the config was not taken").count();
        until("it is not taken", || async { said() > before }).await;
    }
    daemon.status().await["reload"].clone()
}

async fn is_told_once(daemon: &Daemon) {
    let events = daemon.events().await;
    assert_eq!((events.of("started").len(), events.of("ended").len()), (1, 1), "{events:#?}");
}

#[tokio::test]
async fn a_bad_config_and_another_plan_in_mid_run_change_nothing_of_it() {
    let mut shop = Shop::new().await;
    let hold = Held::new(shop.path());
    shop.write(&held(&hold.step()));
    let daemon = shop.watched().await;
    shop.east.goes().await;
    hold.begins(&daemon).await;
    // Bad, and asked for in both ways.
    shop.write("[nonsense]");
    let why = reloads(&daemon, false).await;
    assert!(why.as_str().is_some_and(|why| why.contains("nonsense")), "{why}");
    let (code, said) = daemon.post("/-/reload", "").await;
    assert!(code >= 400 && said.contains("nonsense"), "{code} {said}");
    assert_eq!(daemon.metric("watchkeeper_config_reload_success").await, Some(0.0));
    let view = daemon.shop().await;
    assert_eq!((view["runs"].as_array().map(Vec::len), leads(&view)), (Some(1), Some("east")));
    // Good, and another plan of that name: it is for the next run.
    let other = held(&waits("1s")).replace(
        "kind = \"traffic_gate\"\nneeds = [\"first\"]\non_lost = \"close\"\nttl = \"5s\"",
        "kind = \"traffic_gate\"\non_lost = \"close\"\nttl = \"7s\"",
    );
    shop.write(&other);
    assert_eq!(reloads(&daemon, true).await, Value::Null);
    assert_eq!(daemon.shop().await["runs"].as_array().map(Vec::len), Some(1));
    hold.goes_on();
    fails_over(&daemon).await;
    assert_eq!((hold.done(), leads(&daemon.shop().await)), (1, Some("west")));
    let events = daemon.events().await;
    let steps = events.texts("journalled", "step");
    assert!(["first", "gate", "check"].iter().all(|step| steps.contains(step)), "{steps:?}");
    is_told_once(&daemon).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_service_that_is_taken_out_of_the_config_in_mid_run_stays_until_the_run_has_ended() {
    let mut shop = Shop::new().await;
    let hold = Held::new(shop.path());
    shop.write(&held(&hold.step()));
    let daemon = shop.watched().await;
    shop.east.goes().await;
    hold.begins(&daemon).await;
    shop.write_without();
    let why = reloads(&daemon, false).await;
    let says = "it does not know shop, which have unfinished runs";
    assert!(why.as_str().is_some_and(|why| why.contains(says)), "{why}");
    let (code, said) = daemon.post("/-/reload", "").await;
    assert!(code >= 400 && said.contains(says), "{code} {said}");
    assert_eq!(daemon.shop().await["runs"].as_array().map(Vec::len), Some(1));
    hold.goes_on();
    fails_over(&daemon).await;
    assert_eq!((hold.done(), leads(&daemon.shop().await)), (1, Some("west")));
    is_told_once(&daemon).await;
    // Now it may go.
    assert_eq!(reloads(&daemon, true).await, Value::Null);
    until("it is gone", || async { daemon.shop().await.is_null() }).await;
    daemon.stop().await;
}

/// Nobody refuses what is not asked: a daemon that is started anew with it.
#[tokio::test]
async fn a_run_whose_service_is_not_in_the_config_of_the_next_life_waits_for_one_in_which_it_is() {
    let mut shop = Shop::new().await;
    shop.write(&held(&waits("3s")));
    let daemon = shop.watched().await;
    shop.east.goes().await;
    comes(&daemon, "it runs", |view| view["runs"].as_array().is_some_and(|runs| !runs.is_empty())).await;
    daemon.kill().await;
    shop.write_without();
    let daemon = Daemon::start(shop.path()).await;
    until("it watches what it knows", || async {
        daemon.status().await["services"].as_array().is_some_and(|all| all.len() == 1)
    })
    .await;
    assert!(daemon.shop().await.is_null());
    daemon.stop().await;
    shop.write(&held(&waits("3s")));
    let daemon = Daemon::start(shop.path()).await;
    fails_over(&daemon).await;
    assert_eq!(leads(&daemon.shop().await), Some("west"));
    is_told_once(&daemon).await;
    assert_eq!(daemon.events().await.of("resumed").len(), 1);
    daemon.stop().await;
}

/// A small disk of its own, gone when this is dropped.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn new(path: PathBuf) -> Disk {
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"]).arg(&path);
        assert!(mount.status().unwrap().success(), "a disk cannot be mounted: this test must be root");
        Disk { path }
    }

    /// Not a byte more finds room.
    fn fill(&self) {
        let mut file = File::create(self.path.join("filler")).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            let some = vec![0; size];
            let full = loop {
                if let Err(why) = file.write_all(&some) {
                    break why.kind();
                }
            };
            assert_eq!(full, ErrorKind::StorageFull);
        }
    }

    fn has_room(&self) {
        std::fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: after a panic the daemon may be there yet.
        let gone = Command::new("umount").arg("-l").arg(&self.path).status();
        if !gone.is_ok_and(|status| status.success()) {
            println!("{} is mounted yet", self.path.display());
        }
    }
}

/// The events of the store that lies there, by what they are and say.
fn kept(store: &Path) -> Vec<(u64, String)> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = rusqlite::Connection::open_with_flags(store.join("watchkeeper.db"), flags).unwrap();
    let mut rows = store.prepare("SELECT id, body FROM events ORDER BY id").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_disk_that_is_full_in_mid_run_halts_it_and_no_watch_and_it_goes_on_when_there_is_room() {
    let mut shop = Shop::new().await;
    let disk = Disk::new(shop.path().join("store"));
    let (slack, mut third) = (Slack::new().await, Target::new().await);
    let url = shop.path().join("slack.url");
    std::fs::write(&url, slack.url()).unwrap();
    let more = format!(
        r#"{}
[channel.slack]
kind = "slack"
webhook = {{ file = {url:?} }}
[service.third]
regions = ["east"]
stateless = true
[service.third.probe.answers]
kind = "tcp"
address = "{}"
interval = "1s"
timeout = "400ms"
fast_interval = "200ms"
[service.third.scenario.silent]
when = {{ service = "down", for = "0s" }}
mode = "observe"
"#,
        held(&waits("6s")),
        third.address()
    );
    shop.write(&more);
    shop.wants_free("1MiB");
    let daemon = shop.watched().await;
    shop.east.goes().await;
    comes(&daemon, "it runs", |view| view["runs"].as_array().is_some_and(|runs| !runs.is_empty())).await;
    disk.fill();
    let before = kept(&disk.path);
    until("it says that its store is full", || async { daemon.status().await["store"] == "full" }).await;
    // It watches and pages.
    third.goes().await;
    until("a page comes from memory", || async {
        slack.took().iter().any(|text| text.contains("third") && text.contains("opened"))
    })
    .await;
    let looks = async || daemon.metric("watchkeeper_probe_looks_started_total").await.unwrap();
    let looked = looks().await;
    until("it looks on", || async { looks().await > looked + 10.0 }).await;
    // It does nothing, and says why: the wait is long over.
    let full = now();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while now() - full < Span::secs(8) {
        ticks.tick().await;
        let view = daemon.shop().await;
        // Whoever asks the gate is led nowhere once the session is over: `on_lost` says so.
        assert!(leads(&view) != Some("west") && over(&view).is_none(), "{view}");
    }
    let order = r#"{"to":"west","reason":"a test","phrase":"FAILOVER shop TO west"}"#;
    let (code, said) = daemon.post("/api/v1/services/shop/failover", order).await;
    assert!(code == 409 && said.contains("could not renew its session"), "{code} {said}");
    let status = daemon.status().await;
    assert!(status["store_why"].as_str().is_some_and(|why| why.contains("MiB free")), "{status}");
    assert!(daemon.log().contains("nothing is started"), "{}", daemon.log());
    // Nothing that was written is lost.
    assert!(kept(&disk.path).starts_with(&before));
    disk.has_room();
    until("its store is well", || async { daemon.status().await["store"] == "ok" }).await;
    fails_over(&daemon).await;
    assert_eq!(leads(&daemon.shop().await), Some("west"));
    let written = |text: &str| text.contains("third") && text.contains("opened");
    until("what was told from memory is written", || async {
        kept(&disk.path).iter().any(|(_, text)| written(text))
    })
    .await;
    assert!(kept(&disk.path).starts_with(&before));
    is_told_once(&daemon).await;
    daemon.stop().await;
    let (store, threads) = watchkeeper::store::open(&disk.path, Default::default()).unwrap();
    let chain = Chronicle::new(store.clone()).verify().await.unwrap();
    assert!(chain.is_ok(), "{chain:?}");
    drop(store);
    threads.join();
}

/// A wall clock of the daemon's own, by `libfaketime`: the clock that it decides by stays the machine's.
struct Wall {
    file: PathBuf,
}

impl Wall {
    fn new(dir: &Path) -> Wall {
        let new = Wall { file: dir.join("wall") };
        new.steps("+0");
        new
    }

    fn steps(&self, seconds: &str) {
        // In one piece, or it may be read while it is empty.
        let next = self.file.with_extension("new");
        std::fs::write(&next, format!("{seconds}\n")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    fn given_to(&self, command: &mut tokio::process::Command) {
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
    }
}

fn library() -> OsString {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let mut all = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    all.find(|path| path.exists()).expect("libfaketime: run ./test").into_os_string()
}

/// While a step runs its time, and while a program runs, the wall is stepped by so much.
async fn stepped(seconds: &'static str) {
    let mut shop = Shop::new().await;
    let hold = Held::new(shop.path());
    let second =
        hold.step().replace("step.first", "step.second").replace("kind", "needs = [\"first\"]\nkind");
    let plan = held(&format!("{}{second}", waits("5s")))
        .replace("needs = [\"first\"]\non_lost", "needs = [\"second\"]\non_lost");
    shop.write(&plan);
    let wall = Wall::new(shop.path());
    let daemon = shop.watched_with(|command| wall.given_to(command)).await;
    let shown = async || daemon.status().await["at"].as_str().unwrap().to_owned();
    let (before, began) = (shown().await, now());
    shop.east.goes().await;
    comes(&daemon, "it runs", |view| view["runs"].as_array().is_some_and(|runs| !runs.is_empty())).await;
    wall.steps(seconds);
    until("the daemon sees it", || async {
        daemon.events().await.of("isolated").iter().any(|why| why.contains("jumped by"))
    })
    .await;
    println!("stepped by {seconds} s: {} -> {}", before, shown().await);
    hold.begins(&daemon).await;
    let waited = now() - began;
    assert!(waited >= Span::secs(5) && waited < Span::mins(2), "the wait of 5 s took {waited}");
    wall.steps("+0");
    until("the daemon sees it again", || async { daemon.events().await.of("isolated").len() >= 2 }).await;
    hold.goes_on();
    fails_over(&daemon).await;
    assert_eq!((hold.done(), leads(&daemon.shop().await)), (1, Some("west")));
    is_told_once(&daemon).await;
    println!("and the run took {}", now() - began);
    daemon.stop().await;
}

#[tokio::test]
async fn a_wall_clock_stepped_by_ten_minutes_in_mid_run_neither_ends_it_nor_holds_it_up() {
    each(["+600", "-600"].map(|by| (by.to_owned(), move || stepped(by))).into(), 2).await;
}
