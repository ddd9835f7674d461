//! Plays a scene and says whether what is looked for holds one millisecond too early, in time, and a while later.

use std::sync::Arc;

use watchkeeper::core::policy::Policy;
use watchkeeper::core::time::{Mono, Span};
use watchkeeper::core::verdict::Clause;

use super::scene::{Active, Scene};
use super::target::What;
use super::world::{FAULT, World};

/// What came of a scene.
pub(crate) struct Played<'a> {
    /// One millisecond before it is due; none where it is due as soon as everything is so.
    pub(crate) early: Option<bool>,
    /// When it is due.
    pub(crate) in_time: bool,
    /// At any moment of the next second.
    pub(crate) later: bool,
    pub(crate) world: World<'a>,
}

/// Plays it until the clause should hold, and on.
pub(crate) fn play<'a>(
    policy: &'a Arc<Policy>,
    active: &'a Active,
    scene: &'a Scene,
    subject: usize,
    what: What,
    clause: &Clause,
) -> Played<'a> {
    let mut world = World::before_the_fault(policy, active, scene);
    assert!(
        !what.holds(world.service(subject)),
        "nothing is wrong yet, and it holds: {}",
        world.why(subject)
    );
    assert!(!world.service(subject).incident.is_open(), "nothing is wrong yet: {}", world.why(subject));
    // The others write their votes when our own probes have settled.
    let voted = FAULT + world.settles();
    world.fault(subject);
    world.run_to(voted);
    world.vote();
    let mut known = voted;
    if !clause.tried.is_empty() {
        known = voted + Span::secs(1);
        world.run_to(known);
        world.try_plans(subject);
    }
    let from = due(clause, voted, known);
    assert!(
        from > known || clause.held == Span::ZERO,
        "`for` is over before everything is so: nothing can be shown of it"
    );
    let early = (from > known).then(|| {
        wait(&mut world, from.before(Span::millis(1)));
        // Not because nobody looked.
        world.show_record(subject);
        what.holds(world.service(subject))
    });
    wait(&mut world, from.max(known));
    let in_time = what.holds(world.service(subject));
    let mut later = in_time;
    for _ in 0..4 {
        let next = world.clocks().mono + Span::millis(250);
        world.run_to(next);
        world.show_record(subject);
        later |= what.holds(world.service(subject));
    }
    Played { early, in_time, later, world }
}

/// Lets time pass; now and then the others write their votes again, as they do whose witnesses hear something.
fn wait(world: &mut World<'_>, until: Mono) {
    const AGAIN: Span = Span::secs(30);
    while world.clocks().mono + AGAIN < until {
        let next = world.clocks().mono + AGAIN;
        world.run_to(next);
        world.vote();
    }
    world.run_to(until);
}

/// When a clause should hold: worked out by CONFIG's words, not by the core.
fn due(clause: &Clause, voted: Mono, tried: Mono) -> Mono {
    let mut since = FAULT;
    if clause.region_lost {
        since = since.max(voted);
    }
    if !clause.tried.is_empty() {
        since = since.max(tried);
    }
    let aged = clause.open_for.map_or(Mono::BOOT, |age| FAULT + age);
    (since + clause.held).max(aged)
}
