//! Everything that the core wants done. A closed list; nobody may match it with a wildcard.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::agree::{RunId, Txn};
use crate::authority::{Nonce, SessionId, Token};
use crate::event::Event;
use crate::health::self_trust::Round;
use crate::ids::{Name, ProbeId, ServiceId};
use crate::order::{OrderId, Reply};
use crate::plan::{Op, Sent, StepName};
use crate::time::{Mono, Span};

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
    /// Renew the session, or get one. Answered by `Renewed`, always.
    Renew {
        /// To be named in the answer.
        nonce: Nonce,
        /// Which session; none: a new one.
        session: Option<SessionId>,
        /// What the pulse is to say: this observer could act.
        fit: bool,
    },
    /// Commit this. Answered by `Answered`, always.
    Transact(Box<Txn>),
    /// Carry out one operation of a step; its intent is durable. Answered by `Finished`, always.
    Begin(Box<Call>),
    /// Nobody waits for that call any more; it is answered all the same.
    Cancel {
        /// Of which service.
        service: ServiceId,
        /// Of which run.
        run: RunId,
        /// Of which step.
        step: StepName,
        /// Its token's serial.
        serial: u64,
    },
    /// Read back whether users may be led to a region. Answered by `ReadBack`.
    ReadBack {
        /// For which service.
        service: ServiceId,
        /// For which run.
        run: RunId,
        /// For which step.
        step: StepName,
        /// Where.
        region: Name,
    },
    /// Tell an operator. Nothing answers it.
    Reply {
        /// Which order.
        order: OrderId,
        /// What.
        reply: Reply,
    },
}

/// One operation of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Of which service.
    pub service: ServiceId,
    /// Of which run.
    pub run: RunId,
    /// Of which step.
    pub step: StepName,
    /// Whether it is about taking the step back.
    pub undoing: bool,
    /// What is asked.
    pub op: Op,
    /// Goes with it to the provider.
    pub token: Token,
    /// What the try sends that this is or looks at.
    pub sent: Arc<Sent>,
    /// From then on the provider's own clock must refuse it.
    pub not_after: Option<Mono>,
    /// From then on its answer is taken for unknown.
    pub deadline: Mono,
    /// The right to act as it was when this was decided: whoever hands it to the network looks at the clock once more,
    /// and from then on answers "not done" instead, or of a look, which then has seen nothing, "unknown".
    pub until: Mono,
}

impl Call {
    /// Whether it may still be handed to the network. To be asked in the same code that does it, with nothing between.
    #[must_use]
    pub fn in_time(&self, now: Mono) -> bool {
        now < self.until && self.not_after.is_none_or(|end| now < end)
    }
}
