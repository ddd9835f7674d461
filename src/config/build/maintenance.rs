//! Maintenance windows: again and again by cron, or once.

use super::Around;
use super::daemon::wall;
use crate::config::problem::{Code, Problem};
use crate::config::raw::maintenance::{Effect, Maintenance};
use crate::config::read::Key;
use crate::config::values::Word;
use crate::config::whole::shelf;
use crate::config::wiring::{Open, Window, Wiring};
use crate::core::ids::Name;
use crate::core::time::Span;

pub(super) fn windows(around: &Around<'_>, wiring: &mut Wiring) {
    let services: Vec<&str> = around.whole.services.iter().map(|service| service.name.as_str()).collect();
    let regions: Vec<Name> = regions(around);
    for (name, raw) in shelf(&around.whole.config.maintenance) {
        let when =
            open(around, raw, around.whole.config.maintenance.get().and_then(|all| all.get(name.as_str())));
        let services = names(around, &raw.services, "service", &services);
        let known: Vec<&str> = regions.iter().map(Name::as_str).collect();
        let regions = names(around, &raw.regions, "region", &known);
        let silence = raw.effect.or(Effect::Approve) == Effect::Silence;
        if let Some(when) = when {
            wiring.maintenance.push(Window { name: name.clone(), services, regions, when, silence });
        }
    }
}

/// Declared regions, and those that services name.
fn regions(around: &Around<'_>) -> Vec<Name> {
    let declared = around.regions.iter().map(|region| region.name.clone());
    let named = around.whole.services.iter().flat_map(|s| crate::config::whole::words(&s.raw.regions));
    let mut all: Vec<Name> = declared.chain(named).collect();
    all.sort();
    all.dedup();
    all
}

fn names(around: &Around<'_>, key: &Key<Vec<Key<Word>>>, what: &str, known: &[&str]) -> Option<Vec<Name>> {
    let list = key.get()?;
    for (word, at) in list.iter().filter_map(Key::both) {
        if !known.contains(&word.0.as_str()) {
            around.missing(Some(at), what, &word.0, known.iter().copied());
        }
    }
    Some(crate::config::whole::words(key))
}

fn open(around: &Around<'_>, raw: &Maintenance, key: Option<&Key<Maintenance>>) -> Option<Open> {
    let at = key.and_then(Key::at);
    let every = [raw.cron.at(), raw.lasts.at()];
    let once = [raw.from.at(), raw.until.at()];
    let refuse = |message: &str| {
        around.add(
            Problem::error(Code::Missing, at, message).help("write `cron` and `for`, or `from` and `until`"),
        );
        None
    };
    match (every, once) {
        ([Some(_), Some(_)], [None, None]) => {
            let (cron, lasts) = (raw.cron.get()?, raw.lasts.get()?);
            if lasts.0 == Span::ZERO {
                return refuse("this window is never open");
            }
            let zone = raw.tz.get().map_or(jiff::tz::TimeZone::UTC, |zone| zone.0.clone());
            Some(Open::Every { cron: Box::new(cron.0.clone()), zone, lasts: lasts.0 })
        }
        ([None, None], [Some(_), Some(_)]) => {
            let (from, until) = (raw.from.get()?.0, raw.until.get()?.0);
            if until <= from {
                let problem =
                    Problem::error(Code::Value, raw.until.at(), "this window closes before it opens");
                around.add(problem.help("exchange `from` and `until`, or mend the year"));
                return None;
            }
            Some(Open::Once { from: wall(from), until: wall(until) })
        }
        ([None, None], [None, None]) => refuse("nothing says when this window is open"),
        ([Some(_), None] | [None, Some(_)], [None, None]) => refuse("`cron` and `for` belong together"),
        ([None, None], [Some(_), None] | [None, Some(_)]) => refuse("`from` and `until` belong together"),
        ([_, _], [_, _]) => refuse("this window is open by cron and once"),
    }
}
