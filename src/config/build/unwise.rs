//! Warnings: what is legal, works, and will be regretted. Each says why, with its numbers, and what to write.

use std::collections::BTreeSet;

use super::Around;
use super::notes::{rto_of, spoken};
use crate::config::place::At;
use crate::config::problem::Problem;
use crate::config::read::Key;
use crate::config::whole::ServiceRead;
use crate::config::wiring::Wiring;
use crate::core::decide::{Mode, Scenario};
use crate::core::ids::PlanPos;
use crate::core::plan::{Body, Fencing, Only, Own, PlanKind, Settles, Step};
use crate::core::policy::{PlanPolicy, Policy, ServicePolicy};
use crate::core::verdict::{Role, Tier};
use crate::core::view::worst_cases;

pub(super) fn warn(around: &Around<'_>, policy: &Policy, wiring: &Wiring) {
    references(around, policy);
    majority(around);
    if wiring.channels.is_empty()
        && policy.mode != Mode::Observe
        && around.whole.config.channel.at().is_none()
    {
        let problem =
            Problem::unwise(around.whole.config.mode.at(), "there is no channel: nobody is told of anything");
        around.add(
            problem.help("write such as `channel.slack = { kind = \"slack\", webhook = { file = \"…\" } }`"),
        );
    }
    for service in &policy.services {
        let Some(read) = around.whole.services.iter().find(|read| read.name == service.name) else {
            continue;
        };
        alone(around, policy, service, read);
        hurried(around, policy, service, read);
        witness(around, policy, service, read);
        seen(around, policy, service, read);
        leaving(around, policy, service, read);
        waits_for_nobody(around, policy, service, read);
        late(around, policy, service, read);
        weak(around, policy, service, read);
        undecided(around, policy, service, read);
    }
}

/// The most that a scenario may do.
pub(super) fn in_force(policy: &Policy, service: &ServicePolicy, scenario: &Scenario) -> Mode {
    policy.mode.min(service.mode).min(scenario.mode)
}

/// The scenarios that start a failover unasked, with its plan.
fn automatic<'p>(
    policy: &'p Policy,
    service: &'p ServicePolicy,
) -> impl Iterator<Item = (&'p Scenario, PlanPos, &'p PlanPolicy)> {
    service.scenarios.iter().filter_map(move |scenario| {
        let at = scenario.plan?;
        let plan = service.plans.get(at.index())?;
        let auto = in_force(policy, service, scenario) == Mode::Auto && plan.set.kind == PlanKind::Failover;
        auto.then_some((scenario, at, plan))
    })
}

fn mode_of(read: &ServiceRead<'_>, scenario: &str) -> Option<At> {
    let raw = read.raw.scenario.get()?.get(scenario)?;
    raw.get().and_then(|raw| raw.mode.at()).filter(|at| at.file > 0).or(raw.at())
}

fn references(around: &Around<'_>, policy: &Policy) {
    let Some(raw) = around.whole.config.self_trust.get() else { return };
    let points: Vec<&str> =
        raw.reference_points.get().into_iter().flatten().filter_map(Key::get).map(|p| p.0.as_str()).collect();
    if points.is_empty() || policy.mode == Mode::Observe {
        return;
    }
    let at = raw.reference_points.at();
    let networks: BTreeSet<String> = points.iter().map(|point| network(point)).collect();
    if points.len() < 3 {
        let n = points.len();
        let problem = Problem::unwise(at, format!("{n} reference points say little of one's own network"));
        around.add(problem.help("write at least three, in two networks, none in a region that is judged"));
    } else if networks.len() < 2 {
        let problem = Problem::unwise(at, "all reference points lie in one network: it may fail as a whole");
        around.add(problem.help("write some of another network"));
    }
}

/// What fails together: the same first half of an address, or the same domain.
fn network(point: &str) -> String {
    let rest = point.split_once("://").map_or(point, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => format!("{}.{}", ip.octets()[0], ip.octets()[1]),
        Ok(std::net::IpAddr::V6(ip)) => format!("{:x}:{:x}", ip.segments()[0], ip.segments()[1]),
        Err(_) => {
            let labels: Vec<&str> = host.rsplit('.').take(2).collect();
            labels.join(".")
        }
    }
}

/// An ask that is over before a look at what hangs has ended: what hangs would never be moved.
fn hurried(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    let Some((scenario, ..)) = automatic(policy, service).next() else { return };
    let triggers =
        service.parts.probes.iter().zip(&service.probes).filter(|(part, _)| part.tier == Tier::Trigger);
    let Some((_, probe)) = triggers.max_by_key(|(_, probe)| probe.debounce.timeout()) else { return };
    let (name, timeout) = (&probe.name, probe.debounce.timeout());
    if timeout < policy.ask {
        return;
    }
    let written = around.whole.config.coordinator.get().and_then(|raw| raw.ask.at());
    let problem = Problem::unwise(
        written.or(mode_of(read, scenario.name.as_str())),
        format!("an ask of {} is over before a look of `{name}`, which takes up to {timeout}", policy.ask),
    );
    around.add(problem.help(
        "what hangs is then never looked at again in time, and never moved: make `ask` longer than `timeout`",
    ));
}

/// With several observers, a region that holds a majority of them takes the quorum with it.
fn majority(around: &Around<'_>) {
    let all = around.observers.len();
    for (_, region) in &around.observers {
        let there = around.observers.iter().filter(|(_, other)| other == region).count();
        if all > 1 && 2 * there > all {
            let problem = Problem::unwise(
                around.whole.config.observer.at(),
                format!("{there} of {all} observers stand in `{region}`: without it nothing can be decided"),
            );
            around.add(
                problem.help("let no region hold a majority; a witness observer at a third place is enough"),
            );
        }
    }
}

fn alone(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    if policy.observers.len() > 1 {
        return;
    }
    if let Some((scenario, ..)) = automatic(policy, service).next() {
        let problem = Problem::unwise(
            mode_of(read, scenario.name.as_str()),
            format!("`{}` fails over by itself on the word of one observer", scenario.name),
        );
        around.add(
            problem
                .help("its own outage looks like the service's; say `mode = \"approve\"`, or add observers"),
        );
    }
}

/// Nothing that could say that the active region lives although it cannot be reached.
fn witness(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    if service.parts.has_witness {
        return;
    }
    let Some((scenario, ..)) = automatic(policy, service).next() else { return };
    let triggers: Vec<&str> = service
        .parts
        .probes
        .iter()
        .zip(&service.probes)
        .filter(|(part, _)| part.tier == Tier::Trigger)
        .map(|(_, probe)| probe.name.as_str())
        .collect();
    let problem = Problem::unwise(
        mode_of(read, scenario.name.as_str()),
        format!(
            "`{}` fails over by itself, and no probe is a witness for its trigger probes ({})",
            scenario.name,
            triggers.join(", ")
        ),
    );
    around.add(problem.help(
        "write a probe with `witness_of = \"active\"`, such as a standby's `check = \"wal_receiver\"`: while it hears \
         the primary, nothing moves",
    ));
}

/// An automatic failover needs trigger probes that a majority of all observers can see.
fn seen(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    let Some((scenario, ..)) = automatic(policy, service).next() else { return };
    let wide = service.parts.cells.iter().any(|cell| {
        let part = service.parts.probes.get(cell.probe.index());
        cell.wide && part.is_some_and(|part| part.tier == Tier::Trigger && part.role != Role::Standby)
    });
    if !wide {
        let problem = Problem::unwise(
            mode_of(read, scenario.name.as_str()),
            format!("`{}` can never start by itself: no trigger probe is seen by a majority", scenario.name),
        );
        around.add(problem.help("write a trigger probe with `from = \"all\"`, or say `mode = \"approve\"`"));
    }
}

/// What a failover needs of the region that it leaves.
fn leaving(around: &Around<'_>, _: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    for plan in service.plans.iter().filter(|plan| plan.set.kind == PlanKind::Failover) {
        for case in plan.set.plans() {
            let Some(from) = case.case().from().and_then(|at| service.regions.get(at.index())) else {
                continue;
            };
            for (step, touch) in case.needs_of(from, Only::Unplanned) {
                let Some(step) = case.step(step) else { continue };
                let (name, at) = (&step.name, at_step(read, plan, step));
                let problem = if &*touch.api == "route53" {
                    Problem::unwise(
                        at,
                        format!(
                            "step `{name}` of plan `{}` needs Route 53's control plane, which lives in {from}, to leave {from}",
                            plan.name
                        ),
                    )
                    .help(
                        "lead users by a data plane: a `traffic_gate` that health checks poll, or routing controls",
                    )
                } else {
                    Problem::unwise(
                        at,
                        format!("step `{name}` of plan `{}` needs {from} to be alive to leave it", plan.name),
                    )
                    .help("say `on_failure = \"continue\"` where it may fail, `only = \"planned\"`, or act in {to}")
                };
                around.add(problem);
            }
        }
    }
}

/// A `lapse` is over when the observers of the region that is left have been silent for so long: somebody must stand
/// there.
fn waits_for_nobody(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    for plan in &service.plans {
        let mut said = BTreeSet::new();
        for case in plan.set.plans() {
            let case_at = case.at();
            let old = case_at.from.as_ref().unwrap_or(&case_at.at);
            let waits = |step: &&Step| matches!(step.body, Body::Own(Own::Lapse { .. }));
            if policy.observers.iter().any(|observer| observer.region == *old) {
                continue;
            }
            for step in case.steps().iter().filter(waits) {
                if !said.insert((&step.name, old)) {
                    continue;
                }
                let problem = Problem::unwise(
                    at_step(read, plan, step),
                    format!(
                        "step `{}` of plan `{}` waits until the observers in {old} are silent, and none stands there: it never settles",
                        step.name, plan.name
                    ),
                );
                around.add(problem.help(format!("write an observer of {old}, or fence by something else")));
            }
        }
    }
}

/// Where a step is written.
fn at_step(read: &ServiceRead<'_>, plan: &PlanPolicy, step: &Step) -> Option<At> {
    let name = step.name.to_string();
    let table = read.node.get("plan").and_then(|all| all.get(plan.name.as_str()));
    let table = table.and_then(|plan| plan.get("step")?.get(name.split('.').next().unwrap_or(&name)));
    table.map(|table| table.get("kind").map_or(table.at, |kind| kind.at))
}

/// A promise that detection alone breaks.
fn late(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    for worst in worst_cases(policy, service) {
        let Some(scenario) = service.scenarios.get(worst.scenario.index()) else { continue };
        let Some((rto, whose)) = rto_of(service, scenario) else { continue };
        if worst.to_start() > rto {
            let raw = read.raw.scenario.get().and_then(|all| all.get(scenario.name.as_str()));
            let own = raw.and_then(Key::get).and_then(|raw| raw.rto.at());
            let at = own.or(read.raw.rto.at().filter(|_| whose == "service")).or(raw.and_then(Key::at));
            let problem = Problem::unwise(
                at,
                format!(
                    "`{}` promises users back within {rto} (the {whose}'s `rto`), and its plan may start only {} after the fault",
                    scenario.name,
                    worst.to_start()
                ),
            );
            around.add(problem.help(format!("{}; shorten these, or promise more time", spoken(&worst))));
        }
    }
}

/// The strongest fence that works with the old region dead.
fn weak(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    let mut said = BTreeSet::new();
    for (scenario, at, plan) in automatic(policy, service) {
        for case in plan.set.plans() {
            let Fencing::Named { strongest, with_old_region_dead, unfenced: None, .. } =
                case.fencing(Only::Unplanned)
            else {
                continue;
            };
            if with_old_region_dead.enough_for_auto() || !said.insert(at) {
                continue;
            }
            let table = read.node.get("plan").and_then(|all| all.get(plan.name.as_str()));
            let at = table.map(|table| table.get("fence").map_or(table.at, |fence| fence.at));
            let problem = Problem::unwise(
                at,
                format!(
                    "with the old region dead, plan `{}` can fence by {} at most (else by {}): `{}` is then held for a person",
                    plan.name,
                    settles(with_old_region_dead),
                    settles(strongest),
                    scenario.name
                ),
            );
            around.add(problem.help(
                "add a `lapse` on something that stops itself, or write `unfenced` with the reason why that is acceptable",
            ));
        }
    }
}

/// How strongly a fence settles the old side, in words.
pub(super) fn settles(settles: Settles) -> &'static str {
    match settles {
        Settles::Nothing => "nothing",
        Settles::Cut => "cutting users off",
        Settles::Lapsed => "waiting until it has stopped itself",
        Settles::Structural => "its own structure",
        Settles::Proved => "a fence that is read back",
    }
}

/// Two scenarios between which only their names decide.
fn undecided(around: &Around<'_>, policy: &Policy, service: &ServicePolicy, read: &ServiceRead<'_>) {
    for pair in super::notes::pairs(policy, service) {
        if pair.why == crate::core::decide::scenario::Behind::Name && pair.matters {
            let raw = read.raw.scenario.get().and_then(|all| all.get(pair.loser));
            let problem = Problem::unwise(
                raw.and_then(Key::at),
                format!(
                    "`{}` and `{}` can hold together, and only their names decide that `{}` acts",
                    pair.winner, pair.loser, pair.winner
                ),
            );
            around.add(problem.help(format!(
                "write `over = [\"{}\"]` into the one that should act, or give them different severities",
                pair.loser
            )));
        }
    }
}
