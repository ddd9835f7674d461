//! What a step gives to later ones is an expression, and is read when the config is loaded.

use super::rig::config;

fn said(step: &str) -> String {
    let outcome = config(step, "\"/usr/bin/true\"");
    assert!(outcome.loaded.is_none());
    outcome.report.to_string()
}

#[test]
fn a_bad_output_is_found_at_load_and_pointed_at() {
    let report = said("kind = \"http\"\nurl = \"https://x.test/\"\noutputs = { id = \"body.id +\" }");
    assert!(report.contains("this is no expression"), "{report}");
    let report = said("kind = \"http\"\nurl = \"https://x.test/\"\noutputs = { id = \"bodi.id\" }");
    assert!(report.contains("there is no `bodi` here"), "{report}");
    assert!(report.contains("watchkeeper.toml:"), "{report}");
    let report = said("kind = \"exec\"\nargv = [\"/usr/bin/true\"]\noutputs = { id = \"status\" }");
    assert!(report.contains("there is no `status` here"), "{report}");
}

#[test]
fn a_good_one_is_taken() {
    for step in [
        "kind = \"http\"\nurl = \"https://x.test/\"\noutputs = { id = \"body.id\", s = \"status\" }",
        "kind = \"exec\"\nargv = [\"/usr/bin/true\"]\noutputs = { id = \"stdout\" }",
    ] {
        let outcome = config(step, "\"/usr/bin/true\"");
        assert!(outcome.loaded.is_some(), "{}", outcome.report);
    }
}
