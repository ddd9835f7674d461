//! `exec`: programs of the operator's, and what is left of them when nobody waits any more.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use watchkeeper::core::plan::{Filled, Op, Reply, Sealed};
use watchkeeper::core::time::Span;
use watchkeeper::step::{Limits, Order};

use super::rig::{Jump, Rig, name, now, sealed_with, within};

struct Programs {
    folder: tempfile::TempDir,
}

impl Programs {
    fn new() -> Programs {
        Programs { folder: tempfile::tempdir().expect("a folder") }
    }
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn program(&self, name: &str, text: &str) -> String {
        let path = self.at(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a program is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("and may run");
        path.display().to_string()
    }
    fn rig(&self) -> Rig {
        Rig::with(&Jump::default(), Limits::default(), &[self.folder.path().to_owned()])
    }
    fn step(&self, text: &str) -> Sealed {
        sealed_with(&format!("kind = \"exec\"\n{text}"), &format!("\"{}\"", self.folder.path().display()))
    }
}

fn alive(pid: &str) -> bool {
    // One that ended and nobody has waited for yet runs no more.
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
    for _ in 0..1_000 {
        ticks.tick().await;
        if holds() {
            return;
        }
    }
    panic!("not within 10 s: {what}");
}

fn pids(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn it_runs_as_it_is_and_gives_what_it_should() {
    let programs = Programs::new();
    let go = programs.program("go", "echo \"$1 $WORD $WATCHKEEPER_TOKEN $WATCHKEEPER_OP\"; env | wc -l >&2");
    let mut rig = programs.rig();
    let sealed = programs.step(&format!(
        "argv = [\"{go}\", \"a b; rm -rf $HOME\"]\nenv = {{ WORD = \"w\" }}\nexpect = [\"exit == 0\"]\noutputs = {{ said = \"stdout\" }}"
    ));
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    let said = "a b; rm -rf $HOME w 00000000000000000000000000c0ffee.3.1 do";
    assert_eq!(ended.finished.outputs, [(name("said"), Filled::One(said.into()))]);
}

#[tokio::test]
async fn what_it_ends_with_says_what_is_known() {
    let programs = Programs::new();
    let mut rig = programs.rig();
    for (code, reply) in [
        ("exit 0", Reply::Done),
        ("exit 1", Reply::Unknown),
        ("exit 75", Reply::Transient),
        ("exit 64", Reply::Refused),
        ("exit 77", Reply::Refused),
        ("kill -9 $$", Reply::Unknown),
    ] {
        let go = programs.program("go", code);
        assert_eq!(rig.reply(&programs.step(&format!("argv = [\"{go}\"]")), Op::Do).await, reply, "{code}");
    }
    let go = programs.program("go", "echo no; exit 3");
    let expects = |expect: &str| programs.step(&format!("argv = [\"{go}\"]\nexpect = [\"{expect}\"]"));
    assert_eq!(rig.reply(&expects("exit == 3"), Op::Do).await, Reply::Done);
    assert_eq!(rig.reply(&expects("exit == 3 && stdout == 'yes'"), Op::Do).await, Reply::Unknown);
}

#[tokio::test]
async fn looked_at_and_taken_back_by_programs_of_their_own() {
    let programs = Programs::new();
    let mut rig = programs.rig();
    let mark = programs.at("mark");
    let go = programs.program("go", &format!("touch {}; kill -9 $$", mark.display()));
    let look = programs.program("look", &format!("test -e {}", mark.display()));
    let back = programs.program("back", &format!("rm {}", mark.display()));
    let sealed = programs.step(&format!("argv = [\"{go}\"]\nobserve = [\"{look}\"]\nundo = [\"{back}\"]"));
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::NotDone);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Unknown, "its answer is lost");
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done, "and yet it is done");
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Done);
    let mut undone = rig.call(&sealed, Op::Observe);
    undone.undoing = true;
    assert_eq!(rig.ask(undone).await.finished.reply, Reply::Done);
    programs.program("look", "exit 2");
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Unknown);
}

#[tokio::test]
async fn nothing_runs_that_is_not_named_or_not_in_time() {
    let programs = Programs::new();
    let mark = programs.at("mark");
    let go = programs.program("go", &format!("touch {}", mark.display()));
    let sealed = programs.step(&format!("argv = [\"{go}\"]"));
    let mut nothing = Rig::with(&Jump::default(), Limits::default(), &[]);
    assert_eq!(nothing.reply(&sealed, Op::Do).await, Reply::Refused);
    let mut rig = programs.rig();
    let mut late = rig.call(&sealed, Op::Do);
    late.not_after = Some(now());
    assert_eq!(rig.ask(late).await.finished.reply, Reply::NotDone);
    // A link that leads out of what is named.
    std::os::unix::fs::symlink("/bin/true", programs.at("out")).unwrap();
    let out = programs.step(&format!("argv = [\"{}\"]", programs.at("out").display()));
    assert_eq!(rig.reply(&out, Op::Do).await, Reply::Refused);
    std::fs::set_permissions(&go, std::fs::Permissions::from_mode(0o644)).unwrap();
    if !rustix::process::getuid().is_root() || rustix::fs::access(&go, rustix::fs::Access::EXEC_OK).is_err() {
        assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Refused);
    }
    std::fs::remove_file(&go).unwrap();
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Refused);
    assert!(!mark.exists(), "nothing of it ran");
    let mut late = 0;
    for at in 1..20 {
        programs.program("go", &format!("touch {}", mark.display()));
        let mut rig = Rig::with(&Jump::at(at), Limits::default(), &[programs.folder.path().to_owned()]);
        let mut call = rig.call(&sealed, Op::Do);
        (call.deadline, call.until) = (now() + Span::mins(2), now() + Span::secs(30));
        let reply = rig.ask(call).await.finished.reply;
        assert_eq!(mark.exists(), reply == Reply::Done, "stopped before look {at}: {reply:?}");
        late += usize::from(!mark.exists());
        std::fs::remove_file(&mark).ok();
    }
    // The runner looks twice before it begins; later ones are those of the code that starts the program.
    assert!(late > 2, "only {late}");
}

#[tokio::test]
async fn at_its_deadline_the_whole_group_ends() {
    let programs = Programs::new();
    let file = programs.at("pids");
    let go = programs.program("go", &format!("sleep 600 & echo $$ $! > {}; sleep 600", file.display()));
    let sealed = programs.step(&format!("argv = [\"{go}\"]"));
    let mut rig = programs.rig();
    let call = within(rig.call(&sealed, Op::Do), Span::millis(700));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Unknown);
    let pids = pids(&file);
    assert_eq!(pids.len(), 2, "it had begun");
    until("the group has ended", || pids.iter().all(|pid| !alive(pid))).await;
}

#[tokio::test]
async fn a_cancelled_call_and_a_dropped_runner_leave_nothing_running() {
    let programs = Programs::new();
    let file = programs.at("pids");
    let go = programs.program("go", &format!("sleep 600 & echo $$ $! > {}; sleep 600", file.display()));
    let sealed = programs.step(&format!("argv = [\"{go}\"]"));
    let mut rig = programs.rig();
    let call = within(rig.call(&sealed, Op::Do), Span::secs(60));
    let (service, run, step, serial) = (call.service, call.run, call.step.clone(), call.token.serial);
    rig.orders.send(Order::Begin(Box::new(call))).await.unwrap();
    until("it has begun", || pids(&file).len() == 2).await;
    rig.orders.send(Order::Cancel { service, run, step, serial }).await.unwrap();
    let ended = rig.ended.recv().await.unwrap();
    assert_eq!((ended.finished.serial, ended.finished.reply), (serial, Reply::Unknown));
    let first = pids(&file);
    until("the group has ended", || first.iter().all(|pid| !alive(pid))).await;

    std::fs::remove_file(&file).unwrap();
    let call = within(rig.call(&sealed, Op::Do), Span::secs(60));
    rig.orders.send(Order::Begin(Box::new(call))).await.unwrap();
    until("it has begun", || pids(&file).len() == 2).await;
    let second = pids(&file);
    assert!(second.iter().all(|pid| alive(pid)));
    drop(rig);
    until("the group has ended", || second.iter().all(|pid| !alive(pid))).await;
}
