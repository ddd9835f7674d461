//! The two tables of SAFETY §7 as they stand there, compared with the functions cell by cell.

use super::super::*;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Copied from SAFETY §7.
const STEP: &str = "\
| | ready | committed | refused | commit unknown | ok | not applied | permanent | timeout | settled | obs done | obs needed | obs unknown | ver ok | ver no | deadline | abort | skip | retry | late reply | claim lost | reload |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| W | I | # | # | # | # | # | # | # | # | # | # | # | # | # | . | Not | Skip | ! | . | W | . |
| I | # | C | W | I | # | # | # | # | # | # | # | # | # | # | I | I | ! | ! | . | U | . |
| C | # | # | # | # | V | R | on_failure | U | # | # | # | # | # | # | U | C | ! | ! | . | U | . |
| U | # | # | # | # | V | R | on_failure | . | O | # | # | # | # | # | U | U | ! | ! | . | U | . |
| O | # | # | # | # | # | # | # | # | # | V | R | H | # | # | H | O | ! | ! | . | U | . |
| V | # | # | # | # | # | # | # | # | # | # | # | # | Done | O | on_failure | V | ! | ! | . | U | . |
| R | I | # | # | # | # | # | # | # | # | # | # | # | # | # | on_failure | Not | Skip | O | . | R | . |
| H | # | # | # | # | # | # | # | # | # | # | # | # | # | # | . | H | Skip | O | . | H | . |
| final | # | # | # | # | # | # | # | # | # | # | # | # | # | # | . | . | ! | ! | . | same | . |";

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_table_of_a_step_is_the_one_that_was_agreed() {
    let mut lines = STEP.lines();
    let head = cells(lines.next().unwrap());
    let inputs: Vec<String> = StepInput::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(head[1..], inputs);
    let rows: Vec<Vec<&str>> = lines.skip(1).map(cells).collect();
    assert_eq!(rows.len(), StepRow::all().count());
    let mut compared = BTreeSet::new();
    for (row, said) in StepRow::all().zip(&rows) {
        assert_eq!(said[0], row.to_string());
        for (input, said) in StepInput::ALL.into_iter().zip(&said[1..]) {
            let cell = Cell::Step(row, input);
            // "same": of four final states there is only one row.
            let said = if *said == "same" { "." } else { said };
            assert_eq!(step_cell(row, input).to_string(), said, "{cell}");
            assert_eq!(cell.is_impossible(), said == "#");
            compared.insert(cell.to_string());
        }
    }
    assert_eq!(compared.len(), 9 * 21, "each has a name of its own");
    assert!(compared.contains("C×timeout") && compared.contains("final×claim lost"));
    assert_eq!(step_cells().count(), 9 * 21);
}

#[test]
fn every_state_has_its_row() {
    let rows: Vec<String> = StepState::ALL.iter().map(|state| state.row().to_string()).collect();
    let expected = ["W", "I", "C", "U", "O", "V", "R", "H", "final", "final", "final", "final"];
    assert_eq!(rows, expected);
    for state in StepState::ALL {
        assert_eq!(state.is_final(), state.row().to_string() == "final");
        assert!(!(state.is_final() && state.in_flight()));
    }
}

/// A clause, and what it says of which cells.
type Clause = (&'static str, &'static [(&'static str, &'static str)]);

/// Copied from SAFETY §7. After each clause what it says of which cells; a clause that says nothing of a cell (what is
/// paged, what is read back, what a successor does) has none.
const RUN: [(&str, &[Clause]); 9] = [
    (
        "Asked",
        &[
            ("gates pass → Starting", &[("gates pass", "Starting")]),
            ("a gate blocks → Refused, event, a page once per distinct reason", &[("a gate blocks", ".")]),
            ("approval needed → Awaiting", &[("approval needed", "Awaiting")]),
            ("veto time → Announced (once)", &[("veto time", "Announced")]),
        ],
    ),
    (
        "Announced",
        &[
            ("time over → Asked", &[("time over", "Asked")]),
            ("veto → Ended(withdrawn)", &[("veto", "Ended")]),
        ],
    ),
    (
        "Awaiting",
        &[
            ("approve (plan hash, epoch, loss, exposure match) → Starting", &[("approve", "Starting")]),
            ("mismatch → refused with a new preview", &[("mismatch", "!")]),
            ("verdict up → Ended(withdrawn)", &[("verdict up", "Ended")]),
            ("time over → page again, stays", &[("time over", "Awaiting")]),
            ("epoch or policy changed → asked anew", &[("epoch or policy changed", "Asked")]),
            ("claim lost → stays, the successor carries on", &[("claim lost", "Awaiting")]),
        ],
    ),
    (
        "Starting",
        &[
            ("committed → Running", &[("committed", "Running")]),
            ("refused → re-read, Asked", &[("refused", "Asked")]),
            ("unknown → read back", &[("unknown", "Starting")]),
            ("claim lost → forgotten (the record decides)", &[("claim lost", "forgotten")]),
        ],
    ),
    (
        "Running",
        &[
            ("all final → Ending", &[("all final", "Ending")]),
            ("a step H and nothing in flight → Held + page", &[("a step H", "Held")]),
            ("abort → Draining", &[("abort", "Draining")]),
            (
                "`on_failure` undo → Draining, stop → the step is H",
                &[("on_failure undo", "Draining"), ("on_failure stop", ".")],
            ),
            (
                "fences final, none settled, no `unfenced` → Held with the exposure",
                &[("fences open", "Held")],
            ),
            ("a failover supersedes a repair → Draining(superseded)", &[("supersede", "Draining")]),
            (
                "pause, reload, verdict up again → recorded",
                &[("pause", "."), ("reload", "."), ("verdict up", ".")],
            ),
        ],
    ),
    (
        "Draining",
        &[
            ("no new intent", &[]),
            (
                "all settled, before the commit point, nothing unknown → Undoing (superseded: → Ending(superseded), nothing undone)",
                &[("settled before the commit point", "Undoing"), ("settled, superseded", "Ending")],
            ),
            ("else Held + page", &[("settled past it, or unknown", "Held")]),
        ],
    ),
    (
        "Undoing",
        &[
            ("reverse order of needs", &[]),
            ("all final → Ending(undone)", &[("all final", "Ending")]),
            ("undo fails or unknown → Held", &[("undo fails", "Held")]),
            ("abort → refused", &[("abort", "!")]),
        ],
    ),
    (
        "Held",
        &[
            ("retry → observe, Running or Undoing", &[("retry", "Running"), ("retry of undoing", "Undoing")]),
            ("skip → guards of S1, S12 still hold", &[("skip", "Running"), ("skip of undoing", "Undoing")]),
            ("abort → Draining", &[("abort", "Draining")]),
            ("approve (plan hash, epoch, exposure match) → Running", &[("approve", "Running")]),
            ("hand over → Ending(handed over)", &[("hand over", "Ending")]),
            ("page repeats until acknowledged", &[]),
        ],
    ),
    (
        "Ending",
        &[
            (
                "(after `Recorded` of the page it owes) committed → Ended(done, done with exceptions, undone, superseded, handed over, expired, withdrawn)",
                &[("committed", "Ended")],
            ),
            (
                "refused or unknown → read back, again with the same writes",
                &[("refused", "Ending"), ("unknown", "Ending")],
            ),
        ],
    ),
];

/// Beside those, the whole of it: what each input does in each state.
const GRID: &str = "\
| | Asked | Announced | Awaiting | Starting | Running | Draining | Undoing | Held | Ending | Ended |
| gates pass | Starting | # | # | # | # | # | # | # | # | # |
| a gate blocks | . | # | # | # | # | # | # | # | # | # |
| approval needed | Awaiting | # | # | # | # | # | # | # | # | # |
| veto time | Announced | # | # | # | # | # | # | # | # | # |
| time over | # | Asked | Awaiting | # | # | # | # | # | # | # |
| veto | ! | Ended | Ended | ! | ! | ! | ! | ! | ! | ! |
| approve | ! | ! | Starting | ! | ! | ! | ! | Running | ! | ! |
| mismatch | ! | ! | ! | ! | ! | ! | ! | ! | ! | ! |
| verdict up | . | . | Ended | . | . | . | . | . | . | . |
| epoch or policy changed | . | Asked | Asked | . | . | . | . | . | . | . |
| committed | # | # | # | Running | # | # | # | # | Ended | # |
| refused | # | # | # | Asked | # | # | # | # | Ending | # |
| unknown | # | # | # | Starting | # | # | # | # | Ending | # |
| claim lost | forgotten | Announced | Awaiting | forgotten | Running | Draining | Undoing | Held | Ending | . |
| all final | # | # | # | # | Ending | # | Ending | # | # | # |
| a step H | # | # | # | # | Held | # | # | # | # | # |
| fences open | # | # | # | # | Held | # | # | # | # | # |
| supersede | ! | ! | ! | ! | Draining | ! | ! | ! | ! | ! |
| on_failure stop | # | # | # | # | . | . | . | # | # | # |
| on_failure undo | # | # | # | # | Draining | . | # | # | # | # |
| settled before the commit point | # | # | # | # | # | Undoing | # | # | # | # |
| settled, superseded | # | # | # | # | # | Ending | # | # | # | # |
| settled past it, or unknown | # | # | # | # | # | Held | # | # | # | # |
| undo fails | # | # | # | # | # | # | Held | # | # | # |
| abort | ! | Ended | Ended | ! | Draining | ! | ! | Draining | ! | ! |
| retry | ! | ! | ! | ! | . | ! | # | Running | ! | ! |
| retry of undoing | # | # | # | # | # | # | . | Undoing | ! | ! |
| skip | ! | ! | ! | ! | . | ! | # | Running | ! | ! |
| skip of undoing | # | # | # | # | # | # | . | Undoing | ! | ! |
| hand over | ! | ! | ! | ! | ! | ! | ! | Ending | ! | ! |
| pause | . | . | . | . | . | . | . | . | . | . |
| reload | . | . | . | . | . | . | . | . | . | . |";

fn state(name: &str) -> RunState {
    RunState::ALL.into_iter().find(|state| state.to_string() == name).unwrap()
}

fn input(name: &str) -> RunInput {
    RunInput::ALL.into_iter().find(|input| input.to_string() == name).unwrap()
}

#[test]
fn the_table_of_a_run_says_what_was_agreed() {
    for (row, clauses) in RUN {
        for (clause, says) in clauses {
            for (column, goes) in *says {
                let cell = Cell::Run(state(row), input(column));
                assert_eq!(run_cell(state(row), input(column)).to_string(), *goes, "{cell}: {clause}");
            }
        }
    }
    assert_eq!(RUN.len() + 1, RunState::ALL.len(), "nothing but refusals is left when it has ended");
}

#[test]
fn the_table_of_a_run_has_no_other_cells() {
    let mut lines = GRID.lines();
    let head = cells(lines.next().unwrap());
    let states: Vec<String> = RunState::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(head[1..], states);
    let rows: Vec<Vec<&str>> = lines.map(cells).collect();
    assert_eq!(rows.len(), RunInput::ALL.len());
    for (input, said) in RunInput::ALL.into_iter().zip(&rows) {
        assert_eq!(said[0], input.to_string());
        for (state, said) in RunState::ALL.into_iter().zip(&said[1..]) {
            let cell = Cell::Run(state, input);
            assert_eq!(run_cell(state, input).to_string(), *said, "{cell}");
            assert_eq!(cell.is_impossible(), *said == "#");
        }
    }
    assert_eq!(run_cells().count(), 320);
}
