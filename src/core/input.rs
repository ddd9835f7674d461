//! Everything that can reach the core. A closed list; nobody may match it with a wildcard.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::agree::{Ask, Claim, Raised, Record, Vote};
use crate::health::Sample;
use crate::health::self_trust::Round;
use crate::ids::{Name, ServiceId};
use crate::policy::Policy;
use crate::time::{Span, Wall};

/// Something that reached the core.
#[derive(Clone, Debug)]
pub enum Input {
    /// `wake_at` has passed.
    Tick,
    /// A probe has a result.
    Sample(Sample),
    /// A check of the reference points has ended.
    References {
        /// Which.
        round: Round,
        /// So many answered.
        reached: u8,
    },
    /// A fact in the coordinator has changed.
    Seen(Seen),
    /// The config was read anew.
    Reloaded(Arc<Policy>),
    /// The wall clock jumped against the boot-time clock.
    ClockJumped {
        /// By so much, either way.
        by: Span,
    },
    /// Maintenance windows, worked out anew.
    Windows(Vec<Window>),
}

/// A fact in the coordinator, with the revision at which it was read. An older revision than the known one, or the
/// same, changes nothing.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A service's record.
    Record(ServiceId, u64, Option<Record>),
    /// A service's claim.
    Claim(ServiceId, u64, Option<Claim>),
    /// An observer's vote on a service; none: its session is gone.
    Vote(ServiceId, u64, Name, Option<Vote>),
    /// The newest ask for a service.
    Ask(ServiceId, u64, Ask),
    /// A trigger of a service; none: it is not raised.
    Trigger(ServiceId, u64, Name, Option<Raised>),
}

/// A span of maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// For these services; none: all.
    pub services: Option<Vec<Name>>,
    /// While active in these regions; none: all.
    pub regions: Option<Vec<Name>>,
    /// From then on …
    pub from: Wall,
    /// … until then.
    pub until: Wall,
}
