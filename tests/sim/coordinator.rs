//! What everybody agrees on, as a store with revisions: records, journals, claims, votes, asks, pulses, sessions.
//!
//! It commits a transaction or refuses it, loses nothing and invents nothing. It knows no network: requests and answers
//! get lost elsewhere.

use std::sync::Arc;

use watchkeeper_core::agree::{
    Ask, Claim, Epoch, Found, Guard, Journal, Pulse, Raised, Record, RunId, Txn, Velocity, Vote, Write,
};
use watchkeeper_core::authority::{ClusterId, SessionId};
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::input::Seen;
use watchkeeper_core::plan::{Entry, Outcome};
use watchkeeper_core::time::Span;

use crate::shape::{name, region};

/// A session's time to live, as granted.
pub(crate) const TTL: u64 = 15_000_000;

/// A fact with the revision at which it was last written.
pub(crate) type Kept<T> = (u64, Option<T>);

/// One service's keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) record: Kept<Record>,
    pub(crate) claim: Kept<Claim>,
    pub(crate) ask: Kept<Ask>,
    /// By observer, with the session that each hangs on.
    pub(crate) votes: Vec<(u64, SessionId, Option<Vote>)>,
    pub(crate) journals: Vec<(RunId, Journal)>,
    /// The trigger `signal`, and since when it is raised in true time.
    pub(crate) trigger: (u64, Option<u64>),
    /// When the newest ask was committed, in true time.
    pub(crate) asked_at: u64,
}

/// An observer's entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entered {
    pub(crate) id: SessionId,
    pub(crate) observer: usize,
    /// When its last renewal arrived.
    pub(crate) last: u64,
    pub(crate) ended: bool,
}

/// Something that was changed, so that whoever watches is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Record(usize),
    Claim(usize),
    Ask(usize),
    Vote(usize, usize),
    Trigger(usize),
    Pulse(usize),
    Velocity,
}

/// The whole store.
#[derive(Clone, Debug)]
pub(crate) struct Coordinator {
    pub(crate) cluster: ClusterId,
    pub(crate) revision: u64,
    pub(crate) services: Vec<Keys>,
    pub(crate) velocity: (u64, Velocity),
    pub(crate) sessions: Vec<Entered>,
    /// By observer, with the session that it hangs on.
    pub(crate) pulses: Vec<(u64, SessionId, Option<Pulse>)>,
    names: Vec<Name>,
}

impl Coordinator {
    pub(crate) fn new(observers: usize, services: usize) -> Coordinator {
        let keys = Keys {
            record: (1, Some(Record::at_rest(name(&region(0)), Epoch(1)))),
            claim: (0, None),
            ask: (0, None),
            votes: vec![(0, SessionId(0), None); observers],
            journals: Vec::new(),
            trigger: (0, None),
            asked_at: 0,
        };
        Coordinator {
            cluster: ClusterId(1),
            revision: 1,
            services: vec![keys; services],
            velocity: (0, Velocity::default()),
            sessions: Vec::new(),
            pulses: vec![(0, SessionId(0), None); observers],
            names: (0..observers).map(|o| name(&format!("o{o}"))).collect(),
        }
    }

    pub(crate) fn name(&self, observer: usize) -> Name {
        self.names[observer].clone()
    }

    pub(crate) fn observer(&self, called: &Name) -> Option<usize> {
        self.names.iter().position(|known| known == called)
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<&Entered> {
        self.sessions.iter().find(|session| session.id == id)
    }

    pub(crate) fn lives(&self, id: SessionId) -> bool {
        self.session(id).is_some_and(|session| !session.ended)
    }

    /// Who holds the claim.
    pub(crate) fn holder(&self, service: usize) -> Option<usize> {
        self.observer(&self.services[service].claim.1.as_ref()?.holder)
    }

    pub(crate) fn record(&self, service: usize) -> Option<&Record> {
        self.services[service].record.1.as_ref()
    }

    /// Where the record says that the service is active.
    pub(crate) fn active(&self, service: usize) -> Option<usize> {
        crate::shape::place(self.record(service)?.active.as_str())
    }

    pub(crate) fn journal(&self, service: usize, run: RunId) -> Option<&Journal> {
        self.services[service].journals.iter().find(|(id, _)| *id == run).map(|(_, journal)| journal)
    }

    /// How a run ended, if it has.
    pub(crate) fn outcome(&self, service: usize, run: RunId) -> Option<Outcome> {
        match self.journal(service, run)?.entries.last() {
            Some(Entry::Ended(outcome)) => Some(*outcome),
            Some(_) | None => None,
        }
    }

    /// A renewal arrives; what it answers, and what it changed.
    pub(crate) fn renew(
        &mut self,
        observer: usize,
        session: Option<SessionId>,
        fit: bool,
        now: u64,
    ) -> Option<SessionId> {
        let id = match session {
            Some(id) => {
                let kept = self.sessions.iter_mut().find(|kept| kept.id == id && !kept.ended)?;
                kept.last = kept.last.max(now);
                id
            }
            None => {
                self.revision += 1;
                // No coordinator ever gives the id of another's session.
                let id = SessionId((self.cluster.0 as u64) << 40 | self.revision);
                self.sessions.push(Entered { id, observer, last: now, ended: false });
                id
            }
        };
        self.revision += 1;
        let count = self.pulses[observer].2.map_or(0, |pulse| pulse.count) + 1;
        self.pulses[observer] = (self.revision, id, Some(Pulse { count, fit }));
        Some(id)
    }

    /// A session is over, and with it all that hangs on it.
    pub(crate) fn end(&mut self, id: SessionId) -> Vec<Changed> {
        let mut changed = Vec::new();
        for session in self.sessions.iter_mut().filter(|session| session.id == id) {
            session.ended = true;
        }
        for (observer, pulse) in self.pulses.iter_mut().enumerate() {
            if pulse.1 == id && pulse.2.is_some() {
                self.revision += 1;
                *pulse = (self.revision, id, None);
                changed.push(Changed::Pulse(observer));
            }
        }
        for (service, keys) in self.services.iter_mut().enumerate() {
            if keys.claim.1.as_ref().is_some_and(|claim| claim.session == id) {
                self.revision += 1;
                keys.claim = (self.revision, None);
                changed.push(Changed::Claim(service));
            }
            for (observer, vote) in keys.votes.iter_mut().enumerate() {
                if vote.1 == id && vote.2.is_some() {
                    self.revision += 1;
                    *vote = (self.revision, id, None);
                    changed.push(Changed::Vote(service, observer));
                }
            }
        }
        changed
    }

    /// Whether all that a transaction wants to be so is so.
    pub(crate) fn allows(&self, txn: &Txn) -> bool {
        let Some(keys) = self.services.get(txn.id.service.index()) else { return false };
        txn.guards.iter().all(|guard| match guard {
            Guard::Record(at) => at_revision(keys.record.0, keys.record.1.is_some(), *at),
            Guard::Unclaimed => keys.claim.1.is_none(),
            Guard::Claim(at) => keys.claim.1.is_some() && keys.claim.0 == *at,
            Guard::Session(id) => self.lives(*id),
            Guard::Vote(who, at) => self.observer(who).is_some_and(|who| {
                let (revision, _, vote) = &keys.votes[who];
                at_revision(*revision, vote.is_some(), *at)
            }),
            Guard::Ask(at) => at_revision(keys.ask.0, keys.ask.1.is_some(), *at),
            Guard::Journal(run, length) => {
                let known = keys.journals.iter().find(|(id, _)| id == run);
                known.map_or(0, |(_, journal)| journal.entries.len() as u64) == *length
            }
            Guard::Velocity(at) => self.velocity.0 == *at,
        })
    }

    /// Commits a transaction whose guards hold; what it changed.
    pub(crate) fn commit(&mut self, by: usize, txn: &Txn, now: u64) -> Vec<Changed> {
        let service = txn.id.service.index();
        let session = txn.guards.iter().find_map(|guard| match guard {
            Guard::Session(id) => Some(*id),
            _ => None,
        });
        let mut changed = Vec::new();
        for write in &txn.writes {
            self.revision += 1;
            let revision = self.revision;
            let keys = &mut self.services[service];
            match write {
                Write::Vote(vote) => {
                    keys.votes[by] = (revision, session.unwrap_or(SessionId(0)), Some(vote.clone()));
                    changed.push(Changed::Vote(service, by));
                }
                Write::Claim => {
                    let claim =
                        Claim { holder: self.names[by].clone(), session: session.unwrap_or(SessionId(0)) };
                    keys.claim = (revision, Some(claim));
                    changed.push(Changed::Claim(service));
                }
                Write::GiveUp => {
                    keys.claim = (revision, None);
                    changed.push(Changed::Claim(service));
                }
                Write::Ask(number) => {
                    let ask = Ask { number: *number, by: self.names[by].clone(), age: None };
                    keys.ask = (revision, Some(ask));
                    keys.asked_at = now;
                    changed.push(Changed::Ask(service));
                }
                Write::Record(record) => {
                    keys.record = (revision, Some((**record).clone()));
                    changed.push(Changed::Record(service));
                }
                Write::Begin(run, journal) => keys.journals.push((*run, journal.clone())),
                Write::Append(run, entries) => {
                    if let Some((_, journal)) = keys.journals.iter_mut().find(|(id, _)| id == run) {
                        journal.entries.extend(entries.iter().cloned());
                    }
                }
                Write::Velocity(velocity) => {
                    self.velocity = (revision, velocity.clone());
                    changed.push(Changed::Velocity);
                }
                Write::Clear(_) => {
                    keys.trigger = (revision, None);
                    changed.push(Changed::Trigger(service));
                }
            }
        }
        changed
    }

    /// What is so, as it is told with an answer.
    pub(crate) fn found(&self, asker: usize, txn: &Txn) -> Found {
        let keys = &self.services[txn.id.service.index()];
        let vote = &keys.votes[asker];
        let unfinished = |run: &RunId| {
            let record = keys.record.1.as_ref();
            let beside = record.into_iter().flat_map(|record| record.run.iter().chain(&record.beside));
            beside.into_iter().any(|unfinished| unfinished.id == *run)
        };
        let open = keys.journals.iter().filter(|(run, _)| unfinished(run));
        Found {
            record: keys.record.clone(),
            claim: keys.claim.clone(),
            ask: keys.ask.clone(),
            vote: if vote.2.is_some() { vote.0 } else { 0 },
            velocity: self.velocity.clone(),
            pulses: self
                .pulses
                .iter()
                .zip(&self.names)
                .filter_map(|((_, _, pulse), name)| Some((name.clone(), pulse.as_ref()?.count)))
                .collect(),
            lengths: open.clone().map(|(run, journal)| (*run, journal.entries.len() as u64)).collect(),
            journals: if txn.journals { open.cloned().collect() } else { Vec::new() },
        }
    }

    /// A fact, as whoever watches is told of it.
    pub(crate) fn fact(&self, changed: Changed, now: u64) -> Seen {
        match changed {
            Changed::Record(service) => {
                let (revision, record) = &self.services[service].record;
                Seen::Record(ServiceId::at(service), *revision, record.clone().map(Box::new))
            }
            Changed::Claim(service) => {
                let (revision, claim) = &self.services[service].claim;
                Seen::Claim(ServiceId::at(service), *revision, claim.clone())
            }
            Changed::Ask(service) => {
                let (revision, ask) = &self.services[service].ask;
                let none = || Ask { number: 0, by: self.names[0].clone(), age: None };
                Seen::Ask(ServiceId::at(service), *revision, ask.clone().unwrap_or_else(none))
            }
            Changed::Vote(service, who) => {
                let (revision, _, vote) = &self.services[service].votes[who];
                Seen::Vote(ServiceId::at(service), *revision, self.names[who].clone(), vote.clone())
            }
            Changed::Trigger(service) => {
                let (revision, since) = self.services[service].trigger;
                let raised = since.map(|since| Raised { age: Span::micros(now.saturating_sub(since)) });
                Seen::Trigger(ServiceId::at(service), revision, name("signal"), raised)
            }
            Changed::Pulse(who) => {
                let (revision, _, pulse) = self.pulses[who];
                Seen::Pulse(self.names[who].clone(), revision, pulse)
            }
            Changed::Velocity => Seen::Velocity(self.velocity.0, self.velocity.1.clone()),
        }
    }

    /// Every fact that was ever written.
    pub(crate) fn everything(&self) -> Vec<Changed> {
        let mut all = Vec::new();
        for (service, keys) in self.services.iter().enumerate() {
            all.extend([Changed::Record(service), Changed::Claim(service)]);
            all.extend((keys.ask.0 > 0).then_some(Changed::Ask(service)));
            all.extend((keys.trigger.0 > 0).then_some(Changed::Trigger(service)));
            let votes = (0..keys.votes.len()).filter(|&who| keys.votes[who].0 > 0);
            all.extend(votes.map(|who| Changed::Vote(service, who)));
        }
        all.extend((0..self.pulses.len()).filter(|&who| self.pulses[who].0 > 0).map(Changed::Pulse));
        all.push(Changed::Velocity);
        all
    }

    /// A backup of an earlier time takes its place, under another name: sessions are gone.
    pub(crate) fn restored(backup: &Coordinator, cluster: u128) -> Coordinator {
        let mut restored = backup.clone();
        restored.cluster = ClusterId(cluster);
        let ids: Vec<SessionId> = restored.sessions.iter().map(|session| session.id).collect();
        for id in ids {
            restored.end(id);
        }
        restored
    }
}

fn at_revision(revision: u64, there: bool, wanted: u64) -> bool {
    if wanted == 0 { !there } else { there && revision == wanted }
}

/// A plan is told by its name alone, so that a trace stays readable.
pub(crate) fn plan_name(journal: &Journal) -> &str {
    let plan: &Arc<_> = &journal.plan;
    plan.name().as_str()
}
