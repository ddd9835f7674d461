//! Tests of the saga: the tables as they were agreed, directed runs, and random ones in a world that answers anything.

mod directed;
#[cfg(feature = "mutants")]
mod mutants;
mod random;
mod tables;
mod world;
