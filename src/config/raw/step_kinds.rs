//! What each kind of step adds, one struct a kind; and how what was read becomes what the core seals.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::objects::Auth;
use crate::config::read::{Key, Named};
use crate::config::values::{Any, Count, Dur, Filled, Kept, Plain, Word};
use crate::core::plan::{DraftValue, Raw, Takes};

/// What becomes a value of an action.
pub(crate) trait Sent {
    /// As the core seals it.
    fn sent(&self) -> DraftValue;
}

/// The keys of an action.
pub(crate) type Keys = BTreeMap<Arc<str>, DraftValue>;

macro_rules! action {
    ($($name:ident $word:literal { $($(#[$meta:meta])* $key:ident $(= $as_key:literal)?: $takes:ty,)* })*) => {$(
        #[doc = concat!("What a step of kind `", $word, "` adds.")]
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename = $word, default)]
        pub(crate) struct $name {
            $(
                $(#[$meta])*
                $(#[serde(rename = $as_key)] #[schemars(rename = $as_key)])?
                pub(crate) $key: Key<$takes>,
            )*
        }

        impl $name {
            /// What is sent, by key.
            pub(crate) fn keys(&self) -> Keys {
                let mut keys = Keys::new();
                $(
                    let word = [$($as_key,)? stringify!($key)][0];
                    if let Some(value) = self.$key.get() {
                        keys.insert(Arc::from(word), value.sent());
                    }
                )*
                keys
            }
        }

        impl Sent for $name {
            fn sent(&self) -> DraftValue {
                DraftValue::Table(self.keys())
            }
        }
    )*};
}

/// An expression, or a table of them: braces in it are its own.
type Exprs = Vec<Key<Plain>>;

action! {
    Http "http step" {
        url: Filled, method: Filled, headers: Any, body: Filled, auth: AuthSent, expect: Exprs, observe: Call,
        undo: Call, outputs: Named<Plain>,
    }
    Exec "exec step" {
        argv: Vec<Key<Filled>>, env: Any, expect: Exprs, observe: Vec<Key<Filled>>, undo: Vec<Key<Filled>>,
        outputs: Named<Plain>,
    }
    Verify "verify step" { probes: Vec<Key<Word>>, lasts = "for": Dur, }
    Notify "notify step" { channels: Vec<Key<Word>>, audience: Plain, text: Filled, }
    Route53 "route53 step" { record: Record, records: Vec<Key<Record>>, }
    ArcRoutingControl "arc_routing_control step" {
        cluster: Filled, on: Vec<Key<Filled>>, off: Vec<Key<Filled>>,
    }
    DnsUpdate "dns_update step" {
        server: Filled, zone: Filled, name: Filled, record = "type": Filled, ttl: Dur, value: Filled, tsig: Kept,
        resolvers: Vec<Key<Filled>>,
    }
    Elbv2 "elbv2 step" {
        does = "do": ElbDo, name: Filled, target_group: Filled, listener: Filled, targets: Vec<Key<Filled>>,
        port: Count, protocol: Filled, health_path: Filled, vpc: Filled, subnets: Vec<Key<Filled>>,
        security_groups: Vec<Key<Filled>>, weights: Any,
    }
    PostgresFence "postgres_fence step" { dsn: Kept, how: FenceHow, data_dir: Filled, unit: Filled, }
    PostgresPromote "postgres_promote step" { dsn: Kept, }
    RedisPromote "redis_promote step" { address: Filled, password: Kept, }
    RdsPromote "rds_promote step" { instance: Filled, }
    RdsGlobalFailover "rds_global_failover step" { cluster: Filled, to: Filled, }
    RdsRestore "rds_restore step" {
        source: Filled, target: Filled, at: Filled, margin: Dur, snapshot: Filled, class: Filled,
        subnet_group: Filled, public: bool, scratch: bool,
    }
    EcsScale "ecs_scale step" { cluster: Filled, service: Filled, count: Count, }
    Kubernetes "kubernetes step" {
        does = "do": KubeDo, context: Filled, namespace: Filled, target: Filled, manifests: Filled, patch: Filled,
        replicas: Count, add: Count, max: Count, env: Any, argv: Vec<Key<Filled>>, condition: Filled,
        outputs: Named<Plain>,
    }
    Call "call object" {
        url: Filled, method: Filled, headers: Any, body: Filled, expect: Exprs,
    }
    Record "record object" {
        zone: Filled, name: Filled, record = "type": Filled, ttl: Dur, value: Filled, alias: Any, weight: Count,
        set_id: Filled,
    }
}

macro_rules! own {
    ($($name:ident $word:literal { $($(#[$meta:meta])* $key:ident: $takes:ty,)* })*) => {$(
        #[doc = concat!("What a step of kind `", $word, "` adds.")]
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename = $word, default)]
        pub(crate) struct $name { $($(#[$meta])* pub(crate) $key: Key<$takes>,)* }
    )*};
}

own! {
    Wait "wait step" { #[serde(rename = "for")] #[schemars(rename = "for")] lasts: Dur, until: Word, }
    Lapse "lapse step" { #[serde(rename = "for")] #[schemars(rename = "for")] lasts: Dur, by: LapseBy, }
    Approve "approve step" { text: Filled, role: Word, count: Count, }
    Checklist "checklist step" { items: Vec<Key<Item>>, role: Word, }
    Child "plan step" { plan: Word, inputs: Named<Filled>, }
    Pause "pause step" { text: Filled, #[serde(rename = "for")] #[schemars(rename = "for")] lasts: Dur, }
    TrafficGate "traffic_gate step" { drain: Dur, on_lost: OnLost, ttl: Dur, }
    Item "checklist item" { text: Filled, probe: Word, }
}

macro_rules! words {
    ($($name:ident { $($word:ident)* })*) => {$(
        /// One word of a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($word,)* }
    )*};
}

words! {
    ElbDo { Create Register Deregister Modify Weights }
    KubeDo { Apply Patch Scale SetEnv Restart UndoRollout Run Wait }
    FenceHow { Stop Reject }
    LapseBy { RedisMinReplicas BoundToDaemon Gate }
    OnLost { Hold Close }
}

/// The words of a closed list, as they are sent.
macro_rules! sent_words {
    ($($name:ident { $($word:ident = $text:literal)* })*) => {$(
        impl Sent for $name {
            fn sent(&self) -> DraftValue {
                DraftValue::Text(Raw::plain(match self { $($name::$word => $text,)* }), Takes::Text)
            }
        }
    )*};
}

sent_words! {
    ElbDo { Create = "create" Register = "register" Deregister = "deregister" Modify = "modify" Weights = "weights" }
    KubeDo {
        Apply = "apply" Patch = "patch" Scale = "scale" SetEnv = "set_env" Restart = "restart"
        UndoRollout = "undo_rollout" Run = "run" Wait = "wait"
    }
    FenceHow { Stop = "stop" Reject = "reject" }
}

/// As [`Auth`], of a step.
pub(crate) type AuthSent = Auth;

impl Sent for Auth {
    fn sent(&self) -> DraftValue {
        let mut keys = Keys::new();
        let secrets = [("bearer", &self.bearer), ("password", &self.password), ("key", &self.key)];
        for (word, key) in secrets {
            keys.extend(key.get().map(|kept| (Arc::from(word), kept.sent())));
        }
        for (word, key) in [("user", &self.user), ("cert", &self.cert)] {
            keys.extend(key.get().map(|text| (Arc::from(word), text.sent())));
        }
        DraftValue::Table(keys)
    }
}

impl Sent for Filled {
    fn sent(&self) -> DraftValue {
        DraftValue::Text(self.0.clone(), Takes::Text)
    }
}

impl Sent for Plain {
    fn sent(&self) -> DraftValue {
        DraftValue::Text(Raw::plain(&self.0), Takes::Text)
    }
}

impl Sent for Word {
    fn sent(&self) -> DraftValue {
        DraftValue::Text(Raw::plain(self.0.as_str()), Takes::Text)
    }
}

impl Sent for Kept {
    fn sent(&self) -> DraftValue {
        match self {
            Kept::In(source, name) => DraftValue::Secret(*source, name.clone()),
            Kept::Value(raw) => DraftValue::Text(raw.clone(), Takes::Secret),
        }
    }
}

impl Sent for Dur {
    fn sent(&self) -> DraftValue {
        DraftValue::Span(self.0)
    }
}

impl Sent for Count {
    fn sent(&self) -> DraftValue {
        DraftValue::Int(i64::from(self.0))
    }
}

impl Sent for bool {
    fn sent(&self) -> DraftValue {
        DraftValue::Flag(*self)
    }
}

impl Sent for Any {
    fn sent(&self) -> DraftValue {
        self.0.clone()
    }
}

impl<T: Sent> Sent for Vec<Key<T>> {
    fn sent(&self) -> DraftValue {
        DraftValue::List(self.iter().filter_map(Key::get).map(Sent::sent).collect())
    }
}

impl<T: Sent> Sent for Named<T> {
    fn sent(&self) -> DraftValue {
        let sent = |(name, key): (&crate::core::ids::Name, &Key<T>)| {
            Some((Arc::from(name.as_str()), key.get()?.sent()))
        };
        DraftValue::Table(self.iter().filter_map(sent).collect())
    }
}
