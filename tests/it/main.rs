//! Tests of the whole package against the world outside it: configs, files that are torn off in mid-write, daemons.
//!
//! It reads nothing outside the project, and must never reach into the core past what a shell can.

mod agreed;
mod chronicled;
mod holding;
mod living;
mod sketch;
mod stored;
mod toy;
