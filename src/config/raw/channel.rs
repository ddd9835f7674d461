//! `[channel.NAME]`: by what people are told, one struct a kind.

use schemars::JsonSchema;
use serde::Deserialize;

use super::objects::Rate;
use crate::config::read::Key;
use crate::config::values::{Kept, Plain, Word};

/// The kinds of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelKind {
    Slack,
    PagerDuty,
    StatusPage,
    Email,
    Webhook,
    Alertmanager,
    Teams,
    Twilio,
}

/// What every channel has.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "channel", default)]
pub(crate) struct Channel {
    /// What it is.
    pub(crate) kind: Key<ChannelKind>,
    /// Templates.
    #[serde(rename = "use")]
    #[schemars(rename = "use")]
    pub(crate) used: Key<Vec<Key<Word>>>,
    /// Told when this one does not deliver.
    pub(crate) fallback: Key<Word>,
    /// Our own limit, below the provider's.
    pub(crate) rate: Key<Rate>,
}

macro_rules! channel_kind {
    ($($(#[$doc:meta])* $name:ident $word:literal { $($key:ident: $takes:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename = $word, default)]
        pub(crate) struct $name { $(pub(crate) $key: Key<$takes>,)* }
    )*};
}

channel_kind! {
    /// A webhook; or a token and a channel, then one message an incident, edited.
    Slack "slack channel" { webhook: Kept, token: Kept, channel: Plain, }
    /// Events API v2.
    PagerDuty "pagerduty channel" { routing_key: Kept, }
    /// Atlassian Statuspage.
    StatusPage "statuspage channel" { page: Plain, token: Kept, }
    /// SMTP.
    Email "email channel" {
        server: Plain, from: Plain, to: Vec<Key<Plain>>, user: Plain, password: Kept, tls: MailTls,
    }
    /// JSON, signed; two signing keys while rotating.
    Webhook "webhook channel" { url: Kept, signing: Vec<Key<Kept>>, }
    /// Alertmanager v2.
    Alertmanager "alertmanager channel" { urls: Vec<Key<Plain>>, }
    /// Microsoft Teams.
    Teams "teams channel" { url: Kept, }
    /// Calls, in order, until one answers.
    Twilio "twilio channel" { account: Plain, token: Kept, from: Plain, to: Vec<Key<Plain>>, }
}

/// How mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailTls {
    Starttls,
    Tls,
    Off,
}
