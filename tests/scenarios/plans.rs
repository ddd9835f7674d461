//! A service's plans, from a few words a step: what it acts as, what it needs, what it touches.

use std::sync::Arc;

use watchkeeper_core::ids::Name;
use watchkeeper_core::plan::{
    ActionDraft, ActsAs, BodyDraft, Input, InputType, Known, LapseBy, Own, PlanDraft, PlanKind, PlanSet,
    Plane, Rate, Raw, Settles, Site, StepDraft, TouchDraft, TouchRegion, plan_set,
};
use watchkeeper_core::policy::ServiceDraft;

use crate::words::{Read, Words};

const KINDS: &[(&str, PlanKind)] = &[
    ("failover", PlanKind::Failover),
    ("repair", PlanKind::Repair),
    ("rejoin", PlanKind::Rejoin),
    ("inspect", PlanKind::Inspect),
];
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
                let own = Own::Lapse { lasts, by: LapseBy::BoundToDaemon };
                plan.steps.push(StepDraft::new(name, BodyDraft::Own(own)));
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
        while !words.is_empty() {
            match words.word("a key")?.as_str() {
                "needs" => step.needs = words.names("step")?,
                "touches" => {
                    let region = if words.take("old") {
                        TouchRegion::Old
                    } else {
                        TouchRegion::In(words.name("region")?)
                    };
                    let api = Arc::from(words.word("an API")?);
                    if let BodyDraft::Action(action) = &mut step.body {
                        action.touches.push(TouchDraft { region, api, plane: Plane::Control });
                    }
                }
                other => return Err(format!("`{other}` is no key of a step")),
            }
        }
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
            plan_set(plan, &self.0, &site, &known).map_err(|flaws| {
                let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
                flaws.join("; ")
            })
        };
        self.0.iter().map(set).collect()
    }
}

fn list(words: &mut Words) -> Read<Vec<Name>> {
    if words.take("nothing") { Ok(Vec::new()) } else { words.names("probe") }
}
