//! From a loaded config to what a daemon is started with: the same way for `run` and for the demo.

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::{Edge, Place, Setup};
use crate::config::Loaded;
use crate::config::wiring::Wiring;

impl From<Loaded> for Setup {
    fn from(loaded: Loaded) -> Setup {
        let edge = Edge::of(&loaded.wiring);
        let Wiring { probes, reference_points, .. } = loaded.wiring;
        Setup { policy: loaded.policy, probes, references: reference_points, edge }
    }
}

impl Place {
    /// As the config says; why it cannot be, if it cannot.
    pub fn of(wiring: &Wiring) -> Result<Place, String> {
        let half = || SysRng.try_next_u64().map_err(|why| format!("the kernel gives no chance: {why}"));
        let chance = u128::from(half()?) << 64 | u128::from(half()?);
        Ok(Place {
            keep_events: wiring.chronicle.keep_events,
            keep_samples: wiring.chronicle.keep_samples,
            ..Place::new(wiring.chronicle.dir.clone(), wiring.api.listen, chance)
        })
    }
}
