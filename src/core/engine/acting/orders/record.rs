//! Verbs whose whole effect is another record: it is made here, and whoever asked for it commits it.
//!
//! Nothing here starts anything, and only `adopt` says where a service is active. The epoch must never fall.

use alloc::boxed::Box;
use alloc::vec;

use super::Next;
use super::starts::failover_plan;
use crate::agree::{Outcome, Record, Request, Try, Wanted, Where, Write};
use crate::authority::Epoch;
use crate::engine::acting::{foreign, starting};
use crate::ids::Name;
use crate::order::{Order, Refused, Reply};
use crate::plan::saga::Why;
use crate::plan::{Only, RunId};
use crate::state::Service;
use crate::state::acting::Acting;

/// Changes the record, if that changes anything.
pub(super) fn on_record(acting: &Acting, change: impl FnOnce(&mut Record) -> Result<(), Refused>) -> Next {
    let Some(record) = &acting.record else { return Next::Reply(Reply::Refused(Refused::NoRecord)) };
    let mut next = record.clone();
    match change(&mut next) {
        Err(why) => Next::Reply(Reply::Refused(why)),
        Ok(()) if next == *record => Next::Reply(Reply::SoAlready),
        Ok(()) => Next::Change(vec![Write::Record(next)]),
    }
}

/// The service is active there, whatever the record says. The epoch grows, so that nothing older is taken for newer.
pub(super) fn adopt(service: &Service, acting: &Acting, region: &Name) -> Next {
    if service.policy.region(region).is_none() {
        return Next::Reply(Reply::Refused(Refused::NoSuchRegion(region.clone())));
    }
    let above = foreign::newest(acting);
    let Some(record) = &acting.record else {
        let record = Record::at_rest(region.clone(), Epoch(above.0 + 1));
        return Next::Change(vec![Write::Record(Box::new(record))]);
    };
    let foreign = acting.foreign.is_some();
    if let Some(run) = record.run.as_ref().filter(|_| !foreign) {
        return Next::Reply(Reply::Refused(Refused::Running(run.id)));
    }
    if record.active == *region && service.drift.is_none() && !foreign {
        return Next::Reply(Reply::SoAlready);
    }
    let mut next = record.clone();
    next.epoch = Epoch(record.epoch.max(above).0 + 1);
    // What a coordinator forgot or never knew, nobody can go on with: a person has it.
    if let Some(run) = next.run.take() {
        let outcome = Some(Outcome::HandedOver);
        if let Some(last) = next.last_failover.as_mut().filter(|last| last.id == run.id) {
            last.outcome = outcome;
        }
        next.tried.iter_mut().filter(|tried| tried.run == run.id).for_each(|tried| tried.outcome = outcome);
    }
    if foreign {
        // So has what ran beside it, and what it paid for is still owed.
        next.beside.clear();
        next.owes.iter_mut().for_each(|owed| owed.paid = None);
    }
    // What was proved is not proved under this epoch; what loses the role has to prove it first.
    next.rejoined.clear();
    next.quarantined.retain(|other| other != region);
    if record.active != *region && !next.quarantined.contains(&record.active) {
        next.quarantined.push(record.active.clone());
    }
    next.active = region.clone();
    Next::Change(vec![Write::Record(next)])
}

/// It is written down that the region is to be left; the holder does so when it is this service's turn.
pub(super) fn evacuate(service: &Service, acting: &Acting, order: &Order, region: &Name) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let Some(record) = &acting.record else { return refuse(Refused::NoRecord) };
    if record.active != *region {
        return Next::Reply(Reply::SoAlready);
    }
    let plan = match failover_plan(service, None) {
        Ok(plan) => service.policy.plans[plan.index()].name.clone(),
        Err(why) => return refuse(why),
    };
    let why = Wanted::Evacuation(order.who.clone());
    if record.request.as_ref().is_some_and(|request| request.why.is_evacuation()) {
        return Next::Reply(Reply::SoAlready);
    }
    let mut next = record.clone();
    next.request = Some(Box::new(Request {
        number: record.next_request(),
        why,
        plan,
        case: Where { from: Some(region.clone()), at: region.clone() },
        way: Only::Planned,
        hash: None,
        epoch: record.epoch,
        policy: service.policy.hash,
        loss: None,
        exposure: false,
        gates: 0,
        given: vec![],
    }));
    Next::Change(vec![Write::Record(next)])
}

/// No to what is announced, or to what is requested: remembered as tried, so that it is not wished again at once.
pub(super) fn veto(service: &mut Service, acting: &Acting) -> Next {
    let refuse = |why: Refused| Next::Reply(Reply::Refused(why));
    let announced = service.announced.map(|announced| announced.wish);
    let Some(record) = &acting.record else { return refuse(Refused::NoRecord) };
    if record.run.is_some() && record.request.is_none() && announced.is_none() {
        return refuse(Refused::Run(Why::Running));
    }
    let mut next = record.clone();
    let incident = service.incident.number();
    next.runs += 1;
    let run = RunId(next.runs);
    let outcome = Some(Outcome::Withdrawn);
    if let Some(request) = next.request.take() {
        if let Some(owed) = request.why.owed() {
            // A person says that it is not owed any more.
            next.owes.retain(|of| of.run != owed);
        }
        let scenario = request.why.scenario().cloned();
        next.tried.push(Try { run, plan: request.plan.clone(), scenario, incident, outcome });
    } else if let Some(wish) = announced {
        let (Some(plan), Some(scenario)) = (
            service.policy.plans.get(wish.plan.index()),
            service.policy.scenarios.get(wish.scenario.index()),
        ) else {
            return refuse(Refused::NothingAsked);
        };
        let (plan, scenario) = (plan.name.clone(), Some(scenario.name.clone()));
        next.tried.push(Try { run, plan, scenario, incident, outcome });
        service.announced = None;
    } else {
        return refuse(Refused::NothingAsked);
    }
    starting::forget(&mut next.tried);
    Next::Change(vec![Write::Record(next)])
}
