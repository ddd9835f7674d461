//! `notify`: people are told. The step is done when the notice is owed durably; whether it was delivered is the
//! outbox's, which goes on trying after the run has ended. It must never send anything itself.

use futures::future::BoxFuture;

use super::came::Came;
use super::keys::Keys;
use super::{Act, Asked};
use crate::core::ids::{Name, ServiceId};
use crate::core::plan::{Op, RunId, StepName};

/// What people are to be told. Service, run and step are its key: said twice, it is owed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of which service.
    pub service: ServiceId,
    /// Of which run.
    pub run: RunId,
    /// Of which step.
    pub step: StepName,
    /// By what.
    pub channels: Vec<Name>,
    /// Chooses the words.
    pub audience: String,
    /// What.
    pub text: String,
}

/// Who keeps what people must be told.
pub trait Outbox: Send + Sync {
    /// Owes it; an `Ok` is durable. An `Err` says that nothing was kept, and why.
    fn owe(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>>;
    /// Whether it is owed, or was delivered; none: nobody can say.
    fn is_owed(&self, service: ServiceId, run: RunId, step: &StepName) -> BoxFuture<'_, Option<bool>>;
}

pub(crate) struct Notify {
    channels: Vec<Name>,
    audience: String,
    text: String,
}

impl Notify {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Notify, String> {
        let channels = keys.texts("channels")?.unwrap_or_default();
        let channels = channels.iter().map(|name| Name::new(name).map_err(|bad| bad.to_string()));
        Ok(Notify {
            channels: channels.collect::<Result<_, _>>()?,
            audience: keys.text("audience")?.unwrap_or_else(|| "responders".to_owned()),
            text: keys.needs("text")?,
        })
    }
}

impl Act for Notify {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            let call = asked.call;
            match call.op {
                Op::Do => {
                    let notice = Notice {
                        service: call.service,
                        run: call.run,
                        step: call.step.clone(),
                        channels: self.channels.clone(),
                        audience: self.audience.clone(),
                        text: self.text.clone(),
                    };
                    if let Err(late) = asked.gate.hand_over() {
                        return Came::not_done(late.to_string());
                    }
                    match asked.kit.outbox.owe(notice).await {
                        Ok(()) => Came::done(),
                        Err(why) => Came::refused(why),
                    }
                }
                Op::Observe | Op::Verify => {
                    match asked.kit.outbox.is_owed(call.service, call.run, &call.step).await {
                        Some(true) => Came::done().observed(call.undoing),
                        Some(false) => Came::not_done("nobody is owed it").observed(call.undoing),
                        None => Came::unknown("the outbox does not say whether it is owed"),
                    }
                }
                Op::Undo => Came::refused("what people were told cannot be taken back"),
            }
        })
    }
}
