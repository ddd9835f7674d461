//! Ladders: a preset's rungs with what the config changes of them, or rungs of one's own; and who is told of each.

use std::collections::BTreeMap;

use super::Around;
use crate::config::place::At;
use crate::config::problem::{Code, Problem};
use crate::config::raw::people::{Escalation, Impact, Ladder, Preset as RawPreset, Severity};
use crate::config::raw::scenario::{Level, Side, When as RawWhen};
use crate::config::read::Key;
use crate::config::suggest;
use crate::config::whole::{shelf, words};
use crate::config::wiring::Told;
use crate::core::ids::Name;
use crate::core::policy::{RungDraft, When, WhenDraft};
use crate::core::severity::{Impact as CoreImpact, Objectives, Preset};
use crate::core::time::Span;
use crate::core::verdict::{Level as CoreLevel, Side as CoreSide};

/// A ladder as services climb it.
#[derive(Clone)]
pub(super) struct Climbed {
    pub(super) rungs: Vec<RungDraft>,
    /// Who is told of each rung, in the same order.
    pub(super) told: Vec<(Name, Told)>,
    /// Where it is written; none: a preset as it is.
    pub(super) at: Option<At>,
}

/// All ladders by name, presets among them.
pub(super) struct Ladders(BTreeMap<Name, Climbed>);

impl Ladders {
    pub(super) fn get(&self, name: &str) -> Option<&Climbed> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, ladder)| ladder)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Climbed)> {
        self.0.iter()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(Name::as_str)
    }
}

const PRESETS: [(&str, Preset); 3] =
    [("category", Preset::Category), ("level", Preset::Level), ("priority", Preset::Priority)];

pub(super) fn ladders(around: &Around<'_>) -> Ladders {
    let mut all = BTreeMap::new();
    for (name, preset) in PRESETS {
        if let Ok(name) = Name::new(name) {
            let rungs = RungDraft::preset(preset);
            let told = rungs.iter().map(|rung| (rung.name.clone(), usual(around))).collect();
            all.insert(name, Climbed { rungs, told, at: None });
        }
    }
    let config = &around.whole.config;
    for (name, key) in config.ladder.get().into_iter().flat_map(|all| all.iter()) {
        let Some((raw, at)) = key.both() else { continue };
        let own = PRESETS.iter().any(|(preset, _)| *preset == name.as_str());
        if own {
            let problem = Problem::error(Code::Twice, at, format!("`{name}` is the name of a preset"));
            around.add(problem.help(format!("call it otherwise, and write `preset = \"{name}\"` into it")));
        }
        all.insert(name.clone(), ladder(around, raw, at));
    }
    Ladders(all)
}

/// Whoever is told where nothing is written.
fn usual(around: &Around<'_>) -> Told {
    let default = shelf(&around.whole.config.escalation).find(|(name, _)| name.as_str() == "default");
    match default {
        Some((name, _)) => Told::Escalation((*name).clone()),
        None => Told::Everyone,
    }
}

fn ladder(around: &Around<'_>, raw: &Ladder, at: At) -> Climbed {
    let mut rungs = match raw.preset.get() {
        Some(RawPreset::Category) => RungDraft::preset(Preset::Category),
        Some(RawPreset::Level) => RungDraft::preset(Preset::Level),
        Some(RawPreset::Priority) => RungDraft::preset(Preset::Priority),
        None => Vec::new(),
    };
    if raw.preset.at().is_none() && raw.rungs.at().is_none() {
        let problem = Problem::error(Code::Missing, at, "this ladder has no rungs");
        around.add(
            problem.help("write `preset = \"level\"`, or `rungs = [\"minor\", \"major\"]`, lowest first"),
        );
    }
    if let (Some(at), Some(_)) = (raw.rungs.at(), raw.preset.at()) {
        let problem = Problem::error(Code::Twice, at, "this ladder has a preset's rungs and own ones");
        around.add(problem.help("keep `preset` or `rungs`"));
    }
    rungs.extend(words(&raw.rungs).into_iter().map(|name| RungDraft {
        title: name.as_str().to_owned(),
        name,
        when: When::Never,
        objectives: Objectives::default(),
        impact: CoreImpact::Minor,
    }));
    let mut told: Vec<(Name, Told)> = rungs.iter().map(|rung| (rung.name.clone(), usual(around))).collect();
    let known: Vec<Name> = rungs.iter().map(|rung| rung.name.clone()).collect();
    for (name, key) in raw.severity.get().into_iter().flat_map(|all| all.iter()) {
        let Some((severity, at)) = key.both() else { continue };
        let Some(place) = known.iter().position(|rung| rung == name) else {
            let problem = Problem::error(Code::Reference, at, format!("this ladder has no rung `{name}`"));
            let names = known.iter().map(Name::as_str);
            around.add(problem.help(suggest::help(name.as_str(), names)));
            continue;
        };
        if let Some(rung) = rungs.get_mut(place) {
            change(rung, severity);
        }
        if let (Some(escalation), Some(told)) = (escalation(around, severity), told.get_mut(place)) {
            told.1 = Told::Escalation(escalation);
        }
    }
    Climbed { rungs, told, at: Some(at) }
}

fn escalation(around: &Around<'_>, severity: &Severity) -> Option<Name> {
    let (word, at) = severity.escalation.both()?;
    let all: &Key<_> = &around.whole.config.escalation;
    let known = || all.get().into_iter().flat_map(|all: &crate::config::read::Named<Escalation>| all.names());
    if !known().any(|name| name == word.0.as_str()) {
        around.missing(Some(at), "escalation", &word.0, known());
        return None;
    }
    Some(word.0.clone())
}

fn change(rung: &mut RungDraft, raw: &Severity) {
    if let Some(title) = raw.title.get() {
        rung.title.clone_from(&title.0);
    }
    if let Some(when) = raw.when.get() {
        rung.when = When::Written(clauses(when));
    }
    if let Some(impact) = raw.impact.get() {
        rung.impact = match impact {
            Impact::None => CoreImpact::None,
            Impact::Minor => CoreImpact::Minor,
            Impact::Major => CoreImpact::Major,
            Impact::Critical => CoreImpact::Critical,
        };
    }
    rung.objectives = objectives(&raw.rto, &raw.rpo).or(rung.objectives);
}

/// What is promised.
pub(super) fn objectives(
    rto: &Key<crate::config::values::Dur>,
    rpo: &Key<crate::config::values::Dur>,
) -> Objectives {
    let span = |key: &Key<crate::config::values::Dur>| -> Option<Span> { key.get().map(|dur| dur.0) };
    Objectives { rto: span(rto), rpo: span(rpo) }
}

/// The clauses of a condition.
pub(super) fn clauses(when: &RawWhen) -> Vec<WhenDraft> {
    let each = when.0.iter().filter_map(Key::get);
    each.map(|raw| WhenDraft {
        service: raw.service.get().map(|level| match level {
            Level::Trouble => CoreLevel::Trouble,
            Level::Degraded => CoreLevel::Degraded,
            Level::Down => CoreLevel::Down,
            Level::Gone => CoreLevel::Gone,
            Level::Unreachable => CoreLevel::Unreachable,
        }),
        down: words(&raw.down),
        slow: words(&raw.slow),
        up: words(&raw.up),
        at_least: raw.at_least.get().map(|count| u8::try_from(count.0).unwrap_or(u8::MAX)),
        priority: raw.priority.get().map(|priority| priority.core()),
        raised: words(&raw.raised),
        tried: words(&raw.tried),
        side: match raw.role.or(Side::Active) {
            Side::Active => CoreSide::Active,
            Side::Standby => CoreSide::Standby,
        },
        region_lost: raw.region_lost.or(false),
        held: raw.held.get().map(|dur| dur.0),
        open_for: raw.open_for.get().map(|dur| dur.0),
    })
    .collect()
}
