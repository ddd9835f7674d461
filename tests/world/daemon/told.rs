//! `kill -9` between a notice's sending and its mark: the next life says it again, and nothing else twice.

use super::program::Daemon;
use super::scene::World;
use crate::child::until;
use crate::slack::{Does, SECRET, Slack};

#[tokio::test]
async fn killed_while_slack_takes_its_time_it_is_told_after_the_restart() {
    let mut slack = Slack::new().await;
    let mut world = World::new("").await;
    let url = world.path().join("slack.url");
    std::fs::write(&url, slack.url()).unwrap();
    world.write(&format!("[channel.slack]\nkind = \"slack\"\nwebhook = {{ file = {url:?} }}\n"));
    let daemon = Daemon::start(world.path()).await;
    daemon.sees_both_up().await;
    assert_eq!(daemon.post("/api/v1/services/shop/adopt", r#"{"region":"east"}"#).await.0, 200);
    slack.does(&[Does::Says(500), Does::Later(2)], Does::Hangs);
    world.east.goes().await;
    until("slack has it, and has not answered", || async {
        slack.heard().iter().any(|one| one.does == Does::Hangs)
    })
    .await;
    assert!(!daemon.log().contains(SECRET) && !daemon.log().contains("verysecret"));
    until("the opening is written", || async {
        daemon.events().await.of("incident").iter().any(|text| text.contains("opened"))
    })
    .await;
    daemon.kill().await;
    // Nobody is there when it starts again.
    slack.goes().await;
    let daemon = Daemon::start(world.path()).await;
    until("it is tried", || async { daemon.log().contains("a notice is not delivered") }).await;
    assert_eq!(slack.took_with("opened"), 0);
    slack.comes().await;
    slack.does(&[], Does::Takes);
    until("it is told", || async { slack.took_with("opened") > 0 }).await;
    until("nothing is owed", || async {
        daemon.metric("watchkeeper_notices_owed{channel=\"slack\"}").await == Some(0.0)
    })
    .await;
    assert_eq!(slack.took_with("opened"), 1);
    let heard = slack.heard();
    let later = heard.iter().position(|one| matches!(one.does, Does::Later(_))).unwrap();
    let left_alone = heard[later + 1].at - heard[later].at;
    assert!(left_alone.as_micros() >= 2_000_000, "asked again after {left_alone}");
    let took = slack.took();
    println!("{} requests, {} taken, 1 opening; left alone for {left_alone}", heard.len(), took.len());
    daemon.stop().await;
    let checked = tokio::process::Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .args(["chronicle", "verify", "--dir"])
        .arg(world.path().join("store"))
        .output()
        .await
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
