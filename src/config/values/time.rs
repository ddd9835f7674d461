//! Durations, moments, time zones and cron lines.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{from_text, schema_of_text};
use crate::config::read::wrong;
use crate::core::time::{Span, Wall};

/// A length of time: `"1h30m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dur(pub(crate) Span);

/// The longest duration that means anything: a hundred years.
const LONGEST_MILLIS: u64 = 100 * 31_536_000_000;

impl Dur {
    pub(crate) fn parse(text: &str) -> Result<Dur, &'static str> {
        const UNITS: [(&str, u64); 7] = [
            ("ms", 1),
            ("s", 1_000),
            ("m", 60_000),
            ("h", 3_600_000),
            ("d", 86_400_000),
            ("w", 604_800_000),
            ("y", 31_536_000_000),
        ];
        let (mut millis, mut rest) = (0_u64, text);
        if rest.is_empty() {
            return Err("nothing is no duration");
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            if number.is_empty() {
                return Err("a duration begins with a number");
            }
            if unit.is_empty() {
                return Err("a number without a unit is no duration");
            }
            let times = UNITS.iter().find(|(known, _)| *known == unit).map(|(_, times)| *times);
            let times = times.ok_or("there is no such unit of time")?;
            let too_long = "a duration is at most 100y";
            let number: u64 = number.parse().map_err(|_| too_long)?;
            let part = number.checked_mul(times).ok_or(too_long)?;
            millis = millis.checked_add(part).filter(|all| *all <= LONGEST_MILLIS).ok_or(too_long)?;
            rest = after;
        }
        Ok(Dur(Span::millis(millis)))
    }
}

/// The moment so long ago, or that moment: as a command line has it.
pub(crate) fn since(text: &str, now: Wall) -> Result<Wall, &'static str> {
    if let Ok(dur) = Dur::parse(text) {
        return Ok(now.before(dur.0));
    }
    let at = Timestamp::from_str(text).map_err(|_| "write such as `2h`, or `2026-11-21T13:00:00Z`")?;
    Ok(Wall::micros(u64::try_from(at.as_microsecond()).unwrap_or_default()))
}

/// A moment: `"2027-02-01T20:00:00Z"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// A time zone by name: `"Europe/Berlin"`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone(pub(crate) TimeZone);

/// Five fields: `"0 3 * * SUN"`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cron(pub(crate) croner::Cron);

const MOMENT: &str = "write day, time and zone, such as \"2027-02-01T20:00:00Z\"";
const CRON: &str =
    "write five fields (minute, hour, day, month, weekday), such as \"0 3 * * SUN\" or \"0 14 * * MON#1\"";

impl Cron {
    fn parse(text: &str) -> Result<Cron, String> {
        let fields = text.split_whitespace().count();
        if fields != 5 || text.len() > 200 {
            return Err(format!("this cron line has {fields} fields"));
        }
        croner::Cron::from_str(text).map(Cron).map_err(|why| format!("this is no cron line: {why}"))
    }
}

from_text!(Dur, "a duration such as \"10s\"", |text| Dur::parse(text).map_err(|why| wrong(
    why,
    "write numbers with their units (ms s m h d w y), such as \"30s\" or \"1h30m\""
)));
from_text!(Moment, "a moment such as \"2027-02-01T20:00:00Z\"", |text: &str| text
    .parse()
    .map(Moment)
    .map_err(|_| wrong("this is no moment", MOMENT)));
from_text!(Zone, "a time zone such as \"Europe/Berlin\"", |text: &str| TimeZone::get(text)
    .map(Zone)
    .map_err(|_| wrong(
        "this machine knows no such time zone",
        "write a name of the IANA list, such as \"UTC\" or \"Europe/Berlin\" (package tzdata)"
    )));
from_text!(Cron, "a cron line such as \"0 3 * * SUN\"", |text: &str| Cron::parse(text)
    .map_err(|why| wrong(why, CRON)));
schema_of_text!(Dur, "duration", { "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d|w|y))+$" });
schema_of_text!(Moment, "moment", { "type": "string", "format": "date-time" });
schema_of_text!(Zone, "time zone", { "type": "string" });
schema_of_text!(Cron, "cron", { "type": "string" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_and_need_units() {
        assert_eq!(Dur::parse("1h30m"), Ok(Dur(Span::mins(90))));
        assert_eq!(Dur::parse("800ms"), Ok(Dur(Span::millis(800))));
        assert_eq!(Dur::parse("7y"), Ok(Dur(Span::hours(24 * 365 * 7))));
        for bad in ["", "30", "s", "1 h", "1h30", "5min", "99999999999999999999s", "99999999y", "-1s", "1.5h"]
        {
            assert!(Dur::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cron_lines_have_five_fields() {
        for good in ["0 3 * * SUN", "0 14 * * MON#1", "0 9 * JAN,APR SAT#1", "*/5 * * * *"] {
            assert!(Cron::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "0 3 * *", "0 0 3 * * SUN", "61 3 * * SUN", "0 3 * * FUNDAY"] {
            assert!(Cron::parse(bad).is_err(), "{bad}");
        }
    }
}
