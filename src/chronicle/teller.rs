//! From an event to what it makes people be owed. Pure: it knows who was told what, and the store keeps what it says.
//!
//! Level-triggered: what it tells hangs on what was told, and not on which turn an incident took; so an opening that a
//! crash kept from the disk is told when the story goes on. It must never let a page come to nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Line;
use super::notice::Notice;
use super::outbox::{Change, Story};
use super::routes::{Route, afterwards, everyone, of_page, of_story};
use crate::config::wiring::People;
use crate::core::ids::Name;
use crate::core::time::Wall;
use crate::core::view;

/// So many runs that are told otherwise are remembered.
const RUNS: usize = 256;

/// What people are told, in one word each. docs/NOTICES.md has a row for each.
pub const TOLD: &[&str] = &[
    "opened",
    "raised",
    "update",
    "resolved",
    "follow_up",
    "run_started",
    "resumed",
    "held",
    "ends",
    "run_ended",
    "missed",
    "refused",
    "approval",
    "approval_over",
    "foreign",
    "no_journal",
    "blind",
    "seeing",
    "drifted",
    "drift_over",
    "region_lost",
    "region_back",
    "step",
];

/// What is so when an event happens, and is not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The service's open incident.
    pub story: Option<view::Story>,
    /// Its unfinished runs, where they were just read back, each finished one that is known with its outcome.
    pub read_back: Option<ReadBack>,
}

/// What was read back when a claim was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// The unfinished runs.
    pub unfinished: Vec<u64>,
    /// The newest failover, and how it ended.
    pub last: Option<(u64, String)>,
}

/// Who was told what.
#[derive(Clone, Debug, Default)]
pub struct Teller {
    /// In which life of the daemon; events are numbered anew in each.
    life: u64,
    /// The open stories that somebody was told of.
    stories: BTreeMap<Name, Story>,
    /// Runs that were told to be started, and not to have ended.
    runs: BTreeSet<(Name, u64)>,
    /// Runs of whose end nobody is told again: it was paged before it was, or they only showed what would be done.
    silent: BTreeSet<(Name, u64)>,
    /// Whoever was told that something is so, and is told when it is so no more.
    so: BTreeMap<So, Vec<(Name, String)>>,
}

/// Of which service (none: of none), and what is so.
type So = (Option<Name>, &'static str);

/// What is told when something is so no more, and of what.
const OVER: [(&str, &str); 4] = [
    ("seeing", "blind"),
    ("drift_over", "drifted"),
    ("region_back", "region_lost"),
    ("approval_over", "approval"),
];

impl Teller {
    /// With what is on the disk.
    #[must_use]
    pub fn new(life: u64, stories: Vec<Story>, runs: Vec<(Name, u64)>) -> Teller {
        let stories = stories.into_iter().map(|story| (story.service.clone(), story)).collect();
        Teller { life, stories, runs: runs.into_iter().collect(), ..Teller::default() }
    }

    /// What is known of a service when an event of an earlier life is told.
    #[must_use]
    pub fn around(&self, service: &Name, wall: Wall) -> Around {
        let story = self.stories.get(service).map(|story| view::Story {
            number: story.incident,
            rung: story.rung.as_deref().and_then(|rung| Name::new(rung).ok()),
            first_failed: wall,
            acknowledged: story.acknowledged,
        });
        Around { story, read_back: None }
    }

    /// What an event makes people be owed.
    pub fn tell(&mut self, people: &People, line: &Line, around: &Around) -> Vec<Change> {
        let mut out = Vec::new();
        if let Some(service) = &line.service {
            self.acknowledged(service, around, line.wall, &mut out);
        }
        let body = &line.body;
        match (line.kind, &line.service) {
            ("incident", Some(service)) => self.incident(people, service, line, around, &mut out),
            ("started", Some(service)) => {
                self.runs.insert((service.clone(), number(body, "run")));
                if body["mode"] == "preview" {
                    remember(&mut self.silent, (service.clone(), number(body, "run")));
                } else {
                    self.page(people, line, around, "run_started", &mut out);
                }
            }
            ("resumed", Some(service)) => {
                self.runs.insert((service.clone(), number(body, "run")));
                self.page(people, line, around, "resumed", &mut out);
            }
            ("ended", Some(service)) => {
                let run = (service.clone(), number(body, "run"));
                self.runs.remove(&run);
                // How it ends was paged before it did.
                if !self.silent.remove(&run) {
                    self.page(people, line, around, "run_ended", &mut out);
                }
            }
            ("claim", Some(service)) if body["turn"] == "restored" => {
                self.unseen(people, service, line, around, &mut out);
            }
            ("paged", service) => {
                let event = match body["about"].as_str() {
                    Some("held") => "held",
                    Some("ends") => "ends",
                    Some("refused") => "refused",
                    Some("approve") => "approval",
                    Some("no_journal") => "no_journal",
                    _ => "foreign",
                };
                if let (Some(service), "ends") = (service, event) {
                    remember(&mut self.silent, (service.clone(), number(body, "run")));
                }
                self.page(people, line, around, event, &mut out);
            }
            ("missed", _) => self.page(people, line, around, "missed", &mut out),
            ("blind", _) => self.page(people, line, around, "blind", &mut out),
            ("drifted", _) => self.page(people, line, around, "drifted", &mut out),
            ("region_lost", _) => self.page(people, line, around, "region_lost", &mut out),
            ("seeing", _) => self.over(line, around, "seeing", &mut out),
            ("drift_over", _) => self.over(line, around, "drift_over", &mut out),
            ("region_back", _) => self.over(line, around, "region_back", &mut out),
            // That something waits for a word is a page of its own.
            ("requested", _) if body["request"].is_null() => {
                self.over(line, around, "approval_over", &mut out)
            }
            _ => {}
        }
        out
    }

    /// Somebody has seen the incident: what an acknowledgement ends is over.
    fn acknowledged(&mut self, service: &Name, around: &Around, at: Wall, out: &mut Vec<Change>) {
        let Some(now) = &around.story else { return };
        let Some(story) = self.stories.get_mut(service).filter(|story| story.incident == now.number) else {
            return;
        };
        if now.acknowledged <= story.acknowledged {
            return;
        }
        story.acknowledged = now.acknowledged;
        out.push(Change::Story(story.clone()));
        out.push(Change::Cancel {
            service: service.clone(),
            incident: now.number,
            channel: None,
            acknowledged: true,
            at,
        });
    }

    fn incident(
        &mut self,
        people: &People,
        service: &Name,
        line: &Line,
        around: &Around,
        out: &mut Vec<Change>,
    ) {
        let incident = u32::try_from(number(&line.body, "number")).unwrap_or(u32::MAX);
        let rung = line.body["rung"].as_str();
        let known = self.stories.get(service).filter(|story| story.incident == incident);
        match line.body["turn"].as_str() {
            Some("opened" | "raised" | "flapped") => {
                let event = match known {
                    None => "opened",
                    Some(story) if higher(people, service, rung, story.rung.as_deref()) => "raised",
                    Some(_) => return,
                };
                self.story(people, service, incident, (line, rung, event), around, out);
            }
            Some("closed") => self.closed(people, service, incident, line, around, out),
            _ => {}
        }
    }

    /// An incident is told, or is told to be more severe.
    fn story(
        &mut self,
        people: &People,
        service: &Name,
        incident: u32,
        (line, rung, event): (&Line, Option<&str>, &'static str),
        around: &Around,
        out: &mut Vec<Change>,
    ) {
        let first = around.story.as_ref().map_or(line.wall, |story| story.first_failed);
        let routes = match rung {
            Some(_) => of_story(people, service, rung),
            None => of_page(people, Some(service), None, None),
        };
        let before = self.stories.get(service).filter(|story| story.incident == incident);
        let mut story = before.cloned().unwrap_or_else(|| Story {
            service: service.clone(),
            incident,
            rung: None,
            acknowledged: around.story.as_ref().map_or(0, |story| story.acknowledged),
            closed: None,
            told: Vec::new(),
        });
        story.rung = rung.map(str::to_owned).or(story.rung);
        for route in routes {
            if event == "raised" {
                // What this channel was still to say of the lower rung, it says of this one.
                out.push(Change::Cancel {
                    service: service.clone(),
                    incident,
                    channel: Some(route.channel.clone()),
                    acknowledged: false,
                    at: line.wall,
                });
            }
            let planned = (first + route.after()).max(line.wall);
            let notice = Notice {
                incident: Some(incident),
                planned,
                due: route.due(planned),
                promised: route.tell.and_then(|tell| tell.within).map(|within| route.due(planned) + within),
                repeat: route.tell.and_then(|tell| tell.repeat),
                until_acknowledged: route.tell.is_some_and(|tell| tell.until_acknowledged.unwrap_or(true)),
                ..self.notice(line, event, rung, &route)
            };
            match story.told.iter_mut().find(|(channel, ..)| *channel == route.channel) {
                Some((.., from)) => *from = planned.min(*from),
                None => story.told.push((route.channel.clone(), route.audience.to_owned(), planned)),
            }
            out.push(Change::Owe(Box::new(notice)));
        }
        out.push(Change::Story(story.clone()));
        self.stories.insert(service.clone(), story);
    }

    /// It is over: whoever was told of it is told, and nobody else.
    fn closed(
        &mut self,
        people: &People,
        service: &Name,
        incident: u32,
        line: &Line,
        around: &Around,
        out: &mut Vec<Change>,
    ) {
        let Some(mut story) = self.stories.remove(service).filter(|story| story.incident == incident) else {
            // Its opening was never written: that it was there is told now.
            return self.page(people, line, around, "resolved", out);
        };
        out.push(Change::Cancel {
            service: service.clone(),
            incident,
            channel: None,
            acknowledged: false,
            at: line.wall,
        });
        let rung = story.rung.clone();
        let quiet = of_story(people, service, rung.as_deref());
        for (channel, audience, from) in &story.told {
            if *from > line.wall {
                continue;
            }
            let due = quiet.iter().find(|route| route.channel == *channel);
            let due = due.map_or(line.wall, |route| route.due(line.wall));
            let route = Route { channel: channel.clone(), audience: "", tell: None, quiet: None };
            let notice = Notice {
                incident: Some(incident),
                audience: audience.clone(),
                due,
                ..self.notice(line, "resolved", rung.as_deref(), &route)
            };
            out.push(Change::Owe(Box::new(notice)));
        }
        for (place, (after, text, channels)) in afterwards(people, service, rung.as_deref()).enumerate() {
            for channel in channels {
                let route =
                    Route { channel: channel.clone(), audience: "responders", tell: None, quiet: None };
                let mut notice = self.notice(line, "follow_up", rung.as_deref(), &route);
                notice.about = format!("{}#{place}", notice.about);
                notice.incident = Some(incident);
                notice.said["text"] = text.as_str().into();
                (notice.planned, notice.due) = (line.wall + *after, line.wall + *after);
                out.push(Change::Owe(Box::new(notice)));
            }
        }
        story.closed = Some(line.wall);
        out.push(Change::Story(story));
    }

    /// What was told and is over now: that was not seen, since the daemon was not there.
    fn unseen(
        &mut self,
        people: &People,
        service: &Name,
        line: &Line,
        around: &Around,
        out: &mut Vec<Change>,
    ) {
        let Some(read) = &around.read_back else { return };
        let open = around.story.as_ref().map(|story| story.number);
        let over = self.stories.get(service).map(|story| story.incident).filter(|told| Some(*told) != open);
        if let Some(incident) = over {
            let text = format!("{service}: incident {incident} closed while this daemon was not there");
            let body = serde_json::json!({ "number": incident, "turn": "closed" });
            let line = Line { text, body, ..line.clone() };
            let before = out.len();
            self.closed(people, service, incident, &line, around, out);
            for change in &mut out[before..] {
                if let Change::Owe(notice) = change {
                    notice.about = format!("{}#i{incident}", notice.about);
                }
            }
        }
        let over = |(of, run): &&(Name, u64)| of == service && !read.unfinished.contains(run);
        let over: Vec<(Name, u64)> = self.runs.iter().filter(over).cloned().collect();
        for of in over {
            self.runs.remove(&of);
            if self.silent.remove(&of) {
                continue;
            }
            let run = of.1;
            let outcome =
                read.last.as_ref().filter(|(last, _)| *last == run).map(|(_, outcome)| outcome.as_str());
            let how = outcome.map_or_else(String::new, |outcome| format!(": {outcome}"));
            let text = format!("{service}: run {run} has ended while this daemon was not there{how}");
            let body = serde_json::json!({ "run": run, "outcome": outcome });
            let line = Line { text, body, ..line.clone() };
            let before = out.len();
            self.page(people, &line, around, "run_ended", out);
            for change in &mut out[before..] {
                // Several of them may hang on one event.
                if let Change::Owe(notice) = change {
                    notice.about = format!("{}#{run}", notice.about);
                }
            }
        }
    }

    /// Something is so no more: whoever was told that it was is told.
    fn over(&mut self, line: &Line, around: &Around, event: &'static str, out: &mut Vec<Change>) {
        let Some((_, of)) = OVER.iter().find(|(over, _)| *over == event) else { return };
        for (channel, audience) in self.so.remove(&(line.service.clone(), *of)).unwrap_or_default() {
            let rung = around.story.as_ref().and_then(|story| story.rung.as_ref());
            let route = Route { channel, audience: "", tell: None, quiet: None };
            let notice = self.notice(line, event, rung.map(Name::as_str), &route);
            out.push(Change::Owe(Box::new(Notice { audience, ..notice })));
        }
    }

    fn page(
        &mut self,
        people: &People,
        line: &Line,
        around: &Around,
        event: &'static str,
        out: &mut Vec<Change>,
    ) {
        let story = around.story.as_ref();
        let rung = story.and_then(|story| story.rung.as_ref()).map(Name::as_str);
        let since = story.map(|story| line.wall.since(story.first_failed));
        let mut routes = of_page(people, line.service.as_ref(), rung, since);
        if routes.is_empty() {
            routes = everyone(people);
        }
        if OVER.iter().any(|(_, of)| *of == event) {
            let told = routes.iter().map(|route| (route.channel.clone(), route.audience.to_owned()));
            self.so.insert((line.service.clone(), event), told.collect());
        }
        for route in routes {
            let mut notice = self.notice(line, event, rung, &route);
            notice.incident = story.map(|story| story.number);
            out.push(Change::Owe(Box::new(notice)));
        }
    }

    /// Its key is (service, seq, channel, rung); a number that begins anew in each life goes with that life.
    fn notice(&self, line: &Line, event: &'static str, rung: Option<&str>, route: &Route<'_>) -> Notice {
        let service = line.service.as_ref().map_or("-", Name::as_str);
        let mut said = line.body.clone();
        if let Some(said) = said.as_object_mut() {
            said.insert("text".to_owned(), line.text.clone().into());
            said.insert("rung".to_owned(), rung.into());
        }
        Notice {
            about: format!("{}/{service}/{}/{}", self.life, line.seq, rung.unwrap_or("-")),
            service: line.service.clone(),
            incident: None,
            run: line.body["run"].as_u64(),
            step: None,
            channel: route.channel.clone(),
            event: event.to_owned(),
            audience: route.audience.to_owned(),
            said,
            at: line.wall,
            planned: line.wall,
            due: line.wall,
            promised: None,
            repeat: None,
            until_acknowledged: false,
            again: 0,
            instead: None,
        }
    }
}

/// Whether a rung is above what was told; what a config does not know any more is below.
fn higher(people: &People, service: &Name, rung: Option<&str>, told: Option<&str>) -> bool {
    let place = |rung: Option<&str>| {
        let words = people.services.get(service)?;
        words.escalations.iter().position(|(name, _)| Some(name.as_str()) == rung)
    };
    match (place(rung), place(told)) {
        (None, None) => rung.is_some() && rung != told,
        (now, before) => now > before,
    }
}

fn number(body: &Value, key: &str) -> u64 {
    body[key].as_u64().unwrap_or_default()
}

fn remember(all: &mut BTreeSet<(Name, u64)>, one: (Name, u64)) {
    while all.len() >= RUNS {
        all.pop_first();
    }
    all.insert(one);
}
