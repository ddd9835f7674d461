//! What each step kind is to the core: what it acts as and touches, under which resource its mark is kept, how a late
//! call of it is stopped (CONFIG §5, DESIGN §5, SAFETY §3 and §4). One row a kind.

use crate::config::raw::step::StepKind;
use crate::config::raw::step_kinds::KubeDo;
use crate::core::ids::Name;
use crate::core::plan::{ActsAs, LateCall, Plane, Settles, TouchRegion};
use crate::core::time::Span;

/// Where an action's target lives.
#[derive(Clone, Copy)]
pub(super) enum Lives {
    /// Nothing outside must be alive.
    Nowhere,
    /// Where the step acts.
    Here(Plane),
    /// In no region of ours.
    Anywhere(Plane),
    /// In us-east-1, wherever the step acts.
    Virginia(Plane),
}

/// One step kind that a shell carries out.
#[derive(Clone, Copy)]
pub(super) struct Nature {
    pub(super) acts_as: ActsAs,
    pub(super) settles: Settles,
    pub(super) lives: Lives,
    pub(super) late_call: LateCall,
    /// Longer or shorter than its class has it.
    pub(super) late: Option<Span>,
    pub(super) changing: bool,
    /// Its owner says that production is left alone.
    pub(super) allowed_in_inspect: bool,
    pub(super) one_way: bool,
    pub(super) undoable: bool,
    /// The keys that name what its mark is kept under; none: no mark.
    pub(super) resource: &'static [&'static str],
    /// What it gives besides the outputs that a step names itself.
    pub(super) outputs: &'static [&'static str],
    /// Its part of the program exists, or comes next.
    pub(super) built: bool,
}

const AWS: Option<Span> = Some(Span::mins(5));

const PLAIN: Nature = Nature {
    acts_as: ActsAs::Other,
    settles: Settles::Nothing,
    lives: Lives::Here(Plane::Data),
    late_call: LateCall::None,
    late: None,
    changing: true,
    allowed_in_inspect: false,
    one_way: false,
    undoable: false,
    resource: &[],
    outputs: &[],
    built: true,
};

const fn aws(resource: &'static [&'static str]) -> Nature {
    Nature { lives: Lives::Here(Plane::Control), late: AWS, resource, built: false, ..PLAIN }
}

/// What a kind is; none for those of the core's own, and for the child plan.
pub(super) fn nature(kind: StepKind, kube: Option<KubeDo>) -> Option<Nature> {
    Some(match kind {
        StepKind::Http | StepKind::Exec => Nature { allowed_in_inspect: true, ..PLAIN },
        StepKind::Verify => Nature {
            acts_as: ActsAs::Verifies,
            changing: false,
            late_call: LateCall::Checked,
            lives: Lives::Nowhere,
            ..PLAIN
        },
        StepKind::Notify => Nature { changing: false, lives: Lives::Nowhere, ..PLAIN },
        StepKind::Route53 => Nature {
            acts_as: ActsAs::Routes,
            late_call: LateCall::Checked,
            lives: Lives::Virginia(Plane::Control),
            undoable: true,
            resource: &["record", "records"],
            ..PLAIN
        },
        StepKind::ArcRoutingControl => Nature {
            acts_as: ActsAs::Routes,
            lives: Lives::Anywhere(Plane::Data),
            undoable: true,
            ..aws(&["cluster"])
        },
        StepKind::DnsUpdate => Nature {
            acts_as: ActsAs::Routes,
            late_call: LateCall::Checked,
            lives: Lives::Anywhere(Plane::Control),
            undoable: true,
            resource: &["zone", "name"],
            ..PLAIN
        },
        StepKind::Elbv2 => Nature {
            undoable: true,
            outputs: &["dns_name", "target_group"],
            ..aws(&["name", "target_group", "listener"])
        },
        StepKind::PostgresFence => Nature {
            acts_as: ActsAs::Fences,
            settles: Settles::Proved,
            undoable: true,
            resource: &["dsn"],
            ..PLAIN
        },
        StepKind::PostgresPromote => Nature {
            acts_as: ActsAs::Promotes,
            late_call: LateCall::Deadline,
            one_way: true,
            resource: &["dsn"],
            ..PLAIN
        },
        StepKind::RedisPromote => Nature {
            acts_as: ActsAs::Promotes,
            late_call: LateCall::Checked,
            // Its mark is its primary's, so a successor waits as for a class that checks nothing.
            late: Some(Span::mins(1)),
            one_way: true,
            resource: &["address"],
            ..PLAIN
        },
        StepKind::RdsPromote => Nature { acts_as: ActsAs::Promotes, one_way: true, ..aws(&["instance"]) },
        StepKind::RdsGlobalFailover => {
            Nature { acts_as: ActsAs::Promotes, one_way: true, ..aws(&["cluster"]) }
        }
        StepKind::RdsRestore => Nature { outputs: &["endpoint"], ..aws(&["target"]) },
        StepKind::EcsScale => Nature { undoable: true, ..aws(&["cluster", "service"]) },
        StepKind::Kubernetes => kubernetes(kube),
        StepKind::Wait
        | StepKind::Lapse
        | StepKind::Approve
        | StepKind::Checklist
        | StepKind::Plan
        | StepKind::Pause
        | StepKind::TrafficGate => return None,
    })
}

/// `kubernetes` is several kinds under one name: what it does says what it is.
fn kubernetes(does: Option<KubeDo>) -> Nature {
    let marked =
        Nature { lives: Lives::Here(Plane::Control), late_call: LateCall::Checked, built: false, ..PLAIN };
    let object = Nature { resource: &["context", "namespace", "target"], ..marked };
    match does {
        Some(KubeDo::Apply) => Nature { resource: &["context", "namespace", "manifests"], ..marked },
        Some(KubeDo::Scale | KubeDo::SetEnv | KubeDo::UndoRollout) => Nature { undoable: true, ..object },
        Some(KubeDo::Patch | KubeDo::Restart) => object,
        // In a pod there is nothing to compare a token with.
        Some(KubeDo::Run) => Nature { late_call: LateCall::None, allowed_in_inspect: true, ..marked },
        Some(KubeDo::Wait) => marked,
        None => marked,
    }
}

impl Nature {
    /// What it touches, and which side of it.
    pub(super) fn touches(&self) -> Option<(TouchRegion, Plane)> {
        match self.lives {
            Lives::Nowhere => None,
            Lives::Here(plane) => Some((TouchRegion::WhereItActs, plane)),
            Lives::Anywhere(plane) => Some((TouchRegion::Anywhere, plane)),
            Lives::Virginia(plane) => Some((TouchRegion::In(Name::new("us-east-1").ok()?), plane)),
        }
    }
}
