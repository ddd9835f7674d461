//! `watchkeeper run`: the daemon, until SIGTERM. SIGHUP reads the config anew.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::ask::fails;
use super::{WELL, complain, wrong};
use crate::config::{self, Given};
use crate::daemon::{self, Place, Setup, Stopped};

/// Watches, and says what it would do.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The main file (with `services.d` beside it) or its folder; several are laid over one another.
    /// Without any: /etc/watchkeeper/watchkeeper.toml.
    files: Vec<PathBuf>,
    /// What is logged: error, warn, info, debug.
    #[arg(long, env = "WATCHKEEPER_LOG", default_value = "info")]
    log: String,
    /// Which stream systemd has tied to the journal: set by it, and by nobody else.
    #[arg(long, env = "JOURNAL_STREAM", hide = true)]
    journal_stream: Option<String>,
    /// Where tests lay the faults that they ask for: see `daemon::faults`.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    test_faults: Option<PathBuf>,
}

impl Run {
    pub(super) fn run(self) -> ExitCode {
        let outcome = config::load(&Given::read(&self.files));
        let Some(first) = outcome.loaded else {
            complain(&outcome.report.print(false, 100));
            return wrong();
        };
        let place = match Place::of(&first.wiring) {
            Ok(place) => place,
            Err(why) => return fails(&why),
        };
        daemon::log::set_up(&self.log, self.journal_stream.as_deref());
        #[cfg(debug_assertions)]
        if let Some(folder) = self.test_faults {
            daemon::faults::arm(folder);
        }
        let files = self.files;
        let config = move || {
            let outcome = config::load(&Given::read(&files));
            outcome.loaded.map(Setup::from).ok_or_else(|| outcome.report.print(false, 100))
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("watchkeeper").enable_all().build();
        let ended = match runtime {
            Ok(runtime) => {
                let ended = runtime.block_on(async {
                    let running = daemon::start(Arc::new(config), place).await?;
                    running.until_ended().await
                });
                // A thread that waits for a name server or a disk would be waited for without an end.
                runtime.shutdown_timeout(Duration::from_secs(1));
                ended
            }
            Err(why) => return fails(&format!("no threads can be started: {why}")),
        };
        daemon::log::flush();
        match ended {
            Ok(()) => WELL,
            Err(why @ (Stopped::Config(_) | Stopped::Observers(_))) => {
                complain(&format!("watchkeeper: {why}\n"));
                wrong()
            }
            Err(why) => fails(&why.to_string()),
        }
    }
}
