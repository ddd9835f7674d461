//! Counts votes on one probe in one region. The quorum is a majority of the observers *configured* to see it: those
//! who are missing, abstain or were not asked never shrink it.

use alloc::vec;
use alloc::vec::Vec;

use super::{Say, Verdict};
use crate::ids::{CellPos, ObserverPos, PolicyHash, ProbePos, RegionPos};
use crate::mutants::{self, Mutant};
use crate::time::{Mono, Span};

/// A set of observers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observers(u32);

impl Observers {
    /// So many observers may be configured.
    pub const MOST: usize = 32;
    /// Nobody.
    pub const NONE: Observers = Observers(0);

    /// The first `n` of the policy's list.
    #[must_use]
    pub fn first(n: usize) -> Observers {
        Observers(if n >= Self::MOST { u32::MAX } else { (1 << n) - 1 })
    }
    /// And this one.
    #[must_use]
    pub fn and(self, who: ObserverPos) -> Observers {
        Observers(self.0 | 1_u32.checked_shl(who.index() as u32).unwrap_or(0))
    }
    /// Without that one.
    #[must_use]
    pub fn without(self, who: ObserverPos) -> Observers {
        Observers(self.0 & !1_u32.checked_shl(who.index() as u32).unwrap_or(0))
    }
    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, who: ObserverPos) -> bool {
        self.0 & 1_u32.checked_shl(who.index() as u32).unwrap_or(0) != 0
    }
    /// Those in both.
    #[must_use]
    pub fn both(self, other: Observers) -> Observers {
        Observers(self.0 & other.0)
    }
    /// How many.
    #[must_use]
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }
    /// How many make a majority of them.
    #[must_use]
    pub fn majority(self) -> usize {
        self.count() / 2 + 1
    }
    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = ObserverPos> {
        (0..Self::MOST).map(ObserverPos::at).filter(move |&who| self.has(who))
    }
}

/// One probe in one region (or in none), and who can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which probe.
    pub probe: ProbePos,
    /// Where; nowhere for a provider or a bucket.
    pub region: Option<RegionPos>,
    /// Who is configured to see it: its quorum is a majority of these.
    pub viewers: Observers,
    /// A majority of *all* observers can see it.
    pub wide: bool,
}

/// A lag or age, and how old the reading itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What was read.
    pub value: Span,
    /// How long ago.
    pub age: Span,
}

/// What a vote says of one cell. Durations, never times: no clock is compared across machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Of what.
    pub cell: CellPos,
    /// What.
    pub say: Say,
    /// How long it had held when it was written.
    pub held: Span,
    /// The newest lag or age, where the probe reads one.
    pub reading: Option<Reading>,
    /// It was looked at again for the ask that the vote answers.
    pub fresh: bool,
}

/// The same on our own clock, as we keep it.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    say: Say,
    has_reading: bool,
    fresh: bool,
    reading_ms: u32,
    since: Mono,
    read: Mono,
}

/// What this observer itself says of a cell, on its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Myself {
    /// What.
    pub say: Say,
    /// Since when.
    pub since: Mono,
    /// Looked at again for the present ask.
    pub fresh: bool,
    /// The newest lag or age, and when it was read.
    pub reading: Option<(Span, Mono)>,
}

/// Whose votes are counted, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Whose.
    pub who: Observers,
    /// Only what was looked at again for the ask that they answer.
    pub fresh_only: bool,
    /// Only what a majority of all observers can see.
    pub wide_only: bool,
}

impl Counted {
    /// Every vote there is, as it is.
    #[must_use]
    pub fn all() -> Counted {
        Counted { who: Observers(u32::MAX), fresh_only: false, wide_only: false }
    }

    /// Answers to an ask, by these.
    #[must_use]
    pub fn answers(who: Observers) -> Counted {
        Counted { who, fresh_only: !mutants::on(Mutant::UnfreshCounts), wide_only: false }
    }

    /// The same, of what a majority of all observers can see.
    #[must_use]
    pub fn wide(self) -> Counted {
        Counted { wide_only: true, ..self }
    }
}

/// An observer's vote besides what it says.
#[derive(Clone, Copy, Debug, Default)]
struct Cast {
    revision: u64,
    policy: PolicyHash,
    answers: u32,
    /// When it was seen, in milliseconds, without what does not fit: only differences are ever taken.
    seen: u32,
}

/// The newest vote of each observer on one service.
#[derive(Clone, Debug)]
pub struct Votes {
    width: usize,
    cast: Vec<Cast>,
    said: Vec<Said>,
    present: Observers,
    policy: PolicyHash,
    agreeing: Observers,
    changes: u64,
}

impl Votes {
    /// No vote yet.
    #[must_use]
    pub fn new(observers: usize, cells: usize) -> Votes {
        let observers = observers.min(Observers::MOST);
        Votes {
            width: cells,
            cast: vec![Cast::default(); observers],
            said: vec![Said::default(); observers * cells],
            present: Observers::NONE,
            policy: PolicyHash::default(),
            agreeing: Observers::NONE,
            changes: 0,
        }
    }

    /// A vote, made under that policy, arrived. An older revision than the one known changes nothing, the same one neither. Says whether it was
    /// taken. What it does not speak of is unknown.
    pub fn tell(
        &mut self,
        who: ObserverPos,
        revision: u64,
        policy: PolicyHash,
        answers: u32,
        spoken: &[Spoken],
        now: Mono,
    ) -> bool {
        let Some(cast) = self.cast.get_mut(who.index()) else { return false };
        if revision <= cast.revision {
            return false;
        }
        *cast = Cast { revision, policy, answers, seen: clock(now) };
        self.present = self.present.and(who);
        self.agreeing =
            if policy == self.policy { self.agreeing.and(who) } else { self.agreeing.without(who) };
        let row = who.index() * self.width;
        let row = &mut self.said[row..row + self.width];
        row.fill(Said::default());
        for spoken in spoken {
            if let Some(said) = row.get_mut(spoken.cell.index()) {
                *said = Said {
                    say: spoken.say,
                    since: now.before(spoken.held),
                    fresh: spoken.fresh,
                    has_reading: spoken.reading.is_some(),
                    reading_ms: spoken.reading.map_or(0, |r| millis(r.value)),
                    read: spoken.reading.map_or(Mono::BOOT, |r| now.before(r.age)),
                };
            }
        }
        true
    }

    /// A vote is gone with its observer's session. Says whether there was one. What is older than that stays refused,
    /// also where the vote itself comes later.
    pub fn withdraw(&mut self, who: ObserverPos, revision: u64) -> bool {
        let Some(cast) = self.cast.get_mut(who.index()) else { return false };
        if revision <= cast.revision {
            return false;
        }
        *cast = Cast { revision, ..Cast::default() };
        if !self.present.has(who) {
            return false;
        }
        self.present = self.present.without(who);
        self.agreeing = self.agreeing.without(who);
        true
    }

    /// What this observer itself says of one cell, at any moment.
    pub fn say_myself(&mut self, me: ObserverPos, cell: CellPos, myself: Myself) {
        if me.index() >= self.cast.len() || cell.index() >= self.width {
            return;
        }
        self.present = self.present.and(me);
        self.agreeing = self.agreeing.and(me);
        if let Some(said) = self.said.get_mut(me.index() * self.width + cell.index()) {
            self.changes += u64::from((said.say, said.fresh) != (myself.say, myself.fresh));
            let (value, read) = myself.reading.unwrap_or((Span::ZERO, Mono::BOOT));
            *said = Said {
                say: myself.say,
                since: myself.since,
                fresh: myself.fresh,
                has_reading: myself.reading.is_some(),
                reading_ms: millis(value),
                read,
            };
        }
    }

    /// Which ask this observer itself has answered.
    pub fn answer_myself(&mut self, me: ObserverPos, ask: u32) {
        if let Some(cast) = self.cast.get_mut(me.index()) {
            self.changes += u64::from(cast.answers != ask);
            cast.answers = ask;
        }
    }

    /// How often what this observer itself says has changed: another number, another vote. Readings and ages do not
    /// count: every sample would be a write.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Revisions and asks begin anew: what they were counted by was restored from a backup. An answer to an ask that
    /// is no more must not be taken for one to the ask that gets its number.
    pub fn begin_anew(&mut self) {
        self.changes += 1;
        self.cast.iter_mut().for_each(|cast| (cast.revision, cast.answers) = (0, 0));
    }

    /// The highest ask that anybody answered.
    #[must_use]
    pub fn newest_answered(&self) -> u32 {
        self.cast.iter().map(|cast| cast.answers).max().unwrap_or(0)
    }

    /// Who has a vote here.
    #[must_use]
    pub fn present(&self) -> Observers {
        self.present
    }

    /// Whose vote was made under the same policy as ours.
    #[must_use]
    pub fn agreeing(&self) -> Observers {
        self.agreeing
    }

    /// Who has answered this ask, under the same policy as ours. Nobody answers ask 0.
    #[must_use]
    pub fn answered(&self, ask: u32) -> Observers {
        let mut who = Observers::NONE;
        for (i, cast) in self.cast.iter().enumerate() {
            let seat = ObserverPos::at(i);
            let answers = cast.answers == ask || (mutants::on(Mutant::OldAnswersCount) && cast.answers > 0);
            let agrees = self.agreeing.has(seat) || mutants::on(Mutant::OtherPolicyVotes);
            if ask > 0 && answers && agrees {
                who = who.and(seat);
            }
        }
        who
    }

    /// At which revision an observer's newest vote was written.
    #[must_use]
    pub fn revision(&self, who: ObserverPos) -> u64 {
        self.cast.get(who.index()).map_or(0, |cast| cast.revision)
    }

    /// Which ask an observer's newest vote answers.
    #[must_use]
    pub fn answers(&self, who: ObserverPos) -> u32 {
        self.cast.get(who.index()).map_or(0, |cast| cast.answers)
    }

    /// What one observer says of one cell, and since when.
    #[must_use]
    pub fn of(&self, who: ObserverPos, cell: CellPos) -> Verdict {
        if !self.present.has(who) || cell.index() >= self.width {
            return Verdict::UNKNOWN;
        }
        match self.said.get(who.index() * self.width + cell.index()) {
            Some(said) => Verdict { say: said.say, since: said.since },
            None => Verdict::UNKNOWN,
        }
    }

    /// Of whom a majority is needed: all that are configured, whether they are there or not.
    #[must_use]
    pub fn electorate(&self, configured: Observers) -> Observers {
        if mutants::on(Mutant::QuorumOfSurvivors) { configured.both(self.present) } else { configured }
    }

    /// Who of `counted` can see the cell and has a vote; nobody, if there is no such cell.
    fn voters(&self, pos: CellPos, cell: &Cell, counted: Counted) -> Observers {
        if pos.index() >= self.width {
            return Observers::NONE;
        }
        cell.viewers.both(counted.who).both(self.present)
    }

    /// What a majority of `cell.viewers` says, by the votes of those in `counted`.
    #[must_use]
    pub fn verdict(&self, pos: CellPos, cell: &Cell, counted: Counted) -> Verdict {
        let needed = self.electorate(cell.viewers).majority();
        let voters = self.voters(pos, cell, counted);
        if voters.count() < needed {
            return Verdict::UNKNOWN;
        }
        let said = |who: usize| &self.said[who * self.width + pos.index()];
        let counts = |said: &Said| said.fresh || !counted.fresh_only;
        let (mut downs, mut slows, mut ups) = (0, 0, 0);
        for who in bits(voters) {
            let said = said(who);
            match said.say {
                Say::Down if counts(said) => downs += 1,
                Say::Slow if counts(said) => slows += 1,
                Say::Up if counts(said) => ups += 1,
                Say::Unknown | Say::Down | Say::Slow | Say::Up => {}
            }
        }
        let since = |says: fn(Say) -> bool| {
            let moments =
                bits(voters).map(said).filter(|said| counts(said) && says(said.say)).map(|said| said.since);
            let so_many = if mutants::on(Mutant::ForOfOne) { 1 } else { needed };
            nth_earliest(so_many, moments).unwrap_or(Mono::BOOT)
        };
        if downs >= needed {
            return Verdict { say: Say::Down, since: since(|say| say == Say::Down) };
        }
        if slows > 0 && slows + downs >= needed {
            return Verdict { say: Say::Slow, since: since(|say| say >= Say::Slow) };
        }
        if ups + slows >= needed {
            return Verdict { say: Say::Up, since: since(|say| matches!(say, Say::Up | Say::Slow)) };
        }
        Verdict::UNKNOWN
    }

    /// Whether a majority of those who can see this witness says, with evidence newer than `after`, that what it
    /// depends on lives.
    #[must_use]
    pub fn lives(&self, pos: CellPos, cell: &Cell, counted: Counted, after: Mono) -> bool {
        let alive = bits(self.voters(pos, cell, counted))
            .filter(|who| {
                let said = &self.said[who * self.width + pos.index()];
                let evidence = said.read.before(Span::millis(u64::from(said.reading_ms)));
                let counts = said.fresh || !counted.fresh_only;
                counts && matches!(said.say, Say::Up | Say::Slow) && said.has_reading && evidence > after
            })
            .count();
        cell.viewers.count() > 0
            && alive >= self.electorate(cell.viewers).majority()
            && !mutants::on(Mutant::NoWitness)
    }

    /// What a promotion would lose by this cell: the newest reading among `counted`, and when it was read. Of two that
    /// are as new, the one that would lose more. An answer was written after its ask was sent, and nobody knows how
    /// long after: what it read is as old as it says, and all the time since `asked`.
    #[must_use]
    pub fn reading(
        &self,
        pos: CellPos,
        cell: &Cell,
        counted: Counted,
        asked: Option<Mono>,
    ) -> Option<(Span, Mono)> {
        bits(self.voters(pos, cell, counted))
            .map(|who| (who, &self.said[who * self.width + pos.index()]))
            .filter(|(_, said)| said.has_reading && (said.fresh || !counted.fresh_only))
            .map(|(who, said)| (said.read.before(self.travelled(who, asked)), said.reading_ms))
            .max()
            .map(|(read, reading)| (Span::millis(u64::from(reading)), read))
    }

    /// How long the answer of an observer may have been on its way at most.
    fn travelled(&self, who: usize, asked: Option<Mono>) -> Span {
        let (Some(asked), Some(cast)) = (asked, self.cast.get(who)) else { return Span::ZERO };
        let late = cast.seen.wrapping_sub(clock(asked));
        // Our own is written here, and one that was seen before is no answer: neither travelled.
        if cast.revision == 0 || late > u32::MAX / 2 { Span::ZERO } else { Span::millis(u64::from(late) + 1) }
    }

    /// The same votes for another list of observers and cells: `who` and `what` say where each new one was before.
    #[must_use]
    pub fn carried(&self, who: &[Option<ObserverPos>], what: &[Option<CellPos>]) -> Votes {
        let mut votes = Votes::new(who.len(), what.len());
        votes.policy = self.policy;
        votes.changes = self.changes;
        for (new, old) in who.iter().enumerate().take(Observers::MOST) {
            let Some(old) = *old else { continue };
            let seat = ObserverPos::at(new);
            if let Some(cast) = self.cast.get(old.index()) {
                votes.cast[new] = *cast;
            }
            if self.present.has(old) {
                votes.present = votes.present.and(seat);
            }
            if self.agreeing.has(old) {
                votes.agreeing = votes.agreeing.and(seat);
            }
            for (to, from) in what.iter().enumerate() {
                if let Some(said) =
                    from.and_then(|cell| self.said.get(old.index() * self.width + cell.index()))
                {
                    votes.said[new * votes.width + to] = *said;
                }
            }
        }
        votes
    }

    /// We live by that policy now: who has voted under it agrees, whenever that was.
    pub fn live_by(&mut self, policy: PolicyHash, me: ObserverPos) {
        self.policy = policy;
        let under = |who: &usize| self.cast.get(*who).is_some_and(|cast| cast.policy == policy);
        let agreeing = bits(self.present).filter(|who| *who == me.index() || under(who));
        self.agreeing = agreeing.fold(Observers::NONE, |set, who| set.and(ObserverPos::at(who)));
    }
}

/// A moment in milliseconds, without what does not fit.
fn clock(at: Mono) -> u32 {
    (at.as_micros() / 1_000) as u32
}

fn millis(span: Span) -> u32 {
    u32::try_from(span.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// The places of a set's members, without looking at those who are not in it.
fn bits(set: Observers) -> impl Iterator<Item = usize> + Clone {
    let mut left = set.0;
    core::iter::from_fn(move || {
        let next = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        (next < u32::BITS).then_some(next as usize)
    })
}

/// The moment since which `n` of them have each held: the n-th earliest, without collecting them.
pub(super) fn nth_earliest(n: usize, moments: impl Iterator<Item = Mono> + Clone) -> Option<Mono> {
    let mut found: Option<Mono> = None;
    let mut seen = 0;
    while seen < n {
        let (mut next, mut same) = (None, 0);
        for moment in moments.clone().filter(|moment| found.is_none_or(|found| *moment > found)) {
            match next {
                Some(least) if moment > least => {}
                Some(least) if moment == least => same += 1,
                Some(_) | None => (next, same) = (Some(moment), 1),
            }
        }
        found = Some(next?);
        seen += same;
    }
    found
}

#[cfg(test)]
mod tests;
