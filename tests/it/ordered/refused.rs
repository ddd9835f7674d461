//! What is refused: by role, by what was shown, by gates; and what cannot be understood is answered with what to write.

use serde_json::json;

use super::MOVE;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_looks_and_gives_no_order() {
    let stage = Stage::set("observe", &[("vic", "viewer"), ("root", "admin")]).await;
    for path in [
        "services/shop/failover",
        "services/shop/failback",
        "services/shop/run",
        "services/shop/pause",
        "services/shop/approve",
        "services/shop/veto",
        "services/shop/release",
        "services/shop/triggers/none/clear",
        "services/shop/incidents/1/acknowledge",
        "incidents/1/annotate",
        "runs/1/abort",
        "runs/shop/1/approve",
        "evacuate",
        "pause",
    ] {
        let (code, said) = stage.says_as(Some("vic"), path, json!({ "phrase": MOVE })).await;
        assert_eq!(code, 403, "{path}: {said}");
        assert_eq!(stage.says(path, json!({})).await.0, 401, "{path}");
    }
    assert_eq!(stage.reads("services/shop/preview").await.0, 401);
    assert_eq!(stage.reads("runs").await.0, 401);
    assert!(stage.calls("west").is_empty());
    let (code, said) = stage.says_as(Some("root"), "services/shop/failover", json!({ "phrase": MOVE })).await;
    assert_eq!(code, 200, "{said}");
    stage.ends_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_shown_must_be_what_is_done() {
    let stage = Stage::set("observe", &[]).await;
    let other = "0".repeat(64);
    for stale in [json!({ "hash": other }), json!({ "epoch": 99 })] {
        let mut order = stale.clone();
        order["phrase"] = MOVE.into();
        let (code, said) = stage.says("services/shop/failover", order).await;
        assert_eq!((code, &said["why"]), (409, &json!("mismatch")), "{said}");
        assert_eq!(said["preview"]["to"], "west", "a refusal shows it too: {said}");
    }
    assert!(stage.calls("west").is_empty());

    // What would be lost is unknown, and nothing settles the old side: both are shown, and have to be accepted.
    let phrase = "FAILOVER db TO west";
    let (code, said) = stage.says("services/db/failover", json!({ "phrase": phrase })).await;
    assert_eq!((code, &said["why"]), (409, &json!("gates")), "{said}");
    let shown = &said["preview"];
    assert_eq!(shown["loss"], json!({ "seconds": null, "rpo": 5.0 }));
    assert!(shown["exposure"].as_str().is_some_and(|it| it.contains("east")), "{shown}");
    let gate = |named: &str| {
        let gates = shown["gates"].as_array().expect("gates");
        gates.iter().find(|gate| gate["gate"] == named).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&gate("data_loss")["says"], &gate("data_loss")["passed_by"]),
        (&json!("blocks"), &json!("unknown_loss"))
    );
    assert_eq!((&gate("fence")["says"], &gate("fence")["passed_by"]), (&json!("blocks"), &json!("exposure")));
    let (_, said) = stage.reads("services/db/preview?unknown_loss=true&exposure=true").await;
    assert_eq!(said["preview"]["open"], true, "{said}");
    assert!(stage.calls("west").is_empty());
    let order = json!({ "phrase": phrase, "unknown_loss": true, "exposure": true });
    let (code, said) = stage.says("services/db/failover", order).await;
    assert_eq!(code, 200, "{said}");
    assert_eq!(stage.ends("db", said["run"].as_u64().expect("a run")).await, "done");
    assert_eq!(stage.calls("west"), ["/promote"]);
    stage.ends_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_or_not_understood_is_said() {
    let stage = Stage::set("observe", &[]).await;
    for (path, body, code, wanted) in [
        ("services/none/failover", json!({}), 404, "there is no service `none`"),
        ("services/shop/failover", json!({ "to": "moon" }), 404, "no region `moon`"),
        ("services/shop/failover", json!({ "plan": "moon" }), 404, "no such plan"),
        ("services/shop/failover", json!({ "to": "east" }), 409, "active there already"),
        (
            "services/shop/failover",
            json!({ "too": "west" }),
            400,
            "`too` is no key that is known here: these are to, plan, planned, hash",
        ),
        ("services/shop/failover", json!({ "planned": 1 }), 400, "write true or false"),
        ("services/shop/failover", json!([]), 400, "no JSON object"),
        ("services/shop/run", json!({}), 400, "`plan` is missing"),
        ("services/shop/run", json!({ "plan": "moon" }), 404, "no such plan"),
        ("services/shop/run", json!({ "plan": "mend", "mode": "x" }), 400, "write live, drill or preview"),
        (
            "services/shop/run",
            json!({ "plan": "mend", "inputs": { "size": "huge" } }),
            400,
            "one of small, large",
        ),
        (
            "services/shop/run",
            json!({ "plan": "mend", "inputs": { "ticket": "7" } }),
            400,
            "must match `T-[0-9]+`",
        ),
        (
            "services/shop/run",
            json!({ "plan": "mend", "inputs": { "siez": "large" } }),
            400,
            "has no input `siez`; it has size, ticket",
        ),
        ("services/shop/run", json!({ "plan": "mend", "phrase": "RUN mend ON shop" }), 409, "inputs"),
        ("services/shop/adopt", json!({}), 400, "`region` is missing"),
        ("services/shop/release", json!({ "region": "west" }), 409, "not quarantined"),
        ("services/shop/approve", json!({ "epoch": 1 }), 409, "nothing is announced or requested"),
        ("services/shop/triggers/none/clear", json!({}), 404, "no trigger `none`"),
        ("runs/77/abort", json!({}), 404, "no run 77 is under way"),
        ("runs/shop/77/abort", json!({}), 404, "no such run"),
        ("runs/shop/77/veto", json!({}), 404, "no run 77 is under way"),
        ("runs/shop/x/abort", json!({}), 404, "no run's number"),
        ("runs/77/dance", json!({}), 404, "it can be told approve, veto"),
        ("incidents/7/acknowledge", json!({}), 404, "no incident 7 is open"),
        ("evacuate", json!({ "region": "moon" }), 404, "no service has a region `moon`"),
        ("evacuate", json!({ "region": "west" }), 428, "EVACUATE west"),
    ] {
        let (got, said) = stage.says(path, body.clone()).await;
        assert!(
            got == code && said.to_string().replace("\\\"", "\"").contains(wanted),
            "{path} {body}: {got} {said}"
        );
    }
    assert_eq!(stage.reads("services/none/preview").await.0, 404);
    assert_eq!(stage.reads("services/shop/preview?order=dance").await.0, 400);
    assert_eq!(stage.reads("runs/1").await.0, 404);
    assert!(stage.calls("west").is_empty());

    // Whoever leaves a region is told who would, and does so by the phrase alone.
    let (code, said) = stage.says("evacuate", json!({ "region": "east" })).await;
    assert_eq!((code, &said["services"]), (428, &json!(["db", "mail", "shop"])), "{said}");
    let order = json!({ "region": "east", "phrase": "EVACUATE east", "reason": "a flood" });
    let (code, said) = stage.says("evacuate", order).await;
    assert!(code < 300, "{code} {said}");
    crate::living::talk::until("what can has left", async || {
        stage.service("shop").await["active"] == "west" && stage.service("mail").await["active"] == "west"
    })
    .await;
    assert!(stage.told("mail").await.iter().any(|text| text.contains("evacuate: a flood")));
    stage.ends_all().await;
}
