//! S5 and S14, by the letter of what an observer says: it says `down` only of what it has seen fail and has not seen
//! well since, and what counts for a start was looked at again for the ask.

use watchkeeper_core::agree::{Guard, Txn, TxnId, Write};
use watchkeeper_core::health::self_trust::Round;
use watchkeeper_core::plan::{Mode, Only, PlanKind};
use watchkeeper_core::verdict::Say;

use super::{Begins, Out, Scene};
use crate::recipe::{self, Kind, RPO};
use crate::shape::{Shape, place};

const KINDS: usize = 5;

/// What each observer has seen in this life of its process.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// By observer, service, region, kind: it has failed once; the newest was well; when a reading was last taken.
    seen: Vec<(bool, bool, u64)>,
    /// By observer and service: the newest transaction.
    sent: Vec<Option<TxnId>>,
    /// By observer: rounds of looks at its references that are not over, and when each was begun.
    rounds: Vec<Vec<(Round, u64)>>,
    /// By observer: when the newest two were begun that found enough.
    proved: Vec<[u64; 2]>,
    services: usize,
    regions: usize,
}

impl Answers {
    pub(crate) fn new(shape: &Shape) -> Answers {
        let (services, regions) = (shape.services, shape.regions);
        let seen = vec![(false, false, 0); shape.observers * services * regions * KINDS];
        let sent = vec![None; shape.observers * services];
        let (rounds, proved) = (vec![Vec::new(); shape.observers], vec![[0; 2]; shape.observers]);
        Answers { seen, sent, rounds, proved, services, regions }
    }

    fn at(&self, observer: usize, service: usize, region: usize, kind: Kind) -> usize {
        ((observer * self.services + service) * self.regions + region) * KINDS + kind as usize
    }

    pub(crate) fn crashed(&mut self, observer: usize) {
        let each = self.services * self.regions * KINDS;
        // When it last read what would be lost stays: its vote does, for as long as its session.
        for seen in &mut self.seen[observer * each..(observer + 1) * each] {
            (seen.0, seen.1) = (false, false);
        }
        // The next process counts its rounds anew.
        self.rounds[observer].clear();
    }

    /// A sample reaches a core; none: it was blind.
    pub(crate) fn sampled(
        &mut self,
        now: u64,
        observer: usize,
        (service, region, kind): (usize, usize, Kind),
        well: Option<bool>,
        reads: bool,
    ) {
        let at = self.at(observer, service, region, kind);
        let seen = &mut self.seen[at];
        if let Some(well) = well {
            seen.0 |= !well;
            seen.1 = well;
            if well && reads {
                seen.2 = now;
            }
        }
    }

    /// Its references are looked at.
    pub(crate) fn checks(&mut self, now: u64, observer: usize, round: Round) {
        let open = &mut self.rounds[observer];
        open.push((round, now));
        if open.len() > 8 {
            open.remove(0);
        }
    }

    /// So many were found.
    pub(crate) fn checked(&mut self, observer: usize, round: Round, reached: u8) {
        let began = self.rounds[observer].iter().find(|(of, _)| *of == round).map(|(_, began)| *began);
        let proved = &mut self.proved[observer];
        if let Some(began) = began.filter(|began| reached >= 2 && *began > proved[1]) {
            *proved = [proved[1], began];
        }
    }

    /// It is not sent again with the same writes.
    pub(crate) fn first(&mut self, by: usize, txn: &Txn) -> bool {
        let known = &mut self.sent[by * self.services + txn.id.service.index()];
        known.replace(txn.id) != Some(txn.id)
    }

    /// An observer writes its vote.
    pub(crate) fn sent(&self, scene: &Scene<'_>, by: usize, txn: &Txn, out: &mut Out) {
        let service = txn.id.service.index();
        for write in &txn.writes {
            let Write::Vote(vote) = write else { continue };
            let keys = &scene.store.services[service];
            let asked = keys.ask.1.as_ref().is_some_and(|ask| ask.number == vote.answers);
            let new = keys.votes[by].2.as_ref().is_none_or(|old| old.answers != vote.answers);
            let sound = scene.truth.faults.iter().all(|faults| *faults == 0);
            let sound = sound && scene.now < keys.asked_at + 5_000_000;
            // One that hangs on a session of the world before a backup was restored never lands.
            let lands = txn.guards.iter().all(|guard| match guard {
                Guard::Session(id) => scene.store.session(*id).is_some_and(|session| !session.ended),
                _ => true,
            });
            let sound = sound && lands;
            if asked && new && sound && vote.answers > 0 && self.proved[by][0] < keys.asked_at {
                let what = "an ask is answered without a look at the references before and after";
                out.broke(scene.now, "S5", "letter", what);
            }
            for spoken in vote.says.iter().filter(|spoken| spoken.say == Say::Down) {
                let policy = &scene.shape.policies[by].services[service];
                let Some(cell) = policy.parts.cells.get(spoken.cell.index()) else { continue };
                let Some(region) = cell.region else { continue };
                let kind = recipe::kind(policy.probes[cell.probe.index()].name.as_str());
                let (failed, well, _) = self.seen[self.at(by, service, region.index(), kind)];
                if !failed {
                    out.broke(scene.now, "S14", "letter", "down is said of what was never seen to fail");
                } else if well {
                    out.broke(scene.now, "S14", "letter", "down is said of what has just answered");
                }
            }
        }
    }

    /// A failover begins by itself.
    pub(crate) fn starts(&self, scene: &Scene<'_>, by: usize, txn: &Txn, begins: &Begins<'_>, out: &mut Out) {
        let moves = txn.writes.iter().find_map(|write| match write {
            Write::Begin(_, journal) if journal.plan.kind() == PlanKind::Failover => {
                let at = journal.plan.at();
                Some((place(at.from.as_ref()?.as_str())?, place(at.at.as_str())?))
            }
            _ => None,
        });
        let live = begins.start.mode == Mode::Live && begins.start.way == Only::Unplanned;
        let Some((from, to)) = moves.filter(|_| live && begins.automatic) else { return };
        let service = txn.id.service.index();
        let keys = &scene.store.services[service];
        // Only what everybody can see moves a service: its front.
        let looked = |who: usize, at: usize, says: &[Say]| {
            let policy = &scene.shape.policies[who].services[service];
            keys.votes[who].2.as_ref().is_some_and(|vote| {
                vote.says.iter().any(|spoken| {
                    let Some(cell) = policy.parts.cells.get(spoken.cell.index()) else { return false };
                    let kind = recipe::kind(policy.probes[cell.probe.index()].name.as_str());
                    let there = cell.region.is_some_and(|region| region.index() == at);
                    spoken.fresh && says.contains(&spoken.say) && there && kind == Kind::Web
                })
            })
        };
        let counted = txn.guards.iter().filter_map(|guard| match guard {
            Guard::Vote(who, revision) if *revision > 0 => scene.store.observer(who),
            _ => None,
        });
        let ask = keys.ask.1.as_ref().map(|ask| ask.number);
        let others: Vec<usize> = counted.filter(|&who| who != by).collect();
        let fresh = others.iter().filter(|&&who| looked(who, from, &[Say::Down])).count() + 1;
        if fresh < scene.shape.majority() {
            let what = "a failover began by itself on what too few have looked at again";
            out.broke(scene.now, "S5", "letter", what);
        }
        let answers = |who: usize| keys.votes[who].2.as_ref().is_some_and(|vote| Some(vote.answers) == ask);
        let up = others.iter().filter(|&&who| answers(who) && looked(who, to, &[Say::Up, Say::Slow]));
        if up.count() + 1 < scene.shape.majority() {
            let what = "a failover began by itself to where too few of those who were asked see it up";
            out.broke(scene.now, "S7", "letter", what);
        }
        let reads = (0..scene.shape.observers)
            .map(|who| self.seen[self.at(who, service, to, Kind::Lag)].2)
            .max()
            .unwrap_or(0);
        if !scene.shape.recipes[service].stateless && reads + RPO.as_micros() + 2_000_000 < scene.now {
            let what = "a failover began by itself, and nobody knew what would be lost";
            out.broke(scene.now, "S9", "letter", what);
        }
    }
}
