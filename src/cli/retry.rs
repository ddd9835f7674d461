//! `watchkeeper retry RUN STEP`: looks at a held step again, and tries it again if need be. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::told::Told;

/// Tries a held step again.
#[derive(Debug, Args)]
pub(super) struct Retry {
    #[command(flatten)]
    told: Told,
    /// Which step.
    step: String,
}

impl Retry {
    pub(super) fn run(self) -> ExitCode {
        self.told.say("retry", Map::from_iter([("step".to_owned(), self.step.into())]))
    }
}
