//! What systemd is told, by a socket of ours in its place: ready, reloading, ending, and the watchdog's food.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tokio::net::UnixDatagram;
use watchkeeper::core::time::{Mono, Span};

use super::program::{Daemon, now};
use super::scene::World;

/// As systemd would say it in WATCHDOG_USEC: the daemon is to be heard of twice in it.
const WATCHDOG: Span = Span::secs(2);

/// What came, and when.
#[derive(Clone, Debug)]
struct Told {
    at: Mono,
    lines: Vec<String>,
}

impl Told {
    fn says(&self, line: &str) -> bool {
        self.lines.iter().any(|told| told == line)
    }
    fn value(&self, key: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }
}

/// In systemd's place.
struct Notified {
    socket: UnixDatagram,
    heard: Vec<Told>,
}

impl Notified {
    fn new(path: &Path) -> Notified {
        Notified { socket: UnixDatagram::bind(path).unwrap(), heard: Vec::new() }
    }

    async fn next(&mut self, within: Span) -> Option<Told> {
        let mut text = vec![0; 4_096];
        let within = Duration::from_micros(within.as_micros());
        let length = tokio::time::timeout(within, self.socket.recv(&mut text)).await.ok()?.unwrap();
        let lines = String::from_utf8(text[..length].to_vec()).unwrap();
        let told = Told { at: now(), lines: lines.lines().map(str::to_owned).collect() };
        self.heard.push(told.clone());
        Some(told)
    }

    /// The next that says so.
    async fn until(&mut self, line: &str) -> Told {
        loop {
            let told = self.next(Span::secs(20)).await;
            let told = told.unwrap_or_else(|| panic!("nobody said {line}: {:#?}", self.heard));
            if told.says(line) {
                return told;
            }
        }
    }

    /// Everything that comes in that time.
    async fn during(&mut self, span: Span) -> Vec<Told> {
        let (over, mut all) = (now() + span, Vec::new());
        while let Some(told) = self.next(over.since(now())).await {
            all.push(told);
        }
        all
    }
}

async fn start(world: &World, socket: &Path) -> Daemon {
    Daemon::start_with(world.path(), |command| {
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        if cfg!(debug_assertions) {
            command.arg("--test-faults").arg(world.path());
        }
    })
    .await
}

#[tokio::test]
async fn it_is_told_ready_reloading_stopping_and_that_the_loop_turns() {
    let world = World::new("").await;
    let socket = world.path().join("notify");
    let mut systemd = Notified::new(&socket);
    let mut daemon = start(&world, &socket).await;
    let ready = systemd.until("READY=1").await;
    assert!(ready.value("STATUS").is_some_and(|status| status.contains("watching")), "{ready:?}");

    let fed = systemd.during(WATCHDOG.times(2)).await;
    let fed: Vec<Mono> = fed.iter().filter(|told| told.says("WATCHDOG=1")).map(|told| told.at).collect();
    let gaps: Vec<Span> = fed.windows(2).map(|pair| pair[1] - pair[0]).collect();
    println!("fed every {gaps:?} of {WATCHDOG}");
    let often = |gap: &Span| gap.times(2) <= WATCHDOG.plus(Span::millis(200));
    assert!(gaps.len() >= 3 && gaps.iter().all(often), "{gaps:?}");

    // A good config by signal, a bad one by the API, a good one by the API.
    for way in ["good by signal", "bad by the API", "good by the API"] {
        let before = monotonic();
        world.write(if way.starts_with("bad") { "[nonsense]" } else { "" });
        if way.ends_with("signal") {
            daemon.signal(Signal::HUP);
        } else {
            let code = if way.starts_with("bad") { 422 } else { 200 };
            let (said, text) = daemon.post("/-/reload", "").await;
            assert_eq!(said, code, "{text}");
        }
        let reloading = systemd.until("RELOADING=1").await;
        let stamp: u64 = reloading.value("MONOTONIC_USEC").unwrap().parse().unwrap();
        assert!((before..=monotonic()).contains(&stamp), "{way}: {stamp} is not now");
        let ready = systemd.until("READY=1").await;
        let status = ready.value("STATUS").unwrap();
        println!("{way}: {status}");
        assert_eq!(status.contains("no key `nonsense`"), way.starts_with("bad"), "{way}: {status}");
    }

    daemon.signal(Signal::TERM);
    systemd.until("STOPPING=1").await;
    assert!(daemon.ends_within(Duration::from_secs(10)).await.success());
}

/// Debug builds alone can be told to be stuck: no signal stops one thread of a process.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_stuck_event_loop_feeds_no_watchdog() {
    let world = World::new("").await;
    let socket = world.path().join("notify");
    let mut systemd = Notified::new(&socket);
    let daemon = start(&world, &socket).await;
    systemd.until("READY=1").await;
    systemd.until("WATCHDOG=1").await;
    std::fs::write(world.path().join("stuck"), "").unwrap();
    // One turn may have been noted, and not told yet.
    systemd.during(Span::millis(1_200)).await;
    let fed = systemd.during(WATCHDOG).await;
    assert!(fed.is_empty(), "systemd would not have restarted it: {fed:?}");
    // Everything else of the program is alive: the API answers, and says what is wrong.
    super::program::pass(Span::secs(8)).await;
    let (code, said) = daemon.get("/-/healthy").await;
    assert!(code == 503 && said.contains("the event loop has not turned for"), "{code} {said}");
    assert_eq!(daemon.get("/health").await.0, 503);
    std::fs::remove_file(world.path().join("stuck")).unwrap();
    systemd.until("WATCHDOG=1").await;
    assert_eq!(daemon.get("/-/healthy").await.0, 200);
    daemon.stop().await;
}

fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000 + u64::try_from(time.tv_nsec).unwrap() / 1_000
}
