//! The names that explanations need, for one service.

use crate::decide::explain::Names;
use crate::ids::{Name, ObserverPos, PlanPos, ProbePos, RegionPos, ServiceId, TriggerPos};
use crate::state::{Service, State};
use crate::verdict::Part;

/// One service's names.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Everything.
    pub state: &'a State,
    /// The service.
    pub service: &'a Service,
}

const NOBODY: &str = "(gone)";

impl Names for Named<'_> {
    fn region(&self, at: RegionPos) -> &str {
        self.service.policy.region_name(at)
    }
    fn observer(&self, at: ObserverPos) -> &str {
        self.state.policy.observer_name(at)
    }
    fn probe(&self, at: ProbePos) -> &str {
        self.service.policy.probes.get(at.index()).map_or(NOBODY, |probe| probe.name.as_str())
    }
    fn part(&self, part: Part) -> &str {
        match part {
            Part::Probe(at) => self.probe(at),
            Part::Component(at) => self
                .service
                .policy
                .components
                .get(at.index())
                .map_or(NOBODY, |component| component.name.as_str()),
        }
    }
    fn trigger(&self, at: TriggerPos) -> &str {
        self.service.policy.triggers.get(at.index()).map_or(NOBODY, Name::as_str)
    }
    fn plan(&self, at: PlanPos) -> &str {
        self.service.policy.plans.get(at.index()).map_or(NOBODY, |plan| plan.name.as_str())
    }
    fn service(&self, id: ServiceId) -> &str {
        self.state.service(id).map_or(NOBODY, |service| service.policy.name.as_str())
    }
}
