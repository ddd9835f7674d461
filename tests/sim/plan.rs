//! What goes wrong in a world, and when: nothing, one dead region, what meets a run, or anything.

use crate::directed::Aimed;
use crate::fault::{Fault, Kind};
use crate::rng::Rng;
use crate::shape::Shape;
use crate::world::LENGTH;

/// Faults that happen at times, and faults that are aimed at moments.
pub(crate) fn plan(rng: &mut Rng, shape: &Shape) -> (Vec<Fault>, Vec<Aimed>) {
    let mut faults: Vec<Fault> = Vec::new();
    let mut aimed = Vec::new();
    let dies = |rng: &mut Rng| {
        let kind = *rng.pick(&[Kind::RegionDies, Kind::RegionDies, Kind::WebFails, Kind::RegionCutOff]);
        let from = rng.between(40_000_000, 120_000_000);
        let until = if rng.chance(500) { LENGTH * 2 } else { from + rng.between(60_000_000, 300_000_000) };
        let mut fault = Fault::of(kind, rng, shape).at(from, until);
        fault.region = 0;
        fault
    };
    match rng.below(16) {
        0 => {}
        1 => {
            let mut fault = Fault::of(Kind::RegionDies, rng, shape);
            (fault.region, fault.from, fault.until) = (0, rng.between(40_000_000, 300_000_000), LENGTH * 2);
            faults.push(fault);
        }
        2..=8 => {
            // Something starts a run, and something else meets it.
            faults.push(dies(rng));
            for _ in 0..rng.between(1, 2) {
                aimed.push(Aimed::any(rng));
            }
            if rng.chance(350) {
                for _ in 0..rng.between(2, 6) {
                    aimed.push(Aimed::said(rng));
                }
            }
            if rng.chance(500) {
                add(rng, shape, &mut faults, true);
            }
            if rng.chance(25) {
                restored(rng, shape, &mut faults);
            }
        }
        9..=12 => {
            faults.push(dies(rng));
            for _ in 0..rng.between(1, 3) {
                add(rng, shape, &mut faults, true);
            }
        }
        _ => {
            for _ in 0..rng.between(1, 4) {
                add(rng, shape, &mut faults, false);
            }
        }
    }
    if !faults.is_empty() && rng.chance(100) {
        aimed.push(Aimed::claim(rng));
        aimed.push(Aimed::claim(rng));
    }
    if !faults.is_empty() && rng.chance(25) {
        unfit(rng, shape, &mut faults);
    }
    (faults, aimed)
}

/// An observer is unfit, and hears nothing more as it gives its claims up.
fn unfit(rng: &mut Rng, shape: &Shape, faults: &mut Vec<Fault>) {
    let kinds = [Kind::Full, Kind::Deaf];
    if faults.iter().any(|fault| kinds.contains(&fault.kind)) {
        return;
    }
    let full = Fault::of(Kind::Full, rng, shape);
    let full = full.at(full.from, full.from + 90_000_000);
    let from = full.from + rng.between(2_000_000, 20_000_000);
    let deaf = Fault::of(Kind::Deaf, rng, shape).at(from, from + rng.between(5_000_000, 50_000_000));
    faults.extend([full, Fault { who: full.who, ..deaf }]);
}

/// A backup is made while there is something to carry on, and takes the place of the coordinator.
fn restored(rng: &mut Rng, shape: &Shape, faults: &mut Vec<Fault>) {
    if faults.iter().any(|fault| fault.kind == Kind::Restored) {
        return;
    }
    let from = faults[0].from + rng.between(10_000_000, 120_000_000);
    let until = from + rng.between(2_000_000, 90_000_000);
    faults.push(Fault::of(Kind::Restored, rng, shape).at(from, until));
}

fn add(rng: &mut Rng, shape: &Shape, faults: &mut Vec<Fault>, near: bool) {
    let mut fault = Fault::any(rng, shape);
    if near && !faults.is_empty() {
        let lasts = fault.until - fault.from;
        let from = (faults[0].from + rng.below(120_000_000)).saturating_sub(20_000_000);
        fault = fault.at(from, from + lasts);
    }
    // The same thing broken twice at once would be whole too early.
    let clashes = |other: &Fault| {
        other.kind == fault.kind
            || matches!((other.kind, fault.kind), (Kind::RegionDies, Kind::EverythingDies))
            || matches!((other.kind, fault.kind), (Kind::EverythingDies, Kind::RegionDies))
            || matches!((other.kind, fault.kind), (Kind::WebFails, Kind::AllFail))
            || matches!((other.kind, fault.kind), (Kind::AllFail, Kind::WebFails))
            || matches!((other.kind, fault.kind), (Kind::NoQuorum, Kind::LeaderChange))
            || matches!((other.kind, fault.kind), (Kind::LeaderChange, Kind::NoQuorum))
    };
    if !faults.iter().any(clashes) {
        faults.push(fault);
    }
}
