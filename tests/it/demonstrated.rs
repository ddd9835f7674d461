//! `watchkeeper demo` as a reader starts it, several at once: what its JSON holds, that it accuses nobody when it is blind,
//! that it fails when there is nothing to see, and that Ctrl-C leaves nothing behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use watchkeeper::core::time::Span;
use watchkeeper::daemon::clock;

/// A demo whose temporary folder is that one.
fn demo(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_watchkeeper"))
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", folder)
        .env("WATCHKEEPER__API__LISTEN", "127.0.0.1:1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// How it ended: its exit code, what it printed, and what it complained of.
fn ended(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn left_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn what_it_shows_and_that_it_can_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = clock::now().mono;
    let [service, observer, nothing] =
        ["service", "observer", "nothing"].map(|what| demo(folder.path(), &["--json", "--break", what]));

    let (code, out, err) = ended(service);
    assert!(code == Some(0) && err.is_empty(), "{code:?} {err} {out}");
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert!(told["seconds"].as_f64().is_some_and(|seconds| seconds < 20.0), "{}", told["seconds"]);
    assert_eq!((&told["ok"], &told["calls"], &told["failed"]), (&true.into(), &0.into(), &Value::Null));
    let decision = &told["decision"];
    assert_eq!((&decision["decision"], &decision["plan"]), (&"blocked".into(), &"failover".into()));
    assert_eq!(decision["gates"], serde_json::json!(["mode"]), "nothing else is in its way");
    let why = told["why"].as_str().unwrap_or_default();
    for said in ["would start failover", "is blocked", "by mode: ", "if ordered now"] {
        assert!(why.contains(said), "{said}: {why}");
    }
    let measured = |name: &str| told["measured"][name].as_f64().unwrap_or_else(|| panic!("{name}: {told}"));
    let order = ["first_failed", "down", "decided", "would_start", "healed", "recovered"].map(measured);
    assert!(order.is_sorted() && order[0] > 0.0, "{order:?}");
    assert!(told["worst"]["would_start"].as_f64().is_some_and(|worst| worst > 1.0));
    let timeline = told["timeline"].as_array().expect("a list");
    let moment = |who: &str, kind: &str| timeline.iter().position(|m| m["who"] == who && m["kind"] == kind);
    let places = [
        moment("daemon", "health"),
        moment("demo", "breaks"),
        moment("daemon", "decided"),
        moment("demo", "heals"),
    ];
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    let config = told["config"].as_str().unwrap_or_default();
    assert!(config.contains("[service.shop.scenario.region_down]"), "{config}");

    let (code, out, err) = ended(observer);
    assert!(code == Some(0), "{code:?} {err} {out}");
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert!(told["seconds"].as_f64().is_some_and(|seconds| seconds < 20.0), "{}", told["seconds"]);
    assert!(told["measured"]["isolated"].is_number() && told["decision"].is_null(), "{told}");
    assert!(told["why"].as_str().is_some_and(|why| why.contains("has been isolated")), "{}", told["why"]);
    let timeline = told["timeline"].as_array().expect("a list");
    let broken = timeline.iter().skip_while(|m| m["kind"] != "breaks");
    for moment in broken {
        let accuses = match moment["kind"].as_str() {
            Some("standing") => !moment["body"]["worst"].is_null(),
            Some("incident") => moment["body"]["turn"] == "opened",
            Some("decided") => moment["body"]["decision"] != "nothing",
            _ => false,
        };
        assert!(!accuses, "{moment}");
    }

    let (code, out, err) = ended(nothing);
    assert!(
        code == Some(1) && err.contains("the first failed sample was not seen in time"),
        "{code:?} {err}"
    );
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!((&told["ok"], &told["decision"]), (&false.into(), &Value::Null));

    assert_eq!(left_in(folder.path()), 0, "each took its folder along");
    assert!(clock::now().mono.since(begun) < Span::secs(40));
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    // While it plays, and while it stays afterwards it is the same wait; the first is the harder one.
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut child = demo(folder.path(), &["--keep"]);
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.contains("is up") {
            line.clear();
            assert_ne!(lines.read_line(&mut line).expect("a line"), 0, "it ended before it was interrupted");
        }
        assert_eq!(left_in(folder.path()), 1, "it works in the folder that it was given");
        let process = Pid::from_child(&child);
        kill_process(process, signal).expect("it is there");
        let mut rest = String::new();
        lines.read_to_string(&mut rest).expect("the rest");
        let (ended, _, err) = ended(child);
        assert_eq!(ended, Some(code), "{rest}{err}");
        assert!(!rest.contains("would start"), "{rest}");
        assert_eq!(left_in(folder.path()), 0);
    }
}

#[test]
fn its_config_is_one_that_check_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text, err) = ended(demo(folder.path(), &["--config"]));
    assert!(code == Some(0) && err.is_empty(), "{code:?} {err}");
    let file = folder.path().join("watchkeeper.toml");
    std::fs::write(&file, &text).expect("a file");
    let check =
        Command::new(env!("CARGO_BIN_EXE_watchkeeper")).args(["check", "--strict"]).arg(&file).output();
    let check = check.expect("the program starts");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    // Where there is no temporary folder, it says so.
    let (code, _, err) = ended(demo(&folder.path().join("none"), &[]));
    assert!(code == Some(1) && err.contains("set TMPDIR"), "{code:?} {err}");
}
