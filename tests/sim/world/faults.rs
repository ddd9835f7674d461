//! Faults begin and end, and cores are told what only a shell could tell them of it.

use std::sync::Arc;

use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::input::{Coordinator as Word, Input};
use watchkeeper_core::order::Verb;
use watchkeeper_core::time::Span;

use super::{NOBODY, What, World};
use crate::coordinator::{Changed, Coordinator};
use crate::directed::Act;
use crate::fault::{Fault, Kind};

/// What becomes of what was just sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) mute: bool,
    pub(super) late: Option<u64>,
}

impl World<'_> {
    pub(super) fn fault(&mut self, at: usize, begins: bool) {
        let fault = self.faults[at];
        let (who, region) = (fault.who, fault.region);
        self.say(|_| {
            let word = if begins { "begins" } else { "ends" };
            format!("fault {word}: {:?}, {who}, r{region}", fault.kind)
        });
        fault.set(&mut self.truth, begins);
        let now = self.now;
        if begins {
            self.checks.bit[fault.kind as usize] += 1;
        }
        self.checks.faulty.look(now, self.shape, &self.truth);
        match fault.kind {
            Kind::RegionDies | Kind::EverythingDies if begins => self.powerless(),
            Kind::RegionDies | Kind::EverythingDies => {
                self.powered();
                self.put(2_000_000, NOBODY, What::Rises);
            }
            Kind::Crashes if begins => self.crash(who),
            Kind::Crashes => self.rise(who),
            Kind::Pauses if !begins => self.goes_on(who),
            Kind::ClockJumps if begins => {
                let by = 3_600_000_000;
                self.nodes[who].wall_ahead += by;
                if !self.truth.sick[who].paused {
                    self.tell(who, Input::ClockJumped { by: Span::micros(by) });
                }
            }
            Kind::OtherPolicy => {
                self.nodes[who].other_policy = begins;
                self.reload(who);
            }
            Kind::Full if !begins => self.room(who),
            Kind::LeaderChange | Kind::NoQuorum if !begins => {
                for session in self.store.sessions.iter_mut().filter(|session| !session.ended) {
                    session.last = now;
                }
            }
            Kind::Restored if begins => self.backup = Some(Box::new(self.store.clone())),
            Kind::Restored => self.restore(),
            Kind::LagGrows => self.providers.dbs[who][region].stuck = begins,
            Kind::Drift if begins && !self.shape.recipes[who].stateless => {
                self.checks.writes.by_hand(who);
                if self.truth.lives(who, region) && !self.providers.dbs[who][region].primary {
                    self.providers.promoted(who, region);
                }
            }
            Kind::Drift if self.store.active(who) != Some(region) && !self.shape.recipes[who].stateless => {
                self.providers.resynced(who, region, now);
            }
            _ => {}
        }
        self.look();
        for observer in 0..self.shape.observers {
            let soon = self.rng.between(200_000, 4_000_000);
            self.put(soon, observer, What::Contact);
        }
    }

    fn powerless(&mut self) {
        for region in 0..self.shape.regions {
            if self.truth.power[region] {
                continue;
            }
            for service in 0..self.shape.services {
                self.providers.dbs[service][region].promoted_at = None;
            }
            for observer in 0..self.shape.observers {
                if self.shape.stands_in(observer) == Some(region) {
                    self.crash(observer);
                }
            }
        }
    }

    /// What is bound to a daemon does not run before that has heard that it may.
    fn powered(&mut self) {
        for (service, recipe) in self.shape.recipes.iter().enumerate() {
            for region in (0..self.shape.regions).filter(|_| recipe.fenced) {
                let alive = self.nodes.get(region).is_some_and(crate::observer::Node::runs);
                self.providers.dbs[service][region].bound |=
                    !alive && self.providers.dbs[service][region].primary;
            }
        }
        for service in 0..self.shape.services {
            for region in 0..self.shape.regions {
                self.put(30_000_000, NOBODY, What::Follows(service, region));
            }
        }
    }

    pub(super) fn crash(&mut self, observer: usize) {
        self.say(|_| format!("o{observer}: its process is gone"));
        if let Some(core) = &self.nodes[observer].core {
            self.visits.add(&core.visits);
        }
        self.nodes[observer].dies();
        self.orders.crashed(observer);
        self.checks.crashed(observer, self.now);
    }

    pub(super) fn rise(&mut self, observer: usize) {
        let out = self.shape.stands_in(observer).is_some_and(|region| !self.truth.power[region]);
        if !out && !self.truth.sick[observer].crashed && !self.nodes[observer].runs() {
            self.say(|_| format!("o{observer}: its process starts"));
            self.begin(observer);
        }
    }

    fn goes_on(&mut self, observer: usize) {
        if self.truth.sick[observer].paused {
            return;
        }
        for what in std::mem::take(&mut self.nodes[observer].waiting) {
            self.put(0, observer, what);
        }
    }

    pub(super) fn reload(&mut self, observer: usize) {
        let other = self.nodes[observer].other_policy;
        let policies = if other { &self.shape.others } else { &self.shape.policies };
        let policy = Arc::clone(&policies[observer]);
        if !self.truth.sick[observer].paused {
            self.tell(observer, Input::Reloaded(policy));
        }
    }

    /// A backup takes the place of the coordinator.
    fn restore(&mut self) {
        let Some(backup) = self.backup.take() else { return };
        let cluster = self.store.cluster.0 + 1;
        self.store = Coordinator::restored(&backup, cluster);
        self.checks.restored();
        for observer in 0..self.shape.observers {
            self.nodes[observer].missed = true;
            self.nodes[observer].there = false;
            if !self.truth.sick[observer].paused {
                self.tell(observer, Input::Coordinator(Word::Lost));
            }
        }
    }

    // ---- Aimed -----------------------------------------------------------------------------------------------------

    /// What was aimed at this moment happens; what becomes of what was being sent.
    pub(super) fn aim(&mut self, observer: usize, service: ServiceId, act: Act) -> Fate {
        self.checks.aimed[act.index()] += 1;
        self.say(|_| format!("aimed at o{observer}: {act:?}"));
        match act {
            Act::CrashBefore => {
                self.crash_for(observer);
                Fate { lost: true, ..Fate::default() }
            }
            Act::CrashAfter => {
                self.crash_for(observer);
                Fate { mute: true, ..Fate::default() }
            }
            Act::AnswerLost => Fate { mute: true, ..Fate::default() },
            Act::Lost => Fate { lost: true, ..Fate::default() },
            Act::Late(span) => Fate { late: Some(span), mute: true, ..Fate::default() },
            Act::Pause(span) => {
                self.pauses(observer, span);
                Fate::default()
            }
            Act::PauseRenewing(span) => {
                // A renewal that was sent just now lands, and is acknowledged only when it goes on.
                let session = self.nodes[observer].acked(None).map(|acked| acked.session);
                self.put(span / 4, NOBODY, What::RenewsLate(observer, session, true));
                self.pauses(observer, span);
                Fate::default()
            }
            Act::Cut(span) => {
                self.truth.coordinator[observer] = false;
                self.truth.faults[observer] += 1;
                self.checks.faulty.look(self.now, self.shape, &self.truth);
                self.put(span, NOBODY, What::Mends(observer));
                self.put(3_500_000, observer, What::Contact);
                Fate::default()
            }
            Act::Deafens(span) => {
                self.truth.sick[observer].deaf = true;
                self.truth.faults[observer] += 1;
                self.checks.faulty.look(self.now, self.shape, &self.truth);
                self.put(span, NOBODY, What::Mends(observer));
                Fate { mute: true, ..Fate::default() }
            }
            Act::Severs { lands, left } => {
                self.truth.coordinator[observer] = false;
                self.truth.faults[observer] += 1;
                self.checks.faulty.look(self.now, self.shape, &self.truth);
                let node = &self.nodes[observer];
                let ends = node.acked(None).map_or(self.now, |acked| node.when(acked.sent + acked.ttl));
                let span = ends.saturating_sub(self.now + left).max(1_000_000);
                self.nodes[observer].unrenewed = ends;
                self.put(span, NOBODY, What::Mends(observer));
                for contact in [500_000, span + 1_000] {
                    self.put(contact, observer, What::Contact);
                }
                Fate { lost: !lands, ..Fate::default() }
            }
            Act::Restores(span) => {
                let at = self.faults.len();
                let (from, until) = (self.now, self.now + span);
                self.faults.push(Fault { kind: Kind::Restored, who: 0, region: 0, from, until });
                self.put(0, NOBODY, What::Fault(at, true));
                self.put(span, NOBODY, What::Fault(at, false));
                Fate::default()
            }
            Act::Abort => {
                self.order(observer, Some(service), Verb::Abort { run: None });
                Fate::default()
            }
            Act::Contrary => {
                let verb = self.contrary(service.index());
                self.order(observer, Some(service), verb);
                Fate::default()
            }
            Act::Reload => {
                self.put(0, observer, What::Reloads);
                Fate::default()
            }
            Act::Says(takes) => {
                self.all_say(observer, service.index());
                Fate { late: (takes > 0).then_some(takes), ..Fate::default() }
            }
        }
    }

    fn crash_for(&mut self, observer: usize) {
        // Not at once: the step that sends is still under way.
        if let Some(core) = &self.nodes[observer].core {
            self.visits.add(&core.visits);
        }
        self.nodes[observer].dies();
        self.orders.crashed(observer);
        self.checks.crashed(observer, self.now);
        let back = self.rng.between(1_000_000, 60_000_000);
        self.put(back, NOBODY, What::Rises);
    }

    pub(super) fn pauses(&mut self, observer: usize, span: u64) {
        self.say(|_| format!("o{observer}: stands still for {:.1} s", span as f64 / 1e6));
        self.truth.sick[observer].paused = true;
        self.truth.faults[observer] += 1;
        self.checks.faulty.look(self.now, self.shape, &self.truth);
        self.put(span, NOBODY, What::Resumes(observer));
    }

    pub(super) fn resumes(&mut self, observer: usize) {
        self.truth.sick[observer].paused = false;
        self.truth.faults[observer] = self.truth.faults[observer].saturating_sub(1);
        self.checks.faulty.look(self.now, self.shape, &self.truth);
        self.goes_on(observer);
    }

    pub(super) fn mends(&mut self, observer: usize) {
        self.truth.coordinator[observer] = true;
        self.truth.sick[observer].deaf = false;
        self.truth.faults[observer] = self.truth.faults[observer].saturating_sub(1);
        self.checks.faulty.look(self.now, self.shape, &self.truth);
        self.put(500_000, observer, What::Contact);
    }

    /// Somebody raises or clears the trigger of a service.
    pub(super) fn signal(&mut self, service: usize, raised: bool) {
        self.store.revision += 1;
        self.store.services[service].trigger = (self.store.revision, raised.then_some(self.now));
        self.spread(Changed::Trigger(service));
    }
}
