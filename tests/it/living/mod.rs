//! A whole daemon, in-process, with real sockets: it watches, says what it would do and why, reloads, and ends in order.

mod door;
mod quiet;
mod raised;
mod speaks;
pub(crate) mod talk;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use watchkeeper::config::probe::{Kind, Probe, Tcp};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::policy::Policy;
use watchkeeper::core::time::Span;
use watchkeeper::daemon::{self, Edge, Place, Setup, Stopped, metrics};

use crate::toy::{self, name};
use talk::{get, post, until};

/// A port that answers for as long as it is held.
struct Target {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Target {
    async fn new() -> Target {
        Target::at("127.0.0.1:0".parse().expect("an address")).await
    }

    async fn at(address: SocketAddr) -> Target {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut set = tokio::task::JoinSet::new();
        let task = set.spawn(async move { while listener.accept().await.is_ok() {} });
        drop(task);
        let task =
            tokio::runtime::Handle::current().spawn(async move { while set.join_next().await.is_some() {} });
        Target { address, task }
    }

    async fn falls(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

fn probe(service: &str, region: &str, kind: Kind) -> Probe {
    Probe {
        service: name(service),
        name: name("web"),
        region: Some(name(region)),
        trigger: true,
        interval: Span::millis(200),
        timeout: Span::millis(100),
        expect: Vec::new(),
        kind,
    }
}

fn tcp(address: SocketAddr) -> Kind {
    Kind::Tcp(Tcp { address: address.to_string(), send: None, tls: false, ca: None })
}

type Loaded = Arc<Mutex<Result<Setup, String>>>;

fn config(loaded: &Loaded) -> Arc<dyn daemon::Config> {
    let loaded = Arc::clone(loaded);
    Arc::new(move || loaded.lock().expect("a lock").clone())
}

fn place(dir: &std::path::Path) -> Place {
    Place::new(dir.to_owned(), "127.0.0.1:0".parse().expect("an address"), 0xC0FFEE)
}

async fn status(at: SocketAddr) -> Value {
    serde_json::from_str(&get(at, "/api/v1/status").await.1).expect("JSON")
}

fn shop(status: &Value) -> &Value {
    &status["services"][1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_watches_says_what_it_would_do_and_ends_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let (east, west, mail) = (Target::new().await, Target::new().await, Target::new().await);
    let points =
        vec![mail.address.to_string(), west.address.to_string(), format!("http://{}/", mail.address)];
    let token = dir.path().join("token");
    std::fs::write(&token, "beat-it\n").expect("a token");
    let probes = vec![
        probe("shop", "east", tcp(east.address)),
        probe("shop", "west", tcp(west.address)),
        probe("mail", "east", tcp(mail.address)),
        probe(
            "mail",
            "west",
            Kind::Heartbeat(watchkeeper::config::probe::Heartbeat { token: Secret::File(token) }),
        ),
    ];
    let setup = Setup { policy: toy::policy(0, 1), probes, references: points, edge: Edge::default() };
    let loaded: Loaded = Arc::new(Mutex::new(Ok(setup.clone())));
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;

    until("it is ready", async || get(at, "/-/ready").await.0 == 200).await;
    assert_eq!(get(at, "/-/healthy").await, (200, "healthy\n".to_owned()));
    let known = async || {
        let now = status(at).await;
        let all = now["services"].as_array().filter(|all| !all.is_empty());
        all.is_some_and(|all| all.iter().all(|service| !service["active"].is_null()))
    };
    until("stateless services have their records by sight", known).await;
    let (code, said) = post(at, "/api/v1/services/shop/adopt", json!({ "region": "east" }), &[]).await;
    assert_eq!(code, 200, "{said}");
    until("it is adopted", async || shop(&status(at).await)["active"] == "east").await;
    let (code, said) = post(at, "/api/v1/services/shop/adopt", json!({ "region": "east" }), &[]).await;
    assert!(code == 200 && said.contains("so_already"), "{code} {said}");
    let epoch = shop(&status(at).await)["epoch"].clone();
    let (code, said) = post(at, "/api/v1/services/shop/adopt", json!({ "region": "moon" }), &[]).await;
    assert!(code == 404 && said.contains("no region `moon`"), "{code} {said}");
    let (code, said) = post(at, "/api/v1/services/none/pause", json!({}), &[]).await;
    assert!(code == 404 && said.contains("no service"), "{code} {said}");
    let (code, _) =
        post(at, "/api/v1/services/shop/pause", json!({}), &[("origin", "http://evil.example")]).await;
    assert_eq!(code, 403, "no web page gives orders");
    assert_eq!(post(at, "/api/v1/pause", json!({}), &[]).await.0, 200);
    until("it is paused", async || shop(&status(at).await)["paused"] == true).await;
    assert_eq!(post(at, "/api/v1/resume", json!({}), &[]).await.0, 200);

    let beat = "/api/v1/heartbeat/mail/web/west";
    assert_eq!(post(at, beat, json!({}), &[("authorization", "Bearer wrong")]).await.0, 403);
    assert_eq!(post(at, beat, json!({}), &[("authorization", "Bearer beat-it")]).await.0, 204);

    let health: Value = serde_json::from_str(&get(at, "/health").await.1).expect("JSON");
    assert_eq!(health["status"], "healthy", "{health}");
    assert!(
        health["timestamp"].as_str().is_some_and(|it| it.ends_with('Z'))
            && health["checks"]["store"]["status"] == "ok"
    );

    let dead = east.address;
    east.falls().await;
    until("it would move the service", async || shop(&status(at).await)["plan"] == "failover").await;
    let now = status(at).await;
    assert_eq!((&shop(&now)["decision"], &now["mode"]), (&json!("blocked"), &json!("observe")));
    assert!(shop(&now)["gates"].as_array().is_some_and(|gates| gates.contains(&json!("mode"))), "{now}");
    let (code, why) = get(at, "/api/v1/services/shop/why").await;
    assert!(code == 200 && why.contains("observe") && why.contains("failover"), "{why}");
    assert_eq!(get(at, "/api/v1/services/none/why").await.0, 404);
    let told = async || {
        get(at, "/api/v1/services/shop/events?limit=1000").await.1.contains("it would start plan failover")
    };
    until("the chronicle has it", told).await;
    assert!(!status(at).await.to_string().contains("\"run\""), "nothing was started");

    metrics_are_listed(&get(at, "/metrics").await.1);

    // A bad config changes nothing, and says so; the next good one is taken, and no probe begins anew.
    *loaded.lock().expect("a lock") = Err("line 3: `prob` is no table; did you mean `probe`?".to_owned());
    let (code, said) = post(at, "/-/reload", json!({}), &[]).await;
    assert!(code == 422 && said.contains("did you mean"), "{code} {said}");
    assert!(status(at).await["reload"].as_str().is_some_and(|why| why.contains("line 3")));
    assert!(get(at, "/metrics").await.1.contains("watchkeeper_config_reload_success 0"));
    assert_eq!(shop(&status(at).await)["plan"], "failover");
    let mut other = toy::draft(0, 1);
    other.services.remove(0);
    other.services[0].title = "Shop".to_owned();
    let fewer = setup.probes.iter().filter(|probe| probe.service == name("shop")).cloned().collect();
    let policy = Arc::new(Policy::build(other).expect("a policy"));
    *loaded.lock().expect("a lock") =
        Ok(Setup { policy, probes: fewer, references: setup.references.clone(), edge: Edge::default() });
    assert_eq!(running.reload().await, Ok(()));
    let now = status(at).await;
    assert_eq!((now["services"].as_array().map(Vec::len), &now["reload"]), (Some(1), &Value::Null));
    assert_eq!(now["services"][0]["plan"], "failover", "no probe lost its history: {now}");

    let _back = Target::at(dead).await;
    until("it is well again", async || status(at).await["services"][0]["decision"] == "nothing").await;
    tokio::time::timeout(Duration::from_secs(20), running.end()).await.expect("it ends within its limit");

    // Another life: the record is there, the chain holds, and nobody else has the store.
    let running =
        daemon::start(config(&loaded), place(dir.path())).await.unwrap_or_else(|why| panic!("{why}"));
    let at = running.address;
    let there = async || {
        let now = status(at).await;
        now["services"][0]["active"] == "east" && now["services"][0]["epoch"] == epoch
    };
    until("the record is there", there).await;
    let taken = daemon::start(config(&loaded), place(dir.path())).await.err().expect("it is taken");
    assert!(
        matches!(&taken, Stopped::Store(_)) && taken.to_string().contains("another watchkeeper"),
        "{taken}"
    );
    running.end().await;
    let (store, _threads) = watchkeeper::store::open(dir.path(), Default::default()).expect("closed");
    let chronicle = watchkeeper::chronicle::Chronicle::new(store);
    assert!(chronicle.verify().await.is_ok_and(|chain| chain.is_ok_and(|count| count > 10)));
}

/// Everything served is listed, everything listed is written in `docs/METRICS.md`, and no name goes with too many labels.
fn metrics_are_listed(served: &str) {
    let listed: BTreeSet<&str> = metrics::LIST.iter().map(|(name, ..)| *name).collect();
    let names: BTreeSet<&str> = served
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    assert!(
        names.contains("watchkeeper_would_start") && names.contains("watchkeeper_probe_looks_started_total")
    );
    assert!(names.is_subset(&listed), "served, and not listed: {:?}", names.difference(&listed));
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md"))
        .expect("docs/METRICS.md");
    for (name, kind, says) in metrics::LIST {
        let row = format!("| `{name}` | {kind} | {says} |");
        assert!(docs.contains(&row), "docs/METRICS.md has no row\n{row}");
    }
    assert_eq!(docs.lines().filter(|line| line.starts_with("| `watchkeeper_")).count(), listed.len());
}

#[tokio::test]
async fn two_observers_need_another_coordinator() {
    let dir = tempfile::tempdir().expect("a folder");
    let setup = Setup {
        policy: toy::policy(0, 2),
        probes: Vec::new(),
        references: Vec::new(),
        edge: Edge::default(),
    };
    let refused = daemon::start(config(&Arc::new(Mutex::new(Ok(setup)))), place(dir.path())).await.err();
    let refused = refused.expect("it serves one").to_string();
    assert!(refused.contains("names 2 observers"), "{refused}");
}
