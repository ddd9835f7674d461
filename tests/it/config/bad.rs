//! Every bad file of `tests/config/bad`, and all that is said of it.

use std::fs;

use watchkeeper::config;

use super::{folder, given};

#[test]
fn every_bad_file_is_refused_in_so_many_words() {
    let folder = folder().join("bad");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 60, "only {} bad files", names.len());
    for name in names {
        let outcome = config::load(&given(&folder.join(&name), &name));
        assert!(outcome.report.errors() > 0, "{name} is taken for good");
        assert!(outcome.loaded.is_none(), "{name} is loaded although it is bad");
        let printed = outcome.report.print(false, 100);
        assert!(!printed.contains("hunter2"), "{name}: what stands in a secret's place is shown");
        let stem = name.split('.').next().unwrap().to_owned();
        insta::assert_snapshot!(stem, printed);
    }
}

#[test]
fn every_problem_has_a_place_and_a_hint() {
    let folder = folder().join("bad");
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let report = config::load(&given(&folder.join(&name), &name)).report;
        for problem in report.problems() {
            assert!(problem.at.is_some(), "{name}: no place for: {}", problem.message);
            assert!(
                !problem.message.ends_with('.') && !problem.message.is_empty(),
                "{name}: {}",
                problem.message
            );
        }
        let json = report.json();
        assert_eq!(json["errors"], report.errors(), "{name}");
    }
}
