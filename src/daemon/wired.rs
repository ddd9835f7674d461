//! From a loaded config to what a daemon is started with: the same way for `run` and for the demo.

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::{Place, Setup};
use crate::api::{Role, Token};
use crate::config::Loaded;
use crate::config::wiring::{TokenRole, Wiring};

impl From<Loaded> for Setup {
    fn from(loaded: Loaded) -> Setup {
        Setup {
            policy: loaded.policy,
            probes: loaded.wiring.probes,
            references: loaded.wiring.reference_points,
        }
    }
}

impl Place {
    /// As the config says; why it cannot be, if it cannot.
    pub fn of(wiring: &Wiring) -> Result<Place, String> {
        let api = &wiring.api;
        if api.tls.is_some() || !api.listen.ip().is_loopback() {
            return Err(format!(
                "[api] listen = \"{}\": TLS is not built yet, so it listens on loopback only",
                api.listen
            ));
        }
        let half = || SysRng.try_next_u64().map_err(|why| format!("the kernel gives no chance: {why}"));
        let chance = u128::from(half()?) << 64 | u128::from(half()?);
        let tokens = api.tokens.iter().map(|token| Token {
            name: token.name.as_str().to_owned(),
            sha256: token.sha256,
            role: match token.role {
                TokenRole::Viewer => Role::Viewer,
                TokenRole::Operator => Role::Operator,
                TokenRole::Approver => Role::Approver,
                TokenRole::Admin => Role::Admin,
            },
            expires: token.expires.map(|at| at.as_micros() / 1_000_000),
        });
        Ok(Place {
            tokens: tokens.collect(),
            keep_events: wiring.chronicle.keep_events,
            ..Place::new(wiring.chronicle.dir.clone(), api.listen, chance)
        })
    }
}
