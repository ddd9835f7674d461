//! Events, standings and decisions in words, so that a snapshot reads as a story and `expect` can name them.

use watchkeeper_core::decide::Gate;
use watchkeeper_core::decide::explain::Names;
use watchkeeper_core::event::{Decided, Event, Refusal, Wish};
use watchkeeper_core::ids::{RegionPos, RungPos, ServiceId};
use watchkeeper_core::plan::Case;
use watchkeeper_core::severity::Turn;
use watchkeeper_core::state::{Service, State};
use watchkeeper_core::time::Mono;
use watchkeeper_core::verdict::Level;
use watchkeeper_core::view::Named;

use crate::drive::BEGIN;
use crate::told_acting;

/// A moment since the script began: `1:15.999`, `1:02:00`.
pub(crate) fn at(moment: Mono) -> String {
    let millis = moment.since(BEGIN).as_micros() / 1_000;
    let (mins, secs, part) = (millis / 60_000, millis / 1_000 % 60, millis % 1_000);
    let clock = if mins >= 60 {
        format!("{}:{:02}:{secs:02}", mins / 60, mins % 60)
    } else {
        format!("{mins}:{secs:02}")
    };
    if part == 0 { clock } else { format!("{clock}.{part:03}") }
}

/// A moment to a tenth of a second.
fn about(moment: Mono) -> String {
    let micros = moment.since(BEGIN).as_micros() / 100_000 * 100_000;
    at(BEGIN + watchkeeper_core::time::Span::micros(micros))
}

pub(crate) fn level(level: Option<Level>) -> &'static str {
    match level {
        None => "well or unknown",
        Some(Level::Trouble) => "trouble",
        Some(Level::Degraded) => "degraded",
        Some(Level::Unreachable) => "unreachable",
        Some(Level::Down) => "down",
        Some(Level::Gone) => "gone",
    }
}

fn rung(service: &Service, at: Option<RungPos>) -> String {
    at.and_then(|at| service.policy.ladder.rung(at)).map_or("no rung".into(), |rung| rung.name.to_string())
}

/// `move from us-east-1 to us-west-2`, `restart in us-east-1`.
pub(crate) fn wish(state: &State, service: &Service, wish: Wish) -> String {
    let names = Named { state, service };
    let plan = names.plan(wish.plan);
    match wish.case {
        Some(Case::Move { from, to }) => {
            format!("{plan} from {} to {}", names.region(from), names.region(to))
        }
        Some(Case::At(at)) => format!("{plan} in {}", names.region(at)),
        None => format!("{plan} nowhere"),
    }
}

pub(crate) fn gates(shape: u32) -> String {
    let blocking = Gate::ALL.iter().filter(|gate| shape & gate.bit() != 0);
    blocking.map(|gate| gate.word()).collect::<Vec<_>>().join(", ")
}

pub(crate) fn decided(state: &State, service: &Service, decided: Decided) -> String {
    match decided {
        Decided::Nothing => "nothing".into(),
        Decided::WouldStart(wished) => format!("would start {}", wish(state, service, wished)),
        Decided::Blocked(wished, shape) => {
            format!("would start {}, blocked by {}", wish(state, service, wished), gates(shape))
        }
    }
}

/// One event, as people would read it.
pub(crate) fn event(state: &State, service: Option<ServiceId>, event: &Event) -> String {
    match service.and_then(|id| state.service(id)) {
        Some(service) => {
            let many = state.services().count() > 1;
            let whose = if many { format!("{}: ", service.policy.name) } else { String::new() };
            format!("{whose}{}", of_service(state, service, event))
        }
        None => of_observer(state, event),
    }
}

fn of_observer(state: &State, event: &Event) -> String {
    match event {
        Event::Isolated(why) => format!("isolated: {why}"),
        Event::Trusted => "trusted again".into(),
        Event::Refused(refusal) => format!("refused: {}", refused(state, refusal)),
        Event::Reloaded { added, removed } => format!("reloaded: {added} services added, {removed} removed"),
        Event::ReloadRefused(names) => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            format!("reload refused: {} has an unfinished run", names.join(", "))
        }
        Event::RegionLost(name) => format!("region {name} lost"),
        Event::RegionBack(name) => format!("region {name} back"),
        Event::Health { .. }
        | Event::Standing { .. }
        | Event::Active { .. }
        | Event::Incident { .. }
        | Event::Blind(_)
        | Event::Seeing(_)
        | Event::Drifted(_)
        | Event::DriftOver
        | Event::Answered { .. }
        | Event::Impossible(_)
        | Event::Claim(_)
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
        | Event::Decided(_) => format!("of a service that is gone: {event:?}"),
    }
}

fn of_service(state: &State, service: &Service, event: &Event) -> String {
    let names = Named { state, service };
    let name = |at: &RegionPos| names.region(*at).to_owned();
    match event {
        Event::Health { probe, region, now, since } => {
            let place = region.as_ref().map_or("no region".into(), name);
            format!("{} in {place} is {now} since {}", names.probe(*probe), about(*since))
        }
        Event::Standing { region, worst } => format!("{} stands {}", name(region), level(*worst)),
        Event::Active { region, epoch } => {
            let place = region.as_ref().map_or("a region that this policy does not know".into(), name);
            format!("active in {place}, epoch {}", epoch.0)
        }
        Event::Incident { number, turn, rung: at } => {
            let turned = match turn {
                Turn::Same => "same",
                Turn::Blipped => return "a blip: the clock runs".into(),
                Turn::Passed => return "the blip passed".into(),
                Turn::Opened => "opened",
                Turn::Raised => "raised",
                Turn::Recovering => "recovering",
                Turn::Flapped => "came back",
                Turn::Closed => "closed",
            };
            format!("incident {number} {turned}, {}", rung(service, *at))
        }
        Event::Blind(region) => format!("blind: nobody knows {} to be up", name(region)),
        Event::Seeing(region) => format!("seeing: {} is known to be up again", name(region)),
        Event::Drifted(region) => format!("drift: {} takes writes", name(region)),
        Event::DriftOver => "drift over".into(),
        Event::Answered { ask } => format!("answered ask {ask}"),
        Event::Impossible(cell) => format!("impossible: {cell}"),
        Event::Decided(decided) => format!("decided: {}", self::decided(state, service, *decided)),
        Event::Claim(turn) => told_acting::claim(*turn).into(),
        Event::Asked { ask } => format!("asks everybody to look again ({ask})"),
        Event::Started { run, plan, by_itself, mode, .. } => {
            let itself = if *by_itself { " by itself" } else { "" };
            format!("run {} of {plan} is started{}{itself}", run.0, told_acting::started(*mode))
        }
        Event::Journalled { run, entry, .. } => {
            format!("run {}: {}", run.0, told_acting::entry(service, *run, entry))
        }
        Event::Resumed(run) => format!("run {} is carried on here", run.0),
        Event::Ended { run, outcome } => format!("run {} has ended: {outcome}", run.0),
        Event::Missed { run, phase } => format!("run {}: phase {phase} is not over in time", run.0),
        Event::Paged(page) => told_acting::page(state, service, page),
        Event::Requested(Some(number)) => format!("request {number} is told"),
        Event::Requested(None) => "what was requested is not wanted any more".into(),
        Event::Ordered { order, who, reply, .. } => {
            format!("order {} of {who}: {}", order.0, told_acting::reply(state, reply))
        }
        Event::Annotated { who, text } => format!("{who} notes: {text}"),
        Event::Isolated(_)
        | Event::Trusted
        | Event::Refused(_)
        | Event::Reloaded { .. }
        | Event::ReloadRefused(_)
        | Event::RegionLost(_)
        | Event::RegionBack(_) => of_observer(state, event),
    }
}

fn refused(state: &State, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoSuchProbe(_) => "a sample of a probe that is gone".into(),
        Refusal::Impossible(_) => "a sample that cannot be".into(),
        Refusal::NoSuchService => "a fact about a service that is gone".into(),
        Refusal::UnknownObserver(who) => format!("a vote from {who}, which is no observer"),
        Refusal::NotMyVote(who) => format!("a vote in the name of {}", state.policy.observer_name(*who)),
        Refusal::UnknownTrigger(name) => format!("trigger {name}, which this service does not have"),
        Refusal::UnknownRegion(name) => format!("a record that names {name}"),
        Refusal::UnaskedReferences(_) => "an answer about reference points that nobody asked for".into(),
    }
}
