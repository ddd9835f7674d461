//! The names behind the core's numbers: what crosses the edge has names only.
//!
//! It only grows: an id is never given to another name, and an answer may come for a service that a reload took away.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::ids::{Name, ServiceId};
use crate::core::policy::{Policy, ServicePolicy};
use crate::core::state::State;
use crate::core::time::Span;

/// The names behind the core's numbers.
#[derive(Clone, Debug)]
pub struct Names {
    /// Which observer this is.
    pub me: Name,
    /// All observers.
    pub observers: Vec<Name>,
    /// What is asked of the coordinator for a session.
    pub ttl: Span,
    services: BTreeMap<ServiceId, Arc<ServicePolicy>>,
}

impl Names {
    /// Of these services, by their ids.
    #[must_use]
    pub fn new(policy: &Policy, services: impl Iterator<Item = (ServiceId, Arc<ServicePolicy>)>) -> Names {
        Names {
            me: policy.observers.get(policy.me.index()).map_or_else(nobody, |me| me.name.clone()),
            observers: policy.observers.iter().map(|observer| observer.name.clone()).collect(),
            ttl: policy.session.ttl,
            services: services.collect(),
        }
    }

    /// As a core knows them now.
    #[must_use]
    pub fn of(state: &State) -> Names {
        let services = state.services().map(|service| (service.id, Arc::clone(&service.policy)));
        Names::new(&state.policy, services)
    }

    /// These, and those services of `before` that are gone now.
    #[must_use]
    pub fn after(mut self, before: &Names) -> Names {
        for (id, service) in &before.services {
            self.services.entry(*id).or_insert_with(|| Arc::clone(service));
        }
        self
    }

    /// A service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Arc<ServicePolicy>> {
        self.services.get(&id)
    }

    /// All services, by id.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &Arc<ServicePolicy>)> {
        self.services.iter().map(|(id, service)| (*id, service))
    }

    /// The id of the service of that name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ServiceId> {
        self.services.iter().find(|(_, service)| service.name.as_str() == name).map(|(id, _)| *id)
    }
}

/// A policy always knows who it is for; a name is needed all the same.
fn nobody() -> Name {
    match Name::new("nobody") {
        Ok(name) => name,
        Err(_) => unreachable!("it is a name"),
    }
}
