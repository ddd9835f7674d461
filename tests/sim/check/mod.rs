//! What must always hold (DESIGN §4), letter and truth, one file a family. Checks read the world's ledger and what passes
//! between a core and its world; none ever looks into a core.

pub(crate) mod answers;
pub(crate) mod authority;
pub(crate) mod effects;
pub(crate) mod faulty;
pub(crate) mod journals;
pub(crate) mod liveness;
pub(crate) mod notices;
mod pace;
pub(crate) mod records;
pub(crate) mod runs;
pub(crate) mod traffic;
pub(crate) mod votes;
pub(crate) mod writes;

use watchkeeper_core::agree::{RunId, Txn};
use watchkeeper_core::authority::SessionId;
use watchkeeper_core::effect::Call;
use watchkeeper_core::event::Event;
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::order::Verb;
use watchkeeper_core::plan::{Entry, Mode, Only, Outcome, Start};
use watchkeeper_core::time::Mono;

use crate::coordinator::Coordinator;
use crate::directed::ACTS;
use crate::fault::KINDS;
use crate::provider::{Arrived, Providers};
use crate::shape::Shape;
use crate::truth::Truth;
use crate::users::Users;

/// Everything that is so at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) now: u64,
    pub(crate) shape: &'a Shape,
    pub(crate) truth: &'a Truth,
    pub(crate) store: &'a Coordinator,
    pub(crate) providers: &'a Providers,
    pub(crate) users: &'a Users,
    /// The observers whose process runs, one bit each.
    pub(crate) running: u32,
}

impl Scene<'_> {
    /// Its process runs.
    pub(crate) fn alive(&self, observer: usize) -> bool {
        self.running & (1 << observer) != 0
    }

    /// It takes writes from whoever reaches it.
    pub(crate) fn writable(&self, service: usize, region: usize) -> bool {
        self.providers.writable(service, region, self.shape.recipes[service].stateless, self.truth)
    }

    /// Users who are led there are served.
    pub(crate) fn serves(&self, service: usize, region: usize) -> bool {
        let flaps = self.truth.parts[service][region].flaps;
        self.truth.answers(service, region) && !flaps && self.writable(service, region)
    }
}

/// Where violations are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Out {
    pub(crate) events: u64,
    pub(crate) broken: Vec<String>,
}

impl Out {
    pub(crate) fn broke(&mut self, now: u64, rule: &str, how: &str, what: &str) {
        if self.broken.len() < 30 {
            let at = self.events;
            self.broken
                .push(format!("{rule} broken ({how}) at event {at}: {what} ({:.3} s)", now as f64 / 1e6));
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) automatic: u64,
    pub(crate) refused: u64,
    pub(crate) blocked: u64,
    pub(crate) takeovers: u64,
    pub(crate) resumed: u64,
    pub(crate) undone: u64,
    pub(crate) held: u64,
    pub(crate) ended: u64,
    pub(crate) pages: u64,
    pub(crate) isolations: u64,
    pub(crate) asks: u64,
    pub(crate) expired: u64,
    pub(crate) calls: u64,
    pub(crate) replies: u64,
}

/// A start that is in a transaction.
pub(crate) struct Begins<'a> {
    pub(crate) run: RunId,
    pub(crate) start: &'a Start,
    /// A failover that nobody approved or ordered.
    pub(crate) automatic: bool,
}

/// Every family, and what they report.
pub(crate) struct Checks {
    pub(crate) out: Out,
    pub(crate) tally: Tally,
    /// By kind: so many faults began.
    pub(crate) bit: Vec<u64>,
    pub(crate) aimed: [u64; ACTS.len()],
    /// Gates that blocked something, one bit each.
    pub(crate) gates: u64,
    /// Takeovers of runs whose newest durable write was a start, an intent, an outcome, and what came before an end.
    pub(crate) resumed: [u64; 4],
    pub(crate) faulty: faulty::Faulty,
    pub(crate) answers: answers::Answers,
    pub(crate) journals: journals::Journals,
    /// So many runs that began by themselves led a service home.
    homeward: u64,
    pace: pace::Pace,
    pub(crate) authority: authority::Authority,
    pub(crate) votes: votes::Votes,
    pub(crate) runs: runs::Runs,
    pub(crate) effects: effects::Effects,
    pub(crate) writes: writes::Writes,
    pub(crate) traffic: traffic::Traffic,
    pub(crate) records: records::Records,
    pub(crate) notices: notices::Notices,
    pub(crate) liveness: liveness::Liveness,
}

impl Checks {
    pub(crate) fn new(shape: &Shape, now: u64) -> Checks {
        Checks {
            out: Out::default(),
            tally: Tally::default(),
            bit: vec![0; KINDS.len()],
            aimed: [0; ACTS.len()],
            gates: 0,
            resumed: [0; 4],
            faulty: faulty::Faulty::new(shape.observers),
            answers: answers::Answers::new(shape),
            journals: journals::Journals::new(shape),
            homeward: 0,
            pace: pace::Pace::new(shape),
            authority: authority::Authority::new(shape),
            votes: votes::Votes::new(shape, now),
            runs: runs::Runs::new(shape),
            effects: effects::Effects::new(shape),
            writes: writes::Writes::new(shape),
            traffic: traffic::Traffic::new(shape, now),
            records: records::Records::new(shape),
            notices: notices::Notices::new(shape),
            liveness: liveness::Liveness::new(shape),
        }
    }

    pub(crate) fn broke(&mut self, scene: &Scene<'_>, rule: &str, how: &str, what: &str) {
        self.out.broke(scene.now, rule, how, what);
    }

    /// Nothing was wrong in this world, so far.
    pub(crate) fn calm(&self) -> bool {
        self.bit.iter().sum::<u64>() == 0 && self.aimed.iter().sum::<u64>() == 0
    }

    /// Nothing has begun or ended for a while.
    pub(crate) fn calm_since(&self, now: u64) -> bool {
        self.liveness.quiet(now)
    }

    /// Parts, links or databases have changed.
    pub(crate) fn look(&mut self, scene: &Scene<'_>) {
        self.votes.look(scene);
        self.runs.look(scene);
        self.traffic.look(scene);
        self.writes.look(scene, &mut self.out);
        self.liveness.look(scene, &self.faulty, &mut self.out);
    }

    /// A renewal arrives.
    pub(crate) fn renews(&mut self, scene: &Scene<'_>, by: usize, session: Option<SessionId>, fit: bool) {
        self.authority.renews(scene, by, session, fit, &mut self.out);
    }

    /// A core sends a transaction.
    pub(crate) fn sent(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn) {
        self.pace.sent(scene, by, txn, &mut self.out);
        self.authority.sent(scene, by, txn, &mut self.out);
        if self.answers.first(by, txn) {
            self.answers.sent(scene, by, txn, &mut self.out);
            self.writes.sent(scene, txn, &mut self.out);
            if let Some(begins) = begins(scene, txn) {
                votes::sent(scene, by, txn, &begins, &mut self.out);
            }
        }
        for (run, entry) in entries(txn) {
            if let Entry::Ended(outcome) = entry {
                self.notices.ends(scene, by, txn.id.service.index(), run, *outcome, &mut self.out);
            }
        }
    }

    /// Its guards hold, and it is about to be committed.
    pub(crate) fn commits(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn) {
        if crate::world::asks(txn) {
            self.tally.asks += 1;
        }
        self.records.commits(scene, txn, &mut self.out);
        self.authority.commits(scene, by, txn, &mut self.out);
        self.effects.commits(scene, txn, &mut self.out);
        self.journals.commits(scene, txn, &mut self.out);
        self.traffic.commits(scene, txn, &mut self.out);
        self.votes.commits(scene, by, txn);
        self.runs.voted(scene, by, txn);
        if let Some(begins) = begins(scene, txn) {
            self.tally.runs += 1;
            self.tally.automatic += u64::from(begins.automatic);
            let service = txn.id.service.index();
            self.votes.starts(scene, by, txn, &begins, &self.faulty, &mut self.out);
            self.answers.starts(scene, by, txn, &begins, &mut self.out);
            self.runs.starts(scene, by, txn, &begins, &self.faulty, &mut self.out);
            self.writes.starts(scene, service, &begins, &mut self.out);
            self.liveness.starts(scene, service, &begins);
            // The way home from where a person led it is no trouble.
            let homeward = begins.start.way == Only::Planned;
            self.homeward += u64::from(begins.automatic && homeward);
            if begins.automatic && self.calm() && begins.start.mode == Mode::Live && !homeward {
                self.out.broke(scene.now, "S14", "truth", "nothing was wrong, and a failover was started");
            }
        }
        for (run, entry) in entries(txn) {
            if let Entry::Ended(outcome) = entry {
                self.tally.ended += 1;
                self.tally.undone += u64::from(*outcome == Outcome::Undone);
                self.runs.ends(scene, txn.id.service.index(), run, *outcome);
            }
        }
        if txn.writes.iter().any(|write| matches!(write, watchkeeper_core::agree::Write::Claim)) {
            let running =
                scene.store.record(txn.id.service.index()).is_some_and(|record| record.run.is_some());
            self.tally.takeovers += u64::from(running);
            self.resumes(scene, txn.id.service.index());
        }
    }

    /// A run is taken over: after which of its durable writes.
    fn resumes(&mut self, scene: &Scene<'_>, service: usize) {
        let Some(record) = scene.store.record(service) else { return };
        let Some(run) = &record.run else {
            self.resumed[3] += u64::from(record.runs > 0);
            return;
        };
        let newest = scene.store.journal(service, run.id).and_then(|journal| journal.entries.last());
        match newest {
            Some(Entry::Started(_)) => self.resumed[0] += 1,
            Some(Entry::Intent { .. }) => self.resumed[1] += 1,
            Some(_) => self.resumed[2] += 1,
            None => {}
        }
    }

    /// It was committed.
    pub(crate) fn committed(&mut self, scene: &Scene<'_>, _by: usize, txn: &Txn) {
        self.liveness.committed(scene, txn.id.service.index());
    }

    /// A call passed the look at the clock.
    #[expect(clippy::too_many_arguments, reason = "one call, and everything that entitles it")]
    pub(crate) fn handed(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        call: &Call,
        now: Mono,
        until: Option<Mono>,
        session: Option<SessionId>,
        unheard: bool,
    ) {
        self.tally.calls += 1;
        self.authority.in_time(scene, now, until, &mut self.out);
        if unheard {
            return;
        }
        self.authority.handed(scene, by, call, session, &mut self.out);
        self.effects.handed(scene, call, &mut self.out);
        self.journals.handed(scene, by, call, &mut self.out);
        self.runs.handed(scene, call, &mut self.out);
    }

    /// It arrived at its provider, and changed something or not.
    pub(crate) fn arrived(
        &mut self,
        scene: &Scene<'_>,
        call: &Call,
        it: Arrived,
        handed: u64,
        changed: bool,
    ) {
        self.effects.arrived(scene, call, it, changed, &mut self.out);
        if changed {
            self.traffic.arrived(scene, it, handed, &mut self.out);
        }
    }

    /// A standby is about to take writes.
    pub(crate) fn promotes(&mut self, scene: &Scene<'_>, service: usize, region: usize) {
        self.writes.promotes(scene, service, region, &mut self.out);
    }

    /// A core recorded something.
    pub(crate) fn recorded(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        service: Option<ServiceId>,
        seq: u64,
        event: &Event,
    ) {
        notices::count(event, &mut self.tally, &mut self.gates);
        if let Event::Impossible(cell) = event {
            self.out.broke(scene.now, "#", "letter", &format!("{cell} cannot occur, and has"));
        }
        self.notices.recorded(by, service, seq, event);
        if let Some(service) = service {
            self.liveness.recorded(scene, by, service.index(), event);
        }
    }

    /// An observer's process is gone.
    pub(crate) fn crashed(&mut self, observer: usize, now: u64) {
        self.faulty.killed(observer, now);
        self.liveness.crashed(observer);
        self.answers.crashed(observer);
        self.authority.crashed(observer);
        self.journals.crashed(observer);
        self.notices.crashed(observer);
    }

    /// An observer's events are durable.
    pub(crate) fn durable(&mut self, by: usize, service: Option<ServiceId>, upto: u64) {
        self.notices.durable(by, service, upto);
    }

    /// A person has taken something upon themselves.
    pub(crate) fn agreed(&mut self, service: usize, verb: &Verb) {
        self.runs.agreed(service);
        self.writes.agreed(service, verb);
        self.traffic.agreed(service, verb);
        self.records.agreed(service);
        if matches!(verb, Verb::Adopt { .. }) {
            self.liveness.adopted(service);
            self.journals.adopted(service);
        }
    }

    /// Somebody says no to what is announced or asked.
    pub(crate) fn vetoed(&mut self, service: usize, now: u64) {
        self.liveness.vetoed(service, now);
    }

    /// The coordinator is another, with an older account.
    pub(crate) fn restored(&mut self) {
        self.records.restored();
        self.effects.restored();
        self.journals.restored();
        self.authority.restored();
        self.writes.restored();
        self.runs.restored();
        self.liveness.restored();
    }

    pub(crate) fn close(&mut self, scene: &Scene<'_>) {
        self.liveness.close(scene, &self.faulty, &mut self.out);
        let calm = self.calm();
        if calm && self.tally.replies == 0 {
            self.authority.close(scene, &mut self.out);
        }
        let started = self.tally.automatic - self.homeward;
        if calm && started + self.tally.isolations + self.tally.blocked > 0 {
            self.out.broke(scene.now, "S14", "truth", "nothing was wrong, and something was done or told");
        }
    }
}

/// The start that a transaction holds.
pub(crate) fn begins<'a>(scene: &Scene<'_>, txn: &'a Txn) -> Option<Begins<'a>> {
    use watchkeeper_core::agree::Write;
    let (run, start) = txn.writes.iter().find_map(|write| match write {
        Write::Begin(run, journal) => match journal.entries.first() {
            Some(Entry::Started(start)) => Some((*run, start)),
            _ => None,
        },
        _ => None,
    })?;
    let before = scene.store.record(txn.id.service.index());
    let automatic = txn.writes.iter().any(|write| match write {
        Write::Record(record) => {
            record.automatic.contains(&run) && !before.is_some_and(|old| old.automatic.contains(&run))
        }
        _ => false,
    });
    Some(Begins { run, start, automatic })
}

/// The journal entries that a transaction holds.
pub(crate) fn entries(txn: &Txn) -> impl Iterator<Item = (RunId, &Entry)> {
    use watchkeeper_core::agree::Write;
    txn.writes.iter().flat_map(|write| {
        let (run, entries): (RunId, &[Entry]) = match write {
            Write::Append(run, entries) => (*run, entries),
            Write::Begin(run, journal) => (*run, &journal.entries),
            Write::Vote(_)
            | Write::Claim
            | Write::GiveUp
            | Write::Ask(_)
            | Write::Record(_)
            | Write::Velocity(_)
            | Write::Clear(_) => (RunId(0), &[]),
        };
        entries.iter().map(move |entry| (run, entry))
    })
}
