//! The pure core of Watchkeeper: `fn step(&mut State, Input, Now) -> Vec<Effect>`.
//!
//! It does no I/O, reads no clock and cannot fail; the compiler keeps that wall, since the crate is `no_std` and
//! has no dependency. Read it in the order of the modules below: each may use only those above it (kept by
//! `tests/tidy.rs`). A need for I/O in here is an [`input`] and an [`effect`] that
//! are still missing.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod ids;
pub mod mutants;
pub mod time;

pub mod agree;
pub mod authority;
pub mod decide;
pub mod effect;
pub mod engine;
pub mod event;
pub mod health;
pub mod input;
pub mod order;
pub mod plan;
pub mod policy;
pub mod severity;
pub mod state;
pub mod verdict;
pub mod view;
