//! What can go wrong, and what that changes. Each fault has a name, a beginning and an end; a world counts that it bit.

use crate::rng::Rng;
use crate::shape::{REFERENCES, Shape};
use crate::truth::Truth;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A region loses power: its parts, its observer, its way.
    RegionDies(usize),
    /// A region is cut off from everybody outside.
    RegionCutOff(usize),
    /// One front fails.
    WebFails(usize, usize),
    /// One database fails.
    DbFails(usize, usize),
    /// One standby could not take over.
    NotReady(usize, usize),
    /// Every front of a service fails, everywhere.
    AllFail(usize),
    /// An observer loses its own uplink: links, references, coordinator.
    UplinkDies(usize),
    /// An observer loses its link to one region.
    LinkDies(usize, usize),
    /// Its reference points are out of reach, and nothing else.
    ReferencesGone(usize),
    /// It does not reach the coordinator.
    Uncoordinated(usize),
    /// It stands still.
    Pauses(usize),
    /// It dies, and starts again with nothing remembered.
    Crashes(usize),
    /// It says the contrary of what it sees.
    Lies(usize),
    /// Its prober is stuck.
    Wedged(usize),
    /// It is blind.
    Blind(usize),
    /// Its votes arrive up to a minute late.
    SlowVotes(usize),
    /// Its wall clock jumps.
    ClockJumps(usize),
    /// Its config is another.
    OtherPolicy(usize),
}

/// How many kinds there are, for counting.
pub(crate) const KINDS: [&str; 18] = [
    "region dies",
    "region cut off",
    "web fails",
    "db fails",
    "not ready",
    "all fail",
    "uplink dies",
    "link dies",
    "references gone",
    "uncoordinated",
    "pauses",
    "crashes",
    "lies",
    "wedged",
    "blind",
    "slow votes",
    "clock jumps",
    "other policy",
];

impl Fault {
    /// Which kind.
    pub(crate) fn kind(self) -> usize {
        match self {
            Fault::RegionDies(_) => 0,
            Fault::RegionCutOff(_) => 1,
            Fault::WebFails(..) => 2,
            Fault::DbFails(..) => 3,
            Fault::NotReady(..) => 4,
            Fault::AllFail(_) => 5,
            Fault::UplinkDies(_) => 6,
            Fault::LinkDies(..) => 7,
            Fault::ReferencesGone(_) => 8,
            Fault::Uncoordinated(_) => 9,
            Fault::Pauses(_) => 10,
            Fault::Crashes(_) => 11,
            Fault::Lies(_) => 12,
            Fault::Wedged(_) => 13,
            Fault::Blind(_) => 14,
            Fault::SlowVotes(_) => 15,
            Fault::ClockJumps(_) => 16,
            Fault::OtherPolicy(_) => 17,
        }
    }

    /// The observer that it is a fault of.
    pub(crate) fn of(self) -> Option<usize> {
        match self {
            Fault::UplinkDies(o)
            | Fault::LinkDies(o, _)
            | Fault::ReferencesGone(o)
            | Fault::Uncoordinated(o)
            | Fault::Pauses(o)
            | Fault::Crashes(o)
            | Fault::Lies(o)
            | Fault::Wedged(o)
            | Fault::Blind(o)
            | Fault::SlowVotes(o)
            | Fault::ClockJumps(o)
            | Fault::OtherPolicy(o) => Some(o),
            Fault::RegionDies(_)
            | Fault::RegionCutOff(_)
            | Fault::WebFails(..)
            | Fault::DbFails(..)
            | Fault::NotReady(..)
            | Fault::AllFail(_) => None,
        }
    }

    /// A fault by chance.
    pub(crate) fn any(rng: &mut Rng, shape: &Shape) -> Fault {
        let region = rng.below(shape.regions as u64) as usize;
        let service = rng.below(shape.services as u64) as usize;
        let observer = rng.below(shape.observers as u64) as usize;
        // Half of all faults are the active region's: that is where decisions are made.
        let region = if rng.chance(500) { 0 } else { region };
        match rng.below(24) {
            0..=3 => Fault::RegionDies(region),
            4 => Fault::RegionCutOff(region),
            5..=7 => Fault::WebFails(service, region),
            8 => Fault::DbFails(service, region),
            9 => Fault::NotReady(service, region),
            10 => Fault::AllFail(service),
            11..=12 => Fault::UplinkDies(observer),
            13..=14 => Fault::LinkDies(observer, region),
            15 => Fault::ReferencesGone(observer),
            16 => Fault::Uncoordinated(observer),
            17 => Fault::Pauses(observer),
            18 => Fault::Crashes(observer),
            19 => Fault::Lies(observer),
            20 => Fault::Wedged(observer),
            21 => Fault::Blind(observer),
            22 => Fault::SlowVotes(observer),
            _ => match rng.below(2) {
                0 => Fault::ClockJumps(observer),
                _ => Fault::OtherPolicy(observer),
            },
        }
    }

    /// Changes what is so. What a core must be told of it (a crash, a jump, another policy) is the world's.
    pub(crate) fn set(self, truth: &mut Truth, begins: bool) {
        let well = !begins;
        if let Some(observer) = self.of() {
            let count = &mut truth.faults[observer];
            *count = if begins { *count + 1 } else { count.saturating_sub(1) };
        }
        match self {
            Fault::RegionDies(region) => truth.power[region] = well,
            Fault::RegionCutOff(region) => truth.way[region] = well,
            Fault::WebFails(service, region) => truth.parts[service][region].web = well,
            Fault::DbFails(service, region) => truth.parts[service][region].db = well,
            Fault::NotReady(service, region) => truth.parts[service][region].ready = well,
            Fault::AllFail(service) => truth.parts[service].iter_mut().for_each(|part| part.web = well),
            Fault::UplinkDies(observer) => {
                truth.link[observer].fill(well);
                truth.reference[observer] = vec![well; REFERENCES];
                truth.coordinator[observer] = well;
            }
            Fault::LinkDies(observer, region) => truth.link[observer][region] = well,
            Fault::ReferencesGone(observer) => truth.reference[observer] = vec![well; REFERENCES],
            Fault::Uncoordinated(observer) => truth.coordinator[observer] = well,
            Fault::Pauses(observer) => truth.sick[observer].paused = begins,
            Fault::Crashes(observer) => truth.sick[observer].crashed = begins,
            Fault::Lies(observer) => truth.sick[observer].lies = begins,
            Fault::Wedged(observer) => truth.sick[observer].wedged = begins,
            Fault::Blind(observer) => truth.sick[observer].blind = begins,
            Fault::SlowVotes(observer) => {
                truth.sick[observer].slow_votes = if begins { 45_000_000 } else { 0 };
            }
            Fault::ClockJumps(_) | Fault::OtherPolicy(_) => {}
        }
    }
}
