//! What a notice says: what happened, to what, and what to do next. The built-in words; docs/NOTICES.md has the table.
//!
//! It must never show more than the chronicle does, and customers and the public nothing of how it is run.

use serde_json::Value;

use crate::chronicle::Owed;
use crate::config::wiring::People;
use crate::core::ids::Name;
use crate::core::time::Span;

/// What is said, before a channel writes it in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) sign: &'static str,
    pub(super) head: String,
    pub(super) lines: Vec<String>,
    pub(super) links: Vec<(String, String)>,
}

/// What somebody who reads it does next; none: there is nothing to do. `S` is the service, `R` the run.
#[must_use]
pub fn what_to_do(event: &str) -> Option<&'static str> {
    Some(match event {
        "opened" | "raised" | "update" => "look: `watchkeeper why S`, then acknowledge the incident",
        "follow_up" => "do it, and note that it is done",
        "held" => "look: `watchkeeper status`; then retry, skip, abort or hand over run R",
        "ends" => "look what run R has done and left, and acknowledge it",
        "missed" => "look where run R is: `watchkeeper status`",
        "refused" => {
            "look which gates block: `watchkeeper why S`; fail over by hand, or mend what is in the way"
        }
        "approval" => "look at the preview, and approve or veto it",
        "foreign" => "find out who else acts on S; then `watchkeeper adopt S REGION`",
        "no_journal" => "restore the store from a backup, or take run R over by hand and adopt S",
        "blind" => "look for yourself whether S serves its users there: no probe can say",
        "drifted" => {
            "stop the writes to the wrong region, or `watchkeeper adopt S REGION` if it is the right one"
        }
        "region_lost" => "check with the region's provider; services move as their plans say",
        "resumed" => "look that the run goes on: `watchkeeper status`",
        _ => return None,
    })
}

/// What a notice says to whoever is told.
pub(super) fn of(people: &People, observer: &str, owed: &Owed) -> Words {
    let notice = &owed.notice;
    let said = &notice.said;
    let service = notice.service.as_ref().map(Name::as_str);
    let outside = matches!(notice.audience.as_str(), "customers" | "public");
    let text = said["text"].as_str().unwrap_or("(no words)");
    let head = match (outside, notice.event.as_str()) {
        (true, event) => for_the_public(service.unwrap_or("our service"), event).to_owned(),
        (false, "update") => format!("still so (told {} times): {text}", notice.again + 1),
        (false, "follow_up") => format!("{}: {text}", service.unwrap_or_default()),
        (false, _) => text.to_owned(),
    };
    let mut lines = Vec::new();
    if !outside {
        lines.push(place(notice.incident, notice.run, notice.step.as_deref(), said));
        lines.push(format!("at {}, seen by {observer}", notice.at));
        if let Some(todo) = what_to_do(&notice.event) {
            let run = notice.run.map_or_else(|| "R".to_owned(), |run| run.to_string());
            let todo = words(todo, &[("S", service.unwrap_or("SERVICE")), ("R", &run)]);
            lines.push(format!("Next: {todo}"));
        }
        if let Some(other) = &notice.instead {
            lines.push(format!("(told here, since channel {other} does not deliver)"));
        }
    }
    lines.retain(|line| !line.is_empty());
    let mut links: Vec<(String, String)> = Vec::new();
    if !outside {
        links.extend(people.public_url.as_ref().map(|url| ("status".to_owned(), url.to_string())));
        let own = notice.service.as_ref().and_then(|service| people.services.get(service));
        let all = people.links.iter().chain(own.iter().flat_map(|words| &words.links));
        links.extend(all.map(|(name, url)| (name.to_string(), url.clone())));
    }
    Words { sign: sign(&notice.event), head, lines, links }
}

/// Whole words only: a service may be called as it likes.
fn words(text: &str, names: &[(&str, &str)]) -> String {
    let known = |word: &str| names.iter().find(|(name, _)| *name == word).map(|(_, is)| *is);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        out += &rest[..at];
        rest = &rest[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        out += known(&rest[..end]).unwrap_or(&rest[..end]);
        rest = &rest[end..];
    }
    out + rest
}

fn place(incident: Option<u32>, run: Option<u64>, step: Option<&str>, said: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(incident) = incident {
        let rung = said["rung"].as_str().map_or_else(String::new, |rung| format!(" ({rung})"));
        parts.push(format!("incident {incident}{rung}"));
    }
    parts.extend(run.map(|run| format!("run {run}")));
    parts.extend(step.map(|step| format!("step {step}")));
    parts.join(", ")
}

fn for_the_public(service: &str, event: &str) -> String {
    match event {
        "resolved" => format!("{service}: the disturbance is over."),
        "update" => format!("{service}: the disturbance goes on; we are working on it."),
        _ => format!("{service} is disturbed; we are working on it."),
    }
}

fn sign(event: &str) -> &'static str {
    match event {
        "opened" | "raised" | "held" | "ends" | "refused" | "foreign" | "no_journal" | "blind"
        | "drifted" | "region_lost" => ":red_circle:",
        "update" | "approval" | "missed" | "run_started" | "resumed" => ":large_orange_circle:",
        "resolved" | "run_ended" | "seeing" | "drift_over" | "region_back" | "approval_over" => {
            ":large_green_circle:"
        }
        _ => ":information_source:",
    }
}

/// As log lines want a wait.
pub(super) fn waits(span: Span) -> String {
    span.to_string()
}
