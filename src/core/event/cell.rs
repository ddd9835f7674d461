//! The name of a cell of any of SAFETY §7's tables, so that a coverage report, and the event `impossible`, can say which.
//!
//! It must never decide anything: the tables do.

use core::fmt;

use crate::agree::{ClaimAnswer, ClaimInput, ClaimState, claim_cell, claim_cells};
use crate::agree::{RecordAnswer, RecordInput, RecordState, record_cell, record_cells};
use crate::agree::{RegionAnswer, RegionInput, RegionState, region_cell, region_cells};
use crate::plan::saga::{Cell, run_cells, step_cells};
use crate::severity::{IncidentAnswer, IncidentInput, Stage, incident_cell, incident_cells};

/// A cell of any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyCell {
    /// Of a step or a run.
    Saga(Cell),
    /// Of a record.
    Record(RecordState, RecordInput),
    /// Of one of its regions.
    Region(RegionState, RegionInput),
    /// Of an incident.
    Incident(Stage, IncidentInput),
    /// Of a claim.
    Claim(ClaimState, ClaimInput),
}

const RECORD: usize = Cell::COUNT;
const REGION: usize = RECORD + RecordState::ALL.len() * RecordInput::ALL.len();
const INCIDENT: usize = REGION + RegionState::ALL.len() * RegionInput::ALL.len();
const CLAIM: usize = INCIDENT + Stage::ALL.len() * IncidentInput::ALL.len();

impl AnyCell {
    /// So many cells there are.
    pub const COUNT: usize = CLAIM + ClaimState::ALL.len() * ClaimInput::ALL.len();

    /// Every cell of every table, in the order of [`AnyCell::index`].
    pub fn all() -> impl Iterator<Item = AnyCell> {
        let saga = step_cells().chain(run_cells()).map(AnyCell::Saga);
        let record = record_cells().map(|(state, input)| AnyCell::Record(state, input));
        let region = region_cells().map(|(state, input)| AnyCell::Region(state, input));
        let incident = incident_cells().map(|(stage, input)| AnyCell::Incident(stage, input));
        let claim = claim_cells().map(|(state, input)| AnyCell::Claim(state, input));
        saga.chain(record).chain(region).chain(incident).chain(claim)
    }

    /// Its place among all.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            AnyCell::Saga(cell) => cell.index(),
            AnyCell::Record(state, input) => {
                RECORD + state as usize * RecordInput::ALL.len() + input as usize
            }
            AnyCell::Region(state, input) => {
                REGION + state as usize * RegionInput::ALL.len() + input as usize
            }
            AnyCell::Incident(stage, input) => {
                INCIDENT + stage as usize * IncidentInput::ALL.len() + input as usize
            }
            AnyCell::Claim(state, input) => CLAIM + state as usize * ClaimInput::ALL.len() + input as usize,
        }
    }

    /// `#`: whether its table says that it cannot occur.
    #[must_use]
    pub fn is_impossible(self) -> bool {
        match self {
            AnyCell::Saga(cell) => cell.is_impossible(),
            AnyCell::Record(state, input) => record_cell(state, input) == RecordAnswer::Impossible,
            AnyCell::Region(state, input) => region_cell(state, input) == RegionAnswer::Impossible,
            AnyCell::Incident(stage, input) => incident_cell(stage, input) == IncidentAnswer::Impossible,
            AnyCell::Claim(state, input) => claim_cell(state, input) == ClaimAnswer::Impossible,
        }
    }
}

/// `step C×timeout`: the table, the row, the column.
impl fmt::Display for AnyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyCell::Saga(cell @ Cell::Step(..)) => write!(f, "step {cell}"),
            AnyCell::Saga(cell @ Cell::Run(..)) => write!(f, "run {cell}"),
            AnyCell::Record(state, input) => write!(f, "record {state}×{input}"),
            AnyCell::Region(state, input) => write!(f, "region {state}×{input}"),
            AnyCell::Incident(stage, input) => write!(f, "incident {stage}×{input}"),
            AnyCell::Claim(state, input) => write!(f, "claim {state}×{input}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::{String, ToString};

    #[test]
    fn every_cell_has_a_place_and_a_name_of_its_own() {
        assert!(AnyCell::all().map(AnyCell::index).eq(0..AnyCell::COUNT));
        let names: BTreeSet<String> = AnyCell::all().map(|cell| cell.to_string()).collect();
        assert_eq!(names.len(), AnyCell::COUNT);
    }
}
