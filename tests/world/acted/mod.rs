//! The daemon acts on real servers: what was broken for real is moved, mended or refused for real.

pub(crate) mod cache;
mod database;
mod disturbed;
mod exposure;
mod failover;
mod home;
mod inspected;
mod killed;
mod line;
mod loss;
mod paused;
pub(crate) mod shop;
mod web;
