//! Nothing settles the old side: what by itself would start asks a person first, who is shown that it may go on accepting
//! writes; and what was shown is the truth. Who comes back so is told as drift.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::shop::{MOVED, Shop, comes, gate, over, program, says, shows};
use crate::child::until;
use crate::daemon::program::Daemon;

const LOST: &str = r#"
[service.shop.scenario.lost]
when = { service = "down", for = "0s" }
plan = "failover"
mode = "@MODE@"
"#;

const EXPOSED: &str = "nothing settles east: it may go on accepting writes, and they would be lost";

/// It dies, as far as anybody can see; nothing keeps it from coming back as it was.
async fn dies(shop: &Shop, daemon: &Daemon) {
    shop.east.server.signal(Signal::KILL);
    comes(daemon, "a person is asked", |view| {
        !view["request"].is_null() || view["runs"][0]["state"] == "held"
    })
    .await;
    let view = daemon.shop().await;
    assert_eq!((&view["active"], &view["last_failover"][1]), (&json!("east"), &Value::Null), "{view}");
}

/// What waits is shown with its exposure, and a yes that does not name it moves nothing.
async fn waits_for_a_yes(daemon: &Daemon) {
    let view = daemon.shop().await;
    let request = &view["request"];
    assert_eq!((&request["exposure"], &view["runs"]), (&json!(true), &json!([])), "{view}");
    let gates = request["gates"].as_array().unwrap();
    assert!(gates.contains(&json!("fence")), "{request}");
    let shown = shows(daemon, "preview?to=west").await;
    assert_eq!(shown["preview"]["exposure"], EXPOSED, "{shown}");
    let [word, why, by] = gate(&shown["preview"], "fence");
    assert_eq!((word, by), ("blocks", "exposure"), "{shown}");
    assert!(why.contains("no fence settles the old side first"), "{why}");
    let why = daemon.get("/api/v1/services/shop/why").await.1;
    assert!(why.contains("by fence: it promotes, no fence settles the old side first"), "{why}");
    let order = json!({ "to": "west", "phrase": "FAILOVER shop TO west" });
    let (code, told) = says(daemon, "failover", order).await;
    assert_eq!((code, &told["why"]), (409, &json!("gates")), "{told}");
    assert!(told["text"].as_str().unwrap().contains("fence"), "{told}");
    let mut yes = json!({ "hash": request["hash"], "epoch": request["epoch"], "loss": "1m" });
    let (code, told) = says(daemon, "approve", yes.clone()).await;
    assert_eq!((code, &told["why"]), (409, &json!("mismatch")), "{told}");
    assert_eq!(daemon.shop().await["active"], "east");
    yes["exposure"] = json!(true);
    let (code, told) = says(daemon, "approve", yes).await;
    assert_eq!((code, &told["answer"]), (200, &json!("started")), "{told}");
}

/// It has moved; the old side does what was said that it may, and that is told.
async fn has_moved(shop: &mut Shop, daemon: Daemon, outcome: &str) {
    comes(&daemon, "the failover has ended", |view| over(view).is_some()).await;
    assert_eq!(over(&daemon.shop().await), Some(outcome), "{}", daemon.log());
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2");
    shop.place.sql(shop.west.port, "INSERT INTO orders VALUES (1)");
    shop.east.end();
    shop.east = shop.place.again("primary", shop.east.port).await;
    shop.place.sql(shop.east.port, "INSERT INTO orders VALUES (2)");
    until("that east takes writes is told", || async { !daemon.events().await.of("drifted").is_empty() })
        .await;
    let why = daemon.get("/api/v1/services/shop/why").await.1;
    assert!(why.contains("east takes writes and the record does not say so"), "{why}");
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2", "users are not led there");
    daemon.stop().await;
}

#[tokio::test]
async fn a_plan_without_a_fence_asks_first() {
    let mut shop = Shop::new().await;
    let plan = "[service.shop.plan.failover]\nkind = \"failover\"\n";
    let text = |mode: &str| format!("{}{plan}{MOVED}", LOST.replace("@MODE@", mode));
    // That it starts by itself cannot even be written.
    shop.write_with("drift_after = \"1s\"", &text("auto"));
    let file = shop.path().join("watchkeeper.toml");
    let mut check = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    let checked = check.arg("check").arg(&file).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(!checked.status.success(), "{said}");
    assert!(said.contains("promotes, and nothing keeps the old side from writing"), "{said}");
    shop.write_with("drift_after = \"1s\"", &text("approve"));
    let daemon = shop.watched().await;
    dies(&shop, &daemon).await;
    waits_for_a_yes(&daemon).await;
    has_moved(&mut shop, daemon, "done").await;
}

#[tokio::test]
async fn a_fence_that_proves_nothing_asks_first_though_it_is_auto() {
    let mut shop = Shop::new().await;
    // Users are sent away, and nobody can say whether that is so: no fence of a database.
    let cut = program(shop.path(), "cut", "echo cut >> \"$0.log\"");
    let plan = format!(
        "[service.shop.plan.failover]\nkind = \"failover\"\nfence = [\"cut\"]\n\
         [service.shop.plan.failover.step.cut]\nkind = \"exec\"\nacts_as = \"fences\"\nregion = \"{{from}}\"\nargv = [{cut:?}]\ntimeout = \"5s\"\n"
    );
    shop.write_with("drift_after = \"1s\"", &format!("{}{plan}{MOVED}", LOST.replace("@MODE@", "auto")));
    let daemon = shop.watched().await;
    dies(&shop, &daemon).await;
    waits_for_a_yes(&daemon).await;
    has_moved(&mut shop, daemon, "done").await;
    assert_eq!(std::fs::read_to_string(format!("{cut}.log")).unwrap(), "cut\n");
}

#[tokio::test]
async fn a_fence_that_fails_in_the_middle_is_held_until_its_exposure_is_accepted() {
    let mut shop = Shop::new().await;
    let fence = program(shop.path(), "fence", "exit 64");
    let look = program(shop.path(), "look", "exit 1");
    let plan = format!(
        "[service.shop.plan.failover]\nkind = \"failover\"\nfence = [\"stop_old\"]\n\
         [service.shop.plan.failover.step.stop_old]\nkind = \"exec\"\nacts_as = \"fences\"\nregion = \"{{from}}\"\nargv = [{fence:?}]\n\
         observe = [{look:?}]\ntimeout = \"5s\"\n"
    );
    shop.write_with("drift_after = \"1s\"", &format!("{}{plan}{MOVED}", LOST.replace("@MODE@", "auto")));
    let daemon = shop.watched().await;
    dies(&shop, &daemon).await;
    let view = daemon.shop().await;
    let run = &view["runs"][0];
    let held = run["held"].as_str().unwrap_or_default();
    assert!(held.contains("it may go on accepting writes that would be lost"), "{run}");
    assert_eq!(shop.place.asks(shop.west.port, "SELECT pg_is_in_recovery()"), "t", "nobody promoted it");
    let path = format!("/api/v1/runs/{}/approve", run["run"]);
    let mut yes = json!({ "hash": run["hash"], "epoch": run["epoch"] });
    let (code, told) = daemon.post(&path, &yes.to_string()).await;
    assert_eq!(code, 409, "{told}");
    assert_eq!(daemon.shop().await["runs"][0]["state"], "held");
    yes["exposure"] = json!(true);
    let (code, told) = daemon.post(&path, &yes.to_string()).await;
    assert_eq!(code, 200, "{told}");
    has_moved(&mut shop, daemon, "done with exceptions").await;
}
