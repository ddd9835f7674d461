//! What operators say in a script: `ann orders failover to us-west-2`, `bob at euw1 for shop orders abort`.

use watchkeeper_core::agree::{Mode, RunId};
use watchkeeper_core::decide::Gate;
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::order::{Accepts, Verb};
use watchkeeper_core::plan::{Filled, PlanHash, RunTime, StepName};

use crate::acting::Acting;
use crate::drive::Drive;
use crate::statement::{id, only_service};
use crate::words::{Read, Words};

/// What comes after the operator's name; whether it is an order at all.
pub(crate) fn orders(drive: &mut Drive, who: &str, words: &mut Words) -> Read<bool> {
    let to = if words.take("at") {
        let to = words.word("observer")?;
        drive.observer(&to)?
    } else {
        0
    };
    let service = match words.take("for").then(|| words.word("service")).transpose()?.as_deref() {
        Some("all") => Some(None),
        Some("nothing") => Some(Some(ServiceId::at(99))),
        Some(name) => Some(Some(id(drive, name)?)),
        None => None,
    };
    if !words.take("orders") {
        return Ok(false);
    }
    let service = match service {
        Some(said) => said,
        None => Some(id(drive, &only_service(drive)?)?),
    };
    let verb = verb(drive.acts()?, service, words)?;
    drive.order(to, who, service, verb)?;
    Ok(true)
}

fn step(words: &mut Words) -> Read<StepName> {
    let step = words.word("step")?;
    StepName::parse(&step).map_err(|why| why.to_string())
}

/// `run 3`, if that is said.
fn run(words: &mut Words) -> Read<Option<RunId>> {
    if words.take("of run") { Ok(Some(RunId(words.number("run")?))) } else { Ok(None) }
}

fn name_after(words: &mut Words, word: &str) -> Read<Option<Name>> {
    if words.take(word) { words.name(word).map(Some) } else { Ok(None) }
}

fn verb(acting: &Acting, service: Option<ServiceId>, words: &mut Words) -> Read<Verb> {
    Ok(match words.word("verb")?.as_str() {
        "failover" => {
            let to = name_after(words, "to")?;
            let plan = name_after(words, "by")?;
            let planned = words.take("planned");
            Verb::Failover { to, plan, planned, accepts: accepts(acting, service, words)? }
        }
        "failback" => Verb::Failback { accepts: accepts(acting, service, words)? },
        "evacuate" => Verb::Evacuate { region: words.name("region")? },
        "run" => {
            let plan = words.name("plan")?;
            let at = name_after(words, "in")?;
            let mode = if words.take("as drill") {
                Mode::Drill
            } else if words.take("as preview") {
                Mode::Preview
            } else {
                Mode::Live
            };
            let longest = if words.take("for at most") { Some(words.span("longest")?) } else { None };
            let mut given = Vec::new();
            while words.take("with") {
                let input = words.name("input")?;
                let value = words.word("value")?;
                given.push((RunTime::Input(input), Filled::One(value.into())));
            }
            Verb::Run { plan, at, mode, given, longest, accepts: accepts(acting, service, words)? }
        }
        "approve" if words.take("step") => {
            let step = step(words)?;
            Verb::ApproveStep { run: run(words)?, step }
        }
        "approve" => Verb::Approve { accepts: accepts(acting, service, words)? },
        "veto" => Verb::Veto,
        "abort" => Verb::Abort { run: run(words)? },
        "retry" => {
            let step = step(words)?;
            Verb::Retry { run: run(words)?, step }
        }
        "skip" => {
            let step = step(words)?;
            Verb::Skip { run: run(words)?, step }
        }
        "tick" => {
            let (step, item) = (step(words)?, words.number("point")?);
            Verb::Tick { run: run(words)?, step, item }
        }
        "hand" => {
            words.must("over")?;
            Verb::HandOver { run: run(words)? }
        }
        "adopt" => Verb::Adopt { region: words.name("region")? },
        "release" => Verb::Release { region: words.name("region")? },
        "pause" => Verb::Pause,
        "resume" => Verb::Resume,
        "acknowledge" if words.take("incident") => Verb::AcknowledgeIncident,
        "acknowledge" => {
            words.must("run")?;
            Verb::AcknowledgeRun { run: RunId(words.number("run")?) }
        }
        "annotate" => Verb::Annotate { text: words.rest() },
        "clear" => Verb::Clear { trigger: words.name("trigger")? },
        other => return Err(format!("`{other}` is nothing that an operator can order")),
    })
}

/// `accepting what is shown`, `accepting loss 5s, exposure, gate candidate`
fn accepts(acting: &Acting, service: Option<ServiceId>, words: &mut Words) -> Read<Accepts> {
    let mut accepts = Accepts::default();
    if !words.take("accepting") {
        return Ok(accepts);
    }
    loop {
        match words.word("what is accepted")?.as_str() {
            "what" => {
                words.must("is shown")?;
                let record = service.and_then(|id| acting.coordinator.record(id));
                let request = record.and_then(|record| record.request.as_ref());
                let shown = request.ok_or("nothing is requested")?;
                accepts.hash = shown.hash;
                accepts.epoch = Some(shown.epoch);
                accepts.loss = shown.loss.flatten();
                accepts.unknown_loss = shown.loss == Some(None);
                accepts.exposure = shown.exposure;
                accepts.gates = shown.gates;
            }
            "loss" => accepts.loss = Some(words.span("loss")?),
            "unknown" => {
                words.must("loss")?;
                accepts.unknown_loss = true;
            }
            "exposure" => accepts.exposure = true,
            "gate" => {
                let word = words.word("gate")?;
                let gate = Gate::ALL.iter().find(|gate| gate.word() == word);
                accepts.gates |= gate.ok_or_else(|| format!("`{word}` is no gate"))?.bit();
            }
            "epoch" => accepts.epoch = Some(watchkeeper_core::agree::Epoch(words.number("epoch")?)),
            "hash" if words.take("shown") => {
                let record = service.and_then(|id| acting.coordinator.record(id));
                let request = record.and_then(|record| record.request.as_ref());
                accepts.hash = request.ok_or("nothing is requested")?.hash;
            }
            "hash" => {
                words.must("of another plan")?;
                accepts.hash = Some(PlanHash([9; 32]));
            }
            other => return Err(format!("`{other}` is nothing that can be accepted")),
        }
        if !words.take(",") {
            return Ok(accepts);
        }
    }
}
