//! The port: who connects is served, so many at once and no more, and nobody can hold it open.
//!
//! Each connection is a task of this one's set and ends with it. One that outlived it would keep the chronicle, and so
//! the store, from being closed.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Doors, router};

/// So many connections at once; who comes then waits in the kernel's queue.
const MOST: usize = 512;
/// The head of a request must be whole by then.
const HEAD: Duration = Duration::from_secs(10);
/// A listener that can take nobody, since descriptors are used up, tries again so soon.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves until it is stopped; what is under way is then finished, as long as whoever waits for this has patience.
pub async fn serve(listener: TcpListener, doors: Doors, stop: CancellationToken) {
    let (service, places) = (TowerToHyperService::new(router(doors)), Arc::new(Semaphore::new(MOST)));
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            // The semaphore is never closed.
            Ok(place) = Arc::clone(&places).acquire_owned() => place,
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(why) => {
                    tracing::warn!(%why, "the API takes nobody for now; it tries again");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            },
        };
        let (service, stop) = (service.clone(), stop.clone());
        connections.spawn(async move {
            one(stream, service, stop).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, to its end.
async fn one(stream: TcpStream, service: TowerToHyperService<axum::Router>, stop: CancellationToken) {
    // Only a matter of speed.
    drop(stream.set_nodelay(true));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    // Whoever asked may have gone, or may speak another language: nobody is there to be told.
    tokio::select! {
        ended = connection.as_mut() => return drop(ended),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
