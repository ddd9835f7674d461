//! Faults that a test asks of the real program, and that nothing outside it can make: the wall clock stepped, the event
//! loop stuck. Debug builds alone have this file; a release has neither the code nor the argument.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// From now on, what lies in that folder is so: `wall` holds the seconds by which the wall clock is off, and as long as
/// there is a `stuck` the event loop stands still. `crash` and `writes` are the store's.
pub fn arm(folder: PathBuf) {
    crate::store::faults::arm(folder.clone());
    FOLDER.get_or_init(|| folder);
}

/// So many microseconds the wall clock is off.
pub(super) fn wall_is_off() -> i64 {
    let text = FOLDER.get().and_then(|folder| fs::read_to_string(folder.join("wall")).ok());
    let seconds = text.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or_default();
    seconds.saturating_mul(1_000_000)
}

/// Does not return as long as the loop is to be stuck. It keeps its thread, as what really is stuck does.
pub(super) fn stick() {
    while FOLDER.get().is_some_and(|folder| folder.join("stuck").exists()) {
        std::thread::sleep(Duration::from_millis(20));
    }
}
