//! Three consecutive failures of a real server, killed and frozen, seen by the whole daemon in the time that the core
//! states; and its recovery.

use std::process::Command;

use rustix::process::Signal;
use watchkeeper::core::health::{Fall, Settings};
use watchkeeper::core::time::Span;

use super::program::{Daemon, now};
use super::scene::World;
use crate::child::{Server, free_port, until};

#[tokio::test]
async fn three_strikes_of_a_real_server_in_the_time_that_the_core_states() {
    let port = free_port();
    let world = World::new(&format!(
        r#"
[service.cache]
regions = ["east", "west"]
stateless = true
[service.cache.probe.ping]
kind = "redis"
address = "127.0.0.1:{port}"
check = "ping"
role = "service"
interval = "1s"
timeout = "400ms"
fast_interval = "300ms"
down_interval = "500ms"
"#
    ))
    .await;
    let start = || {
        let mut command = Command::new("redis-server");
        command.current_dir(world.path()).args(["--bind", "127.0.0.1", "--save", "", "--port"]);
        Server::start(command.arg(port.to_string()), Signal::KILL)
    };
    let mut server = start();
    let daemon = Daemon::start(world.path()).await;
    let told = async |word: &str| {
        let events = daemon.events().await;
        let health = events.of("health");
        health.iter().rfind(|text| text.starts_with("cache")).is_some_and(|text| text.contains(word))
    };
    until("it is up", || told("is up")).await;
    let of = [1_000, 400, 300, 500].map(Span::millis);
    let settings = Settings::new(of[0], of[1], of[2], of[3], Fall::Streak(3), 2, None).unwrap();
    for freeze in [false, true] {
        let fault = now();
        if freeze {
            server.signal(Signal::STOP);
        } else {
            server.stop();
        }
        until("it is down", || told("is down")).await;
        let took = now() - fault;
        println!("frozen: {freeze}: told to be down after {took}, {} stated", settings.worst_detection());
        // Beside what is stated: until it is durable and asked for, on a machine that does other things too.
        assert!(took <= settings.worst_detection().plus(Span::millis(400)), "{took}");
        let mended = now();
        if freeze {
            server.signal(Signal::CONT);
        } else {
            server = start();
        }
        until("it is up again", || told("is up")).await;
        println!("frozen: {freeze}: told to be up {} after it was mended", now() - mended);
        assert!(now() - mended <= Span::secs(4), "{}", now() - mended);
    }
    assert!(daemon.events().await.of("isolated").is_empty());
    daemon.stop().await;
}
