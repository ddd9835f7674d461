//! Why a policy is refused: each flaw a value that names the place and what to write instead.

use alloc::vec::Vec;
use core::fmt;

use crate::decide::explain::kind_words;
use crate::ids::Name;
use crate::plan::PlanKind;
use crate::severity::ladder::NotALadder;
use crate::verdict::Observers;
use crate::verdict::condition::NotACondition;

/// A kind of thing that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of the house")]
pub enum What {
    Region,
    Observer,
    Service,
    Component,
    Probe,
    Part,
    Trigger,
    Scenario,
    Plan,
    Rung,
}

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Two of one name.
    Twice(What, Name),
    /// Something refers to what is not there.
    Missing {
        /// In which service, where it is one's.
        service: Option<Name>,
        /// Who refers to it.
        by: Name,
        /// What is missing.
        what: What,
        /// Its name.
        name: Name,
    },
    /// `me` is none of the observers.
    WhoAmI(Name),
    /// None, or too many.
    Observers(usize),
    /// A region's `lost_at` is no share.
    LostAt(Name, u8),
    /// The service has no region.
    NoRegion(Name),
    /// Too many of something.
    TooMany {
        /// In which service.
        service: Name,
        /// Of what.
        what: What,
        /// So many may be.
        most: usize,
    },
    /// These depend on one another in a circle.
    Circle {
        /// In which service, where components.
        service: Option<Name>,
        /// Of what kind.
        what: What,
        /// The circle.
        names: Vec<Name>,
    },
    /// A probe in no region cannot be local to one.
    LocalNowhere(Name, Name),
    /// The ladder is none.
    Ladder(Name, NotALadder),
    /// A condition is none.
    Condition {
        /// In which service.
        service: Name,
        /// Of which rung or scenario.
        of: Name,
        /// Why.
        why: NotACondition,
    },
    /// It looks at the active region for a probe that never runs there, or the other way round: it can never hold.
    NeverThere {
        /// In which service.
        service: Name,
        /// Of which rung or scenario.
        of: Name,
        /// The probe.
        probe: Name,
    },
    /// A plan is wanted for what it is not made for.
    WrongKind {
        /// In which service.
        service: Name,
        /// Who refers to it.
        by: Name,
        /// The plan.
        plan: Name,
        /// What it should be for.
        kind: PlanKind,
    },
    /// A rule asks for more than there are, or for none.
    DownRule {
        /// In which service.
        service: Name,
        /// Of which component; none: the service's own.
        component: Option<Name>,
        /// So many are asked for.
        asked: u8,
        /// So many there are.
        there: usize,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Region => "region",
            What::Observer => "observer",
            What::Service => "service",
            What::Component => "component",
            What::Probe => "probe",
            What::Part => "probe or component",
            What::Trigger => "trigger",
            What::Scenario => "scenario",
            What::Plan => "plan",
            What::Rung => "rung",
        })
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Twice(what, name) => write!(f, "two {what}s are called `{name}`: give one another name"),
            Flaw::Missing { service: Some(service), by, what, name } => {
                write!(f, "`{by}` of service `{service}` names the {what} `{name}`, which does not exist")
            }
            Flaw::Missing { service: None, by, what, name } => {
                write!(f, "`{by}` names the {what} `{name}`, which does not exist")
            }
            Flaw::WhoAmI(me) => {
                write!(f, "this daemon is called `{me}`, and no observer is: declare it or set its name")
            }
            Flaw::Observers(n) => write!(f, "there are {n} observers: 1 to {} are possible", Observers::MOST),
            Flaw::WrongKind { service, by, plan, kind } => {
                let kind = kind_words(*kind);
                write!(f, "`{by}` of service `{service}` names the plan `{plan}`, which is no {kind} plan")
            }
            Flaw::LostAt(region, pct) => {
                write!(f, "`lost_at` of region `{region}` is {pct}%: write 1% to 100%")
            }
            Flaw::NoRegion(service) => write!(f, "service `{service}` has no region: name at least one"),
            Flaw::TooMany { service, what, most } => {
                write!(f, "service `{service}` has too many {what}s: at most {most}")
            }
            Flaw::Circle { service, what, names } => {
                match service {
                    Some(service) => {
                        write!(f, "{what}s of service `{service}` depend on one another in a circle: ")?
                    }
                    None => write!(f, "{what}s depend on one another in a circle: ")?,
                }
                for (i, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if i == 0 { "" } else { " -> " })?;
                }
                Ok(())
            }
            Flaw::LocalNowhere(service, probe) => write!(
                f,
                "probe `{probe}` of service `{service}` runs in no region and cannot be `local` to one: say who sees it"
            ),
            Flaw::Ladder(service, why) => write!(f, "service `{service}`: {why}"),
            Flaw::Condition { service, of, why } => write!(f, "`{of}` of service `{service}`: {why}"),
            Flaw::NeverThere { service, of, probe } => write!(
                f,
                "`{of}` of service `{service}` can never hold: probe `{probe}` does not run where the condition looks; \
                 write `role` into the condition, or change the probe's"
            ),
            Flaw::DownRule { service, component, asked, there } => {
                write!(f, "`down_when` of ")?;
                match component {
                    Some(component) => write!(f, "component `{component}` of service `{service}`")?,
                    None => write!(f, "service `{service}`")?,
                }
                write!(f, " asks for {asked} of {there}")
            }
        }
    }
}

impl fmt::Display for NotACondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotACondition::Empty => f.write_str("a condition needs at least one clause"),
            NotACondition::AsksNothing(i) => {
                write!(f, "clause {} of its `when` asks for nothing and would always hold", i + 1)
            }
            NotACondition::AtLeast(i) => {
                write!(
                    f,
                    "`at_least` in clause {} of its `when` must lie between 1 and what it counts",
                    i + 1
                )
            }
        }
    }
}
