//! The table of an incident, SAFETY §7: from the first failed sample to the end of the story.
//!
//! It is data, and total. It knows no time and no rung: that something has been quiet for so long, or that a rung is
//! higher than the one in force, is an input like any other. Nothing in here may ever lower a severity but by closing.

use core::fmt;

use super::incident::{Stage, Turn};

/// What can happen to an incident, or to where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentInput {
    /// A trigger sample has failed, and neither rung nor scenario holds.
    Trouble,
    /// Nothing holds, and no trouble is in sight.
    Quiet,
    /// A rung or a scenario holds, and none that is higher than what is in force.
    Holds,
    /// One holds that is higher than what is in force.
    Higher,
    /// Nothing has held for `stable`; trouble is in sight that matches nothing.
    StableInTrouble,
    /// Nothing has held for `stable`, and no trouble is in sight.
    Stable,
    /// For `blind_page` nobody has known the active region to be up.
    BlindPage,
    /// The record knows a higher number.
    Number,
    /// The config was read anew, and rungs may have other places.
    Reload,
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentAnswer {
    /// It goes there, and that is how it is told.
    To(Stage, Turn),
    /// People are paged, once; the story stands where it stood.
    Page,
    /// The number is taken over.
    Learned,
    /// `.`: recorded, nothing changes.
    Recorded,
    /// `#`: it cannot occur; nothing changes.
    Impossible,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 4] = [Stage::None, Stage::Blip, Stage::Open, Stage::Recovering];
}

impl IncidentInput {
    /// Every input.
    pub const ALL: [IncidentInput; 9] = [
        IncidentInput::Trouble,
        IncidentInput::Quiet,
        IncidentInput::Holds,
        IncidentInput::Higher,
        IncidentInput::StableInTrouble,
        IncidentInput::Stable,
        IncidentInput::BlindPage,
        IncidentInput::Number,
        IncidentInput::Reload,
    ];
}

const X: IncidentAnswer = IncidentAnswer::Impossible;
const P: IncidentAnswer = IncidentAnswer::Recorded;
const PAGE: IncidentAnswer = IncidentAnswer::Page;
const LEARN: IncidentAnswer = IncidentAnswer::Learned;
const BLIP: IncidentAnswer = IncidentAnswer::To(Stage::Blip, Turn::Blipped);
const PASS: IncidentAnswer = IncidentAnswer::To(Stage::None, Turn::Passed);
const OPEN: IncidentAnswer = IncidentAnswer::To(Stage::Open, Turn::Opened);
const MORE: IncidentAnswer = IncidentAnswer::To(Stage::Open, Turn::Raised);
const FLAP: IncidentAnswer = IncidentAnswer::To(Stage::Open, Turn::Flapped);
const CALM: IncidentAnswer = IncidentAnswer::To(Stage::Recovering, Turn::Recovering);
const OVER: IncidentAnswer = IncidentAnswer::To(Stage::None, Turn::Closed);
/// Trouble that is in sight but matches nothing belongs to the next story.
const NEXT: IncidentAnswer = IncidentAnswer::To(Stage::Blip, Turn::Closed);

/// A page for a blind region would say nothing new while an incident is open: its own page has been sent.
#[rustfmt::skip]
const TABLE: [[IncidentAnswer; 9]; 4] = [
    // trouble quiet  holds higher stable+trouble stable blind number reload
    [BLIP,     P,     OPEN, OPEN,  X,             X,     PAGE, LEARN, P], // None
    [P,        PASS,  OPEN, OPEN,  X,             X,     PAGE, LEARN, P], // Blip
    [CALM,     CALM,  P,    MORE,  X,             X,     P,    P,     P], // Open
    [P,        P,     FLAP, MORE,  NEXT,          OVER,  PAGE, P,     P], // Recovering
];

/// What the cell says that an incident at this stage comes to by this input.
#[must_use]
pub fn incident_cell(stage: Stage, input: IncidentInput) -> IncidentAnswer {
    TABLE.get(stage as usize).and_then(|row| row.get(input as usize)).copied().unwrap_or(X)
}

/// Every cell, stage by stage.
pub fn incident_cells() -> impl Iterator<Item = (Stage, IncidentInput)> {
    Stage::ALL.into_iter().flat_map(|stage| IncidentInput::ALL.into_iter().map(move |input| (stage, input)))
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::None => "None",
            Stage::Blip => "Blip",
            Stage::Open => "Open",
            Stage::Recovering => "Recovering",
        })
    }
}

impl fmt::Display for IncidentInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IncidentInput::Trouble => "trouble",
            IncidentInput::Quiet => "quiet",
            IncidentInput::Holds => "holds",
            IncidentInput::Higher => "a higher one holds",
            IncidentInput::StableInTrouble => "stable, in trouble",
            IncidentInput::Stable => "stable",
            IncidentInput::BlindPage => "blind for too long",
            IncidentInput::Number => "a higher number",
            IncidentInput::Reload => "reload",
        })
    }
}

/// As the tables are written.
impl fmt::Display for IncidentAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IncidentAnswer::To(stage, _) => write!(f, "{stage}"),
            IncidentAnswer::Page => f.write_str("page"),
            IncidentAnswer::Learned => f.write_str("learned"),
            IncidentAnswer::Recorded => f.write_str("."),
            IncidentAnswer::Impossible => f.write_str("#"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closing_ends_a_story_that_somebody_was_told() {
        for (stage, input) in incident_cells() {
            let told = |stage| matches!(stage, Stage::Open | Stage::Recovering);
            if let IncidentAnswer::To(to, turn) = incident_cell(stage, input) {
                assert_eq!(turn == Turn::Closed, told(stage) && !told(to), "{stage} × {input}");
                assert_eq!(turn == Turn::Opened, !told(stage) && told(to), "{stage} × {input}");
            }
        }
    }

    #[test]
    fn what_holds_opens_and_a_blip_tells_nobody() {
        for stage in Stage::ALL {
            for input in [IncidentInput::Holds, IncidentInput::Higher] {
                let answer = incident_cell(stage, input);
                let stays = stage == Stage::Open && answer == IncidentAnswer::Recorded;
                assert!(stays || matches!(answer, IncidentAnswer::To(Stage::Open, _)), "{stage} × {input}");
            }
        }
    }
}
