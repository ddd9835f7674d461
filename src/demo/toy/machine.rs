//! The machine that a region's server runs on: it can be ended, as by a crash; switched off from outside, which is a fence;
//! and switched on again. Users and the daemon come by doors of their own, so that one way can be cut without the other.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::door::{Behind, Door};
use super::mark::{Late, Mark};
use super::server::Server;

/// It.
pub(super) struct Machine {
    pub(super) server: Arc<Server>,
    /// The users' way in, and the other region's.
    pub(super) front: Door,
    /// The daemon's.
    pub(super) back: Door,
    works: JoinSet<()>,
    mark: Mark,
}

impl Machine {
    /// Switched off, with the front door that was announced.
    pub(super) fn new(server: Arc<Server>, front: Door) -> io::Result<Machine> {
        let back = Door::new(0, Behind::Server(Arc::clone(&server)))?;
        Ok(Machine { server, front, back, works: JoinSet::new(), mark: Mark::default() })
    }

    pub(super) fn on(&mut self) -> io::Result<()> {
        if self.runs() {
            return Ok(());
        }
        self.front.open()?;
        self.back.open()?;
        let server = Arc::clone(&self.server);
        self.works.spawn(async move { server.runs().await });
        Ok(())
    }

    pub(super) fn runs(&self) -> bool {
        self.front.answers()
    }

    /// Whether it runs; whoever looks with a token is not overtaken by an older one.
    pub(super) fn looks(&mut self, token: Option<&str>) -> Result<bool, Late> {
        match token {
            Some(token) => self.mark.raise(Some(token)).map(|()| self.runs()),
            None => Ok(self.runs()),
        }
    }

    /// The server ends at once: whoever calls is refused.
    pub(super) async fn end(&mut self) {
        self.works.shutdown().await;
        self.front.shut().await;
        self.back.shut().await;
    }

    /// It is switched off, and when it is on again it takes no writes.
    pub(super) async fn fence(&mut self, token: Option<&str>) -> Result<(), Late> {
        self.mark.raise(token)?;
        self.end().await;
        self.server.fence();
        Ok(())
    }
}
