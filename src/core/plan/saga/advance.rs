//! One look at what is, and everything that is wanted now. Whoever calls it twice gets nothing twice.
//!
//! While nobody knows what became of a transaction, nothing goes out; without the right to act, only pages do.

use super::cell::Cell;
use super::clock::Wake;
use super::ledger::Ledger;
use super::run::{Flight, Paged, Run};
use super::run_table::RunState;
use super::step_table::{StepInput, StepState};
use super::want::{Facts, Page, Want};
use super::watch::Begun;
use crate::authority::Token;
use crate::mutants::{self, Mutant};
use crate::plan::journal::{Entry, Mode, Op, Outcome, Sent};
use crate::plan::step::LateCall;
use crate::time::Mono;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

impl Run {
    /// Looks at what is. Says what is wanted, and which cells time alone has visited.
    #[must_use]
    pub fn advance(&mut self, facts: &Facts<'_>, now: Mono) -> (Vec<Want>, Vec<Cell>) {
        let (mut wants, mut cells, mut wake) = (Vec::new(), Vec::new(), Wake::default());
        if self.lost || self.ledger.state == RunState::Ended {
            return (wants, cells);
        }
        self.note(now);
        if self.flight.as_ref().is_some_and(|flight| flight.doubt) {
            return (wants, cells);
        }
        cells.extend(self.pass_time(facts, now, &mut wake, &mut wants));
        self.page(facts, now, &mut wake, &mut wants);
        if facts.held.is_some_and(|held| now < held.until()) {
            self.begin(now, &mut wake, &mut wants);
            if self.flight.is_none() {
                self.transact(now, &mut wake, &mut wants, &mut cells);
            }
        }
        self.phases(now, &mut wake, &mut wants, &mut cells);
        wants.extend(wake.0.map(Want::Wake));
        (wants, cells)
    }

    /// The page that is owed now.
    fn owed(&self) -> Option<Page> {
        match self.ledger.state {
            RunState::Held => {
                let why = self.ledger.why.clone()?;
                Some(Page::Held { nth: self.ledger.held, why })
            }
            RunState::Ending if self.ledger.start.mode == Mode::Live => {
                self.ledger.outcome.filter(|outcome| *outcome != Outcome::Done).map(Page::Ends)
            }
            _ => None,
        }
    }

    fn page(&mut self, facts: &Facts<'_>, now: Mono, wake: &mut Wake, wants: &mut Vec<Want>) {
        let Some(page) = self.owed() else { return };
        let again = match &self.paged {
            Some(paged) if paged.page == page => {
                !paged.acknowledged && wake.passed(paged.at + facts.page_again, now)
            }
            Some(_) | None => true,
        };
        if !again {
            return;
        }
        let durable = self.paged.as_ref().is_some_and(|paged| paged.page == page && paged.durable);
        self.paged = Some(Paged { page: page.clone(), at: now, durable, acknowledged: false });
        wake.passed(now + facts.page_again, now);
        wants.push(Want::Page(page));
    }

    /// Everything that is durable and not begun.
    fn begin(&mut self, now: Mono, wake: &mut Wake, wants: &mut Vec<Want>) {
        let plan = Arc::clone(&self.ledger.plan);
        for undoing in [false, true] {
            for (place, step) in plan.steps().iter().enumerate() {
                let Some(position) = self.ledger.positions(undoing).get(place) else { continue };
                let Some(present) = position.present else { continue };
                let due = match (present.op, position.state) {
                    (Op::Do, StepState::Calling) => !self.stopping(),
                    (Op::Undo, StepState::Calling)
                    | (Op::Observe, StepState::Observing)
                    | (Op::Verify, StepState::Verifying) => true,
                    _ => false,
                };
                let itself = self.ledger.answers_itself(place);
                // What a successor observes may be something of which it never saw what was sent.
                let sent = position.sent.clone();
                let Some(watch) = self.watch_mut(place, undoing) else { continue };
                if !due || watch.begun.is_some_and(|begun| begun.serial == present.serial) {
                    continue;
                }
                let deadline = match (present.op, watch.verify_by) {
                    (Op::Verify, Some(by)) => by,
                    _ => now + step.timeout,
                };
                watch.begun = Some(Begun { serial: present.serial, at: now, deadline });
                wake.passed(deadline, now);
                if itself {
                    // Nobody is asked; it is looked at again at once.
                    wake.passed(now + crate::time::Span::micros(1), now);
                    continue;
                }
                let Some(sent) = sent else { continue };
                let deadlined = step.late_call == LateCall::Deadline;
                let changes = matches!(present.op, Op::Do | Op::Undo);
                wants.push(Want::Begin {
                    step: step.name.clone(),
                    undoing,
                    op: present.op,
                    token: self.token(present.serial),
                    sent,
                    not_after: (deadlined && changes && !mutants::on(Mutant::NoNotAfter)).then_some(deadline),
                    deadline,
                });
            }
        }
    }

    pub(super) fn token(&self, serial: u64) -> Token {
        let serial = if mutants::on(Mutant::EpochOnlyToken) { self.ledger.start.serial } else { serial };
        Token { cluster: self.ledger.start.cluster, epoch: self.ledger.start.epoch, serial }
    }

    /// One transaction: what happened, and then what is wished.
    fn transact(&mut self, now: Mono, wake: &mut Wake, wants: &mut Vec<Want>, cells: &mut Vec<Cell>) {
        if self.queue.is_empty() && self.ledger.state != RunState::Ending && !self.wishes(now, wake) {
            return;
        }
        let mut after = self.ledger.clone();
        let mut entries = Vec::new();
        for entry in core::mem::take(&mut self.queue) {
            let mut tried = after.clone();
            let mut visited = Vec::new();
            tried.apply(&entry, &mut visited);
            if tried.odd == after.odd {
                after = tried;
                entries.push(entry);
            } else {
                // It came too late to count; the cell that says so was visited, and nothing else.
                cells.extend(visited.into_iter().filter(late));
            }
        }
        if let (RunState::Ending, Some(outcome), true) =
            (self.ledger.state, self.ledger.outcome, entries.is_empty())
        {
            let told = self.owed().is_none_or(|page| {
                self.paged.as_ref().is_some_and(|paged| paged.page == page && paged.durable)
                    || mutants::on(Mutant::PageAfterEnd)
            });
            if told {
                let (txn, length) = self.depart(vec![Entry::Ended(outcome)]);
                wants.push(Want::End { txn, length, outcome });
            }
            return;
        }
        self.intents(&after, now, wake, &mut entries, wants, cells);
        if entries.is_empty() {
            return;
        }
        let moves = after.moved && !self.ledger.moved;
        let (txn, length) = self.depart(entries.clone());
        if mutants::on(Mutant::EffectBeforeIntent) {
            // It is taken for durable as it departs.
            let flown = self.flight.as_mut().map(|flight| core::mem::take(&mut flight.entries));
            flown.iter().flatten().for_each(|entry| self.ledger.apply(entry, cells));
            self.begin(now, wake, wants);
        }
        wants.push(Want::Append { txn, length, entries, moves });
    }

    fn depart(&mut self, entries: Vec<Entry>) -> (u32, u64) {
        self.txns += 1;
        self.flight = Some(Flight { txn: self.txns, entries, doubt: false });
        (self.txns, self.ledger.length)
    }

    fn intents(
        &mut self,
        after: &Ledger,
        now: Mono,
        wake: &mut Wake,
        entries: &mut Vec<Entry>,
        wants: &mut Vec<Want>,
        cells: &mut Vec<Cell>,
    ) {
        if !acts(after) || after.state != self.ledger.state {
            return;
        }
        for undoing in [false, true] {
            for place in 0..self.ledger.positions(undoing).len() {
                // What this transaction changes anyhow is looked at when it is durable.
                let same = self.ledger.positions(undoing).get(place) == after.positions(undoing).get(place);
                if !same {
                    continue;
                }
                let op = self.wished(after, place, undoing, now, wake);
                let intent = match op {
                    Some(Op::Do | Op::Undo) => self.try_step(place, undoing, now, wake, wants, cells),
                    Some(op) => self.look_at_step(place, undoing, op),
                    None => None,
                };
                entries.extend(intent);
            }
        }
    }

    /// Whether any step is to be asked something, as things are.
    fn wishes(&self, now: Mono, wake: &mut Wake) -> bool {
        let mut asked =
            |place: usize, undoing: bool| self.wished(&self.ledger, place, undoing, now, wake).is_some();
        acts(&self.ledger)
            && [false, true]
                .into_iter()
                .any(|undoing| (0..self.ledger.positions(undoing).len()).any(|place| asked(place, undoing)))
    }

    /// What the step is to be asked next, if anything.
    fn wished(&self, after: &Ledger, place: usize, undoing: bool, now: Mono, wake: &mut Wake) -> Option<Op> {
        let (step, watch) = (after.step(place)?, self.watch(place, undoing)?);
        let position = after.positions(undoing).get(place)?;
        let handed = after.positions(undoing).iter().any(|other| other.state == StepState::Held);
        let turn = if undoing {
            after.state == RunState::Undoing && step.undoable
        } else {
            after.state == RunState::Running && !self.stopping()
        };
        let may = turn && !handed && position.stuck.is_none();
        match position.state {
            StepState::Unsettled => wake.passed(watch.drained, now).then_some(Op::Observe),
            StepState::Observing if position.present.is_none() => {
                wake.passed(watch.next_look(step), now).then_some(Op::Observe)
            }
            StepState::Verifying if position.present.is_none() => Some(Op::Verify),
            StepState::Waiting | StepState::NotDone => {
                let ready = may
                    && after.before_is_final(place, undoing)
                    && (undoing || !after.is_guarded(place) || after.may_promote());
                let paused = position.state == StepState::NotDone
                    && ready
                    && !wake.passed(watch.since + step.retry.pause, now);
                (ready && !paused).then_some(if undoing { Op::Undo } else { Op::Do })
            }
            _ => None,
        }
    }

    /// The intent to look at what the newest try did, or at its effect.
    fn look_at_step(&mut self, place: usize, undoing: bool, op: Op) -> Option<Entry> {
        let step = self.ledger.step(place)?.name.clone();
        let position = self.ledger.positions(undoing).get(place)?;
        let (attempt, newest) = (position.attempt, position.newest);
        let serial = if mutants::on(Mutant::ObserveOldToken) && op == Op::Observe {
            // The same token as what it looks at, so the call is begun though one of that serial was.
            self.watch_mut(place, undoing)?.begun = None;
            newest
        } else {
            self.next_serial()
        };
        Some(Entry::Intent { step, undoing, op, attempt, serial, sent: None })
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial = self.serial.max(self.ledger.serial) + 1;
        self.serial
    }

    /// The intent that its position waits for is on its way: it says so.
    pub(super) fn intend(
        &mut self,
        place: usize,
        undoing: bool,
        serial: u64,
        sent: Arc<Sent>,
        cells: &mut Vec<Cell>,
    ) -> Option<Entry> {
        let step = self.ledger.step(place)?.name.clone();
        let position = self.ledger.position_mut(place, undoing)?;
        position.feed(StepInput::Ready, cells);
        let attempt = position.attempt + 1;
        let op = if undoing { Op::Undo } else { Op::Do };
        Some(Entry::Intent { step, undoing, op, attempt, serial, sent: Some(sent) })
    }
}

/// Only then is any step asked anything.
fn acts(ledger: &Ledger) -> bool {
    matches!(ledger.state, RunState::Running | RunState::Draining | RunState::Undoing)
}

fn late(cell: &Cell) -> bool {
    matches!(cell, Cell::Step(_, StepInput::LateReply))
}
