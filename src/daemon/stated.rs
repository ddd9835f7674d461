//! What a decision was made by, put into its event: what every gate says, and the loss that is stated. It must never hold
//! what the core did not look at.

use serde_json::{Value, json};

use crate::core::decide::explain;
use crate::core::decide::{Answer, Gate, Gates};
use crate::core::ids::ServiceId;
use crate::core::state::State;
use crate::core::time::{Now, Span};
use crate::core::view::{Named, stated};

/// Adds `answers`, one for each gate that binds, and `loss`, if something can be lost.
pub(super) fn add(body: &mut Value, state: &State, id: ServiceId, now: Now) {
    let (Some(situation), Some(service)) = (stated(state, id, now), state.service(id)) else { return };
    let names = Named { state, service };
    let gates = Gates::look(&situation);
    let answers = Gate::ALL.iter().filter_map(|gate| {
        let (word, reason) = match gates.answer(*gate) {
            Answer::Unbound => return None,
            Answer::Passes => ("passes", None),
            Answer::Passed(reason) => ("passed", Some(reason)),
            Answer::Blocks(reason) => ("blocks", Some(reason)),
        };
        let why = reason.map(|reason| explain::reason(reason, &names));
        Some(json!({ "gate": gate.word(), "answer": word, "why": why }))
    });
    let answers: Vec<Value> = answers.collect();
    let Some(body) = body.as_object_mut() else { return };
    body.insert("answers".to_owned(), answers.into());
    if let Some(loss) = situation.loss {
        // `seconds` is null where nobody knows.
        let loss = json!({ "seconds": loss.map(seconds), "rpo_seconds": situation.rpo.map(seconds) });
        body.insert("loss".to_owned(), loss);
    }
}

fn seconds(span: Span) -> f64 {
    span.as_micros() as f64 / 1e6
}
