//! The toy's provider stands outside both regions: it switches a region's server off and says whether it runs, and it leads
//! users to one region. It never decides anything by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::door::Asked;
use super::machine::Machine;
use super::mark::{Late, Mark};

/// It.
pub(super) struct Provider {
    machines: Mutex<Vec<Entry>>,
    route: Mutex<Route>,
}

/// A region's machine, and where users find it.
struct Entry {
    region: &'static str,
    address: SocketAddr,
    machine: Arc<tokio::sync::Mutex<Machine>>,
}

struct Route {
    region: &'static str,
    mark: Mark,
}

impl Provider {
    /// Users are led to that region.
    pub(super) fn new(region: &'static str) -> Provider {
        Provider { machines: Mutex::default(), route: Mutex::new(Route { region, mark: Mark::default() }) }
    }

    /// That machine is there too, and users find it at this address.
    pub(super) fn add(
        &self,
        region: &'static str,
        address: SocketAddr,
        machine: Arc<tokio::sync::Mutex<Machine>>,
    ) {
        self.entries().push(Entry { region, address, machine });
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self) -> MutexGuard<'_, Route> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn reply(&self, asked: &Asked) -> (u16, Value) {
        let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["route"]) => self.leads(),
            ("GET", ["route", region]) => {
                let mut route = self.route();
                if let Some(token) = &asked.token
                    && let Err(late) = route.mark.raise(Some(token))
                {
                    return late.refused();
                }
                (if route.region == *region { 200 } else { 404 }, json!({ "region": route.region }))
            }
            ("POST", ["route"]) => self.lead(asked),
            ("GET", ["servers", region]) => match self.machine(region) {
                Some(machine) => match machine.lock().await.looks(asked.token.as_deref()) {
                    Ok(running) => (200, json!({ "region": region, "running": running })),
                    Err(late) => late.refused(),
                },
                None => (404, json!({ "why": "there is no such server" })),
            },
            ("POST", ["servers", _, "off"]) if asked.token.is_none() => Late::None.refused(),
            ("POST", ["servers", region, "off"]) => match self.machine(region) {
                Some(machine) => {
                    let mut machine = machine.lock().await;
                    match machine.fence(asked.token.as_deref()).await {
                        Ok(()) => (200, json!({ "region": region, "running": machine.runs() })),
                        Err(late) => late.refused(),
                    }
                }
                None => (404, json!({ "why": "there is no such server" })),
            },
            _ => (404, json!({ "why": "there is no such thing here" })),
        }
    }

    fn machine(&self, region: &str) -> Option<Arc<tokio::sync::Mutex<Machine>>> {
        let entries = self.entries();
        let entry = entries.iter().find(|entry| entry.region == region)?;
        Some(Arc::clone(&entry.machine))
    }

    fn leads(&self) -> (u16, Value) {
        let region = self.route().region;
        let entries = self.entries();
        let address =
            entries.iter().find(|entry| entry.region == region).map(|entry| entry.address.to_string());
        (200, json!({ "region": region, "address": address }))
    }

    fn lead(&self, asked: &Asked) -> (u16, Value) {
        let known =
            self.entries().iter().map(|entry| entry.region).find(|region| *region == asked.body.trim());
        let mut route = self.route();
        match (known, route.mark.raise(asked.token.as_deref())) {
            (_, Err(late)) => late.refused(),
            (None, _) => (400, json!({ "why": "there is no such region" })),
            (Some(region), Ok(())) => {
                route.region = region;
                (200, json!({ "region": region }))
            }
        }
    }
}
