//! Composes components and a service's standing in one region from what is said of its probes.
//!
//! The same composition serves one observer's own standing and the quorum's verdict: what differs is who is looked
//! at. Only trigger probes make a standing; a component's failures are no evidence while what it depends on is down.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::quorum::nth_earliest;
use super::{Cell, Say, Verdict};
use crate::ids::{CellPos, ComponentPos, ProbePos, RegionPos};
use crate::time::Mono;

/// What a probe's result may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Cause action.
    Trigger,
    /// Only forbid it.
    Gate,
    /// Be shown, and be named in a condition.
    Inform,
}

/// Where a probe runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In each of its regions.
    Each,
    /// Where the service is active.
    Active,
    /// Where it is not.
    Standby,
    /// In no region: a bucket, a provider.
    Service,
}

/// Of what a witness says that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessOf {
    /// The active region, from any other.
    Active,
    /// That region.
    Region(RegionPos),
}

/// How many must be down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownRule {
    /// One.
    Any,
    /// Each.
    All,
    /// So many.
    AtLeast(u8),
}

/// How much a component, or a service, matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the config's own words, in order")]
pub enum Priority {
    Low,
    Medium,
    High,
    Critical,
}

/// How bad a service stands in a region; each holds whenever a worse one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A trigger probe slow or down.
    Trouble,
    /// A component down.
    Degraded,
    /// Down, but a witness says that it lives.
    Unreachable,
    /// Down by its rule.
    Down,
    /// Every trigger probe that a majority can see is down, and no other is known to be up.
    Gone,
}

/// What a probe is to its service's standing.
#[derive(Clone, Debug)]
pub struct ProbePart {
    /// The component it belongs to.
    pub component: Option<ComponentPos>,
    /// What it may do.
    pub tier: Tier,
    /// Where it runs.
    pub role: Role,
    /// Of what it is a witness.
    pub witness_of: Option<WitnessOf>,
    /// Says whether a region takes writes: also run elsewhere, as drift watch, in no standing.
    pub drift: bool,
    /// Its reading is what a promotion would lose.
    pub loss: bool,
    /// Its cell in each of the service's regions.
    pub cells: Box<[Option<CellPos>]>,
    /// Its cell in no region.
    pub nowhere: Option<CellPos>,
}

/// What a component is to its service's standing.
#[derive(Clone, Debug)]
pub struct ComponentPart {
    /// Critical ones make the service down, others degraded.
    pub priority: Priority,
    /// How many of its members must be down.
    pub rule: DownRule,
    /// While one of these is down, its failures are no evidence.
    pub depends_on: Vec<ComponentPos>,
    /// Its trigger probes; if it has none, its inform probes.
    pub members: Vec<ProbePos>,
    /// It has trigger probes: it is part of the service's standing, and not only of conditions.
    pub counts: bool,
}

/// The parts of one service.
#[derive(Clone, Debug)]
pub struct Parts {
    /// In how many regions.
    pub regions: usize,
    /// Its probes.
    pub probes: Vec<ProbePart>,
    /// Its components.
    pub components: Vec<ComponentPart>,
    /// Its components, each after all that it depends on.
    pub order: Vec<ComponentPos>,
    /// Trigger probes of no component: together they are one, and critical.
    pub own: Vec<ProbePos>,
    /// How many critical components must be down.
    pub rule: DownRule,
    /// What votes speak of.
    pub cells: Vec<Cell>,
    /// Some probe is a witness.
    pub has_witness: bool,
    /// Some probe is drift watch.
    pub has_drift: bool,
}

/// How a service stands in one region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    at: [Option<Mono>; 5],
    /// Since when each critical component is known to be up (or slow) and it is not down.
    pub up: Option<Mono>,
    /// Some trigger probe is known to be up, and it is not down.
    pub alive: bool,
    /// It has trigger probes there at all; a cold standby has none.
    pub watched: bool,
}

/// Where verdicts come from.
pub trait Look {
    /// What is said of a cell.
    fn verdict(&self, cell: CellPos) -> Verdict;
    /// Whether this witness shows that what it depends on lived after that moment.
    fn lives(&self, cell: CellPos, after: Mono) -> bool;
}

impl Standing {
    /// Since when it is at least so bad.
    #[must_use]
    pub fn at_least(&self, level: Level) -> Option<Mono> {
        self.at[level as usize]
    }

    /// The worst that holds.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        [Level::Gone, Level::Down, Level::Unreachable, Level::Degraded, Level::Trouble]
            .into_iter()
            .find(|&level| self.at_least(level).is_some())
    }
}

impl Parts {
    /// The cell in which a probe is part of region `at`'s standing, given where the service is active.
    #[must_use]
    pub fn cell_in(&self, probe: ProbePos, at: RegionPos, active: Option<RegionPos>) -> Option<CellPos> {
        let part = self.probes.get(probe.index())?;
        let here = part.cells.get(at.index()).copied().flatten();
        match part.role {
            Role::Each => here,
            Role::Active if active == Some(at) => here,
            Role::Standby if active != Some(at) => here,
            Role::Service => part.nowhere,
            Role::Active | Role::Standby => None,
        }
    }

    /// Where this observer has to run a probe, given where the service is active: by its role, and as drift watch.
    #[must_use]
    pub fn runs(&self, cell: CellPos, active: Option<RegionPos>) -> bool {
        let Some(cell) = self.cells.get(cell.index()) else { return false };
        let Some(part) = self.probes.get(cell.probe.index()) else { return false };
        match (part.role, cell.region) {
            (Role::Service, _) | (Role::Each, _) | (_, None) => true,
            // Before anything is known of where it is active, a probe that says where writes are taken must look everywhere.
            (Role::Active, Some(at)) => active == Some(at) || part.drift,
            (Role::Standby, Some(at)) => active.is_some() && active != Some(at),
        }
    }

    /// The standing of region `at`. Fills `components` (one for each) with what is said of them there. With
    /// `wide_only`, what a majority of all observers cannot see is unknown.
    pub fn compose(
        &self,
        at: RegionPos,
        active: Option<RegionPos>,
        wide_only: bool,
        look: &impl Look,
        components: &mut [Verdict],
    ) -> Standing {
        // Each is looked at many times; services with more probes than this are few.
        let (mut few, mut many) = ([Here::NOTHING; 16], Vec::new());
        let here = if self.probes.len() <= few.len() {
            &mut few[..self.probes.len()]
        } else {
            many.resize(self.probes.len(), Here::NOTHING);
            &mut many[..]
        };
        for (probe, here) in here.iter_mut().enumerate() {
            let Some(pos) = self.cell_in(ProbePos::at(probe), at, active) else { continue };
            let wide = self.cells.get(pos.index()).is_some_and(|cell| cell.wide);
            let verdict = if wide || !wide_only { look.verdict(pos) } else { Verdict::UNKNOWN };
            *here = Here { since: verdict.since, say: verdict.say, wide, runs: true };
        }
        let here = &*here;
        for &pos in &self.order {
            let (Some(part), true) = (self.components.get(pos.index()), pos.index() < components.len())
            else {
                continue;
            };
            let masked = part.depends_on.iter().any(|d| {
                components.get(d.index()).is_some_and(|v| v.say == Say::Down || v.masks_dependents())
            });
            let verdict = combine(part.rule, of(here, &part.members));
            components[pos.index()] =
                if masked && verdict.say >= Say::Slow { Verdict::MASKED } else { verdict };
        }
        self.standing(at, active, look, components, here)
    }

    fn standing(
        &self,
        at: RegionPos,
        active: Option<RegionPos>,
        look: &impl Look,
        components: &[Verdict],
        here: &[Here],
    ) -> Standing {
        // What has no probe that runs here, by role, is no part of this region's standing.
        let runs = |members: &[ProbePos]| of(here, members).next().is_some();
        let own = combine(DownRule::Any, of(here, &self.own));
        let with_own = runs(&self.own).then_some((own, true));
        let critical = self
            .components
            .iter()
            .zip(components)
            .filter(|(part, _)| part.counts && part.priority == Priority::Critical && runs(&part.members))
            .map(|(_, verdict)| (*verdict, true))
            .chain(with_own);
        let mut standing = Standing::default();
        let mut ails = false;
        for (part, here) in self.probes.iter().zip(here).filter(|(_, here)| here.runs) {
            ails |= here.verdict().ailing().is_some();
            if part.tier == Tier::Trigger {
                standing.watched = true;
                standing.alive |= here.verdict().alive().is_some();
            }
        }
        if ails {
            // Where nothing is slow or down, nothing is the worse for it.
            standing.at = self.levels(at, active, look, components, here, with_own, critical.clone());
        }
        let down = standing.at_least(Level::Unreachable);
        standing.alive &= down.is_none();
        if down.is_none() && critical.clone().next().is_some() {
            let mut ups = self
                .components
                .iter()
                .zip(components)
                .filter(|(part, _)| part.counts && part.priority == Priority::Critical && runs(&part.members))
                .map(|(part, verdict)| (*verdict, &part.members))
                .chain(with_own.map(|(own, _)| (own, &self.own)))
                .map(|(verdict, members)| match verdict.say {
                    // That was combined of each being known.
                    Say::Up => Some(verdict.since),
                    Say::Slow => Tally::of(of(here, members)).known_up(),
                    Say::Unknown | Say::Down => None,
                });
            standing.up = ups.try_fold(Mono::BOOT, |all, one| one.map(|one| all.max(one)));
        }
        standing
    }

    /// Since when it is at least so bad, by level.
    #[expect(clippy::too_many_arguments, reason = "all that a standing is made of")]
    fn levels(
        &self,
        at: RegionPos,
        active: Option<RegionPos>,
        look: &impl Look,
        components: &[Verdict],
        here: &[Here],
        with_own: Option<(Verdict, bool)>,
        critical: impl Iterator<Item = (Verdict, bool)> + Clone,
    ) -> [Option<Mono>; 5] {
        let by_rule = combine(self.rule, critical);
        let counting = self
            .components
            .iter()
            .zip(components)
            .filter(|(part, _)| part.counts)
            .map(|(_, verdict)| *verdict)
            .chain(with_own.map(|(own, _)| own));
        let degraded = counting.filter_map(Verdict::down).min();
        let (mut trouble, mut gone, mut silent) = (None, Some(Mono::BOOT), true);
        let mut wide_seen = false;
        for (part, here) in self.probes.iter().zip(here) {
            if part.tier != Tier::Trigger || !here.runs {
                continue;
            }
            let (verdict, wide) = (here.verdict(), here.wide);
            let masked = part.component.is_some_and(|c| components.get(c.index()) == Some(&Verdict::MASKED));
            if !masked {
                trouble = earliest(trouble, verdict.ailing());
            }
            if wide {
                wide_seen = true;
                gone = gone.zip(verdict.down()).map(|(a, b)| a.max(b));
            } else if verdict.alive().is_some() {
                silent = false;
            }
        }
        let gone = if wide_seen && silent { gone } else { None };
        let down = earliest(by_rule.down(), gone);
        // A witness speaks of the time since the failure in question: what it heard before the last part fell does not
        // contradict that now all are gone.
        let unwitnessed = |since: &Mono| !self.witnessed(at, active, look, *since);
        let gone = gone.filter(unwitnessed);
        let dead = down.filter(|since| unwitnessed(since)).or(gone);
        let degraded = earliest(degraded, down);
        [earliest(trouble, degraded), degraded, down, dead, gone]
    }

    fn witnessed(&self, at: RegionPos, active: Option<RegionPos>, look: &impl Look, after: Mono) -> bool {
        self.has_witness
            && self.probes.iter().any(|part| {
                let speaks = match part.witness_of {
                    Some(WitnessOf::Active) => active == Some(at),
                    Some(WitnessOf::Region(of)) => of == at,
                    None => false,
                };
                let there = part.cells.iter().enumerate().filter(|(region, _)| *region != at.index());
                speaks
                    && there
                        .filter_map(|(_, cell)| *cell)
                        .chain(part.nowhere)
                        .any(|cell| look.lives(cell, after))
            })
    }
}

/// What is said of a probe in a region.
#[derive(Clone, Copy)]
struct Here {
    since: Mono,
    say: Say,
    /// A majority of all observers can see it.
    wide: bool,
    /// It is part of that region's standing.
    runs: bool,
}

impl Here {
    const NOTHING: Here = Here { since: Mono::BOOT, say: Say::Unknown, wide: false, runs: false };

    fn verdict(self) -> Verdict {
        Verdict { say: self.say, since: self.since }
    }
}

/// Those of a region, of so many that are named.
fn of<'a>(here: &'a [Here], members: &'a [ProbePos]) -> impl Iterator<Item = (Verdict, bool)> + Clone + 'a {
    let there = members.iter().filter_map(|probe| here.get(probe.index())).filter(|here| here.runs);
    there.map(|here| (here.verdict(), here.wide))
}

impl Verdict {
    /// Down or slow, but of no weight, since what it depends on is down.
    const MASKED: Verdict = Verdict { say: Say::Unknown, since: Mono::micros(u64::MAX) };

    fn masks_dependents(self) -> bool {
        self == Verdict::MASKED
    }
}

/// What is said of the members of a component, in one pass. A narrow member that is silent does not hide that the wide
/// ones answer.
#[derive(Default)]
struct Tally {
    total: usize,
    downs: usize,
    first_down: Option<Mono>,
    last_down: Option<Mono>,
    ailing: Option<Mono>,
    up: Option<Mono>,
    any_wide: bool,
    silent_wide: bool,
    silent: bool,
}

impl Tally {
    /// The flag says whether a majority of all observers can see the member.
    fn of(members: impl Iterator<Item = (Verdict, bool)>) -> Tally {
        let mut tally = Tally::default();
        for (verdict, wide) in members {
            tally.total += 1;
            tally.any_wide |= wide;
            match verdict.say {
                Say::Unknown => {
                    tally.silent = true;
                    tally.silent_wide |= wide;
                }
                Say::Up => tally.up = tally.up.max(Some(verdict.since)),
                Say::Slow => {
                    tally.up = tally.up.max(Some(verdict.since));
                    tally.ailing = earliest(tally.ailing, Some(verdict.since));
                }
                Say::Down => {
                    tally.downs += 1;
                    tally.first_down = earliest(tally.first_down, Some(verdict.since));
                    tally.last_down = tally.last_down.max(Some(verdict.since));
                    tally.ailing = earliest(tally.ailing, Some(verdict.since));
                }
            }
        }
        tally
    }

    /// Since when it is down by the rule.
    fn down(&self, rule: DownRule, members: impl Iterator<Item = (Verdict, bool)> + Clone) -> Option<Mono> {
        match rule {
            DownRule::Any => self.first_down,
            DownRule::All => self.last_down.filter(|_| self.downs == self.total),
            DownRule::AtLeast(n) => nth_earliest(usize::from(n), members.filter_map(|(v, _)| v.down())),
        }
    }

    /// Since when each member that counts is known and some answer: what is slow by one of them is not known to be up
    /// while another says nothing.
    fn known_up(&self) -> Option<Mono> {
        let silent = if self.any_wide { self.silent_wide } else { self.silent };
        if silent { None } else { self.up }
    }
}

/// What a rule makes of its members.
fn combine(rule: DownRule, members: impl Iterator<Item = (Verdict, bool)> + Clone) -> Verdict {
    let tally = Tally::of(members.clone());
    if let Some(since) = tally.down(rule, members) {
        return Verdict { say: Say::Down, since };
    }
    match (tally.ailing, tally.known_up()) {
        (Some(since), _) => Verdict { say: Say::Slow, since },
        (None, Some(since)) => Verdict { say: Say::Up, since },
        (None, None) => Verdict::UNKNOWN,
    }
}

/// The earlier of two, where there are any.
pub(crate) fn earliest(a: Option<Mono>, b: Option<Mono>) -> Option<Mono> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Trouble => "in trouble",
            Level::Degraded => "degraded",
            Level::Unreachable => "unreachable",
            Level::Down => "down",
            Level::Gone => "gone",
        })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Critical => "critical",
        })
    }
}

#[cfg(test)]
mod tests;
