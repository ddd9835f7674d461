//! One run, as its holder has it: the fold of what is durable, and beside it what was heard and is not durable yet.
//!
//! `tell` only notes; what follows is found by looking ([`Run::advance`]), so that a run after a crash, rebuilt from the
//! journal alone, goes the same way. It must never want an effect whose intent is not durable.

use super::asks::Asks;
use super::cell::Cell;
use super::ledger::Ledger;
use super::run_table::{RunAnswer, RunInput, RunState, run_cell};
use super::step_table::{StepInput, StepState};
use super::want::{Answer, Commit, Heard, HeldWhy, Page, Told, Why};
use super::watch::{Target, Watch};
use crate::ids::Name;
use crate::mutants::{self, Mutant};
use crate::plan::fill::Filled;
use crate::plan::journal::{Entry, Op, Outcome, Reply, Start};
use crate::plan::step::Body;
use crate::plan::{Plan, StepName};
use crate::time::Mono;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// One execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(super) ledger: Ledger,
    pub(super) doing: Vec<Watch>,
    pub(super) undoing: Vec<Watch>,
    /// What happened and is not durable yet, in its order.
    pub(super) queue: Vec<Entry>,
    pub(super) flight: Option<Flight>,
    pub(super) txns: u32,
    /// The highest serial that was ever written into an intent, durable or not.
    pub(super) serial: u64,
    /// When this holder began with it.
    pub(super) took_over: Mono,
    pub(super) lost: bool,
    pub(super) paged: Option<Paged>,
    /// So many phases were told as missed, from the first.
    pub(super) missed: usize,
}

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) txn: u32,
    pub(super) entries: Vec<Entry>,
    pub(super) doubt: bool,
}

/// The newest page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paged {
    pub(super) page: Page,
    pub(super) at: Mono,
    pub(super) durable: bool,
    pub(super) acknowledged: bool,
}

impl Run {
    /// A run whose start is durable: `start` is the first entry of its journal.
    #[must_use]
    pub fn new(plan: Arc<Plan>, start: Start, now: Mono) -> Run {
        Run::of(Ledger::new(plan, start, &mut Vec::new()), now)
    }

    /// The same run at another holder, from its journal alone; none, if that does not begin with a start of this plan.
    /// Whatever was in flight is unsettled.
    #[must_use]
    pub fn replay(plan: Arc<Plan>, entries: &[Entry], now: Mono) -> Option<(Run, Vec<Cell>)> {
        let (Entry::Started(start), rest) = entries.split_first()? else { return None };
        if start.plan != *plan.name() {
            return None;
        }
        let mut cells = Vec::new();
        let mut ledger = Ledger::new(plan, start.clone(), &mut cells);
        rest.iter().for_each(|entry| ledger.apply(entry, &mut cells));
        let mut run = Run::of(ledger, now);
        if !mutants::on(Mutant::SuccessorTrusts) {
            run.lose(&mut cells);
        }
        Some((run, cells))
    }

    fn of(ledger: Ledger, now: Mono) -> Run {
        Run {
            doing: vec![Watch::default(); ledger.doing.len()],
            undoing: vec![Watch::default(); ledger.doing.len()],
            queue: Vec::new(),
            flight: None,
            txns: 0,
            serial: ledger.serial,
            took_over: now,
            lost: false,
            paged: None,
            missed: 0,
            ledger,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> RunState {
        self.ledger.state
    }

    /// How it ended or is about to.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        self.ledger.outcome
    }

    /// Why it is held, if it is.
    #[must_use]
    pub fn held(&self) -> Option<&HeldWhy> {
        self.ledger.why.as_ref().filter(|_| self.ledger.state == RunState::Held)
    }

    /// What it was started with.
    #[must_use]
    pub const fn start(&self) -> &Start {
        &self.ledger.start
    }

    /// Its plan.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.ledger.plan
    }

    /// Where its steps are, in the plan's order.
    pub fn steps(&self) -> impl Iterator<Item = (&StepName, StepState)> {
        self.ledger
            .plan
            .steps()
            .iter()
            .map(|step| &step.name)
            .zip(self.ledger.doing.iter().map(|one| one.state))
    }

    /// Where taking them back is; nothing, before anything is.
    pub fn undone(&self) -> impl Iterator<Item = (&StepName, StepState)> {
        self.ledger
            .plan
            .steps()
            .iter()
            .map(|step| &step.name)
            .zip(self.ledger.undoing.iter().map(|one| one.state))
    }

    /// Where its steps are, or where taking them back is, and since when, as this holder saw it.
    pub fn since(&self, undoing: bool) -> impl Iterator<Item = (&StepName, StepState, Mono)> {
        let watches = if undoing { &self.undoing } else { &self.doing };
        let names = self.ledger.plan.steps().iter().map(|step| &step.name);
        let seen = self.ledger.positions(undoing).iter().zip(watches);
        names.zip(seen).map(|(name, (position, watch))| {
            let known = watch.seen == Some(position.state);
            (name, position.state, if known { watch.since } else { self.took_over })
        })
    }

    /// What it asks of people now: its `approve` steps and checklists that wait.
    pub fn asked(&self) -> impl Iterator<Item = Asks> {
        let steps = self.ledger.plan.steps().iter().zip(&self.ledger.doing).enumerate();
        steps.filter_map(|(place, (step, position))| {
            let waits = position.state == StepState::Calling && self.ledger.is_real(place);
            let body = position.sent.as_ref().map_or(&step.body, |sent| &sent.body);
            let Body::Own(own) = body else { return None };
            waits.then(|| Asks::of(&step.name, own, &position.approved, &position.ticked)).flatten()
        })
    }

    /// Whether users are served: the RTO's clock stops.
    #[must_use]
    pub fn served(&self) -> bool {
        let place = self.ledger.plan.served(self.ledger.start.way).map(crate::ids::StepPos::index);
        place
            .and_then(|place| self.ledger.doing.get(place))
            .is_some_and(|position| position.state == StepState::Done)
    }

    /// When this holder began with it.
    #[must_use]
    pub const fn took_over(&self) -> Mono {
        self.took_over
    }

    /// Whether something that happened or was said is not durable yet.
    #[must_use]
    pub const fn is_writing(&self) -> bool {
        !self.queue.is_empty() || self.flight.is_some()
    }

    /// Whether it can be told to stop, and was not yet.
    #[must_use]
    pub fn stoppable(&self) -> bool {
        matches!(self.ledger.state, RunState::Running | RunState::Held) && !self.stopping()
    }

    /// So many entries of its journal could not be; anything but 0 is a fault of this code.
    #[must_use]
    pub const fn odd(&self) -> u32 {
        self.ledger.odd
    }

    /// Something reached it.
    pub fn tell(&mut self, heard: Heard, now: Mono) -> Told {
        let mut cells = Vec::new();
        let mut answer = None;
        match heard {
            Heard::Answered { txn, commit } => self.answered(txn, commit, &mut cells),
            Heard::Finished { step, undoing, serial, reply, outputs } => {
                self.finished(step, undoing, serial, reply, outputs, &mut cells);
            }
            Heard::ReadBack { step, writable } => self.read_back(&step, writable, now),
            Heard::Ordered(_) | Heard::Superseded if self.lost => {
                answer = Some(Answer::Refused(Why::ClaimLost));
            }
            Heard::Ordered(verb) => answer = Some(self.order(verb, &mut cells)),
            Heard::Superseded => answer = Some(self.supersede(&mut cells)),
            Heard::Recorded(page) => {
                if let Some(paged) = self.paged.as_mut().filter(|paged| paged.page == page) {
                    paged.durable = true;
                }
            }
            Heard::Acknowledged => {
                if let Some(paged) = &mut self.paged {
                    paged.acknowledged = true;
                }
            }
            Heard::ClaimLost => {
                self.lose(&mut cells);
                self.lost = true;
            }
            Heard::Reloaded => {
                self.ledger.feed(RunInput::Reload, &mut cells);
                self.ledger.feed(RunInput::Changed, &mut cells);
                for position in self.ledger.doing.iter_mut().chain(&mut self.ledger.undoing) {
                    position.feed(StepInput::Reload, &mut cells);
                }
            }
            Heard::Paused => {
                self.ledger.feed(RunInput::Pause, &mut cells);
            }
            Heard::VerdictUp => {
                self.ledger.feed(RunInput::VerdictUp, &mut cells);
            }
        }
        self.note(now);
        Told { cells, answer }
    }

    /// Everything in flight is unsettled, and what is not durable was never said.
    fn lose(&mut self, cells: &mut Vec<Cell>) {
        (self.flight, self.queue) = (None, Vec::new());
        self.ledger.feed(RunInput::ClaimLost, cells);
        for position in self.ledger.doing.iter_mut().chain(&mut self.ledger.undoing) {
            position.feed(StepInput::ClaimLost, cells);
        }
    }

    fn answered(&mut self, txn: u32, commit: Commit, cells: &mut Vec<Cell>) {
        let Some(mut flight) = self.flight.take_if(|flight| flight.txn == txn) else { return };
        let commit = match commit {
            Commit::Unknown if mutants::on(Mutant::UnknownIsRefused) => Commit::Refused,
            Commit::Unknown if mutants::on(Mutant::UnknownIsDurable) => Commit::Committed,
            known => known,
        };
        let ledger = &mut self.ledger;
        match commit {
            Commit::Committed => flight.entries.iter().for_each(|entry| ledger.apply(entry, cells)),
            Commit::Unknown => {
                flight.doubt = true;
                for entry in &flight.entries {
                    told(ledger, entry, StepInput::CommitUnknown, RunInput::Unknown, cells);
                }
                self.flight = Some(flight);
            }
            Commit::Refused => {
                for entry in &flight.entries {
                    told(ledger, entry, StepInput::Refused, RunInput::Refused, cells);
                }
                // What happened stays true; what was wished is wished anew, if it still is.
                flight.entries.retain(|entry| !matches!(entry, Entry::Intent { .. } | Entry::Ended(_)));
                flight.entries.append(&mut self.queue);
                self.queue = flight.entries;
            }
        }
    }

    fn finished(
        &mut self,
        step: StepName,
        undoing: bool,
        serial: u64,
        reply: Reply,
        outputs: Vec<(Name, Filled)>,
        cells: &mut Vec<Cell>,
    ) {
        let Some(place) = self.ledger.place(&step) else { return };
        let begun = self.watch(place, undoing).and_then(|watch| watch.begun);
        let serial = match begun {
            Some(begun) if mutants::on(Mutant::AnyReplyCounts) => begun.serial,
            Some(_) | None => serial,
        };
        let awaited =
            begun.is_some_and(|begun| begun.serial == serial) && !self.hears(&step, undoing, serial);
        let Some(position) = self.ledger.position_mut(place, undoing) else { return };
        if !awaited || !position.waits_for(serial) {
            position.feed(StepInput::LateReply, cells);
            return;
        }
        let op = position.present.map(|present| present.op);
        let reply = match (op, reply) {
            (Some(Op::Do | Op::Undo), Reply::Unknown) if mutants::on(Mutant::TimeoutIsFailure) => {
                Reply::NotDone
            }
            (_, reply) => reply,
        };
        match (op, reply) {
            // That nobody knows need not be written down: who reads an intent without an outcome knows that.
            (Some(Op::Do | Op::Undo), Reply::Unknown) => {
                position.feed(StepInput::Timeout, cells);
            }
            (Some(Op::Verify), Reply::Done) => {
                if let Some(watch) = self.watch_mut(place, undoing) {
                    watch.looked = true;
                }
            }
            (Some(Op::Do | Op::Undo | Op::Observe | Op::Verify) | None, _) => {
                self.queue.push(Entry::Heard { step, undoing, serial, reply, outputs });
            }
        }
    }

    fn read_back(&mut self, step: &StepName, writable: bool, now: Mono) {
        let undoing = !self.ledger.undoing.is_empty();
        let Some(place) = self.ledger.place(step) else { return };
        if let Some(watch) = self.watch_mut(place, undoing)
            && matches!(watch.target, Target::Asked(_))
        {
            watch.target = if writable { Target::Writable(now) } else { Target::NotWritable(now) };
        }
    }

    fn supersede(&mut self, cells: &mut Vec<Cell>) -> Answer {
        cells.push(Cell::Run(self.ledger.state, RunInput::Supersede));
        if self.stopping() {
            return Answer::Refused(Why::Stopping);
        }
        match run_cell(self.ledger.state, RunInput::Supersede) {
            RunAnswer::To(_) => {
                self.queue.push(Entry::Superseded);
                Answer::Taken
            }
            RunAnswer::Forgotten | RunAnswer::Recorded | RunAnswer::Refused | RunAnswer::Impossible => {
                Answer::Refused(Why::Settling)
            }
        }
    }

    /// Whether it was told to stop, durably or not yet.
    pub(super) fn stopping(&self) -> bool {
        let told = |entry: &Entry| matches!(entry, Entry::Aborted { .. } | Entry::Superseded);
        self.ledger.stopping() || self.queue.iter().chain(self.in_flight()).any(told)
    }

    pub(super) fn in_flight(&self) -> impl Iterator<Item = &Entry> {
        self.flight.iter().flat_map(|flight| &flight.entries)
    }

    /// Whether what became of that intent is known and not durable yet.
    pub(super) fn hears(&self, step: &StepName, undoing: bool, serial: u64) -> bool {
        self.queue.iter().chain(self.in_flight()).any(|entry| match entry {
            Entry::Heard { step: of, undoing: back, serial: to, .. }
            | Entry::Expired { step: of, undoing: back, serial: to } => {
                of == step && *back == undoing && *to == serial
            }
            _ => false,
        })
    }

    pub(super) fn watch(&self, place: usize, undoing: bool) -> Option<&Watch> {
        if undoing { self.undoing.get(place) } else { self.doing.get(place) }
    }

    pub(super) fn watch_mut(&mut self, place: usize, undoing: bool) -> Option<&mut Watch> {
        if undoing { self.undoing.get_mut(place) } else { self.doing.get_mut(place) }
    }

    /// Notes which steps are in another state than when this holder looked last.
    pub(super) fn note(&mut self, now: Mono) {
        for undoing in [false, true] {
            let watches = if undoing { &mut self.undoing } else { &mut self.doing };
            let positions = self.ledger.positions(undoing);
            for (place, (watch, position)) in watches.iter_mut().zip(positions).enumerate() {
                if let Some(step) = self.ledger.step(place) {
                    watch.see(position.state, step, self.ledger.answers_itself(place), self.took_over, now);
                }
            }
        }
    }
}

/// Tells what a transaction was about that it is not durable, or that nobody knows.
fn told(ledger: &mut Ledger, entry: &Entry, step: StepInput, run: RunInput, cells: &mut Vec<Cell>) {
    match entry {
        Entry::Intent { step: name, undoing, op: Op::Do | Op::Undo, .. } => {
            if let Some(position) = ledger.place(name).and_then(|place| ledger.position_mut(place, *undoing))
            {
                position.feed(step, cells);
            }
        }
        Entry::Ended(_) => {
            ledger.feed(run, cells);
        }
        _ => {}
    }
}
