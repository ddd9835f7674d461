//! The saga's own mutants: in the saga's own world each is caught, with nothing else of the core there to hide it.
//!
//! `cargo test -p watchkeeper-core --features mutants --lib saga::tests::mutants -- --nocapture` prints by what.

use super::random::usual_world;
use crate::mutants::{Mutant, set};
use alloc::string::{String, ToString};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the saga decides by itself; the others are rules of the engine and of what lies below.
const OF_THE_SAGA: &[Mutant] = &[
    Mutant::UnknownIsRefused,
    Mutant::UnknownIsDurable,
    Mutant::AnyApproval,
    Mutant::EffectBeforeIntent,
    Mutant::EpochOnlyToken,
    Mutant::ObserveOldToken,
    Mutant::ObserveUndrained,
    Mutant::TimeoutIsFailure,
    Mutant::UnknownIsNeeded,
    Mutant::NoNotAfter,
    Mutant::SuccessorTrusts,
    Mutant::AnyReplyCounts,
    Mutant::PromoteBeforeFence,
    Mutant::SkippedFenceSettles,
    Mutant::CutIsEnough,
    Mutant::LapseThoughPulse,
    Mutant::ExposureUnasked,
    Mutant::RoutesUnread,
    Mutant::RoutesEarly,
    Mutant::NeedsIgnored,
    Mutant::UndoUnordered,
    Mutant::UndoPastPromotion,
    Mutant::UndoThoughUnknown,
    Mutant::UndoUndrained,
    Mutant::SupersedeMidStep,
    Mutant::PageAfterEnd,
];

/// The first world that notices, and what it says.
fn caught(mutant: Mutant) -> Option<(u64, String)> {
    set(Some(mutant));
    let found = (0..3_000).find_map(|seed| {
        let said = catch_unwind(AssertUnwindSafe(|| usual_world(seed))).err()?;
        let text = said.downcast_ref::<String>().cloned();
        let text = text.or_else(|| said.downcast_ref::<&str>().map(|text| text.to_string()));
        Some((seed, text.unwrap_or_default().lines().next().unwrap_or_default().to_string()))
    });
    set(None);
    found
}

#[test]
fn each_mutant_of_the_saga_is_caught() {
    std::panic::set_hook(alloc::boxed::Box::new(|_| {}));
    let mut alive = alloc::vec::Vec::new();
    for &mutant in OF_THE_SAGA {
        match caught(mutant) {
            Some((seed, said)) => println!("{:45} seed {seed}: {said}", mutant.word()),
            None => alive.push(mutant.word()),
        }
    }
    drop(std::panic::take_hook());
    assert!(alive.is_empty(), "nobody notices: {alive:?}");
}
