//! A wire between the daemon and a server: it lets everything through, notes when the bytes that do something go by, and
//! whether the session lived at that moment; and it can hold the next such bytes back and deliver them late.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::child::until;
use crate::daemon::program::now;

/// What came to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// The coordinator had a session of the daemon's, which was not over.
    pub(crate) alive: bool,
    /// The test held it back.
    pub(crate) late: bool,
}

#[derive(Default)]
struct Inside {
    came: Mutex<Vec<Came>>,
    holds: AtomicBool,
    held: AtomicBool,
    delivered: AtomicBool,
}

pub(crate) struct Line {
    pub(crate) port: u16,
    inside: Arc<Inside>,
    release: Arc<Semaphore>,
    runtime: Option<Runtime>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Line {
    /// To that port; `mark` is what does something, and the daemon's store lies there.
    pub(crate) async fn to(port: u16, mark: &'static [u8], store: PathBuf) -> Line {
        // Of its own: what a test does meanwhile, in one piece, is no delay on this wire.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bound = runtime.spawn(TcpListener::bind("127.0.0.1:0")).await;
        let listener = bound.unwrap().unwrap();
        let at = listener.local_addr().unwrap().port();
        let (inside, release) = (Arc::new(Inside::default()), Arc::new(Semaphore::new(0)));
        let (into, may) = (inside.clone(), release.clone());
        runtime.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((one, _)) = listener.accept().await {
                let (inside, may, store) = (into.clone(), may.clone(), store.clone());
                lines.spawn(async move {
                    let Ok(other) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    between(one, other, mark, &inside, &may, &store).await;
                });
            }
        });
        Line { port: at, inside, release, runtime: Some(runtime) }
    }

    /// The next that does something is held back.
    pub(crate) fn hold(&self) {
        self.inside.holds.store(true, Ordering::Release);
    }

    pub(crate) fn holds_one(&self) -> bool {
        self.inside.held.load(Ordering::Acquire)
    }

    /// Delivers what is held back, and waits until the server has answered it or closed.
    pub(crate) async fn deliver(&self) {
        assert!(self.holds_one(), "nothing is held back");
        self.release.add_permits(1);
        until("it is delivered", || async { self.inside.delivered.load(Ordering::Acquire) }).await;
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.inside.came.lock().unwrap().clone()
    }
}

async fn between(
    mut one: TcpStream,
    mut other: TcpStream,
    mark: &[u8],
    inside: &Inside,
    release: &Semaphore,
    store: &Path,
) {
    let (mut up, mut down) = (vec![0; 16_384], vec![0; 16_384]);
    let mut here = true;
    loop {
        tokio::select! {
            read = one.read(&mut up), if here => {
                let Ok(read @ 1..) = read else { return };
                if up[..read].windows(mark.len()).any(|part| part == mark) {
                    let late = inside.holds.swap(false, Ordering::AcqRel);
                    if late {
                        inside.held.store(true, Ordering::Release);
                        release.acquire().await.unwrap().forget();
                        // Whoever sent it may be gone; the server is not to notice.
                        here = false;
                    }
                    inside.came.lock().unwrap().push(Came { alive: lives(store), late });
                }
                if other.write_all(&up[..read]).await.is_err() {
                    return;
                }
            }
            read = other.read(&mut down) => {
                let read = read.unwrap_or_default();
                if !here {
                    inside.delivered.store(true, Ordering::Release);
                    here = true;
                }
                if read == 0 || one.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether the coordinator has a session that is not over.
fn lives(store: &Path) -> bool {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = rusqlite::Connection::open_with_flags(store.join("watchkeeper.db"), flags).unwrap();
    let until = "SELECT max(until) FROM sessions";
    let until: Option<i64> = store.query_row(until, [], |row| row.get(0)).unwrap();
    until.is_some_and(|until| until > i64::try_from(now().as_micros()).unwrap())
}
