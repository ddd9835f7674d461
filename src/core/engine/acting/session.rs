//! The session: renewed while there is a coordinator, and what everybody's pulses say.

use crate::agree::Pulse;
use crate::ids::Name;
use crate::state::State;
use crate::time::Now;

/// An observer's pulse has changed.
pub(in crate::engine) fn pulse(
    _state: &mut State,
    _who: &Name,
    _revision: u64,
    _pulse: Option<Pulse>,
    _now: Now,
) {
}
