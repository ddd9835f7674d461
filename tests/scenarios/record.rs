//! What a script says of the record: each statement changes one thing of it, and everybody sees the new one.

use watchkeeper_core::agree::{Epoch, Failover, Outcome, Record, RunId, Try, Unfinished};
use watchkeeper_core::plan::PlanKind;

use crate::words::{Read, Words};

const OUTCOMES: &[(&str, Outcome)] = &[
    ("done", Outcome::Done),
    ("done_with_exceptions", Outcome::DoneWithExceptions),
    ("undone", Outcome::Undone),
    ("superseded", Outcome::Superseded),
    ("handed_over", Outcome::HandedOver),
    ("expired", Outcome::Expired),
    ("withdrawn", Outcome::Withdrawn),
    ("refused", Outcome::Refused),
];
const KINDS: &[(&str, PlanKind)] = &[
    ("failover", PlanKind::Failover),
    ("repair", PlanKind::Repair),
    ("rejoin", PlanKind::Rejoin),
    ("inspect", PlanKind::Inspect),
];

/// Changes a record; the first word must make one.
pub(crate) fn change(record: Option<Record>, words: &mut Words, incident: u32) -> Read<Record> {
    if words.take("active") {
        let active = words.name("region")?;
        let epoch = if words.take("epoch") { Some(words.number("epoch")?) } else { None };
        let before = record.as_ref().map_or(0, |record| record.epoch.0);
        let mut record = record.unwrap_or(Record::at_rest(active.clone(), Epoch(0)));
        (record.active, record.epoch) = (active, Epoch(epoch.unwrap_or(before.max(1))));
        return Ok(record);
    }
    let mut record = record.ok_or("there is no record yet: `record active REGION` makes one")?;
    match words.word("what of the record")?.as_str() {
        "paused" => record.paused = true,
        "resumed" => record.paused = false,
        "maintenance" => {
            record.maintenance = words.one_of("maintenance", &[("open", true), ("over", false)])?
        }
        "quarantined" => record.quarantined.push(words.name("region")?),
        "released" => {
            let region = words.name("region")?;
            record.quarantined.retain(|other| *other != region);
        }
        "incident" => record.incident = words.number("incident")?,
        // `record run 7 of restart, a repair for slow_api started`
        "run" => {
            let id = RunId(words.number("run")?);
            words.must("of")?;
            let plan = words.name("plan")?;
            let kind = words.one_of("kind", KINDS)?;
            let scenario = if words.take("for") { Some(words.name("scenario")?) } else { None };
            let automatic = words.take("automatic");
            words.must("started")?;
            if automatic && kind == PlanKind::Failover {
                record.automatic.push(id);
            }
            record.run = Some(Unfinished::live(id, plan.clone(), kind, record.active.clone()));
            if kind == PlanKind::Failover {
                record.last_failover = Some(Failover::started(id, plan.clone(), record.active.clone()));
            }
            record.tried.push(Try { run: id, plan, scenario, incident, outcome: None });
        }
        // `record ended done`
        "ended" => {
            let outcome = words.one_of("outcome", OUTCOMES)?;
            let run = record.run.take().ok_or("no run is unfinished")?;
            if let Some(last) = record.last_failover.as_mut().filter(|last| last.id == run.id) {
                last.outcome = Some(outcome);
            }
            if let Some(tried) = record.tried.iter_mut().find(|tried| tried.run == run.id) {
                tried.outcome = Some(outcome);
            }
        }
        // `record refused 8 of restart for slow_api`
        "refused" => {
            let run = RunId(words.number("run")?);
            words.must("of")?;
            let plan = words.name("plan")?;
            words.must("for")?;
            let scenario = Some(words.name("scenario")?);
            record.tried.push(Try { run, plan, scenario, incident, outcome: Some(Outcome::Refused) });
        }
        "acknowledged" => {
            let last = record.last_failover.as_mut().ok_or("there was no failover")?;
            last.acknowledged = true;
        }
        other => return Err(format!("`{other}` is nothing of a record")),
    }
    Ok(record)
}
