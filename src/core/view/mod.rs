//! Pure readers over `&State`, for people: status, why, gates, worst cases, our own vote. They change nothing, and need nothing but what is
//! there.

mod gate;
mod looks;
mod names;
mod preview;
mod status;
mod story;
mod vote;
mod why;
mod worst;

pub use gate::{Traffic, traffic};
pub use looks::{Asked, asked_by, step_of, takes_users};
pub use preview::{GateView, Preview, Says, answers, preview};
pub use status::{RegionStatus, RunStatus, Status, status};
pub use story::{Story, story};
pub use vote::own_vote;
pub use why::{gates, stated, why, would};
pub use worst::{WorstCase, worst_cases};

pub use names::Named;
