//! What each step kind is to the core: what it acts as and touches, under which resource its mark is kept, how a late
//! call of it is stopped (CONFIG §5, DESIGN §5, SAFETY §3 and §4). One row a kind.

use watchkeeper::core::ids::Name;
use watchkeeper::core::plan::{ActsAs, LateCall, Plane, Settles, TouchRegion};
use watchkeeper::core::time::Span;

/// Where an action's target lives.
#[derive(Clone, Copy)]
pub(crate) enum Lives {
    /// Nothing outside must be alive.
    Nowhere,
    /// Where the step acts.
    Here(Plane),
    /// In no region of ours.
    Anywhere(Plane),
    /// In us-east-1, wherever the step acts.
    Virginia(Plane),
}

/// One step kind.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Its keys, as a [`Spec`](super::spec::Spec).
    pub(crate) keys: &'static str,
    pub(crate) acts_as: ActsAs,
    pub(crate) settles: Settles,
    pub(crate) lives: Lives,
    pub(crate) late_call: LateCall,
    /// Longer or shorter than its class has it.
    pub(crate) late: Option<Span>,
    pub(crate) changing: bool,
    /// Its owner says that production is left alone.
    pub(crate) allowed_in_inspect: bool,
    pub(crate) one_way: bool,
    pub(crate) undoable: bool,
    /// The keys that name what its mark is kept under; none: no mark.
    pub(crate) resource: &'static [&'static str],
    /// What it gives besides the outputs that a step names itself.
    pub(crate) outputs: &'static [&'static str],
}

const AWS: Option<Span> = Some(Span::mins(5));
const CONTROL: Lives = Lives::Here(Plane::Control);
const DATA: Lives = Lives::Here(Plane::Data);

const fn kind(name: &'static str, keys: &'static str) -> Kind {
    Kind {
        name,
        keys,
        acts_as: ActsAs::Other,
        settles: Settles::Nothing,
        lives: DATA,
        late_call: LateCall::None,
        late: None,
        changing: true,
        allowed_in_inspect: false,
        one_way: false,
        undoable: false,
        resource: &[],
        outputs: &[],
    }
}

const fn aws(name: &'static str, keys: &'static str, resource: &'static [&'static str]) -> Kind {
    Kind { lives: CONTROL, late: AWS, resource, ..kind(name, keys) }
}

const KINDS: [Kind; 15] = [
    Kind {
        allowed_in_inspect: true,
        ..kind(
            "http",
            "url:text! method:text headers:any body:text auth:auth expect:expr observe:call undo:call outputs:expr",
        )
    },
    Kind {
        allowed_in_inspect: true,
        ..kind("exec", "argv:text! env:any expect:expr observe:text undo:text outputs:expr")
    },
    Kind {
        acts_as: ActsAs::Verifies,
        changing: false,
        late_call: LateCall::Checked,
        lives: Lives::Nowhere,
        ..kind("verify", "for:dur")
    },
    Kind {
        changing: false,
        lives: Lives::Nowhere,
        ..kind("notify", "channels:text! audience:text text:text!")
    },
    Kind {
        acts_as: ActsAs::Routes,
        late_call: LateCall::Checked,
        lives: Lives::Virginia(Plane::Control),
        undoable: true,
        resource: &["record", "records"],
        ..kind("route53", "record:record records:record")
    },
    Kind {
        acts_as: ActsAs::Routes,
        lives: Lives::Anywhere(Plane::Data),
        undoable: true,
        ..aws("arc_routing_control", "cluster:text! on:text off:text", &["cluster"])
    },
    Kind {
        acts_as: ActsAs::Routes,
        late_call: LateCall::Checked,
        lives: Lives::Anywhere(Plane::Control),
        undoable: true,
        resource: &["zone", "name"],
        ..kind(
            "dns_update",
            "server:text! zone:text! name:text! type:text ttl:dur value:text! tsig:secret! resolvers:text",
        )
    },
    Kind {
        undoable: true,
        outputs: &["dns_name", "target_group"],
        ..aws(
            "elbv2",
            "do:text! name:text target_group:text listener:text targets:text port:int protocol:text \
             health_path:text vpc:text subnets:text security_groups:text weights:any",
            &["name", "target_group", "listener"],
        )
    },
    Kind {
        acts_as: ActsAs::Fences,
        settles: Settles::Proved,
        undoable: true,
        resource: &["dsn"],
        ..kind("postgres_fence", "dsn:secret! how:text data_dir:text unit:text")
    },
    Kind {
        acts_as: ActsAs::Promotes,
        late_call: LateCall::Deadline,
        one_way: true,
        resource: &["dsn"],
        ..kind("postgres_promote", "dsn:secret!")
    },
    Kind {
        acts_as: ActsAs::Promotes,
        late_call: LateCall::Checked,
        one_way: true,
        resource: &["address"],
        ..kind("redis_promote", "address:text! password:secret")
    },
    Kind { acts_as: ActsAs::Promotes, one_way: true, ..aws("rds_promote", "instance:text!", &["instance"]) },
    Kind {
        acts_as: ActsAs::Promotes,
        one_way: true,
        ..aws("rds_global_failover", "cluster:text! to:text!", &["cluster"])
    },
    Kind {
        outputs: &["endpoint"],
        ..aws(
            "rds_restore",
            "source:text target:text! at:text margin:dur snapshot:text class:text subnet_group:text public:bool \
             scratch:bool",
            &["target"],
        )
    },
    Kind {
        undoable: true,
        ..aws("ecs_scale", "cluster:text! service:text! count:int!", &["cluster", "service"])
    },
];

/// `kubernetes` is several kinds under one name: what it does says what it is.
fn kubernetes(does: &str) -> Kind {
    const KEYS: &str = "do:text! context:text! namespace:text target:text manifests:text patch:text replicas:int \
                        add:int max:int env:any argv:text condition:text outputs:expr";
    let marked = Kind { lives: CONTROL, late_call: LateCall::Checked, ..kind("kubernetes", KEYS) };
    let object = Kind { resource: &["context", "namespace", "target"], ..marked };
    match does {
        "apply" => Kind { resource: &["context", "namespace", "manifests"], ..marked },
        "scale" | "set_env" | "undo_rollout" => Kind { undoable: true, ..object },
        "patch" | "restart" => object,
        // In a pod there is nothing to compare a token with.
        "run" => Kind { late_call: LateCall::None, allowed_in_inspect: true, ..marked },
        "wait" => marked,
        other => panic!("kubernetes: `do = \"{other}\"` is none"),
    }
}

impl Kind {
    /// The kind of that name; `does` is its key `do`.
    pub(crate) fn named(name: &str, does: Option<&str>) -> Option<Kind> {
        match (name, does) {
            ("kubernetes", Some(does)) => Some(kubernetes(does)),
            _ => KINDS.iter().copied().find(|kind| kind.name == name),
        }
    }

    /// What it touches, and which side of it.
    pub(crate) fn touches(&self) -> Option<(TouchRegion, Plane)> {
        match self.lives {
            Lives::Nowhere => None,
            Lives::Here(plane) => Some((TouchRegion::WhereItActs, plane)),
            Lives::Anywhere(plane) => Some((TouchRegion::Anywhere, plane)),
            Lives::Virginia(plane) => Some((TouchRegion::In(Name::new("us-east-1").expect("a name")), plane)),
        }
    }
}
