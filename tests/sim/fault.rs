//! What can go wrong, and what that changes. Each fault has a name, a beginning and an end; a world counts that it bit.

use crate::rng::Rng;
use crate::shape::{REFERENCES, Shape};
use crate::truth::Truth;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($(#[$doc])* $name,)* }

        /// Every kind.
        pub(crate) const ALL: &[Kind] = &[$(Kind::$name),*];

        /// How many kinds there are, for counting.
        pub(crate) const KINDS: &[&str] = &[$($word),*];
    };
}

kinds! {
    /// A region loses power: its parts, its observer, its way.
    RegionDies = "region dies",
    /// A region is cut off from everybody outside.
    RegionCutOff = "region cut off",
    /// One front fails.
    WebFails = "web fails",
    /// One front answers now and then.
    WebFlaps = "web flaps",
    /// One database fails.
    DbFails = "db fails",
    /// One standby could not take over.
    NotReady = "not ready",
    /// One standby falls behind.
    LagGrows = "lag grows",
    /// A standby takes writes, by somebody's hand.
    Drift = "drift",
    /// Every front of a service fails, everywhere.
    AllFail = "all fail",
    /// Every region dies at once.
    EverythingDies = "everything dies",
    /// An observer loses its own uplink: links, references, coordinator.
    UplinkDies = "uplink dies",
    /// An observer loses its link to one region.
    LinkDies = "link dies",
    /// Its reference points are out of reach, and nothing else.
    ReferencesGone = "references gone",
    /// It does not reach the coordinator.
    Uncoordinated = "uncoordinated",
    /// Its requests reach the coordinator, and the answers do not come back.
    Deaf = "deaf",
    /// Its transactions get lost or land late.
    Flaky = "flaky",
    /// It is told late.
    Stale = "stale",
    /// It stands still.
    Pauses = "pauses",
    /// It dies, and starts again with nothing remembered.
    Crashes = "crashes",
    /// It says the contrary of what it sees.
    Lies = "lies",
    /// Its prober is stuck.
    Wedged = "wedged",
    /// It is blind.
    Blind = "blind",
    /// Its disk is full.
    Full = "disk full",
    /// It reaches the coordinator, and no provider.
    Barred = "barred",
    /// Its wall clock jumps.
    ClockJumps = "clock jumps",
    /// Its config is another.
    OtherPolicy = "other policy",
    /// The coordinator has no quorum.
    NoQuorum = "no quorum",
    /// It changes its leader: a second of silence, and every session lives anew.
    LeaderChange = "leader change",
    /// It keeps sessions longer than it granted.
    Stretched = "stretched",
    /// A backup takes its place, under another name.
    Restored = "restored",
    /// The providers say that it is too much.
    Throttled = "throttled",
    /// The credentials have expired.
    Expired = "expired",
    /// Calls and their answers get lost, or come late.
    Lossy = "lossy",
    /// Half of a batch is done, and nobody says so.
    Partial = "partial",
    /// A channel does not deliver.
    Channel = "channel",
    // From here on no chance picks one: whoever wants one says so.
    /// The coordinator is slow to one observer: its renewals are given up, all else takes long.
    Unrenewed = "unrenewed",
    /// What reads how far a standby is behind answers, and reads nothing.
    Unread = "unread",
}

/// So many of them chance picks among.
const BY_CHANCE: usize = Kind::Unrenewed as usize;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// The observer that it is a fault of, or the service.
    pub(crate) who: usize,
    pub(crate) region: usize,
    pub(crate) from: u64,
    pub(crate) until: u64,
}

impl Kind {
    /// It is a fault of one observer, so that its voice is not sound.
    pub(crate) fn of_observer(self) -> bool {
        matches!(
            self,
            Kind::UplinkDies
                | Kind::LinkDies
                | Kind::ReferencesGone
                | Kind::Uncoordinated
                | Kind::Deaf
                | Kind::Flaky
                | Kind::Stale
                | Kind::Pauses
                | Kind::Crashes
                | Kind::Lies
                | Kind::Wedged
                | Kind::Blind
                | Kind::Full
                | Kind::Barred
                | Kind::ClockJumps
                | Kind::OtherPolicy
                | Kind::Unrenewed
        )
    }
}

impl Fault {
    /// A fault by chance.
    pub(crate) fn any(rng: &mut Rng, shape: &Shape) -> Fault {
        let mut kind = *rng.pick(&ALL[..BY_CHANCE]);
        // A restored coordinator changes everything; it is not one fault among others.
        while kind == Kind::Restored && !rng.chance(300) {
            kind = *rng.pick(&ALL[..BY_CHANCE]);
        }
        Fault::of(kind, rng, shape)
    }

    /// One of that kind.
    pub(crate) fn of(kind: Kind, rng: &mut Rng, shape: &Shape) -> Fault {
        let region = rng.below(shape.regions as u64) as usize;
        // Half of all faults are the active region's: that is where decisions are made.
        let region = if rng.chance(500) { 0 } else { region };
        let who = if kind.of_observer() { shape.observers } else { shape.services };
        let who = rng.below(who as u64) as usize;
        let from = rng.between(40_000_000, 400_000_000);
        let lasts = match kind {
            Kind::Pauses => rng.between(1_000_000, 90_000_000),
            Kind::LeaderChange => rng.between(500_000, 3_000_000),
            _ => rng.between(1_000_000, 240_000_000),
        };
        Fault { kind, who, region, from, until: from + lasts }
    }

    /// Changes what is so. What a core must be told of it (a crash, a jump, another policy) is the world's.
    pub(crate) fn set(&self, truth: &mut Truth, begins: bool) {
        let well = !begins;
        let (who, region) = (self.who, self.region);
        if self.kind.of_observer() {
            let count = &mut truth.faults[who];
            *count = if begins { *count + 1 } else { count.saturating_sub(1) };
        }
        match self.kind {
            Kind::RegionDies => truth.power[region] = well,
            Kind::EverythingDies => truth.power.fill(well),
            Kind::RegionCutOff => truth.way[region] = well,
            Kind::WebFails => truth.parts[who][region].web = well,
            Kind::WebFlaps => truth.parts[who][region].flaps = begins,
            Kind::DbFails => truth.parts[who][region].db = well,
            Kind::NotReady => truth.parts[who][region].ready = well,
            Kind::AllFail => truth.parts[who].iter_mut().for_each(|part| part.web = well),
            Kind::UplinkDies => {
                truth.link[who].fill(well);
                truth.reference[who] = if well { REFERENCES as u8 } else { 0 };
                truth.coordinator[who] = well;
            }
            Kind::LinkDies => truth.link[who][region] = well,
            Kind::ReferencesGone => truth.reference[who] = if well { REFERENCES as u8 } else { 0 },
            Kind::Uncoordinated => truth.coordinator[who] = well,
            Kind::Deaf => truth.sick[who].deaf = begins,
            Kind::Flaky => truth.sick[who].flaky = begins,
            Kind::Stale => truth.sick[who].stale = begins,
            Kind::Pauses => truth.sick[who].paused = begins,
            Kind::Crashes => truth.sick[who].crashed = begins,
            Kind::Lies => truth.sick[who].lies = begins,
            Kind::Wedged => truth.sick[who].wedged = begins,
            Kind::Blind => truth.sick[who].blind = begins,
            Kind::Full => truth.sick[who].full = begins,
            Kind::Barred => truth.sick[who].barred = begins,
            Kind::NoQuorum | Kind::LeaderChange => truth.quorum = well,
            Kind::Stretched => truth.stretched = begins,
            Kind::Throttled => truth.ailing[who].throttled = begins,
            Kind::Expired => truth.ailing[who].expired = begins,
            Kind::Lossy => truth.ailing[who].lossy = begins,
            Kind::Partial => truth.ailing[who].partial = begins,
            Kind::Channel => truth.channel = well,
            Kind::Unrenewed => truth.sick[who].unrenewed = begins,
            Kind::Unread => truth.parts[who][region].unread = begins,
            Kind::LagGrows | Kind::Drift | Kind::ClockJumps | Kind::OtherPolicy | Kind::Restored => {}
        }
    }

    pub(crate) fn at(self, from: u64, until: u64) -> Fault {
        Fault { from, until, ..self }
    }
}
