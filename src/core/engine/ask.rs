//! "Look again, now": how this observer answers an ask. References, new samples, references again, answer; each stage
//! looks at what is, and none is skipped because it takes long.

use super::out::Out;
use super::watch;
use crate::event::Event;
use crate::health::Debounced;
use crate::ids::{CellPos, ServiceId};
use crate::mutants::{self, Mutant};
use crate::state::{AskState, Service, State};
use crate::time::{Mono, Now, Span};

/// Answers count for so many times as long as they are waited for; then somebody must ask anew.
const VALID: u64 = 3;

/// Whether the present ask is still worth answering.
fn open(ask: &AskState, window: Span, now: Mono) -> bool {
    ask.number > 0 && now.since(ask.seen) <= window.times(VALID)
}

/// Whether the answers to the present ask count: since it was sent, by our own clock, so long at most.
pub(super) fn valid(ask: &AskState, window: Span, now: Mono) -> bool {
    let young = |sent| now.since(sent) <= window.times(VALID) || mutants::on(Mutant::AskNeverAges);
    ask.number > 0 && ask.sent.is_some_and(young)
}

/// Whether the answer still waits for a sample of this service that was begun then.
pub(super) fn waits_for(service: &Service, began: Mono) -> bool {
    let ask = &service.ask;
    ask.number > 0 && !ask.answered && ask.sampling.is_some_and(|from| began >= from)
}

/// Whether a sample is the first to look again, though the answer may be given already: from then on ours counts.
pub(super) fn refreshed(service: &Service, seen: Mono, began: Mono) -> bool {
    service.ask.sampling.is_some_and(|from| seen < from && began >= from)
}

/// Whether the answer still waits for this probe to be looked at again.
pub(super) fn waits_for_probe(service: &Service, cell: CellPos, probe: &Debounced) -> bool {
    let ask = &service.ask;
    weighed(service, cell)
        && ask.number > 0
        && ask.looked.is_none()
        && ask.sampling.is_some_and(|from| probe.seen() < from)
}

/// One look at how far the answer is. Says when to look again.
pub(super) fn advance(state: &mut State, id: ServiceId, now: Now, out: &mut Out) -> Option<Mono> {
    let window = state.policy.ask;
    loop {
        let service = state.service(id)?;
        let ask = service.ask;
        if ask.number == 0 || ask.answered {
            return None;
        }
        if !open(&ask, window, now.mono) {
            // Nobody counts it any more: the probes go back to their own pace.
            set(state, id, ask.left());
            watch::refresh_service(state, id, out);
            return None;
        }
        let given_up = ask.seen + window.times(VALID) + Span::micros(1);
        match (ask.sampling, ask.looked) {
            (None, _) if mutants::on(Mutant::AnswersFromMemory) => {
                set(state, id, AskState { sampling: Some(Mono::BOOT), looked: Some(Mono::BOOT), ..ask });
            }
            (None, _) => {
                if !state.trust.proves(ask.seen) {
                    wait_for_references(state, id, ask.seen);
                    return Some(given_up);
                }
                set(state, id, AskState { sampling: Some(now.mono), ..ask });
                watch::refresh_service(state, id, out);
            }
            (Some(from), None) => {
                let enough = from + Span::micros(window.as_micros() / 5 * 3);
                if now.mono < enough && !all_looked(state, service, from) {
                    return Some(enough);
                }
                set(state, id, AskState { looked: Some(now.mono), ..ask });
                watch::refresh_service(state, id, out);
            }
            (Some(_), Some(looked)) => {
                let unproven =
                    mutants::on(Mutant::AnswersFromMemory) || mutants::on(Mutant::ReferencesOnlyBefore);
                if !unproven && !state.trust.proves(looked) {
                    wait_for_references(state, id, looked);
                    return Some(given_up);
                }
                set(state, id, AskState { answered: true, ..ask });
                watch::refresh_service(state, id, out);
                let me = state.me();
                if let Some(service) = state.service_mut(id) {
                    service.votes.answer_myself(me, ask.number);
                    out.record(service, Event::Answered { ask: ask.number });
                }
                return None;
            }
        }
    }
}

fn set(state: &mut State, id: ServiceId, ask: AskState) {
    if let Some(service) = state.service_mut(id) {
        service.ask = ask;
    }
}

fn wait_for_references(state: &mut State, id: ServiceId, after: Mono) {
    watch::want(state, after);
    watch::await_proof(state, id);
}

/// Whether a decision may hang on that cell.
fn weighed(service: &Service, cell: CellPos) -> bool {
    let probe = service.policy.parts.cells.get(cell.index()).map(|cell| cell.probe.index());
    probe.and_then(|probe| service.policy.probes.get(probe)).is_some_and(|probe| probe.weighed)
}

/// Every probe that runs here, and on which a decision may hang, has seen something since.
fn all_looked(state: &State, service: &Service, from: Mono) -> bool {
    (0..service.own.len()).map(CellPos::at).all(|cell| {
        let runs = weighed(service, cell) && service.policy.parts.runs(cell, service.known.active);
        let slot = service.mine(cell).and_then(|probe| state.probes.get(probe.index()));
        !runs || slot.is_none_or(|slot| slot.debounced.seen() >= from)
    })
}
