//! Configs that are right: what the core and the shells get of them.

use std::path::Path;
use std::time::{Duration, Instant};

use watchkeeper::config::probe::Kind;
use watchkeeper::config::{self, Given};
use watchkeeper::core::decide::Mode;
use watchkeeper::core::time::Span;

use super::{GOOD, text};

#[test]
fn a_small_config_becomes_a_policy_and_its_wiring() {
    let outcome = config::load(&text(GOOD));
    assert_eq!(outcome.report.problems(), [], "{}", outcome.report);
    let loaded = outcome.loaded.unwrap();
    assert_eq!(loaded.policy.mode, Mode::Observe);
    assert_eq!(loaded.policy.services.len(), 1);
    assert_eq!(loaded.policy.observers[0].name.as_str(), "use1", "the host's name");
    assert_eq!(loaded.policy.services[0].worst_detection(), Some(Span::secs(16)));
    let wiring = &loaded.wiring;
    assert_eq!(wiring.probes.len(), 2);
    let probe = wiring.probe("shop", "web", Some("us-west-2")).unwrap();
    let Kind::Http(http) = &probe.kind else { panic!("{probe:?}") };
    assert_eq!(http.url.as_str(), "https://shop.us-west-2.example.com/health");
    assert_eq!((http.method.as_str(), http.body_limit, http.fresh), ("GET", 65_536, true));
    assert_eq!(wiring.api.listen.to_string(), "127.0.0.1:9470");
    assert_eq!(wiring.reference_points.len(), 3);
}

#[test]
fn the_reference_and_the_first_config_load_without_a_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["config/watchkeeper.toml", "src/cli/minimal.toml"] {
        let mut given = Given::read(&[root.join(name)]);
        given.variables.clear();
        let outcome = config::load(&given);
        assert_eq!(outcome.report.problems(), [], "{name}:\n{}", outcome.report);
        assert!(outcome.loaded.is_some());
    }
}

#[test]
fn words_for_people_change_no_hash_and_whatever_decides_does() {
    let hash = |text: &str| {
        let outcome = config::load(&super::text(text));
        outcome.loaded.unwrap_or_else(|| panic!("{}", outcome.report)).policy.services[0].hash
    };
    let good = hash(GOOD);
    assert_eq!(good, hash(GOOD), "the same each time");
    let said = GOOD
        .replace("[service.shop]\n", "[service.shop]\ntitle = \"The shop\"\nlinks = { a = \"https://a\" }\n");
    assert_eq!(good, hash(&said));
    let slower = GOOD.replace("[service.shop.scenario", "interval = \"20s\"\n[service.shop.scenario");
    assert_ne!(good, hash(&slower));
    assert_ne!(good, hash(&format!("mode = \"approve\"\n{}", GOOD.replace('\u{0}', ""))));
    assert_ne!(good, hash(&GOOD.replace("shop.{region}", "other.{region}")));
}

/// Services and probes as a large operator has them.
fn large(services: usize, probes: usize) -> String {
    let mut config = String::from(
        "[self_trust]\nreference_points = [\"1.1.1.1:443\", \"8.8.8.8:443\", \"9.9.9.9:443\"]\n",
    );
    for s in 0..services {
        config.push_str(&format!("[service.s{s}]\nregions = [\"us-east-1\", \"us-west-2\"]\n"));
        for p in 0..probes {
            config.push_str(&format!(
                "[service.s{s}.probe.p{p}]\nkind = \"http\"\nurl = \"https://s{s}.{{region}}.example.com/{p}\"\n\
                 interval = \"15s\"\nexpect = [\"status == 200\", \"body.status == 'ok'\"]\n"
            ));
        }
        config.push_str(&format!(
            "[service.s{s}.scenario.down]\nwhen = {{ service = \"down\", for = \"1m\" }}\nplan = \"failover\"\n\
             [service.s{s}.plan.failover]\nkind = \"failover\"\n\
             [service.s{s}.plan.failover.step.gate]\nkind = \"traffic_gate\"\n"
        ));
    }
    config
}

#[test]
fn two_hundred_services_and_two_thousand_probes_load_in_time() {
    let given = text(&large(200, 10));
    let outcome = config::load(&given);
    assert_eq!(outcome.report.errors(), 0, "{}", outcome.report);
    let mut best = Duration::MAX;
    for _ in 0..10 {
        #[expect(clippy::disallowed_methods, reason = "this measures")]
        let began = Instant::now();
        let outcome = config::load(&given);
        best = best.min(began.elapsed());
        assert!(outcome.loaded.is_some());
    }
    println!("200 services, 2,000 probes: {best:?}");
    // Unoptimised it takes as long as it takes.
    if !cfg!(debug_assertions) {
        assert!(best < Duration::from_millis(300), "{best:?}");
    }
}
