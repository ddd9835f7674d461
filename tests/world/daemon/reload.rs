//! SIGHUP: a bad file changes nothing and says so everywhere; a good one costs no probe its history.

use rustix::process::Signal;
use watchkeeper::core::time::Span;

use super::program::{Daemon, now, pass};
use super::scene::World;
use crate::child::until;

#[tokio::test]
async fn a_bad_file_changes_nothing_and_a_good_one_loses_nothing() {
    let mut world = World::new("").await;
    let daemon = Daemon::start(world.path()).await;
    daemon.sees_both_up().await;
    world.write("[nonsense]");
    daemon.signal(Signal::HUP);
    let taken = async || daemon.metric("watchkeeper_config_reload_success").await;
    until("the metric says so", || async { taken().await == Some(0.0) }).await;
    let status = daemon.status().await;
    let why = status["reload"].as_str().unwrap_or_default();
    assert!(why.contains("a config has no key `nonsense`"), "{status}");
    let said = |line: &str| line.contains("the config was not taken") && line.contains("nonsense");
    until("the log says so", || async { daemon.log().lines().any(said) }).await;
    // It watches on by the one before, and sees what happens.
    assert_eq!((status["services"].as_array().map(Vec::len), &status["isolated"]), (Some(1), &().into()));
    let looks = async || daemon.metric("watchkeeper_probe_looks_started_total").await.unwrap();
    let before = looks().await;
    until("it looks on", || async { looks().await >= before + 4.0 }).await;

    // Good ones, one after the other, while a target is failing: another service comes and goes, so that every place in
    // the config moves. The strikes are counted on.
    let other = "[service.aaa]\nregions = [\"east\", \"west\"]\n[service.aaa.probe.web]\nuse = [\"same\"]\n\
                 [template.probe.same]\nkind = \"tcp\"\naddress = \"{region.web}\"\ntier = \"inform\"";
    let (fault, mut count, ups) = (now(), 0, daemon.events().await.of("health").len());
    world.east.goes().await;
    while daemon.shop().await["regions"][0]["standing"] != "gone" {
        count += 1;
        world.write(if count % 2 == 0 { "" } else { other });
        daemon.signal(Signal::HUP);
        pass(Span::millis(300)).await;
        let events = daemon.events().await;
        assert!(now() - fault < Span::secs(8), "its strikes were lost: {:?}", events.of("health"));
    }
    let took = now() - fault;
    println!("down after {took} with {count} reloads meanwhile");
    assert!(took <= Span::millis(2_200 + 600 + 300), "{took}");
    until("the metric says so", || async { taken().await == Some(1.0) }).await;
    assert!(daemon.status().await["reload"].is_null());
    let events = daemon.events().await;
    assert!(events.of("reloaded").len() > 2, "they were taken: {:?}", events.of("reloaded"));
    let health: Vec<&str> =
        events.of("health").into_iter().skip(ups).filter(|text| text.starts_with("shop")).collect();
    assert_eq!(health.len(), 1, "the other target stayed what it was: {health:?}");
    daemon.stop().await;
}
