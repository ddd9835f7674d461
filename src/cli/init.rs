//! `watchkeeper init`: writes a minimal config. It never overwrites anything.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{WELL, complain, print, wrong};
use crate::config::given::USUAL;

/// What is written: it loads, watches one web address, and does nothing by itself.
const MINIMAL: &str = include_str!("minimal.toml");

/// Writes a minimal config.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where to.
    #[arg(default_value = USUAL)]
    file: PathBuf,
}

impl Init {
    pub(super) fn run(self) -> ExitCode {
        let name = self.file.display();
        if let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty())
            && let Err(why) = fs::create_dir_all(folder)
        {
            complain(&format!("The folder {} cannot be made: {why}. Name another file.\n", folder.display()));
            return wrong();
        }
        let mut file = match fs::OpenOptions::new().write(true).create_new(true).open(&self.file) {
            Ok(file) => file,
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {
                complain(&format!(
                    "{name} exists already and was left as it is. Remove it, or name another file.\n"
                ));
                return wrong();
            }
            Err(why) => {
                complain(&format!("{name} cannot be written: {why}. Name another file.\n"));
                return wrong();
            }
        };
        if let Err(why) = file.write_all(MINIMAL.as_bytes()) {
            complain(&format!("{name} was not written whole: {why}. Remove it and try again.\n"));
            return wrong();
        }
        print(&format!("Wrote {name}. Change it, then run `watchkeeper check {name}`.\n"));
        WELL
    }
}
