//! May we act, and why (not): which scenario acts, which region can take over, and every gate.
//!
//! Leaf functions over facts that the engine hands in; they hold no state, know no service list, and never start
//! anything. A gate always says why, with its numbers.

pub mod candidate;
pub mod cooldown;
pub mod explain;
pub mod gates;
pub mod reason;
pub mod scenario;
pub mod situation;

pub use candidate::{Candidate, Unfit};
pub use cooldown::{Cooldown, Limits};
pub use gates::{Answer, By, Cap, Gate, Gates, Mode, Passer, Reason, Situation};
pub use scenario::{Arming, Scenario};
