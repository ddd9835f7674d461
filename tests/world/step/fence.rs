//! `postgres_fence` against PostgreSQL 15, alive, standing still, and with sessions that go on writing.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use watchkeeper::core::plan::{Op, Reply, Sealed};
use watchkeeper::core::time::Span;
use watchkeeper::step::Limits;

use super::rig::{Jump, Rig, now, sealed, within};
use crate::child::{free_port, until};
use crate::postgres::{Place, primary};

fn fence(place: &Place, port: u16, password: &str, more: &str) -> Sealed {
    let file = place.path(&format!("fence-{port}-{password}"));
    std::fs::write(&file, format!("postgresql://wk:{password}@127.0.0.1:{port}/postgres?sslmode=disable"))
        .unwrap();
    let data = place.path("primary");
    sealed(&format!(
        "kind = \"postgres_fence\"\ndsn = {{ file = \"{}\" }}\ndata_dir = \"{}\"\n{more}",
        file.display(),
        data.display()
    ))
}

/// A session of the application's that stays open.
struct Session(Child);

impl Session {
    fn new(port: u16) -> Session {
        let dsn = format!("postgresql://wk:secret@127.0.0.1:{port}/postgres");
        let command = format!("SELECT pg_sleep(600) -- {port}");
        let mut psql = Command::new("psql");
        psql.args(["-X", &dsn, "-c", &command]);
        Session(psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn logs_in(port: u16) -> bool {
    let dsn = format!("postgresql://wk:secret@127.0.0.1:{port}/postgres?connect_timeout=5");
    Command::new("psql").args(["-X", &dsn, "-c", "SELECT 1"]).output().unwrap().status.success()
}

#[tokio::test]
async fn nobody_logs_in_and_nobody_goes_on() {
    let place = Place::new();
    let primary = primary(&place).await;
    let sealed = fence(&place, primary.port, "secret", "how = \"reject\"");
    let mut rig = Rig::new();
    until("the role is there", || async { logs_in(primary.port) }).await;
    let before = std::fs::read_to_string(place.path("primary/pg_hba.conf")).unwrap();
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::NotDone, "{ended:?}");
    let mut late = rig.call(&sealed, Op::Do);
    late.not_after = Some(now());
    assert_eq!(rig.ask(late).await.finished.reply, Reply::NotDone);
    assert_eq!(
        std::fs::read_to_string(place.path("primary/pg_hba.conf")).unwrap(),
        before,
        "nothing was written"
    );
    assert!(logs_in(primary.port));
    let mut idle = usize::MAX;
    until("those have gone", || {
        let before = std::mem::replace(&mut idle, working_in(&place.path("primary")));
        let same = before == idle;
        async move { same }
    })
    .await;
    let mut session = Session::new(primary.port);
    // Somebody who is connected and has not said who he is: he would be judged by the rules of that time.
    let mut knocks = TcpStream::connect(("127.0.0.1", primary.port)).unwrap();
    knocks.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    until("both are there", || async { working_in(&place.path("primary")) >= idle + 2 }).await;
    // And the application's clients try again and again.
    let trying = std::sync::Arc::new(AtomicBool::new(true));
    let (goes_on, port) = (trying.clone(), primary.port);
    let tries = tokio::task::spawn_blocking(move || {
        let mut tried = 0;
        // Bounded, so that a test that fails ends.
        while goes_on.load(Ordering::Relaxed) && tried < 200 {
            logs_in(port);
            tried += 1;
        }
        tried
    });
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    assert!(!logs_in(primary.port));
    match knocks.read(&mut [0; 1]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("he goes on knocking: {other:?}"),
    }
    until("the session has ended", || {
        let lives = session.lives();
        async move { !lives }
    })
    .await;
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done, "it is so already");
    trying.store(false, Ordering::Relaxed);
    assert!(tries.await.unwrap() > 2);
    // Once more is not twice.
    let rules = std::fs::read_to_string(place.path("primary/pg_hba.conf")).unwrap();
    assert_eq!(rules.matches("Watchkeeper's fence: begin").count(), 1, "{rules}");
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Done);
    assert_eq!(std::fs::read_to_string(place.path("primary/pg_hba.conf")).unwrap(), before);
    until("they log in again", || async { logs_in(primary.port) }).await;
    let mut undone = rig.call(&sealed, Op::Observe);
    undone.undoing = true;
    assert_eq!(rig.ask(undone).await.finished.reply, Reply::Done);
}

#[tokio::test]
async fn what_is_no_fence_is_not_taken_for_one() {
    let place = Place::new();
    let mut rig = Rig::new();
    // No such directory: nothing that is refused there proves anything.
    for how in ["stop", "reject"] {
        let sealed = fence(&place, free_port(), "secret", &format!("how = \"{how}\""));
        assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Unknown, "{how}");
        assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Refused, "{how}");
    }
    let mut primary = primary(&place).await;
    until("the role is there", || async { logs_in(primary.port) }).await;
    // It runs, and nobody listens where the DSN points.
    let elsewhere = fence(&place, free_port(), "secret", "how = \"stop\"");
    assert_eq!(rig.reply(&elsewhere, Op::Observe).await, Reply::NotDone);
    // Shut, but we only do not know the password.
    let shut = fence(&place, primary.port, "secret", "how = \"reject\"");
    let call = within(rig.call(&shut, Op::Do), Span::secs(5));
    assert_eq!(rig.ask(call).await.finished.reply, Reply::Done);
    let rules = std::fs::read_to_string(place.path("primary/pg_hba.conf")).unwrap();
    let half = rules.replace("host all all all reject\n", "host all all all scram-sha-256\n");
    std::fs::write(place.path("primary/pg_hba.conf"), half).unwrap();
    primary.server.signal(Signal::HUP);
    let wrong = fence(&place, primary.port, "wrong-canary", "how = \"reject\"");
    let mut ended = rig.op(&wrong, Op::Observe).await;
    let began = now();
    while ended.finished.reply == Reply::Done {
        assert!(now() - began < Span::secs(10), "a wrong password is taken for a fence");
        ended = rig.op(&wrong, Op::Observe).await;
    }
    assert_eq!(ended.finished.reply, Reply::Unknown, "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"));
    primary.end();
}

#[tokio::test]
async fn it_is_stopped_also_when_it_stands_still() {
    let place = Place::new();
    let data = place.path("primary");
    let primary = primary(&place).await;
    until("the role is there", || async { logs_in(primary.port) }).await;
    let sealed = fence(&place, primary.port, "secret", "how = \"stop\"");
    let mut rig = Rig::new();
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::NotDone, "{ended:?}");
    for at in 1..3 {
        let mut late = Rig::with(&Jump::at(at), Limits::default(), &[]);
        let mut call = late.call(&sealed, Op::Do);
        (call.deadline, call.until) = (now() + Span::mins(2), now() + Span::secs(20));
        assert_eq!(late.ask(call).await.finished.reply, Reply::NotDone);
        assert!(logs_in(primary.port), "stopped before look {at}");
    }
    let _session = Session::new(primary.port);
    // It stands still as a whole: it hears neither INT nor QUIT.
    primary.server.signal(Signal::STOP);
    let call = within(rig.call(&sealed, Op::Do), Span::secs(3));
    let began = now();
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    let took = now() - began;
    assert!(took < Span::secs(3), "{took}");
    assert!(!works_in(&data), "a process of it goes on");
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Refused);
}

fn works_in(data: &Path) -> bool {
    working_in(data) > 0
}

fn working_in(data: &Path) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == data)).count()
}
