//! The world's own account, and the invariants read from it. Nothing here looks into a core; what is checked in truth
//! is checked against what was really so.

use watchkeeper_core::event::{Decided, Event};
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::severity::Turn;

use crate::fault::{Fault, KINDS};
use crate::shape::Shape;
use crate::truth::Truth;

/// A healthy core starts what is due within this: worst detection 16 s, 60 s held, the ask, and room.
const BOUND: u64 = 120_000_000;
/// `blind_page`, and the time until nothing is known any more (three intervals and a time-out), and room.
const PAGE_BOUND: u64 = 180_000_000;
/// A fault of an observer is over for so long before its voice is sound again: what it said may still count.
const LINGERS: u64 = 120_000_000;
/// A cooldown (CONFIG's default).
const COOLDOWN: u64 = 3_600_000_000;

/// The account of one world.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) events: u64,
    pub(crate) starts: u64,
    pub(crate) refusals: u64,
    pub(crate) asks: u64,
    pub(crate) takeovers: u64,
    pub(crate) isolations: u64,
    pub(crate) pages: u64,
    pub(crate) bit: [u64; KINDS.len()],
    pub(crate) broken: Vec<String>,
    active: Vec<usize>,
    serving: Vec<Vec<Option<u64>>>,
    living: Vec<Vec<Option<u64>>>,
    dark: Vec<Option<u64>>,
    dead: Vec<Option<u64>>,
    faulty: Vec<Option<u64>>,
    clean: Vec<u64>,
    started: Vec<Option<u64>>,
    told: Vec<Option<u64>>,
    /// By service, then observer: its incident is open.
    open: Vec<Vec<bool>>,
    refused: Vec<Option<u64>>,
}

impl Ledger {
    pub(crate) fn new(shape: &Shape, truth: &Truth) -> Ledger {
        let mut ledger = Ledger {
            events: 0,
            starts: 0,
            refusals: 0,
            asks: 0,
            takeovers: 0,
            isolations: 0,
            pages: 0,
            bit: [0; KINDS.len()],
            broken: Vec::new(),
            active: vec![0; shape.services],
            serving: vec![vec![None; shape.regions]; shape.services],
            living: vec![vec![None; shape.regions]; shape.services],
            dark: vec![None; shape.services],
            dead: vec![None; shape.services],
            faulty: vec![None; shape.observers],
            clean: vec![0; shape.observers],
            started: vec![None; shape.services],
            told: vec![None; shape.services],
            open: vec![vec![false; shape.observers]; shape.services],
            refused: vec![None; shape.services],
        };
        ledger.look(0, truth);
        ledger
    }

    fn broke(&mut self, now: u64, what: &str) {
        self.broken.push(format!("{what} at event {}, {:.3} s", self.events, now as f64 / 1e6));
    }

    /// Since when each part of the truth has been as it is.
    fn look(&mut self, now: u64, truth: &Truth) {
        for service in 0..self.active.len() {
            for region in 0..self.serving[service].len() {
                let keep = |kept: &mut Option<u64>, holds: bool| match (holds, *kept) {
                    (true, None) => *kept = Some(now),
                    (false, Some(_)) => *kept = None,
                    (true, Some(_)) | (false, None) => {}
                };
                keep(&mut self.serving[service][region], truth.serves(service, region));
                keep(&mut self.living[service][region], truth.lives(service, region));
            }
            let active = self.active[service];
            for (kept, well) in [
                (&mut self.dark[service], truth.serves(service, active)),
                (&mut self.dead[service], truth.lives(service, active) || truth.answers(service, active)),
            ] {
                match (well, *kept) {
                    (false, None) => *kept = Some(now),
                    (true, Some(_)) => *kept = None,
                    (true, None) | (false, Some(_)) => {}
                }
            }
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault, begins: bool, now: u64, truth: &Truth, shape: &Shape) {
        if begins {
            self.bit[fault.kind()] += 1;
        }
        self.look(now, truth);
        for observer in 0..self.faulty.len() {
            let faulty = truth.faulty(observer, shape.stands_in(observer));
            match (faulty, self.faulty[observer]) {
                (true, None) => self.faulty[observer] = Some(now),
                (false, Some(_)) => {
                    self.faulty[observer] = None;
                    self.clean[observer] = now;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
    }

    fn faulty_lately(&self, now: u64) -> usize {
        (0..self.faulty.len())
            .filter(|&o| self.faulty[o].is_some() || (self.clean[o] > 0 && now < self.clean[o] + LINGERS))
            .count()
    }

    /// What an observer's core recorded.
    pub(crate) fn event(&mut self, now: u64, observer: usize, service: Option<ServiceId>, event: &Event) {
        let service = service.map(ServiceId::index);
        if let (Event::Incident { turn, .. }, Some(s)) = (event, service) {
            self.open[s][observer] = match turn {
                Turn::Opened | Turn::Raised | Turn::Flapped => true,
                Turn::Recovering | Turn::Closed | Turn::Blipped | Turn::Passed => false,
                Turn::Same => self.open[s][observer],
            };
        }
        match (event, service) {
            (Event::Isolated(_), _) => self.isolations += 1,
            (
                Event::Incident { turn: Turn::Opened | Turn::Raised | Turn::Flapped, .. } | Event::Blind(_),
                Some(s),
            ) => {
                self.pages += 1;
                self.told[s] = Some(now);
            }
            (Event::Decided(Decided::Blocked(..)), Some(s)) => {
                self.refusals += 1;
                self.refused[s] = Some(now);
            }
            _ => {}
        }
    }

    /// A failover is started on the word of the claim's holder.
    #[expect(clippy::too_many_arguments, reason = "an account is written from everything that was so")]
    pub(crate) fn started(
        &mut self,
        now: u64,
        service: usize,
        (from, to): (usize, usize),
        answered: usize,
        asked_at: u64,
        _truth: &Truth,
        shape: &Shape,
    ) {
        self.starts += 1;
        let few_faulty = self.faulty_lately(now) <= shape.tolerated();
        if self.serving[service][from].is_some_and(|since| since <= asked_at) && few_faulty {
            self.broke(
                now,
                "S14 broken (truth): a failover was started while the active region served users",
            );
        }
        if self.living[service][to].is_none() && few_faulty && now > asked_at + 15_000_000 {
            self.broke(now, "S7 broken (truth): a failover was started to a region that does not live");
        }
        if answered < shape.observers / 2 + 1 {
            self.broke(now, "S6 broken (letter): started on fewer answers than a majority of all observers");
        }
        if self.started[service].is_some_and(|before| now < before + COOLDOWN) {
            self.broke(now, "S10 broken (truth): a second automatic failover within the cooldown");
        }
        self.started[service] = Some(now);
    }

    pub(crate) fn moved(&mut self, service: usize, to: usize, now: u64, truth: &Truth) {
        self.active[service] = to;
        (self.dark[service], self.dead[service]) = (None, None);
        self.look(now, truth);
    }

    /// After each event: what must have happened by now.
    pub(crate) fn watch(&mut self, now: u64, truth: &Truth, shape: &Shape) {
        for service in 0..self.active.len() {
            let Some(since) = self.dark[service] else { continue };
            let before = |at: Option<u64>| at.is_some_and(|at| at >= since);
            let tolerable = self.faulty_lately(now) <= shape.tolerated();
            if now >= since + PAGE_BOUND
                && tolerable
                && !before(self.told[service])
                && !self.open[service].contains(&true)
            {
                self.broke(now, "L6 broken (truth): users are not served, and nobody was told");
                self.told[service] = Some(now);
            }
            let first = self.started[service].is_none();
            let away = (0..shape.regions).find(|&to| {
                to != self.active[service] && truth.parts[service][to].ready && truth.serves(service, to)
            });
            // While the database lives a witness says so: that is unreachable, and a page, and starts nothing. While the
            // front answers, only the region's own observer can know that the database does not.
            let dead = self.dead[service].is_some_and(|dead| now >= dead.max(since) + BOUND);
            if dead && first && away.is_some() && tolerable && !before(self.refused[service]) {
                self.broke(
                    now,
                    "L1 broken (truth): the active region is dead, and nothing was started or refused",
                );
                self.refused[service] = Some(now);
            }
        }
    }

    /// At the end.
    pub(crate) fn close(&mut self, now: u64, truth: &Truth, shape: &Shape) {
        self.watch(now, truth, shape);
        if self.bit.iter().sum::<u64>() == 0 && self.starts + self.refusals + self.isolations + self.pages > 0
        {
            self.broke(now, "S14 broken (truth): nothing was wrong, and something was done or told");
        }
    }
}
