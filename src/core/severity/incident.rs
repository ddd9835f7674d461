//! The story of one service's trouble; it moves by its table, [`incident_cell`].
//!
//! Level-triggered: it is told what holds now, not what changed. Severity is never lowered but by closing; a blip
//! that passes is counted and told to nobody.

use super::incident_table::{IncidentAnswer, IncidentInput, incident_cell};
use crate::ids::RungPos;
use crate::time::{Mono, Span};

/// Where the story stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// No trouble.
    #[default]
    None,
    /// A trigger sample failed; the clock runs, nobody is told.
    Blip,
    /// A rung or a scenario holds.
    Open,
    /// None holds any more, but not yet for long enough.
    Recovering,
}

/// What holds at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// When the first sample of the trouble in sight failed.
    pub first_failed: Option<Mono>,
    /// A rung or a scenario holds, by trouble and not only by the incident's own age or tries.
    pub holds: bool,
    /// The highest rung that holds, or that a holding scenario names.
    pub rung: Option<RungPos>,
}

/// One service's incident, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    stage: Stage,
    number: u32,
    first_failed: Mono,
    opened: Mono,
    quiet: Mono,
    rung: Option<RungPos>,
    flaps: u16,
    blips: u32,
}

/// What a look changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Same,
    /// A trigger sample failed: the clock runs.
    Blipped,
    /// The trouble passed before anything held.
    Passed,
    /// An incident was opened.
    Opened,
    /// It is more severe than before.
    Raised,
    /// Nothing holds any more.
    Recovering,
    /// It came back before it was closed.
    Flapped,
    /// It is over.
    Closed,
}

impl Incident {
    /// As it was before this core lived: the number that the record knows.
    #[must_use]
    pub fn after(number: u32) -> Incident {
        Incident { number, ..Incident::default() }
    }

    /// What a look finds: the column of the table that it comes to.
    #[must_use]
    pub fn input(&self, holding: Holding, stable: Span, now: Mono) -> IncidentInput {
        let quiet = self.stage == Stage::Recovering && now.since(self.quiet) >= stable;
        match (holding.holds, holding.first_failed.is_some()) {
            (true, _) if holding.rung > self.rung => IncidentInput::Higher,
            (true, _) => IncidentInput::Holds,
            (false, true) if quiet => IncidentInput::StableInTrouble,
            (false, true) => IncidentInput::Trouble,
            (false, false) if quiet => IncidentInput::Stable,
            (false, false) => IncidentInput::Quiet,
        }
    }

    /// Looks at what holds.
    pub fn advance(&mut self, holding: Holding, stable: Span, now: Mono) -> Turn {
        let input = self.input(holding, stable, now);
        let first = holding.first_failed;
        if let Some(first) = first
            && self.stage != Stage::None
        {
            self.first_failed = self.first_failed.min(first);
        }
        let IncidentAnswer::To(stage, turn) = incident_cell(self.stage, input) else { return Turn::Same };
        match turn {
            Turn::Opened => {
                self.number = self.number.saturating_add(1);
                let known = (self.stage == Stage::Blip).then_some(self.first_failed);
                self.first_failed = [known, first, Some(now)].into_iter().flatten().min().unwrap_or(now);
                self.opened = now;
                self.rung = holding.rung;
                self.flaps = 0;
            }
            Turn::Blipped => self.first_failed = first.unwrap_or(now),
            Turn::Passed => self.blips = self.blips.saturating_add(1),
            Turn::Recovering => self.quiet = now,
            Turn::Raised | Turn::Flapped => {
                self.rung = self.rung.max(holding.rung);
                self.flaps = self.flaps.saturating_add(u16::from(self.stage == Stage::Recovering));
            }
            Turn::Closed => {
                self.first_failed = first.unwrap_or(self.first_failed);
                self.rung = None;
            }
            Turn::Same => {}
        }
        self.stage = stage;
        turn
    }

    /// The record knows a higher number: another observer opened incidents that we did not see.
    pub fn learn_number(&mut self, number: u32) {
        if incident_cell(self.stage, IncidentInput::Number) == IncidentAnswer::Learned {
            self.number = self.number.max(number);
        }
    }

    /// The record has the head of an open incident: another observer opened it, or this one in another life. It is the
    /// same story, with the same number; if nothing of it is seen here, it closes when it has been quiet for long enough.
    pub fn go_on(&mut self, number: u32, rung: Option<RungPos>, now: Mono) {
        match self.stage {
            Stage::None | Stage::Blip => {
                self.first_failed = if self.stage == Stage::Blip { self.first_failed } else { now };
                (self.opened, self.quiet, self.flaps) = (now, now, 0);
                self.stage = Stage::Recovering;
            }
            Stage::Open | Stage::Recovering => {}
        }
        self.number = number;
        self.rung = self.rung.max(rung);
    }

    /// A reload gave the rungs other places: `now` says where the old one is. Severity is never lowered by that: a rung
    /// that is gone counts as the highest there is below its old place.
    pub fn renamed(&mut self, now: impl Fn(RungPos) -> Option<RungPos>, rungs: usize) {
        self.rung =
            self.rung.map(|was| now(was).unwrap_or(RungPos::at(was.index().min(rungs.saturating_sub(1)))));
    }

    /// Where the story stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }
    /// Its number, or that of the last one.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
    /// Whether somebody may have been told.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Recovering)
    }
    /// When its first sample failed.
    #[must_use]
    pub fn first_failed(&self) -> Option<Mono> {
        (self.stage != Stage::None).then_some(self.first_failed)
    }
    /// The severity.
    #[must_use]
    pub fn rung(&self) -> Option<RungPos> {
        self.rung
    }
    /// How often it came back.
    #[must_use]
    pub fn flaps(&self) -> u16 {
        self.flaps
    }
    /// How often trouble passed before anything held.
    #[must_use]
    pub fn blips(&self) -> u32 {
        self.blips
    }
    /// When it closes, if it stays quiet.
    #[must_use]
    pub fn wake(&self, stable: Span) -> Option<Mono> {
        (self.stage == Stage::Recovering).then(|| self.quiet + stable)
    }
}

#[cfg(test)]
mod tests;
