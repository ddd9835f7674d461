//! What an order would come to, as it is shown: plain data with names, made by the daemon. It holds no secret.

use serde::Serialize;
use tokio::sync::oneshot;

use super::snapshot::LossView;
use super::{Answer, Doors, PATIENCE, Said};
use crate::core::ids::Name;
use crate::core::order::Verb;

/// What an order would come to, now.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PreviewView {
    /// The service.
    pub service: String,
    /// The plan,
    pub plan: String,
    /// of which kind.
    pub kind: &'static str,
    /// The old side lives.
    pub planned: bool,
    /// The region that it would leave, if it moves the service.
    pub from: Option<String>,
    /// Where it would act, or move to; none: there is nowhere.
    pub to: Option<String>,
    /// The hash of what would be sent, to be sent back with the order.
    pub hash: Option<String>,
    /// The epoch, likewise.
    pub epoch: u64,
    /// No gate is in the way.
    pub open: bool,
    /// Every gate that binds it.
    pub gates: Vec<GateView>,
    /// What would be lost; none: nothing can be.
    pub loss: Option<LossView>,
    /// What goes on accepting writes that would be lost; none: nothing does.
    pub exposure: Option<String>,
    /// Inputs that it must be told and is not.
    pub untold: Vec<String>,
    /// What would be sent, a line each.
    pub preview: Vec<String>,
}

/// One gate.
#[derive(Clone, Debug, Serialize)]
pub struct GateView {
    /// Which.
    pub gate: &'static str,
    /// `passes`, `passed` or `blocks`.
    pub says: &'static str,
    /// Why it does not simply pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What passes it if it blocks; none: nothing that could be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_by: Option<String>,
}

/// Asks the loop for it.
pub(super) async fn preview(doors: &Doors, service: &Name, verb: &Verb) -> Result<Box<PreviewView>, Answer> {
    let (answer, answered) = oneshot::channel();
    let asked = Said::Preview { service: service.clone(), verb: Box::new(verb.clone()), answer };
    if doors.said.try_send(asked).is_err() {
        return Err(Answer::busy());
    }
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => Err(Answer::busy()),
    }
}
