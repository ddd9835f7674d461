//! The values of the language: durations, sizes, shares, names, texts with placeholders, secrets by reference. Each is
//! read once, says in a sentence what it wants, and never repeats a text that might be a secret.

mod any;
mod secret;
mod texts;
mod time;

pub(crate) use any::{Any, TextOrSecret, named_texts};
pub(crate) use secret::Kept;
pub(crate) use texts::{Filled, Pattern, Plain, Word};
pub(crate) use time::{Cron, Dur, Moment, Zone, since};

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::read::wrong;

/// A schema of a value that is written as a text.
macro_rules! schema_of_text {
    ($type:ty, $name:literal, $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                false
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use schema_of_text;

/// How many: the only thing that a bare number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Count, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                u32::try_from(number).map(Count).map_err(|_| {
                    wrong(format_args!("{number} is no count"), format_args!("write 0 to {}", u32::MAX))
                })
            }
        }
        from.deserialize_i64(Seen)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "count".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

/// A number of bytes: `"64KiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    fn parse(text: &str) -> Option<Size> {
        const UNITS: [(&str, u64); 9] = [
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("TiB", 1 << 40),
            ("KB", 1_000),
            ("MB", 1_000_000),
            ("GB", 1_000_000_000),
            ("TB", 1_000_000_000_000),
            ("B", 1),
        ];
        let (unit, times) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
        let digits = text.strip_suffix(unit)?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = plain.then(|| digits.parse().ok()).flatten()?;
        number.checked_mul(*times).map(Size)
    }
}

/// Hundredths: `"95%"`, and tenths of them for what is promised of availability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) u8);

impl Share {
    fn parse(text: &str) -> Option<Share> {
        let number = text.strip_suffix('%')?;
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| number.parse().ok()).flatten().filter(|n: &u8| *n <= 100).map(Share)
    }
}

/// Reads a value that is written as a text, and says what is wanted of one that is not.
macro_rules! from_text {
    ($type:ty, $wants:literal, $parse:expr) => {
        impl<'de> serde::de::Deserialize<'de> for $type {
            fn deserialize<D: serde::de::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                struct Seen;
                impl serde::de::Visitor<'_> for Seen {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($wants)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        $parse(text)
                    }
                }
                from.deserialize_str(Seen)
            }
        }
    };
}
pub(crate) use from_text;

from_text!(Size, "a size such as \"64KiB\"", |text| Size::parse(text).ok_or_else(|| wrong(
    "this is no size",
    "write a whole number and its unit (B KB MB GB TB KiB MiB GiB TiB), such as \"64KiB\""
)));
from_text!(Share, "a share such as \"95%\"", |text| Share::parse(text)
    .ok_or_else(|| wrong("this is no share", "write a whole number from 0 to 100 and a %, such as \"95%\"")));
schema_of_text!(Size, "size", { "type": "string", "pattern": "^[0-9]+(B|[KMGT]B|[KMGT]iB)$" });
schema_of_text!(Share, "share", { "type": "string", "pattern": "^[0-9]{1,3}%$" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_need_their_unit() {
        assert_eq!(Size::parse("64KiB"), Some(Size(65_536)));
        assert_eq!(Size::parse("1GB"), Some(Size(1_000_000_000)));
        for bad in ["64", "KiB", "-1KiB", "1.5MB", "99999999999TiB", ""] {
            assert_eq!(Size::parse(bad), None, "{bad}");
        }
        assert_eq!(Share::parse("50%"), Some(Share(50)));
        for bad in ["50", "%", "101%", "+5%", "5.5%"] {
            assert_eq!(Share::parse(bad), None, "{bad}");
        }
    }
}
