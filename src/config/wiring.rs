//! What the shells need of a config and the core does not: addresses, files, secrets by their place, words for people.
//! Everything in it is checked and filled in; names are those of the policy. It decides nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::probe::Probe;
use super::secret::Secret;
use crate::core::ids::Name;
use crate::core::time::{Span, Wall};

/// All of it, for the observer that this daemon is.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Which observer this daemon is.
    pub me: Name,
    /// Where it stands; none: a place of its own.
    pub here: Option<Name>,
    /// All observers, with the addresses of their APIs.
    pub observers: Vec<Observer>,
    /// The probes that this observer can see, one for each region (or none) where it runs.
    pub probes: Vec<Probe>,
    /// What is asked whether we can see anything at all: `host:port` or a URL.
    pub reference_points: Vec<String>,
    /// What the observers agree through.
    pub coordinator: Coordinator,
    /// Where the chronicle is kept.
    pub chronicle: Chronicle,
    /// Our own HTTP port.
    pub api: Api,
    /// What probes and steps may run.
    pub exec: Exec,
    /// When nothing starts unasked.
    pub maintenance: Vec<Window>,
    /// Tokens of heartbeats: whoever brings one says that the probe's target lives.
    pub heartbeats: Vec<Heartbeat>,
    /// Facts that are raised from outside.
    pub triggers: Vec<Trigger>,
    /// By what people are told.
    pub channels: Vec<Channel>,
    /// Who is told, and how soon, by name.
    pub escalations: BTreeMap<Name, Escalation>,
    /// What they read, where it is not the built-in text.
    pub notices: Vec<Notice>,
    /// Name and URL, in every notice.
    pub links: Vec<(Name, String)>,
    /// Words for people and for status pages, by service.
    pub services: BTreeMap<Name, ServiceWords>,
}

/// An observer as its peers reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observer {
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub region: Name,
    /// Its API.
    pub address: Option<String>,
}

/// What the observers agree through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coordinator {
    /// One observer, on its own disk: the file is the chronicle's.
    Local,
}

/// Where the chronicle is kept, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chronicle {
    /// The folder.
    pub dir: PathBuf,
    /// How long events are kept.
    pub keep_events: Span,
    /// How long samples are kept.
    pub keep_samples: Span,
    /// With less free than this, in bytes: watch and page, do not act.
    pub min_free: u64,
}

/// Our own HTTP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Where it listens. Another address than loopback always has `tls` and a token.
    pub listen: SocketAddr,
    /// For links in notices.
    pub public_url: Option<url::Url>,
    /// Its certificate.
    pub tls: Option<ServerTls>,
    /// Who may use it. None: whoever reaches loopback may.
    pub tokens: Vec<Token>,
}

/// A server's certificate; all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// The chain, our own certificate first.
    pub cert: PathBuf,
    /// Its key.
    pub key: Secret,
    /// The authorities of those who may call; none: nobody needs a certificate.
    pub client_ca: Option<PathBuf>,
}

/// Who may use the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name in the config.
    pub name: Name,
    /// The SHA-256 of what is brought.
    pub sha256: [u8; 32],
    /// What its bearer may do.
    pub role: TokenRole,
    /// From then on it is worth nothing.
    pub expires: Option<Wall>,
}

/// What a token's bearer may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenRole {
    /// Read.
    Viewer,
    /// Give orders.
    Operator,
    /// Approve.
    Approver,
    /// Everything.
    Admin,
}

/// What probes and steps may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// Programs, or directories of them.
    pub allow: Vec<PathBuf>,
    /// Where they run.
    pub dir: PathBuf,
}

/// When nothing starts unasked.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its name.
    pub name: Name,
    /// Of which services; none: of all.
    pub services: Option<Vec<Name>>,
    /// In which regions; none: in all.
    pub regions: Option<Vec<Name>>,
    /// When it is open.
    pub when: Open,
    /// Whether notices are silent, too, unless a run starts.
    pub silence: bool,
}

/// When a window is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Open {
    /// Again and again.
    Every {
        /// Five fields.
        cron: Box<croner::Cron>,
        /// Where its hours are counted.
        zone: jiff::tz::TimeZone,
        /// How long each time.
        lasts: Span,
    },
    /// Once.
    Once {
        /// From then …
        from: Wall,
        /// … until then.
        until: Wall,
    },
}

/// A heartbeat's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Of which service.
    pub service: Name,
    /// Which probe.
    pub probe: Name,
    /// Where it runs; none: in no region.
    pub region: Option<Name>,
    /// What a push must bring.
    pub token: Secret,
}

/// A fact that is raised from outside.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Of which service.
    pub service: Name,
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub title: String,
    /// By whom.
    pub kind: TriggerKind,
    /// What it is signed with.
    pub secret: Secret,
    /// Labels that an alert must have.
    pub labels: BTreeMap<String, String>,
    /// All of the payload that `{trigger.NAME}` may use, and what the whole of each must match.
    pub fields: Vec<(Name, regex::Regex)>,
    /// Whether only an operator ends it; else its sender does.
    pub until_acknowledged: bool,
}

/// Who raises a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// A signed call.
    Webhook,
    /// Alertmanager.
    Alertmanager,
}

/// By what people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: ChannelKind,
    /// Told when this one does not deliver.
    pub fallback: Option<Name>,
    /// So many in so long at most.
    pub rate: Option<(u32, Span)>,
}

/// What a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keys of CONFIG §4, in its words")]
pub enum ChannelKind {
    SlackWebhook {
        webhook: Secret,
    },
    SlackToken {
        token: Secret,
        channel: String,
    },
    PagerDuty {
        routing_key: Secret,
    },
    StatusPage {
        page: String,
        token: Secret,
    },
    Email {
        server: String,
        from: String,
        to: Vec<String>,
        login: Option<(String, Option<Secret>)>,
        tls: MailTls,
    },
    Webhook {
        url: Secret,
        signing: Vec<Secret>,
    },
    Alertmanager {
        urls: Vec<url::Url>,
    },
    Teams {
        url: Secret,
    },
    Twilio {
        account: String,
        token: Secret,
        from: String,
        to: Vec<String>,
    },
}

/// How mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Plain first, then within TLS; never sent without.
    StartTls,
    /// Within TLS from the start.
    Tls,
    /// Plain.
    Off,
}

/// Who is told, and how soon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalation {
    /// Each is due for itself.
    pub tell: Vec<Tell>,
    /// What is owed afterwards: so long after the closing, what, by what.
    pub follow_up: Vec<(Span, String, Vec<Name>)>,
    /// When its notices wait: minutes of the day, from and to, and where.
    pub quiet: Option<Quiet>,
}

/// One entry of an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    /// Since the first failed sample.
    pub after: Span,
    /// Promised delivery.
    pub within: Option<Span>,
    /// By what.
    pub channels: Vec<Name>,
    /// Chooses the words: `responders`, `management`, `customers`, `public`.
    pub audience: &'static str,
    /// Said again this often.
    pub repeat: Option<Span>,
    /// Whether acknowledging ends it (true) or only closing (false); none: it is said once.
    pub until_acknowledged: Option<bool>,
}

/// When notices wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Minute of the day.
    pub from: u16,
    /// Minute of the day; before `from`: of the next one.
    pub to: u16,
    /// Where.
    pub zone: jiff::tz::TimeZone,
}

/// What people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of which service; none: of all.
    pub service: Option<Name>,
    /// Whose words.
    pub audience: &'static str,
    /// On what.
    pub event: &'static str,
    /// One line.
    pub subject: Option<String>,
    /// The rest.
    pub body: Option<Body>,
}

/// Where a notice's body stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In the config.
    Text(String),
    /// In a file.
    File(PathBuf),
}

/// Words for people, and for status pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceWords {
    /// Name and URL.
    pub links: Vec<(Name, String)>,
    /// The id of its component on the status page.
    pub statuspage: Option<String>,
    /// By rung, lowest first: who is told.
    pub escalations: Vec<(Name, Told)>,
    /// Titles of components, with the ids of theirs on the status page.
    pub components: BTreeMap<Name, (String, Option<String>)>,
    /// Titles of probes, with their runbooks.
    pub probes: BTreeMap<Name, (String, Option<String>)>,
    /// Runbooks of scenarios.
    pub runbooks: BTreeMap<Name, String>,
    /// By scenario: what those must be who approve, and how many.
    pub approvals: BTreeMap<Name, (Name, u32)>,
}

/// Who is told of a rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// By this escalation.
    Escalation(Name),
    /// Every channel, at once.
    Everyone,
}

/// Everybody who is told something, and by what: what of a config the outbox and its drain need.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// By what they are told.
    pub channels: Vec<Channel>,
    /// Who, and how soon, by name.
    pub escalations: BTreeMap<Name, Escalation>,
    /// Name and URL, in every notice.
    pub links: Vec<(Name, String)>,
    /// By service.
    pub services: BTreeMap<Name, ServiceWords>,
    /// Where our own API is reached.
    pub public_url: Option<url::Url>,
}

impl Wiring {
    /// Everybody who is told something.
    #[must_use]
    pub fn people(&self) -> People {
        People {
            channels: self.channels.clone(),
            escalations: self.escalations.clone(),
            links: self.links.clone(),
            services: self.services.clone(),
            public_url: self.api.public_url.clone(),
        }
    }

    /// The probe of that name, in that region or in none.
    #[must_use]
    pub fn probe(&self, service: &str, name: &str, region: Option<&str>) -> Option<&Probe> {
        self.probes.iter().find(|probe| {
            probe.service.as_str() == service
                && probe.name.as_str() == name
                && probe.region.as_ref().map(Name::as_str) == region
        })
    }
}

/// Without the hash: it is no secret, but it is nobody's business either.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}
