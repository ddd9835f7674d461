//! Between the observers and the coordinator: renewals, transactions, and the facts that everybody is told, each with what
//! a network does to them.

use std::rc::Rc;

use watchkeeper_core::agree::{Answer, Purpose, Txn, Write};
use watchkeeper_core::authority::{Nonce, Renewed, SessionId};
use watchkeeper_core::input::{Input, Seen};
use watchkeeper_core::plan::{Entry, PlanKind, StepName};
use watchkeeper_core::time::Span;

use super::{ASKED, Asked, NOBODY, What, World};
use crate::coordinator::{Changed, TTL};
use crate::directed::{Aimed, Point};
use crate::recipe::LAPSE;
use crate::users::TTL as RESOLVED;

impl World<'_> {
    // ---- The session -----------------------------------------------------------------------------------------------

    pub(super) fn renew(&mut self, observer: usize, nonce: Nonce, session: Option<SessionId>, fit: bool) {
        if session.is_none() {
            self.say(|_| format!("o{observer}: asks for a session ({})", nonce.0));
        }
        let node = &mut self.nodes[observer];
        let (sent, at) = (node.mono(self.now), self.now);
        node.renewals.push((nonce, sent, at));
        if node.renewals.len() > 16 {
            node.renewals.remove(0);
        }
        let sick = self.truth.sick[observer];
        let unrenewed = sick.unrenewed || self.now < self.nodes[observer].unrenewed;
        let lost = !self.coordinated(observer) || unrenewed || (sick.flaky && self.rng.chance(150));
        let mut takes = self.rng.between(2_000, 30_000);
        if self.slow {
            takes += self.rng.between(400_000, 2_900_000);
        }
        if lost {
            if self.coordinated(observer) && !unrenewed && self.rng.chance(300) {
                let late = self.rng.between(1_000_000, 60_000_000);
                self.put(late, NOBODY, What::RenewsLate(observer, session, fit));
            }
            return self.put(ASKED, observer, What::Renewed(nonce, Renewed::Unknown));
        }
        let answer = self.arrives_renewal(observer, session, fit);
        if sick.deaf || (sick.flaky && self.rng.chance(150)) {
            return self.put(ASKED, observer, What::Renewed(nonce, Renewed::Unknown));
        }
        let answer = match answer {
            Some(session) => Renewed::Alive { session, ttl: Span::micros(TTL) },
            None => Renewed::Gone,
        };
        self.put(takes, observer, What::Renewed(nonce, answer));
    }

    /// A renewal arrives.
    pub(super) fn arrives_renewal(
        &mut self,
        observer: usize,
        session: Option<SessionId>,
        fit: bool,
    ) -> Option<SessionId> {
        let id = self.store.renew(observer, session, fit, self.now)?;
        let (checks, scene) = self.scene();
        checks.renews(&scene, observer, session, fit);
        if session.is_none() {
            self.put(TTL, NOBODY, What::SessionEnds(id));
        }
        let (revision, _, pulse) = self.store.pulses[observer];
        // Mostly everybody sees it at once; now and then each when it does.
        if self.rng.chance(100) || self.truth.sick.iter().any(|sick| sick.stale) {
            for other in 0..self.shape.observers {
                let takes = self.told_in(other);
                self.put(takes, other, What::Pulsed(observer, revision, pulse));
            }
        } else {
            let takes = self.rng.between(1_000, 20_000);
            self.put(takes, NOBODY, What::Pulses(observer, revision, pulse));
        }
        Some(id)
    }

    pub(super) fn renewed(&mut self, observer: usize, nonce: Nonce, answer: Renewed) {
        // An answer on its way to somebody who was cut off meanwhile never comes.
        let answer = if self.coordinated(observer) { answer } else { Renewed::Unknown };
        let known = self.nodes[observer].acked(None).map(|acked| acked.session);
        if !matches!(answer, Renewed::Alive { session, .. } if Some(session) == known) {
            self.say(|_| format!("o{observer}: its renewal {} is answered: {answer:?}", nonce.0));
        }
        match answer {
            Renewed::Alive { session, ttl } => {
                if let Some(sent) = self.nodes[observer].renewed(nonce, session, ttl)
                    && let Some(region) = self.shape.stands_in(observer)
                {
                    self.daemon_heard(observer, region, sent);
                }
            }
            Renewed::Gone => self.nodes[observer].gone(nonce),
            Renewed::Unknown => {}
        }
        self.tell(observer, Input::Renewed { nonce, answer });
    }

    /// The databases of a region that are bound to its daemon may run on; they begin again where the record says so.
    fn daemon_heard(&mut self, observer: usize, region: usize, sent: u64) {
        debug_assert_eq!(observer, region, "a region's daemon has its number");
        self.runs_on(region, sent);
        let mut changed = false;
        for service in 0..self.shape.services {
            // A daemon that was away lets nothing run while a failover may be leaving its region.
            let moving = self
                .store
                .record(service)
                .is_some_and(|record| record.run.as_ref().is_some_and(|run| run.kind == PlanKind::Failover));
            let active = self.store.active(service) == Some(region);
            if active && !moving && self.providers.dbs[service][region].bound {
                self.providers.dbs[service][region].bound = false;
                changed = true;
            }
        }
        if changed {
            self.look();
        }
    }

    /// What is bound to a region's daemon runs on for so long from then, and is looked at when that is over.
    pub(super) fn runs_on(&mut self, region: usize, from: u64) {
        let node = &mut self.nodes[region];
        node.bound_until = node.bound_until.max(from + LAPSE);
        let until = node.bound_until;
        let watched = std::mem::replace(&mut node.watched, true);
        if !watched && self.shape.recipes.iter().any(|recipe| recipe.fenced) {
            self.put(until.saturating_sub(self.now) + 1, NOBODY, What::Bound(region));
        }
    }

    /// Nothing was heard for so long: what is bound to the daemon has stopped.
    pub(super) fn bound(&mut self, region: usize) {
        let observer = region;
        let until = self.nodes[observer].bound_until;
        if until > self.now {
            return self.put(until - self.now + 1, NOBODY, What::Bound(region));
        }
        self.nodes[observer].watched = false;
        if !self.truth.power[region] {
            return;
        }
        let mut changed = false;
        for service in 0..self.shape.services {
            let db = &mut self.providers.dbs[service][region];
            if self.shape.recipes[service].fenced && db.primary && !db.bound {
                db.bound = true;
                changed = true;
            }
        }
        if changed {
            self.say(|_| format!("r{region}: databases stop, since their daemon hears nothing"));
            self.look();
        }
    }

    pub(super) fn session_ends(&mut self, id: SessionId) {
        let Some(session) = self.store.session(id).copied().filter(|session| !session.ended) else { return };
        let keeps = if self.truth.stretched { TTL + 30_000_000 } else { TTL };
        let end = session.last + keeps;
        if end > self.now || !self.truth.quorum {
            let later = end.saturating_sub(self.now).max(1_000_000);
            return self.put(later, NOBODY, What::SessionEnds(id));
        }
        self.say(|_| format!("coordinator: the session {} of o{} is over", id.0, session.observer));
        let changed = self.store.end(id);
        for change in changed {
            if let Changed::Claim(_) = change {
                self.checks.tally.expired += 1;
            }
            self.spread(change);
        }
    }

    // ---- Transactions ----------------------------------------------------------------------------------------------

    pub(super) fn transact(&mut self, observer: usize, txn: Box<Txn>) {
        self.say(|_| {
            format!(
                "o{observer} s{}: sends {:?} {}: {}",
                txn.id.service.index(),
                txn.id.purpose,
                txn.id.number,
                crate::story::writes(&txn)
            )
        });
        let (checks, scene) = self.scene();
        checks.sent(&scene, observer, &txn);
        let sick = self.truth.sick[observer];
        let life = self.nodes[observer].life;
        let mut takes = self.rng.between(1_000, 25_000);
        let mut mute = sick.deaf;
        let mut lost = !self.coordinated(observer);
        if sick.flaky && !lost {
            match self.rng.below(8) {
                0 => lost = true,
                1 => mute = true,
                2 => takes = self.rng.between(ASKED, 60_000_000),
                _ => {}
            }
        }
        if sick.unrenewed && self.rng.chance(700) {
            takes = self.rng.between(500_000, ASKED - 100_000);
        }
        let point = if matches!(txn.id.purpose, Purpose::Start | Purpose::Journal | Purpose::End) {
            self.writes += 1;
            Some(Point::Write(self.writes))
        } else if matches!(txn.id.purpose, Purpose::Take | Purpose::GiveUp) || txn.journals {
            self.claims += 1;
            Some(Point::Claim(self.claims))
        } else {
            None
        };
        let other = match txn.id.purpose {
            Purpose::GiveUp => {
                self.given_up += 1;
                Some(Point::GiveUp(self.given_up))
            }
            Purpose::End => {
                self.ends_sent += 1;
                Some(Point::End(self.ends_sent))
            }
            _ => None,
        };
        let here = |aimed: &&Aimed| point == Some(aimed.point) || other == Some(aimed.point);
        let aimed = self.aimed.iter().find(here).copied();
        if let Some(aimed) = aimed {
            self.orders.about = about(&txn);
            let fate = self.aim(observer, txn.id.service, aimed.act);
            (lost, mute) = (lost || fate.lost, mute || fate.mute);
            takes = fate.late.unwrap_or(takes);
        }
        if self.nodes[observer].life == life {
            // The answer, if one comes, comes earlier.
            let id = txn.id;
            if lost || mute || takes >= ASKED {
                self.put(ASKED, observer, What::Answered(self.store.cluster, id, Box::new(Answer::Unknown)));
                mute = true;
            }
        }
        if !lost {
            self.put(takes, NOBODY, What::Asks(Box::new(Asked { by: observer, life, txn, mute })));
        }
    }

    /// It arrives.
    pub(super) fn asks(&mut self, asked: Asked) {
        let Asked { by, life, txn, mut mute } = asked;
        if !self.truth.quorum {
            if !mute && self.nodes[by].life == life {
                self.put(ASKED, by, What::Answered(self.store.cluster, txn.id, Box::new(Answer::Unknown)));
            }
            return;
        }
        let lands = self.store.allows(&txn);
        if lands {
            let (checks, scene) = self.scene();
            checks.commits(&scene, by, &txn);
            let changed = self.store.commit(by, &txn, self.now);
            let (checks, scene) = self.scene();
            checks.committed(&scene, by, &txn);
            for change in &changed {
                self.spread(*change);
            }
            if changed.iter().any(|change| matches!(change, Changed::Record(_))) {
                self.record_changed(txn.id.service.index());
            }
        } else {
            self.checks.tally.refused += 1;
        }
        self.say(|_| {
            let what = if lands { "committed" } else { "refused" };
            format!("coordinator: {what} o{by} s{} {:?}", txn.id.service.index(), txn.id.purpose)
        });
        if mute || self.nodes[by].life != life {
            return;
        }
        mute = !self.coordinated(by);
        let answer = match (mute, lands) {
            (true, _) => Answer::Unknown,
            (false, true) => Answer::Committed(Box::new(self.store.found(by, &txn))),
            (false, false) => Answer::Refused(Box::new(self.store.found(by, &txn))),
        };
        let takes = if mute { ASKED } else { self.rng.between(1_000, 20_000) };
        self.put(takes, by, What::Answered(self.store.cluster, txn.id, Box::new(answer)));
        if !mute && self.rng.chance(3) {
            // Told twice.
            let again = takes + self.rng.between(1_000, 3_000_000);
            let answer = if lands {
                Answer::Committed(Box::new(self.store.found(by, &txn)))
            } else {
                Answer::Refused(Box::new(self.store.found(by, &txn)))
            };
            self.put(again, by, What::Answered(self.store.cluster, txn.id, Box::new(answer)));
        }
    }

    /// The gate is polled by those who lead users.
    fn record_changed(&mut self, service: usize) {
        if self.shape.recipes[service].gate {
            self.led(service);
        }
        self.look();
    }

    /// The name leads elsewhere: each resolver finds out when it looks again.
    pub(super) fn led(&mut self, service: usize) {
        for resolver in 0..crate::users::RESOLVERS {
            let later = self.rng.between(1, RESOLVED);
            self.put(later, NOBODY, What::Resolves(service, resolver));
        }
    }

    // ---- Facts -----------------------------------------------------------------------------------------------------

    /// How long it takes until an observer is told.
    fn told_in(&mut self, observer: usize) -> u64 {
        if self.truth.sick[observer].stale && self.rng.chance(500) {
            self.rng.between(100_000, 30_000_000)
        } else if self.rng.chance(20) {
            self.rng.between(20_000, 2_000_000)
        } else {
            self.rng.between(1_000, 20_000)
        }
    }

    /// Everybody who reaches the coordinator sees a fact, now and then twice or late; the others miss it.
    pub(crate) fn spread(&mut self, changed: Changed) {
        let fact = Rc::new(self.store.fact(changed, self.now));
        for observer in 0..self.shape.observers {
            if self.says_itself(changed, observer) {
                continue;
            }
            if !self.coordinated(observer) || self.truth.sick[observer].deaf {
                self.nodes[observer].missed = true;
                continue;
            }
            let takes = self.told_in(observer);
            self.put(takes, observer, What::Told(self.store.cluster, Rc::clone(&fact)));
            if self.rng.chance(20) {
                let again = takes + self.rng.below(2_000_000);
                self.put(again, observer, What::Told(self.store.cluster, Rc::clone(&fact)));
            }
        }
    }

    /// Nobody is told what it votes: answers say where that stands. That it is lost is told.
    fn says_itself(&self, changed: Changed, observer: usize) -> bool {
        let Changed::Vote(service, by) = changed else { return false };
        by == observer && self.store.services[service].votes[by].2.is_some()
    }

    /// It hears what is on its way; if not, it will be told all again.
    pub(super) fn hears(&mut self, observer: usize) -> bool {
        let hears = self.coordinated(observer) && !self.truth.sick[observer].deaf;
        self.nodes[observer].missed |= !hears;
        hears
    }

    /// Everything is told, in any order.
    pub(super) fn everything(&mut self, observer: usize) {
        for changed in self.store.everything() {
            if self.says_itself(changed, observer) {
                continue;
            }
            let takes = self.rng.between(1_000, 40_000);
            let fact: Seen = self.store.fact(changed, self.now);
            self.put(takes, observer, What::Told(self.store.cluster, Rc::new(fact)));
        }
    }
}

/// Which step a transaction is about.
fn about(txn: &Txn) -> Option<StepName> {
    txn.writes.iter().find_map(|write| match write {
        Write::Append(_, entries) => entries.iter().rev().find_map(|entry| match entry {
            Entry::Intent { step, .. } | Entry::Heard { step, .. } | Entry::Expired { step, .. } => {
                Some(step.clone())
            }
            _ => None,
        }),
        _ => None,
    })
}

/// Whether a transaction sets an ask.
pub(crate) fn asks(txn: &Txn) -> bool {
    txn.writes.iter().any(|write| matches!(write, Write::Ask(_)))
}
