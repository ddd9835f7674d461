//! What this observer does beside watching: it keeps a session, votes, holds claims, asks, starts and carries runs.
//!
//! Level-triggered like everything here: one look at what is ([`advance`]), whatever happened. Nothing in here may hand
//! anything to the outside whose intent is not durable, or without the right to act as of this moment.

pub(super) mod session;

use crate::agree::{Answer, TxnId, Velocity};
use crate::input::Finished;
use crate::order::Order;
use crate::state::State;
use crate::time::Now;

use super::out::Out;

/// What became of a transaction.
pub(super) fn answered(_state: &mut State, _id: TxnId, _answer: &Answer, _now: Now, _out: &mut Out) {}

/// A call has ended.
pub(super) fn finished(_state: &mut State, _finished: Finished, _now: Now, _out: &mut Out) {}

/// An operator said something.
pub(super) fn ordered(_state: &mut State, _order: Order, _now: Now, _out: &mut Out) {}

/// The velocity counter has changed.
pub(super) fn velocity(_state: &mut State, _revision: u64, _velocity: &Velocity, _now: Now) {}
