//! `postgres_fence`: the old primary takes no more writes. It runs at the observer of the region that it fences, on the
//! server's own machine.
//!
//! `stop` ends the server; `reject` lets nobody log in any more and ends every session. Either is only done when it was
//! read back: no process of the server, or no session, and a new session as the application's role that fails. It must
//! never take a wrong password, or a network that is down, for a fence.

use std::process::Stdio;

use futures::future::BoxFuture;
use rustix::process::Signal;
use tokio::process::Command;

use super::came::Came;
use super::keys::Keys;
use super::postmaster::{Postmaster, Wrong};
use super::{Act, Asked};
use crate::config::secret::Secret;
use crate::core::health::{Blindness, Failure};
use crate::core::plan::{Op, Reply};
use crate::core::time::Span;
use crate::probe::postgres::{flag, open};
use crate::probe::trust::Trust;
use crate::probe::{Seen, Why, duration};

const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// Between two looks at whether it is so by now.
const PAUSE: Span = Span::millis(50);
/// Who knocks is turned away sooner than this.
const KNOCKING: Span = Span::millis(500);

enum How {
    /// By its data directory.
    Stop(Postmaster),
    /// By its unit, which also keeps it from being started again.
    Unit(String, Option<Postmaster>),
    Reject(Postmaster),
}

pub(crate) struct Fence {
    dsn: Secret,
    trust: Trust,
    how: How,
}

impl Fence {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Fence, String> {
        let dsn = keys.secret("dsn")?.ok_or("`dsn` is missing")?;
        let at = keys.text("data_dir")?.map(|dir| Postmaster::new(&dir)).transpose()?;
        let how = match (keys.text("how")?.as_deref(), at, keys.text("unit")?) {
            (Some("stop"), at, Some(unit)) => How::Unit(unit, at),
            (Some("stop"), Some(at), None) => How::Stop(at),
            (Some("stop"), None, None) => return Err("how = \"stop\" needs `data_dir` or `unit`".to_owned()),
            (None | Some("reject"), Some(at), _) => How::Reject(at),
            (None | Some("reject"), None, _) => return Err("how = \"reject\" needs `data_dir`".to_owned()),
            (Some(other), _, _) => return Err(format!("`how` is `{other}`: write stop or reject")),
        };
        Ok(Fence { dsn, trust: Trust::new(None, None), how })
    }

    /// Whether a new session as the application's role can write: done if it is certain that it cannot.
    async fn read_back(&self, seen: &mut Seen<'_>) -> Came {
        let rejected = |detail: &str| detail.contains("pg_hba.conf rejects connection");
        let tried = async {
            let mut session = open(&self.dsn, &self.trust, false, seen).await?;
            let rows =
                session.ask("SELECT pg_is_in_recovery() AS standby").await.map_err(|wrong| wrong.why)?;
            if let Some(row) = rows.first()
                && flag(row, "standby")?
            {
                return Ok(false);
            }
            let wrote =
                session.ask("SELECT pg_logical_emit_message(true, 'watchkeeper', 'fence') AS at").await;
            wrote.map_err(|wrong| wrong.why)?;
            session.leave();
            Ok(true)
        };
        match (tried.await, &self.how) {
            (Ok(true), _) => Came::not_done("it takes writes"),
            (Ok(false), _) => Came::not_done("it is a standby that lets us in: it is not fenced"),
            (Err(Why::Failed(Failure::Refused, _)), How::Stop(_) | How::Unit(..)) => Came::done(),
            (Err(Why::Blind(Blindness::Secret, detail)), How::Reject(_)) if rejected(&detail) => Came::done(),
            // It is starting or stopping, we are not known, the network is down: nobody can say.
            (Err(Why::Failed(_, detail) | Why::Blind(_, detail)), _) => Came::unknown(detail),
        }
    }

    /// What this machine itself shows.
    fn here(&self) -> Result<Came, String> {
        let at = match &self.how {
            How::Stop(at) | How::Reject(at) | How::Unit(_, Some(at)) => at,
            How::Unit(_, None) => return Ok(Came::done()),
        };
        at.is_there()?;
        if let How::Reject(at) = &self.how {
            let shut = at.is_shut()?;
            return Ok(if shut { Came::done() } else { Came::not_done("pg_hba.conf lets them in") });
        }
        let left = at.processes()?.len();
        Ok(if left == 0 { Came::done() } else { Came::not_done(format!("{left} of its processes run")) })
    }

    async fn look(&self, asked: &Asked<'_>) -> Came {
        match self.here() {
            Err(wrong) => Came::unknown(wrong),
            Ok(came) if came.reply != Reply::Done => came,
            Ok(_) => {
                let mut seen = asked.seen(&[]);
                let came = self.read_back(&mut seen).await;
                match (&self.how, came.reply) {
                    (How::Reject(at), Reply::Done) => Fence::alone(at, asked).await,
                    _ => came,
                }
            }
        }
    }

    /// Whether nobody is left who was let in before. New rules are in force by now, so whoever knocks from here on is
    /// turned away; who knocked before is waited for.
    async fn alone(at: &Postmaster, asked: &Asked<'_>) -> Came {
        let began = asked.now();
        let mut first = None;
        loop {
            let now = match at.clients() {
                Ok(now) => now,
                Err(wrong) => return Came::unknown(wrong),
            };
            let first = first.get_or_insert_with(|| now.clone());
            let left: Vec<_> = now
                .iter()
                .filter(|one| !one.knocks || first.iter().any(|then| then.pid == one.pid))
                .collect();
            if left.is_empty() {
                return Came::done();
            }
            if left.iter().any(|one| !one.knocks) || asked.now() - began > KNOCKING {
                return Came::not_done(format!("{} sessions go on", left.len()));
            }
            tokio::time::sleep(duration(PAUSE)).await;
        }
    }

    /// Does it, and goes on until it is read back.
    async fn fence(&self, asked: &Asked<'_>) -> Result<Came, Wrong> {
        let began = asked.now();
        // Firm words come within the right to act, too.
        let whole = asked.left().min(asked.may());
        match &self.how {
            How::Unit(unit, _) => systemctl(asked, "stop", unit).await?,
            How::Stop(at) => {
                at.is_there().map_err(Wrong::Ours)?;
                at.signal(asked.gate, Signal::INT)?;
            }
            How::Reject(at) => {
                at.is_there().map_err(Wrong::Ours)?;
                at.shut(asked.gate, true)?;
                if !at.signal(asked.gate, Signal::HUP)? {
                    return Err(Wrong::Ours(
                        "no server runs in that directory: write how = \"stop\"".to_owned(),
                    ));
                }
            }
        }
        loop {
            // Asked for politely, then firmly; one that stands still hears only the last.
            let gone = (asked.now() - began).as_micros() * 10 / whole.as_micros().max(1);
            match &self.how {
                How::Stop(at) if gone >= 6 => at.signal_all(asked.gate, Signal::KILL)?,
                How::Stop(at) if gone >= 3 => drop(at.signal(asked.gate, Signal::QUIT)?),
                How::Reject(at) => drop(at.end_clients(asked.gate)?),
                How::Stop(_) | How::Unit(..) => {}
            }
            let came = self.look(asked).await;
            if came.reply == Reply::Done {
                return Ok(came);
            }
            // So that the answer still counts: it was begun, so what is not so yet may still become so.
            if asked.left() <= PAUSE.times(6) {
                return Ok(Came::unknown(came.detail));
            }
            tokio::time::sleep(duration(PAUSE)).await;
        }
    }

    async fn undo(&self, asked: &Asked<'_>) -> Result<Came, Wrong> {
        match &self.how {
            How::Stop(_) => Ok(Came::refused("what was stopped by its directory must be started by you")),
            How::Unit(unit, _) => {
                systemctl(asked, "start", unit).await?;
                Ok(Came::done())
            }
            How::Reject(at) => {
                at.shut(asked.gate, false)?;
                at.signal(asked.gate, Signal::HUP)?;
                Ok(Came::done())
            }
        }
    }
}

async fn systemctl(asked: &Asked<'_>, verb: &str, unit: &str) -> Result<(), Wrong> {
    let mut command = Command::new(SYSTEMCTL);
    command.args([verb, "--", unit]).env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    asked.gate.hand_over().map_err(|_| Wrong::Late)?;
    let out = command.output().await;
    let out = out.map_err(|error| Wrong::Ours(format!("{SYSTEMCTL} cannot be run: {error}")))?;
    if out.status.success() {
        return Ok(());
    }
    let said: String =
        String::from_utf8_lossy(&out.stderr).chars().filter(|c| !c.is_control()).take(200).collect();
    Err(Wrong::Ours(format!("systemctl {verb} {unit} ends with {}: {said}", out.status)))
}

impl Act for Fence {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            let op = asked.call.op;
            let done = match op {
                Op::Do => self.fence(asked).await,
                Op::Undo => self.undo(asked).await,
                Op::Observe | Op::Verify => Ok(self.look(asked).await.observed(asked.call.undoing)),
            };
            match done {
                Ok(came) => came,
                Err(Wrong::Late) if !asked.gate.handed() => {
                    Came::not_handed(op, "it is too late to hand this over")
                }
                Err(Wrong::Late) => Came::unknown("its time was over in the middle"),
                Err(Wrong::Ours(detail)) if asked.gate.handed() => Came::unknown(detail),
                Err(Wrong::Ours(detail)) => Came::refused(detail),
            }
        })
    }
}
