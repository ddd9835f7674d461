//! Our own network is cut: the daemon distrusts itself within one round, and accuses nobody.
//!
//! The test runs in a network namespace of its own, with the daemon; targets and reference points are a server in
//! another one, at the far end of a veth pair. So nothing of this machine's network is touched.

use std::process::Command;

use rustix::process::Signal;
use watchkeeper::core::time::Span;

use super::program::{Daemon, now, pass};
use super::scene::shop;
use crate::child::{Server, until};
use crate::own_trouble::again;

const OUTSIDE: [&str; 5] = ["10.77.0.11", "10.77.0.12", "10.77.0.13", "10.77.0.14", "10.77.0.15"];
const PORT: u16 = 7_000;

/// Whether this is the child: the process that started it lives in another network, or hides its own.
pub(super) fn inside() -> bool {
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim();
    of("self") != of(parent)
}

pub(super) fn run(program: &str, arguments: &str) {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output.unwrap_or_else(|why| panic!("{program} cannot be started ({why}): run ./test"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {said}");
}

/// A network namespace at the far end of our link `near`, where a server listens at all the addresses.
struct Outside {
    holder: Server,
    _server: Server,
}

impl Outside {
    async fn new() -> Outside {
        run("ip", "link set lo up");
        let mut holder = Command::new("unshare");
        holder.args(["-n", "sleep", "1000"]);
        let holder = Server::start(&mut holder, Signal::KILL);
        let (of_us, of_it) = ("/proc/self/ns/net".to_owned(), format!("/proc/{}/ns/net", holder.pid()));
        until("the outside is a namespace of its own", || async {
            std::fs::read_link(&of_it).ok() != std::fs::read_link(&of_us).ok()
        })
        .await;
        let there = |arguments: &str| run("nsenter", &format!("-t {} -n {arguments}", holder.pid()));
        run("ip", &format!("link add near type veth peer name far netns {}", holder.pid()));
        run("ip", "addr add 10.77.0.1/24 dev near");
        run("ip", "link set near up");
        for address in OUTSIDE {
            there(&format!("ip addr add {address}/24 dev far"));
        }
        there("ip link set far up");
        there("ip link set lo up");
        let mut server = Command::new("nsenter");
        server.args(["-t", &holder.pid().to_string(), "-n", "redis-server", "--port", &PORT.to_string()]);
        server.args(["--protected-mode", "no", "--save", "", "--bind"]).args(OUTSIDE);
        Outside { _server: Server::start(&mut server, Signal::KILL), holder }
    }

    /// Our end of the link, or the far one: then what we send vanishes, and our own side looks well.
    fn link(&self, end: &str, to: &str) {
        match end {
            "near" => run("ip", &format!("link set near {to}")),
            _ => run("nsenter", &format!("-t {} -n ip link set far {to}", self.holder.pid())),
        }
    }
}

#[tokio::test]
async fn our_own_network_is_cut_and_nobody_is_accused() {
    if !inside() {
        let way = if rustix::process::getuid().is_root() { "-n" } else { "-rn" };
        let test = "daemon::cut::our_own_network_is_cut_and_nobody_is_accused";
        return again("unshare", &[way], test).await;
    }
    let outside = Outside::new().await;
    let folder = tempfile::tempdir().unwrap();
    let at: Vec<String> = OUTSIDE.iter().map(|host| format!("{host}:{PORT}")).collect();
    shop(folder.path(), [&at[0], &at[1]], &at[2..], "");
    let daemon = Daemon::start(folder.path()).await;
    daemon.sees_both_up().await;
    let isolated = async || daemon.metric("watchkeeper_isolated").await == Some(1.0);
    // The near end first: nothing was asked before, so the first probe that finds no route is enough.
    for cut in ["near", "far"] {
        let began = now();
        outside.link(cut, "down");
        until("it is isolated", isolated).await;
        let took = now() - began;
        println!("{cut} end cut: isolated after {took}");
        // The first look that fails ends 1.4 s after the cut at most; a point has two seconds to answer; then it is shown.
        assert!(took <= Span::millis(1_400 + 2_000 + 400), "{took}");
        let status = daemon.status().await;
        let why = status["isolated"].as_str().unwrap_or_default();
        assert!(why.contains("only 0 reference points were in reach, 2 are needed"), "{status}");
        // As long as three strikes would have taken, and then some.
        pass(Span::secs(3)).await;
        daemon.events().await.accuse_nobody();
        let shop = daemon.shop().await;
        assert_eq!((&shop["decision"], &shop["incident"]), (&"nothing".into(), &().into()), "{shop}");
        let (code, why) = daemon.get("/api/v1/services/shop/why").await;
        assert!(code == 200 && !why.contains("down for"), "{why}");
        outside.link(cut, "up");
        let healed = now();
        until("it trusts itself again", || async { !isolated().await }).await;
        println!("{cut} end: trusted again {} after it was healed", now() - healed);
        daemon.sees_both_up().await;
    }
    let events = daemon.events().await;
    assert_eq!((events.of("isolated").len(), events.of("trusted").len()), (2, 2));
    events.accuse_nobody();
    daemon.stop().await;
}
