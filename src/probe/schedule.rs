//! When each probe runs next. Pure: it reads no clock and starts nothing, so a test can run a day of it in no time.
//!
//! A start is due at a moment that follows from the one before it, never from when that one ended, so that nothing
//! drifts; a start that a long look ran over is skipped and counted. Nothing here may wait for a target: a probe whose
//! last look timed out goes into a lane of its own, where it can only be in the way of its like.

use std::collections::BTreeSet;

use crate::core::ids::ProbeId;
use crate::core::time::{Mono, Span};

/// First starts are spread over the interval, but over no more than this: nobody wants to wait for a day.
const SPREAD: Span = Span::secs(60);
/// Shorter intervals are not jittered: they are for deciding.
const JITTERED: Span = Span::secs(5);
/// "At once", again and again, is not more often than this.
const AT_ONCE: Span = Span::millis(200);

/// How many looks may be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub in_flight: usize,
    /// Of those, only for trigger probes. Half of it is only for trigger probes whose last look ended in time.
    pub reserved: usize,
    /// At most so many, beside trigger probes, whose last look timed out.
    pub stuck: usize,
}

impl Limits {
    /// What so many descriptors allow, of which half are left for everything else; a look needs one, rarely a few.
    #[must_use]
    pub fn for_descriptors(descriptors: u64) -> Limits {
        let in_flight = usize::try_from(descriptors / 2).unwrap_or(usize::MAX).clamp(16, 4_096);
        Limits { in_flight, reserved: in_flight / 4, stuck: in_flight / 4 }
    }
}

/// A probe that is to start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Which.
    pub probe: ProbeId,
    /// So long after it was due.
    pub late: Span,
    /// Its last look ran out of time: it is late only behind its like.
    pub stuck: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not run at all, until it is paced.
    Idle,
    /// In `due`, by this moment.
    Due(Mono),
    /// In its lane, since this moment.
    Waiting(Mono),
    /// Under way; it was due then.
    Flying(Mono),
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    trigger: bool,
    /// Not more seldom than this, whatever the pace.
    at_least: Option<Span>,
    every: Option<Span>,
    state: State,
    /// When it was last due and ran.
    last: Option<Mono>,
    stuck: bool,
    turn: u32,
}

/// Lanes, in the order in which they are served.
const LANES: usize = 4;

/// When each probe runs next.
#[derive(Debug)]
pub struct Schedule {
    seed: u64,
    limits: Limits,
    slots: Vec<Option<Slot>>,
    due: BTreeSet<(Mono, ProbeId)>,
    waiting: [BTreeSet<(Mono, ProbeId)>; LANES],
    flying: [usize; LANES],
    missed: u64,
}

fn lane(slot: &Slot) -> usize {
    usize::from(slot.stuck) + if slot.trigger { 0 } else { 2 }
}

impl Schedule {
    /// Empty. The same seed gives the same starts.
    #[must_use]
    pub fn new(seed: u64, limits: Limits) -> Schedule {
        Schedule {
            seed,
            limits,
            slots: Vec::new(),
            due: BTreeSet::new(),
            waiting: Default::default(),
            flying: [0; LANES],
            missed: 0,
        }
    }

    /// Makes a probe known; it rests until it is paced. One that is known only changes its lane.
    pub fn add(&mut self, probe: ProbeId, trigger: bool, at_least: Option<Span>) {
        if self.slots.len() <= probe.index() {
            self.slots.resize(probe.index() + 1, None);
        }
        let known = self.slots.get(probe.index()).copied().flatten();
        let new =
            Slot { trigger, at_least, every: None, state: State::Idle, last: None, stuck: false, turn: 0 };
        let slot = match known {
            // A lane is left by the same numbers by which it was entered.
            Some(slot) if matches!(slot.state, State::Waiting(_) | State::Flying(_)) => {
                Slot { at_least, ..slot }
            }
            Some(slot) => Slot { trigger, at_least, ..slot },
            None => new,
        };
        self.put(probe, slot);
    }

    /// Forgets a probe. One that is under way is forgotten as it ends.
    pub fn remove(&mut self, probe: ProbeId) {
        self.rest(probe);
        match self.slots.get_mut(probe.index()) {
            Some(Some(slot)) if matches!(slot.state, State::Flying(_)) => slot.every = None,
            Some(slot) => *slot = None,
            None => {}
        }
    }

    /// Run it so often from now on, counted from its last start; zero: at once; none: not at all.
    pub fn pace(&mut self, probe: ProbeId, every: Option<Span>, now: Mono) {
        let Some(Some(mut slot)) = self.slots.get(probe.index()).copied() else { return };
        let every = match (every, slot.at_least) {
            (Some(every), Some(most)) => Some(every.min(most)),
            (every, _) => every,
        };
        slot.every = every;
        // One that waits for its turn keeps its place, unless nobody wants it any more.
        if matches!(slot.state, State::Waiting(_)) && every.is_some() {
            return self.put(probe, slot);
        }
        if !matches!(slot.state, State::Flying(_)) {
            self.rest(probe);
            slot.state = State::Idle;
        }
        self.put(probe, slot);
        if let (Some(every), State::Idle) = (every, slot.state) {
            let at = match slot.last {
                _ if every == Span::ZERO => now,
                Some(last) => now.max(last + every),
                None => now + self.spread(probe, every),
            };
            self.set_due(probe, at);
        }
    }

    /// The next probe that is to start; to be asked until there is none.
    pub fn take(&mut self, now: Mono) -> Option<Start> {
        while let Some(&(at, probe)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            if let Some(Some(slot)) = self.slots.get_mut(probe.index()) {
                slot.state = State::Waiting(at);
                let lane = lane(slot);
                if let Some(waiting) = self.waiting.get_mut(lane) {
                    waiting.insert((at, probe));
                }
            }
        }
        let lane = (0..LANES)
            .find(|lane| self.open(*lane) && self.waiting.get(*lane).is_some_and(|l| !l.is_empty()))?;
        let (at, probe) = self.waiting.get_mut(lane)?.pop_first()?;
        if let Some(flying) = self.flying.get_mut(lane) {
            *flying += 1;
        }
        let slot = self.slots.get_mut(probe.index())?.as_mut()?;
        slot.state = State::Flying(at);
        slot.last = Some(at);
        slot.turn = slot.turn.wrapping_add(1);
        Some(Start { probe, late: now - at, stuck: slot.stuck })
    }

    /// Its look has ended; `stuck`: it ran out of time.
    pub fn ended(&mut self, probe: ProbeId, now: Mono, stuck: bool) {
        let Some(Some(mut slot)) = self.slots.get(probe.index()).copied() else { return };
        let State::Flying(due) = slot.state else { return };
        if let Some(flying) = self.flying.get_mut(lane(&slot)) {
            *flying = flying.saturating_sub(1);
        }
        slot.stuck = stuck;
        slot.state = State::Idle;
        self.put(probe, slot);
        let Some(every) = slot.every else { return };
        if every == Span::ZERO {
            return self.set_due(probe, now.max(due + AT_ONCE));
        }
        let next = due + every.less(self.jitter(probe, slot.turn, every));
        if next <= now {
            // The one that is run now is late and not missed.
            self.missed += ((now - due).as_micros() / every.as_micros().max(1)).saturating_sub(1);
        }
        self.set_due(probe, next.max(now));
    }

    /// When to ask again, if nothing ends before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Starts that were skipped because the look before them had not ended.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Looks under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flying.iter().sum()
    }

    /// Probes that are due and wait for a place.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(BTreeSet::len).sum()
    }

    fn open(&self, lane: usize) -> bool {
        let [trigger, trigger_stuck, other, other_stuck] = self.flying;
        let Limits { in_flight, reserved, stuck } = self.limits;
        let room = trigger + trigger_stuck + other + other_stuck < in_flight;
        let others = other + other_stuck < in_flight.saturating_sub(reserved);
        room && match lane {
            0 => true,
            1 => trigger_stuck < (reserved / 2).max(1),
            2 => others,
            _ => others && other_stuck < stuck.max(1),
        }
    }

    fn put(&mut self, probe: ProbeId, slot: Slot) {
        if let Some(place) = self.slots.get_mut(probe.index()) {
            *place = Some(slot);
        }
    }

    fn set_due(&mut self, probe: ProbeId, at: Mono) {
        if let Some(Some(slot)) = self.slots.get_mut(probe.index()) {
            slot.state = State::Due(at);
            self.due.insert((at, probe));
        }
    }

    /// Takes it out of wherever it waits.
    fn rest(&mut self, probe: ProbeId) {
        let Some(Some(slot)) = self.slots.get_mut(probe.index()) else { return };
        match slot.state {
            State::Due(at) => {
                self.due.remove(&(at, probe));
                slot.state = State::Idle;
            }
            State::Waiting(at) => {
                let lane = lane(slot);
                slot.state = State::Idle;
                if let Some(waiting) = self.waiting.get_mut(lane) {
                    waiting.remove(&(at, probe));
                }
            }
            State::Idle | State::Flying(_) => {}
        }
    }

    fn spread(&self, probe: ProbeId, every: Span) -> Span {
        let over = every.min(SPREAD).as_micros().max(1);
        Span::micros(mix(self.seed ^ mix(probe.index() as u64)) % over)
    }

    /// Up to a twentieth earlier, so that probes that once met do not meet for ever; never later.
    fn jitter(&self, probe: ProbeId, turn: u32, every: Span) -> Span {
        if every < JITTERED {
            return Span::ZERO;
        }
        let most = (every.as_micros() / 20).max(1);
        Span::micros(mix(self.seed ^ mix((probe.index() as u64) << 32 | u64::from(turn))) % most)
    }
}

/// Steele, Lea and Flood's SplitMix64: every bit of the answer hangs on every bit of the question.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests;
