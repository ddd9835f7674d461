//! The sketches: five real plans, the smallest config and the one with every key. What is not built yet is all that is
//! wrong with them, and the list of that can only shrink.

use std::collections::BTreeMap;

use watchkeeper::config;
use watchkeeper::config::problem::{Code, Level};

use super::{folder, given};

const ALL: [&str; 7] = [
    "async-toolformer",
    "healing-guard",
    "multi-region",
    "samokoder",
    "sentiment-analyzer-pro",
    "every-key.toml",
    "minimal.toml",
];

/// Who each is read as, where it declares several observers.
fn host(name: &str) -> &'static str {
    if name == "sentiment-analyzer-pro" { "primary" } else { "use1" }
}

#[test]
fn only_what_is_not_built_yet_is_wrong_with_the_sketches() {
    let mut list = String::new();
    for name in ALL {
        let mut given = given(&folder().join("sketches").join(name), name);
        given.host = Some(host(name).to_owned());
        let report = config::load(&given).report;
        let mut counted: BTreeMap<String, usize> = BTreeMap::new();
        for problem in report.problems().iter().filter(|problem| problem.level == Level::Error) {
            assert_eq!(problem.code, Code::NotBuilt, "{name}: {}\n{report}", problem.message);
            *counted.entry(problem.message.clone()).or_default() += 1;
        }
        list.push_str(&format!("{name}\n"));
        for (what, times) in counted {
            list.push_str(&format!("  {what} ({times})\n"));
        }
    }
    // It may only become shorter.
    insta::assert_snapshot!("not_built_yet", list);
}

#[test]
fn what_is_unwise_in_the_sketches_is_said() {
    let mut said = String::new();
    for name in ALL {
        let mut given = given(&folder().join("sketches").join(name), name);
        given.host = Some(host(name).to_owned());
        let outcome = config::load(&given);
        said.push_str(&format!("== {name}\n"));
        for problem in outcome.report.problems().iter().filter(|problem| problem.level == Level::Warning) {
            let place = outcome.report.place(problem).and_then(|(_, line)| line).map_or(0, |(line, _)| line);
            said.push_str(&format!(
                "line {place}: {}\n    {}\n",
                problem.message,
                problem.help.as_deref().unwrap_or("")
            ));
        }
        for note in &outcome.notes {
            said.push_str(&format!("note: {note}\n"));
        }
    }
    insta::assert_snapshot!("unwise", said);
}
