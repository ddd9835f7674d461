//! `grpc`: the standard health service (`grpc.health.v1`), one call over a connection of its own.
//!
//! A service that is not known there is a failure: somebody wrote its name into the plan.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tonic::codegen::Service;
use tonic::transport::{Endpoint, Uri};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Serving;
use tonic_health::pb::health_client::HealthClient;

use super::trust::Trust;
use super::wire::{self, Wire};
use super::{Look, Phase, Seen, Why, blind, failed};
use crate::config::probe::Grpc as Wiring;
use crate::core::health::{Blindness, Failure};

/// So much is read from a server in one look.
const MOST: u64 = 256 * 1024;

pub(super) struct Grpc {
    wiring: Wiring,
    trust: Trust,
}

/// Hands a connection that stands already to tonic, once.
struct Given(Mutex<Option<Wire>>);

impl Service<Uri> for Given {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, _: Uri) -> Self::Future {
        let wire = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(std::future::ready(wire.map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into())))
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
            let scheme = if self.wiring.tls { "https" } else { "http" };
            let endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.wiring.address))
                .map_err(|_| {
                    blind(Blindness::Evaluation, format!("`{}` is no address", self.wiring.address))
                })?
                .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
                .map_err(|_| blind(Blindness::Evaluation, "our own name cannot be sent"))?;
            let channel = seen
                .phase(Phase::Login, endpoint.connect_with_connector(Given(Mutex::new(Some(wire)))))
                .await;
            let channel = channel.map_err(|error| match wire::io_in(&error) {
                Some(io) => wire::broken(io),
                None => failed(Failure::BadAnswer, format!("this is no HTTP/2: {error}")),
            })?;
            let mut client = HealthClient::new(channel).max_decoding_message_size(16 * 1024);
            let request = HealthCheckRequest { service: self.wiring.service.clone() };
            let answer =
                seen.phase(Phase::Answer, client.check(request)).await.map_err(|status| said(&status))?;
            let status = Serving::try_from(answer.into_inner().status);
            let status =
                status.map_err(|_| failed(Failure::BadAnswer, "its status is none that gRPC knows"))?;
            let text = status.as_str_name();
            seen.vars.set("status", text);
            if status == Serving::Serving || seen.wants("status") {
                return Ok(());
            }
            Err(failed(Failure::Unmet(0), format!("it says {text}")))
        })
    }
}

fn said(status: &Status) -> Why {
    let detail: String =
        status.message().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    let io = std::error::Error::source(status).and_then(|cause| wire::io_in(cause));
    if let Some(io) = io {
        return wire::broken(io);
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
