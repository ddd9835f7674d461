//! The daemon's own tables: who it is and where, what it trusts, where it listens and writes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::Around;
use super::fill::{self, Scene};
use crate::config::place::At;
use crate::config::problem::{Code, Problem};
use crate::config::raw::daemon::{CoordinatorKind, Observer, ObserverRole, Region, TokenRole};
use crate::config::raw::objects::Tls;
use crate::config::read::Key;
use crate::config::values::{Any, Count, Plain};
use crate::config::whole::{Whole, shelf};
use crate::config::wiring::{self, Api, Chronicle, Coordinator, Exec, ServerTls, Token, Wiring};
use crate::core::decide::{Limits, Mode};
use crate::core::health::self_trust;
use crate::core::ids::Name;
use crate::core::plan::{SiteRegion, SiteValue};
use crate::core::policy::{ObserverDraft, PolicyDraft, RegionDraft, ServiceDraft, SessionTerms};
use crate::core::time::{Span, Wall};
use crate::core::verdict::Observers;

/// Who this is, and what there is.
pub(super) fn around<'a>(whole: &'a Whole<'a>, host: Option<&str>) -> Option<Around<'a>> {
    let problems = whole.reader.problems;
    let config = &whole.config;
    let observers: Vec<(Name, Name)> = shelf(&config.observer)
        .map(|(name, raw): (&Name, &Observer)| {
            let region = raw.region.get().map_or_else(|| name.clone(), |word| word.0.clone());
            (name.clone(), region)
        })
        .collect();
    let me = me(whole, host, &observers)?;
    let place = observers.iter().find(|(name, _)| *name == me).map(|(_, region)| region.clone());
    let observers = if observers.is_empty() { vec![(me.clone(), me.clone())] } else { observers };
    let regions: Vec<SiteRegion> = shelf(&config.region)
        .map(|(name, raw): (&Name, &Region)| SiteRegion { name: name.clone(), values: values(&raw.values) })
        .collect();
    let here = place.map(|place| {
        let declared = regions.iter().find(|region| region.name == place).cloned();
        declared.unwrap_or(SiteRegion { name: place, values: BTreeMap::new() })
    });
    let raw = config.exec.get();
    let allow = raw.and_then(|raw| raw.allow.get()).into_iter().flatten();
    let exec = Exec {
        allow: allow.filter_map(|key| absolute(problems_of(whole), key)).collect(),
        dir: raw
            .and_then(|raw| absolute(problems_of(whole), &raw.dir))
            .unwrap_or_else(|| PathBuf::from("/var/lib/watchkeeper/work")),
    };
    let compiled = RefCell::default();
    Some(Around { whole, problems, me, here, observers, regions, exec, compiled })
}

fn problems_of<'a>(whole: &'a Whole<'a>) -> &'a crate::config::problem::Problems {
    whole.reader.problems
}

/// Which observer this is: the one that is named, else the host's namesake, else the only one.
fn me(whole: &Whole<'_>, host: Option<&str>, observers: &[(Name, Name)]) -> Option<Name> {
    let fallback = || Name::new("this").ok();
    if let Some((word, at)) = whole.config.name.both() {
        if !observers.is_empty() && !observers.iter().any(|(name, _)| *name == word.0) {
            let known = observers.iter().map(|(name, _)| name.as_str());
            let problem = Problem::error(Code::Reference, at, format!("no observer is called `{word}`"));
            problems_of(whole).add(problem.help(crate::config::suggest::help(word.0.as_str(), known)));
        }
        return Some(word.0.clone());
    }
    let host = host.and_then(|host| Name::new(host).ok());
    match (observers, host) {
        ([], Some(host)) => Some(host),
        ([], None) => fallback(),
        ([(only, _)], _) => Some(only.clone()),
        (all, Some(host)) if all.iter().any(|(name, _)| *name == host) => Some(host),
        (all, _) => {
            if !whole.config.name.bad() {
                let at = whole.config.observer.at();
                let problem =
                    Problem::error(Code::Missing, at, "nothing says which of these observers this daemon is");
                problems_of(whole).add(problem.help(
                    "write `name = \"…\"` at the top, set WATCHKEEPER__NAME, or call an observer as the host is called",
                ));
            }
            all.first().map(|(name, _)| name.clone())
        }
    }
}

/// A region's values, as plans and probes may name them.
pub(super) fn values(raw: &Key<BTreeMap<String, Key<Any>>>) -> BTreeMap<Arc<str>, SiteValue> {
    values_of(raw.get())
}

/// As [`values`].
pub(super) fn values_of(raw: Option<&BTreeMap<String, Key<Any>>>) -> BTreeMap<Arc<str>, SiteValue> {
    let all = raw.into_iter().flatten();
    all.filter_map(|(key, value)| Some((Arc::from(key.as_str()), fill::site_value(&value.get()?.0))))
        .collect()
}

/// A path that stands for itself wherever the daemon is started.
pub(super) fn absolute(problems: &crate::config::problem::Problems, key: &Key<Plain>) -> Option<PathBuf> {
    let (text, at) = key.both()?;
    let path = PathBuf::from(&text.0);
    let straight =
        path.is_absolute() && !path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    if straight {
        return Some(path);
    }
    let problem = Problem::error(Code::Value, at, "this is no absolute path");
    problems.add(problem.help("write one that begins with `/` and holds no `..`"));
    None
}

/// What the shells need of the daemon's own tables.
pub(super) fn wiring(around: &Around<'_>) -> Wiring {
    let config = &around.whole.config;
    let scene = Scene::of_daemon(around);
    let observers = around.observers.iter().map(|(name, region)| {
        let raw = config.observer.get().and_then(|all| all.get(name.as_str())).and_then(Key::get);
        let address = raw.and_then(|raw: &Observer| raw.address.get()).map(|text| text.0.clone());
        wiring::Observer { name: name.clone(), region: region.clone(), address }
    });
    let points = config.self_trust.get().and_then(|raw| raw.reference_points.get());
    let links = shelf(&config.links).map(|(name, url)| (name.clone(), url.0.clone())).collect();
    coordinator(around);
    Wiring {
        me: around.me.clone(),
        here: around.here.as_ref().map(|region| region.name.clone()),
        observers: observers.collect(),
        probes: Vec::new(),
        reference_points: points.into_iter().flatten().filter_map(|key| point(around, key)).collect(),
        coordinator: Coordinator::Local,
        chronicle: chronicle(around),
        api: api(around, &scene),
        exec: around.exec.clone(),
        maintenance: Vec::new(),
        heartbeats: Vec::new(),
        triggers: Vec::new(),
        channels: Vec::new(),
        escalations: BTreeMap::new(),
        notices: Vec::new(),
        links,
        services: BTreeMap::new(),
    }
}

fn coordinator(around: &Around<'_>) {
    let config = &around.whole.config;
    let raw = config.coordinator.get();
    let Some(raw) = raw else {
        if around.observers.len() > 1 && !config.coordinator.bad() {
            several(around, config.observer.at());
        }
        return;
    };
    match raw.kind.both() {
        Some((CoordinatorKind::Etcd, at)) => {
            around.add(Problem::not_built(at, "the coordinator `etcd`"));
        }
        Some((CoordinatorKind::Local, at)) => {
            if around.observers.len() > 1 {
                several(around, Some(at).filter(|at| at.file > 0).or(config.observer.at()));
            }
            let keys: [(&str, Option<At>); 5] = [
                ("endpoints", raw.endpoints.at()),
                ("user", raw.user.at()),
                ("password", raw.password.at()),
                ("tls", raw.tls.at()),
                ("prefix", raw.prefix.at().filter(|at| at.file > 0)),
            ];
            for (key, at) in keys {
                if let Some(at) = at {
                    let problem =
                        Problem::error(Code::Unknown, at, format!("a local coordinator has no `{key}`"));
                    around.add(problem.help("remove it; it belongs to `kind = \"etcd\"`"));
                }
            }
        }
        None => {}
    }
}

/// One disk cannot be shared.
fn several(around: &Around<'_>, at: Option<At>) {
    let n = around.observers.len();
    let problem =
        Problem::error(Code::Value, at, format!("{n} observers cannot agree through a local coordinator"));
    around.add(problem.help("declare one observer; a coordinator for several (`etcd`) is not built yet"));
}

fn point(around: &Around<'_>, key: &Key<Plain>) -> Option<String> {
    let (text, at) = key.both()?;
    let text = &text.0;
    let port = |text: &str| {
        text.rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
    };
    let web = url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    if web || (!text.contains("://") && port(text)) {
        return Some(text.clone());
    }
    let problem = Problem::error(Code::Value, at, "this is no reference point");
    around.add(problem.help("write `host:port`, such as \"1.1.1.1:443\", or a URL"));
    None
}

fn chronicle(around: &Around<'_>) -> Chronicle {
    let raw = around.whole.config.chronicle.get().cloned().unwrap_or_default();
    let usual = || PathBuf::from("/var/lib/watchkeeper");
    let span = |key: &Key<crate::config::values::Dur>, usual: Span| key.get().map_or(usual, |dur| dur.0);
    let written = raw.dir.at().is_some();
    Chronicle {
        dir: if written { absolute(around.problems, &raw.dir).unwrap_or_else(usual) } else { usual() },
        keep_events: span(&raw.keep_events, Span::hours(2 * 365 * 24)),
        keep_samples: span(&raw.keep_samples, Span::hours(30 * 24)),
        min_free: raw.min_free.get().map_or(1 << 30, |size| size.0),
    }
}

fn api(around: &Around<'_>, scene: &Scene<'_>) -> Api {
    let config = &around.whole.config;
    let usual = SocketAddr::from(([127, 0, 0, 1], 9470));
    let mut api = Api { listen: usual, public_url: None, tls: None, tokens: Vec::new() };
    let Some(raw) = config.api.get() else { return api };
    if let Some((text, at)) = raw.listen.both() {
        match text.0.parse() {
            Ok(address) => api.listen = address,
            Err(_) => {
                let problem = Problem::error(Code::Value, at, "this is no address to listen on");
                around.add(
                    problem.help("write an address and a port, such as \"127.0.0.1:9470\" or \"[::]:9470\""),
                );
            }
        }
    }
    api.public_url = raw.public_url.both().and_then(|(text, at)| fill::url(around.problems, &text.0, at));
    api.tls = raw.tls.get().and_then(|tls| server_tls(around, scene, tls, raw.tls.at()));
    for (name, token) in shelf(&raw.token) {
        let Some((hash, at)) = token.hash.both() else { continue };
        let Some(sha256) = sha256(&hash.0) else {
            let problem = Problem::error(Code::Value, at, "this is no hash of a token");
            around.problems.mask(at);
            around.add(
                problem.help("write `sha256$` and 64 hexadecimal digits; the token itself stands nowhere"),
            );
            continue;
        };
        let role = match token.role.or(TokenRole::Viewer) {
            TokenRole::Viewer => wiring::TokenRole::Viewer,
            TokenRole::Operator => wiring::TokenRole::Operator,
            TokenRole::Approver => wiring::TokenRole::Approver,
            TokenRole::Admin => wiring::TokenRole::Admin,
        };
        let expires = token.expires.get().map(|expires| wall(expires.0.0));
        api.tokens.push(Token { name: name.clone(), sha256, role, expires });
    }
    if !api.listen.ip().is_loopback() {
        let at = raw.listen.at();
        let oidc = raw.oidc.at().is_some();
        if raw.tls.at().is_none() {
            let problem =
                Problem::error(Code::Missing, at, "the API would be open to the network without TLS");
            around.add(problem.help(
                "write `tls = { cert = \"…\", key = { credential = \"…\" } }`, or listen on 127.0.0.1",
            ));
        }
        if raw.token.at().is_none() && !oidc {
            let problem =
                Problem::error(Code::Missing, at, "the API would be open to anybody on the network");
            around.add(
                problem.help("write an [api.token.NAME] with the hash of a token, or listen on 127.0.0.1"),
            );
        }
    }
    api
}

/// A moment as the core counts it.
pub(super) fn wall(moment: jiff::Timestamp) -> Wall {
    Wall::micros(u64::try_from(moment.as_microsecond()).unwrap_or(0))
}

fn server_tls(around: &Around<'_>, scene: &Scene<'_>, raw: &Tls, at: Option<At>) -> Option<ServerTls> {
    for key in ["cert", "key"] {
        let written = if key == "cert" { raw.cert.at() } else { raw.key.at() };
        if written.is_none() {
            let problem =
                Problem::error(Code::Missing, at, format!("a server's `tls` needs the key `{key}`"));
            around.add(problem.help("write `tls = { cert = \"…\", key = { credential = \"…\" } }`"));
        }
    }
    if let Some(at) = raw.ca.at() {
        let problem = Problem::error(Code::Unknown, at, "a server trusts no `ca`");
        around.add(problem.help("write `client_ca` for the authorities of those who may call"));
    }
    Some(ServerTls {
        cert: absolute(around.problems, &raw.cert)?,
        key: scene.secret(&raw.key)?,
        client_ca: absolute(around.problems, &raw.client_ca),
    })
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256$").filter(|digits| digits.len() == 64 && digits.is_ascii())?;
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The policy's draft with the daemon's own part.
pub(super) fn policy(around: &Around<'_>, services: Vec<ServiceDraft>) -> PolicyDraft {
    let config = &around.whole.config;
    let observers = around.observers.iter().map(|(name, region)| {
        let raw = config.observer.get().and_then(|all| all.get(name.as_str())).and_then(Key::get);
        let witness =
            raw.is_some_and(|raw: &Observer| raw.role.or(ObserverRole::Full) == ObserverRole::Witness);
        ObserverDraft { name: name.clone(), region: region.clone(), witness }
    });
    if around.observers.len() > Observers::MOST {
        let problem = Problem::error(
            Code::Value,
            config.observer.at(),
            format!("there are {} observers", around.observers.len()),
        );
        around.add(problem.help(format!("at most {} can vote", Observers::MOST)));
    }
    let regions = shelf(&config.region).map(|(name, raw): (&Name, &Region)| RegionDraft {
        name: name.clone(),
        lost_at: raw.lost_at.get().map_or(50, |share| share.0),
    });
    PolicyDraft {
        me: around.me.clone(),
        mode: config.mode.get().map_or(Mode::Observe, |mode| mode.core()),
        regions: regions.collect(),
        observers: observers.collect(),
        self_trust: self_trust(around),
        limits: limits(around),
        ask: config.coordinator.get().and_then(|raw| raw.ask.get()).map_or(Span::secs(5), |dur| dur.0),
        session: session(around),
        services,
    }
}

fn self_trust(around: &Around<'_>) -> self_trust::Settings {
    let none = self_trust::Settings::majority_of(0);
    let Some(raw) = around.whole.config.self_trust.get() else { return none };
    let points = raw.reference_points.get().map_or(0, Vec::len);
    let Ok(points) = u8::try_from(points) else {
        let problem =
            Problem::error(Code::Value, raw.reference_points.at(), "there are too many reference points");
        around.add(problem.help("a handful in two networks says enough"));
        return none;
    };
    let usual = self_trust::Settings::majority_of(points);
    let at_least = small(around, &raw.at_least, u8::MAX).unwrap_or(usual.at_least());
    let span = |key: &Key<crate::config::values::Dur>| key.get().map_or(Span::secs(2), |dur| dur.0);
    if raw.at_least.bad() || raw.reference_points.bad() {
        return usual;
    }
    self_trust::Settings::new(points, at_least, span(&raw.stall), span(&raw.clock_jump)).unwrap_or_else(
        |why| {
            let at = match why {
                self_trust::NotTrust::AtLeast { .. } => raw.at_least.at().or(raw.reference_points.at()),
                self_trust::NotTrust::NoTolerance => raw.stall.at().or(raw.clock_jump.at()),
            };
            around.add(
                Problem::error(Code::Value, at, why.to_string())
                    .help("a majority, and 2s, if nothing is written"),
            );
            usual
        },
    )
}

fn limits(around: &Around<'_>) -> Limits {
    let usual = Limits::DEFAULT;
    let Some(raw) = around.whole.config.limits.get() else { return usual };
    let rate = raw.failovers.get();
    Limits {
        failovers: rate.and_then(|rate| small(around, &rate.runs, u16::MAX)).unwrap_or(usual.failovers),
        within: rate.and_then(|rate| rate.within.get()).map_or(usual.within, |dur| dur.0),
        parallel_runs: small(around, &raw.parallel_runs, u16::MAX).unwrap_or(usual.parallel_runs),
    }
}

fn session(around: &Around<'_>) -> SessionTerms {
    let usual = SessionTerms::DEFAULT;
    let Some(raw) = around.whole.config.coordinator.get() else { return usual };
    let span = |key: &Key<crate::config::values::Dur>, usual: Span| key.get().map_or(usual, |dur| dur.0);
    let terms = SessionTerms { ttl: span(&raw.session, usual.ttl), margin: span(&raw.margin, usual.margin) };
    let least = Span::micros(terms.ttl.as_micros() / 5).max(Span::secs(1));
    if raw.session.bad() || raw.margin.bad() {
        return usual;
    }
    if terms.margin < least {
        let problem = Problem::error(
            Code::Value,
            raw.margin.at().filter(|at| at.file > 0).or(raw.session.at()),
            format!("a margin of {} is too short for a session of {}", terms.margin, terms.ttl),
        );
        around.add(problem.help(format!("write at least {least}: a fifth of the session, and 1s")));
    } else if terms.margin.times(2) >= terms.ttl {
        let problem = Problem::error(
            Code::Value,
            raw.session.at().filter(|at| at.file > 0).or(raw.margin.at()),
            format!("a session of {} leaves no time beside a margin of {}", terms.ttl, terms.margin),
        );
        around.add(problem.help("make `session` more than twice as long as `margin`"));
    }
    terms
}

/// A count that must fit a smaller number.
pub(super) fn small<T: TryFrom<u32> + std::fmt::Display + Copy>(
    around: &Around<'_>,
    key: &Key<Count>,
    most: T,
) -> Option<T> {
    let (count, at) = key.both()?;
    match T::try_from(count.0) {
        Ok(number) => Some(number),
        Err(_) => {
            let problem = Problem::error(Code::Value, at, format!("{} is too many", count.0));
            around.add(problem.help(format!("write at most {most}")));
            None
        }
    }
}
