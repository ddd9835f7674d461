//! A small world round one run: a coordinator that loses answers, providers that act late, people who say anything.
//!
//! It judges by its own books: the journal that is durable, and what landed when at which step. A run's own view of
//! itself is asked only for where it is.

use super::super::*;
use crate::authority::{Held, Renewed, Session, SessionId};
use crate::ids::{Name, StepPos};
use crate::plan::step::{ActsAs, Body, LateCall};
use crate::plan::{
    By, Entry, Filled, Mode, Only, Op, Outcome, Own, Plan, Reply, RunId, Settles, Start, StepName,
};
use crate::time::{Mono, Span};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// xorshift64*: the same seed, the same world.
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub(super) fn upto(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n.max(1)
    }
    pub(super) fn percent(&mut self, n: u64) -> bool {
        self.upto(100) < n
    }
}

/// Something that will happen.
#[derive(Clone, Debug)]
enum Soon {
    Tell(Heard),
    /// A call takes effect at its provider, if that still lets it.
    Land {
        place: usize,
        undoing: bool,
        serial: u64,
    },
}

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    /// In percent, of each answer.
    pub(super) faults: u64,
    /// In percent, of each round.
    pub(super) crashes: u64,
    /// In percent, of each round.
    pub(super) orders: u64,
    /// So many rounds, then all is well.
    pub(super) rounds: usize,
}

impl Trouble {
    pub(super) const NONE: Trouble = Trouble { faults: 0, crashes: 0, orders: 0, rounds: 0 };
}

pub(super) struct World {
    pub(super) run: Run,
    pub(super) plan: Arc<Plan>,
    pub(super) journal: Vec<Entry>,
    pub(super) cells: BTreeSet<Cell>,
    pub(super) now: Mono,
    pub(super) pages: Vec<Page>,
    /// Every call that went out: step, what, its serial.
    pub(super) began: Vec<(String, Op, u64)>,
    pub(super) moved: u32,
    pub(super) dice: Dice,
    pub(super) crashed: u32,
    pub(super) up: bool,
    pub(super) silent_since: Option<Mono>,
    trouble: Trouble,
    soon: Vec<(Mono, u64, Soon)>,
    wake: Option<Mono>,
    count: u64,
    doubt: bool,
    /// What is so at the providers, and the newest token that each has seen.
    pub(super) so: Vec<bool>,
    marks: Vec<u64>,
    /// The newest serial by which somebody was told what is so.
    known: BTreeMap<(usize, bool), u64>,
    serials: BTreeSet<u64>,
    /// What was really said: to which intent, which target takes writes and when, which pages are kept, who agreed.
    replies: Vec<(u64, Reply)>,
    targets: BTreeMap<StepName, Mono>,
    kept: Vec<Page>,
    agreed: BTreeSet<By>,
}

pub(super) fn held(now: Mono) -> Held {
    let mut session = Session::new(Span::secs(1));
    let nonce = session.renew(now);
    assert!(session.renewed(nonce, Renewed::Alive { session: SessionId(1), ttl: Span::hours(1) }));
    session.held(now).unwrap()
}

pub(super) fn start(plan: &Plan, way: Only, mode: Mode) -> Start {
    Start {
        run: RunId(7),
        plan: plan.name().clone(),
        hash: None,
        way,
        mode,
        cluster: crate::authority::ClusterId(1),
        epoch: crate::authority::Epoch(3),
        serial: 40,
        given: Vec::new(),
        exposure_accepted: false,
    }
}

impl World {
    pub(super) fn new(plan: &Arc<Plan>, start: Start, trouble: Trouble, seed: u64) -> World {
        let now = Mono::after_boot(Span::secs(100));
        World {
            run: Run::new(Arc::clone(plan), start.clone(), now),
            plan: Arc::clone(plan),
            journal: alloc::vec![Entry::Started(start)],
            cells: BTreeSet::new(),
            now,
            pages: Vec::new(),
            began: Vec::new(),
            moved: 0,
            dice: Dice::new(seed),
            crashed: 0,
            up: true,
            silent_since: Some(Mono::after_boot(Span::secs(90))),
            trouble,
            soon: Vec::new(),
            wake: None,
            count: 0,
            doubt: false,
            so: alloc::vec![false; plan.steps().len()],
            marks: alloc::vec![0; plan.steps().len()],
            known: BTreeMap::new(),
            serials: BTreeSet::new(),
            replies: Vec::new(),
            targets: BTreeMap::new(),
            kept: Vec::new(),
            agreed: BTreeSet::new(),
        }
    }

    fn later(&mut self, after: Span, what: Soon) {
        self.count += 1;
        self.soon.push((self.now + after, self.count, what));
    }

    fn faulty(&mut self) -> bool {
        let faults = self.trouble.faults;
        self.dice.percent(faults)
    }

    pub(super) fn tell(&mut self, heard: Heard) -> Option<Answer> {
        match &heard {
            Heard::Finished { serial, reply, .. } => self.replies.push((*serial, *reply)),
            Heard::ReadBack { step, writable: true } => {
                self.targets.insert(step.clone(), self.now);
            }
            Heard::ReadBack { step, writable: false } => {
                self.targets.remove(step);
            }
            Heard::Recorded(page) => self.kept.push(page.clone()),
            Heard::Ordered(Verb::Accept { by, matches: true }) => {
                self.agreed.insert(by.clone());
            }
            _ => {}
        }
        let told = self.run.tell(heard, self.now);
        self.visit(told.cells);
        told.answer
    }

    pub(super) fn order(&mut self, verb: Verb) -> Answer {
        self.tell(Heard::Ordered(verb)).expect("every verb has an answer")
    }

    fn visit(&mut self, cells: Vec<Cell>) {
        for cell in cells {
            assert!(!cell.is_impossible(), "{cell} cannot occur\n{:#?}", self.journal);
            self.cells.insert(cell);
        }
    }

    /// One look, and everything that is wanted set on its way.
    pub(super) fn look(&mut self) -> bool {
        let is_up = self.up;
        let up = |_: &Name| is_up;
        let facts = Facts {
            held: Some(held(self.now)),
            up: &up,
            silent_since: self.silent_since,
            page_again: Span::mins(10),
        };
        let (wants, cells) = self.run.advance(&facts, self.now);
        self.visit(cells);
        assert_eq!(self.run.odd(), 0, "{:#?}", self.journal);
        assert!(!self.doubt || wants.is_empty(), "nothing goes out in doubt");
        self.wake = None;
        let mut any = false;
        for want in wants {
            any |= !matches!(want, Want::Wake(_));
            self.want(want);
        }
        any
    }

    fn want(&mut self, want: Want) {
        match want {
            Want::Append { txn, length, entries, moves } => {
                assert_eq!(length as usize, self.journal.len());
                let durable = self.commit(txn, &entries);
                self.moved += u32::from(moves && durable);
            }
            Want::End { txn, length, outcome } => {
                assert_eq!(length as usize, self.journal.len());
                self.commit(txn, &[Entry::Ended(outcome)]);
            }
            Want::Begin { step, undoing, op, token, sent: _, not_after, deadline } => {
                self.begin(&step, undoing, op, token.serial, not_after.is_some(), deadline);
            }
            Want::ReadBack { step, region: _ } => {
                let writable = self.writable() && !self.faulty();
                if !self.faulty() {
                    self.later(Span::millis(3), Soon::Tell(Heard::ReadBack { step, writable }));
                }
            }
            Want::Page(page) => {
                self.pages.push(page.clone());
                self.later(Span::millis(2), Soon::Tell(Heard::Recorded(page)));
            }
            Want::Wake(at) => self.wake = Some(at),
            Want::Cancel { .. } | Want::Missed { .. } => {}
        }
    }

    /// Whether the side to which users are led takes writes: it does once everything that promotes has.
    fn writable(&self) -> bool {
        let way = self.run.start().way;
        self.plan.promotes(way).all(|pos| self.so[pos.index()]) || self.trouble.faults > 0
    }

    fn commit(&mut self, txn: u32, entries: &[Entry]) -> bool {
        let wrong = self.faulty();
        let durable = !wrong || self.dice.percent(30);
        let answer = if durable { Commit::Committed } else { Commit::Refused };
        if durable {
            for entry in entries {
                self.journal.push(entry.clone());
                self.judge(entry);
            }
        }
        let told = |commit| Soon::Tell(Heard::Answered { txn, commit });
        if wrong && (durable || self.dice.percent(50)) {
            self.later(Span::millis(5), told(Commit::Unknown));
            self.later(Span::millis(500), told(answer));
        } else {
            self.later(Span::millis(5), told(answer));
        }
        durable
    }

    /// By the journal and what was really said: S2, S8, S12, what promotes, what is taken back, what is heard, the end.
    fn judge(&mut self, entry: &Entry) {
        match entry {
            Entry::Heard { step, serial, reply, .. } => self.judge_heard(step, *serial, *reply),
            Entry::Accepted { by } => assert!(self.agreed.contains(by), "{by:?} agreed to something else"),
            Entry::Ended(outcome) => self.judge_end(*outcome),
            _ => {}
        }
        let Entry::Intent { step, undoing, op, serial, .. } = entry else { return };
        assert!(*serial > 40 && self.serials.insert(*serial), "serial {serial} is intended twice");
        assert!(self.serials.last() == Some(serial), "serials grow");
        let (run, _) = Run::replay(Arc::clone(&self.plan), &self.journal, self.now).unwrap();
        let place = self.plan.position(step).unwrap().index();
        let live = run.start().mode == Mode::Live;
        if matches!(op, Op::Do | Op::Undo) && self.plan.steps()[place].acts_as == ActsAs::Routes && live {
            let read = self.targets.get(step).is_some_and(|at| self.now - *at <= Span::secs(10));
            assert!(read, "S12: {step} leads users where nobody looked");
        }
        if *op == Op::Do && !undoing {
            let states: Vec<StepState> = run.steps().map(|(_, state)| state).collect();
            for need in &self.plan.steps()[place].needs {
                let state = states[need.index()];
                assert!(
                    state.is_final(),
                    "S8: {step} before {} ({state})",
                    self.plan.steps()[need.index()].name
                );
            }
            let what = &self.plan.steps()[place];
            if what.acts_as == ActsAs::Promotes && run.start().mode == Mode::Live {
                self.may_promote(&states);
            }
        }
        if *op == Op::Undo {
            assert!(undoing);
            let way = run.start().way;
            if run.start().mode == Mode::Live {
                let passed = self.plan.promotes(way).find(|pos| self.so[pos.index()]);
                assert!(passed.is_none(), "{step} is taken back after the commit point");
            }
            let unknown = (0..self.so.len()).find(|&place| self.unknown(place));
            let unknown = unknown.map(|place| &self.plan.steps()[place].name);
            assert!(unknown.is_none(), "{step} is taken back, and nobody knows of {unknown:?}");
            let later: Vec<(&StepName, StepState)> = run.undone().collect();
            for (other, what) in self.plan.steps().iter().enumerate() {
                let after = what.needs.iter().any(|need| need.index() == place);
                assert!(!after || later[other].1.is_final(), "{step} is taken back before {}", what.name);
            }
        }
    }

    /// Whether nobody was ever told what the newest try of a step has changed.
    fn unknown(&self, place: usize) -> bool {
        let what = &self.plan.steps()[place];
        let changes = what.changing || matches!(what.acts_as, ActsAs::Promotes | ActsAs::Routes);
        let real = match self.run.start().mode {
            Mode::Live => true,
            Mode::Drill => what.drill.does == crate::plan::step::InDrill::Run,
            Mode::Preview => false,
        };
        let mut ops = BTreeMap::new();
        let mut unknown = false;
        for entry in &self.journal {
            match entry {
                Entry::Intent { step, undoing: false, op, serial, .. } if *step == what.name => {
                    ops.insert(*serial, *op);
                    unknown |= *op == Op::Do;
                }
                Entry::Heard { step, undoing: false, serial, reply, .. } if *step == what.name => {
                    match ops.get(serial) {
                        Some(Op::Do) => unknown &= *reply == Reply::Unknown,
                        Some(Op::Observe) => unknown &= !matches!(reply, Reply::Done | Reply::NotDone),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        unknown && real && changes
    }

    fn judge_heard(&self, step: &StepName, serial: u64, reply: Reply) {
        let began = self.began.iter().any(|(of, op, to)| {
            *of == step.to_string() && *to == serial && matches!(op, Op::Do | Op::Undo | Op::Observe)
        });
        let said = self.replies.contains(&(serial, reply));
        assert!(!began || said, "nobody said {reply:?} of {step} to {serial}");
        let what = &self.plan.steps()[self.plan.position(step).unwrap().index()];
        if let (Body::Own(Own::Lapse { .. }), Reply::Done, Mode::Live) =
            (&what.body, reply, self.run.start().mode)
        {
            assert!(self.silent_since.is_some(), "{step} has lapsed, and its daemon gives a pulse");
        }
    }

    fn judge_end(&self, outcome: Outcome) {
        let owes = outcome != Outcome::Done && self.run.start().mode == Mode::Live;
        assert!(!owes || self.kept.contains(&Page::Ends(outcome)), "it ends before its page is durable");
        let lands = self.soon.iter().find_map(|(_, _, what)| match what {
            Soon::Land { place, serial, .. } => {
                let step = &self.plan.steps()[*place];
                let refused = step.late_call == LateCall::Checked && *serial < self.marks[*place];
                (!refused).then_some(&step.name)
            }
            Soon::Tell(_) => None,
        });
        let handed = outcome == Outcome::HandedOver;
        assert!(handed || lands.is_none(), "S2: {lands:?} is still to land when the run ends");
    }

    fn may_promote(&self, states: &[StepState]) {
        use crate::plan::Fencing;
        let accepted = self.journal.iter().any(|entry| matches!(entry, Entry::Accepted { .. }));
        let may = match self.plan.fencing(self.run.start().way) {
            Fencing::NotNeeded | Fencing::Unfenced(_) => true,
            Fencing::Absent => accepted || self.run.start().exposure_accepted,
            Fencing::Named { steps, unfenced, .. } => {
                let settled = |pos: &StepPos| {
                    let step = &self.plan.steps()[pos.index()];
                    let enough =
                        matches!(step.settles, Settles::Lapsed | Settles::Structural | Settles::Proved);
                    states[pos.index()] == StepState::Done && enough
                };
                steps.iter().any(settled)
                    || accepted
                    || unfenced.is_some()
                    || self.run.start().exposure_accepted
            }
        };
        assert!(may, "promoted before the old side is settled");
    }

    fn begin(&mut self, name: &StepName, undoing: bool, op: Op, serial: u64, refuses: bool, deadline: Mono) {
        let intended = self.journal.iter().any(|entry| {
            matches!(entry, Entry::Intent { step, undoing: back, op: what, serial: of, .. }
                if step == name && *back == undoing && *what == op && *of == serial)
        });
        assert!(intended, "S2: {name} {op:?} without a durable intent");
        let call = (name.to_string(), op, serial);
        assert!(!self.began.contains(&call), "S2: twice {call:?}");
        self.began.push(call);
        let place = self.plan.position(name).unwrap().index();
        let step = &self.plan.steps()[place];
        let (class, late) = (step.late_call, step.late);
        if class == LateCall::Checked {
            assert!(serial > self.marks[place], "not newer than the mark");
            self.marks[place] = serial;
        }
        let quick = Span::millis(1 + self.dice.upto(40));
        let wrong = self.faulty();
        let reply = match op {
            Op::Observe | Op::Verify => {
                let truth = self.so[place] != undoing;
                self.known.insert((place, undoing), serial);
                match (wrong, truth) {
                    (true, _) if op == Op::Verify => Reply::NotDone,
                    (true, _) => Reply::Unknown,
                    (false, true) => Reply::Done,
                    (false, false) => Reply::NotDone,
                }
            }
            Op::Do | Op::Undo => {
                let land = Soon::Land { place, undoing, serial };
                match if wrong { self.dice.upto(7) } else { 7 } {
                    0 => Reply::Transient,
                    1 => Reply::NotDone,
                    2 => Reply::Refused,
                    3 => Reply::Unknown,
                    4 => {
                        self.later(Span::micros(1), land);
                        Reply::Unknown
                    }
                    5 => {
                        // It lands as late as its class lets it, long after everybody has given it up.
                        let end = match (class, refuses) {
                            (LateCall::Deadline, true) => deadline,
                            // Nobody has told that provider when to refuse.
                            (LateCall::Deadline, false) => deadline + Span::mins(1),
                            (LateCall::Checked | LateCall::None, _) => deadline + late,
                        };
                        let longest = (end - self.now).as_micros();
                        self.later(Span::micros(self.dice.clone().upto(longest)), land);
                        self.dice.upto(2);
                        Reply::Unknown
                    }
                    6 => {
                        self.later(Span::micros(1), land);
                        let late = (deadline - self.now).plus(Span::millis(self.dice.upto(3_000)));
                        self.answer(late, name, undoing, serial, Reply::Done);
                        return;
                    }
                    _ => {
                        self.later(Span::micros(1), land);
                        Reply::Done
                    }
                }
            }
        };
        let silent = wrong && self.dice.percent(30);
        let after = if silent { (deadline - self.now).plus(Span::secs(1)) } else { quick };
        self.answer(after, name, undoing, serial, reply);
        if wrong && self.dice.percent(10) {
            self.answer(after.plus(quick), name, undoing, serial, reply);
        }
    }

    fn answer(&mut self, after: Span, step: &StepName, undoing: bool, serial: u64, reply: Reply) {
        let outputs: Vec<(Name, Filled)> = self.plan.steps()[self.plan.position(step).unwrap().index()]
            .outputs
            .iter()
            .map(|name| (name.clone(), Filled::One(Arc::from("given"))))
            .collect();
        let step = step.clone();
        self.later(after, Soon::Tell(Heard::Finished { step, undoing, serial, reply, outputs }));
    }

    fn land(&mut self, place: usize, undoing: bool, serial: u64) {
        let step = &self.plan.steps()[place];
        if step.late_call == LateCall::Checked && serial < self.marks[place] {
            return;
        }
        let known = self.known.get(&(place, undoing)).is_none_or(|known| *known < serial);
        assert!(known, "{} lands after somebody said what is so\n{:#?}", step.name, self.journal);
        let over = self.run.state() == RunState::Ended;
        let handed = self.run.outcome() == Some(crate::plan::Outcome::HandedOver);
        assert!(!over || handed, "S2: {} lands after the run has ended", step.name);
        self.so[place] = !undoing;
    }

    /// Another holder goes on from the journal.
    pub(super) fn crash(&mut self) {
        if self.dice.percent(50) {
            let told = self.run.tell(Heard::ClaimLost, self.now);
            self.visit(told.cells);
            assert_eq!(self.order(Verb::Abort { by: By::Run }), Answer::Refused(Why::ClaimLost));
            assert!(!self.look(), "who lost the claim wants nothing");
        }
        let (run, cells) = Run::replay(Arc::clone(&self.plan), &self.journal, self.now).unwrap();
        self.visit(cells);
        for (step, state) in run.steps().chain(run.undone()) {
            let settled = !state.in_flight() || state == StepState::Unsettled;
            assert!(settled, "{step} is {state} after a takeover");
        }
        self.run = run;
        (self.crashed, self.doubt) = (self.crashed + 1, false);
        // What it waited for was told to the one that is gone; some of it is told to the wrong one.
        let mut dice = self.dice.clone();
        self.soon.retain(|(_, _, what)| match what {
            Soon::Land { .. } => true,
            Soon::Tell(Heard::Finished { .. }) => dice.percent(20),
            Soon::Tell(_) => false,
        });
        self.dice.upto(2);
    }

    /// Somebody says something, sensible or not.
    pub(super) fn anything(&mut self) {
        let place = self.dice.upto(self.plan.steps().len() as u64) as usize;
        let step = self.plan.steps()[place].name.clone();
        let by = By::Person(Arc::from(["ann", "bob"][self.dice.upto(2) as usize]));
        let verb = match self.dice.upto(44) {
            0 => Verb::Abort { by },
            1..=5 => Verb::Retry { step, by },
            6..=9 => Verb::Skip { step, by },
            10..=16 => Verb::Approve { step, by },
            17..=24 => Verb::Tick { step, item: self.dice.upto(3) as usize, by },
            25..=27 => Verb::Accept { by, matches: self.dice.percent(70) },
            28 => Verb::HandOver { by },
            29 => Verb::Veto { by },
            30 => {
                self.tell(Heard::Superseded);
                return;
            }
            31..=34 => {
                let undoing = self.dice.percent(50);
                let reply = Reply::Done;
                self.tell(Heard::Finished { step, undoing, serial: 3, reply, outputs: Vec::new() });
                return;
            }
            other => {
                let heard = [Heard::Reloaded, Heard::Paused, Heard::VerdictUp, Heard::Acknowledged]
                    [other as usize % 4]
                    .clone();
                self.tell(heard);
                return;
            }
        };
        self.order(verb);
    }

    /// Whoever is asked agrees.
    fn agree(&mut self) {
        let asked: Vec<(StepName, usize)> = self
            .plan
            .steps()
            .iter()
            .filter_map(|step| match &step.body {
                Body::Own(Own::Checklist { items, .. }) => Some((step.name.clone(), items.len())),
                Body::Own(Own::Approve { .. }) => Some((step.name.clone(), 0)),
                Body::Own(_) | Body::Action(_) => None,
            })
            .collect();
        for (step, items) in asked {
            for who in ["ann", "bob"] {
                self.order(Verb::Approve { step: step.clone(), by: By::Person(Arc::from(who)) });
            }
            for item in 0..items {
                self.order(Verb::Tick { step: step.clone(), item, by: By::Person(Arc::from("ann")) });
            }
        }
    }

    /// Until it is over or a person has it; says whether that came about.
    pub(super) fn play(&mut self) -> bool {
        for round in 0..4_000 {
            if round == self.trouble.rounds {
                self.trouble = Trouble::NONE;
                self.up = true;
                self.silent_since.get_or_insert(self.now);
            }
            let calm = round >= self.trouble.rounds;
            let mut looks = 0;
            while self.look() {
                looks += 1;
                assert!(looks < 50, "it wants the same again and again: {:#?}", self.journal);
            }
            if self.run.state() == RunState::Ended {
                return true;
            }
            if calm {
                self.agree();
            } else {
                self.up = self.dice.percent(70);
                let (crashes, orders) = (self.trouble.crashes, self.trouble.orders);
                if self.dice.percent(crashes) {
                    self.crash();
                    continue;
                }
                if self.dice.percent(orders) {
                    self.anything();
                    continue;
                }
            }
            if !self.step_on() && calm && self.run.state() == RunState::Held {
                return true;
            }
        }
        false
    }

    /// To the next thing that happens; says whether anything but a page's repetition is to come.
    fn step_on(&mut self) -> bool {
        let next = self.soon.iter().enumerate().min_by_key(|(_, (at, count, _))| (*at, *count));
        let next = next.map(|(i, (at, ..))| (i, *at));
        match (next, self.wake) {
            (Some((i, at)), wake) if wake.is_none_or(|wake| at <= wake) => {
                let (_, _, what) = self.soon.remove(i);
                self.now = self.now.max(at);
                match what {
                    Soon::Tell(heard) => {
                        if let Heard::Answered { commit, .. } = heard {
                            self.doubt = commit == Commit::Unknown;
                        }
                        self.tell(heard);
                    }
                    Soon::Land { place, undoing, serial } => self.land(place, undoing, serial),
                }
                true
            }
            (_, Some(wake)) => {
                self.now = self.now.max(wake);
                self.run.state() != RunState::Held
            }
            (_, None) => false,
        }
    }
}
