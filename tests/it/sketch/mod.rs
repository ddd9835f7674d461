//! Reads the sketches, so that they can be built as core values before `src/config` exists; it will take this one's
//! place.
//!
//! It reads the language of CONFIG strictly: a key that nobody takes is an error, and what the core has no use for yet
//! (channels, escalations, drills' times) is left by name. It stops at the first mistake with a sentence: it is for
//! five configs that are known to be right, not for people.

mod condition;
mod files;
mod keys;
mod kinds;
mod ladder;
mod plan;
mod probe;
mod service;
mod spec;
mod step;
mod values;

use std::path::Path;

use toml::Table;
use watchkeeper::core::decide::{Limits, Mode};
use watchkeeper::core::health::self_trust;
use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::PlanDraft;
use watchkeeper::core::policy::{ObserverDraft, PolicyDraft, RegionDraft, SessionTerms};
use watchkeeper::core::time::Span;

use files::Files;
use keys::Keys;
use ladder::Ladders;
use service::{Around, MODE};

/// A config, read.
pub(crate) struct Sketch {
    /// What goes into the core, with plans compiled.
    pub(crate) policy: PolicyDraft,
    /// The plans of each service, as they were written.
    pub(crate) plans: Vec<(Name, Vec<PlanDraft>)>,
}

/// All of them, by name.
pub(crate) const ALL: [&str; 7] = [
    "async-toolformer",
    "healing-guard",
    "multi-region",
    "samokoder",
    "sentiment-analyzer-pro",
    "every-key.toml",
    "minimal.toml",
];

impl Sketch {
    /// Reads a sketch of `tests/config/sketches`, as the `me`-th of its observers by name; the last, if it has fewer.
    pub(crate) fn read(name: &str, me: usize) -> Sketch {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/sketches");
        let Files { mut main, services, inherited } = Files::read(&folder.join(name));
        let mut declared = Vec::new();
        let mut regions = Vec::new();
        for (name, mut keys) in main.tables("region") {
            let lost_at = keys.text("lost_at").map_or(50, |text| values::share("lost_at", &text));
            regions.push(RegionDraft { name: name.clone(), lost_at });
            declared.push((name, keys.table("values").map_or_else(Table::new, Keys::rest)));
            keys.leave(&["title"]);
        }
        let observers = observers(&mut main);
        let me = &observers[me.min(observers.len() - 1)];
        let ladders = Ladders::read(main.tables("ladder"));
        let around =
            Around { inherited: &inherited, ladders: &ladders, regions: &declared, here: &me.region };
        let read: Vec<_> =
            services.into_iter().map(|(name, table)| service::service(&name, table, &around)).collect();
        let policy = PolicyDraft {
            me: me.name.clone(),
            mode: main.word("mode", &MODE).unwrap_or(Mode::Observe),
            regions,
            self_trust: self_trust(&mut main),
            limits: limits(&mut main),
            ask: ask(&mut main),
            session: SessionTerms::DEFAULT,
            services: read.iter().map(|(service, _)| service.clone()).collect(),
            observers,
        };
        main.leave(&[
            "format",
            "name",
            "links",
            "chronicle",
            "api",
            "heartbeat",
            "aws",
            "exec",
            "report",
            "maintenance",
            "escalation",
            "channel",
            "notice",
        ]);
        let plans = read.into_iter().map(|(service, plans)| (service.name, plans)).collect();
        Sketch { policy, plans }
    }
}

/// The observers by name; without any, one in a place of its own.
fn observers(main: &mut Keys) -> Vec<ObserverDraft> {
    let mut all: Vec<ObserverDraft> = main
        .tables("observer")
        .into_iter()
        .map(|(name, mut keys)| {
            let region = keys.name("region");
            let witness = keys.word("role", &[("full", false), ("witness", true)]).unwrap_or(false);
            let region = region.unwrap_or_else(|| panic!("{}: this key is required", keys.at("region")));
            keys.leave(&["address"]);
            ObserverDraft { name, region, witness }
        })
        .collect();
    if all.is_empty() {
        let name = values::name("observer", "alone");
        all.push(ObserverDraft { region: name.clone(), name, witness: false });
    }
    all
}

fn self_trust(main: &mut Keys) -> self_trust::Settings {
    let Some(mut keys) = main.table("self_trust") else { return self_trust::Settings::majority_of(0) };
    let at = keys.at("reference_points");
    let points = keys.take("reference_points").map_or(0, |list| values::list(&at, list).len());
    let points = u8::try_from(points).expect("a handful of reference points");
    let usual = self_trust::Settings::majority_of(points);
    self_trust::Settings::new(
        points,
        keys.count("at_least").unwrap_or(usual.at_least()),
        keys.span("stall").unwrap_or(usual.stall()),
        keys.span("clock_jump").unwrap_or(usual.clock_jump()),
    )
    .unwrap_or_else(|why| panic!("self_trust: {why}"))
}

fn limits(main: &mut Keys) -> Limits {
    let Some(mut keys) = main.table("limits") else { return Limits::DEFAULT };
    let usual = Limits::DEFAULT;
    let mut rate = keys.table("failovers");
    let rate = rate.as_mut();
    let (failovers, within) = match rate {
        None => (usual.failovers, usual.within),
        Some(rate) => (
            rate.count("runs").expect("a rate says how many runs"),
            rate.span("within").expect("a rate says within what"),
        ),
    };
    Limits { failovers, within, parallel_runs: keys.count("parallel_runs").unwrap_or(usual.parallel_runs) }
}

fn ask(main: &mut Keys) -> Span {
    let Some(mut keys) = main.table("coordinator") else { return Span::secs(5) };
    let ask = keys.span("ask").unwrap_or(Span::secs(5));
    keys.leave(&["kind", "endpoints", "prefix", "user", "password", "tls", "session", "margin"]);
    ask
}
