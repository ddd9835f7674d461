//! The toy world: a service in two regions, what leads users and switches servers off, and three reference points, each a
//! real socket on loopback, that can fail and be mended. It knows nothing of who watches it.

mod door;
mod machine;
mod mark;
mod provider;
mod server;
mod store_words;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use door::{Behind, Door};
use machine::Machine;
use provider::Provider;
use server::{Role, Server};

/// The regions, in order of preference. The service begins in the first.
pub(super) const REGIONS: [&str; 2] = ["east", "west"];

/// All of it.
pub(super) struct Toy {
    machines: [Arc<tokio::sync::Mutex<Machine>>; 2],
    /// Where users ask where they are led.
    front: Door,
    /// Where the daemon does.
    back: Door,
    points: [Door; 3],
    pub(super) addresses: Addresses,
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// The servers', by region, as the daemon reaches them,
    pub(super) servers: [SocketAddr; 2],
    /// and as users do.
    pub(super) fronts: [SocketAddr; 2],
    /// What leads users and switches servers off, for the daemon,
    pub(super) provider: SocketAddr,
    /// and for users.
    pub(super) way: SocketAddr,
    /// What an observer checks its own view by.
    pub(super) points: [SocketAddr; 3],
}

impl Toy {
    /// On ports that the kernel chooses.
    pub(super) fn new() -> io::Result<Toy> {
        let [first, second] = REGIONS;
        let provider = Arc::new(Provider::new(first));
        let (mut front, mut back) = (
            Door::new(0, Behind::Provider(Arc::clone(&provider)))?,
            Door::new(0, Behind::Provider(Arc::clone(&provider)))?,
        );
        let machine = |region, role| -> io::Result<Machine> {
            let server = Arc::new(Server::new(region, role, front.address));
            let front = Door::new(0, Behind::Server(Arc::clone(&server)))?;
            Machine::new(server, front)
        };
        let mut primary = machine(first, Role::Primary)?;
        let mut standby = machine(second, Role::Standby(primary.front.address))?;
        primary.on()?;
        standby.on()?;
        let mut points = [1, 2, 3].map(|network| Door::new(network, Behind::Point));
        for point in points.iter_mut().flatten() {
            point.open()?;
        }
        let [one, two, three] = points;
        let points = [one?, two?, three?];
        let addresses = Addresses {
            servers: [primary.back.address, standby.back.address],
            fronts: [primary.front.address, standby.front.address],
            provider: back.address,
            way: front.address,
            points: points.each_ref().map(|point| point.address),
        };
        let machines = [primary, standby].map(|machine| Arc::new(tokio::sync::Mutex::new(machine)));
        for ((region, address), machine) in REGIONS.iter().zip(addresses.fronts).zip(&machines) {
            provider.add(region, address, Arc::clone(machine));
        }
        front.open()?;
        back.open()?;
        Ok(Toy { machines, front, back, points, addresses })
    }

    /// The server of that region ends, as by a crash: whoever calls is refused.
    pub(super) async fn end(&self, region: &str) {
        for (_, machine) in self.machines_of(region) {
            machine.lock().await.end().await;
        }
    }

    /// Somebody switches the server of that region on again.
    pub(super) async fn on(&self, region: &str) -> io::Result<()> {
        for (_, machine) in self.machines_of(region) {
            machine.lock().await.on()?;
        }
        Ok(())
    }

    fn machines_of(
        &self,
        region: &str,
    ) -> impl Iterator<Item = (&'static str, &Arc<tokio::sync::Mutex<Machine>>)> {
        let all = REGIONS.into_iter().zip(&self.machines);
        all.filter(move |(name, _)| *name == region)
    }

    /// Everything that the daemon reaches swallows its packets, as seen from a machine whose cable is pulled. Users go their
    /// own ways.
    pub(super) async fn cut(&mut self) -> io::Result<()> {
        for point in &mut self.points {
            point.swallow().await?;
        }
        for machine in &self.machines {
            machine.lock().await.back.swallow().await?;
        }
        self.back.swallow().await
    }

    /// The cable is in again.
    pub(super) async fn mend(&mut self) -> io::Result<()> {
        for machine in &self.machines {
            machine.lock().await.back.mend()?;
        }
        self.back.mend()?;
        self.points.iter_mut().try_for_each(Door::mend)
    }

    /// Nothing of it answers any more.
    pub(super) async fn close(mut self) {
        for machine in &self.machines {
            machine.lock().await.end().await;
        }
        self.front.shut().await;
        self.back.shut().await;
    }
}
