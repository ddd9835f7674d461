//! L2, by the letter: nobody spins. What is refused is looked at again, and not sent again and again.

use watchkeeper_core::agree::Txn;

use super::{Out, Scene};
use crate::shape::Shape;

const WINDOW: u64 = 10_000_000;
/// More transactions than that of one service within the window are no work: each waits for the answer to the one before.
const MOST: u32 = 250;

/// How often each observer has sent something.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// By observer and service: since when it is counted, and how many.
    sent: Vec<(u64, u32)>,
    services: usize,
}

impl Pace {
    pub(crate) fn new(shape: &Shape) -> Pace {
        Pace { sent: vec![(0, 0); shape.observers * shape.services], services: shape.services }
    }

    /// A core sends a transaction.
    pub(crate) fn sent(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn, out: &mut Out) {
        let (since, many) = &mut self.sent[by * self.services + txn.id.service.index()];
        if scene.now >= *since + WINDOW {
            (*since, *many) = (scene.now, 0);
        }
        *many += 1;
        if *many == MOST {
            out.broke(scene.now, "L2", "letter", "somebody spins: it sends the same again and again");
        }
    }
}
