//! Plans: what a step is, how a plan is compiled for each case at load, and the check that alone makes one.
//!
//! What the config says of a plan comes in as a [`PlanDraft`]: plain data with raw texts. [`plan_set`] compiles it for
//! every case (each pair of regions of a failover, each region of another kind) and checks each; what comes out is
//! immutable and leaves no choice for the time of execution but what only a run can know: its id, its inputs, the
//! outputs of its steps, and whether it is planned.
//!
//! ```text
//! PlanDraft + Site --compile--> Compiled --check--> Plan        PlanSet = one plan a case
//! ```
//!
//! This folder must never know a step kind (the config hands in what each acts as, touches and how late calls of it are
//! stopped), never hold the contents of a secret, and never make a plan that was not checked.

mod build;
mod check;
mod compile;
mod draft;
mod edges;
mod fences;
mod fill;
mod flaw;
mod flaw_words;
mod graph;
mod inline;
mod inputs;
mod journal;
mod own;
mod preview;
mod resolve;
mod runnable;
pub mod saga;
mod set;
mod site;
mod step;
mod step_name;
mod text;
mod value;
mod written;

#[cfg(test)]
mod tests;

pub use check::check;
pub use compile::{Compiled, compile};
pub use draft::{ActionDraft, BodyDraft, DrillTarget, PlanDraft, StepDraft, TouchDraft, TouchRegion};
pub use fill::{Filled, Look, NotFilled};
pub use flaw::{CaseName, Fault, Flaw};
pub use journal::{By, Entry, Mode, Op, Outcome, Reply, RunId, Sent, Start, Stuck};
pub use own::{Item, LapseBy, OnLost, Own};
pub use runnable::{Fencing, Phase, Plan};
pub use set::{PlanHash, PlanSet, plan_set};
pub use site::{Case, Known, Site, SiteRegion, SiteValue};
pub use step::{
    ActsAs, Body, Drill, InDrill, Input, InputType, LateCall, OnFailure, Only, PlanKind, Plane, ProbeSet,
    Rate, Retry, Settles, Step, Touch,
};
pub use step_name::StepName;
pub use text::{LoadTime, NotAText, Piece, Place, Raw, RawPiece, RunTime, Text};
pub use value::{DraftValue, Sealed, SecretRef, SecretSource, Takes, Value};
pub use written::Written;

/// The most steps that a plan may have, those of its children included.
pub const MOST_STEPS: usize = 200;
/// The most regions that a service may have.
pub const MOST_REGIONS: usize = 16;
/// The most phases, inputs, touches, outputs, probes or items that one list of a plan or step may hold.
pub const MOST_IN_A_LIST: usize = 100;
/// How deep the keys of an action may be nested.
pub const DEEPEST: usize = 16;
/// The most values that one action may send.
pub const MOST_VALUES: usize = 2_000;
/// The most flaws that are reported of one plan; whoever has more mends these first.
pub const MOST_FLAWS: usize = 200;
