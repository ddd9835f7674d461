//! L1, L2, L5, L6: what must come about once faults have healed. Bounds are generous, and count only while few enough
//! observers are faulty.

use std::sync::Arc;

use watchkeeper_core::agree::RunId;
use watchkeeper_core::decide::Gate;
use watchkeeper_core::event::{Decided, Event, Paged};
use watchkeeper_core::plan::saga::{Run, RunState};
use watchkeeper_core::plan::{Entry, Mode, Outcome};
use watchkeeper_core::severity::Turn;
use watchkeeper_core::time::Mono;

use super::faulty::Faulty;
use super::{Begins, Out, Scene};
use crate::shape::Shape;

/// A healthy core starts what is due within this: worst detection 16 s, 60 s held, the ask, a takeover, and room.
const BOUND: u64 = 150_000_000;
/// `blind_page`, and the time until nothing is known any more (three intervals and a time-out), and room.
const PAGE_BOUND: u64 = 180_000_000;
/// What is at rest agrees after so long.
const REST: u64 = 120_000_000;

/// A run that nothing disturbs is over or held after so long: tries, drains, the lapse.
const LONGEST: u64 = 200_000_000;

/// What has come about.
#[derive(Clone, Debug)]
pub(crate) struct Liveness {
    /// By service: the active region serves nobody since then.
    dark: Vec<Option<u64>>,
    /// By service: neither its front nor its database live.
    dead: Vec<Option<u64>>,
    started: Vec<Option<u64>>,
    first: Vec<Option<u64>>,
    refused: Vec<Option<u64>>,
    told: Vec<Option<u64>>,
    /// By service, then observer: its incident is open.
    open: Vec<Vec<bool>>,
    /// By service: the unfinished run, and since when.
    running: Vec<Option<(RunId, u64)>>,
    /// When the newest fault began or ended.
    quiet: u64,
    /// Until when the coordinator had no quorum, or too many observers were faulty.
    healed: u64,
    ill: bool,
    restored: bool,
    /// By service: a person has said where it is active, whatever its name leads to.
    adopted: Vec<bool>,
    /// By service: nobody could be asked to move or see it when last looked at.
    excused: Vec<bool>,
    /// By service, then observer: it has said that nobody knows whether the active region is up.
    blind: Vec<Vec<bool>>,
    /// By service, then observer: it has said that another region takes writes than the record says.
    drifts: Vec<Vec<bool>>,
}

impl Liveness {
    pub(crate) fn new(shape: &Shape) -> Liveness {
        Liveness {
            dark: vec![None; shape.services],
            dead: vec![None; shape.services],
            started: vec![None; shape.services],
            first: vec![None; shape.services],
            refused: vec![None; shape.services],
            told: vec![None; shape.services],
            open: vec![vec![false; shape.observers]; shape.services],
            running: vec![None; shape.services],
            quiet: 0,
            healed: 0,
            ill: false,
            restored: false,
            adopted: vec![false; shape.services],
            excused: vec![false; shape.services],
            blind: vec![vec![false; shape.observers]; shape.services],
            drifts: vec![vec![false; shape.observers]; shape.services],
        }
    }

    /// Nothing has changed for a while.
    pub(crate) fn quiet(&self, now: u64) -> bool {
        now > self.quiet + REST
    }

    pub(crate) fn restored(&mut self) {
        self.restored = true;
    }

    pub(crate) fn adopted(&mut self, service: usize) {
        self.adopted[service] = true;
    }

    /// A person has said no.
    pub(crate) fn vetoed(&mut self, service: usize, now: u64) {
        self.refused[service] = Some(now);
    }

    pub(crate) fn crashed(&mut self, observer: usize) {
        self.open.iter_mut().for_each(|open| open[observer] = false);
    }

    pub(crate) fn starts(&mut self, scene: &Scene<'_>, service: usize, begins: &Begins<'_>) {
        if begins.start.mode == Mode::Live {
            self.started[service] = Some(scene.now);
            if begins.automatic {
                self.first[service].get_or_insert(scene.now);
            }
        }
    }

    /// When the first failover began by itself.
    /// Whether a start was refused, and that was told.
    pub(crate) fn was_refused(&self, service: usize) -> bool {
        self.refused[service].is_some()
    }

    pub(crate) fn first_start(&self, service: usize) -> Option<u64> {
        self.first[service]
    }

    pub(crate) fn recorded(&mut self, scene: &Scene<'_>, by: usize, service: usize, event: &Event) {
        match event {
            Event::Incident { turn, .. } => {
                self.open[service][by] = match turn {
                    Turn::Opened | Turn::Raised | Turn::Flapped => true,
                    Turn::Recovering | Turn::Closed | Turn::Blipped | Turn::Passed => false,
                    Turn::Same => self.open[service][by],
                };
                if matches!(turn, Turn::Opened | Turn::Raised | Turn::Flapped) {
                    self.told[service] = Some(scene.now);
                }
            }
            Event::Drifted(_) => self.drifts[service][by] = true,
            Event::DriftOver => self.drifts[service][by] = false,
            // Who is paged for a run knows of the trouble that it is for.
            Event::Paged(Paged::Run(..)) => self.told[service] = Some(scene.now),
            Event::Blind(_) => self.blind[service][by] = true,
            Event::Seeing(_) => self.blind[service][by] = false,
            // Who waits for what it depends on has a reason that everybody sees.
            Event::Decided(Decided::Blocked(_, gates)) if gates & Gate::Dependency.bit() != 0 => {
                self.refused[service] = Some(scene.now)
            }
            Event::Paged(Paged::Refused(..) | Paged::Approve(_)) | Event::Requested(Some(_)) => {
                self.refused[service] = Some(scene.now)
            }
            _ => {}
        }
    }

    pub(crate) fn committed(&mut self, scene: &Scene<'_>, service: usize) {
        let run = scene.store.record(service).and_then(|record| record.run.as_ref()).map(|run| run.id);
        let known = self.running[service];
        if known.map(|(id, _)| id) != run {
            self.running[service] = run.map(|run| (run, scene.now));
            (self.dark[service], self.dead[service]) = (None, None);
            return;
        }
        // What a person has said to it gives it its time anew.
        let journal = run.and_then(|run| scene.store.journal(service, run));
        if let (Some(run), Some(Entry::Retried { .. } | Entry::Skipped { .. } | Entry::Accepted { .. })) =
            (run, journal.and_then(|journal| journal.entries.last()))
        {
            self.running[service] = Some((run, scene.now));
        }
    }

    /// The world has changed; first whatever was due before.
    pub(crate) fn look(&mut self, scene: &Scene<'_>, faulty: &Faulty, out: &mut Out) {
        self.due(scene, faulty, out);
        self.quiet = scene.now;
        for service in 0..scene.shape.services {
            let Some(active) = scene.store.active(service) else { continue };
            let keep = |kept: &mut Option<u64>, bad: bool| match (bad, *kept) {
                (true, None) => *kept = Some(scene.now),
                (false, Some(_)) => *kept = None,
                (true, Some(_)) | (false, None) => {}
            };
            let serves = scene.truth.answers(service, active) && scene.writable(service, active);
            keep(&mut self.dark[service], !serves);
            let lives = scene.truth.lives(service, active) && !scene.shape.recipes[service].stateless;
            let dead = !scene.truth.answers(service, active) && !lives;
            keep(&mut self.dead[service], dead);
        }
    }

    fn due(&mut self, scene: &Scene<'_>, faulty: &Faulty, out: &mut Out) {
        let now = scene.now;
        let missed = (0..scene.shape.observers).filter(|&who| faulty.is_missed(who, now)).count();
        let ill = missed > scene.shape.tolerated() || !scene.truth.quorum;
        if ill || std::mem::replace(&mut self.ill, ill) {
            self.healed = now;
        }
        self.ill = ill;
        if self.restored || ill {
            return;
        }
        for service in 0..scene.shape.services {
            let Some(dark) = self.dark[service] else { continue };
            // This is looked at when something changes: what has excused it until just now excuses it for as long again.
            let excused = Liveness::excused(scene, faulty, service);
            if excused | std::mem::replace(&mut self.excused[service], excused) {
                self.healed = now;
            }
            let since = dark.max(self.healed);
            let before = |at: Option<u64>| at.is_some_and(|at| at >= dark);
            // Who was told that nobody sees it, and not yet that somebody does, has been told.
            let stands = self.open[service].contains(&true) || self.blind[service].contains(&true);
            if now >= since + PAGE_BOUND && !before(self.told[service]) && !stands {
                out.broke(now, "L6", "truth", "users are not served, and nobody was told");
                self.told[service] = Some(now);
            }
            if scene.shape.recipes[service].observe {
                continue;
            }
            let Some(active) = scene.store.active(service) else { continue };
            let away = (0..scene.shape.regions).any(|to| {
                to != active && scene.truth.parts[service][to].ready && scene.truth.answers(service, to)
            });
            let dead = self.dead[service].is_some_and(|dead| now >= dead.max(since) + BOUND);
            let first = self.started[service].is_none() && self.running[service].is_none();
            if dead && first && away && !before(self.refused[service]) {
                let what = "the active region is dead, and nothing was started or refused";
                out.broke(now, "L1", "truth", what);
                self.refused[service] = Some(now);
            }
        }
    }

    /// Whether nobody can be asked to move it, or to see it.
    fn excused(scene: &Scene<'_>, faulty: &Faulty, service: usize) -> bool {
        let Some(active) = scene.store.active(service) else { return false };
        // Whether a database takes writes is seen from beside it alone: if only a liar stands there, nobody sees it.
        let near = |o: usize| scene.shape.stands_in(o) == Some(active);
        let eyes = (0..scene.shape.observers).any(|o| near(o) && !faulty.is_lately(o, scene.now));
        let unseen = scene.truth.answers(service, active) && !eyes && scene.shape.observers > 1;
        // A region that somebody made writable by hand is followed by others, who then bear witness of it: while that
        // lasts, the trouble is told (drift), and nothing moves by itself.
        let drifted =
            (0..scene.shape.regions).any(|at| at != active && scene.providers.is_primary(service, at));
        unseen || drifted
    }

    /// At the end.
    pub(crate) fn close(&mut self, scene: &Scene<'_>, faulty: &Faulty, out: &mut Out) {
        self.due(scene, faulty, out);
        let now = scene.now;
        for service in 0..scene.shape.services {
            let recipe = scene.shape.recipes[service];
            let Some(active) = scene.store.active(service) else { continue };
            let quiet = now > self.quiet + REST && !self.restored && !self.adopted[service];
            self.ends(scene, service, faulty, out);
            let idle = self.running[service].is_none();
            let ended = scene.store.record(service).and_then(|record| record.last_failover.as_ref());
            let done = ended.is_none_or(|last| last.outcome == Some(Outcome::Done));
            // Of what keeps nothing the first record says where it is up, and nobody has said where its users are.
            let epoch = scene.store.record(service).map_or(0, |record| record.epoch.0);
            let by_sight = recipe.stateless && ended.is_none() && epoch == 1;
            if quiet && idle && done && !recipe.gate && !by_sight {
                let leads = scene.providers.zones[service].leads;
                if leads != 1 << active {
                    out.broke(now, "L5", "truth", "at rest the name leads elsewhere than the record says");
                }
                let writable = (0..scene.shape.regions).filter(|&at| scene.writable(service, at));
                if !recipe.stateless
                    && writable.clone().count() == 1
                    && !writable.clone().any(|at| at == active)
                    && !self.drifts[service].contains(&true)
                {
                    let what = "at rest another region takes writes than the record says";
                    out.broke(now, "L5", "truth", what);
                }
            }
        }
    }

    /// A run that has long had nothing in its way is over, or a person has it.
    fn ends(&self, scene: &Scene<'_>, service: usize, faulty: &Faulty, out: &mut Out) {
        let Some((run, since)) = self.running[service] else { return };
        let undisturbed = since.max(self.quiet).max(self.healed) + LONGEST;
        let few = faulty.lately(scene.now) == 0 && scene.truth.quorum;
        if scene.now < undisturbed || self.restored || !few {
            return;
        }
        let Some(journal) = scene.store.journal(service, run) else { return };
        let replayed = Run::replay(Arc::clone(&journal.plan), &journal.entries, Mono::BOOT);
        let held = replayed.is_some_and(|(run, _)| run.state() == RunState::Held);
        if !held {
            out.broke(scene.now, "L2", "truth", "a run neither ends nor is held");
        }
    }
}
