//! All verdicts on one service at one moment, drawn from its votes. It holds no history.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell as Mark;

use super::quorum::{Counted, News};
use super::standing::Look;
use super::{Cell, Level, Observers, Parts, Standing, Verdict, Votes};
use crate::ids::{CellPos, ComponentPos, ObserverPos, ProbePos, RegionPos, ServiceId};
use crate::time::{Mono, Span};

/// Evidence of a witness that is older no longer says that anything lives: a link that hears nothing closes itself by
/// then (PostgreSQL's `wal_receiver_timeout` is a minute).
pub const EVIDENCE: Span = Span::secs(60);

/// What the counted votes say of each cell, component and region.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    cells: Vec<Verdict>,
    components: Vec<Verdict>,
    /// So many of them in each region.
    width: u16,
    standings: Vec<Standing>,
    /// Some cell is slow or down: without, no component and no region is.
    ails: bool,
    drawn: Option<Drawn>,
}

/// Of what a picture was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drawn {
    whose: ServiceId,
    news: News,
    active: Option<RegionPos>,
    counted: Counted,
    at: Mono,
    /// It hangs on what witnesses have read, and is so until then, if they read nothing else.
    until: Option<Mono>,
}

struct Quorum<'a> {
    cells: &'a [Verdict],
    parts: &'a [Cell],
    votes: &'a Votes,
    counted: Counted,
    now: Mono,
    /// Witnesses were listened to: what they say stands until then.
    until: Mark<Option<Mono>>,
}

impl Look for Quorum<'_> {
    fn verdict(&self, cell: CellPos) -> Verdict {
        self.cells.get(cell.index()).copied().unwrap_or(Verdict::UNKNOWN)
    }
    fn lives(&self, pos: CellPos, after: Mono) -> bool {
        let until = self.until.get().unwrap_or(Mono::micros(u64::MAX));
        let lived = self.parts.get(pos.index()).and_then(|cell| self.votes.lived(pos, cell, self.counted));
        let lived = lived.filter(|lived| *lived > after.max(self.now.before(EVIDENCE)));
        // That nobody has heard of it for so long stays so; that it lives does not.
        self.until.set(Some(lived.map_or(until, |lived| until.min(lived + EVIDENCE))));
        lived.is_some()
    }
}

/// One observer's own eyes: what it says, by itself.
struct Own<'a> {
    votes: &'a Votes,
    me: ObserverPos,
    now: Mono,
}

impl Look for Own<'_> {
    fn verdict(&self, cell: CellPos) -> Verdict {
        self.votes.of(self.me, cell)
    }
    fn lives(&self, pos: CellPos, after: Mono) -> bool {
        let cell =
            Cell { probe: ProbePos::at(0), region: None, viewers: Observers::NONE.and(self.me), wide: true };
        let mine = Counted { who: cell.viewers, ..Counted::all() };
        self.votes.lives(pos, &cell, mine, after.max(self.now.before(EVIDENCE)))
    }
}

impl Picture {
    /// Whether it is what would be drawn now, of the votes that it was drawn of last.
    #[must_use]
    pub fn shows(
        &self,
        whose: ServiceId,
        votes: &Votes,
        active: Option<RegionPos>,
        counted: Counted,
        now: Mono,
    ) -> bool {
        let news = votes.news();
        self.drawn.is_some_and(|drawn| {
            let same = match drawn.until {
                Some(until) => drawn.news == news && drawn.at <= now && now < until,
                None => drawn.news.said == news.said,
            };
            same && drawn.whose == whose && drawn.active == active && drawn.counted == counted
        })
    }

    /// The parts or the votes are exchanged: it shows nothing of them.
    pub fn forget(&mut self) {
        self.drawn = None;
    }

    /// Draws it anew, if it would be another than before: of the votes and parts of that service, which
    /// [`forget`](Self::forget) is told of when they are exchanged.
    pub fn redraw(
        &mut self,
        whose: ServiceId,
        parts: &Parts,
        votes: &Votes,
        active: Option<RegionPos>,
        counted: Counted,
        now: Mono,
    ) {
        if self.shows(whose, votes, active, counted, now) {
            return;
        }
        let kept = self.drawn.filter(|drawn| {
            let alike = (drawn.active, drawn.counted.wide_only) == (active, counted.wide_only);
            alike && drawn.whose == whose && drawn.until.is_none()
        });
        let others = self.count(parts, votes, counted);
        // What stands on the same verdicts is the same, unless witnesses were listened to.
        let same = kept.is_some() && !counted.wide_only && !others;
        let until = if same { None } else { self.compose(parts, votes, active, counted, now) };
        self.drawn = Some(Drawn { whose, news: votes.news(), active, counted, at: now, until });
    }

    /// Counts the votes on each cell. Whether any is another than before.
    fn count(&mut self, parts: &Parts, votes: &Votes, counted: Counted) -> bool {
        let mut others = self.cells.len() != parts.cells.len();
        self.cells.resize(parts.cells.len(), Verdict::UNKNOWN);
        for (i, (was, cell)) in self.cells.iter_mut().zip(&parts.cells).enumerate() {
            let verdict = votes.verdict(CellPos::at(i), cell, counted);
            others |= core::mem::replace(was, verdict) != verdict;
        }
        others
    }

    /// Draws it anew; what was drawn before is gone, its memory is used again. Says until when it stands, if it hangs on
    /// what witnesses have read.
    pub fn draw(
        &mut self,
        parts: &Parts,
        votes: &Votes,
        active: Option<RegionPos>,
        counted: Counted,
        now: Mono,
    ) -> Option<Mono> {
        self.drawn = None;
        self.count(parts, votes, counted);
        self.compose(parts, votes, active, counted, now)
    }

    fn compose(
        &mut self,
        parts: &Parts,
        votes: &Votes,
        active: Option<RegionPos>,
        counted: Counted,
        now: Mono,
    ) -> Option<Mono> {
        self.ails = self.cells.iter().any(|verdict| verdict.ailing().is_some());
        let width = parts.components.len();
        self.width = u16::try_from(width).unwrap_or(u16::MAX);
        self.components.clear();
        self.components.resize(width * parts.regions, Verdict::UNKNOWN);
        self.standings.clear();
        let until = Mark::new(None);
        let look = Quorum { cells: &self.cells, parts: &parts.cells, votes, counted, now, until };
        for region in 0..parts.regions {
            let said = &mut self.components[region * width..(region + 1) * width];
            let standing = parts.compose(RegionPos::at(region), active, counted.wide_only, &look, said);
            self.standings.push(standing);
        }
        let until = look.until.get();
        if counted.wide_only {
            for (verdict, cell) in self.cells.iter_mut().zip(&parts.cells) {
                if !cell.wide {
                    *verdict = Verdict::UNKNOWN;
                }
            }
        }
        until
    }

    /// Whether anything at all is slow or down.
    #[must_use]
    pub fn ails(&self) -> bool {
        self.ails
    }

    /// What is said of a cell.
    #[must_use]
    pub fn cell(&self, cell: CellPos) -> Verdict {
        self.cells.get(cell.index()).copied().unwrap_or(Verdict::UNKNOWN)
    }

    /// What is said of a component in a region.
    #[must_use]
    pub fn component(&self, component: ComponentPos, at: RegionPos) -> Verdict {
        let place = at.index() * usize::from(self.width) + component.index();
        self.components.get(place).copied().unwrap_or(Verdict::UNKNOWN)
    }

    /// Since when the service stands at least so bad in a region.
    #[must_use]
    pub fn at_least(&self, at: RegionPos, level: Level) -> Option<Mono> {
        self.standings.get(at.index())?.at_least(level)
    }

    /// How the service stands in a region.
    #[must_use]
    pub fn standing(&self, at: RegionPos) -> Standing {
        self.standings.get(at.index()).copied().unwrap_or_default()
    }
}

/// What one observer, by its own vote alone, makes of a service in a region.
#[must_use]
pub fn own_standing(
    parts: &Parts,
    votes: &Votes,
    me: ObserverPos,
    at: RegionPos,
    active: Option<RegionPos>,
    now: Mono,
) -> Standing {
    let mut components = vec![Verdict::UNKNOWN; parts.components.len()];
    parts.compose(at, active, false, &Own { votes, me, now }, &mut components)
}
