//! Warnings.

use std::collections::BTreeMap;

use super::Around;
use crate::config::wiring::Wiring;
use crate::core::ids::Name;
use crate::core::policy::Policy;

pub(super) fn warn(
    around: &Around<'_>,
    policy: &Policy,
    counted: &BTreeMap<Name, usize>,
    wiring: &Wiring,
    notes: &mut Vec<String>,
) {
    let _ = (around, policy, counted, wiring, notes);
}
