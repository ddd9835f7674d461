//! Plans: compiled for each case by the core, which says what is wrong with them; hashed here.

use super::flaws;
use super::scenario::fits;
use super::{Around, hash, step};
use crate::config::problem::{Code, Problem};
use crate::config::raw::Mode;
use crate::config::raw::plan::{InputKind, PlanKind as RawKind};
use crate::config::read::Key;
use crate::config::whole::{PlanRead, ServiceRead, shelf, words};
use crate::core::ids::Name;
use crate::core::plan::{
    Input, InputType, Known, MOST_REGIONS, PlanDraft, PlanKind, PlanSet, Rate, RawPiece, Site, plan_set,
};

/// Its plans, compiled; those with flaws are left out, and their flaws reported.
pub(super) fn plans(
    around: &Around<'_>,
    service: &ServiceRead<'_>,
    site: &Site,
    known: &Known,
    watched: &[Name],
) -> Vec<PlanSet> {
    let drilled: Vec<Name> = shelf(&service.raw.drill)
        .filter(|(_, drill)| !drill.live.or(false) && drill.mode.or(Mode::Auto) != Mode::Observe)
        .filter_map(|(_, drill)| drill.plan.get().map(|word| word.0.clone()))
        .collect();
    let drafts: Vec<PlanDraft> = (service.plans.iter())
        .filter_map(|read| draft(around, service, read, watched, drilled.contains(&read.name)))
        .collect();
    if site.regions.len() > MOST_REGIONS {
        let problem = Problem::error(
            Code::Value,
            service.raw.regions.at(),
            format!("this service has {} regions", site.regions.len()),
        );
        around.add(problem.help(format!("at most {MOST_REGIONS}; make several services of it")));
        return Vec::new();
    }
    if site.regions.is_empty() {
        return Vec::new();
    }
    let mut sets = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        match plan_set(draft, &drafts, site, known) {
            Ok(set) => sets.push(set.hashed(hash::plan)),
            Err(found) => found.iter().for_each(|flaw| flaws::plan(around, service, flaw)),
        }
    }
    sets
}

fn draft(
    around: &Around<'_>,
    service: &ServiceRead<'_>,
    read: &PlanRead<'_>,
    watched: &[Name],
    drilled: bool,
) -> Option<PlanDraft> {
    let raw = &read.raw;
    let kind = match raw.kind.get()? {
        RawKind::Failover => PlanKind::Failover,
        RawKind::Repair => PlanKind::Repair,
        RawKind::Rejoin => PlanKind::Rejoin,
        RawKind::Inspect => PlanKind::Inspect,
    };
    let steps: Vec<_> =
        (read.steps.iter()).map(|read| step::draft(around, &service.name, read, watched)).collect();
    // A plan whose steps are not all known would be judged by what is not there.
    let written = read.node.get("step").and_then(|node| node.table()).map_or(0, |table| table.0.len());
    let steps: Vec<_> =
        steps.into_iter().collect::<Option<_>>().filter(|steps: &Vec<_>| steps.len() == written)?;
    Some(PlanDraft {
        title: raw.title.get().map(|text| text.0.clone()),
        text: raw.text.get().map(|text| text.0.clone()),
        requires: raw.requires.at().map(|_| words(&raw.requires)),
        loss_from: raw.loss_from.at().map(|_| words(&raw.loss_from)),
        phases: shelf(&raw.phases).map(|(name, dur)| (name.clone(), dur.0)).collect(),
        inputs: inputs(around, read),
        fence: words(&raw.fence),
        unfenced: raw.unfenced.get().map(|text| text.0.clone()),
        served: raw.served.get().map(|word| word.0.clone()),
        at_most: raw
            .at_most
            .get()
            .and_then(|rate| Some(Rate { runs: rate.runs.get()?.0, within: rate.within.get()?.0 })),
        drilled,
        steps,
        ..PlanDraft::new(read.name.clone(), kind)
    })
}

fn inputs(around: &Around<'_>, read: &PlanRead<'_>) -> Vec<Input<crate::core::plan::Raw>> {
    let each = shelf(&read.raw.inputs).map(|(name, raw)| {
        let default = raw.default.both();
        if let Some((text, at)) = default
            && let [RawPiece::Plain(plain)] = text.0.pieces()
            && raw.kind.or(InputKind::Text) != InputKind::Choice
        {
            fits(around, read, raw, plain, at);
        }
        let choices = raw.choices.get().into_iter().flatten().filter_map(Key::get);
        Input {
            name: name.clone(),
            kind: match raw.kind.or(InputKind::Text) {
                InputKind::Text => InputType::Text,
                InputKind::Time => InputType::Time,
                InputKind::Choice => InputType::Choice,
            },
            choices: choices.map(|choice| choice.0.as_str().into()).collect(),
            default: default.map(|(text, _)| text.0.clone()),
            pattern: raw.pattern.get().map(|pattern| pattern.1.as_str().into()),
        }
    });
    each.collect()
}
