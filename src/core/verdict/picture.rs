//! All verdicts on one service at one moment, drawn from its votes. It holds no history.

use alloc::vec;
use alloc::vec::Vec;

use super::quorum::Counted;
use super::standing::Look;
use super::{Cell, Observers, Parts, Standing, Verdict, Votes};
use crate::ids::{CellPos, ComponentPos, ObserverPos, ProbePos, RegionPos};
use crate::time::{Mono, Span};

/// Evidence of a witness that is older no longer says that anything lives: a link that hears nothing closes itself by
/// then (PostgreSQL's `wal_receiver_timeout` is a minute).
pub const EVIDENCE: Span = Span::secs(60);

/// What the counted votes say of each cell, component and region.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    cells: Vec<Verdict>,
    components: Vec<Verdict>,
    standings: Vec<Standing>,
}

struct Quorum<'a> {
    cells: &'a [Verdict],
    parts: &'a [Cell],
    votes: &'a Votes,
    counted: Counted,
    now: Mono,
}

impl Look for Quorum<'_> {
    fn verdict(&self, cell: CellPos) -> Verdict {
        self.cells.get(cell.index()).copied().unwrap_or(Verdict::UNKNOWN)
    }
    fn lives(&self, pos: CellPos, after: Mono) -> bool {
        let after = after.max(self.now.before(EVIDENCE));
        self.parts.get(pos.index()).is_some_and(|cell| self.votes.lives(pos, cell, self.counted, after))
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
    /// Draws it anew; what was drawn before is gone, its memory is used again.
    pub fn draw(
        &mut self,
        parts: &Parts,
        votes: &Votes,
        active: Option<RegionPos>,
        counted: Counted,
        now: Mono,
    ) {
        self.cells.clear();
        self.cells.extend(
            parts.cells.iter().enumerate().map(|(i, cell)| votes.verdict(CellPos::at(i), cell, counted)),
        );
        let width = parts.components.len();
        self.components.clear();
        self.components.resize(width * parts.regions, Verdict::UNKNOWN);
        self.standings.clear();
        let look = Quorum { cells: &self.cells, parts: &parts.cells, votes, counted, now };
        for region in 0..parts.regions {
            let said = &mut self.components[region * width..(region + 1) * width];
            let standing = parts.compose(RegionPos::at(region), active, counted.wide_only, &look, said);
            self.standings.push(standing);
        }
        if counted.wide_only {
            for (verdict, cell) in self.cells.iter_mut().zip(&parts.cells) {
                if !cell.wide {
                    *verdict = Verdict::UNKNOWN;
                }
            }
        }
    }

    /// What is said of a cell.
    #[must_use]
    pub fn cell(&self, cell: CellPos) -> Verdict {
        self.cells.get(cell.index()).copied().unwrap_or(Verdict::UNKNOWN)
    }

    /// What is said of a component in a region.
    #[must_use]
    pub fn component(&self, component: ComponentPos, at: RegionPos) -> Verdict {
        let width = self.components.len() / self.standings.len().max(1);
        self.components.get(at.index() * width + component.index()).copied().unwrap_or(Verdict::UNKNOWN)
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
