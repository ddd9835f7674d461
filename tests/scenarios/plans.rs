//! A service's plans, from a few words a step: what it acts as, what it needs, what it touches.

use std::sync::Arc;

use watchkeeper_core::ids::Name;
use watchkeeper_core::plan::{
    ActionDraft, ActsAs, BodyDraft, DraftValue, DrillTarget, InDrill, Input, InputType, Item, Known, LapseBy,
    LateCall, OnFailure, OnLost, Only, Own, Plan, PlanDraft, PlanHash, PlanKind, PlanSet, Plane, Rate, Raw,
    Retry, Settles, Site, StepDraft, Takes, TouchDraft, TouchRegion, plan_set,
};
use watchkeeper_core::policy::ServiceDraft;
use watchkeeper_core::time::Span;

use crate::words::{Read, Words};

const KINDS: &[(&str, PlanKind)] = &[
    ("failover", PlanKind::Failover),
    ("repair", PlanKind::Repair),
    ("rejoin", PlanKind::Rejoin),
    ("inspect", PlanKind::Inspect),
];
const ON_FAILURE: &[(&str, OnFailure)] =
    &[("stop", OnFailure::Stop), ("continue", OnFailure::Continue), ("undo", OnFailure::Undo)];
const WAYS: &[(&str, Only)] = &[("planned", Only::Planned), ("unplanned", Only::Unplanned)];
const IN_DRILL: &[(&str, InDrill)] =
    &[("run", InDrill::Run), ("preview", InDrill::Preview), ("skip", InDrill::Skip)];
const LATE: &[(&str, LateCall)] =
    &[("checked", LateCall::Checked), ("deadline", LateCall::Deadline), ("none", LateCall::None)];
const SETTLES: &[(&str, Settles)] = &[
    ("proved", Settles::Proved),
    ("structural", Settles::Structural),
    ("cut", Settles::Cut),
    ("nothing", Settles::Nothing),
];

/// The plans of one service, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Plans(Vec<PlanDraft>);

impl Plans {
    /// `plan NAME KIND …`
    pub(crate) fn open(&mut self, words: &mut Words) -> Read<()> {
        let name = words.name("plan")?;
        let mut draft = PlanDraft::new(name, words.one_of("kind", KINDS)?);
        while !words.is_empty() {
            match words.word("a key")?.as_str() {
                "requires" => draft.requires = Some(list(words)?),
                "loss_from" => draft.loss_from = Some(list(words)?),
                "unfenced" => draft.unfenced = Some(Raw::plain("the script says so")),
                "at_most" => {
                    let runs = words.number("at_most")?;
                    words.must("in")?;
                    draft.at_most = Some(Rate { runs, within: words.span("at_most")? });
                }
                "drilled" => draft.drilled = true,
                "served" => draft.served = Some(words.name("step")?),
                "phase" => {
                    let phase = words.name("phase")?;
                    draft.phases.push((phase, words.span("phase")?));
                }
                other => return Err(format!("`{other}` is no key of a plan")),
            }
        }
        self.0.push(draft);
        Ok(())
    }

    /// A step or an input of the newest plan.
    pub(crate) fn detail(&mut self, word: &str, words: &mut Words) -> Read<()> {
        let Some(plan) = self.0.last_mut() else { return Err(format!("`{word}` declares nothing")) };
        let acts_as = match word {
            "input" => {
                let name = words.name("input")?;
                let default =
                    if words.take("default") { Some(Raw::plain(&words.word("a default")?)) } else { None };
                plan.inputs.push(Input {
                    name,
                    kind: InputType::Text,
                    choices: vec![],
                    default,
                    pattern: None,
                });
                return Ok(());
            }
            "lapse" => {
                let name = words.name("step")?;
                let lasts = words.span("lapse")?;
                plan.fence.push(name.clone());
                return own(plan, name, Own::Lapse { lasts, by: LapseBy::BoundToDaemon }, words);
            }
            "wait" => {
                let name = words.name("step")?;
                let lasts = Some(words.span("wait")?);
                return own(plan, name, Own::Wait { lasts, until: None }, words);
            }
            "approve" => {
                let name = words.name("step")?;
                let role = Name::new("sre").map_err(|why| why.to_string())?;
                return own(plan, name, Own::Approve { text: Raw::plain("go on?"), role, count: 1 }, words);
            }
            "checklist" => {
                let name = words.name("step")?;
                let points = words.number::<usize>("checklist")?;
                let role = Name::new("sre").map_err(|why| why.to_string())?;
                let item = || Item { text: Raw::plain("looked at"), probe: None };
                let items = (0..points).map(|_| item()).collect();
                return own(plan, name, Own::Checklist { items, role }, words);
            }
            "gate" => {
                let name = words.name("step")?;
                let drain = words.span("drain")?;
                let gate = Own::TrafficGate { drain, on_lost: OnLost::Hold, ttl: Span::secs(5) };
                return own(plan, name, gate, words);
            }
            "pause" => {
                let name = words.name("step")?;
                let lasts = if words.take("for") { Some(words.span("pause")?) } else { None };
                return own(plan, name, Own::Pause { text: Raw::plain("the plan says so"), lasts }, words);
            }
            "child" => {
                let name = words.name("step")?;
                words.must("plan")?;
                let child = BodyDraft::Child { plan: words.name("plan")?, inputs: Vec::new() };
                let mut step = StepDraft::new(name, child);
                keys(&mut step, words)?;
                plan.steps.push(step);
                return Ok(());
            }
            "fence" => ActsAs::Fences,
            "promote" => ActsAs::Promotes,
            "route" => ActsAs::Routes,
            "verify" => ActsAs::Verifies,
            "do" => ActsAs::Other,
            other => return Err(format!("`{other}` declares nothing")),
        };
        let name = words.name("step")?;
        let mut action = ActionDraft::new(Name::new("exec").map_err(|why| why.to_string())?);
        action.acts_as = acts_as;
        action.changing = acts_as != ActsAs::Verifies;
        action.allowed_in_inspect = true;
        if acts_as == ActsAs::Fences {
            plan.fence.push(name.clone());
            action.settles = words.one_of("fence", SETTLES)?;
        }
        let mut step = StepDraft::new(name, BodyDraft::Action(action));
        if acts_as == ActsAs::Fences {
            step.region = Raw::parse("{from}").ok();
        }
        keys(&mut step, words)?;
        plan.steps.push(step);
        Ok(())
    }

    /// Each plan, checked in every case.
    pub(crate) fn compiled(self, service: &ServiceDraft) -> Read<Vec<PlanSet>> {
        let mut site = Site::new(service.name.clone(), &service.regions);
        site.stateless = service.stateless;
        let known = Known {
            probes: service.probes.iter().map(|probe| probe.name.clone()).collect(),
            components: service.components.iter().map(|component| component.name.clone()).collect(),
        };
        let set = |plan| {
            let set = plan_set(plan, &self.0, &site, &known).map_err(|flaws| {
                let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                flaws.join("; ")
            });
            set.map(|set| set.hashed(hash))
        };
        self.0.iter().map(set).collect()
    }
}

/// What the edge would make of a plan's preview.
fn hash(plan: &Plan) -> PlanHash {
    let mut bytes = [0_u8; 32];
    let lines = plan.preview().join("\n");
    for (i, byte) in lines.bytes().enumerate() {
        let at = &mut bytes[i % 32];
        *at = at.rotate_left(3) ^ byte;
    }
    PlanHash(bytes)
}

/// A step of the core's own.
fn own(plan: &mut PlanDraft, name: Name, own: Own<Raw>, words: &mut Words) -> Read<()> {
    let mut step = StepDraft::new(name, BodyDraft::Own(own));
    keys(&mut step, words)?;
    plan.steps.push(step);
    Ok(())
}

/// `needs stop_old timeout 10s retry 0 on_failure undo undoable late checked`
fn keys(step: &mut StepDraft, words: &mut Words) -> Read<()> {
    while !words.is_empty() {
        let key = words.word("a key")?;
        match key.as_str() {
            "needs" => step.needs = words.names("step")?,
            "timeout" => step.timeout = Some(words.span("timeout")?),
            "retry" => step.retry = Some(Retry { times: words.number("retry")?, pause: Span::secs(2) }),
            "on_failure" => step.on_failure = Some(words.one_of("on_failure", ON_FAILURE)?),
            "only" => step.only = Some(words.one_of("way", WAYS)?),
            "phase" => step.phase = Some(words.name("phase")?),
            "sees" => step.verify = words.names("probe")?,
            "in_drill" => step.in_drill = Some(words.one_of("in_drill", IN_DRILL)?),
            key => action_key(step, key, words)?,
        }
    }
    Ok(())
}

fn action_key(step: &mut StepDraft, key: &str, words: &mut Words) -> Read<()> {
    let BodyDraft::Action(action) = &mut step.body else {
        return Err(format!("`{key}` is no key of a step of the core's own"));
    };
    match key {
        "touches" => {
            let region =
                if words.take("old") { TouchRegion::Old } else { TouchRegion::In(words.name("region")?) };
            let api = Arc::from(words.word("an API")?);
            action.touches.push(TouchDraft { region, api, plane: Plane::Control });
        }
        "undoable" => action.undoable = true,
        "one_way" => action.one_way = true,
        "late" => action.late_call = words.one_of("late", LATE)?,
        "gives" => action.outputs = words.names("output")?,
        "sends" => {
            let text = words.word("a text")?;
            let raw = Raw::parse(&text).map_err(|why| why.to_string())?;
            action.keys.insert(Arc::from("text"), DraftValue::Text(raw, Takes::Text));
        }
        "aimed" => {
            words.must("elsewhere in drills")?;
            let key = |text: &str| (Arc::from("target"), DraftValue::Text(Raw::plain(text), Takes::Text));
            action.keys.extend([key("here")]);
            action.drill_target = Some(DrillTarget { keys: [key("elsewhere")].into(), resource: None });
        }
        other => return Err(format!("`{other}` is no key of a step")),
    }
    Ok(())
}

fn list(words: &mut Words) -> Read<Vec<Name>> {
    if words.take("nothing") { Ok(Vec::new()) } else { words.names("probe") }
}
