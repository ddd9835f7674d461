//! No config makes it panic, however broken: real ones are cut, repeated and mixed at random.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use watchkeeper::config;
use watchkeeper::config::Given;

use super::{folder, paths};

/// The texts that are spoiled: every key of the language once, and what is known to be bad.
fn seeds() -> Vec<String> {
    let text =
        |path: &Path| fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let mut all = vec![text(&folder().join("sketches/every-key.toml"))];
    all.extend(paths(&folder().join("bad")).iter().filter(|path| path.is_file()).map(|path| text(path)));
    all
}

/// A change to a text, by lines.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Double(usize),
    Swap(usize, usize),
    Put(usize, &'static str),
    Cut(usize, usize),
}

const ODD: [&str; 24] = [
    "",
    "{",
    "}",
    "[",
    "[[service]]",
    "service = 5",
    "x = {}",
    "regions = []",
    "kind = \"\"",
    "use = [\"use\"]",
    "when = []",
    "when = [{}]",
    "interval = \"0s\"",
    "timeout = \"99y\"",
    "for = \"99y\"",
    "fall = 4294967295",
    "url = \"{region.a.b.c}\"",
    "name = \"{{to}}\"",
    "phases = { a = \"1h\", b = \"1h\" }",
    "steps = \"{steps.a.b.c}\"",
    "expect = [\"1\"]",
    "values = { a = { b = [1, 2.5, true] } }",
    "at_least = 999",
    "\"a.b[9]\" = 1",
];

fn change() -> impl Strategy<Value = Change> {
    let at = 0..800_usize;
    prop_oneof![
        at.clone().prop_map(Change::Drop),
        at.clone().prop_map(Change::Double),
        (at.clone(), at.clone()).prop_map(|(a, b)| Change::Swap(a, b)),
        (at.clone(), prop::sample::select(ODD.to_vec())).prop_map(|(at, odd)| Change::Put(at, odd)),
        (at, 0..40_usize).prop_map(|(at, column)| Change::Cut(at, column)),
    ]
}

fn spoil(text: &str, changes: &[Change]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for change in changes {
        let n = lines.len().max(1);
        match change {
            Change::Drop(at) if !lines.is_empty() => drop(lines.remove(at % n)),
            Change::Double(at) if !lines.is_empty() => lines.insert(at % n, lines[at % n].clone()),
            Change::Swap(a, b) if !lines.is_empty() => lines.swap(a % n, b % n),
            Change::Put(at, odd) => lines.insert(at % n, (*odd).to_owned()),
            Change::Cut(at, column) if !lines.is_empty() => {
                let line = &mut lines[at % n];
                *line = line.chars().take(*column).collect();
            }
            Change::Drop(_) | Change::Double(_) | Change::Swap(..) | Change::Cut(..) => {}
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_spoiled_config_makes_it_panic(
        seed in 0..1_000_usize,
        changes in prop::collection::vec(change(), 1..12),
        yaml in any::<bool>(),
    ) {
        let seeds = seeds();
        // The large one as often as all the small ones together.
        let text = if seed % 2 == 0 { &seeds[0] } else { &seeds[seed % seeds.len()] };
        let spoiled = spoil(text, &changes);
        let name = if yaml && seed % 5 == 0 { "watchkeeper.yaml" } else { "watchkeeper.toml" };
        let outcome = config::load(&Given::text(name, &spoiled));
        let printed = outcome.report.print(false, 80).len() + outcome.resolved(true).len();
        prop_assert!(printed > 0 || outcome.report.problems().is_empty());
        prop_assert_eq!(outcome.loaded.is_some(), outcome.report.errors() == 0);
    }

    #[test]
    fn no_text_at_all_makes_it_panic(text in "\\PC{0,200}", name in "watchkeeper\\.(toml|yaml|json)") {
        let outcome = config::load(&Given::text(&name, &text));
        prop_assert_eq!(outcome.loaded.is_some(), outcome.report.errors() == 0);
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for (name, text) in [
        ("a.toml", format!("x = {}", "[".repeat(100_000))),
        ("a.toml", format!("x = {}{}", "{a=".repeat(300), "}".repeat(300))),
        ("a.toml", format!("{}=1", vec!["a"; 5_000].join("."))),
        ("a.yaml", format!("x: {}", "[".repeat(10_000))),
        ("a.yaml", format!("x:\n  {}", "- ".repeat(50_000))),
        (
            "a.yaml",
            format!("a: &a [1,1]\n{}", (0..40).map(|i| format!("b{i}: [*a,*a,*a,*a]\n")).collect::<String>()),
        ),
        ("a.json", format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000))),
    ] {
        let outcome = config::load(&Given::text(name, &text));
        assert!(outcome.report.errors() > 0, "{name}: {}", &text[..40]);
        drop(outcome.report.print(false, 80));
    }
}
