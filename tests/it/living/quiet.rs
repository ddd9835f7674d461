//! Maintenance windows and a disk that has too little room, each in a whole daemon: shown, in the way of what would be
//! done, and over by itself.

use std::str::FromStr;

use watchkeeper::config::wiring::{Open, Window};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_and_a_small_disk_stand_in_the_way() {
    let dir = tempfile::tempdir().expect("a folder");
    let (east, west) = (Target::new().await, Target::new().await);
    let probes = vec![probe("shop", "east", tcp(east.address)), probe("shop", "west", tcp(west.address))];
    let points = vec![west.address.to_string(), west.address.to_string(), west.address.to_string()];
    let zone = jiff::tz::TimeZone::UTC;
    let cron = Box::new(croner::Cron::from_str("* * * * *").expect("a line"));
    let window = Window {
        name: name("patching"),
        services: Some(vec![name("shop")]),
        regions: None,
        when: Open::Every { cron, zone, lasts: Span::mins(1) },
        silence: false,
    };
    let mut setup = Setup { policy: toy::policy(0, 1), probes, references: points, edge: Edge::default() };
    setup.edge.maintenance = vec![window];
    let loaded: Loaded = Arc::new(Mutex::new(Ok(setup.clone())));
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;
    until("it has a record", async || !shop(&status(at).await)["active"].is_null()).await;
    let (code, said) = post(at, "/api/v1/services/shop/adopt", json!({ "region": "east" }), &[]).await;
    assert_eq!(code, 200, "{said}");

    east.falls().await;
    let gate = |now: &Value, gate: &str| {
        shop(now)["gates"].as_array().is_some_and(|gates| gates.contains(&json!(gate)))
    };
    until("the window is in the way", async || gate(&status(at).await, "maintenance")).await;
    let now = status(at).await;
    let open = &now["maintenance"][0];
    assert_eq!(
        (&open["name"], &open["effect"], &open["services"]),
        (&json!("patching"), &json!("approve"), &json!(["shop"]))
    );
    assert!(open["until"].as_str() > now["at"].as_str(), "{now}");
    let why = get(at, "/api/v1/services/shop/why").await.1;
    assert!(why.contains("by maintenance: a maintenance window is open"), "{why}");
    assert!(get(at, "/metrics").await.1.contains("watchkeeper_maintenance_open{window=\"patching\"} 1"));

    setup.edge.maintenance.clear();
    setup.edge.min_free = u64::MAX;
    *loaded.lock().expect("a lock") = Ok(setup.clone());
    assert_eq!(running.reload().await, Ok(()));
    until("the window is gone", async || !gate(&status(at).await, "maintenance")).await;
    assert_eq!(status(at).await["maintenance"], json!([]));
    until("there is too little room", async || status(at).await["store"] == "full").await;
    let now = status(at).await;
    assert!(now["store_why"].as_str().is_some_and(|why| why.contains("min_free wants")), "{now}");
    let health: Value = serde_json::from_str(&get(at, "/health").await.1).expect("JSON");
    assert_eq!(health["checks"]["store"]["status"], "degraded", "{health}");
    let metrics = get(at, "/metrics").await.1;
    assert!(
        metrics.contains("watchkeeper_store_ok 0")
            && metrics.contains("watchkeeper_maintenance_open{window=\"patching\"} 0")
    );

    setup.edge.min_free = 0;
    *loaded.lock().expect("a lock") = Ok(setup);
    assert_eq!(running.reload().await, Ok(()));
    until("there is room", async || status(at).await["store"] == "ok").await;
    assert_eq!(status(at).await["store_why"], Value::Null);
    running.end().await;
}
