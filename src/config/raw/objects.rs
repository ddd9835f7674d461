//! Inline objects that several tables share.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Mode;
use crate::config::read::Key;
use crate::config::values::{Count, Dur, Kept, Plain, Word};

/// `{ runs = 2, within = "1h" }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "rate", default)]
pub(crate) struct Rate {
    /// So many.
    pub(crate) runs: Key<Count>,
    /// In so long.
    pub(crate) within: Key<Dur>,
}

/// `{ ca, cert, key, client_ca }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "tls object", default)]
pub(crate) struct Tls {
    /// The authorities that are trusted: a PEM file.
    pub(crate) ca: Key<Plain>,
    /// Our certificate: a PEM file.
    pub(crate) cert: Key<Plain>,
    /// Its key.
    pub(crate) key: Key<Kept>,
    /// The authorities of those who call: a PEM file.
    pub(crate) client_ca: Key<Plain>,
}

/// `{ times = 2, pause = "2s" }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "retry object", default)]
pub(crate) struct Retry {
    /// Tries after the first.
    pub(crate) times: Key<Count>,
    /// Between two.
    pub(crate) pause: Key<Dur>,
}

/// `{ fails = 3, of = 5 }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "window object", default)]
pub(crate) struct Window {
    /// So many failures.
    pub(crate) fails: Key<Count>,
    /// Of the last so many.
    pub(crate) of: Key<Count>,
}

/// `{ mode, after, plan }`: the way home.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "failback object", default)]
pub(crate) struct Failback {
    /// The most that it may do.
    pub(crate) mode: Key<Mode>,
    /// After having been well for so long.
    pub(crate) after: Key<Dur>,
    /// The one that moved it, with from and to exchanged, if none is written.
    pub(crate) plan: Key<Word>,
}

/// `{ plan, after, mode }`: what is owed once a scenario has cleared.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "on_clear object", default)]
pub(crate) struct OnClear {
    /// Which plan.
    pub(crate) plan: Key<Word>,
    /// Its condition has been false for so long.
    pub(crate) after: Key<Dur>,
    /// The scenario's, if none is written.
    pub(crate) mode: Key<Mode>,
}

/// `{ role, count, within }`: who says yes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "approval object", default)]
pub(crate) struct Approval {
    /// What they must be.
    pub(crate) role: Key<Word>,
    /// How many.
    pub(crate) count: Key<Count>,
    /// Not given in so long: told again.
    pub(crate) within: Key<Dur>,
}

/// How a caller says who it is: a token, a name with a password, or a certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "auth object", default)]
pub(crate) struct Auth {
    /// `Authorization: Bearer`.
    pub(crate) bearer: Key<Kept>,
    /// `Authorization: Basic`.
    pub(crate) user: Key<crate::config::values::Filled>,
    /// `Authorization: Basic`.
    pub(crate) password: Key<Kept>,
    /// A PEM file.
    pub(crate) cert: Key<crate::config::values::Filled>,
    /// Its key.
    pub(crate) key: Key<Kept>,
}
