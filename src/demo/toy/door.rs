//! A door of the toy: a port on loopback that is ours for as long as the toy is, whether something answers there, nobody
//! listens, or packets are swallowed. It knows nothing of what is behind it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::provider::Provider;
use super::server::Server;
use super::store_words;

/// So many connections wait to be taken, while somebody takes them.
const WAITING: u32 = 128;
/// A door that swallows packets has been filled after at most so many connections.
const FILLED: usize = 16;
/// No request is longer, in bytes.
const LONGEST: usize = 64 * 1024;
/// Who comes with it changes something, and is compared with who came before.
const TOKEN: &str = "watchkeeper-token";

/// What is behind a door.
#[derive(Clone)]
pub(super) enum Behind {
    /// Something that lives.
    Point,
    Server(Arc<Server>),
    Provider(Arc<Provider>),
}

/// What somebody asks.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) token: Option<String>,
    pub(super) body: String,
}

/// The door.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    /// Bound and never listened on: nobody else is given the port while nothing answers there.
    _ours: TcpSocket,
    behind: Behind,
    state: State,
}

enum State {
    Answers(JoinSet<()>),
    Shut,
    Swallows { _full: (TcpListener, Vec<TcpStream>) },
}

impl Door {
    /// On a port that the kernel chooses, in that part of loopback; shut.
    pub(super) fn new(network: u8, behind: Behind) -> io::Result<Door> {
        let ours = bound(SocketAddr::from((Ipv4Addr::new(127, network, 0, 1), 0)))?;
        let address = ours.local_addr()?;
        Ok(Door { address, _ours: ours, behind, state: State::Shut })
    }

    pub(super) fn open(&mut self) -> io::Result<()> {
        let listener = bound(self.address)?.listen(WAITING)?;
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, self.behind.clone()));
        self.state = State::Answers(serving);
        Ok(())
    }

    pub(super) const fn answers(&self) -> bool {
        matches!(self.state, State::Answers(_))
    }

    /// Returns when nothing listens there any more: two that listen on one port would share its callers.
    pub(super) async fn shut(&mut self) {
        if let State::Answers(mut serving) = std::mem::replace(&mut self.state, State::Shut) {
            serving.shutdown().await;
        }
    }

    /// A listener that takes nothing and whose queue is full: the kernel drops whatever else arrives.
    pub(super) async fn swallow(&mut self) -> io::Result<()> {
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
        let at = self.address;
        Err(io::Error::other(format!("{at} takes connections without end, and should swallow them")))
    }

    /// It answers as before, if packets were swallowed.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Swallows { .. }) {
            self.state = State::Shut;
            self.open()?;
        }
        Ok(())
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
async fn serve(listener: TcpListener, behind: Behind) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, _)) => drop(callers.spawn(talk(stream, behind.clone()))),
                // Out of descriptors, mostly: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = callers.join_next() => {}
        }
    }
}

/// A caller that goes away in mid-sentence is its own affair.
async fn talk(stream: TcpStream, behind: Behind) {
    if let Behind::Server(server) = &behind {
        let mut first = [0];
        match stream.peek(&mut first).await {
            // So begins a command to a store, and no request for a page.
            Ok(1) if first == *b"*" => return drop(store_words::talk(stream, server).await),
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let answers = service_fn(|request| answer(behind.clone(), request));
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answers).await);
}

async fn answer(behind: Behind, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let (code, body) = match Limited::new(body, LONGEST).collect().await {
        Ok(body) => {
            let token = head.headers.get(TOKEN).and_then(|token| token.to_str().ok()).map(str::to_owned);
            let asked = Asked {
                method: head.method.as_str().to_owned(),
                path: head.uri.path().to_owned(),
                token,
                body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            };
            reply(&behind, &asked).await
        }
        Err(_) => (400, json!({ "why": "this cannot be read" })),
    };
    let mut answer = Response::new(Full::from(format!("{body}\n")));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or_default();
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(answer)
}

async fn reply(behind: &Behind, asked: &Asked) -> (u16, Value) {
    match behind {
        Behind::Point => (200, json!({ "status": "ok" })),
        Behind::Server(server) => server.reply(asked).await,
        Behind::Provider(provider) => provider.reply(asked).await,
    }
}
