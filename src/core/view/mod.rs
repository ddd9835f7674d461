//! Pure readers over `&State`, for people: why, gates, our own vote. They change nothing, and need nothing but what is
//! there.

mod names;
mod vote;
mod why;

pub use vote::own_vote;
pub use why::{gates, why, would};

pub use names::Named;
