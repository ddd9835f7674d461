//! A runner with all that a step needs, and calls as the core would make them of a step in a config.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper::config::{Given, load, wiring};
use watchkeeper::core::authority::{ClusterId, Epoch, Token};
use watchkeeper::core::effect::Call;
use watchkeeper::core::health::Outcome;
use watchkeeper::core::ids::{Name, ServiceId};
use watchkeeper::core::plan::{Body, Filled, Op, Reply, RunId, Sealed, Sent, StepName};
use watchkeeper::core::time::{Mono, Now, Span, Wall};
use watchkeeper::probe::{Clock, Heartbeats, Kit as Reach};
use watchkeeper::step::{Ended, Kit, Limits, Looked, Notice, Order, Outbox, Probing, Runner};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// The boot-time clock.
pub(crate) fn now() -> Mono {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Mono::micros(
        u64::try_from(time.tv_sec).expect("after boot") * 1_000_000
            + u64::try_from(time.tv_nsec).expect("a part of a second") / 1_000,
    )
}

/// A clock that jumps ahead at its n-th reading, as if this process had been stopped just before it.
#[derive(Clone, Default)]
pub(crate) struct Jump {
    pub(crate) reads: Arc<AtomicU64>,
    at: u64,
}

impl Jump {
    pub(crate) fn at(at: u64) -> Jump {
        Jump { reads: Arc::default(), at }
    }
    fn clock(&self) -> Clock {
        let jump = self.clone();
        Arc::new(move || {
            let read = jump.reads.fetch_add(1, Ordering::Relaxed) + 1;
            let ahead = if jump.at > 0 && read >= jump.at { Span::mins(1) } else { Span::ZERO };
            let wall = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
            let wall = Wall::secs(u64::try_from(wall.tv_sec).expect("after 1970"));
            Now { mono: now() + ahead, wall }
        })
    }
}

/// Answers what it was told to, and keeps what it was asked to keep.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) probes: Mutex<Vec<Vec<(&'static str, Outcome)>>>,
    pub(crate) notices: Mutex<Vec<Notice>>,
}

impl Probing for Told {
    fn look(&self, _: ServiceId, _: RunId, _: &StepName) -> BoxFuture<'_, Option<Vec<Looked>>> {
        let mut rounds = self.probes.lock().expect("a lock");
        // The last round goes on.
        let round =
            if rounds.len() > 1 { rounds.remove(0) } else { rounds.first().cloned().unwrap_or_default() };
        let seen = round.into_iter().map(|(probe, outcome)| Looked { probe: name(probe), outcome }).collect();
        Box::pin(async move { Some(seen) })
    }
}

impl Outbox for Told {
    fn owe(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>> {
        self.notices.lock().expect("a lock").push(notice);
        Box::pin(async { Ok(()) })
    }
    fn is_owed(&self, _: ServiceId, run: RunId, step: &StepName) -> BoxFuture<'_, Option<bool>> {
        let owed = self.notices.lock().expect("a lock").iter().any(|n| n.run == run && n.step == *step);
        Box::pin(async move { Some(owed) })
    }
}

pub(crate) struct Rig {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) ended: mpsc::Receiver<Ended>,
    pub(crate) told: Arc<Told>,
    pub(crate) stop: CancellationToken,
    pub(crate) runner: JoinSet<()>,
    serial: AtomicU64,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig::with(&Jump::default(), Limits::default(), &[])
    }

    pub(crate) fn with(jump: &Jump, limits: Limits, allow: &[PathBuf]) -> Rig {
        let told = Arc::new(Told::default());
        let allow = wiring::Exec { allow: allow.to_vec(), dir: std::env::temp_dir() };
        let kit = Kit {
            reach: Arc::new(Reach::new(jump.clock(), Arc::new(Heartbeats::default()))),
            exec: Arc::new(move || allow.clone()),
            probing: told.clone(),
            outbox: told.clone(),
        };
        let (orders, taken) = mpsc::channel(16);
        let (put, ended) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let mut runner = JoinSet::new();
        runner.spawn(Runner::new(Arc::new(kit), limits, taken, put).run(stop.clone()));
        Rig { orders, ended, told, stop, runner, serial: AtomicU64::new(0) }
    }

    /// A call with five seconds, which may be handed over all that time.
    pub(crate) fn call(&self, sealed: &Sealed, op: Op) -> Call {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        let end = now() + Span::secs(5);
        Call {
            service: ServiceId::at(0),
            run: RunId(1),
            step: StepName::own(name("s")),
            undoing: op == Op::Undo,
            op,
            token: Token { cluster: ClusterId(0xC0FFEE), epoch: Epoch(3), serial },
            sent: Arc::new(Sent { body: Body::Action(sealed.clone()), resource: None }),
            not_after: None,
            deadline: end,
            until: end,
        }
    }

    /// The one answer to that call.
    pub(crate) async fn ask(&mut self, call: Call) -> Ended {
        let serial = call.token.serial;
        self.orders.send(Order::Begin(Box::new(call))).await.expect("the runner runs");
        let ended = self.ended.recv().await.expect("every call is answered");
        assert_eq!(ended.finished.serial, serial);
        assert!(self.ended.try_recv().is_err(), "exactly one answer");
        ended
    }

    pub(crate) async fn op(&mut self, sealed: &Sealed, op: Op) -> Ended {
        let call = self.call(sealed, op);
        self.ask(call).await
    }

    pub(crate) async fn reply(&mut self, sealed: &Sealed, op: Op) -> Reply {
        self.op(sealed, op).await.finished.reply
    }
}

pub(crate) fn within(mut call: Call, span: Span) -> Call {
    call.deadline = now() + span;
    call
}

/// What comes of a config with a plan of this one step, `s`.
pub(crate) fn config(step: &str, allow: &str) -> watchkeeper::config::Outcome {
    let text = format!(
        "[exec]\nallow = [{allow}]\n[self_trust]\nreference_points = [\"1.1.1.1:443\", \"8.8.8.8:443\", \"9.9.9.9:443\"]\n\
         [channel.slack]\nkind = \"slack\"\nwebhook = {{ file = \"/none\" }}\n\
         [service.shop]\nregions = [\"here\", \"there\"]\n[service.shop.probe.web]\nkind = \"http\"\nurl = \"https://{{region}}.test/\"\n\
         [service.shop.scenario.down]\nplan = \"mend\"\n[service.shop.plan.mend]\nkind = \"repair\"\nunfenced = \"a test\"\n\
         [service.shop.plan.mend.step.s]\n{step}\n"
    );
    load(&Given { host: Some("o1".to_owned()), ..Given::text("watchkeeper.toml", &text) })
}

/// That step as the core seals it, with what a run fills in.
pub(crate) fn sealed(step: &str) -> Sealed {
    sealed_with(step, "")
}

pub(crate) fn sealed_with(step: &str, allow: &str) -> Sealed {
    let outcome = config(step, allow);
    let loaded = outcome.loaded.unwrap_or_else(|| panic!("{:?}", outcome.report));
    let service = loaded.policy.service(&name("shop")).expect("the service").clone();
    let plan = service.plans.iter().find_map(|plan| plan.set.plans().next()).expect("a plan").clone();
    let step = plan.steps().first().expect("a step");
    let Body::Action(sealed) = &step.body else { panic!("no action") };
    sealed.fill(&mut |what| Some(Filled::One(format!("<{what}>").into()))).expect("filled in")
}
