//! Channels, as data: each kind's keys with secrets by their places. Nothing is sent from here.

use super::Around;
use super::daemon::small;
use super::fill::{self, Scene};
use crate::config::node::Node;
use crate::config::problem::{Code, Problem};
use crate::config::raw::channel::{self as raw, Channel as Common, ChannelKind as Kind};
use crate::config::read::{Key, Reader, fields_of};
use crate::config::secret::Secret;
use crate::config::values::{Kept, Plain};
use crate::config::whole::named;
use crate::config::wiring::{Channel, ChannelKind, MailTls, Wiring};
use crate::core::ids::Name;

pub(super) fn channels(around: &Around<'_>, wiring: &mut Wiring) {
    let shelf = around.whole.root.get("channel");
    let reader = around.whole.reader;
    let names: Vec<Name> = named(reader, shelf).map(|(name, _)| name).collect();
    for (name, node) in named(reader, shelf) {
        let Some(common) = read(reader, node) else { continue };
        let fallback = common.fallback.both().and_then(|(word, at)| {
            if word.0 == name {
                let problem = Problem::error(Code::Reference, at, "a channel cannot fall back on itself");
                around.add(problem.help("name another one, or remove the key"));
            } else if names.contains(&word.0) {
                return Some(word.0.clone());
            } else {
                around.missing(Some(at), "channel", &word.0, names.iter().map(Name::as_str));
            }
            None
        });
        let rate = common.rate.get().and_then(|rate| {
            Some((small(around, &rate.runs, u32::MAX)?, rate.within.get().map(|dur| dur.0)?))
        });
        let kind = common.kind.get().and_then(|kind| own(around, *kind, node));
        if let Some(kind) = kind {
            wiring.channels.push(Channel { name, kind, fallback, rate });
        }
    }
}

/// What every channel has; its kind's keys are known, too.
fn read(reader: Reader<'_>, node: &Node) -> Option<Common> {
    // The kind is read first, since it says which other keys there are.
    let quiet = node.get("kind").and_then(Node::text).unwrap_or_default();
    let others: Option<&'static [&'static str]> = match quiet {
        "slack" => Some(fields_of::<raw::Slack>()),
        "pagerduty" => Some(fields_of::<raw::PagerDuty>()),
        "statuspage" => Some(fields_of::<raw::StatusPage>()),
        "email" => Some(fields_of::<raw::Email>()),
        "webhook" => Some(fields_of::<raw::Webhook>()),
        "alertmanager" => Some(fields_of::<raw::Alertmanager>()),
        "teams" => Some(fields_of::<raw::Teams>()),
        "twilio" => Some(fields_of::<raw::Twilio>()),
        _ => None,
    };
    reader.read_part(node, others)
}

fn own(around: &Around<'_>, kind: Kind, node: &Node) -> Option<ChannelKind> {
    let reader = around.whole.reader;
    let scene = Scene::of_daemon(around);
    let secret = |key: &Key<Kept>| scene.secret(key);
    let text = fill::plain_text;
    let texts = |key: &Key<Vec<Key<Plain>>>| -> Option<Vec<String>> {
        let all: Vec<String> = key.get()?.iter().filter_map(text).collect();
        if all.is_empty() {
            let problem = Problem::error(Code::Value, key.at(), "nobody is named here");
            around.add(problem.help("write at least one"));
        }
        Some(all)
    };
    Some(match kind {
        Kind::Slack => {
            let raw: raw::Slack = reader.read_part(node, None)?;
            match (raw.webhook.at().is_some(), raw.token.at().is_some(), raw.channel.at().is_some()) {
                (true, false, false) => ChannelKind::SlackWebhook { webhook: secret(&raw.webhook)? },
                (false, true, true) => {
                    ChannelKind::SlackToken { token: secret(&raw.token)?, channel: text(&raw.channel)? }
                }
                _ => {
                    let message = "a Slack channel needs a webhook, or a token and a channel";
                    let help = "write `webhook = { credential = \"…\" }`, or \
                                `token = { credential = \"…\" }` and `channel = \"#incidents\"`";
                    around.add(Problem::error(Code::Missing, node.at, message).help(help));
                    return None;
                }
            }
        }
        Kind::PagerDuty => {
            let raw: raw::PagerDuty = reader.read_part(node, None)?;
            ChannelKind::PagerDuty { routing_key: secret(&raw.routing_key)? }
        }
        Kind::StatusPage => {
            let raw: raw::StatusPage = reader.read_part(node, None)?;
            ChannelKind::StatusPage { page: text(&raw.page)?, token: secret(&raw.token)? }
        }
        Kind::Email => {
            let raw: raw::Email = reader.read_part(node, None)?;
            let server = fill::address(around.problems, text(&raw.server)?, raw.server.at())?;
            let password = if raw.password.at().is_some() { Some(secret(&raw.password)?) } else { None };
            if let (None, Some(at)) = (raw.user.at(), raw.password.at()) {
                let problem = Problem::error(Code::Missing, at, "a password without a `user` is of no use");
                around.add(problem.help("write `user`, or remove the password"));
            }
            let tls = match raw.tls.or(raw::MailTls::Starttls) {
                raw::MailTls::Starttls => MailTls::StartTls,
                raw::MailTls::Tls => MailTls::Tls,
                raw::MailTls::Off => MailTls::Off,
            };
            let login = text(&raw.user).map(|user| (user, password));
            ChannelKind::Email { server, from: text(&raw.from)?, to: texts(&raw.to)?, login, tls }
        }
        Kind::Webhook => {
            let raw: raw::Webhook = reader.read_part(node, None)?;
            let signing: Vec<Secret> = raw.signing.get().into_iter().flatten().filter_map(secret).collect();
            ChannelKind::Webhook { url: secret(&raw.url)?, signing }
        }
        Kind::Alertmanager => {
            let raw: raw::Alertmanager = reader.read_part(node, None)?;
            let urls = raw.urls.get()?.iter().filter_map(|key| {
                let (text, at) = key.both()?;
                fill::url(around.problems, &text.0, at)
            });
            ChannelKind::Alertmanager { urls: urls.collect() }
        }
        Kind::Teams => {
            let raw: raw::Teams = reader.read_part(node, None)?;
            ChannelKind::Teams { url: secret(&raw.url)? }
        }
        Kind::Twilio => {
            let raw: raw::Twilio = reader.read_part(node, None)?;
            ChannelKind::Twilio {
                account: text(&raw.account)?,
                token: secret(&raw.token)?,
                from: text(&raw.from)?,
                to: texts(&raw.to)?,
            }
        }
    })
}
