//! The last look at the clock before bytes go out that change something. A step's connection passes here; a probe's
//! changes nothing and has no gate.
//!
//! [`Wire`](super::wire::Wire) asks it within the very call that gives bytes to the socket, so nothing can wait in
//! between. It must never open again once it was shut.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use thiserror::Error;

/// Greetings and logins pass.
const GREETING: u8 = 0;
/// What comes next is what changes something.
const ARMED: u8 = 1;
/// At least one byte of that was given to the network.
const HANDED: u8 = 2;
/// It came too late, and nothing of it was given to the network.
const SHUT: u8 = 3;

/// The last look at the clock before bytes go out that change something.
pub(crate) struct Gate {
    open: Box<dyn Fn() -> bool + Send + Sync>,
    state: AtomicU8,
}

/// The right to act, or the time in which it may land, is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is too late to hand this over")]
pub(crate) struct TooLate;

impl Gate {
    /// Open for as long as `open` says so.
    pub(crate) fn new(open: impl Fn() -> bool + Send + Sync + 'static) -> Gate {
        Gate { open: Box::new(open), state: AtomicU8::new(GREETING) }
    }

    /// From now on what is written changes something.
    pub(crate) fn arm(&self) {
        self.step(GREETING, ARMED);
    }

    /// To be asked in the same code that hands it over, with nothing between.
    pub(crate) fn hand_over(&self) -> Result<(), TooLate> {
        self.arm();
        if self.state.load(Ordering::Acquire) == SHUT {
            return Err(TooLate);
        }
        if (self.open)() {
            self.step(ARMED, HANDED);
            return Ok(());
        }
        // What follows the first byte is cut off, too; but then something is out there.
        self.step(ARMED, SHUT);
        Err(TooLate)
    }

    /// Whether any of it was given to the network.
    pub(crate) fn handed(&self) -> bool {
        self.state.load(Ordering::Acquire) == HANDED
    }

    /// Whether it came too late, and nothing is out there.
    pub(crate) fn shut(&self) -> bool {
        self.state.load(Ordering::Acquire) == SHUT
    }

    /// Asked before each write.
    pub(super) fn pass(&self) -> io::Result<()> {
        if self.state.load(Ordering::Acquire) == GREETING {
            return Ok(());
        }
        self.hand_over().map_err(io::Error::other)
    }

    fn step(&self, from: u8, to: u8) {
        // Another state than `from` stays as it is, which is what is wanted.
        match self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn what_is_too_late_never_passes_and_what_passed_is_known() {
        let open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&open);
        let gate = Gate::new(move || asked.load(Ordering::Relaxed));
        open.store(false, Ordering::Relaxed);
        assert!(gate.pass().is_ok(), "a greeting passes");
        assert!(!gate.handed() && !gate.shut());
        gate.arm();
        assert!(gate.pass().is_err());
        assert!(gate.shut() && !gate.handed());
        open.store(true, Ordering::Relaxed);
        assert_eq!(gate.hand_over(), Err(TooLate), "it never opens again");

        let gate = Gate::new(|| true);
        assert_eq!(gate.hand_over(), Ok(()));
        assert!(gate.handed() && !gate.shut());
    }

    #[test]
    fn who_has_begun_is_cut_off_and_not_forgotten() {
        let open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&open);
        let gate = Gate::new(move || asked.load(Ordering::Relaxed));
        assert!(gate.hand_over().is_ok());
        open.store(false, Ordering::Relaxed);
        assert!(gate.pass().is_err());
        assert!(gate.handed(), "something is out there");
    }
}
