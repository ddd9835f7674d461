//! Lengths of time inside an expectation: the type `duration` with `duration('5m')`, in the units of the config.
//!
//! CEL's own would bring a second time library and every time zone. It only orders and compares: no arithmetic, and a
//! length is never equal to a number.

use std::any::Any;
use std::cmp::Ordering;

use cel::common::traits::Comparer;
use cel::common::types::{CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Env, ExecutionError};

use crate::core::time::Span;

static LENGTH: Type = Type::new_unspecified_type("duration");

/// A length of time as a value of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length(pub(super) Span);

impl Val for Length {
    fn get_type(&self) -> &Type {
        <Self as Val>::cel_type()
    }
    fn cel_type() -> &'static Type {
        &LENGTH
    }
    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Length>() == Some(self)
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }
    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Length {}

impl Comparer for Length {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        match other.downcast_ref::<Length>() {
            Some(other) => Ok(self.0.cmp(&other.0)),
            None => Err(ExecutionError::function_error(
                "duration",
                "a length of time compares only to another: write duration('5m')",
            )),
        }
    }
}

/// Adds the type and the function to an environment that has neither.
pub(super) fn add(env: &mut Env) -> Result<(), cel::DeclarationError> {
    env.add_type(LENGTH.to_owned())?;
    env.add_overload("duration", "string_to_duration", vec![cel::common::types::STRING_TYPE], |arguments| {
        let text = arguments.first().and_then(|argument| argument.downcast_ref::<CelString<'_>>());
        match text.and_then(|text| parse(text.inner())) {
            Some(span) => Ok(CowVal::owned(Length(span))),
            None => Err(ExecutionError::function_error(
                "duration",
                "no length of time: write numbers with ms, s, m, h, d, w or y, as in duration('1h30m')",
            )),
        }
    })
}

/// `1h30m`, `250ms`, `1.5s`: each unit at most once, in any order; none for a bare number.
#[must_use]
pub fn parse(text: &str) -> Option<Span> {
    const UNITS: [(&str, u64); 9] = [
        ("us", 1),
        ("ms", 1_000),
        ("s", 1_000_000),
        ("m", 60_000_000),
        ("h", 3_600_000_000),
        ("d", 86_400_000_000),
        ("w", 604_800_000_000),
        ("y", 31_536_000_000_000),
        ("ns", 0),
    ];
    let mut rest = text;
    let mut sum = 0_u64;
    let mut seen = 0_u16;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let which = UNITS.iter().position(|(name, _)| *name == unit)?;
        if seen & (1 << which) != 0 {
            return None;
        }
        seen |= 1 << which;
        let size = UNITS.get(which)?.1;
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(size)?)?;
        if number.contains('.') {
            if part.is_empty() || part.len() > 6 || part.contains('.') {
                return None;
            }
            let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
            sum = sum.checked_add(part.parse::<u64>().ok()?.checked_mul(size)? / scale)?;
        }
        rest = after;
    }
    Some(Span::micros(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_config() {
        assert_eq!(parse("1h30m"), Some(Span::mins(90)));
        assert_eq!(parse("250ms"), Some(Span::millis(250)));
        assert_eq!(parse("1.5s"), Some(Span::millis(1_500)));
        assert_eq!(parse("2w"), Some(Span::hours(336)));
        for bad in
            ["", "5", "m", "5 m", "1m1m", "1..5s", "1.s", "5q", "-5m", "99999999999999999999s", "9999999999y"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
