//! The story: well, broken, seen, decided, done, healed, well again. It follows the daemon's own chronicle and waits with
//! deadlines, so that it always ends.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::Stage;
use super::told::{Measured, Moment, Rpo, Rto, Told, UsersTold, Worst, seconds, wants};
use super::toy::REGIONS;
use super::users::Users;
use super::{Break, Said, since, talk};
use crate::core::time::Now;

/// The daemon's chronicle is read so often.
const LOOK: Duration = Duration::from_millis(50);
/// Until a new daemon knows both regions to be up.
const TO_BEGIN: f64 = 6.0;
/// How long all is well before it breaks.
const WELL: f64 = 2.0;
/// Beyond the worst case: the chronicle is written after the fact, and the machine may have other work.
const SLACK: f64 = 1.5;
/// So long a run may take here; its worst case, with all time-outs and tries, is longer than anybody would watch.
const RUN: f64 = 8.0;
/// Until users are served again, once the run has ended.
const USERS: f64 = 2.0;
/// How long a decision stands before the toy is healed.
const STANDS: f64 = 2.0;
/// Until all is well again. An isolated observer looks again every 5 s.
const TO_RECOVER: f64 = 8.0;
/// The region that came back is watched for so long.
const BACK: f64 = 1.0;
/// The toy answers at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// The one service of the toy.
const SERVICE: &str = "shop";

/// What was told so far.
pub(super) struct Story<'a> {
    begun: Now,
    breaks: Break,
    tell: &'a mut (dyn FnMut(Said<'_>) + Send),
    timeline: Vec<Moment>,
    users: Users,
    /// Where the service is active.
    active: String,
    /// Where it was when that was broken.
    broken: Option<String>,
    /// The newest event of the chronicle that was read.
    newest: u64,
    worst: Worst,
    why: Option<String>,
    decision: Option<Value>,
    quarantined: Vec<String>,
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
            users: Users::begin(stage.toy.addresses.way, begun),
            active: String::new(),
            broken: None,
            newest: 0,
            worst,
            why: None,
            decision: None,
            quarantined: Vec::new(),
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
            Break::Service | Break::Nothing => self.moves(stage).await?,
            Break::Both => self.refuses(stage).await?,
            Break::Observer => self.isolates(stage).await?,
        }
        self.decision = self.timeline.iter().rfind(|moment| wants(moment)).map(|moment| moment.body.clone());
        self.heals(stage).await
    }

    fn begin(&mut self, stage: &Stage) {
        let [east, west] = stage.toy.addresses.fronts;
        let body = json!({ "east": east.to_string(), "west": west.to_string(), "api": stage.url(""),
                           "config": stage.config.path.display().to_string() });
        let text = format!(
            "a toy {SERVICE} answers in east ({east}) and follows in west ({west}); users write about 20 times a second"
        );
        self.say("begins", text, body);
        let path = stage.config.path.display();
        self.say(
            "begins",
            format!("its config is {path}; `check` finds nothing wrong, and unwise:"),
            json!({}),
        );
        for unwise in &stage.config.unwise {
            self.say("begins", format!("  {unwise}"), json!({}));
        }
        self.say(
            "begins",
            format!(
                "the daemon watches both, and may act by itself; its API is {}",
                stage.url("/api/v1/status")
            ),
            json!({}),
        );
    }

    /// Said before it is done, so that nothing that follows from it comes first.
    async fn breaks(&mut self, stage: &mut Stage) -> Result<(), String> {
        let (active, toy) = (self.active.clone(), &mut stage.toy);
        self.broken = Some(active.clone());
        let text = match self.breaks {
            Break::Service => {
                format!("the server of {SERVICE} in {active}, where it is active, is killed")
            }
            Break::Both => format!("the servers of {SERVICE} in every region are killed"),
            Break::Observer => {
                "the daemon's own network is cut: to it both regions, the provider and all reference \
                                points swallow packets; users reach everything"
                    .to_owned()
            }
            Break::Nothing => {
                "nothing is broken, so that nothing can be seen: this demo must fail".to_owned()
            }
        };
        self.say("breaks", text, json!({ "region": active }));
        match self.breaks {
            Break::Service => toy.end(&active).await,
            Break::Both => {
                for region in REGIONS {
                    toy.end(region).await;
                }
            }
            Break::Observer => toy
                .cut()
                .await
                .map_err(|why| format!("the toy's doors cannot be made to swallow packets: {why}"))?,
            Break::Nothing => {}
        }
        Ok(())
    }

    /// Until a run was started and has ended, and users are served again.
    async fn moves(&mut self, stage: &mut Stage) -> Result<(), String> {
        let limit = self.worst.would_start + SLACK;
        let starts = |story: &Story<'_>, _: &Value| story.after("breaks", |m| m.kind == "started");
        if !self.until(stage, limit, "the daemon to see it, to ask and to decide", starts).await? {
            return self.explains(stage).await;
        }
        let ends = |story: &Story<'_>, _: &Value| story.after("breaks", |m| m.kind == "ended");
        if !self.until(stage, RUN, "the run to end", ends).await? {
            return self.explains(stage).await;
        }
        // What is shown follows what is written by a moment.
        let serves = |story: &Story<'_>, _: &Value| {
            let by = story.users.writes().last().and_then(|write| write.by.clone());
            by.as_ref() == Some(&story.active) && by != story.broken
        };
        if self.until(stage, USERS, "users to be served again", serves).await? {
            let text = format!("users' writes are acknowledged in {}", self.active);
            self.say("served", text, json!({ "region": self.active }));
        }
        self.explains(stage).await
    }

    /// Until that was refused, people were paged, and it has stood for a while.
    async fn refuses(&mut self, stage: &mut Stage) -> Result<(), String> {
        let limit = self.worst.would_start + SLACK;
        // The first may come while one region still seems to live.
        let all = |m: &Moment| m.kind == "paged" && m.text.contains("every_region_down");
        let pages = |story: &Story<'_>, _: &Value| story.after("breaks", all);
        self.until(stage, limit, "the daemon to see it, to ask and to refuse", pages).await?;
        self.explains(stage).await?;
        self.pass(stage, STANDS, "the refusal to stand").await
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

    /// What was broken is whole again, and that is seen.
    async fn heals(&mut self, stage: &mut Stage) -> Result<(), String> {
        let closed =
            |story: &Story<'_>| story.after("breaks", |m| m.kind == "incident" && m.body["turn"] == "closed");
        let moved = self.broken.as_ref().is_some_and(|broken| *broken != self.active);
        if moved {
            self.until(stage, TO_RECOVER, "the incident to be over", |story, _| closed(story)).await?;
        }
        let text = match self.breaks {
            Break::Observer => "the daemon's network is whole again",
            Break::Service | Break::Both => "somebody switches the killed servers on again",
            Break::Nothing => "there is nothing to heal",
        };
        self.say("heals", text.to_owned(), json!({}));
        self.mends(stage).await.map_err(|why| format!("the toy cannot be healed: {why}"))?;
        let calm = |story: &Story<'_>, seen: &Value| {
            let acted = !moved || story.after("heals", |m| m.kind == "ended");
            well(seen) && acted && (closed(story) || matches!(story.breaks, Break::Observer | Break::Nothing))
        };
        if self.until(stage, TO_RECOVER, "the daemon to see that all is well", calm).await? {
            if moved {
                self.pass(stage, BACK, "users to stay where they are").await?;
            }
            let mut text = format!(
                "all is well again: {SERVICE} is known to be up in both regions, active in {}",
                self.active
            );
            if !self.quarantined.is_empty() {
                let list = self.quarantined.join(", ");
                text += &format!("; {list} has proved the present epoch, and stays quarantined for an hour");
            }
            self.say("recovers", text, json!({ "quarantined": self.quarantined }));
        }
        Ok(())
    }

    async fn mends(&self, stage: &mut Stage) -> std::io::Result<()> {
        stage.toy.mend().await?;
        for region in REGIONS {
            stage.toy.on(region).await?;
        }
        Ok(())
    }

    /// What the daemon itself says of it.
    async fn explains(&mut self, stage: &Stage) -> Result<(), String> {
        let why = stage.get(&format!("/api/v1/services/{SERVICE}/why")).await?;
        (self.tell)(Said::Why(SERVICE, &why));
        self.why = Some(why);
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
            match progress(&status) {
                Some(steps) => (self.tell)(Said::Waits(now, &steps)),
                None => (self.tell)(Said::Waits(now, waits)),
            }
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
        let service = &status["services"][0];
        self.active = service["active"].as_str().unwrap_or_default().to_owned();
        let regions = service["regions"].as_array().into_iter().flatten();
        let names = regions
            .filter(|region| region["quarantined"] == true)
            .filter_map(|region| region["name"].as_str());
        self.quarantined = names.map(str::to_owned).collect();
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
    pub(super) async fn told(&mut self, stage: &Stage) -> Told {
        let promised = stage.config.promised;
        let mut told = Told {
            ok: false,
            failed: None,
            broke: self.breaks.word(),
            timeline: std::mem::take(&mut self.timeline),
            measured: Measured::default(),
            worst: self.worst,
            decision: self.decision.take(),
            run: None,
            rto: Rto { objective: promised.rto.map(seconds), ..Rto::default() },
            rpo: Rpo { objective: promised.rpo.map(seconds), ..Rpo::default() },
            users: UsersTold::default(),
            pages: Vec::new(),
            quarantined: std::mem::take(&mut self.quarantined),
            why: self.why.take(),
            unwise: stage.config.unwise.clone(),
            config_path: stage.config.path.display().to_string(),
            config: stage.config.text.clone(),
            api: stage.url(""),
            seconds: 0.0,
        };
        told.measure();
        let (writes, kept) = (self.users.writes(), self.kept(stage).await);
        told.reckon(&writes, self.broken.as_deref(), kept.as_deref());
        told.failed = match kept {
            None => Some("nobody can say which writes are still there".to_owned()),
            Some(_) => told.judge(self.breaks),
        };
        told.ok = told.failed.is_none();
        told
    }

    /// The writes that are there, where the service is active. Asked after users were, so that none is missing that was
    /// acknowledged.
    async fn kept(&self, stage: &Stage) -> Option<Vec<u64>> {
        let at =
            REGIONS.iter().zip(stage.toy.addresses.fronts).find(|(region, _)| **region == self.active)?.1;
        let (status, body) = talk::ask(at, ("GET", "/writes"), "", PATIENCE).await.ok()?;
        serde_json::from_str(&body).ok().filter(|_| status == 200)
    }
}

/// Where the steps of a run are: short, since it is one line that is written over.
fn progress(status: &Value) -> Option<String> {
    let run = status["services"][0]["runs"].as_array()?.first()?;
    let steps = run["steps"].as_array()?;
    let done = steps.iter().filter(|step| step["state"] == "Done").count();
    let under_way = steps.iter().find_map(|step| {
        let word = match step["state"].as_str()? {
            "I" => "is being written down",
            "C" => "is under way",
            "V" => "is looked at",
            "U" => "is not settled",
            "O" => "is observed",
            "R" => "is tried again",
            "H" => "is held",
            _ => return None,
        };
        Some(format!(", {} {word}", step["name"].as_str()?))
    });
    Some(format!("run {}: {done} of {} steps done{}", run["run"], steps.len(), under_way.unwrap_or_default()))
}

/// Active, known to be up everywhere, and nothing to be done.
fn well(status: &Value) -> bool {
    let service = &status["services"][0];
    let up = |region: &Value| region["standing"] == "up";
    let idle = service["runs"].as_array().is_some_and(Vec::is_empty);
    service["active"].is_string()
        && idle
        && service["decision"] == "nothing"
        && service["incident"].is_null()
        && status["isolated"].is_null()
        && service["regions"].as_array().is_some_and(|regions| regions.len() == 2 && regions.iter().all(up))
}
