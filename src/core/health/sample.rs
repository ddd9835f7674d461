//! One result of a probe, and the words for why it failed or saw nothing. Never an interpretation.

use core::fmt;

use crate::ids::ProbeId;
use crate::time::{Mono, Span};

/// One result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose.
    pub probe: ProbeId,
    /// When it was begun.
    pub began: Mono,
    /// When it had answered.
    pub ended: Mono,
    /// What it found.
    pub outcome: Outcome,
    /// The lag or age that it read, where it reads one: what a promotion would lose, or how old a witness' evidence is.
    pub reading: Option<Span>,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok {
        /// How long the answer took.
        took: Span,
    },
    /// The target is not as it should be.
    Failed(Failure),
    /// We could not see: says nothing about the target.
    Blind(Blindness),
}

/// Why a target is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It refused the connection.
    Refused,
    /// It did not answer in time.
    TimedOut,
    /// It closed the connection.
    Closed,
    /// Its name has no address.
    NoAddress,
    /// It could not prove who it is.
    Untrusted,
    /// It answered with this status.
    Status(u16),
    /// It answered with something that is no answer.
    BadAnswer,
    /// The so-manieth of the probe's expectations does not hold.
    Unmet(u8),
    /// It does not take writes.
    NotWritable,
    /// Nothing came from it.
    Silent,
}

/// Why we could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blindness {
    /// This observer distrusts its own view.
    Isolated,
    /// What stands before it is down.
    ParentDown,
    /// We have no route, or no network.
    NoRoute,
    /// We ran out of something: descriptors, memory, time to start.
    Exhausted,
    /// A secret of ours could not be read.
    Secret,
    /// An expectation could not be evaluated.
    Evaluation,
    /// The source had no data.
    NoData,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused => f.write_str("refused the connection"),
            Failure::TimedOut => f.write_str("did not answer in time"),
            Failure::Closed => f.write_str("closed the connection"),
            Failure::NoAddress => f.write_str("has no address"),
            Failure::Untrusted => f.write_str("could not prove who it is"),
            Failure::Status(status) => write!(f, "answered {status}"),
            Failure::BadAnswer => f.write_str("answered with something that is no answer"),
            Failure::Unmet(which) => write!(f, "did not meet expectation {}", which.saturating_add(1)),
            Failure::NotWritable => f.write_str("does not take writes"),
            Failure::Silent => f.write_str("sent nothing"),
        }
    }
}

impl fmt::Display for Blindness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Blindness::Isolated => "this observer is isolated",
            Blindness::ParentDown => "its parent is down",
            Blindness::NoRoute => "we have no route to it",
            Blindness::Exhausted => "we ran out of descriptors",
            Blindness::Secret => "a secret of ours could not be read",
            Blindness::Evaluation => "an expectation could not be evaluated",
            Blindness::NoData => "the source had no data",
        })
    }
}
