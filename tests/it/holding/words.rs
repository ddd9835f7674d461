//! One line of the table: what it holds by, and what must not be wanting.

use std::collections::BTreeMap;

use watchkeeper::core::ids::Name;
use watchkeeper::core::policy::ServicePolicy;
use watchkeeper::core::time::Span;
use watchkeeper::core::verdict::{Clause, Part, Side};

/// A clause as a person reads it.
pub(crate) fn clause(service: &ServicePolicy, clause: &Clause) -> String {
    let part = |part: &Part| match part {
        Part::Probe(at) => service.probes[at.index()].name.as_str(),
        Part::Component(at) => service.components[at.index()].name.as_str(),
    };
    let parts = |parts: &[Part]| parts.iter().map(part).collect::<Vec<_>>().join(" and ");
    let named = |names: Vec<&Name>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" and ");
    let mut all = Vec::new();
    all.extend(clause.service.map(|level| level.to_string()));
    for (word, list) in [("down", &clause.down), ("slow", &clause.slow), ("up", &clause.up)] {
        if !list.is_empty() {
            let few =
                clause.at_least.filter(|_| word != "up").map_or(String::new(), |n| format!(" ({n} of them)"));
            all.push(format!("{word} {}{few}", parts(list)));
        }
    }
    all.extend(clause.priority.map(|priority| format!("a {priority} component down")));
    if !clause.raised.is_empty() {
        let names = clause.raised.iter().map(|at| &service.triggers[at.index()]).collect();
        all.push(format!("raised {}", named(names)));
    }
    if !clause.tried.is_empty() {
        let names = clause.tried.iter().map(|at| &service.plans[at.index()].name).collect();
        all.push(format!("tried {}", named(names)));
    }
    if clause.region_lost {
        all.push("the region lost".to_owned());
    }
    if clause.side == Side::Standby {
        all.push("in a standby".to_owned());
    }
    if clause.held > Span::ZERO {
        all.push(format!("for {}", clause.held));
    }
    all.extend(clause.open_for.map(|age| format!("open for {age}")));
    all.join(", ")
}

/// What was found wanting, how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants(BTreeMap<&'static str, usize>);

impl Wants {
    pub(crate) fn one(&mut self, wants: &'static str) {
        *self.0.entry(wants).or_default() += 1;
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().sum()
    }
}

/// What was shown of one clause.
pub(crate) struct Told {
    /// The clause.
    pub(crate) clause: String,
    /// In the whole policy another clause of the same condition holds before it does.
    pub(crate) undercut: bool,
    /// What it does not hold without; or why it never can.
    pub(crate) wants: Result<Wants, String>,
}

impl Told {
    pub(crate) fn count(&self) -> usize {
        self.wants.as_ref().map_or(0, Wants::count)
    }
}

/// One target.
pub(crate) fn lines(whose: &str, told: &[Told]) -> String {
    let mut line = format!("{whose}\n");
    for Told { clause, undercut, wants } in told {
        let sooner = if *undercut { " (another clause holds sooner)" } else { "" };
        let wants = match wants {
            Ok(wants) => wants,
            Err(why) => {
                line += &format!("  never: {clause}: {why}\n");
                continue;
            }
        };
        let list: Vec<String> = wants
            .0
            .iter()
            .map(|(wants, count)| if *count == 1 { (*wants).to_owned() } else { format!("{wants} x{count}") })
            .collect();
        line +=
            &format!("  holds: {clause}{sooner}\n  not without ({}): {}\n", wants.count(), list.join(", "));
    }
    line
}
