//! What compile and check make of drafts that are right: needs, phases, fences, children, ways of run.

use super::*;
use crate::time::Span;
use PlanKind::{Failover, Repair};

fn only(way: Only) -> impl Fn(StepDraft) -> StepDraft {
    move |step| step.with(|step| step.only = Some(way))
}

fn fence(name: &str) -> StepDraft {
    acting(name, ActsAs::Fences).with(|step| step.region = Some(raw("{from}"))).acting(|action| {
        action.settles = Settles::Proved;
        action.touches = vec![TouchDraft {
            region: TouchRegion::WhereItActs,
            api: Arc::from("postgres"),
            plane: Plane::Data,
        }];
    })
}

#[test]
fn steps_stand_by_depth_then_name_and_phases_are_needs() {
    let phase = |name: &str, phase: &str| exec(name, "x").with(|step| step.phase = Some(n(phase)));
    let plan = made(&[plan(
        Repair,
        vec![phase("a", "late"), exec("z", "x"), exec("b", "x"), phase("c", "late").needing(&["a"])],
    )
    .with(|plan| plan.phases = vec![(n("late"), Span::mins(9)), (n("soon"), Span::mins(5))])]);
    assert_eq!(order(&plan), ["b", "z", "a", "c"]);
    assert_eq!(needs(&plan, "a"), ["b", "z"]);
    assert_eq!(needs(&plan, "c"), ["b", "z", "a"]);
    assert_eq!(plan.phases()[step(&plan, "c").phase.unwrap()].name, n("late"));
    assert_eq!(plan.phases()[step(&plan, "z").phase.unwrap()].name, n("soon"));
}

#[test]
fn what_promotes_waits_for_every_fence_in_its_order() {
    let plan = made(&[plan(
        Failover,
        vec![
            acting("promote", ActsAs::Promotes),
            lapse("lapse"),
            fence("fence"),
            gate("gate").needing(&["promote"]),
        ],
    )
    .with(|plan| plan.fence = ns(&["fence", "lapse"]))]);
    assert_eq!(order(&plan), ["fence", "lapse", "promote", "gate"]);
    assert_eq!(needs(&plan, "lapse"), ["fence"]);
    assert_eq!(needs(&plan, "promote"), ["fence", "lapse"]);
    assert_eq!(step(&plan, "lapse").acts_in, n("east"));
    for way in [Only::Planned, Only::Unplanned] {
        assert_eq!(name_at(&plan, plan.commit_point(way)), "promote");
        assert_eq!(name_at(&plan, plan.served(way)), "gate");
        let Fencing::Named { steps, strongest, with_old_region_dead, unfenced } = plan.fencing(way) else {
            panic!("{:?}", plan.fencing(way))
        };
        assert_eq!((steps.len(), strongest, unfenced), (2, Settles::Proved, None));
        assert_eq!(with_old_region_dead, Settles::Lapsed);
        assert!(with_old_region_dead.enough_for_auto());
    }
}

#[test]
fn a_failover_that_promotes_nothing_fences_before_it_switches() {
    let plan =
        made(&[plan(Failover, vec![gate("gate"), fence("fence")]).with(|plan| plan.fence = ns(&["fence"]))]);
    assert_eq!(needs(&plan, "gate"), ["fence"]);
    assert_eq!(name_at(&plan, plan.commit_point(Only::Unplanned)), "gate");
    assert!(matches!(plan.fencing(Only::Unplanned), Fencing::Named { .. }));
}

#[test]
fn whether_a_fence_is_needed_depends_on_what_promotes() {
    let promote = || acting("promote", ActsAs::Promotes);
    let fencing = |draft: PlanDraft, way| alloc::format!("{:?}", made(&[draft]).fencing(way));
    assert_eq!(fencing(plan(Failover, vec![gate("gate")]), Only::Unplanned), "NotNeeded");
    assert_eq!(fencing(plan(Repair, vec![exec("a", "x")]), Only::Unplanned), "NotNeeded");
    assert_eq!(fencing(plan(Repair, vec![promote()]), Only::Unplanned), "Absent");
    let why = plan(Failover, vec![promote()]).with(|plan| plan.unfenced = Some(raw("{from} is dark")));
    assert!(fencing(why, Only::Unplanned).contains("east is dark"));
    // The fence of multi-region is for planned runs only: what the config says for the others counts there.
    let half = plan(Failover, vec![promote(), only(Only::Planned)(fence("fence"))])
        .with(|plan| plan.fence = ns(&["fence"]));
    assert!(fencing(half.clone(), Only::Planned).starts_with("Named"));
    assert_eq!(fencing(half, Only::Unplanned), "Absent");
    let draft = plan(Failover, vec![promote()]);
    let stateless = Site { stateless: true, ..site() };
    let set = plan_set(&draft, core::slice::from_ref(&draft), &stateless, &known()).unwrap();
    assert_eq!(set.plans().next().unwrap().fencing(Only::Unplanned), Fencing::NotNeeded);
}

#[test]
fn what_needs_a_step_that_is_left_out_needs_what_that_one_needs() {
    let plan = made(&[plan(
        Failover,
        vec![
            acting("promote", ActsAs::Promotes),
            only(Only::Planned)(exec("warm", "x").needing(&["promote"])),
            only(Only::Planned)(exec("hot", "x").needing(&["warm"])),
            gate("gate").needing(&["hot"]),
        ],
    )]);
    assert_eq!(needs(&plan, "gate"), ["promote", "warm", "hot"]);
    assert_eq!(needs(&plan, "hot"), ["warm"]);
}

#[test]
fn what_never_runs_together_need_not_be_ordered() {
    let on = |name: &str, way| {
        only(way)(acting(name, ActsAs::Promotes).acting(|action| action.resource = Some(raw("db {to}"))))
    };
    let plan = made(&[plan(
        Failover,
        vec![
            on("switch", Only::Planned),
            on("promote", Only::Unplanned),
            only(Only::Planned)(gate("gate").needing(&["switch"])),
            only(Only::Unplanned)(acting("dns", ActsAs::Routes).needing(&["promote"])),
        ],
    )]);
    assert_eq!(name_at(&plan, plan.commit_point(Only::Planned)), "switch");
    assert_eq!(name_at(&plan, plan.commit_point(Only::Unplanned)), "promote");
    assert_eq!(name_at(&plan, plan.served(Only::Planned)), "gate");
    assert_eq!(name_at(&plan, plan.served(Only::Unplanned)), "dns");
    assert_eq!(plan.promotes(Only::Planned).count(), 1);
}

#[test]
fn a_child_takes_the_place_of_the_step_that_stands_for_it() {
    let input = |name: &str, default: Option<&str>| Input {
        name: n(name),
        kind: InputType::Text,
        choices: vec![],
        default: default.map(raw),
        pattern: None,
    };
    let plans = [
        plan(
            Failover,
            vec![
                exec("before", "x").acting(|action| action.outputs = ns(&["id"])),
                child("kid", "child", &[("which", "{steps.before.id} of {to} by {inputs.who}")])
                    .needing(&["before"])
                    .with(|step| {
                        step.on_failure = Some(OnFailure::Continue);
                        step.component = Some(n("database"));
                        step.verify = ns(&["api"]);
                    }),
                exec("after", "{steps.kid.one.rows}").needing(&["kid"]),
            ],
        )
        .with(|plan| {
            plan.inputs.push(input("who", None));
            plan.served = Some(n("kid"));
            plan.requires = Some(ns(&["ready"]));
        }),
        plan(
            Repair,
            vec![
                exec("one", "{inputs.which} {inputs.how} in {region}")
                    .acting(|action| action.outputs = ns(&["rows"])),
                exec("two", "{steps.one.rows}")
                    .needing(&["one"])
                    .with(|step| step.on_failure = Some(OnFailure::Undo)),
                exec("three", "x").needing(&["one"]),
            ],
        )
        .named("child")
        .with(|plan| {
            plan.inputs.extend([input("which", None), input("how", Some("softly, {run.id}"))]);
            plan.loss_from = Some(ns(&["lag"]));
            plan.requires = Some(ns(&["db", "ready"]));
        }),
    ];
    let plan = made(&plans);
    assert_eq!(order(&plan), ["before", "kid.one", "kid.three", "kid.two", "after"]);
    assert_eq!(needs(&plan, "kid.one"), ["before"]);
    assert_eq!(needs(&plan, "after"), ["kid.three", "kid.two"]);
    let Body::Action(action) = &step(&plan, "kid.one").body else { panic!("no action") };
    assert_eq!(
        action.preview(),
        [r#"argv = ["{steps.before.id} of west by {inputs.who} softly, {run.id} in west"]"#]
    );
    let Body::Action(action) = &step(&plan, "kid.two").body else { panic!("no action") };
    assert_eq!(action.preview(), [r#"argv = ["{steps.kid.one.rows}"]"#]);
    for name in ["kid.one", "kid.two", "kid.three"] {
        let step = step(&plan, name);
        assert_eq!((step.on_failure, step.component.as_ref()), (OnFailure::Continue, Some(&n("database"))));
        assert_eq!(step.verify.len(), usize::from(name != "kid.one"));
        assert_eq!(step.name.child(), Some(&n("kid")));
    }
    assert_eq!(name_at(&plan, plan.served(Only::Unplanned)), "kid.two");
    assert_eq!(plan.needs_inputs().collect::<Vec<_>>(), [&n("who")]);
    assert_eq!(plan.requires(), &ProbeSet { every: false, named: ns(&["ready", "db"]) });
    assert_eq!(plan.loss_from(), &ProbeSet { every: true, named: ns(&["lag"]) });
}

#[test]
fn the_fences_of_a_child_fence_the_run() {
    let inner = plan(Repair, vec![acting("stop", ActsAs::Fences), acting("promote", ActsAs::Promotes)])
        .named("child")
        .with(|plan| plan.fence = ns(&["stop"]));
    let plan = made(&[plan(Repair, vec![child("kid", "child", &[])]), inner]);
    assert_eq!(needs(&plan, "kid.promote"), ["kid.stop"]);
    assert!(matches!(plan.fencing(Only::Unplanned), Fencing::Named { .. }));
}

#[test]
fn values_keep_their_kind_and_lists_fill_lists() {
    let mut site = site();
    site.elsewhere.push(SiteRegion { name: n("store"), values: BTreeMap::new() });
    let draft = plan(
        Failover,
        vec![
            action("a", "elbv2", |action| {
                let mut put = |key: &str, value| action.keys.insert(Arc::from(key), value);
                put("db", DraftValue::Text(raw("{to.db}"), Takes::Either));
                put("dsn", DraftValue::Text(raw("{from.db}"), Takes::Secret));
                put("host", text("{{to}} is {to.lb.dns}:{to.port}"));
                put("more", secret("pg-{region}"));
                put("nets", DraftValue::List(vec![text("{to.nets}"), text("{steps.x.out}"), text("c")]));
                put("port", text("{to.port}"));
                put("query", text(r#"up{job="x"} {service}"#));
            })
            .needing(&["x"])
            .with(|step| step.region = Some(raw("store"))),
            exec("x", "x").acting(|action| action.outputs = ns(&["out"])),
        ],
    );
    let set = plan_set(&draft, core::slice::from_ref(&draft), &site, &known()).unwrap();
    let plan = set.case(RegionPos::at(0), RegionPos::at(1)).unwrap();
    let Body::Action(action) = &step(plan, "a").body else { panic!("no action") };
    assert_eq!(
        action.preview(),
        [
            "db = {credential pg-w}",
            "dsn = {credential pg-e}",
            r#"host = "{{to}} is lb.west:8000""#,
            "more = {credential pg-store}",
            r#"nets = ["west-a", "west-b", "{steps.x.out}", "c"]"#,
            "port = 8000",
            r#"query = "up{job=\"x\"} shop""#,
        ]
    );
    let filled = action.fill(&mut |_| Some(Filled::Many(vec![Arc::from("1"), Arc::from("2")]))).unwrap();
    assert_eq!(filled.preview()[4], r#"nets = ["west-a", "west-b", "1", "2", "c"]"#);
    let unknown = action.fill(&mut |_| None).unwrap_err();
    assert_eq!(unknown.to_string(), "nothing is known for {steps.x.out}");
    let list = Text::plain("a").fill(&mut |_| None).unwrap();
    assert_eq!(list.as_plain(), Some("a"));
}

#[test]
fn defaults_are_those_of_the_language() {
    let ask = own("ask", Own::Approve { text: raw("{run.id}?"), role: n("approver"), count: 1 });
    let aws = exec("aws", "x").acting(|action| action.late = Some(Span::mins(5)));
    let look = action("look", "verify", |action| action.changing = false);
    let target = exec("target", "x").acting(|action| {
        let keys = [(Arc::from("argv"), text("scratch"))].into_iter().collect();
        action.drill_target = Some(DrillTarget { keys, resource: Some(raw("scratch")) });
    });
    let plan = made(&[plan(
        Failover,
        vec![
            exec("plain", "x"),
            ask,
            aws,
            look,
            target,
            lapse("lapse"),
            gate("gate"),
            exec("none", "x").with(|step| {
                step.in_drill = Some(InDrill::Skip);
            }),
        ],
    )]);
    let plain = step(&plan, "plain");
    assert_eq!((plain.timeout, plain.retry), (Span::mins(5), StepDraft::RETRY));
    assert_eq!(
        (plain.on_failure, plain.late, plain.late_call),
        (OnFailure::Stop, Span::secs(60), LateCall::None)
    );
    assert_eq!(plain.longest(), Span::secs(15 * 60 + 4));
    assert_eq!(step(&plan, "aws").late, Span::mins(5));
    assert_eq!((step(&plan, "ask").retry.times, step(&plan, "ask").late), (0, Span::ZERO));
    assert_eq!(step(&plan, "lapse").timeout, Span::secs(330));
    let drills =
        ["plain", "ask", "look", "target", "lapse", "gate", "none"].map(|name| step(&plan, name).drill.does);
    use InDrill::{Preview, Run, Skip};
    assert_eq!(drills, [Preview, Run, Run, Run, Preview, Preview, Skip]);
    let drill = &step(&plan, "target").drill;
    assert_eq!(drill.action.as_ref().unwrap().preview(), [r#"argv = "scratch""#]);
    assert_eq!(drill.resource, Some(Text::plain("scratch")));
    let filled = step(&plan, "ask").body.fill(&mut |_| Some(Filled::One(Arc::from("r7")))).unwrap();
    assert_eq!(filled, Body::Own(Own::Approve { text: Text::plain("r7?"), role: n("approver"), count: 1 }));
    assert!(step(&plan, "ask").body.fill(&mut |_| Some(Filled::Many(vec![]))).is_err());
}

#[test]
fn what_a_run_needs_of_the_dead_region_is_known() {
    let touching = |name: &str, region| {
        exec(name, "x").acting(|action| {
            action.touches = vec![TouchDraft { region, api: Arc::from("api"), plane: Plane::Control }];
        })
    };
    let plan = made(&[plan(
        Failover,
        vec![
            touching("dns", TouchRegion::In(n("east"))),
            only(Only::Planned)(touching("drain", TouchRegion::Old)),
            touching("assess", TouchRegion::Old).with(|step| step.on_failure = Some(OnFailure::Continue)),
            touching("copy", TouchRegion::Old)
                .with(|step| step.on_failure = Some(OnFailure::Continue))
                .acting(|action| {
                    action.outputs = ns(&["file"]);
                }),
            exec("load", "{steps.copy.file}").needing(&["copy"]),
            touching("here", TouchRegion::WhereItActs),
            fence("fence"),
        ],
    )]);
    let of = |region: &str, way| -> Vec<String> {
        let region = n(region);
        plan.needs_of(&region, way).map(|(pos, _)| name_at(&plan, Some(pos))).collect()
    };
    assert_eq!(of("east", Only::Unplanned), ["copy", "dns"]);
    assert_eq!(of("east", Only::Planned), ["copy", "dns", "drain"]);
    assert_eq!(of("west", Only::Unplanned), ["here"]);
}

#[test]
fn the_worst_case_is_the_longest_way() {
    let lasting = |name: &str, secs| {
        exec(name, "x").with(|step| {
            step.timeout = Some(Span::secs(secs));
            step.retry = Some(Retry { times: 1, pause: Span::secs(1) });
        })
    };
    let plan = made(&[plan(
        Failover,
        vec![
            lasting("a", 10),
            only(Only::Planned)(lasting("b", 100).needing(&["a"])),
            lasting("c", 20).needing(&["b"]),
        ],
    )]);
    assert_eq!(plan.longest(Only::Unplanned), Span::secs(21 + 41));
    assert_eq!(plan.longest(Only::Planned), Span::secs(21 + 201 + 41));
}

#[test]
fn a_set_answers_by_case_and_keeps_the_edges_hash() {
    let west = RegionPos::at(1);
    let set = set_of(&[plan(Failover, vec![gate("gate")])]).unwrap();
    assert_eq!(set.plans().count(), 2);
    assert!(
        set.case(west, west).is_none()
            && set.at(west).is_none()
            && set.case(west, RegionPos::at(2)).is_none()
    );
    let case = Case::Move { from: west, to: RegionPos::at(0) };
    assert_eq!(set.hash(case), None);
    let set = set.hashed(|plan| PlanHash([plan.preview().len() as u8; 32]));
    assert!(set.hash(case).is_some_and(|hash| hash.to_string().len() == 64));
    let set = set_of(&[plan(Repair, vec![exec("a", "x")])]).unwrap();
    assert_eq!(set.at(west).unwrap().at().to_string(), "in west");
    assert!(set.case(RegionPos::at(0), west).is_none() && set.at(RegionPos::at(2)).is_none());
}
