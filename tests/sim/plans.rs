//! The plans of a world's services, as an owner would write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_core::plan::{
    ActionDraft, ActsAs, BodyDraft, DraftValue, Input, InputType, Known, LapseBy, LateCall, OnFailure,
    OnLost, Own, Plan, PlanDraft, PlanHash, PlanKind, PlanSet, Plane, Rate, Raw, Retry, Settles, Site,
    StepDraft, Takes, TouchDraft, TouchRegion, plan_set,
};
use watchkeeper_core::time::Span;

use crate::recipe::{LAPSE, Recipe};
use crate::shape::name;

/// The plans of one service.
pub(crate) fn all(recipe: &Recipe, site: &Site, known: &Known) -> Vec<PlanSet> {
    let mut drafts = vec![failover(recipe), look()];
    if recipe.repair {
        drafts.push(restart());
    }
    if recipe.rejoin {
        drafts.push(rejoin());
    }
    let set = |draft: &PlanDraft| match plan_set(draft, &drafts, site, known) {
        Ok(set) => set.hashed(hash),
        Err(flaws) => panic!("{}", flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    };
    drafts.iter().map(set).collect()
}

/// What the edge would make of a plan; here only something that differs with it.
pub(crate) fn hash(plan: &Plan) -> PlanHash {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for line in plan.preview() {
        for byte in line.bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&sum.to_be_bytes());
    PlanHash(hash)
}

fn raw(text: &str) -> Raw {
    Raw::parse(text).expect("a text")
}

/// An action of a world's provider: its kind, and the region that it is about.
fn action(kind: &str, at: &str, acts_as: ActsAs, late_call: LateCall) -> ActionDraft {
    let mut action = ActionDraft::new(name(kind));
    action.keys = BTreeMap::from([(Arc::from("at"), DraftValue::Text(raw(at), Takes::Text))]);
    action.acts_as = acts_as;
    action.late_call = late_call;
    action.changing = acts_as != ActsAs::Verifies;
    action.allowed_in_inspect = acts_as == ActsAs::Verifies;
    if late_call == LateCall::None && action.changing {
        // Shorter than in life, so that ten minutes see the end of it.
        action.late = Some(Span::secs(15));
    }
    action
}

fn step(called: &str, action: ActionDraft, needs: &[&str]) -> StepDraft {
    let mut step = StepDraft::new(name(called), BodyDraft::Action(action));
    step.needs = needs.iter().map(|need| name(need)).collect();
    step.timeout = Some(Span::secs(12));
    step.retry = Some(Retry { times: 1, pause: Span::secs(2) });
    step
}

fn failover(recipe: &Recipe) -> PlanDraft {
    let mut plan = PlanDraft::new(name("failover"), PlanKind::Failover);
    let on_failure = if recipe.undo { OnFailure::Undo } else { OnFailure::Stop };
    let mut before: Vec<&str> = Vec::new();
    if recipe.cut || (recipe.fenced && !recipe.lapse_only) {
        let mut stop = action("stop", "{from}", ActsAs::Fences, LateCall::None);
        let settles = if recipe.odd || recipe.cut { Settles::Cut } else { Settles::Proved };
        (stop.settles, stop.undoable) = (settles, true);
        stop.resource = Some(raw("db-{from}"));
        let mut stop = step("stop", stop, &[]);
        stop.region = Some(raw("{from}"));
        stop.on_failure = Some(OnFailure::Continue);
        plan.steps.push(stop);
        plan.fence.push(name("stop"));
    }
    if recipe.fenced && !recipe.odd {
        let own = Own::Lapse { lasts: Span::micros(LAPSE).plus(Span::secs(5)), by: LapseBy::BoundToDaemon };
        let mut lapse = StepDraft::new(name("lapse"), BodyDraft::Own(own));
        lapse.on_failure = Some(OnFailure::Continue);
        lapse.timeout = Some(Span::secs(90));
        plan.steps.push(lapse);
        plan.fence.push(name("lapse"));
    } else if !recipe.stateless && !recipe.odd && !recipe.cut {
        plan.unfenced = Some(raw("its rejoin plan fences it"));
    }
    let mut scale = action("scale", "{to}", ActsAs::Other, LateCall::None);
    (scale.undoable, scale.resource) = (true, Some(raw("cap-{to}")));
    if recipe.odd {
        let api = Arc::from("control");
        scale.touches.push(TouchDraft { region: TouchRegion::Old, api, plane: Plane::Control });
        let kind = InputType::Text;
        let (choices, default, pattern) = (Vec::new(), None, None);
        plan.inputs.push(Input { name: name("why"), kind, choices, default, pattern });
    }
    let mut scale = step("scale", scale, &[]);
    // Only what must not fail needs anything.
    scale.on_failure = Some(match (recipe.undo, recipe.odd) {
        (true, _) => OnFailure::Undo,
        (false, true) => OnFailure::Stop,
        (false, false) => OnFailure::Continue,
    });
    plan.steps.push(scale);
    before.push("scale");
    if recipe.chain {
        let mut spare = action("scale", "{from}", ActsAs::Other, LateCall::None);
        (spare.undoable, spare.resource) = (true, Some(raw("cap-{from}")));
        let mut spare = step("spare", spare, &["scale"]);
        spare.on_failure = Some(OnFailure::Continue);
        plan.steps.push(spare);
        before = vec!["spare"];
    }
    if !recipe.stateless {
        let mut promote = action("promote", "{to}", ActsAs::Promotes, LateCall::Deadline);
        (promote.one_way, promote.resource) = (true, Some(raw("db-{to}")));
        let mut promote = step("promote", promote, &before);
        promote.on_failure = Some(on_failure);
        plan.steps.push(promote);
        before = vec!["promote"];
    }
    if recipe.gate {
        let own = Own::TrafficGate { drain: Span::ZERO, on_lost: OnLost::Hold, ttl: Span::secs(30) };
        let mut gate = StepDraft::new(name("gate"), BodyDraft::Own(own));
        gate.needs = before.iter().map(|need| name(need)).collect();
        gate.timeout = Some(Span::secs(45));
        plan.steps.push(gate);
        before = vec!["gate"];
    } else {
        let mut dns = action("dns", "{to}", ActsAs::Routes, LateCall::Checked);
        dns.keys.insert(Arc::from("back"), DraftValue::Text(raw("{from}"), Takes::Text));
        (dns.undoable, dns.resource) = (true, Some(raw("dns-{service}")));
        let mut dns = step("dns", dns, &before);
        dns.on_failure = Some(on_failure);
        plan.steps.push(dns);
        before = vec!["dns"];
    }
    plan.served = Some(name(before[0]));
    let look = action("look", "{to}", ActsAs::Verifies, LateCall::None);
    let mut look = step("look", look, &before);
    look.on_failure = Some(OnFailure::Continue);
    plan.steps.push(look);
    if let Some(quick) = recipe.phased {
        let ends = if quick {
            [Span::millis(1_500), Span::millis(2_500), Span::secs(60)]
        } else {
            [Span::secs(20), Span::secs(50), Span::secs(100)]
        };
        plan.phases = ["prepare", "move", "after"].map(name).into_iter().zip(ends).collect();
        for step in &mut plan.steps {
            let phase = match step.name.as_str() {
                "promote" | "dns" | "gate" => "move",
                "look" => "after",
                _ => "prepare",
            };
            step.phase = Some(name(phase));
        }
    }
    plan
}

fn restart() -> PlanDraft {
    let mut plan = PlanDraft::new(name("restart"), PlanKind::Repair);
    let mut scale = action("scale", "{region}", ActsAs::Other, LateCall::None);
    (scale.undoable, scale.resource) = (true, Some(raw("cap-{region}")));
    let mut restart = action("restart", "{region}", ActsAs::Other, LateCall::None);
    restart.resource = Some(raw("web-{region}"));
    let mut restart = step("restart", restart, &["scale"]);
    restart.verify = vec![name("web")];
    restart.on_failure = Some(OnFailure::Undo);
    plan.at_most = Some(Rate { runs: 1, within: Span::mins(5) });
    plan.steps = vec![step("scale", scale, &[]), restart];
    plan.requires = Some(Vec::new());
    plan
}

fn rejoin() -> PlanDraft {
    let mut plan = PlanDraft::new(name("rejoin"), PlanKind::Rejoin);
    let mut resync = action("resync", "{region}", ActsAs::Other, LateCall::Checked);
    resync.resource = Some(raw("db-{region}"));
    plan.steps = vec![step("resync", resync, &[])];
    plan.requires = Some(Vec::new());
    plan
}

fn look() -> PlanDraft {
    let mut plan = PlanDraft::new(name("look"), PlanKind::Inspect);
    let look = action("look", "{region}", ActsAs::Verifies, LateCall::None);
    plan.steps = vec![step("look", look, &[])];
    plan.requires = Some(Vec::new());
    plan
}
