//! `[maintenance.NAME]`: when nothing starts unasked.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::read::Key;
use crate::config::values::{Cron, Dur, Moment, Word, Zone};

/// What a window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    /// Nothing starts unasked.
    Approve,
    /// And no notice is sent, unless a run starts.
    Silence,
}

/// `[maintenance.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "maintenance window", default)]
pub(crate) struct Maintenance {
    /// All, if none is written.
    pub(crate) services: Key<Vec<Key<Word>>>,
    /// All, if none is written.
    pub(crate) regions: Key<Vec<Key<Word>>>,
    /// When it opens; with `for`.
    pub(crate) cron: Key<Cron>,
    /// How long it stays open.
    #[serde(rename = "for")]
    pub(crate) lasts: Key<Dur>,
    /// When it opens, once; with `until`.
    pub(crate) from: Key<Moment>,
    /// When it closes.
    pub(crate) until: Key<Moment>,
    /// Of `cron`.
    pub(crate) tz: Key<Zone>,
    /// `approve`: nothing starts unasked; `silence`: also no notice, unless a run starts.
    pub(crate) effect: Key<Effect>,
}
