//! What the core finds wrong with plans and policies, said of the places where it was written. The core knows names and
//! no places; here each name is found again in the tree that it came from.

use super::Around;
use crate::config::node::Node;
use crate::config::place::At;
use crate::config::problem::{Code, Problem};
use crate::config::suggest;
use crate::config::whole::ServiceRead;
use crate::core::ids::Name;
use crate::core::plan::{Fault, Flaw as PlanFlaw, StepName};
use crate::core::policy::{Flaw, What};

/// A flaw of a plan.
pub(super) fn plan(around: &Around<'_>, service: &ServiceRead<'_>, flaw: &PlanFlaw) {
    let plans = service.node.get("plan");
    let Some(plan) = plans.and_then(|plans| plans.get(flaw.plan.as_str())) else { return };
    let (table, stands) = match &flaw.step {
        None => (plan, None),
        Some(step) => step_of(plans, plan, step).unwrap_or((plan, None)),
    };
    let key = flaw.key.as_deref().and_then(|key| table.get(key));
    let within = key.unwrap_or(table);
    let at = pointed(within, &flaw.fault).or(key.map(|node| node.at)).unwrap_or(table.at);
    // What could not be read is not judged a second time.
    if around.problems.refused(at) {
        return;
    }
    let whole = flaw.fault.to_string();
    let (message, todo) = match whole.split_once("; ") {
        Some((message, todo)) => (message.to_owned(), Some(todo.to_owned())),
        None => (whole, None),
    };
    let mut said = format!("plan `{}`", flaw.plan);
    if let Some(step) = &flaw.step {
        said.push_str(&format!(", step `{step}`"));
    }
    let mut message = format!("{said}: {message}");
    if !flaw.cases.is_empty() {
        let cases: Vec<String> = flaw.cases.iter().map(|case| format!("`{case}`")).collect();
        message.push_str(&format!(" (only {})", cases.join(", ")));
    }
    let (code, help) = match &flaw.fault {
        Fault::Missing { name, known, .. } => {
            (Code::Reference, Some(suggest::help(name.as_str(), known.iter().map(Name::as_str))))
        }
        Fault::SecretShown { .. } | Fault::SecretInline => (Code::Secret, todo),
        Fault::Unknown { .. } => {
            let declare = "declare it (`inputs` of the plan, `fields` of a trigger)";
            (Code::Reference, Some(todo.map_or(declare.to_owned(), |todo| format!("{todo}; {declare}"))))
        }
        Fault::NoOutput { .. } => (
            Code::Reference,
            todo.or(Some("declare it in that step's `outputs`, or name another".to_owned())),
        ),
        _ => (Code::Plan, todo),
    };
    if code == Code::Secret {
        around.problems.mask(at);
    }
    let mut problem = Problem::error(code, at, message);
    problem.help = help;
    if let Some(stands) = stands {
        problem = problem.also(stands, "it is a step of this child plan");
    }
    around.add(problem);
}

/// A step's table, and the place of the step that stands for its plan, where it is a child's.
fn step_of<'n>(plans: Option<&'n Node>, plan: &'n Node, step: &StepName) -> Option<(&'n Node, Option<At>)> {
    let of = |plan: &'n Node, name: &str| plan.get("step").and_then(|steps| steps.get(name));
    let whole = step.to_string();
    match whole.split_once('.') {
        None => Some((of(plan, &whole)?, None)),
        Some((stands, inner)) => {
            let stands = of(plan, stands)?;
            let child = stands.get("plan").and_then(Node::text)?;
            let step = plans?.get(child).and_then(|child| of(child, inner));
            Some((step.unwrap_or(stands), Some(stands.at)))
        }
    }
}

/// Where within a key the fault is.
fn pointed(node: &Node, fault: &Fault) -> Option<At> {
    match fault {
        Fault::Missing { name, .. } => node.find_text(name.as_str()),
        Fault::NoFence { step, .. } => node.find_text(&step.to_string()),
        Fault::NeedsLaterPhase { need, .. } => node.find_text(&need.to_string()),
        Fault::OutsideFailover { placeholder }
        | Fault::NoValue { placeholder, .. }
        | Fault::NotAText { placeholder }
        | Fault::SecretShown { placeholder } => node.find_within(&placeholder.to_string()),
        Fault::KnownTooLate { placeholder } | Fault::Unknown { placeholder, .. } => {
            node.find_within(&placeholder.to_string())
        }
        Fault::OutputTooEarly { output }
        | Fault::OutputLeftOut { output, .. }
        | Fault::OutputPreviewed { output }
        | Fault::NoOutput { output, .. } => {
            // A child says it without the step that stands for it.
            let whole = output.to_string();
            let inner = whole.strip_prefix("{steps.").and_then(|rest| rest.split_once('.'));
            node.find_within(&whole)
                .or_else(|| node.find_within(&format!("{{steps.{}", inner.map_or("", |(_, rest)| rest))))
        }
        _ => None,
    }
}

/// Flaws of the policy as a whole.
pub(super) fn report(around: &Around<'_>, found: Vec<Flaw>) {
    for flaw in found {
        if let Some(problem) = policy(around, &flaw)
            && !problem.at.is_some_and(|at| around.problems.refused(at))
        {
            around.add(problem);
        }
    }
}

fn policy(around: &Around<'_>, flaw: &Flaw) -> Option<Problem> {
    let root = around.whole.root;
    let service_of = |name: &Name| around.whole.services.iter().find(|service| service.name == *name);
    let node_of = |name: &Name| service_of(name).map(|service| service.node);
    let whole = flaw.to_string();
    let (message, todo) = match whole.split_once(": ") {
        Some((message, todo)) if !todo.is_empty() => (message.to_owned(), Some(todo.to_owned())),
        Some(_) | None => (whole.clone(), None),
    };
    let error = |code, at: Option<At>| {
        let mut problem = Problem::error(code, at, message.clone());
        problem.help.clone_from(&todo);
        problem
    };
    Some(match flaw {
        Flaw::Missing { service, by, what, name } => {
            return missing(around, service.as_ref(), by, *what, name);
        }
        // Two of one name in one table is no TOML; what is left are parts of different kinds, and lists.
        Flaw::Twice(what, name) => {
            let twice = around.whole.services.iter().find_map(|service| {
                let in_list = service.node.get("regions").and_then(|node| node.find_text(name.as_str()));
                let kinds = ["trigger", "probe", "component"];
                let tables: Vec<At> = kinds
                    .iter()
                    .filter_map(|kind| service.node.get(kind).and_then(Node::table))
                    .filter_map(|table| table.0.get(name.as_str()).map(|entry| entry.key))
                    .collect();
                if tables.len() > 1 { tables.first().copied() } else { in_list }
            });
            let mut problem = error(Code::Twice, twice);
            if *what == What::Part {
                problem.message =
                    format!("probes, components and triggers share their names, and two are called `{name}`");
            }
            problem.help = Some("rename or remove one of them".to_owned());
            problem
        }
        Flaw::WhoAmI(_) | Flaw::Observers(_) => {
            error(Code::Policy, around.whole.config.name.at().or(around.whole.config.observer.at()))
        }
        Flaw::LostAt(region, _) => error(
            Code::Value,
            root.get("region")
                .and_then(|all| all.get(region.as_str()))
                .and_then(|r| r.get("lost_at"))
                .map(|n| n.at),
        ),
        Flaw::NoRegion(service) => {
            let raw = service_of(service).map(|service| &service.raw.regions);
            if raw.is_none_or(|regions| regions.at().is_none() || regions.bad()) {
                return None;
            }
            error(Code::Missing, raw.and_then(|regions| regions.at()))
        }
        Flaw::TooMany { service, .. } => error(Code::Policy, node_of(service).map(|node| node.at)),
        Flaw::Circle { service, names, what } => {
            let shelf = match (service, what) {
                (None, _) => root.get("service"),
                (Some(service), What::Component) => node_of(service).and_then(|node| node.get("component")),
                (Some(service), _) => node_of(service).and_then(|node| node.get("probe")),
            };
            let at = names.windows(2).find_map(|pair| {
                let [one, next] = pair else { return None };
                let table = shelf?.get(one.as_str())?;
                let list = table.get("depends_on").or_else(|| table.get("parent"))?;
                list.find_text(next.as_str())
            });
            let mut problem = error(Code::Reference, at);
            problem.message = whole;
            problem.help = Some("remove one of these from its list".to_owned());
            problem
        }
        Flaw::LocalNowhere(service, probe) => {
            let table =
                node_of(service).and_then(|node| node.get("probe")).and_then(|all| all.get(probe.as_str()));
            let mut problem =
                error(Code::Value, table.and_then(|table| table.get("from")).map(|node| node.at));
            problem.help = Some("write \"all\", or a list of observers".to_owned());
            problem
        }
        Flaw::Ladder(service, _) => {
            let at = service_of(service).and_then(|service| {
                let ladder = service.raw.ladder.get()?;
                let own = root.get("ladder").and_then(|all| all.get(ladder.0.as_str()))?;
                Some(own.get("rungs").map_or(own.at, |rungs| rungs.at))
            });
            error(Code::Policy, at)
        }
        Flaw::Condition { service, of, why } => {
            let mut problem = error(Code::Value, when(around, node_of(service), of));
            problem.message = format!("`{of}`: {why}");
            problem.help =
                Some("write what must hold, such as { service = \"down\", for = \"1m\" }".to_owned());
            problem
        }
        Flaw::NeverThere { service, of, probe } => {
            let table = when_node(around, node_of(service), of);
            let at = table.and_then(|table| table.find_text(probe.as_str()));
            let mut problem = error(Code::Policy, at.or(table.map(|table| table.at)));
            problem.message =
                format!("`{of}` can never hold: probe `{probe}` does not run where the condition looks");
            problem.help = Some(
                "write `role = \"standby\"` into the condition, or change the probe's `role`".to_owned(),
            );
            problem
        }
        Flaw::WrongKind { service, by, plan, kind } => {
            let service = node_of(service)?;
            let at = ["rejoin", "failback"]
                .iter()
                .filter_map(|key| service.get(key))
                .find_map(|node| node.find_text(plan.as_str()));
            let scenario =
                || service.get("scenario").and_then(|all| all.get(by.as_str()))?.find_text(plan.as_str());
            let mut problem = error(Code::Value, at.or_else(scenario));
            problem.message = format!("plan `{plan}` is no {kind} plan");
            problem.help = Some("name a plan of that kind, or change the plan's `kind`".to_owned());
            problem
        }
        Flaw::DownRule { service, component, .. } => {
            let service = node_of(service)?;
            let table = match component {
                Some(name) => service.get("component").and_then(|all| all.get(name.as_str())),
                None => Some(service),
            };
            let mut problem =
                error(Code::Value, table.and_then(|table| table.get("down_when")).map(|n| n.at));
            problem.help = Some("ask for at least 1 and at most all that there are".to_owned());
            problem
        }
    })
}

/// A name that names nothing; not where the thing is written and only could not be read.
fn missing(
    around: &Around<'_>,
    service: Option<&Name>,
    by: &Name,
    what: What,
    name: &Name,
) -> Option<Problem> {
    let root = around.whole.root;
    let Some(service) = service else {
        let services = root.get("service").and_then(Node::table)?;
        if services.get(name.as_str()).is_some() {
            return None;
        }
        let at = services.get(by.as_str()).and_then(|node| node.get("depends_on")?.find_text(name.as_str()));
        let problem = Problem::error(Code::Reference, at, format!("there is no service `{name}`"));
        return Some(problem.help(suggest::help(name.as_str(), services.0.keys().map(|key| &**key))));
    };
    let node = around.whole.services.iter().find(|one| one.name == *service)?.node;
    let shelves: &[&str] = match what {
        What::Component => &["component"],
        What::Probe => &["probe"],
        What::Part => &["probe", "component"],
        What::Trigger => &["trigger"],
        What::Scenario => &["scenario"],
        What::Plan => &["plan"],
        What::Region | What::Observer | What::Service | What::Rung => &[],
    };
    let mut known: Vec<&str> = shelves
        .iter()
        .filter_map(|shelf| node.get(shelf).and_then(Node::table))
        .flat_map(|table| table.0.keys().map(|key| &**key))
        .collect();
    match what {
        What::Region => known.extend(regions(node)),
        What::Observer => known.extend(around.observers.iter().map(|(name, _)| name.as_str())),
        _ => {}
    }
    if known.contains(&name.as_str()) {
        return None;
    }
    let rungs: Vec<String> = if what == What::Rung { rungs(around, node) } else { Vec::new() };
    known.extend(rungs.iter().map(String::as_str));
    let of = ["probe", "component", "scenario", "plan"]
        .iter()
        .filter_map(|shelf| node.get(shelf)?.get(by.as_str()))
        .find_map(|table| table.find_text(name.as_str()));
    let ladder = || {
        let word = node.get("ladder").and_then(Node::text)?;
        root.get("ladder")?.get(word)?.get("severity")?.get(by.as_str())?.find_text(name.as_str())
    };
    let own = || ["rejoin", "failback"].iter().find_map(|key| node.get(key)?.find_text(name.as_str()));
    let at = of.or_else(ladder).or_else(own).or(Some(node.at));
    let problem = Problem::error(Code::Reference, at, format!("service `{service}` has no {what} `{name}`"));
    Some(problem.help(suggest::help(name.as_str(), known)))
}

fn regions(service: &Node) -> Vec<&str> {
    use crate::config::node::What as Value;
    match service.get("regions").map(|node| &node.what) {
        Some(Value::List(list)) => list.iter().filter_map(Node::text).collect(),
        _ => Vec::new(),
    }
}

fn rungs(around: &Around<'_>, service: &Node) -> Vec<String> {
    let word = service.get("ladder").and_then(Node::text).unwrap_or("level");
    let ladders = super::ladder::ladders(around);
    let ladder = ladders.get(word);
    ladder.into_iter().flat_map(|l| &l.rungs).map(|rung| rung.name.as_str().to_owned()).collect()
}

/// The condition of a scenario of the service, or of a rung of its ladder.
fn when_node<'n>(around: &'n Around<'_>, service: Option<&'n Node>, of: &Name) -> Option<&'n Node> {
    let service = service?;
    let scenario = service.get("scenario").and_then(|all| all.get(of.as_str()));
    if let Some(scenario) = scenario {
        return Some(scenario.get("when").unwrap_or(scenario));
    }
    let ladder = service.get("ladder").and_then(Node::text)?;
    around.whole.root.get("ladder")?.get(ladder)?.get("severity")?.get(of.as_str())?.get("when")
}

fn when(around: &Around<'_>, service: Option<&Node>, of: &Name) -> Option<At> {
    when_node(around, service, of).map(|node| node.at)
}
