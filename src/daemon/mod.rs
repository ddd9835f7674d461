//! The daemon: one event loop round the core, and every shell on its own task round that. The only wiring.
//!
//! The loop owns the core's state; it takes what came in, calls `step`, and hands the effects on without waiting for
//! anybody. This folder must never decide anything about a service: the core does.

mod agreeing;
pub mod clock;
mod deeds;
mod edge;
mod event_loop;
#[cfg(debug_assertions)]
pub mod faults;
mod keeping;
mod lane;
pub mod log;
mod looking;
pub mod metrics;
mod previewed;
mod references;
mod room;
mod sampling;
mod shown;
mod stated;
mod systemd;
mod tasks;
mod telling;
mod unwritten;
mod windows;
mod wired;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::api::{self, Access, Bounds, Doors, NoPort, Said, Snapshot};
use crate::chronicle::{Chronicle, Memory};
use crate::config::probe::{Kind, Probe};
use crate::coord::local::Local;
use crate::coord::{Coordinator, Names};
use crate::core::engine;
use crate::core::ids::Name;
use crate::core::input::Input;
use crate::core::policy::Policy;
use crate::core::time::Span;
use crate::notify;
use crate::probe::runner::Runner;
use crate::probe::schedule::Limits as ProbeLimits;
use crate::probe::{Heartbeats, Kit};
use crate::step;
use crate::store::{self, NotOpened, Trouble};

pub use edge::Edge;

use deeds::Deeds;
use event_loop::{EventLoop, Hands};
use looking::Looks;
use tasks::{Rule, Tasks};

/// What one reading of the config comes to, and can be swapped by a reload.
#[derive(Clone)]
pub struct Setup {
    /// What the core lives by.
    pub policy: Arc<Policy>,
    /// The probes that this observer runs.
    pub probes: Vec<Probe>,
    /// What is asked whether we can see anything at all: `host:port` or a URL.
    pub references: Vec<String>,
    /// Who may come in, what is raised from outside, when it is quiet.
    pub edge: Edge,
}

/// Reads the config, at each reload anew. Nothing is in force until all of it is good.
pub trait Config: Send + Sync + 'static {
    /// All of it, or every problem in words.
    fn load(&self) -> Result<Setup, String>;
}

impl<F: Fn() -> Result<Setup, String> + Send + Sync + 'static> Config for F {
    fn load(&self) -> Result<Setup, String> {
        self()
    }
}

/// What is settled when the daemon starts, and stays so until it ends.
#[derive(Clone)]
pub struct Place {
    /// Where store and chronicle lie.
    pub dir: PathBuf,
    /// Where the API listens; no port: whichever is free.
    pub listen: SocketAddr,
    /// How long events are kept.
    pub keep_events: Span,
    /// How long samples are.
    pub keep_samples: Span,
    /// What bounds the store.
    pub store: store::Limits,
    /// Descriptors that probes may use.
    pub descriptors: u64,
    /// How long it may take to end.
    pub drain: Duration,
    /// How patient it is with channels.
    pub notices: notify::Limits,
    /// Chance for all that needs some: jitter, and the coordinator's name.
    pub chance: u128,
}

impl Place {
    /// Defaults of CONFIG, in that folder, on that address.
    #[must_use]
    pub fn new(dir: PathBuf, listen: SocketAddr, chance: u128) -> Place {
        Place {
            dir,
            listen,
            keep_events: Span::hours(24 * 365 * 2),
            keep_samples: Span::hours(24 * 30),
            store: store::Limits::default(),
            descriptors: 65_536,
            drain: Duration::from_secs(20),
            notices: notify::Limits::default(),
            chance,
        }
    }
}

/// Why a daemon did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Its store.
    #[error(transparent)]
    Store(#[from] NotOpened),
    /// What is in it.
    #[error("the store cannot be used: {0}")]
    Unusable(#[from] Trouble),
    /// Its port.
    #[error(transparent)]
    Port(#[from] NoPort),
    /// Its certificate.
    #[error("{0}")]
    Access(String),
    /// Its config.
    #[error("the config is not good:\n{0}")]
    Config(String),
    /// The embedded coordinator is for one observer.
    #[error(
        "the config names {0} observers, and the coordinator `local` serves one: give [coordinator] another kind"
    )]
    Observers(usize),
    /// A task.
    #[error("{0}")]
    Task(String),
}

/// What reaches the event loop besides samples.
enum Message {
    /// For the core.
    Input(Box<Input>),
    /// From the API.
    Said(Said),
    /// A call has ended.
    Ended(step::Ended),
    /// The config was read anew; whoever asked for it waits for the answer.
    Loaded(Result<Box<(Setup, Access)>, String>, Option<oneshot::Sender<Result<(), String>>>),
    /// The daemon is to end.
    Leave,
}

/// A daemon that runs, for whoever started it.
pub struct Running {
    /// Where its API listens.
    pub address: SocketAddr,
    /// What is so, as it is shown.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    asks: mpsc::Sender<Message>,
    reloads: mpsc::Sender<Option<oneshot::Sender<Result<(), String>>>>,
    tasks: Tasks,
    stop: CancellationToken,
    left: CancellationToken,
    threads: store::Threads,
    drain: Duration,
}

/// Starts a daemon: opens its store and its port, and watches.
pub async fn start(config: Arc<dyn Config>, place: Place) -> Result<Running, Stopped> {
    let metrics = metrics::handle();
    let setup = config.load().map_err(Stopped::Config)?;
    let observers = setup.policy.observers.len();
    if observers != 1 {
        return Err(Stopped::Observers(observers));
    }
    let mode = shown::mode(setup.policy.mode);
    let access = Arc::new(setup.edge.access(None).map_err(Stopped::Access)?);
    let listener = api::listen(place.listen).await?;
    let address = listener.local_addr().unwrap_or(place.listen);
    let (store, threads) = store::open(&place.dir, place.store)?;
    let chronicle = Chronicle::new(store.clone());
    let clock = clock::shared();
    let (mut state, mut effects) = engine::start(&setup.policy, clock::now());
    let windows = windows::input(&setup.edge, clock::now().wall);
    effects.extend(engine::step(&mut state, windows, clock::now()));
    let coordinator = Local::open(store.clone(), Arc::clone(&clock), Names::of(&state), place.chance).await?;

    unwritten::write(&chronicle, &coordinator, &state, &setup.edge.people).await;
    make_room_for_programs(&setup.edge);
    let (stop, left) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = Tasks::default();
    // From the shells to the loop: who finds it full waits, and nobody else does.
    let (inputs, messages) = mpsc::channel::<Message>(4_096);
    let (sampled, samples) = mpsc::channel(4_096);
    // From the loop to the shells.
    let (paces, runner_orders) = mpsc::channel(4_096);
    let (renewals, agrees) = mpsc::channel(256);
    let (rounds, asked_rounds) = mpsc::channel(16);
    let (lines, kept) = mpsc::channel(4_096);
    let (batches, taken) = mpsc::channel(64);
    let (begins, calls) = mpsc::channel(256);
    let (ended, ends) = mpsc::channel(256);
    let (readings, reads_back) = mpsc::channel(64);
    let (points, current_points) = watch::channel(setup.references.clone());
    let (reloads, reload_asks) = mpsc::channel(4);
    let (access, accessed) = watch::channel(access);
    let (edge, edges) = watch::channel(Arc::new(setup.edge.clone()));
    let (told, people) = watch::channel(Arc::clone(&setup.edge.people));
    let (owed, _) = watch::channel(0_u64);
    let memory = Memory::default();
    let (raise, raised) = mpsc::channel(64);
    let (opens, openings) = watch::channel(Arc::default());
    let (rooms, room) = watch::channel(room::Room::default());
    let (shown, snapshot) = watch::channel(Arc::new(Snapshot::default()));
    let turned = Arc::new(AtomicU64::new(clock::now().mono.as_micros()));

    let heartbeats = Arc::new(Heartbeats::default());
    let kit = Arc::new(Kit::new(Arc::clone(&clock), Arc::clone(&heartbeats)));
    let seed = u64::try_from(place.chance & u128::from(u64::MAX)).unwrap_or_default();
    let limits = ProbeLimits::for_descriptors(place.descriptors);
    let looks = Arc::new(Looks::new(Arc::clone(&kit)));
    let allowed = edges.clone();
    let acts = step::Kit {
        reach: Arc::clone(&kit),
        exec: Arc::new(move || allowed.borrow().exec.clone()),
        probing: Arc::clone(&looks) as Arc<dyn step::Probing>,
        outbox: Arc::new(telling::Steps {
            outbox: chronicle.outbox(),
            people: people.clone(),
            names: coordinator.clone(),
            owed: owed.clone(),
        }),
    };
    let carries = step::Runner::new(Arc::new(acts), step::Limits::default(), calls, ended);
    let speaks = notify::Kit {
        outbox: chronicle.outbox(),
        memory: memory.clone(),
        post: Arc::new(telling::Posting(Arc::clone(&kit))),
        clock: Arc::clone(&clock),
        owed: owed.clone(),
        observer: Arc::from(state.policy.observer_name(state.policy.me)),
        seed,
        limits: place.notices,
    };
    let runner = Runner::new(kit, seed, limits, runner_orders, sampled);
    let stats = runner.stats();
    let (second, drain) = (Duration::from_secs(1), place.drain);

    let runs = stop.clone();
    tasks.start("probes", Rule::EndsAll, second, async move {
        runner.run(runs).await;
        Ok(())
    });
    tasks.start(
        "references",
        Rule::EndsAll,
        second,
        references::run(asked_rounds, current_points, inputs.clone()),
    );
    let runs = stop.clone();
    tasks.start("steps", Rule::EndsAll, place.drain / 4, async move {
        carries.run(runs).await;
        Ok(())
    });
    tasks.start("calls-ended", Rule::EndsAll, second, deeds::answers(ends, inputs.clone()));
    let reads = deeds::read_back(Arc::clone(&looks), reads_back, inputs.clone(), stop.clone());
    tasks.start("read-back", Rule::EndsAll, second, reads);
    let facts = coordinator.watch();
    tasks.start("facts", Rule::EndsAll, second, agreeing::facts(facts, inputs.clone(), stop.clone()));
    let agree = agreeing::run(coordinator.clone(), agrees, inputs.clone());
    tasks.start("coordinator", Rule::EndsAll, 5 * second, agree);
    tasks.start("sessions", Rule::EndsAll, second, agreeing::expire(coordinator.clone(), stop.clone()));
    let keeper = keeping::Keeper {
        chronicle: chronicle.clone(),
        teller: keeping::teller(&chronicle).await,
        memory,
        people: people.clone(),
        owed,
        inputs: inputs.clone(),
    };
    let keeps = keeping::run(keeper, kept, stop.clone());
    let samples_kept = sampling::run(chronicle.clone(), taken, place.keep_samples, stop.clone());
    tasks.start("samples", Rule::GoesOn, drain / 5, samples_kept);
    let notices = notify::run(speaks, people, stop.clone());
    tasks.start("notices", Rule::EndsAll, 3 * second, notices);
    tasks.start("chronicle", Rule::EndsAll, drain * 2 / 5, keeps);
    let trims = keeping::trim(chronicle.clone(), place.keep_events, stop.clone());
    tasks.start("chronicle-trim", Rule::GoesOn, second, trims);
    tasks.start(
        "store-condition",
        Rule::EndsAll,
        second,
        room::condition(store.condition(), room.clone(), inputs.clone(), stop.clone()),
    );
    let rooming = room::look(place.dir.clone(), edges.clone(), rooms, stop.clone());
    tasks.start("store-room", Rule::EndsAll, second, rooming);
    let windows = windows::run(edges, opens, clock::now, inputs.clone(), stop.clone());
    tasks.start("maintenance", Rule::EndsAll, second, windows);
    tasks.start(
        "triggers",
        Rule::EndsAll,
        second,
        agreeing::raise(coordinator.clone(), raised, stop.clone()),
    );
    let settled = (setup.edge.api.listen, accessed.clone());
    let reloading = reload(config, settled, reload_asks, inputs.clone(), stop.clone());
    tasks.start("reload", Rule::EndsAll, second, reloading);
    let (turns, api_said, api_reloads) = (Arc::clone(&turned), inputs.clone(), reloads.clone());
    let (said, mut says) = mpsc::channel::<Said>(64);
    tasks.start("said", Rule::EndsAll, second, async move {
        while let Some(said) = says.recv().await {
            let gone = match said {
                Said::Reload { answer } => api_reloads.send(Some(answer)).await.is_err(),
                said => api_said.send(Message::Said(said)).await.is_err(),
            };
            if gone {
                break;
            }
        }
        Ok(())
    });
    let (wired, wires) = watch::channel(Arc::new(setup.probes.clone()));
    let doors = Doors {
        snapshot: snapshot.clone(),
        turned: Arc::new(move || {
            let last = turns.load(Ordering::Relaxed);
            clock::now().mono.as_micros().saturating_sub(last) / 1_000
        }),
        said,
        heard: Arc::new(move |service, probe, region, token| {
            let known = wires.borrow().iter().any(|wiring| brings(wiring, (service, probe, region), token));
            known && heartbeats.push(service, probe, region, clock::now().mono)
        }),
        metrics: Arc::new(move || {
            metrics::probes(&stats);
            metrics.render()
        }),
        chronicle,
        access: accessed,
        raise,
        calls: Arc::default(),
        wall: Arc::new(|| clock::now().wall.as_micros() / 1_000_000),
        boot: Arc::new(|| clock::now().mono),
    };
    let serves = stop.clone();
    tasks.start("api", Rule::EndsAll, 2 * second, async move {
        api::serve(listener, doors, Bounds::default(), serves).await.map_err(|why| why.to_string())
    });
    tasks.start("watchdog", Rule::EndsAll, second, systemd::watchdog(Arc::clone(&turned), stop.clone()));
    let knows: Arc<dyn Coordinator> = Arc::new(coordinator.clone());
    let hands = Hands {
        paces: lane::Lane::new(paces, 1_000_000),
        renewals: lane::Lane::new(renewals, 100_000),
        rounds: lane::Lane::new(rounds, 64),
        lines: lane::Lane::new(lines, 65_536),
        samples: sampling::Samples::new(lane::Lane::new(batches, 64)),
        deeds: Deeds::new(lane::Lane::new(begins, 65_536), lane::Lane::new(readings, 65_536), looks),
    };
    let (ended, ends) = (left.clone(), stop.clone());
    let turning = EventLoop::new(
        state,
        setup,
        hands,
        event_loop::Shows {
            coordinator: knows,
            points,
            wired,
            access,
            edge,
            people: told,
            openings,
            room,
            shown,
            turned,
            stop: ends,
        },
    );
    // On a thread of its own: what it wakes waits for no other task, and while it stands still the others do not.
    let turns = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(turning.run(effects, messages, samples));
        ended.cancel();
    });
    tasks.start("event-loop", Rule::EndsAll, second, async move {
        turns.await.map_err(|why| format!("the event loop has failed: {why}"))
    });
    // Only now: whoever watches is told everything, and the loop takes it.
    coordinator.begin().await;
    tracing::info!(%address, dir = %place.dir.display(), mode, "watchkeeper watches");
    Ok(Running { address, snapshot, asks: inputs, reloads, tasks, stop, left, threads, drain: place.drain })
}

impl Running {
    /// Reads the config anew; why it was not taken, if it was not.
    pub async fn reload(&self) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let gone = || "the daemon ends".to_owned();
        self.reloads.send(Some(answer)).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Waits until a task fails without which it cannot go on; it is then to be ended.
    pub async fn fails(&mut self) -> Stopped {
        Stopped::Task(self.tasks.fails().await)
    }

    /// Runs until a task fails or it is asked to end, by SIGTERM or SIGINT; SIGHUP reads the config anew.
    pub async fn until_ended(mut self) -> Result<(), Stopped> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|why| Stopped::Task(format!("signals cannot be heard: {why}")));
        let mut ends = listen(SignalKind::terminate())?;
        let mut interrupts = listen(SignalKind::interrupt())?;
        let mut hangs_up = listen(SignalKind::hangup())?;
        systemd::ready();
        let failed = loop {
            tokio::select! {
                why = self.tasks.fails() => break Some(why),
                _ = ends.recv() => break None,
                _ = interrupts.recv() => break None,
                // Full: several are asked for already.
                _ = hangs_up.recv() => drop(self.reloads.try_send(None)),
            }
        };
        if let Some(why) = &failed {
            tracing::error!(%why, "the daemon ends");
        }
        self.end().await;
        failed.map_or(Ok(()), |why| Err(Stopped::Task(why)))
    }

    /// Gives the claims up, lets what is under way end, and closes the store; all within the limit.
    pub async fn end(self) {
        systemd::stopping();
        // A quarter for the claims, two fifths for the tasks, a fifth for the store: together less than the limit.
        let leaves = async {
            // Nobody takes it: the loop has ended.
            drop(self.asks.send(Message::Leave).await);
            self.left.cancelled().await;
        };
        if tokio::time::timeout(self.drain / 4, leaves).await.is_err() {
            tracing::warn!("claims could not be given up in time; they end with the session");
        }
        drop(self.asks);
        let late = self.tasks.drain(&self.stop, self.drain * 2 / 5).await;
        if !late.is_empty() {
            tracing::warn!(tasks = ?late, "tasks were not done in time");
        }
        let threads = self.threads;
        let closes = tokio::task::spawn_blocking(move || threads.join());
        if tokio::time::timeout(self.drain / 5, closes).await.is_err() {
            tracing::warn!("the store was not closed in time");
        }
        tracing::info!("watchkeeper has ended");
    }
}

/// Where programs run is made, if it is not there; whatever needs it says so if it cannot be.
fn make_room_for_programs(edge: &Edge) {
    let dir = &edge.exec.dir;
    if !edge.exec.allow.is_empty()
        && let Err(why) = std::fs::create_dir_all(dir)
    {
        tracing::error!(%why, dir = %dir.display(), "the folder in which programs run cannot be made");
    }
}

/// Reads the config anew when somebody asks, beside the loop.
async fn reload(
    config: Arc<dyn Config>,
    (listens, access): (SocketAddr, watch::Receiver<Arc<Access>>),
    mut asks: mpsc::Receiver<Option<oneshot::Sender<Result<(), String>>>>,
    inputs: mpsc::Sender<Message>,
    stop: CancellationToken,
) -> Result<(), String> {
    loop {
        let answer = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            answer = asks.recv() => match answer {
                Some(answer) => answer,
                None => return Ok(()),
            },
        };
        systemd::reloading();
        let (config, before) = (Arc::clone(&config), Arc::clone(&access.borrow()));
        // The files that it names are read with it: all of it is good, or nothing of it is taken.
        let loaded = tokio::task::spawn_blocking(move || {
            let setup = config.load()?;
            let access = setup.edge.exchanged(listens, &before)?;
            Ok(Box::new((setup, access)))
        });
        let loaded = loaded.await.unwrap_or_else(|why| Err(format!("reading it has failed: {why}")));
        let message = Message::Loaded(loaded, answer);
        if inputs.send(message).await.is_err() {
            return Ok(());
        }
    }
}

/// Whether that is this heartbeat, and its token is brought. Compared by hash, so that time tells nothing of it.
fn brings(wiring: &Probe, names: (&Name, &Name, Option<&Name>), token: &str) -> bool {
    let Kind::Heartbeat(heartbeat) = &wiring.kind else { return false };
    let same = (&wiring.service, &wiring.name, wiring.region.as_ref()) == names;
    same && heartbeat.token.read().is_ok_and(|wanted| api::equal(token, wanted.expose_secret()))
}
