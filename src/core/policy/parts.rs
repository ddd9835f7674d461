//! Probes and components of a service as standings see them: cells, who sees them, what a decision may hang on.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::draft::{From, ProbeDraft, WitnessDraft};
use super::flaw::{Flaw, What};
use super::names::Names;
use super::order::in_order;
use super::{ObserverPolicy, PlanPolicy, ProbePolicy};
use crate::decide::Scenario;
use crate::ids::{CellPos, ComponentPos, Name, ObserverPos, ProbePos, RegionPos};
use crate::verdict::standing::{ComponentPart, ProbePart};
use crate::verdict::{Cell, Clause, DownRule, Observers, Part, Parts, Role, Tier, WitnessOf};

pub(super) fn probes_of(names: &mut Names<'_>) -> Vec<ProbePolicy> {
    let draft = names.draft;
    let parents: Vec<Option<ProbePos>> = draft
        .probes
        .iter()
        .map(|p| p.parent.as_ref().and_then(|parent| names.probe(&p.name, parent)))
        .collect();
    if let Err(circle) = in_order(parents.len(), |i| {
        parents[i].into_iter().map(ProbePos::index).filter(|p| *p < parents.len()).collect()
    }) {
        let names_of = circle.into_iter().map(|i| draft.probes[i].name.clone()).collect();
        names.flaws.push(Flaw::Circle {
            service: Some(draft.name.clone()),
            what: What::Probe,
            names: names_of,
        });
    }
    (draft.probes.iter().enumerate())
        .map(|(i, probe)| ProbePolicy {
            name: probe.name.clone(),
            debounce: probe.debounce,
            weighed: probe.tier != Tier::Inform || probe.loss || probe.witness_of.is_some() || probe.drift,
            parent: parents[i],
            children: (parents.iter().enumerate())
                .filter(|(_, parent)| **parent == Some(ProbePos::at(i)))
                .map(|(child, _)| ProbePos::at(child))
                .collect(),
        })
        .collect()
}

/// Marks what a decision may hang on: what a scenario with a plan names, itself or by its component, and what a plan
/// requires or reads its loss from.
pub(super) fn weigh(
    mut probes: Vec<ProbePolicy>,
    parts: &Parts,
    scenarios: &[Scenario],
    plans: &[PlanPolicy],
) -> Vec<ProbePolicy> {
    let clauses = scenarios.iter().filter(|scenario| scenario.plan.is_some()).flat_map(|s| s.when.clauses());
    let (named, ranks): (Vec<&Clause>, Vec<&Clause>) = clauses.partition(|clause| clause.priority.is_none());
    let members = |part: &Part| match part {
        Part::Probe(probe) => vec![*probe],
        Part::Component(at) => parts.components.get(at.index()).map_or(Vec::new(), |c| c.members.clone()),
    };
    let by_name = named.iter().chain(&ranks).flat_map(|clause| {
        clause.down.iter().chain(&clause.slow).chain(&clause.up).flat_map(members).collect::<Vec<_>>()
    });
    let by_rank = ranks.iter().flat_map(|clause| {
        let ranked =
            parts.components.iter().filter(|c| clause.priority.is_some_and(|least| c.priority >= least));
        ranked.flat_map(|c| c.members.clone()).collect::<Vec<_>>()
    });
    let by_plan = plans.iter().flat_map(|plan| plan.requires.iter().chain(&plan.loss).copied());
    for probe in by_name.chain(by_rank).chain(by_plan) {
        if let Some(probe) = probes.get_mut(probe.index()) {
            probe.weighed = true;
        }
    }
    probes
}

pub(super) fn parts_of(names: &mut Names<'_>, observers: &[ObserverPolicy]) -> Parts {
    let draft = names.draft;
    let everybody = Observers::first(observers.len());
    let mut cells: Vec<Cell> = Vec::new();
    let mut probes = Vec::new();
    for (i, probe) in draft.probes.iter().enumerate() {
        let mut cell = |names: &mut Names<'_>, region: Option<(RegionPos, &Name)>| {
            let viewers = viewers(names, probe, region.map(|(_, name)| name), observers);
            let wide = viewers.count() >= everybody.majority();
            cells.push(Cell { probe: ProbePos::at(i), region: region.map(|(at, _)| at), viewers, wide });
            CellPos::at(cells.len() - 1)
        };
        let wanted: Vec<RegionPos> = match &probe.regions {
            None => (0..draft.regions.len()).map(RegionPos::at).collect(),
            Some(list) => list.iter().filter_map(|region| names.region(&probe.name, region)).collect(),
        };
        let (nowhere, in_regions): (Option<CellPos>, Box<[Option<CellPos>]>) = match probe.role {
            Role::Service => (Some(cell(names, None)), vec![None; draft.regions.len()].into()),
            Role::Each | Role::Active | Role::Standby => {
                let each = draft.regions.iter().enumerate().map(|(r, name)| (RegionPos::at(r), name));
                (None, each.map(|at| wanted.contains(&at.0).then(|| cell(names, Some(at)))).collect())
            }
        };
        probes.push(ProbePart {
            component: probe.component.as_ref().and_then(|c| names.component(&probe.name, c)),
            tier: probe.tier,
            role: probe.role,
            witness_of: match &probe.witness_of {
                None => None,
                Some(WitnessDraft::Active) => Some(WitnessOf::Active),
                Some(WitnessDraft::Region(region)) => {
                    names.region(&probe.name, region).map(WitnessOf::Region)
                }
            },
            drift: probe.drift,
            loss: probe.loss,
            cells: in_regions,
            nowhere,
        });
    }
    let depends: Vec<Vec<ComponentPos>> = (draft.components.iter())
        .map(|c| c.depends_on.iter().filter_map(|on| names.component(&c.name, on)).collect())
        .collect();
    let order = match in_order(depends.len(), |i| depends[i].iter().map(|c| c.index()).collect()) {
        Ok(order) => order.into_iter().map(ComponentPos::at).collect(),
        Err(circle) => {
            let names_of = circle.into_iter().map(|i| draft.components[i].name.clone()).collect();
            let service = Some(draft.name.clone());
            names.flaws.push(Flaw::Circle { service, what: What::Component, names: names_of });
            Vec::new()
        }
    };
    let members = |component: Option<ComponentPos>, tier: Tier| -> Vec<ProbePos> {
        (probes.iter().enumerate())
            .filter(|(_, p)| p.component == component && p.tier == tier)
            .map(|(i, _)| ProbePos::at(i))
            .collect()
    };
    let mut components = Vec::new();
    for (i, c) in draft.components.iter().enumerate() {
        let triggers = members(Some(ComponentPos::at(i)), Tier::Trigger);
        let counts = !triggers.is_empty();
        let list = if counts { triggers } else { members(Some(ComponentPos::at(i)), Tier::Inform) };
        rule_fits(names, Some(&c.name), c.down_when, list.len());
        components.push(ComponentPart {
            priority: c.priority,
            rule: c.down_when,
            depends_on: depends[i].clone(),
            members: list,
            counts,
        });
    }
    let own = members(None, Tier::Trigger);
    let critical =
        components.iter().filter(|c| c.counts && c.priority == crate::verdict::Priority::Critical).count();
    rule_fits(names, None, draft.down_when, critical + usize::from(!own.is_empty()));
    Parts {
        regions: draft.regions.len(),
        has_witness: probes.iter().any(|probe| probe.witness_of.is_some()),
        has_drift: probes.iter().any(|probe| probe.drift),
        probes,
        components,
        order,
        own,
        rule: draft.down_when,
        cells,
    }
}

fn rule_fits(names: &mut Names<'_>, component: Option<&Name>, rule: DownRule, there: usize) {
    if let DownRule::AtLeast(asked) = rule
        && (asked == 0 || usize::from(asked) > there)
    {
        let (service, component) = (names.draft.name.clone(), component.cloned());
        names.flaws.push(Flaw::DownRule { service, component, asked, there });
    }
}

fn viewers(
    names: &mut Names<'_>,
    probe: &ProbeDraft,
    region: Option<&Name>,
    observers: &[ObserverPolicy],
) -> Observers {
    let each = observers.iter().enumerate();
    match (&probe.from, region) {
        (From::All, _) => Observers::first(observers.len()),
        (From::Local, None) => {
            names.flaws.push(Flaw::LocalNowhere(names.draft.name.clone(), probe.name.clone()));
            Observers::NONE
        }
        (From::Local, Some(region)) => each
            .filter(|(_, o)| o.region == *region)
            .fold(Observers::NONE, |set, (i, _)| set.and(ObserverPos::at(i))),
        (From::Named(list), _) => list.iter().fold(Observers::NONE, |set, who| {
            match names.find(&probe.name, What::Observer, who, observers.iter().map(|o| &o.name)) {
                Some(i) => set.and(ObserverPos::at(i)),
                None => set,
            }
        }),
    }
}
