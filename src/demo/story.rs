//! The story: well, broken, seen, decided, healed, well again. It follows the daemon's own chronicle and waits with
//! deadlines, so that it always ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::Stage;
use super::told::{Measured, Moment, Told, Worst, wants, would_start};
use super::{Break, Said, since};
use crate::core::time::Now;

/// The daemon's chronicle is read so often.
const LOOK: Duration = Duration::from_millis(50);
/// Until a new daemon knows both regions to be up.
const TO_BEGIN: f64 = 6.0;
/// How long all is well before it breaks.
const WELL: f64 = 2.0;
/// Beyond the worst case: the chronicle is written after the fact, and the machine may have other work.
const SLACK: f64 = 1.5;
/// How long the decision stands before the toy is healed.
const STANDS: f64 = 2.0;
/// Until all is well again. An isolated observer looks again every 5 s.
const TO_RECOVER: f64 = 8.0;

/// The one service of the toy.
const SERVICE: &str = "shop";

/// What was told so far.
pub(super) struct Story<'a> {
    begun: Now,
    breaks: Break,
    tell: &'a mut (dyn FnMut(Said<'_>) + Send),
    timeline: Vec<Moment>,
    /// Where the service is active.
    active: String,
    /// The newest event of the chronicle that was read.
    newest: u64,
    worst: Worst,
    why: Option<String>,
    decision: Option<Value>,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        begun: Now,
        breaks: Break,
        stage: &Stage,
        tell: &'a mut (dyn FnMut(Said<'_>) + Send),
    ) -> Story<'a> {
        let worst = Worst::from(&stage.config.worst);
        Story {
            begun,
            breaks,
            tell,
            timeline: Vec::new(),
            active: String::new(),
            newest: 0,
            worst,
            why: None,
            decision: None,
        }
    }

    /// All of it. What did not happen in time is missing in what is told; what could not even be asked is an error.
    pub(super) async fn play(&mut self, stage: &mut Stage) -> Result<(), String> {
        self.begin(stage);
        if !self.until(stage, TO_BEGIN, "the daemon to know both regions", |_, seen| well(seen)).await? {
            return Err(format!(
                "{SERVICE} was not known to be up in both regions within {TO_BEGIN} s: nothing can be shown"
            ));
        }
        self.pass(stage, WELL, "a quiet moment").await?;
        self.breaks(stage).await?;
        match self.breaks {
            Break::Service | Break::Nothing => self.decides(stage).await?,
            Break::Observer => self.isolates(stage).await?,
        }
        stage.toy.mend().await.map_err(|why| format!("the toy cannot be healed: {why}"))?;
        self.say("heals", "the toy answers again, in every region".to_owned(), json!({}));
        let calm = |story: &Story<'_>, seen: &Value| {
            let closed = story.after("heals", |m| m.kind == "incident" && m.body["turn"] == "closed");
            well(seen) && (closed || story.breaks != Break::Service)
        };
        if self.until(stage, TO_RECOVER, "the daemon to see that all is well", calm).await? {
            let text = format!(
                "all is well again: {SERVICE} is known to be up in both regions, and nothing would be done"
            );
            self.say("recovers", text, json!({}));
        }
        Ok(())
    }

    fn begin(&mut self, stage: &Stage) {
        let [east, west] = stage.toy.regions.each_ref().map(|door| door.address);
        let unwise = match stage.config.warnings {
            0 => "`check` finds nothing wrong or unwise".to_owned(),
            count => format!("`check` finds {count} unwise things"),
        };
        let body = json!({ "east": east.to_string(), "west": west.to_string(), "api": stage.url(""),
                           "config": stage.config.path.display().to_string() });
        let text =
            format!("a toy {SERVICE} answers in east ({east}) and west ({west}), both on this machine");
        self.say("begins", text, body);
        self.say("begins", format!("its config is {} ({unwise})", stage.config.path.display()), json!({}));
        self.say(
            "begins",
            format!("the daemon watches both; its API is {}", stage.url("/api/v1/status")),
            json!({}),
        );
    }

    async fn breaks(&mut self, stage: &mut Stage) -> Result<(), String> {
        let toy = &mut stage.toy;
        let text = match self.breaks {
            Break::Service => {
                // Said before it is done, so that nothing that follows from it comes first.
                let (active, body) = (self.active.clone(), json!({ "region": self.active }));
                self.say(
                    "breaks",
                    format!("the server of {SERVICE} in {active}, where it is active, is stopped"),
                    body,
                );
                toy.end(&active).await;
                return Ok(());
            }
            Break::Observer => {
                "the daemon's own network is cut: both regions and all reference points swallow its packets"
            }
            Break::Nothing => "nothing is broken, so that nothing can be seen: this demo must fail",
        };
        self.say("breaks", text.to_owned(), json!({}));
        if self.breaks == Break::Observer {
            toy.vanish()
                .await
                .map_err(|why| format!("the toy's doors cannot be made to swallow packets: {why}"))?;
        }
        Ok(())
    }

    /// Until it is decided, and for as long as that stands.
    async fn decides(&mut self, stage: &mut Stage) -> Result<(), String> {
        let limit = self.worst.would_start + SLACK;
        let decides = |story: &Story<'_>, _: &Value| story.after("breaks", would_start);
        if self.until(stage, limit, "the daemon to see it and to decide", decides).await? {
            self.explains(stage).await?;
            return self.pass(stage, STANDS, "the decision to stand").await;
        }
        self.explains(stage).await
    }

    /// Until it isolates itself, and then for longer than it takes to accuse: what is not said must have had its time.
    async fn isolates(&mut self, stage: &mut Stage) -> Result<(), String> {
        let limit = self.worst.would_start + SLACK;
        self.until(stage, limit, "the daemon to doubt itself", |story, _| {
            story.after("breaks", |m| m.kind == "isolated")
        })
        .await?;
        let broken =
            self.timeline.iter().find(|moment| moment.kind == "breaks").map_or(0.0, |moment| moment.at);
        let rest = broken + self.worst.would_start + SLACK - since(self.begun);
        self.pass(stage, rest.max(STANDS), "anything to be accused").await?;
        self.explains(stage).await?;
        let text = "the daemon has had the time in which it decides, and knows nothing of any region";
        self.say("silent", text.to_owned(), json!({}));
        Ok(())
    }

    /// What the daemon itself says of it.
    async fn explains(&mut self, stage: &Stage) -> Result<(), String> {
        let why = stage.get(&format!("/api/v1/services/{SERVICE}/why")).await?;
        (self.tell)(Said::Why(SERVICE, &why));
        self.why = Some(why);
        let last = self.timeline.iter().rev().find(|moment| moment.kind == "decided");
        self.decision = last.filter(|moment| wants(moment)).map(|moment| moment.body.clone());
        Ok(())
    }

    /// Follows the chronicle until that is so; false, if it is not in so many seconds.
    async fn until(
        &mut self,
        stage: &mut Stage,
        limit: f64,
        waits: &str,
        is_so: impl Fn(&Story<'_>, &Value) -> bool,
    ) -> Result<bool, String> {
        let from = since(self.begun);
        loop {
            let status = self.follow(stage).await?;
            if is_so(self, &status) {
                return Ok(true);
            }
            let now = since(self.begun);
            if now - from > limit {
                return Ok(false);
            }
            (self.tell)(Said::Waits(now, waits));
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                why = stage.running.fails() => return Err(format!("the daemon has ended: {why}")),
            }
        }
    }

    /// Follows the chronicle for so many seconds.
    async fn pass(&mut self, stage: &mut Stage, seconds: f64, waits: &str) -> Result<(), String> {
        self.until(stage, seconds, waits, |_, _| false).await.map(drop)
    }

    /// Tells what is new in the chronicle. What is so now.
    async fn follow(&mut self, stage: &Stage) -> Result<Value, String> {
        let status = stage.json("/api/v1/status").await?;
        let events = stage.json("/api/v1/events?limit=500").await?;
        let mut new: Vec<&Value> = events["events"].as_array().into_iter().flatten().collect();
        new.retain(|event| event["id"].as_u64().is_some_and(|id| id > self.newest));
        // They come newest first.
        for event in new.into_iter().rev() {
            self.newest = event["id"].as_u64().unwrap_or(self.newest);
            let micros = event["micros"].as_u64().unwrap_or_default();
            let at = micros.saturating_sub(self.begun.wall.as_micros()) as f64 / 1e6;
            let text = event["body"]["text"].as_str().unwrap_or_default().to_owned();
            let kind = event["kind"].as_str().unwrap_or_default().to_owned();
            let mut body = event["body"].clone();
            if let Some(body) = body.as_object_mut() {
                body.remove("text");
            }
            self.add(Moment { at, who: "daemon", kind, text, body });
        }
        self.active = status["services"][0]["active"].as_str().unwrap_or_default().to_owned();
        Ok(status)
    }

    fn say(&mut self, kind: &str, text: String, body: Value) {
        let at = since(self.begun);
        self.add(Moment { at, who: "demo", kind: kind.to_owned(), text, body });
    }

    fn add(&mut self, moment: Moment) {
        (self.tell)(Said::Moment(&moment));
        self.timeline.push(moment);
    }

    /// Whether such a moment came after the demo's own of that kind.
    fn after(&self, kind: &str, is: impl Fn(&Moment) -> bool) -> bool {
        let from = self.timeline.iter().position(|moment| moment.who == "demo" && moment.kind == kind);
        from.is_some_and(|from| self.timeline.iter().skip(from).any(is))
    }

    /// What it comes to.
    pub(super) fn told(&mut self, stage: &Stage) -> Told {
        let mut told = Told {
            ok: false,
            failed: None,
            broke: self.breaks.word(),
            timeline: std::mem::take(&mut self.timeline),
            measured: Measured::default(),
            worst: self.worst,
            decision: self.decision.take(),
            why: self.why.take(),
            calls: stage.toy.changed(),
            config_path: stage.config.path.display().to_string(),
            config: stage.config.text.clone(),
            api: stage.url(""),
            seconds: 0.0,
        };
        told.measure();
        told.failed = told.judge(self.breaks);
        told.ok = told.failed.is_none();
        told
    }
}

/// Active, known to be up everywhere, and nothing to be done.
fn well(status: &Value) -> bool {
    let service = &status["services"][0];
    let up = |region: &Value| region["standing"] == "up";
    service["active"].is_string()
        && service["decision"] == "nothing"
        && service["incident"].is_null()
        && status["isolated"].is_null()
        && service["regions"].as_array().is_some_and(|regions| regions.len() == 2 && regions.iter().all(up))
}
