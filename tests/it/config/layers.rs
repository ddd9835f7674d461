//! Files over files, the environment over both, and what is inherited; and that TOML, YAML and JSON say the same.

use std::collections::BTreeMap;

use watchkeeper::config::given::GivenFile;
use watchkeeper::config::place::Format;
use watchkeeper::config::{self, Given};
use watchkeeper::core::decide::Mode;
use watchkeeper::core::time::Span;

use super::{GOOD, text};

fn file(name: &str, text: &str, format: Format, service: Option<&str>) -> GivenFile {
    GivenFile { name: name.to_owned(), text: text.to_owned(), format, service: service.map(str::to_owned) }
}

fn variables(set: &[(&str, &str)]) -> BTreeMap<String, String> {
    set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_environment_wins_over_the_files() {
    let mut given = text(GOOD);
    given.variables = variables(&[
        ("WATCHKEEPER__MODE", "approve"),
        ("WATCHKEEPER__API__LISTEN", "127.0.0.1:1234"),
        ("WATCHKEEPER__LIMITS__PARALLEL_RUNS", "7"),
        ("WATCHKEEPER__EXEC__ALLOW", "/opt/a,/opt/b"),
        ("WATCHKEEPER__SERVICE__SHOP__STATELESS", "true"),
        ("WATCHKEEPER__NAME", "me"),
        ("OTHER__MODE", "auto"),
    ]);
    let outcome = config::load(&given);
    let loaded = outcome.loaded.as_ref().unwrap_or_else(|| panic!("{}", outcome.report));
    assert_eq!(loaded.policy.mode, Mode::Approve);
    assert_eq!(loaded.policy.limits.parallel_runs, 7);
    assert!(loaded.policy.services[0].stateless);
    assert_eq!(loaded.wiring.api.listen.port(), 1234);
    assert_eq!(loaded.wiring.exec.allow.len(), 2);
    assert_eq!(loaded.wiring.me.as_str(), "me");
    let resolved = outcome.resolved(true);
    assert!(resolved.contains("mode = \"approve\"  # the environment: WATCHKEEPER__MODE"), "{resolved}");
    assert!(resolved.contains("margin = \"3s\"  # built-in"), "{resolved}");
    assert!(resolved.contains("kind = \"http\"  # watchkeeper.toml:7"), "{resolved}");
}

#[test]
fn a_variable_that_is_no_path_is_refused() {
    let mut given = text(GOOD);
    given.variables = variables(&[
        ("WATCHKEEPER__API__LISTN", "127.0.0.1:1234"),
        ("WATCHKEEPER__", "x"),
        ("WATCHKEEPER__A[9999999999]", "x"),
        ("WATCHKEEPER__MODE", "sometimes"),
    ]);
    let printed = config::load(&given).report.print(false, 100);
    insta::assert_snapshot!("variables", printed);
}

#[test]
fn services_have_files_of_their_own_and_inherit() {
    let main = "[defaults.probe]\ninterval = \"20s\"\nfall = 5\n[template.probe.fast]\nfall = 2\nauth = { user = \"u\", password = { credential = \"p\" } }\n";
    let shop = "regions = [\"a\", \"b\"]\n[template.probe.own]\nurl = \"https://own.{region}/\"\nauth = { password = { file = \"/p\" } }\n\
                [probe.web]\nuse = [\"fast\", \"own\"]\nkind = \"http\"\nrise = 4\n[probe.port]\nkind = \"tcp\"\naddress = \"x.{region}:1\"\n";
    let given = Given {
        files: vec![
            file("watchkeeper.toml", main, Format::Toml, None),
            file("services.d/shop.toml", shop, Format::Toml, Some("shop")),
        ],
        host: Some("me".to_owned()),
        ..Given::default()
    };
    let outcome = config::load(&given);
    let loaded = outcome.loaded.as_ref().unwrap_or_else(|| panic!("{}", outcome.report));
    let shop = &loaded.policy.services[0];
    let web = shop.probe("web").map(|at| shop.probes[at.index()].debounce).unwrap();
    let port = shop.probe("port").map(|at| shop.probes[at.index()].debounce).unwrap();
    assert_eq!((web.interval(), web.rise()), (Span::secs(20), 4));
    assert_eq!(format!("{:?} {:?}", web.fall(), port.fall()), "Streak(2) Streak(5)");
    let probe = format!("{:?}", loaded.wiring.probe("shop", "web", Some("b")).unwrap().kind);
    assert!(probe.contains("/p") && probe.contains("own.b"), "a secret is replaced whole: {probe}");
    let resolved = outcome.resolved(true);
    assert!(resolved.contains("fall = 2  # watchkeeper.toml:5"), "{resolved}");
    assert!(resolved.contains("url = \"https://own.{region}/\"  # services.d/shop.toml:3"), "{resolved}");
}

#[test]
fn yaml_and_json_say_the_same_as_toml() {
    let yaml = "self_trust:\n  reference_points: ['1.1.1.1:443', '8.8.8.8:443', '9.9.9.9:443']\nservice:\n  shop:\n    regions: [us-east-1, us-west-2]\n    probe:\n      web: { kind: http, url: 'https://shop.{region}.example.com/health' }\n    scenario: { down: {} }\n";
    let json = r#"{"self_trust": {"reference_points": ["1.1.1.1:443", "8.8.8.8:443", "9.9.9.9:443"]},
        "service": {"shop": {"regions": ["us-east-1", "us-west-2"], "scenario": {"down": {}},
        "probe": {"web": {"kind": "http", "url": "https://shop.{region}.example.com/health"}}}}}"#;
    let load = |name: &str, text: &str, format| {
        let given = Given {
            files: vec![file(name, text, format, None)],
            host: Some("use1".to_owned()),
            ..Given::default()
        };
        let outcome = config::load(&given);
        let loaded = outcome.loaded.unwrap_or_else(|| panic!("{}", outcome.report));
        (loaded.policy.services[0].hash, format!("{:?}", loaded.wiring))
    };
    let toml = load("watchkeeper.toml", GOOD, Format::Toml);
    assert_eq!(toml, load("watchkeeper.yaml", yaml, Format::Yaml));
    assert_eq!(toml, load("watchkeeper.json", json, Format::Json));
}

#[test]
fn what_is_not_there_is_said() {
    let outcome = config::load(&Given::read(&["/nonexistent/watchkeeper.toml".into()]));
    assert_eq!(outcome.report.errors(), 1);
    assert!(outcome.report.print(false, 100).contains("/nonexistent/watchkeeper.toml cannot be read"));
}

#[test]
fn the_schema_knows_every_key() {
    let schema = config::schema(false);
    let probe = &schema["$defs"]["probe"]["anyOf"][0]["properties"];
    assert_eq!(probe["interval"]["default"], "10s");
    assert_eq!(probe["method"]["default"], "GET");
    assert_eq!(probe["kind"]["const"], "http");
    assert!(schema["properties"]["service"].is_object());
    assert!(config::schema(true)["properties"]["regions"].is_object());
}
