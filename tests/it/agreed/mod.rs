//! The embedded coordinator: it means by guards and writes what the simulation's does, and what it keeps reads back.

mod any;
mod model;
mod round;
mod same;
