//! A world that is newer than the coordinator: a backup was restored, or a second coordinator acts. Whoever finds that
//! stops, and pages; only a person knows which of the two is right.
//!
//! It must never go on by itself: a coordinator that forgot a failover would lead users back to what it left.

use crate::authority::{ClusterId, Epoch, Token};
use crate::decide::gates::Holder;
use crate::engine::mark;
use crate::engine::out::Out;
use crate::event::{Event, Paged};
use crate::ids::ServiceId;
use crate::mutants::{self, Mutant};
use crate::state::acting::Acting;
use crate::state::{AskState, State};

/// A resource has seen that token. Whether our coordinator cannot have given it.
pub(super) fn seen(state: &mut State, id: ServiceId, token: Token, out: &mut Out) {
    let cluster = state.seat.cluster;
    let Some(service) = state.services.get_mut(id.index()).and_then(Option::as_deref_mut) else { return };
    let Some(acting) = service.acting.as_deref_mut() else { return };
    let Some(record) = &acting.record else { return };
    let ours = cluster == Some(token.cluster) && token.epoch <= record.epoch;
    if ours || acting.foreign.is_some() || mutants::on(Mutant::NewerWorldIgnored) {
        return;
    }
    // Only a person's word, with an epoch above both, ends it: tokens of two clusters have no order.
    acting.foreign = Some(Token { epoch: token.epoch.max(record.epoch), ..token });
    out.record(service, Event::Paged(Paged::Foreign));
    mark(state, id);
}

/// The newest epoch that is known to have been given by whoever calls itself like our coordinator.
pub(super) fn newest(acting: &Acting) -> Epoch {
    let record = acting.record.as_ref().map_or(Epoch(0), |record| record.epoch);
    acting.foreign.map_or(record, |token| record.max(token.epoch))
}

/// A person has said what is right, with an epoch above all that is known: what was foreign is old now.
pub(super) fn look(acting: &mut Acting) {
    let epoch = acting.record.as_ref().map_or(Epoch(0), |record| record.epoch);
    if acting.foreign.is_some_and(|token| epoch > token.epoch) {
        acting.foreign = None;
    }
}

/// The coordinator holds an older record than we have read there: it was restored. What was read before is forgotten,
/// but for its epoch.
pub(super) fn went_back(state: &mut State, out: &mut Out) {
    let cluster = state.seat.cluster.unwrap_or(ClusterId(0));
    state.seat.velocity.0 = 0;
    for pulse in &mut state.seat.pulses {
        (pulse.revision, pulse.read) = (0, None);
    }
    for index in 0..state.services.len() {
        let Some(service) = state.services[index].as_deref_mut() else { continue };
        let Some(acting) = service.acting.as_deref_mut() else { continue };
        let epoch = acting.record.as_ref().map(|record| record.epoch);
        (service.known.record_revision, service.known.claim_revision) = (0, 0);
        // Whose it was there says nothing here; whoever holds it is found by the next that tries to take it.
        (service.known.holder, service.known.session) = (Holder::Nobody, None);
        service.known.raised.iter_mut().for_each(|raised| raised.0 = 0);
        service.ask = AskState::default();
        service.votes.begin_anew();
        (acting.read, acting.stale, acting.looked, acting.ballot.changes) = (0, true, false, None);
        let newest = epoch.map(|epoch| Token { cluster, epoch, serial: 0 });
        let newest = newest.filter(|_| !mutants::on(Mutant::NewerWorldIgnored));
        if let (None, Some(token)) = (acting.foreign, newest) {
            acting.foreign = Some(token);
            out.record(service, Event::Paged(Paged::Foreign));
        }
        mark(state, ServiceId::at(index));
    }
}
