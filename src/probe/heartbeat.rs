//! `heartbeat`: something that calls us. The registry is fed by the API; a look only reads it.
//!
//! Until one interval has passed since the watching began, silence says nothing: the last push may have come while
//! nobody listened.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;

use super::{Look, Seen, Why, blind, failed};
use crate::core::health::{Blindness, Failure};
use crate::core::ids::Name;
use crate::core::time::{Mono, Span};

type Whose = (Name, Name, Option<Name>);

#[derive(Clone, Copy)]
struct Heard {
    /// Since when somebody listens.
    watched: Mono,
    last: Option<Mono>,
}

/// When each heartbeat was last heard. It holds an entry a configured probe, and takes pushes for no other.
#[derive(Default)]
pub struct Heartbeats(Mutex<BTreeMap<Whose, Heard>>);

impl Heartbeats {
    /// From now on this one is listened for; again: nothing changes.
    pub fn watch(&self, service: &Name, probe: &Name, region: Option<&Name>, now: Mono) {
        let whose = (service.clone(), probe.clone(), region.cloned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(whose).or_insert(Heard { watched: now, last: None });
    }

    /// It is no longer listened for.
    pub fn forget(&self, service: &Name, probe: &Name, region: Option<&Name>) {
        let whose = (service.clone(), probe.clone(), region.cloned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&whose);
    }

    /// It was heard; whoever pushes has shown the token. False where no such heartbeat is listened for.
    pub fn push(&self, service: &Name, probe: &Name, region: Option<&Name>, now: Mono) -> bool {
        let whose = (service.clone(), probe.clone(), region.cloned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(heard) = all.get_mut(&whose) else { return false };
        heard.last = heard.last.max(Some(now));
        true
    }

    fn get(&self, whose: &Whose) -> Option<Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(whose).copied()
    }
}

pub(super) struct Heartbeat;

impl Look for Heartbeat {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let Some(wiring) = seen.wiring else {
                return Err(blind(Blindness::NoData, "only a probe listens"));
            };
            let whose = (wiring.service.clone(), wiring.name.clone(), wiring.region.clone());
            let now = seen.kit.now().mono;
            let interval = wiring.interval;
            let heard = seen.kit.heartbeats().get(&whose);
            let Some(heard) = heard else {
                return Err(blind(Blindness::NoData, "nobody listens for it"));
            };
            let silent = |since: Mono| -> Span { now - since };
            match heard.last {
                Some(last) => {
                    let age = silent(last);
                    seen.vars.set_span("age", age);
                    seen.reading = Some(age);
                    if age > interval {
                        return Err(failed(
                            Failure::Silent,
                            format!("nothing came for {age}, and it should every {interval}"),
                        ));
                    }
                    Ok(())
                }
                None if silent(heard.watched) > interval => {
                    let since = silent(heard.watched);
                    Err(failed(
                        Failure::Silent,
                        format!("nothing came in the {since} since this daemon listens"),
                    ))
                }
                None => Err(blind(
                    Blindness::NoData,
                    "nothing came yet, and one interval has not passed since this daemon listens",
                )),
            }
        })
    }
}
