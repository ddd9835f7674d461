//! A small exact coordinator: revisions, sessions that end, transactions by compare-and-set, and what hangs on a session
//! falls with it. What changed is told to whoever watches, some time later.
//!
//! It knows nothing of what a transaction is for, and never looks at a clock but the one that it is given.

use std::collections::BTreeMap;

use watchkeeper_core::agree::{
    Ask, Claim, Found, Guard, Journal, Pulse, Raised, Record, RunId, Txn, Velocity, Vote, Write,
};
use watchkeeper_core::authority::{Renewed, SessionId};
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::input::Seen;
use watchkeeper_core::plan::{By, Entry};
use watchkeeper_core::time::{Mono, Span};

/// What is granted for a session.
pub(crate) const TTL: Span = Span::secs(15);

/// What is held of one service; each with the revision at which it was written last.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) record: (u64, Option<Record>),
    pub(crate) claim: (u64, Option<Claim>),
    ask: (u64, Option<Ask>),
    votes: BTreeMap<Name, (u64, SessionId, Vote)>,
    /// Those of ended runs are kept, for people.
    pub(crate) journals: BTreeMap<RunId, Journal>,
    raised: BTreeMap<Name, Option<Mono>>,
    /// Those that somebody has taken away.
    gone: BTreeMap<RunId, Journal>,
}

#[derive(Clone)]
struct Alive {
    who: Name,
    ends: Mono,
}

/// The coordinator.
#[derive(Clone, Default)]
pub(crate) struct Coordinator {
    revision: u64,
    sessions: BTreeMap<SessionId, Alive>,
    given: u64,
    pulses: BTreeMap<Name, (u64, SessionId, Pulse)>,
    counts: BTreeMap<Name, u64>,
    services: BTreeMap<ServiceId, Held>,
    velocity: (u64, Velocity),
    /// What changed and was not told yet.
    news: Vec<Seen>,
}

impl Coordinator {
    pub(crate) fn held(&self, service: ServiceId) -> Option<&Held> {
        self.services.get(&service)
    }

    pub(crate) fn record(&self, service: ServiceId) -> Option<&Record> {
        self.held(service)?.record.1.as_ref()
    }

    /// What changed since this was asked last, in its order.
    pub(crate) fn news(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.news)
    }

    fn next(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// A renewal arrives; without a session a new one is made. Says when the session ends.
    pub(crate) fn renew(
        &mut self,
        who: &Name,
        session: Option<SessionId>,
        fit: bool,
        now: Mono,
    ) -> (Renewed, Option<Mono>) {
        self.end_sessions(now);
        let id = match session {
            Some(id) if self.sessions.contains_key(&id) => id,
            Some(_) => return (Renewed::Gone, None),
            None => {
                self.given += 1;
                SessionId(self.given)
            }
        };
        let ends = now + TTL;
        self.sessions.insert(id, Alive { who: who.clone(), ends });
        let count = self.counts.entry(who.clone()).or_default();
        *count += 1;
        let pulse = Pulse { count: *count, fit };
        let revision = self.next();
        self.pulses.insert(who.clone(), (revision, id, pulse));
        self.news.push(Seen::Pulse(who.clone(), revision, Some(pulse)));
        (Renewed::Alive { session: id, ttl: TTL }, Some(ends))
    }

    /// Sessions whose time is over end, and all that hangs on them falls.
    pub(crate) fn end_sessions(&mut self, now: Mono) {
        let over: Vec<SessionId> =
            self.sessions.iter().filter(|(_, alive)| alive.ends <= now).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.end(id));
    }

    /// Every session of that observer ends now.
    pub(crate) fn end_all_of(&mut self, who: &Name) {
        let all: Vec<SessionId> =
            self.sessions.iter().filter(|(_, alive)| alive.who == *who).map(|(id, _)| *id).collect();
        all.into_iter().for_each(|id| self.end(id));
    }

    fn end(&mut self, id: SessionId) {
        let revision = self.next();
        self.sessions.remove(&id);
        for (service, held) in &mut self.services {
            if held.claim.1.as_ref().is_some_and(|claim| claim.session == id) {
                held.claim = (revision, None);
                self.news.push(Seen::Claim(*service, revision, None));
            }
            let gone: Vec<Name> =
                held.votes.iter().filter(|(_, vote)| vote.1 == id).map(|(who, _)| who.clone()).collect();
            for who in gone {
                held.votes.remove(&who);
                self.news.push(Seen::Vote(*service, revision, who, None));
            }
        }
        let gone: Vec<Name> =
            self.pulses.iter().filter(|(_, pulse)| pulse.1 == id).map(|(who, _)| who.clone()).collect();
        for who in gone {
            self.pulses.remove(&who);
            self.news.push(Seen::Pulse(who, revision, None));
        }
    }

    /// This backup takes its place: nobody's session is known there, and none of their numbers is given again.
    pub(crate) fn restore(&mut self, backup: Coordinator) {
        let given = self.given;
        *self = backup;
        let all: Vec<SessionId> = self.sessions.keys().copied().collect();
        all.into_iter().for_each(|id| self.end(id));
        self.given = given;
        self.news.clear();
    }

    /// Whose votes on a service stand here.
    pub(crate) fn voters(&self, service: ServiceId) -> Vec<Name> {
        self.held(service).map_or(Vec::new(), |held| held.votes.keys().cloned().collect())
    }

    /// Somebody takes a journal away, or puts it back. Says whether there was one.
    pub(crate) fn take_journal(&mut self, service: ServiceId, run: RunId, away: bool) -> bool {
        let Some(held) = self.services.get_mut(&service) else { return false };
        let (from, to) =
            if away { (&mut held.journals, &mut held.gone) } else { (&mut held.gone, &mut held.journals) };
        let found = from.remove(&run).map(|journal| to.insert(run, journal));
        found.is_some()
    }

    /// Somebody who is none of the observers writes into a journal. Says whether there is one.
    pub(crate) fn scribble(&mut self, service: ServiceId, run: RunId) -> bool {
        let journal = self.services.get_mut(&service).and_then(|held| held.journals.get_mut(&run));
        let entry = || Entry::Accepted { by: By::Person("somebody".into()) };
        journal.map(|journal| journal.entries.push(entry())).is_some()
    }

    /// Somebody writes the record by hand.
    pub(crate) fn write_record(&mut self, service: ServiceId, record: Option<Record>) {
        let revision = self.next();
        self.services.entry(service).or_default().record = (revision, record.clone());
        self.news.push(Seen::Record(service, revision, record.map(Box::new)));
    }

    /// Somebody raises a trigger, or clears it.
    pub(crate) fn raise(&mut self, service: ServiceId, trigger: &Name, since: Option<Mono>, now: Mono) {
        let revision = self.next();
        let raised = &mut self.services.entry(service).or_default().raised;
        raised.insert(trigger.clone(), since);
        let raised = since.map(|since| Raised { age: now.since(since) });
        self.news.push(Seen::Trigger(service, revision, trigger.clone(), raised));
    }

    /// All or nothing. Whether it was committed, and what is so now.
    pub(crate) fn commit(&mut self, who: &Name, txn: &Txn, now: Mono) -> (bool, Found) {
        self.end_sessions(now);
        let service = txn.id.service;
        let holds = txn.guards.iter().all(|guard| self.is_so(service, guard));
        if holds && !txn.writes.is_empty() {
            let revision = self.next();
            let session = txn.guards.iter().find_map(|guard| match guard {
                Guard::Session(id) => Some(*id),
                Guard::Record(_)
                | Guard::Unclaimed
                | Guard::Claim(_)
                | Guard::Vote(..)
                | Guard::Ask(_)
                | Guard::Journal(..)
                | Guard::Velocity(_) => None,
            });
            for write in &txn.writes {
                self.write(who, service, session, write, revision);
            }
        }
        (holds, self.found(who, service, txn.journals))
    }

    fn is_so(&self, service: ServiceId, guard: &Guard) -> bool {
        let none = Held::default();
        let held = self.held(service).unwrap_or(&none);
        match guard {
            Guard::Record(revision) => held.record.0 == *revision,
            Guard::Unclaimed => held.claim.1.is_none(),
            Guard::Claim(created) => held.claim.1.is_some() && held.claim.0 == *created,
            Guard::Session(id) => self.sessions.contains_key(id),
            Guard::Vote(who, revision) => held.votes.get(who).map_or(0, |vote| vote.0) == *revision,
            Guard::Ask(revision) => held.ask.0 == *revision,
            Guard::Journal(run, length) => {
                held.journals.get(run).is_some_and(|journal| journal.entries.len() as u64 == *length)
            }
            Guard::Velocity(revision) => self.velocity.0 == *revision,
        }
    }

    fn write(
        &mut self,
        who: &Name,
        service: ServiceId,
        session: Option<SessionId>,
        write: &Write,
        revision: u64,
    ) {
        let held = self.services.entry(service).or_default();
        match write {
            Write::Vote(vote) => {
                let Some(session) = session else { return };
                held.votes.insert(who.clone(), (revision, session, vote.clone()));
                self.news.push(Seen::Vote(service, revision, who.clone(), Some(vote.clone())));
            }
            Write::Claim => {
                let Some(session) = session else { return };
                let claim = Claim { holder: who.clone(), session };
                held.claim = (revision, Some(claim.clone()));
                self.news.push(Seen::Claim(service, revision, Some(claim)));
            }
            Write::GiveUp => {
                held.claim = (revision, None);
                self.news.push(Seen::Claim(service, revision, None));
            }
            Write::Ask(number) => {
                let ask = Ask { number: *number, by: who.clone(), age: None };
                held.ask = (revision, Some(ask.clone()));
                self.news.push(Seen::Ask(service, revision, ask));
            }
            Write::Record(record) => {
                held.record = (revision, Some((**record).clone()));
                self.news.push(Seen::Record(service, revision, Some(record.clone())));
            }
            Write::Begin(run, journal) => {
                held.journals.insert(*run, journal.clone());
            }
            Write::Append(run, entries) => {
                if let Some(journal) = held.journals.get_mut(run) {
                    journal.entries.extend(entries.iter().cloned());
                }
            }
            Write::Velocity(velocity) => {
                self.velocity = (revision, velocity.clone());
                self.news.push(Seen::Velocity(revision, velocity.clone()));
            }
            Write::Clear(trigger) => {
                held.raised.insert(trigger.clone(), None);
                self.news.push(Seen::Trigger(service, revision, trigger.clone(), None));
            }
        }
    }

    fn found(&self, who: &Name, service: ServiceId, journals: bool) -> Found {
        let none = Held::default();
        let held = self.held(service).unwrap_or(&none);
        let unfinished = |run: &RunId| {
            held.record.1.iter().flat_map(|r| r.run.iter().chain(&r.beside)).any(|of| of.id == *run)
        };
        let open = || held.journals.iter().filter(|(run, _)| unfinished(run));
        Found {
            record: held.record.clone(),
            claim: held.claim.clone(),
            ask: held.ask.clone(),
            vote: held.votes.get(who).map_or(0, |vote| vote.0),
            velocity: self.velocity.clone(),
            pulses: self.pulses.iter().map(|(who, (_, _, pulse))| (who.clone(), pulse.count)).collect(),
            lengths: open().map(|(run, journal)| (*run, journal.entries.len() as u64)).collect(),
            journals: if journals {
                open().map(|(run, journal)| (*run, journal.clone())).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Everything, as whoever begins to watch finds it.
    pub(crate) fn everything(&self, now: Mono) -> Vec<Seen> {
        let mut all = Vec::new();
        for who in self.counts.keys() {
            let pulse = self.pulses.get(who);
            let revision = pulse.map_or(self.revision, |pulse| pulse.0);
            all.push(Seen::Pulse(who.clone(), revision, pulse.map(|pulse| pulse.2)));
        }
        all.push(Seen::Velocity(self.velocity.0, self.velocity.1.clone()));
        for (service, held) in &self.services {
            let id = *service;
            if held.record.0 > 0 {
                all.push(Seen::Record(id, held.record.0, held.record.1.clone().map(Box::new)));
            }
            if held.claim.0 > 0 {
                all.push(Seen::Claim(id, held.claim.0, held.claim.1.clone()));
            }
            if let (revision, Some(ask)) = &held.ask {
                all.push(Seen::Ask(id, *revision, ask.clone()));
            }
            for (trigger, since) in &held.raised {
                let raised = since.map(|since| Raised { age: now.since(since) });
                all.push(Seen::Trigger(id, self.revision, trigger.clone(), raised));
            }
            // What is not there any more was there for whoever watched before.
            for who in self.counts.keys() {
                let vote = held.votes.get(who);
                let revision = vote.map_or(self.revision, |vote| vote.0);
                all.push(Seen::Vote(id, revision, who.clone(), vote.map(|vote| vote.2.clone())));
            }
        }
        all
    }
}
