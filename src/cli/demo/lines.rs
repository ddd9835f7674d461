//! The demo for people: a line for each thing that happens, with a clock and a word for who does what; then what it comes
//! to. Colour, and a line that is written over while something is waited for, only on a terminal.

use super::super::print;
use crate::demo::{Measured, Moment, Said, Told, Worst};

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
        let mut text = format!(
            "\n{}",
            self.paint(
                BOLD,
                "after the fault                      measured   at worst, by the daemon's own view\n"
            )
        );
        for (what, took, worst) in rows(told.measured, told.worst) {
            let Some(took) = took else { continue };
            let worst = worst.map_or(String::new(), |worst| {
                format!("   {worst:5.1} s{}", if took > worst { "   later than that" } else { "" })
            });
            text += &format!("  {what:34} {took:5.1} s{worst}\n");
        }
        text.push('\n');
        if let Some(decision) = &told.decision {
            let word = |key: &str| decision[key].as_str().unwrap_or("?");
            let gates = decision["gates"].as_array().into_iter().flatten().filter_map(|gate| gate.as_str());
            let gates: Vec<&str> = gates.collect();
            let but =
                if gates.is_empty() { String::new() } else { format!(", but for: {}", gates.join(", ")) };
            let way = format!("would start plan {} ({} -> {}){but}", word("plan"), word("from"), word("to"));
            text += &format!("decided: {}\n", self.paint(BOLD, &way));
        } else if told.measured.isolated.is_some() {
            text += "decided: nothing. Who cannot see accuses nobody.\n";
        }
        text += &format!(
            "done:    nothing: the service was asked for no more than its health ({} other calls)\n",
            told.calls
        );
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

fn rows(measured: Measured, worst: Worst) -> [(&'static str, Option<f64>, Option<f64>); 7] {
    [
        ("first failed sample: suspected", measured.first_failed, Some(worst.first_failed)),
        ("third strike: down", measured.down, Some(worst.down)),
        ("decided", measured.decided, Some(worst.decided)),
        ("looked again: would start", measured.would_start, Some(worst.would_start)),
        ("isolated: says nothing any more", measured.isolated, None),
        ("healed (by the demo)", measured.healed, None),
        ("well again", measured.recovered, None),
    ]
}

/// Who does what, in one word and its colour; none: of no interest to who looks on.
fn word(moment: &Moment) -> Option<(&'static str, &'static str)> {
    let body = &moment.body;
    Some(match (moment.who, moment.kind.as_str()) {
        ("demo", "breaks") => ("breaks", RED),
        ("demo", "heals") => ("heals", GREEN),
        ("demo", "recovers") => ("well", GREEN),
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
        (_, "paged") => ("tells", YELLOW),
        (_, "started" | "journalled" | "ended") => ("acts", BOLD),
        _ => return None,
    })
}
