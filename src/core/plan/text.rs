//! Texts with placeholders: read once into pieces, and printed again exactly as they were written.
//!
//! [`Raw`] is what the config says; [`Text`] is what is left when everything known at load is filled in, so that a
//! compiled plan cannot hold a `{to}` any more. The list of placeholders is closed. Braces that hold none of them are
//! text (`up{job="x"}`), and `{{to}}` is the text `{to}`. Nothing here may look a value up.

use super::step_name::StepName;
use crate::ids::Name;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// A text as the config has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw(Vec<RawPiece>);

/// A part of a [`Raw`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawPiece {
    /// Stands for itself.
    Plain(Arc<str>),
    /// Known at load.
    Load(LoadTime),
    /// Known when a run, or the step, starts.
    Run(RunTime),
}

/// A text of a compiled plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

/// A part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Stands for itself.
    Plain(Arc<str>),
    /// Filled in before the step's intent is written.
    Run(RunTime),
}

/// A placeholder that is filled in at load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadTime {
    /// `{service}`.
    Service,
    /// `{region}`: where this acts.
    Region,
    /// `{from}`.
    From,
    /// `{to}`.
    To,
    /// `{region.K}` and its like: the value under these keys, outermost first.
    Value(Place, Arc<str>),
}

/// Whose value a `{….K}` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the region where this acts.
    Region,
    /// Of the region that a failover leaves.
    From,
    /// Of the region that a failover goes to.
    To,
    /// Of the observer's own region.
    Here,
}

/// A placeholder that is filled in when a run, or the step, starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTime {
    /// `{run.id}`.
    RunId,
    /// `{run.token}`.
    RunToken,
    /// `{incident.id}`.
    IncidentId,
    /// `{incident.started}`.
    IncidentStarted,
    /// `{inputs.N}`.
    Input(Name),
    /// `{trigger.F}`.
    Trigger(Name),
    /// `{steps.S.OUT}`.
    Output(StepName, Name),
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAText {
    /// Longer than [`Raw::LONGEST`].
    TooLong,
    /// It begins like a placeholder and is none of the list.
    Unknown(String),
}

impl Raw {
    /// The longest text, in bytes.
    pub const LONGEST: usize = 65_536;

    /// Reads a text once.
    pub fn parse(text: &str) -> Result<Raw, NotAText> {
        if text.len() > Self::LONGEST {
            return Err(NotAText::TooLong);
        }
        let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            rest = &rest[open..];
            if let Some(inside) =
                rest.strip_prefix('{').and_then(in_braces).filter(|i| rest[i.len() + 3..].starts_with('}'))
            {
                plain.push_str(&rest[1..inside.len() + 3]);
                rest = &rest[inside.len() + 4..];
            } else if let Some(inside) = in_braces(rest) {
                if !plain.is_empty() {
                    pieces.push(RawPiece::Plain(Arc::from(plain.as_str())));
                    plain.clear();
                }
                pieces.push(placeholder(inside).ok_or_else(|| NotAText::Unknown(inside.into()))?);
                rest = &rest[inside.len() + 2..];
            } else {
                plain.push('{');
                rest = &rest[1..];
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(RawPiece::Plain(Arc::from(plain.as_str())));
        }
        Ok(Raw(pieces))
    }

    /// A text in which braces mean nothing.
    #[must_use]
    pub fn plain(text: &str) -> Raw {
        Raw(if text.is_empty() { Vec::new() } else { alloc::vec![RawPiece::Plain(Arc::from(text))] })
    }

    /// Its parts.
    #[must_use]
    pub fn pieces(&self) -> &[RawPiece] {
        &self.0
    }
}

impl Text {
    /// A text without placeholders.
    #[must_use]
    pub fn plain(text: &str) -> Text {
        let mut made = Text::default();
        made.push_plain(text);
        made
    }

    /// Its parts; two plain ones never stand side by side.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text, if nothing is left to fill in.
    #[must_use]
    pub fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The output that this text is, and nothing else: in a list such a text is filled by a list.
    #[must_use]
    pub fn as_output(&self) -> Option<(&StepName, &Name)> {
        match self.0.as_slice() {
            [Piece::Run(RunTime::Output(step, output))] => Some((step, output)),
            _ => None,
        }
    }

    /// What is left to fill in.
    pub fn placeholders(&self) -> impl Iterator<Item = &RunTime> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Plain(_) => None,
            Piece::Run(run) => Some(run),
        })
    }

    pub(super) fn push_plain(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Piece::Plain(last)) => {
                let mut joined = String::with_capacity(last.len() + text.len());
                joined.push_str(last);
                joined.push_str(text);
                *last = Arc::from(joined);
            }
            Some(Piece::Run(_)) | None => self.0.push(Piece::Plain(Arc::from(text))),
        }
    }

    pub(super) fn push_run(&mut self, run: RunTime) {
        self.0.push(Piece::Run(run));
    }

    pub(super) fn push_text(&mut self, other: &Text) {
        for piece in &other.0 {
            match piece {
                Piece::Plain(text) => self.push_plain(text),
                Piece::Run(run) => self.push_run(run.clone()),
            }
        }
    }
}

/// What stands between the brace that `text` starts with and the next one, if it begins like a placeholder.
fn in_braces(text: &str) -> Option<&str> {
    const WORDS: [&str; 10] =
        ["service", "region", "from", "to", "here", "run", "incident", "inputs", "trigger", "steps"];
    let inside = text.strip_prefix('{')?;
    let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let (inside, after) = inside.split_at(end);
    let first = inside.split('.').next().unwrap_or(inside);
    (after.starts_with('}') && WORDS.contains(&first)).then_some(inside)
}

fn placeholder(inside: &str) -> Option<RawPiece> {
    let Some((first, rest)) = inside.split_once('.') else {
        return Some(RawPiece::Load(match inside {
            "service" => LoadTime::Service,
            "region" => LoadTime::Region,
            "from" => LoadTime::From,
            "to" => LoadTime::To,
            _ => return None,
        }));
    };
    let place = match first {
        "region" => Some(Place::Region),
        "from" => Some(Place::From),
        "to" => Some(Place::To),
        "here" => Some(Place::Here),
        _ => None,
    };
    if let Some(place) = place {
        let whole = rest.split('.').all(|key| !key.is_empty());
        return whole.then(|| RawPiece::Load(LoadTime::Value(place, Arc::from(rest))));
    }
    Some(RawPiece::Run(match (first, rest) {
        ("run", "id") => RunTime::RunId,
        ("run", "token") => RunTime::RunToken,
        ("incident", "id") => RunTime::IncidentId,
        ("incident", "started") => RunTime::IncidentStarted,
        ("inputs", name) => RunTime::Input(Name::new(name).ok()?),
        ("trigger", field) => RunTime::Trigger(Name::new(field).ok()?),
        ("steps", path) => {
            let (step, output) = path.rsplit_once('.')?;
            RunTime::Output(StepName::parse(step).ok()?, Name::new(output).ok()?)
        }
        _ => return None,
    }))
}

/// Prints a plain part so that reading it gives the same part again.
fn escape(f: &mut fmt::Formatter<'_>, plain: &str) -> fmt::Result {
    let mut rest = plain;
    while let Some(open) = rest.find('{') {
        f.write_str(&rest[..open])?;
        rest = &rest[open..];
        if let Some(inside) = in_braces(rest) {
            write!(f, "{{{{{inside}}}}}")?;
            rest = &rest[inside.len() + 2..];
        } else {
            f.write_char('{')?;
            rest = &rest[1..];
        }
    }
    f.write_str(rest)
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            RawPiece::Plain(text) => escape(f, text),
            RawPiece::Load(load) => write!(f, "{load}"),
            RawPiece::Run(run) => write!(f, "{run}"),
        })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Plain(text) => escape(f, text),
            Piece::Run(run) => write!(f, "{run}"),
        })
    }
}

impl fmt::Display for LoadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadTime::Service => f.write_str("{service}"),
            LoadTime::Region => f.write_str("{region}"),
            LoadTime::From => f.write_str("{from}"),
            LoadTime::To => f.write_str("{to}"),
            LoadTime::Value(Place::Region, keys) => write!(f, "{{region.{keys}}}"),
            LoadTime::Value(Place::From, keys) => write!(f, "{{from.{keys}}}"),
            LoadTime::Value(Place::To, keys) => write!(f, "{{to.{keys}}}"),
            LoadTime::Value(Place::Here, keys) => write!(f, "{{here.{keys}}}"),
        }
    }
}

impl fmt::Display for RunTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunTime::RunId => f.write_str("{run.id}"),
            RunTime::RunToken => f.write_str("{run.token}"),
            RunTime::IncidentId => f.write_str("{incident.id}"),
            RunTime::IncidentStarted => f.write_str("{incident.started}"),
            RunTime::Input(name) => write!(f, "{{inputs.{name}}}"),
            RunTime::Trigger(field) => write!(f, "{{trigger.{field}}}"),
            RunTime::Output(step, output) => write!(f, "{{steps.{step}.{output}}}"),
        }
    }
}

impl fmt::Display for NotAText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAText::TooLong => write!(f, "a text has at most {} bytes; put it into a file", Raw::LONGEST),
            NotAText::Unknown(inside) => write!(
                f,
                "`{{{inside}}}` is no placeholder: they are {{service}} {{region}} {{from}} {{to}}, {{region.K}} {{from.K}} \
                 {{to.K}} {{here.K}}, {{run.id}} {{run.token}} {{incident.id}} {{incident.started}}, {{inputs.N}} \
                 {{trigger.F}} {{steps.S.OUT}}; if it is meant as text, write `{{{{{inside}}}}}`"
            ),
        }
    }
}
