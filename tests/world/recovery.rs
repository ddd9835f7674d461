//! Killed, frozen and well again, seen through the runner and the core's debouncing, in the time that the core states.

use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use watchkeeper::config::probe::{Kind, Redis, RedisCheck};
use watchkeeper::core::health::{Debounced, Fall, Health, Pace, Settings};
use watchkeeper::core::ids::ProbeId;
use watchkeeper::core::time::{Mono, Span};
use watchkeeper::probe::runner::{Order, Runner, Sampled};
use watchkeeper::probe::schedule::Limits;

use super::child::{Server, free_port};
use super::look::{kit, probe};

/// One probe as the daemon runs it: its samples go into the core's debouncing, its pace comes from there.
struct Watch {
    debounced: Debounced,
    settings: Settings,
    pace: Pace,
    orders: mpsc::Sender<Order>,
    samples: mpsc::Receiver<Sampled>,
    stop: CancellationToken,
    _tasks: tokio::task::JoinSet<()>,
}

impl Watch {
    async fn start(kind: Kind, settings: Settings) -> Watch {
        let (orders, take) = mpsc::channel(16);
        let (put, samples) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let runner = Runner::new(Arc::clone(kit()), 7, Limits::for_descriptors(1_024), take, put);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(runner.run(stop.clone()));
        let mut wiring = probe(kind, &[], 1);
        (wiring.interval, wiring.timeout) = (settings.interval(), settings.timeout());
        orders.send(Order::Add(ProbeId::at(0), Box::new(wiring))).await.unwrap();
        orders.send(Order::Pace(ProbeId::at(0), Some(settings.interval()))).await.unwrap();
        let debounced = Debounced::new(&settings);
        Watch { debounced, settings, pace: Pace::Steady, orders, samples, stop, _tasks: tasks }
    }

    /// Follows the samples until it is so, and says when the last one had ended.
    async fn until(&mut self, health: Health) -> Mono {
        loop {
            let sampled = tokio::time::timeout(std::time::Duration::from_secs(20), self.samples.recv());
            let found = sampled.await.expect("a sample within 20 s").unwrap().found;
            self.debounced.tell(&self.settings, 0, found.began, found.ended, found.outcome, found.reading);
            let pace = self.debounced.pace(0);
            if pace != self.pace {
                self.pace = pace;
                let every = match pace {
                    Pace::Rest => None,
                    Pace::Steady => Some(self.settings.interval()),
                    Pace::Fast => Some(self.settings.fast_interval()),
                    Pace::Down => Some(self.settings.down_interval()),
                    Pace::AtOnce => Some(Span::ZERO),
                };
                self.orders.send(Order::Pace(ProbeId::at(0), every)).await.unwrap();
            }
            if self.debounced.health(0) == health {
                return found.ended;
            }
        }
    }
}

#[tokio::test]
async fn three_consecutive_failures_in_the_time_that_the_core_states() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let start = || {
        let mut command = Command::new("redis-server");
        command.current_dir(folder.path()).args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
        ]);
        Server::start(&mut command, Signal::KILL)
    };
    let mut server = start();
    let settings = Settings::new(
        Span::secs(1),
        Span::millis(400),
        Span::millis(300),
        Span::millis(500),
        Fall::Streak(3),
        2,
        None,
    )
    .unwrap();
    let address = format!("127.0.0.1:{port}");
    let kind = Kind::Redis(Redis {
        address,
        user: None,
        password: None,
        check: RedisCheck::Ping,
        tls: false,
        ca: None,
    });
    let mut watch = Watch::start(kind, settings).await;
    watch.until(Health::Up).await;
    // What the machine itself may add: it runs other tests at the same time.
    let slack = Span::millis(250);
    for freeze in [false, true] {
        let fault = kit().now().mono;
        if freeze {
            server.signal(Signal::STOP);
        } else {
            server.stop();
        }
        let took = watch.until(Health::Down).await - fault;
        println!("frozen: {freeze}: down after {took}, at most {} stated", settings.worst_detection());
        assert!(took <= settings.worst_detection().plus(slack), "{took} > {}", settings.worst_detection());
        let mended = kit().now().mono;
        if freeze {
            server.signal(Signal::CONT);
        } else {
            server = start();
        }
        let back = watch.until(Health::Up).await - mended;
        println!("frozen: {freeze}: up again after {back}");
        assert!(back <= settings.down_interval().times(4).plus(Span::secs(2)), "{back}");
    }
    watch.stop.cancel();
}
