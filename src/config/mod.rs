//! What operators write, read once and checked; everyone stands on it, so it stands on the core alone.
//!
//! ```text
//! files, environment --layers--> tree of values with places --inherit, read--> raw --build--> Policy + Wiring
//! ```
//!
//! It may read files and the environment ([`given`]). It must never call, probe or decide anything, and no part of it
//! ever holds what a secret says. [`load`] finds every problem at once and makes a [`Loaded`] only of a config that has
//! none.

pub mod expr;
pub mod given;
pub mod place;
pub mod probe;
pub mod problem;
pub mod report;
pub mod secret;

mod build;
mod inherit;
mod layers;
mod mask;
mod node;
mod raw;
mod read;
mod resolved;
mod schema;
mod suggest;
mod values;
mod whole;
pub mod wiring;
mod written;

pub use given::Given;
pub use report::Report;
pub(crate) use values::since;

use std::sync::Arc;

use node::{Node, Table};
use place::{At, File, Files, Format};
use problem::Problems;
use read::Reader;
use wiring::Wiring;

use crate::core::policy::Policy;
use crate::core::time::Span;

/// What is in force when nothing is written.
const BUILTIN: &str = include_str!("builtin.toml");

/// A config without a mistake.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the core lives by.
    pub policy: Arc<Policy>,
    /// What the shells need.
    pub wiring: Wiring,
}

/// What came of loading: always everything that is wrong or unwise, and the config if nothing is wrong.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All problems, to be printed.
    pub report: Report,
    /// The config, if none of them is an error.
    pub loaded: Option<Loaded>,
    /// What is worth knowing although nothing is wrong with it: worst cases, and which scenario acts.
    pub notes: Vec<String>,
    merged: Node,
}

impl Outcome {
    /// The merged config as TOML, secrets left out; with `resolved`, also what is built in, and the source of each value.
    #[must_use]
    pub fn resolved(&self, resolved: bool) -> String {
        if !resolved {
            return resolved::print(&self.merged, &self.report.files, &self.report.masked, false);
        }
        let mut whole = self.merged.clone();
        if let Some(table) = builtin().table() {
            resolved::fill(&mut whole, table);
        }
        resolved::print(&whole, &self.report.files, &self.report.masked, true)
    }
}

/// A length of time as the language writes it: `1h30m`.
pub fn length(text: &str) -> Result<Span, &'static str> {
    values::Dur::parse(text).map(|length| length.0)
}

/// The JSON Schema of the main file, or of a service's own.
#[must_use]
pub fn schema(of_service: bool) -> serde_json::Value {
    schema::schema(builtin().table().unwrap_or(&Table::default()), of_service)
}

/// What is in force when nothing is written.
fn builtin() -> Node {
    let mut files = Files::default();
    add_builtin(&mut files);
    written::parse(&mut files, 0, &Problems::default()).unwrap_or_else(|| Node::empty(At::default()))
}

fn add_builtin(files: &mut Files) {
    let text: Arc<str> = Arc::from(BUILTIN);
    files.add(File { name: "built-in".to_owned(), format: Format::BuiltIn, text, paths: Vec::new() });
}

/// Finds every problem, and makes a policy and its wiring if there is none.
#[must_use]
pub fn load(given: &Given) -> Outcome {
    let problems = Problems::default();
    for problem in &given.unreadable {
        problems.add(problem.clone());
    }
    let mut files = Files::default();
    add_builtin(&mut files);
    let builtin = builtin();
    let root = layers::lay(given, &mut files, &problems);
    let nothing = Table::default();
    // A file that cannot be read whole hides what the others name.
    let readable = problems.errors() == 0 || !problems.unreadable();
    let mut merged = Node::empty(At::default());
    let (mut loaded, mut notes) = (None, Vec::new());
    if readable {
        merged = whole::inherited(root, &problems);
        let reader =
            Reader { problems: &problems, files: &files, builtin: builtin.table().unwrap_or(&nothing) };
        let whole = whole::read(reader, &merged);
        let built = build::build(&whole, given.host.as_deref(), &mut notes);
        loaded = built.filter(|_| problems.errors() == 0).map(|(policy, wiring)| Loaded { policy, wiring });
    }
    let (problems, masked) = problems.finish();
    Outcome { report: Report { problems, masked, files }, loaded, notes, merged }
}
