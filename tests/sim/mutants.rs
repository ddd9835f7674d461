//! Rules that are not kept, one at a time: each must be noticed. A mutant that is not is a hole in the faults or in the
//! invariants, and never in the list of mutants.

use std::process::ExitCode;

use crate::shape::Shape;

/// Runs each mutant until a world is broken that is sound without it.
#[cfg(feature = "mutants")]
pub(crate) fn run(shapes: &[Shape], from: u64, seeds: u64) -> ExitCode {
    use watchkeeper_core::mutants::{Mutant, set};

    let mut survive = 0;
    for &mutant in Mutant::ALL {
        set(Some(mutant));
        let caught = (from..from + seeds).find_map(|seed| {
            let told = crate::report::live(shapes, None, seed, false).0.out.broken.into_iter().next()?;
            // A world that is broken anyway shows nothing of this mutant.
            set(None);
            let sound = crate::report::live(shapes, None, seed, false).0.out.broken.is_empty();
            set(Some(mutant));
            sound.then_some((seed, told))
        });
        match caught {
            Some((seed, told)) => {
                let rule = told.split(" at event ").next().unwrap_or_default();
                println!("mutant `{}`: caught at seed {seed}: {rule}", mutant.word());
            }
            None => {
                survive += 1;
                println!("mutant `{}`: SURVIVES {seeds} seeds", mutant.word());
            }
        }
    }
    set(None);
    println!("sim: {} mutants, {survive} survive", Mutant::ALL.len());
    if survive == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Without the feature there are none.
#[cfg(not(feature = "mutants"))]
pub(crate) fn run(_shapes: &[Shape], _from: u64, _seeds: u64) -> ExitCode {
    eprintln!("sim: there are no mutants in this build: add `--features mutants`");
    ExitCode::FAILURE
}
