//! A service's declarations: components, probes, triggers, rungs, scenarios, with CONFIG's words and defaults.

use watchkeeper_core::health::{Fall, Settings};
use watchkeeper_core::ids::Name;
use watchkeeper_core::policy::{
    ComponentDraft, From, OnClearDraft, ProbeDraft, RungDraft, ScenarioDraft, ServiceDraft, When, WhenDraft,
    WitnessDraft,
};
use watchkeeper_core::severity::{Impact, Objectives, Preset};
use watchkeeper_core::verdict::{DownRule, Level, Priority, Role, Side, Tier};

use crate::plans::Plans;
use crate::policy::{MODES, at};
use crate::words::{Read, Words};

/// Lines that belong to the scenario, rung or plan above them.
pub(crate) const DETAILS: &[&str] = &[
    "when",
    "fence",
    "promote",
    "route",
    "verify",
    "do",
    "lapse",
    "input",
    "wait",
    "approve",
    "checklist",
    "gate",
    "pause",
    "child",
];

const LEVELS: &[(&str, Level)] = &[
    ("trouble", Level::Trouble),
    ("degraded", Level::Degraded),
    ("unreachable", Level::Unreachable),
    ("down", Level::Down),
    ("gone", Level::Gone),
];
const PRIORITIES: &[(&str, Priority)] = &[
    ("low", Priority::Low),
    ("medium", Priority::Medium),
    ("high", Priority::High),
    ("critical", Priority::Critical),
];
const PRESETS: &[(&str, Preset)] =
    &[("level", Preset::Level), ("category", Preset::Category), ("priority", Preset::Priority)];
const TIERS: &[(&str, Tier)] = &[("trigger", Tier::Trigger), ("gate", Tier::Gate), ("inform", Tier::Inform)];
const ROLES: &[(&str, Role)] =
    &[("each", Role::Each), ("active", Role::Active), ("standby", Role::Standby), ("service", Role::Service)];

/// To what a `when` belongs.
#[derive(Clone, Copy)]
enum Under {
    Nothing,
    Rung,
    Scenario,
}

/// Reads a service: its head line, and all lines up to the next service.
pub(crate) fn service(head: &Words, body: &[Words]) -> Read<ServiceDraft> {
    let mut words = head.clone();
    let mut draft =
        opening(&mut words).and_then(|draft| words.end().map(|()| draft)).map_err(|why| at(head, &why))?;
    let mut plans = Plans::default();
    let (mut own_rungs, mut under) = (false, Under::Nothing);
    for line in body {
        let mut words = line.clone();
        let mut read = || -> Read<()> {
            let word = words.word("a declaration")?;
            match word.as_str() {
                "component" => draft.components.push(component(&mut words)?),
                "probe" => draft.probes.push(probe(&mut words)?),
                "trigger" => draft.triggers.push(words.name("trigger")?),
                "rung" => {
                    if !std::mem::replace(&mut own_rungs, true) {
                        draft.rungs.clear();
                    }
                    draft.rungs.push(rung(&mut words)?);
                    under = Under::Rung;
                }
                "scenario" => {
                    draft.scenarios.push(scenario(&mut words)?);
                    under = Under::Scenario;
                }
                "when" => {
                    let when = when(&mut words)?;
                    match (under, draft.scenarios.last_mut(), draft.rungs.last_mut()) {
                        (Under::Scenario, Some(scenario), _) => scenario.when.push(when),
                        (Under::Rung, _, Some(rung)) => match &mut rung.when {
                            When::Written(list) => list.push(when),
                            When::Never | When::Preset(_) => rung.when = When::Written(vec![when]),
                        },
                        _ => return Err("`when` belongs to the rung or scenario above it".into()),
                    }
                }
                "plan" => plans.open(&mut words)?,
                _ => plans.detail(&word, &mut words)?,
            }
            words.end()
        };
        read().map_err(|why| at(line, &why))?;
    }
    draft.plans = plans.compiled(&draft).map_err(|why| at(head, &why))?;
    Ok(draft)
}

fn opening(words: &mut Words) -> Read<ServiceDraft> {
    words.must("service")?;
    let name = words.name("service")?;
    words.must("in")?;
    let mut draft = ServiceDraft::new(name, words.names("region")?);
    while !words.is_empty() {
        match words.word("a key")?.as_str() {
            "stateless" => draft.stateless = true,
            "ladder" => draft.rungs = RungDraft::preset(words.one_of("ladder", PRESETS)?),
            "mode" => draft.mode = words.one_of("mode", MODES)?,
            "rto" => draft.objectives.rto = Some(words.span("rto")?),
            "rpo" => draft.objectives.rpo = Some(words.span("rpo")?),
            "priority" => draft.priority = words.one_of("priority", PRIORITIES)?,
            "depends_on" => draft.depends_on = words.names("service")?,
            "down_when" => draft.down_when = down_rule(words)?,
            "cooldown" => draft.cooldown = words.span("cooldown")?,
            "stable" => draft.stable = words.span("stable")?,
            "blind_page" => draft.blind_page = words.span("blind_page")?,
            "drift_after" => draft.drift_after = words.span("drift_after")?,
            "quarantine" => draft.quarantine = words.span("quarantine")?,
            "rejoin" => draft.rejoin = Some(words.name("plan")?),
            "failback" => {
                draft.failback.mode = words.one_of("failback", MODES)?;
                words.must("after")?;
                draft.failback.after = words.span("failback")?;
            }
            other => return Err(format!("`{other}` is no key of a service")),
        }
    }
    Ok(draft)
}

fn objective(key: &str, words: &mut Words, objectives: &mut Objectives) -> Read<bool> {
    match key {
        "rto" => objectives.rto = Some(words.span("rto")?),
        "rpo" => objectives.rpo = Some(words.span("rpo")?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn down_rule(words: &mut Words) -> Read<DownRule> {
    match words.word("down_when")?.as_str() {
        "any" => Ok(DownRule::Any),
        "all" => Ok(DownRule::All),
        "at_least" => Ok(DownRule::AtLeast(words.number("at_least")?)),
        other => Err(format!("`{other}` is no down_when: any, all, at_least N")),
    }
}

fn component(words: &mut Words) -> Read<ComponentDraft> {
    let mut draft = ComponentDraft::new(words.name("component")?);
    while !words.is_empty() {
        let key = words.word("a key")?;
        if objective(&key, words, &mut draft.objectives)? {
            continue;
        }
        match key.as_str() {
            "priority" => draft.priority = words.one_of("priority", PRIORITIES)?,
            "depends_on" => draft.depends_on = words.names("component")?,
            "down_when" => draft.down_when = down_rule(words)?,
            other => return Err(format!("`{other}` is no key of a component")),
        }
    }
    Ok(draft)
}

fn probe(words: &mut Words) -> Read<ProbeDraft> {
    let mut draft = ProbeDraft::new(words.name("probe")?);
    let default = Settings::DEFAULT;
    let (mut interval, mut timeout) = (default.interval(), default.timeout());
    let (mut fast, mut down) = (default.fast_interval(), default.down_interval());
    let (mut fall, mut rise, mut slow_after) = (default.fall(), default.rise(), None);
    while !words.is_empty() {
        match words.word("a key")?.as_str() {
            "component" => draft.component = Some(words.name("component")?),
            "tier" => draft.tier = words.one_of("tier", TIERS)?,
            "role" => draft.role = words.one_of("role", ROLES)?,
            "regions" => draft.regions = Some(words.names("region")?),
            "from" => draft.from = from(words)?,
            "interval" => interval = words.span("interval")?,
            "timeout" => timeout = words.span("timeout")?,
            "fast_interval" => fast = words.span("fast_interval")?,
            "down_interval" => down = words.span("down_interval")?,
            "fall" => fall = Fall::Streak(words.number("fall")?),
            "window" => {
                let fails = words.number("window")?;
                words.must("of")?;
                fall = Fall::Window { fails, of: words.number("window")? };
            }
            "rise" => rise = words.number("rise")?,
            "slow_after" => slow_after = Some(words.span("slow_after")?),
            "parent" => draft.parent = Some(words.name("probe")?),
            "witness_of" if words.take("active") => draft.witness_of = Some(WitnessDraft::Active),
            "witness_of" => draft.witness_of = Some(WitnessDraft::Region(words.name("region")?)),
            "loss" => draft.loss = true,
            "drift" => draft.drift = true,
            other => return Err(format!("`{other}` is no key of a probe")),
        }
    }
    draft.debounce = Settings::new(interval, timeout, fast, down, fall, rise, slow_after)
        .map_err(|flaws| flaws.first().map_or(String::new(), ToString::to_string))?;
    Ok(draft)
}

fn from(words: &mut Words) -> Read<From> {
    if words.take("all") {
        return Ok(From::All);
    }
    if words.take("local") {
        return Ok(From::Local);
    }
    Ok(From::Named(words.names("observer")?))
}

fn rung(words: &mut Words) -> Read<RungDraft> {
    let name = words.name("rung")?;
    let mut objectives = Objectives::default();
    while !words.is_empty() {
        let key = words.word("a key")?;
        if !objective(&key, words, &mut objectives)? {
            return Err(format!("`{key}` is no key of a rung"));
        }
    }
    let title = name.to_string();
    Ok(RungDraft { name, title, when: When::Never, objectives, impact: Impact::Major })
}

fn scenario(words: &mut Words) -> Read<ScenarioDraft> {
    let mut draft = ScenarioDraft::new(words.name("scenario")?);
    while !words.is_empty() {
        let key = words.word("a key")?;
        if objective(&key, words, &mut draft.objectives)? {
            continue;
        }
        match key.as_str() {
            "severity" => draft.severity = Some(words.name("rung")?),
            "plan" => draft.plan = Some(words.name("plan")?),
            "mode" => draft.mode = words.one_of("mode", MODES)?,
            "over" => draft.over = words.names("scenario")?,
            "again" => draft.again = Some(words.span("again")?),
            "veto" => draft.veto = words.span("veto")?,
            "approval_within" => draft.approval_within = words.span("approval_within")?,
            "on_clear" => {
                let plan = words.name("plan")?;
                words.must("after")?;
                let after = words.span("on_clear")?;
                let mode = words.take("mode").then(|| words.one_of("mode", MODES)).transpose()?;
                draft.on_clear = Some(OnClearDraft { plan, after, mode });
            }
            other => return Err(format!("`{other}` is no key of a scenario")),
        }
    }
    Ok(draft)
}

fn when(words: &mut Words) -> Read<WhenDraft> {
    let mut when = WhenDraft::default();
    let parts = |words: &mut Words| -> Read<Vec<Name>> { words.names("probe or component") };
    while !words.is_empty() {
        match words.word("a key")?.as_str() {
            "service" => when.service = Some(words.one_of("level", LEVELS)?),
            "down" => when.down = parts(words)?,
            "slow" => when.slow = parts(words)?,
            "up" => when.up = parts(words)?,
            "at_least" => when.at_least = Some(words.number("at_least")?),
            "priority" => when.priority = Some(words.one_of("priority", PRIORITIES)?),
            "raised" => when.raised = words.names("trigger")?,
            "tried" => when.tried = words.names("plan")?,
            "role" => {
                when.side = words.one_of("role", &[("active", Side::Active), ("standby", Side::Standby)])?
            }
            "region_lost" => when.region_lost = true,
            "for" => when.held = Some(words.span("for")?),
            "open_for" => when.open_for = Some(words.span("open_for")?),
            other => return Err(format!("`{other}` is no condition")),
        }
    }
    Ok(when)
}
