//! Those whom steps call: what each call does and when, what it is answered, and what is really so afterwards. What the
//! script does not say is done after a second.
//!
//! A call that has left lands whatever became of its caller; only the token, or the provider's own clock, stops it.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_core::agree::RunId;
use watchkeeper_core::authority::Token;
use watchkeeper_core::effect::Call;
use watchkeeper_core::ids::ServiceId;
use watchkeeper_core::plan::{ActsAs, LateCall, Mode, Op, Plan, Reply, Step};
use watchkeeper_core::time::{Mono, Span};

use crate::words::{Read, Words};

/// What a call does, and what it is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    /// It takes effect after so long, and says so.
    Takes(Span),
    /// It changes nothing; another try may help.
    Fails,
    /// It changes nothing, and never will.
    Refused,
    /// It changes nothing.
    NotApplied,
    /// It changes nothing, and nobody hears of it.
    Silent,
    /// It takes effect after so long, and nobody hears of it.
    Unheard(Span),
}

/// What a look says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Look {
    Truth,
    Done,
    Needed,
    Nothing,
}

/// What the script says of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    Call(How),
    Look(Look),
}

struct Rule {
    op: Op,
    step: String,
    region: Option<String>,
    said: Said,
    once: bool,
    /// Only when this observer calls.
    only: Option<String>,
}

/// Which step of which run.
type Of = (ServiceId, RunId, String);

/// All of them.
#[derive(Default)]
pub(crate) struct Providers {
    rules: Vec<Rule>,
    /// Steps that are so.
    so: BTreeSet<Of>,
    /// The newest serial that each has seen.
    marks: BTreeMap<Of, u64>,
    /// Tokens of another world that some have seen, by step.
    foreign: BTreeMap<String, Token>,
}

/// A call that lands.
#[derive(Clone)]
pub(crate) struct Landing {
    pub(crate) call: Call,
    pub(crate) plan: std::sync::Arc<Plan>,
    pub(crate) mode: Mode,
}

/// What came of one that landed.
pub(crate) enum Landed {
    /// It took effect.
    Yes,
    /// It was so already.
    Already,
    /// The provider has seen a newer token, or its clock was past the call's end.
    TooLate,
}

/// What is to be done about a call.
pub(crate) struct Course {
    /// It takes effect then.
    pub(crate) lands: Option<Mono>,
    /// It is answered then.
    pub(crate) answered: (Mono, Reply),
}

/// So long a look takes, and a call that comes to nothing.
const QUICK: Span = Span::millis(200);
const SECOND: Span = Span::secs(1);

fn of(call: &Call) -> Of {
    (call.service, call.run, call.step.to_string())
}

impl Landing {
    pub(crate) fn step(&self) -> Option<&Step> {
        self.plan.step(self.plan.position(&self.call.step)?)
    }
}

impl Providers {
    /// `promote_db in us-west-2 takes 5s`, `stop_old fails once`; `observe of promote_db says done`
    pub(crate) fn say(&mut self, words: &mut Words, op: Op) -> Read<()> {
        let step = words.word("step")?;
        let region = if words.take("in") { Some(words.word("region")?) } else { None };
        let said = if matches!(op, Op::Observe | Op::Verify) {
            words.must("says")?;
            let says = &[
                ("done", Look::Done),
                ("needed", Look::Needed),
                ("nothing", Look::Nothing),
                ("truth", Look::Truth),
            ];
            Said::Look(words.one_of("look", says)?)
        } else if words.take("works") {
            Said::Call(How::Takes(SECOND))
        } else if words.take("takes") {
            Said::Call(How::Takes(words.span("takes")?))
        } else if words.take("fails") {
            Said::Call(How::Fails)
        } else if words.take("is refused") {
            Said::Call(How::Refused)
        } else if words.take("is not applied") {
            Said::Call(How::NotApplied)
        } else if words.take("answers nothing") {
            Said::Call(How::Silent)
        } else if words.take("loses its answer") {
            Said::Call(How::Unheard(SECOND))
        } else if words.take("lands late after") {
            Said::Call(How::Unheard(words.span("lands late")?))
        } else {
            return Err(format!("nothing that a step does comes next, {}", words.here()));
        };
        let once = words.take("once");
        let only = if words.take("for") { Some(words.word("observer")?) } else { None };
        self.rules.retain(|rule| {
            !(rule.op == op && rule.step == step && rule.region == region && rule.only == only)
        });
        self.rules.push(Rule { op, step, region, said, once, only });
        Ok(())
    }

    /// The provider of a step has seen a token that this coordinator never gave.
    pub(crate) fn has_seen(&mut self, step: String, token: Token) {
        self.foreign.insert(step, token);
    }

    /// That token, if there is one.
    pub(crate) fn newer(&self, call: &Call) -> Option<Token> {
        self.foreign.get(&call.step.to_string()).copied()
    }

    fn said(&mut self, op: Op, step: &str, region: &str, who: &str) -> Option<Said> {
        let at = self.rules.iter().position(|rule| {
            rule.op == op
                && rule.step == step
                && rule.region.as_deref().is_none_or(|of| of == region)
                && rule.only.as_deref().is_none_or(|of| of == who)
                && rule.only.as_deref().is_none_or(|of| of == who)
        })?;
        let said = self.rules[at].said;
        if self.rules[at].once {
            self.rules.remove(at);
        }
        Some(said)
    }

    /// A call leaves. A region that is dark hears nothing.
    pub(crate) fn course(&mut self, landing: &Landing, who: &str, dark: bool, now: Mono) -> Course {
        let call = &landing.call;
        let region = landing.step().map_or(String::new(), |step| step.acts_in.to_string());
        if !call.in_time(now) {
            return Course { lands: None, answered: (now + QUICK, Reply::NotDone) };
        }
        let silent = (call.deadline, Reply::Unknown);
        if self.newer(call).is_some() {
            return Course { lands: None, answered: (now + QUICK, Reply::NotDone) };
        }
        match (self.said(call.op, &call.step.to_string(), &region, who), call.op) {
            (None, _) if dark => Course { lands: None, answered: silent },
            (Some(Said::Call(how)), _) => how.course(call, now),
            (Some(Said::Look(look)), _) => self.look(landing, look, now),
            (None, Op::Do | Op::Undo) => How::Takes(SECOND).course(call, now),
            (None, Op::Observe | Op::Verify) => self.look(landing, Look::Truth, now),
        }
    }

    fn look(&mut self, landing: &Landing, look: Look, now: Mono) -> Course {
        let call = &landing.call;
        let mark = self.marks.entry(of(call)).or_default();
        *mark = (*mark).max(call.token.serial);
        let done = self.so.contains(&of(call)) != call.undoing;
        let reply = match look {
            Look::Nothing => return Course { lands: None, answered: (call.deadline, Reply::Unknown) },
            Look::Done => Reply::Done,
            Look::Needed => Reply::NotDone,
            Look::Truth if done => Reply::Done,
            Look::Truth => Reply::NotDone,
        };
        Course { lands: None, answered: (now + QUICK, reply) }
    }

    /// A call arrives at its provider.
    pub(crate) fn land(&mut self, landing: &Landing, now: Mono) -> Landed {
        let call = &landing.call;
        let mark = self.marks.entry(of(call)).or_default();
        let late = match landing.step().map(|step| step.late_call) {
            Some(LateCall::Checked) => call.token.serial < *mark,
            Some(LateCall::Deadline) => call.not_after.is_some_and(|end| now >= end),
            Some(LateCall::None) | None => false,
        };
        if late {
            return Landed::TooLate;
        }
        *mark = (*mark).max(call.token.serial);
        let changed = if call.op == Op::Undo { self.so.remove(&of(call)) } else { self.so.insert(of(call)) };
        if changed { Landed::Yes } else { Landed::Already }
    }

    /// Whether a step is really done.
    pub(crate) fn is_so(&self, service: ServiceId, run: RunId, step: &str) -> bool {
        self.so.contains(&(service, run, step.to_owned()))
    }
}

impl How {
    fn course(self, call: &Call, now: Mono) -> Course {
        let silent = (call.deadline, Reply::Unknown);
        let quick = now + SECOND;
        match self {
            How::Takes(took) if now + took < call.deadline => {
                Course { lands: Some(now + took), answered: (now + took, Reply::Done) }
            }
            How::Takes(took) | How::Unheard(took) => Course { lands: Some(now + took), answered: silent },
            How::Fails => Course { lands: None, answered: (quick, Reply::Transient) },
            How::Refused => Course { lands: None, answered: (quick, Reply::Refused) },
            How::NotApplied => Course { lands: None, answered: (quick, Reply::NotDone) },
            How::Silent => Course { lands: None, answered: silent },
        }
    }
}

/// What a step that takes effect does to who takes writes where: its region, and whether it does from now on.
pub(crate) fn writes(landing: &Landing) -> Option<(String, bool)> {
    let step = landing.step()?;
    let back = landing.call.op == Op::Undo;
    let so = match step.acts_as {
        ActsAs::Promotes => !back,
        ActsAs::Fences => back,
        ActsAs::Routes | ActsAs::Verifies | ActsAs::Other => return None,
    };
    (landing.mode == Mode::Live).then(|| (step.acts_in.to_string(), so))
}
