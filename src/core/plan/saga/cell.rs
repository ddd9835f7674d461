//! The name of a cell, so that a coverage report can say which were visited.
//!
//! It must never decide anything: the tables do.

use super::run_table::{RunAnswer, RunInput, RunState, run_cell};
use super::step_table::{StepAnswer, StepInput, StepRow, step_cell};
use core::fmt;

/// A cell of one of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Of the table of a step.
    Step(StepRow, StepInput),
    /// Of the table of a run.
    Run(RunState, RunInput),
}

const RUN: usize = StepRow::COUNT * StepInput::ALL.len();

impl Cell {
    /// So many cells there are.
    pub const COUNT: usize = RUN + RunState::ALL.len() * RunInput::ALL.len();

    /// Its place among all: the table of a step first, then that of a run, each row by row.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Cell::Step(row, input) => row.index() * StepInput::ALL.len() + input as usize,
            Cell::Run(state, input) => RUN + state as usize * RunInput::ALL.len() + input as usize,
        }
    }

    /// Whether the table says that it cannot occur.
    #[must_use]
    pub fn is_impossible(self) -> bool {
        match self {
            Cell::Step(row, input) => step_cell(row, input) == StepAnswer::Impossible,
            Cell::Run(state, input) => run_cell(state, input) == RunAnswer::Impossible,
        }
    }
}

/// `C×timeout`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Step(row, input) => write!(f, "{row}×{input}"),
            Cell::Run(state, input) => write!(f, "{state}×{input}"),
        }
    }
}
