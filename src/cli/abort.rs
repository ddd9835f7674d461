//! `watchkeeper abort RUN`: stops a run, and undoes what it did where that is possible. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::told::Told;

/// Stops a run, and undoes it where that is possible.
#[derive(Debug, Args)]
pub(super) struct Abort {
    #[command(flatten)]
    told: Told,
}

impl Abort {
    pub(super) fn run(self) -> ExitCode {
        self.told.say("abort", Map::new())
    }
}
