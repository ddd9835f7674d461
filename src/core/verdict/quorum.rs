//! Counts votes on one probe in one region. The quorum is a majority of the observers *configured* to see it: those
//! who are missing, abstain or were not asked never shrink it.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

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

/// The same on our own clock, as we keep it: in one word, since there is one of each observer for each cell. The lowest
/// bits say what, and whether it was looked at again; the others since when. That holds for 73,000 years after boot.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Said(u64);

impl Said {
    const FRESH: u64 = 4;
    const BITS: u32 = 3;

    fn new(say: Say, since: Mono, fresh: bool) -> Said {
        let since = since.as_micros().min(u64::MAX >> Self::BITS);
        Said(since << Self::BITS | if fresh { Self::FRESH } else { 0 } | say as u64)
    }

    fn say(self) -> Say {
        match self.0 & 3 {
            0 => Say::Unknown,
            1 => Say::Up,
            2 => Say::Slow,
            _ => Say::Down,
        }
    }

    fn fresh(self) -> bool {
        self.0 & Self::FRESH != 0
    }

    fn since(self) -> Mono {
        Mono::micros(self.0 >> Self::BITS)
    }

    fn counts(self, counted: Counted) -> bool {
        self.fresh() || !counted.fresh_only
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} since {:?}{}", self.say(), self.since(), if self.fresh() { ", fresh" } else { "" })
    }
}

/// What was read beside it, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Read {
    at: Mono,
    millis: u32,
    there: bool,
}

impl Read {
    fn new(reading: Option<(Span, Mono)>) -> Read {
        reading.map_or(Read::default(), |(value, at)| Read { at, millis: millis(value), there: true })
    }
}

/// Readings, of those cells of which there ever was one: few probes read anything.
#[derive(Clone, Debug, Default)]
struct Readings {
    /// In order.
    cells: Vec<CellPos>,
    /// By cell of those, then observer.
    read: Vec<Read>,
}

impl Readings {
    fn row(&self, cell: CellPos, seats: usize) -> Option<&[Read]> {
        let place = self.cells.binary_search(&cell).ok()?;
        self.read.get(place * seats..(place + 1) * seats)
    }

    /// There is room for what is read there.
    fn open(&mut self, cell: CellPos, seats: usize) -> usize {
        self.cells.binary_search(&cell).unwrap_or_else(|place| {
            self.cells.insert(place, cell);
            let there = place * seats;
            self.read.splice(there..there, core::iter::repeat_n(Read::default(), seats));
            place
        })
    }

    /// Whether it is another than before.
    fn put(&mut self, cell: CellPos, who: usize, seats: usize, read: Read) -> bool {
        let place = match self.cells.binary_search(&cell) {
            Ok(place) => place,
            Err(_) if !read.there => return false,
            Err(_) => self.open(cell, seats),
        };
        let Some(known) = self.read.get_mut(place * seats + who) else { return false };
        core::mem::replace(known, read) != read
    }

    fn clear(&mut self, who: usize, seats: usize) {
        self.read.iter_mut().skip(who).step_by(seats).for_each(|read| *read = Read::default());
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// By cell, then observer: verdicts pass all observers of one cell.
    said: Vec<Said>,
    read: Readings,
    present: Observers,
    policy: PolicyHash,
    agreeing: Observers,
    changes: u64,
    news: News,
}

/// How often votes have become others: with the same news, the same pictures are drawn of them. It wraps; two pictures
/// are never so far apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What is said, since when, by whom.
    pub said: u32,
    /// What was read.
    pub read: u32,
}

impl News {
    fn said(&mut self) {
        self.said = self.said.wrapping_add(1);
        self.read();
    }
    fn read(&mut self) {
        self.read = self.read.wrapping_add(1);
    }
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
            read: Readings::default(),
            present: Observers::NONE,
            policy: PolicyHash::default(),
            agreeing: Observers::NONE,
            changes: 0,
            news: News::default(),
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
        self.news.said();
        self.present = self.present.and(who);
        self.agreeing =
            if policy == self.policy { self.agreeing.and(who) } else { self.agreeing.without(who) };
        let seats = self.cast.len();
        self.said.iter_mut().skip(who.index()).step_by(seats).for_each(|said| *said = Said::default());
        self.read.clear(who.index(), seats);
        for spoken in spoken.iter().filter(|spoken| spoken.cell.index() < self.width) {
            if let Some(said) = self.said.get_mut(spoken.cell.index() * seats + who.index()) {
                *said = Said::new(spoken.say, now.before(spoken.held), spoken.fresh);
            }
            let reading = spoken.reading.map(|reading| (reading.value, now.before(reading.age)));
            self.read.put(spoken.cell, who.index(), seats, Read::new(reading));
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
        self.news.said();
        self.present = self.present.without(who);
        self.agreeing = self.agreeing.without(who);
        true
    }

    /// What this observer itself says of one cell, at any moment.
    pub fn say_myself(&mut self, me: ObserverPos, cell: CellPos, myself: Myself) {
        if me.index() >= self.cast.len() || cell.index() >= self.width {
            return;
        }
        if !self.present.has(me) {
            self.news.said();
        }
        self.present = self.present.and(me);
        self.agreeing = self.agreeing.and(me);
        let seats = self.cast.len();
        if let Some(said) = self.said.get_mut(cell.index() * seats + me.index()) {
            let new = Said::new(myself.say, myself.since, myself.fresh);
            if *said != new {
                self.news.said();
            }
            self.changes += u64::from((said.say(), said.fresh()) != (myself.say, myself.fresh));
            *said = new;
            if self.read.put(cell, me.index(), seats, Read::new(myself.reading)) {
                self.news.read();
            }
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
    /// What others said there is told again by whoever still says it.
    pub fn begin_anew(&mut self, me: ObserverPos) {
        self.changes += 1;
        self.present = if self.present.has(me) { Observers::NONE.and(me) } else { Observers::NONE };
        self.news.said();
        self.cast.iter_mut().for_each(|cast| (cast.revision, cast.answers) = (0, 0));
    }

    /// The highest ask that anybody answered.
    #[must_use]
    pub fn newest_answered(&self) -> u32 {
        self.cast.iter().map(|cast| cast.answers).max().unwrap_or(0)
    }

    /// What there is to be drawn of them is another than before, when this is.
    #[must_use]
    pub fn news(&self) -> News {
        self.news
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
        if !self.present.has(who) {
            return Verdict::UNKNOWN;
        }
        match self.row(cell).get(who.index()) {
            Some(said) => Verdict { say: said.say(), since: said.since() },
            None => Verdict::UNKNOWN,
        }
    }

    /// Of whom a majority is needed: all that are configured, whether they are there or not.
    #[must_use]
    pub fn electorate(&self, configured: Observers) -> Observers {
        if mutants::on(Mutant::QuorumOfSurvivors) { configured.both(self.present) } else { configured }
    }

    /// What is said of a cell, by observer.
    fn row(&self, cell: CellPos) -> &[Said] {
        let seats = self.cast.len();
        self.said.get(cell.index() * seats..(cell.index() + 1) * seats).unwrap_or_default()
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
        let all = voters == cell.viewers && voters != Observers::NONE;
        if !all && voters.count() < needed {
            return Verdict::UNKNOWN;
        }
        let row = self.row(pos);
        let counts = |who: &usize| row.get(*who).copied().filter(|said| said.counts(counted));
        let mut says = [0_usize; 4];
        for said in bits(voters).filter_map(|who| counts(&who)) {
            says[said.say() as usize] += 1;
        }
        let [_, ups, slows, downs] = says;
        let (say, among) = match () {
            () if downs >= needed => (Say::Down, [Say::Down; 2]),
            () if slows > 0 && slows + downs >= needed => (Say::Slow, [Say::Slow, Say::Down]),
            () if ups + slows >= needed => (Say::Up, [Say::Up, Say::Slow]),
            () => return Verdict::UNKNOWN,
        };
        let so_many = if mutants::on(Mutant::ForOfOne) { 1 } else { needed };
        let mut earliest = Earliest::new(so_many);
        for said in bits(voters).filter_map(|who| counts(&who)).filter(|said| among.contains(&said.say())) {
            earliest.add(said.since());
        }
        Verdict { say, since: earliest.last().unwrap_or(Mono::BOOT) }
    }

    /// Whether a majority of those who can see this witness says, with evidence newer than `after`, that what it
    /// depends on lives.
    #[must_use]
    pub fn lives(&self, pos: CellPos, cell: &Cell, counted: Counted, after: Mono) -> bool {
        self.lived(pos, cell, counted).is_some_and(|lived| lived > after)
    }

    /// Until when, by the newest evidence of a majority of those who can see this witness, what it depends on lived.
    #[must_use]
    pub fn lived(&self, pos: CellPos, cell: &Cell, counted: Counted) -> Option<Mono> {
        let needed = self.electorate(cell.viewers).majority();
        if cell.viewers.count() == 0 || mutants::on(Mutant::NoWitness) {
            return None;
        }
        let row = self.row(pos);
        let read = self.read.row(pos, self.cast.len())?;
        let mut latest = Earliest::new(needed);
        for who in bits(self.voters(pos, cell, counted)) {
            let (Some(said), Some(read)) = (row.get(who), read.get(who)) else { continue };
            if said.counts(counted) && matches!(said.say(), Say::Up | Say::Slow) && read.there {
                let evidence = read.at.before(Span::millis(u64::from(read.millis)));
                latest.add(Mono::micros(u64::MAX - evidence.as_micros()));
            }
        }
        latest.last().map(|lived| Mono::micros(u64::MAX - lived.as_micros()))
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
        let (said, read) = (self.row(pos), self.read.row(pos, self.cast.len())?);
        bits(self.voters(pos, cell, counted))
            .filter_map(|who| Some((who, said.get(who)?, read.get(who)?)))
            .filter(|(_, said, read)| read.there && said.counts(counted))
            .map(|(who, _, read)| (read.at.before(self.travelled(who, asked)), read.millis))
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
        votes.news = self.news;
        let read = |from: &CellPos| self.read.cells.binary_search(from).is_ok();
        for (to, _) in what.iter().enumerate().filter(|(_, from)| from.as_ref().is_some_and(read)) {
            votes.read.open(CellPos::at(to), votes.cast.len());
        }
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
            let seats = votes.cast.len();
            for (to, from) in what.iter().enumerate() {
                let Some(from) = *from else { continue };
                if let Some(said) = self.row(from).get(old.index()) {
                    votes.said[to * seats + new] = *said;
                }
                let read = self.read.row(from, self.cast.len()).and_then(|row| row.get(old.index()));
                if let Some(read) = read {
                    votes.read.put(CellPos::at(to), new, seats, *read);
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

/// The so-manieth of what is added, the least first.
struct Earliest {
    wanted: usize,
    there: usize,
    /// In order; never more than are wanted.
    least: [Mono; MAJORITY],
}

/// The most that a majority can be.
const MAJORITY: usize = Observers::MOST / 2 + 1;

impl Earliest {
    fn new(wanted: usize) -> Earliest {
        Earliest { wanted: wanted.min(MAJORITY), there: 0, least: [Mono::BOOT; MAJORITY] }
    }

    fn add(&mut self, moment: Mono) {
        let mut place = self.there;
        while place > 0 && self.least[place - 1] > moment {
            if place < self.wanted {
                self.least[place] = self.least[place - 1];
            }
            place -= 1;
        }
        if place < self.wanted {
            self.least[place] = moment;
            self.there = self.wanted.min(self.there + 1);
        }
    }

    fn last(&self) -> Option<Mono> {
        self.least.get(self.wanted.checked_sub(1)?).copied().filter(|_| self.there == self.wanted)
    }
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
