//! Worlds that are aimed at one rule: a shape and a schedule of faults that make it bite, with what chance leaves open.
//! Their seeds begin at [`AIMED`], so that every ordinary world stays as it is.

/// The first seed of them.
pub(crate) const AIMED: u64 = 1_000_000_000_000;
