//! Probes: where they run, who sees them, how they are debounced. What a kind looks at is only checked to be written
//! as its kind wants it; the core never sees it.

use toml::Value;
use watchkeeper::core::health::{Fall, Settings};
use watchkeeper::core::ids::Name;
use watchkeeper::core::policy::{From, ProbeDraft, WitnessDraft};
use watchkeeper::core::time::Span;
use watchkeeper::core::verdict::{Role, Tier};

use super::keys::Keys;
use super::spec::Spec;
use super::values;

/// The keys of each probe kind.
const KINDS: [(&str, &str); 12] = [
    (
        "http",
        "url:text! method:text headers:any body:text auth:auth ca:text redirects:bool body_limit:size fresh:bool",
    ),
    ("tcp", "address:text! send:text tls:bool"),
    ("tls", "address:text! name:text"),
    ("dns", "name:text! type:text resolvers:text! agree:int"),
    ("postgres", "dsn:secret! check:text query:text"),
    ("redis", "address:text! password:secret check:text"),
    ("grpc", "address:text! service:text"),
    ("prometheus", "url:text! query:expr! auth:auth"),
    ("heartbeat", "token:secret!"),
    ("exec", "argv:text! env:any"),
    (
        "backup_s3",
        "bucket:text! prefix:text! max_age:dur! min_size:size min_count:int checksum:bool region:text",
    ),
    ("backup_rds", "instance:text! max_age:dur! region:text"),
];

/// One probe, with what it inherits.
pub(crate) fn probe(name: Name, mut keys: Keys) -> ProbeDraft {
    let kind = keys.text("kind").unwrap_or_else(|| panic!("{}: this key is required", keys.at("kind")));
    let check = keys.peek("check").map(str::to_owned);
    let spec = KINDS.iter().find(|(known, _)| *known == kind);
    let spec = spec.unwrap_or_else(|| panic!("{}: there is no probe kind `{kind}`", keys.at("kind"))).1;
    drop(Spec(spec).take(&mut keys));
    let lag = check.as_deref() == Some("lag");
    let draft = ProbeDraft {
        component: keys.name("component"),
        tier: keys
            .word("tier", &[("trigger", Tier::Trigger), ("gate", Tier::Gate), ("inform", Tier::Inform)])
            .unwrap_or(Tier::Trigger),
        role: keys
            .word(
                "role",
                &[
                    ("each", Role::Each),
                    ("active", Role::Active),
                    ("standby", Role::Standby),
                    ("service", Role::Service),
                ],
            )
            .unwrap_or(Role::Each),
        regions: keys.names("regions"),
        from: from(&mut keys),
        debounce: debounce(&mut keys),
        parent: keys.name("parent"),
        witness_of: keys.name("witness_of").map(|of| match of.as_str() {
            "active" => WitnessDraft::Active,
            _ => WitnessDraft::Region(of),
        }),
        loss: keys.flag("loss").unwrap_or(lag),
        drift: matches!(check.as_deref(), Some("writable" | "primary")),
        ..ProbeDraft::new(name)
    };
    keys.leave(&["title", "expect", "runbook"]);
    draft
}

fn from(keys: &mut Keys) -> From {
    let at = keys.at("from");
    match keys.take("from") {
        None => From::All,
        Some(Value::String(word)) => match word.as_str() {
            "all" => From::All,
            "local" => From::Local,
            other => panic!("{at}: all, local or a list of observers, not `{other}`"),
        },
        Some(list) => From::Named(
            values::list(&at, list)
                .into_iter()
                .map(|one| values::name(&at, &values::text(&at, one)))
                .collect(),
        ),
    }
}

fn debounce(keys: &mut Keys) -> Settings {
    let usual = Settings::DEFAULT;
    let at = keys.at("interval");
    let window = keys.table("window").map(|mut window| Fall::Window {
        fails: window.count("fails").expect("a window says how many failures"),
        of: window.count("of").expect("a window says of how many samples"),
    });
    let streak = keys.count("fall").map(Fall::Streak);
    assert!(window.is_none() || streak.is_none(), "{at}: a window stands instead of fall");
    let span = |keys: &mut Keys, key: &str, usual: Span| keys.span(key).unwrap_or(usual);
    Settings::new(
        span(keys, "interval", usual.interval()),
        span(keys, "timeout", usual.timeout()),
        span(keys, "fast_interval", usual.fast_interval()),
        span(keys, "down_interval", usual.down_interval()),
        window.or(streak).unwrap_or(usual.fall()),
        keys.count("rise").unwrap_or(usual.rise()),
        keys.span("slow_after"),
    )
    .unwrap_or_else(|wrong| panic!("{at}: {wrong:?}"))
}
