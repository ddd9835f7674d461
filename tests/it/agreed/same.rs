//! Random renewals, transactions and passing time, on the store and on the model: the same answers, the same facts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use watchkeeper::coord::local::Local;
use watchkeeper::coord::{Coordinator, Names, Told};
use watchkeeper::core::agree::{Answer, Guard, Journal, Purpose, RunId, Txn, TxnId, Write};
use watchkeeper::core::authority::{Renewed, SessionId};
use watchkeeper::core::ids::{Name, ServiceId};
use watchkeeper::core::input::Seen;
use watchkeeper::core::policy::Policy;
use watchkeeper::core::time::{Mono, Now, Wall};
use watchkeeper::store::{Limits, Store, open};

use super::any;
use super::model::Model;
use crate::toy::{self, name};

const OBSERVERS: usize = 3;
const TTL: u64 = 15_000_000;

pub(super) fn clock(at: &Arc<AtomicU64>) -> Arc<dyn Fn() -> Now + Send + Sync> {
    let at = Arc::clone(at);
    Arc::new(move || Now { mono: Mono::micros(at.load(Ordering::Relaxed)), wall: Wall::secs(1) })
}

pub(super) fn names(policy: &Policy) -> Names {
    let services =
        policy.services.iter().enumerate().map(|(at, service)| (ServiceId::at(at), Arc::clone(service)));
    Names::new(policy, services)
}

struct Pair {
    real: Vec<Local>,
    model: Model,
    policy: Arc<Policy>,
    time: Arc<AtomicU64>,
    rng: StdRng,
    values: TestRunner,
    sessions: Vec<Vec<SessionId>>,
    tally: BTreeMap<&'static str, u32>,
}

impl Pair {
    async fn new(store: Store, seed: u64) -> Pair {
        let policy = toy::policy(0, OBSERVERS);
        let time = Arc::new(AtomicU64::new(1_000_000));
        let first = Local::open(store, clock(&time), names(&policy), 0xABCD).await.expect("a coordinator");
        let called: Vec<Name> = (0..OBSERVERS).map(|o| name(&format!("o{o}"))).collect();
        let model = Model::new(first.cluster(), called.clone(), policy.services.len());
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Pair {
            real: called.into_iter().map(|me| first.as_seen_by(me)).collect(),
            model,
            policy,
            time,
            rng: StdRng::seed_from_u64(seed),
            values: TestRunner::new_with_rng(
                Default::default(),
                TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
            ),
            sessions: vec![Vec::new(); OBSERVERS],
            tally: BTreeMap::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn value<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.values).expect("a value").current()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    async fn renew(&mut self, by: usize) {
        let known = self.sessions[by].last().copied();
        let stranger = self.sessions[(by + 1) % OBSERVERS].last().copied();
        let session = match self.rng.random_range(0..8) {
            0 => None,
            1 => stranger,
            _ => known,
        };
        let (fit, now) = (self.chance(80), self.time.load(Ordering::Relaxed));
        self.model.expire(now);
        let wanted = self.model.renew(by, session, fit, now + TTL);
        let got = match self.real[by].renew(session, fit).await {
            Renewed::Alive { session, ttl } => {
                assert_eq!(ttl.as_micros(), TTL);
                Some(session)
            }
            Renewed::Gone => None,
            Renewed::Unknown => panic!("the store answers"),
        };
        assert_eq!(got, wanted);
        self.count(if got.is_some() { "renewed" } else { "gone" });
        self.sessions[by].extend(got.filter(|id| Some(*id) != known));
    }

    fn revision(&mut self, right: u64) -> u64 {
        match self.rng.random_range(0..12) {
            0 => 0,
            1 => right + 1,
            _ => right,
        }
    }

    fn guard(&mut self, by: usize, service: usize) -> Guard {
        let keys = self.model.services[service].clone();
        match self.rng.random_range(0..8) {
            0 => {
                let at = if keys.record.1.is_some() { keys.record.0 } else { 0 };
                Guard::Record(self.revision(at))
            }
            1 => Guard::Unclaimed,
            2 => Guard::Claim(self.revision(keys.claim.0)),
            3 => {
                let who = self.rng.random_range(0..OBSERVERS);
                let vote = keys.votes.get(&who).filter(|vote| vote.2.is_some());
                let at = self.revision(vote.map_or(0, |vote| vote.0));
                if self.chance(3) {
                    Guard::Vote(name("stranger"), 0)
                } else {
                    Guard::Vote(name(&format!("o{who}")), at)
                }
            }
            4 => Guard::Ask(self.revision(keys.ask.0)),
            5 => {
                let run = RunId(self.rng.random_range(0..4));
                let length = keys.journals.get(&run).map_or(0, |journal| journal.entries.len() as u64);
                Guard::Journal(run, self.revision(length))
            }
            6 => Guard::Velocity(self.revision(self.model.velocity.0)),
            _ => Guard::Session(self.sessions[by].last().copied().unwrap_or(SessionId(9))),
        }
    }

    fn write(&mut self, service: usize) -> Write {
        match self.rng.random_range(0..9) {
            0 => Write::Vote(self.value(&any::vote())),
            1 | 2 => Write::Claim,
            3 => Write::GiveUp,
            4 => Write::Ask(self.rng.random_range(1..100)),
            5 => Write::Record(Box::new(self.value(&any::record()))),
            6 => Write::Velocity(self.value(&any::velocity())),
            _ => {
                let run = RunId(self.rng.random_range(0..4));
                let entries = self.value(&prop::collection::vec(any::entry(), 0..4));
                if self.model.services[service].journals.contains_key(&run) {
                    Write::Append(run, entries)
                } else {
                    let plan =
                        self.policy.services[service].plans[0].set.plans().next().expect("a case").clone();
                    Write::Begin(run, Journal { plan, entries })
                }
            }
        }
    }

    async fn transact(&mut self, by: usize, number: u32) {
        let service = self.rng.random_range(0..self.policy.services.len());
        let mut guards: Vec<Guard> = Vec::new();
        if self.chance(70)
            && let Some(id) = self.sessions[by].last()
        {
            guards.push(Guard::Session(*id));
        }
        for _ in 0..self.rng.random_range(0..3) {
            guards.push(self.guard(by, service));
        }
        let mut writes: Vec<Write> = Vec::new();
        for _ in 0..self.rng.random_range(0..4) {
            let write = self.write(service);
            let begins = |write: &Write| matches!(write, Write::Begin(..) | Write::Append(..));
            if !(begins(&write) && writes.iter().any(begins)) {
                writes.push(write);
            }
        }
        let id = TxnId { service: ServiceId::at(service), purpose: Purpose::Change, number };
        let txn = Txn { id, guards, writes, journals: self.chance(50) };
        self.model.expire(self.time.load(Ordering::Relaxed));
        let lands = self.model.allows(&txn);
        if lands {
            self.model.commit(by, &txn);
        }
        let found = self.model.found(by, &txn);
        let wanted =
            if lands { Answer::Committed(Box::new(found)) } else { Answer::Refused(Box::new(found)) };
        let got = self.real[by].transact(txn.clone()).await;
        assert_eq!(got, wanted, "{txn:?}");
        self.count(if lands { "committed" } else { "refused" });
    }

    /// All that is told to whoever begins to watch is what the model holds.
    async fn facts(&self, by: usize) {
        let mut watch = self.real[by].watch();
        self.real[by].begin().await;
        let mut first = true;
        while let Ok(told) = watch.try_recv() {
            match told {
                Told::There(cluster) => assert!(std::mem::take(&mut first) && cluster == self.model.cluster),
                Told::Lost => panic!("the store answers"),
                Told::Seen(seen) => self.is_so(by, seen),
            }
        }
        assert!(!first, "it says that it is there");
    }

    fn is_so(&self, by: usize, seen: Seen) {
        let keys = |id: ServiceId| &self.model.services[id.index()];
        let place = |who: &Name| self.model.names.iter().position(|name| name == who).expect("an observer");
        match seen {
            Seen::Record(id, at, record) => assert_eq!((at, record.map(|it| *it)), keys(id).record),
            Seen::Claim(id, at, claim) => assert_eq!((at, claim), keys(id).claim),
            Seen::Vote(id, at, who, vote) => {
                assert!(place(&who) != by || vote.is_none(), "nobody is told its own vote");
                let held = &keys(id).votes[&place(&who)];
                assert_eq!((at, &vote), (held.0, &held.2));
            }
            Seen::Ask(id, at, ask) => assert_eq!((at, Some(ask)), keys(id).ask),
            Seen::Trigger(..) => panic!("none was raised"),
            Seen::Pulse(who, at, pulse) => {
                let held = &self.model.pulses[place(&who)];
                assert_eq!((at, pulse), (held.0, held.2));
            }
            Seen::Velocity(at, velocity) => assert_eq!((at, velocity), self.model.velocity),
        }
    }
}

async fn play(seed: u64, turns: u32) -> BTreeMap<&'static str, u32> {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, threads) = open(dir.path(), Limits::default()).expect("a store");
    let mut pair = Pair::new(store, seed).await;
    for turn in 0..turns {
        let by = pair.rng.random_range(0..OBSERVERS);
        match pair.rng.random_range(0..10) {
            0 => {
                let passes = if pair.chance(10) { TTL } else { pair.rng.random_range(0..TTL / 2) };
                pair.time.fetch_add(passes, Ordering::Relaxed);
            }
            1 | 2 => pair.renew(by).await,
            _ => pair.transact(by, turn).await,
        }
        if turn % 50 == 0 {
            pair.facts(by).await;
        }
    }
    let tally = std::mem::take(&mut pair.tally);
    drop(pair);
    threads.join();
    tally
}

#[tokio::test]
async fn it_means_what_the_simulation_means() {
    let mut tally: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in 0..12 {
        for (what, count) in play(seed, 300).await {
            *tally.entry(what).or_default() += count;
        }
    }
    for what in ["committed", "refused", "renewed", "gone"] {
        assert!(tally.get(what).is_some_and(|count| *count > 20), "{tally:?}");
    }
}

async fn local(
    dir: &std::path::Path,
    time: &Arc<AtomicU64>,
    chance: u128,
) -> (Local, watchkeeper::store::Threads) {
    let (store, threads) = open(dir, Limits::default()).expect("a store");
    let names = names(&toy::policy(0, 1));
    (Local::open(store, clock(time), names, chance).await.expect("a coordinator"), threads)
}

fn txn(guards: Vec<Guard>, writes: Vec<Write>) -> Txn {
    let id = TxnId { service: ServiceId::at(1), purpose: Purpose::Change, number: 1 };
    Txn { id, guards, writes, journals: false }
}

#[tokio::test]
async fn another_life_finds_the_record_and_no_session() {
    let dir = tempfile::tempdir().expect("a folder");
    let time = Arc::new(AtomicU64::new(5_000_000));
    let (first, threads) = local(dir.path(), &time, 1).await;
    let cluster = first.cluster();
    let Renewed::Alive { session, .. } = first.renew(None, true).await else { panic!("a session") };
    let record = Box::new(watchkeeper::core::agree::Record::at_rest(name("east"), Default::default()));
    let guards = vec![Guard::Session(session), Guard::Record(0), Guard::Unclaimed];
    let answer = first.transact(txn(guards, vec![Write::Claim, Write::Record(record)])).await;
    let Answer::Committed(before) = answer else { panic!("{answer:?}") };
    assert!(before.claim.1.is_some() && before.pulses.len() == 1);
    drop(first);
    threads.join();
    time.store(1_000_000, Ordering::Relaxed);
    let (second, _threads) = local(dir.path(), &time, 2).await;
    assert_eq!(second.cluster(), cluster, "its name is made once");
    assert_eq!(second.renew(Some(session), true).await, Renewed::Gone);
    let Answer::Committed(after) = second.transact(txn(vec![], vec![])).await else { panic!("a read") };
    assert_eq!(after.record, before.record);
    assert!(after.claim.1.is_none() && after.claim.0 > before.claim.0 && after.pulses.is_empty());
}

#[tokio::test]
async fn a_restored_store_calls_itself_otherwise() {
    let dir = tempfile::tempdir().expect("a folder");
    let time = Arc::new(AtomicU64::new(1));
    let (first, threads) = local(dir.path(), &time, 1).await;
    let cluster = first.cluster();
    drop(first);
    threads.join();
    let file = dir.path().join("watchkeeper.db");
    let backup = std::fs::read(&file).expect("a backup");
    for chance in [2, 3] {
        let (later, threads) = local(dir.path(), &time, chance).await;
        assert_eq!(later.cluster(), cluster);
        later.renew(None, true).await;
        drop(later);
        threads.join();
    }
    std::fs::write(&file, backup).expect("restored");
    let (restored, _threads) = local(dir.path(), &time, 4).await;
    assert_eq!(restored.cluster().0, 4, "it may have forgotten moves that happened");
}

#[tokio::test]
async fn a_backup_of_this_very_life_is_noticed_when_it_is_restored() {
    let dir = tempfile::tempdir().expect("a folder");
    let time = Arc::new(AtomicU64::new(1));
    let (life, threads) = local(dir.path(), &time, 1).await;
    life.renew(None, true).await;
    let (file, backup) = (dir.path().join("watchkeeper.db"), dir.path().join("backup.db"));
    let copies = rusqlite::Connection::open(&file).expect("beside the daemon");
    copies.execute("VACUUM INTO ?1", [backup.to_str()]).expect("a backup");
    drop(copies);
    life.renew(None, true).await;
    time.fetch_add(10_000_000, Ordering::Relaxed);
    life.expire().await;
    drop(life);
    threads.join();
    std::fs::rename(&backup, &file).expect("restored");
    let (restored, threads) = local(dir.path(), &time, 2).await;
    assert_eq!(restored.cluster().0, 2, "what was done after the backup is forgotten");
    drop(restored);
    threads.join();
    let (again, _threads) = local(dir.path(), &time, 3).await;
    assert_eq!(again.cluster().0, 2, "once is enough");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_claim_and_tells() {
    let dir = tempfile::tempdir().expect("a folder");
    let time = Arc::new(AtomicU64::new(1));
    let (local, _threads) = local(dir.path(), &time, 1).await;
    let mut watch = local.watch();
    let Renewed::Alive { session, .. } = local.renew(None, true).await else { panic!("a session") };
    let vote = watchkeeper::core::agree::Vote { hash: Default::default(), answers: 0, says: Vec::new() };
    local.transact(txn(vec![Guard::Session(session)], vec![Write::Claim, Write::Vote(vote)])).await;
    assert_eq!(local.expire().await, Some(Mono::micros(1 + TTL)), "not yet");
    while watch.try_recv().is_ok() {}
    time.store(1 + TTL, Ordering::Relaxed);
    assert_eq!(local.expire().await, None);
    let mut told = Vec::new();
    while let Ok(Told::Seen(seen)) = watch.try_recv() {
        if let Seen::Claim(_, _, None) = seen {
            told.push("claim");
        } else if let Seen::Vote(_, _, who, None) = &seen
            && *who == name("o0")
        {
            told.push("vote");
        } else if let Seen::Pulse(_, _, None) = seen {
            told.push("pulse");
        } else {
            panic!("{seen:?}");
        }
    }
    assert_eq!(told, ["pulse", "claim", "vote"]);
    assert_eq!(local.raise(ServiceId::at(0), name("signal")).await, Ok(true));
    time.store(3 + TTL, Ordering::Relaxed);
    assert_eq!(local.raise(ServiceId::at(0), name("signal")).await, Ok(false), "raised again: nothing");
    let raised = watch.try_recv();
    assert!(matches!(&raised, Ok(Told::Seen(Seen::Trigger(_, _, _, Some(_))))), "{raised:?}");
    assert!(watch.try_recv().is_err());
}
