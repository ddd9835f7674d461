//! What everybody agrees on: records, claims, votes, asks, sessions. A store with revisions; it loses nothing and
//! invents nothing. Until the core transacts by itself, the world writes here what an observer's core shows.

use watchkeeper_core::agree::{Ask, Claim, Epoch, Failover, Outcome, Record, RunId, Vote};
use watchkeeper_core::authority::SessionId;
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::input::Seen;
use watchkeeper_core::time::Span;

use crate::shape::{name, region};

/// One service's keys, each with the revision at which it was last written.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) record: (u64, Record),
    pub(crate) claim: (u64, Option<usize>),
    pub(crate) ask: (u64, u32, usize),
    /// By observer: revision, its own count of writes, the vote.
    pub(crate) votes: Vec<(u64, u64, Option<Vote>)>,
    /// When the newest ask was written, in true time.
    pub(crate) asked_at: u64,
}

/// The whole store.
#[derive(Clone, Debug)]
pub(crate) struct Coordinator {
    pub(crate) revision: u64,
    pub(crate) services: Vec<Keys>,
    /// By observer: its last contact, in true time; its session lives for so long after.
    pub(crate) contact: Vec<u64>,
}

/// A session's time to live.
pub(crate) const SESSION: u64 = 15_000_000;

impl Coordinator {
    pub(crate) fn new(observers: usize, services: usize) -> Coordinator {
        let keys = Keys {
            record: (1, Record::at_rest(name(&region(0)), Epoch(1))),
            claim: (0, None),
            ask: (0, 0, 0),
            votes: vec![(0, 0, None); observers],
            asked_at: 0,
        };
        Coordinator { revision: 1, services: vec![keys; services], contact: vec![0; observers] }
    }

    pub(crate) fn lives(&self, observer: usize, now: u64) -> bool {
        now < self.contact[observer] + SESSION
    }

    /// A vote arrives; a later write of the same observer wins, whatever the order of arrival.
    pub(crate) fn vote(&mut self, service: usize, observer: usize, count: u64, vote: Option<Vote>) -> bool {
        let kept = &mut self.services[service].votes[observer];
        if count <= kept.1 && vote.is_some() {
            return false;
        }
        self.revision += 1;
        *kept = (self.revision, count.max(kept.1), vote);
        true
    }

    pub(crate) fn claim(&mut self, service: usize, holder: Option<usize>) {
        self.revision += 1;
        self.services[service].claim = (self.revision, holder);
    }

    pub(crate) fn ask(&mut self, service: usize, by: usize, now: u64) -> u32 {
        self.revision += 1;
        let keys = &mut self.services[service];
        keys.ask = (self.revision, keys.ask.1 + 1, by);
        keys.asked_at = now;
        keys.ask.1
    }

    /// The failover is over as soon as it started: steps come with the half of the core that acts.
    pub(crate) fn moved(&mut self, service: usize, to: usize) {
        self.revision += 1;
        let run = RunId(self.revision);
        let keys = &mut self.services[service];
        let record = &mut keys.record.1;
        record.quarantined = vec![record.active.clone()];
        record.active = name(&region(to));
        record.epoch = Epoch(record.epoch.0 + 1);
        record.automatic.push(run);
        let left = record.quarantined.iter().next().cloned().unwrap_or_else(|| record.active.clone());
        let failover = Failover::started(run, name("failover"), left);
        record.last_failover = Some(Failover { outcome: Some(Outcome::Done), ..failover });
        keys.record.0 = self.revision;
    }

    /// Every fact about a service, as an observer is told of it.
    pub(crate) fn facts(&self, service: usize, teller: usize) -> Vec<Seen> {
        let id = ServiceId::at(service);
        let keys = &self.services[service];
        let mut facts = vec![
            Seen::Record(id, keys.record.0, Some(Box::new(keys.record.1.clone()))),
            Seen::Claim(
                id,
                keys.claim.0,
                keys.claim
                    .1
                    .map(|holder| Claim { holder: name(&format!("o{holder}")), session: SessionId(0) }),
            ),
        ];
        if keys.ask.1 > 0 {
            facts.push(self.ask_fact(service, None));
        }
        let others = keys.votes.iter().enumerate().filter(|(who, vote)| *who != teller && vote.0 > 0);
        facts.extend(others.map(|(who, _)| self.vote_fact(service, who)));
        facts
    }

    /// The newest ask; whoever finds it at a start, or after having been away, does not know how old it is.
    pub(crate) fn ask_fact(&self, service: usize, age: Option<Span>) -> Seen {
        let (revision, number, by) = self.services[service].ask;
        Seen::Ask(ServiceId::at(service), revision, Ask { number, by: name(&format!("o{by}")), age })
    }

    pub(crate) fn vote_fact(&self, service: usize, who: usize) -> Seen {
        let (revision, _, vote) = &self.services[service].votes[who];
        Seen::Vote(ServiceId::at(service), *revision, name(&format!("o{who}")), vote.clone())
    }
}
