//! The program: parse, run, exit code. Never anything else.

use std::process::ExitCode;

use clap::Parser as _;
use watchkeeper::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
