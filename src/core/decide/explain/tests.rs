//! Every reason has its words; the words are written out, so that a change of them is seen.

use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::agree::Outcome;
use crate::decide::candidate::Candidate;
use crate::health::self_trust::Isolation;
use crate::ids::ComponentPos;
use crate::time::Span;
use crate::verdict::{Level, Priority};

struct Told;

impl Names for Told {
    fn region(&self, _: RegionPos) -> &str {
        "us-west-2"
    }
    fn observer(&self, _: ObserverPos) -> &str {
        "oregon"
    }
    fn probe(&self, _: ProbePos) -> &str {
        "replica-lag"
    }
    fn part(&self, part: Part) -> &str {
        match part {
            Part::Component(_) => "database",
            Part::Probe(_) => "replica-lag",
        }
    }
    fn trigger(&self, _: TriggerPos) -> &str {
        "aws-health"
    }
    fn plan(&self, _: PlanPos) -> &str {
        "restart"
    }
    fn service(&self, _: ServiceId) -> &str {
        "accounts"
    }
}

const WEST: RegionPos = RegionPos::at(1);

/// Each variant's number: a new one does not compile here before it has a row below.
fn number(of: &Reason) -> usize {
    match of {
        Reason::NoRecord => 0,
        Reason::Observing(_) => 1,
        Reason::NotAsked => 2,
        Reason::FewAnswers { .. } => 3,
        Reason::AnswersDisagree => 4,
        Reason::NotYet { .. } => 5,
        Reason::Narrow => 6,
        Reason::Paused => 7,
        Reason::Maintenance => 8,
        Reason::Unclaimed => 9,
        Reason::HeldBy(_) => 10,
        Reason::Witness => 11,
        Reason::Isolated(_) => 12,
        Reason::NoReferences => 13,
        Reason::Frozen => 35,
        Reason::Foreign => 36,
        Reason::Running(_) => 14,
        Reason::OtherPolicy { .. } => 15,
        Reason::Drifted(_) => 16,
        Reason::NowhereToGo => 17,
        Reason::Unfit(_) => 18,
        Reason::Quarantined(_) => 19,
        Reason::WaitsFor(_) => 20,
        Reason::AllDown => 21,
        Reason::LossUnknown => 22,
        Reason::Loss { .. } => 23,
        Reason::NoFence => 24,
        Reason::NeedsTheDead { .. } => 25,
        Reason::Cooling(_) => 26,
        Reason::TooFast { .. } => 27,
        Reason::TooMany { .. } => 28,
        Reason::TooOften { .. } => 29,
        Reason::NotUp(..) => 30,
        Reason::NoCase => 31,
        Reason::Untold { .. } => 32,
        Reason::Unapproved => 33,
        Reason::Announced { .. } => 34,
    }
}

const REASONS: usize = 37;

fn rows() -> Vec<(Reason, &'static str)> {
    let unfit = |unfit| Reason::Unfit(Candidate { region: WEST, unfit });
    let left = Span::secs(90);
    let within = Span::hours(1);
    vec![
        (
            Reason::NoRecord,
            "the coordinator has no record of it: say `watchkeeper adopt SERVICE REGION`, naming where it is active",
        ),
        (Reason::Observing(Cap::Top), "the mode is `observe`, set for the whole daemon"),
        (Reason::Observing(Cap::Service), "the mode is `observe`, set for this service"),
        (Reason::Observing(Cap::Scenario), "the mode is `observe`, set for this scenario"),
        (Reason::NotAsked, "nobody has been asked to look again yet"),
        (
            Reason::FewAnswers { answered: 1, needed: 2 },
            "1 observers have looked again and answered, 2 are needed",
        ),
        (Reason::AnswersDisagree, "those who have looked again do not say so by a majority"),
        (Reason::NotYet { left }, "it must hold for 1m30s more"),
        (
            Reason::Narrow,
            "it rests on probes that a majority of all observers cannot see: nothing moves by itself on those",
        ),
        (Reason::Paused, "the service is paused"),
        (Reason::Maintenance, "a maintenance window is open"),
        (Reason::Unclaimed, "no observer holds the claim"),
        (Reason::HeldBy(Some(ObserverPos::at(2))), "oregon holds the claim and acts"),
        (Reason::HeldBy(None), "an observer that this policy does not know holds the claim"),
        (Reason::Witness, "this observer is a witness: it votes, and never acts"),
        (
            Reason::Isolated(Isolation::OutOfReach { reached: 1, at_least: 2 }),
            "this observer is isolated: only 1 reference points were in reach, 2 are needed",
        ),
        (
            Reason::Isolated(Isolation::Stalled { late: Span::secs(3) }),
            "this observer is isolated: the event loop was late by 3s",
        ),
        (
            Reason::NoReferences,
            "there are no reference points to check our own view by: name some in [self_trust]",
        ),
        (Reason::Running(PlanKind::Failover), "a failover is in progress"),
        (Reason::Running(PlanKind::Repair), "a repair is in progress"),
        (Reason::Running(PlanKind::Rejoin), "a rejoin is in progress"),
        (Reason::OtherPolicy { same: 1, other: 2 }, "2 of 3 voters decide by another policy than ours"),
        (
            Reason::Drifted(WEST),
            "us-west-2 takes writes and the record does not say so: mend it, or say `watchkeeper adopt`",
        ),
        (Reason::NowhereToGo, "there is no other region"),
        (unfit(Some(Unfit::Bad(Level::Down))), "the best candidate, us-west-2, is down itself"),
        (unfit(Some(Unfit::Unknown)), "nobody knows whether the best candidate, us-west-2, is up"),
        (unfit(Some(Unfit::NoCase)), "the plan has no case for us-west-2"),
        (unfit(Some(Unfit::Quarantined)), "us-west-2 is quarantined"),
        (unfit(Some(Unfit::Requires)), "us-west-2 lacks what the plan requires"),
        (unfit(None), "us-west-2 can take over"),
        (
            Reason::Quarantined(WEST),
            "us-west-2 lost the role and has not proved the present epoch: run its rejoin plan, or say `watchkeeper release`",
        ),
        (Reason::WaitsFor(ServiceId::at(3)), "it depends on accounts, which must move first"),
        (Reason::AllDown, "every region is down: that is no reason to move"),
        (Reason::LossUnknown, "nobody knows how much would be lost"),
        (
            Reason::Loss { loss: Span::secs(12), rpo: Span::secs(5) },
            "promoting now loses up to 12s, and the RPO is 5s",
        ),
        (
            Reason::NoFence,
            "it promotes, no fence settles the old side first, and `unfenced` does not say why that is acceptable",
        ),
        (
            Reason::Foreign,
            "the outside world knows a newer epoch than the coordinator, or another coordinator (a restored backup, a \
             second one): find out which is right, then say `watchkeeper adopt SERVICE REGION`",
        ),
        (
            Reason::Frozen,
            "this observer holds the claim, but has not read the journal yet, or could not renew its session in time",
        ),
        (Reason::NeedsTheDead { steps: 2 }, "2 of its steps need the region that is down"),
        (Reason::Cooling(Cooldown::Over), "the cooldown is over"),
        (Reason::Cooling(Cooldown::Left(left)), "the cooldown after the last failover lasts 1m30s more"),
        (
            Reason::Cooling(Cooldown::Unacknowledged(Outcome::HandedOver, left)),
            "the last failover was handed over: somebody must say `watchkeeper acknowledge RUN` first",
        ),
        (
            Reason::TooFast { started: 3, limit: 3, within },
            "3 services have failed over by themselves within 1h, the limit is 3",
        ),
        (Reason::TooMany { running: 4, limit: 4 }, "4 runs are in progress, the limit is 4"),
        (
            Reason::TooOften { started: 2, limit: 2, within },
            "this plan was started 2 times within 1h, its limit is 2",
        ),
        (
            Reason::NotUp(ProbePos::at(1), WEST),
            "the plan requires replica-lag, which is not known to be up in us-west-2",
        ),
        (Reason::NoCase, "the plan has no case for where it would have to act"),
        (Reason::Untold { inputs: 2 }, "2 of its inputs have no default: a person must give them"),
        (Reason::Unapproved, "it waits for an approval"),
        (Reason::Announced { left }, "it is announced, and 1m30s are left for a veto"),
    ]
}

#[test]
fn every_reason_has_its_words() {
    let rows = rows();
    for wanted in 0..REASONS {
        assert!(rows.iter().any(|(of, _)| number(of) == wanted), "no row for reason {wanted}");
    }
    for (of, words) in rows {
        assert_eq!(reason(of, &Told), words);
        assert!(!words.contains("Pos(") && !words.contains("Id("), "{words}");
    }
}

#[test]
fn everything_that_a_condition_may_lack_has_its_words() {
    let number = |of: &Missing| match of {
        Missing::NoActive => 0,
        Missing::NoStandby => 1,
        Missing::Service(_) => 2,
        Missing::Down(_) => 3,
        Missing::Slow(_) => 4,
        Missing::Up(_) => 5,
        Missing::Few { .. } => 6,
        Missing::Priority(_) => 7,
        Missing::Raised(_) => 8,
        Missing::Tried(_) => 9,
        Missing::RegionLost => 10,
        Missing::NoIncident => 11,
    };
    let database = Part::Component(ComponentPos::at(0));
    let rows = [
        (Missing::NoActive, "nobody knows where the service is active"),
        (Missing::NoStandby, "it has no other region"),
        (Missing::Service(Level::Trouble), "the service is not in trouble"),
        (Missing::Service(Level::Gone), "the service is not gone"),
        (Missing::Down(database), "database is not known to be down"),
        (Missing::Slow(Part::Probe(ProbePos::at(1))), "replica-lag is not known to be slow"),
        (Missing::Up(database), "database is not known to be up"),
        (Missing::Few { are: 1, of: 2 }, "1 of the 2 that suffice are bad"),
        (Missing::Priority(Priority::High), "no component of at least high priority is down"),
        (Missing::Raised(TriggerPos::at(0)), "aws-health is not raised"),
        (Missing::Tried(PlanPos::at(0)), "restart has not been tried for this incident"),
        (Missing::RegionLost, "the region is not lost"),
        (Missing::NoIncident, "no incident is open"),
    ];
    for wanted in 0..12 {
        assert!(rows.iter().any(|(of, _)| number(of) == wanted), "no row for {wanted}");
    }
    for (of, words) in rows {
        assert_eq!(missing(of, &Told), words);
    }
}

#[test]
fn every_rank_has_its_words() {
    let rows = [
        (Behind::Over, "it says that it goes before"),
        (Behind::Mode, "it may act, and this one only watches"),
        (Behind::Severity, "it is more severe"),
        (Behind::Kind, "a failover goes before a repair, a repair before an inspection"),
        (Behind::Name, "its name comes first"),
    ];
    for (of, words) in rows {
        assert_eq!(behind(of), words);
    }
    assert_eq!(kind_words(PlanKind::Inspect), "inspection");
}

#[test]
fn evidence_stands_below_what_it_is_for() {
    let mut told = Explanation::default();
    told.say("shop: down".into());
    told.since("web: down for 5s".into());
    told.say("no incident".into());
    assert_eq!(told.to_string(), "shop: down\n  web: down for 5s\nno incident\n");
    assert_eq!(told.lines().map(|(depth, _)| depth).collect::<Vec<_>>(), [0, 1, 0]);
}
