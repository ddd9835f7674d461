//! What is worth knowing of a config that is right: how long things take at worst, which of two scenarios acts, what is
//! left of a fence when the old region is dead. It judges nothing.

use super::unwise::{in_force, settles};
use crate::core::decide::Scenario;
use crate::core::decide::scenario::{Behind, Contender, which_acts, why_behind};
use crate::core::ids::{ScenarioPos, StepPos};
use crate::core::plan::{Case, Fencing, Only, PlanKind};
use crate::core::policy::{Policy, ServicePolicy};
use crate::core::time::Span;
use crate::core::verdict::{Clause, Part};
use crate::core::view::{WorstCase, worst_cases};

/// More lines than this of one service are not read.
const MOST: usize = 20;

pub(super) fn notes(policy: &Policy, notes: &mut Vec<String>) {
    for service in &policy.services {
        let mut lines = Vec::new();
        worst(policy, service, &mut lines);
        fences(service, &mut lines);
        for pair in pairs(policy, service) {
            lines.push(format!(
                "{}: `{}` and `{}` can hold together; `{}` acts ({})",
                service.name,
                pair.winner,
                pair.loser,
                pair.winner,
                reason(pair.why)
            ));
        }
        let more = lines.len().saturating_sub(MOST);
        notes.extend(lines.into_iter().take(MOST));
        if more > 0 {
            notes.push(format!("{}: … and {more} more", service.name));
        }
    }
}

/// The slowest case of each scenario's plan.
fn worst(policy: &Policy, service: &ServicePolicy, lines: &mut Vec<String>) {
    let all = worst_cases(policy, service);
    for (at, scenario) in service.scenarios.iter().enumerate() {
        let of = all.iter().filter(|worst| worst.scenario == ScenarioPos::at(at));
        let Some(worst) = of.max_by_key(|worst| worst.to_end()) else { continue };
        let plan = service.plans.get(worst.plan.index()).map_or("?", |plan| plan.name.as_str());
        let promised = match rto_of(service, scenario) {
            Some((rto, whose)) => format!("; the {whose}'s rto is {rto}"),
            None => String::new(),
        };
        lines.push(format!(
            "{}: `{}` starts plan `{plan}`{} at worst {} after the fault ({}), which ends within {} more{promised}",
            service.name,
            scenario.name,
            case(service, worst.case),
            worst.to_start(),
            spoken(worst),
            worst.run,
        ));
    }
}

fn case(service: &ServicePolicy, case: Case) -> String {
    match case {
        Case::Move { from, to } => format!(" ({} -> {})", service.region_name(from), service.region_name(to)),
        Case::At(_) => String::new(),
    }
}

/// What a worst case is made of.
pub(super) fn spoken(worst: &WorstCase) -> String {
    let mut said = format!("detected in {}", worst.detection);
    if worst.held > Span::ZERO {
        said.push_str(&format!(", held for {} from the first failed sample", worst.held));
    }
    said.push_str(&format!(", asked again in {}", worst.ask));
    if worst.veto > Span::ZERO {
        said.push_str(&format!(", {} for a veto", worst.veto));
    }
    said
}

/// The RTO that is in force for a scenario by itself, and whose it is.
pub(super) fn rto_of(service: &ServicePolicy, scenario: &Scenario) -> Option<(Span, &'static str)> {
    let rung =
        || scenario.severity.and_then(|at| service.ladder.rung(at)).and_then(|rung| rung.objectives.rto);
    let named = || {
        let parts = scenario.when.clauses().iter().flat_map(|clause| clause.down.iter().chain(&clause.slow));
        parts
            .filter_map(|part| match part {
                Part::Component(at) => service.components.get(at.index())?.objectives.rto,
                Part::Probe(at) => {
                    let component = service.parts.probes.get(at.index())?.component?;
                    service.components.get(component.index())?.objectives.rto
                }
            })
            .min()
    };
    let own = scenario.objectives.rto.map(|rto| (rto, "scenario"));
    own.or_else(|| named().map(|rto| (rto, "component")))
        .or_else(|| rung().map(|rto| (rto, "severity")))
        .or_else(|| service.objectives.rto.map(|rto| (rto, "service")))
}

/// The strongest fence that works with the old region dead.
fn fences(service: &ServicePolicy, lines: &mut Vec<String>) {
    for plan in service.plans.iter().filter(|plan| plan.set.kind == PlanKind::Failover) {
        let strengths = plan.set.plans().filter_map(|plan| match plan.fencing(Only::Unplanned) {
            Fencing::Named { steps, with_old_region_dead, .. } => {
                let names: Vec<String> = steps
                    .iter()
                    .filter_map(|at: &StepPos| plan.step(*at))
                    .map(|step| step.name.to_string())
                    .collect();
                Some((with_old_region_dead, names.join(", ")))
            }
            Fencing::NotNeeded | Fencing::Unfenced(_) | Fencing::Absent => None,
        });
        if let Some((strength, names)) = strengths.min() {
            lines.push(format!(
                "{}: with the old region dead, the strongest fence of plan `{}` ({names}) is {}",
                service.name,
                plan.name,
                settles(strength)
            ));
        }
    }
}

/// Two scenarios that can hold together.
pub(super) struct Pair<'p> {
    pub(super) winner: &'p str,
    pub(super) loser: &'p str,
    pub(super) why: Behind,
    /// It makes a difference which of them acts: they have different plans, and neither waits for the other's.
    pub(super) matters: bool,
}

/// Each two scenarios with plans that can hold together, with the one that acts.
pub(super) fn pairs<'p>(policy: &Policy, service: &'p ServicePolicy) -> Vec<Pair<'p>> {
    let contenders: Vec<Contender<'p>> = (service.scenarios.iter().enumerate())
        .filter_map(|(at, scenario)| {
            let plan = service.plans.get(scenario.plan?.index())?;
            let mode = in_force(policy, service, scenario);
            Some(Contender { pos: ScenarioPos::at(at), scenario, kind: plan.set.kind, mode })
        })
        .collect();
    let mut pairs = Vec::new();
    for (i, one) in contenders.iter().enumerate() {
        for other in contenders.iter().skip(i + 1) {
            if !together(one.scenario, other.scenario) {
                continue;
            }
            let both = [*one, *other];
            let Some(winner) = which_acts(&both) else { continue };
            let loser = if winner.pos == one.pos { other } else { one };
            pairs.push(Pair {
                winner: winner.scenario.name.as_str(),
                loser: loser.scenario.name.as_str(),
                why: why_behind(winner, loser),
                matters: winner.scenario.plan != loser.scenario.plan
                    && !follows(one, other)
                    && !follows(other, one),
            });
        }
    }
    pairs
}

/// Whether one holds only after the other's plan was tried.
fn follows(one: &Contender<'_>, other: &Contender<'_>) -> bool {
    let plan = other.scenario.plan;
    one.scenario.when.clauses().iter().all(|clause| plan.is_some_and(|plan| clause.tried.contains(&plan)))
}

/// Unless one says that a part is up where the other says that it is down.
fn together(one: &Scenario, other: &Scenario) -> bool {
    let excludes = |a: &Clause, b: &Clause| {
        let all_down = |clause: &Clause| clause.at_least.is_none();
        a.side == b.side && all_down(b) && a.up.iter().any(|part| b.down.contains(part))
    };
    one.when.clauses().iter().any(|a| other.when.clauses().iter().any(|b| !excludes(a, b) && !excludes(b, a)))
}

fn reason(why: Behind) -> &'static str {
    match why {
        Behind::Over => "`over` says so",
        Behind::Mode => "the other only watches",
        Behind::Severity => "it is more severe",
        Behind::Kind => "its plan's kind goes first",
        Behind::Name => "its name comes first",
    }
}
