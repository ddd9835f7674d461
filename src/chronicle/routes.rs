//! Who is told of what: from a config's ladders and escalations to channels. docs/NOTICES.md has the rule in words.
//!
//! It must never come to nobody while there is a channel: where a config names nobody, everybody is told.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::config::wiring::{Escalation, People, Quiet, Tell, Told};
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};

/// The words of those who act on it.
const RESPONDERS: &str = "responders";

/// One way to somebody.
#[derive(Clone, Debug)]
pub(super) struct Route<'a> {
    pub(super) channel: Name,
    pub(super) audience: &'static str,
    pub(super) tell: Option<&'a Tell>,
    pub(super) quiet: Option<&'a Quiet>,
}

impl Route<'_> {
    pub(super) fn after(&self) -> Span {
        self.tell.map_or(Span::ZERO, |tell| tell.after)
    }

    /// Not said while it is quiet there.
    pub(super) fn due(&self, planned: Wall) -> Wall {
        self.quiet.map_or(planned, |quiet| heard(quiet, planned))
    }
}

/// Who is told an incident's story, by its rung.
pub(super) fn of_story<'a>(people: &'a People, service: &Name, rung: Option<&str>) -> Vec<Route<'a>> {
    match escalation(people, service, rung) {
        Some(escalation) => known(people, all(escalation)),
        None => everyone(people),
    }
}

/// Who is told a page: at once those who act on it, and would be told first.
pub(super) fn of_page<'a>(
    people: &'a People,
    service: Option<&Name>,
    rung: Option<&str>,
    since: Option<Span>,
) -> Vec<Route<'a>> {
    let Some(service) = service else {
        // This observer's own, or a whole region's: whoever is first anywhere.
        let each = people.escalations.values().flat_map(|escalation| first(escalation, None));
        return known(people, each.collect());
    };
    match escalation(people, service, rung) {
        Some(escalation) => known(people, first(escalation, since)),
        None => everyone(people),
    }
}

/// What is owed after an incident's closing: so long after, what, by what.
pub(super) fn afterwards<'a>(
    people: &'a People,
    service: &Name,
    rung: Option<&str>,
) -> impl Iterator<Item = &'a (Span, String, Vec<Name>)> {
    escalation(people, service, rung).into_iter().flat_map(|escalation| &escalation.follow_up)
}

/// By the rung; without one by the service's highest. None: everybody is told.
fn escalation<'a>(people: &'a People, service: &Name, rung: Option<&str>) -> Option<&'a Escalation> {
    let words = people.services.get(service)?;
    let of = |name: &str| words.escalations.iter().find(|(rung, _)| rung.as_str() == name);
    let (_, told) = rung.and_then(of).or(words.escalations.last())?;
    match told {
        Told::Everyone => None,
        Told::Escalation(name) => people.escalations.get(name),
    }
}

fn all(escalation: &Escalation) -> Vec<Route<'_>> {
    let each = |tell: &'_ Tell| tell.channels.clone();
    let routes =
        escalation.tell.iter().flat_map(|tell| each(tell).into_iter().map(move |channel| (tell, channel)));
    routes.map(|(tell, channel)| route(escalation, tell, channel)).collect()
}

fn route<'a>(escalation: &'a Escalation, tell: &'a Tell, channel: Name) -> Route<'a> {
    Route { channel, audience: tell.audience, tell: Some(tell), quiet: escalation.quiet.as_ref() }
}

/// Those responders who have been told since the first failed sample, and at least those who are told first.
fn first(escalation: &Escalation, since: Option<Span>) -> Vec<Route<'_>> {
    let mut routes: Vec<Route<'_>> =
        all(escalation).into_iter().filter(|route| route.audience == RESPONDERS).collect();
    let soonest = routes.iter().map(Route::after).min().unwrap_or_default();
    let upto = since.unwrap_or_default().max(soonest);
    routes.retain(|route| route.after() <= upto);
    // Neither waits, repeats nor quiet hours: a page is said at once, and said again by what it is about.
    routes.iter_mut().for_each(|route| (route.tell, route.quiet) = (None, None));
    routes
}

/// Each channel once, with the words of whoever is told first by it; everybody, if nobody is left.
fn known<'a>(people: &'a People, routes: Vec<Route<'a>>) -> Vec<Route<'a>> {
    let mut by_channel: BTreeMap<Name, Route<'a>> = BTreeMap::new();
    for route in routes {
        if !people.channels.iter().any(|channel| channel.name == route.channel) {
            continue;
        }
        match by_channel.get(&route.channel) {
            Some(there) if there.after() <= route.after() => {}
            Some(_) | None => drop(by_channel.insert(route.channel.clone(), route)),
        }
    }
    if by_channel.is_empty() { everyone(people) } else { by_channel.into_values().collect() }
}

pub(super) fn everyone(people: &People) -> Vec<Route<'_>> {
    let route =
        |channel: &Name| Route { channel: channel.clone(), audience: RESPONDERS, tell: None, quiet: None };
    people.channels.iter().map(|channel| route(&channel.name)).collect()
}

/// The first moment from then on at which it is not quiet.
fn heard(quiet: &Quiet, wall: Wall) -> Wall {
    let end = || -> Option<Wall> {
        let at = Timestamp::from_microsecond(wall.as_micros().cast_signed()).ok()?;
        let at: Zoned = at.to_zoned(TimeZone::clone(&quiet.zone));
        let minute = u16::from(at.hour().unsigned_abs()) * 60 + u16::from(at.minute().unsigned_abs());
        let wraps = quiet.to <= quiet.from;
        let within = if wraps {
            minute >= quiet.from || minute < quiet.to
        } else {
            (quiet.from..quiet.to).contains(&minute)
        };
        if !within {
            return None;
        }
        let day =
            if wraps && minute >= quiet.from { at.date().checked_add(1.day()).ok()? } else { at.date() };
        let (hour, minute) = (i8::try_from(quiet.to / 60 % 24).ok()?, i8::try_from(quiet.to % 60).ok()?);
        let day = if quiet.to == 24 * 60 { day.checked_add(1.day()).ok()? } else { day };
        let ends = day.at(hour, minute, 0, 0).to_zoned(quiet.zone.clone()).ok()?;
        Some(Wall::micros(ends.timestamp().as_microsecond().cast_unsigned()))
    };
    end().map_or(wall, |end| end.max(wall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_the_morning_is_heard_then() {
        let quiet = Quiet { from: 22 * 60, to: 7 * 60, zone: TimeZone::UTC };
        let at = |hours: u64| Wall::secs(86_400 * 365 + hours * 3_600);
        assert_eq!(heard(&quiet, at(12)), at(12));
        assert_eq!(heard(&quiet, at(23)), at(24 + 7), "over midnight");
        assert_eq!(heard(&quiet, at(3)), at(7));
        assert_eq!(heard(&quiet, at(7)), at(7));
        let noon = Quiet { from: 12 * 60, to: 13 * 60, zone: TimeZone::UTC };
        assert_eq!((heard(&noon, at(12)), heard(&noon, at(13))), (at(13), at(13)));
    }
}
