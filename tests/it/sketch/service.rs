//! One service: its parts, its plans compiled for each case, its scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml::{Table, Value};
use watchkeeper::core::decide::Mode;
use watchkeeper::core::ids::{Name, PolicyHash};
use watchkeeper::core::plan::{Known, PlanDraft, Site, SiteRegion, SiteValue, plan_set};
use watchkeeper::core::policy::{ComponentDraft, ScenarioDraft, ServiceDraft};
use watchkeeper::core::time::Span;
use watchkeeper::core::verdict::{DownRule, Tier};

use super::condition::{self, PRIORITY};
use super::files::Inherited;
use super::keys::Keys;
use super::ladder::{Ladders, objectives};
use super::plan::{self, Drills};
use super::{probe, values};

pub(crate) const MODE: [(&str, Mode); 3] =
    [("observe", Mode::Observe), ("approve", Mode::Approve), ("auto", Mode::Auto)];

/// What a service is read against.
pub(crate) struct Around<'a> {
    pub(crate) inherited: &'a Inherited,
    pub(crate) ladders: &'a Ladders,
    /// Declared regions, with their values.
    pub(crate) regions: &'a [(Name, Table)],
    /// Where the observer stands.
    pub(crate) here: &'a Name,
}

/// A service as it goes into the policy, and its plans as they were written.
pub(crate) fn service(name: &str, mut table: Table, around: &Around<'_>) -> (ServiceDraft, Vec<PlanDraft>) {
    let inherited = around.inherited.with(table.remove("template"));
    let mut keys = inherited.resolve("service", Keys::new(format!("service.{name}"), table));
    let name = values::name("service", name);
    let regions =
        keys.names("regions").unwrap_or_else(|| panic!("{}: this key is required", keys.at("regions")));
    let mut draft = ServiceDraft::new(name.clone(), regions);
    draft.hash = PolicyHash(7);
    draft.stateless = keys.flag("stateless").unwrap_or(false);
    draft.rungs = around.ladders.named(keys.text("ladder").as_deref().unwrap_or("level"));
    draft.mode = keys.word("mode", &MODE).unwrap_or(draft.mode);
    draft.title = keys.text("title").unwrap_or(draft.title);
    draft.objectives = objectives(&mut keys);
    draft.priority = keys.word("priority", &PRIORITY).unwrap_or(draft.priority);
    draft.depends_on = keys.names("depends_on").unwrap_or_default();
    draft.down_when = down_rule(&mut keys);
    spans(&mut draft, &mut keys);
    draft.components = keys
        .tables("component")
        .into_iter()
        .map(|(name, keys)| component(name, inherited.resolve("component", keys)))
        .collect();
    draft.probes = keys
        .tables("probe")
        .into_iter()
        .map(|(name, keys)| probe::probe(name, inherited.resolve("probe", keys)))
        .collect();
    let mut site = site(&draft, &mut keys, around);
    for (name, mut keys) in keys.tables("trigger") {
        draft.triggers.push(name);
        for field in keys.table("fields").map(Keys::rest).unwrap_or_default().keys() {
            site.trigger_fields.insert(values::name("fields", field));
        }
        keys.leave(&["kind", "title", "secret", "match", "until"]);
    }
    draft.scenarios = keys.tables("scenario").into_iter().map(|(name, keys)| scenario(name, keys)).collect();
    let drills = Drills::read(keys.tables("drill"));
    let watched: Vec<Name> = draft
        .probes
        .iter()
        .filter(|probe| probe.tier == Tier::Trigger)
        .map(|probe| probe.name.clone())
        .collect();
    let plans: Vec<PlanDraft> = keys
        .tables("plan")
        .into_iter()
        .map(|(name, keys)| plan::plan(name, keys, &inherited, &watched, &drills))
        .collect();
    keys.leave(&["rejoin", "failback", "links", "statuspage", "kpi", "notice"]);
    let known = Known {
        probes: draft.probes.iter().map(|probe| probe.name.clone()).collect(),
        components: draft.components.iter().map(|component| component.name.clone()).collect(),
    };
    draft.plans = plans
        .iter()
        .map(|plan| {
            plan_set(plan, &plans, &site, &known).unwrap_or_else(|flaws| {
                let said: Vec<String> = flaws.iter().map(|flaw| format!("\n  {flaw}")).collect();
                panic!("service {}: plan {}:{}", draft.name, plan.name, said.concat())
            })
        })
        .collect();
    (draft, plans)
}

fn spans(draft: &mut ServiceDraft, keys: &mut Keys) {
    let set = |keys: &mut Keys, key: &str, to: &mut Span| *to = keys.span(key).unwrap_or(*to);
    set(keys, "cooldown", &mut draft.cooldown);
    set(keys, "stable", &mut draft.stable);
    set(keys, "blind_page", &mut draft.blind_page);
    set(keys, "drift_after", &mut draft.drift_after);
    set(keys, "quarantine", &mut draft.quarantine);
}

fn down_rule(keys: &mut Keys) -> DownRule {
    let at = keys.at("down_when");
    match keys.take("down_when") {
        None => DownRule::Any,
        Some(Value::String(word)) => {
            values::word(&at, &word, &[("any", DownRule::Any), ("all", DownRule::All)])
        }
        Some(table) => {
            let mut table = Keys::of(at, table);
            DownRule::AtLeast(table.count("at_least").expect("any, all, or at_least so many"))
        }
    }
}

fn component(name: Name, mut keys: Keys) -> ComponentDraft {
    let usual = ComponentDraft::new(name);
    let draft = ComponentDraft {
        priority: keys.word("priority", &PRIORITY).unwrap_or(usual.priority),
        objectives: objectives(&mut keys),
        depends_on: keys.names("depends_on").unwrap_or_default(),
        down_when: down_rule(&mut keys),
        ..usual
    };
    keys.leave(&["title", "statuspage"]);
    draft
}

fn scenario(name: Name, mut keys: Keys) -> ScenarioDraft {
    let usual = ScenarioDraft::new(name);
    let draft = ScenarioDraft {
        title: keys.text("title").unwrap_or_else(|| usual.title.clone()),
        when: condition::when(&mut keys).unwrap_or_default(),
        severity: keys.name("severity"),
        plan: keys.name("plan"),
        mode: keys.word("mode", &MODE).unwrap_or(usual.mode),
        over: keys.names("over").unwrap_or_default(),
        again: keys.span("again"),
        veto: keys.span("veto").unwrap_or(Span::ZERO),
        objectives: objectives(&mut keys),
        ..usual
    };
    keys.leave(&["approval", "inputs", "on_clear", "runbook"]);
    draft
}

/// The service's regions with the values that its plans may name: its own, else those of `[region.R]`.
fn site(draft: &ServiceDraft, keys: &mut Keys, around: &Around<'_>) -> Site {
    let mut own: BTreeMap<Name, Table> =
        keys.tables("values").into_iter().map(|(name, keys)| (name, keys.rest())).collect();
    let mut region = |name: &Name| {
        let declared = around.regions.iter().find(|(region, _)| region == name);
        let mut values = declared.map(|(_, values)| values.clone()).unwrap_or_default();
        values.extend(own.remove(name).unwrap_or_default());
        let values: BTreeMap<Arc<str>, SiteValue> = values
            .into_iter()
            .map(|(key, value)| (Arc::from(key.as_str()), values::site_value(&key, value)))
            .collect();
        SiteRegion { name: name.clone(), values }
    };
    let regions: Vec<SiteRegion> = draft.regions.iter().map(&mut region).collect();
    let elsewhere = around.regions.iter().map(|(name, _)| name).filter(|name| !draft.regions.contains(name));
    let elsewhere: Vec<SiteRegion> = elsewhere.map(&mut region).collect();
    let all = || regions.iter().chain(&elsewhere);
    let here = all().find(|region| region.name == *around.here).cloned();
    assert!(own.is_empty(), "service {}: values of regions that are none: {own:?}", draft.name);
    Site {
        service: draft.name.clone(),
        stateless: draft.stateless,
        here,
        regions,
        elsewhere,
        trigger_fields: BTreeSet::new(),
    }
}
