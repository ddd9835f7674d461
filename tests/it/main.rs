//! Tests of the whole package against the world outside it: its config language by itself, files that are torn off in
//! mid-write, daemons with real sockets.
//!
//! It reads nothing outside the project, and must never reach into the core past what a shell can.

mod agreed;
mod chronicled;
mod commands;
mod config;
mod demonstrated;
mod holding;
mod living;
mod ordered;
mod sketch;
mod step;
mod stored;
mod told;
mod toy;
