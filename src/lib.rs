//! Watchkeeper, the daemon that executes a disaster-recovery plan. This is the map of the house.
//!
//! What exists today is the pure core, [`core`]: it turns samples, votes and facts into judgements and can say
//! why. The shells that probe, store, tell and act stand on it and are not built yet. Nothing in this file may
//! ever hold logic: it only names the rooms.

pub use watchkeeper_core as core;
