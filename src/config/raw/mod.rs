//! The language as serde structs, one file a group of tables. A struct says which keys there are and what each takes;
//! `builtin.toml` says which must be written and what is in force otherwise. Nothing here is checked against anything
//! else, and nothing here leaves `config`.

pub(crate) mod channel;
pub(crate) mod daemon;
pub(crate) mod later;
pub(crate) mod maintenance;
pub(crate) mod objects;
pub(crate) mod people;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod probe_kinds;
pub(crate) mod scenario;
pub(crate) mod service;
pub(crate) mod step;
pub(crate) mod step_kinds;

use serde::Deserialize;

use super::read::{Apart, Key, Named};
use super::values::{Count, Plain, Word};
use schemars::JsonSchema;

/// The most that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It says what it would have done.
    Observe,
    /// A person says yes first.
    Approve,
    /// By itself.
    Auto,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Priority {
    Critical,
    High,
    Medium,
    Low,
}

impl Mode {
    pub(crate) fn core(self) -> crate::core::decide::Mode {
        use crate::core::decide::Mode as Core;
        match self {
            Mode::Observe => Core::Observe,
            Mode::Approve => Core::Approve,
            Mode::Auto => Core::Auto,
        }
    }
}

impl Priority {
    pub(crate) fn core(self) -> crate::core::verdict::Priority {
        use crate::core::verdict::Priority as Core;
        match self {
            Priority::Critical => Core::Critical,
            Priority::High => Core::High,
            Priority::Medium => Core::Medium,
            Priority::Low => Core::Low,
        }
    }
}

/// The whole of it: `watchkeeper.toml`, with `services.d/NAME.toml` below `service.NAME`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "config", default)]
#[schemars(title = "Watchkeeper's config")]
pub(crate) struct Config {
    /// The version of this language; a newer daemon reads older formats unchanged.
    pub(crate) format: Key<Count>,
    /// The most that may happen anywhere; service and scenario only lower it.
    pub(crate) mode: Key<Mode>,
    /// Which `[observer]` this daemon is; the host's name, if none is written.
    pub(crate) name: Key<Word>,
    /// Name = URL, in every notice.
    pub(crate) links: Key<Named<Plain>>,
    /// Where services can run.
    pub(crate) region: Key<Named<daemon::Region>>,
    /// The daemons.
    pub(crate) observer: Key<Named<daemon::Observer>>,
    /// What it takes to believe one's own eyes.
    pub(crate) self_trust: Key<daemon::SelfTrust>,
    /// What the observers agree through.
    pub(crate) coordinator: Key<daemon::Coordinator>,
    /// The account of everything that happened.
    pub(crate) chronicle: Key<daemon::Chronicle>,
    /// Its own HTTP port.
    pub(crate) api: Key<daemon::Api>,
    /// A dead man's switch.
    pub(crate) heartbeat: Key<later::Heartbeat>,
    /// Over all services.
    pub(crate) limits: Key<daemon::Limits>,
    /// Amazon's interfaces.
    pub(crate) aws: Key<later::Aws>,
    /// The programs that probes and steps may run.
    pub(crate) exec: Key<daemon::Exec>,
    /// Reports.
    pub(crate) report: Key<later::Report>,
    /// When nothing starts unasked.
    pub(crate) maintenance: Key<Named<maintenance::Maintenance>>,
    /// Severities.
    pub(crate) ladder: Key<Named<people::Ladder>>,
    /// Who is told, and how soon.
    pub(crate) escalation: Key<Named<people::Escalation>>,
    /// By what people are told.
    pub(crate) channel: Key<Named<Apart<channel::Channel>>>,
    /// What they read.
    pub(crate) notice: Key<people::Notices>,
    /// What moves together.
    pub(crate) service: Key<Named<Apart<service::Service>>>,
    /// What all of one kind inherit.
    pub(crate) defaults: Key<Apart<later::Inherited>>,
    /// What some inherit, who name it in `use`.
    pub(crate) template: Key<Apart<later::Inherited>>,
}
