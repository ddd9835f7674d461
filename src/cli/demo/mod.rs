//! `watchkeeper demo`: prints what the demo tells, in lines with a clock or as one JSON object, and cleans up on Ctrl-C.

mod lines;
mod summed;

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ask::fails;
use super::{WELL, complain, print};
use crate::demo::{self, Ended, Said};
use lines::Lines;

/// Kills a toy service's primary, and shows what watchkeeper sees, decides and does about it.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// What is broken.
    #[arg(long = "break", value_enum, default_value_t = Break::Service)]
    breaks: Break,
    /// Prints one JSON object when it is over, and nothing else.
    #[arg(long)]
    json: bool,
    /// Stays until Ctrl-C, so that you can ask the daemon yourself.
    #[arg(long)]
    keep: bool,
    /// Prints the config that it would use, and ends.
    #[arg(long, conflicts_with_all = ["json", "keep"])]
    config: bool,
}

/// What is broken.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Break {
    /// The service, in the region where it is active.
    Service,
    /// The observer's own view: it must accuse nobody.
    Observer,
    /// The service, in every region: there is nowhere to go, and people are paged.
    Both,
    /// Nothing: the demo must fail, since there is nothing to see.
    Nothing,
}

impl Demo {
    pub(super) fn run(self, colour: bool) -> ExitCode {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("watchkeeper").enable_all().build();
        match runtime {
            Ok(runtime) if self.config => match runtime.block_on(demo::config()) {
                Ok(text) => {
                    print(&text);
                    WELL
                }
                Err(why) => fails(&why),
            },
            Ok(runtime) => runtime.block_on(self.plays(colour)),
            Err(why) => fails(&format!("no threads can be started: {why}")),
        }
    }

    async fn plays(self, colour: bool) -> ExitCode {
        let mut interrupts = match Interrupts::new() {
            Ok(interrupts) => interrupts,
            Err(why) => return fails(&format!("signals cannot be heard: {why}")),
        };
        let breaks = match self.breaks {
            Break::Service => demo::Break::Service,
            Break::Observer => demo::Break::Observer,
            Break::Both => demo::Break::Both,
            Break::Nothing => demo::Break::Nothing,
        };
        let terminal = stdout().is_terminal();
        let mut lines = Lines { colour: colour && terminal, terminal, waits: false, keep: self.keep };
        let mut signal = 0;
        let (json, mut told) = (self.json, false);
        let mut tell = |said: Said<'_>| match said {
            Said::Told(all) if json => {
                told = true;
                match serde_json::to_string(all) {
                    Ok(text) => print(&format!("{text}\n")),
                    Err(why) => complain(&format!("watchkeeper: it cannot be put into JSON: {why}\n")),
                }
            }
            said if !json => lines.tell(said),
            Said::Moment(_) | Said::Why(..) | Said::Waits(..) | Said::Told(_) => {}
        };
        let interrupted = async { signal = interrupts.any().await };
        let ended = demo::play(breaks, self.keep, &mut tell, interrupted).await;
        match ended {
            Ended::Told(told) => match told.failed {
                None => WELL,
                Some(why) => fails(&format!("the demo did not show what it must: {why}")),
            },
            Ended::Failed(why) => {
                if json && !told {
                    print(&format!("{}\n", serde_json::json!({ "ok": false, "failed": why })));
                }
                fails(&why)
            }
            Ended::Interrupted => {
                if !json {
                    lines.clear();
                }
                complain("watchkeeper: interrupted; the demo has cleaned up\n");
                ExitCode::from(128_u8.saturating_add(signal))
            }
        }
    }
}

/// Whatever asks the demo to end.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Interrupts {
    fn new() -> std::io::Result<Interrupts> {
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the first that comes.
    async fn any(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hang_up.recv() => 1,
        }
    }
}
