//! What one look found. It is data: what is made of it is the core's.

use std::fmt;

use crate::core::health::{Outcome, Sample};
use crate::core::ids::ProbeId;
use crate::core::time::{Mono, Span};

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it ended.
    pub outcome: Outcome,
    /// The lag or age that it read, where it reads one.
    pub reading: Option<Span>,
    /// When it was begun.
    pub began: Mono,
    /// When it had ended.
    pub ended: Mono,
    /// How long each phase took, in order; the last one may have been cut short.
    pub phases: Vec<(Phase, Span)>,
    /// What was compared; unless all is asked for, only what did not hold.
    pub compared: Vec<Compared>,
    /// What was seen, by name; only where it is asked for.
    pub shown: Vec<(String, String)>,
    /// What exactly was in the way; empty where nothing was. It holds no secret.
    pub detail: String,
}

/// A part of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Finding the address.
    Resolve,
    /// Until the connection stands.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Saying who we are.
    Login,
    /// Until the first byte of the answer.
    FirstByte,
    /// The rest of the answer.
    Answer,
    /// A program of the operator's.
    Run,
}

/// One expectation, and whether it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// As it was written.
    pub text: String,
    /// Whether it held, or why it could not be evaluated.
    pub holds: Result<bool, String>,
}

impl Found {
    /// As the core takes it.
    #[must_use]
    pub fn sample(&self, probe: ProbeId) -> Sample {
        Sample { probe, began: self.began, ended: self.ended, outcome: self.outcome, reading: self.reading }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::Login => "login",
            Phase::FirstByte => "first byte",
            Phase::Answer => "answer",
            Phase::Run => "run",
        })
    }
}
