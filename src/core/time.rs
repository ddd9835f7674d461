//! Moments and spans. There is no `now()`: whoever calls brings [`Now`].
//!
//! Decisions use [`Mono`] alone, the boot-time clock, which never goes back and goes on in suspend. [`Wall`] is for
//! people and for maintenance windows, and no two machines' clocks are ever compared.

use core::fmt;
use core::ops::{Add, Sub};

/// A moment on this machine's boot-time clock, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

/// A moment on the wall, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(u64);

/// A length of time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// What the clocks show as an input is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deciding.
    pub mono: Mono,
    /// For people.
    pub wall: Wall,
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than anything.
    pub const MAX: Span = Span(u64::MAX);

    /// So many microseconds.
    #[must_use]
    pub const fn micros(n: u64) -> Span {
        Span(n)
    }
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(n: u64) -> Span {
        Span(n.saturating_mul(1_000))
    }
    /// So many seconds.
    #[must_use]
    pub const fn secs(n: u64) -> Span {
        Span(n.saturating_mul(1_000_000))
    }
    /// So many minutes.
    #[must_use]
    pub const fn mins(n: u64) -> Span {
        Span::secs(n.saturating_mul(60))
    }
    /// So many hours.
    #[must_use]
    pub const fn hours(n: u64) -> Span {
        Span::mins(n.saturating_mul(60))
    }
    /// In microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// So many times as long.
    #[must_use]
    pub const fn times(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
    /// Both, one after the other.
    #[must_use]
    pub const fn plus(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
    /// What is left of it; nothing, if `other` is longer.
    #[must_use]
    pub const fn less(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Mono {
    /// When this machine started.
    pub const BOOT: Mono = Mono(0);

    /// So many microseconds after boot.
    #[must_use]
    pub const fn micros(n: u64) -> Mono {
        Mono(n)
    }
    /// So long after boot.
    #[must_use]
    pub const fn after_boot(span: Span) -> Mono {
        Mono(span.0)
    }
    /// In microseconds after boot.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// How long ago `earlier` was; nothing, if it is still to come.
    #[must_use]
    pub const fn since(self, earlier: Mono) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    /// The moment so long before; boot, if that is later.
    #[must_use]
    pub const fn before(self, span: Span) -> Mono {
        Mono(self.0.saturating_sub(span.0))
    }
}

impl Wall {
    /// So many microseconds since 1970.
    #[must_use]
    pub const fn micros(n: u64) -> Wall {
        Wall(n)
    }
    /// So many seconds since 1970.
    #[must_use]
    pub const fn secs(n: u64) -> Wall {
        Wall(n.saturating_mul(1_000_000))
    }
    /// In microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }
    /// The moment so long before; 1970, if that is later.
    #[must_use]
    pub const fn before(self, span: Span) -> Wall {
        Wall(self.0.saturating_sub(span.0))
    }
    /// How long after `earlier`; nothing, if that is later.
    #[must_use]
    pub const fn since(self, earlier: Wall) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Mono {
    type Output = Mono;
    fn add(self, span: Span) -> Mono {
        Mono(self.0.saturating_add(span.0))
    }
}

impl Sub<Mono> for Mono {
    type Output = Span;
    fn sub(self, earlier: Mono) -> Span {
        self.since(earlier)
    }
}

impl Add<Span> for Wall {
    type Output = Wall;
    fn add(self, span: Span) -> Wall {
        Wall(self.0.saturating_add(span.0))
    }
}

/// As machines and people both read it: `2026-11-21T13:12:49Z`.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0 / 1_000_000;
        let (days, second) = (secs / 86_400, secs % 86_400);
        // Days since the first of March of year 0, in eras of 400 years, so that leap days come last.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let month = if march < 10 { march + 3 } else { march - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let day = day - (153 * march + 2) / 5 + 1;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// As people write it: `1h30m`, `43s`, `1.5s`, `250ms`; at most two units, the smaller one rounded down.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m")];
        if *self == Span::MAX {
            return f.write_str("ever");
        }
        let secs = self.0 / 1_000_000;
        if secs < 60 {
            let millis = self.0 / 1_000;
            return match (secs, millis % 1_000) {
                (0, 0) if self.0 > 0 => write!(f, "{}us", self.0),
                (s, 0) => write!(f, "{s}s"),
                (0, ms) => write!(f, "{ms}ms"),
                (s, ms) if ms % 100 == 0 => write!(f, "{s}.{}s", ms / 100),
                (s, ms) if ms % 10 == 0 => write!(f, "{s}.{:02}s", ms / 10),
                (s, ms) => write!(f, "{s}.{ms:03}s"),
            };
        }
        for (i, &(size, unit)) in UNITS.iter().enumerate() {
            if secs >= size {
                let (next, name) = UNITS.get(i + 1).copied().unwrap_or((1, "s"));
                let rest = secs % size / next;
                write!(f, "{}{unit}", secs / size)?;
                return if rest > 0 { write!(f, "{rest}{name}") } else { Ok(()) };
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        for (span, text) in [
            (Span::ZERO, "0s"),
            (Span::micros(7), "7us"),
            (Span::millis(250), "250ms"),
            (Span::millis(1_500), "1.5s"),
            (Span::secs(43), "43s"),
            (Span::secs(60), "1m"),
            (Span::secs(90), "1m30s"),
            (Span::mins(90), "1h30m"),
            (Span::hours(48), "2d"),
            (Span::hours(24 * 9), "1w2d"),
            (Span::MAX, "ever"),
        ] {
            assert_eq!(alloc::format!("{span}"), text);
        }
    }

    #[test]
    fn the_wall_reads_as_a_date() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(alloc::format!("{}", Wall::secs(secs)), text);
        }
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Mono::micros(5).since(Mono::micros(9)), Span::ZERO);
        assert_eq!(Mono::micros(5).before(Span::secs(1)), Mono::BOOT);
        assert_eq!(Mono::micros(5) + Span::MAX, Mono::micros(u64::MAX));
        assert_eq!(Span::hours(u64::MAX), Span::MAX);
    }
}
