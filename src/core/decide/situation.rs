//! All that gates look at: facts, brought by the engine. It holds no opinion.

use super::candidate::Candidate;
use super::cooldown::{Cooldown, Limits};
use super::gates::{By, Cap, Mode};
use super::reason::Reason;
use crate::health::self_trust::Isolation;
use crate::ids::{ObserverPos, RegionPos, ServiceId};
use crate::plan::PlanKind;
use crate::time::Span;

/// What the answers to the present ask make of a scenario's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nobody has been asked.
    NotYet,
    /// Too few have answered.
    Waiting {
        /// So many have.
        answered: u8,
        /// So many are needed.
        needed: u8,
    },
    /// They do not say so.
    Disagree,
    /// They say so, but so much time is missing.
    Early(Span),
    /// They say so only of what a majority of all observers cannot see.
    Narrow,
    /// They say so.
    Holds,
}

/// Who holds the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// This observer.
    Me,
    /// This observer, but its session may be over.
    Frozen,
    /// Another, if the policy knows it.
    Other(Option<ObserverPos>),
}

/// All that gates look at: facts, brought by the engine.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The kind of the plan.
    pub kind: PlanKind,
    /// Who wants it.
    pub by: By,
    /// Gates that whoever wants it names, one bit each: only these an approval passes.
    pub named: u32,
    /// The old side still lives: a switchover or failback.
    pub planned: bool,
    /// The outside world knows a newer epoch than the record, or another coordinator.
    pub foreign: bool,
    /// There is a record.
    pub adopted: bool,
    /// The mode in force, and who lowered it.
    pub mode: (Mode, Cap),
    /// What the answers to the present ask say.
    pub asked: Asked,
    /// Paused.
    pub paused: bool,
    /// A maintenance window is open.
    pub maintenance: bool,
    /// Who holds the claim.
    pub holder: Holder,
    /// This observer is a witness.
    pub witness: bool,
    /// This observer is isolated.
    pub isolated: Option<Isolation>,
    /// It has reference points.
    pub has_references: bool,
    /// The unfinished run.
    pub running: Option<PlanKind>,
    /// Voters with our policy, and with another.
    pub policies: (u8, u8),
    /// A region that takes writes and should not.
    pub drift: Option<RegionPos>,
    /// The best candidate, for a failover.
    pub candidate: Option<Candidate>,
    /// What it depends on and must wait for.
    pub waits_for: Option<ServiceId>,
    /// Every region is down.
    pub all_down: bool,
    /// What would be lost; none: nobody knows. Absent: nothing can be lost by this plan.
    pub loss: Option<Option<Span>>,
    /// The RPO in force.
    pub rpo: Option<Span>,
    /// It promotes, and nothing settles the old side.
    pub unfenced: bool,
    /// It promotes.
    pub promotes: bool,
    /// So many steps need the dead region.
    pub needs_dead: u16,
    /// The cooldown.
    pub cooldown: Cooldown,
    /// Automatic failovers lately, over all services.
    pub failovers: u16,
    /// Unfinished runs, over all services.
    pub runs: u16,
    /// The limits over all services.
    pub limits: Limits,
    /// Runs of this plan lately, and how many may be in how long.
    pub plan_runs: Option<(u16, u16, Span)>,
    /// What the plan requires and is not up, or that it has no case.
    pub requires: Result<(), Reason>,
    /// So many inputs have no default and no value.
    pub untold: u8,
    /// So much of the time for a veto is left; none: nothing is to be announced.
    pub veto: Span,
}
