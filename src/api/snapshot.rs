//! What is so, as it is shown: plain data with names, made by the daemon and read by handlers. Its JSON is the API's.

use serde::Serialize;

/// Everything that status and health show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// When it was made.
    pub at: String,
    /// Which observer this is.
    pub observer: String,
    /// The version of this daemon.
    pub version: &'static str,
    /// The most that may happen: `observe`, `approve` or `auto`.
    pub mode: &'static str,
    /// It has a coordinator, a store and its first results.
    pub ready: bool,
    /// It is shutting down.
    pub leaving: bool,
    /// Why it distrusts its own view, if it does.
    pub isolated: Option<String>,
    /// What the coordinator calls itself; none: it does not answer.
    pub cluster: Option<String>,
    /// `ok`, `full` or `corrupt`.
    pub store: &'static str,
    /// Why it is not `ok`, where that is known.
    pub store_why: Option<String>,
    /// What is wrong with the newest config, which was therefore not taken.
    pub reload: Option<String>,
    /// The maintenance windows that are open.
    pub maintenance: Vec<WindowView>,
    /// By name.
    pub services: Vec<ServiceView>,
}

/// A maintenance window that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WindowView {
    /// Its name.
    pub name: String,
    /// Since when,
    pub from: String,
    /// and until when.
    pub until: String,
    /// Of which services; none: of all.
    pub services: Option<Vec<String>>,
    /// While they are active in these regions; none: wherever they are.
    pub regions: Option<Vec<String>>,
    /// `approve`: nothing starts unasked; `silence`: also no notice, unless a run starts.
    pub effect: &'static str,
}

/// One service.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// The region that the record names; none: no record.
    pub active: Option<String>,
    /// At which epoch.
    pub epoch: Option<u64>,
    /// Who holds its claim.
    pub holder: Option<String>,
    /// The number of its open incident,
    pub incident: Option<u32>,
    /// its rung
    pub severity: Option<String>,
    /// and for how many seconds it has lasted.
    pub incident_seconds: Option<u64>,
    /// Nothing starts by itself.
    pub paused: bool,
    /// A maintenance window is open.
    pub maintenance: bool,
    /// The outside world is newer than the coordinator.
    pub foreign: bool,
    /// What would be done now: `nothing`, `would_start` or `blocked`.
    pub decision: &'static str,
    /// Which plan that is.
    pub plan: Option<String>,
    /// The gates in its way.
    pub gates: Vec<&'static str>,
    /// Its triggers that are raised, with the seconds since.
    pub raised: Vec<(String, u64)>,
    /// Its regions, in order of preference.
    pub regions: Vec<RegionView>,
    /// Where its users should be led.
    pub gate: TrafficView,
    /// Its unfinished runs.
    pub runs: Vec<RunView>,
    /// What waits for a person's word.
    pub request: Option<RequestView>,
    /// A plan that is announced, with the seconds that are left to say no.
    pub announced: Option<(String, f64)>,
    /// The RTO in force, in seconds,
    pub rto: Option<f64>,
    /// and the RPO.
    pub rpo: Option<f64>,
    /// What ended runs owe: the run and the plan.
    pub owes: Vec<(u64, String)>,
    /// How the newest failover ended; inner none: it has not.
    pub last_failover: Option<(u64, Option<String>)>,
}

/// A service's traffic gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrafficView {
    /// For these it is open; none: nobody has said where the service is active.
    pub open: Option<Vec<String>>,
    /// A failover is under way: it is closed for all.
    pub moving: bool,
    /// How long an answer may be kept, and how long it stays open without word from the coordinator if it `closes`.
    pub ttl_seconds: u64,
    /// It closes when nothing is heard of the coordinator.
    pub closes: bool,
    /// When the coordinator was heard of last, by the boot-time clock in microseconds.
    pub heard: Option<u64>,
}

/// One unfinished run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunView {
    /// Its number.
    pub run: u64,
    /// Of which plan.
    pub plan: String,
    /// `live`, `drill` or `preview`.
    pub mode: &'static str,
    /// The old side lives.
    pub planned: bool,
    /// The region that it leaves, if it moves the service.
    pub from: Option<String>,
    /// Where it acts, or moves to.
    pub to: String,
    /// Its plan's hash,
    pub hash: Option<String>,
    /// and its epoch: what is named by whoever accepts its exposure.
    pub epoch: u64,
    /// For how many seconds it has been carried here.
    pub seconds: f64,
    /// The longest that it should take, in seconds, people apart.
    pub longest: f64,
    /// The seconds since the first failed sample; none: no incident is open.
    pub failing: Option<f64>,
    /// The RTO that it is measured by, in seconds,
    pub rto: Option<f64>,
    /// and the RPO.
    pub rpo: Option<f64>,
    /// Its phases, with their deadlines in seconds since its start.
    pub phases: Vec<(String, f64)>,
    /// What it asks of people now.
    pub asks: Vec<AskView>,
    /// Where it is: `starting`, `running`, `draining`, `undoing`, `held`, `ending`.
    pub state: &'static str,
    /// Why it is held, if it is.
    pub held: Option<String>,
    /// Users are served.
    pub served: bool,
    /// Its steps, in the order of the plan.
    pub steps: Vec<StepView>,
    /// Where taking them back is; empty, before anything is.
    pub undone: Vec<StepView>,
}

/// One step of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Where it is: `waiting`, `starting`, `calling`, `unsettled`, `observing`, `verifying`, `not done`, `held`, or for good
    /// `done`, `skipped`, `failed`, `not applied`,
    pub state: &'static str,
    /// and for how many seconds.
    pub seconds: f64,
    /// What was in the way when it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The longest that one try takes, in seconds.
    pub timeout: f64,
}

/// What one step asks of people.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AskView {
    /// Which step.
    pub step: String,
    /// What those must be who answer.
    pub role: String,
    /// What they are asked; none: to tick what follows.
    pub text: Option<String>,
    /// So many must say yes …
    pub count: u32,
    /// … and so many have.
    pub given: u32,
    /// What is to be ticked.
    pub items: Vec<PointView>,
}

/// A point of a checklist.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PointView {
    /// What it says.
    pub text: String,
    /// Ticked when this probe is up; by a person if none.
    pub probe: Option<String>,
    /// It is ticked.
    pub ticked: bool,
}

/// What waits for a person's word: an approval names its hash and its epoch, and accepts what it shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RequestView {
    /// Which.
    pub number: u64,
    /// Why it is there.
    pub why: String,
    /// Which plan,
    pub plan: String,
    /// from where, if it moves the service,
    pub from: Option<String>,
    /// and where it acts, or moves to; none: that is not decided yet.
    pub to: Option<String>,
    /// The old side lives.
    pub planned: bool,
    /// The hash of what would be sent.
    pub hash: Option<String>,
    /// The epoch at which it was asked.
    pub epoch: u64,
    /// What would be lost; none: nothing can be.
    pub loss: Option<LossView>,
    /// The old side may go on accepting writes.
    pub exposure: bool,
    /// Gates that stand in the way, and are passed by a yes.
    pub gates: Vec<&'static str>,
}

/// What would be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LossView {
    /// So many seconds; none: nobody knows.
    pub seconds: Option<f64>,
    /// So many may be.
    pub rpo: Option<f64>,
}

/// One region of a service.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RegionView {
    /// Its name.
    pub name: String,
    /// By quorum: `up`, `trouble`, `degraded`, `unreachable`, `down`, `gone` or `unknown`.
    pub standing: String,
    /// By this observer alone: the worst that it sees; none: nothing bad.
    pub own: Option<String>,
    /// It lost the role, and has not proved the present epoch.
    pub quarantined: bool,
}

/// One check of `/health`.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// `ok`, `degraded` or `failed`.
    pub status: &'static str,
    /// Why, if it is not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
