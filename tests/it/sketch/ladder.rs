//! Ladders: a preset's rungs with what the config changes of them, or rungs of one's own.

use std::collections::BTreeMap;

use watchkeeper::core::ids::Name;
use watchkeeper::core::policy::{RungDraft, When};
use watchkeeper::core::severity::{Impact, Objectives, Preset};

use super::condition;
use super::keys::Keys;

/// All ladders, by name.
pub(crate) struct Ladders(BTreeMap<Name, Vec<RungDraft>>);

impl Ladders {
    pub(crate) fn read(ladders: Vec<(Name, Keys)>) -> Ladders {
        Ladders(ladders.into_iter().map(|(name, keys)| (name, ladder(keys))).collect())
    }

    /// The ladder of that name, or the preset.
    pub(crate) fn named(&self, name: &str) -> Vec<RungDraft> {
        let own = self.0.iter().find(|(own, _)| own.as_str() == name).map(|(_, rungs)| rungs.clone());
        own.or_else(|| Preset::named(name).map(RungDraft::preset))
            .unwrap_or_else(|| panic!("there is no ladder `{name}`"))
    }
}

pub(crate) fn objectives(keys: &mut Keys) -> Objectives {
    Objectives { rto: keys.span("rto"), rpo: keys.span("rpo") }
}

fn ladder(mut keys: Keys) -> Vec<RungDraft> {
    let preset = keys.text("preset").map(|name| {
        Preset::named(&name).unwrap_or_else(|| panic!("{}: there is no preset `{name}`", keys.at("preset")))
    });
    let mut rungs = preset.map_or_else(Vec::new, RungDraft::preset);
    rungs.extend(keys.names("rungs").unwrap_or_default().into_iter().map(|name| RungDraft {
        title: name.as_str().to_owned(),
        name,
        when: When::Never,
        objectives: Objectives::default(),
        impact: Impact::Minor,
    }));
    for (name, keys) in keys.tables("severity") {
        let rung = rungs.iter_mut().find(|rung| rung.name == name);
        change(rung.unwrap_or_else(|| panic!("{}: there is no such rung", keys.at(""))), keys);
    }
    rungs
}

fn change(rung: &mut RungDraft, mut keys: Keys) {
    const IMPACT: [(&str, Impact); 4] = [
        ("none", Impact::None),
        ("minor", Impact::Minor),
        ("major", Impact::Major),
        ("critical", Impact::Critical),
    ];
    if let Some(title) = keys.text("title") {
        rung.title = title;
    }
    if let Some(when) = condition::when(&mut keys) {
        rung.when = When::Written(when);
    }
    if let Some(impact) = keys.word("impact", &IMPACT) {
        rung.impact = impact;
    }
    rung.objectives = objectives(&mut keys).or(rung.objectives);
    keys.leave(&["escalation"]);
}
