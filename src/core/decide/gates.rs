//! Every reason why acting now would be unsafe: each gate passes or blocks, and says why with its numbers.
//!
//! Gates are looked at all the time and not only in a crisis, so that "would it work now, and if not why" always has
//! an answer. Which gate binds what, and who may pass it, is SAFETY §6's table: [`Gate::binds`], [`Gate::passer`].

pub use super::reason::Reason;
pub use super::situation::{Asked, Holder, Situation};

use super::candidate::{Candidate, Unfit};
use super::cooldown::{Cooldown, Limits};
use crate::mutants::{self, Mutant};
use crate::plan::PlanKind;
use crate::time::Span;

/// The most that may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It says what it would have done.
    #[default]
    Observe,
    /// A human says yes first.
    Approve,
    /// By itself.
    Auto,
}

/// Who lowered the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the config's own words")]
pub enum Cap {
    Top,
    Service,
    Scenario,
}

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Nobody: a scenario holds.
    Itself,
    /// A scenario holds, and somebody has approved what the approval names.
    Approval,
    /// An operator ordered it.
    Order,
}

/// Who may pass a gate that blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passer {
    /// Nobody.
    Nobody,
    /// An operator's order.
    Order,
    /// An order, or an approval.
    OrderOrApproval,
    /// Only an approval that names it.
    Approval,
}

macro_rules! gates {
    ($($(#[$doc:meta])* $gate:ident = $word:literal,)*) => {
        /// A reason why acting now would be unsafe.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Gate { $($(#[$doc])* $gate,)* }

        impl Gate {
            /// Each of them, in the order in which they are told.
            pub const ALL: &[Gate] = &[$(Gate::$gate),*];

            /// Its name in events, metrics and texts.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Gate::$gate => $word,)* }
            }

            /// Its place in a set of gates.
            #[must_use]
            pub const fn bit(self) -> u32 {
                1 << self as u32
            }
        }
    };
}

gates! {
    /// The coordinator has a record of the service.
    Record = "record",
    /// The mode in force is more than `observe`.
    Mode = "mode",
    /// The scenario's condition holds by a majority of answers to the present ask.
    Quorum = "quorum",
    /// Nobody paused the service.
    Paused = "paused",
    /// No maintenance window is open.
    Maintenance = "maintenance",
    /// This observer holds the claim.
    Claim = "claim",
    /// This observer believes its own eyes, and has something to check them by.
    SelfTrust = "self_trust",
    /// No run is in progress.
    Run = "run",
    /// The others decide by the same policy.
    PolicyHash = "policy_hash",
    /// No other region takes writes than the recorded one.
    Drift = "drift",
    /// A region can take over.
    Candidate = "candidate",
    /// The target has proved the present epoch.
    Quarantine = "quarantine",
    /// What the service depends on has moved, or is well.
    Dependency = "dependency",
    /// Some region is not down.
    EveryRegionDown = "every_region_down",
    /// What would be lost is known, and within the RPO.
    DataLoss = "data_loss",
    /// The plan settles the old side, or says why it need not.
    Fence = "fence",
    /// The plan needs nothing of the dead region.
    DeadRegion = "dead_region",
    /// Long enough since the last failover, by its outcome.
    Cooldown = "cooldown",
    /// Not too many automatic failovers over all services.
    Velocity = "velocity",
    /// Not too many runs at once.
    Parallel = "parallel",
    /// Not too many runs of this plan.
    AtMost = "at_most",
    /// What the plan requires is up where it acts.
    Requires = "requires",
    /// The plan is told all that it must be told.
    Inputs = "inputs",
    /// A human has said yes, where one must.
    Approval = "approval",
    /// The time for a veto is over.
    Veto = "veto",
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does not bind this.
    Unbound,
    /// Nothing is in the way.
    Passes,
    /// Something is in the way, but whoever wants it may pass.
    Passed(Reason),
    /// Something is in the way.
    Blocks(Reason),
}

/// What every gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    answers: [Answer; Gate::ALL.len()],
}

impl Gate {
    /// Whether it binds a plan of this kind, wanted by this (SAFETY §6). `planned`: the old side still lives.
    #[must_use]
    pub const fn binds(self, kind: PlanKind, by: By, planned: bool, promotes: bool, loses: bool) -> bool {
        let failover = matches!(kind, PlanKind::Failover);
        let claimed = !matches!(kind, PlanKind::Inspect);
        let automatic = !matches!(by, By::Order);
        match self {
            Gate::Record => true,
            Gate::Mode | Gate::Quorum | Gate::Veto | Gate::Paused | Gate::Maintenance | Gate::Approval => {
                automatic
            }
            Gate::Claim | Gate::SelfTrust | Gate::Run | Gate::PolicyHash | Gate::Drift => claimed,
            Gate::Candidate | Gate::Quarantine | Gate::Dependency => failover,
            Gate::EveryRegionDown | Gate::Cooldown | Gate::Velocity => failover && automatic,
            Gate::DataLoss => loses,
            Gate::Fence => promotes,
            Gate::DeadRegion => failover && !planned,
            Gate::Parallel => claimed,
            Gate::AtMost => automatic,
            Gate::Requires | Gate::Inputs => true,
        }
    }

    /// Who may pass it when it blocks (SAFETY §6).
    #[must_use]
    pub const fn passer(self) -> Passer {
        match self {
            Gate::Record
            | Gate::Claim
            | Gate::SelfTrust
            | Gate::Run
            | Gate::PolicyHash
            | Gate::Drift
            | Gate::Parallel
            | Gate::Inputs => Passer::Nobody,
            Gate::Mode | Gate::Quorum | Gate::Veto => Passer::Order,
            Gate::Paused | Gate::Maintenance | Gate::Approval => Passer::OrderOrApproval,
            Gate::Candidate
            | Gate::Quarantine
            | Gate::Dependency
            | Gate::EveryRegionDown
            | Gate::DataLoss
            | Gate::Fence
            | Gate::DeadRegion
            | Gate::Cooldown
            | Gate::Velocity
            | Gate::AtMost
            | Gate::Requires => Passer::Approval,
        }
    }

    /// The mutant that does not look at this gate.
    const fn overlooked_by(self) -> Option<Mutant> {
        Some(match self {
            Gate::Paused => Mutant::PauseIgnored,
            Gate::Maintenance => Mutant::MaintenanceIgnored,
            Gate::PolicyHash => Mutant::PolicyHashIgnored,
            Gate::Drift => Mutant::DriftIgnored,
            Gate::Dependency => Mutant::DependencyIgnored,
            Gate::EveryRegionDown => Mutant::AllDownIgnored,
            Gate::DataLoss => Mutant::LossIgnored,
            Gate::Velocity => Mutant::NoVelocity,
            Gate::Mode => Mutant::ObserveIsAuto,
            Gate::Approval => Mutant::ApproveIsAuto,
            Gate::Veto => Mutant::NoVetoTime,
            Gate::Record
            | Gate::Quorum
            | Gate::Claim
            | Gate::SelfTrust
            | Gate::Run
            | Gate::Candidate
            | Gate::Quarantine
            | Gate::Fence
            | Gate::DeadRegion
            | Gate::Cooldown
            | Gate::Parallel
            | Gate::AtMost
            | Gate::Requires
            | Gate::Inputs => return None,
        })
    }

    /// What is in the way, whoever wants it.
    fn obstacle(self, s: &Situation) -> Option<Reason> {
        if self.overlooked_by().is_some_and(mutants::on) {
            return None;
        }
        let when = |blocked: bool, reason: Reason| blocked.then_some(reason);
        match self {
            Gate::Record if s.foreign => Some(Reason::Foreign),
            Gate::Record => when(!s.adopted, Reason::NoRecord),
            Gate::Mode => when(s.mode.0 == Mode::Observe, Reason::Observing(s.mode.1)),
            Gate::Quorum => match s.asked {
                Asked::NotYet => Some(Reason::NotAsked),
                Asked::Waiting { answered, needed } => Some(Reason::FewAnswers { answered, needed }),
                Asked::Disagree => Some(Reason::AnswersDisagree),
                Asked::Early(left) => Some(Reason::NotYet { left }),
                Asked::Narrow => Some(Reason::Narrow),
                Asked::Holds => None,
            },
            Gate::Paused => when(s.paused, Reason::Paused),
            Gate::Maintenance => when(s.maintenance, Reason::Maintenance),
            Gate::Claim => match s.holder {
                _ if s.witness => Some(Reason::Witness),
                Holder::Nobody => Some(Reason::Unclaimed),
                Holder::Other(who) => Some(Reason::HeldBy(who)),
                Holder::Frozen => Some(Reason::Frozen),
                Holder::Me => None,
            },
            Gate::SelfTrust => match s.isolated {
                Some(why) => Some(Reason::Isolated(why)),
                None => when(
                    s.by == By::Itself && s.mode.0 == Mode::Auto && !s.has_references,
                    Reason::NoReferences,
                ),
            },
            Gate::Run => s.running.map(Reason::Running),
            Gate::PolicyHash => {
                let (same, other) = s.policies;
                when(other >= same && other > 0, Reason::OtherPolicy { same, other })
            }
            Gate::Drift => s.drift.map(Reason::Drifted),
            Gate::Candidate => match s.candidate {
                // Where it is active is for the record to say first.
                None => when(s.adopted, Reason::NowhereToGo),
                Some(Candidate { unfit: Some(Unfit::Quarantined | Unfit::Requires), .. }) => None,
                Some(candidate) => when(candidate.unfit.is_some(), Reason::Unfit(candidate)),
            },
            Gate::Quarantine => match s.candidate {
                Some(Candidate { region, unfit: Some(Unfit::Quarantined) }) => {
                    Some(Reason::Quarantined(region))
                }
                Some(_) | None => None,
            },
            Gate::Dependency => s.waits_for.map(Reason::WaitsFor),
            Gate::EveryRegionDown => when(s.all_down, Reason::AllDown),
            Gate::DataLoss => match (s.loss?, s.rpo) {
                (None, _) => when(!mutants::on(Mutant::LossUnknownIsNone), Reason::LossUnknown),
                (Some(loss), Some(rpo)) => when(loss > rpo, Reason::Loss { loss, rpo }),
                (Some(_), None) => None,
            },
            Gate::Fence => when(s.unfenced, Reason::NoFence),
            Gate::DeadRegion => when(s.needs_dead > 0, Reason::NeedsTheDead { steps: s.needs_dead }),
            Gate::Cooldown => when(s.cooldown != Cooldown::Over, Reason::Cooling(s.cooldown)),
            Gate::Velocity => {
                let Limits { failovers: limit, within, .. } = s.limits;
                when(s.failovers >= limit, Reason::TooFast { started: s.failovers, limit, within })
            }
            Gate::Parallel => {
                let limit = s.limits.parallel_runs;
                when(s.runs >= limit, Reason::TooMany { running: s.runs, limit })
            }
            Gate::AtMost => {
                let (started, limit, within) = s.plan_runs?;
                when(started >= limit, Reason::TooOften { started, limit, within })
            }
            Gate::Requires => s.requires.err().filter(|reason| s.adopted || *reason != Reason::NoCase),
            Gate::Inputs => when(s.untold > 0, Reason::Untold { inputs: s.untold }),
            Gate::Approval => when(s.mode.0 == Mode::Approve, Reason::Unapproved),
            Gate::Veto => when(s.veto > Span::ZERO, Reason::Announced { left: s.veto }),
        }
    }
}

impl Passer {
    /// Whether whoever wants it may pass; `named`: what was approved, or is accepted with an order, names this gate.
    #[must_use]
    pub const fn lets(self, by: By, named: bool) -> bool {
        match (self, by) {
            (Passer::Nobody, _) | (_, By::Itself) | (Passer::Order, By::Approval) => false,
            (Passer::Order | Passer::OrderOrApproval, By::Order) => true,
            (Passer::Approval | Passer::OrderOrApproval, By::Approval) => named,
            // An order is an approval of what it names, one by one.
            (Passer::Approval, By::Order) => named,
        }
    }
}

impl Gates {
    /// Looks at every gate.
    #[must_use]
    pub fn look(s: &Situation) -> Gates {
        let mut answers = [Answer::Unbound; Gate::ALL.len()];
        for (answer, &gate) in answers.iter_mut().zip(Gate::ALL) {
            if !gate.binds(s.kind, s.by, s.planned, s.promotes, s.loss.is_some()) {
                continue;
            }
            *answer = match gate.obstacle(s) {
                None => Answer::Passes,
                Some(reason) if gate.passer().lets(s.by, s.named & gate.bit() != 0) => Answer::Passed(reason),
                Some(reason) => Answer::Blocks(reason),
            };
        }
        Gates { answers }
    }

    /// What one gate says.
    #[must_use]
    pub fn answer(&self, gate: Gate) -> Answer {
        self.answers[gate as usize]
    }

    /// Each gate that blocks, and why.
    pub fn blocking(&self) -> impl Iterator<Item = (Gate, Reason)> {
        Gate::ALL.iter().zip(self.answers).filter_map(|(&gate, answer)| match answer {
            Answer::Blocks(reason) => Some((gate, reason)),
            Answer::Unbound | Answer::Passes | Answer::Passed(_) => None,
        })
    }

    /// Nothing is in the way.
    #[must_use]
    pub fn open(&self) -> bool {
        self.blocking().next().is_none()
    }

    /// Which gates block, as a set: a decision is recorded again only when this changes.
    #[must_use]
    pub fn shape(&self) -> u32 {
        self.blocking().fold(0, |set, (gate, _)| set | gate.bit())
    }
}

#[cfg(test)]
mod tests;
