//! What bodies say, and which calls are remembered.

use super::*;
use crate::config::secret::Secret;

fn trigger(kind: TriggerKind) -> Trigger {
    let name = |text: &str| Name::new(text).expect("a name");
    Trigger {
        service: name("shop"),
        name: name("breach"),
        title: "a breach".to_owned(),
        kind,
        secret: Secret::Env("NONE".to_owned()),
        labels: BTreeMap::from([("alertname".to_owned(), "Breach".to_owned())]),
        fields: vec![(name("source"), regex::Regex::new("^(?:[a-z]+)$").expect("a pattern"))],
        until_acknowledged: false,
    }
}

#[test]
fn alerts_raise_if_any_burns_and_clear_if_none_does() {
    let trigger = trigger(TriggerKind::Alertmanager);
    let alert = |name: &str, status: &str| json!({ "status": status, "labels": { "alertname": name } });
    let says = |alerts: &[Value], left_out: u64| {
        let body = json!({ "alerts": alerts, "truncatedAlerts": left_out, "status": "firing" });
        read(&trigger, body.to_string().as_bytes())
    };
    let (burns, over) = (alert("Breach", "firing"), alert("Breach", "resolved"));
    assert_eq!(says(&[over.clone(), burns.clone()], 0), Ok(Says::Raised));
    assert_eq!(says(&[over.clone(), alert("Other", "firing")], 0), Ok(Says::Cleared));
    assert_eq!(says(std::slice::from_ref(&over), 3), Ok(Says::Nothing), "one of those left out may burn");
    assert_eq!(says(&[burns], 3), Ok(Says::Raised));
    assert_eq!(says(&[alert("Other", "firing"), json!(7)], 0), Ok(Says::Nothing));
    assert!(says(&[alert("Breach", "maybe")], 0).is_err());
    for bad in ["", "{}", "[]", "null", "{\"alerts\":{}}", "\u{0}"] {
        assert!(read(&trigger, bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_webhook_says_what_its_fields_allow() {
    let trigger = trigger(TriggerKind::Webhook);
    for (body, says) in [
        ("", Some(Says::Raised)),
        ("{}", Some(Says::Raised)),
        ("{\"source\":\"siem\",\"other\":[1]}", Some(Says::Raised)),
        ("{\"status\":\"resolved\"}", Some(Says::Cleared)),
        ("{\"source\":\"s1\"}", None),
        ("{\"source\":7}", None),
        ("{\"status\":true}", None),
        ("{", None),
    ] {
        assert_eq!(read(&trigger, body.as_bytes()).ok(), says, "{body}");
    }
}

#[test]
fn calls_are_remembered_for_as_long_as_they_could_come_again_and_not_without_end() {
    let calls = Calls::default();
    let name = |text: &str| Name::new(text).expect("a name");
    let call = |n: usize| (name("shop"), name("breach"), n.to_string());
    calls.note(call(0), 1_000, 1_000);
    assert!(calls.has(&call(0)) && !calls.has(&call(1)));
    calls.note(call(1), 1_000 + YOUNG + 1, 1_000 + YOUNG + 1);
    assert!(!calls.has(&call(0)) && calls.has(&call(1)), "its signature is too old by now");
    for n in 0..=REMEMBERED {
        calls.note(call(n), 5_000 + n as u64 / 100, 5_000);
    }
    assert!(!calls.has(&call(0)) && calls.has(&call(REMEMBERED)));
    assert_eq!(calls.0.lock().expect("a lock").len(), REMEMBERED);
}
