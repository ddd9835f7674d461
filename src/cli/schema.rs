//! `watchkeeper schema`: the JSON Schema of the config, for editors.

use std::process::ExitCode;

use clap::Args;

use super::{WELL, print};
use crate::config;

/// Prints the JSON Schema of the config.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of a file in `services.d` instead.
    #[arg(long)]
    service: bool,
}

impl Schema {
    pub(super) fn run(self) -> ExitCode {
        print(&format!("{:#}\n", config::schema(self.service)));
        WELL
    }
}
