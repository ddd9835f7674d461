//! The story of one service's trouble: SAFETY §7's incident table, as one total function.
//!
//! Level-triggered: it is told what holds now, not what changed. Severity is never lowered but by closing; a blip
//! that passes is counted and told to nobody.

use crate::ids::RungPos;
use crate::time::{Mono, Span};

/// Where the story stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// Looks at what holds.
    pub fn advance(&mut self, holding: Holding, stable: Span, now: Mono) -> Turn {
        if let Some(first) = holding.first_failed
            && self.stage != Stage::None
        {
            self.first_failed = self.first_failed.min(first);
        }
        match (self.stage, holding.holds, holding.first_failed) {
            (Stage::None | Stage::Blip, true, first) => {
                self.number = self.number.saturating_add(1);
                let known = (self.stage == Stage::Blip).then_some(self.first_failed);
                self.first_failed = [known, first, Some(now)].into_iter().flatten().min().unwrap_or(now);
                self.opened = now;
                self.rung = holding.rung;
                self.flaps = 0;
                self.stage = Stage::Open;
                Turn::Opened
            }
            (Stage::None, false, Some(first)) => {
                self.first_failed = first;
                self.stage = Stage::Blip;
                Turn::Blipped
            }
            (Stage::Blip, false, None) => {
                self.blips = self.blips.saturating_add(1);
                self.stage = Stage::None;
                Turn::Passed
            }
            (Stage::Open, true, _) => self.climb(holding.rung),
            (Stage::Open, false, _) => {
                self.stage = Stage::Recovering;
                self.quiet = now;
                Turn::Recovering
            }
            (Stage::Recovering, true, _) => {
                self.stage = Stage::Open;
                self.flaps = self.flaps.saturating_add(1);
                match self.climb(holding.rung) {
                    Turn::Raised => Turn::Raised,
                    _ => Turn::Flapped,
                }
            }
            (Stage::Recovering, false, first) if now.since(self.quiet) >= stable => {
                // Trouble that is in sight but matches nothing belongs to the next story.
                self.stage = if first.is_some() { Stage::Blip } else { Stage::None };
                if let Some(first) = first {
                    self.first_failed = first;
                }
                self.rung = None;
                Turn::Closed
            }
            (Stage::None, false, None) | (Stage::Blip, false, Some(_)) | (Stage::Recovering, false, _) => {
                Turn::Same
            }
        }
    }

    fn climb(&mut self, rung: Option<RungPos>) -> Turn {
        if rung > self.rung {
            self.rung = rung;
            return Turn::Raised;
        }
        Turn::Same
    }

    /// The record knows a higher number: another observer opened incidents that we did not see.
    pub fn learn_number(&mut self, number: u32) {
        if matches!(self.stage, Stage::None | Stage::Blip) {
            self.number = self.number.max(number);
        }
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
