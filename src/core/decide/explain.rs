//! Words for reasons: every answer a sentence with its evidence. Numbers and places come in, names are asked for; it
//! decides nothing and keeps nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::candidate::Unfit;
use super::cooldown::Cooldown;
use super::gates::{Cap, Reason};
use super::scenario::Behind;
use crate::ids::{ObserverPos, PlanPos, ProbePos, RegionPos, ServiceId, TriggerPos};
use crate::plan::PlanKind;
use crate::verdict::Part;
use crate::verdict::condition::Missing;

/// Names for places.
pub trait Names {
    /// Of a region of the service.
    fn region(&self, at: RegionPos) -> &str;
    /// Of an observer.
    fn observer(&self, at: ObserverPos) -> &str;
    /// Of a probe of the service.
    fn probe(&self, at: ProbePos) -> &str;
    /// Of a probe or component of the service.
    fn part(&self, part: Part) -> &str;
    /// Of a trigger of the service.
    fn trigger(&self, at: TriggerPos) -> &str;
    /// Of a plan of the service.
    fn plan(&self, at: PlanPos) -> &str;
    /// Of a service.
    fn service(&self, id: ServiceId) -> &str;
}

/// A readable answer: sentences, some of them evidence for the one above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    lines: Vec<(u8, String)>,
}

impl Explanation {
    /// A sentence.
    pub fn say(&mut self, sentence: String) {
        self.lines.push((0, sentence));
    }

    /// Evidence for the sentence above.
    pub fn since(&mut self, evidence: String) {
        self.lines.push((1, evidence));
    }

    /// The lines, each with how deep it stands.
    pub fn lines(&self) -> impl Iterator<Item = (u8, &str)> {
        self.lines.iter().map(|(depth, text)| (*depth, text.as_str()))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, line) in &self.lines {
            writeln!(f, "{:indent$}{line}", "", indent = usize::from(*depth) * 2)?;
        }
        Ok(())
    }
}

/// Why a gate blocks.
#[must_use]
pub fn reason(reason: Reason, names: &impl Names) -> String {
    match reason {
        Reason::NoRecord => String::from(
            "the coordinator has no record of it: say `watchkeeper adopt SERVICE REGION`, naming where it is active",
        ),
        Reason::Foreign => String::from(
            "the outside world knows a newer epoch than the coordinator, or another coordinator (a restored backup, a \
             second one): find out which is right, then say `watchkeeper adopt SERVICE REGION`",
        ),
        Reason::Observing(cap) => format!("the mode is `observe`, set {}", cap_words(cap)),
        Reason::NotAsked => String::from("nobody has been asked to look again yet"),
        Reason::FewAnswers { answered, needed } => {
            format!("{answered} observers have looked again and answered, {needed} are needed")
        }
        Reason::AnswersDisagree => String::from("those who have looked again do not say so by a majority"),
        Reason::NotYet { left } => format!("it must hold for {left} more"),
        Reason::Narrow => String::from(
            "it rests on probes that a majority of all observers cannot see: nothing moves by itself on those",
        ),
        Reason::Paused => String::from("the service is paused"),
        Reason::Maintenance => String::from("a maintenance window is open"),
        Reason::Unclaimed => String::from("no observer holds the claim"),
        Reason::HeldBy(Some(who)) => format!("{} holds the claim and acts", names.observer(who)),
        Reason::HeldBy(None) => String::from("an observer that this policy does not know holds the claim"),
        Reason::Frozen => String::from(
            "this observer holds the claim, but has not read the journal yet, or could not renew its session in time",
        ),
        Reason::Witness => String::from("this observer is a witness: it votes, and never acts"),
        Reason::Isolated(why) => format!("this observer is isolated: {why}"),
        Reason::NoReferences => {
            String::from("there are no reference points to check our own view by: name some in [self_trust]")
        }
        Reason::Running(kind) => format!("a {} is in progress", kind_words(kind)),
        Reason::OtherPolicy { same, other } => {
            format!(
                "{other} of {} voters decide by another policy than ours",
                u16::from(same) + u16::from(other)
            )
        }
        Reason::Drifted(at) => {
            format!(
                "{} takes writes and the record does not say so: mend it, or say `watchkeeper adopt`",
                names.region(at)
            )
        }
        Reason::NowhereToGo => String::from("there is no other region"),
        Reason::Unfit(candidate) => {
            let region = names.region(candidate.region);
            match candidate.unfit {
                Some(Unfit::Bad(level)) => format!("the best candidate, {region}, is {level} itself"),
                Some(Unfit::Unknown) => format!("nobody knows whether the best candidate, {region}, is up"),
                Some(Unfit::NoCase) => format!("the plan has no case for {region}"),
                Some(Unfit::Quarantined) => format!("{region} is quarantined"),
                Some(Unfit::Requires) => format!("{region} lacks what the plan requires"),
                None => format!("{region} can take over"),
            }
        }
        Reason::Quarantined(at) => format!(
            "{} lost the role and has not proved the present epoch: run its rejoin plan, or say `watchkeeper release`",
            names.region(at)
        ),
        Reason::WaitsFor(service) => {
            format!("it depends on {}, which must move first", names.service(service))
        }
        Reason::AllDown => String::from("every region is down: that is no reason to move"),
        Reason::LossUnknown => String::from("nobody knows how much would be lost"),
        Reason::Loss { loss, rpo } => format!("promoting now loses up to {loss}, and the RPO is {rpo}"),
        Reason::NoFence => String::from(
            "it promotes, no fence settles the old side first, and `unfenced` does not say why that is acceptable",
        ),
        Reason::NeedsTheDead { steps } => format!("{steps} of its steps need the region that is down"),
        Reason::Cooling(cooldown) => match cooldown {
            Cooldown::Over => String::from("the cooldown is over"),
            Cooldown::Left(left) => format!("the cooldown after the last failover lasts {left} more"),
            Cooldown::Unacknowledged(outcome, _) => {
                format!(
                    "the last failover was {outcome}: somebody must say `watchkeeper acknowledge RUN` first"
                )
            }
        },
        Reason::TooFast { started, limit, within } => {
            format!("{started} services have failed over by themselves within {within}, the limit is {limit}")
        }
        Reason::TooMany { running, limit } => format!("{running} runs are in progress, the limit is {limit}"),
        Reason::TooOften { started, limit, within } => {
            format!("this plan was started {started} times within {within}, its limit is {limit}")
        }
        Reason::NotUp(probe, at) => {
            format!(
                "the plan requires {}, which is not known to be up in {}",
                names.probe(probe),
                names.region(at)
            )
        }
        Reason::NoCase => String::from("the plan has no case for where it would have to act"),
        Reason::Untold { inputs } => {
            format!("{inputs} of its inputs have no default: a person must give them")
        }
        Reason::Unapproved => String::from("it waits for an approval"),
        Reason::Announced { left } => format!("it is announced, and {left} are left for a veto"),
    }
}

fn cap_words(cap: Cap) -> &'static str {
    match cap {
        Cap::Top => "for the whole daemon",
        Cap::Service => "for this service",
        Cap::Scenario => "for this scenario",
    }
}

/// The word for a kind of plan.
#[must_use]
pub const fn kind_words(kind: PlanKind) -> &'static str {
    match kind {
        PlanKind::Failover => "failover",
        PlanKind::Repair => "repair",
        PlanKind::Rejoin => "rejoin",
        PlanKind::Inspect => "inspection",
    }
}

/// Why another scenario acts.
#[must_use]
pub const fn behind(why: Behind) -> &'static str {
    match why {
        Behind::Over => "it says that it goes before",
        Behind::Mode => "it may act, and this one only watches",
        Behind::Severity => "it is more severe",
        Behind::Kind => "a failover goes before a repair, a repair before an inspection",
        Behind::Name => "its name comes first",
    }
}

/// Why a clause does not hold.
#[must_use]
pub fn missing(missing: Missing, names: &impl Names) -> String {
    match missing {
        Missing::NoActive => String::from("nobody knows where the service is active"),
        Missing::NoStandby => String::from("it has no other region"),
        Missing::Service(level) => format!("the service is not {level}"),
        Missing::Down(part) => format!("{} is not known to be down", names.part(part)),
        Missing::Slow(part) => format!("{} is not known to be slow", names.part(part)),
        Missing::Up(part) => format!("{} is not known to be up", names.part(part)),
        Missing::Few { are, of } => format!("{are} of the {of} that suffice are bad"),
        Missing::Priority(priority) => format!("no component of at least {priority} priority is down"),
        Missing::Raised(trigger) => format!("{} is not raised", names.trigger(trigger)),
        Missing::Tried(plan) => format!("{} has not been tried for this incident", names.plan(plan)),
        Missing::RegionLost => String::from("the region is not lost"),
        Missing::NoIncident => String::from("no incident is open"),
    }
}

#[cfg(test)]
mod tests;
