//! Parts made up for tests: one observer sees all, cells stand in the order of probes and then of regions. It must
//! never be compiled into anything else.

use alloc::vec;
use alloc::vec::Vec;

use super::standing::{ComponentPart, ProbePart};
use super::{Cell, DownRule, Observers, Parts, Priority, Role, Tier, WitnessOf};
use crate::ids::{CellPos, ComponentPos, ProbePos, RegionPos};

/// A probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) component: Option<usize>,
    pub(crate) tier: Tier,
    pub(crate) role: Role,
    pub(crate) witness_of: Option<WitnessOf>,
    pub(crate) wide: bool,
}

/// A component; it depends on earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct MadeComponent {
    pub(crate) priority: Priority,
    pub(crate) rule: DownRule,
    pub(crate) depends_on: Vec<usize>,
}

impl Made {
    /// A trigger probe of the service itself, in each region, seen by all.
    pub(crate) const TRIGGER: Made =
        Made { component: None, tier: Tier::Trigger, role: Role::Each, witness_of: None, wide: true };

    pub(crate) fn of(self, component: usize) -> Made {
        Made { component: Some(component), ..self }
    }
    pub(crate) fn narrow(self) -> Made {
        Made { wide: false, ..self }
    }
    pub(crate) fn tier(self, tier: Tier) -> Made {
        Made { tier, ..self }
    }
    pub(crate) fn role(self, role: Role) -> Made {
        Made { role, ..self }
    }
    pub(crate) fn witness_of(self, of: WitnessOf) -> Made {
        Made { witness_of: Some(of), ..self }
    }
}

impl MadeComponent {
    pub(crate) const CRITICAL: MadeComponent =
        MadeComponent { priority: Priority::Critical, rule: DownRule::Any, depends_on: Vec::new() };

    pub(crate) fn priority(self, priority: Priority) -> MadeComponent {
        MadeComponent { priority, ..self }
    }
    pub(crate) fn rule(self, rule: DownRule) -> MadeComponent {
        MadeComponent { rule, ..self }
    }
    pub(crate) fn on(self, depends_on: &[usize]) -> MadeComponent {
        MadeComponent { depends_on: depends_on.to_vec(), ..self }
    }
}

/// The parts of a service so made.
pub(crate) fn parts(regions: usize, rule: DownRule, components: &[MadeComponent], probes: &[Made]) -> Parts {
    let mut cells = Vec::new();
    let made = probes.iter().enumerate().map(|(i, probe)| {
        let mut cell = |region: Option<usize>| {
            cells.push(Cell {
                probe: ProbePos::at(i),
                region: region.map(RegionPos::at),
                viewers: Observers::first(1),
                wide: probe.wide,
            });
            CellPos::at(cells.len() - 1)
        };
        let nowhere = probe.role == Role::Service;
        let (in_regions, nowhere) = if nowhere {
            (vec![None; regions], Some(cell(None)))
        } else {
            ((0..regions).map(|region| Some(cell(Some(region)))).collect(), None)
        };
        ProbePart {
            component: probe.component.map(ComponentPos::at),
            tier: probe.tier,
            role: probe.role,
            witness_of: probe.witness_of,
            drift: false,
            loss: false,
            cells: in_regions.into(),
            nowhere,
        }
    });
    let made: Vec<ProbePart> = made.collect();
    let members = |component: Option<usize>, tier: Tier| -> Vec<ProbePos> {
        let of = |part: &ProbePart| part.component == component.map(ComponentPos::at) && part.tier == tier;
        made.iter().enumerate().filter(|(_, part)| of(part)).map(|(i, _)| ProbePos::at(i)).collect()
    };
    Parts {
        regions,
        components: (components.iter().enumerate())
            .map(|(i, component)| {
                let triggers = members(Some(i), Tier::Trigger);
                let counts = !triggers.is_empty();
                ComponentPart {
                    priority: component.priority,
                    rule: component.rule,
                    depends_on: component.depends_on.iter().map(|&on| ComponentPos::at(on)).collect(),
                    members: if counts { triggers } else { members(Some(i), Tier::Inform) },
                    counts,
                }
            })
            .collect(),
        order: (0..components.len()).map(ComponentPos::at).collect(),
        own: members(None, Tier::Trigger),
        rule,
        has_witness: made.iter().any(|probe| probe.witness_of.is_some()),
        has_drift: made.iter().any(|probe| probe.drift),
        probes: made,
        cells,
    }
}

/// The cell of a probe in a region, or in none for one of the service.
pub(crate) fn cell(parts: &Parts, probe: usize, region: usize) -> CellPos {
    let part = &parts.probes[probe];
    part.nowhere.or(part.cells[region]).unwrap()
}
