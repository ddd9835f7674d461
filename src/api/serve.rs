//! Serves connections, plain or by TLS, each within bounds: so many at once, so many from one address, so long for a
//! handshake, a head and a body, and so much of each.
//!
//! The certificate is looked up at each handshake, so that a renewed one is shown from then on. It must never let one
//! client keep another out, nor answer by TLS in the clear.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::auth::Peer;
use super::{Doors, PATIENCE, router};

/// The first byte of every TLS connection.
const HANDSHAKE: u8 = 0x16;
/// No free descriptor: somebody must close one first.
const CROWDED: Duration = Duration::from_millis(100);

/// What a client may take of us.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; who comes then is cut off.
    pub connections: usize,
    /// Of these, from one address.
    pub from_one: usize,
    /// For a handshake, and for a head; a connection that says nothing for so long is closed.
    pub head: Duration,
    /// For a body.
    pub body: Duration,
    /// Then a connection is ended in order, so that nobody stays on an old certificate.
    pub life: Duration,
    /// Of a head, in bytes.
    pub head_size: usize,
    /// Of a body, in bytes.
    pub body_size: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connections: 256,
            from_one: 64,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            life: Duration::from_secs(600),
            head_size: 16 * 1024,
            body_size: 64 * 1024,
        }
    }
}

/// Serves until it is stopped; what is under way is then finished.
pub async fn serve(
    listener: TcpListener,
    doors: Doors,
    bounds: Bounds,
    stop: CancellationToken,
) -> io::Result<()> {
    let router = router(doors.clone());
    let mut open: JoinSet<()> = JoinSet::new();
    let mut peers: BTreeMap<Id, IpAddr> = BTreeMap::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = open.join_next_with_id() => {
                peers.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(why) => {
                tracing::debug!(%why, "a connection to the API was not accepted");
                tokio::time::sleep(CROWDED).await;
                continue;
            }
        };
        let ip = peer.ip().to_canonical();
        let from_one = peers.values().filter(|other| **other == ip).count();
        if peers.len() >= bounds.connections || from_one >= bounds.from_one {
            counter!("watchkeeper_api_connections_refused_total").increment(1);
            continue;
        }
        let task = open.spawn(connection(stream, peer, doors.clone(), router.clone(), bounds, stop.clone()));
        peers.insert(task.id(), ip);
    }
    drop(listener);
    while open.join_next().await.is_some() {}
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    doors: Doors,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) {
    // Only a matter of speed.
    drop(stream.set_nodelay(true));
    let certificate = doors.access.borrow().certificate.clone();
    match certificate {
        None => http(stream, peer, router, bounds, stop).await,
        Some(certificate) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&certificate.config));
            match timeout(bounds.head, handshake(stream, acceptor)).await {
                Ok(Ok(stream)) => http(stream, peer, router, bounds, stop).await,
                Ok(Err(why)) => tracing::debug!(%peer, %why, "no TLS came about with a client of the API"),
                Err(_) => tracing::debug!(%peer, "a client of the API did not finish its handshake"),
            }
        }
    }
}

/// Whoever speaks plain HTTP to it is told so, and nothing else.
async fn handshake(mut stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0; 1];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
        let mut asked = [0; 4_096];
        // What was sent is taken, or the answer would be lost with the connection.
        drop(stream.try_read(&mut asked));
        let say = "this port speaks TLS: ask it by https\n";
        let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n";
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{say}", say.len()).as_bytes()).await?;
        stream.shutdown().await?;
        return Err(io::Error::other("it spoke without TLS"));
    }
    acceptor.accept(stream).await
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| answer(router.clone(), peer, request, bounds));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(bounds.head_size)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(bounds.life) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            // Longer than the longest answer; one that nobody reads is dropped.
            timeout(PATIENCE + bounds.body, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(why) = ended {
        tracing::debug!(%peer, %why, "a connection to the API has failed");
    }
}

/// A request as handlers get it: whole, and with whoever sent it.
async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
    bounds: Bounds,
) -> Result<Response, Infallible> {
    let (mut head, body) = request.into_parts();
    let close = [(axum::http::header::CONNECTION, "close")];
    let body = match timeout(bounds.body, Limited::new(body, bounds.body_size).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(why)) if why.is::<LengthLimitError>() => {
            let say = format!("a body has at most {} bytes\n", bounds.body_size);
            return Ok((StatusCode::PAYLOAD_TOO_LARGE, close, say).into_response());
        }
        Ok(Err(_)) => {
            return Ok((StatusCode::BAD_REQUEST, close, "the body did not come whole\n").into_response());
        }
        Err(_) => {
            let say = format!("the body did not come within {} s\n", bounds.body.as_secs());
            return Ok((StatusCode::REQUEST_TIMEOUT, close, say).into_response());
        }
    };
    head.extensions.insert(Peer(peer.ip()));
    let request = Request::from_parts(head, Body::from(body));
    let answered = timeout(PATIENCE + bounds.body, TowerToHyperService::new(router).call(request)).await;
    Ok(match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => (StatusCode::GATEWAY_TIMEOUT, "no answer: look before you say it again\n").into_response(),
    })
}
