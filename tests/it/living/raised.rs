//! Triggers by HTTP: who may raise them, signed or not, what the body says, and that what was answered stays.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use watchkeeper::config::wiring::{Token, TokenRole, Trigger, TriggerKind};
use watchkeeper::daemon::clock;

use super::talk::send;
use super::*;

const SHOP: &str = "/api/v1/triggers/shop/signal";
const MAIL: &str = "/api/v1/triggers/mail/signal";

/// The headers of Standard Webhooks.
fn signed(secret: &str, id: &str, ago: u64, body: &str) -> [(&'static str, String); 3] {
    let at = (clock::now().wall.as_micros() / 1_000_000 - ago).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let tag = format!("v1,bm90IHRoaXM= v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    [("webhook-id", id.to_owned()), ("webhook-timestamp", at), ("webhook-signature", tag)]
}

async fn call(at: SocketAddr, path: &str, body: &str, headers: &[(&str, String)]) -> (u16, String) {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    send(at, "POST", path, body, &headers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_is_raised_by_whoever_may_and_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let target = Target::new().await;
    let probes = ["shop", "mail"]
        .iter()
        .flat_map(|service| ["east", "west"].map(|region| probe(service, region, tcp(target.address))));
    let secret = |called: &str| {
        let path = dir.path().join(called);
        std::fs::write(&path, format!("{called}-secret\n")).expect("a secret");
        Secret::File(path)
    };
    let trigger = |service: &str, kind, labels: &[(&str, &str)]| Trigger {
        service: name(service),
        name: name("signal"),
        title: "a signal".to_owned(),
        kind,
        secret: secret(service),
        labels: labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        fields: vec![(name("source"), regex::Regex::new("^(?:[a-z]{1,9})$").expect("a pattern"))],
        until_acknowledged: false,
    };
    let triggers = vec![
        trigger("shop", TriggerKind::Webhook, &[]),
        trigger("mail", TriggerKind::Alertmanager, &[("alertname", "Breach")]),
    ];
    let edge = Edge { triggers, ..Edge::default() };
    let points = vec![target.address.to_string(); 3];
    let mut setup = Setup { policy: toy::policy(0, 1), probes: probes.collect(), references: points, edge };
    let loaded: Loaded = Arc::new(Mutex::new(Ok(setup.clone())));
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;
    let known = async || {
        let now = status(at).await;
        let all = now["services"].as_array().filter(|all| all.len() == 2);
        all.is_some_and(|all| all.iter().all(|service| !service["epoch"].is_null()))
    };
    until("both have records", known).await;
    let is = async |service: usize, up: bool| {
        let now = status(at).await;
        let raised = now["services"][service]["raised"].as_array().expect("a list").len();
        raised == usize::from(up)
    };

    // Signed.
    for (what, body, headers) in [
        ("of another secret", "{}", signed("other", "m1", 0, "{}")),
        ("of another body", "[]", signed("shop-secret", "m1", 0, "{}")),
        ("of long ago", "{}", signed("shop-secret", "m1", 400, "{}")),
    ] {
        assert_eq!(call(at, SHOP, body, &headers).await.0, 401, "{what}");
    }
    let bad = signed("shop-secret", "m1", 0, r#"{"source":"NO!"}"#);
    assert_eq!(call(at, SHOP, r#"{"source":"NO!"}"#, &bad).await.0, 422);
    assert!(is(1, false).await, "nothing of that has raised it");
    let good = signed("shop-secret", "m1", 0, r#"{"source":"siem"}"#);
    let (code, said) = call(at, SHOP, r#"{"source":"siem"}"#, &good).await;
    assert!(code == 200 && said.contains("\"raised\""), "{code} {said}");
    until("it is shown", async || is(1, true).await).await;
    let body = r#"{"status":"resolved"}"#;
    let over = signed("shop-secret", "m2", 0, body);
    let (code, said) = call(at, SHOP, body, &over).await;
    assert_eq!(code, 200, "{said}");
    until("it is over", async || is(1, false).await).await;
    let (code, said) = call(at, SHOP, r#"{"source":"siem"}"#, &good).await;
    assert!(code == 200 && said.contains("so_already") && is(1, false).await, "a copy does nothing: {said}");

    // As an alert.
    let alert = |name: &str, status: &str| {
        json!({ "alerts": [{ "status": status, "labels": { "alertname": name } }] }).to_string()
    };
    let bearer = |token: &str| [("authorization", format!("Bearer {token}"))];
    assert_eq!(call(at, MAIL, &alert("Breach", "firing"), &bearer("wrong")).await.0, 401);
    let (code, said) = call(at, MAIL, &alert("Other", "firing"), &bearer("mail-secret")).await;
    assert!(code == 200 && said.contains("\"nothing\"") && is(0, false).await, "{code} {said}");
    assert_eq!(call(at, MAIL, &alert("Breach", "firing"), &bearer("mail-secret")).await.0, 200);
    until("mail's is raised", async || is(0, true).await).await;
    assert_eq!(call(at, MAIL, &alert("Breach", "resolved"), &bearer("mail-secret")).await.0, 200);
    until("mail's is over", async || is(0, false).await).await;

    // By an operator: here, whoever is on this machine.
    for path in ["/api/v1/triggers/shop/none", "/api/v1/triggers/none/signal"] {
        assert_eq!(call(at, path, "", &[]).await.0, 404);
        assert_eq!(send(at, "DELETE", path, "", &[]).await.0, 404);
    }
    assert_eq!(call(at, SHOP, "", &[("origin", "http://evil.example".to_owned())]).await.0, 403);
    assert_eq!(call(at, SHOP, "", &[]).await.0, 200);
    until("it is raised", async || is(1, true).await).await;
    assert_eq!(send(at, "DELETE", SHOP, "", &[]).await.0, 200);
    until("it is cleared", async || is(1, false).await).await;

    // With tokens, by those who may operate.
    let token = |called: &str, role| {
        let sha256 = Sha256::digest(called.as_bytes()).into();
        Token { name: name(called), sha256, role, expires: None }
    };
    setup.edge.api.tokens = vec![token("look", TokenRole::Viewer), token("work", TokenRole::Operator)];
    setup.edge.triggers[0].until_acknowledged = true;
    *loaded.lock().expect("a lock") = Ok(setup.clone());
    assert_eq!(running.reload().await, Ok(()));
    assert_eq!(call(at, SHOP, "", &[]).await.0, 401);
    for (bearer_of, code) in [("wrong", 401), ("shop-secret", 401), ("look", 403), ("work", 200)] {
        assert_eq!(call(at, SHOP, "", &bearer(bearer_of)).await.0, code, "{bearer_of}");
    }
    let (code, said) = call(at, SHOP, body, &signed("shop-secret", "m3", 0, body)).await;
    assert!(code == 200 && said.contains("only an operator"), "{code} {said}");

    // What was answered was on the disk.
    setup.edge.api.tokens.clear();
    *loaded.lock().expect("a lock") = Ok(setup);
    running.end().await;
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;
    let stays =
        async || status(at).await["services"][1]["raised"].as_array().is_some_and(|raised| raised.len() == 1);
    until("it is raised after another start", stays).await;
    running.end().await;
}
