//! `redis_promote`: a replica becomes the primary.
//!
//! Its mark is the key `wk:token`: a replica has its primary's, takes it along, and refuses to set it before it is a
//! primary; so the key is watched, the promotion is one transaction on it, and it is set afterwards. It must never
//! change anything beside that key.

use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{Value, pipe};

use super::came::Came;
use super::keys::Keys;
use super::mark::{Weighed, not_ours, weigh};
use super::{Act, Asked};
use crate::config::probe::{Redis as Wiring, RedisCheck};
use crate::core::plan::{Op, Reply};
use crate::probe::redis::{ask, dial, info, said, text};
use crate::probe::trust::Trust;
use crate::probe::wire::beside;
use crate::probe::{Seen, Why};

const MARK: &str = "wk:token";

pub(crate) struct Promote {
    wiring: Wiring,
    trust: Trust,
}

impl Promote {
    pub(crate) fn new(keys: &Keys<'_>) -> Result<Promote, String> {
        let wiring = Wiring {
            address: keys.needs("address")?,
            user: None,
            password: keys.secret("password")?,
            check: RedisCheck::Primary,
            tls: false,
            ca: None,
        };
        Ok(Promote { wiring, trust: Trust::new(None, None) })
    }

    async fn over(&self, asked: &Asked<'_>, seen: &mut Seen<'_>) -> Result<Came, Why> {
        let info = info(&self.wiring)?;
        let wire = dial(&self.wiring, &self.trust, seen).await?;
        let opened = MultiplexedConnection::new(&info, wire).await;
        let (mut on, driver) = opened.map_err(|error| said(&error))?;
        let mut driver = Some(Box::pin(driver));
        beside(&mut driver, async {
            let primary = is_primary(&mut on).await?;
            match (asked.call.op, primary) {
                (Op::Do, false) => promote(asked, &mut on).await,
                (Op::Do | Op::Observe, true) => raise(asked, &mut on).await,
                (Op::Observe | Op::Verify, false) => Ok(Came::not_done("it is a replica")),
                // A write that is acknowledged, and no other than our own key.
                (Op::Verify, true) => {
                    let came = raise(asked, &mut on).await?;
                    let taken = matches!(came.reply, Reply::Done);
                    Ok(if taken { came } else { Came { reply: Reply::NotDone, ..came } })
                }
                (Op::Undo, _) => Ok(Came::refused("a promotion cannot be taken back")),
            }
        })
        .await
    }
}

async fn is_primary(on: &mut MultiplexedConnection) -> Result<bool, Why> {
    let Value::Array(parts) = ask(on, &["ROLE"]).await? else {
        return Err(no_role());
    };
    let role = text(parts.into_iter().next().ok_or_else(no_role)?)?;
    match role.as_str() {
        "master" => Ok(true),
        "slave" => Ok(false),
        _ => Err(no_role()),
    }
}

fn no_role() -> Why {
    Why::Failed(crate::core::health::Failure::BadAnswer, "it does not say what its role is".to_owned())
}

/// The mark, watched from now on.
async fn watch(asked: &Asked<'_>, on: &mut MultiplexedConnection) -> Result<Result<(), Came>, Why> {
    ask(on, &["WATCH", MARK]).await?;
    let found = match ask(on, &["GET", MARK]).await? {
        Value::Nil => None,
        found => Some(text(found)?),
    };
    Ok(match weigh(found.as_deref(), asked.call.token) {
        Ok(Weighed::Older | Weighed::Ours) => Ok(()),
        Ok(Weighed::NotOurs(mark)) => Err(not_ours(mark, asked.call.op)),
        Err(came) => Err(came),
    })
}

async fn promote(asked: &Asked<'_>, on: &mut MultiplexedConnection) -> Result<Came, Why> {
    if let Err(came) = watch(asked, on).await? {
        return Ok(came);
    }
    asked.gate.arm();
    let mut transaction = pipe();
    transaction.atomic().cmd("REPLICAOF").arg("NO").arg("ONE");
    match transaction.query_async::<Value>(on).await {
        // What was watched has changed, so nothing was done.
        Ok(Value::Nil) => return Ok(Came::transient("its token changed in between")),
        Ok(_) => {}
        Err(error) => {
            return Ok(
                answered(&error).unwrap_or_else(|| Came::from_why(said(&error), asked.gate, asked.call.op))
            );
        }
    }
    // Promoted without a mark is not what was asked for: a look raises it.
    match ask(on, &["SET", MARK, &asked.call.token.to_string()]).await {
        Ok(_) => Ok(Came::done()),
        Err(Why::Failed(_, detail) | Why::Blind(_, detail)) => {
            Ok(Came::unknown(format!("it is promoted, and does not take its token: {detail}")))
        }
    }
}

/// The mark of a primary becomes ours, unless it is newer.
async fn raise(asked: &Asked<'_>, on: &mut MultiplexedConnection) -> Result<Came, Why> {
    if let Err(came) = watch(asked, on).await? {
        return Ok(came);
    }
    asked.gate.arm();
    let mut transaction = pipe();
    transaction.atomic().cmd("SET").arg(MARK).arg(asked.call.token.to_string());
    match transaction.query_async::<Value>(on).await {
        Ok(Value::Nil) => Ok(match asked.call.op {
            Op::Do | Op::Undo => Came::transient("its token changed in between"),
            Op::Observe | Op::Verify => Came::unknown("its token changed in between"),
        }),
        Ok(_) => Ok(Came::done()),
        Err(error) => Ok(match (asked.call.op, answered(&error)) {
            (Op::Do | Op::Undo, Some(came)) => came,
            (_, Some(came)) => Came::unknown(came.detail),
            (op, None) => Came::from_why(said(&error), asked.gate, op),
        }),
    }
}

/// What the server itself answered: it did not do it. None: it is not known whether it heard.
fn answered(error: &redis::RedisError) -> Option<Came> {
    error.code()?;
    let (Why::Failed(_, detail) | Why::Blind(_, detail)) = said(error);
    Some(match error.code() {
        Some("NOPERM" | "NOAUTH" | "WRONGPASS") => Came::refused(detail),
        Some("NOREPLICAS" | "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN") => Came::transient(detail),
        Some("EXECABORT") => Came::refused(detail),
        _ => Came::unknown(detail),
    })
}

impl Act for Promote {
    fn act<'a>(&'a self, asked: &'a Asked<'a>) -> BoxFuture<'a, Came> {
        Box::pin(async move {
            let mut seen = asked.seen(&[]);
            match self.over(asked, &mut seen).await {
                Ok(came) if asked.call.op == Op::Observe => came.observed(asked.call.undoing),
                Ok(came) => came,
                Err(why) => Came::from_why(why, asked.gate, asked.call.op),
            }
        })
    }
}
