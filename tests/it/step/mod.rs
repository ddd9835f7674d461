//! Steps as the daemon carries them out: from the config that an operator writes, through the runner, to a provider with
//! a real socket that keeps an account of what it was sent.

mod exec;
mod http;
mod others;
mod outputs;
pub(crate) mod provider;
pub(crate) mod rig;
mod runner;
