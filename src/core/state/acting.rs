//! What an observer that may act remembers of one service: its claim, what is on its way to the coordinator, its runs,
//! the orders that wait. All of it but the claim's state is volatile: a successor finds everything that counts in
//! record and journal.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::agree::{ClaimState, Record, RunId, Txn};
use crate::authority::{SessionId, Token};
use crate::ids::PolicyHash;
use crate::order::Order;
use crate::plan::saga::{Page, Run, Want};
use crate::time::Mono;

/// One service, as somebody who may act has it.
#[derive(Debug, Default)]
pub struct Acting {
    /// The claim.
    pub claim: ClaimState,
    /// The revision at which the claim that we hold was created.
    pub created: u64,
    /// The revision of the claim at which it was told of last.
    pub told: u64,
    /// So many renewals of the session it was told of,
    pub renewals: u64,
    /// and whether there was a right to act.
    pub right: bool,
    /// Since when nobody holds the claim, as we know.
    pub free: Option<Mono>,
    /// It was given up or refused: not again before then.
    pub back_off: Option<Mono>,
    /// When pulses were read last for a run that waits for the old side.
    pub pulse_read: Option<Mono>,
    /// So many calls in a row ended without anybody knowing anything: whatever the plan touches is out of our reach.
    pub unreached: u8,
    /// Those calls: an answer that comes twice is one.
    pub unheard: Vec<(RunId, u64)>,
    /// Since how many renewals we are unfit and hold it all the same.
    pub unfit: Option<u64>,
    /// The transaction that is on its way.
    pub flight: Option<Box<Flight>>,
    /// So many were sent.
    pub sent: u32,
    /// Our own vote.
    pub ballot: Ballot,
    /// When we asked last.
    pub asked: Option<Mono>,
    /// Runs that are under way; at most one of them occupies the claim.
    pub runs: Vec<Carried>,
    /// Record and journal are to be read again.
    pub stale: bool,
    /// At which revision the record was read,
    pub read: u64,
    /// and what it says, as a whole.
    pub record: Option<Box<Record>>,
    /// Something outside has seen a token that our coordinator cannot have given: nothing acts before a person adopts.
    pub foreign: Option<Token>,
    /// The record was read at least once, though there may be none.
    pub looked: bool,
    /// Orders that wait for their turn, oldest first.
    pub orders: Vec<Pending>,
    /// Notes that were taken, by the number of their event: answered when that is durable.
    pub notes: Vec<(u64, Pending)>,
    /// That run's journal could not be read, and that was told; and when it was looked for last.
    pub unread: Option<(RunId, Mono)>,
    /// Where a service without a record is seen to be active, and since when that is all that is seen.
    pub sighted: Option<(crate::ids::RegionPos, Mono)>,
    /// Since when this holder has known of a pause that is to end by itself.
    pub paused: Option<Mono>,
    /// The newest number under which a request was told to people, and when.
    pub requested: Option<(u64, Mono)>,
    /// What was refused was told, as this set of gates.
    pub refused: Option<u32>,
    /// What a scenario wished when last looked at.
    pub wished: Option<crate::event::Wish>,
    /// Since when answers that a wish hangs on are asked for in vain.
    pub vain: Option<Mono>,
    /// So many starts in a row were refused, and when the newest was.
    pub repelled: Option<(u32, Mono)>,
    /// What keeps a region from being left was told, as this set of gates.
    pub stays: Option<u32>,
    /// A plan is announced, and that was told.
    pub announced: bool,
    /// Since when a region that could go home, or be a candidate again, has been well.
    pub well: Vec<(crate::ids::RegionPos, Mono)>,
    /// Since when the way home is well.
    pub home: Option<Mono>,
    /// Since when each condition whose clearing is owed for has been false.
    pub cleared: Vec<(RunId, Mono)>,
}

/// A transaction that is on its way.
#[derive(Debug)]
pub struct Flight {
    /// Exactly as it was sent, and as it is sent again.
    pub txn: Txn,
    /// When it was sent first,
    pub at: Mono,
    /// and which revision of the record was known then: no answer is older.
    pub seen: u64,
    /// Nobody knows what became of it; it is sent again then. Nothing else goes out until somebody knows.
    pub doubt: Option<Mono>,
    /// At least one try of it was answered with "nobody knows".
    pub doubted: bool,
    /// What it is about, beside its purpose.
    pub about: About,
}

/// What a transaction is about.
#[derive(Debug)]
pub enum About {
    /// Nothing but its purpose.
    Itself,
    /// Our own vote, as of so many changes, under that policy, hung on that session.
    Vote(u64, PolicyHash, SessionId),
    /// An ask.
    Ask(u32),
    /// The start of a run.
    Start(Box<Starting>),
    /// A run's entries; the saga's own number, and how long the journal is with them.
    Journal(RunId, u32, u64),
    /// A run's end.
    End(RunId, u32),
    /// An order.
    Order(crate::order::OrderId),
}

/// A start that is being committed.
#[derive(Debug)]
pub struct Starting {
    /// What the journal begins with.
    pub start: crate::plan::Start,
    /// The plan.
    pub plan: alloc::sync::Arc<crate::plan::Plan>,
    /// By whose order, if by one's.
    pub order: Option<crate::order::OrderId>,
    /// Nobody ordered or approved it.
    pub by_itself: bool,
}

/// Our own vote, as the coordinator has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    /// At which revision; 0: there is none.
    pub revision: u64,
    /// As of how many changes; none: it is to be written whatever it says.
    pub changes: Option<u64>,
    /// Under which policy.
    pub policy: PolicyHash,
    /// When.
    pub at: Mono,
}

/// A run that this observer carries.
#[derive(Debug)]
pub struct Carried {
    /// The run.
    pub run: Run,
    /// So many of its transactions in a row were refused.
    pub refused: u8,
    /// What it wants written; the coordinator takes one transaction at a time.
    pub wanted: Option<Want>,
    /// Gates and pauses that its steps want.
    pub changes: Vec<Want>,
    /// When each of those was first looked at, by serial.
    pub began: Vec<(u64, Mono)>,
    /// Its pages, by the number of their event.
    pub pages: Vec<(u64, Page)>,
}

impl Carried {
    /// A run that wants nothing yet.
    #[must_use]
    pub const fn new(run: Run) -> Carried {
        Carried { run, refused: 0, wanted: None, changes: Vec::new(), began: Vec::new(), pages: Vec::new() }
    }

    /// When the change of that serial was first looked at: now, if it never was.
    pub fn begun(&mut self, serial: u64, now: Mono) -> Mono {
        if let Some((_, at)) = self.began.iter().find(|(of, _)| *of == serial) {
            return *at;
        }
        self.began.push((serial, now));
        now
    }
}

/// An order that waits.
#[derive(Debug)]
pub struct Pending {
    /// What was said.
    pub order: Order,
    /// When.
    pub since: Mono,
    /// That run was told, and has not written it down yet.
    pub taken: Option<RunId>,
    /// It was sent, and its claim was lost before an answer came.
    pub doubt: bool,
}
