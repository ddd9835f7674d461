//! `tcp`: a connection, and where something is sent, that something comes back.
//!
//! Without `send` it must not wait for a single byte: many servers wait for the client.

use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::trust::Trust;
use super::wire::{self, Wire};
use super::{Look, Phase, Seen, Why, failed};
use crate::config::probe::Tcp as Wiring;
use crate::core::health::Failure;

/// So much of an answer is looked at.
const MOST: usize = 4 * 1024;

pub(super) struct Tcp {
    wiring: Wiring,
    trust: Trust,
}

impl Tcp {
    pub(super) fn new(wiring: Wiring) -> Tcp {
        let trust = Trust::new(wiring.ca.clone(), None);
        Tcp { wiring, trust }
    }
}

impl Look for Tcp {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let (host, port) = wire::address(&self.wiring.address)?;
            let stream = wire::connect(seen, host, port).await?;
            let mut wire = if self.wiring.tls {
                Wire::tls(self.trust.handshake(seen, stream, host, None).await?, MOST as u64)
            } else {
                Wire::plain(stream, MOST as u64)
            };
            let Some(send) = &self.wiring.send else { return Ok(()) };
            wire.write_all(send.as_bytes()).await.map_err(|error| wire::broken(&error))?;
            wire.flush().await.map_err(|error| wire::broken(&error))?;
            let mut answer = vec![0; MOST];
            let read = seen.phase(Phase::FirstByte, wire.read(&mut answer)).await;
            let mut length = read.map_err(|error| wire::broken(&error))?;
            if length == 0 {
                return Err(failed(Failure::Closed, "it closes the connection without an answer"));
            }
            // One line, where expectations want to read it; what comes later is not waited for.
            while seen.wants("answer")
                && length < MOST
                && !answer.iter().take(length).any(|byte| *byte == b'\n')
            {
                let rest = answer.get_mut(length..).unwrap_or_default();
                match seen.phase(Phase::Answer, wire.read(rest)).await {
                    Ok(0) => break,
                    Ok(read) => length += read,
                    Err(error) => return Err(wire::broken(&error)),
                }
            }
            answer.truncate(length);
            seen.vars.set("answer", String::from_utf8_lossy(&answer).into_owned());
            Ok(())
        })
    }
}
