//! Between the observers and the providers: a call is looked at once more, travels, lands by its late-call class, and is
//! answered or given up. Each is answered exactly once, whatever becomes of it.

use watchkeeper_core::agree::RunId;
use watchkeeper_core::authority::Token;
use watchkeeper_core::effect::Call;
use watchkeeper_core::ids::{Name, ServiceId};
use watchkeeper_core::input::{Finished, Input};
use watchkeeper_core::plan::{LateCall, Op, Reply, StepName};

use super::{NOBODY, Sent, What, World};
use crate::directed::{Act, Point};
use crate::provider::{Arrived, Does};
use crate::shape::place;

impl World<'_> {
    /// The core wants a call carried out.
    pub(super) fn hand(&mut self, observer: usize, call: Call) {
        let now = self.nodes[observer].mono(self.now);
        let in_time = call.in_time(now);
        self.say(|_| {
            format!(
                "o{observer} s{}: {} {:?}{} {} by token {}{}",
                call.service.index(),
                if in_time { "hands over" } else { "is too late to hand over" },
                call.op,
                if call.undoing { " (undoing)" } else { "" },
                call.step,
                call.token,
                crate::story::action(&call)
            )
        });
        self.calls += 1;
        let number = self.calls;
        self.nodes[observer].calls.insert(number);
        if !in_time {
            // A look that was not made has seen nothing.
            let look = matches!(call.op, Op::Observe | Op::Verify);
            let finished = finished(&call, if look { Reply::Unknown } else { Reply::NotDone });
            return self.put(0, observer, What::Finished(number, Box::new(finished)));
        }
        let claim = self.store.services[call.service.index()].claim.1.as_ref().map(|claim| claim.session);
        let acked = self.nodes[observer].acked(claim);
        let (until, session) = (acked.map(|acked| acked.entitles_until()), acked.map(|acked| acked.session));
        // Until it hears of the coordinator that was restored, it goes by the right that the old one gave.
        let unheard = call.token.cluster != self.store.cluster && !self.nodes[observer].there;
        let (checks, scene) = self.scene();
        checks.handed(&scene, observer, &call, now, until, session, unheard);
        let Some(arrived) = Arrived::read(&call) else {
            let (checks, scene) = self.scene();
            checks.broke(&scene, "S15", "letter", "a call that no plan holds was handed over");
            return;
        };
        let left = call.not_after.map(|end| end.as_micros().saturating_sub(now.as_micros()));
        let deadline = call.deadline.as_micros().saturating_sub(now.as_micros());
        // Whoever waits may hear of it only after its deadline: it is answered once all the same.
        let often = if self.truth.ailing[call.service.index()].expired { 300 } else { 40 };
        let late = !self.aimed.is_empty() && self.rng.chance(often);
        let after = if late { self.rng.between(1_000, 20_000_000) } else { 0 };
        let given_up = deadline + after;
        self.put(given_up, observer, What::Finished(number, Box::new(finished(&call, Reply::Unknown))));
        let service = call.service;
        // What nothing checks is signed for a time, and dies with it.
        let signed = self.class(&call).and_then(|(class, late)| match class {
            LateCall::None => Some(self.now + deadline + late),
            LateCall::Checked | LateCall::Deadline => None,
        });
        let sent = Sent {
            number,
            by: observer,
            life: self.nodes[observer].life,
            refused_at: left.map(|left| self.now + left).or(signed),
            call,
            arrived,
            mute: false,
            slow: late.then_some(self.now + given_up - 1),
            handed: self.now,
        };
        self.handed += 1;
        let point = Point::Call(self.handed);
        match self.aimed.iter().find(|aimed| aimed.point == point).map(|aimed| aimed.act) {
            Some(act @ (Act::Pause(span) | Act::PauseRenewing(span))) => {
                self.checks.aimed[act.index()] += 1;
                // Exactly between the look at the clock and the sending.
                self.put(0, observer, What::Sends(Box::new(sent)));
                self.pauses(observer, span);
            }
            Some(act) => {
                let fate = self.aim(observer, service, act);
                if !fate.lost {
                    self.send(Sent { mute: fate.mute, ..sent });
                }
            }
            None => self.send(sent),
        }
    }

    /// It leaves the process.
    pub(super) fn send(&mut self, mut sent: Sent) {
        let by = sent.by;
        let stands = self.shape.stands_in(by);
        let barred = self.truth.sick[by].barred || !self.truth.outside(stands);
        let reached = match sent.arrived.reaches() {
            Some(region) => self.truth.reaches(by, region, stands) && (!barred || stands == Some(region)),
            None => !barred,
        };
        let quick = self.rng.between(2_000, 60_000);
        if !reached {
            // Refused at once, or nobody knows until the deadline.
            if self.rng.chance(700) && self.nodes[by].life == sent.life {
                let reply = if sent.call.op == Op::Observe { Reply::Unknown } else { Reply::NotDone };
                let takes = sent.slow.map_or(quick, |at| at.saturating_sub(self.now).max(quick));
                self.put(takes, by, What::Finished(sent.number, Box::new(finished(&sent.call, reply))));
            }
            return;
        }
        let lossy = self.truth.ailing[sent.arrived.service].lossy;
        let mut takes = quick;
        if lossy {
            match self.rng.below(6) {
                0 => return,
                1 | 2 => sent.mute = true,
                3 => {
                    takes = self.late(&sent);
                    sent.mute = true;
                }
                _ => {}
            }
        } else if self.rng.chance(10) {
            takes = self.late(&sent);
        }
        self.put(takes, NOBODY, What::Arrives(Box::new(sent)));
    }

    /// How late it may still arrive: what nothing stops stops at its class' end.
    fn late(&mut self, sent: &Sent) -> u64 {
        let node = &self.nodes[sent.by];
        let left = sent.call.deadline.as_micros().saturating_sub(node.mono(self.now).as_micros());
        let end = match self.class(&sent.call) {
            Some((LateCall::None, late)) => left + late,
            Some((LateCall::Checked | LateCall::Deadline, _)) | None => 60_000_000,
        };
        self.rng.below(end.max(1))
    }

    fn class(&self, call: &Call) -> Option<(LateCall, u64)> {
        let journal = self.store.journal(call.service.index(), call.run)?;
        let step = journal.plan.step(journal.plan.position(&call.step)?)?;
        Some((step.late_call, step.late.as_micros()))
    }

    /// It arrives at its provider.
    pub(super) fn arrives(&mut self, sent: Sent) {
        let it = sent.arrived;
        let reached = it.reaches().is_none_or(|region| self.truth.power[region]);
        if !reached {
            return;
        }
        if sent.refused_at.is_some_and(|end| self.now >= end) {
            self.say(|_| format!("provider: {} is too late", sent.call.step));
            return self.reply(&sent, Reply::NotDone, 5_000, None);
        }
        let before = self.providers.dbs[it.service][it.at];
        let made = self.providers.take(it, self.now, &mut self.truth, &mut self.rng);
        self.say(|_| {
            let changed = if made.changed { ", and it is so now" } else { "" };
            format!("provider: {:?} {:?} at r{}: {:?}{changed}", it.does, it.op, it.at, made.reply)
        });
        let (checks, scene) = self.scene();
        checks.arrived(&scene, &sent.call, it, sent.handed, made.changed);
        if made.changed {
            match it.does {
                Does::Promote if before.promoted_at.is_none() => {
                    self.put(made.takes, NOBODY, What::Promoted(it.service, it.at));
                }
                Does::Dns => self.led(it.service),
                Does::Promote | Does::Stop | Does::Scale | Does::Look | Does::Restart | Does::Resync => {}
            }
            self.look();
        }
        let ailing = self.truth.ailing[it.service];
        let unsaid = ailing.partial && it.op == Op::Do && self.rng.chance(400);
        let reply = if unsaid { Reply::Unknown } else { made.reply };
        self.reply(&sent, reply, made.takes + 3_000, made.mark);
    }

    fn reply(&mut self, sent: &Sent, reply: Reply, takes: u64, mark: Option<Token>) {
        let by = sent.by;
        if sent.mute || self.nodes[by].life != sent.life {
            return;
        }
        let finished = Finished { mark, ..finished(&sent.call, reply) };
        let takes = sent.slow.map_or(takes, |at| at.saturating_sub(self.now).max(takes));
        self.put(takes, by, What::Finished(sent.number, Box::new(finished)));
    }

    pub(super) fn finish(&mut self, observer: usize, finished: Finished) {
        self.say(|_| {
            format!(
                "o{observer} s{}: {} is answered {:?}",
                finished.service.index(),
                finished.step,
                finished.reply
            )
        });
        let (checks, scene) = self.scene();
        checks.journals.finished(&scene, observer, &finished);
        if self.echoes && self.rng.chance(500) {
            self.calls += 1;
            let number = self.calls;
            self.nodes[observer].calls.insert(number);
            let later = self.rng.between(500_000, 30_000_000);
            self.put(later, observer, What::Finished(number, Box::new(finished.clone())));
        }
        if self.rng.chance(5) {
            self.tell(observer, Input::Finished(finished.clone()));
        } else if !self.aimed.is_empty() && self.rng.chance(60) {
            let most = *self.rng.pick(&[50_000, 3_000_000, 40_000_000]);
            let later = self.rng.between(1_000, most);
            self.put(later, observer, What::Again(Box::new(finished.clone())));
        }
        self.tell(observer, Input::Finished(finished));
    }

    /// A promotion is over.
    pub(super) fn promoted(&mut self, service: usize, region: usize) {
        if !self.truth.lives(service, region) || self.providers.dbs[service][region].primary {
            self.providers.dbs[service][region].promoted_at = None;
            return;
        }
        let (checks, scene) = self.scene();
        checks.promotes(&scene, service, region);
        self.providers.promoted(service, region);
        // Whoever promotes it keeps it running at first: the record follows only now. Then its daemon has to.
        if self.shape.recipes[service].fenced && self.shape.stands_in(region) == Some(region) {
            self.runs_on(region, self.now);
        }
        self.say(|_| format!("provider: s{service} takes writes in r{region}"));
        self.look();
        for other in (0..self.shape.regions).filter(|&other| other != region) {
            self.put(60_000_000, NOBODY, What::Follows(service, other));
        }
    }

    /// Where no plan re-syncs the old side, its owner's tools do, once it sees the new one.
    pub(super) fn follows(&mut self, service: usize, region: usize) {
        let db = self.providers.dbs[service][region];
        let (active, recipe) = (self.store.active(service), self.shape.recipes[service]);
        if !db.primary || recipe.rejoin || active == Some(region) || active.is_none() {
            return;
        }
        if self.store.record(service).is_some_and(|record| record.run.is_some()) {
            return self.put(20_000_000, NOBODY, What::Follows(service, region));
        }
        let sees = active.is_some_and(|active| {
            self.truth.lives(service, active)
                && self.truth.way[active]
                && self.providers.dbs[service][active].primary
        });
        if self.truth.lives(service, region) && self.truth.way[region] && sees {
            self.providers.resynced(service, region, self.now);
            self.look();
        } else {
            self.put(20_000_000, NOBODY, What::Follows(service, region));
        }
    }

    /// Whether users may be led to a region is read back.
    pub(super) fn read_back(
        &mut self,
        observer: usize,
        service: ServiceId,
        run: RunId,
        step: StepName,
        region: &Name,
    ) {
        let Some(at) = place(region.as_str()) else { return };
        let stands = self.shape.stands_in(observer);
        let reached = self.truth.reaches(observer, at, stands) && !self.truth.sick[observer].barred;
        let stateless = self.shape.recipes[service.index()].stateless;
        let writable = reached && self.providers.writable(service.index(), at, stateless, &self.truth);
        if self.truth.ailing[service.index()].lossy && self.rng.chance(200) {
            return;
        }
        let takes = if reached { self.rng.between(2_000, 50_000) } else { 2_000_000 };
        self.put(takes, observer, What::ReadBack(service, run, step, writable));
    }
}

fn finished(call: &Call, reply: Reply) -> Finished {
    Finished {
        service: call.service,
        run: call.run,
        step: call.step.clone(),
        undoing: call.undoing,
        serial: call.token.serial,
        reply,
        outputs: Vec::new(),
        mark: None,
    }
}
