//! `tls`: the certificate that a server shows, and for how long it is good.
//!
//! A certificate that is not good is a failure also where an expectation would be content with it.

use futures::future::BoxFuture;

use super::trust::Trust;
use super::{Look, Seen, Why, wire};
use crate::config::probe::Tls as Wiring;

pub(super) struct Tls {
    wiring: Wiring,
    trust: Trust,
}

impl Tls {
    pub(super) fn new(wiring: Wiring) -> Tls {
        let trust = Trust::new(wiring.ca.clone(), None);
        Tls { wiring, trust }
    }
}

impl Look for Tls {
    fn look<'a>(&'a self, seen: &'a mut Seen<'_>) -> BoxFuture<'a, Result<(), Why>> {
        Box::pin(async move {
            let (host, port) = wire::address(&self.wiring.address)?;
            let name = self.wiring.name.as_deref().unwrap_or(host);
            let stream = wire::connect(seen, host, port).await?;
            drop(self.trust.handshake(seen, stream, name, None).await?);
            Ok(())
        })
    }
}
