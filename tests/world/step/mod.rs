//! Steps against real servers: done, done already, nobody there, a black hole, an answer that is lost, a secret that is
//! wrong, and a call that comes too late.

pub(crate) mod dns;
mod fence;
mod postgres;
mod proxy;
mod redis;
#[path = "../../it/step/rig.rs"]
mod rig;
