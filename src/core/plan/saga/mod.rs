//! The saga: one run of a plan, from its durable start to its end, as a fold over its journal and a look at what is.
//!
//! ```text
//! Heard --tell--> facts --transaction--> Entry --fold--> Ledger --advance--> Want
//!                                        Entry, Entry, … --replay--> the same Ledger
//! ```
//!
//! The two tables of SAFETY §7 are data here ([`step_cell`], [`run_cell`]), and whatever moves, moves by them. Nothing in
//! here may read a clock, know a step kind, or want an effect whose intent is not durable.

mod advance;
mod asks;
mod begin;
mod cell;
mod clock;
mod guards;
mod ledger;
mod look;
mod order;
mod position;
mod run;
mod run_table;
mod step_table;
mod want;
mod watch;

#[cfg(test)]
mod tests;

pub use asks::{Asks, Point};
pub use cell::Cell;
pub use run::Run;
pub use run_table::{RunAnswer, RunInput, RunState, run_cell, run_cells};
pub use step_table::{StepAnswer, StepInput, StepRow, StepState, step_cell, step_cells};
pub use want::{Answer, Commit, Facts, Heard, HeldWhy, Page, Told, Verb, Want, Why};
