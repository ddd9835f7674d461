//! Which cells of SAFETY §7's tables this core has come to: for a coverage report, and so that what cannot occur is told
//! when it does.
//!
//! One bit a cell, in place: marking never allocates, and nothing is ever decided by it.

use core::fmt;

use crate::event::AnyCell;
use crate::plan::saga::Cell;

const WORDS: usize = AnyCell::COUNT.div_ceil(64);

/// A set of cells.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Visits([u64; WORDS]);

impl Visits {
    /// One is come to. Answers with it if its table says that it cannot occur: whoever has come there does nothing, and
    /// tells it.
    #[must_use = "what cannot occur is told as an event"]
    pub fn mark(&mut self, cell: AnyCell) -> Option<AnyCell> {
        self.note(cell);
        cell.is_impossible().then_some(cell)
    }

    /// All those of a saga are come to. Answers with the first that cannot occur.
    #[must_use = "what cannot occur is told as an event"]
    pub fn saga(&mut self, cells: &[Cell]) -> Option<AnyCell> {
        let mut odd = None;
        for &cell in cells {
            odd = odd.or(self.mark(AnyCell::Saga(cell)));
        }
        odd
    }

    /// Those of another core too.
    pub fn add(&mut self, other: &Visits) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Whether it was come to.
    #[must_use]
    pub fn has(&self, cell: AnyCell) -> bool {
        let at = cell.index();
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Each that was come to, by table, row and column.
    pub fn each(&self) -> impl Iterator<Item = AnyCell> {
        AnyCell::all().filter(|cell| self.has(*cell))
    }

    /// Each that can occur and was not come to.
    pub fn missed(&self) -> impl Iterator<Item = AnyCell> {
        AnyCell::all().filter(|cell| !cell.is_impossible() && !self.has(*cell))
    }

    /// One is come to whose column has no `#`: there is nothing to tell.
    pub fn note(&mut self, cell: AnyCell) {
        debug_assert!(!cell.is_impossible(), "{cell} cannot occur");
        let at = cell.index();
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
}

/// Only how many: the names are for whoever asks for them.
impl fmt::Debug for Visits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marked: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        write!(f, "Visits({marked} of {})", AnyCell::COUNT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agree::{RecordInput, RecordState};
    use crate::plan::saga::{RunInput, RunState};
    use alloc::string::ToString;
    use alloc::vec::Vec;

    const ADOPTED: AnyCell = AnyCell::Record(RecordState::Absent, RecordInput::Adopt);
    const STARTED: Cell = Cell::Run(RunState::Starting, RunInput::Committed);

    #[test]
    fn what_is_marked_is_named() {
        let mut visits = Visits::default();
        assert_eq!(visits.mark(ADOPTED), None);
        assert_eq!(visits.saga(&[STARTED, STARTED]), None);
        let names: Vec<_> = visits.each().map(|cell| cell.to_string()).collect();
        assert_eq!(names, ["run Starting×committed", "record Absent×adopt"]);
        let all = AnyCell::all().filter(|cell| !cell.is_impossible()).count();
        assert_eq!(visits.missed().count(), all - 2);
        let mut other = Visits::default();
        other.add(&visits);
        assert_eq!(other, visits);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "record Absent×end cannot occur")]
    fn what_cannot_occur_is_an_error_of_ours() {
        assert!(Visits::default().mark(AnyCell::Record(RecordState::Absent, RecordInput::End)).is_some());
    }
}
