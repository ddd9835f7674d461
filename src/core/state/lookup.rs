//! Ids by name, given once and never reused: a service or probe that was gone and comes back gets its old id again,
//! so a late sample can only ever reach the probe that it was taken of.

use alloc::collections::BTreeMap;

use crate::ids::{Name, ProbeId, ServiceId};

/// Ids by name.
#[derive(Debug, Default)]
pub struct Lookup {
    services: BTreeMap<Name, ServiceId>,
    probes: BTreeMap<(ServiceId, Name, Option<Name>), ProbeId>,
}

impl Lookup {
    /// The id of a service, ever known.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<ServiceId> {
        Name::new(name).ok().and_then(|name| self.services.get(&name).copied())
    }

    /// The id of a service, given now if it never had one.
    pub fn service_or_new(&mut self, name: &Name) -> ServiceId {
        let next = ServiceId::at(self.services.len());
        *self.services.entry(name.clone()).or_insert(next)
    }

    /// The id of a probe in a region, given now if it never had one.
    pub fn probe_or_new(&mut self, service: ServiceId, probe: &Name, region: Option<&Name>) -> ProbeId {
        let next = ProbeId::at(self.probes.len());
        *self.probes.entry((service, probe.clone(), region.cloned())).or_insert(next)
    }
}
