//! What is asked of people: an approval of what a scenario wants, the steps that wait for a yes or a tick, a pause, a drill.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::living::talk::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_scenario_wants_is_approved_as_it_is_shown() {
    let tokens = [("ann", "approver"), ("olaf", "operator"), ("root", "admin")];
    let stage = Stage::set("approve", &tokens).await;
    stage.answers("east/health", 500);
    until("it is requested", async || !stage.service_as(Some("ann"), "shop").await["request"].is_null())
        .await;
    let request = stage.service_as(Some("ann"), "shop").await["request"].clone();
    assert_eq!(
        (&request["plan"], &request["to"], &request["why"]),
        (&json!("failover"), &json!("west"), &json!("scenario gone holds"))
    );
    assert_eq!(
        stage.says_as(Some("olaf"), "services/shop/approve", json!({})).await.0,
        403,
        "an operator approves nothing"
    );
    let (code, said) = stage.says_as(Some("ann"), "services/shop/approve", json!({})).await;
    assert_eq!((code, &said["request"]), (428, &request), "{said}");
    let of = |epoch: &Value| json!({ "hash": request["hash"], "epoch": epoch });
    let (code, said) = stage.says_as(Some("ann"), "services/shop/approve", of(&json!(99))).await;
    assert_eq!((code, &said["why"]), (409, &json!("mismatch")), "{said}");
    assert!(stage.calls("west").is_empty());
    let (code, said) = stage.says_as(Some("ann"), "services/shop/approve", of(&request["epoch"])).await;
    assert_eq!((code, &said["answer"]), (200, &json!("started")), "{said}");
    until("it has moved", async || stage.service_as(Some("ann"), "shop").await["active"] == "west").await;
    assert_eq!(stage.calls("west"), ["/prepare", "/take-over/shop"]);
    stage.ends_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_holds_what_would_start_and_a_veto_says_no() {
    let stage = Stage::set("auto", &[]).await;
    assert_eq!(stage.says("services/shop/pause", json!({ "reason": "we work on it" })).await.0, 200);
    stage.answers("east/health", 500);
    until("it would start", async || {
        let shop = stage.service("shop").await;
        shop["gates"].as_array().is_some_and(|gates| gates.contains(&json!("paused")))
            && !shop["request"].is_null()
    })
    .await;
    let incident = stage.service("shop").await["incident"].as_u64().expect("an incident");
    let path = format!("services/shop/incidents/{incident}");
    assert_eq!(stage.says(&format!("{path}/acknowledge"), json!({})).await.0, 200);
    assert_eq!(stage.says(&format!("{path}/annotate"), json!({ "text": "the mains" })).await.0, 200);
    assert_eq!(stage.says(&format!("{path}/annotate"), json!({})).await.0, 400);
    assert_eq!(stage.says("services/shop/incidents/77/acknowledge", json!({})).await.0, 404);
    let (code, said) = stage.says("services/shop/veto", json!({ "reason": "no" })).await;
    assert_eq!(code, 200, "{said}");
    until("it is not wanted any more", async || stage.service("shop").await["request"].is_null()).await;
    let told = stage.told("shop").await;
    for wanted in [
        format!("local notes: incident {incident}: the mains"),
        "local notes: pause: we work on it".to_owned(),
    ] {
        assert!(told.iter().any(|text| text.contains(&wanted)), "{wanted}: {told:#?}");
    }
    assert!(stage.calls("west").is_empty(), "nothing was started");
    assert_eq!(stage.says("services/shop/resume", json!({})).await.0, 200);
    stage.ends_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_asks_people_waits_for_each_of_them() {
    let tokens = [("ann", "approver"), ("olaf", "operator"), ("root", "admin")];
    let stage = Stage::set("observe", &tokens).await;
    let order = |mode: &str, size: &str| json!({ "plan": "mend", "mode": mode, "inputs": { "size": size, "ticket": "T-7" }, "phrase": "RUN mend ON shop" });
    let by = async |who: &str, path: &str, body: Value| stage.says_as(Some(who), path, body).await;
    // A preview sends nothing.
    let (code, said) = by("olaf", "services/shop/run", order("preview", "large")).await;
    assert_eq!((code, &said["answer"]), (200, &json!("started")), "{said}");
    until("it has ended", async || stage.service_as(Some("root"), "shop").await["runs"] == json!([])).await;
    assert!(stage.calls("east").is_empty());

    let (code, said) = by("olaf", "services/shop/run", order("live", "large")).await;
    assert_eq!(code, 200, "{said}");
    let run = said["run"].as_u64().expect("its number");
    let asks = async |step: &str| {
        let step = json!(step);
        until("it asks", async || {
            stage.service_as(Some("root"), "shop").await["runs"][0]["asks"][0]["step"] == step
        })
        .await;
        stage.service_as(Some("root"), "shop").await["runs"][0]["asks"][0].clone()
    };
    let asked = asks("ask").await;
    assert_eq!(
        (&asked["role"], &asked["items"][0]["text"]),
        (&json!("operator"), &json!("somebody has looked at T-7"))
    );
    let path = |verb: &str| format!("runs/{run}/{verb}");
    let (code, said) = by("olaf", &path("tick"), json!({ "step": "ask" })).await;
    assert!(code == 400 && said.as_str().is_some_and(|why| why.contains("`item` is missing")), "{said}");
    let (code, said) = by("olaf", &path("tick"), json!({ "step": "ask", "item": 9 })).await;
    assert_eq!(code, 404, "{said}");
    for item in [0, 1] {
        let (code, said) = by("olaf", &path("tick"), json!({ "step": "ask", "item": item })).await;
        assert_eq!(code, 200, "{said}");
    }
    let asked = asks("yes").await;
    assert_eq!((&asked["text"], &asked["count"]), (&json!("mend it with large?"), &json!(1)));
    assert_eq!(by("olaf", &path("approve"), json!({ "step": "yes" })).await.0, 403);
    assert!(stage.calls("east").is_empty());
    let (code, said) = by("ann", &path("approve"), json!({ "step": "yes" })).await;
    assert_eq!(code, 200, "{said}");
    until("it has ended", async || stage.service_as(Some("root"), "shop").await["runs"] == json!([])).await;
    assert_eq!(stage.calls("east"), ["/mend?size=large"]);

    // A drill of a failover does nothing to production.
    let drill =
        json!({ "plan": "failover", "mode": "drill", "longest": "1m", "phrase": "RUN failover ON shop" });
    let (code, said) = by("olaf", "services/shop/run", drill).await;
    assert_eq!(code, 200, "{said}");
    until("it has ended", async || stage.service_as(Some("root"), "shop").await["runs"] == json!([])).await;
    assert!(stage.calls("west").is_empty());
    assert_eq!(stage.service_as(Some("root"), "shop").await["active"], "east");
    stage.ends_all().await;
}
