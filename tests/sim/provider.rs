//! What plans act upon: databases with lag, capacity, DNS. Each compares, refuses or does what it is told by its own late-call
//! class, and nothing here asks whether that is wise.

use std::cmp::Ordering;

use watchkeeper_core::authority::Token;
use watchkeeper_core::effect::Call;
use watchkeeper_core::plan::{Body, Op, Reply, Value};

use crate::rng::Rng;
use crate::shape::{Shape, place};
use crate::truth::Truth;

/// One database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Db {
    /// It takes writes, if it runs.
    pub(crate) primary: bool,
    /// Each promotion begins another.
    pub(crate) timeline: u64,
    /// A fence has stopped it.
    pub(crate) stopped: bool,
    /// It has stopped itself, since its region's daemon hears nothing.
    pub(crate) bound: bool,
    /// So far a standby is behind while it hears its primary.
    pub(crate) lag: u64,
    /// It has heard everything up to then, and nothing since.
    pub(crate) frozen: Option<u64>,
    /// It hears its primary, and applies nothing of it.
    pub(crate) stuck: bool,
    /// It hears nothing since then.
    pub(crate) deaf: Option<u64>,
    /// The primary that it follows.
    pub(crate) follows: Option<usize>,
    /// A promotion is under way, and is over then.
    pub(crate) promoted_at: Option<u64>,
}

/// A name that users resolve.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// One bit a region.
    pub(crate) leads: u8,
    /// The newest token that it has seen.
    pub(crate) mark: Option<Token>,
}

/// Everything that plans act upon.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    /// By service, then region.
    pub(crate) dbs: Vec<Vec<Db>>,
    /// By service, then region: it is scaled out.
    pub(crate) scaled: Vec<Vec<bool>>,
    /// By service.
    pub(crate) zones: Vec<Zone>,
    /// By service, then region: the mark of what is checked of a database.
    pub(crate) marks: Vec<Vec<Option<Token>>>,
}

/// What an action is, as its provider reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Stop,
    Scale,
    Promote,
    Dns,
    Look,
    Restart,
    Resync,
}

/// What arrived at a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) service: usize,
    pub(crate) does: Does,
    /// The region that it is about.
    pub(crate) at: usize,
    /// The region that it leaves.
    pub(crate) back: Option<usize>,
    pub(crate) op: Op,
    pub(crate) undoing: bool,
    pub(crate) token: Token,
}

/// What a provider made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) reply: Reply,
    /// Something is otherwise than before, or will be.
    pub(crate) changed: bool,
    /// So long it takes.
    pub(crate) takes: u64,
    /// What refused it was newer, or another's.
    pub(crate) mark: Option<Token>,
}

impl Arrived {
    /// None: it is nothing that a world's provider knows.
    pub(crate) fn read(call: &Call) -> Option<Arrived> {
        let Body::Action(sealed) = &call.sent.body else { return None };
        let does = match sealed.kind().as_str() {
            "stop" => Does::Stop,
            "scale" => Does::Scale,
            "promote" => Does::Promote,
            "dns" => Does::Dns,
            "look" => Does::Look,
            "restart" => Does::Restart,
            "resync" => Does::Resync,
            _ => return None,
        };
        let key = |called: &str| match sealed.keys().get(called)? {
            Value::Text(text) => place(text.as_plain()?),
            _ => None,
        };
        Some(Arrived {
            service: call.service.index(),
            does,
            at: key("at")?,
            back: key("back"),
            op: call.op,
            undoing: call.undoing,
            token: call.token,
        })
    }

    /// The region that must be reached for it, if one must.
    pub(crate) fn reaches(&self) -> Option<usize> {
        match self.does {
            Does::Stop | Does::Promote | Does::Restart | Does::Resync | Does::Look => Some(self.at),
            Does::Scale | Does::Dns => None,
        }
    }

    /// Its provider compares tokens.
    pub(crate) fn checked(&self) -> bool {
        matches!(self.does, Does::Dns | Does::Resync)
    }
}

impl Providers {
    /// A database thinks that it is the primary, whoever says so.
    pub(crate) fn is_primary(&self, service: usize, region: usize) -> bool {
        self.dbs[service][region].primary
    }

    pub(crate) fn new(shape: &Shape, rng: &mut Rng) -> Providers {
        let mut db = |region: usize| Db {
            primary: region == 0,
            timeline: u64::from(region == 0),
            stopped: false,
            bound: false,
            lag: rng.below(1_500_000),
            frozen: None,
            stuck: false,
            deaf: None,
            follows: (region > 0).then_some(0),
            promoted_at: None,
        };
        Providers {
            dbs: (0..shape.services).map(|_| (0..shape.regions).map(&mut db).collect()).collect(),
            scaled: vec![vec![false; shape.regions]; shape.services],
            zones: vec![Zone { leads: 1, mark: None }; shape.services],
            marks: vec![vec![None; shape.regions]; shape.services],
        }
    }

    /// It takes writes from whoever reaches it.
    pub(crate) fn writable(&self, service: usize, region: usize, stateless: bool, truth: &Truth) -> bool {
        if stateless {
            return truth.power[region] && truth.parts[service][region].web;
        }
        let db = &self.dbs[service][region];
        truth.lives(service, region) && db.primary && !db.stopped && !db.bound
    }

    /// A standby has everything that was written up to then.
    pub(crate) fn upto(&self, service: usize, region: usize, now: u64) -> u64 {
        let db = &self.dbs[service][region];
        db.frozen.unwrap_or(now.saturating_sub(db.lag))
    }

    /// Who follows whom, after anything has changed.
    pub(crate) fn follow(&mut self, service: usize, now: u64, truth: &Truth) {
        for region in 0..self.dbs[service].len() {
            if self.dbs[service][region].primary {
                continue;
            }
            let runs = truth.lives(service, region) && !self.dbs[service][region].stopped;
            let heard = |from: usize| {
                let db = &self.dbs[service][from];
                from != region
                    && db.primary
                    && !db.stopped
                    && !db.bound
                    && truth.lives(service, from)
                    && truth.way[from]
                    && truth.way[region]
            };
            let newest = (0..self.dbs[service].len())
                .filter(|&from| runs && heard(from))
                .max_by_key(|&from| self.dbs[service][from].timeline);
            let newest =
                newest.filter(|&from| self.dbs[service][from].timeline >= self.dbs[service][region].timeline);
            let db = &mut self.dbs[service][region];
            let upto = db.frozen.unwrap_or(now.saturating_sub(db.lag));
            match newest {
                None => {
                    db.frozen = Some(upto);
                    db.deaf = db.deaf.or(Some(now));
                }
                Some(from) => {
                    db.follows = Some(from);
                    db.deaf = None;
                    // What was heard once is never unheard: it catches up, or stays where it is.
                    if db.stuck {
                        db.frozen = Some(upto);
                    } else if db.frozen.take().is_some() {
                        db.lag = db.lag.min(2_000_000);
                    }
                }
            }
        }
        for region in 0..self.dbs[service].len() {
            if let Some(from) = self.dbs[service][region].follows
                && !self.dbs[service][region].primary
                && self.dbs[service][region].frozen.is_none()
            {
                self.dbs[service][region].timeline = self.dbs[service][from].timeline;
            }
        }
    }

    /// A promotion that was begun is over.
    pub(crate) fn promoted(&mut self, service: usize, region: usize) {
        let newest = self.dbs[service].iter().map(|db| db.timeline).max().unwrap_or(0);
        let db = &mut self.dbs[service][region];
        (db.primary, db.timeline, db.promoted_at, db.bound) = (true, newest + 1, None, false);
    }

    /// The old side follows the new one again.
    pub(crate) fn resynced(&mut self, service: usize, region: usize, now: u64) {
        let db = &mut self.dbs[service][region];
        (db.primary, db.timeline, db.stopped, db.bound) = (false, 0, false, false);
        (db.frozen, db.follows, db.lag, db.deaf) = (Some(now), None, 1_000_000, Some(now));
    }

    /// It arrives where it was sent.
    pub(crate) fn take(&mut self, it: Arrived, now: u64, truth: &mut Truth, rng: &mut Rng) -> Made {
        let quick = rng.between(2_000, 40_000);
        let made = |reply, changed| Made { reply, changed, takes: quick, mark: None };
        let so = |so: bool| made(if so { Reply::Done } else { Reply::NotDone }, false);
        if it.checked() && it.op != Op::Verify {
            let mark = match it.does {
                Does::Dns => &mut self.zones[it.service].mark,
                Does::Resync | Does::Stop | Does::Scale | Does::Promote | Does::Look | Does::Restart => {
                    &mut self.marks[it.service][it.at]
                }
            };
            if let Some(newer) = *mark
                && it.token.partial_cmp(&newer) != Some(Ordering::Greater)
            {
                return Made { mark: Some(newer), ..made(Reply::Refused, false) };
            }
            *mark = Some(it.token);
        }
        let ailing = truth.ailing[it.service];
        if ailing.expired && it.op != Op::Verify {
            return made(Reply::Refused, false);
        }
        if ailing.throttled && it.op != Op::Verify && rng.chance(700) {
            return made(if it.op == Op::Observe { Reply::Unknown } else { Reply::Transient }, false);
        }
        let (service, at) = (it.service, it.at);
        match (it.does, it.op) {
            (Does::Stop, Op::Do | Op::Undo) => {
                let db = &mut self.dbs[service][at];
                let before = db.stopped;
                db.stopped = it.op == Op::Do;
                made(Reply::Done, db.stopped != before)
            }
            (Does::Stop, Op::Observe | Op::Verify) => so(self.dbs[service][at].stopped != it.undoing),
            (Does::Scale, Op::Do | Op::Undo) => {
                let before = self.scaled[service][at];
                self.scaled[service][at] = it.op == Op::Do;
                made(Reply::Done, before != self.scaled[service][at])
            }
            (Does::Scale, Op::Observe | Op::Verify) => so(self.scaled[service][at] != it.undoing),
            (Does::Promote, Op::Do) => {
                let db = &mut self.dbs[service][at];
                if !truth.lives(service, at) || db.stopped {
                    return made(Reply::NotDone, false);
                }
                if db.primary {
                    return made(Reply::Done, false);
                }
                let takes = rng.between(100_000, 5_100_000);
                let over = *db.promoted_at.get_or_insert(now + takes);
                Made { takes: over.saturating_sub(now) + quick, ..made(Reply::Done, true) }
            }
            (Does::Promote, Op::Undo) => made(Reply::Refused, false),
            (Does::Promote, Op::Observe | Op::Verify) => {
                let db = &self.dbs[service][at];
                if let Some(over) = db.promoted_at {
                    // Whoever looks while it is under way waits for its end.
                    return Made {
                        takes: over.saturating_sub(now) + quick,
                        ..made(if it.undoing { Reply::NotDone } else { Reply::Done }, false)
                    };
                }
                if truth.lives(service, at) {
                    so(db.primary != it.undoing)
                } else {
                    made(Reply::Unknown, false)
                }
            }
            (Does::Dns, Op::Do | Op::Undo) => {
                let to = if it.op == Op::Do { Some(at) } else { it.back };
                let Some(to) = to else { return made(Reply::Refused, false) };
                let zone = &mut self.zones[service];
                let before = zone.leads;
                zone.leads = 1 << to;
                made(Reply::Done, before != zone.leads)
            }
            (Does::Dns, Op::Observe | Op::Verify) => {
                let to = if it.undoing { it.back.unwrap_or(at) } else { at };
                so(self.zones[service].leads == 1 << to)
            }
            (Does::Look, Op::Do | Op::Observe | Op::Verify) => so(truth.answers(service, at)),
            (Does::Look | Does::Restart | Does::Resync, Op::Undo) => made(Reply::Refused, false),
            (Does::Restart, Op::Do) => {
                if !truth.power[at] {
                    return made(Reply::NotDone, false);
                }
                // It helps, or it does not.
                let before = truth.parts[service][at].web;
                truth.parts[service][at].web |= rng.chance(600);
                made(Reply::Done, before != truth.parts[service][at].web)
            }
            (Does::Restart, Op::Observe) => made(Reply::NotDone, false),
            (Does::Restart, Op::Verify) => so(truth.parts[service][at].web),
            (Does::Resync, Op::Do) => {
                let other = self.dbs[service].iter().enumerate().any(|(region, db)| {
                    region != at && db.primary && !db.stopped && truth.lives(service, region)
                });
                if !truth.power[at] || !other {
                    return made(Reply::NotDone, false);
                }
                let changed = self.dbs[service][at].primary;
                self.resynced(service, at, now);
                made(Reply::Done, changed)
            }
            (Does::Resync, Op::Observe | Op::Verify) => so(!self.dbs[service][at].primary),
        }
    }
}
