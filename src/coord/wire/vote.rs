//! The shape of a vote: what it says of each probe in each region, by name.
//!
//! What this policy does not know is left out when it is read: a vote speaks of cells, and there is none.

use serde::{Deserialize, Serialize};

use super::shape::{Of, Shape, Unreadable, choice};
use crate::core::agree::Vote;
use crate::core::ids::PolicyHash;
use crate::core::time::Span;
use crate::core::verdict::{Reading, Say, Spoken};

choice! {
    Say as SayShape { Unknown, Up, Slow, Down }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteShape {
    hash: String,
    answers: u32,
    says: Vec<SpokenShape>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpokenShape {
    probe: String,
    region: Option<String>,
    say: SayShape,
    held: u64,
    /// Value and age.
    reading: Option<(u64, u64)>,
    fresh: bool,
}

impl Shape for Vote {
    type Wire = VoteShape;
    fn out(&self, of: Of<'_>) -> VoteShape {
        let says = self.says.iter().filter_map(|spoken| {
            let policy = of.policy()?;
            let cell = policy.parts.cells.get(spoken.cell.index())?;
            Some(SpokenShape {
                probe: policy.probes.get(cell.probe.index())?.name.as_str().to_owned(),
                region: cell.region.map(|at| policy.region_name(at).to_owned()),
                say: spoken.say.out(of),
                held: spoken.held.as_micros(),
                reading: spoken.reading.map(|it| (it.value.as_micros(), it.age.as_micros())),
                fresh: spoken.fresh,
            })
        });
        VoteShape { hash: self.hash.out(of), answers: self.answers, says: says.collect() }
    }
    fn back(wire: VoteShape, of: Of<'_>) -> Result<Vote, Unreadable> {
        let mut says = Vec::with_capacity(wire.says.len());
        for spoken in wire.says {
            let cell = of.policy().and_then(|policy| policy.cell(&spoken.probe, spoken.region.as_deref()));
            let Some(cell) = cell else { continue };
            let reading = spoken
                .reading
                .map(|(value, age)| Reading { value: Span::micros(value), age: Span::micros(age) });
            let (say, held) = (Say::back(spoken.say, of)?, Span::micros(spoken.held));
            says.push(Spoken { cell, say, held, reading, fresh: spoken.fresh });
        }
        Ok(Vote { hash: PolicyHash::back(wire.hash, of)?, answers: wire.answers, says })
    }
}
