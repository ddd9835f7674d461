//! What the demo has shown, as one value: when what happened, what was decided and done, how long it took, and what users
//! saw. It measures what was recorded, and never makes up what was not.
//!
//! `--json` prints it as one object. `ok`, `failed`: whether it has shown what it had to, else what is missing.
//! `broke`: `service`, `observer`, `both`, `nothing`. `timeline`: all that happened, each with `at` (seconds since the
//! beginning), `who` (`demo` or `daemon`), `kind`, `text`, `body`. `measured`: seconds from the fault on. `worst`: how long
//! each may take, by the daemon's own view. `decision`: the last one while it was broken, with its plan, `gates` in its way,
//! `answers` (each gate's) and `loss`. `run`: the live failover with its steps. `rto`, `rpo`: measured and stated, beside
//! the objective. `users`: what became of their writes. `pages`: what people would be paged for. `quarantined`: regions that
//! came back and are no candidate yet. `why`: as `watchkeeper why shop` has it. `config_path`, `config`, `api`, `seconds`.

use serde::Serialize;
use serde_json::Value;

use super::users::Write;
use crate::core::time::Span;
use crate::core::view::WorstCase;

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Moment {
    /// Seconds since the demo began.
    pub at: f64,
    /// Who says so: `demo`, or `daemon`, which has it in its chronicle.
    pub who: &'static str,
    /// What, in one word: the demo's are `begins`, `breaks`, `heals`, `recovers`; the daemon's those of its chronicle.
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
    /// No gate is in the way: everybody has looked again.
    pub would_start: Option<f64>,
    /// The run's start is durable.
    pub started: Option<f64>,
    /// The step after which users are served is done and verified.
    pub served: Option<f64>,
    /// The run's end is durable.
    pub ended: Option<f64>,
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
    /// To the end of the run, with all its time-outs and tries.
    pub ended: f64,
}

impl From<&WorstCase> for Worst {
    fn from(worst: &WorstCase) -> Worst {
        Worst {
            first_failed: seconds(worst.first),
            down: seconds(worst.detection),
            decided: seconds(worst.detection.max(worst.first.plus(worst.held))),
            would_start: seconds(worst.to_start()),
            ended: seconds(worst.to_end()),
        }
    }
}

/// The live failover.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunTold {
    /// Its number,
    pub run: u64,
    /// its plan
    pub plan: String,
    /// and how it ended; none: it has not.
    pub outcome: Option<String>,
    /// Its steps, in the order in which they began.
    pub steps: Vec<StepTold>,
}

/// One step of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StepTold {
    /// Its name.
    pub step: String,
    /// From the fault to its first intent,
    pub from: f64,
    /// and from there to the last that was heard of it.
    pub seconds: f64,
    /// So often it was tried.
    pub tries: u64,
    /// What was heard last.
    pub heard: String,
}

/// From the first failed sample to the first verified success for users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rto {
    /// What is promised.
    pub objective: Option<f64>,
    /// What it was.
    pub measured: Option<f64>,
    /// From the fault to the first failed sample: before any clock runs.
    pub unseen: Option<f64>,
    /// From the first failed sample to the last strike.
    pub detect: Option<f64>,
    /// From there until everybody has looked again and no gate is in the way.
    pub confirm: Option<f64>,
    /// From there until the start is durable.
    pub decide: Option<f64>,
    /// From there until users are served, verified: all steps.
    pub steps: Option<f64>,
}

/// What was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rpo {
    /// What is promised, in seconds.
    pub objective: Option<f64>,
    /// The most that it would lose, as it was stated when the run was decided.
    pub stated: Option<f64>,
    /// Writes that were acknowledged and are gone.
    pub lost: u64,
    /// From the oldest of them to the fault.
    pub lost_seconds: f64,
}

/// What users saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct UsersTold {
    /// Writes that were acknowledged,
    pub acknowledged: u64,
    /// of these by another region than where they went before the fault,
    pub elsewhere: u64,
    /// and by the region that was broken, after it came back.
    pub by_returned: u64,
    /// Writes that were refused, or not answered.
    pub refused: u64,
    /// Seconds in which nothing succeeded.
    pub down: f64,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// It has shown what it had to.
    pub ok: bool,
    /// What it had to show, and has not.
    pub failed: Option<String>,
    /// What was broken: `service`, `observer`, `both` or `nothing`.
    pub broke: &'static str,
    /// All that happened, in order.
    pub timeline: Vec<Moment>,
    /// How long it took,
    pub measured: Measured,
    /// and may take.
    pub worst: Worst,
    /// What was decided last while it was broken, with its plan, regions, gates and their answers; none: nothing.
    pub decision: Option<Value>,
    /// The failover; none: none was started.
    pub run: Option<RunTold>,
    /// Time, beside what is promised.
    pub rto: Rto,
    /// Loss, beside what is promised.
    pub rpo: Rpo,
    /// What users saw.
    pub users: UsersTold,
    /// What people would be paged for, in sentences.
    pub pages: Vec<String>,
    /// Regions that came back and are no candidate before they have been well for long enough.
    pub quarantined: Vec<String>,
    /// Why, as `watchkeeper why shop` had it while it was broken.
    pub why: Option<String>,
    /// What `check` finds unwise about the config: a toy has neither peers nor channels.
    pub unwise: Vec<String>,
    /// Where the config was,
    pub config_path: String,
    /// and what it said.
    pub config: String,
    /// Where the API listened.
    pub api: String,
    /// From beginning to end, with all cleaned up, unless it was to stay.
    pub seconds: f64,
}

/// A span, to be read.
pub(super) fn seconds(span: Span) -> f64 {
    span.as_micros() as f64 / 1e6
}

impl Told {
    /// When the demo did that.
    pub(super) fn demo(&self, kind: &str) -> Option<f64> {
        self.timeline.iter().find(|m| m.who == "demo" && m.kind == kind).map(|m| m.at)
    }

    /// Reads off the timeline how long everything took, and what was done.
    pub(super) fn measure(&mut self) {
        let (Some(fault), healed) = (self.demo("breaks"), self.demo("heals")) else { return };
        let after = |from: f64, is: &dyn Fn(&Moment) -> bool| {
            let found = self.timeline.iter().find(|moment| moment.at >= from && is(moment));
            found.map(|moment| moment.at - fault)
        };
        let run = self.failover(fault);
        let (number, served) = (run.as_ref().map(|run| run.run), run.as_ref().and_then(served));
        self.measured = Measured {
            // A sample that happened to fail just before had its own word.
            first_failed: after(fault, &|m| m.kind == "incident" && m.body["turn"] == "blipped")
                .or_else(|| self.strike(fault)),
            down: after(fault, &|m| self.falls(m)),
            decided: after(fault, &wants),
            would_start: after(fault, &would_start),
            started: after(fault, &|m| number.is_some() && starts(m) == number),
            served,
            ended: after(fault, &|m| {
                number.is_some() && m.kind == "ended" && m.body["run"].as_u64() == number
            }),
            isolated: after(fault, &|m| m.kind == "isolated"),
            healed: healed.map(|at| at - fault),
            recovered: healed.and_then(|at| after(at, &|m| m.kind == "recovers")),
        };
        let paged = self.timeline.iter().filter(|m| m.at >= fault && m.kind == "paged");
        self.pages = paged.map(|moment| moment.text.clone()).collect();
        let by = self.timeline.iter().rfind(|moment| would_start(moment) && moment.at >= fault);
        self.rpo.stated = by.and_then(|moment| moment.body["loss"]["seconds"].as_f64());
        let m = self.measured;
        let between = |from: Option<f64>, to: Option<f64>| Some((to? - from?).max(0.0));
        self.rto = Rto {
            objective: self.rto.objective,
            measured: between(m.first_failed, m.served),
            unseen: m.first_failed,
            detect: between(m.first_failed, m.down),
            confirm: between(m.down, m.would_start),
            decide: between(m.would_start, m.started),
            steps: between(m.started, m.served),
        };
        self.run = run;
    }

    /// The first failover that was started after the fault, as the journal has it.
    fn failover(&self, fault: f64) -> Option<RunTold> {
        let after = || self.timeline.iter().filter(|moment| moment.at >= fault);
        let begins = after().find(|moment| starts(moment).is_some())?;
        let number = starts(begins)?;
        let of = |moment: &&Moment| moment.body["run"].as_u64() == Some(number);
        let ended = after().filter(of).find(|moment| moment.kind == "ended");
        let mut steps: Vec<StepTold> = Vec::new();
        for moment in after().filter(of).filter(|moment| moment.kind == "journalled") {
            let body = &moment.body;
            let Some(name) = body["step"].as_str() else { continue };
            let at = steps.iter().position(|step| step.step == name).unwrap_or_else(|| {
                let from = moment.at - fault;
                steps.push(StepTold { step: name.to_owned(), from, ..StepTold::default() });
                steps.len() - 1
            });
            let Some(step) = steps.get_mut(at) else { continue };
            if body["op"] == "do" {
                step.tries += 1;
            }
            if let Some(heard) = body["reply"].as_str() {
                (step.heard, step.seconds) = (heard.to_owned(), moment.at - fault - step.from);
            }
        }
        Some(RunTold {
            run: number,
            plan: begins.body["plan"].as_str().unwrap_or_default().to_owned(),
            outcome: ended.and_then(|moment| moment.body["outcome"].as_str()).map(str::to_owned),
            steps,
        })
    }

    /// A probe of the region that was broken comes to be down.
    fn falls(&self, moment: &Moment) -> bool {
        let broken = self.timeline.iter().find(|m| m.who == "demo" && m.kind == "breaks");
        let here = broken.is_some_and(|broken| broken.body["region"] == moment.body["region"]);
        here && moment.kind == "health" && moment.body["health"] == "down"
    }

    /// When the strikes began of a probe that came to be down after the fault.
    fn strike(&self, fault: f64) -> Option<f64> {
        let mut after = self.timeline.iter().filter(|moment| moment.at >= fault);
        let down = after.find(|moment| self.falls(moment))?;
        Some((down.at - down.body["held_seconds"].as_f64()? - fault).max(0.0))
    }

    /// What became of what users wrote; `kept`: what is there in the end, where it could be read.
    pub(super) fn reckon(&mut self, writes: &[Write], broken: Option<&str>, kept: Option<&[u64]>) {
        let (fault, healed) =
            (self.demo("breaks").unwrap_or(f64::MAX), self.demo("heals").unwrap_or(f64::MAX));
        let count = |of: &dyn Fn(&Write) -> bool| writes.iter().filter(|write| of(write)).count() as u64;
        let mut down = 0.0;
        let mut last = None;
        for write in writes {
            match (&write.by, last) {
                (None, None) => last = Some(write.at),
                (Some(_), Some(from)) => {
                    down += write.at - from;
                    last = None;
                }
                (None, Some(_)) | (Some(_), None) => {}
            }
        }
        down += last.zip(writes.last()).map_or(0.0, |(from, last)| last.at - from);
        self.users = UsersTold {
            acknowledged: count(&|write| write.by.is_some()),
            elsewhere: count(&|write| write.by.is_some() && write.by.as_deref() != broken),
            by_returned: count(&|write| {
                write.at >= healed && write.by.is_some() && write.by.as_deref() == broken
            }),
            refused: count(&|write| write.by.is_none()),
            down,
        };
        let Some(kept) = kept else { return };
        let gone = writes.iter().filter(|write| write.by.is_some() && !kept.contains(&write.number));
        let oldest = gone.clone().map(|write| write.at).fold(f64::MAX, f64::min);
        self.rpo.lost = gone.count() as u64;
        self.rpo.lost_seconds = if self.rpo.lost == 0 { 0.0 } else { (fault - oldest).max(0.0) };
    }
}

/// The last step of a run that verifies and has succeeded ends what its users wait for.
fn served(run: &RunTold) -> Option<f64> {
    let step = run.steps.iter().find(|step| step.step == SERVED && step.heard == "done")?;
    Some(step.from + step.seconds)
}

/// After this step users are served.
pub(super) const SERVED: &str = "served";

/// It would start something, or is kept from it.
pub(super) fn wants(moment: &Moment) -> bool {
    moment.kind == "decided" && moment.body["decision"] != "nothing"
}

/// No gate keeps it from that.
pub(super) fn would_start(moment: &Moment) -> bool {
    moment.kind == "decided" && moment.body["decision"] == "would_start"
}

/// The number of the failover that this starts.
fn starts(moment: &Moment) -> Option<u64> {
    let is = moment.kind == "started" && moment.body["kind"] == "failover";
    is.then(|| moment.body["run"].as_u64()).flatten()
}
