//! What goes wrong in a world, and when: nothing, one dead region, what meets a run, or anything.

use watchkeeper_core::order::Verb;

use crate::directed::{Act, Aimed, Point};
use crate::fault::{Fault, Kind};
use crate::rng::Rng;
use crate::shape::{Shape, name, region};
use crate::world::LENGTH;

/// What a rare world has beside its faults.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    /// What operators say at which time, to which service.
    pub(crate) script: Vec<(u64, usize, Verb)>,
    /// Answers of providers come again, later.
    pub(crate) echoes: bool,
}

const S: u64 = 1_000_000;

/// A few worlds in a hundred come to what chance nearly never does. Their chance is a stream of its own, so that every
/// other world is as it was without them.
pub(crate) fn rare(seed: u64, shape: &Shape, faults: &mut Vec<Fault>, aimed: &mut Vec<Aimed>) -> Rare {
    let mut rng = Rng::new(seed ^ 0x5241_5245);
    let Rare { mut script, mut echoes } = Rare::default();
    let which = rng.below(1_000);
    if faults.is_empty() || which >= 44 {
        return Rare::default();
    }
    let t = rng.between(50, 110) * S;
    let fault = |kind, who, from, until| Fault { kind, who, region: 0, from, until };
    let any = rng.below(shape.observers as u64) as usize;
    match which {
        // A claim is given up, and nobody knows of it before the right to act has ended, or just before.
        0..19 => {
            // The right to act ends 3 s before the session.
            let left = if which < 12 { rng.between(200_000, 2_800_000) } else { rng.between(3 * S, 9 * S) };
            let act = Act::Severs { lands: which >= 5, left };
            aimed.push(Aimed { point: Point::GiveUp(rng.between(1, 2) as u32), act });
        }
        // A backup takes the coordinator's place while calls are under way; later somebody says where the service is active.
        19..27 => {
            let back = if rng.chance(500) { LENGTH * 2 } else { t + rng.between(60, 100) * S };
            *faults = vec![fault(Kind::RegionDies, 0, t, back)];
            let (point, act) =
                (Point::Write(rng.between(2, 12) as u32), Act::Restores(rng.between(S, 8 * S)));
            *aimed = vec![Aimed { point, act }];
            echoes = true;
            for _ in 0..2 {
                let at = t + rng.between(50, 140) * S;
                script.push((at, 0, Verb::Adopt { region: name(&region(1)) }));
            }
        }
        // The trouble passes while what was done is being undone, or just after that, with the page not durable yet.
        27..37 if shape.recipes[0].fenced => {
            let stops = t + rng.between(45, 60) * S;
            script.push((stops, 0, Verb::Abort { run: None }));
            let undoing = which < 32;
            let until =
                if undoing { stops + rng.below(20 * S) - 6 * S } else { stops + rng.below(5 * S) - 3 * S };
            *faults = vec![fault(Kind::RegionDies, 0, t, until)];
            if undoing {
                faults.push(fault(Kind::Lossy, 0, stops - 2 * S, stops + 60 * S));
            } else {
                let full = (1..shape.observers)
                    .map(|who| fault(Kind::Full, who, stops - S - S / 10, stops + 60 * S));
                faults.extend(full);
            }
        }
        // Much is said as a run ends.
        37..40 => {
            let act = if rng.chance(700) { Act::Says(rng.between(0, 2_800_000)) } else { Act::Reload };
            aimed.push(Aimed { point: Point::End(rng.between(1, 2) as u32), act });
        }
        40..43 => faults.push(fault(Kind::Unrenewed, any, t + 30 * S, t + rng.between(45, 90) * S)),
        43 => faults.push(Fault { region: 1, ..fault(Kind::Unread, 0, t, t + rng.between(20, 200) * S) }),
        _ => {}
    }
    Rare { script, echoes }
}

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
