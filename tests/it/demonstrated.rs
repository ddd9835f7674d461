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

/// What it told, if it ended so within twenty seconds.
fn told((code, out, err): (Option<i32>, String, String), wanted: i32) -> Value {
    assert_eq!(code, Some(wanted), "{err} {out}");
    let told: Value = serde_json::from_str(&out).expect("one JSON object");
    assert!(told["seconds"].as_f64().is_some_and(|seconds| seconds < 20.0), "{}", told["seconds"]);
    assert_eq!(told["ok"], wanted == 0, "{}", told["failed"]);
    told
}

fn number(told: &Value, table: &str, name: &str) -> f64 {
    told[table][name].as_f64().unwrap_or_else(|| panic!("{table}.{name}: {told}"))
}

fn moments(told: &Value) -> &Vec<Value> {
    told["timeline"].as_array().expect("a list")
}

#[test]
fn what_it_shows_and_that_it_can_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = clock::now().mono;
    let [service, both, observer, nothing] = ["service", "both", "observer", "nothing"]
        .map(|what| demo(folder.path(), &["--json", "--break", what]));
    it_fails_over(&told(ended(service), 0));
    it_refuses(&told(ended(both), 0));
    it_accuses_nobody(&told(ended(observer), 0));
    let nothing = told(ended(nothing), 1);
    let why = nothing["failed"].as_str().unwrap_or_default();
    assert!(why.contains("the first failed sample was not seen in time"), "{why}");
    assert_eq!((&nothing["decision"], &nothing["run"]), (&Value::Null, &Value::Null));
    assert_eq!(nothing["users"]["refused"], 0);
    assert_eq!(left_in(folder.path()), 0, "each took its folder along");
    assert!(clock::now().mono.since(begun) < Span::secs(60));
}

fn it_fails_over(told: &Value) {
    let decision = &told["decision"];
    assert_eq!((&decision["decision"], &decision["plan"]), (&"would_start".into(), &"failover".into()));
    let answers = decision["answers"].as_array().expect("every gate's");
    assert!(answers.len() > 20 && answers.iter().all(|answer| answer["answer"] == "passes"), "{answers:?}");
    let run = &told["run"];
    assert_eq!((&run["plan"], &run["outcome"]), (&"failover".into(), &"done".into()));
    let steps: Vec<&str> =
        run["steps"].as_array().expect("steps").iter().filter_map(|s| s["step"].as_str()).collect();
    assert_eq!(steps, ["switch_off", "take_over", "route", "served"]);
    let measured = |name: &str| number(told, "measured", name);
    let order = ["first_failed", "down", "would_start", "started", "served", "ended", "healed", "recovered"]
        .map(measured);
    assert!(order.is_sorted() && order[0] >= 0.0, "{order:?}");
    assert!(number(told, "rto", "measured") <= number(told, "rto", "objective"));
    // What is really lost is never more than was stated, and that never more than is promised.
    let (lost, stated) = (number(told, "rpo", "lost_seconds"), number(told, "rpo", "stated"));
    assert!(lost <= stated && stated <= number(told, "rpo", "objective"), "{lost} {stated}");
    let users = |name: &str| number(told, "users", name);
    assert!(users("refused") > 0.0 && users("down") > 0.0 && users("elsewhere") > 0.0, "{}", told["users"]);
    assert_eq!((users("by_returned"), &told["quarantined"]), (0.0, &serde_json::json!(["east"])));
    let timeline = moments(told);
    let moment = |who: &str, kind: &str| timeline.iter().position(|m| m["who"] == who && m["kind"] == kind);
    let places = [
        moment("daemon", "health"),
        moment("demo", "breaks"),
        moment("daemon", "asked"),
        moment("daemon", "started"),
        moment("daemon", "ended"),
        moment("demo", "served"),
        moment("demo", "heals"),
        moment("demo", "recovers"),
    ];
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    assert!(!timeline.iter().any(|m| m["kind"] == "paged" || m["kind"] == "impossible"), "{timeline:?}");
    let config = told["config"].as_str().unwrap_or_default();
    assert!(config.contains("[service.shop.scenario.region_down]"), "{config}");
}

fn it_refuses(told: &Value) {
    let gates = told["decision"]["gates"].as_array().expect("gates");
    for gate in ["candidate", "every_region_down"] {
        assert!(gates.iter().any(|one| one == gate), "{gate}: {gates:?}");
    }
    assert_eq!(told["run"], Value::Null);
    let pages = told["pages"].as_array().expect("pages");
    assert!(
        pages.iter().any(|page| page.as_str().is_some_and(|page| page.contains("every_region_down"))),
        "{pages:?}"
    );
    let why = told["why"].as_str().unwrap_or_default();
    assert!(why.contains("every region is down: that is no reason to move"), "{why}");
    assert!(number(told, "users", "refused") > 0.0);
    assert_eq!(number(told, "users", "elsewhere"), 0.0);
}

fn it_accuses_nobody(told: &Value) {
    assert!(told["measured"]["isolated"].is_number(), "{told}");
    assert_eq!((&told["decision"], &told["run"]), (&Value::Null, &Value::Null));
    assert!(told["why"].as_str().is_some_and(|why| why.contains("has been isolated")), "{}", told["why"]);
    assert_eq!((number(told, "users", "refused"), number(told, "rpo", "lost")), (0.0, 0.0));
    for moment in moments(told).iter().skip_while(|m| m["kind"] != "breaks") {
        let accuses = match moment["kind"].as_str() {
            Some("standing") => !moment["body"]["worst"].is_null(),
            Some("incident") => moment["body"]["turn"] == "opened",
            Some("decided") => moment["body"]["decision"] != "nothing",
            Some("started") => true,
            _ => false,
        };
        assert!(!accuses, "{moment}");
    }
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
        assert!(!rest.contains("is started"), "{rest}");
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
    let check = Command::new(env!("CARGO_BIN_EXE_watchkeeper")).arg("check").arg(&file).output();
    let check = check.expect("the program starts");
    // What a toy cannot help is said there too: which that is, the stage's own test names.
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    // Where there is no temporary folder, it says so.
    let (code, _, err) = ended(demo(&folder.path().join("none"), &[]));
    assert!(code == Some(1) && err.contains("set TMPDIR"), "{code:?} {err}");
}
