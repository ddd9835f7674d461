//! An event in words and in JSON: names for the core's places, spans for its moments. Each variant has its one word.

use serde_json::{Value, json};

use super::Line;
use super::words::{gates, reply};
use crate::core::event::{ClaimTurn, Decided, Event, Paged, Refusal, Wish};
use crate::core::ids::{Name, PlanPos, ProbePos, RegionPos, RungPos};
use crate::core::plan::saga::Page;
use crate::core::plan::{Case, Entry, Filled, Op, Reply as Heard};
use crate::core::policy::{Policy, ServicePolicy};
use crate::core::severity::Turn;
use crate::core::time::Now;

/// So many characters of what a step gave are told; its event has all.
const ROOM: usize = 200;

/// The names of one event's places; none: it is this observer's own.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// All.
    pub policy: &'a Policy,
    /// Of the service.
    pub service: Option<&'a ServicePolicy>,
}

impl<'a> Names<'a> {
    fn region(self, at: RegionPos) -> &'a str {
        self.service.map_or("nowhere", |service| service.region_name(at))
    }

    fn maybe(self, at: Option<RegionPos>) -> Option<&'a str> {
        at.map(|at| self.region(at))
    }

    fn probe(self, at: ProbePos) -> &'a str {
        self.service
            .and_then(|service| service.probes.get(at.index()))
            .map_or("(gone)", |probe| probe.name.as_str())
    }

    fn plan(self, at: PlanPos) -> &'a str {
        self.service
            .and_then(|service| service.plans.get(at.index()))
            .map_or("(gone)", |plan| plan.name.as_str())
    }

    fn rung(self, at: Option<RungPos>) -> Option<&'a str> {
        self.service?.ladder.rung(at?).map(|rung| rung.name.as_str())
    }

    fn called(self) -> &'a str {
        self.service.map_or("this observer", |service| service.name.as_str())
    }
}

/// An event, ready to be kept.
#[must_use]
pub fn told(names: Names<'_>, seq: u64, event: &Event, now: Now) -> Line {
    let service: Option<Name> = names.service.map(|service| service.name.clone());
    let (kind, text, body) = words(names, event, now);
    Line { service, seq, wall: now.wall, kind, text, body }
}

fn words(names: Names<'_>, event: &Event, now: Now) -> (&'static str, String, Value) {
    let of = names.called();
    match event {
        Event::Isolated(why) => {
            ("isolated", format!("this observer is isolated: {why}"), json!({ "why": why.to_string() }))
        }
        Event::Trusted => ("trusted", "this observer trusts its own view again".to_owned(), json!({})),
        Event::Refused(why) => ("refused_input", refusal(names, why), json!({ "what": format!("{why:?}") })),
        Event::Reloaded { added, removed } => (
            "reloaded",
            format!("another config is in force: {added} services are new, {removed} are gone"),
            json!({ "added": added, "removed": removed }),
        ),
        Event::ReloadRefused(services) => {
            let list: Vec<&str> = services.iter().map(Name::as_str).collect();
            (
                "reload_refused",
                format!(
                    "the config was not taken: it does not know {}, which have unfinished runs",
                    list.join(", ")
                ),
                json!({ "services": list }),
            )
        }
        Event::RegionLost(region) => {
            ("region_lost", format!("{region} is lost as a whole"), json!({ "region": region.as_str() }))
        }
        Event::RegionBack(region) => {
            ("region_back", format!("{region} is lost no more"), json!({ "region": region.as_str() }))
        }
        Event::Health { probe, region, now: health, since } => {
            let (probe, region) = (names.probe(*probe), names.maybe(*region));
            let place = region.map_or(String::new(), |region| format!(" in {region}"));
            let held = now.mono.since(*since);
            (
                "health",
                format!("{of}: probe {probe}{place} is {health} (for {held})"),
                json!({ "probe": probe, "region": region, "health": health.to_string(),
                        "held_seconds": held.as_micros() as f64 / 1e6 }),
            )
        }
        Event::Standing { region, worst } => {
            let (region, worst) = (names.region(*region), worst.map(|level| level.to_string()));
            let text = worst.as_deref().unwrap_or("well, or unknown");
            (
                "standing",
                format!("{of}: by quorum {region} is {text}"),
                json!({ "region": region, "worst": worst }),
            )
        }
        Event::Active { region, epoch } => {
            let region = names.maybe(*region);
            let place = region.unwrap_or("a region that this config does not know");
            (
                "active",
                format!("{of} is active in {place} (epoch {})", epoch.0),
                json!({ "region": region, "epoch": epoch.0 }),
            )
        }
        Event::Incident { number, turn, rung } => {
            let (rung, word) = (names.rung(*rung), turn_word(*turn));
            let severity = rung.map_or(String::new(), |rung| format!(" ({rung})"));
            let text = match turn {
                Turn::Blipped => format!("{of}: a first sample has failed; no incident is open yet"),
                Turn::Passed => format!("{of}: it has passed, and no incident was opened"),
                Turn::Same
                | Turn::Opened
                | Turn::Raised
                | Turn::Recovering
                | Turn::Flapped
                | Turn::Closed => {
                    format!("{of}: incident {number} {word}{severity}")
                }
            };
            ("incident", text, json!({ "number": number, "turn": word, "rung": rung }))
        }
        Event::Blind(region) => {
            let region = names.region(*region);
            ("blind", format!("{of}: nobody knows {region} to be up"), json!({ "region": region }))
        }
        Event::Seeing(region) => {
            let region = names.region(*region);
            ("seeing", format!("{of}: {region} is known again"), json!({ "region": region }))
        }
        Event::Drifted(region) => {
            let region = names.region(*region);
            let text = format!("{of}: {region} takes writes, and the record does not name it");
            ("drifted", text, json!({ "region": region }))
        }
        Event::DriftOver => ("drift_over", format!("{of}: no other region takes writes any more"), json!({})),
        Event::Answered { ask } => {
            ("answered", format!("{of}: looked again, and answered ask {ask}"), json!({ "ask": ask }))
        }
        Event::Impossible(cell) => (
            "impossible",
            format!(
                "{of}: what cannot occur has occurred ({cell}); nothing was done: a fault of watchkeeper, tell us"
            ),
            json!({ "cell": cell.to_string() }),
        ),
        Event::Decided(decided) => decision(names, *decided),
        Event::Claim(turn) => {
            let word = claim_word(*turn);
            ("claim", format!("{of}: this observer's claim is {word}"), json!({ "turn": word }))
        }
        Event::Asked { ask } => {
            ("asked", format!("{of}: everybody is asked to look again (ask {ask})"), json!({ "ask": ask }))
        }
        Event::Started { run, plan, kind, mode, by_itself } => (
            "started",
            format!(
                "{of}: run {} of plan {plan} is started{}",
                run.0,
                if *by_itself { " by itself" } else { "" }
            ),
            json!({ "run": run.0, "plan": plan.as_str(), "kind": format!("{kind:?}").to_lowercase(),
                    "mode": format!("{mode:?}").to_lowercase(), "by_itself": by_itself }),
        ),
        Event::Journalled { run, place, entry } => {
            let (word, step) = entry_word(entry);
            let about = step.as_deref().map_or(String::new(), |step| format!(" of step {step}"));
            let (what, detail) = entry_detail(entry);
            let text = format!("{of}: run {}: {word}{about}{detail}", run.0);
            let mut body = json!({ "run": run.0, "place": place, "entry": word, "step": step });
            if let (Some(body), Value::Object(what)) = (body.as_object_mut(), what) {
                body.extend(what);
            }
            ("journalled", text, body)
        }
        Event::Resumed(run) => {
            ("resumed", format!("{of}: run {} is carried on here", run.0), json!({ "run": run.0 }))
        }
        Event::Ended { run, outcome } => (
            "ended",
            format!("{of}: run {} has ended: {outcome}", run.0),
            json!({ "run": run.0, "outcome": outcome.to_string() }),
        ),
        Event::Missed { run, phase } => (
            "missed",
            format!("{of}: run {}: phase {phase} is not over in time", run.0),
            json!({ "run": run.0, "phase": phase.as_str() }),
        ),
        Event::Paged(paged) => page(names, paged),
        Event::Requested(number) => {
            let text = number.map_or_else(
                || format!("{of}: nothing is requested any more"),
                |number| format!("{of}: request {number} waits for a person's word"),
            );
            ("requested", text, json!({ "request": number }))
        }
        Event::Ordered { order, who, from, verb, reply: answer } => {
            let (word, text) = reply(answer, names.policy);
            let place = from.as_deref().map_or(String::new(), |from| format!(" from {from}"));
            (
                "ordered",
                format!("{of}: {who}{place} orders {verb}: {text}"),
                json!({ "order": order.0, "who": &**who, "from": from.as_deref(), "verb": verb, "reply": word }),
            )
        }
        Event::Annotated { who, text } => {
            ("annotated", format!("{of}: {who} notes: {text}"), json!({ "who": &**who, "note": text }))
        }
    }
}

fn wish(names: Names<'_>, wish: Wish) -> (String, Value) {
    let scenario = names.service.and_then(|service| service.scenarios.get(wish.scenario.index()));
    let scenario = scenario.map(|scenario| scenario.name.as_str());
    let plan = names.plan(wish.plan);
    let (from, to) = match wish.case {
        Some(Case::Move { from, to }) => (Some(names.region(from)), Some(names.region(to))),
        Some(Case::At(at)) => (None, Some(names.region(at))),
        None => (None, None),
    };
    let place = match (from, to) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        (None, Some(at)) => format!(" in {at}"),
        _ => " (there is nowhere to go)".to_owned(),
    };
    let text = format!("plan {plan}{place}, for scenario {}", scenario.unwrap_or("(none)"));
    (text, json!({ "scenario": scenario, "plan": plan, "from": from, "to": to }))
}

fn decision(names: Names<'_>, decided: Decided) -> (&'static str, String, Value) {
    let of = names.called();
    let (word, text, mut body, set) = match decided {
        Decided::Nothing => ("nothing", format!("{of}: nothing would be done"), json!({}), 0),
        Decided::WouldStart(what) => {
            let (text, body) = wish(names, what);
            ("would_start", format!("{of}: it would start {text}"), body, 0)
        }
        Decided::Blocked(what, set) => {
            let (text, body) = wish(names, what);
            let text = format!("{of}: it would start {text}, but for {}", gates(set).join(", "));
            ("blocked", text, body, set)
        }
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("decision".to_owned(), word.into());
        body.insert("gates".to_owned(), gates(set).into());
    }
    ("decided", text, body)
}

fn page(names: Names<'_>, paged: &Paged) -> (&'static str, String, Value) {
    let of = names.called();
    let (text, body) = match paged {
        Paged::Run(run, Page::Held { nth, why }) => (
            format!("{of}: run {} is held ({why:?}); told {nth} times", run.0),
            json!({ "about": "held", "run": run.0, "nth": nth }),
        ),
        Paged::Run(run, Page::Ends(outcome)) => (
            format!("{of}: run {} ends: {outcome}", run.0),
            json!({ "about": "ends", "run": run.0, "outcome": outcome.to_string() }),
        ),
        Paged::Refused(what, set) => {
            let (text, body) = wish(names, *what);
            let text = format!("{of}: {text} is refused by {}", gates(*set).join(", "));
            (text, json!({ "about": "refused", "wish": body, "gates": gates(*set) }))
        }
        Paged::Approve(number) => (
            format!("{of}: request {number} waits for an approval"),
            json!({ "about": "approve", "request": number }),
        ),
        Paged::Foreign => (
            format!("{of}: the outside world, or the coordinator, is not the one that the record knows"),
            json!({ "about": "foreign" }),
        ),
        Paged::NoJournal(run) => (
            format!("{of}: the journal of run {} is not there, or cannot be read", run.0),
            json!({ "about": "no_journal", "run": run.0 }),
        ),
    };
    ("paged", text, body)
}

const fn turn_word(turn: Turn) -> &'static str {
    match turn {
        Turn::Same => "same",
        Turn::Blipped => "blipped",
        Turn::Passed => "passed",
        Turn::Opened => "opened",
        Turn::Raised => "raised",
        Turn::Recovering => "recovering",
        Turn::Flapped => "flapped",
        Turn::Closed => "closed",
    }
}

const fn claim_word(turn: ClaimTurn) -> &'static str {
    match turn {
        ClaimTurn::Taken => "taken",
        ClaimTurn::Restored => "restored",
        ClaimTurn::Frozen => "frozen",
        ClaimTurn::Thawed => "thawed",
        ClaimTurn::Lost => "lost",
        ClaimTurn::GivenUp => "given up",
    }
}

fn entry_word(entry: &Entry) -> (&'static str, Option<String>) {
    match entry {
        Entry::Started(_) => ("started", None),
        Entry::Intent { step, .. } => ("intent", Some(step.to_string())),
        Entry::Heard { step, .. } => ("heard", Some(step.to_string())),
        Entry::Expired { step, .. } => ("expired", Some(step.to_string())),
        Entry::Approved { step, .. } => ("approved", Some(step.to_string())),
        Entry::Ticked { step, .. } => ("ticked", Some(step.to_string())),
        Entry::Skipped { step, .. } => ("skipped", Some(step.to_string())),
        Entry::Retried { step, .. } => ("retried", Some(step.to_string())),
        Entry::Stuck { step, .. } => ("stuck", Some(step.to_string())),
        Entry::Accepted { .. } => ("accepted", None),
        Entry::Aborted { .. } => ("aborted", None),
        Entry::Superseded => ("superseded", None),
        Entry::HandedOver { .. } => ("handed over", None),
        Entry::Ended(_) => ("ended", None),
    }
}

/// What is asked of a step, and what came back.
fn entry_detail(entry: &Entry) -> (Value, String) {
    match entry {
        Entry::Intent { undoing, op, attempt, .. } => {
            let word = match op {
                Op::Do => "do",
                Op::Observe => "observe",
                Op::Verify => "verify",
                Op::Undo => "undo",
            };
            let what = json!({ "op": word, "undoing": undoing, "attempt": attempt });
            (what, format!(": {word}, try {attempt}"))
        }
        Entry::Heard { undoing, reply, outputs, .. } => {
            let word = match reply {
                Heard::Done => "done",
                Heard::NotDone => "not done",
                Heard::Transient => "transient",
                Heard::Refused => "refused",
                Heard::Unknown => "unknown",
            };
            let mut what = json!({ "reply": word, "undoing": undoing });
            if !outputs.is_empty() {
                let all = outputs.iter().map(|(name, value)| (name.to_string(), filled(value)));
                what["outputs"] = Value::Object(all.collect());
            }
            let given = outputs.iter().map(|(name, value)| format!("; {name} = {}", short(value)));
            (what, format!(": {word}{}", given.collect::<String>()))
        }
        Entry::Started(_)
        | Entry::Expired { .. }
        | Entry::Approved { .. }
        | Entry::Ticked { .. }
        | Entry::Skipped { .. }
        | Entry::Retried { .. }
        | Entry::Stuck { .. }
        | Entry::Accepted { .. }
        | Entry::Aborted { .. }
        | Entry::Superseded
        | Entry::HandedOver { .. }
        | Entry::Ended(_) => (Value::Null, String::new()),
    }
}

/// What a step gave, as a value.
fn filled(value: &Filled) -> Value {
    match value {
        Filled::One(text) => json!(**text),
        Filled::Many(list) => json!(list.iter().map(|one| &**one).collect::<Vec<&str>>()),
    }
}

/// What a step gave, as far as a line has room for it.
fn short(value: &Filled) -> String {
    let whole = match value {
        Filled::One(text) => text.to_string(),
        Filled::Many(list) => list.join(", "),
    };
    let mut text: String = whole.chars().take(ROOM).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if whole.chars().nth(ROOM).is_some() {
        text.push('…');
    }
    text
}

fn refusal(names: Names<'_>, why: &Refusal) -> String {
    match why {
        Refusal::NoSuchProbe(id) => format!("a sample came of a probe that is gone ({id:?})"),
        Refusal::Impossible(id) => format!("a sample ends before it begins, or in the future ({id:?})"),
        Refusal::NoSuchService => "a fact came about a service that is gone".to_owned(),
        Refusal::UnknownObserver(who) => format!("{who} votes, and this config does not know it"),
        Refusal::NotMyVote(who) => {
            format!("a vote came that claims to be {}'s: ours", names.policy.observer_name(*who))
        }
        Refusal::UnknownTrigger(name) => {
            format!("trigger {name} is raised, and this config does not know it")
        }
        Refusal::UnknownRegion(name) => format!("the record names {name}, which this config does not know"),
        Refusal::UnaskedReferences(round) => {
            format!("reference points answered round {round}, which nobody asked for")
        }
    }
}
