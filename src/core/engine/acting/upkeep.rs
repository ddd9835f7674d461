//! What the holder keeps true in the record: the incident's head, maintenance, who may be a candidate again, and the
//! first record of all.
//!
//! It must never move anything: where a service is active is changed by a run's commit point or by a person.

use alloc::boxed::Box;

use super::starting::first_failed;
use super::{claim, wish};
use crate::agree::{Head, Record, RecordInput, RecordState, RegionInput, RegionState};
use crate::authority::Epoch;
use crate::engine::advance::Wake;
use crate::engine::drift::{seen_by_many, writable};
use crate::engine::out::Out;
use crate::event::AnyCell;
use crate::ids::{Name, RegionPos};
use crate::mutants::{self, Mutant};
use crate::severity::Stage;
use crate::state::acting::Acting;
use crate::state::{Service, State};
use crate::time::Now;
use crate::verdict::Say;

/// Writes what has changed, if nothing is on its way.
pub(super) fn advance(
    service: &mut Service,
    acting: &mut Acting,
    state: &State,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let foreign = acting.foreign.is_some();
    if acting.flight.is_some() || !claim::holds(acting, state, now.mono) || acting.stale || foreign {
        return;
    }
    let Some(record) = &acting.record else {
        if let Some(region) = sighted(service, acting, state, now, wake) {
            let record = Record::at_rest(region, Epoch(1));
            out.saw(AnyCell::Record(RecordState::Absent, RecordInput::SeenWritable));
            wish::change(service, acting, state, Box::new(record), now, out);
        }
        return;
    };
    if rests(service, state, record, now) {
        acting.well.clear();
        acting.paused = None;
        return;
    }
    let mut next = record.clone();
    head(service, &mut next, now);
    next.maintenance = state.maintenance(service, now.wall);
    resumed(acting, &mut next, now, wake);
    proved(service, acting, &mut next, now, wake, out);
    if acting.record.as_ref() != Some(&next) {
        wish::change(service, acting, state, next, now, out);
    }
}

/// Whether the record says all that it should, and no region waits to be a candidate again: most looks find that.
fn rests(service: &Service, state: &State, record: &Record, now: Now) -> bool {
    let incident = &service.incident;
    let told = match incident.stage() {
        Stage::Open | Stage::Recovering => record.head.as_ref().is_some_and(|head| {
            let rung = incident.rung().and_then(|rung| service.policy.ladder.rung(rung));
            head.number == incident.number()
                && record.incident >= incident.number()
                && head.rung.as_ref() == rung.map(|rung| &rung.name)
        }),
        Stage::None | Stage::Blip => record.head.is_none(),
    };
    told && record.rejoined.is_empty()
        && record.paused_for.is_none()
        && (record.quarantined.is_empty() || !mutants::on(Mutant::QuarantineByTime))
        && record.maintenance == state.maintenance(service, now.wall)
}

/// The incident's number and head, so that a successor goes on with the same story.
fn head(service: &Service, next: &mut Record, now: Now) {
    let incident = &service.incident;
    match incident.stage() {
        Stage::Open | Stage::Recovering => {
            let rung = incident.rung().and_then(|rung| service.policy.ladder.rung(rung));
            let rung = rung.map(|rung| rung.name.clone());
            next.incident = next.incident.max(incident.number());
            match &mut next.head {
                Some(head) if head.number == incident.number() => head.rung = rung,
                _ => {
                    next.head = Some(Box::new(Head {
                        number: incident.number(),
                        rung,
                        first_failed: first_failed(service, now),
                        acknowledged: 0,
                    }));
                }
            }
        }
        Stage::None | Stage::Blip => next.head = None,
    }
}

/// A plan's pause that lasts so long is over. A successor counts anew: longer, never shorter.
fn resumed(acting: &mut Acting, next: &mut Record, now: Now, wake: &mut Wake) {
    let Some(lasts) = next.paused_for.filter(|_| next.paused) else {
        acting.paused = None;
        return;
    };
    let over = *acting.paused.get_or_insert(now.mono) + lasts;
    if over <= now.mono {
        (next.paused, next.paused_for) = (false, None);
    } else {
        wake.at(Some(over));
    }
}

/// A region whose rejoin plan is done, and that has been well for so long since, may be a candidate again.
fn proved(
    service: &Service,
    acting: &mut Acting,
    next: &mut Record,
    now: Now,
    wake: &mut Wake,
    out: &mut Out,
) {
    let well = |name: &Name| {
        let at = service.policy.region(name)?;
        let standing = service.picture.standing(at);
        let fine = standing.worst().is_none() && (standing.up.is_some() || !standing.watched);
        fine.then_some(at)
    };
    let mut since = core::mem::take(&mut acting.well);
    let by_time = mutants::on(Mutant::QuarantineByTime);
    let proved = if by_time { &next.quarantined } else { &next.rejoined };
    let rejoined: alloc::vec::Vec<RegionPos> = proved.iter().filter_map(well).collect();
    since.retain(|(at, _)| rejoined.contains(at));
    for at in rejoined {
        let from = match since.iter().find(|(of, _)| *of == at) {
            Some((_, from)) => *from,
            None => {
                since.push((at, now.mono));
                now.mono
            }
        };
        let due = from + service.policy.quarantine;
        if due > now.mono {
            wake.at(Some(due));
            continue;
        }
        let Some(name) = service.policy.regions.get(at.index()) else { continue };
        out.saw(AnyCell::Region(RegionState::Rejoined, RegionInput::WellLongEnough));
        next.quarantined.retain(|region| region != name);
        next.rejoined.retain(|region| region != name);
    }
    acting.well = since;
}

/// Where a service without a record is active, once that was seen for `stable`: whoever stands beside a region sees it
/// alone, and a lie that is written down once stays. A lone observer has nobody to be contradicted by later.
fn sighted(service: &Service, acting: &mut Acting, state: &State, now: Now, wake: &mut Wake) -> Option<Name> {
    let Some(at) = first_seen(service) else {
        acting.sighted = None;
        return None;
    };
    let since = acting.sighted.filter(|(seen, _)| *seen == at).map_or(now.mono, |(_, since)| since);
    acting.sighted = Some((at, since));
    // Of what keeps nothing, one that is preferred may only not have answered yet.
    let mut preferred = (0..at.index()).map(RegionPos::at);
    let sure = if service.policy.stateless {
        preferred.all(|other| service.picture.standing(other).worst().is_some())
    } else {
        state.policy.observers.len() == 1
    };
    let due = if sure { since } else { since + service.policy.stable };
    if due > now.mono {
        wake.at(Some(due));
        return None;
    }
    service.policy.regions.get(at.index()).cloned()
}

/// Where a service without a record is active, if that can be seen: exactly one region takes writes, and of every other it
/// is known that it does not; or, of what keeps nothing, the first that is up. Of a region that nobody sees a person has
/// to say it.
fn first_seen(service: &Service) -> Option<RegionPos> {
    let mut all = (0..service.policy.regions.len()).map(RegionPos::at);
    if service.policy.stateless || service.policy.regions.len() == 1 {
        all.find(|at| service.picture.standing(*at).up.is_some())
    } else {
        let mut says = all.map(|at| (at, writable(service, at)));
        // What few can see is the word of those few: one that lies alone would say where all else begins.
        let writes = says.clone().filter(|(at, say)| *say == Say::Up && seen_by_many(service, *at));
        let known = says.all(|(_, say)| matches!(say, Say::Up | Say::Down));
        let mut writes = writes.filter(|_| known).map(|(at, _)| at);
        match (writes.next(), writes.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}
