//! Watchkeeper, the daemon that executes a disaster-recovery plan. This is the map of the house.
//!
//! The pure core, [`core`], turns samples, votes and facts into judgements and can say why. The shells stand on it:
//! [`config`] is what operators write, [`probe`] looks at the world, [`step`] changes it,
//! [`notify`] tells people. Nothing in this file may ever hold logic: it only
//! names the rooms.

pub use watchkeeper_core as core;

pub mod api;
pub mod chronicle;
pub mod cli;
pub mod config;
pub mod coord;
pub mod daemon;
pub mod demo;
pub mod notify;
pub mod probe;
pub mod step;
pub mod store;
