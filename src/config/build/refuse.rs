//! What the language refuses beyond single tables and beyond what the core refuses: things that lead nowhere, and
//! things that must not be the same.

use std::collections::BTreeMap;

use super::Around;
use super::ladder::Ladders;
use crate::config::place::At;
use crate::config::problem::{Code, Problem};
use crate::config::raw::Mode;
use crate::config::raw::plan::PlanKind;
use crate::config::raw::probe::Tier;
use crate::config::read::Key;
use crate::config::secret::Secret;
use crate::config::suggest;
use crate::config::whole::{PlanRead, ServiceRead, shelf, words};
use crate::config::wiring::{Told, Wiring};
use crate::core::ids::Name;
use crate::core::plan::{Fencing, Only, PlanSet};

/// The format that this program reads.
const FORMAT: u32 = 1;

pub(super) fn refuse(around: &Around<'_>, ladders: &Ladders, wiring: &Wiring) {
    format(around);
    undeclared(around);
    silent(around, ladders, wiring);
    same_secret(around, wiring);
    untrusting(around);
    for service in &around.whole.services {
        unrun(around, service);
        unasked(around, service);
        cold(around, service);
        single(around, service);
    }
}

fn format(around: &Around<'_>) {
    if let Some((count, at)) = around.whole.config.format.both()
        && count.0 != FORMAT
    {
        let problem = Problem::error(Code::Value, at, format!("this program reads no format {}", count.0));
        around.add(problem.help(format!("write `format = {FORMAT}`, or take a newer Watchkeeper")));
    }
}

/// Whoever has nothing to check itself by may not act by itself.
fn untrusting(around: &Around<'_>) {
    let config = &around.whole.config;
    let trust = &config.self_trust;
    let points = trust.get().and_then(|raw| raw.reference_points.get()).map_or(0, Vec::len);
    if points > 0 || trust.bad() || config.mode.get() != Some(&Mode::Auto) {
        return;
    }
    for service in around.whole.services.iter().filter(|service| service.raw.mode.get() == Some(&Mode::Auto))
    {
        let auto = shelf(&service.raw.scenario)
            .find(|(_, raw)| raw.plan.at().is_some() && raw.mode.get() == Some(&Mode::Auto));
        if let Some((name, raw)) = auto {
            let problem = Problem::error(
                Code::Policy,
                raw.mode.at(),
                format!("scenario `{name}` is `auto`, and this daemon has nothing to check itself by"),
            );
            around.add(problem.help(
                "write [self_trust] reference_points = [\"1.1.1.1:443\", \"8.8.8.8:443\", \"9.9.9.9:443\"], or \
                 `mode = \"approve\"`",
            ));
        }
    }
}

/// Once one region is declared, all must be.
fn undeclared(around: &Around<'_>) {
    if around.regions.is_empty() {
        return;
    }
    let known: Vec<&str> = around.regions.iter().map(|region| region.name.as_str()).collect();
    for service in &around.whole.services {
        for (word, at) in service.raw.regions.get().into_iter().flatten().filter_map(Key::both) {
            if !known.contains(&word.0.as_str()) {
                let problem = Problem::error(Code::Reference, at, format!("region `{word}` is not declared"));
                let near = suggest::nearest(word.0.as_str(), known.iter().copied());
                let help = match near {
                    Some(near) => format!("did you mean `{near}`? once one region is declared, all must be"),
                    None => format!("write [region.{word}]: once one region is declared, all must be"),
                };
                around.add(problem.help(help));
            }
        }
    }
}

/// A rung that tells nobody.
fn silent(around: &Around<'_>, ladders: &Ladders, wiring: &Wiring) {
    let used: Vec<&str> =
        around.whole.services.iter().filter_map(|s| s.raw.ladder.get()).map(|word| word.0.as_str()).collect();
    for (name, ladder) in ladders.iter() {
        let Some(at) = ladder.at else { continue };
        for (rung, told) in &ladder.told {
            let silent = match told {
                // Without channels nobody can be told of anything: that is warned of once.
                Told::Everyone => false,
                Told::Escalation(escalation) => {
                    wiring.escalations.get(escalation).is_some_and(|escalation| escalation.tell.is_empty())
                }
            };
            if silent {
                let problem = Problem::error(
                    Code::Policy,
                    place_of_escalation(around, name, rung).unwrap_or(at),
                    format!("rung `{rung}` of ladder `{name}` tells nobody"),
                );
                around.add(problem.help("write `tell = [{ channels = [\"…\"] }]` into its escalation"));
            }
        }
    }
    let default = shelf(&around.whole.config.escalation).find(|(name, _)| name.as_str() == "default");
    if let Some((name, raw)) = default
        && raw.tell.get().is_none_or(Vec::is_empty)
        && !raw.tell.bad()
        && used.iter().any(|used| ladders.get(used).is_some_and(|ladder| ladder.at.is_none()))
    {
        let at =
            around.whole.config.escalation.get().and_then(|all| all.get(name.as_str())).and_then(Key::at);
        let problem = Problem::error(Code::Policy, at, "the escalation `default` tells nobody");
        around.add(problem.help("write `tell = [{ channels = [\"…\"] }]`"));
    }
}

fn place_of_escalation(around: &Around<'_>, ladder: &Name, rung: &Name) -> Option<At> {
    let ladder = around.whole.config.ladder.get()?.get(ladder.as_str())?.get()?;
    ladder.severity.get()?.get(rung.as_str())?.get()?.escalation.at()
}

/// Two triggers with one secret: who may raise one may raise the other.
fn same_secret(around: &Around<'_>, wiring: &Wiring) {
    let mut seen: BTreeMap<&Secret, (&Name, &Name)> = BTreeMap::new();
    let at = |service: &Name, trigger: &Name| {
        let service = around.whole.services.iter().find(|one| one.name == *service)?;
        service.raw.trigger.get()?.get(trigger.as_str())?.get()?.secret.at()
    };
    for trigger in &wiring.triggers {
        match seen.get(&trigger.secret) {
            Some((service, name)) => {
                let problem = Problem::error(
                    Code::Secret,
                    at(&trigger.service, &trigger.name),
                    format!(
                        "trigger `{}` has the same secret as `{name}` of service `{service}`",
                        trigger.name
                    ),
                );
                let problem =
                    problem.help("give each a secret of its own: who may raise one may not raise the other");
                around.add(match at(service, name) {
                    Some(other) => problem.also(other, "the other one"),
                    None => problem,
                });
            }
            None => {
                seen.insert(&trigger.secret, (&trigger.service, &trigger.name));
            }
        }
    }
}

/// A plan that nobody runs. Operators may run any, but one that no scenario, plan or drill names was forgotten.
fn unrun(around: &Around<'_>, service: &ServiceRead<'_>) {
    let raw = &service.raw;
    let mut named: Vec<Name> = Vec::new();
    for (_, scenario) in shelf(&raw.scenario) {
        named.extend(scenario.plan.get().map(|word| word.0.clone()));
        named.extend(scenario.on_clear.get().and_then(|on| on.plan.get()).map(|word| word.0.clone()));
    }
    named.extend(raw.rejoin.get().map(|word| word.0.clone()));
    named.extend(raw.failback.get().and_then(|way| way.plan.get()).map(|word| word.0.clone()));
    named.extend(shelf(&raw.drill).filter_map(|(_, drill)| drill.plan.get()).map(|word| word.0.clone()));
    for step in service.plans.iter().flat_map(|plan| &plan.steps) {
        if let super::step::OwnKeys::Child(child) = &step.raw.own {
            named.extend(child.plan.get().map(|word| word.0.clone()));
        }
    }
    for plan in &service.plans {
        if !named.contains(&plan.name) {
            let problem =
                Problem::error(Code::Policy, plan.node.at, format!("nobody runs the plan `{}`", plan.name));
            around.add(
                problem
                    .help("name it in a scenario, as `rejoin`, in a drill or in another plan, or remove it"),
            );
        }
    }
}

/// An automatic scenario whose plan must be told something.
fn unasked(around: &Around<'_>, service: &ServiceRead<'_>) {
    for (name, raw) in shelf(&service.raw.scenario) {
        let auto = raw.mode.get() == Some(&Mode::Auto);
        let Some((word, at)) = raw.plan.both().filter(|_| auto) else { continue };
        let Some(plan) = service.plans.iter().find(|plan| plan.name == word.0) else { continue };
        let given = |input: &str| raw.inputs.get().is_some_and(|all| all.get(input).is_some());
        needs(around, plan, at, &format!("scenario `{name}`"), given);
    }
    for (name, raw) in shelf(&service.raw.scenario) {
        let Some(on) = raw.on_clear.get() else { continue };
        let auto = on.mode.get().or(raw.mode.get()) == Some(&Mode::Auto);
        let Some((word, at)) = on.plan.both().filter(|_| auto) else { continue };
        let Some(plan) = service.plans.iter().find(|plan| plan.name == word.0) else { continue };
        needs(around, plan, at, &format!("`on_clear` of scenario `{name}`"), |_| false);
    }
}

fn needs(around: &Around<'_>, plan: &PlanRead<'_>, at: At, by: &str, given: impl Fn(&str) -> bool) {
    for (input, raw) in shelf(&plan.raw.inputs) {
        if raw.default.at().is_none() && !given(input.as_str()) {
            let problem = Problem::error(
                Code::Policy,
                at,
                format!("{by} is `auto`, and nobody tells plan `{}` its input `{input}`", plan.name),
            );
            around.add(problem.help(format!(
                "write `inputs = {{ {input} = \"…\" }}`, give the input a default, or say `mode = \"approve\"`"
            )));
        }
    }
}

/// An automatic scenario whose plan promotes, and neither settles the old side nor says why it need not.
pub(super) fn unfenced(around: &Around<'_>, service: &ServiceRead<'_>, plans: &[PlanSet]) {
    if service.raw.stateless.or(false) {
        return;
    }
    for (name, raw) in shelf(&service.raw.scenario) {
        let auto = raw.mode.get() == Some(&Mode::Auto);
        let Some(word) = raw.plan.get().filter(|_| auto) else { continue };
        let Some(set) = plans.iter().find(|set| set.name == word.0) else { continue };
        let absent = set.plans().any(|plan| matches!(plan.fencing(Only::Unplanned), Fencing::Absent));
        if absent {
            let table = service.plans.iter().find(|read| read.name == word.0).map(|read| read.node.at);
            let problem = Problem::error(
                Code::Plan,
                table,
                format!("plan `{}` promotes, and nothing keeps the old side from writing", word.0),
            );
            let problem = problem.help(
                "write `fence = [\"…\"]` with a step that fences, or `unfenced = \"why that is acceptable\"`; \
                 or say `mode = \"approve\"` in the scenario",
            );
            around.add(match raw.mode.at() {
                Some(at) => problem.also(at, format!("scenario `{name}` runs it unasked")),
                None => problem,
            });
        }
    }
}

/// A failover to where nothing is looked at must ask something of that place.
fn cold(around: &Around<'_>, service: &ServiceRead<'_>) {
    let watched: Vec<&crate::config::raw::probe::Probe> = service
        .probes
        .iter()
        .map(|read| &read.raw.0)
        .filter(|raw| raw.tier.or(Tier::Trigger) == Tier::Trigger)
        .collect();
    let regions = words(&service.raw.regions);
    let cold = regions.iter().any(|region| {
        !watched.iter().any(|raw| {
            use crate::config::raw::probe::Role;
            let there = raw.regions.at().is_none() || words(&raw.regions).contains(region);
            there && matches!(raw.role.or(Role::Each), Role::Each | Role::Standby)
        })
    });
    for plan in &service.plans {
        let failover = plan.raw.kind.get() == Some(&PlanKind::Failover);
        let gates = service.probes.iter().any(|read| read.raw.0.tier.get() == Some(&Tier::Gate));
        let asks = match plan.raw.requires.get() {
            Some(named) => !named.is_empty(),
            None => gates,
        };
        if failover && cold && !asks && !watched.is_empty() && regions.len() > 1 {
            let at = plan.raw.requires.at().unwrap_or(plan.node.at);
            let problem = Problem::error(
                Code::Policy,
                at,
                format!(
                    "plan `{}` may go to a region where no trigger probe runs, and asks nothing of it",
                    plan.name
                ),
            );
            around.add(problem.help(
                "write a gate probe that runs there (`tier = \"gate\"`, `role = \"standby\"`) and name it in `requires`",
            ));
        }
    }
}

/// A scenario cannot hold back itself; a service with one region has nowhere to go.
fn single(around: &Around<'_>, service: &ServiceRead<'_>) {
    for (name, raw) in shelf(&service.raw.scenario) {
        let own =
            raw.over.get().into_iter().flatten().filter_map(Key::both).find(|(word, _)| word.0 == *name);
        if let Some((_, at)) = own {
            let problem = Problem::error(Code::Reference, at, "a scenario cannot act instead of itself");
            around.add(problem.help("name another one, or remove it"));
        }
    }
}
