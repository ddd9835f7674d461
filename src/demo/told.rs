//! What the demo has shown, as one value: when what happened, what was decided, why, and how long it took. It decides
//! whether that is what it had to show.

use serde::Serialize;
use serde_json::Value;

use super::Break;
use crate::core::time::Span;
use crate::core::view::WorstCase;

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Moment {
    /// Seconds since the demo began.
    pub at: f64,
    /// Who says so: `demo`, or `daemon`, which has it in its chronicle.
    pub who: &'static str,
    /// What, in one word: the demo's are `begins`, `breaks`, `heals`; the daemon's those of its chronicle.
    pub kind: String,
    /// What, in a sentence.
    pub text: String,
    /// What, with its numbers.
    pub body: Value,
}

/// Seconds from the fault on; none: it has not happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// The first sample failed: it is suspected.
    pub first_failed: Option<f64>,
    /// The last strike: the probe is `down`.
    pub down: Option<f64>,
    /// The decision: it would start a run, or is kept from it.
    pub decided: Option<f64>,
    /// It would start it now: everybody has looked again, and nothing but the mode is in the way.
    pub would_start: Option<f64>,
    /// This observer distrusts its own view.
    pub isolated: Option<f64>,
    /// The toy was healed,
    pub healed: Option<f64>,
    /// and is known to be well again.
    pub recovered: Option<f64>,
}

/// The longest that each may take after the fault, by the daemon's own view of its config.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Worst {
    /// To the first failed sample.
    pub first_failed: f64,
    /// To the last strike.
    pub down: f64,
    /// To the decision: down, and the condition held for long enough.
    pub decided: f64,
    /// To the start of a run: everybody is asked to look again first.
    pub would_start: f64,
}

impl From<&WorstCase> for Worst {
    fn from(worst: &WorstCase) -> Worst {
        Worst {
            first_failed: seconds(worst.first),
            down: seconds(worst.detection),
            decided: seconds(worst.detection.max(worst.first.plus(worst.held))),
            would_start: seconds(worst.to_start()),
        }
    }
}

/// A span, to be read.
pub(super) fn seconds(span: Span) -> f64 {
    span.as_micros() as f64 / 1e6
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// It has shown what it had to.
    pub ok: bool,
    /// What it had to show, and has not.
    pub failed: Option<String>,
    /// What was broken: `service`, `observer` or `nothing`.
    pub broke: &'static str,
    /// All that happened, in order.
    pub timeline: Vec<Moment>,
    /// How long it took,
    pub measured: Measured,
    /// and may take.
    pub worst: Worst,
    /// What was decided last while it was broken, with its plan, regions and gates; none: nothing.
    pub decision: Option<Value>,
    /// Why, as `watchkeeper why shop` had it while it was broken.
    pub why: Option<String>,
    /// How often the toy was asked for more than its health: an observer that only watches never does.
    pub calls: u64,
    /// Where the config was,
    pub config_path: String,
    /// and what it said.
    pub config: String,
    /// Where the API listened.
    pub api: String,
    /// From beginning to end, with all cleaned up, unless it was to stay.
    pub seconds: f64,
}

impl Told {
    /// Reads off the timeline how long everything took.
    pub(super) fn measure(&mut self) {
        let at = |kind: &str| self.timeline.iter().find(|m| m.who == "demo" && m.kind == kind).map(|m| m.at);
        let (Some(fault), healed) = (at("breaks"), at("heals")) else { return };
        let after = |from: f64, is: &dyn Fn(&Moment) -> bool| {
            let found = self.timeline.iter().find(|moment| moment.at >= from && is(moment));
            found.map(|moment| moment.at - fault)
        };
        self.measured = Measured {
            // A sample that happened to fail just before had its own word.
            first_failed: after(fault, &|m| m.kind == "incident" && m.body["turn"] == "blipped")
                .or_else(|| self.strike(fault)),
            down: after(fault, &|m| m.kind == "health" && m.body["health"] == "down"),
            decided: after(fault, &wants),
            would_start: after(fault, &would_start),
            isolated: after(fault, &|m| m.kind == "isolated"),
            healed: healed.map(|at| at - fault),
            recovered: healed.and_then(|at| after(at, &|m| m.kind == "recovers")),
        };
    }

    /// When the strikes began of a probe that came to be down after the fault.
    fn strike(&self, fault: f64) -> Option<f64> {
        let mut after = self.timeline.iter().filter(|moment| moment.at >= fault);
        let down = after.find(|moment| moment.kind == "health" && moment.body["health"] == "down")?;
        Some((down.at - down.body["held_seconds"].as_f64()? - fault).max(0.0))
    }

    /// What it had to show, and has not.
    pub(super) fn judge(&self, breaks: Break) -> Option<String> {
        let (measured, worst) = (self.measured, self.worst);
        if self.calls > 0 {
            let calls = self.calls;
            return Some(format!(
                "it only watches, and yet asked the service for more than its health {calls} times"
            ));
        }
        let mut missing = match breaks {
            Break::Observer => {
                if let Some(moment) = self.timeline.iter().find(|moment| accuses(moment)) {
                    let (at, text) = (moment.at, &moment.text);
                    return Some(format!(
                        "the observer could see nothing, and yet says at {at:.1} s: {text}"
                    ));
                }
                vec![("that the observer isolates itself", measured.isolated, None)]
            }
            Break::Service | Break::Nothing => vec![
                ("the first failed sample", measured.first_failed, Some(worst.first_failed)),
                ("three strikes", measured.down, Some(worst.down)),
                ("a decision", measured.decided, Some(worst.decided)),
                ("that a run would start but for the mode", measured.would_start, Some(worst.would_start)),
            ],
        };
        missing.push(("that it is well again", measured.recovered, None));
        let (what, _, worst) = missing.into_iter().find(|(_, took, _)| took.is_none())?;
        let within = worst.map_or(String::new(), |worst| {
            format!(", and {worst:.1} s after the fault is the latest by the daemon's own view")
        });
        Some(format!("{what} was not seen in time{within}"))
    }
}

/// It would start something, or is kept from it.
pub(super) fn wants(moment: &Moment) -> bool {
    moment.kind == "decided" && moment.body["decision"] != "nothing"
}

/// Nothing keeps it from that but the mode, or nothing at all.
pub(super) fn would_start(moment: &Moment) -> bool {
    let gates = moment.body["gates"].as_array();
    wants(moment) && gates.is_some_and(|gates| gates.iter().all(|gate| gate == "mode"))
}

/// A region that is anything worse than well, an incident that opens, a decision to act. What its own probes come to is
/// no accusation: an observer that distrusts itself does not vote by them.
fn accuses(moment: &Moment) -> bool {
    match moment.kind.as_str() {
        "standing" => !moment.body["worst"].is_null(),
        "incident" => moment.body["turn"] == "opened",
        _ => wants(moment),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moment(at: f64, who: &'static str, kind: &str, body: Value) -> Moment {
        Moment { at, who, kind: kind.to_owned(), text: kind.to_owned(), body }
    }

    fn told(timeline: Vec<Moment>) -> Told {
        let worst = Worst { first_failed: 1.4, down: 2.2, decided: 2.4, would_start: 5.4 };
        let mut told = Told {
            ok: false,
            failed: None,
            broke: "service",
            timeline,
            measured: Measured::default(),
            worst,
            decision: None,
            why: None,
            calls: 0,
            config_path: String::new(),
            config: String::new(),
            api: String::new(),
            seconds: 0.0,
        };
        told.measure();
        told
    }

    fn whole() -> Vec<Moment> {
        let decided = |gates: Value| json!({ "decision": "blocked", "gates": gates });
        vec![
            moment(3.0, "demo", "breaks", json!({})),
            moment(3.5, "daemon", "incident", json!({ "turn": "blipped" })),
            moment(4.0, "daemon", "health", json!({ "health": "down" })),
            moment(4.5, "daemon", "decided", decided(json!(["mode", "quorum"]))),
            moment(5.0, "daemon", "decided", decided(json!(["mode"]))),
            moment(6.0, "demo", "heals", json!({})),
            moment(8.0, "demo", "recovers", json!({})),
        ]
    }

    #[test]
    fn whatever_is_missing_fails_it() {
        let mut early = whole();
        early[1].at = 2.9;
        early[2].body["held_seconds"] = json!(1.1);
        assert_eq!(told(early).measured.first_failed, Some(0.0));
        let good = told(whole());
        assert_eq!(good.judge(Break::Service), None);
        let measured = good.measured;
        assert_eq!(
            (
                measured.first_failed,
                measured.down,
                measured.decided,
                measured.would_start,
                measured.recovered
            ),
            (Some(0.5), Some(1.0), Some(1.5), Some(2.0), Some(5.0))
        );
        for (without, says) in
            [(1, "first failed"), (2, "three strikes"), (4, "but for the mode"), (6, "well again")]
        {
            let mut timeline = whole();
            timeline.remove(without);
            let why = told(timeline).judge(Break::Service).unwrap_or_default();
            assert!(why.contains(says), "{without}: {why}");
        }
        assert!(told(Vec::new()).judge(Break::Nothing).is_some());
        let called = Told { calls: 1, ..told(whole()) };
        assert!(called.judge(Break::Service).is_some_and(|why| why.contains("1 times")));
    }

    #[test]
    fn who_cannot_see_may_accuse_nobody() {
        let isolated = moment(4.0, "daemon", "isolated", json!({}));
        let mut blind: Vec<Moment> = whole().into_iter().filter(|m| m.who == "demo").collect();
        assert!(
            told(blind.clone()).judge(Break::Observer).is_some_and(|why| why.contains("isolates itself"))
        );
        blind.insert(1, isolated);
        assert_eq!(told(blind.clone()).judge(Break::Observer), None);
        let standing = moment(5.0, "daemon", "standing", json!({ "worst": "down" }));
        let opened = moment(5.0, "daemon", "incident", json!({ "turn": "opened" }));
        for said in whole().into_iter().filter(wants).chain([standing, opened]) {
            let mut accusing = blind.clone();
            accusing.insert(2, said.clone());
            let why = told(accusing).judge(Break::Observer);
            assert!(why.as_ref().is_some_and(|why| why.contains("and yet says")), "{said:?}: {why:?}");
        }
    }
}
