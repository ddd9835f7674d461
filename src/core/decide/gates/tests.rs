//! SAFETY §6's table, written out; each gate refusing with its numbers; and that the look is total.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::agree::Outcome;
use crate::decide::cooldown::{Cooldown, Limits};
use crate::health::self_trust::Isolation;
use crate::ids::{RegionPos, ServiceId};
use crate::verdict::Level;

use Gate as G;
use Passer as P;

/// When a row binds besides its kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum If {
    Ever,
    Loses,
    Promotes,
    Unplanned,
}

/// Gate; the kinds it binds unasked, and when ordered; when; who may pass it. The first rows are SAFETY §6's table.
const TABLE: &[(Gate, &str, &str, If, Passer)] = &[
    (G::Mode, "FRJI", "", If::Ever, P::Order),
    (G::Quorum, "FRJI", "", If::Ever, P::Order),
    (G::Veto, "FRJI", "", If::Ever, P::Order),
    (G::Paused, "FRJI", "", If::Ever, P::OrderOrApproval),
    (G::Maintenance, "FRJI", "", If::Ever, P::OrderOrApproval),
    (G::Claim, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::SelfTrust, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::Run, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::PolicyHash, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::Drift, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::Candidate, "F", "F", If::Ever, P::Approval),
    (G::Quarantine, "F", "F", If::Ever, P::Approval),
    (G::Dependency, "F", "F", If::Ever, P::Approval),
    (G::EveryRegionDown, "F", "", If::Ever, P::Approval),
    (G::DataLoss, "FRJI", "FRJI", If::Loses, P::Approval),
    (G::Fence, "FRJI", "FRJI", If::Promotes, P::Approval),
    (G::DeadRegion, "F", "F", If::Unplanned, P::Approval),
    (G::Cooldown, "F", "", If::Ever, P::Approval),
    (G::Velocity, "F", "", If::Ever, P::Approval),
    (G::Requires, "FRJI", "FRJI", If::Ever, P::Approval),
    // Beside the table: what the rest of the house asks for.
    (G::Record, "FRJI", "FRJI", If::Ever, P::Nobody),
    (G::Parallel, "FRJ", "FRJ", If::Ever, P::Nobody),
    (G::AtMost, "FRJI", "", If::Ever, P::Approval),
    (G::Inputs, "FRJI", "FRJI", If::Ever, P::Nobody),
    (G::Approval, "FRJI", "", If::Ever, P::OrderOrApproval),
];

const KINDS: [(char, PlanKind); 4] =
    [('F', PlanKind::Failover), ('R', PlanKind::Repair), ('J', PlanKind::Rejoin), ('I', PlanKind::Inspect)];
const BY: [By; 3] = [By::Itself, By::Approval, By::Order];

#[test]
fn the_table() {
    assert_eq!(TABLE.len(), Gate::ALL.len());
    for &gate in Gate::ALL {
        let row = TABLE.iter().find(|row| row.0 == gate);
        let &(_, unasked, ordered, when, passer) = row.unwrap_or_else(|| panic!("{gate:?} has no row"));
        assert_eq!(gate.passer(), passer, "{gate:?}");
        for (letter, kind) in KINDS {
            for by in BY {
                for bits in 0..8_u8 {
                    let (planned, promotes, loses) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                    let kinds = if by == By::Order { ordered } else { unasked };
                    let wanted = match when {
                        If::Ever => true,
                        If::Loses => loses,
                        If::Promotes => promotes,
                        If::Unplanned => !planned,
                    };
                    assert_eq!(
                        gate.binds(kind, by, planned, promotes, loses),
                        kinds.contains(letter) && wanted,
                        "{gate:?} {kind:?} {by:?} planned {planned} promotes {promotes} loses {loses}"
                    );
                }
            }
        }
    }
}

#[test]
fn who_may_pass_what() {
    let lets = |passer: Passer| BY.map(|by| passer.lets(by, by == By::Approval));
    assert_eq!(lets(P::Nobody), [false, false, false]);
    assert_eq!(lets(P::Order), [false, false, true]);
    assert_eq!(lets(P::OrderOrApproval), [false, true, true]);
    assert_eq!(lets(P::Approval), [false, true, false]);
}

#[test]
fn gates_stand_where_their_number_says_and_have_a_word_each() {
    let mut words: Vec<&str> = Gate::ALL.iter().map(|gate| gate.word()).collect();
    assert!(Gate::ALL.iter().enumerate().all(|(i, gate)| *gate as usize == i));
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Gate::ALL.len());
    assert!(Gate::ALL.len() <= 32, "a shape has 32 bits");
}

/// A failover that promotes and may lose something, with nothing in the way.
fn open() -> Situation {
    Situation {
        kind: PlanKind::Failover,
        by: By::Itself,
        named: 0,
        foreign: false,
        planned: false,
        adopted: true,
        mode: (Mode::Auto, Cap::Scenario),
        asked: Asked::Holds,
        paused: false,
        maintenance: false,
        holder: Holder::Me,
        witness: false,
        isolated: None,
        has_references: true,
        running: None,
        policies: (3, 0),
        drift: None,
        candidate: Some(Candidate { region: RegionPos::at(1), unfit: None }),
        waits_for: None,
        all_down: false,
        loss: Some(Some(Span::secs(3))),
        rpo: Some(Span::secs(3)),
        unfenced: false,
        promotes: true,
        needs_dead: 0,
        cooldown: Cooldown::Over,
        failovers: 2,
        runs: 3,
        limits: Limits::DEFAULT,
        plan_runs: Some((1, 2, Span::hours(1))),
        requires: Ok(()),
        untold: 0,
        veto: Span::ZERO,
    }
}

fn unfit(unfit: Unfit) -> Candidate {
    Candidate { region: RegionPos::at(1), unfit: Some(unfit) }
}

/// Each way in which a gate is in the way, and its reason.
fn obstacles() -> Vec<(Gate, Reason, Situation)> {
    let s = open();
    let isolation = Isolation::NoAnswer;
    let limit = |started, limit| Reason::TooFast { started, limit, within: Span::hours(1) };
    vec![
        (G::Record, Reason::NoRecord, Situation { adopted: false, ..s }),
        (G::Mode, Reason::Observing(Cap::Top), Situation { mode: (Mode::Observe, Cap::Top), ..s }),
        (G::Quorum, Reason::NotAsked, Situation { asked: Asked::NotYet, ..s }),
        (
            G::Quorum,
            Reason::FewAnswers { answered: 1, needed: 2 },
            Situation { asked: Asked::Waiting { answered: 1, needed: 2 }, ..s },
        ),
        (G::Quorum, Reason::AnswersDisagree, Situation { asked: Asked::Disagree, ..s }),
        (
            G::Quorum,
            Reason::NotYet { left: Span::micros(1) },
            Situation { asked: Asked::Early(Span::micros(1)), ..s },
        ),
        (G::Quorum, Reason::Narrow, Situation { asked: Asked::Narrow, ..s }),
        (G::Paused, Reason::Paused, Situation { paused: true, ..s }),
        (G::Maintenance, Reason::Maintenance, Situation { maintenance: true, ..s }),
        (G::Claim, Reason::Unclaimed, Situation { holder: Holder::Nobody, ..s }),
        (G::Claim, Reason::HeldBy(None), Situation { holder: Holder::Other(None), ..s }),
        (G::Claim, Reason::Witness, Situation { witness: true, ..s }),
        (G::SelfTrust, Reason::Isolated(isolation), Situation { isolated: Some(isolation), ..s }),
        (G::SelfTrust, Reason::NoReferences, Situation { has_references: false, ..s }),
        (G::Run, Reason::Running(PlanKind::Repair), Situation { running: Some(PlanKind::Repair), ..s }),
        (G::PolicyHash, Reason::OtherPolicy { same: 1, other: 1 }, Situation { policies: (1, 1), ..s }),
        (G::Drift, Reason::Drifted(RegionPos::at(1)), Situation { drift: Some(RegionPos::at(1)), ..s }),
        (G::Candidate, Reason::NowhereToGo, Situation { candidate: None, ..s }),
        (
            G::Candidate,
            Reason::Unfit(unfit(Unfit::Bad(Level::Down))),
            Situation { candidate: Some(unfit(Unfit::Bad(Level::Down))), ..s },
        ),
        (
            G::Candidate,
            Reason::Unfit(unfit(Unfit::Unknown)),
            Situation { candidate: Some(unfit(Unfit::Unknown)), ..s },
        ),
        (
            G::Quarantine,
            Reason::Quarantined(RegionPos::at(1)),
            Situation { candidate: Some(unfit(Unfit::Quarantined)), ..s },
        ),
        (
            G::Dependency,
            Reason::WaitsFor(ServiceId::at(4)),
            Situation { waits_for: Some(ServiceId::at(4)), ..s },
        ),
        (G::EveryRegionDown, Reason::AllDown, Situation { all_down: true, ..s }),
        (G::DataLoss, Reason::LossUnknown, Situation { loss: Some(None), ..s }),
        (
            G::DataLoss,
            Reason::Loss { loss: Span::micros(3_000_001), rpo: Span::secs(3) },
            Situation { loss: Some(Some(Span::micros(3_000_001))), ..s },
        ),
        (G::Fence, Reason::NoFence, Situation { unfenced: true, ..s }),
        (G::DeadRegion, Reason::NeedsTheDead { steps: 2 }, Situation { needs_dead: 2, ..s }),
        (
            G::Cooldown,
            Reason::Cooling(Cooldown::Left(Span::secs(1))),
            Situation { cooldown: Cooldown::Left(Span::secs(1)), ..s },
        ),
        (
            G::Cooldown,
            Reason::Cooling(Cooldown::Unacknowledged(Outcome::Undone, Span::ZERO)),
            Situation { cooldown: Cooldown::Unacknowledged(Outcome::Undone, Span::ZERO), ..s },
        ),
        (G::Velocity, limit(3, 3), Situation { failovers: 3, ..s }),
        (G::Parallel, Reason::TooMany { running: 4, limit: 4 }, Situation { runs: 4, ..s }),
        (
            G::AtMost,
            Reason::TooOften { started: 2, limit: 2, within: Span::hours(1) },
            Situation { plan_runs: Some((2, 2, Span::hours(1))), ..s },
        ),
        (G::Requires, Reason::NoCase, Situation { requires: Err(Reason::NoCase), ..s }),
        (G::Inputs, Reason::Untold { inputs: 1 }, Situation { untold: 1, ..s }),
        (G::Approval, Reason::Unapproved, Situation { mode: (Mode::Approve, Cap::Service), ..s }),
        (G::Veto, Reason::Announced { left: Span::micros(1) }, Situation { veto: Span::micros(1), ..s }),
    ]
}

#[test]
fn with_nothing_in_the_way_it_is_open() {
    let gates = Gates::look(&open());
    assert!(gates.open() && gates.shape() == 0, "{gates:?}");
    assert!(Gate::ALL.iter().all(|gate| gates.answer(*gate) == Answer::Passes), "{gates:?}");
}

#[test]
fn each_gate_refuses_alone_with_its_reason() {
    let all = obstacles();
    for &gate in Gate::ALL {
        assert!(all.iter().any(|(of, ..)| *of == gate), "{gate:?} never refuses");
    }
    for (gate, reason, situation) in all {
        let gates = Gates::look(&situation);
        assert_eq!(gates.blocking().collect::<Vec<_>>(), [(gate, reason)]);
        assert!(!gates.open() && gates.shape() == 1 << gate as u32);
    }
}

#[test]
fn an_obstacle_gives_way_to_whom_the_table_names_and_to_nobody_else() {
    for (gate, reason, situation) in obstacles() {
        for by in [By::Approval, By::Order] {
            let named = if by == By::Approval { u32::MAX } else { 0 };
            let answer = Gates::look(&Situation { by, named, ..situation }).answer(gate);
            // To want it oneself needs references; who approves or orders it looks for himself.
            let wanted = if reason == Reason::NoReferences {
                Answer::Passes
            } else if !gate.binds(situation.kind, by, false, true, true) {
                Answer::Unbound
            } else if gate.passer().lets(by, named != 0) {
                Answer::Passed(reason)
            } else {
                Answer::Blocks(reason)
            };
            assert_eq!(answer, wanted, "{gate:?} {by:?}");
        }
    }
}

#[test]
fn the_other_kinds_of_plan_are_bound_by_less() {
    let blocked = |kind| {
        let all = obstacles().into_iter();
        let gates = all
            .filter(|(_, _, s)| !Gates::look(&Situation { kind, promotes: false, loss: None, ..*s }).open());
        let mut gates: Vec<&str> = gates.map(|(gate, ..)| gate.word()).collect();
        gates.dedup();
        gates
    };
    let any = ["record", "mode", "quorum", "paused", "maintenance"];
    let claimed = ["claim", "self_trust", "run", "policy_hash", "drift"];
    let rest = ["at_most", "requires", "inputs", "approval", "veto"];
    assert_eq!(blocked(PlanKind::Inspect), [&any[..], &rest[..]].concat());
    for kind in [PlanKind::Repair, PlanKind::Rejoin] {
        assert_eq!(blocked(kind), [&any[..], &claimed[..], &["parallel"], &rest[..]].concat());
    }
}

#[test]
fn one_voter_of_two_with_another_policy_is_no_majority_for_ours() {
    let blocks = |policies| !Gates::look(&Situation { policies, ..open() }).open();
    assert_eq!([(1, 0), (2, 1), (1, 1), (1, 2), (0, 0)].map(blocks), [false, false, true, true, false]);
}

#[test]
fn references_are_asked_for_only_where_it_would_act_by_itself() {
    let s = Situation { has_references: false, mode: (Mode::Approve, Cap::Top), ..open() };
    assert_eq!(Gates::look(&s).answer(G::SelfTrust), Answer::Passes);
    let lost = Situation { isolated: Some(Isolation::NoAnswer), ..s };
    assert!(matches!(Gates::look(&lost).answer(G::SelfTrust), Answer::Blocks(_)));
}

#[test]
fn without_an_rpo_a_known_loss_is_no_obstacle_and_an_unknown_one_is() {
    let s = Situation { rpo: None, ..open() };
    assert!(Gates::look(&Situation { loss: Some(Some(Span::MAX)), ..s }).open());
    assert!(!Gates::look(&Situation { loss: Some(None), ..s }).open());
    assert_eq!(Gates::look(&Situation { loss: None, ..s }).answer(G::DataLoss), Answer::Unbound);
}

fn situations() -> impl Strategy<Value = Situation> {
    let all: Vec<Situation> = obstacles().into_iter().map(|(_, _, s)| s).collect();
    // Any mixture: each field from one of the situations above, which between them have every obstacle.
    let from = prop::collection::vec(prop::sample::select(all), 12);
    let kind = prop::sample::select(KINDS.map(|(_, kind)| kind).to_vec());
    let mode = prop::sample::select(vec![Mode::Observe, Mode::Approve, Mode::Auto]);
    (from, kind, prop::sample::select(BY.to_vec()), any::<[bool; 5]>(), mode).prop_map(
        |(from, kind, by, [planned, promotes, loses, rpo, runs], mode)| Situation {
            named: 0,
            foreign: false,
            kind,
            by,
            planned,
            adopted: from[0].adopted,
            mode: (mode, Cap::Top),
            asked: from[1].asked,
            paused: from[2].paused,
            maintenance: from[2].maintenance,
            holder: from[3].holder,
            witness: from[4].witness,
            isolated: from[4].isolated,
            has_references: from[4].has_references,
            running: from[5].running,
            policies: from[5].policies,
            drift: from[6].drift,
            candidate: from[6].candidate,
            waits_for: from[7].waits_for,
            all_down: from[7].all_down,
            loss: from[8].loss.filter(|_| loses),
            rpo: from[8].rpo.filter(|_| rpo),
            unfenced: from[9].unfenced,
            promotes,
            needs_dead: from[9].needs_dead,
            cooldown: from[10].cooldown,
            failovers: from[10].failovers,
            runs: from[10].runs,
            limits: Limits::DEFAULT,
            plan_runs: from[11].plan_runs.filter(|_| runs),
            requires: from[11].requires,
            untold: from[11].untold,
            veto: from[0].veto,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Every gate answers; what does not bind says nothing, and it is open exactly when nothing that binds and may not
    /// be passed is in the way.
    #[test]
    fn the_look_is_total(s in situations()) {
        let gates = Gates::look(&s);
        let mut shut = 0_u32;
        for &gate in Gate::ALL {
            let binds = gate.binds(s.kind, s.by, s.planned, s.promotes, s.loss.is_some());
            let wanted = match gate.obstacle(&s) {
                _ if !binds => Answer::Unbound,
                None => Answer::Passes,
                Some(reason) if gate.passer().lets(s.by, s.named & 1 << gate as u32 != 0) => Answer::Passed(reason),
                Some(reason) => { shut |= 1 << gate as u32; Answer::Blocks(reason) }
            };
            prop_assert_eq!(gates.answer(gate), wanted);
        }
        prop_assert_eq!((gates.open(), gates.shape()), (shut == 0, shut));
    }

    /// Whoever asks a human is never held back by more than what happens by itself.
    #[test]
    fn a_human_opens_gates_and_shuts_none(s in situations()) {
        let by = |by| Gates::look(&Situation { by, ..s }).shape();
        prop_assert_eq!(by(By::Approval) & !by(By::Itself), 0);
        prop_assert_eq!(by(By::Order) & !by(By::Itself), 0);
    }

    /// What nobody may pass blocks whoever wants it.
    #[test]
    fn what_nobody_may_pass_holds_for_all(s in situations()) {
        let shut = |by| {
            let gates = Gates::look(&Situation { by, has_references: true, ..s });
            gates.blocking().filter(|(gate, _)| gate.passer() == P::Nobody).fold(0, |set, (gate, _)| set | 1 << gate as u32)
        };
        prop_assert_eq!(shut(By::Itself), shut(By::Order));
        prop_assert_eq!(shut(By::Itself), shut(By::Approval));
    }
}
