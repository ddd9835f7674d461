//! What must be so for a clause to hold: which cells must be said to be what, in the region that it looks at.
//!
//! Where a clause leaves a choice (some component of that priority, the service down by its rule), the smallest is
//! taken, so that taking one thing away is enough for it not to hold.

use std::collections::BTreeMap;

use watchkeeper::core::ids::{ComponentPos, ProbePos, RegionPos};
use watchkeeper::core::policy::Policy;
use watchkeeper::core::verdict::{
    Clause, DownRule, Level, Part, Parts, Priority, Role, Say, Side, Tier, WitnessOf,
};

use super::scene::{Active, At};

/// What must be so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brief {
    /// What must be said of these cells by their quorum; `Unknown`: nobody may say anything.
    pub(crate) duties: BTreeMap<At, Say>,
    /// Cells that show that a region lives which must be down.
    pub(crate) witnesses: Vec<At>,
    /// Cells of components that matter less than `priority` asks for.
    pub(crate) lesser: Vec<At>,
    /// The cells that `priority` was given.
    pub(crate) chosen: Vec<At>,
}

/// Why a clause can never hold.
pub(crate) type Never = String;

/// What is looked at while a brief is written.
struct Writer<'a> {
    policy: &'a Policy,
    active: &'a Active,
    brief: Brief,
}

impl Brief {
    /// For a clause of the service `subject`; or why that clause can never hold.
    pub(crate) fn of(
        policy: &Policy,
        active: &Active,
        subject: usize,
        clause: &Clause,
    ) -> Result<Brief, Never> {
        let mut writer = Writer { policy, active, brief: Brief::default() };
        let at = looks_at(policy, active, subject, clause.side);
        writer.parts(subject, at, clause)?;
        if let Some(least) = clause.priority {
            writer.priority(subject, at, least)?;
        }
        if let Some(level) = clause.service {
            writer.level(subject, at, level)?;
        }
        if clause.region_lost {
            writer.region_lost(subject, at)?;
        }
        if clause.open_for.is_some() {
            writer.level(subject, at, Level::Trouble)?;
        }
        Ok(writer.brief)
    }
}

/// The region that a clause looks at; of several standbys the first.
pub(crate) fn looks_at(policy: &Policy, active: &Active, subject: usize, side: Side) -> RegionPos {
    let here = active.at(subject);
    match side {
        Side::Active => here,
        Side::Standby => other_region(policy, subject, here).expect("a standby clause needs a second region"),
    }
}

/// The first region of a service that is not this one.
pub(crate) fn other_region(policy: &Policy, service: usize, than: RegionPos) -> Option<RegionPos> {
    (0..policy.services[service].regions.len()).map(RegionPos::at).find(|at| *at != than)
}

impl Writer<'_> {
    fn parts_of(&self, service: usize) -> &Parts {
        &self.policy.services[service].parts
    }

    /// Where a probe counts in a region, if anybody can see it there.
    fn cell(&self, service: usize, probe: ProbePos, at: RegionPos) -> Option<At> {
        let parts = self.parts_of(service);
        let cell = parts.cell_in(probe, at, Some(self.active.at(service)))?;
        (parts.cells[cell.index()].viewers.count() > 0).then_some((service, cell))
    }

    fn wide(&self, at: At) -> bool {
        self.parts_of(at.0).cells[at.1.index()].wide
    }

    fn duty(&mut self, at: At, say: Say) {
        let before = self.brief.duties.insert(at, say);
        assert!(before.is_none_or(|before| before == say), "{at:?} must be {before:?} and {say:?}");
    }

    fn parts(&mut self, service: usize, at: RegionPos, clause: &Clause) -> Result<(), Never> {
        let of = |parts: &[Part]| clause.at_least.map_or(parts.len(), usize::from).min(parts.len());
        for (parts, say, count) in [
            (&clause.up, Say::Up, clause.up.len()),
            (&clause.down, Say::Down, of(&clause.down)),
            (&clause.slow, Say::Slow, of(&clause.slow)),
        ] {
            for part in parts.iter().take(count) {
                self.part(service, at, *part, say)?;
            }
        }
        Ok(())
    }

    fn part(&mut self, service: usize, at: RegionPos, part: Part, say: Say) -> Result<(), Never> {
        let cells = match (part, say) {
            (Part::Probe(probe), _) => self.cell(service, probe, at).into_iter().collect(),
            (Part::Component(component), Say::Up) => self.all_that_decide(service, component, at),
            (Part::Component(component), _) => self.enough_of(service, component, at),
        };
        if cells.is_empty() {
            return Err(format!("nobody looks at {}", self.name(service, part)));
        }
        for cell in cells {
            self.duty(cell, say);
        }
        Ok(())
    }

    fn name(&self, service: usize, part: Part) -> &str {
        let service = &self.policy.services[service];
        match part {
            Part::Probe(at) => service.probes[at.index()].name.as_str(),
            Part::Component(at) => service.components[at.index()].name.as_str(),
        }
    }

    fn members(&self, service: usize, component: ComponentPos, at: RegionPos) -> Vec<At> {
        let members = &self.parts_of(service).components[component.index()].members;
        let mut cells: Vec<At> = members.iter().filter_map(|probe| self.cell(service, *probe, at)).collect();
        // What a majority of all observers can see comes first.
        cells.sort_by_key(|cell| !self.wide(*cell));
        cells
    }

    /// As many members as its rule asks for; none if it has too few.
    fn enough_of(&self, service: usize, component: ComponentPos, at: RegionPos) -> Vec<At> {
        let mut cells = self.members(service, component, at);
        let count = match self.parts_of(service).components[component.index()].rule {
            DownRule::Any => 1,
            DownRule::All => cells.len(),
            DownRule::AtLeast(count) => usize::from(count),
        };
        if cells.len() < count {
            return Vec::new();
        }
        cells.truncate(count);
        cells
    }

    fn all_that_decide(&self, service: usize, component: ComponentPos, at: RegionPos) -> Vec<At> {
        let cells = self.members(service, component, at);
        let wide: Vec<At> = cells.iter().copied().filter(|cell| self.wide(*cell)).collect();
        if wide.is_empty() { cells } else { wide }
    }

    fn priority(&mut self, service: usize, at: RegionPos, least: Priority) -> Result<(), Never> {
        let components = &self.parts_of(service).components;
        let mut by_priority: Vec<(Priority, ComponentPos)> =
            components.iter().enumerate().map(|(i, one)| (one.priority, ComponentPos::at(i))).collect();
        by_priority.sort();
        let free = |cells: &Vec<At>| {
            !cells.is_empty() && cells.iter().all(|cell| !self.brief.duties.contains_key(cell))
        };
        let (lesser, enough): (Vec<_>, Vec<_>) = by_priority.into_iter().partition(|(own, _)| *own < least);
        let cells = |list: &[(Priority, ComponentPos)]| {
            list.iter().map(|(_, component)| self.enough_of(service, *component, at)).find(free)
        };
        let (lesser, chosen) = (cells(&lesser).unwrap_or_default(), cells(&enough));
        let chosen = chosen.ok_or_else(|| format!("no component of priority {least} is looked at"))?;
        for cell in &chosen {
            self.duty(*cell, Say::Down);
        }
        (self.brief.lesser, self.brief.chosen) = (lesser, chosen);
        Ok(())
    }

    fn triggers(&self, service: usize, at: RegionPos) -> Vec<At> {
        let probes = self.parts_of(service).probes.iter().enumerate();
        let triggers = probes.filter(|(_, probe)| probe.tier == Tier::Trigger);
        triggers.filter_map(|(i, _)| self.cell(service, ProbePos::at(i), at)).collect()
    }

    fn level(&mut self, service: usize, at: RegionPos, level: Level) -> Result<(), Never> {
        match level {
            Level::Trouble => {
                let mut triggers = self.triggers(service, at);
                triggers.sort_by_key(|cell| !self.wide(*cell));
                let first = triggers.first().copied().ok_or("no trigger probe")?;
                self.duty(first, Say::Down);
            }
            Level::Degraded => {
                let groups = self.groups(service, at, |_| true);
                let least = groups.into_iter().next().ok_or("no component with trigger probes")?;
                least.into_iter().for_each(|cell| self.duty(cell, Say::Down));
            }
            Level::Unreachable | Level::Down => self.down(service, at)?,
            Level::Gone => {
                let triggers = self.triggers(service, at);
                if !triggers.iter().any(|cell| self.wide(*cell)) {
                    return Err("a majority of observers sees no trigger probe".to_owned());
                }
                for cell in triggers {
                    let say = if self.wide(cell) { Say::Down } else { Say::Unknown };
                    self.duty(cell, say);
                }
            }
        }
        if matches!(level, Level::Down | Level::Gone) {
            let witnesses = self.witnesses(service, at);
            self.brief.witnesses.extend(witnesses);
        }
        Ok(())
    }

    /// What makes each component down that is part of the standing, least first; then one of the service's own probes.
    fn groups(&self, service: usize, at: RegionPos, want: impl Fn(Priority) -> bool) -> Vec<Vec<At>> {
        let parts = self.parts_of(service);
        let mut counting: Vec<(Priority, ComponentPos)> = (parts.components.iter().enumerate())
            .filter(|(_, one)| one.counts && want(one.priority))
            .map(|(i, one)| (one.priority, ComponentPos::at(i)))
            .collect();
        counting.sort();
        let of_components = counting.into_iter().map(|(_, one)| self.enough_of(service, one, at));
        let own = parts.own.iter().find_map(|probe| self.cell(service, *probe, at));
        let groups = of_components.chain([own.into_iter().collect()]);
        groups.filter(|cells: &Vec<At>| !cells.is_empty()).collect()
    }

    fn down(&mut self, service: usize, at: RegionPos) -> Result<(), Never> {
        let mut groups = self.groups(service, at, |priority| priority == Priority::Critical);
        groups.sort_by_key(|cells| cells.iter().any(|cell| !self.wide(*cell)));
        let count = match self.parts_of(service).rule {
            DownRule::Any => 1,
            DownRule::All => groups.len(),
            DownRule::AtLeast(count) => usize::from(count),
        };
        if count == 0 || count > groups.len() {
            return Err("the service has too few critical parts to be down".to_owned());
        }
        for cell in groups.into_iter().take(count).flatten() {
            self.duty(cell, Say::Down);
        }
        Ok(())
    }

    fn witnesses(&self, service: usize, of: RegionPos) -> Vec<At> {
        let active = self.active.at(service);
        let probes = self.parts_of(service).probes.iter().filter(|probe| match probe.witness_of {
            Some(WitnessOf::Active) => of == active,
            Some(WitnessOf::Region(region)) => region == of,
            None => false,
        });
        let cells = probes.flat_map(|probe| {
            let elsewhere = probe.cells.iter().enumerate().filter(move |(region, _)| *region != of.index());
            let there = elsewhere.filter_map(|(_, cell)| *cell);
            there.chain(probe.nowhere).filter(|_| probe.role != Role::Active)
        });
        cells
            .map(|cell| (service, cell))
            .filter(|at| self.parts_of(at.0).cells[at.1.index()].viewers.count() > 0)
            .collect()
    }

    /// So many services of what is active there, this one first; or the only one, gone.
    fn region_lost(&mut self, subject: usize, at: RegionPos) -> Result<(), Never> {
        let region = &self.policy.services[subject].regions[at.index()];
        let there = (0..self.policy.services.len())
            .filter(|&one| self.policy.services[one].regions[self.active.at(one).index()] == *region);
        let mut there: Vec<usize> = there.collect();
        there.sort_by_key(|one| *one != subject);
        if there.len() == 1 {
            return self.level(subject, at, Level::Gone);
        }
        let share = self.policy.regions.iter().find(|one| one.name == *region).map_or(50, |one| one.lost_at);
        let count = (there.len() * usize::from(share)).div_ceil(100).max(2);
        for service in there.into_iter().take(count) {
            self.level(service, self.active.at(service), Level::Down)?;
        }
        Ok(())
    }
}
