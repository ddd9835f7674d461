//! `exec`: what may run, what it says, and that nothing of it is left.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use watchkeeper::config::probe::{Exec, Given, Kind};
use watchkeeper::config::secret::Secret;
use watchkeeper::core::health::{Blindness, Failure};

use super::child::until;
use super::look::{blind, failed, look, look_for, ok};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
    fn run(&self, program: &Path, arguments: &[&str]) -> Exec {
        let mut argv = vec![program.to_str().unwrap().to_owned()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        Exec {
            argv,
            env: Vec::new(),
            allow: [self.0.path().to_owned()].into(),
            dir: self.0.path().to_owned(),
        }
    }
}

#[tokio::test]
async fn its_exit_code_is_the_answer() {
    let place = Place::new();
    let says = place.script("says", "echo ready $1 $MODE; pwd; exit 0");
    let mut exec = place.run(&says, &["a b;c"]);
    exec.env = vec![("MODE".to_owned(), Given::Text("check".to_owned()))];
    ok(&look(Kind::Exec(exec), &["stdout.startsWith('ready a b;c check')", "exit == 0"]).await);
    let fails = place.script("fails", "echo because >&2; exit 3");
    let found = look(Kind::Exec(place.run(&fails, &[])), &[]).await;
    failed(&found, Failure::Status(3));
    assert!(found.detail.contains("because"), "{}", found.detail);
    ok(&look(Kind::Exec(place.run(&fails, &[])), &["exit == 3"]).await);
    let killed = place.script("killed", "kill -9 $$");
    failed(&look(Kind::Exec(place.run(&killed, &[])), &[]).await, Failure::Closed);
    let loud = place.script("loud", "head -c 3000000 /dev/zero | tr '\\0' x; exit 0");
    ok(&look(Kind::Exec(place.run(&loud, &[])), &["size(stdout) == 65536"]).await);
    let clean = place.script("clean", "env");
    let found = look(Kind::Exec(place.run(&clean, &[])), &["!stdout.contains('HOME=')"]).await;
    ok(&found);
}

#[tokio::test]
async fn nothing_runs_that_is_not_named() {
    let place = Place::new();
    let sh = Path::new("/bin/sh");
    blind(&look(Kind::Exec(place.run(sh, &["-c", "exit 0"])), &[]).await, Blindness::Evaluation);
    let link = place.0.path().join("link");
    std::os::unix::fs::symlink("/bin/sh", &link).unwrap();
    let found = look(Kind::Exec(place.run(&link, &["-c", "exit 0"])), &[]).await;
    blind(&found, Blindness::Evaluation);
    assert!(found.detail.contains("leads to"), "{}", found.detail);
    blind(&look(Kind::Exec(place.run(&place.0.path().join("none"), &[])), &[]).await, Blindness::Evaluation);
    let mut exec = place.run(&place.script("fine", "exit 0"), &[]);
    exec.dir = place.0.path().join("nowhere");
    let found = look(Kind::Exec(exec.clone()), &[]).await;
    blind(&found, Blindness::Evaluation);
    assert!(found.detail.contains("exec.dir is no folder"), "{}", found.detail);
    exec.dir = place.0.path().to_owned();
    exec.env = vec![("T".to_owned(), Given::Secret(Secret::File("/nowhere".into())))];
    blind(&look(Kind::Exec(exec), &[]).await, Blindness::Secret);
}

#[tokio::test]
async fn its_whole_group_ends_when_its_time_is_up_and_when_it_leaves_children() {
    let place = Place::new();
    for (name, text, timeout) in [
        ("late", "sleep 1000 & echo $! > pid; wait", 500),
        ("deaf", "trap '' TERM INT; sleep 1000 & echo $! > pid; while :; do sleep 1; done", 500),
        ("leaves", "sleep 1000 & echo $! > pid; exit 0", 5_000),
    ] {
        let script = place.script(name, text);
        let found = look_for(Kind::Exec(place.run(&script, &[])), &[], timeout).await;
        if name == "leaves" {
            ok(&found);
        } else {
            failed(&found, Failure::TimedOut);
        }
        let pid = std::fs::read_to_string(place.0.path().join("pid")).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        // Whoever adopts it may be slow to bury it: a zombie is as good as gone.
        until("the group is gone", || async {
            std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
        })
        .await;
    }
}
