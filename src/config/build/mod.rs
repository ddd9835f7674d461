//! From what was read to what the core and the shells live by: references become names that exist, placeholders are
//! filled, and every rule of the language that spans more than one table is checked. All problems at once.

mod channel;
mod daemon;
mod fill;
mod flaws;
mod hash;
mod kinds;
mod ladder;
mod maintenance;
mod notes;
mod people;
mod plan;
mod probe;
pub(super) mod probe_kind;
mod refuse;
mod scenario;
mod service;
pub(super) mod step;
mod unwise;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::Expr;
use super::place::At;
use super::problem::{Code, Problem, Problems};
use super::suggest;
use super::whole::Whole;
use super::wiring::Wiring;
use crate::core::ids::Name;
use crate::core::plan::SiteRegion;
use crate::core::policy::Policy;

/// What everything else is built against.
pub(super) struct Around<'a> {
    pub(super) whole: &'a Whole<'a>,
    pub(super) problems: &'a Problems,
    /// Which observer this is.
    pub(super) me: Name,
    /// Where it stands, with the values of that region.
    pub(super) here: Option<SiteRegion>,
    /// All observers, with their regions.
    pub(super) observers: Vec<(Name, Name)>,
    /// Declared regions, with their values.
    pub(super) regions: Vec<SiteRegion>,
    /// What may be run.
    pub(super) exec: super::wiring::Exec,
    /// Expressions that are compiled already, with what each may speak of: most are the same.
    pub(super) compiled: RefCell<BTreeMap<(&'static [&'static str], String), Expr>>,
}

/// A policy and its wiring, if nothing is wrong.
pub(super) fn build(
    whole: &Whole<'_>,
    host: Option<&str>,
    notes: &mut Vec<String>,
) -> Option<(Arc<Policy>, Wiring)> {
    let problems = whole.reader.problems;
    let around = daemon::around(whole, host)?;
    let ladders = ladder::ladders(&around);
    let mut wiring = daemon::wiring(&around);
    channel::channels(&around, &mut wiring);
    people::people(&around, &mut wiring);
    maintenance::windows(&around, &mut wiring);
    let mut drafts = Vec::with_capacity(whole.services.len());
    for service in &whole.services {
        drafts.push(service::service(&around, service, &ladders, &mut wiring));
    }
    refuse::refuse(&around, &ladders, &wiring);
    let draft = daemon::policy(&around, drafts);
    let policy = match Policy::build(draft) {
        Ok(policy) => Arc::new(policy),
        Err(found) => {
            flaws::report(&around, found);
            return None;
        }
    };
    unwise::warn(&around, &policy, &wiring);
    notes::notes(&policy, notes);
    (problems.errors() == 0).then_some((policy, wiring))
}

impl Around<'_> {
    pub(super) fn add(&self, problem: Problem) {
        self.problems.add(problem);
    }

    /// A name that names nothing.
    pub(super) fn missing<'n>(
        &self,
        at: Option<At>,
        what: &str,
        name: &Name,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let problem = Problem::error(Code::Reference, at, format!("there is no {what} `{name}`"));
        self.add(problem.help(suggest::help(name.as_str(), known)));
    }
}
