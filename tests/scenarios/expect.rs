//! What a script expects at a moment: each line is compared with what the core says, word for word.

use watchkeeper_core::decide::By;
use watchkeeper_core::event::Decided;
use watchkeeper_core::ids::Name;
use watchkeeper_core::severity::Stage;
use watchkeeper_core::state::Service;
use watchkeeper_core::view;

use crate::drive::Drive;
use crate::expect_acting;
use crate::statement::{explained, id, places, service};
use crate::told;
use crate::words::{Read, Words};

/// Err: what is so instead, or what is not understood.
pub(crate) fn expect(drive: &Drive, words: &mut Words) -> Read<()> {
    if words.take("isolated") {
        return is(drive.me().state.trust.isolated().is_some(), || "it trusts itself".into());
    }
    if words.take("trusted") {
        let isolated = drive.me().state.trust.isolated();
        return is(isolated.is_none(), || {
            isolated.map_or(String::new(), |(why, _)| format!("isolated: {why}"))
        });
    }
    if words.take("event") {
        let text = words.rest();
        return is(drive.events.iter().any(|event| event.contains(&text)), || "no event says so".into());
    }
    if words.take("no event") {
        let text = words.rest();
        let found = drive.events.iter().find(|event| event.contains(&text));
        return is(found.is_none(), || format!("it happened: {}", found.map_or("", String::as_str)));
    }
    if words.take("probe") {
        return probe(drive, words);
    }
    if let Some(said) = expect_acting::said(drive, words) {
        return said;
    }
    let name = service(drive, words)?;
    let at = id(drive, &name)?;
    if let Some(word) =
        words.peek().map(str::to_owned).filter(|word| expect_acting::WORDS.contains(&word.as_str()))
    {
        words.word("what is expected")?;
        return expect_acting::expect(drive, at, &word, words);
    }
    let state = &drive.me().state;
    let service = state.service(at).ok_or("it is gone")?;
    let decided = told::decided(state, service, service.decided);
    match words.word("what is expected")?.as_str() {
        "nothing" => is(service.decided == Decided::Nothing, || decided),
        "would" => {
            words.must("start")?;
            let wanted = format!("would start {}", words.rest());
            is(decided == wanted, || decided)
        }
        "blocked" => {
            words.must("by")?;
            let wanted = words.rest();
            match service.decided {
                Decided::Blocked(_, shape) => is(told::gates(shape) == wanted, || told::gates(shape)),
                Decided::Nothing | Decided::WouldStart(_) => Err(decided),
            }
        }
        "wants" => {
            let wanted = words.rest();
            match service.decided {
                Decided::Blocked(wish, _) | Decided::WouldStart(wish) => {
                    let wish = told::wish(state, service, wish);
                    is(wish == wanted, || wish)
                }
                Decided::Nothing => Err(decided),
            }
        }
        "incident" => incident(service, words),
        "stands" => stands(service, words),
        "scenario" => {
            let scenario = words.word("scenario")?;
            let wanted = words.one_of("scenario", &[("holds", true), ("does_not_hold", false)])?;
            let place = service.policy.scenario(&scenario).ok_or("there is no such scenario")?;
            let holds = service.scenarios[place.index()].arming.holds().is_some();
            is(holds == wanted, || if holds { "it holds".into() } else { "it does not hold".into() })
        }
        "says" => {
            let (wanted, text) = (words.rest(), explained(drive, &name)?);
            is(text.contains(&wanted), || format!("it says\n{text}"))
        }
        "not" => {
            words.must("says")?;
            let (wanted, text) = (words.rest(), explained(drive, &name)?);
            is(!text.contains(&wanted), || format!("it says\n{text}"))
        }
        word @ ("ordered" | "approved") => {
            let by = if word == "ordered" { By::Order } else { By::Approval };
            let plan = words.name("plan")?;
            would(drive, service, &plan, by, words)
        }
        other => Err(format!("`{other}` cannot be expected")),
    }
}

fn is(so: bool, instead: impl FnOnce() -> String) -> Read<()> {
    if so { Ok(()) } else { Err(instead()) }
}

/// `expect probe api in us-east-1 down`, `… every 1s`, `… at rest`
fn probe(drive: &Drive, words: &mut Words) -> Read<()> {
    let (of, probe, region) = places(drive, words)?.remove(0);
    let state = &drive.me().state;
    if words.take("detected within") {
        let wanted = words.span("worst detection")?;
        let policy = state.service_id(&of).and_then(|id| state.service(id)).ok_or("it is gone")?;
        let at = policy.policy.probe(&probe).ok_or("it is gone")?;
        let worst = policy.policy.probes[at.index()].debounce.worst_detection();
        return is(worst == wanted, || format!("its worst detection is {worst}"));
    }
    let id = state.probe_id(&of, &probe, region.as_deref()).ok_or("this observer does not run it")?;
    if words.take("at rest") {
        return is(drive.me().every(id).is_none(), || format!("it runs every {:?}", drive.me().every(id)));
    }
    if words.take("every") {
        let (wanted, every) = (words.span("pace")?, drive.me().every(id));
        return is(every == Some(wanted), || {
            every.map_or("at rest".into(), |every| format!("every {every}"))
        });
    }
    let wanted = words.word("health")?;
    if !["unknown", "up", "slow", "suspect", "down"].contains(&wanted.as_str()) {
        return Err(format!("`{wanted}` is no health"));
    }
    let health = state.probe(id).ok_or("it is gone")?.debounced.health(state.trust.lost()).to_string();
    is(health == wanted, || health)
}

/// `expect incident none`, `blip`, `open l2`, `recovering l2`
fn incident(service: &Service, words: &mut Words) -> Read<()> {
    let incident = &service.incident;
    let rung = incident.rung().and_then(|rung| service.policy.ladder.rung(rung));
    let rung = rung.map_or("no_rung", |rung| rung.name.as_str());
    let so = match incident.stage() {
        Stage::None => "none".into(),
        Stage::Blip => "blip".into(),
        Stage::Open => format!("open {rung}"),
        Stage::Recovering => format!("recovering {rung}"),
    };
    let wanted = words.rest();
    is(so == wanted, || so)
}

/// `expect stands gone in us-east-1`; `up` where each critical part is known to be, else `unknown`.
fn stands(service: &Service, words: &mut Words) -> Read<()> {
    const STANDINGS: [&str; 7] = ["up", "unknown", "trouble", "degraded", "unreachable", "down", "gone"];
    let wanted = words.word("standing")?;
    if !STANDINGS.contains(&wanted.as_str()) {
        return Err(format!("`{wanted}` is no standing"));
    }
    words.must("in")?;
    let region = words.name("region")?;
    let standing = service.picture.standing(service.policy.region(&region).ok_or("there is no such region")?);
    let so = match standing.worst() {
        None if standing.up.is_some() => "up",
        None => "unknown",
        worst => told::level(worst),
    };
    is(so == wanted, || so.to_owned())
}

/// `expect ordered move free`, `expect approved move blocked by claim`
fn would(drive: &Drive, service: &Service, plan: &Name, by: By, words: &mut Words) -> Read<()> {
    let at = service.policy.plan(plan.as_str()).ok_or("there is no such plan")?;
    let (_, gates) =
        view::would(&drive.me().state, service.id, at, by, drive.moment()).ok_or("nothing to say")?;
    let so = if gates.open() { "free".into() } else { format!("blocked by {}", told::gates(gates.shape())) };
    let wanted = words.rest();
    is(so == wanted, || so)
}
