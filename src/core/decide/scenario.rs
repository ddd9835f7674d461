//! Which scenario acts, and whether it still may: once each time it comes to hold, or `again`.

use alloc::string::String;
use alloc::vec::Vec;

use super::Mode;
use crate::ids::{Name, PlanPos, RungPos, ScenarioPos};
use crate::mutants::{self, Mutant};
use crate::plan::PlanKind;
use crate::severity::Objectives;
use crate::time::{Mono, Span};
use crate::verdict::Condition;

/// A named condition, with what it is worth and what is done about it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in the config.
    pub name: Name,
    /// The plan's heading.
    pub title: String,
    /// What must hold.
    pub when: Condition,
    /// At least so severe, at once.
    pub severity: Option<RungPos>,
    /// What is done; none: people are told.
    pub plan: Option<PlanPos>,
    /// The most that it may do.
    pub mode: Mode,
    /// It acts instead of these when both hold.
    pub over: Vec<ScenarioPos>,
    /// Still holding so long after its run ended: once more.
    pub again: Option<Span>,
    /// Announced, and left so long for a veto.
    pub veto: Span,
    /// What is promised for it.
    pub objectives: Objectives,
}

/// A scenario of this service that wants to act.
#[derive(Clone, Copy, Debug)]
pub struct Contender<'a> {
    /// Which.
    pub pos: ScenarioPos,
    /// Its settings.
    pub scenario: &'a Scenario,
    /// The kind of its plan.
    pub kind: PlanKind,
    /// The mode in force for it.
    pub mode: Mode,
}

/// Why another acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// It says so (`over`), or another that holds says so of this one.
    Over,
    /// It may act, and this one only watches.
    Mode,
    /// It is more severe.
    Severity,
    /// A failover goes before a repair, a repair before an inspection.
    Kind,
    /// Its name comes first.
    Name,
}

fn kind_rank(kind: PlanKind) -> u8 {
    match kind {
        PlanKind::Failover => 0,
        PlanKind::Repair => 1,
        PlanKind::Rejoin => 2,
        PlanKind::Inspect => 3,
    }
}

/// Which of those that hold and are armed acts: `over`, then who may act at all, then severity, kind, name. Total:
/// the order of `contenders` does not matter. Where `over` goes round in a circle it decides nothing among those in it.
#[must_use]
pub fn which_acts<'a, 'b>(contenders: &'a [Contender<'b>]) -> Option<&'a Contender<'b>> {
    let beaten = |c: &Contender<'_>| {
        let over = |other: &&Contender<'_>| other.pos != c.pos && other.scenario.over.contains(&c.pos);
        contenders.iter().filter(over).any(|other| !leads_to(contenders, c, other.pos))
    };
    contenders.iter().filter(|c| !beaten(c)).min_by(|a, b| rank(a).cmp(&rank(b)))
}

/// Whether `over` leads from one contender to another, by way of whichever others.
fn leads_to(contenders: &[Contender<'_>], from: &Contender<'_>, to: ScenarioPos) -> bool {
    let mut reached: Vec<ScenarioPos> = Vec::from([from.pos]);
    let mut next = 0;
    while let Some(&at) = reached.get(next) {
        if at == to {
            return true;
        }
        next += 1;
        for over in contenders.iter().filter(|c| c.pos == at).flat_map(|c| &c.scenario.over) {
            if !reached.contains(over) {
                reached.push(*over);
            }
        }
    }
    false
}

type Rank<'a> = (bool, core::cmp::Reverse<Option<RungPos>>, u8, &'a Name);

fn rank<'a>(c: &Contender<'a>) -> Rank<'a> {
    (c.mode == Mode::Observe, core::cmp::Reverse(c.scenario.severity), kind_rank(c.kind), &c.scenario.name)
}

/// Why `winner` acts and `loser` does not: what else would be in order is not in order because of an `over`.
#[must_use]
pub fn why_behind(winner: &Contender<'_>, loser: &Contender<'_>) -> Behind {
    let (w, l) = (rank(winner), rank(loser));
    let mutual = loser.scenario.over.contains(&winner.pos);
    if w > l || (winner.scenario.over.contains(&loser.pos) && !mutual) {
        return Behind::Over;
    }
    match (w.0 == l.0, w.1 == l.1, w.2 == l.2) {
        (false, _, _) => Behind::Mode,
        (true, false, _) => Behind::Severity,
        (true, true, false) => Behind::Kind,
        (true, true, true) => Behind::Name,
    }
}

/// A try of this scenario's plan, as this core first saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When its start was first seen.
    pub started: Mono,
    /// When its end was first seen.
    pub ended: Option<Mono>,
}

/// A try may be heard of so long before its reason is.
const TOLD_LATE: Span = Span::secs(30);

/// Whether a scenario may still act this time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arming {
    since: Option<Mono>,
    quiet: Option<Mono>,
    armed: Mono,
}

impl Arming {
    /// Told whether it holds now, and since when what it holds of is so. It is armed again when it comes to hold after
    /// having been false for `stable`, as far as this core has seen: what was tried before it started may be long over.
    /// What was tried since it is so was tried for it, though this core may have heard of that first.
    pub fn advance(&mut self, holds: bool, so: Mono, stable: Span, now: Mono) {
        match (holds, self.since) {
            (true, None) => {
                if let Some(quiet) = self.quiet.filter(|quiet| now.since(*quiet) >= stable) {
                    let from = if so > quiet { so.min(now) } else { now };
                    self.armed = from.before(TOLD_LATE.min(stable)).max(quiet);
                }
                self.since = Some(now);
                self.quiet = None;
            }
            (false, Some(_)) => {
                self.since = None;
                self.quiet = Some(now);
            }
            (false, None) => self.quiet = self.quiet.or(Some(now)),
            (true, Some(_)) => {}
        }
    }

    /// Since when it holds.
    #[must_use]
    pub fn holds(&self) -> Option<Mono> {
        self.since
    }

    /// Whether it has acted this time: the newest try since it was armed, unless `again` has passed since that ended.
    /// Answers with when it is armed again, if that is known.
    #[must_use]
    pub fn spent(&self, newest: Option<Tried>, again: Option<Span>, now: Mono) -> Spent {
        let counts = |tried: &Tried| tried.started >= self.armed && !mutants::on(Mutant::ActsAgain);
        let Some(tried) = newest.filter(counts) else { return Spent::No };
        match (tried.ended, again) {
            (Some(ended), Some(again)) if now.since(ended) >= again => Spent::No,
            (Some(ended), Some(again)) => Spent::Until(ended + again),
            (None, _) => Spent::Running,
            (Some(_), None) => Spent::UntilQuiet,
        }
    }
}

/// Whether a scenario has acted this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It may act.
    No,
    /// Its run has not ended.
    Running,
    /// It may again from then on.
    Until(Mono),
    /// It may again after its condition has been false for `stable`.
    UntilQuiet,
}

#[cfg(test)]
mod tests;
