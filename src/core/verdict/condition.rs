//! The closed vocabulary that rungs and scenarios share, evaluated on verdicts and never on one observer's samples.
//!
//! A condition is any of its clauses; a clause is all of what it names. Unknown matches nothing. Numbers and texts
//! are compared in a probe's `expect`, never here.

use alloc::vec::Vec;

use super::{Level, Parts, Picture, Priority, Say};
use crate::ids::{ComponentPos, PlanPos, ProbePos, RegionPos, TriggerPos};
use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};

/// A component or a probe, as a condition names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A component.
    Component(ComponentPos),
    /// A probe.
    Probe(ProbePos),
}

/// Which region or regions a clause looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The active one.
    #[default]
    Active,
    /// Any of the others.
    Standby,
}

/// All of what it names must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// The service is at least so bad.
    pub service: Option<Level>,
    /// These are down.
    pub down: Vec<Part>,
    /// These are slow or down.
    pub slow: Vec<Part>,
    /// These are up.
    pub up: Vec<Part>,
    /// So many of `down` (or of `slow`) suffice.
    pub at_least: Option<u8>,
    /// Some component of at least this priority is down.
    pub priority: Option<Priority>,
    /// These triggers are raised.
    pub raised: Vec<TriggerPos>,
    /// These plans were tried for this incident, and have ended or were refused.
    pub tried: Vec<PlanPos>,
    /// Where to look.
    pub side: Side,
    /// The region is lost as a whole.
    pub region_lost: bool,
    /// All of it has held for so long without a break.
    pub held: Span,
    /// The incident is so old.
    pub open_for: Option<Span>,
}

/// Any of its clauses must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    clauses: Vec<Clause>,
    /// Each clause names something that must be slow or down.
    ailing: bool,
}

/// What conditions look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The parts of the service.
    pub parts: &'a Parts,
    /// What is said of them.
    pub picture: &'a Picture,
    /// Where it is active.
    pub active: Option<RegionPos>,
    /// Since when each trigger is raised.
    pub raised: &'a [Option<Mono>],
    /// When each plan's try for this incident ended.
    pub tried: &'a [Option<Mono>],
    /// Since when each region is lost.
    pub lost: &'a [Option<Mono>],
    /// When the incident's first sample failed.
    pub opened: Option<Mono>,
    /// A lost region counts only where this service, too, is known to be down: what moves by itself must not move
    /// because others are down.
    pub own_loss_only: bool,
}

/// All that a clause names is so; it holds from `from` on, which may be still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// From when it holds, if nothing changes.
    pub from: Mono,
    /// Since when all of it is so.
    pub since: Mono,
}

impl Due {
    /// Whether it holds by now.
    #[must_use]
    pub fn holds(self, now: Mono) -> bool {
        self.from <= now
    }
}

/// Why a clause does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nobody knows where the service is active.
    NoActive,
    /// It has no region other than the active one.
    NoStandby,
    /// The service is not known to be so bad.
    Service(Level),
    /// This part is not known to be down.
    Down(Part),
    /// This part is not known to be slow.
    Slow(Part),
    /// This part is not known to be up.
    Up(Part),
    /// Too few parts are bad.
    Few {
        /// So many are.
        are: u8,
        /// So many must be.
        of: u8,
    },
    /// No component of at least this priority is down.
    Priority(Priority),
    /// This trigger is not raised.
    Raised(TriggerPos),
    /// This plan has not been tried for this incident.
    Tried(PlanPos),
    /// The region is not lost.
    RegionLost,
    /// No incident is open, so it has no age.
    NoIncident,
}

/// A condition without a clause, or a clause that asks for nothing, would hold always or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotACondition {
    /// No clause.
    Empty,
    /// The so-manieth clause asks for nothing.
    AsksNothing(usize),
    /// The so-manieth clause says `at_least` more than it names, or 0, or names nothing to count.
    AtLeast(usize),
}

impl Clause {
    /// What a scenario without a `when` means.
    #[must_use]
    pub fn service_at_least(level: Level) -> Clause {
        Clause { service: Some(level), ..Clause::default() }
    }

    /// The same, held for so long.
    #[must_use]
    pub fn held_for(self, held: Span) -> Clause {
        Clause { held, ..self }
    }

    fn asks_nothing(&self) -> bool {
        !self.names_trouble() && self.tried.is_empty() && self.open_for.is_none()
    }

    /// Whether it names something that must be slow or down.
    fn names_ailing(&self) -> bool {
        self.service.is_some() || !self.down.is_empty() || !self.slow.is_empty() || self.priority.is_some()
    }

    /// Whether it names trouble, and not only what is so because an incident is open: its age, and what was tried for it.
    fn names_trouble(&self) -> bool {
        self.service.is_some()
            || !self.down.is_empty()
            || !self.slow.is_empty()
            || !self.up.is_empty()
            || self.priority.is_some()
            || !self.raised.is_empty()
            || self.region_lost
    }

    /// Since when all of it has been so, with what was known before: `before` is what this said when last looked at.
    /// Where blame shifts from one part to another without a break, the earlier moment stands.
    #[must_use]
    pub fn due(&self, facts: &Facts<'_>, before: Option<Mono>) -> Option<Due> {
        let since = match self.side {
            Side::Active => self.since_at(facts.active?, facts),
            Side::Standby => (0..facts.parts.regions)
                .map(RegionPos::at)
                .filter(|&at| facts.active.is_some_and(|active| active != at))
                .filter_map(|at| self.since_at(at, facts))
                .min(),
        }?;
        let mut since = before.map_or(since, |before| before.min(since));
        let held = if mutants::on(Mutant::NoFor) { Span::ZERO } else { self.held };
        let mut from = since + held;
        if let Some(age) = self.open_for {
            // Nothing that asks for an incident's age is so before there was one.
            since = since.max(facts.opened?);
            from = from.max(facts.opened? + age);
        }
        Some(Due { from, since })
    }

    /// Whether the service is not so bad where it is active, and it must be: most clauses end there.
    #[inline]
    fn misses(&self, facts: &Facts<'_>) -> bool {
        let better = |level| facts.active.is_some_and(|at| facts.picture.at_least(at, level).is_none());
        self.side == Side::Active && self.service.is_some_and(better)
    }

    /// One look at it: what it says goes to what is known of those before it.
    fn look(
        &self,
        facts: &Facts<'_>,
        before: &mut Option<Mono>,
        now: Mono,
        first: &mut Option<Due>,
        trouble: &mut Option<Mono>,
    ) {
        let Some(due) = self.due(facts, core::mem::take(before)) else { return };
        *before = Some(due.since);
        *first = Some(first.map_or(due, |first| first.min(due)));
        // What asks for an age may be due otherwise once it is remembered since when it is so.
        let again = if self.open_for.is_some() { self.due(facts, *before) } else { Some(due) };
        if let Some(due) = again.filter(|due| self.names_trouble() && due.holds(now)) {
            *trouble = Some(trouble.map_or(due.since, |first| first.min(due.since)));
        }
    }

    /// The region of which it is so: for a clause about standby regions the one of which it has been so longest.
    fn place(&self, facts: &Facts<'_>) -> Option<RegionPos> {
        match self.side {
            Side::Active => facts.active,
            Side::Standby => (0..facts.parts.regions)
                .map(RegionPos::at)
                .filter(|&at| facts.active.is_some_and(|active| active != at))
                .filter_map(|at| Some((self.since_at(at, facts)?, at)))
                .min()
                .map(|(_, at)| at),
        }
    }

    fn since_at(&self, at: RegionPos, facts: &Facts<'_>) -> Option<Mono> {
        let mut since = Mono::BOOT;
        let mut also = |moment: Option<Mono>| moment.map(|moment| since = since.max(moment));
        if let Some(level) = self.service {
            also(facts.picture.at_least(at, level))?;
        }
        if !self.down.is_empty() {
            also(self.enough(&self.down, Say::Down, at, facts))?;
        }
        if !self.slow.is_empty() {
            also(self.enough(&self.slow, Say::Slow, at, facts))?;
        }
        for &part in &self.up {
            also(facts.part(part, at).and_then(|v| (v.say == Say::Up).then_some(v.since)))?;
        }
        if let Some(least) = self.priority {
            let parts = facts.parts.components.iter().enumerate().filter(|(_, part)| part.priority >= least);
            also(parts.filter_map(|(i, _)| facts.picture.component(ComponentPos::at(i), at).down()).min())?;
        }
        for trigger in &self.raised {
            also(facts.raised.get(trigger.index()).copied().flatten())?;
        }
        for plan in &self.tried {
            also(facts.tried.get(plan.index()).copied().flatten())?;
        }
        if self.region_lost {
            also(facts.lost.get(at.index()).copied().flatten())?;
            if facts.own_loss_only {
                also(facts.picture.at_least(at, Level::Down))?;
            }
        }
        Some(since)
    }

    /// The first thing that it names and that is not so; none, if all of it is. For a clause about standby regions, of
    /// the first of them.
    #[must_use]
    pub fn missing(&self, facts: &Facts<'_>) -> Option<Missing> {
        if self.due(facts, None).is_some() {
            return None;
        }
        let active = match facts.active {
            Some(active) => active,
            None => return Some(Missing::NoActive),
        };
        let at = match self.side {
            Side::Active => active,
            Side::Standby => match (0..facts.parts.regions).map(RegionPos::at).find(|at| *at != active) {
                Some(at) => at,
                None => return Some(Missing::NoStandby),
            },
        };
        let one = |clause: Clause| clause.since_at(at, facts).is_none();
        if let Some(level) = self.service
            && one(Clause::service_at_least(level))
        {
            return Some(Missing::Service(level));
        }
        for (parts, least) in [(&self.down, Say::Down), (&self.slow, Say::Slow)] {
            let bad = |part: &Part| facts.part(*part, at).is_some_and(|v| v.say >= least);
            let (are, good) =
                (parts.iter().filter(|part| bad(part)).count(), parts.iter().find(|part| !bad(part)));
            match (self.at_least, good) {
                (Some(of), _) if !parts.is_empty() && are < usize::from(of) => {
                    return Some(Missing::Few { are: u8::try_from(are).unwrap_or(u8::MAX), of });
                }
                (Some(_), _) | (None, None) => {}
                (None, Some(&part)) if least == Say::Down => return Some(Missing::Down(part)),
                (None, Some(&part)) => return Some(Missing::Slow(part)),
            }
        }
        if let Some(&part) =
            self.up.iter().find(|part| facts.part(**part, at).is_none_or(|v| v.say != Say::Up))
        {
            return Some(Missing::Up(part));
        }
        if let Some(least) = self.priority
            && one(Clause { priority: Some(least), ..Clause::default() })
        {
            return Some(Missing::Priority(least));
        }
        let is = |list: &[Option<Mono>], at: usize| list.get(at).copied().flatten().is_some();
        if let Some(&trigger) = self.raised.iter().find(|t| !is(facts.raised, t.index())) {
            return Some(Missing::Raised(trigger));
        }
        if let Some(&plan) = self.tried.iter().find(|p| !is(facts.tried, p.index())) {
            return Some(Missing::Tried(plan));
        }
        if self.region_lost && !is(facts.lost, at.index()) {
            return Some(Missing::RegionLost);
        }
        if self.region_lost && facts.own_loss_only && one(Clause::service_at_least(Level::Down)) {
            return Some(Missing::Service(Level::Down));
        }
        (self.open_for.is_some() && facts.opened.is_none()).then_some(Missing::NoIncident)
    }

    /// Since when enough of `parts` have been at least as bad as `least`.
    fn enough(&self, parts: &[Part], least: Say, at: RegionPos, facts: &Facts<'_>) -> Option<Mono> {
        let bad = |part: &Part| facts.part(*part, at).and_then(|v| (v.say >= least).then_some(v.since));
        match self.at_least {
            None => parts.iter().map(bad).try_fold(Mono::BOOT, |a, b| b.map(|b| a.max(b))),
            Some(n) => {
                let mut moments: Vec<Mono> = parts.iter().filter_map(bad).collect();
                moments.sort_unstable();
                moments.get(usize::from(n).checked_sub(1)?).copied()
            }
        }
    }
}

impl Facts<'_> {
    fn part(&self, part: Part, at: RegionPos) -> Option<super::Verdict> {
        match part {
            Part::Component(component) => Some(self.picture.component(component, at)),
            Part::Probe(probe) => {
                self.parts.cell_in(probe, at, self.active).map(|cell| self.picture.cell(cell))
            }
        }
    }
}

impl Condition {
    /// Any of these clauses.
    pub fn any(clauses: Vec<Clause>) -> Result<Condition, NotACondition> {
        if clauses.is_empty() {
            return Err(NotACondition::Empty);
        }
        for (i, clause) in clauses.iter().enumerate() {
            if clause.asks_nothing() {
                return Err(NotACondition::AsksNothing(i));
            }
            if let Some(n) = clause.at_least {
                // It counts each list that is there.
                let lists = [&clause.down, &clause.slow].into_iter().map(Vec::len).filter(|len| *len > 0);
                if n == 0 || usize::from(n) > lists.min().unwrap_or(0) {
                    return Err(NotACondition::AtLeast(i));
                }
            }
        }
        let ailing = clauses.iter().all(Clause::names_ailing);
        Ok(Condition { clauses, ailing })
    }

    /// Its clauses.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// When it holds at the earliest: the clause that is due first. `before` is what each clause said when last looked
    /// at, and is brought up to date.
    pub fn due(&self, facts: &Facts<'_>, before: &mut [Option<Mono>]) -> Option<Due> {
        let mut first: Option<Due> = None;
        for (clause, before) in self.clauses.iter().zip(before.iter_mut()) {
            let due = clause.due(facts, *before);
            *before = due.map(|due| due.since);
            first = match (first, due) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        first
    }

    /// Both [`due`](Self::due) and, if it holds, [`trouble`](Self::trouble), in one look at each clause.
    #[inline(always)]
    pub fn look(
        &self,
        facts: &Facts<'_>,
        before: &mut [Option<Mono>],
        now: Mono,
    ) -> (Option<Due>, Option<Mono>) {
        let (mut first, mut trouble): (Option<Due>, Option<Mono>) = (None, None);
        if self.ailing && !facts.picture.ails() {
            before.fill(None);
            return (first, trouble);
        }
        for (clause, before) in self.clauses.iter().zip(before) {
            if clause.misses(facts) {
                *before = None;
            } else {
                clause.look(facts, before, now, &mut first, &mut trouble);
            }
        }
        (first, trouble)
    }

    /// Since when a clause that names trouble holds. One that only asks for the incident's age, or for what was tried,
    /// would keep its incident open for ever, or date it back to a run: it makes it more severe, and no longer or older.
    #[must_use]
    pub fn trouble(&self, facts: &Facts<'_>, before: &[Option<Mono>], now: Mono) -> Option<Mono> {
        let named = self.clauses.iter().zip(before).filter(|(clause, _)| clause.names_trouble());
        let dues = named.filter_map(|(clause, before)| clause.due(facts, *before));
        dues.filter(|due| due.holds(now)).map(|due| due.since).min()
    }

    /// The same without a memory: only what the facts themselves say of how long they have held.
    #[must_use]
    pub fn due_by_facts(&self, facts: &Facts<'_>) -> Option<Due> {
        self.clauses.iter().filter_map(|clause| clause.due(facts, None)).min()
    }

    /// Where it holds: the region of the clause that is due first. A repair acts there.
    #[must_use]
    pub fn place(&self, facts: &Facts<'_>) -> Option<RegionPos> {
        let places =
            self.clauses.iter().filter_map(|clause| clause.due(facts, None).zip(clause.place(facts)));
        places.min().map(|(_, at)| at)
    }
}

#[cfg(test)]
mod tests;
