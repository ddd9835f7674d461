//! Fills placeholders that are known at load, for what is no step: probes, channels, triggers. A secret's contents are
//! never read; a region's value that is a secret is taken only where one is wanted.

use std::path::PathBuf;
use std::sync::Arc;

use super::Around;
use crate::config::place::At;
use crate::config::probe::Given;
use crate::config::problem::{Code, Problem, Problems};
use crate::config::read::Key;
use crate::config::secret::Secret;
use crate::config::values::{Any, Filled, Kept, Plain, TextOrSecret, named_texts};
use crate::core::ids::Name;
use crate::core::plan::{DraftValue, LoadTime, Place, Raw, RawPiece, SecretRef, SiteRegion, SiteValue};

/// Where something is filled in.
pub(super) struct Scene<'a> {
    pub(super) around: &'a Around<'a>,
    /// Of which service; none: of the daemon itself.
    pub(super) service: Option<&'a Name>,
    /// In which region, with its values; none: in none.
    pub(super) region: Option<&'a SiteRegion>,
    /// Its regions are not known: nothing is said of placeholders.
    pub(super) lenient: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn of_daemon(around: &'a Around<'a>) -> Scene<'a> {
        Scene { around, service: None, region: None, lenient: false }
    }

    /// A text with everything filled in.
    pub(super) fn text(&self, key: &Key<Filled>) -> Option<String> {
        let (text, at) = key.both()?;
        self.raw(&text.0, at)
    }

    /// Several.
    pub(super) fn texts(&self, key: &Key<Vec<Key<Filled>>>) -> Option<Vec<String>> {
        let all: Vec<Option<String>> = key.get()?.iter().map(|one| self.text(one)).collect();
        all.into_iter().collect()
    }

    pub(super) fn path(&self, key: &Key<Filled>) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(key)?);
        if path.is_absolute() {
            return Some(path);
        }
        let problem = Problem::error(Code::Value, key.at(), "this is no absolute path");
        self.around.add(problem.help("write one that begins with `/`"));
        None
    }

    pub(super) fn url(&self, key: &Key<Filled>) -> Option<url::Url> {
        let at = key.at()?;
        url(self.around.problems, &self.text(key)?, at)
    }

    /// A secret by its place.
    pub(super) fn secret(&self, key: &Key<Kept>) -> Option<Secret> {
        let (kept, at) = key.both()?;
        match kept {
            Kept::In(source, name) => Some(Secret::at(*source, &self.raw(name, at)?)),
            Kept::Value(raw) => {
                let [RawPiece::Load(load)] = raw.pieces() else { return None };
                match self.load(load, at)? {
                    Found::Value(SiteValue::Secret(secret)) => Some(Secret::at(secret.source, &secret.name)),
                    Found::Value(_) | Found::Name(_) => {
                        let problem = Problem::error(Code::Secret, at, format!("{load} is no secret"));
                        self.around.add(problem.help(
                            "write the region's value as { credential = \"…\" }, { file = \"…\" } or { env = \"…\" }",
                        ));
                        None
                    }
                }
            }
        }
    }

    /// Keys that their owner names, each with a text or a secret.
    pub(super) fn named(&self, key: &Key<Any>) -> Option<Vec<(String, Given)>> {
        let (any, at) = key.both()?;
        let Some(all) = named_texts(any) else {
            let problem = Problem::error(Code::Value, at, "a table of names and texts belongs here");
            self.around
                .add(problem.help("write such as { NAME = \"text\", OTHER = { credential = \"…\" } }"));
            return None;
        };
        let filled: Vec<Option<(String, Given)>> = all
            .into_iter()
            .map(|(name, value)| {
                let given = match value {
                    TextOrSecret::Text(raw) => match self.alone(&raw, at)? {
                        Some(secret) => Given::Secret(secret),
                        None => Given::Text(self.raw(&raw, at)?),
                    },
                    TextOrSecret::Secret(source, raw) => {
                        Given::Secret(Secret::at(source, &self.raw(&raw, at)?))
                    }
                };
                Some((name.to_string(), given))
            })
            .collect();
        filled.into_iter().collect()
    }

    /// The secret that a text is, if it is nothing but a region's value that is one.
    fn alone(&self, raw: &Raw, at: At) -> Option<Option<Secret>> {
        let [RawPiece::Load(load @ LoadTime::Value(..))] = raw.pieces() else { return Some(None) };
        match self.load(load, at)? {
            Found::Value(SiteValue::Secret(secret)) => Some(Some(Secret::at(secret.source, &secret.name))),
            Found::Value(_) | Found::Name(_) => Some(None),
        }
    }

    pub(super) fn raw(&self, raw: &Raw, at: At) -> Option<String> {
        let mut text = String::new();
        let mut whole = true;
        for piece in raw.pieces() {
            match piece {
                RawPiece::Plain(plain) => text.push_str(plain),
                RawPiece::Load(load) => match self.load(load, at) {
                    Some(Found::Name(name)) => text.push_str(name.as_str()),
                    Some(Found::Value(value)) => match plain(value) {
                        Some(plain) => text.push_str(&plain),
                        None => {
                            self.not_text(load, value, at);
                            whole = false;
                        }
                    },
                    None => whole = false,
                },
                RawPiece::Run(run) => {
                    let problem = Problem::error(Code::Value, at, format!("{run} is known only in a run"));
                    self.around.add(problem.help("write it into a step of a plan, or do without it"));
                    whole = false;
                }
            }
        }
        whole.then_some(text)
    }

    fn not_text(&self, load: &LoadTime, value: &SiteValue, at: At) {
        let problem = if matches!(value, SiteValue::Secret(_)) {
            Problem::error(Code::Secret, at, format!("{load} is a secret and would be shown here"))
                .help("use it alone, in a key that takes a secret")
        } else {
            Problem::error(Code::Value, at, format!("{load} is a table or a list, and a text is wanted"))
                .help("name a key within it, such as {region.lb.dns}")
        };
        self.around.add(problem);
    }

    fn load(&self, load: &LoadTime, at: At) -> Option<Found<'_>> {
        let refuse = |message: String, help: &str| {
            self.around.add(Problem::error(Code::Value, at, message).help(help));
            None
        };
        match load {
            LoadTime::Region | LoadTime::Value(Place::Region, _) if self.lenient => None,
            LoadTime::Service => match self.service {
                Some(service) => Some(Found::Name(service)),
                None => refuse("{service} is known only in a service".to_owned(), "write the name out"),
            },
            LoadTime::Region => match self.region {
                Some(region) => Some(Found::Name(&region.name)),
                None => self.nowhere(load, at),
            },
            LoadTime::From | LoadTime::To | LoadTime::Value(Place::From | Place::To, _) => refuse(
                format!("{load} exists only in the steps of a failover"),
                "write {region}, which is where this looks",
            ),
            LoadTime::Value(Place::Region, keys) => match self.region {
                Some(region) => self.value(load, region, keys, at),
                None => self.nowhere(load, at),
            },
            LoadTime::Value(Place::Here, keys) => match &self.around.here {
                Some(here) => self.value(load, here, keys, at),
                None => refuse(
                    format!("{load} has no value, since this observer is in no region"),
                    "declare the observer with its region in [observer.NAME]",
                ),
            },
        }
    }

    fn nowhere(&self, load: &LoadTime, at: At) -> Option<Found<'_>> {
        let (message, help) = match self.service {
            Some(_) => (
                format!("{load} means nothing in a probe with `role = \"service\"`, which is in no region"),
                "write the region out, or give the probe another role",
            ),
            None => (format!("{load} is known only in a service"), "write it out"),
        };
        self.around.add(Problem::error(Code::Value, at, message).help(help));
        None
    }

    fn value<'r>(&self, load: &LoadTime, region: &'r SiteRegion, keys: &str, at: At) -> Option<Found<'r>> {
        let found = lookup(region, keys);
        if found.is_none() {
            let name = &region.name;
            let problem = Problem::error(Code::Value, at, format!("{load} has no value for region `{name}`"));
            let within = self.service.map_or(String::new(), |service| format!("service.{service}."));
            self.around.add(problem.help(format!("write `{keys}` into [{within}values.{name}]")));
        }
        found.map(Found::Value)
    }
}

/// What a placeholder stands for.
enum Found<'a> {
    Name(&'a Name),
    Value(&'a SiteValue),
}

/// The value under dotted keys.
fn lookup<'r>(region: &'r SiteRegion, keys: &str) -> Option<&'r SiteValue> {
    let mut keys = keys.split('.');
    let mut value = region.values.get(keys.next()?)?;
    for key in keys {
        let SiteValue::Table(inner) = value else { return None };
        value = inner.get(key)?;
    }
    Some(value)
}

fn plain(value: &SiteValue) -> Option<String> {
    match value {
        SiteValue::Text(text) | SiteValue::Number(text) => Some(text.to_string()),
        SiteValue::Int(number) => Some(number.to_string()),
        SiteValue::Flag(flag) => Some(flag.to_string()),
        SiteValue::Secret(_) | SiteValue::List(_) | SiteValue::Table(_) => None,
    }
}

/// A region's value as it was written.
pub(super) fn site_value(value: &DraftValue) -> SiteValue {
    match value {
        DraftValue::Flag(flag) => SiteValue::Flag(*flag),
        DraftValue::Int(number) => SiteValue::Int(*number),
        DraftValue::Number(number) => SiteValue::Number(number.clone()),
        DraftValue::Span(span) => SiteValue::Text(Arc::from(span.to_string())),
        DraftValue::Text(raw, _) => SiteValue::Text(Arc::from(as_written(raw))),
        DraftValue::Secret(source, raw) => {
            SiteValue::Secret(SecretRef { source: *source, name: Arc::from(as_written(raw)) })
        }
        DraftValue::List(list) => SiteValue::List(list.iter().map(site_value).collect()),
        DraftValue::Table(table) => {
            SiteValue::Table(table.iter().map(|(key, one)| (key.clone(), site_value(one))).collect())
        }
    }
}

/// A value is what it says: placeholders in it are not filled.
fn as_written(raw: &Raw) -> String {
    match raw.pieces() {
        [RawPiece::Plain(text)] => text.to_string(),
        _ => raw.to_string(),
    }
}

/// An address of the web.
pub(super) fn url(problems: &Problems, text: &str, at: At) -> Option<url::Url> {
    let refuse = |message: String| {
        let problem = Problem::error(Code::Value, at, message);
        problems.add(problem.help("write such as \"https://shop.example.com/health\""));
        None
    };
    match url::Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            problems.mask(at);
            let problem = Problem::error(Code::Secret, at, "this URL holds a name or a password");
            problems.add(problem.help("write `auth = { user = \"…\", password = { credential = \"…\" } }`"));
            None
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Some(url),
        Ok(url) => refuse(format!("`{}` is no scheme of the web", url.scheme())),
        Err(why) => refuse(format!("this is no URL: {why}")),
    }
}

/// `host:port`.
pub(super) fn address(problems: &Problems, text: String, at: Option<At>) -> Option<String> {
    let good = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', ' ']) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if good {
        return Some(text);
    }
    let problem = Problem::error(Code::Value, at, "this is no `host:port`");
    problems.add(problem.help("write such as \"db.example.com:5432\""));
    None
}

/// A plain text, if it was written.
pub(super) fn plain_text(key: &Key<Plain>) -> Option<String> {
    key.get().map(|text| text.0.clone())
}
