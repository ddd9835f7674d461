//! Near misses: for each thing that a clause asks for, the same scene with exactly that one wanting.

use watchkeeper::core::ids::{ObserverPos, PlanPos, RegionPos, TriggerPos};
use watchkeeper::core::policy::Policy;
use watchkeeper::core::verdict::{Cell, Clause, Say};

use super::brief::{Brief, looks_at, other_region};
use super::scene::{Active, At, Scene, Trial};

/// A scene in which a clause just does not hold, and what is wanting.
pub(crate) struct Near {
    pub(crate) wants: &'static str,
    pub(crate) scene: Scene,
}

/// What a clause is looked at with.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) active: &'a Active,
    pub(crate) subject: usize,
    pub(crate) clause: &'a Clause,
    pub(crate) brief: &'a Brief,
}

fn cell(policy: &Policy, at: At) -> &Cell {
    &policy.services[at.0].parts.cells[at.1.index()]
}

/// A bare majority of those who can see a cell; we are one of them if we see it.
fn quorum(policy: &Policy, at: At) -> Vec<ObserverPos> {
    let cell = cell(policy, at);
    let mut viewers: Vec<ObserverPos> = cell.viewers.each().collect();
    viewers.sort_by_key(|who| *who != policy.me);
    viewers.truncate(cell.viewers.majority());
    viewers
}

impl Case<'_> {
    /// Everybody who can see it says so.
    pub(crate) fn all(&self) -> Scene {
        let mut scene = self.facts();
        for (&at, &say) in &self.brief.duties {
            scene.say(at, cell(self.policy, at).viewers.each(), say);
        }
        // A witness that hears nothing any more; in the bare scene it says nothing at all.
        for &at in &self.brief.witnesses {
            scene.say(at, cell(self.policy, at).viewers.each(), Say::Down);
        }
        scene
    }

    /// A bare majority says so, and the others say nothing.
    pub(crate) fn bare(&self) -> Scene {
        let mut scene = self.facts();
        for (&at, &say) in &self.brief.duties {
            scene.say(at, cell(self.policy, at).viewers.each(), Say::Unknown);
            if say != Say::Unknown {
                scene.say(at, quorum(self.policy, at).into_iter(), say);
            }
        }
        for &at in &self.brief.witnesses {
            scene.say(at, cell(self.policy, at).viewers.each(), Say::Unknown);
        }
        scene
    }

    fn facts(&self) -> Scene {
        Scene {
            raised: self.clause.raised.iter().copied().collect(),
            tried: self.clause.tried.iter().map(|plan| (*plan, Trial::Ended)).collect(),
            ..Scene::default()
        }
    }

    /// Every near miss but the one of time.
    pub(crate) fn near(&self) -> Vec<Near> {
        let mut found = Vec::new();
        for (&at, &say) in &self.brief.duties {
            self.of_duty(at, say, &mut found);
        }
        self.witnesses(&mut found);
        self.elsewhere(&mut found);
        self.lesser(&mut found);
        self.triggers(&mut found);
        self.tries(&mut found);
        found
    }

    fn but(&self, wants: &'static str, change: impl FnOnce(&mut Scene)) -> Near {
        let mut scene = self.bare();
        change(&mut scene);
        Near { wants, scene }
    }

    /// One vote short of the quorum, whosever it is; and everybody says another thing.
    fn of_duty(&self, at: At, say: Say, found: &mut Vec<Near>) {
        let contrary = match say {
            Say::Down | Say::Slow => Say::Up,
            Say::Up | Say::Unknown => Say::Unknown,
        };
        if say != Say::Unknown {
            for who in quorum(self.policy, at) {
                found.push(self.but("a vote", |scene| scene.say(at, [who].into_iter(), contrary)));
            }
        }
        let everybody =
            |wants, say| self.but(wants, |scene| scene.say(at, cell(self.policy, at).viewers.each(), say));
        match say {
            Say::Down => {
                found.push(everybody("down (up)", Say::Up));
                // Trouble is slow or down; all else that must be down is not when it is only slow.
                if self.can_be_slow(at) && self.must_be_down() {
                    found.push(everybody("down (slow)", Say::Slow));
                }
            }
            Say::Slow => found.push(everybody("slow (up)", Say::Up)),
            Say::Up => {
                found.push(everybody("up (down)", Say::Down));
                if self.can_be_slow(at) {
                    found.push(everybody("up (slow)", Say::Slow));
                }
            }
            Say::Unknown => found.push(everybody("silence (up)", Say::Up)),
        }
    }

    fn must_be_down(&self) -> bool {
        use watchkeeper::core::verdict::Level;
        self.clause.service != Some(Level::Trouble) && self.clause.open_for.is_none()
    }

    fn can_be_slow(&self, at: At) -> bool {
        let cell = cell(self.policy, at);
        let probe = &self.policy.services[at.0].probes[cell.probe.index()];
        probe.debounce.slow_after().is_some() || !cell.viewers.has(self.policy.me)
    }

    fn witnesses(&self, found: &mut Vec<Near>) {
        found.extend(self.brief.witnesses.iter().map(|&at| {
            self.but("the witness silent (lives)", |scene| {
                scene.say(at, cell(self.policy, at).viewers.each(), Say::Up);
                scene.living.insert(at);
            })
        }));
    }

    /// The same trouble in a region that the clause does not look at.
    fn elsewhere(&self, found: &mut Vec<Near>) {
        let Case { policy, active, subject, clause, brief } = *self;
        let side = looks_at(policy, active, subject, clause.side);
        let other = other_region(policy, subject, side)
            .map(|at| policy.services[subject].regions[at.index()].clone());
        let Some(other) = other else { return };
        let mut scene = self.bare();
        let mut moved = false;
        for (&at, &say) in &brief.duties {
            let service = &policy.services[at.0];
            let (one, there) = (cell(policy, at), service.region(&other));
            let to = there.map(RegionPos::index).and_then(|there| {
                service.parts.probes[one.probe.index()].cells.get(there).copied().flatten()
            });
            let (Some(to), Say::Down | Say::Slow, Some(_)) = (to, say, one.region) else { continue };
            moved = true;
            for who in one.viewers.each() {
                scene.says.remove(&(at, who));
            }
            scene.say((at.0, to), cell(policy, (at.0, to)).viewers.each(), say);
        }
        if moved {
            found.push(Near { wants: "this side (the other)", scene });
        }
    }

    /// A component that matters less is down instead.
    fn lesser(&self, found: &mut Vec<Near>) {
        if self.brief.lesser.is_empty() {
            return;
        }
        found.push(self.but("priority (less)", |scene| {
            for &at in &self.brief.chosen {
                scene.say(at, cell(self.policy, at).viewers.each(), Say::Up);
            }
            for &at in &self.brief.lesser {
                scene.say(at, cell(self.policy, at).viewers.each(), Say::Down);
            }
        }));
    }

    fn triggers(&self, found: &mut Vec<Near>) {
        let all = self.policy.services[self.subject].triggers.len();
        for trigger in &self.clause.raised {
            let without = |scene: &mut Scene| {
                scene.raised.remove(trigger);
            };
            found.push(self.but("raised (not)", without));
            let other = (0..all).map(TriggerPos::at).find(|other| !self.clause.raised.contains(other));
            if let Some(other) = other {
                found.push(self.but("raised (another)", |scene| {
                    without(scene);
                    scene.raised.insert(other);
                }));
            }
        }
    }

    fn tries(&self, found: &mut Vec<Near>) {
        let all = self.policy.services[self.subject].plans.len();
        for plan in &self.clause.tried {
            let without = |scene: &mut Scene| {
                scene.tried.remove(plan);
            };
            let as_if = |wants, trial| {
                self.but(wants, |scene| {
                    scene.tried.insert(*plan, trial);
                })
            };
            found.push(self.but("tried (not)", without));
            found.push(as_if("tried (still running)", Trial::Running));
            found.push(as_if("tried (for the incident before)", Trial::Before));
            let other = (0..all).map(PlanPos::at).find(|other| !self.clause.tried.contains(other));
            if let Some(other) = other {
                found.push(self.but("tried (another)", |scene| {
                    without(scene);
                    scene.tried.insert(other, Trial::Ended);
                }));
            }
        }
    }
}
