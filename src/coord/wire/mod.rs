//! What the coordinator's values look like on disk and wire: JSON with names, each kind versioned on its own.
//!
//! A core type can change without its shape changing. Whoever meets a field or a version that it does not know refuses
//! the whole: a record is written as a whole, so one that is half understood would be half lost.

mod entry;
mod plan;
mod record;
mod shape;
mod vote;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::agree::{Record, Velocity, Vote};
use crate::core::plan::{Entry, Plan};
use crate::core::policy::ServicePolicy;
use std::sync::Arc;

pub use shape::Unreadable;
use shape::{Of, Shape};

/// The version of each of them.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    v: u32,
    it: T,
}

fn write<T: Shape>(it: &T, of: Of<'_>) -> Result<String, Unreadable> {
    let versioned = Versioned { v: VERSION, it: it.out(of) };
    serde_json::to_string(&versioned).map_err(|error| Unreadable::new(error.to_string()))
}

fn read<T: Shape>(text: &str, of: Of<'_>) -> Result<T, Unreadable>
where
    T::Wire: DeserializeOwned,
{
    #[derive(Deserialize)]
    struct Which {
        v: u32,
    }
    let broken = |error: serde_json::Error| Unreadable::new(error.to_string());
    let Which { v } = serde_json::from_str(text).map_err(broken)?;
    if v != VERSION {
        return Err(Unreadable::new(format!("it is of version {v}, and this watchkeeper knows {VERSION}")));
    }
    let versioned: Versioned<T::Wire> = serde_json::from_str(text).map_err(broken)?;
    T::back(versioned.it, of)
}

/// A record as text.
pub fn record_out(it: &Record, of: &ServicePolicy) -> Result<String, Unreadable> {
    write(it, Of::service(of))
}

/// A record back from text.
pub fn record_back(text: &str, of: &ServicePolicy) -> Result<Record, Unreadable> {
    read(text, Of::service(of))
}

/// A vote as text.
pub fn vote_out(it: &Vote, of: &ServicePolicy) -> Result<String, Unreadable> {
    write(it, Of::service(of))
}

/// A vote back from text.
pub fn vote_back(text: &str, of: &ServicePolicy) -> Result<Vote, Unreadable> {
    read(text, Of::service(of))
}

/// An entry of a journal as text.
pub fn entry_out(it: &Entry, of: &ServicePolicy) -> Result<String, Unreadable> {
    write(it, Of::service(of))
}

/// An entry of a journal back from text.
pub fn entry_back(text: &str, of: &ServicePolicy) -> Result<Entry, Unreadable> {
    read(text, Of::service(of))
}

/// A plan as text.
pub fn plan_out(it: &Arc<Plan>, of: &ServicePolicy) -> Result<String, Unreadable> {
    write(it, Of::service(of))
}

/// A plan back from text.
pub fn plan_back(text: &str, of: &ServicePolicy) -> Result<Arc<Plan>, Unreadable> {
    read(text, Of::service(of))
}

/// The velocity counter as text.
pub fn velocity_out(it: &Velocity) -> Result<String, Unreadable> {
    write(it, Of::NONE)
}

/// The velocity counter back from text.
pub fn velocity_back(text: &str) -> Result<Velocity, Unreadable> {
    read(text, Of::NONE)
}
