//! Escalations and notices, as data.

use std::path::PathBuf;

use super::Around;
use super::daemon::absolute;
use crate::config::problem::{Code, Problem};
use crate::config::raw::people as raw;
use crate::config::read::Key;
use crate::config::values::Word;
use crate::config::whole::shelf;
use crate::config::wiring::{Body, Escalation, Notice, Quiet, Tell, Wiring};
use crate::core::ids::Name;
use crate::core::time::Span;

pub(super) fn people(around: &Around<'_>, wiring: &mut Wiring) {
    for (name, raw) in shelf(&around.whole.config.escalation) {
        let escalation = escalation(around, raw);
        wiring.escalations.insert(name.clone(), escalation);
    }
    if let Some(raw) = around.whole.config.notice.get() {
        wiring.notices.extend(notices(around, None, raw));
    }
}

/// Channels by name; one that does not exist is reported.
pub(super) fn channels(around: &Around<'_>, key: &Key<Vec<Key<Word>>>) -> Vec<Name> {
    let shelf = around.whole.root.get("channel");
    let known: Vec<&str> = shelf
        .and_then(|shelf| shelf.table())
        .map(|table| table.0.keys().map(|name| &**name).collect())
        .unwrap_or_default();
    let mut names = Vec::new();
    for (word, at) in key.get().into_iter().flatten().filter_map(Key::both) {
        if known.contains(&word.0.as_str()) {
            names.push(word.0.clone());
        } else {
            around.missing(Some(at), "channel", &word.0, known.iter().copied());
        }
    }
    if key.get().is_some_and(Vec::is_empty) {
        let problem = Problem::error(Code::Value, key.at(), "no channel is named here");
        around.add(problem.help("name at least one, or remove the entry"));
    }
    names
}

fn escalation(around: &Around<'_>, raw: &raw::Escalation) -> Escalation {
    let tell = raw.tell.get().into_iter().flatten().filter_map(Key::get).map(|tell| {
        if let (Some(repeat), None) = (tell.repeat.get(), tell.until.at())
            && repeat.0 == Span::ZERO
        {
            around.add(
                Problem::error(Code::Value, tell.repeat.at(), "it would be said again without a pause")
                    .help("write such as repeat = \"10m\""),
            );
        }
        Tell {
            after: tell.after.get().map_or(Span::ZERO, |dur| dur.0),
            within: tell.within.get().map(|dur| dur.0),
            channels: channels(around, &tell.channels),
            audience: audience(tell.audience.or(raw::Audience::Responders)),
            repeat: tell.repeat.get().map(|dur| dur.0),
            until_acknowledged: tell.until.get().map(|until| *until == raw::Until::Acknowledged),
        }
    });
    let follow_up = raw.follow_up.get().into_iter().flatten().filter_map(Key::get).filter_map(|follow| {
        Some((follow.after.get()?.0, follow.text.get()?.0.clone(), channels(around, &follow.channels)))
    });
    let quiet = raw.quiet.get().and_then(|quiet| {
        let daily = quiet.daily.get()?;
        Some(Quiet { from: daily.0, to: daily.1, zone: quiet.tz.get()?.0.clone() })
    });
    Escalation { tell: tell.collect(), follow_up: follow_up.collect(), quiet }
}

fn audience(raw: raw::Audience) -> &'static str {
    match raw {
        raw::Audience::Responders => "responders",
        raw::Audience::Management => "management",
        raw::Audience::Customers => "customers",
        raw::Audience::Public => "public",
    }
}

/// What people read, of one service or of all.
pub(super) fn notices(around: &Around<'_>, service: Option<&Name>, raw: &raw::Notices) -> Vec<Notice> {
    let audiences = [
        ("responders", &raw.responders),
        ("management", &raw.management),
        ("customers", &raw.customers),
        ("public", &raw.public),
    ];
    let mut all = Vec::new();
    for (audience, events) in audiences {
        let Some(events) = events.get() else { continue };
        let each = [
            ("opened", &events.opened),
            ("raised", &events.raised),
            ("update", &events.update),
            ("run_started", &events.run_started),
            ("run_ended", &events.run_ended),
            ("approval", &events.approval),
            ("resolved", &events.resolved),
            ("follow_up", &events.follow_up),
        ];
        for (event, key) in each {
            let Some((notice, at)) = key.both() else { continue };
            if let (Some(_), Some(twice)) = (notice.body.at(), notice.file.at()) {
                let problem = Problem::error(Code::Twice, twice, "a notice has a `body` or a `file`");
                around.add(problem.help("keep one of them"));
            }
            let file: Option<PathBuf> = absolute(around.problems, &notice.file);
            let body = notice.body.get().map(|text| Body::Text(text.0.clone())).or(file.map(Body::File));
            let subject = notice.subject.get().map(|text| text.0.clone());
            if subject.is_none() && body.is_none() && notice.body.at().or(notice.file.at()).is_none() {
                let problem = Problem::error(Code::Missing, at, "this notice says nothing");
                around.add(problem.help("write `subject`, `body` or `file`, or remove it"));
            }
            all.push(Notice { service: service.cloned(), audience, event, subject, body });
        }
    }
    all
}
