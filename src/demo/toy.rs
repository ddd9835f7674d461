//! The toy world: a service in two regions and three reference points, each a real socket on loopback, that can fail in
//! two ways and be mended. It knows nothing of who watches it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// The regions, in order of preference.
const REGIONS: [&str; 2] = ["east", "west"];

/// So many connections wait to be taken, while somebody takes them.
const WAITING: u32 = 128;
/// A door that swallows packets has been filled after at most so many connections.
const FILLED: usize = 16;

/// All of it.
pub(super) struct Toy {
    /// The service's doors, a region each.
    pub(super) regions: [Door; 2],
    /// What an observer checks its own view by.
    pub(super) points: [Door; 3],
    changed: Arc<AtomicU64>,
}

impl Toy {
    /// On ports that the kernel chooses.
    pub(super) fn new() -> io::Result<Toy> {
        let changed = Arc::new(AtomicU64::new(0));
        let door = |name| Door::new(name, Arc::clone(&changed));
        let [east, west] = REGIONS;
        Ok(Toy {
            regions: [door(east)?, door(west)?],
            points: [door("point-1")?, door("point-2")?, door("point-3")?],
            changed: Arc::clone(&changed),
        })
    }

    /// How often somebody asked for more than `/health`: whoever only watches never does.
    pub(super) fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// The server of that region ends: whoever calls is refused.
    pub(super) async fn end(&mut self, region: &str) {
        for door in self.regions.iter_mut().filter(|door| door.name == region) {
            door.shut().await;
        }
    }

    /// All at once swallow packets, as seen from a machine whose cable is pulled.
    pub(super) async fn vanish(&mut self) -> io::Result<()> {
        for door in self.doors() {
            door.swallow().await?;
        }
        Ok(())
    }

    /// Everything answers again.
    pub(super) async fn mend(&mut self) -> io::Result<()> {
        for door in self.doors() {
            door.shut().await;
            door.open()?;
        }
        Ok(())
    }

    fn doors(&mut self) -> impl Iterator<Item = &mut Door> {
        self.regions.iter_mut().chain(&mut self.points)
    }
}

/// A port that is ours for as long as the toy is, whether anything answers there or not.
pub(super) struct Door {
    name: &'static str,
    pub(super) address: SocketAddr,
    /// Bound and never listened on: nobody else is given the port while nothing answers there.
    _ours: TcpSocket,
    changed: Arc<AtomicU64>,
    state: State,
}

enum State {
    Answers(JoinSet<()>),
    Shut,
    Swallows { _full: (TcpListener, Vec<TcpStream>) },
}

impl Door {
    fn new(name: &'static str, changed: Arc<AtomicU64>) -> io::Result<Door> {
        let ours = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = ours.local_addr()?;
        let mut door = Door { name, address, _ours: ours, changed, state: State::Shut };
        door.open()?;
        Ok(door)
    }

    fn open(&mut self) -> io::Result<()> {
        let listener = bound(self.address)?.listen(WAITING)?;
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, self.name, Arc::clone(&self.changed)));
        self.state = State::Answers(serving);
        Ok(())
    }

    /// Returns when nothing listens there any more: two that listen on one port would share its callers.
    async fn shut(&mut self) {
        if let State::Answers(mut serving) = std::mem::replace(&mut self.state, State::Shut) {
            serving.shutdown().await;
        }
    }

    /// A listener that takes nothing and whose queue is full: the kernel drops whatever else arrives.
    async fn swallow(&mut self) -> io::Result<()> {
        self.shut().await;
        let listener = bound(self.address)?.listen(0)?;
        let mut full = Vec::new();
        for _ in 0..FILLED {
            match tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(self.address)).await {
                Ok(taken) => full.push(taken?),
                Err(_) => {
                    self.state = State::Swallows { _full: (listener, full) };
                    return Ok(());
                }
            }
        }
        Err(io::Error::other(format!(
            "{} takes connections without end, and should swallow them",
            self.address
        )))
    }
}

/// A socket at that address, beside the one that keeps it ours.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Answers until it is dropped, with all that it has under way.
async fn serve(listener: TcpListener, name: &'static str, changed: Arc<AtomicU64>) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, _)) => {
                    let changed = Arc::clone(&changed);
                    callers.spawn(async move {
                        let answers = service_fn(|request| answer(name, &changed, request));
                        // A caller that goes away in mid-sentence is its own affair.
                        drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answers).await);
                    });
                }
                // Out of descriptors, mostly: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = callers.join_next() => {}
        }
    }
}

/// `/health` says that it is well; nothing else is there, and whoever asks for it is counted.
fn answer(
    name: &'static str,
    changed: &AtomicU64,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + use<> {
    let well = request.uri().path() == "/health";
    if !well {
        changed.fetch_add(1, Ordering::Relaxed);
    }
    let (code, status) = if well { (200, "ok") } else { (404, "there is only /health") };
    let body = format!("{{\"region\":\"{name}\",\"status\":\"{status}\"}}\n");
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = hyper::StatusCode::from_u16(code).unwrap_or_default();
    std::future::ready(Ok(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a connection is made within a fifth of a second; none: nobody said anything.
    async fn calls(at: SocketAddr) -> Option<bool> {
        let call = TcpStream::connect(at);
        tokio::time::timeout(Duration::from_millis(200), call).await.ok().map(|made| made.is_ok())
    }

    #[tokio::test]
    async fn it_ends_swallows_and_is_mended_on_the_same_ports() {
        let mut toy = Toy::new().unwrap();
        let [east, west] = [toy.regions[0].address, toy.regions[1].address];
        assert_eq!((calls(east).await, calls(west).await), (Some(true), Some(true)));
        toy.end("east").await;
        let others = Toy::new().unwrap();
        assert!(others.regions.iter().chain(&others.points).all(|door| door.address != east));
        assert_eq!((calls(east).await, calls(west).await), (Some(false), Some(true)));
        toy.vanish().await.unwrap();
        for door in toy.regions.iter().chain(&toy.points) {
            assert_eq!(calls(door.address).await, None, "{}", door.address);
        }
        toy.mend().await.unwrap();
        for door in toy.regions.iter().chain(&toy.points) {
            assert_eq!(calls(door.address).await, Some(true), "{}", door.address);
        }
    }

    #[tokio::test]
    async fn whoever_asks_for_more_than_health_is_counted() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let toy = Toy::new().unwrap();
        let mut answers = Vec::new();
        for path in ["/health", "/take-over"] {
            let mut stream = TcpStream::connect(toy.regions[1].address).await.unwrap();
            let asked = format!("POST {path} HTTP/1.1\r\nhost: toy\r\nconnection: close\r\n\r\n");
            stream.write_all(asked.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answers.push((answer.lines().next().unwrap().to_owned(), toy.changed()));
        }
        assert_eq!(answers, [("HTTP/1.1 200 OK".to_owned(), 0), ("HTTP/1.1 404 Not Found".to_owned(), 1)]);
    }
}
