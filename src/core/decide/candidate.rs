//! Which region can take over. The order is total and stable: fit ones first, then as the config prefers them.

use crate::ids::RegionPos;
use crate::mutants::{self, Mutant};
use crate::verdict::{Level, Standing};

/// Why a region cannot take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// It lost the role, and has not yet proved the present epoch.
    Quarantined,
    /// It stands badly itself.
    Bad(Level),
    /// Nobody knows whether it is up.
    Unknown,
    /// A probe that the plan requires is not known to be up there.
    Requires,
    /// The plan has no case for it.
    NoCase,
}

/// A region that might take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub region: RegionPos,
    /// Why not; none: it can.
    pub unfit: Option<Unfit>,
}

/// What is known of a region that might take over.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Which.
    pub region: RegionPos,
    /// How it stands, by the votes that count.
    pub standing: Standing,
    /// It is quarantined.
    pub quarantined: bool,
    /// All that the plan requires is up there; none: it requires nothing.
    pub requires: Option<bool>,
    /// The plan has a case for it.
    pub has_case: bool,
}

impl Known {
    /// Whether it can take over. A cold region, which nothing watches, can when what the plan requires is up there.
    #[must_use]
    pub fn judge(&self) -> Candidate {
        let unfit = if !self.has_case {
            Some(Unfit::NoCase)
        } else if self.quarantined && !mutants::on(Mutant::QuarantineIgnored) {
            Some(Unfit::Quarantined)
        } else if mutants::on(Mutant::AnyCandidate) || mutants::on(Mutant::AllDownIgnored) {
            return Candidate { region: self.region, unfit: None };
        } else if self.standing.watched {
            match self.standing.worst() {
                Some(level @ (Level::Gone | Level::Down | Level::Unreachable)) => Some(Unfit::Bad(level)),
                Some(Level::Trouble | Level::Degraded) | None if self.standing.up.is_none() => {
                    Some(Unfit::Unknown)
                }
                Some(Level::Trouble | Level::Degraded) | None => None,
            }
        } else if self.requires.is_none() {
            Some(Unfit::Unknown)
        } else {
            None
        };
        let unfit = unfit.or((self.requires == Some(false)).then_some(Unfit::Requires));
        Candidate { region: self.region, unfit }
    }
}

/// The best of them: the first fit one in order of preference; with none fit, the first, which then says why not.
pub fn best(known: impl Iterator<Item = Known>) -> Option<Candidate> {
    known.map(|k| k.judge()).min_by_key(|c| (c.unfit.is_some(), c.region))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Mono;
    use proptest::prelude::*;

    fn known(region: usize, up: bool, quarantined: bool) -> Known {
        let mut standing = Standing::default();
        (standing.up, standing.watched) = (up.then_some(Mono::BOOT), true);
        Known { region: RegionPos::at(region), standing, quarantined, requires: None, has_case: true }
    }

    #[test]
    fn the_preferred_fit_region_takes_over() {
        let best = best([known(1, false, false), known(2, true, false), known(3, true, false)].into_iter());
        assert_eq!(best, Some(Candidate { region: RegionPos::at(2), unfit: None }));
    }

    #[test]
    fn a_cold_region_is_fit_only_by_what_the_plan_requires() {
        let cold = |requires| Known { standing: Standing::default(), requires, ..known(1, false, false) };
        assert_eq!(cold(None).judge().unfit, Some(Unfit::Unknown));
        assert_eq!(cold(Some(false)).judge().unfit, Some(Unfit::Requires));
        assert_eq!(cold(Some(true)).judge().unfit, None);
    }

    #[test]
    fn quarantine_is_no_matter_of_health() {
        assert_eq!(known(1, true, true).judge().unfit, Some(Unfit::Quarantined));
    }

    proptest! {
        /// Any order of looking gives the same candidate.
        #[test]
        fn the_order_is_total(rows in prop::collection::vec((any::<bool>(), any::<bool>()), 0..6), turn in 0_usize..6) {
            let all: alloc::vec::Vec<Known> = rows.iter().enumerate().map(|(i, &(up, q))| known(i, up, q)).collect();
            let mut turned = all.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            prop_assert_eq!(best(all.into_iter()), best(turned.into_iter()));
        }
    }
}
