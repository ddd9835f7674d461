//! Tests of the whole folder, and the small words in which they write drafts.
//!
//! The drafts here are made as the config will make them: no test reaches past `plan_set` to build a plan.

mod flaws;
pub(in crate::plan) mod random;
mod real;
mod rules;

use super::*;
use crate::ids::{Name, RegionPos};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) fn n(name: &str) -> Name {
    Name::new(name).unwrap()
}

pub(super) fn ns(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| n(name)).collect()
}

pub(super) fn raw(text: &str) -> Raw {
    Raw::parse(text).unwrap()
}

pub(super) fn text(text: &str) -> DraftValue {
    DraftValue::Text(raw(text), Takes::Text)
}

pub(super) fn secret(name: &str) -> DraftValue {
    DraftValue::Secret(SecretSource::Credential, raw(name))
}

/// A step of kind `exec` that says `argv`.
pub(super) fn exec(name: &str, argv: &str) -> StepDraft {
    action(name, "exec", |action| {
        action.keys.insert(Arc::from("argv"), DraftValue::List(vec![text(argv)]));
        action.allowed_in_inspect = true;
    })
}

pub(super) fn action(name: &str, kind: &str, make: impl FnOnce(&mut ActionDraft)) -> StepDraft {
    let mut action = ActionDraft::new(n(kind));
    make(&mut action);
    StepDraft::new(n(name), BodyDraft::Action(action))
}

pub(super) fn acting(name: &str, acts_as: ActsAs) -> StepDraft {
    action(name, "http", |action| action.acts_as = acts_as)
}

pub(super) fn child(name: &str, plan: &str, inputs: &[(&str, &str)]) -> StepDraft {
    let inputs = inputs.iter().map(|&(name, value)| (n(name), raw(value))).collect();
    StepDraft::new(n(name), BodyDraft::Child { plan: n(plan), inputs })
}

pub(super) fn own(name: &str, own: Own<Raw>) -> StepDraft {
    StepDraft::new(n(name), BodyDraft::Own(own))
}

pub(super) fn lapse(name: &str) -> StepDraft {
    own(name, Own::Lapse { lasts: crate::time::Span::secs(30), by: LapseBy::BoundToDaemon })
}

pub(super) fn gate(name: &str) -> StepDraft {
    let (drain, ttl) = (crate::time::Span::secs(10), crate::time::Span::secs(30));
    own(name, Own::TrafficGate { drain, on_lost: OnLost::Hold, ttl })
}

impl StepDraft {
    pub(super) fn needing(mut self, needs: &[&str]) -> StepDraft {
        self.needs = ns(needs);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut StepDraft)) -> StepDraft {
        change(&mut self);
        self
    }

    pub(super) fn acting(mut self, change: impl FnOnce(&mut ActionDraft)) -> StepDraft {
        if let BodyDraft::Action(action) = &mut self.body {
            change(action);
        }
        self
    }
}

pub(super) fn plan(kind: PlanKind, steps: Vec<StepDraft>) -> PlanDraft {
    PlanDraft { steps, ..PlanDraft::new(n("it"), kind) }
}

impl PlanDraft {
    pub(super) fn with(mut self, change: impl FnOnce(&mut PlanDraft)) -> PlanDraft {
        change(&mut self);
        self
    }

    pub(super) fn named(mut self, name: &str) -> PlanDraft {
        self.name = n(name);
        self
    }
}

/// The shop in east and west; only west has `lonely`.
pub(super) fn site() -> Site {
    let mut site = Site::new(n("shop"), &ns(&["east", "west"]));
    for (i, region) in site.regions.iter_mut().enumerate() {
        let mut put = |key: &str, value| region.values.insert(Arc::from(key), value);
        let name = ["east", "west"][i];
        put(
            "db",
            SiteValue::Secret(SecretRef {
                source: SecretSource::Credential,
                name: Arc::from(["pg-e", "pg-w"][i]),
            }),
        );
        put("host", SiteValue::Text(Arc::from(alloc::format!("{name}.example.com"))));
        put("port", SiteValue::Int(8000));
        let mut lb = BTreeMap::new();
        lb.insert(Arc::from("dns"), SiteValue::Text(Arc::from(alloc::format!("lb.{name}"))));
        put("lb", SiteValue::Table(lb));
        let nets = ["a", "b"].map(|net| SiteValue::Text(Arc::from(alloc::format!("{name}-{net}"))));
        put("nets", SiteValue::List(nets.to_vec()));
        if i == 1 {
            put("lonely", SiteValue::Flag(true));
        }
    }
    site.trigger_fields.insert(n("source"));
    site
}

pub(super) fn known() -> Known {
    Known {
        probes: ns(&["api", "db", "lag", "ready"]).into_iter().collect(),
        components: ns(&["database"]).into_iter().collect(),
    }
}

pub(super) fn set_of(plans: &[PlanDraft]) -> Result<PlanSet, Vec<Flaw>> {
    plan_set(&plans[0], plans, &site(), &known())
}

/// The plan from east to west, or in west.
pub(super) fn made(plans: &[PlanDraft]) -> Arc<Plan> {
    let set = set_of(plans).unwrap_or_else(|flaws| panic!("{}", said(&flaws).join("\n")));
    let west = RegionPos::at(1);
    set.case(RegionPos::at(0), west).or_else(|| set.at(west)).unwrap().clone()
}

pub(super) fn said(flaws: &[Flaw]) -> Vec<String> {
    flaws.iter().map(ToString::to_string).collect()
}

pub(super) fn order(plan: &Plan) -> Vec<String> {
    plan.steps().iter().map(|step| step.name.to_string()).collect()
}

/// The names of what a step needs.
pub(super) fn needs(plan: &Plan, step: &str) -> Vec<String> {
    let pos = plan.position(&StepName::parse(step).unwrap()).unwrap();
    plan.step(pos).unwrap().needs.iter().map(|&need| plan.step(need).unwrap().name.to_string()).collect()
}

pub(super) fn step<'a>(plan: &'a Plan, name: &str) -> &'a Step {
    plan.step(plan.position(&StepName::parse(name).unwrap()).unwrap()).unwrap()
}

pub(super) fn name_at(plan: &Plan, pos: Option<crate::ids::StepPos>) -> String {
    pos.and_then(|pos| plan.step(pos)).map_or_else(|| "none".into(), |step| step.name.to_string())
}
