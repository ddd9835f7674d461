//! `watchkeeper tick RUN STEP ITEM`: ticks a point of a checklist. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::told::Told;

/// Ticks a point of a checklist.
#[derive(Debug, Args)]
pub(super) struct Tick {
    #[command(flatten)]
    told: Told,
    /// Which step.
    step: String,
    /// Which point, from 0.
    item: u64,
}

impl Tick {
    pub(super) fn run(self) -> ExitCode {
        let body = [("step".to_owned(), self.step.into()), ("item".to_owned(), self.item.into())];
        self.told.say("tick", Map::from_iter(body))
    }
}
