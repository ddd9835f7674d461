//! Every flaw is produced by a draft that has it, alone, and says what to do.
//!
//! A fault without a row here fails a test, so none can be added that nothing makes.

use super::*;
use crate::time::Span;
use PlanKind::{Failover, Inspect, Rejoin, Repair};
use alloc::collections::BTreeSet;

/// What a draft is told, and all that it must say, by its start or a part.
fn row(
    fault: &'static str,
    plans: Vec<PlanDraft>,
    says: &'static str,
) -> (&'static str, Vec<PlanDraft>, &'static str) {
    (fault, plans, says)
}

fn input(name: &str, kind: InputType, choices: &[&str], default: Option<&str>) -> Input<Raw> {
    let choices = choices.iter().map(|&choice| Arc::from(choice)).collect();
    Input { name: n(name), kind, choices, default: default.map(raw), pattern: None }
}

fn repair(steps: Vec<StepDraft>) -> PlanDraft {
    plan(Repair, steps)
}

fn keyed(value: DraftValue) -> Vec<PlanDraft> {
    vec![repair(vec![exec("a", "x").acting(|action| {
        action.keys.insert(Arc::from("key"), value);
    })])]
}

fn nested(depth: usize) -> DraftValue {
    (0..depth).fold(DraftValue::Flag(true), |inner, _| DraftValue::List(vec![inner]))
}

fn fence(name: &str) -> StepDraft {
    acting(name, ActsAs::Fences).with(|step| step.region = Some(raw("{from}")))
}

fn fenced(fences: &[&str], steps: Vec<StepDraft>) -> PlanDraft {
    plan(Failover, steps).with(|plan| plan.fence = ns(fences))
}

fn output(name: &str) -> StepDraft {
    exec(name, "x").acting(|action| action.outputs = ns(&["out"]))
}

fn drilled(target: Option<DraftValue>) -> Vec<PlanDraft> {
    vec![repair(vec![exec("a", "x").acting(|action| {
        let keys = target.map(|target| (Arc::from("argv"), target)).into_iter().collect();
        action.drill_target = Some(DrillTarget { keys, resource: None });
    })])]
}

fn the_graph() -> Vec<(&'static str, Vec<PlanDraft>, &'static str)> {
    let on = |name: &str| acting(name, ActsAs::Other).acting(|action| action.resource = Some(raw("zone Z1")));
    let phases =
        |plan: &mut PlanDraft| plan.phases = vec![(n("one"), Span::mins(1)), (n("two"), Span::mins(2))];
    let in_phase = |name: &str, phase: &str| exec(name, "x").with(|step| step.phase = Some(n(phase)));
    vec![
        row("Empty", vec![repair(vec![])], "plan `it`, key `step`: it has no step; give it one"),
        row(
            "Twice",
            vec![repair(vec![exec("a", "x"), exec("a", "y")])],
            "two steps are called `a`; rename one",
        ),
        row(
            "Missing",
            vec![repair(vec![exec("a", "x").needing(&["b"])])],
            "step `a`, key `needs`: there is no step `b`; there are: `a`",
        ),
        row(
            "Cycle",
            vec![repair(vec![
                exec("a", "x").needing(&["b"]),
                exec("b", "x").needing(&["c"]),
                exec("c", "x").needing(&["a"]),
                exec("d", "x").needing(&["a"]),
            ])],
            "its steps wait for each other: `a` needs `b` needs `c` needs `a`; remove one",
        ),
        row("Cycle", vec![repair(vec![exec("a", "x").needing(&["a"])])], "`a` needs `a`"),
        row(
            "NeedsLaterPhase",
            vec![repair(vec![in_phase("a", "one").needing(&["b"]), in_phase("b", "two")]).with(phases)],
            "step `a`, key `needs`: it needs `b`, which is in the later phase `two`",
        ),
        row(
            "SameDeadline",
            vec![repair(vec![exec("a", "x")]).with(|plan| {
                plan.phases = vec![(n("one"), Span::mins(1)), (n("two"), Span::mins(1))];
            })],
            "the phases `one` and `two` both end 1m after the start",
        ),
        row(
            "Unordered",
            vec![repair(vec![on("a"), on("b")])],
            "step `a`, key `needs`: it and `b` both change zone Z1, and nothing says which comes first",
        ),
        row(
            "TooMany",
            vec![repair((0..201).map(|i| exec(&alloc::format!("s{i}"), "x")).collect())],
            "at most 200 steps; split it",
        ),
    ]
}

fn the_old_side() -> Vec<(&'static str, Vec<PlanDraft>, &'static str)> {
    let promote = || acting("promote", ActsAs::Promotes);
    let other_list = || {
        repair(vec![acting("f", ActsAs::Fences), acting("p", ActsAs::Promotes)])
            .named("child")
            .with(|plan| plan.fence = ns(&["f"]))
    };
    vec![
        row(
            "NoFence",
            vec![fenced(&["promote"], vec![promote()])],
            "key `fence`: `fence` names `promote`, which promotes; name a step that acts as fences",
        ),
        row(
            "NoFence",
            vec![fenced(&["c"], vec![child("c", "child", &[])]), repair(vec![exec("a", "x")]).named("child")],
            "`fence` names `c`, which stands for a plan",
        ),
        row(
            "TwoFenceLists",
            vec![
                repair(vec![child("c", "child", &[]), child("d", "child", &[]).needing(&["c"])]),
                other_list(),
            ],
            "child `d` brings a `fence` of its own",
        ),
        row(
            "NoReason",
            vec![plan(Failover, vec![promote()]).with(|plan| plan.unfenced = Some(raw(" ")))],
            "key `unfenced`: say why",
        ),
        row(
            "BeforeFence",
            vec![fenced(
                &["f"],
                vec![promote(), exec("x", "x").needing(&["promote"]), fence("f").needing(&["x"])],
            )],
            "step `promote`, key `needs`: it promotes, and fence `f` waits for it: the old side must be settled first",
        ),
        row(
            "FenceOrder",
            vec![fenced(&["f", "g"], vec![fence("f").needing(&["g"]), fence("g"), promote()])],
            "step `f`, key `needs`: it needs `g`, which `fence` tries after it",
        ),
        row(
            "FenceElsewhere",
            vec![fenced(&["f"], vec![acting("f", ActsAs::Fences), promote()])],
            "step `f`, key `region`: it acts as fences in west, but the old side is in east; write `region = \"{from}\"`",
        ),
        row(
            "TrafficBeforePromotion",
            vec![plan(Failover, vec![promote(), gate("gate")])],
            "step `gate`, key `needs`: it leads users to the new side without waiting for `promote`",
        ),
    ]
}

fn kinds_and_children() -> Vec<(&'static str, Vec<PlanDraft>, &'static str)> {
    let with_child =
        |step: StepDraft, inner: PlanDraft| vec![plan(Failover, vec![step]), inner.named("child")];
    let only = |step: StepDraft, only| step.with(|step| step.only = Some(only));
    vec![
        row(
            "NotInKind",
            vec![plan(Inspect, vec![acting("a", ActsAs::Other)])],
            "a plan of kind inspect cannot hold a step that changes anything",
        ),
        row(
            "NotInKind",
            vec![plan(Inspect, vec![exec("a", "x").acting(|action| action.acts_as = ActsAs::Routes)])],
            "cannot hold a step that routes",
        ),
        row("NotInKind", vec![plan(Inspect, vec![lapse("a")])], "cannot hold a step that fences"),
        row(
            "NotInKind",
            vec![plan(Rejoin, vec![acting("a", ActsAs::Promotes)])],
            "kind rejoin cannot hold a step that promotes",
        ),
        row(
            "OnlyOutsideFailover",
            vec![repair(vec![only(exec("a", "x"), Only::Planned)])],
            "key `only`: only a failover",
        ),
        row(
            "NeverRuns",
            with_child(
                only(child("c", "child", &[]), Only::Planned),
                plan(Failover, vec![only(exec("a", "x"), Only::Unplanned)]),
            ),
            "step `c.a`, key `only`: it is for planned runs within",
        ),
        row(
            "ChildOfChild",
            vec![
                repair(vec![child("c", "child", &[])]),
                repair(vec![exec("a", "x"), child("d", "leaf", &[])]).named("child"),
                repair(vec![exec("a", "x")]).named("leaf"),
            ],
            "step `c.d`, key `plan`: it stands for plan `leaf` within a child plan",
        ),
        row(
            "NotOnAChild",
            with_child(
                child("c", "child", &[]).with(|step| step.timeout = Some(Span::mins(1))),
                repair(vec![exec("a", "x")]),
            ),
            "step `c`, key `timeout`: a step that stands for a plan cannot have this key",
        ),
        row(
            "NoInput",
            with_child(
                child("c", "child", &[]),
                repair(vec![exec("a", "{inputs.size}")])
                    .with(|plan| plan.inputs.push(input("size", InputType::Text, &[], None))),
            ),
            "step `c`, key `inputs`: the plan's input `size` has no default",
        ),
        row(
            "NotAChoice",
            with_child(
                child("c", "child", &[("size", "big")]),
                repair(vec![exec("a", "{inputs.size}")]).with(|plan| {
                    plan.inputs.push(input("size", InputType::Choice, &["small", "full"], None))
                }),
            ),
            "`big` is no choice of input `size`; choose from `small`, `full`",
        ),
        row(
            "BadInput",
            vec![
                repair(vec![exec("a", "x")])
                    .with(|plan| plan.inputs.push(input("size", InputType::Choice, &[], None))),
            ],
            "input `size` is a choice without choices",
        ),
        row(
            "BadInput",
            vec![
                repair(vec![exec("a", "x")])
                    .with(|plan| plan.inputs.push(input("size", InputType::Text, &["a"], None))),
            ],
            "input `size` has `choices` and is no choice",
        ),
        row(
            "WaitsForNothing",
            vec![repair(vec![own("a", Own::Wait { lasts: None, until: None })])],
            "it waits for nothing",
        ),
        row(
            "NobodyAsked",
            vec![repair(vec![own("a", Own::Approve { text: raw("?"), role: n("approver"), count: 0 })])],
            "it asks nobody",
        ),
        row(
            "NobodyAsked",
            vec![repair(vec![own("a", Own::Checklist { items: vec![], role: n("operator") })])],
            "at least one item",
        ),
        row(
            "TimeoutTooShort",
            vec![fenced(&["a"], vec![lapse("a").with(|step| step.timeout = Some(Span::secs(20)))])],
            "key `timeout`: it lasts 30s, and is given up after 20s",
        ),
    ]
}

fn outputs_and_drills() -> Vec<(&'static str, Vec<PlanDraft>, &'static str)> {
    let uses = || exec("b", "{steps.a.out}");
    vec![
        row("NoOutput", vec![repair(vec![uses()])], "{steps.a.out} names no step of this plan"),
        row(
            "NoOutput",
            vec![repair(vec![exec("a", "x"), uses().needing(&["a"])])],
            "step `b`, key `argv`: {steps.a.out} is no output of its step",
        ),
        row(
            "OutputTooEarly",
            vec![repair(vec![output("a"), uses()])],
            "{steps.a.out} is not there yet when this step starts",
        ),
        row(
            "OutputLeftOut",
            vec![plan(
                Failover,
                vec![output("a").with(|step| step.only = Some(Only::Planned)), uses().needing(&["a"])],
            )],
            "{steps.a.out} is there in planned runs only",
        ),
        row(
            "OutputPreviewed",
            vec![
                repair(vec![
                    output("a"),
                    uses().needing(&["a"]).with(|step| step.in_drill = Some(InDrill::Run)),
                ])
                .with(|plan| plan.drilled = true),
            ],
            "a drill does not run what gives {steps.a.out}, but runs this step",
        ),
        row(
            "DrillChangesProduction",
            vec![repair(vec![acting("a", ActsAs::Other).with(|step| step.in_drill = Some(InDrill::Run))])],
            "a drill would change production here",
        ),
        row(
            "DrillTargetSame",
            drilled(Some(DraftValue::List(vec![text("x")]))),
            "key `argv`: its value in `drill_target`",
        ),
        row("DrillTargetEmpty", drilled(None), "its `drill_target` replaces nothing"),
    ]
}

fn placeholders() -> Vec<(&'static str, Vec<PlanDraft>, &'static str)> {
    let says = |argv: &str| vec![repair(vec![exec("a", argv)])];
    let region =
        |region: &str| vec![repair(vec![exec("a", "x").with(|step| step.region = Some(raw(region)))])];
    let takes = |value: &str, takes| keyed(DraftValue::Text(raw(value), takes));
    vec![
        row("Unknown", says("{inputs.size}"), "{inputs.size} is not declared; declared are: none"),
        row("Unknown", says("{trigger.case}"), "{trigger.case} is not declared; declared are: `source`"),
        row("KnownTooLate", region("{inputs.r}"), "{inputs.r} is not known yet when this is needed"),
        row("KnownTooLate", keyed(secret("pg-{run.id}")), "key `key`: {run.id} is not known yet"),
        row("OutsideFailover", says("{to}"), "step `a`, key `argv`: {to} exists only in a failover"),
        row("OutsideFailover", says("{from.host}"), "{from.host} exists only in a failover"),
        row(
            "NoValue",
            says("{region.lonely}"),
            "{region.lonely} has no value for region east; add it under `values.east` (only `in east`)",
        ),
        row("NoValue", says("{here.host}"), "this observer is in no region"),
        row("NotAText", says("x{region.lb}"), "{region.lb} is a table or a list"),
        row("NotAText", says("x{region.nets}"), "{region.nets} is a table or a list"),
        row("SecretShown", says("x{region.db}"), "{region.db} is a secret and would be shown here"),
        row("SecretShown", takes("{region.db}", Takes::Text), "{region.db} is a secret"),
        row("SecretShown", takes("x{region.db}", Takes::Either), "{region.db} is a secret"),
        row("SecretInline", takes("hunter2", Takes::Secret), "key `key`: a secret must not be written out"),
        row("SecretInline", takes("{region.host}", Takes::Secret), "a secret must not be written out"),
        row("NoRegion", region("north"), "step `a`, key `region`: `north` is no region"),
        row("TooDeep", keyed(nested(DEEPEST)), "keys are nested deeper than 16"),
        row(
            "TooMany",
            keyed(DraftValue::List(vec![DraftValue::Flag(true); MOST_VALUES])),
            "at most 2000 values in one step",
        ),
    ]
}

#[test]
fn each_flaw_is_found_and_says_what_to_do() {
    let mut seen = BTreeSet::new();
    let rows =
        [the_graph(), the_old_side(), kinds_and_children(), outputs_and_drills(), placeholders()].concat();
    for (fault, plans, says) in rows {
        let flaws = set_of(&plans).expect_err(says);
        let found: Vec<String> = flaws.iter().map(|flaw| variant(&flaw.fault)).collect();
        let said = said(&flaws).join("\n");
        assert!(found.iter().any(|one| one == fault), "{fault} is not in {found:?}:\n{said}");
        assert!(said.contains(says), "`{says}` is not in:\n{said}");
        seen.insert(String::from(fault));
    }
    seen.insert("TooFewRegions".into());
    let all =
        include_str!("../flaw.rs").split("pub enum Fault {").nth(1).unwrap().split("\n}").next().unwrap();
    let all =
        all.lines().filter(|line| line.starts_with("    ") && line.trim().starts_with(char::is_uppercase));
    for line in all {
        let name = line.trim().split(|c: char| !c.is_alphanumeric()).next().unwrap();
        assert!(seen.contains(name), "no draft here has the flaw {name}");
    }
}

fn variant(fault: &Fault) -> String {
    alloc::format!("{fault:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap().into()
}

#[test]
fn a_failover_needs_somewhere_to_go() {
    let alone = Site::new(n("shop"), &ns(&["east"]));
    let draft = plan(Failover, vec![exec("a", "x")]);
    let flaws = plan_set(&draft, core::slice::from_ref(&draft), &alone, &known()).unwrap_err();
    assert_eq!(
        said(&flaws),
        [
            "plan `it`, key `kind`: the service has 1 region(s), so there is nowhere for it to act; add a region to the \
          service's `regions`, or make it another kind of plan"
        ]
    );
    let none = Site::new(n("shop"), &[]);
    assert!(plan_set(&repair(vec![exec("a", "x")]), &[], &none, &known()).is_err());
    let many: Vec<Name> = (0..17).map(|i| n(&alloc::format!("r{i}"))).collect();
    assert!(plan_set(&draft, &[], &Site::new(n("shop"), &many), &known()).is_err());
}

#[test]
fn all_flaws_come_at_once_and_each_once() {
    let draft = plan(
        Failover,
        vec![
            exec("a", "{to.none}{trigger.case}").needing(&["b", "ghost"]),
            exec("b", "{to.lonely}").needing(&["a"]).with(|step| {
                step.verify = ns(&["ghost"]);
                step.component = Some(n("ghost"));
            }),
            gate("gate"),
            acting("promote", ActsAs::Promotes),
        ],
    )
    .with(|plan| {
        plan.requires = Some(ns(&["ghost"]));
        plan.served = Some(n("ghost"));
        plan.phases = vec![(n("one"), Span::secs(1)), (n("one"), Span::secs(2))];
    });
    let flaws = set_of(&[draft.clone(), draft]).unwrap_err();
    let kinds: Vec<String> = flaws.iter().map(|flaw| variant(&flaw.fault)).collect();
    let said = said(&flaws).join("\n");
    assert_eq!(
        kinds,
        [
            "Twice",
            "Missing",
            "Twice",
            "Cycle",
            "NoValue",
            "Unknown",
            "Missing",
            "Missing",
            "Missing",
            "Missing",
            "TrafficBeforePromotion",
            "NoValue",
            "NoValue"
        ],
        "{said}"
    );
    assert!(
        said.contains(
            "{to.none} has no value for region west; add it under `values.west` (only `east -> west`)"
        ),
        "{said}"
    );
    assert!(
        said.contains(
            "{to.lonely} has no value for region east; add it under `values.east` (only `west -> east`)"
        ),
        "{said}"
    );
    assert!(
        said.contains("key `verify`: there is no probe `ghost`; there are: `api`, `db`, `lag`, `ready`\n"),
        "{said}"
    );
}
