//! `http`: one request that changes something, and what is known of it afterwards.

use watchkeeper::core::plan::{Filled, Op, Reply};
use watchkeeper::core::time::Span;
use watchkeeper::step::Limits;

use super::provider::{Does, Provider};
use super::rig::{Jump, Rig, name, now, sealed, within};

fn step(provider: &Provider, more: &str) -> watchkeeper::core::plan::Sealed {
    sealed(&format!("kind = \"http\"\nurl = \"{}\"\nbody = \"go\"\n{more}", provider.url("/do")))
}

#[tokio::test]
async fn it_is_done_and_gives_what_it_should() {
    let provider = Provider::new(|_, _| Does::Says(201, r#"{"id": 7, "at": ["a", "b"]}"#)).await;
    let mut rig = Rig::new();
    let sealed = step(
        &provider,
        "expect = [\"body.id == 7\"]\noutputs = { id = \"body.id\", at = \"body.at\", gone = \"body.gone\" }\n\
         headers = { X-Run = \"{run.id}\" }",
    );
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done, "{ended:?}");
    assert_eq!(
        ended.finished.outputs,
        [(name("at"), Filled::Many(vec!["a".into(), "b".into()])), (name("id"), Filled::One("7".into()))]
    );
    assert!(ended.detail.contains("`gone`"), "what is missing is said: {}", ended.detail);
    let request = provider.last();
    assert!(request.starts_with("POST /do HTTP/1.1\r\n") && request.ends_with("\r\n\r\ngo"), "{request}");
    assert!(request.contains("watchkeeper-token: 00000000000000000000000000c0ffee.3.1\r\n"), "{request}");
    assert!(request.contains("x-run: <{run.id}>\r\n"), "{request}");
}

#[tokio::test]
async fn what_a_server_says_is_refused_or_tried_again_and_its_own_errors_are_unknown() {
    for (status, reply) in [
        (200, Reply::Done),
        (301, Reply::Unknown),
        (400, Reply::Refused),
        (401, Reply::Refused),
        (403, Reply::Refused),
        (409, Reply::Refused),
        (429, Reply::Transient),
        (500, Reply::Unknown),
        (501, Reply::Refused),
        (503, Reply::Unknown),
    ] {
        let provider = Provider::new(move |_, _| Does::Says(status, "no")).await;
        let mut rig = Rig::new();
        assert_eq!(rig.reply(&step(&provider, ""), Op::Do).await, reply, "{status}");
        assert_eq!(provider.count(), 1, "no redirect is followed, nothing is sent twice");
    }
    // What is not expected may have come after the deed.
    let provider = Provider::new(|_, _| Does::Says(200, "{\"ok\": false}")).await;
    let mut rig = Rig::new();
    assert_eq!(rig.reply(&step(&provider, "expect = [\"body.ok\"]"), Op::Do).await, Reply::Unknown);
    assert_eq!(rig.reply(&step(&provider, "expect = [\"body.none == 1\"]"), Op::Do).await, Reply::Unknown);
    assert_eq!(rig.reply(&step(&provider, "expect = [\"status == 200\"]"), Op::Do).await, Reply::Done);
}

#[tokio::test]
async fn nobody_there_is_known_and_a_black_hole_is_not() {
    let mut rig = Rig::new();
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let nobody = sealed(&format!("kind = \"http\"\nurl = \"http://127.0.0.1:{free}/\""));
    let ended = rig.op(&nobody, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Transient, "nothing was handed over: {ended:?}");

    let provider = Provider::new(|_, _| Does::Hangs).await;
    let hole = step(&provider, "");
    let call = within(rig.call(&hole, Op::Do), Span::millis(400));
    let began = now();
    let ended = rig.ask(call).await;
    assert_eq!(ended.finished.reply, Reply::Unknown, "{ended:?}");
    let took = now() - began;
    assert!(took >= Span::millis(390) && took < Span::secs(3), "at the deadline: {took}");
    assert_eq!(provider.count(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_the_look_says_done() {
    let provider = Provider::new(|request, _| match request.starts_with("POST") {
        true => Does::LosesTheAnswer,
        false => Does::Says(200, r#"{"state": "on", "id": "x"}"#),
    })
    .await;
    let mut rig = Rig::new();
    let url = provider.url("/state");
    let sealed = step(
        &provider,
        &format!(
            "outputs = {{ id = \"body.id\" }}\n[service.shop.plan.mend.step.s.observe]\nurl = \"{url}\"\nexpect = [\"body.state == 'on'\"]"
        ),
    );
    assert_eq!(rig.reply(&sealed, Op::Do).await, Reply::Unknown);
    let ended = rig.op(&sealed, Op::Observe).await;
    assert_eq!(ended.finished.reply, Reply::Done);
    assert_eq!(ended.finished.outputs, [(name("id"), Filled::One("x".into()))]);
    assert_eq!(rig.reply(&sealed, Op::Verify).await, Reply::Done);
    let mut undone = rig.call(&sealed, Op::Observe);
    undone.undoing = true;
    assert_eq!(rig.ask(undone).await.finished.reply, Reply::NotDone, "it is not undone");
}

#[tokio::test]
async fn a_look_that_is_not_let_in_says_nothing() {
    for (status, body, reply) in [
        (200, r#"{"state": "off"}"#, Reply::NotDone),
        (404, "", Reply::NotDone),
        (401, "", Reply::Unknown),
        (500, "", Reply::Unknown),
        (200, "no JSON", Reply::Unknown),
    ] {
        let provider = Provider::new(move |_, _| Does::Says(status, body)).await;
        let mut rig = Rig::new();
        let url = provider.url("/state");
        let expect = if status == 200 { "expect = [\"body.state == 'on'\"]" } else { "" };
        let sealed =
            step(&provider, &format!("[service.shop.plan.mend.step.s.observe]\nurl = \"{url}\"\n{expect}"));
        assert_eq!(rig.reply(&sealed, Op::Observe).await, reply, "{status} {body}");
        assert_eq!(
            rig.reply(&step(&provider, ""), Op::Observe).await,
            Reply::Unknown,
            "nothing to look with"
        );
    }
}

/// The process is stopped for a minute before each of its looks at the clock, one after the other: whatever is answered
/// is true of what the provider was sent.
#[tokio::test]
async fn stopped_at_any_point_nothing_goes_out_late() {
    let (mut late, mut done) = (0, 0);
    for at in 1..60 {
        let provider = Provider::new(|_, _| Does::Says(200, "")).await;
        let jump = Jump::at(at);
        let mut rig = Rig::with(&jump, Limits::default(), &[]);
        let mut call = rig.call(&step(&provider, ""), Op::Do);
        (call.deadline, call.not_after) = (now() + Span::mins(2), Some(now() + Span::secs(30)));
        call.until = now() + Span::mins(2);
        match rig.ask(call).await.finished.reply {
            Reply::NotDone => {
                late += 1;
                assert_eq!(provider.seen_bytes(), 0, "stopped before look {at}, and yet something was sent");
            }
            Reply::Done => {
                done += 1;
                assert_eq!(provider.count(), 1);
            }
            other => panic!("stopped before look {at}: {other:?}"),
        }
    }
    // The runner looks twice before it begins; later ones are those of the wire and of what leads to it.
    assert!(late > 2 && done > 2, "{late} late, {done} done");
}

#[tokio::test]
async fn past_its_time_nothing_is_sent_and_a_look_says_that_nobody_knows() {
    let provider = Provider::new(|_, _| Does::Says(200, "")).await;
    let mut rig = Rig::new();
    let url = provider.url("/state");
    let sealed = step(&provider, &format!("observe = {{ url = \"{url}\" }}"));
    for (op, reply) in [(Op::Do, Reply::NotDone), (Op::Observe, Reply::Unknown)] {
        let mut call = rig.call(&sealed, op);
        call.until = now();
        assert_eq!(rig.ask(call).await.finished.reply, reply);
        let mut call = rig.call(&sealed, op);
        call.not_after = Some(now());
        assert_eq!(rig.ask(call).await.finished.reply, reply);
    }
    assert_eq!((provider.count(), provider.seen_bytes()), (0, 0));
}

#[tokio::test]
async fn a_secret_is_read_when_it_is_sent_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let provider = Provider::new(|request, _| {
        Does::Says(if request.contains("Bearer canary-4711\r\n") { 200 } else { 401 }, "")
    })
    .await;
    let sealed = step(&provider, &format!("auth = {{ bearer = {{ file = \"{}\" }} }}", file.display()));
    assert!(!format!("{:?}", sealed.preview()).contains("canary"));
    let mut rig = Rig::new();
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused, "no such file: {ended:?}");
    assert_eq!(provider.seen_bytes(), 0);
    std::fs::write(&file, "canary-wrong\n").unwrap();
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Refused);
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    std::fs::write(&file, "canary-4711\n").unwrap();
    let ended = rig.op(&sealed, Op::Do).await;
    assert_eq!(ended.finished.reply, Reply::Done);
    assert!(!format!("{ended:?}").contains("canary"));
}

#[tokio::test]
async fn undone_by_its_own_call() {
    let provider = Provider::new(|_, _| Does::Says(204, "")).await;
    let mut rig = Rig::new();
    let url = provider.url("/undo");
    let sealed = step(&provider, &format!("undo = {{ url = \"{url}\", method = \"DELETE\" }}"));
    assert_eq!(rig.reply(&sealed, Op::Undo).await, Reply::Done);
    assert!(provider.last().starts_with("DELETE /undo "));
    assert_eq!(rig.reply(&step(&provider, ""), Op::Undo).await, Reply::Refused);
    assert_eq!(provider.count(), 1);
}
