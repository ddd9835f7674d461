//! What a call came to, and what a connection's trouble says of it. It must never take silence for an answer.

use crate::core::authority::Token;
use crate::core::health::{Blindness, Failure};
use crate::core::ids::Name;
use crate::core::plan::{Filled, Op, Reply};
use crate::probe::{Gate, Why};

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) reply: Reply,
    pub(crate) outputs: Vec<(Name, Filled)>,
    pub(crate) mark: Option<Token>,
    /// For people; it holds no secret.
    pub(crate) detail: String,
}

impl Came {
    fn new(reply: Reply, detail: impl Into<String>) -> Came {
        Came { reply, outputs: Vec::new(), mark: None, detail: detail.into() }
    }
    pub(crate) fn done() -> Came {
        Came::new(Reply::Done, "")
    }
    pub(crate) fn not_done(detail: impl Into<String>) -> Came {
        Came::new(Reply::NotDone, detail)
    }
    pub(crate) fn transient(detail: impl Into<String>) -> Came {
        Came::new(Reply::Transient, detail)
    }
    pub(crate) fn refused(detail: impl Into<String>) -> Came {
        Came::new(Reply::Refused, detail)
    }
    pub(crate) fn unknown(detail: impl Into<String>) -> Came {
        Came::new(Reply::Unknown, detail)
    }

    /// It was never handed over. Of a look that means that nobody knows: *not done* would be taken for what it saw.
    pub(crate) fn not_handed(op: Op, detail: impl Into<String>) -> Came {
        match op {
            Op::Observe => Came::unknown(detail),
            Op::Do | Op::Undo | Op::Verify => Came::not_done(detail),
        }
    }

    /// What was in the way of a call, by how far it had come.
    pub(crate) fn from_why(why: Why, gate: &Gate, op: Op) -> Came {
        let (Why::Failed(_, detail) | Why::Blind(_, detail)) = &why;
        if gate.shut() {
            return Came::not_handed(op, detail);
        }
        if gate.handed() || op == Op::Observe {
            return Came::unknown(detail);
        }
        match &why {
            // Our own config, our own secrets, or somebody who is not who he should be: no other try helps.
            Why::Blind(Blindness::Secret | Blindness::Evaluation, _) | Why::Failed(Failure::Untrusted, _) => {
                Came::refused(detail)
            }
            Why::Blind(..) | Why::Failed(..) => Came::transient(detail),
        }
    }

    /// While a step is taken back, *done* means that it is undone.
    pub(crate) fn observed(self, undoing: bool) -> Came {
        let reply = match (self.reply, undoing) {
            (Reply::Done, true) => Reply::NotDone,
            (Reply::NotDone, true) => Reply::Done,
            (reply, _) => reply,
        };
        Came { reply, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Why {
        Why::Failed(Failure::Refused, "nobody listens".to_owned())
    }

    #[test]
    fn what_was_handed_over_is_unknown_and_what_was_not_is_known() {
        let gate = Gate::new(|| true);
        assert_eq!(Came::from_why(refused(), &gate, Op::Do).reply, Reply::Transient);
        assert_eq!(Came::from_why(refused(), &gate, Op::Observe).reply, Reply::Unknown);
        let secret = Why::Blind(Blindness::Secret, "the file is empty".to_owned());
        assert_eq!(Came::from_why(secret, &gate, Op::Do).reply, Reply::Refused);
        gate.hand_over().unwrap();
        assert_eq!(Came::from_why(refused(), &gate, Op::Do).reply, Reply::Unknown);
        let gate = Gate::new(|| false);
        assert!(gate.hand_over().is_err());
        assert_eq!(Came::from_why(refused(), &gate, Op::Undo).reply, Reply::NotDone);
        assert_eq!(Came::from_why(refused(), &gate, Op::Observe).reply, Reply::Unknown);
    }

    #[test]
    fn what_is_not_done_any_more_is_undone() {
        assert_eq!(Came::not_done("").observed(true).reply, Reply::Done);
        assert_eq!(Came::done().observed(true).reply, Reply::NotDone);
        assert_eq!(Came::unknown("").observed(true).reply, Reply::Unknown);
        assert_eq!(Came::done().observed(false).reply, Reply::Done);
    }
}
