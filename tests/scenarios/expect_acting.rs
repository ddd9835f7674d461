//! What a script with a coordinator expects: of the record, the claim, runs and their steps, and of what is really so.
//! What is durable is looked at where it is, not at what an observer thinks of it.

use watchkeeper_core::agree::{Record, RunId};
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::plan::StepName;
use watchkeeper_core::plan::saga::{Run, RunState, StepState};

use crate::acting::Acting;
use crate::drive::Drive;
use crate::told_acting;
use crate::words::{Read, Words};

/// Words that belong here.
pub(crate) const WORDS: &[&str] = &[
    "run",
    "step",
    "active",
    "epoch",
    "claim",
    "request",
    "quarantined",
    "owed",
    "writes",
    "truth",
    "paused",
    "gate",
    "votes",
];

fn is(so: bool, instead: impl FnOnce() -> String) -> Read<()> {
    if so { Ok(()) } else { Err(instead()) }
}

/// What belongs to no service: `reply`, `page`.
pub(crate) fn said(drive: &Drive, words: &mut Words) -> Option<Read<()>> {
    if words.take("no reply") {
        let of = if words.take("to") { words.word("who").ok() } else { None };
        let reply = drive.newest_reply(of.as_deref()).and_then(|order| order.reply.clone());
        return Some(is(reply.is_none(), || format!("it is: {}", reply.unwrap_or_default())));
    }
    if words.take("reply") {
        let of = if words.take("to") { words.word("who").ok() } else { None };
        let wanted = words.rest();
        let reply = drive.newest_reply(of.as_deref()).and_then(|order| order.reply.clone());
        let reply = reply.unwrap_or_else(|| "none yet".into());
        return Some(is(reply == wanted, || format!("the reply is: {reply}")));
    }
    let page = |wanted: &str| {
        let page = |event: &&String| event.contains("PAGE ") && event.contains(wanted);
        drive.events.iter().rev().find(page).cloned()
    };
    if words.take("page") {
        return Some(is(page(&words.rest()).is_some(), || "no page says so".into()));
    }
    if words.take("no page") {
        let found = page(&words.rest());
        return Some(is(found.is_none(), || found.unwrap_or_default()));
    }
    None
}

pub(crate) fn expect(drive: &Drive, id: ServiceId, word: &str, words: &mut Words) -> Read<()> {
    let acting = drive.acting.as_ref().ok_or("this script has no `coordinator`")?;
    let record = acting.coordinator.record(id);
    let there = || record.ok_or_else(|| "there is no record".to_owned());
    let list = |names: &[Name]| {
        let names: Vec<&str> = names.iter().map(Name::as_str).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let same = |so: String, words: &mut Words| {
        let wanted = words.rest();
        is(so == wanted, || so.clone())
    };
    match word {
        "active" => {
            words.must("in")?;
            same(record.map_or("nothing".into(), |record| record.active.to_string()), words)
        }
        "votes" => {
            words.must("of")?;
            same(list(&acting.coordinator.voters(id)), words)
        }
        "epoch" => same(there()?.epoch.0.to_string(), words),
        "quarantined" => same(list(&there()?.quarantined), words),
        "owed" => {
            let owed: Vec<Name> = there()?.owes.iter().map(|owed| owed.plan.clone()).collect();
            same(list(&owed), words)
        }
        "request" => {
            let request = record.and_then(|record| record.request.as_deref());
            let (so, wanted) = (request.map_or("nothing".into(), told_acting::request), words.rest());
            is(so.contains(&wanted), || so.clone())
        }
        "gate" => {
            let gate = there()?.gate.as_ref().map_or("never set".into(), |open| list(open));
            same(gate, words)
        }
        "paused" => {
            let wanted = words.one_of("paused", &[("yes", true), ("no", false)])?;
            is(there()?.paused == wanted, || "it is otherwise".into())
        }
        "claim" => {
            words.must("held by")?;
            let claim = acting.coordinator.held(id).and_then(|held| held.claim.1.as_ref());
            let holder = claim.map_or("nobody".into(), |claim| claim.holder.to_string());
            let wanted = words.word("observer")?;
            let wanted = if wanted == "me" { drive.me().name.clone() } else { wanted };
            is(holder == wanted, || format!("it is held by {holder}"))
        }
        "writes" => {
            words.must("in")?;
            let service = drive.service_name(id);
            let all = drive.world.writing(&service, &acting.dark);
            same(if all.is_empty() { "nothing".into() } else { all.join(", ") }, words)
        }
        "run" => run(drive, acting, id, record, words),
        "step" => step(drive, acting, id, words),
        "truth" => {
            let step = words.word("step")?;
            let run = newest(acting, id).ok_or("there is no run")?;
            let wanted = words.one_of("truth", &[("is_so", true), ("is_not_so", false)])?;
            is(acting.providers.is_so(id, run, &step) == wanted, || "it is otherwise".into())
        }
        other => Err(format!("`{other}` cannot be expected")),
    }
}

fn newest(acting: &Acting, id: ServiceId) -> Option<RunId> {
    acting.coordinator.held(id)?.journals.keys().next_back().copied()
}

/// `expect run none`, `expect run running`, `expect run 2 ended undone`
fn run(
    drive: &Drive,
    acting: &Acting,
    id: ServiceId,
    record: Option<&Record>,
    words: &mut Words,
) -> Read<()> {
    if words.take("none") {
        let run = record.and_then(|record| record.run.as_ref());
        return is(run.is_none(), || run.map_or(String::new(), |run| format!("run {} is", run.id.0)));
    }
    let number = words.peek().and_then(|word| word.parse().ok()).map(RunId);
    if number.is_some() {
        words.word("run")?;
    }
    let which = number.or_else(|| newest(acting, id)).ok_or("there was no run")?;
    let so = look(drive, acting, id, which, |run| match (run.state(), run.outcome()) {
        (RunState::Ended, Some(outcome)) => format!("ended {outcome}"),
        (state, _) => state.to_string().to_lowercase(),
    })?;
    let wanted = words.rest();
    is(so == wanted, || format!("run {} is {so}", which.0))
}

/// `expect step promote_db done`
fn step(drive: &Drive, acting: &Acting, id: ServiceId, words: &mut Words) -> Read<()> {
    let step = words.word("step")?;
    let name = StepName::parse(&step).map_err(|why| why.to_string())?;
    let which = newest(acting, id).ok_or("there was no run")?;
    let so = look(drive, acting, id, which, |run| {
        run.steps().find(|(of, _)| **of == name).map(|(_, state)| word_of(state))
    })?;
    let wanted = words.rest();
    is(so == Some(wanted.as_str()), || so.unwrap_or("no step").to_owned())
}

/// A run as its holder has it or, if nobody does, as the journal does.
fn look<T>(drive: &Drive, acting: &Acting, id: ServiceId, run: RunId, read: impl Fn(&Run) -> T) -> Read<T> {
    let held = acting.coordinator.held(id).ok_or("there is no such run")?;
    let holder = held.claim.1.as_ref().map(|claim| claim.holder.to_string());
    let observer = drive.observers.iter().find(|o| Some(&o.name) == holder.as_ref() && !o.down);
    let carried = observer.and_then(|o| o.state.service(id)?.acting.as_ref());
    if let Some(carried) = carried.and_then(|a| a.runs.iter().find(|c| c.run.start().run == run)) {
        return Ok(read(&carried.run));
    }
    let journal = held.journals.get(&run).ok_or_else(|| format!("there is no run {}", run.0))?;
    let (run, _) = Run::replay(std::sync::Arc::clone(&journal.plan), &journal.entries, drive.now)
        .ok_or("its journal cannot be read")?;
    Ok(read(&run))
}

fn word_of(state: StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Intent => "intent",
        StepState::Calling => "calling",
        StepState::Unsettled => "unsettled",
        StepState::Observing => "observing",
        StepState::Verifying => "verifying",
        StepState::NotDone => "not_done",
        StepState::Held => "held",
        StepState::Done => "done",
        StepState::Skipped => "skipped",
        StepState::Failed => "failed",
        StepState::Not => "not",
    }
}
