//! Everything that the core wants done. A closed list; nobody may match it with a wildcard.

use crate::event::Event;
use crate::health::self_trust::Round;
use crate::ids::{ProbeId, ServiceId};
use crate::time::Span;

/// Something that the core wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run a probe so often from now on, counted from its last start; none: not at all. Answered by its samples.
    Pace {
        /// Which.
        probe: ProbeId,
        /// How often; zero: at once.
        every: Option<Span>,
    },
    /// Ask every reference point once. Answered by `References`, always.
    CheckReferences {
        /// To be named in the answer.
        round: Round,
    },
    /// Keep what happened. Each service counts its own events, and this observer its own.
    Record {
        /// Whose; none: this observer's.
        service: Option<ServiceId>,
        /// Its number there.
        seq: u64,
        /// What.
        event: Event,
    },
}
