//! Transactions: what must still be so, what is written if it is, and the truth that comes back with every answer.
//!
//! Each is all or nothing. One that nobody answered is sent again with the same guards and the same writes, so that of
//! two that land only one counts; none is ever changed after it was sent.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Ask, Claim, Record, RunId, Velocity, Vote};
use crate::authority::SessionId;
use crate::ids::{Name, ServiceId};
use crate::plan::{Entry, Plan};

/// What a transaction is for: its answer says so again, and nobody keeps a table of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Our own vote.
    Vote,
    /// To take the claim.
    Take,
    /// To give it up.
    GiveUp,
    /// "Look again, now."
    Ask,
    /// To start a run.
    Start,
    /// A run's intents and outcomes.
    Journal,
    /// A run's end.
    End,
    /// Another change of the record.
    Change,
    /// Nothing is written: what is so?
    Read,
}

/// Names one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId {
    /// Of which service.
    pub service: ServiceId,
    /// What for.
    pub purpose: Purpose,
    /// Which; one that is sent again keeps its number.
    pub number: u32,
}

/// All or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Named again in its answer.
    pub id: TxnId,
    /// All of it must be so.
    pub guards: Vec<Guard>,
    /// In this order.
    pub writes: Vec<Write>,
    /// The answer is to bring the journals of all unfinished runs.
    pub journals: bool,
}

/// Something that must be so as the transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The record is as it was at this revision; 0: there is none.
    Record(u64),
    /// Nobody holds the claim.
    Unclaimed,
    /// The claim is the one that was created at this revision.
    Claim(u64),
    /// That session lives. What is written to hang on a session hangs on this one.
    Session(SessionId),
    /// That observer's vote is as it was at this revision; 0: it has none.
    Vote(Name, u64),
    /// The newest ask was written at this revision; 0: there was none.
    Ask(u64),
    /// That run's journal has so many entries.
    Journal(RunId, u64),
    /// The velocity counter is as it was at this revision; 0: there is none.
    Velocity(u64),
}

/// Something that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Our own vote, hung on the session.
    Vote(Vote),
    /// The claim for us, hung on the session.
    Claim,
    /// No claim.
    GiveUp,
    /// An ask of ours.
    Ask(u32),
    /// The record.
    Record(Box<Record>),
    /// The journal of a new run.
    Begin(RunId, Journal),
    /// More of it.
    Append(RunId, Vec<Entry>),
    /// The velocity counter.
    Velocity(Velocity),
    /// That trigger is raised no more.
    Clear(Name),
}

/// A run's plan and all that it has written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The plan, as it was when the run was started.
    pub plan: Arc<Plan>,
    /// The first is its start.
    pub entries: Vec<Entry>,
}

/// What is so: each with the revision at which it was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The record.
    pub record: (u64, Option<Record>),
    /// The claim, with the revision at which it was created or, if there is none, at which it went.
    pub claim: (u64, Option<Claim>),
    /// The newest ask; its age is never known here.
    pub ask: (u64, Option<Ask>),
    /// The revision of our own vote; 0: we have none.
    pub vote: u64,
    /// The velocity counter.
    pub velocity: (u64, Velocity),
    /// The count of each observer's pulse whose session lives.
    pub pulses: Vec<(Name, u64)>,
    /// How long the journals of unfinished runs are.
    pub lengths: Vec<(RunId, u64)>,
    /// The journals themselves, if that was wanted.
    pub journals: Vec<(RunId, Journal)>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is durable; this is so now.
    Committed(Box<Found>),
    /// A guard did not hold, and nothing was written; this is so instead.
    Refused(Box<Found>),
    /// Nobody knows: it may still land.
    Unknown,
}
