//! `grpc`: the standard health service (`grpc.health.v1`), one call over a connection of its own.
//!
//! A service that is not known there is a failure: somebody wrote its name into the plan.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::trust::Trust;
use super::wire::{self, Wire, beside};
use super::{Look, Phase, Seen, Why, blind, brief, failed};
use crate::config::probe::Grpc as Wiring;
use crate::core::health::{Blindness, Failure};

/// So much is read from a server in one look, and of it of one message and one head.
const MOST: u64 = 256 * 1024;
const MESSAGE: usize = 16 * 1024;
const HEAD: u32 = 16 * 1024;

pub(super) struct Grpc {
    wiring: Wiring,
    trust: Trust,
}

/// One connection, as tonic's client wants it: none is ever made anew behind our back.
struct Line(SendRequest<Body>);

impl Service<http::Request<Body>> for Line {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

impl Grpc {
    pub(super) fn new(wiring: Wiring) -> Grpc {
        let trust = Trust::new(wiring.ca.clone(), None);
        Grpc { wiring, trust }
    }
}

impl Look for Grpc {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let (host, port) = wire::address(&self.wiring.address)?;
            let stream = wire::connect(seen, host, port).await?;
            let wire = if self.wiring.tls {
                Wire::tls(self.trust.handshake(seen, stream, host, Some(b"h2")).await?, MOST)
            } else {
                Wire::plain(stream, MOST)
            };
            let left = wire.left();
            let scheme = if self.wiring.tls { "https" } else { "http" };
            let origin = format!("{scheme}://{}", self.wiring.address).parse();
            let origin = origin.map_err(|_| {
                blind(Blindness::Evaluation, format!("`{}` is no address", self.wiring.address))
            })?;
            let mut builder = Builder::new(TokioExecutor::new());
            builder
                .max_header_list_size(HEAD)
                .initial_stream_window_size(HEAD)
                .initial_connection_window_size(HEAD);
            let opened = seen.phase(Phase::Login, builder.handshake(TokioIo::new(wire))).await;
            let (sender, line) = opened.map_err(|error| broken(&error))?;
            let mut line = Some(Box::pin(line));
            let mut client =
                HealthClient::with_origin(Line(sender), origin).max_decoding_message_size(MESSAGE);
            let request = HealthCheckRequest { service: self.wiring.service.clone() };
            let answer = seen.phase(Phase::Answer, beside(&mut line, client.check(request))).await;
            let answer =
                answer.map_err(|status| wire::too_much(&left, MOST).unwrap_or_else(|| said(&status)))?;
            let status = ServingStatus::try_from(answer.into_inner().status);
            let status =
                status.map_err(|_| failed(Failure::BadAnswer, "its status is none that gRPC knows"))?;
            let text = status.as_str_name();
            seen.vars.set("status", text);
            if status == ServingStatus::Serving || seen.wants("status") {
                return Ok(());
            }
            Err(failed(Failure::Unmet(0), format!("it says {text}")))
        })
    }
}

fn broken(error: &hyper::Error) -> Why {
    match wire::io_in(error) {
        Some(io) => wire::broken(io),
        None if error.is_closed() || error.is_canceled() || error.is_incomplete_message() => {
            failed(Failure::Closed, "the connection was closed in the middle")
        }
        None => failed(Failure::BadAnswer, format!("this is no HTTP/2: {error}")),
    }
}

fn said(status: &Status) -> Why {
    let detail = brief(status.message());
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return broken(error);
        }
        cause = error.source();
    }
    match status.code() {
        Code::NotFound => failed(Failure::Unmet(0), "its health service does not know that name"),
        Code::Unimplemented => failed(Failure::BadAnswer, "it has no health service"),
        Code::Unauthenticated => blind(Blindness::Secret, format!("it does not let us in: {detail}")),
        Code::DeadlineExceeded => failed(Failure::TimedOut, detail),
        Code::Unavailable => failed(Failure::Closed, format!("it closes the connection: {detail}")),
        code => failed(Failure::BadAnswer, format!("it answers {code:?}: {detail}")),
    }
}
