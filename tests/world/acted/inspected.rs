//! An inspection that a person orders: its programs look, what they say goes from step to step and stands in the chronicle,
//! and nothing is changed.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::shop::{Shop, comes, program, says, shows};
use crate::child::until;

const INSPECT: &str = r#"
[service.shop.scenario.ails]
when = { service = "trouble" }
plan = "look"
mode = "approve"
[service.shop.plan.look]
kind = "inspect"
inputs = { least = { default = "1" } }
[service.shop.plan.look.step.up]
kind = "verify"
probes = ["lives"]
timeout = "40s"
[service.shop.plan.look.step.count]
kind = "exec"
argv = ["@COUNT@", "{region}", "{region.data}"]
outputs = { rows = "stdout" }
timeout = "40s"
[service.shop.plan.look.step.judge]
kind = "exec"
needs = ["up", "count"]
argv = ["@JUDGE@", "{steps.count.rows}", "{inputs.least}"]
outputs = { verdict = "stdout" }
timeout = "20s"
"#;

/// All of a service's view that an inspection must leave as it is.
fn kept(view: &Value) -> Value {
    let mut kept = view.clone();
    let all = kept.as_object_mut().unwrap();
    all.retain(|key, _| !["runs", "decision", "plan", "gates", "rto", "rpo"].contains(&key.as_str()));
    kept["gate"]["heard"] = Value::Null;
    kept
}

#[tokio::test]
async fn a_person_lets_it_look_and_nothing_changes() {
    let shop = Shop::new().await;
    let place = shop.place.path("");
    let (host, east, west) = (place.display(), shop.east.port, shop.west.port);
    let count = program(
        shop.path(),
        "count",
        &format!(
            "case \"$1\" in east) p={east};; west) p={west};; esac\n\
             exec psql -XAt -h {host} -p $p -U postgres -d postgres -c 'SELECT count(*) FROM orders'"
        ),
    );
    let judge = program(
        shop.path(),
        "judge",
        "echo \"$1 of $2\" >> \"$0.log\"\n[ \"$1\" -ge \"$2\" ] && echo enough || { echo \"$1 are too few\" >&2; exit 64; }",
    );
    let plan = INSPECT.replace("@COUNT@", &count).replace("@JUDGE@", &judge);
    // What changes something has no place in it, and that is said before it starts.
    let changing =
        "[service.shop.plan.look.step.promote]\nkind = \"postgres_promote\"\ndsn = \"{region.db}\"\n";
    shop.write(&format!("{plan}{changing}"));
    let mut check = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    let checked = check.arg("check").arg(shop.path().join("watchkeeper.toml")).stdin(Stdio::null()).output();
    let checked = checked.unwrap();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(!checked.status.success() && said.contains("inspect"), "{said}");
    shop.write(&plan);
    let daemon = crate::daemon::program::Daemon::start(shop.path()).await;
    comes(&daemon, "the claim is held, and both are up", |view| {
        let up = [0, 1].iter().all(|at| view["regions"][at]["standing"] == "up");
        up && view["active"] == "east" && view["holder"] == "o"
    })
    .await;
    until("what it requires in the west is up", || async {
        shows(&daemon, "preview?order=run&plan=look&region=west").await["preview"]["open"] == true
    })
    .await;
    shop.place.sql(east, "INSERT INTO orders SELECT generate_series(1, 7)");
    until("they are replicated", || async { shop.place.asks(west, "SELECT count(*) FROM orders") == "7" })
        .await;
    let before = kept(&daemon.shop().await);
    let position = "SELECT xmin, n FROM orders ORDER BY n";
    let rows = shop.place.asks(east, position);
    // Without its phrase it is only shown.
    let order = json!({ "plan": "look", "region": "west" });
    let (code, told) = says(&daemon, "run", order.clone()).await;
    assert_eq!((code, &told["phrase"]), (428, &json!("RUN look ON shop")), "{told}");
    assert_eq!((&told["preview"]["kind"], &told["preview"]["to"]), (&json!("inspect"), &json!("west")));
    assert_eq!(daemon.events().await.of("started"), [""; 0]);
    for (nth, (at, least)) in [("west", "5"), ("east", "7"), ("east", "8")].into_iter().enumerate() {
        let mut order = json!({ "plan": "look", "region": at, "phrase": "RUN look ON shop" });
        order["inputs"] = json!({ "least": least });
        let (code, told) = says(&daemon, "run", order).await;
        assert_eq!((code, &told["answer"]), (200, &json!("started")), "{told}");
        if least == "8" {
            // It found too few, and says so to whoever asked; nothing goes on by itself from there.
            comes(&daemon, "it is held", |view| view["runs"][0]["state"] == "held").await;
            let run = daemon.shop().await["runs"][0].clone();
            assert!(run.to_string().contains("it ends with 64: 7 are too few"), "{run}");
            let (code, told) = daemon.post(&format!("/api/v1/runs/{}/abort", run["run"]), "{}").await;
            assert_eq!(code, 200, "{told}");
        }
        comes(&daemon, "it has ended", |view| view["runs"] == json!([])).await;
        until("that is told", || async { daemon.events().await.of("ended").len() > nth }).await;
    }
    let log = std::fs::read_to_string(format!("{judge}.log")).unwrap();
    assert_eq!(log, "7 of 5\n7 of 7\n7 of 8\n", "what one step says, the next is told");
    let events = daemon.events().await;
    let ended = events.of("ended");
    assert!(
        ended[0].ends_with("run 1 has ended: done") && ended[1].ends_with("run 2 has ended: done"),
        "{ended:?}"
    );
    assert!(ended[2].ends_with(": undone"), "{ended:?}");
    let journalled = events.of("journalled").join("\n");
    assert!(journalled.contains("rows = 7") && journalled.contains("verdict = enough"), "{journalled}");
    assert_eq!(kept(&daemon.shop().await), before);
    assert_eq!(shop.place.asks(east, position), rows);
    assert_eq!(shop.place.asks(west, "SELECT pg_is_in_recovery()"), "t");
    assert_eq!(shop.named.says_at_last("www.shop.test", "A").await, "10.0.0.1");
    daemon.stop().await;
}
