//! Timelines that are as they should be, and each way in which they may not be.

use serde_json::{Value, json};

use super::super::told::{Measured, Rpo, Rto, UsersTold, Worst};
use super::super::users::Write;
use super::*;

fn moment(at: f64, who: &'static str, kind: &str, body: Value) -> Moment {
    Moment { at, who, kind: kind.to_owned(), text: kind.to_owned(), body }
}

fn told(timeline: Vec<Moment>) -> Told {
    let worst = Worst { first_failed: 1.4, down: 2.2, decided: 2.4, would_start: 5.4, ended: 20.0 };
    let mut told = Told {
        ok: false,
        failed: None,
        broke: "service",
        timeline,
        measured: Measured::default(),
        worst,
        decision: None,
        run: None,
        rto: Rto { objective: Some(30.0), ..Rto::default() },
        rpo: Rpo { objective: Some(10.0), ..Rpo::default() },
        users: UsersTold { acknowledged: 100, elsewhere: 40, by_returned: 0, refused: 20, down: 2.5 },
        pages: Vec::new(),
        quarantined: vec!["east".to_owned()],
        why: None,
        unwise: Vec::new(),
        config_path: String::new(),
        config: String::new(),
        api: String::new(),
        seconds: 0.0,
    };
    told.measure();
    told
}

fn step(at: f64, name: &str) -> [Moment; 3] {
    let body = |more: Value| {
        let mut body = json!({ "run": 1, "step": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    [
        moment(at, "daemon", "journalled", body(json!({ "entry": "intent", "op": "do", "attempt": 1 }))),
        moment(at + 0.05, "daemon", "journalled", body(json!({ "entry": "heard", "reply": "done" }))),
        moment(at + 0.1, "daemon", "journalled", body(json!({ "entry": "heard", "reply": "done" }))),
    ]
}

fn whole() -> Vec<Moment> {
    let decided = |word: &str| json!({ "decision": word, "gates": [], "loss": { "seconds": 1.5 } });
    let mut all = vec![
        moment(3.0, "demo", "breaks", json!({ "region": "east" })),
        moment(3.5, "daemon", "incident", json!({ "turn": "blipped" })),
        moment(4.0, "daemon", "health", json!({ "health": "down", "region": "east" })),
        moment(4.2, "daemon", "decided", decided("blocked")),
        moment(4.5, "daemon", "decided", decided("would_start")),
        moment(4.6, "daemon", "started", json!({ "run": 1, "kind": "failover", "plan": "failover" })),
    ];
    for (at, name) in [(4.7, "switch_off"), (4.9, "take_over"), (5.2, "route"), (5.4, "served")] {
        all.extend(step(at, name));
    }
    all.push(moment(5.6, "daemon", "ended", json!({ "run": 1, "outcome": "done" })));
    all.push(moment(7.0, "demo", "heals", json!({})));
    all.push(moment(9.0, "demo", "recovers", json!({})));
    all
}

fn says(told: &Told, breaks: Break, what: &str) {
    let why = told.judge(breaks).unwrap_or_default();
    assert!(why.contains(what), "{what}: {why:?}");
}

#[test]
fn a_whole_failover_is_measured_phase_by_phase() {
    let good = told(whole());
    assert_eq!(good.judge(Break::Service), None);
    let near =
        |one: Option<f64>, other: f64| assert!(one.is_some_and(|one| (one - other).abs() < 1e-6), "{one:?}");
    near(good.rto.unseen, 0.5);
    near(good.rto.detect, 0.5);
    near(good.rto.confirm, 0.5);
    near(good.rto.decide, 0.1);
    near(good.rto.steps, 0.9);
    near(good.rto.measured, 2.0);
    near(good.rpo.stated, 1.5);
    let run = good.run.as_ref().unwrap();
    assert_eq!(run.steps.len(), 4);
    assert_eq!((run.steps[0].tries, run.outcome.as_deref()), (1, Some("done")));
    let mut early = whole();
    early[1].at = 2.9;
    early[2].body["held_seconds"] = json!(1.1);
    near(told(early).measured.first_failed, 0.0);
}

#[test]
fn whatever_is_missing_fails_it() {
    for (kind, what) in [
        ("health", "three strikes"),
        ("started", "the start of a run"),
        ("ended", "has not ended"),
        ("recovers", "well again"),
    ] {
        let timeline = whole().into_iter().filter(|moment| moment.kind != kind).collect();
        says(&told(timeline), Break::Service, what);
    }
    for (kind, what) in [("incident", "first failed"), ("decided", "a decision")] {
        let timeline = whole().into_iter().filter(|moment| moment.kind != kind).collect();
        says(&told(timeline), Break::Service, what);
    }
    let only_blocked = whole().into_iter().filter(|m| m.body["decision"] != "would_start").collect();
    says(&told(only_blocked), Break::Service, "no gate is in the way");
    let no_route = whole().into_iter().filter(|m| m.body["step"] != "route").collect();
    says(&told(no_route), Break::Service, "route was never begun");
    let mut open = whole();
    open.retain(|m| m.body["step"] != "served" || m.body["entry"] == "intent");
    says(&told(open), Break::Service, "served is open");
    let mut undone = whole();
    undone.iter_mut().filter(|m| m.kind == "ended").for_each(|m| m.body["outcome"] = json!("undone"));
    says(&told(undone), Break::Service, "ended: undone");
    assert!(told(Vec::new()).judge(Break::Nothing).is_some());
}

#[test]
fn what_breaks_a_promise_fails_it() {
    let with = |change: &dyn Fn(&mut Told)| {
        let mut told = told(whole());
        change(&mut told);
        told
    };
    says(&with(&|told| told.rto.objective = Some(1.0)), Break::Service, "the RTO was 2.0 s");
    says(&with(&|told| told.rpo.stated = None), Break::Service, "was not stated");
    says(&with(&|told| told.rpo.stated = Some(11.0)), Break::Service, "though it stated a loss");
    says(&with(&|told| told.rpo.lost_seconds = 1.6), Break::Service, "at most 1.50 s were stated");
    says(&with(&|told| told.users.refused = 0), Break::Service, "did not notice");
    says(&with(&|told| told.users.elsewhere = 0), Break::Service, "in the other region");
    says(&with(&|told| told.users.by_returned = 2), Break::Service, "served users again 2 times");
    says(&with(&|told| told.quarantined.clear()), Break::Service, "quarantined");
}

#[test]
fn who_cannot_see_may_accuse_nobody() {
    let isolated = moment(4.0, "daemon", "isolated", json!({}));
    let mut blind: Vec<Moment> = whole().into_iter().filter(|m| m.who == "demo").collect();
    let quiet = |timeline: Vec<Moment>| {
        let mut told = told(timeline);
        told.users = UsersTold { acknowledged: 100, ..UsersTold::default() };
        told
    };
    says(&quiet(blind.clone()), Break::Observer, "isolates itself");
    blind.insert(1, isolated);
    assert_eq!(quiet(blind.clone()).judge(Break::Observer), None);
    let standing = moment(5.0, "daemon", "standing", json!({ "worst": "down" }));
    let opened = moment(5.0, "daemon", "incident", json!({ "turn": "opened" }));
    let started = moment(5.0, "daemon", "started", json!({ "run": 1, "kind": "failover" }));
    for said in whole().into_iter().filter(wants).chain([standing, opened, started]) {
        let mut accusing = blind.clone();
        accusing.insert(2, said.clone());
        says(&quiet(accusing), Break::Observer, "and yet says");
    }
    let mut refused = quiet(blind.clone());
    refused.users.refused = 1;
    says(&refused, Break::Observer, "1 writes were refused");
    let mut nobody = quiet(blind);
    nobody.users.acknowledged = 0;
    says(&nobody, Break::Observer, "no user was served");
}

#[test]
fn with_every_region_down_it_must_refuse_and_page() {
    let page = |gates: Value| moment(4.8, "daemon", "paged", json!({ "about": "refused", "gates": gates }));
    let mut refused: Vec<Moment> = whole();
    refused.retain(|m| m.at < 4.4 || m.who == "demo");
    says(&told(refused.clone()), Break::Both, "nobody was paged");
    let mut wrong = refused.clone();
    wrong.push(page(json!(["cooldown"])));
    says(&told(wrong), Break::Both, "nobody was paged");
    refused.push(page(json!(["candidate", "every_region_down"])));
    let mut good = told(refused);
    assert_eq!(good.judge(Break::Both), None);
    good.users.refused = 0;
    says(&good, Break::Both, "did not notice");
    says(&told(whole()), Break::Both, "nowhere to go");
}

#[test]
fn what_users_wrote_is_reckoned() {
    let write = |number, at, by: Option<&str>| Write { number, at, by: by.map(str::to_owned) };
    let mut told = told(whole());
    let writes = [
        write(1, 1.0, Some("east")),
        write(2, 2.8, Some("east")),
        write(3, 2.9, Some("east")),
        write(4, 3.1, None),
        write(5, 4.0, None),
        write(6, 5.3, Some("west")),
        write(7, 7.5, Some("west")),
    ];
    told.reckon(&writes, Some("east"), Some(&[1, 6, 7]));
    assert_eq!((told.users.acknowledged, told.users.elsewhere, told.users.refused), (5, 2, 2));
    assert!((told.users.down - 2.2).abs() < 1e-6 && told.users.by_returned == 0);
    assert_eq!(told.rpo.lost, 2);
    assert!((told.rpo.lost_seconds - 0.2).abs() < 1e-6);
    told.reckon(&[write(8, 8.0, Some("east"))], Some("east"), Some(&[8]));
    assert_eq!((told.users.by_returned, told.rpo.lost), (1, 0));
}
