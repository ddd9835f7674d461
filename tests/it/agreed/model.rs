//! The simulation's coordinator again, as small as it gets: what a transaction means, without a disk.

use std::collections::BTreeMap;

use watchkeeper::core::agree::{
    Ask, Claim, Found, Guard, Journal, Pulse, Record, RunId, Txn, Velocity, Vote, Write,
};
use watchkeeper::core::authority::{ClusterId, SessionId};
use watchkeeper::core::ids::Name;

type Kept<T> = (u64, Option<T>);

#[derive(Clone, Default)]
pub(super) struct Keys {
    pub(super) record: Kept<Record>,
    pub(super) claim: Kept<Claim>,
    pub(super) ask: Kept<Ask>,
    pub(super) votes: BTreeMap<usize, (u64, SessionId, Option<Vote>)>,
    pub(super) journals: BTreeMap<RunId, Journal>,
}

pub(super) struct Model {
    pub(super) cluster: ClusterId,
    pub(super) revision: u64,
    pub(super) services: Vec<Keys>,
    pub(super) velocity: (u64, Velocity),
    /// Until when each lives, and whose it is.
    pub(super) sessions: BTreeMap<SessionId, (u64, usize)>,
    pub(super) pulses: Vec<(u64, SessionId, Option<Pulse>)>,
    pub(super) names: Vec<Name>,
}

impl Model {
    pub(super) fn new(cluster: ClusterId, names: Vec<Name>, services: usize) -> Model {
        Model {
            cluster,
            revision: 1,
            services: vec![Keys::default(); services],
            velocity: (0, Velocity::default()),
            sessions: BTreeMap::new(),
            pulses: vec![(0, SessionId(0), None); names.len()],
            names,
        }
    }

    pub(super) fn renew(
        &mut self,
        by: usize,
        session: Option<SessionId>,
        fit: bool,
        until: u64,
    ) -> Option<SessionId> {
        let id = match session {
            Some(id) => {
                let kept = self.sessions.get_mut(&id).filter(|kept| kept.1 == by)?;
                kept.0 = kept.0.max(until);
                id
            }
            None => {
                self.revision += 1;
                let id = SessionId((self.cluster.0 as u64) << 40 | self.revision);
                self.sessions.insert(id, (until, by));
                id
            }
        };
        self.revision += 1;
        let count = self.pulses[by].2.map_or(0, |pulse| pulse.count) + 1;
        self.pulses[by] = (self.revision, id, Some(Pulse { count, fit }));
        Some(id)
    }

    pub(super) fn expire(&mut self, now: u64) {
        let over: Vec<SessionId> =
            self.sessions.iter().filter(|(_, (until, _))| *until <= now).map(|(id, _)| *id).collect();
        for id in over {
            self.end(id);
        }
    }

    fn end(&mut self, id: SessionId) {
        self.sessions.remove(&id);
        for pulse in self.pulses.iter_mut().filter(|pulse| pulse.1 == id && pulse.2.is_some()) {
            self.revision += 1;
            (pulse.0, pulse.2) = (self.revision, None);
        }
        for keys in &mut self.services {
            if keys.claim.1.as_ref().is_some_and(|claim| claim.session == id) {
                self.revision += 1;
                keys.claim = (self.revision, None);
            }
        }
        for keys in &mut self.services {
            for vote in keys.votes.values_mut().filter(|vote| vote.1 == id && vote.2.is_some()) {
                self.revision += 1;
                (vote.0, vote.2) = (self.revision, None);
            }
        }
    }

    pub(super) fn allows(&self, txn: &Txn) -> bool {
        let keys = &self.services[txn.id.service.index()];
        let at = |revision: u64, there: bool, wanted: u64| match wanted {
            0 => !there,
            wanted => there && revision == wanted,
        };
        txn.guards.iter().all(|guard| match guard {
            Guard::Record(wanted) => at(keys.record.0, keys.record.1.is_some(), *wanted),
            Guard::Unclaimed => keys.claim.1.is_none(),
            Guard::Claim(wanted) => keys.claim.1.is_some() && keys.claim.0 == *wanted,
            Guard::Session(id) => self.sessions.contains_key(id),
            Guard::Vote(who, wanted) => self.names.iter().position(|name| name == who).is_some_and(|who| {
                let vote = keys.votes.get(&who);
                at(vote.map_or(0, |vote| vote.0), vote.is_some_and(|vote| vote.2.is_some()), *wanted)
            }),
            Guard::Ask(wanted) => at(keys.ask.0, keys.ask.1.is_some(), *wanted),
            Guard::Journal(run, length) => {
                keys.journals.get(run).map_or(0, |journal| journal.entries.len() as u64) == *length
            }
            Guard::Velocity(wanted) => self.velocity.0 == *wanted,
        })
    }

    pub(super) fn commit(&mut self, by: usize, txn: &Txn) {
        let session = txn.guards.iter().find_map(|guard| match guard {
            Guard::Session(id) => Some(*id),
            _ => None,
        });
        let session = session.unwrap_or(SessionId(0));
        for write in &txn.writes {
            self.revision += 1;
            let revision = self.revision;
            let me = self.names[by].clone();
            let keys = &mut self.services[txn.id.service.index()];
            match write {
                Write::Vote(vote) => drop(keys.votes.insert(by, (revision, session, Some(vote.clone())))),
                Write::Claim => keys.claim = (revision, Some(Claim { holder: me, session })),
                Write::GiveUp => keys.claim = (revision, None),
                Write::Ask(number) => keys.ask = (revision, Some(Ask { number: *number, by: me, age: None })),
                Write::Record(record) => keys.record = (revision, Some((**record).clone())),
                Write::Begin(run, journal) => drop(keys.journals.insert(*run, journal.clone())),
                Write::Append(run, entries) => {
                    if let Some(journal) = keys.journals.get_mut(run) {
                        journal.entries.extend(entries.iter().cloned());
                    }
                }
                Write::Velocity(velocity) => self.velocity = (revision, velocity.clone()),
                Write::Clear(_) => {}
            }
        }
    }

    pub(super) fn found(&self, by: usize, txn: &Txn) -> Found {
        let keys = &self.services[txn.id.service.index()];
        let runs = keys.record.1.iter().flat_map(|record| record.run.iter().chain(&record.beside));
        let open: Vec<RunId> = runs.map(|run| run.id).collect();
        let journals = keys.journals.iter().filter(|(run, _)| open.contains(run));
        let vote = keys.votes.get(&by).filter(|vote| vote.2.is_some());
        let pulses = self.pulses.iter().zip(&self.names);
        Found {
            record: keys.record.clone(),
            claim: keys.claim.clone(),
            ask: keys.ask.clone(),
            vote: vote.map_or(0, |vote| vote.0),
            velocity: self.velocity.clone(),
            pulses: pulses
                .filter_map(|((_, _, pulse), name)| Some((name.clone(), pulse.as_ref()?.count)))
                .collect(),
            lengths: journals.clone().map(|(run, journal)| (*run, journal.entries.len() as u64)).collect(),
            journals: match txn.journals {
                true => journals.map(|(run, journal)| (*run, journal.clone())).collect(),
                false => Vec::new(),
            },
        }
    }
}
