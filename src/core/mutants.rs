//! Mutants: the tempting alternatives to the rules of SAFETY, each to be switched on alone, so that the simulation can
//! show that it would be noticed.
//!
//! Only tests may switch one on, and only with the feature `mutants`; without it [`on`] is `false` as the compiler sees
//! it, and nothing of them is built. A mutant changes a rule, wherever that rule is kept, and never just one call.

#[cfg(all(feature = "mutants", not(test)))]
use core::sync::atomic::{AtomicUsize, Ordering};

macro_rules! mutants {
    ($($(#[$doc:meta])* $mutant:ident = $word:literal,)*) => {
        /// A rule that is not kept.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant { $($(#[$doc])* $mutant,)* }

        impl Mutant {
            /// Each of them.
            pub const ALL: &[Mutant] = &[$(Mutant::$mutant),*];

            /// What it is called.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Mutant::$mutant => $word,)* }
            }
        }
    };
}

mutants! {
    // The right to act (§2).
    /// The session is counted from the receipt of the renewal's answer.
    LeaseFromReceipt = "lease from receipt",
    /// It is counted from renewals that nobody has acknowledged.
    LeaseUnacknowledged = "lease from unacknowledged renewals",
    /// It is used up to its end: no margin.
    NoMargin = "no margin",
    /// Who is past the deadline goes on until it hears that its session is gone.
    FrozenGoesOn = "a frozen holder goes on",
    /// A claim is taken back by whose session lives, though it was created anew since.
    OldClaimCounts = "a claim created anew is the old one",
    /// Whoever takes a claim acts before it has read record and journal.
    HoldsUnread = "acts before it has read",
    /// Who is in the active region takes the claim like anybody else.
    ClaimAtOnce = "takes the claim in the active region at once",
    /// Who is unfit keeps its claims.
    UnfitHolds = "an unfit observer keeps its claims",

    // Seeing (§5).
    /// Reference points are never looked at.
    NoReferences = "no reference check",
    /// An ask is answered by what is known, with no new samples and no check of references.
    AnswersFromMemory = "answers an ask from memory",
    /// References are not checked again after the samples of an answer.
    ReferencesOnlyBefore = "no reference check after the samples",
    /// Who distrusts itself votes on.
    IsolatedVotes = "an isolated observer votes",
    /// A blind sample is a failure.
    BlindIsFailure = "blind as failure",
    /// A down probe that has just succeeded is still voted down.
    AnsweringIsDown = "a probe that answers again is down",
    /// The quorum is a majority of those who are there.
    QuorumOfSurvivors = "quorum of survivors",
    /// Nobody is asked: votes count as they stand.
    NoAsk = "no ask",
    /// An answer to any ask counts.
    OldAnswersCount = "stale votes",
    /// What was not looked at again for the ask counts too.
    UnfreshCounts = "what was not looked at again counts",
    /// Answers never get too old.
    AskNeverAges = "answers never age",
    /// An ask is as old as its newest answer.
    AgeFromArrival = "age counted from arrival",
    /// `for` is over when one observer has held so long.
    ForOfOne = "`for` of the longest",
    /// `for` is not waited for.
    NoFor = "no `for`",
    /// No witness is listened to.
    NoWitness = "no witness",
    /// What few can see moves a service by itself.
    NarrowMoves = "narrow triggers move",
    /// A vote under another policy counts.
    OtherPolicyVotes = "votes of another policy count",

    // Deciding (§6).
    /// A candidate need not be up.
    AnyCandidate = "a candidate that is not up",
    /// Whether it is up is not asked anew.
    CandidateUnasked = "a candidate by old votes",
    /// Quarantine is no matter.
    QuarantineIgnored = "quarantine ignored",
    /// Who lost the role is not quarantined.
    NoQuarantine = "no quarantine",
    /// Quarantine ends when the region is well, whatever it has proved.
    QuarantineByTime = "quarantine by time alone",
    /// Drift is no matter.
    DriftIgnored = "drift ignored",
    /// That every region is down is no matter.
    AllDownIgnored = "every region down ignored",
    /// What would be lost is no matter.
    LossIgnored = "data loss ignored",
    /// What would be lost is what was read, however long ago.
    LossAsRead = "loss without its age",
    /// What nobody knows would not be lost.
    LossUnknownIsNone = "unknown loss is none",
    /// A pause is no matter.
    PauseIgnored = "pause ignored",
    /// Maintenance is no matter.
    MaintenanceIgnored = "maintenance ignored",
    /// That most others live by another policy is no matter.
    PolicyHashIgnored = "policy hash ignored",
    /// What the service depends on is no matter.
    DependencyIgnored = "dependency ignored",
    /// There is no cooldown.
    NoCooldown = "no cooldown",
    /// It is a matter of time alone, however the last failover ended.
    CooldownByTime = "cooldown by time alone",
    /// There is no limit over all services.
    NoVelocity = "no velocity limit",
    /// What a human must approve starts by itself.
    ApproveIsAuto = "approve as auto",
    /// What is only to be told is done.
    ObserveIsAuto = "observe as auto",
    /// Nobody is given the time for a veto.
    NoVetoTime = "no time for a veto",
    /// The way home is taken though nobody asked for that.
    FailbackByItself = "failback by itself",
    /// A scenario acts again as long as it holds.
    ActsAgain = "a scenario acts again and again",

    // Starting (§1, §5).
    /// The start does not compare the votes that were counted.
    NoVoteGuards = "no vote guards in the start",
    /// It does not compare the record.
    NoRecordGuard = "no record guard in the start",
    /// It does not compare the velocity counter.
    NoVelocityGuard = "no velocity guard in the start",
    /// One's own vote is written whatever stands there.
    VoteUncompared = "own vote without compare-and-set",
    /// A transaction that is sent again carries what is wished by then.
    RetryWithOthers = "a retried transaction with other writes",
    /// A commit that nobody knows of counts as refused.
    UnknownIsRefused = "an unknown commit is refused",
    /// A commit that nobody knows of counts as durable.
    UnknownIsDurable = "an unknown commit is durable",
    /// A run's journal is written without comparing the claim.
    JournalUnclaimed = "the journal without the claim",
    /// An approval covers whatever is about to be done.
    AnyApproval = "an approval of something else",

    // Tokens and calls (§3).
    /// An effect goes out while its intent is on its way.
    EffectBeforeIntent = "effect before intent",
    /// The serial in the token never grows.
    EpochOnlyToken = "epoch-only token",
    /// A look does not raise the provider's mark.
    ObserveOldToken = "observe without raising the mark",
    /// Nobody waits for late calls before looking.
    ObserveUndrained = "observe without a drain",
    /// A call that timed out has failed.
    TimeoutIsFailure = "a time-out as failure",
    /// What nobody can say is tried again.
    UnknownIsNeeded = "retry though unknown",
    /// The provider is given no time after which to refuse.
    NoNotAfter = "no `not_after`",
    /// A successor takes what was in flight for its own.
    SuccessorTrusts = "a successor trusts what was in flight",
    /// An answer counts whichever intent it is to.
    AnyReplyCounts = "late replies count",

    /// Who finds a world that is newer than the coordinator goes on.
    NewerWorldIgnored = "a newer world ignored",

    // Fences and the order of steps (§4).
    /// The new side is let to write before the fences.
    PromoteBeforeFence = "promote before fence",
    /// A fence that was skipped or has failed settles the old side.
    SkippedFenceSettles = "a skipped fence settles",
    /// A fence that only closes the users' way settles it.
    CutIsEnough = "cut is enough",
    /// A lapse settles it though its daemon gives a pulse.
    LapseThoughPulse = "a lapse in spite of a pulse",
    /// Nobody need accept the exposure.
    ExposureUnasked = "exposure that nobody accepted",
    /// Users are led where nobody looked whether it is writable.
    RoutesUnread = "DNS without read-back",
    /// Users are led before the promotion, and nobody looks.
    RoutesEarly = "DNS before promotion",
    /// The order of needs is no matter.
    NeedsIgnored = "order of needs ignored",
    /// Things are taken back in any order.
    UndoUnordered = "undo in any order",
    /// What promotes is taken back like anything else.
    UndoPastPromotion = "undo past promotion",
    /// Things are taken back though something is unknown.
    UndoThoughUnknown = "undo though unknown",
    /// Things are taken back while something is under way.
    UndoUndrained = "undo without a drain",
    /// A repair is superseded in the middle of a step.
    SupersedeMidStep = "supersede in mid-step",
    /// A run ends before the page that it owes is durable.
    PageAfterEnd = "page after the end",
    /// The active region is set when the run ends.
    MovesAtEnd = "the record moves at the end",
}

#[cfg(all(feature = "mutants", not(test)))]
static ON: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Switches this one on and every other off. For a whole process at once: worlds of different mutants run one after the
/// other.
#[cfg(all(feature = "mutants", not(test)))]
pub fn set(mutant: Option<Mutant>) {
    ON.store(mutant.map_or(usize::MAX, |mutant| mutant as usize), Ordering::SeqCst);
}

/// Whether that rule is not kept.
#[cfg(all(feature = "mutants", not(test)))]
#[inline]
#[must_use]
pub fn on(mutant: Mutant) -> bool {
    ON.load(Ordering::Relaxed) == mutant as usize
}

/// The core's own tests run side by side in one process: each switches for its own thread only.
#[cfg(test)]
#[cfg(feature = "mutants")]
mod here {
    use super::Mutant;
    use core::cell::Cell;

    std::thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    pub(crate) fn set(mutant: Option<Mutant>) {
        ON.set(mutant);
    }

    #[must_use]
    pub(crate) fn on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }
}

#[cfg(all(feature = "mutants", test))]
pub(crate) use here::{on, set};

/// Whether that rule is not kept: each is.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
#[must_use]
pub const fn on(_: Mutant) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn each_has_a_name_of_its_own_and_none_is_on() {
        let words: BTreeSet<&str> = Mutant::ALL.iter().map(|mutant| mutant.word()).collect();
        assert_eq!(words.len(), Mutant::ALL.len());
        assert!(Mutant::ALL.iter().all(|mutant| !on(*mutant)));
    }
}
