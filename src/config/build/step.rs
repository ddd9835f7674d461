//! Steps: what every step has, what its kind adds, and what of it the core needs to run it safely.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Around;
use super::daemon::small;
use super::fill::Scene;
use super::kinds::{Nature, nature};
use super::{probe, probe_kind};
use crate::config::node::Node;
use crate::config::place::At;
use crate::config::problem::{Code, Problem};
use crate::config::raw::step::{self as raw, Step, StepKind};
use crate::config::raw::step_kinds as kinds;
use crate::config::read::{Key, Named, Reader, fields_of};
use crate::config::values::{Any, Filled, Plain};
use crate::config::whole::{Read, shelf, words};
use crate::core::ids::Name;
use crate::core::plan::{
    ActionDraft, ActsAs, BodyDraft, DraftValue, DrillTarget, InDrill, Item, LapseBy, LoadTime, OnFailure,
    OnLost, Only, Own, Place, Raw, RawPiece, Retry, Settles, StepDraft, TouchDraft,
};
use crate::core::time::Span;

/// What every step has, and what its kind adds.
pub(in crate::config) struct StepRead {
    pub(in crate::config) common: Step,
    pub(super) own: OwnKeys,
    /// Keys that a drill replaces.
    drill: Option<kinds::Keys>,
}

/// What its kind adds.
pub(super) enum OwnKeys {
    Wait(kinds::Wait),
    Lapse(kinds::Lapse),
    Approve(kinds::Approve),
    Checklist(kinds::Checklist),
    Child(kinds::Child),
    Pause(kinds::Pause),
    TrafficGate(kinds::TrafficGate),
    /// A shell carries it out.
    Sent(Box<Sent>),
    /// Its kind is none.
    Unknown,
}

/// What a shell sends.
pub(super) struct Sent {
    pub(super) keys: kinds::Keys,
    does: Option<kinds::KubeDo>,
    exprs: Exprs,
    /// The program, of `exec`: as it is written.
    program: Option<(Raw, At)>,
    pub(super) probes: Option<Vec<Name>>,
    pub(super) channels: Option<Key<Vec<Key<crate::config::values::Word>>>>,
    /// Tables of headers, and URLs, which may hold what they should not.
    headers: Vec<Key<Any>>,
    urls: Vec<Key<Filled>>,
}

/// Expectations and outputs, with what they may speak of.
#[derive(Default)]
struct Exprs {
    known: &'static [&'static str],
    all: Vec<(String, At)>,
    outputs: Vec<(String, At)>,
}

const OUTPUTS: &str =
    "an output is a text, a number or a list of them, in CEL, such as \"body.id\" or \"stdout\"";

/// The kinds by their words, with the keys that each adds.
pub(in crate::config) fn kinds_of_steps() -> [(&'static str, StepKind, &'static [&'static str]); 23] {
    [
        ("http", StepKind::Http, fields_of::<kinds::Http>()),
        ("exec", StepKind::Exec, fields_of::<kinds::Exec>()),
        ("verify", StepKind::Verify, fields_of::<kinds::Verify>()),
        ("wait", StepKind::Wait, fields_of::<kinds::Wait>()),
        ("lapse", StepKind::Lapse, fields_of::<kinds::Lapse>()),
        ("approve", StepKind::Approve, fields_of::<kinds::Approve>()),
        ("checklist", StepKind::Checklist, fields_of::<kinds::Checklist>()),
        ("notify", StepKind::Notify, fields_of::<kinds::Notify>()),
        ("plan", StepKind::Plan, fields_of::<kinds::Child>()),
        ("pause", StepKind::Pause, fields_of::<kinds::Pause>()),
        ("traffic_gate", StepKind::TrafficGate, fields_of::<kinds::TrafficGate>()),
        ("route53", StepKind::Route53, fields_of::<kinds::Route53>()),
        ("arc_routing_control", StepKind::ArcRoutingControl, fields_of::<kinds::ArcRoutingControl>()),
        ("dns_update", StepKind::DnsUpdate, fields_of::<kinds::DnsUpdate>()),
        ("elbv2", StepKind::Elbv2, fields_of::<kinds::Elbv2>()),
        ("postgres_fence", StepKind::PostgresFence, fields_of::<kinds::PostgresFence>()),
        ("postgres_promote", StepKind::PostgresPromote, fields_of::<kinds::PostgresPromote>()),
        ("redis_promote", StepKind::RedisPromote, fields_of::<kinds::RedisPromote>()),
        ("rds_promote", StepKind::RdsPromote, fields_of::<kinds::RdsPromote>()),
        ("rds_global_failover", StepKind::RdsGlobalFailover, fields_of::<kinds::RdsGlobalFailover>()),
        ("rds_restore", StepKind::RdsRestore, fields_of::<kinds::RdsRestore>()),
        ("ecs_scale", StepKind::EcsScale, fields_of::<kinds::EcsScale>()),
        ("kubernetes", StepKind::Kubernetes, fields_of::<kinds::Kubernetes>()),
    ]
}

/// Reads what every step has, and what its kind adds.
pub(in crate::config) fn read(reader: Reader<'_>, node: &Node) -> Option<StepRead> {
    let word = node.get("kind").and_then(Node::text).unwrap_or_default();
    let others = kinds_of_steps().into_iter().find(|(kind, ..)| *kind == word).map(|(.., fields)| fields);
    let common: Step = reader.read_part(node, others)?;
    let target = node.get("drill_target");
    let mut drill = None;
    macro_rules! sent {
        ($type:ty) => {{
            drill = target.and_then(|target| reader.read_some::<$type>(target)).map(|raw| raw.keys());
            reader.read_part::<$type>(node, None).map(|raw| {
                let keys = raw.keys();
                (raw, keys)
            })
        }};
    }
    let plain = |keys| {
        OwnKeys::Sent(Box::new(Sent {
            keys,
            does: None,
            exprs: Exprs::default(),
            program: None,
            probes: None,
            channels: None,
            headers: Vec::new(),
            urls: Vec::new(),
        }))
    };
    let own = match common.kind.get() {
        None => None,
        Some(StepKind::Wait) => reader.read_part(node, None).map(OwnKeys::Wait),
        Some(StepKind::Lapse) => reader.read_part(node, None).map(OwnKeys::Lapse),
        Some(StepKind::Approve) => reader.read_part(node, None).map(OwnKeys::Approve),
        Some(StepKind::Checklist) => reader.read_part(node, None).map(OwnKeys::Checklist),
        Some(StepKind::Plan) => reader.read_part(node, None).map(OwnKeys::Child),
        Some(StepKind::Pause) => reader.read_part(node, None).map(OwnKeys::Pause),
        Some(StepKind::TrafficGate) => reader.read_part(node, None).map(OwnKeys::TrafficGate),
        Some(StepKind::Http) => sent!(kinds::Http).map(|(raw, keys)| {
            let calls = [raw.observe.get(), raw.undo.get()];
            let mut exprs = texts(&raw.expect);
            exprs.extend(calls.into_iter().flatten().flat_map(|call| texts(&call.expect)));
            let outputs = named(&raw.outputs);
            let exprs = Exprs { known: &["status", "body", "latency"], all: exprs, outputs };
            let mut headers = vec![raw.headers.clone()];
            headers.extend(calls.iter().flatten().map(|call| call.headers.clone()));
            let mut urls = vec![raw.url.clone()];
            urls.extend(calls.iter().flatten().map(|call| call.url.clone()));
            with(sent(keys, exprs, None), |sent| (sent.headers, sent.urls) = (headers, urls))
        }),
        Some(StepKind::Exec) => sent!(kinds::Exec).map(|(raw, keys)| {
            let (all, outputs) = (texts(&raw.expect), named(&raw.outputs));
            let exprs = Exprs { known: &["exit", "stdout", "latency"], all, outputs };
            let first = raw.argv.get().and_then(|argv| argv.first()).and_then(Key::both);
            let program = match (first, raw.argv.get(), raw.argv.at()) {
                (Some((text, at)), ..) => Some((text.0.clone(), at)),
                (None, Some(argv), Some(at)) if argv.is_empty() => Some((Raw::default(), at)),
                (None, ..) => None,
            };
            sent(keys, exprs, program)
        }),
        Some(StepKind::Verify) => sent!(kinds::Verify).map(|(raw, mut keys)| {
            // Which probes they are the core knows for itself.
            keys.remove("probes");
            let probes = raw.probes.at().map(|_| words(&raw.probes));
            with(plain(keys), |sent| sent.probes = probes)
        }),
        Some(StepKind::Notify) => sent!(kinds::Notify)
            .map(|(raw, keys)| with(plain(keys), |sent| sent.channels = Some(raw.channels))),
        Some(StepKind::Kubernetes) => sent!(kinds::Kubernetes)
            .map(|(raw, keys)| with(plain(keys), |sent| sent.does = raw.does.get().copied())),
        Some(StepKind::Route53) => sent!(kinds::Route53).map(|(_, keys)| plain(keys)),
        Some(StepKind::ArcRoutingControl) => sent!(kinds::ArcRoutingControl).map(|(_, keys)| plain(keys)),
        Some(StepKind::DnsUpdate) => sent!(kinds::DnsUpdate).map(|(_, keys)| plain(keys)),
        Some(StepKind::Elbv2) => sent!(kinds::Elbv2).map(|(_, keys)| plain(keys)),
        Some(StepKind::PostgresFence) => sent!(kinds::PostgresFence).map(|(_, keys)| plain(keys)),
        Some(StepKind::PostgresPromote) => sent!(kinds::PostgresPromote).map(|(_, keys)| plain(keys)),
        Some(StepKind::RedisPromote) => sent!(kinds::RedisPromote).map(|(_, keys)| plain(keys)),
        Some(StepKind::RdsPromote) => sent!(kinds::RdsPromote).map(|(_, keys)| plain(keys)),
        Some(StepKind::RdsGlobalFailover) => sent!(kinds::RdsGlobalFailover).map(|(_, keys)| plain(keys)),
        Some(StepKind::RdsRestore) => sent!(kinds::RdsRestore).map(|(_, keys)| plain(keys)),
        Some(StepKind::EcsScale) => sent!(kinds::EcsScale).map(|(_, keys)| plain(keys)),
    };
    Some(StepRead { common, own: own.unwrap_or(OwnKeys::Unknown), drill })
}

fn sent(keys: kinds::Keys, exprs: Exprs, program: Option<(Raw, At)>) -> OwnKeys {
    let (headers, urls) = (Vec::new(), Vec::new());
    OwnKeys::Sent(Box::new(Sent {
        keys,
        does: None,
        exprs,
        program,
        probes: None,
        channels: None,
        headers,
        urls,
    }))
}

fn with(mut own: OwnKeys, change: impl FnOnce(&mut Sent)) -> OwnKeys {
    if let OwnKeys::Sent(sent) = &mut own {
        change(sent);
    }
    own
}

fn texts(key: &Key<Vec<Key<Plain>>>) -> Vec<(String, At)> {
    let each = key.get().into_iter().flatten().filter_map(Key::both);
    each.map(|(text, at)| (text.0.clone(), at)).collect()
}

fn named(key: &Key<Named<Plain>>) -> Vec<(String, At)> {
    let each = key.get().into_iter().flat_map(Named::iter).filter_map(|(_, text)| text.both());
    each.map(|(text, at)| (text.0.clone(), at)).collect()
}

/// One step as the core takes it; `watched` are the service's trigger probes.
pub(super) fn draft(
    around: &Around<'_>,
    service: &Name,
    read: &Read<'_, StepRead>,
    watched: &[Name],
) -> Option<StepDraft> {
    let StepRead { common, own, drill } = &read.raw;
    let body = match own {
        OwnKeys::Unknown => return None,
        OwnKeys::Child(raw) => {
            let inputs = shelf(&raw.inputs).map(|(name, text)| (name.clone(), text.0.clone()));
            BodyDraft::Child { plan: raw.plan.get()?.0.clone(), inputs: inputs.collect() }
        }
        OwnKeys::Sent(sent) => {
            BodyDraft::Action(action(around, service, read, sent, drill.as_ref(), watched)?)
        }
        OwnKeys::Wait(_)
        | OwnKeys::Lapse(_)
        | OwnKeys::Approve(_)
        | OwnKeys::Checklist(_)
        | OwnKeys::Pause(_)
        | OwnKeys::TrafficGate(_) => {
            if let Some(at) = common.drill_target.at() {
                let problem = Problem::error(
                    Code::Unknown,
                    at,
                    "a step of this kind has nothing that a drill replaces",
                );
                around.add(problem.help("remove `drill_target`"));
            }
            BodyDraft::Own(core_own(around, own)?)
        }
    };
    if let Some(at) = common.acts_as.at()
        && !matches!(common.kind.get(), None | Some(StepKind::Http | StepKind::Exec | StepKind::Kubernetes))
    {
        let problem = Problem::error(Code::Unknown, at, "a step of this kind says itself what it acts as");
        around.add(problem.help("remove `acts_as`; it is for `http`, `exec` and `kubernetes`"));
    }
    let retry = common.retry.get().map(|retry| Retry {
        times: retry.times.get().map_or(StepDraft::RETRY.times, |count| count.0.min(100)),
        pause: retry.pause.get().map_or(StepDraft::RETRY.pause, |dur| dur.0),
    });
    Some(StepDraft {
        title: common.title.get().map(|text| text.0.clone()),
        needs: words(&common.needs),
        phase: common.phase.get().map(|word| word.0.clone()),
        timeout: common.timeout.get().map(|dur| dur.0),
        retry,
        on_failure: common.on_failure.get().map(|what| match what {
            raw::OnFailure::Stop => OnFailure::Stop,
            raw::OnFailure::Continue => OnFailure::Continue,
            raw::OnFailure::Undo => OnFailure::Undo,
        }),
        only: common.only.get().map(|only| match only {
            raw::Only::Planned => Only::Planned,
            raw::Only::Unplanned => Only::Unplanned,
        }),
        verify: words(&common.verify),
        region: common.region.get().map(|text| text.0.clone()),
        component: common.component.get().map(|word| word.0.clone()),
        in_drill: common.in_drill.get().map(|what| match what {
            raw::InDrill::Run => InDrill::Run,
            raw::InDrill::Preview => InDrill::Preview,
            raw::InDrill::Skip => InDrill::Skip,
        }),
        ..StepDraft::new(read.name.clone(), body)
    })
}

/// The core's own kinds.
fn core_own(around: &Around<'_>, own: &OwnKeys) -> Option<Own<Raw>> {
    Some(match own {
        OwnKeys::Wait(raw) => Own::Wait {
            lasts: raw.lasts.get().map(|dur| dur.0),
            until: raw.until.get().map(|word| word.0.clone()),
        },
        OwnKeys::Lapse(raw) => Own::Lapse {
            lasts: raw.lasts.get()?.0,
            by: match raw.by.get()? {
                kinds::LapseBy::RedisMinReplicas => LapseBy::RedisMinReplicas,
                kinds::LapseBy::BoundToDaemon => LapseBy::BoundToDaemon,
                kinds::LapseBy::Gate => LapseBy::Gate,
            },
        },
        OwnKeys::Approve(raw) => Own::Approve {
            text: raw.text.get()?.0.clone(),
            role: raw.role.get()?.0.clone(),
            count: small(around, &raw.count, u32::MAX)?,
        },
        OwnKeys::Checklist(raw) => {
            let items = raw.items.get()?.iter().filter_map(Key::get).filter_map(|item| {
                let probe = item.probe.get().map(|word| word.0.clone());
                Some(Item { text: item.text.get()?.0.clone(), probe })
            });
            Own::Checklist { items: items.collect(), role: raw.role.get()?.0.clone() }
        }
        OwnKeys::Pause(raw) => {
            Own::Pause { text: raw.text.get()?.0.clone(), lasts: raw.lasts.get().map(|dur| dur.0) }
        }
        OwnKeys::TrafficGate(raw) => Own::TrafficGate {
            drain: raw.drain.get().map_or(Span::ZERO, |dur| dur.0),
            on_lost: match raw.on_lost.or(kinds::OnLost::Hold) {
                kinds::OnLost::Hold => OnLost::Hold,
                kinds::OnLost::Close => OnLost::Close,
            },
            ttl: raw.ttl.get().map_or(Span::secs(30), |dur| dur.0),
        },
        OwnKeys::Child(_) | OwnKeys::Sent(_) | OwnKeys::Unknown => return None,
    })
}

/// What a shell sends.
fn action(
    around: &Around<'_>,
    service: &Name,
    read: &Read<'_, StepRead>,
    sent: &Sent,
    drill: Option<&kinds::Keys>,
    watched: &[Name],
) -> Option<ActionDraft> {
    let common = &read.raw.common;
    let (kind, at) = common.kind.both()?;
    let nature = nature(*kind, sent.does)?;
    let word = read.node.get("kind").and_then(Node::text)?;
    if !nature.built {
        around.add(Problem::not_built(at, &format!("steps of kind `{word}`")));
    }
    sent.headers.iter().for_each(|headers| probe_kind::open_headers(around, headers));
    sent.urls.iter().for_each(|url| plain_url(around, url));
    for (text, at) in &sent.exprs.all {
        probe::expression(around, text, *at, sent.exprs.known, probe::EXPECTS);
    }
    for (text, at) in &sent.exprs.outputs {
        probe::expression(around, text, *at, sent.exprs.known, OUTPUTS);
    }
    if let Some((program, at)) = &sent.program {
        let scene = Scene { around, service: Some(service), region: None, lenient: false };
        match program.pieces() {
            [] => probe_kind::allowed(&scene, None, Some(*at)),
            [RawPiece::Plain(program)] => probe_kind::allowed(&scene, Some(program), Some(*at)),
            _ => {
                let problem = Problem::error(Code::Value, *at, "the program is not known before the run");
                around.add(problem.help("write its path out; placeholders may stand in its arguments"));
            }
        }
    }
    if let Some(channels) = &sent.channels {
        super::people::channels(around, channels);
    }
    let mut action = ActionDraft::new(Name::new(word).ok()?);
    action.acts_as = match common.acts_as.get() {
        Some(raw::ActsAs::Fences) => ActsAs::Fences,
        Some(raw::ActsAs::Promotes) => ActsAs::Promotes,
        Some(raw::ActsAs::Routes) => ActsAs::Routes,
        Some(raw::ActsAs::Verifies) => ActsAs::Verifies,
        Some(raw::ActsAs::Other) => ActsAs::Other,
        None => nature.acts_as,
    };
    // Somebody's own fence is proved only by looking.
    let looks = action.acts_as == ActsAs::Fences && sent.keys.contains_key("observe");
    action.settles = if looks { Settles::Proved } else { nature.settles };
    action.touches = nature
        .touches()
        .map(|(region, plane)| TouchDraft { region, api: Arc::from(word), plane })
        .into_iter()
        .collect();
    (action.late_call, action.late) = (nature.late_call, nature.late);
    action.changing = nature.changing;
    action.allowed_in_inspect = nature.allowed_in_inspect;
    action.one_way = nature.one_way;
    action.undoable = nature.undoable || sent.keys.contains_key("undo");
    action.outputs = outputs_of(&nature, &sent.keys);
    if *kind == StepKind::Verify {
        action.probes = sent.probes.clone().unwrap_or_else(|| watched.to_vec());
    }
    action.resource = resource(word, &nature, &sent.keys);
    action.drill_target = drill.map(|replaced| {
        let mut whole = sent.keys.clone();
        whole.extend(replaced.clone());
        DrillTarget { keys: replaced.clone(), resource: resource(word, &nature, &whole) }
    });
    action.keys = sent.keys.clone();
    Some(action)
}

/// What a URL must look like before its placeholders are filled.
fn plain_url(around: &Around<'_>, key: &Key<Filled>) {
    let Some((text, at)) = key.both() else { return };
    match text.0.pieces() {
        [RawPiece::Plain(whole)] => drop(super::fill::url(around.problems, whole, at)),
        [RawPiece::Plain(begin), ..] => {
            let host = begin.split_once("://").map_or("", |(_, rest)| rest);
            if host.split('/').next().is_some_and(|host| host.contains('@')) {
                around.problems.mask(at);
                let problem = Problem::error(Code::Secret, at, "this URL holds a name or a password");
                around
                    .add(problem.help("write `auth = { user = \"…\", password = { credential = \"…\" } }`"));
            }
        }
        _ => {}
    }
}

fn outputs_of(nature: &Nature, sent: &kinds::Keys) -> Vec<Name> {
    let named = match sent.get("outputs") {
        Some(DraftValue::Table(named)) => named.keys().filter_map(|name| Name::new(name).ok()).collect(),
        _ => Vec::new(),
    };
    nature.outputs.iter().filter_map(|name| Name::new(name).ok()).chain(named).collect()
}

/// The name under which the newest token is kept: the kind and the keys that say what it changes, as they are written.
fn resource(kind: &str, nature: &Nature, sent: &BTreeMap<Arc<str>, DraftValue>) -> Option<Raw> {
    if nature.resource.is_empty() {
        return None;
    }
    let words: Vec<String> =
        nature.resource.iter().filter_map(|key| sent.get(*key)).filter_map(resource_word).collect();
    Raw::parse(&format!("{kind} {}", words.join(" "))).ok()
}

fn resource_word(value: &DraftValue) -> Option<String> {
    match value {
        DraftValue::Text(raw, _) if raw.pieces().iter().all(|piece| matches!(piece, RawPiece::Load(_))) => {
            Some(place(raw))
        }
        DraftValue::Text(raw, _) | DraftValue::Secret(_, raw) => Some(raw.to_string()),
        // One record of several is enough: they change in one batch.
        DraftValue::List(all) => all.first().and_then(resource_word),
        DraftValue::Table(keys) => {
            let named: Vec<String> =
                ["zone", "name"].iter().filter_map(|key| keys.get(*key)).filter_map(resource_word).collect();
            Some(named.join(" "))
        }
        DraftValue::Flag(_) | DraftValue::Int(_) | DraftValue::Number(_) | DraftValue::Span(_) => None,
    }
}

/// A region's value may be a secret, which no resource may show: the place of it is as good a name.
fn place(raw: &Raw) -> String {
    let each = raw.pieces().iter().map(|piece| match piece {
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
    });
    each.collect()
}
