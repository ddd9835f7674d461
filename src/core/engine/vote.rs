//! What this observer would vote now. It writes nothing.

use alloc::vec::Vec;

use crate::agree::Vote;
use crate::ids::CellPos;
use crate::severity::Stage;
use crate::state::{Service, State};
use crate::time::Now;
use crate::verdict::{Counted, Observers, Reading, Spoken};

/// Our own vote on a service, as it would be written now: durations, never times. Readings are left out, since every
/// sample would be a write, but in an answer; and in trouble those of witnesses, whose evidence is only worth its age.
#[must_use]
pub(crate) fn own(state: &State, service: &Service, now: Now) -> Vote {
    let me = state.policy.me;
    let mine = Counted { who: Observers::NONE.and(me), ..Counted::all() };
    let mut says = Vec::with_capacity(service.policy.parts.cells.len());
    for (i, cell) in service.policy.parts.cells.iter().enumerate() {
        let pos = CellPos::at(i);
        let Some(probe) = service.mine(pos) else { continue };
        let verdict = service.votes.of(me, pos);
        let seen = state.probe(probe).map(|slot| slot.debounced.seen());
        let fresh =
            service.ask.answered && service.ask.sampling.zip(seen).is_some_and(|(from, seen)| seen >= from);
        let part = service.policy.parts.probes.get(cell.probe.index());
        let witness =
            part.is_some_and(|part| part.witness_of.is_some()) && service.incident.stage() != Stage::None;
        let reading = if fresh || witness { service.votes.reading(pos, cell, mine, None) } else { None };
        let reading = reading.map(|(value, read)| Reading { value, age: now.mono.since(read) });
        let held = now.mono.since(verdict.since);
        says.push(Spoken { cell: pos, say: verdict.say, held, reading, fresh });
    }
    Vote { hash: service.policy.hash, answers: service.votes.answers(me), says }
}
