//! Tables of the daemon itself: regions, observers, self-trust, coordinator, chronicle, API, limits, programs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::later::{Oidc, Sink};
use super::objects::{Rate, Tls};
use crate::config::read::{Key, Named};
use crate::config::values::{Any, Count, Dur, Kept, Moment, Plain, Share, Size, Word};

/// `[region.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "region", default)]
pub(crate) struct Region {
    /// What people call it.
    pub(crate) title: Key<Plain>,
    /// What `{region.K}` stands for.
    pub(crate) values: Key<BTreeMap<String, Key<Any>>>,
    /// So much of what is active here must be down for it to be lost as a whole.
    pub(crate) lost_at: Key<Share>,
}

/// Whether an observer also acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ObserverRole {
    /// It votes and acts.
    Full,
    /// It votes only.
    Witness,
}

/// `[observer.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "observer", default)]
pub(crate) struct Observer {
    /// Where it stands; it may be a place where nothing runs.
    pub(crate) region: Key<Word>,
    /// `full`, or `witness`: it votes only and needs no step's secrets.
    pub(crate) role: Key<ObserverRole>,
    /// Its API, for `status` from any other.
    pub(crate) address: Key<Plain>,
}

/// `[self_trust]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "self_trust table", default)]
pub(crate) struct SelfTrust {
    /// `host:port` or URL, asked whenever something is accused: at least three, in two networks.
    pub(crate) reference_points: Key<Vec<Key<Plain>>>,
    /// So many must answer; a majority, if none is written.
    pub(crate) at_least: Key<Count>,
    /// The event loop later than this: our samples are blind.
    pub(crate) stall: Key<Dur>,
    /// The wall clock jumping further than this: our samples are blind.
    pub(crate) clock_jump: Key<Dur>,
}

/// What the observers agree through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CoordinatorKind {
    /// One observer, on its own disk.
    Local,
    /// Several. Not built yet.
    Etcd,
}

/// `[coordinator]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "coordinator", default)]
pub(crate) struct Coordinator {
    /// `local`: one observer on its own disk.
    pub(crate) kind: Key<CoordinatorKind>,
    /// Of etcd.
    pub(crate) endpoints: Key<Vec<Key<Plain>>>,
    /// Of its keys.
    pub(crate) prefix: Key<Plain>,
    /// Of etcd.
    pub(crate) user: Key<Plain>,
    /// Of etcd.
    pub(crate) password: Key<Kept>,
    /// Of etcd.
    pub(crate) tls: Key<Tls>,
    /// A session's time to live.
    pub(crate) session: Key<Dur>,
    /// Kept before its end: at least a fifth of it, and 1 s.
    pub(crate) margin: Key<Dur>,
    /// How long answers to "look again" are waited for.
    pub(crate) ask: Key<Dur>,
}

/// `[chronicle]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "chronicle", default)]
pub(crate) struct Chronicle {
    /// Where it is kept.
    pub(crate) dir: Key<Plain>,
    /// How long events are kept.
    pub(crate) keep_events: Key<Dur>,
    /// How long samples are kept.
    pub(crate) keep_samples: Key<Dur>,
    /// With less free than this: watch and page, do not act.
    pub(crate) min_free: Key<Size>,
    /// A copy for auditors. Not built yet.
    pub(crate) postgres: Key<Sink>,
}

/// `[api]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "api table", default)]
pub(crate) struct Api {
    /// Address and port. Another than loopback needs `tls`, and a token.
    pub(crate) listen: Key<Plain>,
    /// For links in notices.
    pub(crate) public_url: Key<Plain>,
    /// Its certificate.
    pub(crate) tls: Key<Tls>,
    /// Who may use it.
    pub(crate) token: Key<Named<Token>>,
    /// Not built yet.
    pub(crate) oidc: Key<Oidc>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenRole {
    Viewer,
    Operator,
    Approver,
    Admin,
}

/// `[api.token.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "token", default)]
pub(crate) struct Token {
    /// `sha256$` and 64 hexadecimal digits.
    pub(crate) hash: Key<Plain>,
    /// What its bearer may do.
    pub(crate) role: Key<TokenRole>,
    /// A day or a moment.
    pub(crate) expires: Key<Expires>,
}

/// A day, at whose beginning it ends, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expires(pub(crate) Moment);

crate::config::values::from_text!(Expires, "a day such as \"2027-01-01\"", |text: &str| {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| day().map(|zoned| zoned.timestamp()));
    moment.map(|moment| Expires(Moment(moment))).ok_or_else(|| {
        crate::config::read::wrong("this is no day", "write one such as \"2027-01-01\", or a moment")
    })
});
crate::config::values::schema_of_text!(Expires, "day", { "type": "string" });

/// `[limits]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "limits table", default)]
pub(crate) struct Limits {
    /// Automatic failovers over all services; more needs approval.
    pub(crate) failovers: Key<Rate>,
    /// So many runs at once.
    pub(crate) parallel_runs: Key<Count>,
}

/// `[exec]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "exec table", default)]
pub(crate) struct Exec {
    /// Programs, or directories of them, that probes and steps may run; nothing else.
    pub(crate) allow: Key<Vec<Key<Plain>>>,
    /// Where they run.
    pub(crate) dir: Key<Plain>,
}
