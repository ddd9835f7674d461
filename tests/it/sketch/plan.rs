//! Plans and drills of one service.

use toml::Value;
use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::{Input, InputType, PlanDraft, PlanKind, Rate, Raw};

use super::files::Inherited;
use super::keys::Keys;
use super::{step, values};

/// One plan.
pub(crate) fn plan(
    name: Name,
    keys: Keys,
    inherited: &Inherited,
    watched: &[Name],
    drills: &Drills,
) -> PlanDraft {
    let mut keys = inherited.resolve("plan", keys);
    let kinds = [
        ("failover", PlanKind::Failover),
        ("repair", PlanKind::Repair),
        ("rejoin", PlanKind::Rejoin),
        ("inspect", PlanKind::Inspect),
    ];
    let kind =
        keys.word("kind", &kinds).unwrap_or_else(|| panic!("{}: this key is required", keys.at("kind")));
    PlanDraft {
        title: keys.raw("title"),
        text: keys.raw("text"),
        requires: keys.names("requires"),
        loss_from: keys.names("loss_from"),
        phases: phases(&mut keys),
        inputs: keys.tables("inputs").into_iter().map(|(name, keys)| input(name, keys)).collect(),
        fence: keys.names("fence").unwrap_or_default(),
        unfenced: keys.raw("unfenced"),
        served: keys.name("served"),
        at_most: keys.table("at_most").map(|mut rate| Rate {
            runs: rate.count("runs").expect("a rate says how many runs"),
            within: rate.span("within").expect("a rate says within what"),
        }),
        drilled: drills.0.contains(&name),
        steps: keys
            .tables("step")
            .into_iter()
            .map(|(name, keys)| step::step(name, inherited.resolve("step", keys), watched))
            .collect(),
        ..PlanDraft::new(name, kind)
    }
}

fn phases(keys: &mut Keys) -> Vec<(Name, watchkeeper::core::time::Span)> {
    let phases = keys.table("phases").map(Keys::rest).unwrap_or_default();
    phases
        .into_iter()
        .map(|(name, deadline)| {
            let at = keys.at(&name);
            (values::name(&at, &name), values::span(&at, &values::text(&at, deadline)))
        })
        .collect()
}

fn input(name: Name, mut keys: Keys) -> Input<Raw> {
    let kinds = [("text", InputType::Text), ("time", InputType::Time), ("choice", InputType::Choice)];
    let at = keys.at("choices");
    Input {
        name,
        kind: keys.word("type", &kinds).unwrap_or(InputType::Text),
        choices: keys
            .take("choices")
            .map_or_else(Vec::new, |list| values::list(&at, list))
            .into_iter()
            .map(|one| values::text(&at, one).into())
            .collect(),
        default: keys.raw("default"),
        pattern: keys.text("pattern").map(Into::into),
    }
}

/// The plans that some drill runs other than live and other than as a preview.
pub(crate) struct Drills(Vec<Name>);

impl Drills {
    pub(crate) fn read(drills: Vec<(Name, Keys)>) -> Drills {
        let mut run = Vec::new();
        for (_, mut keys) in drills {
            let plan =
                keys.name("plan").unwrap_or_else(|| panic!("{}: this key is required", keys.at("plan")));
            let live = keys.flag("live").unwrap_or(false);
            let previews = keys.take("mode") == Some(Value::String("observe".to_owned()));
            keys.leave(&["title", "cron", "tz", "inputs", "longest", "rto", "rpo", "channels"]);
            if !live && !previews {
                run.push(plan);
            }
        }
        Drills(run)
    }
}
