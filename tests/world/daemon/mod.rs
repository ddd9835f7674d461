//! The daemon itself: the real program as our own child, spoken to over its API, and hurt as the world hurts it.

mod cut;
mod ending;
mod killed;
pub(crate) mod program;
mod reload;
mod sandbox;
pub(crate) mod scene;
mod scraped;
mod soak;
mod stall;
mod strikes;
mod systemd;
mod told;
