//! The one door through which time comes in: CLOCK_BOOTTIME for deciding, which goes on in suspend, and the wall for people.
//!
//! Nothing else in the house reads a clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::core::time::{Mono, Now, Span, Wall};

/// What the clocks show.
#[must_use]
pub fn now() -> Now {
    Now { mono: Mono::micros(micros(clock_gettime(ClockId::Boottime))), wall: wall() }
}

/// A wall clock before 1970 shows 1970.
#[expect(clippy::disallowed_methods, reason = "the one door through which wall time comes in")]
fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    #[cfg(debug_assertions)]
    let micros = micros.saturating_add_signed(super::faults::wall_is_off());
    Wall::micros(micros)
}

/// The same, to be handed to the shells.
#[must_use]
pub fn shared() -> Arc<dyn Fn() -> Now + Send + Sync> {
    Arc::new(now)
}

/// As systemd wants it in RELOADING: CLOCK_MONOTONIC, in microseconds.
pub(super) fn monotonic() -> u64 {
    micros(clock_gettime(ClockId::Monotonic))
}

/// A clock that stood before its beginning shows its beginning.
fn micros(time: Timespec) -> u64 {
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    secs.saturating_mul(1_000_000).saturating_add(nanos / 1_000)
}

/// How far the wall has jumped against the boot-time clock between two looks.
#[must_use]
pub(super) fn jump(before: Now, now: Now) -> Span {
    let (passed, shown) = (now.mono.since(before.mono), now.wall.since(before.wall));
    if now.wall < before.wall {
        return before.wall.since(now.wall).plus(passed);
    }
    if passed > shown { passed.less(shown) } else { shown.less(passed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_the_wall_moved_beyond_the_time_that_passed() {
        let at = |mono, wall| Now { mono: Mono::after_boot(Span::secs(mono)), wall: Wall::secs(wall) };
        assert_eq!(jump(at(10, 1_000), at(15, 1_005)), Span::ZERO, "a suspend is no jump");
        assert_eq!(jump(at(10, 1_000), at(11, 1_061)), Span::secs(60));
        assert_eq!(jump(at(10, 1_000), at(11, 941)), Span::secs(60));
        assert_eq!(jump(at(10, 1_000), at(20, 1_004)), Span::secs(6));
        let (first, second) = (now(), now());
        assert!(first.mono <= second.mono && first.wall > Wall::secs(1_700_000_000));
    }
}
