//! `watchkeeper config --resolved`: the config as it is in force, with the source of each value. No secret is read, and
//! what sounds like one is not shown.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Look, WELL, complain, print, wrong};
use crate::config::{self, Given};

/// Shows the config as it is in force.
#[derive(Debug, Args)]
pub(super) struct ConfigCmd {
    /// As in `check`.
    files: Vec<PathBuf>,
    /// With everything that is inherited and built in, and where each value is written.
    #[arg(long)]
    resolved: bool,
}

impl ConfigCmd {
    pub(super) fn run(self, look: Look) -> ExitCode {
        let outcome = config::load(&Given::read(&self.files));
        print(&outcome.resolved(self.resolved));
        if outcome.report.errors() > 0 {
            complain(&outcome.report.print(look.colour, look.width));
            return wrong();
        }
        WELL
    }
}
