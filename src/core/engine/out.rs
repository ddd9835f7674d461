//! Gathers the effects of one step, and numbers events. It never leaves one out.

use alloc::vec::Vec;

use crate::effect::Effect;
use crate::event::{AnyCell, Event, Refusal};
use crate::health::Pace;
use crate::health::self_trust::Round;
use crate::ids::ProbeId;
use crate::policy::ProbePolicy;
use crate::state::{Service, State};
use crate::time::Span;

/// The effects of one step.
pub(super) struct Out {
    pub(super) effects: Vec<Effect>,
    /// Cells that were come to: the first few of them,
    few: [Option<AnyCell>; 4],
    /// and, if there are any more, those.
    more: Vec<AnyCell>,
}

impl Out {
    /// With a list that is empty, and has room perhaps.
    pub(super) fn new(effects: Vec<Effect>) -> Out {
        Out { effects, few: [None; 4], more: Vec::new() }
    }

    /// The cells that were come to, in that order, if there are any.
    pub(super) fn cells(&mut self) -> Option<impl Iterator<Item = AnyCell>> {
        self.few[0]?;
        let (few, more) = (core::mem::take(&mut self.few), core::mem::take(&mut self.more));
        Some(few.into_iter().flatten().chain(more))
    }

    /// Something happened to a service.
    pub(super) fn record(&mut self, service: &mut Service, event: Event) {
        service.events += 1;
        self.effects.push(Effect::Record { service: Some(service.id), seq: service.events, event });
    }

    /// Something happened to this observer.
    pub(super) fn record_own(&mut self, state: &mut State, event: Event) {
        state.events += 1;
        self.effects.push(Effect::Record { service: None, seq: state.events, event });
    }

    /// A cell was come to.
    pub(super) fn saw(&mut self, cell: AnyCell) {
        match self.few.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(cell),
            None => self.more.push(cell),
        }
    }

    /// What a mark has answered: a cell that cannot occur, and was come to all the same.
    pub(super) fn impossible(&mut self, service: &mut Service, odd: Option<AnyCell>) {
        if let Some(cell) = odd {
            self.record(service, Event::Impossible(cell));
        }
    }

    /// Something from outside cannot be used.
    pub(super) fn refuse(&mut self, state: &mut State, refusal: Refusal) {
        self.record_own(state, Event::Refused(refusal));
    }

    pub(super) fn check(&mut self, round: Round) {
        self.effects.push(Effect::CheckReferences { round });
    }

    pub(super) fn pace(&mut self, probe: ProbeId, policy: &ProbePolicy, pace: Pace) {
        let every = match pace {
            Pace::Rest => None,
            Pace::Steady => Some(policy.debounce.interval()),
            Pace::Fast => Some(policy.debounce.fast_interval()),
            Pace::Down => Some(policy.debounce.down_interval()),
            Pace::AtOnce => Some(Span::ZERO),
        };
        self.effects.push(Effect::Pace { probe, every });
    }
}
