//! Why one value cannot be taken, as serde passes it along. It must never show the value itself: that may be a secret
//! in the wrong place.

use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::config::problem::Code;
use crate::config::suggest;

/// Separates what is wrong from what to write instead, and these from the sort, on their way through serde.
const CUT: char = '\u{1}';

/// A value that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Said already, of a place further in.
    pub(crate) said: bool,
}

/// What is wrong and what to write, for the types that read one value.
pub(crate) fn wrong<E: serde::de::Error>(message: impl fmt::Display, help: impl fmt::Display) -> E {
    E::custom(format_args!("{message}{CUT}{help}"))
}

/// The same, of another sort.
pub(crate) fn of_sort<E: serde::de::Error>(
    code: Code,
    message: impl fmt::Display,
    help: impl fmt::Display,
) -> E {
    E::custom(format_args!("{message}{CUT}{help}{CUT}{}", code.word()))
}

impl Bad {
    fn value(message: String) -> Bad {
        Bad { code: Code::Value, message, help: None, said: false }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Bad {}

impl serde::de::Error for Bad {
    fn custom<T: fmt::Display>(what: T) -> Bad {
        let whole = what.to_string();
        let mut parts = whole.split(CUT);
        let mut bad = Bad::value(parts.next().unwrap_or_default().to_owned());
        bad.help = parts.next().filter(|help| !help.is_empty()).map(str::to_owned);
        bad.code = match parts.next() {
            Some("secret") => Code::Secret,
            Some("not-built-yet") => Code::NotBuilt,
            Some("unknown") => Code::Unknown,
            Some("said") => {
                bad.said = true;
                Code::Value
            }
            Some(_) | None => Code::Value,
        };
        bad
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Bad {
        let found = match found {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
            Unexpected::Float(_) => "a number",
            Unexpected::Char(_) | Unexpected::Str(_) => "a text",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a table",
            Unexpected::Bytes(_)
            | Unexpected::Unit
            | Unexpected::Option
            | Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => "something else",
        };
        let wanted = match wanted.to_string().as_str() {
            "a boolean" => "true or false".to_owned(),
            other => other.to_owned(),
        };
        let help = match (wanted.as_str(), found) {
            (wanted, "a text") if wanted.contains("such as {") => {
                "write it like that, without quotes round it"
            }
            (wanted, _) if wanted.contains("such as {") => "write it like that",
            (wanted, _) if wanted.contains("such as") => "write it like that, between quotes",
            (
                "a text" | "a name" | "a regular expression",
                "a whole number" | "a number" | "true or false",
            ) => "put it between quotes",
            ("a whole number" | "true or false", "a text") => "write it without quotes",
            (_, "a list") => "write one value, without brackets",
            (_, _) => "write what belongs here, or remove the key",
        };
        Bad {
            help: Some(help.to_owned()),
            ..Bad::value(format!("{wanted} belongs here, and this is {found}"))
        }
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Bad {
        Bad::value(format!("{wanted} belongs here"))
    }

    fn invalid_length(_: usize, wanted: &dyn Expected) -> Bad {
        Bad::value(format!("{wanted} belongs here"))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Bad {
        Bad {
            code: Code::Unknown,
            message: format!("`{word}` is none of the words that may stand here"),
            help: Some(suggest::help(word, known.iter().copied())),
            said: false,
        }
    }
}
