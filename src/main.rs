//! The program: parse, run, exit code. Never anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("watchkeeper: the daemon is not built yet; `./test` shows what is (see README.md)");
    ExitCode::from(2)
}
