//! Random plans in random worlds: nothing ever panics, everything ends or is a person's with a page, and no effect goes
//! out without its intent, twice, or out of order. What each world must keep is asserted in the world.

use super::super::*;
use super::world::Dice;
use super::world::{Trouble, World, start};
use crate::plan::tests::random::any_plan;
use crate::plan::tests::{exec, n, ns, plan, raw, set_of};
use crate::plan::{
    ActsAs, BodyDraft, Entry, InDrill, Item, LapseBy, LateCall, Mode, OnFailure, OnLost, Only, Outcome, Own,
    Plan, PlanDraft, PlanKind, Retry, Settles,
};
use crate::time::Span;
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Makes the steps of a tame draft as different as steps can be.
fn spiced(mut draft: PlanDraft, dice: &mut Dice) -> PlanDraft {
    for step in &mut draft.steps {
        step.timeout = Some(Span::secs(5 + dice.upto(20)));
        step.retry = Some(Retry { times: dice.upto(3) as u32, pause: Span::secs(dice.upto(3)) });
        step.on_failure = Some(match dice.upto(5) {
            0 => OnFailure::Continue,
            1 => OnFailure::Undo,
            _ => OnFailure::Stop,
        });
        if dice.percent(20) {
            step.verify = ns(&["api"]);
        }
        if dice.percent(10) {
            step.in_drill = Some(InDrill::Skip);
        }
        let other = match &mut step.body {
            BodyDraft::Action(action) => {
                action.settles = match action.acts_as {
                    ActsAs::Fences if dice.percent(70) => Settles::Proved,
                    ActsAs::Fences if dice.percent(50) => Settles::Cut,
                    _ => Settles::Nothing,
                };
                action.undoable = dice.percent(70);
                action.one_way = dice.percent(10);
                action.changing = dice.percent(90);
                action.late_call = match dice.upto(3) {
                    0 => LateCall::Checked,
                    1 => LateCall::Deadline,
                    _ => LateCall::None,
                };
                action.acts_as == ActsAs::Other
            }
            BodyDraft::Own(Own::Lapse { lasts, .. }) => {
                *lasts = Span::secs(3);
                false
            }
            BodyDraft::Own(_) | BodyDraft::Child { .. } => false,
        };
        if other && dice.percent(40) {
            step.body = BodyDraft::Own(match dice.upto(6) {
                0 => Own::Wait { lasts: Some(Span::secs(2)), until: None },
                1 => Own::Wait { lasts: None, until: Some(n("api")) },
                2 => Own::Approve { text: raw("?"), role: n("approver"), count: 2 },
                3 => Own::Checklist {
                    items: alloc::vec![
                        Item { text: raw("a"), probe: Some(n("api")) },
                        Item { text: raw("b"), probe: None },
                    ],
                    role: n("operator"),
                },
                4 => Own::Pause { text: raw("!"), lasts: None },
                _ => Own::Lapse { lasts: Span::secs(3), by: LapseBy::BoundToDaemon },
            });
            if matches!(&step.body, BodyDraft::Own(Own::Lapse { .. })) {
                step.region = Some(raw("{from}"));
            }
        }
    }
    draft
}

fn gate() -> BodyDraft {
    BodyDraft::Own(Own::TrafficGate { drain: Span::secs(1), on_lost: OnLost::Hold, ttl: Span::secs(5) })
}

/// What most failovers are: fences, promotion, traffic, a look.
fn usual(dice: &mut Dice) -> PlanDraft {
    use crate::plan::tests::{acting, lapse};
    let mut steps = alloc::vec![
        exec("warm", "x"),
        exec("ready", "x").needing(&["warm"]),
        acting("fence", ActsAs::Fences).with(|step| step.region = Some(raw("{from}"))),
        lapse("lapse"),
        acting("promote", ActsAs::Promotes).needing(&["ready"]),
        acting("dns", ActsAs::Routes).needing(&["promote"]),
        crate::plan::tests::own("gate", Own::Wait { lasts: None, until: None }).needing(&["promote"]),
        exec("after", "x").needing(&["dns", "gate"]),
    ];
    steps[6].body = gate();
    let mut phases = Vec::new();
    if dice.percent(50) {
        phases.push((n("all"), Span::secs(1 + dice.upto(60))));
    }
    let mut fence = ns(&["fence", "lapse"]);
    match dice.upto(4) {
        0 => fence.truncate(1),
        1 => fence.clear(),
        _ => {}
    }
    let unfenced = dice.percent(30).then(|| raw("it is dark"));
    spiced(PlanDraft { fence, unfenced, phases, ..plan(PlanKind::Failover, steps) }, dice)
}

fn made(draft: PlanDraft) -> Option<Arc<Plan>> {
    tried(draft).ok()
}

fn tried(draft: PlanDraft) -> Result<Arc<Plan>, Vec<crate::plan::Flaw>> {
    let kid = plan(PlanKind::Inspect, alloc::vec![exec("a", "x")]).named("kid");
    Ok(set_of(&[draft.named("top"), kid])?.plans().next().cloned().unwrap())
}

fn played(plan: &Arc<Plan>, seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let way = if dice.percent(50) { Only::Planned } else { Only::Unplanned };
    let mode = match dice.upto(8) {
        0 => Mode::Drill,
        1 => Mode::Preview,
        _ => Mode::Live,
    };
    let trouble = Trouble {
        faults: dice.upto(60),
        crashes: dice.upto(4) * 3,
        orders: dice.upto(4) * 8,
        rounds: 20 + dice.upto(300) as usize,
    };
    let mut start = start(plan, way, mode);
    start.exposure_accepted = dice.percent(10);
    let mut world = World::new(plan, start, trouble, seed);
    if dice.percent(20) {
        world.silent_since = None;
    }
    assert!(world.play(), "neither over nor a person's: {:?}\n{:#?}", world.run, world.journal);
    over_or_paged(&mut world);
    replayed_at_every_entry(&world);
    world
}

/// A usual failover in a world of that seed.
#[cfg(feature = "mutants")]
pub(super) fn usual_world(seed: u64) {
    if let Some(plan) = made(usual(&mut Dice::new(seed))) {
        played(&plan, seed);
    }
}

/// L2: it is over, or a person was told.
fn over_or_paged(world: &mut World) {
    if world.run.state() == RunState::Held {
        let held = world.pages.iter().any(|page| matches!(page, Page::Held { .. }));
        assert!(held && world.run.held().is_some(), "nobody was told");
        let by = crate::plan::By::Person(Arc::from("ann"));
        assert_eq!(world.order(Verb::HandOver { by }), Answer::Taken);
        assert!(world.play());
        assert_eq!(world.run.outcome(), Some(Outcome::HandedOver));
    }
    assert_eq!(world.run.state(), RunState::Ended);
    for _ in 0..20 {
        world.anything();
    }
    assert!(!world.look() && world.run.state() == RunState::Ended, "over is over");
    let outcome = world.run.outcome().unwrap();
    assert_eq!(world.journal.last(), Some(&Entry::Ended(outcome)));
    if outcome != Outcome::Done && world.run.start().mode == Mode::Live {
        assert!(world.pages.contains(&Page::Ends(outcome)), "{outcome} and nobody was told");
    }
}

/// A successor that reads the journal up to any entry finds what the fold of that has, but for what was in flight.
fn replayed_at_every_entry(world: &World) {
    let Entry::Started(start) = &world.journal[0] else { panic!("no start") };
    let mut cells = Vec::new();
    let mut ledger = super::super::ledger::Ledger::new(Arc::clone(&world.plan), start.clone(), &mut cells);
    for (length, entry) in world.journal.iter().enumerate().skip(1) {
        ledger.apply(entry, &mut cells);
        assert_eq!(ledger.odd, 0, "{entry:?}");
        let upto = &world.journal[..=length];
        let (run, _) = Run::replay(Arc::clone(&world.plan), upto, world.now).unwrap();
        assert_eq!(run.state(), ledger.state);
        for ((name, state), before) in run.steps().zip(&ledger.doing) {
            let expected = match step_cell(before.state.row(), StepInput::ClaimLost) {
                StepAnswer::To(state) => state,
                _ => before.state,
            };
            assert_eq!(state, expected, "{name}");
        }
    }
    assert!(cells.iter().all(|cell| !cell.is_impossible()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_plan_in_any_world_ends(draft in any_plan(false), seed in any::<u64>()) {
        if let Some(plan) = made(spiced(draft, &mut Dice::new(seed ^ 1))) {
            played(&plan, seed);
        }
    }

    #[test]
    fn a_usual_failover_in_any_world_ends(seed in any::<u64>()) {
        let plan = tried(usual(&mut Dice::new(seed))).unwrap_or_else(|flaws| panic!("{:?}", crate::plan::tests::said(&flaws)));
        played(&plan, seed);
    }

    #[test]
    fn where_everything_answers_it_is_done(draft in any_plan(false), seed in any::<u64>(), planned in any::<bool>()) {
        let mut dice = Dice::new(seed);
        for draft in [spiced(draft, &mut dice), usual(&mut dice)] {
            let Some(plan) = made(draft) else { continue };
            let way = if planned { Only::Planned } else { Only::Unplanned };
            for mode in [Mode::Live, Mode::Drill, Mode::Preview] {
                let mut start = start(&plan, way, mode);
                start.exposure_accepted = true;
                let mut world = World::new(&plan, start, Trouble::NONE, seed);
                prop_assert!(world.play());
                prop_assert_eq!(world.run.outcome(), Some(Outcome::Done), "{:#?}", world.journal);
                prop_assert!(world.pages.is_empty());
                prop_assert!(mode != Mode::Preview || world.began.is_empty(), "a preview sends nothing");
                let moves = u32::from(mode == Mode::Live && plan.commit_point(way).is_some() && plan.kind() == PlanKind::Failover);
                prop_assert_eq!(world.moved, moves);
            }
        }
    }
}

/// Cells that no run can come to, since another part of the core stands before it: the wish, its gates and approvals.
fn of_a_wish(cell: Cell) -> bool {
    match cell {
        Cell::Run(state, _) => {
            matches!(state, RunState::Asked | RunState::Announced | RunState::Awaiting | RunState::Starting)
        }
        Cell::Step(..) => false,
    }
}

#[test]
fn every_cell_is_visited() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut visited = alloc::collections::BTreeSet::new();
    let mut outcomes = alloc::collections::BTreeMap::new();
    let (mut plans, mut takeovers, mut moved) = (0, 0, 0);
    for seed in 0..1_500 {
        let mut dice = Dice::new(seed);
        let draft = if seed % 3 == 0 {
            spiced(any_plan(false).new_tree(&mut runner).unwrap().current(), &mut dice)
        } else {
            usual(&mut dice)
        };
        // Every missed phase is told to its steps, wherever they are.
        let draft = draft.with(|draft| {
            draft.phases.iter_mut().for_each(|(_, deadline)| *deadline = deadline.times(1 + seed % 7));
        });
        let Some(plan) = made(draft) else { continue };
        let world = played(&plan, seed);
        plans += 1;
        takeovers += world.crashed;
        moved += world.moved;
        *outcomes.entry(alloc::format!("{}", world.run.outcome().unwrap())).or_insert(0) += 1;
        visited.extend(world.cells);
    }
    let missed: Vec<Cell> = step_cells()
        .chain(run_cells())
        .filter(|cell| !cell.is_impossible() && !of_a_wish(*cell) && !visited.contains(cell))
        .collect();
    let missed: Vec<alloc::string::String> = missed.iter().map(|cell| alloc::format!("{cell}")).collect();
    println!("{plans} runs, {takeovers} takeovers, {moved} moved, {outcomes:?}; not visited: {missed:?}");
    assert!(missed.is_empty(), "not visited: {missed:?}");
    assert!(plans > 1_000 && takeovers > 1_000 && moved > 100);
    assert!(outcomes.len() >= 5 && outcomes.values().all(|&count| count > plans / 100), "{outcomes:?}");
}
