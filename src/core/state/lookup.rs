//! Services by name: an id is given once and never to another name.

use alloc::collections::BTreeMap;

use crate::ids::{Name, ServiceId};

/// Ids by name.
#[derive(Debug, Default)]
pub struct Lookup {
    services: BTreeMap<Name, ServiceId>,
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
}
