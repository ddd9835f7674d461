//! What is said to a run: words for the saga, at any moment, and what it answers.
//!
//! Nothing here may answer "done" for a run that has only heard it: what it was told must be durable first.

use super::Next;
use crate::engine::advance::Wake;
use crate::order::{Accepts, Order, Refused, Reply, Verb};
use crate::plan::By as Who;
use crate::plan::saga::{Answer, Cell, Heard, HeldWhy, RunInput, RunState, Verb as Word, Why};
use crate::state::State;
use crate::state::acting::Acting;
use crate::time::{Now, Span};

/// What is said to a run: it can be said at any moment, also while something of it is on its way. None: it is said to
/// something else, or there is no run that it could be said to.
pub(super) fn to_run(
    acting: &mut Acting,
    state: &mut State,
    order: &Order,
    now: Now,
    wake: &mut Wake,
) -> Option<Next> {
    let by = Who::Person(order.who.clone());
    let request = acting.record.as_ref().and_then(|record| record.request.as_ref());
    let waits = request.is_some_and(|request| !request.why.is_evacuation());
    let (run, word) = match &order.verb {
        Verb::Abort { run } => (*run, Word::Abort { by }),
        Verb::Retry { run, step } => (*run, Word::Retry { step: step.clone(), by }),
        Verb::Skip { run, step } => (*run, Word::Skip { step: step.clone(), by }),
        Verb::ApproveStep { run, step } => (*run, Word::Approve { step: step.clone(), by }),
        Verb::Tick { run, step, item } => (*run, Word::Tick { step: step.clone(), item: *item, by }),
        Verb::HandOver { run } => (*run, Word::HandOver { by }),
        // While something is announced or requested, that is what is meant.
        Verb::Veto if request.is_none() && !acting.announced => (None, Word::Veto { by }),
        Verb::Approve { accepts } => {
            let of = acting.record.as_ref().and_then(|record| record.run.as_ref()).map(|run| run.id)?;
            let carried = acting.runs.iter().find(|carried| carried.run.start().run == of)?;
            if waits && carried.run.state() != RunState::Held {
                return None;
            }
            let start = carried.run.start();
            let hash = accepts.hash.is_none_or(|hash| start.hash == Some(hash));
            let epoch = accepts.epoch.is_none_or(|epoch| start.epoch == epoch);
            // Only what is shown can be accepted: a run that is held for a step shows no exposure. One that is not held
            // says so.
            let shown = carried.run.held().is_none_or(|why| *why == HeldWhy::Exposure);
            (Some(of), Word::Accept { by, matches: hash && epoch && shown && accepts.exposure })
        }
        Verb::Veto
        | Verb::Failover { .. }
        | Verb::Failback { .. }
        | Verb::Evacuate { .. }
        | Verb::Run { .. }
        | Verb::Adopt { .. }
        | Verb::Release { .. }
        | Verb::Pause
        | Verb::Resume
        | Verb::AcknowledgeIncident
        | Verb::AcknowledgeRun { .. }
        | Verb::Annotate { .. }
        | Verb::Clear { .. } => return None,
    };
    // Unless it is said which: the one that occupies the claim, else the only one.
    let which =
        run.or_else(|| acting.record.as_ref().and_then(|record| record.run.as_ref()).map(|run| run.id));
    let found = match which {
        Some(run) => acting.runs.iter().position(|carried| carried.run.start().run == run),
        None => (acting.runs.len() == 1).then_some(0),
    };
    if let (Some(run), None) = (run, found)
        && acting.record.as_ref().is_some_and(|record| run.0 <= record.runs)
    {
        // It was one once.
        state.saw(&[Cell::Run(RunState::Ended, column(&word))]);
        return Some(Next::Reply(Reply::Refused(Refused::Run(Why::Final))));
    }
    let carried = acting.runs.get_mut(found?)?;
    let told = carried.run.tell(Heard::Ordered(word), now.mono);
    state.saw(&told.cells);
    match told.answer {
        Some(Answer::Taken) => {
            let run = carried.run.start().run;
            if let Some(first) = acting.orders.first_mut() {
                first.taken = Some(run);
            }
            wake.at(Some(now.mono + Span::micros(1)));
            Some(Next::Sent)
        }
        Some(Answer::Refused(why)) => Some(Next::Reply(Reply::Refused(Refused::Run(why)))),
        None => None,
    }
}

/// Which column of the run's table a word stands in.
const fn column(word: &Word) -> RunInput {
    match word {
        Word::Abort { .. } => RunInput::Abort,
        Word::Retry { .. } => RunInput::Retry,
        Word::Skip { .. } | Word::Approve { .. } | Word::Tick { .. } => RunInput::Skip,
        Word::Accept { matches: true, .. } => RunInput::ApproveMatching,
        Word::Accept { matches: false, .. } => RunInput::ApproveMismatch,
        Word::Veto { .. } => RunInput::Veto,
        Word::HandOver { .. } => RunInput::HandOver,
    }
}

/// A yes that shows what was accepted could match; one that shows nothing cannot.
pub(super) const fn approves(accepts: &Accepts) -> RunInput {
    if accepts.hash.is_some() { RunInput::ApproveMatching } else { RunInput::ApproveMismatch }
}
