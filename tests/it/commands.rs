//! The program itself, where what it does to files matters.

use std::path::Path;
use std::process::{Command, Output};

fn watchkeeper(arguments: &[&Path]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    let Output { status, stdout, stderr } = command.args(arguments).output().expect("it runs");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn init_says_what_it_wrote_and_overwrites_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("new/watchkeeper.toml");
    let (code, said) = watchkeeper(&["init".as_ref(), &file]);
    assert!(code == Some(0) && said.starts_with(&format!("Wrote {}.", file.display())), "{code:?} {said}");
    let (code, said) = watchkeeper(&["check".as_ref(), &file]);
    assert_eq!(code, Some(0), "what it wrote is right: {said}");
    std::fs::write(&file, "# mine\n").expect("written");
    let (code, said) = watchkeeper(&["init".as_ref(), &file]);
    assert!(code == Some(2) && said.contains("exists already and was left as it is"), "{code:?} {said}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "# mine\n");
}

#[test]
fn run_says_what_is_wrong_with_a_certificate_and_does_not_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let (file, pem) = (dir.path().join("watchkeeper.toml"), dir.path().join("tls.pem"));
    let state = dir.path().join("state");
    std::fs::write(&pem, "no certificate\n").expect("written");
    let text = format!(
        "[api]\nlisten = \"127.0.0.1:9\"\ntls = {{ cert = {pem:?}, key = {{ file = {pem:?} }} }}\n\
         [chronicle]\ndir = {state:?}\n[service.shop]\nregions = [\"east\", \"west\"]\n\
         [service.shop.probe.web]\nkind = \"tcp\"\naddress = \"127.0.0.1:9\"\n"
    );
    std::fs::write(&file, text).expect("written");
    let (code, said) = watchkeeper(&["run".as_ref(), &file]);
    assert!(code == Some(1) && said.contains("tls.pem holds no certificate in PEM"), "{code:?} {said}");
    assert!(!state.exists(), "nothing was begun");
}
