//! Worlds that are aimed at one rule: a shape and a schedule of faults that make it bite, with what chance leaves open.
//! Their seeds begin at [`AIMED`], so that every ordinary world stays as it is.

use std::sync::OnceLock;

use watchkeeper_core::order::{Accepts, Verb};
use watchkeeper_core::plan::PlanHash;
use watchkeeper_core::time::Span;

use crate::directed::{Act, Aimed, Point};
use crate::fault::{Fault, Kind};
use crate::recipe::Recipe;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::world::{LENGTH, World};

/// The first seed of them.
pub(crate) const AIMED: u64 = 1_000_000_000_000;

/// So many kinds of them there are.
const KINDS: u64 = 33;

const S: u64 = 1_000_000;
const EVER: u64 = LENGTH * 2;

/// Shapes that only these worlds have, besides plain ones.
pub(crate) fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let (plain, fenced) = (Recipe::plain(), Recipe::fenced());
        let lists: Vec<(usize, Vec<Recipe>)> = vec![
            (3, vec![plain]),
            (3, vec![fenced]),
            (5, vec![plain]),
            (3, vec![Recipe { short: true, ..plain }]),
            (3, vec![Recipe { short: true, rejoin: true, ..plain }]),
            (3, vec![Recipe { undo: true, short: true, ..fenced }]),
            (3, vec![Recipe { approve: true, ..fenced }]),
            (3, vec![Recipe { lapse_only: true, ..fenced }]),
            (3, vec![Recipe { observe: true, ..plain }]),
            (3, vec![Recipe { homing: true, short: true, rejoin: true, ..plain }]),
            (3, vec![Recipe { cut: true, ..plain }]),
            (3, vec![Recipe { undo: true, chain: true, ..fenced }]),
            (3, vec![Recipe { repair: true, ..plain }]),
        ];
        let mut all: Vec<Shape> =
            lists.into_iter().map(|(observers, recipes)| Shape::new(observers, 2, recipes)).collect();
        all.push(Shape::new(3, 3, vec![plain]));
        all
    })
}

/// The world of such a seed.
pub(crate) fn world(seed: u64, trace: bool) -> World<'static> {
    let mut rng = Rng::new(seed);
    let t = rng.between(60, 120) * S;
    let shapes = shapes();
    let fault = |kind, who, region, from, until| Fault { kind, who, region, from, until };
    let dies = fault(Kind::RegionDies, 0, 0, t, EVER);
    let one = rng.between(1, 2) as usize;
    let other = 3 - one;
    let write = Point::Write(rng.between(1, 14) as u32);
    let (mut aimed, mut script) = (Vec::new(), Vec::new());
    let (mut slow, mut echoes) = (false, false);
    let (shape, faults) = match (seed - AIMED) % KINDS {
        // The right to act ends while a call is about to go out.
        0 => {
            slow = true;
            let point = if rng.chance(500) { write } else { Point::Call(rng.between(1, 6) as u32) };
            aimed.push(Aimed { point, act: Act::Pause(rng.between(5 * S, 16 * S)) });
            (1, vec![dies])
        }
        // Who votes has no reference in reach, or loses the last just then.
        1 => (0, vec![dies, fault(Kind::ReferencesGone, one, 0, t + rng.below(90 * S), EVER)]),
        2 => (2, vec![dies, fault(Kind::ReferencesGone, one, 0, t - 30 * S, EVER)]),
        // One has been blind to the region for long.
        3 => (0, vec![dies, fault(Kind::LinkDies, one, 0, t - rng.between(15, 55) * S, EVER)]),
        // Only who stands there can see it.
        4 => (0, vec![fault(Kind::DbFails, 0, 0, t, EVER)]),
        // Others live by another policy.
        5 => {
            let ordered = Verb::Failover { to: None, plan: None, planned: true, accepts: Accepts::default() };
            script.push((t + 40 * S, 0, ordered));
            let others = [0, 1, 2].map(|who| fault(Kind::OtherPolicy, who, 0, t - 20 * S, EVER));
            (0, others.into_iter().skip(one - 1).take(2).collect())
        }
        // There is nowhere to go.
        6 => {
            let kind = *rng.pick(&[Kind::WebFails, Kind::NotReady, Kind::DbFails]);
            (0, vec![dies, fault(kind, 0, 1, t - 40 * S, EVER)])
        }
        7 => (0, vec![fault(Kind::AllFail, 0, 0, t, EVER)]),
        // It comes back, and the other one dies.
        8 => {
            let back = t + rng.between(90, 130) * S;
            let then = back + rng.between(20, 90) * S;
            let shape = 3 + rng.below(2) as usize;
            (
                shape,
                vec![
                    fault(Kind::RegionDies, 0, 0, t, back),
                    fault(Kind::DbFails, 0, 1, then, 540 * S),
                    fault(Kind::WebFails, 0, 1, then, 540 * S),
                ],
            )
        }
        // The standby takes writes, by hand.
        9 => {
            let by_hand = fault(Kind::Drift, 0, 1, t - 30 * S, t + 300 * S);
            let later = t + rng.between(75, 130) * S;
            match rng.below(3) {
                0 => (0, vec![by_hand, Fault { from: later, ..dies }]),
                // A repair would be near.
                _ => (12, vec![by_hand, fault(Kind::WebFails, 0, 0, later, EVER)]),
            }
        }
        // It is far behind.
        10 => (0, vec![fault(Kind::LagGrows, 0, 1, 20 * S, EVER), Fault { from: t + 200 * S, ..dies }]),
        11 => (6, vec![dies, fault(Kind::LagGrows, 0, 1, t - 10 * S, EVER)]),
        // Nobody knows how far.
        12 => (2, vec![Fault { from: t + 120 * S, ..dies }, fault(Kind::Blind, 1, 0, 30 * S, EVER)]),
        // A failover fails, and nobody looks at it.
        13 => {
            script.push((t + 150 * S, 0, Verb::Abort { run: None }));
            script.push((t + 180 * S, 0, Verb::HandOver { run: None }));
            (5, vec![dies, fault(Kind::Expired, 0, 0, t + 10 * S, t + 200 * S)])
        }
        14 => (8, vec![dies]),
        15 => (9, vec![fault(Kind::RegionDies, 0, 0, t, t + rng.between(60, 90) * S)]),
        // Somebody agrees to something else.
        16 => {
            let accepts = Accepts {
                hash: Some(PlanHash([9; 32])),
                exposure: true,
                unknown_loss: true,
                gates: u32::MAX,
                ..Accepts::default()
            };
            script.push((t + rng.between(75, 140) * S, 0, Verb::Approve { accepts }));
            (6, vec![dies])
        }
        // Its disk is full.
        17 => (0, vec![fault(Kind::Full, rng.below(3) as usize, 0, t, EVER)]),
        // Two are blind; or two see nothing new.
        18 => (0, vec![fault(Kind::Blind, one, 0, t, EVER), fault(Kind::Blind, other, 0, t, EVER)]),
        19 => {
            let stuck = fault(Kind::Wedged, one, 0, t + rng.between(20, 55) * S, EVER);
            (0, vec![dies, stuck])
        }
        // What is answered late, and what is taken back.
        20 => {
            echoes = true;
            aimed.push(Aimed { point: write, act: Act::any(&mut rng) });
            (*rng.pick(&[1, 5, 12]), vec![dies, fault(Kind::Lossy, 0, 0, t, EVER)])
        }
        21 => {
            aimed.push(Aimed { point: write, act: Act::Abort });
            (*rng.pick(&[11, 11, 12]), vec![dies])
        }
        // The daemon of a region lives whose front has failed; a backup; a fence that only cuts.
        22 => match rng.below(3) {
            0 => (7, vec![fault(Kind::WebFails, 0, 0, t, EVER)]),
            1 => {
                let until = t + rng.between(60, 150) * S;
                (rng.below(2) as usize, vec![dies, fault(Kind::Restored, 0, 0, t - 10 * S, until)])
            }
            _ => (10, vec![dies]),
        },
        // Renewals are not answered any more while steps are under way.
        23 => {
            let from = t + rng.between(30, 50) * S;
            let both = [one, other].map(|who| fault(Kind::Unrenewed, who, 0, from, from + 25 * S));
            let lossy = fault(Kind::Lossy, 0, 0, t, EVER);
            (*rng.pick(&[0, 0, 1, 11]), [dies, lossy].into_iter().chain(both).collect())
        }
        // The first that could be gone to is not up, and another is.
        24 => (13, vec![dies, fault(Kind::WebFails, 0, 1, t - rng.between(1, 40) * S, EVER)]),
        // One sees nothing new, and another not the region that could be gone to.
        25 => {
            let (stuck, blind) = *rng.pick(&[(3, 4), (4, 3), (2, 3), (3, 2), (4, 2), (2, 4)]);
            let stuck = fault(Kind::Wedged, stuck, 0, t + rng.between(16, 36) * S, EVER);
            (2, vec![dies, stuck, fault(Kind::LinkDies, blind, 1, t - 60 * S, EVER)])
        }
        // Of those that are left one lives by another policy.
        26 => {
            let (gone, other) = *rng.pick(&[(3, 4), (4, 3), (2, 3), (3, 2), (4, 2), (2, 4), (1, 2), (1, 4)]);
            let other = fault(Kind::OtherPolicy, other, 0, t - 20 * S, EVER);
            (2, vec![dies, fault(Kind::Crashes, gone, 0, t - 10 * S, EVER), other])
        }
        // Somebody moves it though its daemon lives; who sees what its database does, does not matter then.
        27 => {
            let accepts = Accepts {
                loss: Some(Span::mins(10)),
                unknown_loss: true,
                gates: u32::MAX,
                ..Accepts::default()
            };
            let verb = Verb::Failover { to: None, plan: None, planned: false, accepts };
            script.push((t + rng.between(20, 60) * S, 0, verb));
            (7, vec![fault(Kind::WebFails, 0, 0, t, EVER)])
        }
        // Nobody can read how far it is behind.
        28 => {
            let unread = fault(Kind::Unread, 0, 1, t - 30 * S, EVER);
            (*rng.pick(&[0, 2]), vec![Fault { from: t + 190 * S, ..dies }, unread])
        }
        // A repair takes long, and a failover is due.
        29 => (12, vec![dies, fault(Kind::Lossy, 0, 0, t, EVER)]),
        // A fence does what it can, and that is not enough.
        30 => (10, vec![fault(Kind::WebFails, 0, 0, t, EVER), fault(Kind::DbFails, 0, 0, t, EVER)]),
        // Something is raised from outside, and stays so.
        31 => {
            script.push((t, 0, Verb::Annotate { text: String::from("raised") }));
            (0, vec![fault(Kind::Channel, 0, 0, t, t + 9 * S)])
        }
        // Calls get lost, nobody can say what they did, and somebody has enough of it.
        _ => {
            script.push((t + rng.between(50, 120) * S, 0, Verb::Abort { run: None }));
            let throttled = fault(Kind::Throttled, 0, 0, t + rng.between(30, 60) * S, EVER);
            (*rng.pick(&[1, 5, 11, 12]), vec![dies, fault(Kind::Lossy, 0, 0, t, EVER), throttled])
        }
    };
    let mut world = World::new(&shapes[shape], rng.next(), faults, aimed, trace, false);
    (world.slow, world.echoes) = (slow, echoes);
    world.scripted(script);
    world
}
