//! Tests of the whole package against the world outside it; and of its config language by itself.
//!
//! It reads nothing outside the project, and must never reach into the core past what a shell can.

mod config;
mod holding;
mod sketch;
