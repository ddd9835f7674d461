//! Names, plain texts, texts with placeholders, patterns.

use super::{from_text, schema_of_text};
use crate::config::read::wrong;
use crate::core::ids::Name;
use crate::core::plan::{NotAText, Raw};

/// A name of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) Name);

/// A text in which braces mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain(pub(crate) String);

/// A text in which placeholders are filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled(pub(crate) Raw);

/// A regular expression that a whole text must match.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) regex::Regex, pub(crate) String);

/// What a text with placeholders is refused for.
pub(crate) fn filled<E: serde::de::Error>(text: &str) -> Result<Raw, E> {
    Raw::parse(text).map_err(|why| match why {
        NotAText::TooLong => wrong("this text is too long", why),
        NotAText::Unknown(inside) => wrong(
            format_args!("`{{{inside}}}` is no placeholder"),
            format_args!(
                "there are {{service}} {{region}} {{from}} {{to}}, {{region.K}} {{from.K}} {{to.K}} {{here.K}}, \
                 {{run.id}} {{run.token}} {{incident.id}} {{incident.started}}, {{inputs.N}} {{trigger.F}} \
                 {{steps.S.OUT}}; if it is meant as text, write `{{{{{inside}}}}}`"
            ),
        ),
    })
}

fn pattern<E: serde::de::Error>(text: &str) -> Result<Pattern, E> {
    let whole = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(1 << 18).nest_limit(50).build();
    whole.map(|whole| Pattern(whole, text.to_owned())).map_err(|why| {
        let why = why.to_string();
        let last = why.lines().last().unwrap_or("it cannot be read").trim_start_matches("error: ");
        wrong(
            format_args!("this is no regular expression: {last}"),
            "write one that the whole text must match",
        )
    })
}

from_text!(Word, "a name", |text| Name::new(text).map(Word).map_err(|why| wrong(
    format_args!("this is no name: {why}"),
    "write lower-case letters, digits, `_` and `-`; a `title` may say it otherwise"
)));
from_text!(Plain, "a text", |text: &str| if text.len() > Raw::LONGEST {
    Err(wrong("this text is too long", "write at most 65536 bytes"))
} else {
    Ok(Plain(text.to_owned()))
});
from_text!(Filled, "a text", |text| filled(text).map(Filled));
from_text!(Pattern, "a regular expression", pattern);
schema_of_text!(Word, "name", { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$", "maxLength": 100 });
schema_of_text!(Plain, "text", { "type": "string" });
schema_of_text!(Filled, "text with placeholders", { "type": "string" });
schema_of_text!(Pattern, "regular expression", { "type": "string", "format": "regex" });

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
