//! One service: its parts, its regions with their values, its plans, its scenarios.

use std::collections::{BTreeMap, BTreeSet};

use super::fill::Scene;
use super::ladder::{Ladders, objectives};
use super::{Around, daemon, hash, people, plan, probe, refuse, scenario};
use crate::config::problem::{Code, Problem};
use crate::config::raw::service::{DownWhen, Service, TriggerKind, TriggerUntil};
use crate::config::read::Key;
use crate::config::values::Dur;
use crate::config::whole::{ServiceRead, shelf, words};
use crate::config::wiring::{self, ServiceWords, Told, Trigger, Wiring};
use crate::core::ids::Name;
use crate::core::plan::{Known, Site, SiteRegion};
use crate::core::policy::{ComponentDraft, FailbackDraft, ProbeDraft, RungDraft, ServiceDraft};
use crate::core::time::Span;
use crate::core::verdict::{DownRule, Tier};

/// A service as it goes into the policy.
pub(super) fn service(
    around: &Around<'_>,
    read: &ServiceRead<'_>,
    ladders: &Ladders,
    wiring: &mut Wiring,
) -> ServiceDraft {
    let raw = &read.raw;
    let mut draft = ServiceDraft::new(read.name.clone(), words(&raw.regions));
    let ladder = ladder(around, raw, ladders, &mut draft);
    settings(raw, &mut draft);
    draft.components = (read.components.iter())
        .map(|read| ComponentDraft {
            priority: read.raw.priority.get().map_or(crate::core::verdict::Priority::Critical, |p| p.core()),
            objectives: objectives(&read.raw.rto, &read.raw.rpo),
            depends_on: words(&read.raw.depends_on),
            down_when: rule(&read.raw.down_when),
            ..ComponentDraft::new(read.name.clone())
        })
        .collect();
    draft.probes = read.probes.iter().map(|read| probe::draft(around, read)).collect();
    let mut site = site(around, read, &draft);
    triggers(around, read, &mut draft, &mut site, wiring);
    for (read, draft) in read.probes.iter().zip(&draft.probes) {
        probe::wire(around, &site.service, &site.regions, read, draft, wiring);
    }
    draft.scenarios = scenario::scenarios(around, read);
    let watched: Vec<Name> = draft
        .probes
        .iter()
        .filter(|p| p.tier == Tier::Trigger)
        .map(|p: &ProbeDraft| p.name.clone())
        .collect();
    let known = Known {
        probes: read.probes.iter().map(|probe| probe.name.clone()).collect(),
        components: read.components.iter().map(|component| component.name.clone()).collect(),
    };
    draft.plans = plan::plans(around, read, &site, &known, &watched);
    refuse::unfenced(around, read, &draft.plans);
    draft.hash = hash::service(&hash::shared(around), read.node);
    for (name, key) in raw.drill.get().into_iter().flat_map(|all| all.iter()) {
        around.add(Problem::not_built(key.at(), &format!("drills (`{name}`)")));
    }
    let said = people_of(read, ladder);
    wiring.services.insert(read.name.clone(), said);
    if let Some(notices) = raw.notice.get() {
        wiring.notices.extend(people::notices(around, Some(&read.name), notices));
    }
    draft
}

/// Its ladder, or a preset.
fn ladder<'l>(
    around: &Around<'_>,
    raw: &Service,
    ladders: &'l Ladders,
    draft: &mut ServiceDraft,
) -> &'l [(Name, Told)] {
    let Some((word, at)) = raw.ladder.both() else { return &[] };
    match ladders.get(word.0.as_str()) {
        Some(ladder) => {
            draft.rungs.clone_from(&ladder.rungs);
            &ladder.told
        }
        None => {
            around.missing(Some(at), "ladder", &word.0, ladders.names());
            // What it would have had cannot be judged: any rung that is named is let pass.
            let named = shelf(&raw.scenario).filter_map(|(_, scenario)| scenario.severity.get());
            let named: BTreeSet<Name> = named.map(|word| word.0.clone()).collect();
            draft.rungs = named
                .into_iter()
                .take(crate::core::severity::Ladder::MOST)
                .map(|name| RungDraft {
                    title: name.as_str().to_owned(),
                    name,
                    when: crate::core::policy::When::Never,
                    objectives: crate::core::severity::Objectives::default(),
                    impact: crate::core::severity::Impact::Minor,
                })
                .collect();
            if draft.rungs.is_empty() {
                draft.rungs = RungDraft::preset(crate::core::severity::Preset::Level);
            }
            &[]
        }
    }
}

fn settings(raw: &Service, draft: &mut ServiceDraft) {
    draft.stateless = raw.stateless.or(false);
    draft.mode = raw.mode.get().map_or(draft.mode, |mode| mode.core());
    if let Some(title) = raw.title.get() {
        draft.title.clone_from(&title.0);
    }
    draft.objectives = objectives(&raw.rto, &raw.rpo);
    draft.priority = raw.priority.get().map_or(draft.priority, |priority| priority.core());
    draft.depends_on = words(&raw.depends_on);
    draft.down_when = rule(&raw.down_when);
    let set = |key: &Key<Dur>, to: &mut Span| *to = key.get().map_or(*to, |dur| dur.0);
    set(&raw.cooldown, &mut draft.cooldown);
    set(&raw.stable, &mut draft.stable);
    set(&raw.blind_page, &mut draft.blind_page);
    set(&raw.drift_after, &mut draft.drift_after);
    set(&raw.quarantine, &mut draft.quarantine);
    draft.rejoin = raw.rejoin.get().map(|word| word.0.clone());
    if let Some(failback) = raw.failback.get() {
        let usual = FailbackDraft::default();
        draft.failback = FailbackDraft {
            mode: failback.mode.get().map_or(usual.mode, |mode| mode.core()),
            after: failback.after.get().map_or(usual.after, |dur| dur.0),
            plan: failback.plan.get().map(|word| word.0.clone()),
        };
    }
}

fn rule(key: &Key<DownWhen>) -> DownRule {
    match key.or(DownWhen::Any) {
        DownWhen::Any => DownRule::Any,
        DownWhen::All => DownRule::All,
        DownWhen::AtLeast(count) => DownRule::AtLeast(u8::try_from(count).unwrap_or(u8::MAX)),
    }
}

/// The service's regions with the values that its texts may name: its own over those of `[region.R]`.
fn site(around: &Around<'_>, read: &ServiceRead<'_>, draft: &ServiceDraft) -> Site {
    let own: BTreeMap<&Name, _> = read.raw.values.get().into_iter().flat_map(|all| all.iter()).collect();
    for (name, key) in &own {
        let known = draft.regions.contains(name) || around.regions.iter().any(|region| region.name == **name);
        if !known && !read.raw.regions.bad() {
            let names = draft.regions.iter().chain(around.regions.iter().map(|region| &region.name));
            around.missing(key.at(), "region", name, names.map(Name::as_str).collect::<BTreeSet<_>>());
        }
    }
    let region = |name: &Name| {
        let declared = around.regions.iter().find(|region| region.name == *name);
        let mut values = declared.map(|region| region.values.clone()).unwrap_or_default();
        values.extend(daemon::values_of(own.get(name).and_then(|key| key.get())));
        SiteRegion { name: name.clone(), values }
    };
    let mut seen = BTreeSet::new();
    let regions: Vec<SiteRegion> =
        draft.regions.iter().filter(|name| seen.insert(*name)).map(region).collect();
    let elsewhere = around.regions.iter().filter(|declared| !draft.regions.contains(&declared.name));
    let elsewhere: Vec<SiteRegion> = elsewhere.map(|declared| region(&declared.name)).collect();
    let here = around.here.as_ref().map(|here| region(&here.name));
    Site {
        service: read.name.clone(),
        stateless: draft.stateless,
        regions,
        elsewhere,
        here,
        trigger_fields: BTreeSet::new(),
    }
}

fn triggers(
    around: &Around<'_>,
    read: &ServiceRead<'_>,
    draft: &mut ServiceDraft,
    site: &mut Site,
    wiring: &mut Wiring,
) {
    let scene = Scene { around, service: Some(&read.name), region: None, lenient: false };
    for (name, raw) in shelf(&read.raw.trigger) {
        draft.triggers.push(name.clone());
        let fields: Vec<(Name, regex::Regex)> =
            shelf(&raw.fields).map(|(name, pattern)| (name.clone(), pattern.0.clone())).collect();
        site.trigger_fields.extend(fields.iter().map(|(name, _)| name.clone()));
        let kind = match raw.kind.or(TriggerKind::Webhook) {
            TriggerKind::Webhook => wiring::TriggerKind::Webhook,
            TriggerKind::Alertmanager => wiring::TriggerKind::Alertmanager,
        };
        if let (wiring::TriggerKind::Webhook, Some(at)) = (kind, raw.labels.at()) {
            let problem = Problem::error(Code::Unknown, at, "only alerts have labels to match");
            around.add(problem.help("write `kind = \"alertmanager\"`, or remove `match`"));
        }
        let Some(secret) = scene.secret(&raw.secret) else { continue };
        let labels = raw.labels.get().into_iter().flatten();
        wiring.triggers.push(Trigger {
            service: read.name.clone(),
            name: name.clone(),
            title: raw.title.get().map_or_else(|| name.as_str().to_owned(), |title| title.0.clone()),
            kind,
            secret,
            labels: labels.filter_map(|(label, key)| Some((label.clone(), key.get()?.0.clone()))).collect(),
            fields,
            until_acknowledged: raw.until.or(TriggerUntil::Cleared) == TriggerUntil::Acknowledged,
        });
    }
}

/// Words for people.
fn people_of(read: &ServiceRead<'_>, told: &[(Name, Told)]) -> ServiceWords {
    let text = super::fill::plain_text;
    let titled = |name: &Name, title: Option<String>| title.unwrap_or_else(|| name.as_str().to_owned());
    ServiceWords {
        links: shelf(&read.raw.links).map(|(name, url)| (name.clone(), url.0.clone())).collect(),
        statuspage: text(&read.raw.statuspage),
        escalations: told.to_vec(),
        components: read
            .components
            .iter()
            .map(|one| {
                (one.name.clone(), (titled(&one.name, text(&one.raw.title)), text(&one.raw.statuspage)))
            })
            .collect(),
        probes: read
            .probes
            .iter()
            .map(|one| {
                let raw = &one.raw.0;
                (one.name.clone(), (titled(&one.name, text(&raw.title)), text(&raw.runbook)))
            })
            .collect(),
        runbooks: shelf(&read.raw.scenario)
            .filter_map(|(name, raw)| Some((name.clone(), text(&raw.runbook)?)))
            .collect(),
        approvals: shelf(&read.raw.scenario)
            .filter_map(|(name, raw)| {
                let approval = raw.approval.get()?;
                Some((name.clone(), (approval.role.get()?.0.clone(), approval.count.get()?.0)))
            })
            .collect(),
    }
}
