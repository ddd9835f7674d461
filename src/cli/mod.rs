//! The command line: one file a subcommand. Each says what it has to say on standard output (problems on standard
//! error) and gives back an exit code; none ends the process itself.

mod abort;
mod accepts;
mod acknowledge;
mod adopt;
mod annotate;
mod approve;
mod ask;
mod check;
mod chronicle;
mod config_cmd;
mod demo;
mod evacuate;
mod failback;
mod failover;
mod hand_over;
mod incident;
mod init;
mod ordered;
mod pause;
mod probe;
mod progress;
mod release;
mod resume;
mod retry;
mod run;
mod run_plan;
mod schema;
mod shown;
mod skip;
mod status;
mod tick;
mod token;
mod told;
mod veto;
mod watch;
mod why;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Parser, Subcommand};

/// Executes a disaster-recovery plan: watches, agrees, fails over, tells, measures.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Prints without colours.
    #[arg(long, global = true, env = "NO_COLOR", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows on a toy service, here and now, what it sees, suspects and decides.
    Demo(demo::Demo),
    /// Finds every problem of a config: exit 0 if there is none, else 2.
    Check(check::Check),
    /// Shows the config as it is in force.
    Config(config_cmd::ConfigCmd),
    /// Prints the JSON Schema of the config.
    Schema(schema::Schema),
    /// Writes a minimal config.
    Init(init::Init),
    /// Watches, and says what it would do.
    Run(run::Run),
    /// Shows where everything is.
    Status(status::Status),
    /// Explains what is decided about a service.
    Why(why::Why),
    /// Says where a service is active.
    Adopt(adopt::Adopt),
    /// Stops automatic action.
    Pause(pause::Pause),
    /// Allows automatic action again.
    Resume(resume::Resume),
    /// Moves a service to another region: exit 0 if it is done.
    Failover(failover::Failover),
    /// Takes a service home: exit 0 if it is done.
    Failback(failback::Failback),
    /// Runs a plan, for real, as a drill or as a preview: exit 0 if it is done.
    RunPlan(run_plan::RunPlan),
    /// Leaves a region with all that is active there.
    Evacuate(evacuate::Evacuate),
    /// Follows a run to its end: exit 0 if it is done.
    Watch(watch::Watch),
    /// Says yes to what is requested, to an exposure or to a step.
    Approve(approve::Approve),
    /// Says no to what is announced or requested.
    Veto(veto::Veto),
    /// Stops a run, and undoes it where that is possible.
    Abort(abort::Abort),
    /// Tries a held step again.
    Retry(retry::Retry),
    /// Lets a step count as met.
    Skip(skip::Skip),
    /// Ticks a point of a checklist.
    Tick(tick::Tick),
    /// Takes a held run over.
    HandOver(hand_over::HandOver),
    /// Says that somebody has seen an incident, or how a run ended.
    Acknowledge(acknowledge::Acknowledge),
    /// Has something remembered of the open incident.
    Annotate(annotate::Annotate),
    /// Lets a region be a candidate again.
    Release(release::Release),
    /// Makes tokens for the API.
    Token(token::Token),
    /// Reads the account of everything that happened: verify, show, export.
    Chronicle(chronicle::Chronicle),
    /// Runs one probe once: exit 0 if all is well, 1 if not, 2 if there is no such probe.
    Probe(probe::Probe),
}

/// Runs one command.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let look = Look { colour: !cli.no_color && std::io::stderr().is_terminal(), width: 100 };
    match cli.command {
        Command::Demo(command) => command.run(!cli.no_color),
        Command::Check(command) => command.run(look),
        Command::Config(command) => command.run(look),
        Command::Schema(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Why(command) => command.run(),
        Command::Adopt(command) => command.run(),
        Command::Pause(command) => command.run(),
        Command::Resume(command) => command.run(),
        Command::Failover(command) => command.run(),
        Command::Failback(command) => command.run(),
        Command::RunPlan(command) => command.run(),
        Command::Evacuate(command) => command.run(),
        Command::Watch(command) => command.run(),
        Command::Approve(command) => command.run(),
        Command::Veto(command) => command.run(),
        Command::Abort(command) => command.run(),
        Command::Retry(command) => command.run(),
        Command::Skip(command) => command.run(),
        Command::Tick(command) => command.run(),
        Command::HandOver(command) => command.run(),
        Command::Acknowledge(command) => command.run(),
        Command::Annotate(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Chronicle(command) => command.run(),
        Command::Probe(command) => command.run(look),
    }
}

/// Everything went well.
const WELL: ExitCode = ExitCode::SUCCESS;

/// What was given is wrong.
fn wrong() -> ExitCode {
    ExitCode::from(2)
}

/// How problems are printed.
#[derive(Clone, Copy)]
struct Look {
    colour: bool,
    width: usize,
}

/// Prints, and does not mind that nobody reads any more (`watchkeeper schema | head`).
fn print(text: &str) {
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

/// Prints what is wrong.
fn complain(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}
