//! How bad it is, as the plan's owners name it, and the story of one service's trouble.
//!
//! [`ladder`] has the rungs and the three presets; [`incident`] moves by SAFETY §7's table. Severity climbs as trouble
//! lasts and falls only by closing; nobody is told before a rung is reached.

pub mod incident;
mod incident_table;
pub mod ladder;

pub use incident::{Incident, Stage, Turn};
pub use incident_table::{IncidentAnswer, IncidentInput, incident_cell, incident_cells};
pub use ladder::{Impact, Ladder, Objectives, Preset, Rung};
