//! How many probes a second a core, how late, how large: ours against a server process of its own on loopback, and
//! Debian's blackbox exporter against the same one.
//!
//!     cargo bench --bench probes                    # everything, about four minutes
//!     cargo bench --bench probes -- paced stuck     # some of it: paced, flat, stuck, blackbox
//!
//! It only measures and prints: what must hold is asked for by `docs/PERFORMANCE.md`, and by people.

mod blackbox;
mod measure;
mod server;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use watchkeeper::config::probe::{Auth, Http, Kind, Probe};
use watchkeeper::core::health::Outcome;
use watchkeeper::core::ids::{Name, ProbeId};
use watchkeeper::core::time::Span;
use watchkeeper::probe::runner::{Order, Runner, Stats};
use watchkeeper::probe::schedule::Limits;
use watchkeeper::probe::{Clock, Heartbeats, Kit};

use measure::Usage;
use server::Server;

/// One measurement.
struct Case {
    title: &'static str,
    targets: usize,
    /// Of a hundred, these swallow every packet.
    black: usize,
    every: Span,
    fresh: bool,
    in_flight: usize,
    warm: Duration,
    measured: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    measure::raise_descriptors();
    if arguments.first().is_some_and(|argument| argument == "serve") {
        return server::serve();
    }
    let all = arguments.is_empty();
    let wanted = |name: &str| all || arguments.iter().any(|argument| argument == name);
    let server = Server::start();
    let case = Case {
        title: "",
        targets: 10_000,
        black: 0,
        every: Span::secs(10),
        fresh: true,
        in_flight: 4_096,
        warm: Duration::from_secs(12),
        measured: Duration::from_secs(20),
    };
    println!(
        "{:42} {:>9} {:>9} {:>9} {:>9} {:>7} {:>8}  what came",
        "", "probes/s", "/s/core", "late p50", "late p99", "core %", "RSS MB"
    );
    if wanted("paced") {
        run(&server, &Case { title: "10,000 targets, 1,000/s, fresh", ..case });
        run(&server, &Case { title: "10,000 targets, 1,000/s, kept", fresh: false, ..case });
    }
    if wanted("flat") {
        let flat = Case {
            every: Span::millis(1),
            in_flight: 128,
            warm: Duration::from_secs(5),
            measured: Duration::from_secs(10),
            ..case
        };
        run(&server, &Case { title: "10,000 targets, flat out, kept", fresh: false, ..flat });
        run(&server, &Case { title: "10,000 targets, flat out, fresh", ..flat });
    }
    if wanted("stuck") {
        let some = Case { targets: 5_000, ..case };
        run(&server, &Case { title: "5,000 targets, 500/s, none stuck", ..some });
        run(&server, &Case { title: "5,000 targets, 500/s, 30 % swallow (others)", black: 30, ..some });
        // With so few places it takes a while until every stuck target is known for one.
        let few = Case { in_flight: 256, warm: Duration::from_secs(40), ..some };
        run(&server, &Case { title: "the same with only 256 places (others)", black: 30, ..few });
    }
    if wanted("blackbox") {
        blackbox::run(&server);
    }
}

fn run(server: &Server, case: &Case) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measured(server, case));
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn measured(server: &Server, case: &Case) {
    let clock: Clock = Arc::new(measure::now);
    let kit = Arc::new(Kit::new(clock, Arc::new(Heartbeats::default())));
    let (orders, take_orders) = mpsc::channel(1_024);
    let (put_samples, mut samples) = mpsc::channel(1_024);
    let limits =
        Limits { in_flight: case.in_flight, reserved: case.in_flight / 4, stuck: case.in_flight / 4 };
    let runner = Runner::new(kit, 7, limits, take_orders, put_samples);
    let stats = runner.stats();
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(runner.run(stop.clone()));
    let (mut ok, mut failed, mut blind) = (0_u64, 0_u64, 0_u64);
    for n in 0..case.targets {
        let black = n % 100 < case.black;
        let probe = probe(server, n, black, case);
        let id = ProbeId::at(n);
        orders.send(Order::Add(id, Box::new(probe))).await.expect("the runner takes orders");
        orders.send(Order::Pace(id, Some(case.every))).await.expect("the runner takes orders");
    }
    let mut before: Option<(Snapshot, Usage)> = None;
    let end = tokio::time::sleep(case.warm);
    tokio::pin!(end);
    let after = loop {
        tokio::select! {
            biased;
            () = &mut end => match &before {
                None => {
                    (ok, failed, blind) = (0, 0, 0);
                    before = Some((Snapshot::of(&stats), Usage::of(std::process::id())));
                    end.set(tokio::time::sleep(case.measured));
                }
                Some(_) => break (Snapshot::of(&stats), Usage::of(std::process::id())),
            },
            sampled = samples.recv() => match sampled.map(|sampled| sampled.found.outcome) {
                Some(Outcome::Ok { .. }) => ok += 1,
                Some(Outcome::Failed(_)) => failed += 1,
                Some(Outcome::Blind(_)) => blind += 1,
                None => return,
            },
        }
    };
    let (was, used) = before.expect("the warm-up is over");
    let (is, uses) = after;
    let cost = uses.since(&used);
    let rate = (is.ended - was.ended) as f64 / cost.wall;
    let late = |share| stats.lateness.quantile(share, &was.lateness).as_micros() as f64 / 1_000.0;
    println!(
        "{:42} {:9.0} {:9.0} {:6.1} ms {:6.1} ms {:7.1} {:8.1}  {ok} ok, {failed} failed, {blind} blind, {} missed; {:.0} % of the time in the kernel",
        case.title,
        rate,
        rate / (cost.cpu / cost.wall),
        late(0.5),
        late(0.99),
        100.0 * cost.cpu / cost.wall,
        uses.rss_mb,
        is.missed - was.missed,
        100.0 * cost.kernel / cost.cpu.max(0.01),
    );
    stop.cancel();
    while tasks.join_next().await.is_some() {}
}

struct Snapshot {
    ended: u64,
    missed: u64,
    lateness: Vec<(Span, u64)>,
}

impl Snapshot {
    fn of(stats: &Stats) -> Snapshot {
        Snapshot {
            ended: stats.ended.load(Ordering::Relaxed),
            missed: stats.missed.load(Ordering::Relaxed),
            lateness: stats.lateness.counts(),
        }
    }
}

/// Each target has an address of its own in 127/8.
fn probe(server: &Server, n: usize, black: bool, case: &Case) -> Probe {
    let [_, _, high, low] = u32::try_from(n).expect("a small number").to_be_bytes();
    let ip = Ipv4Addr::new(127, 1, high, low);
    let url = if black {
        format!("http://127.0.0.1:{}/", server.black)
    } else {
        format!("http://{ip}:{}/health", server.port)
    };
    let name = |text: &str| Name::new(text).expect("a name");
    Probe {
        service: name("bench"),
        name: name(&format!("p{n}")),
        region: None,
        trigger: n.is_multiple_of(10),
        interval: Span::secs(10),
        timeout: Span::secs(2),
        expect: Vec::new(),
        kind: Kind::Http(Box::new(Http {
            url: url.parse().expect("a URL"),
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: None,
            auth: Auth::default(),
            ca: None,
            redirects: false,
            body_limit: 64 * 1024,
            fresh: case.fresh,
        })),
    }
}
