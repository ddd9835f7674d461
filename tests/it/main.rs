//! Tests of the whole package against the world outside it; so far that is the configs in `tests/config/sketches`.
//!
//! It reads nothing outside the project, and must never reach into the core past what a shell can.

mod holding;
mod sketch;
