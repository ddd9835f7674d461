//! The demo for people: a line for each thing that happens, with a clock and a word for who does what; then what it comes
//! to. Colour, and a line that is written over while something is waited for, only on a terminal.

use super::super::print;
use super::summed;
use crate::demo::{Moment, Said, Told};

const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";

/// Where the lines go.
pub(super) struct Lines {
    pub(super) colour: bool,
    pub(super) terminal: bool,
    /// The last line says what is waited for, and is to be written over.
    pub(super) waits: bool,
    /// It stays afterwards.
    pub(super) keep: bool,
}

impl Lines {
    pub(super) fn tell(&mut self, said: Said<'_>) {
        match said {
            Said::Moment(moment) => {
                let Some((word, colour)) = word(moment) else { return };
                self.clear();
                let word = self.paint(colour, &format!("{word:9}"));
                print(&format!("{:6.1} s  {word} {}\n", moment.at, moment.text));
                if moment.kind == "decided" {
                    for line in gates(moment) {
                        print(&self.paint(DIM, &format!("                    {line}\n")));
                    }
                }
            }
            Said::Why(service, why) => {
                self.clear();
                let mut text = self.paint(BOLD, &format!("          $ watchkeeper why {service}\n"));
                for line in why.lines() {
                    let colour = if line.contains("would start") { BOLD } else { DIM };
                    text += &self.paint(colour, &format!("            {line}\n"));
                }
                print(&text);
            }
            Said::Waits(at, what) if self.terminal => {
                let line = self.paint(DIM, &format!("{at:6.1} s  waiting for {what}"));
                print(&format!("\r\u{1b}[K{line}"));
                self.waits = true;
            }
            // What is piped is not written over: there, only what happens is written.
            Said::Waits(..) => {}
            Said::Told(told) => {
                self.clear();
                print(&self.summary(told));
            }
        }
    }

    /// The line that waits goes.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.waits) {
            print("\r\u{1b}[K");
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        let (line, end) = text.strip_suffix('\n').map_or((text, ""), |line| (line, "\n"));
        if self.colour { format!("\u{1b}[{colour}m{line}\u{1b}[0m{end}") } else { text.to_owned() }
    }

    fn summary(&self, told: &Told) -> String {
        let table = summed::table(told);
        let mut text = format!("\n{}", self.paint(BOLD, &format!("{}\n", table.head)));
        for row in &table.rows {
            text += &format!("{row}\n");
        }
        text.push('\n');
        for line in summed::sentences(told) {
            text += &format!("{line}\n");
        }
        if self.keep {
            let api = &told.api;
            text += &format!(
                "\nThe daemon stays until Ctrl-C; its config is {} (edit it, then POST {api}/-/reload).\n",
                told.config_path
            );
            for path in
                ["/api/v1/status", "/api/v1/services/shop/why", "/api/v1/events", "/metrics", "/health"]
            {
                text += &format!("  {api}{path}\n");
            }
            text += &format!("  watchkeeper status --watch --api {}\n", api.trim_start_matches("http://"));
        } else {
            text += &format!(
                "{:.1} s in all; nothing is left of it. The config that was used: `watchkeeper demo --config`.\n",
                told.seconds
            );
        }
        text
    }
}

/// What every gate said: those that pass by name once nothing is in the way, each other with its reason.
fn gates(moment: &Moment) -> Vec<String> {
    if moment.body["answers"].is_null() {
        return Vec::new();
    }
    let answers = || moment.body["answers"].as_array().into_iter().flatten();
    let word = |answer: &serde_json::Value, key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    let passing: Vec<String> =
        answers().filter(|answer| answer["answer"] == "passes").map(|answer| word(answer, "gate")).collect();
    let mut lines = Vec::new();
    if passing.len() == answers().count() {
        lines.push(format!("every gate passes, {} of them:", passing.len()));
        lines.extend(passing.chunks(9).map(|some| format!("  {}", some.join(", "))));
    } else {
        lines.push(format!("{} gates pass", passing.len()));
    }
    for answer in answers().filter(|answer| answer["answer"] != "passes") {
        lines.push(format!(
            "gate {} {}: {}",
            word(answer, "gate"),
            word(answer, "answer"),
            word(answer, "why")
        ));
    }
    let loss = &moment.body["loss"];
    if let Some(rpo) = loss["rpo_seconds"].as_f64() {
        lines.push(match loss["seconds"].as_f64() {
            Some(stated) => format!("taking over now loses at most {stated:.1} s; the RPO is {rpo:.0} s"),
            None => format!("what taking over now loses nobody knows; the RPO is {rpo:.0} s"),
        });
    }
    lines
}

/// Who does what, in one word and its colour; none: of no interest to who looks on.
fn word(moment: &Moment) -> Option<(&'static str, &'static str)> {
    let body = &moment.body;
    Some(match (moment.who, moment.kind.as_str()) {
        ("demo", "breaks") => ("breaks", RED),
        ("demo", "heals") => ("heals", GREEN),
        ("demo", "recovers") => ("well", GREEN),
        ("demo", "served") => ("users", GREEN),
        ("demo", _) => ("demo", DIM),
        (_, "health") if body["health"] == "down" => ("sees", RED),
        (_, "health") => ("sees", GREEN),
        (_, "incident") => match body["turn"].as_str() {
            Some("blipped") => ("suspects", YELLOW),
            Some("opened" | "raised" | "flapped") => ("judges", RED),
            _ => ("judges", GREEN),
        },
        (_, "standing") => ("judges", if body["worst"].is_null() { GREEN } else { RED }),
        (_, "region_lost") => ("judges", RED),
        (_, "region_back" | "active" | "seeing") => ("judges", GREEN),
        (_, "blind") => ("judges", YELLOW),
        (_, "asked" | "answered") => ("asks", YELLOW),
        (_, "decided") => ("decides", BOLD),
        (_, "isolated") => ("doubts", YELLOW),
        (_, "trusted") => ("trusts", GREEN),
        (_, "paged" | "requested") => ("tells", YELLOW),
        (_, "started" | "ended") => ("acts", BOLD),
        (_, "journalled") => ("acts", if body["reply"] == "done" { GREEN } else { DIM }),
        _ => return None,
    })
}
