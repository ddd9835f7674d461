//! Between a step and its server: lets through, until the bytes that are waited for go by. Then it loses every answer,
//! or holds those bytes back and delivers them late, whoever still waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// Delivers what is held back.
    pub(crate) release: Arc<Semaphore>,
    /// So much of it was delivered, and the server has closed since.
    pub(crate) delivered: Arc<AtomicBool>,
    /// It saw what it was to wait for.
    pub(crate) saw: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Delivers what was held back, and waits until the server has had it.
    pub(crate) async fn deliver(&self) {
        assert!(self.saw.load(Ordering::Acquire), "nothing is held back");
        self.release.add_permits(1);
        crate::child::until("it is delivered", || async { self.delivered.load(Ordering::Acquire) }).await;
    }

    /// After these bytes have gone to the server nothing comes back any more.
    pub(crate) async fn losing(to: u16, after: &'static [u8]) -> Proxy {
        Proxy::start(to, after, false).await
    }

    /// These bytes, and what follows, wait until they are released.
    pub(crate) async fn holding(to: u16, after: &'static [u8]) -> Proxy {
        Proxy::start(to, after, true).await
    }

    async fn start(to: u16, after: &'static [u8], hold: bool) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let saw = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let (release, delivered) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, may, did) = (saw.clone(), release.clone(), delivered.clone());
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((one, _)) = listener.accept().await {
                let (saw, may, did) = (seen.clone(), may.clone(), did.clone());
                lines.spawn(async move {
                    let Ok(other) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let held = hold.then_some((&*may, &*did));
                    between(one, other, after, &saw, held).await;
                });
            }
        });
        Proxy { port, release, delivered, saw, _tasks: tasks }
    }
}

async fn between(
    mut one: TcpStream,
    mut other: TcpStream,
    after: &[u8],
    saw: &AtomicBool,
    held: Option<(&Semaphore, &AtomicBool)>,
) {
    let (mut up, mut down) = (vec![0; 16_384], vec![0; 16_384]);
    let mut lost = false;
    loop {
        tokio::select! {
            read = one.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                if up[..read].windows(after.len()).any(|part| part == after) {
                    lost = true;
                    saw.store(true, Ordering::Release);
                    if let Some((release, delivered)) = held {
                        release.acquire().await.unwrap().forget();
                        other.write_all(&up[..read]).await.ok();
                        // Its answer, if it has one for whoever is gone.
                        let read = tokio::time::timeout(Duration::from_secs(2), other.read(&mut down)).await;
                        assert!(!matches!(read, Ok(Err(_))), "the server was not reached");
                        delivered.store(true, Ordering::Release);
                        return;
                    }
                }
                if other.write_all(&up[..read]).await.is_err() {
                    return;
                }
            }
            read = other.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if !lost && one.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
