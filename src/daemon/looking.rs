//! Looks that a run asks for, beside those that the schedule makes: for a `verify` step, and before users are led
//! somewhere. What they find is no sample: it judges a step, and never a service.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};

use super::deeds::Whose;
use crate::config::probe::Probe;
use crate::core::health::{Blindness, Outcome};
use crate::core::ids::{Name, ServiceId};
use crate::core::plan::{RunId, StepName};
use crate::probe::{Kit, Ready};
use crate::step::{Looked, Probing};

/// A probe by its name, as it is wired; none: this observer does not see it there.
pub(super) type Wired = (Name, Option<Probe>);

/// Looks with probes of its own making: those of the schedule keep their connections to themselves.
pub(super) struct Looks {
    kit: Arc<Kit>,
    /// What the steps under way ask.
    asked: Mutex<BTreeMap<Whose, Arc<Vec<Asked>>>>,
}

struct Asked {
    name: Name,
    ready: Option<Ready>,
}

impl Looks {
    pub(super) fn new(kit: Arc<Kit>) -> Looks {
        Looks { kit, asked: Mutex::default() }
    }

    /// A step is about to be carried out, and asks these.
    pub(super) fn begin(&self, whose: Whose, probes: Vec<Wired>) {
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(whose, Arc::new(ready(probes)));
    }

    /// Forgets what others asked.
    pub(super) fn keep(&self, goes_on: impl Fn(&Whose) -> bool) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).retain(|whose, _| goes_on(whose));
    }

    /// Whether all that can say so say that it is well, and somebody does; and what is in the way.
    pub(super) async fn well(&self, probes: Vec<Wired>) -> Result<(), String> {
        let seen = look(&self.kit, &ready(probes)).await;
        if let Some(one) = seen.iter().find(|one| matches!(one.outcome, Outcome::Failed(_))) {
            return Err(format!("{} there: {}", one.probe, words(one.outcome)));
        }
        match seen.iter().find(|one| matches!(one.outcome, Outcome::Ok { .. })) {
            Some(_) => Ok(()),
            None => Err("no probe of this observer can say whether it takes writes, or is up".to_owned()),
        }
    }
}

fn ready(probes: Vec<Wired>) -> Vec<Asked> {
    probes.into_iter().map(|(name, probe)| Asked { name, ready: probe.map(Ready::new) }).collect()
}

async fn look(kit: &Kit, asked: &[Asked]) -> Vec<Looked> {
    let each = asked.iter().map(|one| async {
        let outcome = match &one.ready {
            Some(ready) => ready.run(kit, false).await.outcome,
            None => Outcome::Blind(Blindness::NoData),
        };
        Looked { probe: one.name.clone(), outcome }
    });
    join_all(each).await
}

fn words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Ok { .. } => "it is well".to_owned(),
        Outcome::Failed(failure) => format!("it {failure}"),
        Outcome::Blind(blindness) => blindness.to_string(),
    }
}

impl Probing for Looks {
    fn look(&self, service: ServiceId, run: RunId, step: &StepName) -> BoxFuture<'_, Option<Vec<Looked>>> {
        let key = (service, run, step.clone());
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone);
        async move { Some(look(&self.kit, &asked?).await) }.boxed()
    }
}
