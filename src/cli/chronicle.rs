//! `watchkeeper chronicle verify | show | export`: the account of everything that happened, read from its file, whether
//! a daemon runs or not. It never writes, and asks no daemon.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::fails;
use super::{WELL, complain, print, wrong};
use crate::chronicle::{Kept, Reading, Unread, Wanted};
use crate::config::since;
use crate::core::ids::Name;
use crate::daemon::clock;

/// Reads the account of everything that happened.
#[derive(Debug, Args)]
pub(super) struct Chronicle {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Follows the whole chain of hashes: exit 0 if it holds, 1 and the first event that does not if not.
    Verify(Verify),
    /// Shows the newest events, a line each.
    Show(Show),
    /// Writes events as lines of JSON, oldest first.
    Export(Export),
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    place: Place,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    /// So many at most, the newest.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Prints lines of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Export {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    which: Which,
    /// So many at most, the newest; without it all.
    #[arg(long)]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
struct Place {
    /// Where the store is: the config's `[chronicle] dir`.
    #[arg(long, default_value = "/var/lib/watchkeeper")]
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct Which {
    /// Of this service only.
    #[arg(long)]
    service: Option<String>,
    /// Not older than that: `2h`, or a moment such as `2026-11-21T13:00:00Z`.
    #[arg(long)]
    since: Option<String>,
}

impl Which {
    fn wanted(&self, limit: Option<u32>) -> Result<Wanted, String> {
        let service = self.service.as_deref().map(Name::new).transpose();
        let service = service.map_err(|bad| format!("--service: {bad}"))?;
        let since = self.since.as_deref().map(|text| since(text, clock::now().wall)).transpose();
        let since = since.map_err(|bad| format!("--since: {bad}"))?;
        Ok(Wanted { service, since, limit })
    }
}

impl Chronicle {
    pub(super) fn run(self) -> ExitCode {
        match self.what {
            What::Verify(verify) => verify.run(),
            What::Show(show) if show.json => each(&show.place, show.which.wanted(Some(show.limit)), json),
            What::Show(show) => each(&show.place, show.which.wanted(Some(show.limit)), words),
            What::Export(export) => each(&export.place, export.which.wanted(export.limit), json),
        }
    }
}

impl Verify {
    fn run(self) -> ExitCode {
        let verified = Reading::open(&self.place.dir).and_then(|reading| reading.verify());
        let (whole, text, value) = match verified {
            Ok(Ok(count)) => (
                true,
                format!("the chain holds: {count} events"),
                serde_json::json!({ "whole": true, "events": count }),
            ),
            Ok(Err(broken)) => {
                (false, broken.to_string(), serde_json::json!({ "whole": false, "broken_at": broken.id }))
            }
            Err(why) => return fails(&why.to_string()),
        };
        if self.json {
            print(&format!("{value}\n"));
        } else if whole {
            print(&format!("{text}\n"));
        } else {
            complain(&format!("watchkeeper: {text}\n"));
        }
        if whole { WELL } else { ExitCode::FAILURE }
    }
}

fn each(place: &Place, wanted: Result<Wanted, String>, line: fn(&Kept) -> String) -> ExitCode {
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(why) => {
            complain(&format!("watchkeeper: {why}\n"));
            return wrong();
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = Reading::open(&place.dir).and_then(|reading| {
        // Nobody reads any more (`| head`): that is no failure.
        reading.each(&wanted, |kept| writeln!(out, "{}", line(&kept)).is_ok())
    });
    match written {
        Ok(()) => {
            drop(out.flush());
            WELL
        }
        Err(why @ (Unread::NotOpened(_) | Unread::Broken(_))) => fails(&why.to_string()),
    }
}

fn json(kept: &Kept) -> String {
    serde_json::to_string(kept).unwrap_or_default()
}

fn words(kept: &Kept) -> String {
    let text = kept.body["text"].as_str().unwrap_or_default();
    format!("{:>7}  {}  {:<12} {text}", kept.id, kept.at, kept.kind)
}
