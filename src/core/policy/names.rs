//! What a service's names stand for, while it is built: a name becomes a place, or a flaw. It makes nothing itself.

use alloc::vec::Vec;

use super::draft::{ServiceDraft, WhenDraft};
use super::flaw::{Flaw, What};
use crate::ids::{ComponentPos, Name, PlanPos, ProbePos, RegionPos, TriggerPos};
use crate::time::Span;
use crate::verdict::{Clause, Condition, Part, Role, Side};

/// What a service's names stand for, while it is built.
pub(super) struct Names<'a> {
    pub(super) draft: &'a ServiceDraft,
    pub(super) flaws: &'a mut Vec<Flaw>,
}

impl Names<'_> {
    pub(super) fn find<'n>(
        &mut self,
        by: &Name,
        what: What,
        name: &Name,
        mut among: impl Iterator<Item = &'n Name>,
    ) -> Option<usize> {
        let found = among.position(|n| n == name);
        if found.is_none() {
            let service = Some(self.draft.name.clone());
            self.flaws.push(Flaw::Missing { service, by: by.clone(), what, name: name.clone() });
        }
        found
    }
    pub(super) fn component(&mut self, by: &Name, name: &Name) -> Option<ComponentPos> {
        let draft = self.draft;
        self.find(by, What::Component, name, draft.components.iter().map(|c| &c.name)).map(ComponentPos::at)
    }
    pub(super) fn probe(&mut self, by: &Name, name: &Name) -> Option<ProbePos> {
        let draft = self.draft;
        self.find(by, What::Probe, name, draft.probes.iter().map(|p| &p.name)).map(ProbePos::at)
    }
    pub(super) fn region(&mut self, by: &Name, name: &Name) -> Option<RegionPos> {
        let draft = self.draft;
        self.find(by, What::Region, name, draft.regions.iter()).map(RegionPos::at)
    }
    pub(super) fn part(&mut self, by: &Name, name: &Name) -> Option<Part> {
        if let Some(at) = self.draft.components.iter().position(|c| c.name == *name) {
            return Some(Part::Component(ComponentPos::at(at)));
        }
        let draft = self.draft;
        let at = self.find(by, What::Part, name, draft.probes.iter().map(|p| &p.name))?;
        Some(Part::Probe(ProbePos::at(at)))
    }

    /// A clause; `held` is what `for` means where it is not written.
    fn clause(&mut self, by: &Name, when: &WhenDraft, held: Span) -> Clause {
        let draft = self.draft;
        let parts = |names: &mut Self, list: &[Name]| -> Vec<Part> {
            list.iter().filter_map(|name| names.part(by, name)).collect()
        };
        let clause = Clause {
            service: when.service,
            down: parts(self, &when.down),
            slow: parts(self, &when.slow),
            up: parts(self, &when.up),
            at_least: when.at_least,
            priority: when.priority,
            raised: (when.raised.iter())
                .filter_map(|t| self.find(by, What::Trigger, t, draft.triggers.iter()).map(TriggerPos::at))
                .collect(),
            tried: (when.tried.iter())
                .filter_map(|p| self.find(by, What::Plan, p, draft.plans.iter().map(|p| &p.name)))
                .map(PlanPos::at)
                .collect(),
            side: when.side,
            region_lost: when.region_lost,
            held: when.held.unwrap_or(held),
            open_for: when.open_for,
        };
        for part in clause.down.iter().chain(&clause.slow).chain(&clause.up) {
            let Part::Probe(probe) = part else { continue };
            let probe = &draft.probes[probe.index()];
            let there = match (probe.role, clause.side) {
                (Role::Each | Role::Service, _)
                | (Role::Active, Side::Active)
                | (Role::Standby, Side::Standby) => true,
                (Role::Active, Side::Standby) | (Role::Standby, Side::Active) => false,
            };
            if !there {
                self.flaws.push(Flaw::NeverThere {
                    service: draft.name.clone(),
                    of: by.clone(),
                    probe: probe.name.clone(),
                });
            }
        }
        clause
    }

    pub(super) fn condition(&mut self, by: &Name, when: &[WhenDraft], held: Span) -> Option<Condition> {
        let before = self.flaws.len();
        let clauses = when.iter().map(|when| self.clause(by, when, held)).collect();
        match Condition::any(clauses) {
            Ok(condition) => Some(condition),
            // A clause that lost a name asks for less than was written: that name is the flaw.
            Err(_) if self.flaws.len() > before => None,
            Err(why) => {
                self.flaws.push(Flaw::Condition { service: self.draft.name.clone(), of: by.clone(), why });
                None
            }
        }
    }
}
