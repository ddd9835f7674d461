//! How much of what is active in a region is down, over all services, kept up to date one service at a time.

use alloc::vec::Vec;

use crate::ids::{Name, RegionId};
use crate::time::Mono;

/// What one service adds to its active region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Where it is active.
    pub region: Option<RegionId>,
    /// It is down there.
    pub down: bool,
    /// It is gone there.
    pub gone: bool,
}

#[derive(Clone, Debug)]
struct Region {
    name: Name,
    lost_at: u8,
    active: u32,
    down: u32,
    gone: u32,
    lost: Option<Mono>,
}

/// All regions ever known.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    all: Vec<Region>,
}

impl Regions {
    /// The id of a region, given now if it never had one.
    pub fn id(&mut self, name: &Name, lost_at: u8) -> RegionId {
        if let Some(at) = self.all.iter().position(|region| region.name == *name) {
            self.all[at].lost_at = lost_at;
            return RegionId::at(at);
        }
        self.all.push(Region { name: name.clone(), lost_at, active: 0, down: 0, gone: 0, lost: None });
        RegionId::at(self.all.len() - 1)
    }

    /// A service's share changed; says which regions became lost, or were found again.
    pub fn tell(&mut self, before: Share, after: Share, now: Mono) -> [Option<RegionId>; 2] {
        if before == after {
            return [None, None];
        }
        self.count(before, false);
        self.count(after, true);
        let moved = after.region.filter(|region| before.region != Some(*region));
        [before.region, moved].map(|region| region.filter(|&region| self.look(region, now)))
    }

    fn count(&mut self, share: Share, add: bool) {
        let Some(region) = share.region.and_then(|region| self.all.get_mut(region.index())) else { return };
        let by = |n: &mut u32, when: bool| {
            if when {
                *n = if add { *n + 1 } else { n.saturating_sub(1) };
            }
        };
        by(&mut region.active, true);
        by(&mut region.down, share.down);
        by(&mut region.gone, share.gone);
    }

    /// So much of what is active here, and two services, or the only one gone. Says whether it is another than before.
    fn look(&mut self, region: RegionId, now: Mono) -> bool {
        let Some(region) = self.all.get_mut(region.index()) else { return false };
        let share = u64::from(region.down) * 100 >= u64::from(region.lost_at) * u64::from(region.active);
        let lost =
            region.active > 0 && share && (region.down >= 2 || (region.active == 1 && region.gone == 1));
        if lost == region.lost.is_some() {
            return false;
        }
        region.lost = lost.then_some(now);
        true
    }

    /// The shares that make a region lost may be others now; says which became lost, or were found again.
    pub fn look_again(&mut self, now: Mono) -> Vec<RegionId> {
        (0..self.all.len()).map(RegionId::at).filter(|&region| self.look(region, now)).collect()
    }

    /// Since when a region is lost.
    #[must_use]
    pub fn lost(&self, region: RegionId) -> Option<Mono> {
        self.all.get(region.index())?.lost
    }

    /// Services active there, down there, gone there.
    #[must_use]
    pub fn counts(&self, region: RegionId) -> (u32, u32, u32) {
        self.all.get(region.index()).map_or((0, 0, 0), |region| (region.active, region.down, region.gone))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self, region: RegionId) -> Option<&Name> {
        self.all.get(region.index()).map(|region| &region.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> (Regions, RegionId) {
        let mut regions = Regions::default();
        let id = regions.id(&Name::new("r").unwrap(), 50);
        (regions, id)
    }

    fn share(region: RegionId, down: bool, gone: bool) -> Share {
        Share { region: Some(region), down, gone }
    }

    #[test]
    fn half_of_it_and_two_services() {
        let (mut regions, r) = regions();
        let now = Mono::micros(7);
        for _ in 0..4 {
            regions.tell(Share::default(), share(r, false, false), now);
        }
        assert_eq!(regions.tell(share(r, false, false), share(r, true, true), now), [None, None]);
        assert_eq!(regions.lost(r), None, "one of four is not half");
        assert_eq!(regions.tell(share(r, false, false), share(r, true, false), now), [Some(r), None]);
        assert_eq!((regions.lost(r), regions.counts(r)), (Some(now), (4, 2, 1)));
        assert_eq!(regions.tell(share(r, true, false), share(r, false, false), now), [Some(r), None]);
        assert_eq!(regions.lost(r), None);
    }

    #[test]
    fn the_only_one_must_be_gone() {
        let (mut regions, r) = regions();
        let now = Mono::micros(7);
        assert_eq!(regions.tell(Share::default(), share(r, true, false), now), [None, None]);
        assert_eq!(regions.tell(share(r, true, false), share(r, true, true), now), [Some(r), None]);
    }
}
