//! Steps of a plan: those that a shell sends, those of the core's own, and those that stand for a child plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::{
    ActionDraft, ActsAs, BodyDraft, DraftValue, DrillTarget, InDrill, Item, LapseBy, OnFailure, OnLost, Only,
    Own, Raw, RawPiece, Retry, Settles, StepDraft, TouchDraft,
};
use watchkeeper::core::time::Span;

use super::keys::Keys;
use super::kinds::Kind;
use super::spec::Spec;
use super::values;

const ACTS_AS: [(&str, ActsAs); 5] = [
    ("fences", ActsAs::Fences),
    ("promotes", ActsAs::Promotes),
    ("routes", ActsAs::Routes),
    ("verifies", ActsAs::Verifies),
    ("other", ActsAs::Other),
];

/// One step; `watched` are the service's trigger probes.
pub(crate) fn step(name: Name, mut keys: Keys, watched: &[Name]) -> StepDraft {
    let kind = keys.text("kind").unwrap_or_else(|| panic!("{}: this key is required", keys.at("kind")));
    let body = own(&kind, &mut keys)
        .or_else(|| child(&kind, &mut keys))
        .unwrap_or_else(|| BodyDraft::Action(action(&kind, &mut keys, watched)));
    StepDraft {
        title: keys.raw("title"),
        needs: keys.names("needs").unwrap_or_default(),
        phase: keys.name("phase"),
        timeout: keys.span("timeout"),
        retry: keys.table("retry").map(|mut retry| Retry {
            times: retry.count("times").unwrap_or(StepDraft::RETRY.times),
            pause: retry.span("pause").unwrap_or(StepDraft::RETRY.pause),
        }),
        on_failure: keys.word(
            "on_failure",
            &[("stop", OnFailure::Stop), ("continue", OnFailure::Continue), ("undo", OnFailure::Undo)],
        ),
        only: keys.word("only", &[("planned", Only::Planned), ("unplanned", Only::Unplanned)]),
        verify: keys.names("verify").unwrap_or_default(),
        region: keys.raw("region"),
        component: keys.name("component"),
        in_drill: keys.word(
            "in_drill",
            &[("run", InDrill::Run), ("preview", InDrill::Preview), ("skip", InDrill::Skip)],
        ),
        ..StepDraft::new(name, body)
    }
}

fn required<T>(keys: &Keys, key: &str, value: Option<T>) -> T {
    value.unwrap_or_else(|| panic!("{}: this key is required", keys.at(key)))
}

/// The core's own kinds.
fn own(kind: &str, keys: &mut Keys) -> Option<BodyDraft> {
    let role =
        |keys: &mut Keys, usual: &str| keys.name("role").unwrap_or_else(|| values::name("role", usual));
    let text = |keys: &mut Keys| {
        let text = keys.raw("text");
        required(keys, "text", text)
    };
    Some(BodyDraft::Own(match kind {
        "wait" => Own::Wait { lasts: keys.span("for"), until: keys.name("until") },
        "lapse" => {
            let by = [
                ("redis_min_replicas", LapseBy::RedisMinReplicas),
                ("bound_to_daemon", LapseBy::BoundToDaemon),
                ("gate", LapseBy::Gate),
            ];
            let (lasts, by) = (keys.span("for"), keys.word("by", &by));
            Own::Lapse { lasts: required(keys, "for", lasts), by: required(keys, "by", by) }
        }
        "approve" => Own::Approve {
            text: text(keys),
            role: role(keys, "approver"),
            count: keys.count("count").unwrap_or(1),
        },
        "checklist" => {
            let at = keys.at("items");
            let items = values::list(&at, keys.need("items")).into_iter().map(|one| {
                let mut one = Keys::of(at.clone(), one);
                let (text, probe) = (one.raw("text"), one.name("probe"));
                Item { text: required(&one, "text", text), probe }
            });
            Own::Checklist { items: items.collect(), role: role(keys, "operator") }
        }
        "traffic_gate" => Own::TrafficGate {
            drain: keys.span("drain").unwrap_or(Span::ZERO),
            on_lost: keys
                .word("on_lost", &[("hold", OnLost::Hold), ("close", OnLost::Close)])
                .unwrap_or(OnLost::Hold),
            ttl: keys.span("ttl").unwrap_or(Span::secs(30)),
        },
        "pause" => Own::Pause { text: text(keys), lasts: keys.span("for") },
        _ => return None,
    }))
}

/// A child plan.
fn child(kind: &str, keys: &mut Keys) -> Option<BodyDraft> {
    if kind != "plan" {
        return None;
    }
    let plan = keys.name("plan");
    Some(BodyDraft::Child { plan: required(keys, "plan", plan), inputs: given(keys) })
}

/// What a plan is told: name = text.
fn given(keys: &mut Keys) -> Vec<(Name, Raw)> {
    let inputs = keys.table("inputs").map(Keys::rest).unwrap_or_default();
    inputs
        .into_iter()
        .map(|(name, value)| {
            let at = keys.at(&name);
            (values::name(&at, &name), values::raw(&at, &values::text(&at, value)))
        })
        .collect()
}

/// What a shell sends.
fn action(name: &str, keys: &mut Keys, watched: &[Name]) -> ActionDraft {
    let kind = Kind::named(name, keys.peek("do"))
        .unwrap_or_else(|| panic!("{}: there is no step kind `{name}`", keys.at("kind")));
    let sent = Spec(kind.keys).take(keys);
    let mut action = ActionDraft::new(values::name("kind", name));
    let acts_as = keys.word("acts_as", &ACTS_AS);
    assert!(
        acts_as.is_none() || ["http", "exec", "kubernetes"].contains(&name),
        "{}: this kind says itself what it acts as",
        keys.at("acts_as")
    );
    action.acts_as = acts_as.unwrap_or(kind.acts_as);
    // Somebody's own fence is proved only by looking.
    let looks = action.acts_as == ActsAs::Fences && sent.contains_key("observe");
    action.settles = if looks { Settles::Proved } else { kind.settles };
    action.touches = kind
        .touches()
        .map(|(region, plane)| TouchDraft { region, api: Arc::from(name), plane })
        .into_iter()
        .collect();
    (action.late_call, action.late) = (kind.late_call, kind.late);
    action.changing = kind.changing;
    action.allowed_in_inspect = kind.allowed_in_inspect;
    action.one_way = kind.one_way;
    action.undoable = kind.undoable || sent.contains_key("undo");
    action.outputs = outputs(&kind, &sent);
    if name == "verify" {
        action.probes = keys.names("probes").unwrap_or_else(|| watched.to_vec());
    }
    action.resource = resource(&kind, &sent);
    action.drill_target = keys.table("drill_target").map(|target| {
        let at = target.at("");
        let replaced = Spec(kind.keys).some(&at, target.rest());
        let mut whole = sent.clone();
        whole.extend(replaced.clone());
        DrillTarget { keys: replaced, resource: resource(&kind, &whole) }
    });
    action.keys = sent;
    action
}

fn outputs(kind: &Kind, sent: &BTreeMap<Arc<str>, DraftValue>) -> Vec<Name> {
    let named = match sent.get("outputs") {
        Some(DraftValue::Table(named)) => named.keys().map(|name| values::name("outputs", name)).collect(),
        _ => Vec::new(),
    };
    kind.outputs.iter().map(|name| values::name("outputs", name)).chain(named).collect()
}

/// The name under which the newest token is kept: the kind and the keys that say what it changes, as they are written.
fn resource(kind: &Kind, sent: &BTreeMap<Arc<str>, DraftValue>) -> Option<Raw> {
    if kind.resource.is_empty() {
        return None;
    }
    let words: Vec<String> = kind.resource.iter().filter_map(|key| sent.get(*key)).filter_map(word).collect();
    Some(values::raw("resource", &format!("{} {}", kind.name, words.join(" "))))
}

fn word(value: &DraftValue) -> Option<String> {
    match value {
        DraftValue::Text(raw, _) if raw.pieces().iter().all(|piece| matches!(piece, RawPiece::Load(_))) => {
            Some(place(raw))
        }
        DraftValue::Text(raw, _) => Some(raw.to_string()),
        DraftValue::Secret(_, raw) => Some(raw.to_string()),
        // One record of several is enough: they change in one batch.
        DraftValue::List(all) => all.first().and_then(word),
        DraftValue::Table(keys) => {
            let named: Vec<String> =
                ["zone", "name"].iter().filter_map(|key| keys.get(*key)).filter_map(word).collect();
            Some(named.join(" "))
        }
        DraftValue::Flag(_) | DraftValue::Int(_) | DraftValue::Number(_) | DraftValue::Span(_) => None,
    }
}

/// A region's value may be a secret, which no resource may show: the place of it is as good a name.
fn place(raw: &Raw) -> String {
    use watchkeeper::core::plan::{LoadTime, Place};
    raw.pieces()
        .iter()
        .map(|piece| match piece {
            RawPiece::Load(LoadTime::Value(place, key)) => {
                let place = match place {
                    Place::Region => "{region}",
                    Place::From => "{from}",
                    Place::To => "{to}",
                    Place::Here => "here",
                };
                format!("{key} of {place}")
            }
            RawPiece::Load(LoadTime::Service) => "{service}".to_owned(),
            RawPiece::Load(LoadTime::Region) => "{region}".to_owned(),
            RawPiece::Load(LoadTime::From) => "{from}".to_owned(),
            RawPiece::Load(LoadTime::To) => "{to}".to_owned(),
            RawPiece::Plain(text) => text.to_string(),
            RawPiece::Run(_) => String::new(),
        })
        .collect()
}
