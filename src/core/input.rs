//! Everything that can reach the core. A closed list; nobody may match it with a wildcard.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::agree::{Answer, Ask, Claim, Pulse, Raised, Record, RunId, TxnId, Velocity, Vote};
use crate::authority::{ClusterId, Nonce, Renewed, Token};
use crate::health::Sample;
use crate::health::self_trust::Round;
use crate::ids::{Name, ServiceId};
use crate::order::Order;
use crate::plan::{Filled, Reply, StepName};
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
    /// What came back for a renewal of the session.
    Renewed {
        /// Which.
        nonce: Nonce,
        /// What.
        answer: Renewed,
    },
    /// What became of a transaction.
    Answered {
        /// Which.
        id: TxnId,
        /// What.
        answer: Answer,
    },
    /// A call has ended.
    Finished(Finished),
    /// Whether users may be led to a region was read back.
    ReadBack {
        /// For which service,
        service: ServiceId,
        /// which run
        run: RunId,
        /// and which step.
        step: StepName,
        /// It takes writes (of a service that keeps nothing: it is up).
        writable: bool,
    },
    /// An operator said something.
    Ordered(Order),
    /// Events are durable, with the notices that they owe.
    Recorded {
        /// Whose; none: this observer's.
        service: Option<ServiceId>,
        /// All up to this number.
        upto: u64,
    },
    /// What can be said of this observer's own store.
    Store(Store),
    /// What can be said of the coordinator. Until it is told that there is one, nothing acts.
    Coordinator(Coordinator),
    /// The daemon is to end: claims are given up, runs go on elsewhere.
    ShutdownAsked,
}

/// A call has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Of which service.
    pub service: ServiceId,
    /// Of which run.
    pub run: RunId,
    /// Of which step.
    pub step: StepName,
    /// Whether it was about taking the step back.
    pub undoing: bool,
    /// Its token's serial.
    pub serial: u64,
    /// What came back.
    pub reply: Reply,
    /// What it gives to later steps.
    pub outputs: Vec<(Name, Filled)>,
    /// The newest token that the resource has seen, where it keeps one and that is not older than ours.
    pub mark: Option<Token>,
}

/// What can be said of this observer's own store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// It takes what is written.
    #[default]
    Ok,
    /// Its disk is full.
    Full,
    /// It is corrupt.
    Corrupt,
}

/// What can be said of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinator {
    /// It answers, and this is what it calls itself.
    There(ClusterId),
    /// It does not answer.
    Lost,
}

/// A fact in the coordinator, with the revision at which it was read. An older revision than the known one, or the
/// same, changes nothing.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A service's record.
    Record(ServiceId, u64, Option<Box<Record>>),
    /// A service's claim.
    Claim(ServiceId, u64, Option<Claim>),
    /// An observer's vote on a service; none: its session is gone.
    Vote(ServiceId, u64, Name, Option<Vote>),
    /// The newest ask for a service.
    Ask(ServiceId, u64, Ask),
    /// A trigger of a service; none: it is not raised.
    Trigger(ServiceId, u64, Name, Option<Raised>),
    /// An observer's pulse; none: its session is gone.
    Pulse(Name, u64, Option<Pulse>),
    /// The velocity counter.
    Velocity(u64, Velocity),
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
