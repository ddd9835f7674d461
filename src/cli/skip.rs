//! `watchkeeper skip RUN STEP`: lets a step count as met. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::told::Told;

/// Lets a step count as met.
#[derive(Debug, Args)]
pub(super) struct Skip {
    #[command(flatten)]
    told: Told,
    /// Which step.
    step: String,
}

impl Skip {
    pub(super) fn run(self) -> ExitCode {
        self.told.say("skip", Map::from_iter([("step".to_owned(), self.step.into())]))
    }
}
