//! `watchkeeper probe SERVICE NAME`: one look, with its phases, what was compared and why it failed. It reports to
//! nobody: neither a daemon nor a chronicle hears of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Look, WELL, complain, print, wrong};
use crate::config::probe::Probe as Wiring;
use crate::config::{self, Given};
use crate::core::health::Outcome;
use crate::daemon::clock;
use crate::probe::{Found, Heartbeats, Kit, Ready};

/// Runs one probe once.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// Of which service.
    service: String,
    /// Which of its probes.
    name: String,
    /// In this region only; without it, in each where the probe runs.
    #[arg(long)]
    region: Option<String>,
    /// Shows also what was seen and how the probe is wired.
    #[arg(long)]
    debug: bool,
    /// The main file or its folder, as for `check`.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Probe {
    pub(super) fn run(self, look: Look) -> ExitCode {
        let outcome = config::load(&Given::read(&self.files));
        let Some(loaded) = outcome.loaded else {
            complain(&outcome.report.print(look.colour, look.width));
            return wrong();
        };
        let mine = |probe: &&Wiring| {
            probe.service.as_str() == self.service
                && probe.name.as_str() == self.name
                && self
                    .region
                    .as_deref()
                    .is_none_or(|region| probe.region.as_ref().is_some_and(|name| name.as_str() == region))
        };
        let probes: Vec<&Wiring> = loaded.wiring.probes.iter().filter(mine).collect();
        if probes.is_empty() {
            complain(&self.none(&loaded.wiring.probes));
            return wrong();
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                complain(&format!("no runtime can be started here: {error}\n"));
                return wrong();
            }
        };
        let kit = Kit::new(clock::shared(), Arc::new(Heartbeats::default()));
        let mut well = true;
        for probe in probes {
            let found = runtime.block_on(Ready::new(probe.clone()).run(&kit, true));
            well &= matches!(found.outcome, Outcome::Ok { .. });
            print(&told(probe, &found, self.debug));
        }
        if well { WELL } else { ExitCode::from(1) }
    }

    fn none(&self, probes: &[Wiring]) -> String {
        let mut names: Vec<&str> = probes
            .iter()
            .filter(|probe| probe.service.as_str() == self.service)
            .map(|probe| probe.name.as_str())
            .collect();
        names.dedup();
        let region = self.region.as_ref().map_or_else(String::new, |region| format!(" in {region}"));
        let known = match names.as_slice() {
            [] => format!("there is no service `{}` of which this observer runs probes", self.service),
            names => format!("the probes of {} that this observer runs: {}", self.service, names.join(", ")),
        };
        format!("there is no probe {}/{}{region}; {known}\n", self.service, self.name)
    }
}

/// One look, as people read it.
fn told(probe: &Wiring, found: &Found, debug: bool) -> String {
    let outcome = match found.outcome {
        Outcome::Ok { took } => format!("ok, took {took}"),
        Outcome::Failed(failure) => format!("failed: it {failure}"),
        Outcome::Blind(blindness) => format!("blind: {blindness}"),
    };
    let mut text = String::new();
    let mut line = |what: &str, said: &str| text.push_str(&format!("  {what:12} {said}\n"));
    if !found.detail.is_empty() {
        line("why", &found.detail);
    }
    for (phase, took) in &found.phases {
        line(&phase.to_string(), &took.to_string());
    }
    for compared in &found.compared {
        let holds = match &compared.holds {
            Ok(true) => "holds".to_owned(),
            Ok(false) => "does not hold".to_owned(),
            Err(wrong) => format!("cannot be evaluated: {wrong}"),
        };
        line("expected", &format!("{}: {holds}", compared.text));
    }
    if let Some(reading) = found.reading {
        line("reading", &reading.to_string());
    }
    if debug || !matches!(found.outcome, Outcome::Ok { .. }) {
        for (name, value) in &found.shown {
            line("seen", &format!("{name} = {value}"));
        }
    }
    if debug {
        line("time-out", &probe.timeout.to_string());
        line("wired", &format!("{:?}", probe.kind));
    }
    format!("{probe} ({}): {outcome}\n{text}", probe.kind.word())
}
