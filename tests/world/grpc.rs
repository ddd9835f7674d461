//! `grpc` against a real health service, and against what is none.

use std::path::PathBuf;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::codegen::Service;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use watchkeeper::config::probe::{Grpc, Kind};
use watchkeeper::core::health::Failure;

use super::child::free_port;
use super::evil::{End, Evil, black_hole};
use super::look::{failed, look, look_for, ok};
use super::tls::Authority;

fn grpc(address: String, service: &str, ca: Option<PathBuf>) -> Kind {
    Kind::Grpc(Grpc { address, service: service.to_owned(), tls: ca.is_some(), ca })
}

pub(crate) async fn serve(acceptor: Option<tokio_rustls::TlsAcceptor>) -> (u16, HealthReporter, JoinSet<()>) {
    let (reporter, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut one = JoinSet::new();
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                Some(_) = one.join_next() => continue,
            };
            let (health, acceptor) = (health.clone(), acceptor.clone());
            one.spawn(async move {
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let mut health = health.clone();
                    async move { health.call(request).await }
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                match acceptor {
                    Some(acceptor) => {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        builder.serve_connection(TokioIo::new(stream), service).await.ok();
                    }
                    None => {
                        builder.serve_connection(TokioIo::new(stream), service).await.ok();
                    }
                }
            });
        }
    });
    (port, reporter, tasks)
}

#[tokio::test]
async fn what_serves_is_ok_and_what_does_not_is_not() {
    let (port, reporter, _tasks) = serve(None).await;
    let at = |service: &str| grpc(format!("127.0.0.1:{port}"), service, None);
    ok(&look(at(""), &["status == 'SERVING'"]).await);
    failed(&look(at("shop.v1.Shop"), &[]).await, Failure::Unmet(0));
    reporter.set_service_status("shop.v1.Shop", ServingStatus::Serving).await;
    ok(&look(at("shop.v1.Shop"), &[]).await);
    reporter.set_service_status("shop.v1.Shop", ServingStatus::NotServing).await;
    failed(&look(at("shop.v1.Shop"), &[]).await, Failure::Unmet(0));
    ok(&look(at("shop.v1.Shop"), &["status == 'NOT_SERVING'"]).await);
}

#[tokio::test]
async fn it_goes_through_tls() {
    let ours = Authority::new();
    let (port, _reporter, _tasks) =
        serve(Some(ours.server("localhost", (2020, 2060), false, &[b"h2"]))).await;
    ok(&look(grpc(format!("localhost:{port}"), "", Some(ours.ca())), &[]).await);
    let stranger = Authority::new();
    failed(&look(grpc(format!("localhost:{port}"), "", Some(stranger.ca())), &[]).await, Failure::Untrusted);
}

#[tokio::test]
async fn what_is_no_grpc_has_failed() {
    failed(&look(grpc(format!("127.0.0.1:{}", free_port()), "", None), &[]).await, Failure::Refused);
    let hole = black_hole();
    failed(&look_for(grpc(format!("127.0.0.1:{}", hole.port), "", None), &[], 300).await, Failure::TimedOut);
    let silent = Evil::saying(b"", End::Hang).await;
    failed(&look_for(grpc(silent.address(), "", None), &[], 300).await, Failure::TimedOut);
    for (bytes, end) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], End::Close),
        (b"", End::Close),
        (b"\0\0\x06\x04\0\0\0\0\0", End::Close),
        (b"xxxxxxxxxxxxxxxxxxxxxxxx", End::Endless),
    ] {
        let evil = Evil::saying(bytes, end).await;
        let found = look(grpc(evil.address(), "", None), &[]).await;
        assert!(
            matches!(
                found.outcome,
                watchkeeper::core::health::Outcome::Failed(Failure::BadAnswer | Failure::Closed)
            ),
            "{found:?}"
        );
    }
}
