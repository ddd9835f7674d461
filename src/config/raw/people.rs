//! Tables of people: ladders, escalations, and what notices say.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scenario::When;
use crate::config::read::{Key, Named};
use crate::config::values::{Dur, Plain, Word, Zone};

/// A ladder that needs no rungs of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    Category,
    Level,
    Priority,
}

/// `[ladder.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "ladder", default)]
pub(crate) struct Ladder {
    /// The rungs of a preset.
    pub(crate) preset: Key<Preset>,
    /// Own rungs, lowest first.
    pub(crate) rungs: Key<Vec<Key<Word>>>,
    /// What they are.
    pub(crate) severity: Key<Named<Severity>>,
}

/// How it looks to pagers and status pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Impact {
    None,
    Minor,
    Major,
    Critical,
}

/// `[ladder.NAME.severity.RUNG]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "severity", default)]
pub(crate) struct Severity {
    /// As the plan writes it.
    pub(crate) title: Key<Plain>,
    /// An incident is at least so severe while this holds.
    pub(crate) when: Key<When>,
    /// What is promised.
    pub(crate) rto: Key<Dur>,
    /// What is promised.
    pub(crate) rpo: Key<Dur>,
    /// Who is told.
    pub(crate) escalation: Key<Word>,
    /// For status pages and pagers.
    pub(crate) impact: Key<Impact>,
}

/// `[escalation.NAME]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "escalation", default)]
pub(crate) struct Escalation {
    /// Who is told, and how soon.
    pub(crate) tell: Key<Vec<Key<Tell>>>,
    /// What is owed afterwards.
    pub(crate) follow_up: Key<Vec<Key<FollowUp>>>,
    /// When notices wait.
    pub(crate) quiet: Key<Quiet>,
}

/// Whose words are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Audience {
    Responders,
    Management,
    Customers,
    Public,
}

/// What ends telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Until {
    Acknowledged,
    Closed,
}

/// An entry of `tell`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "tell entry", default)]
pub(crate) struct Tell {
    /// Since the first failed sample.
    pub(crate) after: Key<Dur>,
    /// Promised delivery; missed: the channel's `fallback` is told.
    pub(crate) within: Key<Dur>,
    /// By what.
    pub(crate) channels: Key<Vec<Key<Word>>>,
    /// Chooses the words.
    pub(crate) audience: Key<Audience>,
    /// Said again this often.
    pub(crate) repeat: Key<Dur>,
    /// Ends repeats, and cancels what is not yet due.
    pub(crate) until: Key<Until>,
}

/// An entry of `follow_up`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "follow_up entry", default)]
pub(crate) struct FollowUp {
    /// Since the closing.
    pub(crate) after: Key<Dur>,
    /// What is owed.
    pub(crate) text: Key<Plain>,
    /// By what it is told.
    pub(crate) channels: Key<Vec<Key<Word>>>,
}

/// `{ daily = "22:00-07:00", tz = "Europe/Berlin" }`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "quiet object", default)]
pub(crate) struct Quiet {
    /// From and to.
    pub(crate) daily: Key<Daily>,
    /// Where.
    pub(crate) tz: Key<Zone>,
}

/// `"22:00-07:00"`, in minutes of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Daily(pub(crate) u16, pub(crate) u16);

impl Daily {
    fn parse(text: &str) -> Option<Daily> {
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            let two = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
            let (hour, minute) = (two(hour)?, two(minute)?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-')?;
        Some(Daily(minute(from)?, minute(to)?)).filter(|daily| daily.0 != daily.1)
    }
}

crate::config::values::from_text!(Daily, "hours such as \"22:00-07:00\"", |text| Daily::parse(text)
    .ok_or_else(|| crate::config::read::wrong(
        "these are no hours of a day",
        "write such as \"22:00-07:00\""
    )));
crate::config::values::schema_of_text!(Daily, "hours of a day",
    { "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$" });

/// `[notice]`: by audience.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "notice table", default)]
pub(crate) struct Notices {
    pub(crate) responders: Key<Events>,
    pub(crate) management: Key<Events>,
    pub(crate) customers: Key<Events>,
    pub(crate) public: Key<Events>,
}

/// `[notice.AUDIENCE]`: by event.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "notice's audience", default)]
pub(crate) struct Events {
    pub(crate) opened: Key<Notice>,
    pub(crate) raised: Key<Notice>,
    pub(crate) update: Key<Notice>,
    pub(crate) run_started: Key<Notice>,
    pub(crate) run_ended: Key<Notice>,
    pub(crate) approval: Key<Notice>,
    pub(crate) resolved: Key<Notice>,
    pub(crate) follow_up: Key<Notice>,
}

/// `[notice.AUDIENCE.EVENT]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "notice", default)]
pub(crate) struct Notice {
    pub(crate) subject: Key<Plain>,
    pub(crate) body: Key<Plain>,
    /// Where the body stands.
    pub(crate) file: Key<Plain>,
}
