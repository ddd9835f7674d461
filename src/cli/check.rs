//! `watchkeeper check`: finds every problem of a config at once. It changes nothing, and reads no secret but with `--live`,
//! which asks the servers that steps would act on what is worth knowing before it is needed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Look, WELL, complain, print, wrong};
use crate::config::{self, Given};
use crate::core::plan::Body;
use crate::core::policy::Policy;
use crate::core::time::Span;
use crate::daemon::clock;
use crate::probe::{Heartbeats, Kit};
use crate::step;

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
    /// Also asks the servers that steps would act on, and changes nothing there.
    #[arg(long, conflicts_with = "json")]
    live: bool,
}

/// A server that takes longer does not answer.
const PATIENCE: Span = Span::secs(5);

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
        let known = if self.live { outcome.loaded.as_ref().map(|loaded| live(&loaded.policy)) } else { None };
        let unwise = match known {
            Some(Err(why)) => {
                complain(&format!("watchkeeper: {why}\n"));
                return ExitCode::FAILURE;
            }
            Some(Ok(notes)) => {
                print(&notes.iter().map(|note| format!("{note}\n")).collect::<String>());
                !notes.is_empty()
            }
            None => false,
        };
        let fails = report.errors() > 0 || (self.strict && (report.warnings() > 0 || unwise));
        if fails { wrong() } else { WELL }
    }
}

/// What the servers say that steps would act on, each once.
fn live(policy: &Policy) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| format!("no runtime can be started here: {why}"))?;
    let reach = Arc::new(Kit::new(clock::shared(), Arc::new(Heartbeats::default())));
    let mut told = BTreeSet::new();
    for service in &policy.services {
        let plans = service.plans.iter().flat_map(|plan| plan.set.plans());
        for (plan, step) in plans.flat_map(|plan| plan.steps().iter().map(move |step| (plan, step))) {
            let Body::Action(sealed) = &step.body else { continue };
            for note in runtime.block_on(step::notes(&reach, sealed, PATIENCE)) {
                let (service, plan, at) = (&service.name, plan.name(), &step.acts_in);
                told.insert(format!("{service}: plan {plan}, step {} in {at}: {note}", step.name));
            }
        }
    }
    Ok(told.into_iter().collect())
}
