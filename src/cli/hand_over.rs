//! `watchkeeper hand-over RUN`: takes a held run over: it ends, and its end is a person's. The daemon judges.

use std::process::ExitCode;

use clap::Args;
use serde_json::Map;

use super::told::Told;

/// Takes a held run over.
#[derive(Debug, Args)]
pub(super) struct HandOver {
    #[command(flatten)]
    told: Told,
}

impl HandOver {
    pub(super) fn run(self) -> ExitCode {
        self.told.say("hand-over", Map::new())
    }
}
