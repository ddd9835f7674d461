//! Random drafts: whatever comes in, something comes out, and what is a plan keeps its promises.

use super::*;
use crate::time::Span;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "kid"];

fn any_text() -> impl Strategy<Value = Raw> {
    let pieces = prop::sample::select(vec![
        "x",
        "{",
        "}",
        "{to}",
        "{from.db}",
        "{region}",
        "{region.host}",
        "{to.nets}",
        "{{to}}",
        "{run.id}",
        "{inputs.a}",
        "{steps.a.out}",
        "{steps.kid.a.out}",
        "{steps.b.out}",
        "{trigger.source}",
        "{here.host}",
        "{region.lonely}",
    ]);
    prop::collection::vec(pieces, 0..4).prop_map(|pieces| raw(&pieces.concat()))
}

fn any_value() -> impl Strategy<Value = DraftValue> {
    let takes = prop::sample::select(vec![Takes::Text, Takes::Secret, Takes::Either]);
    let leaf = prop_oneof![
        (any_text(), takes).prop_map(|(text, takes)| DraftValue::Text(text, takes)),
        any_text().prop_map(|name| DraftValue::Secret(SecretSource::Env, name)),
        any::<i64>().prop_map(DraftValue::Int),
    ];
    leaf.prop_recursive(20, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(DraftValue::List))
}

fn name() -> impl Strategy<Value = Name> {
    prop::sample::select(NAMES.to_vec()).prop_map(n)
}

fn any_only() -> impl Strategy<Value = Option<Only>> {
    prop::sample::select(vec![None, None, None, Some(Only::Planned), Some(Only::Unplanned)])
}

fn any_acts() -> impl Strategy<Value = ActsAs> {
    use ActsAs::{Fences, Other, Promotes, Routes, Verifies};
    prop::sample::select(vec![Fences, Promotes, Routes, Verifies, Other, Other])
}

/// Wild ones are nearly never plans; tame ones mostly are.
fn any_step(wild: bool) -> impl Strategy<Value = StepDraft> {
    let value = if wild { any_value().boxed() } else { Just(text("{service} {run.id}")).boxed() };
    let action = (value, any_acts(), any::<[bool; 4]>()).prop_map(move |(value, acts_as, flags)| {
        let mut action = ActionDraft::new(n("exec"));
        action.keys.insert(Arc::from("key"), value);
        action.acts_as = acts_as;
        action.outputs = ns(&["out"]);
        action.allowed_in_inspect = flags[1];
        if wild {
            action.resource = flags[0].then(|| raw("r"));
            action.drill_target = flags[2].then(|| DrillTarget { keys: BTreeMap::new(), resource: None });
        }
        BodyDraft::Action(action)
    });
    let body = prop_oneof![
        6 => action,
        1 => name().prop_map(move |plan| BodyDraft::Child {
            plan: if wild { plan } else { n("kid") },
            inputs: if wild { vec![(n("a"), raw("{inputs.a}"))] } else { vec![] },
        }),
        1 => Just(lapse("x").body),
        1 => any_text().prop_map(move |text| {
            let text = if wild { text } else { raw("?") };
            BodyDraft::Own(Own::Approve { text, role: n("approver"), count: 1 })
        }),
    ];
    let phase = prop::option::of(prop::sample::select(vec![n("one"), n("two")]));
    let needs = prop::collection::vec(name(), 0..if wild { 3 } else { 2 });
    (name(), body, needs, phase, any_only(), prop::option::of(any_text())).prop_map(
        move |(name, body, needs, phase, only, region)| {
            let mut step = StepDraft { needs, phase, only, ..StepDraft::new(name, body) };
            step.region = if wild { region } else { None };
            step
        },
    )
}

pub(in crate::plan) fn any_plan(wild: bool) -> impl Strategy<Value = PlanDraft> {
    use PlanKind::{Failover, Inspect, Rejoin, Repair};
    let kind = prop::sample::select(vec![Failover, Failover, Failover, Repair, Rejoin, Inspect]);
    let steps = prop::collection::vec(any_step(wild), 0..7);
    let fence = prop::collection::vec(name(), 0..3);
    (kind, steps, fence, prop::option::of(name()), any::<bool>(), name()).prop_map(
        move |(kind, mut steps, mut fence, served, phased, name)| {
            if !wild {
                tame(kind, &mut steps, &mut fence);
            }
            PlanDraft {
                fence,
                served: served.filter(|_| wild),
                phases: if phased || !wild {
                    vec![(n("two"), Span::secs(2)), (n("one"), Span::secs(1))]
                } else {
                    vec![]
                },
                steps,
                ..PlanDraft::new(name, kind)
            }
        },
    )
}

/// Takes out what would be a flaw, without setting the order that is under test.
fn tame(kind: PlanKind, steps: &mut Vec<StepDraft>, fence: &mut Vec<Name>) {
    let mut seen: Vec<StepDraft> = Vec::new();
    // Long chains with steps left out are where an order gets lost.
    let chain = fence.len() == 1;
    for mut step in steps.drain(..) {
        if seen.iter().any(|other| other.name == step.name) {
            continue;
        }
        let early = |need: &Name| seen.iter().any(|other| other.name == *need && (other.phase <= step.phase));
        step.needs = step.needs.iter().filter(|need| early(need)).cloned().collect();
        if kind != PlanKind::Failover {
            step.only = None;
        }
        let fences = super::super::edges::acts_as(&step) == Some(ActsAs::Fences);
        if fences && kind == PlanKind::Failover {
            step.region = Some(raw("{from}"));
        }
        if chain && let Some(last) = seen.last() {
            (step.needs, step.phase) = (vec![last.name.clone()], last.phase.clone());
        } else if super::super::edges::acts_as(&step) == Some(ActsAs::Routes) {
            step.needs = seen
                .iter()
                .filter(|other| other.phase <= step.phase)
                .map(|other| other.name.clone())
                .collect();
        }
        seen.push(step);
    }
    fence.retain(|name| {
        seen.iter()
            .any(|step| step.name == *name && super::super::edges::acts_as(step) == Some(ActsAs::Fences))
    });
    fence.dedup();
    *steps = seen;
}

fn keeps_its_promises(plan: &Plan) -> Result<(), TestCaseError> {
    let mut last = None;
    let mut depths: Vec<usize> = Vec::new();
    for (place, step) in plan.steps().iter().enumerate() {
        prop_assert!(
            step.needs.iter().all(|need| need.index() < place),
            "{} stands before what it needs",
            step.name
        );
        let depth = step.needs.iter().map(|need| depths[need.index()] + 1).max().unwrap_or(0);
        prop_assert!(last < Some((depth, &step.name)), "{} is out of order", step.name);
        last = Some((depth, &step.name));
        depths.push(depth);
    }
    for way in [Only::Planned, Only::Unplanned] {
        in_such_a_run(plan, way)?;
    }
    Ok(())
}

/// Runs it as a saga may: a left-out step is met at once, so only the needs among those that take part hold it.
fn in_such_a_run(plan: &Plan, way: Only) -> Result<(), TestCaseError> {
    let mut above: Vec<Vec<usize>> = Vec::new();
    for step in plan.steps() {
        let mut mine: Vec<usize> = Vec::new();
        for need in
            step.needs.iter().map(|need| need.index()).filter(|&need| plan.steps()[need].takes_part(way))
        {
            mine.push(need);
            mine.extend(&above[need]);
        }
        above.push(mine);
    }
    let promotes: Vec<usize> = plan.promotes(way).map(|pos| pos.index()).collect();
    let fences: &[_] = match plan.fencing(way) {
        Fencing::Named { steps, .. } => steps,
        Fencing::NotNeeded | Fencing::Unfenced(_) | Fencing::Absent => &[],
    };
    for (pos, step) in plan.steps_of(way) {
        let waits_for = |early: usize| above[pos.index()].contains(&early);
        match step.acts_as {
            ActsAs::Routes => prop_assert!(promotes.iter().all(|&one| waits_for(one)), "S12: {}", step.name),
            ActsAs::Promotes => {
                let all = fences.iter().filter(|&&fence| plan.steps()[fence.index()].takes_part(way));
                prop_assert!(
                    all.into_iter().all(|fence| waits_for(fence.index())),
                    "unfenced: {}",
                    step.name
                );
            }
            ActsAs::Fences | ActsAs::Verifies | ActsAs::Other => {}
        }
    }
    prop_assert!(plan.served(way).is_none_or(|pos| plan.step(pos).is_some()));
    prop_assert!(
        promotes.first().is_none_or(|&first| plan.commit_point(way) == Some(crate::ids::StepPos::at(first)))
    );
    prop_assert!(plan.longest(way) >= Span::ZERO);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_drafted_is_a_plan_or_has_flaws(plans in prop::collection::vec(any_plan(true), 1..4)) {
        match set_of(&plans) {
            Ok(set) => for plan in set.plans() {
                keeps_its_promises(plan)?;
                prop_assert!(!plan.preview().is_empty());
            },
            Err(flaws) => {
                prop_assert!(!flaws.is_empty() && flaws.len() <= MOST_FLAWS);
                let said = said(&flaws);
                prop_assert!(said.iter().all(|one| one.starts_with("plan `")));
                let mut once = said.clone();
                once.sort();
                once.dedup();
                prop_assert_eq!(once.len(), said.len());
            }
        }
    }

    #[test]
    fn a_plan_keeps_its_promises(top in any_plan(false), kid in any_plan(false)) {
        let kid = PlanDraft { fence: vec![], kind: PlanKind::Inspect, ..kid.named("kid") };
        let mut kid = kid;
        kid.steps.retain(|step| matches!(&step.body, BodyDraft::Action(action) if action.acts_as == ActsAs::Other));
        let left: Vec<Name> = kid.steps.iter().map(|step| step.name.clone()).collect();
        kid.steps.iter_mut().for_each(|step| {
            step.only = None;
            step.needs.retain(|need| left.contains(need));
        });
        let plans = [top.named("top"), kid];
        if let Ok(set) = set_of(&plans) {
            for plan in set.plans() {
                keeps_its_promises(plan)?;
            }
            prop_assert_eq!(set_of(&plans).unwrap(), set, "the same drafts make the same plans");
        }
    }

    #[test]
    fn an_order_is_not_lost_where_steps_are_left_out(chain in prop::collection::vec((any_acts(), any_only()), 2..7)) {
        let steps = chain.iter().enumerate().map(|(i, &(acts_as, only))| {
            let region = (acts_as == ActsAs::Fences).then(|| raw("{from}"));
            let needs = i.checked_sub(1).map(|before| n(&before.to_string())).into_iter().collect();
            StepDraft { needs, only, region, ..acting(&i.to_string(), acts_as) }
        });
        let draft = plan(PlanKind::Failover, steps.collect());
        if let Ok(set) = set_of(&[draft]) {
            for plan in set.plans() {
                keeps_its_promises(plan)?;
            }
        }
    }

    #[test]
    fn a_text_is_printed_as_it_was_written(text in "([a-z.:\" ]|\\{|\\}|\\{to\\}|\\{\\{to\\}\\}|\\{run\\.id\\}|\\{steps\\.s\\.o\\}|\\{x\\}|\\{region\\.a\\.B\\}|é){0,12}") {
        let parsed = raw(&text);
        prop_assert_eq!(parsed.to_string(), text.clone());
        prop_assert_eq!(raw(&parsed.to_string()), parsed);
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in any::<String>()) {
        if let Ok(parsed) = Raw::parse(&text) {
            prop_assert_eq!(parsed.to_string(), text);
        }
    }
}

#[test]
fn tame_drafts_are_mostly_plans() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut plans, mut steps, mut promoting) = (0, 0, 0);
    for _ in 0..400 {
        let draft = any_plan(false).new_tree(&mut runner).unwrap().current();
        let kid = plan(PlanKind::Inspect, vec![exec("a", "x")]).named("kid");
        if let Ok(set) = set_of(&[draft.named("top"), kid]) {
            plans += 1;
            let plan = set.plans().next().unwrap();
            steps += plan.steps().len();
            promoting += usize::from(plan.promotes(Only::Planned).next().is_some());
        }
    }
    assert!(
        plans > 100 && steps > 250 && promoting > 20,
        "{plans} plans, {steps} steps, {promoting} promote"
    );
}

#[test]
fn what_looks_like_a_placeholder_and_is_none_is_refused() {
    for text in [
        "{run.foo}",
        "{here}",
        "{steps.a}",
        "{to..x}",
        "{incident}",
        "{inputs.A}",
        "{region.}",
        "{steps.a.b.c.d}",
    ] {
        let why = Raw::parse(text).unwrap_err().to_string();
        assert!(why.starts_with(&alloc::format!("`{text}` is no placeholder")), "{why}");
        assert!(why.ends_with(&alloc::format!("write `{{{text}}}`")), "{why}");
    }
    assert_eq!(Raw::parse(&"x".repeat(Raw::LONGEST + 1)), Err(NotAText::TooLong));
    for text in ["{foo}", "{.items[*]}", "{\"to\": 1}", "{to", "{service-x}", "{}", "{{.metadata}}", "{To}"] {
        assert_eq!(raw(text).pieces(), [RawPiece::Plain(Arc::from(text))]);
    }
    assert_eq!(raw("{{to}}").pieces(), [RawPiece::Plain(Arc::from("{to}"))]);
    assert_eq!(raw("{{{to}}").to_string(), "{{{to}}");
}
