//! The standby hears nothing of its primary any more, and then the primary dies: more would be lost than may be. Nothing
//! moves by itself, how much it is stands everywhere, and who says yes to that much moves it.

use rustix::process::Signal;
use serde_json::{Value, json};
use watchkeeper::core::time::Span;

use super::shop::{MOVED, Shop, comes, fails_over, gate, says, shows};
use crate::child::until;
use crate::daemon::program::{Daemon, now, pass};

const PLAN: &str = r#"
[ladder.plain]
rungs = ["bad"]
[ladder.plain.severity.bad]
when = { service = "down" }
[service.shop.scenario.lost]
when = { service = "down", for = "0s" }
plan = "failover"
mode = "auto"
[service.shop.plan.failover]
kind = "failover"
fence = ["stop_old"]
[service.shop.plan.failover.step.stop_old]
kind = "postgres_fence"
region = "{from}"
dsn = "{region.db}"
how = "stop"
data_dir = "{region.data}"
timeout = "10s"
"#;

/// What may be lost, as the config says.
const RPO: f64 = 5.0;

fn seconds(loss: &Value) -> f64 {
    loss["seconds"].as_f64().unwrap_or_else(|| panic!("{loss}"))
}

/// What passes the gate, as the preview says it: `loss "9s"`.
async fn to_accept(daemon: &Daemon) -> String {
    let shown = shows(daemon, "preview?to=west").await;
    let [word, why, by] = gate(&shown["preview"], "data_loss");
    assert_eq!(word, "blocks", "{shown}");
    assert!(why.starts_with("promoting now loses up to ") && why.ends_with("and the RPO is 5s"), "{why}");
    by.strip_prefix("loss \"")
        .and_then(|by| by.strip_suffix('"'))
        .unwrap_or_else(|| panic!("{by}"))
        .to_owned()
}

#[tokio::test]
async fn above_the_rpo_it_waits_for_a_person_who_accepts_it() {
    let mut shop = Shop::new().await;
    shop.write_with("ladder = \"plain\"", &format!("{PLAN}{MOVED}"));
    let daemon = shop.watched().await;
    let (east, west) = (shop.east.port, shop.west.port);
    shop.place.sql(east, "INSERT INTO orders VALUES (1)");
    until("the first order is replicated", || async {
        shop.place.asks(west, "SELECT count(*) FROM orders") == "1"
    })
    .await;
    // From here on the standby is told nothing; the first order after that is what is lost first.
    shop.place.sql(west, "ALTER SYSTEM SET primary_conninfo = ''");
    shop.place.sql(west, "SELECT pg_reload_conf()");
    until("the standby hears nothing", || async {
        shop.place.asks(west, "SELECT count(*) FROM pg_stat_wal_receiver") == "0"
    })
    .await;
    let cut = now();
    shop.place.sql(east, "INSERT INTO orders VALUES (2)");
    // What would be lost is shown while all is well: a failover would be blocked.
    let mut grows = 0.0;
    while grows <= RPO + 2.0 {
        assert!(now() - cut < Span::secs(30), "the loss does not grow: {grows}");
        pass(Span::millis(200)).await;
        grows = seconds(&shows(&daemon, "preview?to=west").await["preview"]["loss"]);
    }
    shop.place.sql(east, "INSERT INTO orders VALUES (3)");
    let died = now() - cut;
    shop.east.server.signal(Signal::KILL);
    comes(&daemon, "an approval is requested", |shop| !shop["request"].is_null()).await;
    let view = daemon.shop().await;
    let request = view["request"].clone();
    let stated = seconds(&request["loss"]);
    assert!(stated > RPO, "{request}");
    assert_eq!(request["gates"], json!(["data_loss"]), "{request}");
    assert_eq!(request["loss"]["rpo"], json!(RPO), "{request}");
    assert_eq!((&view["active"], &view["epoch"], &view["runs"]), (&json!("east"), &json!(1), &json!([])));
    let why = daemon.get("/api/v1/services/shop/why").await.1;
    assert!(why.contains("by data_loss: promoting now loses up to "), "{why}");
    // An order that accepts nothing, and a yes to less than it is, move nothing.
    let order = json!({ "to": "west", "phrase": "FAILOVER shop TO west" });
    let (code, told) = says(&daemon, "failover", order.clone()).await;
    assert_eq!((code, &told["why"]), (409, &json!("gates")), "{told}");
    assert!(told["text"].as_str().unwrap().contains("data_loss"), "{told}");
    assert!(seconds(&told["preview"]["loss"]) > RPO, "{told}");
    let mut less = order;
    less["loss"] = json!("5s");
    let (code, told) = says(&daemon, "failover", less).await;
    assert_eq!((code, &told["why"]), (409, &json!("gates")), "{told}");
    let mut yes = json!({ "hash": request["hash"], "epoch": request["epoch"], "loss": "5s" });
    let (code, told) = says(&daemon, "approve", yes.clone()).await;
    assert_eq!((code, &told["why"]), (409, &json!("mismatch")), "{told}");
    assert_eq!(daemon.shop().await["active"], "east");
    // Neither does a yes to something else.
    let mut other = yes.clone();
    (other["loss"], other["epoch"]) = (json!("1h"), json!(7));
    let (code, told) = says(&daemon, "approve", other).await;
    assert_eq!((code, &told["why"]), (409, &json!("mismatch")), "{told}");
    let accepted = to_accept(&daemon).await;
    yes["loss"] = json!(accepted);
    let (code, told) = says(&daemon, "approve", yes).await;
    assert_eq!((code, &told["answer"]), (200, &json!("started")), "{told}");
    fails_over(&daemon).await;
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.2");
    // What is lost in truth is what was written since the cut, and no more of it than was stated.
    assert_eq!(shop.place.asks(west, "SELECT string_agg(n::text, ',' ORDER BY n) FROM orders"), "1");
    let lost = died.as_micros() as f64 / 1e6;
    assert!(stated >= lost, "stated {stated} s, lost {lost} s");
    println!("stated {stated:.1} s when it was requested, accepted {accepted}, lost {lost:.1} s");
    shop.place.sql(west, "INSERT INTO orders VALUES (4)");
    daemon.stop().await;
    shop.east.end();
}
