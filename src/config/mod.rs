//! What operators write, read once and checked; everyone stands on it, so it stands on the core alone.
//!
//! It may read files and the environment. It must never call, probe or decide anything.

pub mod expr;
pub mod probe;
pub mod secret;
