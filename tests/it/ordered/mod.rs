//! Orders over HTTP, as operators give them, against a daemon that acts: what each shows, what it does, and what it leaves
//! undone.

mod asked;
mod command;
mod refused;
mod stage;

use serde_json::json;

use crate::living::talk::until;
use stage::Stage;

const MOVE: &str = "FAILOVER shop TO west";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_shown_and_done_only_by_its_phrase() {
    let stage = Stage::set("approve", &[]).await;
    for phrase in [None, Some("failover shop to west"), Some("FAILOVER shop TO east")] {
        let (code, said) =
            stage.says("services/shop/failover", json!({ "phrase": phrase, "reason": "x" })).await;
        assert_eq!((code, &said["answer"], &said["phrase"]), (428, &json!("phrase"), &json!(MOVE)), "{said}");
        let shown = &said["preview"];
        assert_eq!(
            (&shown["plan"], &shown["from"], &shown["to"]),
            (&json!("failover"), &json!("east"), &json!("west"))
        );
        assert_eq!(
            (&shown["open"], &shown["loss"], &shown["exposure"]),
            (&json!(true), &json!(null), &json!(null))
        );
        assert_eq!(shown["hash"].as_str().map(str::len), Some(64));
        let lines = shown["preview"].to_string();
        assert!(lines.contains("/take-over/shop") && lines.contains("{file "), "{lines}");
        let gates = shown["gates"].as_array().expect("gates");
        assert!(
            gates.iter().any(|gate| gate["gate"] == "candidate" && gate["says"] == "passes"),
            "{gates:?}"
        );
    }
    let (code, same) = stage.reads("services/shop/preview?to=west&planned=false").await;
    assert_eq!((code, &same["answer"], &same["phrase"]), (200, &json!("shown"), &json!(MOVE)));
    assert!(stage.calls("west").is_empty(), "nothing was done");
    assert_eq!(stage.service("shop").await["active"], "east");

    let order = json!({ "phrase": MOVE, "reason": "the mains in east are cut" });
    let (code, said) = stage.says("services/shop/failover", order).await;
    assert_eq!((code, &said["answer"]), (200, &json!("started")), "{said}");
    assert_eq!(said["preview"]["hash"], same["preview"]["hash"]);
    let run = said["run"].as_u64().expect("its number");
    assert_eq!(stage.ends("shop", run).await, "done");
    assert_eq!(stage.calls("west"), ["/prepare", "/take-over/shop"], "each exactly once");
    assert!(
        stage.heads("west", "/take-over/shop")[0].contains(stage::SECRET),
        "the secret goes where it belongs"
    );
    assert!(stage.calls("east").is_empty());
    until("the record says so", async || {
        let shop = stage.service("shop").await;
        (&shop["active"], &shop["last_failover"]) == (&json!("west"), &json!([run, "done"]))
    })
    .await;
    let told = stage.told("shop").await;
    for wanted in [
        "shop: local notes: failover: the mains in east are cut",
        &format!("shop: local from 127.0.0.1 orders failover: run {run} is started"),
    ] {
        assert!(told.iter().any(|text| text == wanted), "{wanted}: {told:#?}");
    }

    // It goes home by its own phrase, and knows when there is no way.
    let (code, said) = stage.says("services/shop/failback", json!({})).await;
    assert_eq!((code, &said["phrase"]), (428, &json!("FAILBACK shop TO east")), "{said}");
    until("east may be gone back to", async || {
        stage.says("services/shop/release", json!({ "region": "east" })).await.0 == 200
    })
    .await;
    let (code, said) =
        stage.says("services/shop/failback", json!({ "phrase": "FAILBACK shop TO east" })).await;
    assert_eq!((code, &said["preview"]["planned"]), (200, &json!(true)), "{said}");
    assert_eq!(stage.ends("shop", said["run"].as_u64().expect("a run")).await, "done");
    until("it is home", async || stage.service("shop").await["active"] == "east").await;
    let (code, said) = stage.says("services/mail/failback", json!({})).await;
    assert_eq!((code, &said["why"]), (409, &json!("no_way_home")), "{said}");
    stage.ends_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_run_says_why_and_is_mended_skipped_or_aborted() {
    let stage = Stage::set("observe", &[]).await;
    // The target does not know what it is asked: nothing was done, and a person must say what next.
    stage.answers("west/take-over/shop", 404);
    let (code, said) = stage.says("services/shop/failover", json!({ "phrase": MOVE })).await;
    assert_eq!(code, 200, "{said}");
    let run = stage.held("shop").await;
    assert_eq!((&run["from"], &run["to"], &run["planned"]), (&json!("east"), &json!("west"), &json!(false)));
    assert_eq!(run["held"], "step take_over needs a person");
    let step =
        run["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["name"] == "take_over"));
    let step = step.expect("its step");
    assert!(step["detail"].as_str().is_some_and(|why| why.contains("404")), "{step}");
    assert!(step["seconds"].is_number() && run["longest"].as_f64().is_some_and(|most| most >= 4.0), "{run}");
    let id = run["run"].as_u64().expect("its number");
    let (code, alone) = stage.reads(&format!("runs/{id}")).await;
    assert_eq!((code, &alone["service"], &alone["state"]), (200, &json!("shop"), &json!("held")));
    assert_eq!(stage.reads(&format!("runs/shop/{id}")).await.0, 200);
    assert_eq!(stage.reads("runs").await.1["runs"].as_array().map(Vec::len), Some(1));

    // A second one elsewhere has the same number: which is meant must be said.
    stage.answers("west/take-over/mail", 404);
    let order = json!({ "phrase": "FAILOVER mail TO west" });
    assert_eq!(stage.says("services/mail/failover", order).await.1["run"], id);
    stage.held("mail").await;
    for (code, said) in
        [stage.reads(&format!("runs/{id}")).await, stage.says(&format!("runs/{id}/abort"), json!({})).await]
    {
        assert_eq!((code, &said["services"]), (409, &json!(["mail", "shop"])), "{said}");
    }

    let path = |verb: &str| format!("runs/shop/{id}/{verb}");
    let (code, said) = stage.says(&path("retry"), json!({})).await;
    assert!(
        code == 400 && said.as_str().is_some_and(|why| why.contains("{\"step\": \"take_over\"}")),
        "{said}"
    );
    let (code, said) = stage.says(&path("retry"), json!({ "step": "none" })).await;
    assert_eq!(code, 404, "{said}");
    stage.answers("west/taken/shop", 404);
    stage.answers("west/take-over/shop", 200);
    let (code, said) = stage.says(&path("retry"), json!({ "step": "take_over", "reason": "mended" })).await;
    assert_eq!(code, 200, "{said}");
    let tries = || stage.calls("west").iter().filter(|path| *path == "/take-over/shop").count();
    until("it is tried again", async || tries() == 2).await;
    stage.answers("west/taken/shop", 200);
    assert_eq!(stage.ends("shop", id).await, "done");
    assert_eq!(tries(), 2);
    until("it is over", async || {
        let shop = stage.service("shop").await;
        shop["active"] == "west" && shop["runs"] == json!([])
    })
    .await;

    // With one left, its number is enough. Its commit point is ahead: it is stopped, and nothing has moved.
    let (code, said) = stage.says(&format!("runs/{id}/abort"), json!({ "reason": "not today" })).await;
    assert_eq!(code, 200, "{said}");
    assert_eq!(stage.ends("mail", id).await, "undone");
    assert_eq!(stage.service("mail").await["active"], "east");
    assert_eq!(stage.says(&format!("runs/mail/{id}/acknowledge"), json!({})).await.0, 200);
    let told = stage.told("mail").await;
    assert!(told.iter().any(|text| text.contains("local notes: abort: not today")), "{told:#?}");

    // A step that fails first is skipped, by somebody who knows better.
    stage.answers("west/take-over/mail", 200);
    stage.answers("east/prepare", 404);
    stage.says("services/shop/release", json!({ "region": "east" })).await;
    let order = json!({ "phrase": "FAILOVER shop TO east", "planned": true });
    let (code, said) = stage.says("services/shop/failover", order).await;
    assert_eq!(code, 200, "{said}");
    let run = stage.held("shop").await["run"].as_u64().expect("a run");
    let (code, said) = stage.says(&format!("runs/{run}/skip"), json!({ "step": "prepare" })).await;
    assert_eq!(code, 200, "{said}");
    assert!(stage.ends("shop", run).await.starts_with("done"));
    until("it has moved", async || stage.service("shop").await["active"] == "east").await;
    stage.ends_all().await;
}
