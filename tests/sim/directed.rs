//! Faults that are aimed: at the so-manieth durable write of runs, or at the so-manieth call that is handed over. By
//! chance alone most of these moments are never hit.

use crate::rng::Rng;

/// At which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The so-manieth transaction of a start, a journal or an end, as it is sent.
    Write(u32),
    /// The so-manieth transaction that takes a claim, reads what it is about, or gives it up.
    Claim(u32),
    /// The so-manieth call, between the look at the clock and the sending.
    Call(u32),
    /// The so-manieth transaction that gives a claim up.
    GiveUp(u32),
    /// The so-manieth that ends a run.
    End(u32),
}

/// What goes wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The process dies before anything is sent.
    CrashBefore,
    /// It lands, and the process dies before the answer.
    CrashAfter,
    /// It lands, and the answer is lost.
    AnswerLost,
    /// It is lost.
    Lost,
    /// It lands, but late.
    Late(u64),
    /// The process stands still for so long, with it on its way.
    Pause(u64),
    /// The observer is cut off from the coordinator for so long, with it on its way.
    Cut(u64),
    /// An operator says stop.
    Abort,
    /// An operator says the contrary.
    Contrary,
    /// The config is read anew.
    Reload,
    /// A renewal is on its way too, and the process stands still.
    PauseRenewing(u64),
    /// It lands; of that, and of all that follows, the observer hears nothing for so long.
    Deafens(u64),
    /// Operators say what comes to their minds about just this, which takes so long.
    Says(u64),
    /// The observer is cut off from the coordinator until so long before the end of its session as it knows it, and does
    /// not renew that any more; it lands or is lost.
    Severs { lands: bool, left: u64 },
    /// A backup is made just before, and takes the coordinator's place so long after.
    Restores(u64),
}

/// So many kinds of acts there are.
pub(crate) const ACTS: [&str; 15] = [
    "crash before",
    "crash after",
    "answer lost",
    "lost",
    "late",
    "pause",
    "cut",
    "abort",
    "contrary",
    "reload",
    "pause renewing",
    "said",
    "deafens",
    "severs",
    "restores",
];

impl Act {
    pub(crate) fn index(self) -> usize {
        match self {
            Act::CrashBefore => 0,
            Act::CrashAfter => 1,
            Act::AnswerLost => 2,
            Act::Lost => 3,
            Act::Late(_) => 4,
            Act::Pause(_) => 5,
            Act::Cut(_) => 6,
            Act::Abort => 7,
            Act::Contrary => 8,
            Act::Reload => 9,
            Act::PauseRenewing(_) => 10,
            Act::Says(_) => 11,
            Act::Deafens(_) => 12,
            Act::Severs { .. } => 13,
            Act::Restores(_) => 14,
        }
    }

    pub(crate) fn any(rng: &mut Rng) -> Act {
        let long = rng.between(1_000_000, 90_000_000);
        match rng.below(13) {
            0 => Act::CrashBefore,
            1 => Act::CrashAfter,
            2 => Act::AnswerLost,
            3 => Act::Lost,
            4 => Act::Late(rng.between(3_000_000, 60_000_000)),
            5 => Act::Pause(long),
            6 => Act::Cut(long),
            7 => Act::Abort,
            8 => Act::Contrary,
            9 => Act::Reload,
            10 => Act::Says(rng.below(2_900_000)),
            11 => Act::Deafens(rng.between(1_000_000, 40_000_000)),
            _ => Act::PauseRenewing(long),
        }
    }
}

/// One aimed fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aimed {
    pub(crate) point: Point,
    pub(crate) act: Act,
}

impl Aimed {
    pub(crate) fn any(rng: &mut Rng) -> Aimed {
        let point = if rng.chance(650) {
            Point::Write(rng.between(1, 16) as u32)
        } else {
            Point::Call(rng.between(1, 8) as u32)
        };
        Aimed { point, act: Act::any(rng) }
    }

    /// A claim changes hands, and something else happens.
    pub(crate) fn claim(rng: &mut Rng) -> Aimed {
        let act = match rng.below(5) {
            0 => Act::Cut(rng.between(10_000_000, 60_000_000)),
            1..=3 => Act::Deafens(rng.between(1_000_000, 40_000_000)),
            _ => Act::any(rng),
        };
        Aimed { point: Point::Claim(rng.between(1, 14) as u32), act }
    }

    /// Operators speak as something is being written.
    pub(crate) fn said(rng: &mut Rng) -> Aimed {
        let takes = if rng.chance(500) { 0 } else { rng.below(2_900_000) };
        Aimed { point: Point::Write(rng.between(1, 24) as u32), act: Act::Says(takes) }
    }
}
