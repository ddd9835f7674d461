//! The moments that conditions look at besides verdicts: triggers, tries, lost regions. Filled anew at each look, in
//! memory that is used again.

use alloc::vec::Vec;

use super::{Regions, Service};
use crate::severity::Stage;
use crate::time::Mono;
use crate::verdict::{Facts, Picture};

/// Since when each trigger is raised, each plan's try has ended, each region is lost.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    raised: Vec<Option<Mono>>,
    tried: Vec<Option<Mono>>,
    lost: Vec<Option<Mono>>,
}

impl Moments {
    /// What holds for a service now. While its incident only recovers, neither its age nor what was tried for it is a
    /// reason to do anything.
    pub fn fill(&mut self, service: &Service, regions: &Regions) {
        self.raised.clear();
        self.raised.extend(service.known.raised.iter().map(|(_, since)| *since));
        self.lost.clear();
        self.lost.extend(service.regions.iter().map(|&region| regions.lost(region)));
        self.tried.clear();
        self.tried.resize(service.policy.plans.len(), None);
        let number = service.incident.number();
        let record = service.known.record.iter().filter(|_| service.incident.stage() == Stage::Open);
        for tried in record.flat_map(|record| &record.tried).filter(|tried| tried.incident == number) {
            if let Some(at) = tried.plan.and_then(|plan| self.tried.get_mut(plan.index())) {
                *at = (*at).max(tried.seen.ended);
            }
        }
    }

    /// As conditions want them. What moves by itself (`own_loss_only`) must not move because others are down.
    #[must_use]
    pub fn facts<'a>(&'a self, service: &'a Service, picture: &'a Picture, own_loss_only: bool) -> Facts<'a> {
        Facts {
            parts: &service.policy.parts,
            picture,
            active: service.known.active,
            raised: &self.raised,
            tried: &self.tried,
            lost: &self.lost,
            opened: service.incident.first_failed().filter(|_| service.incident.stage() == Stage::Open),
            own_loss_only,
        }
    }
}
