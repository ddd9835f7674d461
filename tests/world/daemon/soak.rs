//! Ten minutes with 2,000 probes, targets that fall and rise and a reload every half minute: nothing grows.
//!
//! `./test soak` runs it. It is no part of the ordinary tests.

use std::fmt::Write as _;

use rustix::process::Signal;
use watchkeeper::core::time::Span;

use super::program::{Daemon, now, pass};
use super::scene::Target;
use crate::evil::Dice;

const LASTS: Span = Span::mins(10);
const TARGETS: usize = 40;
/// Each has five probes in each of two regions.
const SERVICES: usize = 200;

fn config(folder: &std::path::Path, targets: &[Target], odd: bool) {
    let points: Vec<String> = targets.iter().take(3).map(Target::address).collect();
    let mut text = format!(
        "format = 1\nmode = \"observe\"\nname = \"o\"\n[region.east]\n[region.west]\n[observer.o]\nregion = \"east\"\n\
         [self_trust]\nreference_points = {points:?}\n[chronicle]\ndir = {:?}\n[api]\nlisten = \"127.0.0.1:0\"\n\
         [template.probe.t]\nkind = \"tcp\"\ninterval = \"10s\"\ntimeout = \"2s\"\nfast_interval = \"1s\"\n",
        folder.join("store")
    );
    // At each other reload one is gone, and those behind it move up.
    for service in usize::from(odd)..SERVICES {
        writeln!(text, "[service.s{service:03}]\nregions = [\"east\", \"west\"]\nstateless = true").unwrap();
        for probe in 0..5 {
            // The first three targets are the reference points and stay.
            let at = targets[3 + (service + probe) % (TARGETS - 3)].address();
            writeln!(text, "[service.s{service:03}.probe.p{probe}]\nuse = [\"t\"]\naddress = \"{at}\"")
                .unwrap();
        }
    }
    std::fs::write(folder.join("watchkeeper.toml"), text).unwrap();
}

/// Resident memory in kB, and open descriptors.
fn size(pid: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let rss = line.trim().trim_end_matches(" kB").parse().unwrap();
    (rss, std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count())
}

#[tokio::test]
#[ignore = "ten minutes: ./test soak"]
async fn ten_minutes_with_churn_and_reloads_and_nothing_grows() {
    let folder = tempfile::tempdir().unwrap();
    let mut targets = Vec::new();
    for _ in 0..TARGETS {
        targets.push(Target::new().await);
    }
    config(folder.path(), &targets, false);
    let daemon = Daemon::start(folder.path()).await;
    let metric = async |name: &str| daemon.metric(&format!("watchkeeper_{name}")).await.unwrap_or(f64::NAN);
    let (began, mut dice, mut down, mut reloads) = (now(), Dice(7), Vec::<usize>::new(), 0_u32);
    let (mut minutes, mut next) = (Vec::new(), 1);
    for turn in 1_u64.. {
        pass(Span::secs(5)).await;
        // One falls every five seconds, and after a minute it rises again: about a third is down at any time.
        if down.len() >= 12 {
            targets[down.remove(0)].comes().await;
        }
        let falls = 3 + usize::try_from(dice.roll((TARGETS - 3) as u64)).unwrap();
        if !down.contains(&falls) {
            targets[falls].goes().await;
            down.push(falls);
        }
        if turn % 6 == 0 {
            reloads += 1;
            config(folder.path(), &targets, reloads % 2 == 1);
            daemon.signal(Signal::HUP);
        }
        let passed = now() - began;
        if passed >= Span::mins(next) {
            let (rss, fds) = size(daemon.pid());
            let (waiting, dropped) = (metric("events_waiting").await, metric("events_dropped_total").await);
            let looks = metric("probe_looks_ended_total").await;
            let late = metric("probe_lateness_seconds{percent=\"99\"}").await;
            println!(
                "minute {next}: RSS {rss} kB, {fds} descriptors, {looks} looks, lateness p99 {late} s, {waiting} events \
                 wait, {dropped} dropped, {reloads} reloads"
            );
            assert_eq!((waiting, dropped), (0.0, 0.0), "the chronicle keeps up");
            minutes.push((rss, fds));
            next += 1;
        }
        if passed >= LASTS {
            break;
        }
    }
    let events = daemon.events().await;
    let (health, reloaded) = (events.of("health").len(), events.of("reloaded").len());
    println!("{} events, {health} of health, {reloaded} reloads taken", events.count());
    assert!(health > 1_000 && reloaded > usize::try_from(reloads).unwrap());
    println!("isolated: {:?}", events.of("isolated"));
    // After the first minutes everything has been allocated once: what is left is what the allocator does with it.
    let (fifth, last) = (minutes[4], minutes[9]);
    assert!(last.0 <= fifth.0 + fifth.0 / 20 + 2_048, "RSS grows: {minutes:?}");
    assert!(last.1 <= fifth.1 + 64, "descriptors grow: {minutes:?}");
    daemon.stop().await;
}
