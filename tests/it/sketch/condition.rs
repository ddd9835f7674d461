//! `when`: one table, or a list of them.

use toml::Value;
use watchkeeper::core::policy::WhenDraft;
use watchkeeper::core::verdict::{Level, Priority, Side};

use super::keys::Keys;

pub(crate) const PRIORITY: [(&str, Priority); 4] = [
    ("critical", Priority::Critical),
    ("high", Priority::High),
    ("medium", Priority::Medium),
    ("low", Priority::Low),
];

/// The clauses of a condition; none where the key is not there.
pub(crate) fn when(keys: &mut Keys) -> Option<Vec<WhenDraft>> {
    let at = keys.at("when");
    keys.take("when").map(|value| match value {
        Value::Array(list) => list.into_iter().map(|one| clause(Keys::of(at.clone(), one))).collect(),
        one => vec![clause(Keys::of(at, one))],
    })
}

fn clause(mut keys: Keys) -> WhenDraft {
    let levels = [
        ("trouble", Level::Trouble),
        ("degraded", Level::Degraded),
        ("unreachable", Level::Unreachable),
        ("down", Level::Down),
        ("gone", Level::Gone),
    ];
    WhenDraft {
        service: keys.word("service", &levels),
        down: keys.names("down").unwrap_or_default(),
        slow: keys.names("slow").unwrap_or_default(),
        up: keys.names("up").unwrap_or_default(),
        at_least: keys.count("at_least"),
        priority: keys.word("priority", &PRIORITY),
        raised: keys.names("raised").unwrap_or_default(),
        tried: keys.names("tried").unwrap_or_default(),
        side: keys.word("role", &[("active", Side::Active), ("standby", Side::Standby)]).unwrap_or_default(),
        region_lost: keys.flag("region_lost").unwrap_or(false),
        held: keys.span("for"),
        open_for: keys.span("open_for"),
    }
}
