//! A run as it goes, to its end: on a terminal a bar and a clock a step and the RTO's budget burning down, drawn over
//! itself; elsewhere a line for each thing that changes.
//!
//! It only looks: Ctrl-C ends the looking, and never the run.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::ask::{Api, fails};
use super::{WELL, print};

/// It looks so often.
const OFTEN: Duration = Duration::from_millis(200);
/// A daemon that does not answer is asked so many times, one a second: it may be on its way back.
const PATIENCE: u32 = 60;
/// The chronicle has a run's end so many looks later, at most.
const LATE: u32 = 100;
/// How wide a bar is.
const WIDE: usize = 24;

/// Follows a run until it has ended: exit 0 if it is done, 1 if it is not.
pub(super) fn follow(api: &Api, service: &str, run: u64) -> ExitCode {
    let mut draws = Draws { terminal: stdout().is_terminal(), ..Draws::default() };
    let (mut silent, mut late) = (0, 0);
    loop {
        match api.get(&format!("/api/v1/runs/{service}/{run}")) {
            Ok(answer) if answer.code == 200 => {
                silent = 0;
                if let Ok(run) = serde_json::from_str(&answer.body) {
                    draws.draw(&run);
                }
            }
            Ok(answer) if answer.code == 404 => match ended(api, service, run) {
                Some(outcome) => {
                    draws.ends(run, &outcome);
                    return if outcome.starts_with("done") { WELL } else { ExitCode::FAILURE };
                }
                None if late < LATE => late += 1,
                None => {
                    return fails(&format!(
                        "run {run} of {service} is not under way, and its end is not known"
                    ));
                }
            },
            Ok(answer) => return fails(answer.body.trim_end()),
            Err(_) if silent < PATIENCE => {
                silent += 1;
                sleep(Duration::from_secs(1));
            }
            Err(why) => return fails(&why),
        }
        sleep(OFTEN);
    }
}

/// How it has ended, as the chronicle has it.
fn ended(api: &Api, service: &str, run: u64) -> Option<String> {
    let answer = api.get(&format!("/api/v1/services/{service}/events?limit=200")).ok()?;
    let events: Value = serde_json::from_str(&answer.body).ok()?;
    let mut events = events["events"].as_array()?.iter();
    let end = events.find(|event| event["kind"] == "ended" && event["body"]["run"] == run)?;
    end["body"]["outcome"].as_str().map(str::to_owned)
}

/// What was drawn, and what it remembers of each step: when it began, in seconds of the run.
#[derive(Default)]
struct Draws {
    terminal: bool,
    lines: usize,
    began: BTreeMap<String, f64>,
    took: BTreeMap<String, f64>,
    states: BTreeMap<String, String>,
    served: Option<f64>,
}

impl Draws {
    fn draw(&mut self, run: &Value) {
        self.note(run);
        if self.terminal {
            let frame = self.frame(run);
            let over = if self.lines > 0 { format!("\u{1b}[{}A\u{1b}[J", self.lines) } else { String::new() };
            self.lines = frame.lines().count();
            print(&format!("{over}{frame}"));
        } else {
            for line in self.changes(run) {
                print(&line);
            }
        }
    }

    fn ends(&mut self, run: u64, outcome: &str) {
        print(&format!("run {run} has ended: {outcome}\n"));
    }

    /// When each step began, and how long it took.
    fn note(&mut self, run: &Value) {
        let now = run["seconds"].as_f64().unwrap_or_default();
        for (name, step) in steps(run) {
            let since = now - step["seconds"].as_f64().unwrap_or_default();
            match step["state"].as_str().unwrap_or_default() {
                "waiting" | "skipped" | "not applied" => {}
                "done" | "failed" => {
                    let began = *self.began.entry(name.clone()).or_insert(since);
                    self.took.entry(name).or_insert(since - began);
                }
                _ => {
                    self.began.entry(name.clone()).or_insert(since);
                    self.took.remove(&name);
                }
            }
        }
        if run["served"] == true && self.served.is_none() {
            self.served = Some(run["failing"].as_f64().unwrap_or(now));
        }
    }

    fn frame(&self, run: &Value) -> String {
        let now = run["seconds"].as_f64().unwrap_or_default();
        let mut out = format!("{}, {now:.1} s\n", head(run));
        out += &self.budget(run);
        for (name, step) in steps(run) {
            let state = step["state"].as_str().unwrap_or_default();
            let gone = match (self.took.get(&name), self.began.get(&name)) {
                (Some(took), _) => Some(*took),
                (None, Some(began)) => Some(now - began),
                (None, None) => None,
            };
            let most = step["timeout"].as_f64().unwrap_or_default();
            let share = match (state, gone) {
                ("done" | "skipped", _) => 1.0,
                (_, Some(gone)) if most > 0.0 => gone / most,
                (_, _) => 0.0,
            };
            let clock = gone.map_or(String::new(), |gone| format!("{gone:6.1} s"));
            out += &format!("  {state:11} {} {clock:8} {name}\n", bar(share));
        }
        for line in says(run) {
            out += &format!("  {line}\n");
        }
        out
    }

    /// How much of the RTO is left, as far as there is one.
    fn budget(&self, run: &Value) -> String {
        let Some(rto) = run["rto"].as_f64() else { return String::new() };
        let gone = run["failing"].as_f64().or(run["seconds"].as_f64()).unwrap_or_default();
        if let Some(served) = self.served {
            return format!("  users are served after {served:.1} s, of {rto} s by the RTO\n");
        }
        let left = rto - gone;
        let text = if left >= 0.0 { format!("{left:.1} s left") } else { format!("over by {:.1} s", -left) };
        format!("  RTO {rto} s   {} {text}\n", bar(left / rto))
    }

    /// A line for each thing that has changed.
    fn changes(&mut self, run: &Value) -> Vec<String> {
        let now = run["seconds"].as_f64().unwrap_or_default();
        let mut all = vec![("run".to_owned(), head(run))];
        all.extend(steps(run).into_iter().map(|(name, step)| {
            let state = step["state"].as_str().unwrap_or_default();
            let detail = step["detail"].as_str().map_or(String::new(), |why| format!(" ({why})"));
            (format!("step {name}"), format!("step {name}: {state}{detail}"))
        }));
        all.extend(says(run).into_iter().map(|line| (line.clone(), line)));
        if self.served.is_some() {
            all.push(("served".to_owned(), self.budget(run).trim().to_owned()));
        }
        let mut lines = Vec::new();
        for (what, line) in all {
            let waits = line.ends_with(": waiting");
            if !line.is_empty() && self.states.get(&what) != Some(&line) {
                self.states.insert(what, line.clone());
                if !waits {
                    lines.push(format!("{now:6.1} s  {line}\n"));
                }
            }
        }
        lines
    }
}

fn head(run: &Value) -> String {
    let text = |key: &str| run[key].as_str().unwrap_or_default();
    let place = match run["from"].as_str() {
        Some(from) => format!("{from} -> {}", text("to")),
        None => format!("in {}", text("to")),
    };
    let mode = if text("mode") == "live" { String::new() } else { format!(" ({})", text("mode")) };
    format!("run {} of {}: {}{mode}, {place}, {}", run["run"], text("service"), text("plan"), text("state"))
}

/// Its steps, and those that are taken back.
fn steps(run: &Value) -> Vec<(String, &Value)> {
    let list = |key: &str| run[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |step: &Value, undone: bool| {
        let name = step["name"].as_str().unwrap_or_default();
        if undone { format!("{name}, taken back") } else { name.to_owned() }
    };
    let back =
        list("undone").iter().filter(|step| step["state"] != "waiting" && step["state"] != "not applied");
    list("steps")
        .iter()
        .map(|step| (named(step, false), step))
        .chain(back.map(|step| (named(step, true), step)))
        .collect()
}

/// What keeps it, and what it asks of people.
fn says(run: &Value) -> Vec<String> {
    let mut lines: Vec<String> = run["held"].as_str().map(|why| format!("held: {why}")).into_iter().collect();
    for step in run["steps"].as_array().into_iter().flatten() {
        if let (Some(why), true) = (step["detail"].as_str(), step["state"] != "done") {
            lines.push(format!("{}: {why}", step["name"].as_str().unwrap_or_default()));
        }
    }
    for ask in run["asks"].as_array().into_iter().flatten() {
        let part = |key: &str| ask[key].as_str().unwrap_or_default();
        if let Some(text) = ask["text"].as_str() {
            lines.push(format!(
                "{} asks {} of {}: {text} ({} so far)",
                part("step"),
                ask["count"],
                part("role"),
                ask["given"]
            ));
        }
        for (at, item) in ask["items"].as_array().into_iter().flatten().enumerate() {
            let tick = if item["ticked"] == true { "x" } else { " " };
            lines.push(format!(
                "{} asks {}: [{tick}] {at} {}",
                part("step"),
                part("role"),
                item["text"].as_str().unwrap_or_default()
            ));
        }
    }
    lines
}

/// So much of it.
fn bar(share: f64) -> String {
    let tenths = (0..WIDE).filter(|at| (*at as f64 + 0.5) / (WIDE as f64) < share).count();
    format!("[{}{}]", "#".repeat(tenths), "-".repeat(WIDE - tenths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run() -> Value {
        json!({
            "run": 3, "service": "shop", "plan": "failover", "mode": "live", "from": "east", "to": "west",
            "state": "running", "held": null, "seconds": 3.0, "failing": 10.0, "rto": 40.0, "served": false,
            "steps": [
                { "name": "fence", "state": "done", "seconds": 1.0, "timeout": 2.0 },
                { "name": "move", "state": "calling", "seconds": 1.0, "timeout": 2.0 },
                { "name": "look", "state": "waiting", "seconds": 3.0, "timeout": 2.0 },
            ],
            "undone": [], "asks": [],
        })
    }

    #[test]
    fn a_frame_has_a_bar_and_a_clock_a_step_and_the_budget() {
        let mut draws = Draws::default();
        draws.began.insert("fence".to_owned(), 0.5);
        draws.note(&run());
        assert_eq!(
            draws.frame(&run()),
            "run 3 of shop: failover, east -> west, running, 3.0 s\n  RTO 40 s   [##################------] 30.0 s left\n  \
             done        [########################]    1.5 s fence\n  calling     [############------------]    1.0 s move\n  \
             waiting     [------------------------]          look\n"
        );
        let mut late = run();
        (late["failing"], late["served"]) = (json!(52.0), json!(true));
        assert!(draws.budget(&late).contains("over by 12.0 s"), "{}", draws.budget(&late));
        draws.note(&late);
        assert_eq!(draws.budget(&late), "  users are served after 52.0 s, of 40 s by the RTO\n");
    }

    #[test]
    fn without_a_terminal_a_line_is_a_change() {
        let mut draws = Draws::default();
        assert_eq!(
            draws.changes(&run()),
            [
                "   3.0 s  run 3 of shop: failover, east -> west, running\n",
                "   3.0 s  step fence: done\n",
                "   3.0 s  step move: calling\n",
            ]
        );
        assert!(draws.changes(&run()).is_empty(), "nothing has changed");
        let mut held = run();
        (held["state"], held["held"], held["seconds"]) =
            ("held".into(), "step move needs a person".into(), 4.0.into());
        held["steps"][1]["state"] = "held".into();
        held["asks"] = json!([
            { "step": "yes", "role": "approver", "text": "go?", "count": 2, "given": 1, "items": [] },
            { "step": "look", "role": "operator", "text": null, "items": [{ "text": "a", "ticked": true }] },
        ]);
        assert_eq!(
            draws.changes(&held),
            [
                "   4.0 s  run 3 of shop: failover, east -> west, held\n",
                "   4.0 s  step move: held\n",
                "   4.0 s  held: step move needs a person\n",
                "   4.0 s  yes asks 2 of approver: go? (1 so far)\n",
                "   4.0 s  look asks operator: [x] 0 a\n",
            ]
        );
    }
}
