//! What is known at load of the place that a plan is compiled for: the service, its regions and their values.
//!
//! It holds references to secrets, never their contents.

use super::value::SecretRef;
use crate::ids::{Name, RegionPos};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One service and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The service.
    pub service: Name,
    /// Whether it keeps nothing that two regions could write.
    pub stateless: bool,
    /// Its regions; a [`RegionPos`] is a place in this list.
    pub regions: Vec<SiteRegion>,
    /// Declared regions in which the service does not run; a step may act there.
    pub elsewhere: Vec<SiteRegion>,
    /// The observer's own region.
    pub here: Option<SiteRegion>,
    /// What `{trigger.F}` may name: the declared fields of all its triggers.
    pub trigger_fields: BTreeSet<Name>,
}

/// A region and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRegion {
    /// What it is called.
    pub name: Name,
    /// What `{region.K}` may name.
    pub values: BTreeMap<Arc<str>, SiteValue>,
}

/// A value of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// Another number, as it was written.
    Number(Arc<str>),
    /// A text.
    Text(Arc<str>),
    /// A secret by reference.
    Secret(SecretRef),
    /// Several; it fills a list.
    List(Vec<SiteValue>),
    /// Named ones: `{region.alb.dns}`.
    Table(BTreeMap<Arc<str>, SiteValue>),
}

/// What else a plan may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The service's probes.
    pub probes: BTreeSet<Name>,
    /// The service's components.
    pub components: BTreeSet<Name>,
}

/// Which of a plan's cases: where it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// A failover.
    Move {
        /// The region that it leaves.
        from: RegionPos,
        /// The region that it goes to.
        to: RegionPos,
    },
    /// Any other kind.
    At(RegionPos),
}

impl Case {
    /// The region that a failover leaves.
    #[must_use]
    pub const fn from(self) -> Option<RegionPos> {
        match self {
            Case::Move { from, .. } => Some(from),
            Case::At(_) => None,
        }
    }

    /// Where the plan acts: `{region}`.
    #[must_use]
    pub const fn acts_in(self) -> RegionPos {
        match self {
            Case::Move { to, .. } => to,
            Case::At(region) => region,
        }
    }

    /// Where the old side is: the region that a failover leaves, else where the plan acts.
    #[must_use]
    pub const fn old(self) -> RegionPos {
        match self {
            Case::Move { from, .. } => from,
            Case::At(region) => region,
        }
    }
}

impl Site {
    /// A service in regions without values.
    #[must_use]
    pub fn new(service: Name, regions: &[Name]) -> Site {
        let region = |name: &Name| SiteRegion { name: name.clone(), values: BTreeMap::new() };
        Site {
            service,
            stateless: false,
            regions: regions.iter().map(region).collect(),
            elsewhere: Vec::new(),
            here: None,
            trigger_fields: BTreeSet::new(),
        }
    }

    pub(super) fn region(&self, pos: RegionPos) -> Option<&SiteRegion> {
        self.regions.get(pos.index())
    }

    /// A region by name, of the service or elsewhere.
    pub(super) fn named(&self, name: &str) -> Option<&SiteRegion> {
        self.regions.iter().chain(&self.elsewhere).find(|region| region.name.as_str() == name)
    }
}

impl SiteRegion {
    /// The value under dotted keys.
    pub(super) fn value(&self, keys: &str) -> Option<&SiteValue> {
        let mut within = &self.values;
        let mut keys = keys.split('.').peekable();
        loop {
            let value = within.get(keys.next()?)?;
            match value {
                _ if keys.peek().is_none() => return Some(value),
                SiteValue::Table(inner) => within = inner,
                SiteValue::Flag(_)
                | SiteValue::Int(_)
                | SiteValue::Number(_)
                | SiteValue::Text(_)
                | SiteValue::Secret(_)
                | SiteValue::List(_) => return None,
            }
        }
    }
}
