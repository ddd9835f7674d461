//! `[service.NAME.plan.NAME.step.NAME]`: what every step has, whatever it does.

use schemars::JsonSchema;
use serde::Deserialize;

use super::objects::Retry;
use crate::config::read::{Apart, Key};
use crate::config::values::{Any, Dur, Filled, Word};

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepKind {
    Http,
    Exec,
    Verify,
    Wait,
    Lapse,
    Approve,
    Checklist,
    Notify,
    Plan,
    Pause,
    TrafficGate,
    Route53,
    ArcRoutingControl,
    DnsUpdate,
    Elbv2,
    PostgresFence,
    PostgresPromote,
    RedisPromote,
    RdsPromote,
    RdsGlobalFailover,
    RdsRestore,
    EcsScale,
    Kubernetes,
}

/// What a step does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActsAs {
    Fences,
    Promotes,
    Routes,
    Verifies,
    Other,
}

/// What follows when it has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFailure {
    Stop,
    Continue,
    Undo,
}

/// The only way of run in which it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Only {
    Planned,
    Unplanned,
}

/// What a drill does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InDrill {
    Run,
    Preview,
    Skip,
}

/// `[service.NAME.plan.NAME.step.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "step", default)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) kind: Key<StepKind>,
    /// What people call it.
    pub(crate) title: Key<Filled>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// For `http`, `exec` and `kubernetes`: what it does to the service.
    pub(crate) acts_as: Key<ActsAs>,
    /// What must come before it.
    pub(crate) needs: Key<Vec<Key<Word>>>,
    /// Needs all steps of earlier phases.
    pub(crate) phase: Key<Word>,
    /// Then its outcome is unknown: it is observed, and tried again or failed.
    pub(crate) timeout: Key<Dur>,
    /// On what passes.
    pub(crate) retry: Key<Retry>,
    /// When it has failed for good.
    pub(crate) on_failure: Key<OnFailure>,
    /// `planned`: the old region is alive.
    pub(crate) only: Key<Only>,
    /// Must be up afterwards.
    pub(crate) verify: Key<Vec<Key<Word>>>,
    /// Where it acts.
    pub(crate) region: Key<Filled>,
    /// What it restores.
    pub(crate) component: Key<Word>,
    /// What a drill does with it.
    pub(crate) in_drill: Key<InDrill>,
    /// Keys replaced in a drill.
    pub(crate) drill_target: Key<Apart<Any>>,
}
