//! `watchkeeper check`: finds every problem of a config at once. It changes nothing and reads no secret.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Look, WELL, complain, print, wrong};
use crate::config::{self, Given};

/// Finds every problem of a config.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The main file (with `services.d` beside it) or its folder; several are laid over one another.
    /// Without any: /etc/watchkeeper/watchkeeper.toml.
    files: Vec<PathBuf>,
    /// Also fails on what is legal but unwise.
    #[arg(long)]
    strict: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, look: Look) -> ExitCode {
        let outcome = config::load(&Given::read(&self.files));
        let report = &outcome.report;
        if self.json {
            print(&format!("{:#}\n", report.json()));
        } else {
            complain(&report.print(look.colour, look.width));
            let notes: String = outcome.notes.iter().map(|note| format!("{note}\n")).collect();
            print(&format!("{notes}{}\n", report.summary()));
        }
        let fails = report.errors() > 0 || (self.strict && report.warnings() > 0);
        if fails { wrong() } else { WELL }
    }
}
