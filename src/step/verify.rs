//! `verify`: asks probes whether it is so. It changes nothing, and must never judge by anything but what they find now.

use futures::future::BoxFuture;

use super::came::Came;
use super::keys::Keys;
use super::{Act, Asked};
use crate::core::health::Outcome;
use crate::core::ids::{Name, ServiceId};
use crate::core::plan::{Op, RunId, StepName};
use crate::core::time::Span;
use crate::probe::duration;

/// Between two rounds of looks.
const PAUSE: Span = Span::millis(500);

/// What one probe found, and where.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Which.
    pub probe: Name,
    /// What.
    pub outcome: Outcome,
}

/// Who runs probes when a step asks for it. The daemon knows the run's plan, and so which probes those are, and where.
pub trait Probing: Send + Sync {
    /// Looks once, now, with every probe that this step names, where the step acts. None: no such step, or it has none.
    fn look(&self, service: ServiceId, run: RunId, step: &StepName) -> BoxFuture<'_, Option<Vec<Looked>>>;
}

pub(crate) struct Verify {
    /// So long all of it must hold.
    lasts: Span,
}

impl Verify {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Verify, String> {
        Ok(Verify { lasts: keys.span("for")?.unwrap_or(Span::ZERO) })
    }

    /// One round; what is not so.
    async fn round(asked: &Asked<'_>) -> Result<(), Came> {
        let call = asked.call;
        let seen = asked.kit.probing.look(call.service, call.run, &call.step).await;
        let Some(seen) = seen.filter(|seen| !seen.is_empty()) else {
            return Err(Came::refused("no probe of this observer can say it: name one that it sees"));
        };
        match seen.iter().find(|one| !matches!(one.outcome, Outcome::Ok { .. })) {
            None => Ok(()),
            Some(one) => Err(Came::not_done(format!("{} says {:?}", one.probe, one.outcome))),
        }
    }
}

impl Act for Verify {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            if asked.call.op != Op::Do {
                // Nothing was changed: it is so as far as it is so now.
                return Verify::round(asked).await.err().unwrap_or_else(Came::done);
            }
            let mut since = None;
            loop {
                let began = asked.now();
                match Verify::round(asked).await {
                    Ok(()) => {
                        let since = *since.get_or_insert(began);
                        if asked.now() - since >= self.lasts {
                            return Came::done();
                        }
                    }
                    // So that the answer still comes in time to count.
                    Err(came) if asked.left() <= PAUSE.times(2) => return came,
                    Err(came) if came.reply == crate::core::plan::Reply::Refused => return came,
                    Err(_) => since = None,
                }
                tokio::time::sleep(duration(PAUSE)).await;
            }
        })
    }
}
