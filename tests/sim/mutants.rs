//! Rules that are not kept, one at a time: each must be noticed. A mutant that is not is a hole in the faults or in the
//! invariants, and never in the list of mutants.
//!
//!     --mutants           each mutant, first at the seed in `mutants.txt`, then in aimed worlds, then in ordinary ones;
//!                         one process a core, and what caught each is written to `mutants.txt`
//!     --mutants --kept    only the seed in `mutants.txt`; fails if one is not caught there any more
//!     --seed N --only WORDS [--trace]   one world, as the mutant of that name has it

use std::process::ExitCode;

/// Runs each mutant until a world is broken that is sound without it.
#[cfg(feature = "mutants")]
pub(crate) fn run(shapes: &[crate::shape::Shape], wanted: &crate::report::Wanted) -> ExitCode {
    match wanted.part {
        Some((part, of)) => {
            hunt::part(shapes, wanted, part, of);
            ExitCode::SUCCESS
        }
        None => hunt::all(wanted),
    }
}

/// Without the feature there are none.
#[cfg(not(feature = "mutants"))]
pub(crate) fn run(_shapes: &[crate::shape::Shape], _wanted: &crate::report::Wanted) -> ExitCode {
    eprintln!("sim: there are no mutants in this build: add `--features mutants`");
    ExitCode::FAILURE
}

/// The first mutant that is called so is switched on.
#[cfg(feature = "mutants")]
pub(crate) fn switch(called: Option<&str>) {
    use watchkeeper_core::mutants::{Mutant, set};
    let wanted = called.and_then(|called| Mutant::ALL.iter().find(|mutant| mutant.word().contains(called)));
    // Policies are as sound as ever: what a mutant makes of them is asked when they are used.
    crate::aimed::shapes();
    set(wanted.copied());
}

/// Without the feature there are none.
#[cfg(not(feature = "mutants"))]
pub(crate) fn switch(_called: Option<&str>) {}

#[cfg(feature = "mutants")]
mod hunt {
    use std::collections::BTreeMap;
    use std::process::{Command, ExitCode, Stdio};

    use watchkeeper_core::mutants::{Mutant, set};

    use crate::aimed::AIMED;
    use crate::report::{Wanted, live};
    use crate::shape::Shape;

    /// What is remembered of the last time.
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sim/mutants.txt");

    /// By mutant: the seed at which it was caught.
    fn kept() -> BTreeMap<String, u64> {
        let text = std::fs::read_to_string(KEPT).unwrap_or_default();
        let line = |line: &str| {
            let mut parts = line.split('\t');
            Some((parts.next()?.to_string(), parts.next()?.parse().ok()?))
        };
        text.lines().filter_map(line).collect()
    }

    /// The rules that are broken at that seed by the mutant, and by nobody else.
    fn caught(shapes: &[Shape], mutant: Mutant, seed: u64) -> Option<String> {
        set(Some(mutant));
        let broken = live(shapes, None, seed, false).0.out.broken;
        set(None);
        if broken.is_empty() || !live(shapes, None, seed, false).0.out.broken.is_empty() {
            return None;
        }
        // By an invariant of DESIGN; that a cell of the tables cannot occur says less.
        let told = broken.iter().find(|line| line.starts_with(['S', 'L']))?;
        let (rule, what) = told.split_once(" at event ").unwrap_or((told, ""));
        let what = what.split_once(": ").map_or("", |(_, what)| what);
        let what = what.rsplit_once(" (").map_or(what, |(what, _)| what);
        Some(format!("{rule}: {what}"))
    }

    /// Every so-manieth mutant, one line each.
    pub(super) fn part(shapes: &[Shape], wanted: &Wanted, part: usize, of: usize) {
        let (from, seeds) = (wanted.from.unwrap_or(0), wanted.seeds.unwrap_or(20_000));
        let kept = kept();
        // Policies are made before any mutant is switched on.
        crate::aimed::shapes();
        for (at, &mutant) in Mutant::ALL.iter().enumerate() {
            if at % of != part || !wanted.only.as_ref().is_none_or(|only| mutant.word().contains(only)) {
                continue;
            }
            let known = kept.get(mutant.word()).copied();
            let more = if wanted.kept { 0 } else { seeds };
            // A fifth of them in worlds that are aimed at something.
            let aimed = (0..more / 5).map(|seed| AIMED + from + seed);
            let all = known.into_iter().chain(aimed).chain(from..from + more - more / 5);
            let found = all.into_iter().find_map(|seed| Some((seed, caught(shapes, mutant, seed)?)));
            match found {
                Some((seed, rule)) => println!("{}\t{seed}\t{rule}", mutant.word()),
                None => println!("{}\tSURVIVES {seeds} seeds", mutant.word()),
            }
        }
    }

    /// One process a core: a mutant is switched on for a whole process.
    pub(super) fn all(wanted: &Wanted) -> ExitCode {
        let began = crate::report::clock();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let me = std::env::current_exe().expect("a path to itself");
        let start = |part: usize| {
            let mut command = Command::new(&me);
            command.args(["--mutants", "--part", &format!("{part}/{cores}")]);
            let number = |command: &mut Command, what: &str, n: Option<u64>| {
                if let Some(n) = n {
                    command.args([what, &n.to_string()]);
                }
            };
            number(&mut command, "--seeds", wanted.seeds);
            number(&mut command, "--from", wanted.from);
            if wanted.kept {
                command.arg("--kept");
            }
            if let Some(only) = &wanted.only {
                command.args(["--only", only]);
            }
            command.stdout(Stdio::piped()).spawn().expect("a process for each core")
        };
        let parts: Vec<_> = (0..cores).map(start).collect();
        let mut told = BTreeMap::new();
        for part in parts {
            let output = part.wait_with_output().expect("its answer");
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let (mutant, what) = line.split_once('\t').unwrap_or((line, "SURVIVES"));
                told.insert(mutant.to_string(), what.to_string());
            }
        }
        let (mut survive, mut lines) = (0, String::new());
        let wished = |mutant: &&Mutant| wanted.only.as_ref().is_none_or(|only| mutant.word().contains(only));
        for mutant in Mutant::ALL.iter().filter(wished) {
            let what = told.get(mutant.word()).map_or("SURVIVES: no answer", String::as_str);
            survive += usize::from(what.starts_with("SURVIVES"));
            match what.split_once('\t') {
                Some((seed, rule)) => {
                    lines.push_str(&format!("{}\t{seed}\t{rule}\n", mutant.word()));
                    println!("mutant `{}`: caught at seed {seed}: {rule}", mutant.word());
                }
                None => println!("mutant `{}`: {what}", mutant.word()),
            }
        }
        if !wanted.kept && wanted.only.is_none() && wanted.from.is_none() {
            std::fs::write(KEPT, lines).expect("what was caught is kept");
        }
        let all = Mutant::ALL.iter().filter(wished).count();
        println!("sim: {all} mutants, {survive} survive, {:.1} s", began.elapsed().as_secs_f64());
        if survive == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
