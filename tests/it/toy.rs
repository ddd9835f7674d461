//! A small policy: services `shop` and `mail` in two regions, with a probe, a plan and a trigger each.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper::core::decide::{Limits, Mode};
use watchkeeper::core::health::{self, Fall, self_trust};
use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::{
    ActionDraft, ActsAs, BodyDraft, DraftValue, DrillTarget, Input, InputType, Item, Known, LapseBy,
    LateCall, OnLost, Own, Plan, PlanDraft, PlanHash, PlanKind, Plane, Rate, Raw, SecretSource, Settles,
    Site, StepDraft, Takes, TouchDraft, TouchRegion, plan_set,
};
use watchkeeper::core::policy::{
    From, ObserverDraft, Policy, PolicyDraft, ProbeDraft, ScenarioDraft, ServiceDraft, SessionTerms,
    WhenDraft,
};
use watchkeeper::core::severity::Objectives;
use watchkeeper::core::time::Span;
use watchkeeper::core::verdict::{Level, Role, Tier};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn raw(text: &str) -> Raw {
    Raw::parse(text).expect("a text")
}

/// As one of `observers` (`o0`, `o1`, …) sees it.
pub(crate) fn policy(me: usize, observers: usize) -> Arc<Policy> {
    Arc::new(Policy::build(draft(me, observers)).expect("a policy"))
}

/// The same, to be changed.
pub(crate) fn draft(me: usize, observers: usize) -> PolicyDraft {
    PolicyDraft {
        me: name(&format!("o{me}")),
        mode: Mode::Observe,
        regions: Vec::new(),
        observers: (0..observers)
            .map(|o| ObserverDraft {
                name: name(&format!("o{o}")),
                region: name(["east", "west"][o % 2]),
                witness: false,
            })
            .collect(),
        self_trust: self_trust::Settings::majority_of(3),
        limits: Limits::DEFAULT,
        ask: Span::secs(5),
        session: SessionTerms::DEFAULT,
        services: vec![service("mail"), service("shop")],
    }
}

fn service(called: &str) -> ServiceDraft {
    let regions = vec![name("east"), name("west")];
    let mut draft = ServiceDraft::new(name(called), regions.clone());
    draft.mode = Mode::Observe;
    draft.stateless = true;
    let (interval, timeout, fast) = (Span::millis(200), Span::millis(100), Span::millis(100));
    draft.probes = vec![ProbeDraft {
        name: name("web"),
        component: None,
        tier: Tier::Trigger,
        role: Role::Each,
        regions: None,
        from: From::All,
        debounce: health::Settings::new(interval, timeout, fast, interval, Fall::Streak(3), 2, None)
            .expect("settings"),
        parent: None,
        witness_of: None,
        loss: false,
        drift: false,
    }];
    draft.triggers = vec![name("signal")];
    let site = Site { stateless: true, ..Site::new(name(called), &regions) };
    let known = Known { probes: [name("web")].into(), ..Known::default() };
    let plan = failover();
    let set = plan_set(&plan, std::slice::from_ref(&plan), &site, &known);
    let set =
        set.unwrap_or_else(|flaws| panic!("{}", flaws.iter().map(ToString::to_string).collect::<String>()));
    draft.plans = vec![set.hashed(|plan: &Plan| PlanHash([plan.steps().len() as u8; 32]))];
    draft.scenarios = vec![ScenarioDraft {
        name: name("gone"),
        title: "gone".to_owned(),
        when: vec![WhenDraft { service: Some(Level::Down), held: Some(Span::ZERO), ..WhenDraft::default() }],
        severity: None,
        plan: Some(name("failover")),
        mode: Mode::Auto,
        over: Vec::new(),
        again: None,
        veto: Span::ZERO,
        objectives: Objectives::default(),
        on_clear: None,
        approval_within: Span::mins(15),
        given: Vec::new(),
    }];
    draft
}

/// A plan with something of everything that can be written into a journal.
fn failover() -> PlanDraft {
    let mut plan = PlanDraft::new(name("failover"), PlanKind::Failover);
    plan.title = Some(raw("Move {service} from {from} to {to}"));
    plan.text = Some(raw("Run {run.id} of incident {incident.id}"));
    plan.requires = Some(vec![name("web")]);
    plan.at_most = Some(Rate { runs: 2, within: Span::mins(5) });
    plan.unfenced = Some(raw("it keeps nothing"));
    let choices = vec![Arc::from("a"), Arc::from("b")];
    let default = Some(raw("a"));
    plan.inputs.push(Input { name: name("why"), kind: InputType::Choice, choices, default, pattern: None });
    let mut scale = ActionDraft::new(name("exec"));
    let table = BTreeMap::from([(Arc::from("A.B"), DraftValue::Int(-3))]);
    scale.keys = BTreeMap::from([
        (
            Arc::from("argv"),
            DraftValue::List(vec![DraftValue::Text(raw("{to} {run.token} {inputs.why}"), Takes::Text)]),
        ),
        (Arc::from("dsn"), DraftValue::Secret(SecretSource::Credential, raw("pg-{to}"))),
        (Arc::from("env"), DraftValue::Table(table)),
        (Arc::from("share"), DraftValue::Number(Arc::from("0.5"))),
        (Arc::from("long"), DraftValue::Span(Span::millis(90_500))),
        (Arc::from("now"), DraftValue::Flag(true)),
    ]);
    (scale.undoable, scale.resource) = (true, Some(raw("cap-{to}")));
    scale.outputs = vec![name("size")];
    scale.touches =
        vec![TouchDraft { region: TouchRegion::WhereItActs, api: Arc::from("ecs"), plane: Plane::Control }];
    let drilled = BTreeMap::from([(Arc::from("now"), DraftValue::Flag(false))]);
    scale.drill_target = Some(DrillTarget { keys: drilled, resource: Some(raw("cap-drill")) });
    let mut dns = ActionDraft::new(name("dns_update"));
    (dns.acts_as, dns.late_call) = (ActsAs::Routes, LateCall::Checked);
    dns.resource = Some(raw("dns-{service}"));
    dns.keys = BTreeMap::from([(Arc::from("to"), DraftValue::Text(raw("{steps.scale.size}"), Takes::Text))]);
    let mut fence = ActionDraft::new(name("http"));
    (fence.acts_as, fence.settles) = (ActsAs::Fences, Settles::Cut);
    fence.resource = Some(raw("gate-{from}"));
    let step = |called: &str, body: BodyDraft, needs: &[&str]| {
        let mut step = StepDraft::new(name(called), body);
        step.needs = needs.iter().map(|need| name(need)).collect();
        step
    };
    let items =
        vec![Item { text: raw("look"), probe: Some(name("web")) }, Item { text: raw("ask"), probe: None }];
    let close = OnLost::Close;
    plan.steps = vec![
        step("stop", BodyDraft::Action(fence), &[]),
        step("lapse", BodyDraft::Own(Own::Lapse { lasts: Span::secs(40), by: LapseBy::Gate }), &[]),
        step("scale", BodyDraft::Action(scale), &[]),
        step("wait", BodyDraft::Own(Own::Wait { lasts: Some(Span::secs(1)), until: None }), &["scale"]),
        step("list", BodyDraft::Own(Own::Checklist { items, role: name("operator") }), &["wait"]),
        step(
            "agree",
            BodyDraft::Own(Own::Approve { text: raw("go?"), role: name("approver"), count: 1 }),
            &["list"],
        ),
        step("dns", BodyDraft::Action(dns), &["agree"]),
        step(
            "gate",
            BodyDraft::Own(Own::TrafficGate { drain: Span::ZERO, on_lost: close, ttl: Span::secs(9) }),
            &["dns"],
        ),
        step("calm", BodyDraft::Own(Own::Pause { text: raw("so"), lasts: None }), &["gate"]),
    ];
    plan.steps[0].region = Some(raw("{from}"));
    plan.fence = vec![name("stop"), name("lapse")];
    plan
}
