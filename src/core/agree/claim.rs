//! The table of a claim, SAFETY §7: who may act for a service, and when that ends.
//!
//! It is data, and total. It knows no time: that a deadline has passed is an input like any other.

use core::fmt;

/// What this observer has of a service's claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimState {
    /// Nothing.
    #[default]
    Idle,
    /// It tries to take it.
    Taking,
    /// It has it, and reads record and journal.
    Restoring,
    /// It may act.
    Holding,
    /// Its session may be over: no transaction, no call.
    Frozen,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimInput {
    /// It is free, we are fit, and it is our turn.
    Free,
    /// It is ours: by an answer, or found so.
    Granted,
    /// The transaction was refused.
    Refused,
    /// Nobody knows what became of it.
    Unknown,
    /// Record and journal are read.
    Read,
    /// The session's deadline has passed.
    Deadline,
    /// A renewal was acknowledged, and the claim was created when it was.
    Renewed,
    /// Another holds it, or nobody does, or it was created anew.
    Gone,
    /// We gave it up.
    GaveUp,
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimAnswer {
    /// It goes there.
    To(ClaimState),
    /// Lost: all that is not durable is dropped, and it goes to Idle.
    Lost,
    /// `.`: nothing changes.
    Recorded,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

impl ClaimState {
    /// Every state.
    pub const ALL: [ClaimState; 5] = [
        ClaimState::Idle,
        ClaimState::Taking,
        ClaimState::Restoring,
        ClaimState::Holding,
        ClaimState::Frozen,
    ];
}

impl ClaimInput {
    /// Every input.
    pub const ALL: [ClaimInput; 9] = [
        ClaimInput::Free,
        ClaimInput::Granted,
        ClaimInput::Refused,
        ClaimInput::Unknown,
        ClaimInput::Read,
        ClaimInput::Deadline,
        ClaimInput::Renewed,
        ClaimInput::Gone,
        ClaimInput::GaveUp,
    ];
}

const X: ClaimAnswer = ClaimAnswer::Impossible;
const P: ClaimAnswer = ClaimAnswer::Recorded;
const L: ClaimAnswer = ClaimAnswer::Lost;
const I: ClaimAnswer = ClaimAnswer::To(ClaimState::Idle);
const T: ClaimAnswer = ClaimAnswer::To(ClaimState::Taking);
const R: ClaimAnswer = ClaimAnswer::To(ClaimState::Restoring);
const H: ClaimAnswer = ClaimAnswer::To(ClaimState::Holding);
const F: ClaimAnswer = ClaimAnswer::To(ClaimState::Frozen);

#[rustfmt::skip]
const TABLE: [[ClaimAnswer; 9]; 5] = [
    // free grant refuse unknown read deadline renewed gone gave up
    [T,     R,    P,     P,      P,   P,       P,      P,   P], // Idle
    [X,     R,    I,     T,      X,   P,       P,      I,   X], // Taking
    [X,     P,    P,     P,      H,   L,       P,      L,   L], // Restoring
    [X,     P,    P,     P,      P,   F,       P,      L,   L], // Holding
    [X,     P,    P,     P,      P,   P,       H,      L,   L], // Frozen
];

/// What the cell says that a claim in this state comes to by this input.
#[must_use]
pub fn claim_cell(state: ClaimState, input: ClaimInput) -> ClaimAnswer {
    TABLE.get(state as usize).and_then(|row| row.get(input as usize)).copied().unwrap_or(X)
}

/// Every cell, state by state.
pub fn claim_cells() -> impl Iterator<Item = (ClaimState, ClaimInput)> {
    ClaimState::ALL.into_iter().flat_map(|state| ClaimInput::ALL.into_iter().map(move |input| (state, input)))
}

impl fmt::Display for ClaimState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClaimState::Idle => "Idle",
            ClaimState::Taking => "Taking",
            ClaimState::Restoring => "Restoring",
            ClaimState::Holding => "Holding",
            ClaimState::Frozen => "Frozen",
        })
    }
}

impl fmt::Display for ClaimInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClaimInput::Free => "free",
            ClaimInput::Granted => "granted",
            ClaimInput::Refused => "refused",
            ClaimInput::Unknown => "unknown",
            ClaimInput::Read => "read",
            ClaimInput::Deadline => "deadline",
            ClaimInput::Renewed => "renewed",
            ClaimInput::Gone => "gone",
            ClaimInput::GaveUp => "given up",
        })
    }
}

/// As the tables are written.
impl fmt::Display for ClaimAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClaimAnswer::To(state) => write!(f, "{state}"),
            ClaimAnswer::Lost => f.write_str("lost"),
            ClaimAnswer::Recorded => f.write_str("."),
            ClaimAnswer::Impossible => f.write_str("#"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_that_is_late_freezes_and_comes_back_only_by_a_renewal() {
        let to = |state, input| claim_cell(state, input);
        assert_eq!(to(ClaimState::Holding, ClaimInput::Deadline), F);
        assert_eq!(to(ClaimState::Frozen, ClaimInput::Read), P);
        assert_eq!(to(ClaimState::Frozen, ClaimInput::Granted), P);
        assert_eq!(to(ClaimState::Frozen, ClaimInput::Renewed), H);
        assert_eq!(to(ClaimState::Frozen, ClaimInput::Gone), L);
    }

    #[test]
    fn nobody_holds_without_having_read() {
        for state in ClaimState::ALL.into_iter().filter(|state| !matches!(state, ClaimState::Frozen)) {
            for input in ClaimInput::ALL.into_iter().filter(|input| *input != ClaimInput::Read) {
                assert_ne!(claim_cell(state, input), H, "{state} × {input}");
            }
        }
    }
}
