//! What a decision was made by, put into its event: what every gate says, and the loss that is stated. It must never hold
//! what the core did not look at.

use serde_json::{Value, json};

use super::previewed::seconds;
use crate::core::decide::Gates;
use crate::core::ids::ServiceId;
use crate::core::state::State;
use crate::core::time::Now;
use crate::core::view::{Named, answers, stated};

/// Adds `answers`, one for each gate that binds, and `loss`, if something can be lost.
pub(super) fn add(body: &mut Value, state: &State, id: ServiceId, now: Now) {
    let (Some(situation), Some(service)) = (stated(state, id, now), state.service(id)) else { return };
    let names = Named { state, service };
    let gates = Gates::look(&situation);
    let answers = answers(&gates, &names);
    let answers: Vec<Value> = (answers.iter())
        .map(|one| json!({ "gate": one.gate.word(), "answer": one.says.word(), "why": one.why }))
        .collect();
    let Some(body) = body.as_object_mut() else { return };
    body.insert("answers".to_owned(), answers.into());
    if let Some(loss) = situation.loss {
        // `seconds` is null where nobody knows.
        let loss = json!({ "seconds": loss.map(seconds), "rpo_seconds": situation.rpo.map(seconds) });
        body.insert("loss".to_owned(), loss);
    }
}
