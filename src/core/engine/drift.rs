//! Drift: a region takes writes that the record does not name. It is told when it has lasted, blocks what moves, and ends by
//! proof or by a person's `adopt`.

use super::advance::Wake;
use super::out::Out;
use crate::agree::{RecordInput, RecordState};
use crate::event::{AnyCell, Event};
use crate::ids::{CellPos, RegionPos};
use crate::state::Service;
use crate::time::Now;
use crate::verdict::Say;

/// Another region than the recorded one takes writes.
pub(super) fn look(service: &mut Service, now: Now, wake: &mut Wake, out: &mut Out) {
    let seen = service.known.active.and_then(|active| {
        // That nobody can say any more whether it takes writes is no reason to say that it is over.
        let told = service.drift.map(|(at, _)| at).filter(|at| service.drift_told && *at != active);
        let unproved = told.filter(|at| writable(service, *at) == Say::Unknown);
        unproved.or_else(|| writable_elsewhere(service, active))
    });
    if service.drift.is_some_and(|(at, _)| seen != Some(at)) {
        // A record that is gone, with a coordinator that was restored, is no cell of this.
        if service.known.record.is_some() {
            out.saw(AnyCell::Record(of_record(service), RecordInput::DriftOver));
        }
        if core::mem::take(&mut service.drift_told) && seen.is_none() {
            out.record(service, Event::DriftOver);
        }
    }
    service.drift = match (seen, service.drift) {
        (Some(at), Some((same, since))) if at == same => Some((at, since)),
        (Some(at), _) => Some((at, now.mono)),
        (None, _) => None,
    };
    let Some((at, since)) = service.drift else { return };
    let due = since + service.policy.drift_after;
    if due > now.mono {
        wake.at(Some(due));
    } else if !service.drift_told {
        out.saw(AnyCell::Record(of_record(service), RecordInput::DriftSeen));
        service.drift_told = true;
        out.record(service, Event::Drifted(at));
    }
}

/// A region that takes writes though the record names another, for so long that it is drift. Who has only just read the
/// record does not know how long that has been so: what is first seen before it has watched for as long may be old, and
/// nothing is built upon it until it is over.
pub(super) fn lasts(service: &Service, now: Now) -> Option<RegionPos> {
    let after = service.policy.drift_after;
    let (at, since) = service.drift?;
    let old = service.known.learned.is_none_or(|learned| since.since(learned) < after);
    (old || now.mono.since(since) >= after).then_some(at)
}

/// What the record is, as far as people were told of drift.
fn of_record(service: &Service) -> RecordState {
    let record = service.known.record.as_ref();
    let runs = record.is_some_and(|record| record.running.is_some());
    RecordState::of(record.is_some(), runs, service.drift_told)
}

/// A region, other than the active one, of which a quorum says that it takes writes.
fn writable_elsewhere(service: &Service, active: RegionPos) -> Option<RegionPos> {
    watched(service).find_map(|(region, say)| (region != active && takes_writes(say)).then_some(region))
}

/// Slowly or not, it does.
const fn takes_writes(say: Say) -> bool {
    matches!(say, Say::Up | Say::Slow)
}

/// Whether that region takes writes: it does if any of what watches says so, and does not if all do.
pub(super) fn writable(service: &Service, at: RegionPos) -> Say {
    let mut all = watched(service).filter(|(region, _)| *region == at).map(|(_, say)| say);
    all.try_fold(Say::Down, |so_far, say| match say {
        Say::Up | Say::Slow => Err(Say::Up),
        Say::Down => Ok(so_far),
        Say::Unknown => Ok(Say::Unknown),
    })
    .unwrap_or_else(|up| up)
}

/// Whether a majority of all observers can see whether that region takes writes.
pub(super) fn seen_by_many(service: &Service, at: RegionPos) -> bool {
    let parts = &service.policy.parts;
    let mut here = parts.cells.iter().filter(|cell| cell.region == Some(at));
    here.any(|cell| cell.wide && parts.probes.get(cell.probe.index()).is_some_and(|part| part.drift))
}

/// What a quorum says of each region by each probe that watches for drift.
fn watched(service: &Service) -> impl Iterator<Item = (RegionPos, Say)> {
    let parts = &service.policy.parts;
    let cells = if parts.has_drift { parts.cells.as_slice() } else { &[] };
    cells.iter().enumerate().filter_map(|(i, cell)| {
        let watches = parts.probes.get(cell.probe.index()).is_some_and(|part| part.drift);
        let region = cell.region.filter(|_| watches)?;
        Some((region, service.picture.cell(CellPos::at(i)).say))
    })
}
