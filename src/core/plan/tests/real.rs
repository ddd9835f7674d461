//! A failover as its owner wrote it (healing-guard, with the fences of sentiment), down to the last line of its preview.

use super::*;
use crate::time::Span;

fn kubernetes(name: &str, what: &str, replicas: i64) -> StepDraft {
    action(name, "kubernetes", |action| {
        action.keys.insert(Arc::from("context"), text("kube-{region}"));
        action.keys.insert(Arc::from("do"), text(what));
        action.keys.insert(Arc::from("replicas"), DraftValue::Int(replicas));
        action.late_call = LateCall::Checked;
        action.undoable = true;
        action.resource = Some(raw("kubernetes {region} deployment/healing-guard"));
        action.touches = vec![TouchDraft {
            region: TouchRegion::WhereItActs,
            api: Arc::from("kubernetes"),
            plane: Plane::Control,
        }];
    })
}

fn failover() -> PlanDraft {
    let fence = action("fence", "postgres_fence", |action| {
        action.keys.insert(Arc::from("dsn"), DraftValue::Text(raw("{region.db}"), Takes::Secret));
        (action.acts_as, action.settles) = (ActsAs::Fences, Settles::Proved);
        action.touches =
            vec![TouchDraft { region: TouchRegion::Old, api: Arc::from("postgres"), plane: Plane::Data }];
    });
    let promote = action("promote", "postgres_promote", |action| {
        action.keys.insert(Arc::from("dsn"), secret("pg-{to}"));
        (action.acts_as, action.late_call, action.one_way) = (ActsAs::Promotes, LateCall::Deadline, true);
    });
    let dns = action("dns", "route53", |action| {
        let record = [("value", text("{to.lb.dns}")), ("ttl", DraftValue::Span(Span::secs(60)))];
        let record = record.into_iter().map(|(key, value)| (Arc::from(key), value)).collect();
        action.keys.insert(Arc::from("record"), DraftValue::Table(record));
        (action.acts_as, action.late_call) = (ActsAs::Routes, LateCall::Checked);
        action.touches = vec![TouchDraft {
            region: TouchRegion::In(n("east")),
            api: Arc::from("route53"),
            plane: Plane::Control,
        }];
    });
    PlanDraft {
        text: Some(raw("Scales up {to}, promotes its database, moves the name there.")),
        fence: ns(&["fence", "lapse"]),
        unfenced: Some(raw("the rejoin plan fences {from} before it is used again")),
        at_most: Some(Rate { runs: 1, within: Span::hours(24) }),
        ..plan(
            PlanKind::Failover,
            vec![
                kubernetes("drain", "scale", 0).with(|step| {
                    step.only = Some(Only::Planned);
                    step.region = Some(raw("{from}"));
                }),
                kubernetes("scale", "scale", 5),
                fence.with(|step| {
                    step.region = Some(raw("{from}"));
                    step.timeout = Some(Span::secs(20));
                }),
                lapse("lapse"),
                promote.needing(&["drain"]).with(|step| step.component = Some(n("database"))),
                dns.needing(&["scale", "promote"]).with(|step| step.verify = ns(&["api"])),
                child("check", "validate", &[])
                    .needing(&["dns"])
                    .with(|step| step.on_failure = Some(OnFailure::Continue)),
            ],
        )
        .named("failover")
    }
}

fn validate() -> PlanDraft {
    let probes = action("probes", "verify", |action| {
        (action.changing, action.acts_as, action.probes) = (false, ActsAs::Verifies, ns(&["api", "db"]));
    });
    let rows = exec("rows", "python -m dr.count").acting(|action| action.outputs = ns(&["rows"]));
    let items = vec![Item { text: raw("{steps.rows.rows} rows are enough"), probe: None }];
    plan(
        PlanKind::Inspect,
        vec![
            probes,
            rows,
            own("people", Own::Checklist { items, role: n("operator") }).needing(&["probes", "rows"]),
        ],
    )
    .named("validate")
}

#[test]
fn a_whole_failover() {
    let plans = [failover(), validate()];
    let plan = made(&plans);
    assert_eq!(
        order(&plan),
        ["drain", "fence", "scale", "lapse", "promote", "dns", "check.probes", "check.rows", "check.people"]
    );
    assert_eq!(name_at(&plan, plan.commit_point(Only::Unplanned)), "promote");
    assert_eq!(name_at(&plan, plan.served(Only::Unplanned)), "dns");
    let east = n("east");
    let needed: Vec<String> =
        plan.needs_of(&east, Only::Unplanned).map(|(pos, _)| name_at(&plan, Some(pos))).collect();
    assert_eq!(needed, ["dns"], "route53's control plane lives in the region that this leaves");
    // As a plan of its own the child stands as well.
    assert!(set_of(&[validate()]).is_ok());
    let lines = plan.preview();
    assert_eq!(
        lines.join("\n").split("\nstep ").next().unwrap(),
        "failover failover of shop: east -> west
title \"failover\"
text \"Scales up west, promotes its database, moves the name there.\"
requires every gate probe
loss from every loss probe
fence fence, lapse
unfenced \"the rejoin plan fences east before it is used again\"
served planned dns
served unplanned dns
at most 1 in 86400s"
    );
    let fence: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .skip_while(|line| !line.starts_with("step fence"))
        .take(10)
        .collect();
    assert_eq!(
        fence,
        [
            "step fence in east: postgres_fence",
            "  title \"fence\"",
            "  needs none",
            "  fences, settles proved",
            "  timeout 20s, retry 2 after 2s, on failure stop",
            "  late call none, 60s",
            "  changing",
            "  touches \"postgres\" data plane in east",
            "  send dsn = {credential pg-e}",
            "  in a drill preview",
        ]
    );
    let all = lines.join("\n");
    assert!(all.contains("  send record = { ttl = 60s, value = \"lb.west\" }\n"), "{all}");
    assert!(all.contains("  item \"{steps.check.rows.rows} rows are enough\"\n"), "{all}");
}

#[test]
fn whatever_changes_the_plan_changes_its_preview() {
    let before = made(&[failover(), validate()]).preview();
    let changes: [fn(&mut PlanDraft); 12] = [
        |plan| plan.steps[1].timeout = Some(Span::micros(300_000_001)),
        |plan| plan.steps[1].retry = Some(Retry { times: 2, pause: Span::millis(2_001) }),
        |plan| plan.steps[1].on_failure = Some(OnFailure::Undo),
        |plan| plan.steps[1].title = Some(raw("Scale")),
        |plan| plan.steps[2].only = Some(Only::Unplanned),
        |plan| plan.steps[4].component = None,
        |plan| plan.steps[5].verify = ns(&["db"]),
        |plan| plan.fence = ns(&["lapse", "fence"]),
        |plan| plan.unfenced = None,
        |plan| plan.loss_from = Some(ns(&["lag"])),
        |plan| plan.phases = vec![(n("act"), Span::mins(5))],
        |plan| plan.served = Some(n("check")),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let changed = made(&[failover().with(change), validate()]).preview();
        assert_ne!(before, changed, "change {i}");
    }
}
