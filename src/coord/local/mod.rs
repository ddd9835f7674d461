//! The embedded coordinator: the same rules as any other, kept in this observer's store.
//!
//! A transaction is one piece of work of the store, so that it is all or nothing and answered only when it is durable.
//! The store's lock says that no other daemon writes there, so the sessions of earlier lives are over when it is opened.
//! It must never answer from memory: what is found is what is on the disk.

mod cluster;
mod facts;
mod session;
mod txn;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{Coordinator, Names, Told};
use crate::core::agree::{Answer, Journal, RunId, Txn};
use crate::core::authority::{ClusterId, Renewed, SessionId};
use crate::core::ids::{Name, ServiceId};
use crate::core::time::{Mono, Now, Span};
use crate::store::{Store, Trouble};

use facts::{Changed, Teller};

/// Where the time comes from. Sessions end by the boot-time clock.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// The mark is set this often at most.
const MARKS: Span = Span::secs(5);

/// So many facts may wait to be taken; whoever tells more waits.
const WAITING: usize = 1_024;

/// The embedded coordinator. Clones are the same one.
#[derive(Clone)]
pub struct Local(Arc<Inside>);

struct Inside {
    store: Store,
    clock: Clock,
    cluster: ClusterId,
    names: Mutex<Arc<Names>>,
    watcher: Mutex<Watcher>,
    /// When the mark was set last.
    marked: AtomicU64,
}

#[derive(Default)]
struct Watcher {
    queue: Option<mpsc::Sender<Told>>,
    /// It was told that nothing answers: what it knows may be old.
    lost: bool,
}

impl Local {
    /// On that store; `chance` makes the name of a coordinator that has none. Sessions of earlier lives are over.
    pub async fn open(store: Store, clock: Clock, names: Names, chance: u128) -> Result<Local, Trouble> {
        let (dir, life) = (store.dir().to_owned(), clock().mono);
        let cluster = store.write(move |c| cluster::settle(c, &dir, chance)).await?;
        store.write(move |c| session::begin_life(c, life)).await?;
        Ok(Local(Arc::new(Inside {
            store,
            clock,
            cluster,
            names: Mutex::new(Arc::new(names)),
            watcher: Mutex::default(),
            marked: AtomicU64::new(0),
        })))
    }

    /// The same coordinator, as another observer uses it: for tests of what several do to one another.
    #[must_use]
    pub fn as_seen_by(&self, me: Name) -> Local {
        let mut names = Names::clone(&self.0.names());
        names.me = me;
        Local(Arc::new(Inside {
            store: self.0.store.clone(),
            clock: Arc::clone(&self.0.clock),
            cluster: self.0.cluster,
            names: Mutex::new(Arc::new(names)),
            watcher: Mutex::default(),
            marked: AtomicU64::new(0),
        }))
    }

    /// What it calls itself.
    #[must_use]
    pub fn cluster(&self) -> ClusterId {
        self.0.cluster
    }

    /// The service of that name, if it is known here.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<ServiceId> {
        self.0.names().id(name)
    }

    /// The name of a service, if it is known here.
    #[must_use]
    pub fn named(&self, id: ServiceId) -> Option<Name> {
        self.0.names().service(id).map(|service| service.name.clone())
    }

    /// Ends the sessions whose time has passed. When the next may end, if there is any.
    pub async fn expire(&self) -> Option<Mono> {
        let (inside, now) = (Arc::clone(&self.0), (self.0.clock)().mono);
        let teller = self.0.teller();
        let ended = self.0.store.write(move |c| {
            let changed = session::expire(c, now)?;
            Ok((teller.tell(c, &changed, now)?, session::next_end(c)?))
        });
        match ended.await {
            Ok((told, next)) => {
                inside.tell(told).await;
                inside.mark(now).await;
                next
            }
            Err(_) => Some(now + Span::secs(1)),
        }
    }

    /// Raises a trigger, for whoever has checked who says so; one that is raised stays as it was. Whether it was not.
    pub async fn raise(&self, service: ServiceId, name: Name) -> Result<bool, Trouble> {
        let (now, teller) = ((self.0.clock)().mono, self.0.teller());
        let Some(policy) = self.0.names().service(service).map(Arc::clone) else { return Ok(false) };
        let told = self.0.store.write(move |c| {
            if !facts::raise(c, policy.name.as_str(), name.as_str(), now)? {
                return Ok(None);
            }
            let changed = Changed::Trigger(policy.name.as_str().to_owned(), name.as_str().to_owned());
            teller.tell(c, &[changed], now).map(Some)
        });
        let told = told.await?;
        let news = told.is_some();
        self.0.tell(told.unwrap_or_default()).await;
        Ok(news)
    }
}

impl Coordinator for Local {
    fn renew(&self, session: Option<SessionId>, fit: bool) -> BoxFuture<'static, Renewed> {
        let inside = Arc::clone(&self.0);
        async move {
            let (names, teller, clock) = (inside.names(), inside.teller(), Arc::clone(&inside.clock));
            let (cluster, ttl, me) = (inside.cluster, names.ttl, names.me.as_str().to_owned());
            let renewed = inside.store.write(move |c| {
                let now = clock().mono;
                let mut changed = session::expire(c, now)?;
                let id = session::renew(c, &session::Asked { me: &me, cluster, ttl, now }, session, fit)?;
                changed.extend(id.map(|_| Changed::Pulse(me)));
                Ok((id, teller.tell(c, &changed, now)?))
            });
            match renewed.await {
                Ok((id, told)) => {
                    inside.answers().await;
                    inside.tell(told).await;
                    id.map_or(Renewed::Gone, |session| Renewed::Alive { session, ttl })
                }
                Err(trouble) => {
                    inside.lost(&trouble).await;
                    Renewed::Unknown
                }
            }
        }
        .boxed()
    }

    fn transact(&self, txn: Txn) -> BoxFuture<'static, Answer> {
        let inside = Arc::clone(&self.0);
        async move {
            let (names, teller, clock) = (inside.names(), inside.teller(), Arc::clone(&inside.clock));
            let Some(policy) = names.service(txn.id.service).map(Arc::clone) else { return Answer::Unknown };
            let answered = inside.store.write(move |c| {
                let now = clock().mono;
                let mut changed = session::expire(c, now)?;
                let asked = txn::Asked { names: &names, policy: &policy };
                let lands = txn::allows(c, &asked, &txn)?;
                if lands {
                    changed.extend(txn::commit(c, &asked, &txn)?);
                }
                let found = Box::new(txn::found(c, &asked, &txn)?);
                let answer = if lands { Answer::Committed(found) } else { Answer::Refused(found) };
                Ok((answer, teller.tell(c, &changed, now)?))
            });
            match answered.await {
                Ok((answer, told)) => {
                    inside.answers().await;
                    inside.tell(told).await;
                    answer
                }
                Err(trouble) => {
                    inside.lost(&trouble).await;
                    Answer::Unknown
                }
            }
        }
        .boxed()
    }

    fn watch(&self) -> mpsc::Receiver<Told> {
        let (queue, watches) = mpsc::channel(WAITING);
        {
            let mut watcher = self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            // The first to be answered tells everything.
            *watcher = Watcher { queue: Some(queue), lost: true };
        }
        watches
    }

    fn journals(
        &self,
        service: ServiceId,
        from: RunId,
    ) -> BoxFuture<'static, Result<Vec<(RunId, Journal)>, String>> {
        let inside = Arc::clone(&self.0);
        async move {
            let names = inside.names();
            let Some(policy) = names.service(service).map(Arc::clone) else { return Ok(Vec::new()) };
            let read = move |c: &rusqlite::Connection| {
                txn::journals(c, &txn::Asked { names: &names, policy: &policy }, from)
            };
            inside.store.read(read).await.map_err(|trouble| trouble.to_string())
        }
        .boxed()
    }

    fn know(&self, names: Names) {
        let mut known = self.0.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.after(&known);
        *known = Arc::new(names);
    }
}

impl Local {
    /// Tells everything to whoever watches, if it has not been told yet.
    pub async fn begin(&self) {
        self.0.answers().await;
    }
}

impl Inside {
    /// Sets the mark, if that is due: from then on an older file is known to be a restored one.
    async fn mark(&self, now: Mono) {
        let last = Mono::micros(self.marked.load(Ordering::Relaxed));
        if now.since(last) < MARKS {
            return;
        }
        self.marked.store(now.as_micros(), Ordering::Relaxed);
        let (dir, cluster) = (self.store.dir().to_owned(), self.cluster);
        // By whoever reads: what it sees is durable.
        let set = self.store.read(move |c| {
            cluster::set_mark(&dir, cluster, facts::revision(c)?);
            Ok(())
        });
        if let Err(why) = set.await {
            tracing::warn!(%why, "the store's mark is not set, since its revision cannot be read");
        }
    }

    fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn teller(&self) -> Teller {
        Teller::new(self.names())
    }

    fn watching(&self) -> Option<mpsc::Sender<Told>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner).queue.clone()
    }

    async fn tell(&self, told: Vec<Told>) {
        let Some(queue) = self.watching() else { return };
        for fact in told {
            // Nobody watches any more: the daemon ends.
            if queue.send(fact).await.is_err() {
                return;
            }
        }
    }

    /// The store has answered. Whoever was told that it does not is told everything anew.
    async fn answers(&self) {
        let was = {
            let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut watcher.lost) && watcher.queue.is_some()
        };
        if !was {
            return;
        }
        let (teller, now) = (self.teller(), (self.clock)().mono);
        let everything = self.store.write(move |c| {
            let all = facts::everything(c, teller.names())?;
            teller.tell(c, &all, now)
        });
        match everything.await {
            Ok(told) => {
                self.tell(vec![Told::There(self.cluster)]).await;
                self.tell(told).await;
            }
            Err(_) => self.watcher.lock().unwrap_or_else(PoisonError::into_inner).lost = true,
        }
    }

    /// The store has not answered.
    async fn lost(&self, trouble: &Trouble) {
        tracing::warn!(why = %trouble, "the coordinator's store does not answer");
        let first = {
            let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            !std::mem::replace(&mut watcher.lost, true)
        };
        if first {
            self.tell(vec![Told::Lost]).await;
        }
    }
}
