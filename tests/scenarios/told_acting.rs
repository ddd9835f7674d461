//! What happens to runs, claims, requests and orders, in words: one line each, with the names that people gave.

use watchkeeper_core::agree::{Request, RunId, Wanted};
use watchkeeper_core::event::{ClaimTurn, Event, Paged};
use watchkeeper_core::order::{Refused, Reply};
use watchkeeper_core::plan::saga::Page;
use watchkeeper_core::plan::{By, Entry, Filled, Mode, Op, Reply as Heard};
use watchkeeper_core::state::{Service, State};
use watchkeeper_core::time::Span;

use crate::told;

/// Whether an event is told whoever it happened to: what an observer does, and not what it sees.
pub(crate) fn of_acting(event: &Event) -> bool {
    matches!(
        event,
        Event::Claim(_)
            | Event::Asked { .. }
            | Event::Started { .. }
            | Event::Journalled { .. }
            | Event::Resumed(_)
            | Event::Ended { .. }
            | Event::Missed { .. }
            | Event::Paged(_)
            | Event::Requested(_)
            | Event::Ordered { .. }
            | Event::Annotated { .. }
            | Event::Impossible(_)
            | Event::Isolated(_)
    )
}

pub(crate) fn claim(turn: ClaimTurn) -> &'static str {
    match turn {
        ClaimTurn::Taken => "takes the claim",
        ClaimTurn::Restored => "holds the claim: record and journal are read",
        ClaimTurn::Frozen => "its session may be over: it does nothing",
        ClaimTurn::Thawed => "its session lives: it goes on",
        ClaimTurn::Lost => "has lost the claim",
        ClaimTurn::GivenUp => "has given the claim up",
    }
}

pub(crate) fn started(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "",
        Mode::Drill => " as a drill",
        Mode::Preview => " as a preview",
    }
}

fn by(by: &By) -> String {
    match by {
        By::Person(who) => who.to_string(),
        By::Probe(name) => format!("probe {name}"),
        By::Run => "the run itself".into(),
    }
}

fn heard(reply: Heard) -> &'static str {
    match reply {
        Heard::Done => "done",
        Heard::NotDone => "not done",
        Heard::Transient => "not done, another try may help",
        Heard::Refused => "refused for good",
        Heard::Unknown => "nobody knows",
    }
}

/// An entry of a run's journal.
pub(crate) fn entry(service: &Service, run: RunId, entry: &Entry) -> String {
    let back = |undoing: &bool| if *undoing { "taking back " } else { "" };
    match entry {
        Entry::Started(start) => {
            let given = start.given.iter().map(|(key, filled)| {
                let filled = match filled {
                    Filled::One(text) => text.to_string(),
                    Filled::Many(texts) => texts.join(" "),
                };
                format!(", {key} is {filled}")
            });
            let exposure = if start.exposure_accepted { ", exposure accepted" } else { "" };
            format!("begins at epoch {}{}{exposure}", start.epoch.0, given.collect::<String>())
        }
        Entry::Intent { step, undoing, op, attempt, serial, .. } => {
            let carried = service.acting.iter().flat_map(|acting| &acting.runs);
            let epoch = carried.map(|carried| carried.run.start()).find(|start| start.run == run);
            let token = epoch.map_or_else(|| format!("?.{serial}"), |of| format!("{}.{serial}", of.epoch.0));
            match op {
                Op::Do => format!("{step} is to be done (try {attempt}, token {token})"),
                Op::Undo => format!("{step} is to be taken back (try {attempt}, token {token})"),
                Op::Observe => format!("{}{step} is to be looked at (token {token})", back(undoing)),
                Op::Verify => {
                    format!("the effect of {}{step} is to be looked at (token {token})", back(undoing))
                }
            }
        }
        Entry::Heard { step, undoing, reply, outputs, .. } => {
            let outputs = outputs.iter().map(|(name, filled)| match filled {
                Filled::One(text) => format!(", {name} is {text}"),
                Filled::Many(texts) => format!(", {name} is {}", texts.join(" ")),
            });
            format!("{}{step}: {}{}", back(undoing), heard(*reply), outputs.collect::<String>())
        }
        Entry::Expired { step, undoing, .. } => format!("{}{step}: nothing came in time", back(undoing)),
        Entry::Approved { step, by: who } => format!("{step} is approved by {}", by(who)),
        Entry::Ticked { step, item, by: who } => format!("{step}: point {item} is ticked by {}", by(who)),
        Entry::Skipped { step, undoing, by: who } => {
            format!("{}{step} is left out by {}", back(undoing), by(who))
        }
        Entry::Retried { step, undoing, by: who } => {
            format!("{}{step} is tried again by {}", back(undoing), by(who))
        }
        Entry::Stuck { step, undoing, why } => format!("{}{step} cannot be begun: {why}", back(undoing)),
        Entry::Accepted { by: who } => format!("the exposure is accepted by {}", by(who)),
        Entry::Aborted { by: who } => format!("is to stop, says {}", by(who)),
        Entry::Superseded => "makes room for a failover".into(),
        Entry::HandedOver { by: who } => format!("is taken over by {}", by(who)),
        Entry::Ended(outcome) => format!("ends {outcome}"),
    }
}

pub(crate) fn page(state: &State, service: &Service, page: &Paged) -> String {
    match page {
        Paged::Run(run, Page::Held { nth, why }) => {
            let again = if *nth > 1 { format!(" again ({nth})") } else { String::new() };
            format!("PAGE run {} is held{again}: {why}", run.0)
        }
        Paged::Run(run, Page::Ends(outcome)) => format!("PAGE run {} ends {outcome}", run.0),
        Paged::Refused(wish, shape) => {
            format!("PAGE {} is refused by {}", told::wish(state, service, *wish), told::gates(*shape))
        }
        Paged::Approve(number) => {
            let record = service.acting.as_ref().and_then(|acting| acting.record.as_ref());
            let there = record.and_then(|record| record.request.as_deref());
            let there = there.filter(|request| request.number == *number);
            format!("PAGE request {number}: {}", there.map_or("is gone".into(), request))
        }
        Paged::NoJournal(run) => format!("PAGE run {} cannot go on: its journal is not there", run.0),
        Paged::Foreign => "PAGE whoever answers is not the one that the record knows".into(),
    }
}

/// What is requested, as it is shown to who approves.
pub(crate) fn request(request: &Request) -> String {
    let why = match &request.why {
        Wanted::Scenario(scenario) => format!("for {scenario}"),
        Wanted::Failback => "the way home".into(),
        Wanted::Rejoin => "for its return".into(),
        Wanted::Owed(run) => format!("owed by run {run}"),
        Wanted::Evacuation(who) => format!("says {who}"),
    };
    if let (Wanted::Evacuation(who), Some(from)) = (&request.why, &request.case.from) {
        return format!("{} from {from}, which is to be left, says {who}", request.plan);
    }
    let from = request.case.from.as_ref().map_or(String::new(), |from| format!(" from {from}"));
    let to = if from.is_empty() { "in" } else { "to" };
    let loss = match request.loss {
        None => String::new(),
        Some(None) => ", nobody knows what is lost".into(),
        Some(Some(loss)) => format!(", at most {} are lost", about(loss)),
    };
    let exposure = if request.exposure { ", the old side may go on writing" } else { "" };
    let gates =
        if request.gates == 0 { String::new() } else { format!(", passes {}", told::gates(request.gates)) };
    format!("{}{from} {to} {} {why}{loss}{exposure}{gates}", request.plan, request.case.at)
}

fn about(span: Span) -> Span {
    Span::micros(span.as_micros() / 100_000 * 100_000)
}

/// What an order is answered.
pub(crate) fn reply(state: &State, reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".into(),
        Reply::SoAlready => "so already".into(),
        Reply::InDoubt => "in doubt".into(),
        Reply::Started(run) => format!("run {} is started", run.0),
        Reply::Queued => "it waits for its turn".into(),
        Reply::Refused(why) => format!("no: {}", refused(state, why)),
    }
}

fn refused(state: &State, why: &Refused) -> String {
    match why {
        Refused::NoCoordinator => "no coordinator is in reach".into(),
        Refused::HeldBy(Some(who)) => format!("{} holds the claim", state.policy.observer_name(*who)),
        Refused::HeldBy(None) => "somebody unknown holds the claim".into(),
        Refused::NoHolder => "nobody holds the claim".into(),
        Refused::Busy => "too many orders wait".into(),
        Refused::Leaving => "the daemon is shutting down".into(),
        Refused::NoSuchService => "there is no such service".into(),
        Refused::WhichService => "which service?".into(),
        Refused::NoSuchRegion(name) => format!("there is no region {name}"),
        Refused::NoSuchPlan => "there is no such plan".into(),
        Refused::WhichPlan => "which plan?".into(),
        Refused::NoSuchTrigger(name) => format!("there is no trigger {name}"),
        Refused::NoSuchRun => "there is no such run".into(),
        Refused::NothingAsked => "nothing is asked".into(),
        Refused::NoRecord => "there is no record".into(),
        Refused::Running(run) => format!("run {} is under way", run.0),
        Refused::AlreadyThere => "it is there already".into(),
        Refused::NoWayHome => "there is no way home".into(),
        Refused::NotQuarantined => "it is not quarantined".into(),
        Refused::Gates(shape) => format!("blocked by {}", told::gates(*shape)),
        Refused::Mismatch => "not what was shown".into(),
        Refused::Run(why) => why.to_string(),
        Refused::Ended(outcome) => format!("it ended {outcome}"),
        Refused::Overtaken => "overtaken".into(),
    }
}
