//! The tables of the record, SAFETY §7: of the record itself, and of each of its regions.
//!
//! They are data, and total. They know no time and no name: that a region has taken writes for so long, or that a plan
//! is done, is an input like any other. What they say is written by transactions of others.

use core::fmt;

/// What a service's record says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordState {
    /// There is none: nobody has adopted the service.
    #[default]
    Absent,
    /// It is active in one region, and nothing is under way.
    AtRest,
    /// A run that occupies the claim is under way.
    Moving,
    /// At rest, and another region than the active one takes writes.
    Drifted,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordInput {
    /// An operator says where the service is active.
    Adopt,
    /// An operator says so after a world was found that is newer than the coordinator: what is under way here is nothing
    /// that anybody could go on with.
    AdoptNewer,
    /// There is none, and a quorum sees exactly one region take writes.
    SeenWritable,
    /// A run is to be started.
    Start,
    /// The outcome of the commit point sets the active region and the quarantine.
    CommitPoint,
    /// The run has ended.
    End,
    /// It has ended, and what it did was undone.
    EndUndone,
    /// Another region has taken writes for so long that it is no slip.
    DriftSeen,
    /// It does no more.
    DriftOver,
}

/// What a cell of the record's table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordAnswer {
    /// It goes there.
    To(RecordState),
    /// `.`: nothing changes.
    Recorded,
    /// `!`: whoever wants it is told why not.
    Refused,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

/// Whether a region may become the active one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionState {
    /// It may, or it is the active one.
    #[default]
    Candidate,
    /// It lost the role, and has not yet proved the present epoch.
    Quarantined,
    /// It has proved it, and has not been well for long enough.
    Rejoined,
}

/// What can happen to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionInput {
    /// The service has moved away from it.
    LostRole,
    /// The service has moved to it, or was adopted there: somebody passed its quarantine.
    TookRole,
    /// Its rejoin plan is done, under the present epoch.
    RejoinDone,
    /// It has been up for so long.
    WellLongEnough,
    /// An operator lets it be a candidate.
    Release,
    /// A failover raises the epoch: what was proved of it is of an older one.
    EpochRaised,
}

/// What a cell of a region's table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionAnswer {
    /// It goes there.
    To(RegionState),
    /// `.`: nothing changes.
    Recorded,
    /// `!`: whoever wants it is told why not.
    Refused,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

impl RecordState {
    /// Every state.
    pub const ALL: [RecordState; 4] =
        [RecordState::Absent, RecordState::AtRest, RecordState::Moving, RecordState::Drifted];

    /// What a record is, by what is known: there is one, a run is in it, and another region has taken writes for too
    /// long. While a run is under way nobody can tell drift from what the run does.
    #[must_use]
    pub const fn of(there: bool, runs: bool, drifted: bool) -> RecordState {
        match (there, runs, drifted) {
            (false, _, _) => RecordState::Absent,
            (true, true, _) => RecordState::Moving,
            (true, false, true) => RecordState::Drifted,
            (true, false, false) => RecordState::AtRest,
        }
    }
}

impl RecordInput {
    /// Every input.
    pub const ALL: [RecordInput; 9] = [
        RecordInput::Adopt,
        RecordInput::AdoptNewer,
        RecordInput::SeenWritable,
        RecordInput::Start,
        RecordInput::CommitPoint,
        RecordInput::End,
        RecordInput::EndUndone,
        RecordInput::DriftSeen,
        RecordInput::DriftOver,
    ];
}

impl RegionState {
    /// Every state.
    pub const ALL: [RegionState; 3] =
        [RegionState::Candidate, RegionState::Quarantined, RegionState::Rejoined];

    /// What a region is, by what the record says of it.
    #[must_use]
    pub const fn of(quarantined: bool, rejoined: bool) -> RegionState {
        match (quarantined, rejoined) {
            (false, _) => RegionState::Candidate,
            (true, false) => RegionState::Quarantined,
            (true, true) => RegionState::Rejoined,
        }
    }
}

impl RegionInput {
    /// Every input.
    pub const ALL: [RegionInput; 6] = [
        RegionInput::LostRole,
        RegionInput::TookRole,
        RegionInput::RejoinDone,
        RegionInput::WellLongEnough,
        RegionInput::Release,
        RegionInput::EpochRaised,
    ];
}

const X: RecordAnswer = RecordAnswer::Impossible;
const P: RecordAnswer = RecordAnswer::Recorded;
const N: RecordAnswer = RecordAnswer::Refused;
const R: RecordAnswer = RecordAnswer::To(RecordState::AtRest);
const M: RecordAnswer = RecordAnswer::To(RecordState::Moving);
const D: RecordAnswer = RecordAnswer::To(RecordState::Drifted);

#[rustfmt::skip]
const TABLE: [[RecordAnswer; 9]; 4] = [
    // adopt newer seen start commit end undone drift over
    [R,      R,    R,   N,    X,     X,  X,     X,    X], // Absent
    [R,      R,    X,   M,    X,     X,  X,     D,    P], // At rest
    [N,      R,    X,   N,    M,     R,  R,     P,    P], // Moving
    [R,      R,    X,   N,    X,     X,  X,     X,    R], // Drifted
];

const GX: RegionAnswer = RegionAnswer::Impossible;
const GP: RegionAnswer = RegionAnswer::Recorded;
const GN: RegionAnswer = RegionAnswer::Refused;
const GC: RegionAnswer = RegionAnswer::To(RegionState::Candidate);
const GQ: RegionAnswer = RegionAnswer::To(RegionState::Quarantined);
const GR: RegionAnswer = RegionAnswer::To(RegionState::Rejoined);

#[rustfmt::skip]
const REGIONS: [[RegionAnswer; 6]; 3] = [
    // lost took done well release raised
    [GQ,    GP,  GP,  GX,  GN,     GP], // Candidate
    [GX,    GC,  GR,  GX,  GC,     GP], // Quarantined
    [GX,    GC,  GP,  GC,  GC,     GQ], // Rejoined
];

/// What the cell says that a record in this state comes to by this input.
#[must_use]
pub fn record_cell(state: RecordState, input: RecordInput) -> RecordAnswer {
    TABLE.get(state as usize).and_then(|row| row.get(input as usize)).copied().unwrap_or(X)
}

/// What the cell says that a region in this state comes to by this input.
#[must_use]
pub fn region_cell(state: RegionState, input: RegionInput) -> RegionAnswer {
    REGIONS.get(state as usize).and_then(|row| row.get(input as usize)).copied().unwrap_or(GX)
}

/// Every cell of the record's table, state by state.
pub fn record_cells() -> impl Iterator<Item = (RecordState, RecordInput)> {
    RecordState::ALL
        .into_iter()
        .flat_map(|state| RecordInput::ALL.into_iter().map(move |input| (state, input)))
}

/// Every cell of the regions' table, state by state.
pub fn region_cells() -> impl Iterator<Item = (RegionState, RegionInput)> {
    RegionState::ALL
        .into_iter()
        .flat_map(|state| RegionInput::ALL.into_iter().map(move |input| (state, input)))
}

impl fmt::Display for RecordState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordState::Absent => "Absent",
            RecordState::AtRest => "At rest",
            RecordState::Moving => "Moving",
            RecordState::Drifted => "Drifted",
        })
    }
}

impl fmt::Display for RecordInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordInput::Adopt => "adopt",
            RecordInput::AdoptNewer => "adopt from a newer world",
            RecordInput::SeenWritable => "seen writable",
            RecordInput::Start => "start",
            RecordInput::CommitPoint => "commit point",
            RecordInput::End => "end",
            RecordInput::EndUndone => "end, undone",
            RecordInput::DriftSeen => "drift seen",
            RecordInput::DriftOver => "drift over",
        })
    }
}

impl fmt::Display for RecordAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordAnswer::To(state) => write!(f, "{state}"),
            RecordAnswer::Recorded => f.write_str("."),
            RecordAnswer::Refused => f.write_str("!"),
            RecordAnswer::Impossible => f.write_str("#"),
        }
    }
}

impl fmt::Display for RegionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegionState::Candidate => "Candidate",
            RegionState::Quarantined => "Quarantined",
            RegionState::Rejoined => "Rejoined",
        })
    }
}

impl fmt::Display for RegionInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegionInput::LostRole => "lost the role",
            RegionInput::TookRole => "took the role",
            RegionInput::RejoinDone => "rejoin done",
            RegionInput::WellLongEnough => "well long enough",
            RegionInput::Release => "release",
            RegionInput::EpochRaised => "epoch raised",
        })
    }
}

impl fmt::Display for RegionAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegionAnswer::To(state) => write!(f, "{state}"),
            RegionAnswer::Recorded => f.write_str("."),
            RegionAnswer::Refused => f.write_str("!"),
            RegionAnswer::Impossible => f.write_str("#"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    #[test]
    fn a_run_starts_only_at_rest() {
        let moving = RecordAnswer::To(RecordState::Moving);
        for (state, input) in record_cells().filter(|(_, input)| *input == RecordInput::Start) {
            let answer = record_cell(state, input);
            assert_eq!(answer == moving, state == RecordState::AtRest, "{state} × {input}");
            assert!(answer == moving || answer == RecordAnswer::Refused, "{state} × {input}");
        }
        assert_eq!(RecordState::of(true, true, true), RecordState::Moving, "a run is no drift");
        assert_eq!(RecordState::of(true, false, true), RecordState::Drifted);
        assert_eq!(RecordState::of(false, false, false), RecordState::default());
    }

    #[test]
    fn drift_ends_by_adoption_or_by_itself() {
        let out: Vec<String> = RecordInput::ALL
            .into_iter()
            .filter(|input| {
                matches!(record_cell(RecordState::Drifted, *input), RecordAnswer::To(to) if to != RecordState::Drifted)
            })
            .map(|input| input.to_string())
            .collect();
        assert_eq!(out, ["adopt", "adopt from a newer world", "drift over"]);
    }

    #[test]
    fn the_active_region_moves_only_while_a_run_does() {
        for (state, input) in record_cells().filter(|(_, input)| *input == RecordInput::CommitPoint) {
            let possible = record_cell(state, input) != RecordAnswer::Impossible;
            assert_eq!(possible, state == RecordState::Moving, "{state} × {input}");
        }
    }

    #[test]
    fn nobody_is_a_candidate_again_by_time_alone() {
        let cell = |state, input| region_cell(state, input);
        assert_eq!(RegionState::of(true, false), RegionState::Quarantined);
        assert_eq!(cell(RegionState::Quarantined, RegionInput::WellLongEnough), GX);
        assert_eq!(cell(RegionState::Quarantined, RegionInput::RejoinDone), GR);
        assert_eq!(cell(RegionState::Rejoined, RegionInput::WellLongEnough), GC);
        assert_eq!(
            cell(RegionState::Rejoined, RegionInput::EpochRaised),
            GQ,
            "it must prove the present epoch"
        );
        assert_eq!(RegionState::of(false, true), RegionState::Candidate);
        assert_eq!(region_cells().count(), 18);
    }
}
