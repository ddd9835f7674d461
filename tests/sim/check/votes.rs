//! S5, S6, S7, S14: on whose word a failover begins by itself. A majority of all observers, each answering the present
//! ask from a place where it could see, and none of it against what was so.

use watchkeeper_core::agree::{Guard, Txn, Write};
use watchkeeper_core::plan::{Mode, Only, PlanKind};

use super::faulty::Faulty;
use super::{Begins, Out, Scene};
use crate::shape::{Shape, place};

const S: u64 = 1_000_000;
/// Answers count for so long after the ask was sent, which is before it was committed.
const VALID: u64 = 15 * S;

/// A start leaves its core: what it counts answers an ask that is not too old.
pub(crate) fn sent(scene: &Scene<'_>, by: usize, txn: &Txn, begins: &Begins<'_>, out: &mut Out) {
    let live = begins.start.mode == Mode::Live && begins.start.way == Only::Unplanned;
    let keys = &scene.store.services[txn.id.service.index()];
    let mine = keys.ask.1.as_ref().is_some_and(|ask| scene.store.observer(&ask.by) == Some(by));
    // A restored coordinator says nothing of when it was.
    let old = scene.store.cluster.0 == 1 && keys.asked_at + VALID + S / 10 < scene.now;
    if live && begins.automatic && mine && old {
        out.broke(scene.now, "S5", "letter", "answers count though they were asked for too long ago");
    }
}

/// What was so, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Votes {
    /// By service, then region: users could be served there since then.
    serving: Vec<Vec<Option<u64>>>,
    /// By service, then region: its database has run since then.
    living: Vec<Vec<Option<u64>>>,
    /// By service, then region: it ran until then.
    lived: Vec<Vec<u64>>,
    /// By service, then region: nobody could be served there since then.
    unserved: Vec<Vec<Option<u64>>>,
    /// By service, then region: nobody was answered there since then, which all can see.
    silent: Vec<Vec<Option<u64>>>,
    /// By service: where its record says that it is active, and since when.
    active: Vec<Option<(usize, u64)>>,
    /// By service, then region: from when until when that was so last.
    trouble: Vec<Vec<(u64, u64)>>,
    /// By service, then region: it could not take over since then.
    unready: Vec<Vec<Option<u64>>>,
    /// By service, then region: its standby hears its primary since then.
    heard: Vec<Vec<Option<u64>>>,
    /// By observer: its references were last in reach then, if they are not now.
    reached: Vec<(bool, u64)>,
    /// By service, then observer: when its references were last in reach as its vote was written.
    pub(crate) voted: Vec<Vec<u64>>,
}

impl Votes {
    pub(crate) fn new(shape: &Shape, now: u64) -> Votes {
        Votes {
            serving: vec![vec![None; shape.regions]; shape.services],
            living: vec![vec![None; shape.regions]; shape.services],
            lived: vec![vec![0; shape.regions]; shape.services],
            unserved: vec![vec![None; shape.regions]; shape.services],
            silent: vec![vec![None; shape.regions]; shape.services],
            active: vec![None; shape.services],
            trouble: vec![vec![(0, 0); shape.regions]; shape.services],
            unready: vec![vec![None; shape.regions]; shape.services],
            heard: vec![vec![None; shape.regions]; shape.services],
            reached: vec![(true, now); shape.observers],
            voted: vec![vec![now; shape.observers]; shape.services],
        }
    }

    pub(crate) fn look(&mut self, scene: &Scene<'_>) {
        let keep = |kept: &mut Option<u64>, holds: bool| match (holds, *kept) {
            (true, None) => *kept = Some(scene.now),
            (false, Some(_)) => *kept = None,
            (true, Some(_)) | (false, None) => {}
        };
        for service in 0..scene.shape.services {
            let at = scene.store.active(service);
            if self.active[service].map(|(at, _)| at) != at {
                self.active[service] = at.map(|at| (at, scene.now));
            }
            for region in 0..scene.shape.regions {
                keep(&mut self.serving[service][region], scene.serves(service, region));
                let serves = scene.serves(service, region);
                match (serves, self.unserved[service][region]) {
                    (true, Some(since)) => {
                        self.unserved[service][region] = None;
                        self.trouble[service][region] = (since, scene.now);
                    }
                    (false, None) => {
                        // Whoever was well for a moment only was not seen to be well.
                        let (since, until) = self.trouble[service][region];
                        let same = since > 0 && scene.now < until + 40 * S;
                        self.unserved[service][region] = Some(if same { since } else { scene.now });
                    }
                    (true, None) | (false, Some(_)) => {}
                }
                keep(&mut self.silent[service][region], !scene.truth.answers(service, region));
                let part = scene.truth.parts[service][region];
                let stateful = !scene.shape.recipes[service].stateless;
                let ready = scene.truth.power[region] && part.web && (part.ready || !stateful);
                keep(&mut self.unready[service][region], !ready);
                let db = &scene.providers.dbs[service][region];
                let hears =
                    stateful && scene.truth.lives(service, region) && db.deaf.is_none() && !db.primary;
                keep(&mut self.heard[service][region], hears);
                let stateless = scene.shape.recipes[service].stateless;
                let lives = if stateless {
                    scene.truth.power[region] && scene.truth.parts[service][region].web
                } else {
                    scene.truth.lives(service, region)
                };
                if self.living[service][region].is_some() {
                    self.lived[service][region] = scene.now;
                }
                keep(&mut self.living[service][region], lives);
            }
        }
        for observer in 0..scene.shape.observers {
            let stands = scene.shape.stands_in(observer);
            let reaches = scene.truth.references(observer, stands) >= 2;
            let (before, _) = self.reached[observer];
            if reaches || before {
                self.reached[observer].1 = scene.now;
            }
            self.reached[observer].0 = reaches;
        }
    }

    pub(crate) fn commits(&mut self, scene: &Scene<'_>, by: usize, txn: &Txn) {
        if txn.writes.iter().any(|write| matches!(write, Write::Vote(_))) {
            let (reaches, last) = self.reached[by];
            self.voted[txn.id.service.index()][by] = if reaches { scene.now } else { last };
        }
    }

    pub(crate) fn starts(
        &mut self,
        scene: &Scene<'_>,
        by: usize,
        txn: &Txn,
        begins: &Begins<'_>,
        faulty: &Faulty,
        out: &mut Out,
    ) {
        let live = begins.start.mode == Mode::Live && begins.start.way == Only::Unplanned;
        let moves = txn.writes.iter().find_map(|write| match write {
            Write::Begin(_, journal) if journal.plan.kind() == PlanKind::Failover => {
                let at = journal.plan.at();
                Some((place(at.from.as_ref()?.as_str())?, place(at.at.as_str())?))
            }
            _ => None,
        });
        let Some((from, to)) = moves.filter(|_| live && begins.automatic) else { return };
        let service = txn.id.service.index();
        let keys = &scene.store.services[service];
        let ask = keys.ask.1.as_ref().map_or(0, |ask| ask.number);
        let asked_at = keys.asked_at;
        let mut counted = vec![false; scene.shape.observers];
        counted[by] = true;
        for guard in &txn.guards {
            let Guard::Vote(who, revision) = guard else { continue };
            let Some(who) = scene.store.observer(who).filter(|_| *revision > 0) else { continue };
            let policy = keys.votes[by].2.as_ref().map(|vote| vote.hash);
            let answers = keys.votes[who].2.as_ref().is_some_and(|vote| {
                vote.answers == ask && ask > 0 && policy.is_none_or(|policy| policy == vote.hash)
            });
            if answers {
                counted[who] = true;
                if self.voted[service][who] < asked_at {
                    let what = format!("the vote of o{who} counted, which had no reference in reach");
                    out.broke(scene.now, "S5", "truth", &what);
                }
            }
        }
        if ask == 0 {
            out.broke(scene.now, "S5", "letter", "a failover began by itself, and nobody was asked");
        }
        if counted.iter().filter(|counted| **counted).count() < scene.shape.majority() {
            let what = "a failover began on fewer answers than a majority of all observers";
            out.broke(scene.now, "S6", "letter", what);
        }
        let few = faulty.lately(scene.now) <= scene.shape.tolerated();
        if self.serving[service][from].is_some_and(|since| since <= asked_at) && few {
            let what = "a failover began by itself while the active region served users";
            out.broke(scene.now, "S14", "truth", what);
        }
        if self.living[service][to].is_none() && self.lived[service][to] < asked_at && few {
            let what = "a failover began by itself to a region that does not live";
            out.broke(scene.now, "S7", "truth", what);
        }
        self.held(scene, service, (from, to), asked_at, few, faulty, out);
    }

    /// What a scenario and its gates say, against what was really so.
    #[expect(clippy::too_many_arguments, reason = "a start, and everything that was so")]
    fn held(
        &self,
        scene: &Scene<'_>,
        service: usize,
        (from, to): (usize, usize),
        asked_at: u64,
        few: bool,
        faulty: &Faulty,
        out: &mut Out,
    ) {
        let recipe = scene.shape.recipes[service];
        let mut broke = |rule: &str, how: &str, what: &str| out.broke(scene.now, rule, how, what);
        if recipe.approve {
            broke("S13", "letter", "a failover began by itself that a person must agree to");
        }
        let least = 30 + if recipe.veto { 10 } else { 0 };
        // If it serves again just now, that is S14's truth to say.
        let short = self.unserved[service][from].is_some_and(|since| since + (least - 2) * S > scene.now);
        if short && few && scene.shape.observers > 1 {
            broke("S14", "letter", "a failover began before its condition had held for so long");
        }
        if !few {
            return;
        }
        let before = |since: Option<u64>| since.is_some_and(|since| since + 30 * S < asked_at);
        if before(self.unready[service][to]) {
            broke("S7", "truth", "a failover began by itself to a region that could not take over");
        }
        // What a database hears and takes is only seen by who stands beside it.
        let seen = |region: usize| {
            (0..scene.shape.observers)
                .any(|o| scene.shape.stands_in(o) == Some(region) && !faulty.is_lately(o, scene.now))
        };
        if before(self.heard[service][to]) && seen(to) {
            broke("S14", "truth", "a failover began by itself while a standby heard the primary");
        }
        let first = (recipe.depends && service > 0).then_some(0);
        if let Some(first) = first
            && scene.store.active(first) == Some(from)
            && self.active[first].is_some_and(|(at, since)| at == from && since < asked_at)
            && (before(self.silent[first][from]) || (before(self.unserved[first][from]) && seen(from)))
        {
            broke("S7", "letter", "a failover began before what it depends on had moved");
        }
    }
}
