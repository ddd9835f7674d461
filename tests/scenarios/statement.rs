//! What happens in a script: one line, one thing that the world, the coordinator or an operator does.

use watchkeeper_core::agree::{Ask, Claim, Raised, Vote};
use watchkeeper_core::authority::SessionId;
use watchkeeper_core::health::{Outcome, Sample};
use watchkeeper_core::ids::{Name, PolicyHash, ServiceId};
use watchkeeper_core::input::{Input, Seen, Window};
use watchkeeper_core::time::{Mono, Span};
use watchkeeper_core::verdict::{Reading, Say, Spoken};
use watchkeeper_core::view;

use crate::acting_statement;
use crate::drive::{BEGIN, Drive};
use crate::policy;
use crate::record;
use crate::told;
use crate::words::{Read, Words};
use crate::world::{Behaves, Place};

/// Does what one line says.
pub(crate) fn happens(drive: &mut Drive, words: &mut Words) -> Read<()> {
    if drive.acting.is_some() && acting_statement::happens(drive, words)? {
        return Ok(());
    }
    let before = words.clone();
    match words.word("a statement")?.as_str() {
        "claim" | "ask" | "vote" if drive.acting.is_some() => {
            return Err("with a coordinator, observers claim, ask and vote by themselves".into());
        }
        "record" if drive.acting.is_some() => {
            let service = service(drive, words)?;
            let id = id(drive, &service)?;
            let incident = drive.me().state.service(id).map_or(0, |service| service.incident.number());
            let old = drive.acts()?.coordinator.record(id).cloned();
            let new = record::change(old, words, incident)?;
            drive.world.active.entry(service).or_insert_with(|| new.active.to_string());
            drive.acts()?.coordinator.write_record(id, Some(new));
            drive.spread();
        }
        "record" => {
            let service = service(drive, words)?;
            let old = drive.records.get(&service).cloned();
            let id = id(drive, &service)?;
            let incident = drive.me().state.service(id).map_or(0, |service| service.incident.number());
            if words.take("gone") {
                drive.records.remove(&service);
                drive.everybody_sees(|revision| Seen::Record(id, revision, None));
                return Ok(());
            }
            let new = record::change(old, words, incident)?;
            drive.world.active.insert(service.clone(), new.active.to_string());
            drive.records.insert(service, new.clone());
            drive.everybody_sees(|revision| Seen::Record(id, revision, Some(Box::new(new.clone()))));
        }
        "claim" => {
            let service = service(drive, words)?;
            let id = id(drive, &service)?;
            words.must("held by")?;
            let claim = match words.word("observer")?.as_str() {
                "nobody" => None,
                "me" => Some(Claim { holder: named(&drive.me().name)?, session: SessionId(0) }),
                other => Some(Claim { holder: named(other)?, session: SessionId(0) }),
            };
            match &claim {
                Some(claim) => drive.claims.insert(service, claim.clone()),
                None => drive.claims.remove(&service),
            };
            drive.everybody_sees(|revision| Seen::Claim(id, revision, claim.clone()));
        }
        "ask" => {
            let service = service(drive, words)?;
            let id = id(drive, &service)?;
            let newest = drive.asks.get(&service).map_or(0, |ask| ask.number);
            let number = if words.is_empty() { newest + 1 } else { words.number("ask")? };
            let ask = Ask { number, by: named(&drive.me().name)?, age: Some(Span::ZERO) };
            drive.asks.insert(service, ask.clone());
            drive.everybody_sees(|revision| Seen::Ask(id, revision, ask.clone()));
        }
        "trigger" => trigger(drive, words)?,
        "vote" => vote(drive, words)?,
        "maintenance" => maintenance(drive, words)?,
        "clock" => {
            words.must("jumps")?;
            let by = words.span("jump")?;
            drive.hand(0, Input::ClockJumped { by });
        }
        "stall" => drive.now = drive.now + words.span("stall")?,
        "reload" => {
            let who = if words.take("only") { Some(words.word("observer")?) } else { None };
            let who = who.map(|who| drive.observer(&who)).transpose()?;
            let lines = policy::changed(&drive.lines, words)?;
            drive.reload(who, &lines)?;
        }
        "restart" if drive.acting.is_some() => {
            drive.kill(0);
            drive.revive(0);
        }
        "restart" => drive.restart(),
        "stray" => stray(drive, words)?,
        "references" => {
            let reached = words.number("references")?;
            let who = if words.take("for") { words.word("observer")? } else { "me".into() };
            let who = drive.observer(&who)?;
            let name = drive.observers[who].name.clone();
            drive.world.reach(&name, reached);
        }
        "region" => region(drive, words)?,
        "why" => why(drive, words)?,
        first => {
            if words.take("is gone") || words.take("is back") {
                let who = drive.observer(first)?;
                let back = before.text.contains("back");
                match (drive.acting.is_some(), back) {
                    (false, _) => return drive.session(who, back),
                    (true, true) => drive.revive(who),
                    (true, false) => drive.kill(who),
                }
                return Ok(());
            }
            if words.take("is cut off") || words.take("is connected") {
                let who = drive.observer(first)?;
                let name = drive.observers[who].name.clone();
                let region = home(drive, &name);
                let cut = before.text.contains("cut off");
                drive.world.cut(&name, cut.then_some(region.as_str()));
                if drive.acting.is_some() {
                    if cut { drive.disconnect(who) } else { drive.connect(who) }
                }
                return Ok(());
            }
            *words = before;
            target(drive, words)?;
        }
    }
    Ok(())
}

fn named(text: &str) -> Read<Name> {
    Name::new(text).map_err(|why| format!("`{text}`: {why}"))
}

fn home(drive: &Drive, observer: &str) -> String {
    let found = drive.policy().observers.iter().find(|o| o.name.as_str() == observer);
    found.map_or(String::new(), |o| o.region.to_string())
}

/// `of shop`, or the only service there is.
pub(crate) fn service(drive: &Drive, words: &mut Words) -> Read<String> {
    if words.take("of") {
        return words.word("service");
    }
    let mut services = drive.policy().services.iter();
    match (services.next(), services.next()) {
        (Some(only), None) => Ok(only.name.to_string()),
        _ => Err("say `of SERVICE`: there is more than one".into()),
    }
}

/// The only service there is.
pub(crate) fn only_service(drive: &Drive) -> Read<String> {
    service(drive, &mut Words::of(0, ""))
}

pub(crate) fn id(drive: &Drive, service: &str) -> Read<ServiceId> {
    drive.me().state.service_id(service).ok_or_else(|| format!("there is no service `{service}`"))
}

/// `api in us-east-1`, `shop.api in us-east-1`, `bucket`: the places that it names, in every service that has them.
pub(crate) fn places(drive: &Drive, words: &mut Words) -> Read<Vec<Place>> {
    let name = words.word("probe")?;
    let (service, probe) = match name.split_once('.') {
        Some((service, probe)) => (Some(service.to_owned()), probe.to_owned()),
        None => (None, name.clone()),
    };
    let region = if words.take("in") { Some(words.word("region")?) } else { None };
    let mut places = Vec::new();
    for policy in &drive.policy().services {
        if service.as_ref().is_none_or(|service| policy.name.as_str() == service)
            && policy.cell(&probe, region.as_deref()).is_some()
        {
            places.push((policy.name.to_string(), probe.clone(), region.clone()));
        }
    }
    if places.is_empty() {
        let region = region.map_or("no region".into(), |region| format!("`{region}`"));
        return Err(format!("`{name}` is neither a statement nor a probe in {region}"));
    }
    Ok(places)
}

fn behaves(words: &mut Words) -> Read<Option<Behaves>> {
    Ok(Some(match words.word("how it behaves")?.as_str() {
        "answers" if words.take("in") => Behaves::Answers(words.span("answer")?),
        "answers" => Behaves::Answers(Span::millis(20)),
        "fails" => Behaves::Refuses,
        "times" => {
            words.must("out")?;
            Behaves::TimesOut
        }
        "is" if words.take("blind") => Behaves::Blind,
        "is" if words.take("wedged") => Behaves::Wedged,
        "behaves" => {
            words.must("as for all")?;
            return Ok(None);
        }
        other => return Err(format!("`{other}` is nothing that a target does")),
    }))
}

/// How a target behaves from now on, for all or for one observer, and what it reads.
fn target(drive: &mut Drive, words: &mut Words) -> Read<()> {
    let places = places(drive, words)?;
    if words.take("lags") {
        let lag = words.span("lag")?;
        places.into_iter().for_each(|place| drive.world.lag(place, lag, None));
        return Ok(());
    }
    if words.take("hears nothing more") {
        for place in places {
            let base = drive.world.lag_of(&place);
            drive.world.lag(place, base, Some(drive.now));
        }
        return Ok(());
    }
    let does = behaves(words)?;
    let who = if words.take("for") { words.names("observer")? } else { Vec::new() };
    for place in places {
        match does {
            Some(does) if who.is_empty() => drive.world.set(place, does),
            _ => {
                for who in &who {
                    let who = drive.observer(who.as_str())?;
                    let name = drive.observers[who].name.clone();
                    drive.world.set_for(&name, place.clone(), does);
                }
            }
        }
    }
    Ok(())
}

/// `region us-east-1 goes dark`: every probe there times out, and its observers are gone; `comes back`.
fn region(drive: &mut Drive, words: &mut Words) -> Read<()> {
    let region = words.word("region")?;
    let dark = words.take("goes dark");
    if !dark {
        words.must("comes back")?;
    }
    let mut all = Vec::new();
    for service in &drive.policy().services {
        for cell in &service.parts.cells {
            if cell.region.is_some_and(|at| service.region_name(at) == region) {
                let probe = service.probes[cell.probe.index()].name.to_string();
                all.push((service.name.to_string(), probe, Some(region.clone())));
            }
        }
    }
    if all.is_empty() {
        return Err(format!("nothing runs in `{region}`"));
    }
    let does = if dark { Behaves::TimesOut } else { Behaves::Answers(Span::millis(20)) };
    all.into_iter().for_each(|place| drive.world.set(place, does));
    if let Some(acting) = &mut drive.acting {
        if dark {
            acting.dark.insert(region.clone())
        } else {
            acting.dark.remove(&region)
        };
        for who in 0..drive.observers.len() {
            if home(drive, &drive.observers[who].name) == region {
                if dark { drive.kill(who) } else { drive.revive(who) }
            }
        }
        return Ok(());
    }
    for who in 1..drive.observers.len() {
        if home(drive, &drive.observers[who].name) == region {
            drive.session(who, !dark)?;
        }
    }
    Ok(())
}

fn trigger(drive: &mut Drive, words: &mut Words) -> Read<()> {
    let service = service(drive, words)?;
    let id = id(drive, &service)?;
    let trigger = words.name("trigger")?;
    let raised = words.one_of("trigger", &[("raised", true), ("cleared", false)])?;
    let age = if raised && !words.is_empty() {
        let age = words.span("age")?;
        words.must("ago")?;
        age
    } else {
        Span::ZERO
    };
    let now = drive.now;
    if let Some(acting) = &mut drive.acting {
        acting.coordinator.raise(id, &trigger, raised.then(|| now.before(age)), now);
        drive.spread();
        return Ok(());
    }
    let key = (service, trigger.to_string());
    if raised {
        drive.raised.insert(key, drive.now.before(age));
    } else {
        drive.raised.remove(&key);
    }
    let raised = raised.then_some(Raised { age });
    drive.everybody_sees(|revision| Seen::Trigger(id, revision, trigger.clone(), raised));
    Ok(())
}

/// `vote euw1 api in us-east-1 down for 10s, api in us-west-2 up for 1h answers 1 by another policy`: from now on that
/// observer says what the script says, and not what it sees.
fn vote(drive: &mut Drive, words: &mut Words) -> Read<()> {
    let who = words.word("observer")?;
    let service = service(drive, words)?;
    let id = id(drive, &service)?;
    if let Ok(who) = drive.observer(&who) {
        drive.observers[who].mute = true;
    }
    let who = named(if who == "me" { &drive.me().name } else { &who })?;
    let mut says = Vec::new();
    let policy = drive.policy().service(&named(&service)?).cloned().ok_or("no such service")?;
    loop {
        let (_, probe, region) =
            places(drive, words)?.into_iter().find(|(of, ..)| *of == service).ok_or("not of this service")?;
        let cell = policy.cell(&probe, region.as_deref()).ok_or("it has no such probe there")?;
        const SAYS: &[(&str, Say)] =
            &[("up", Say::Up), ("slow", Say::Slow), ("down", Say::Down), ("unknown", Say::Unknown)];
        let say = words.one_of("vote", SAYS)?;
        let held = if words.take("for") { words.span("for")? } else { Span::ZERO };
        let reading = if words.take("lag") {
            let value = words.span("lag")?;
            Some(Reading { value, age: if words.take("age") { words.span("age")? } else { Span::ZERO } })
        } else {
            None
        };
        says.push(Spoken { cell, say, held, reading, fresh: !words.take("stale") });
        if !words.take(",") {
            break;
        }
    }
    let answers = if words.take("answers") { words.number("answers")? } else { 0 };
    if answers == 0 {
        says.iter_mut().for_each(|said| said.fresh = false);
    }
    let hash = if words.take("by another policy") { PolicyHash(1) } else { policy.hash };
    drive.vote(id, who, Some(Vote { hash, answers, says }));
    Ok(())
}

/// `maintenance window from 5m until 10m of shop in us-east-1`
fn maintenance(drive: &mut Drive, words: &mut Words) -> Read<()> {
    words.must("window from")?;
    let from = drive.wall(BEGIN + words.span("from")?);
    words.must("until")?;
    let until = drive.wall(BEGIN + words.span("until")?);
    let services = if words.take("of") { Some(words.names("service")?) } else { None };
    let regions = if words.take("in") { Some(words.names("region")?) } else { None };
    drive.windows(Window { services, regions, from, until });
    Ok(())
}

/// What should not come, and comes: a sample of a probe that is gone, or from the future.
fn stray(drive: &mut Drive, words: &mut Words) -> Read<()> {
    words.must("sample of")?;
    let name = words.word("probe")?;
    let region = if words.take("in") { Some(words.word("region")?) } else { None };
    let ended = if words.take("from the future") { drive.now + Span::hours(1) } else { drive.now };
    let probe = drive.probes_ever.get(&(name.clone(), region)).copied();
    let probe = probe.ok_or_else(|| format!("`{name}` never ran there"))?;
    let (began, took): (Mono, Span) = (drive.now, Span::ZERO);
    drive
        .hand(0, Input::Sample(Sample { probe, began, ended, outcome: Outcome::Ok { took }, reading: None }));
    Ok(())
}

/// The whole explanation, into the story.
fn why(drive: &mut Drive, words: &mut Words) -> Read<()> {
    let service = service(drive, words)?;
    let text = explained(drive, &service)?;
    let head = format!("{:>10}  ? why", told::at(drive.now));
    drive.story.push(head);
    drive.story.extend(text.lines().map(|line| format!("{:>14}{line}", "| ")));
    Ok(())
}

pub(crate) fn explained(drive: &Drive, service: &str) -> Read<String> {
    let id = id(drive, service)?;
    let why = view::why(&drive.me().state, id, drive.moment()).ok_or("nothing to explain")?;
    Ok(why.to_string())
}
