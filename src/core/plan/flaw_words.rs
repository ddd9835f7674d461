//! What people read of a flaw: where it is, what it is, what to do. Nothing here may decide what a flaw is.

use super::flaw::{CaseName, Fault, Flaw};
use super::step::{ActsAs, InputType, PlanKind};
use core::fmt;

struct List<'a, T>(&'a [T], &'static str);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            write!(f, "{}`{item}`", if i > 0 { self.1 } else { "" })?;
        }
        if self.0.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plan `{}`", self.plan)?;
        if let Some(step) = &self.step {
            write!(f, ", step `{step}`")?;
        }
        if let Some(key) = &self.key {
            write!(f, ", key `{key}`")?;
        }
        write!(f, ": {}", self.fault)?;
        match self.cases.as_slice() {
            [] => Ok(()),
            cases => write!(f, " (only {})", List(cases, ", ")),
        }
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(from) => write!(f, "{from} -> {}", self.at),
            None => write!(f, "in {}", self.at),
        }
    }
}

impl fmt::Display for Fault {
    #[expect(
        clippy::too_many_lines,
        reason = "one sentence a fault: the words stand together so that they stay alike"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Empty => f.write_str("it has no step; give it one, or remove the plan"),
            Fault::TooMany { what, most } => write!(f, "at most {most} {what}; split it"),
            Fault::Twice { what, name } => write!(f, "two {what} are called `{name}`; rename one"),
            Fault::Missing { what, name, known } => {
                write!(f, "there is no {what} `{name}`; there are: {}", List(known, ", "))
            }
            Fault::TooFewRegions { regions } => write!(
                f,
                "the service has {regions} region(s), so there is nowhere for it to act; add a region to the service's \
                 `regions`, or make it another kind of plan"
            ),
            Fault::Cycle { steps } => {
                write!(f, "its steps wait for each other: {}", List(steps, " needs "))?;
                if let Some(first) = steps.first() {
                    write!(f, " needs `{first}`")?;
                }
                f.write_str("; remove one of these from `needs`")
            }
            Fault::NeedsLaterPhase { need, phase } => write!(
                f,
                "it needs `{need}`, which is in the later phase `{phase}`; move one of them, or do without the need"
            ),
            Fault::SameDeadline { one, other, deadline } => write!(
                f,
                "the phases `{one}` and `{other}` both end {deadline} after the start, so none is the earlier; give one a \
                 later deadline"
            ),
            Fault::ChildOfChild { plan } => {
                write!(f, "it stands for plan `{plan}` within a child plan; only one level is possible: name its steps here")
            }
            Fault::NotOnAChild => f.write_str("a step that stands for a plan cannot have this key; give it to that plan's steps"),
            Fault::NeverRuns => {
                f.write_str("it is for planned runs within a step for unplanned ones (or the reverse), so it never runs; remove one `only`")
            }
            Fault::OnlyOutsideFailover => {
                f.write_str("only a failover is planned or unplanned; remove `only`, or make the plan a failover")
            }
            Fault::NoFence { step, acts_as: Some(acts_as) } => write!(
                f,
                "`fence` names `{step}`, which {acts_as}; name a step that acts as fences, or say `acts_as = \"fences\"` \
                 there if it keeps the old side from writing"
            ),
            Fault::NoFence { step, acts_as: None } => {
                write!(f, "`fence` names `{step}`, which stands for a plan; give that plan the `fence`, or name a step of this one")
            }
            Fault::TwoFenceLists { child } => write!(
                f,
                "child `{child}` brings a `fence` of its own, and the run already has one; name all fences in one list, in \
                 the order in which they are tried"
            ),
            Fault::NoReason => f.write_str("say why it is acceptable to go on unfenced: this text is what the night shift reads"),
            Fault::BeforeFence { fence, acts_as } => write!(
                f,
                "it {acts_as}, and fence `{fence}` waits for it: the old side must be settled first; remove it from what \
                 `{fence}` needs"
            ),
            Fault::FenceOrder { fence } => {
                write!(f, "it needs `{fence}`, which `fence` tries after it; exchange them in `fence`, or remove the need")
            }
            Fault::FenceElsewhere { region, old } => write!(
                f,
                "it acts as fences in {region}, but the old side is in {old}; write `region = \"{{from}}\"`"
            ),
            Fault::TrafficBeforePromotion { promotes } => write!(
                f,
                "it leads users to the new side without waiting for `{promotes}`, which lets that side write; add \
                 `{promotes}` to its `needs`"
            ),
            Fault::NotInKind { kind, what } => write!(
                f,
                "a plan of kind {kind} cannot hold a step that {what}; make it a repair or failover, or remove the step"
            ),
            Fault::Unordered { other, resource } => write!(
                f,
                "it and `{other}` both change {resource}, and nothing says which comes first; add one to the `needs` of the \
                 other"
            ),
            Fault::OutputTooEarly { output } => {
                write!(f, "{output} is not there yet when this step starts; add its step to `needs`")
            }
            Fault::OutputLeftOut { output, only } => write!(
                f,
                "{output} is there in {only} runs only, and this step runs in others too; give it the same `only`"
            ),
            Fault::OutputPreviewed { output } => write!(
                f,
                "a drill does not run what gives {output}, but runs this step; give that step a `drill_target`, or this one \
                 `in_drill = \"preview\"`"
            ),
            Fault::NoOutput { output, declared: None } => {
                write!(f, "{output} names no step of this plan; name one that stands before this step")
            }
            Fault::NoOutput { output, declared: Some(declared) } => {
                write!(f, "{output} is no output of its step, which has: {}", List(declared, ", "))
            }
            Fault::Unknown { placeholder, known } => {
                write!(f, "{placeholder} is not declared; declared are: {}", List(known, ", "))
            }
            Fault::KnownTooLate { placeholder } => {
                write!(f, "{placeholder} is not known yet when this is needed; write it out, or use a placeholder that is")
            }
            Fault::OutsideFailover { placeholder } => {
                write!(f, "{placeholder} exists only in a failover; write {{region}}, which is where the step acts")
            }
            Fault::NoValue { placeholder, region: Some(region) } => {
                write!(f, "{placeholder} has no value for region {region}; add it under `values.{region}`")
            }
            Fault::NoValue { placeholder, region: None } => {
                write!(f, "{placeholder} has no value, since this observer is in no region that has any; write {{region.…}}")
            }
            Fault::NotAText { placeholder } => write!(
                f,
                "{placeholder} is a table or a list, and a text is wanted; name a key within it, or (for a list) let it stand \
                 alone in a list"
            ),
            Fault::SecretShown { placeholder } => write!(
                f,
                "{placeholder} is a secret and would be shown here; use it alone, in a key that takes a secret"
            ),
            Fault::SecretInline => f.write_str(
                "a secret must not be written out; write { credential = \"…\" }, { file = \"…\" } or { env = \"…\" }, or a \
                 region's value that is one",
            ),
            Fault::NoRegion { text } => write!(f, "`{text}` is no region of the service nor a declared one; correct or declare it"),
            Fault::TooDeep { deepest } => write!(f, "keys are nested deeper than {deepest}; flatten them"),
            Fault::NoInput { name } => {
                write!(f, "the plan's input `{name}` has no default; give it a value in `inputs`")
            }
            Fault::NotAChoice { name, value, choices } => {
                write!(f, "`{value}` is no choice of input `{name}`; choose from {}", List(choices, ", "))
            }
            Fault::BadInput { name, kind: InputType::Choice } => {
                write!(f, "input `{name}` is a choice without choices; list them in `choices`")
            }
            Fault::BadInput { name, kind: InputType::Text | InputType::Time } => {
                write!(f, "input `{name}` has `choices` and is no choice; say `type = \"choice\"`, or remove them")
            }
            Fault::WaitsForNothing => f.write_str("it waits for nothing; give it `for`, or `until` and a probe"),
            Fault::TimeoutTooShort { lasts, timeout } => {
                write!(f, "it lasts {lasts}, and is given up after {timeout}; make `timeout` longer")
            }
            Fault::NobodyAsked => f.write_str("it asks nobody; `count` is at least 1, and a checklist has at least one item"),
            Fault::DrillChangesProduction => f.write_str(
                "with `in_drill = \"run\"` a drill would change production here; give it a `drill_target`, or say `preview`",
            ),
            Fault::DrillTargetSame => {
                f.write_str("its value in `drill_target` is the one of production; point it somewhere else")
            }
            Fault::DrillTargetEmpty => f.write_str("its `drill_target` replaces nothing; name the keys that differ in a drill"),
        }
    }
}

impl fmt::Display for ActsAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ActsAs::Fences => "fences",
            ActsAs::Promotes => "promotes",
            ActsAs::Routes => "routes",
            ActsAs::Verifies => "verifies",
            ActsAs::Other => "acts as other",
        })
    }
}

impl fmt::Display for PlanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PlanKind::Failover => "failover",
            PlanKind::Repair => "repair",
            PlanKind::Rejoin => "rejoin",
            PlanKind::Inspect => "inspect",
        })
    }
}
