//! The runner: each call has exactly one answer, whatever becomes of it.

use std::collections::BTreeMap;

use watchkeeper::core::plan::{Op, Reply};
use watchkeeper::core::time::Span;
use watchkeeper::step::{Limits, Order};

use super::provider::{Does, Provider};
use super::rig::{Jump, Rig, sealed, within};

#[tokio::test]
async fn many_calls_each_have_one_answer_and_only_so_many_go_at_once() {
    let provider =
        Provider::new(|_, before| if before < 4 { Does::Hangs } else { Does::Says(200, "") }).await;
    let limits = Limits { at_once: 4, in_all: 40 };
    let mut rig = Rig::with(&Jump::default(), limits, &[]);
    let sealed = sealed(&format!("kind = \"http\"\nurl = \"{}\"", provider.url("/")));
    let mut calls = Vec::new();
    for n in 0..50 {
        let span = if n < 4 { Span::millis(600) } else { Span::secs(20) };
        calls.push(within(rig.call(&sealed, Op::Do), span));
    }
    let orders = rig.orders.clone();
    let feed = async move {
        for call in calls {
            orders.send(Order::Begin(Box::new(call))).await.unwrap();
        }
    };
    let answers = async {
        let mut answers = BTreeMap::new();
        while answers.len() < 50 {
            let ended = rig.ended.recv().await.unwrap();
            let again = answers.insert(ended.finished.serial, ended.finished.reply);
            assert!(again.is_none(), "answered twice");
        }
        answers
    };
    let ((), answers) = tokio::join!(feed, answers);
    assert!(rig.ended.try_recv().is_err());
    let count = |reply| answers.values().filter(|one| **one == reply).count();
    assert_eq!(count(Reply::Unknown), 4, "those that hung: {answers:?}");
    // One more than fits is answered at once; how many that are depends on how fast the others end.
    assert_eq!(count(Reply::Done) + count(Reply::NotDone), 46, "{answers:?}");
    assert_eq!(provider.count(), 4 + count(Reply::Done), "what is not done was not sent");
}

#[tokio::test]
async fn who_waits_for_a_place_is_cancelled_or_out_of_time_without_a_byte() {
    let provider = Provider::new(|_, _| Does::Hangs).await;
    let mut rig = Rig::with(&Jump::default(), Limits { at_once: 1, in_all: 10 }, &[]);
    let sealed = sealed(&format!("kind = \"http\"\nurl = \"{}\"", provider.url("/")));
    let first = within(rig.call(&sealed, Op::Do), Span::secs(30));
    let second = within(rig.call(&sealed, Op::Do), Span::millis(200));
    let third = within(rig.call(&sealed, Op::Do), Span::secs(30));
    let cancel = Order::Cancel {
        service: third.service,
        run: third.run,
        step: third.step.clone(),
        serial: third.token.serial,
    };
    for call in [first, second, third] {
        rig.orders.send(Order::Begin(Box::new(call))).await.unwrap();
    }
    rig.orders.send(cancel).await.unwrap();
    let mut answers = BTreeMap::new();
    for _ in 0..2 {
        let ended = rig.ended.recv().await.unwrap();
        answers.insert(ended.finished.serial, ended.finished.reply);
    }
    assert_eq!(answers, BTreeMap::from([(2, Reply::NotDone), (3, Reply::NotDone)]));
    assert!(provider.count() <= 1);
    // Stopped: what is under way is answered by how far it had come.
    while provider.count() == 0 {
        tokio::task::yield_now().await;
    }
    rig.stop.cancel();
    let ended = rig.ended.recv().await.unwrap();
    assert_eq!((ended.finished.serial, ended.finished.reply), (1, Reply::Unknown));
    rig.runner.join_next().await.unwrap().unwrap();
    assert!(rig.ended.recv().await.is_none());
}

#[tokio::test]
async fn the_same_call_twice_is_handed_over_once() {
    let provider = Provider::new(|_, _| Does::Hangs).await;
    let mut rig = Rig::new();
    let sealed = sealed(&format!("kind = \"http\"\nurl = \"{}\"", provider.url("/")));
    let call = within(rig.call(&sealed, Op::Do), Span::millis(500));
    rig.orders.send(Order::Begin(Box::new(call.clone()))).await.unwrap();
    rig.orders.send(Order::Begin(Box::new(call))).await.unwrap();
    let (one, two) = (rig.ended.recv().await.unwrap(), rig.ended.recv().await.unwrap());
    assert_eq!((one.finished.reply, two.finished.reply), (Reply::NotDone, Reply::Unknown));
    assert_eq!(provider.count(), 1);
}
