//! `verify` asks the daemon's probes; `notify` leaves a notice with its outbox.

use watchkeeper::core::health::{Failure, Outcome};
use watchkeeper::core::plan::{Op, Reply};
use watchkeeper::core::time::Span;

use super::rig::{Rig, name, now, sealed, within};

const UP: Outcome = Outcome::Ok { took: Span::ZERO };
const DOWN: Outcome = Outcome::Failed(Failure::TimedOut);

#[tokio::test]
async fn it_is_verified_when_all_are_up_for_long_enough() {
    let mut rig = Rig::new();
    let sealed = sealed("kind = \"verify\"\nprobes = [\"web\"]\nfor = \"600ms\"");
    let rounds = vec![vec![("web", UP)], vec![("web", DOWN)], vec![("web", UP)]];
    *rig.told.probes.lock().unwrap() = rounds;
    let began = now();
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done);
    let took = now() - began;
    assert!(took >= Span::millis(1_600), "it began to count again after the failure: {took}");
    *rig.told.probes.lock().unwrap() = vec![vec![("web", UP), ("api", DOWN)]];
    let call = within(rig.call(&sealed, Op::Do), Span::millis(1_400));
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::NotDone);
    assert!(ended.detail.contains("api"), "{}", ended.detail);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::NotDone);
    *rig.told.probes.lock().unwrap() = vec![vec![]];
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Refused, "nobody looks, so nobody says yes");
}

#[tokio::test]
async fn a_notice_is_owed_once_it_is_kept() {
    let mut rig = Rig::new();
    let sealed = sealed("kind = \"notify\"\nchannels = [\"slack\"]\ntext = \"run {run.id}\"");
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::NotDone);
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Observe).await, Reply::Done);
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Refused);
    {
        let notices = rig.told.notices.lock().unwrap();
        assert_eq!(notices.len(), 1);
        assert_eq!(
            (notices[0].channels.clone(), notices[0].text.as_str()),
            (vec![name("slack")], "run <{run.id}>")
        );
        assert_eq!(notices[0].audience, "responders");
    }
}
